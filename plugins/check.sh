#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each plugin against its conversations, and nothing exported but the entry.
set -u
failed=0
for so in plugins/v1/*.so; do
	name=$(basename "$so" .so)
	./csrelay-plugin-check "$so" "$srcdir/plugins/$name/conversations" || failed=1
	exports=$(nm -D --defined-only "$so" | awk '{ print $3 }')
	[ "$exports" = cs_plugin_v1_entry ] || { echo "$name.so exports: $exports"; failed=1; }
done
exit $failed
