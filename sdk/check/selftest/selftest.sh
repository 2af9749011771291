#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The checker must notice each crime, by a rule of its own name. A line: the rule, the case in which it shows, the crime.
set -u
here=$srcdir/sdk/check/selftest
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
ran=0
seen=

fresh() {
	rm -rf "$dir/p" && mkdir "$dir/p" && cp -R "$here/conversations" "$dir/p/" && chmod -R u+w "$dir/p" &&
	cp "sdk/check/selftest/.libs/${1:-bad}.so" "$dir/p/bad.so" && cp "$here/bad.json" "$dir/p/bad.json" || exit 1
}
check() { ./csrelay-plugin-check "$@" "$dir/p/bad.so" >"$dir/out" 2>&1; }
wrong() { echo "$*; the checker said:"; cat "$dir/out"; failed=1; }

expect() { # rule, crime, exit status, case (empty: all)
	check ${4:+--only "$4"}
	rc=$?
	ran=$((ran + 1))
	seen="$seen $1"
	[ $rc -eq "$3" ] || wrong "$2: expected exit status $3, got $rc"
	grep -q "^[BCDF] $1: " "$dir/out" || wrong "$2: expected the finding $1"
}
crime() { # rule, case, crime
	fresh
	sed -i "s/\"default\": \"none\"/\"default\": \"$3\"/" "$dir/p/bad.json"
	expect "$1" "$3" 1 "$2"
}

fresh
check || wrong "a good plugin gets grade A"
grep -q 'grade A' "$dir/out" || wrong "a good plugin gets grade A"

while read -r rule case crime; do
	[ -z "$rule" ] || crime "$rule" "$case" "$crime"
done <<'CRIMES'
dies-in-map as-scripted segfault in map
dies-in-push as-scripted segfault
dies-between-requests as-scripted segfault between requests
dies-in-hook as-scripted segfault in hook
aborts as-scripted abort
hangs as-scripted endless loop
overflows-stack as-scripted endless recursion
overflows-stack as-scripted large frame
leaks as-scripted leak
takes-all-memory as-scripted leak without end
exits as-scripted exit
prints as-scripted print
writes-to-socket as-scripted garbage on the socket
writes-to-socket as-scripted close the socket
forks as-scripted fork
forks as-scripted thread
executes as-scripted exec
opens-socket as-scripted socket
opens-file as-scripted open
kills as-scripted kill
traces as-scripted ptrace
forbidden-call as-scripted mount
late-call as-scripted calling back after return
foreign-marker as-scripted marker of another call
shared-state interleaved-first static state
shared-state interleaved-second static state
map-reaches-out as-scripted map asks the time
map-result as-scripted map makes nothing
map-differs map-twice map counts
broken-result as-scripted map emits no JSON
undeclared-step as-scripted undeclared step
undeclared-mutation as-scripted undeclared mutation
undeclared-limit as-scripted undeclared limit
odd-look-up as-scripted odd look-up
undeclared-host as-scripted foreign host
undeclared-host as-scripted foreign host by path
odd-method as-scripted odd method
broken-url as-scripted url not encoded
struct-size as-scripted no struct_size
broken-header as-scripted header with line feed
broken-header as-scripted header of the core
broken-body as-scripted broken body
endless-requests as-scripted endless requests
hook-mutates as-scripted hook mutates
undeclared-setting as-scripted undeclared setting
undeclared-fact as-scripted undeclared fact
undeclared-secret as-scripted undeclared secret
odd-receipt as-scripted undeclared receipt
odd-receipt as-scripted empty receipt
doubt-ignored as-scripted doubt ignored
created-twice as-scripted sent at once again
created-twice again-after-500 receipts ignored
blind-create 200-error-object blind create
blind-create cut blind create
refusal-swallowed status-422 refusal swallowed
doubt-swallowed timeout-after-send doubt swallowed
unknown-outcome as-scripted no outcome
personal-text status-400 personal text
personal-log as-scripted personal log
broken-event as-scripted broken event
event-identity hook-replayed changing identity
CRIMES

for what in opens-file:bad_opens opens-socket:bad_connects dies-at-load:bad_crashes; do
	fresh "${what#*:}"
	expect "${what%:*}" "${what#*:}" 1 ""
done

