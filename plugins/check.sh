#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh MANIFEST - one plugin against its conversations, and nothing exported but the entry.
#
# CSRELAY_CHECK_CASES names the only cases to try; without it all are, and there is a grade.
set -u
name=$(basename "$1" .json)
so=plugins/v1/$name.so
for case in ${CSRELAY_CHECK_CASES:-all}; do
	if [ "$case" = all ]; then set -- "$so"; else set -- --only "$case" "$so"; fi
	./csrelay-plugin-check "$@" "$srcdir/plugins/$name/conversations" || exit 1
done
exports=$(nm -D --defined-only "$so" | awk '{ print $3 }')
[ "$exports" = cs_plugin_v1_entry ] || { echo "$name.so exports: $exports"; exit 1; }
