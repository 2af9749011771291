#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner has the installed sdk and a compiler: everything that it promises builds, and gets grade A.
set -u
. "$srcdir/tests/sdk/install.sh"
failed=0
flags="-O1 -g -Wall -Wextra -Werror"
say() { echo "$*"; failed=1; }

graded() { # folder, name: make check there, warnings are errors, one symbol is exported
	(cd "$1" && make CFLAGS="$flags" check) >"$dest/log" 2>&1 && grep -q "^$2: grade A" "$dest/log" || { say "$2 does not get grade A:"; tail -30 "$dest/log"; }
	exports=$(nm -D --defined-only "$1/$2.so" 2>/dev/null | awk '{ print $3 }')
	[ "$exports" = cs_plugin_v1_entry ] || say "$2.so exports: $exports"
}

# what a Makefile asks for
for variable in plugindir sdkdir helpersdir schemadir skeletondir examplesdir symfile makefile checker abi_version; do
	value=$($PKG_CONFIG --variable=$variable csrelay-sdk)
	case $variable in
	abi_version) [ "$value" = 1.0 ] || say "abi_version is \"$value\"" ;;
	plugindir) [ -d "$value" ] || [ -d "$dest$value" ] || say "plugindir: no folder $value" ;;
	*) [ -e "$value" ] || say "$variable: nothing at $value" ;;
	esac
done
for page in man3/cs-plugin.3 man5/cs-plugin-manifest.5 man1/csrelay-plugin-check.1 man1/csrelay-plugin-new.1; do
	[ -s "$prefix/share/man/$page" ] || say "no manual page $page"
done

# the examples, from a copy
cp -R "$($PKG_CONFIG --variable=examplesdir csrelay-sdk)" "$dest/examples" && chmod -R u+w "$dest/examples"
for example in minimal rest graphql paperdesk; do
	graded "$dest/examples/$example" $example
done
[ "$(ls "$dest/examples" | wc -l)" -eq 4 ] || say "an example is not tried"

# the example that cs-plugin(3) opens with, as it stands there
mkdir -p "$dest/page/conversations"
for file in minimal.c minimal.json Makefile a_lead_is_posted.json; do
	case $file in a_lead*) to=conversations/$file ;; *) to=$file ;; esac
	sed -n "/^\.\\\\\" $file begin/,/^\.\\\\\" $file end/p" "$prefix/share/man/man3/cs-plugin.3" |
		sed -e '/^\.\\"/d' -e 's/^\\&//' -e 's/\\e/\\/g' >"$dest/page/$to"
	[ -s "$dest/page/$to" ] || say "the page has no $file"
done
graded "$dest/page" minimal

# the skeleton
new=$prefix/bin/csrelay-plugin-new
(cd "$dest" && "$new" my_crm >"$dest/new.log") || say "csrelay-plugin-new fails"
graded "$dest/my_crm" my_crm
if grep -rn '@[A-Za-z-]*@' "$dest/my_crm" --include='*.[ch8]' --include='*.json' --include='*.md' --include='*.conf' --include=Makefile; then
	say "the skeleton was not filled in"
fi
[ -f "$dest/my_crm/csrelay-plugin-my-crm.8" ] && grep -q 'My Crm' "$dest/my_crm/README.md" || say "names in the skeleton"
(cd "$dest/my_crm" && make DESTDIR="$dest/image" install >"$dest/log" 2>&1) || say "make install fails"
[ -f "$dest/image$($PKG_CONFIG --variable=plugindir csrelay-sdk)/my_crm.so" ] || say "make install installs nothing"
(cd "$dest/my_crm" && make clean >/dev/null && ! ls ./*.o ./*.so 2>/dev/null) || say "make clean leaves something"

refused() { # exit status, words, arguments
	status=$1 words=$2
	shift 2
	(cd "$dest" && "$new" "$@") >"$dest/log" 2>&1
	[ $? -eq "$status" ] && grep -q "$words" "$dest/log" || { say "csrelay-plugin-new $*: expected status $status and \"$words\":"; cat "$dest/log"; }
}
refused 1 'my_crm is there already' my_crm
refused 2 'made of a-z, 0-9 and _' My-CRM
refused 2 'made of a-z, 0-9 and _' ../x
refused 2 'begins with a letter' 7up
refused 2 'begins with a letter' ''
refused 2 'at most 64' "$(printf 'a%.0s' $(seq 65))"
refused 2 'usage' a b c
refused 2 'usage'
exit $failed
