#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The checker must notice each crime of the plugin `bad`: every line is a service type, a script and the words expected.
set -u
here=$srcdir/sdk/check/selftest
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cp sdk/check/selftest/.libs/bad.so "$here/bad.json" "$dir/" || exit 1
failed=0
ran=0

crime() { # service type, rest of the script, words
	rm -rf "$dir/conversations" && mkdir "$dir/conversations"
	printf '{"lead": {"service_request": {"service_type": "%s"}}%s}\n' "$1" "$2" >"$dir/conversations/crime.json"
	./csrelay-plugin-check "$dir/bad.so" >"$dir/out" 2>&1
	rc=$?
	ran=$((ran + 1))
	if [ -z "$3" ]; then
		[ $rc -eq 0 ] || { echo "$1: expected no fault, got:"; cat "$dir/out"; failed=1; }
	elif [ $rc -ne 1 ] || ! grep -q -F -- "$3" "$dir/out"; then
		echo "$1: expected a fault with '$3', got (exit $rc):"; cat "$dir/out"; failed=1
	fi
}

ok='"answer": {"status": 200, "json": {}}'
one=', "calls": [{"expect": {}, '$ok'}]'
doubt() { printf ', "receipts": {"%s": {"in_doubt": true}}' "$1"; }

crime "nothing wrong" '' ''
crime "undeclared step" "$one" 'the step other, which the manifest does not declare'
crime "undeclared mutation" "$one" 'does not declare as mutating'
crime "doubt without look" "$one$(doubt send)" 'in doubt and was sent again without a look-up'
crime "doubt without look" "$one" ''
crime "mail again" "$one$(doubt mail)" 'in doubt and was sent again'
crime "foreign host" "$one" 'host that the manifest does not allow'
crime "foreign host by path" "$one" 'host that the manifest does not allow'
crime "header with line feed" "$one" 'header 0 is malformed'
crime "static state" ', "calls": [{"expect": {}, '"$ok"'}, {"expect": {"path": "/people/Maria"}, '"$ok"'}]' '(interleaved): call 1: expected'
crime "undeclared receipt" '' 'receipt for the step other'
crime "undeclared secret" '' 'secret password is not declared'
crime "undeclared setting" '' 'the setting other'
crime "no outcome" '' 'which is no outcome'
crime "map asks the time" '' 'map asked for the time'
crime "map emits no JSON" '' 'emitted what is not JSON'
crime "phone in the log" '' "phone number went to the log"
crime "silent" "$one" 'only 0 of 1 requests were made'
crime "silent" ', "outcome": "retry"' 'outcome is done'
crime "silent" ', "warnings": "a remark"' 'warnings: expected'
crime "silent" ', "receipts_after": {"send": "1"}' 'receipts_after differs'
crime "silent" ', "records": [{"type": "x"}]' 'records differs'
crime "silent" ', "document": {"event": "other"}' 'document differs at "/event"'
crime "foreign host" ', "calls": [{"expect": {"method": "POST"}, '"$ok"'}]' 'call 0: expected POST'
echo "$ran crimes tried"
exit $failed
