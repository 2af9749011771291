#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# soak.sh - what takes hours: 200 fault rounds, long fuzzing, the bench. The result, with date and commit, goes to tests/soak-result.txt.
#
# CSRELAY_ROUNDS (200), FUZZ_SECONDS (1800, for each target) and BENCH_ARGS (options of bench.py, such as --quick) make it shorter.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
result=$top/tests/soak-result.txt
log=$top/build/soak
mkdir -p "$log"
export CSRELAY_ROUNDS=${CSRELAY_ROUNDS:-200} FUZZ_SECONDS=${FUZZ_SECONDS:-1800}
bad=0

part() { # title, log name, command...
	local title=$1 name=$2 since=$SECONDS verdict=passed; shift 2
	echo "== $title"
	"$@" >"$log/$name.log" 2>&1 || { verdict=FAILED; bad=1; tail -40 "$log/$name.log"; }
	printf '%s: %s (%d s)\n' "$title" "$verdict" $((SECONDS - since)) | tee -a "$result.new"
}

{
	echo "soak of $(git describe --always --dirty 2>/dev/null || echo "a release"), $(date -u +%Y-%m-%dT%H:%M:%SZ)"
	echo "$(uname -sr), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
} >"$result.new"
part "$CSRELAY_ROUNDS fault rounds" fault env CSRELAY_STAGES=fault tests/run.sh
part "fuzzing, $FUZZ_SECONDS s for each target" fuzz tests/fuzz/fuzz.sh
# shellcheck disable=SC2086
part "bench" bench tests/bench/bench.sh ${BENCH_ARGS:-}
{
	grep -hE 'passed|failed' "$log/fault.log" | tail -2
	grep -h '^fuzzed ' "$log/fuzz.log"
	sed -n '/^key /,$p' "$log/bench.log"
} >>"$result.new"
mv "$result.new" "$result"
cat "$result"
exit $bad
