#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# soak.sh [PART...] - what takes an hour: 200 fault rounds (fault), fuzzing (fuzz), the bench (bench). By default all.
#
# The result, with date, commit and the processor time of each part, goes to tests/soak-result.txt; parts that did not run keep
# what is said of them there. CSRELAY_ROUNDS (200), FUZZ_SECONDS (600, for each of the three targets of the wire; the others get a
# fifth of it) and BENCH_ARGS (options of bench.py, such as --quick) make it shorter or longer.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
result=$top/tests/soak-result.txt
log=$top/build/soak
parts=("$@")
[ $# -gt 0 ] || parts=(fault fuzz bench)
mkdir -p "$log"
export CSRELAY_ROUNDS=${CSRELAY_ROUNDS:-200} FUZZ_SECONDS=${FUZZ_SECONDS:-600}
bad=0

run() {
	case $1 in
	fault) CSRELAY_STAGES=fault tests/run.sh ;;
	fuzz) FUZZ_SECONDS=$((FUZZ_SECONDS / 5)) tests/fuzz/fuzz.sh lead manifest && tests/fuzz/fuzz.sh wire runner remote ;;
	bench) # shellcheck disable=SC2086
		tests/bench/bench.sh ${BENCH_ARGS:-} ;;
	*) echo "soak.sh: no part $1: fault, fuzz or bench" >&2; false ;;
	esac
}

title() {
	case $1 in
	fault) echo "$CSRELAY_ROUNDS fault rounds" ;;
	fuzz) echo "fuzzing, $FUZZ_SECONDS s for each target of the wire" ;;
	*) echo "$1" ;;
	esac
}

# What is worth keeping of a part's output.
essence() {
	case $1 in
	fault) grep -hE '[0-9] (passed|failed)' "$log/fault.log" | tail -1 ;;
	fuzz) grep -h '^fuzzed ' "$log/fuzz.log" ;;
	bench) sed -n '/^key /,$p' "$log/bench.log" ;;
	esac
}

for part in "${parts[@]}"; do
	verdict=passed since=$SECONDS
	echo "== $(title "$part")"
	TIMEFORMAT='%U %S'
	cpu=$( { time run "$part" >"$log/$part.log" 2>&1; } 2>&1) || { verdict=FAILED; bad=1; tail -40 "$log/$part.log"; }
	{
		echo "== $part: $(title "$part"): $verdict"
		echo "$(git describe --always --dirty 2>/dev/null || echo "a release"), $(date -u +%Y-%m-%dT%H:%M:%SZ), $((SECONDS - since)) s," \
			"$(awk '{ printf "%d", $1 + $2 }' <<<"$cpu") s of processor time; $(uname -sr), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
		essence "$part"
	} >"$log/$part.result"
	cat "$log/$part.result"
done
for part in fault fuzz bench; do
	if [[ " ${parts[*]} " == *" $part "* ]]; then
		cat "$log/$part.result"
	elif [ -f "$result" ]; then
		sed -n "/^== $part:/,/^== /{/^== /{/^== $part:/!d};p}" "$result"
	fi
done >"$result.new"
mv "$result.new" "$result"
exit $bad
