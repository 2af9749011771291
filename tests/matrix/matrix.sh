#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# matrix.sh BUILD [CRM...] - makes both tables anew. A table is replaced also when a cell is wrong, so that it can be seen; the exit
# status says so.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CSRELAY_BUILD=$1 CSRELAY_SOURCE=${here%/tests/matrix}
shift
bad=0
for table in faults shapes; do
	/usr/bin/python3 "$here/$table.py" "$@" >"$here/$table.new" || bad=1
	[ ! -s "$here/$table.new" ] || mv "$here/$table.new" "$here/$table.md"
	grep -n '| \*\*' "$here/$table.md"
done
exit $bad
