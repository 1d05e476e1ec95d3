#!/usr/bin/env bash
# What --help says exists has a section in the man page and is completed, with each of its options.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
n=0
check() { # DESCRIPTION WANTED FOUND: each word wanted is among those found
	local missing word
	n=$((n + 1))
	missing=
	for word in $2; do
		case " $3 " in *" $word "*) ;; *) missing="$missing $word" ;; esac
	done
	if [ -z "$missing" ]; then
		printf 'ok %d - %s\n' "$n" "$1"
	else
		printf 'not ok %d - %s\n#   missing:%s\n' "$n" "$1" "$missing"
	fi
}
help_of() { "$build/$program" "$@" --help; }
options_of() { # [SUBCOMMAND]: its own, without those of every command
	help_of "$@" | awk '/^Options of every/ { on = 0; next } /^Options/ { on = 1; next } /^$/ { on = 0 }
		on && match($0, /--[a-z0-9-]+/) { print substr($0, RSTART, RLENGTH) }'
}
complete_as() { # WORD...: what bash offers for the last of them
	bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); f=_${1//-/_}; "$f"; printf "%s " "${COMPREPLY[@]}"' \
		bash "$build/$program.bash" "$@"
}

for program in innernet innernet-reconcile; do
	case $program in
	innernet) page=man/innernet.1 ;;
	*) page=man/innernet-reconcile.8 ;;
	esac
	commands=$(help_of | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
	everywhere=$(help_of | awk '/^Options/ { on = 1; next } /^$/ { on = 0 } on && match($0, /--[a-z0-9-]+/) { print substr($0, RSTART, RLENGTH) }')
	# In mdoc a subcommand is ".It Cm NAME" or ".Ss NAME", an option "Fl -NAME".
	described=$(sed -nE 's/^\.(It Cm|Ss) ([a-z-]+).*/\2/p' "$page" | tr '\n' ' ')
	flags=$(grep -oE 'Fl -[a-z0-9-]+' "$page" | sed 's/^Fl -/--/' | tr '\n' ' ')
	check "$page has each subcommand of $program" "$commands" "$described"
	check "$page has the options of every command" "$everywhere" "$flags"
	check "$program completes its subcommands" "$commands" "$(complete_as "$program" '')"
	for c in $commands; do
		check "$page has the options of $program $c" "$(options_of "$c")" "$flags"
		check "$program $c completes its options" "$(options_of "$c")" "$(complete_as "$program" "$c" --)"
		n=$((n + 1))
		if help_of "$c" | grep -A 1 '^Example' | tail -n 1 | grep -qE "(^|[^a-z-])$program( |$)"; then
			printf 'ok %d - %s --help has an example\n' "$n" "$c"
		else
			printf 'not ok %d - %s --help has an example\n' "$n" "$c"
		fi
	done
done
echo "1..$n"
