#!/bin/bash
# The benchmark in its smallest size: every row has a figure, so that it cannot rot. How fast it was is nobody's matter here.
here=$(dirname "$0")
n=0
result() { # STATUS DESCRIPTION
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
if [ "$(id -u)" != 0 ]; then
	echo '1..0 # SKIP network namespaces need root'
	exit 0
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
json=$("$here/run" --small --json load grow render change apply push bytes serve idle daemon search 2>"$said")
result $? 'it runs to its end'
[ -n "$json" ] || sed 's/^/# /' "$said"
# Nothing at all is no figure either: without input jq says yes.
json=${json:-null}
has() { jq -e --arg row "$1" '[.figures[] | select(.row == $row and .ours != null)] | length > 0' <<<"$json" >/dev/null; }
for row in load grow render change apply-one apply-none push bytes serve memory join search; do
	has "$row"
	result $? "it has a figure of $row"
done
jq -e '.format_version == 1 and .machine.cores > 0' <<<"$json" >/dev/null
result $? 'it says its format, and the machine'
[ "$(jq -r -f "$here/table.jq" <<<"$json" | wc -l)" -gt 20 ]
result $? 'the table has a line for each'
echo "1..$n"
