#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update-man.sh PAGE [--check] - the lists of cases and rules in csrelay-plugin-check(1), from the tables of ./csrelay-plugin-check
set -eu
page=$1
new=$(mktemp)
lists=$(mktemp)
trap 'rm -f "$new" "$lists"' EXIT

./csrelay-plugin-check --list >"$lists"
escape='s/\\/\\e/g; s/^\./\\\&./'
cases() { sed -n '/^cases/,/^$/s/^  \([^ ]*\)  *\(.*\)$/.It Cm \1\n\2/p' "$lists" | sed "/^\.It/!{$escape;s/$/./}"; }
rules() { sed -n 's/^  \([BCDF]\) \([^ ]*\)  *\(.*\)$/.It Cm \2\n\3 (\1)/p' "$lists" | sed "/^\.It/!{$escape;s/$/./}"; }

{
	sed '/^\.\\" cases begin/q' "$page"
	cases
	sed -n '/^\.\\" cases end/,/^\.\\" rules begin/p' "$page"
	rules
	sed -n '/^\.\\" rules end/,$p' "$page"
} >"$new"
if [ "${2:-}" = --check ]; then
	diff "$page" "$new" >&2 || { echo "$page is not what the tables say: make update-check-man" >&2; exit 1; }
else
	cp "$new" "$page"
fi
