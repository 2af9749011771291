#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [options of bench.py] - a release build in build-bench (across files, no test hooks, no sanitizers), then bench.py.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${CSRELAY_BENCH_BUILD:-$top/build-bench}
mkdir -p "$build"
if [ ! -f "$build/Makefile" ] || [ "$top/configure" -nt "$build/Makefile" ]; then
	[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi)
	(cd "$build" && CFLAGS="-O2 -g" "$top/configure" --enable-lto >configure.log) || { tail -20 "$build/configure.log" >&2; exit 1; }
fi
make -C "$build" -j"$(nproc)" csrelayd csrelay-plugin-host plugins/v1/stamp tests/plugins/v1/stamp tests/bench/load tests/bench/sink tests/bench/bare \
	tests/bench/fill >"$build/make.log" 2>&1 || { grep -E 'error|\*\*\*' "$build/make.log" | head -20 >&2; exit 1; }
exec python3 "$top/tests/bench/bench.py" --build "$build" "$@"