# the plugins that the system tests run beside healthy ones; each does its one bad thing when a lead says so
poison() { # rule, plugin
	rm -rf "$dir/p" && mkdir -p "$dir/p/conversations" && cp "tests/plugins/v1/$2.so" "tests/plugins/v1/$2.json" "$dir/p/" || exit 1
	printf '{"lead": {"service_request": {"issue_description": "poison"}}, "calls": [%s, %s]}\n' \
		'{"expect": {"method": "GET"}, "answer": {"status": 200, "json": {}}}' \
		'{"expect": {"method": "POST"}, "answer": {"status": 201, "json": {}}}' >"$dir/p/conversations/poison.json"
	sed 's/poison/good/' "$dir/p/conversations/poison.json" >"$dir/p/conversations/good.json"
	./csrelay-plugin-check --only as-scripted "$dir/p/$2.so" >"$dir/out" 2>&1
	ran=$((ran + 1))
	if [ -z "$1" ]; then
		! grep -q '^[CDF] ' "$dir/out" || wrong "$2: nothing is wrong with it"
	else
		grep -q "^[BCDF] $1: " "$dir/out" || wrong "$2: expected the finding $1"
	fi
}
if [ -f "$srcdir/tests/plugins/poison.c" ]; then
	for what in dies-in-map:segv_map dies-in-push:segv_push dies-between-requests:segv_between dies-between-requests:segv_last \
		aborts:abort_push exits:exit_push hangs:loop_push overflows-stack:recurse_push :big_frame takes-all-memory:leak_push \
		forks:fork_push executes:exec_push opens-socket:socket_push opens-file:open_push kills:kill_push traces:ptrace_push \
		writes-to-socket:garbage_push writes-to-socket:close_wire unknown-outcome:odd_outcome late-call:late_call \
		undeclared-host:other_host broken-header:crlf_header foreign-marker:stolen_marker opens-file:ctor_key \
		dies-at-load:ctor_segv; do
		poison "${what%:*}" "${what#*:}"
	done
fi

# what is wrong with the files beside it
fresh && sed -i 's/0.1.0/0.2.0/' "$dir/p/bad.json" && expect load "another version" 1 ""
fresh && sed -i 's/"hmac-sha256"/"sha256-prefix"/' "$dir/p/bad.json" && expect forged-hook "a signature without its secret" 1 hook-forged
fresh && rm "$dir/p/conversations/paid.json" && expect untried-duty "no hook is tried" 3 ""
fresh && rm "$dir/p/conversations/doubt_found.json" && expect untried-doubt "doubt is never settled" 3 ""
fresh && echo '{"calls": {}}' >"$dir/p/conversations/odd.json" && expect script-unreadable "calls are no list" 1 ""
fresh && echo '{' >"$dir/p/conversations/odd.json" && expect script-unreadable "cut" 1 ""
fresh && echo '{"settings": {"crime": 7}}' >"$dir/p/conversations/odd.json" && expect script-unreadable "a wrong setting" 1 as-scripted

# scripts that the plugin does not keep
ok='"answer": {"status": 200, "json": {"people": [{"id": "p1"}]}}'
note='{"expect": {}, "answer": {"status": 200, "json": {}}}'
one='"calls": [{"expect": {}, '$ok'}, '$note']'
while read -r script; do
	fresh && printf '{%s}\n' "$script" >"$dir/p/conversations/new.json" && expect script "$script" 1 as-scripted
done <<SCRIPTS
"calls": [{"expect": {"method": "POST"}, $ok}, $note]
"calls": [{"expect": {"path": "/persons"}, $ok}, $note]
"calls": [{"expect": {"step": "send"}, $ok}, $note]
"calls": [{"expect": {"looks_for": "send"}, $ok}, $note]
"calls": [{"expect": {"headers": {"x-a": "2"}}, $ok}, $note]
"calls": [{"expect": {}, "answer": {"status": 200, "json": {"people": []}}}, {"expect": {"json": {"event": "x"}}, "answer": {"status": 201, "json": {"id": "p1"}}}, $note]
"calls": [{"expect": {}, $ok}, $note, $note]
"calls": []
$one, "outcome": "retry"
$one, "warnings": "a remark"
$one, "reason": "words"
$one, "receipts_after": {"send": "p2"}
$one, "records": [{"type": "x"}]
$one, "events": [{"event": "x"}]
$one, "facts_after": {"x": "1"}
$one, "retry_after_ms": 7
$one, "document": {"event": "other"}
SCRIPTS

# how it is called
fresh
check --only nothing; [ $? -eq 2 ] || wrong "an unknown case is said"
./csrelay-plugin-check "$dir/p/none.so" >"$dir/out" 2>&1; [ $? -eq 2 ] || wrong "a missing plugin is said"
./csrelay-plugin-check >"$dir/out" 2>&1; [ $? -eq 2 ] || wrong "no argument is a wrong call"
check --json
/usr/bin/python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["grade"] == "A" and not d["findings"] and d["not_run"] == 0 and all(c["result"] == "passed" for c in d["cases"])' "$dir/out" ||
	wrong "the JSON report says the same"

# every rule has its crime
for rule in $(./csrelay-plugin-check --list | sed -n 's/^  [BCDF] \([a-z-]*\) .*/\1/p'); do
	case " $seen " in *" $rule "*) ;; *) echo "no crime tries the rule $rule"; failed=1 ;; esac
done
"$srcdir/sdk/check/update-man.sh" "$srcdir/sdk/check/csrelay-plugin-check.1" --check || failed=1
echo "$ran crimes tried"
exit $failed
