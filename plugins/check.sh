#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh MANIFEST - one plugin against its conversations, and nothing exported but the entry.
set -u
name=$(basename "$1" .json)
so=plugins/v1/$name.so
./csrelay-plugin-check "$so" "$srcdir/plugins/$name/conversations" || exit 1
exports=$(nm -D --defined-only "$so" | awk '{ print $3 }')
[ "$exports" = cs_plugin_v1_entry ] || { echo "$name.so exports: $exports"; exit 1; }
