#!/usr/bin/env bash
# A misspelled name of an option reads as "not given". So each name that the commands ask for is compared with the
# tables of options, as the completions print them: the file of a command asks for options that this command has, a
# file without one for options of some command of its program. Each key of a peer or a CIDR is an option of the command
# that adds one.
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
	for file in cmd/*.c "cmd/$program"/*.c "cmd/$program"/*/*.c; do
		[ -f "$file" ] || continue
		commands "$file" | paste -sd ' ' >"$tmp/mine"
		awk -v mine=" $(cat "$tmp/mine") " 'mine ~ /^ *$/ || index(mine, " " $1 " ") { print $2 }' "$tmp/options" |
			sort -u >"$tmp/there"
		asked "$file" >"$tmp/asked"
		n_asked=$((n_asked + $(wc -l <"$tmp/asked")))
		comm -23 "$tmp/asked" "$tmp/there" | sed "s,.*,$file asks for '&',"
	done
done >"$tmp/wrong"
ok 'the commands ask for options' [ "$n_asked" -gt 100 ]
report 'each of them is in a table' "$(cat "$tmp/wrong")"

# COMMAND SECTION KEY...: but for these keys
keys_are_options() {
	local command=$1 section=$2
	shift 2
	"$build/innernet" schema | jq -r --arg section "$section" \
		'.properties[$section] | [.. | objects | .properties // empty][0] | keys[]' | tr _ - | sort -u >"$tmp/keys"
	printf '%s\n' "$@" | sort >"$tmp/without"
	"$build/innernet" completions bash | sed -nE "s/^\t$command\) options=\"(.*)\" ;;$/\1/p" | tr ' ' '\n' |
		sed -nE 's/^--([a-z-]+).*/\1/p' | sort -u >"$tmp/there"
	ok "$section have keys" [ -s "$tmp/keys" ]
	ok "$command has options" [ -s "$tmp/there" ]
	report "each key of $section is an option of $command" \
		"$(comm -23 "$tmp/keys" "$tmp/without" | comm -23 - "$tmp/there" | sed "s/.*/$command has no --&/")"
	report "and none of those that are named as none is" "$(comm -12 "$tmp/without" "$tmp/there")"
}
# An invite is drawn. The others are for the root file alone, or say that the peer is not there.
keys_are_options add-peer peers invite routes server disabled
keys_are_options add-cidr cidrs
echo "1..$n"
