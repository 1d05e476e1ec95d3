#!/bin/sh
# What `innernet validate` says, word for word: one folder a case, each with its network.yaml, and expected.txt with
# the output and the exit code. UPDATE=1 tests/golden/diag.t writes what is said now: read the difference in git.
. "$(dirname "$0")/../tap.sh"
cd "$top/tests/golden/diag" || exit 1

for case in */; do
	case=${case%/}
	args=
	[ ! -f "$case/args" ] || args=$(cat "$case/args")
	# shellcheck disable=SC2086
	got=$(cd "$case" && "$innernet" validate $args 2>&1; echo "exit code $?")
	if [ -n "${UPDATE:-}" ]; then
		printf '%s\n' "$got" >"$case/expected.txt"
	fi
	if [ "$got" = "$(cat "$case/expected.txt")" ]; then
		tap 0 "$case"
	else
		tap 1 "$case"
		printf '%s\n' "$got" | diff -u "$case/expected.txt" - | sed 's/^/# /'
	fi
done

# Every code of the table is shown by a case, but for the two that only a ledger can cause, and the one that is only
# looked for when it is to be fixed (fix.t).
codes=$(sed -n '/definition_codes\[\]/,/^};/s/^ *{"\([a-z0-9-]*\)",.*/\1/p' "$top/schema/diag_codes.c")
missing=
for code in $codes; do
	case $code in address-reused | invite-spent | spelling) continue ;; esac
	grep -q "\[$code\]: " ./*/expected.txt || missing="$missing $code"
done
unknown=$(sed -n 's/^[a-z]*\[\([a-z0-9-]*\)\]: .*/\1/p' ./*/expected.txt | sort -u | while read -r code; do
	echo "$codes" | grep -qx -e "$code" || printf ' %s' "$code"
done)
if [ -z "$missing" ]; then tap 0 'each code has a case'; else tap 1 "each code has a case, but for$missing"; fi
if [ -z "$unknown" ]; then tap 0 'each code is in the table'; else tap 1 "not in the table:$unknown"; fi
# Each says what to do.
mute=$(awk 'function say() { if (open != "") print open; open = "" }
	FNR == 1 { say() }
	/^(error|warning)\[/ { say(); open = FILENAME ": " $0 }
	/^  help: / || /^... and [0-9]+ more$/ { open = "" }
	END { say() }' ./*/expected.txt)
if [ -z "$mute" ]; then tap 0 'each has a help line'; else tap 1 'each has a help line'; echo "$mute" | sed 's/^/# /'; fi
echo "1..$n"
