#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - the whole suite, as `./bootstrap check` and CI run it.
#
#   build-check  gcc, warnings as errors, test hooks: the programs; each plugin in all cases of the checker; the fault rounds
#   build-san    clang, warnings as errors, address and undefined-behaviour sanitizers: unit, contract and system tests
#   cppcheck     without findings
#
# Every test counts once per build it ran in. Skips are named; one that tests/skips-allowed does not list is a failure.
# CSRELAY_STAGES="plugins fault san system cppcheck" chooses (unit: the unit tests of build-check, too); CSRELAY_ROUNDS makes the fault rounds longer.
set -uo pipefail
cd "$(dirname "$0")/.."
top=$PWD
jobs=$(nproc)
stages=${CSRELAY_STAGES:-plugins fault san system cppcheck}
results=$top/build/results.txt
mkdir -p build
export CK_TIMEOUT_MULTIPLIER=4 # for the limits that tests set themselves: sanitizers and shared machines are slow
: >"$results"
failed_stage=0

# What an earlier check compiled need not be compiled again, in whatever folder it was.
for dir in /usr/lib/ccache /usr/lib64/ccache; do
	[ -d $dir ] && PATH=$dir:$PATH && break
done
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1
export CCACHE_DEPEND=1 # make's dependency files say what a source includes: no second preprocessing of all that is not yet there
export CONFIG_SHELL=/bin/sh # configure and libtool run in it: dash needs half of bash's time

say() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }
wants() { [[ " $stages " == *" $1 "* ]]; }

prepare() { # configure, once for all builds
	[ -x configure ] && [ configure -nt configure.ac ] && [ Makefile.in -nt Makefile.am ] || autoreconf -fi >build/autoreconf.log 2>&1 || { tail -20 build/autoreconf.log; exit 1; }
}

build() { # folder, targets of make, environment and configure arguments; $test_cflags: CFLAGS of what only tests need
	local dir=$1 targets=$2; shift 2
	say "building in $dir"
	mkdir -p "$dir"
	[ -f "$dir/Makefile" ] && [ "$dir/Makefile" -nt configure ] || (cd "$dir" && env "$@" >configure.log 2>&1) || { tail -20 "$dir/configure.log"; exit 1; }
	# shellcheck disable=SC2086
	make -C "$dir" -j"$jobs" all >"$dir/make.log" 2>&1 && make -C "$dir" -j"$jobs" $targets TESTS= ${test_cflags:+CFLAGS="$test_cflags"} >>"$dir/make.log" 2>&1 ||
		{ grep -E 'error|warning|\*\*\*|undefined' "$dir/make.log" | head -30; exit 1; }
}

unit() { # folder, label, TESTS=... or nothing: the programs of `make check`
	say "${3:+some }tests of make check in $1"
	make -C "$1" -j"$jobs" check-TESTS ${3:+"$3"} >"$1/check.log" 2>&1
	find "$1/tests" "$1/plugins" "$1/sdk" -name '*.trs' 2>/dev/null | sort | while read -r trs; do
		name=${trs#"$1"/}; name=${name%.trs}
		verdict=$(sed -n 's/^:test-result: *//p' "$trs" | head -1)
		case $verdict in
		PASS*) echo "pass $2 $name" ;;
		SKIP*) echo "skip $2 $name" ;;
		*) echo "fail $2 $name"; [ -f "${trs%.trs}.log" ] && tail -30 "${trs%.trs}.log" >&2 ;;
		esac
	done >>"$results"
}

py() { # folder, label, files...
	local dir=$1 label=$2; shift 2
	say "$label in $dir"
	export CSRELAY_BUILD="$top/$dir" CSRELAY_SOURCE="$top"
	/usr/bin/python3 -m pytest -q -n $((jobs + 1)) --dist loadfile -o cache_dir="$top/$dir/.pytest-$label" --tb=short --junitxml="$dir/$label.xml" "$@"
	/usr/bin/python3 tests/junit.py "$dir/$label.xml" "$label" >>"$results" || echo "fail $label the-runner-itself" >>"$results"
}

analyse() { # all sources with cppcheck
	say "cppcheck"
	if nice cppcheck -q -j"$jobs" --std=c11 --library=tests/cppcheck.cfg --enable=warning,portability --inline-suppr --suppressions-list=tests/cppcheck-suppressions \
		--error-exitcode=1 -Icore -Isdk/include core plugins sdk/helpers sdk/check 2>build/cppcheck.log; then
		echo "pass analysis cppcheck" >>"$results"
	else
		cat build/cppcheck.log >&2
		echo "fail analysis cppcheck" >>"$results"
	fi
}

trap 'kill $(jobs -p) 2>/dev/null' EXIT
prepare
if wants unit || wants plugins || wants fault; then
	wants unit && targets=check || targets=tests/unit/sandbox/sandboxd
	build build-check "$targets" CC=gcc CFLAGS="-O2 -g1" "$top/configure" --enable-werror --enable-test-hooks
fi
sanitized=
if wants san || wants system; then # meanwhile: what is tested first waits more than it computes
	# The tests themselves are not optimized: instrumented assertions take longer to optimize than they ever run.
	test_cflags="-O0 -g1" build build-san check CC=clang CFLAGS="-O1 -g1" LDFLAGS=-fuse-ld=lld "$top/configure" --enable-werror --enable-test-hooks --with-sanitizer=address,undefined &
	sanitized=$!
fi
wants cppcheck && analyse & # whenever nothing else computes
if wants unit; then unit build-check gcc
elif wants plugins; then unit build-check gcc "TESTS=$(for f in plugins/*/; do f=${f%/}; echo -n "$f/${f#plugins/}.json "; done)"
fi
wants fault && py build-check fault tests/fault
if [ -n "$sanitized" ]; then
	wait "$sanitized" || exit 1
	export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
	# Under sanitizers the cases whose answers are hard on a reader's memory are enough; they take ten times as long there.
	export CSRELAY_CHECK_CASES="as-scripted doubt-settled cut deep other-types without-ids nulls null-rows huge-numbers bad-utf-8 200-null
		lead-quotes lead-long lead-long-characters hook-cut hook-deep hook-huge hook-nulls hook-other-types"
	wants san && unit build-san sanitized
	unset CSRELAY_CHECK_CASES
	wants system && py build-san system tests/system
fi
wait # for cppcheck

say "results"
grep '^fail' "$results"
passed=$(grep -c '^pass' "$results")
failed=$(grep -c '^fail' "$results")
skipped=$(grep -c '^skip' "$results")
while read -r _ label name; do
	if grep -qxF "$name" tests/skips-allowed; then
		echo "skipped, as allowed: $label $name"
	else
		echo "skipped, and tests/skips-allowed does not list it: $label $name"
		failed=$((failed + 1))
	fi
done < <(grep '^skip' "$results")
[ "$passed" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
