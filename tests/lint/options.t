#!/usr/bin/env bash
# A misspelled name of an option reads as "not given". So each name that the commands ask for is compared with the
# tables of options, as the completions print them: the file of a command asks for options that this command has, a
# file without one for options of some command of its program.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1

# All calls, also those that go over lines.
asked() { # FILE
	tr '\n' ' ' <"$1" | grep -oE 'option_(value|given|true|number)\([^,()]+,[[:space:]]*"[^"]*"' | sed -E 's/.*"(.*)"/\1/' | sort -u
}
commands() { # FILE: those that are defined there
	sed -nE '/^const struct command /,/^};/s/^    \.name = "(.*)",$/\1/p' "$1"
}
n_asked=0
for program in innernet innernet-reconcile; do
	"$build/$program" completions bash | sed -nE 's/^\t([a-z-]+)\) options="(.*)" ;;$/\1 \2/p' |
		awk '{ for (i = 2; i <= NF; i++) if (sub(/^--/, "", $i)) { sub(/=.*/, "", $i); print $1, $i } }' >"$tmp/options"
	for file in cmd/*.c "cmd/$program"/*.c; do
		commands "$file" | paste -sd ' ' >"$tmp/mine"
		awk -v mine=" $(cat "$tmp/mine") " 'mine ~ /^ *$/ || index(mine, " " $1 " ") { print $2 }' "$tmp/options" |
			sort -u >"$tmp/there"
		asked "$file" >"$tmp/asked"
		n_asked=$((n_asked + $(wc -l <"$tmp/asked")))
		comm -23 "$tmp/asked" "$tmp/there" | sed "s,.*,$file asks for '&',"
	done
done >"$tmp/wrong"
[ "$n_asked" -gt 100 ]
tap $? 'the commands ask for options'
report 'each of them is in a table' "$(cat "$tmp/wrong")"
echo "1..$n"
