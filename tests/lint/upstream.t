#!/usr/bin/env bash
# innernet-upstream(7) is true: each command and option that it names exists. And each of upstream's known faults has the
# test that tests/upstream-mistakes.md names.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
. tests/lint/programs.sh
quoted() { grep -oE '`[^`]+`' <<<"$1" | tr -d '`'; } # CELL: what stands in it between backticks, a line each
# MACRO MDOC: the words after each of that macro in a line of mdoc(7), a line each; punctuation ends them.
words_of() { awk -v macro="$1" '{
	for (i = 1; i <= NF; i++)
		if ($i ~ /^[A-Z][a-z]$/) on = $i == macro
		else if ($i ~ /^[.,:;()]+$/) on = macro == "Fl" && $i == "," && on
		else if (on) print $i
}' <<<"$2"; }

# A row is the line of an .It of COMMANDS, a tab, and the lines below it, joined by tabs.
rows=$(awk '/^\.Sh COMMANDS/ { on = 1; next } /^\.Sh/ { on = 0 } !on { next }
	/^\.(Bl|El)/ { next } /^\.It / { printf "%s%s", n++ ? "\n" : "", substr($0, 5); next } n { printf "\t%s", $0 }
	END { print "" }' man/innernet-upstream.7)
upstream='install redeem show list up fetch down uninstall add-peer rename-peer disable-peer enable-peer add-cidr rename-cidr
	delete-cidr list-cidrs add-association delete-association list-associations set-listen-port override-endpoint
	override-peer-endpoint completions new init serve'
named=$(while IFS=$'\t' read -r there _; do words_of Cm "$there"; done <<<"$rows")
report 'innernet-upstream(7) has each of its commands' "$(for c in $upstream; do
	grep -qxF -e "$c" <<<"$named" || echo "$c is not in the list"
done)"

while IFS=$'\t' read -r there here; do
	found=
	mapfile -t options < <(words_of Fl "$there" | sed 's/^-/--/')
	mapfile -t commands < <(words_of Cm "$there")
	mapfile -t ours < <(tr '\t' '\n' <<<"$here" | grep -E '^\.Ic innernet(-reconcile)? ' | sed -E 's/^\.Ic //; s/ [.,:;]$//')
	case $here in
	'The same'*)
		for c in "${commands[@]}"; do
			found+=$(exists innernet "$c" "${options[@]}")
		done
		[ "${#commands[@]}" != 0 ] || found+=$(exists innernet show "${options[@]}")
		;;
	*) [[ $here == *'the same options'* ]] || options=() ;;
	esac
	for line in "${ours[@]}"; do
		read -r -a words <<<"$line"
		found+=$(exists "${words[@]}" "${options[@]}")
	done
	[ "${#commands[@]}${#options[@]}${#ours[@]}" = 000 ] || report "$there" "$found"
done <<<"$rows"

# ---- its faults

faults=tests/upstream-mistakes.md
rows=$(grep -cE '^\| [^-]' "$faults")
report 'its faults are all there' "$([ "$rows" = 18 ] || echo "$((rows - 1)) of 17")"
while IFS='|' read -r _ _ _ proof _; do
	found=
	[ "$(quoted "$proof" | wc -l)" -ge 2 ] || found='no test is named'
	file=
	while read -r word; do
		case $word in
		tests/*) file=$word && { [ -f "$file" ] || found+="there is no $file"; } ;;
		*) grep -qF -e "$word" "$file" || found+="$file has no '$word'" ;;
		esac
	done < <(quoted "$proof")
	report "$proof" "$found"
done < <(grep -E '^\| [^-]' "$faults" | tail -n +2)
echo "1..$n"
