#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [TARGET...] - builds the targets (lead, manifest, wire, runner, remote) with clang's fuzzer, address and undefined-behaviour sanitizers in
# build-fuzz, and fuzzes each for FUZZ_SECONDS (60). What was found before stays in build-fuzz/corpus; a crashing input is left in
# build-fuzz/crash-NAME-..., to be made a seed once it is mended.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build-fuzz
seconds=${FUZZ_SECONDS:-60}
targets=("$@")
[ $# -gt 0 ] || targets=(lead manifest wire runner remote)
command -v clang >/dev/null || { echo "fuzz.sh: clang is not installed" >&2; exit 1; }
mkdir -p "$build"
if [ ! -f "$build/Makefile" ] || [ "$top/configure" -nt "$build/Makefile" ]; then
	[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi)
	(cd "$build" && CC=clang CFLAGS="-O1 -g" "$top/configure" --with-sanitizer=fuzzer-no-link,address,undefined >configure.log 2>&1) ||
		{ tail -20 "$build/configure.log" >&2; exit 1; }
fi
libs=(plugin plughost wire http lead log util)
archives=()
for l in "${libs[@]}"; do
	archives+=("core/$l/lib$l.a")
done
make -C "$build" -j"$(nproc)" "${archives[@]}" >"$build/make.log" 2>&1 || { grep -E 'error|\*\*\*' "$build/make.log" | head -20 >&2; exit 1; }
bad=0
for t in "${targets[@]}"; do
	# shellcheck disable=SC2046
	clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I"$build" -I"$top/core" -I"$top/sdk/include" \
		"$top/tests/fuzz/fuzz_$t.c" -Wl,--start-group "${archives[@]/#/$build/}" -Wl,--end-group \
		$(pkg-config --cflags --libs json-c libcurl libcrypto libmicrohttpd) -lm -ldl -lpthread -o "$build/fuzz_$t"
	mkdir -p "$build/corpus/$t"
	if "$build/fuzz_$t" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/crash-$t-" \
		-print_final_stats=1 "$build/corpus/$t" "$top/tests/fuzz/seeds/$t" >"$build/$t.log" 2>&1; then
		echo "fuzzed $t for $seconds s: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$t.log") inputs, nothing found"
	else
		echo "fuzzed $t: FAULT, see $build/$t.log"
		tail -30 "$build/$t.log"
		bad=1
	fi
done
exit $bad
