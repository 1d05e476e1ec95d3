#!/usr/bin/env bash
# What the README says to those who come from upstream is true: each command and option of its table exists. And each of
# upstream's known faults has the test that tests/upstream-mistakes.md names.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
quoted() { grep -oE '`[^`]+`' <<<"$1" | tr -d '`'; } # CELL: what stands in it between backticks, a line each
exists() { # PROGRAM COMMAND OPTION...: says what there is not
	local program=$1 command=$2 help option
	shift 2
	# An option that is not the program's must not be taken for its default command's.
	"$build/$program" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }' | grep -qxF -e "$command" ||
		{ echo "there is no '$program $command'"; return; }
	help=$("$build/$program" "$command" --help)
	for option; do
		grep -qE -e "(^|[ ,])$option( |\$)" <<<"$help" || echo "$program $command has no $option"
	done
}

table=$(awk '/^### Coming from tonarino/ { on = 1 } /^## / { on = 0 } on && /^\|/' README.md | tail -n +3)
upstream='install redeem show list up fetch down uninstall add-peer rename-peer disable-peer enable-peer add-cidr rename-cidr
	delete-cidr list-cidrs add-association delete-association list-associations set-listen-port override-endpoint
	override-peer-endpoint completions new init serve'
named=$(while IFS='|' read -r _ there _; do quoted "$there"; done <<<"$table" | sed 's/^innernet-server //')
report 'the README has each of its commands' "$(for c in $upstream; do
	grep -qxF -e "$c" <<<"$named" || echo "$c is not in the table"
done)"

while IFS='|' read -r _ there here _; do
	found=
	mapfile -t options < <(quoted "$there" | grep -E '^--')
	mapfile -t commands < <(quoted "$there" | grep -xE '[a-z-]+' | grep -vxE 'innernet|inn' | grep -v '^-')
	mapfile -t ours < <(quoted "$here" | grep -E '^innernet(-reconcile)? ')
	case $here in
	' the same'*)
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
done <<<"$table"

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
