#!/usr/bin/env bash
# What --help says exists has a section in the man page and is completed, with each of its options.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
. tests/lint/programs.sh
check() { # DESCRIPTION WANTED FOUND: each word wanted is among those found
	local missing='' word
	for word in $2; do
		case " $3 " in *" $word "*) ;; *) missing="$missing $word" ;; esac
	done
	report "$1" "${missing:+missing:$missing}"
}
help_of() { "$build/$program" "$@" --help; }
options_of() { # [SUBCOMMAND]: its own, without those of every command
	help_of "$@" | awk '/^Options of every/ { on = 0; next } /^Options/ { on = 1; next } /^$/ { on = 0 }
		on && /^  (-., |    )--/ && match($0, /--[a-z0-9-]+/) { print substr($0, RSTART, RLENGTH) }'
}
complete_as() { # WORD...: what bash offers for the last of them
	bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); f=_${1//-/_}; "$f"; printf "%s " "${COMPREPLY[@]}"' \
		bash "$build/$program.bash" "$@"
}

offered_by_fish() { # LINE: what fish offers at its end
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$build/$program.fish" "$1" | cut -f 1 | tr '\n' ' '
}
# zsh's completion is run only within its line editor: here, its syntax, and what it would hand to it.
handed_to_zsh() { # [SUBCOMMAND]
	sed -nE "/^\t${1:-\\*}\)\$/,/;;/ s/^\t\t\t'(\([^)]*(--[a-z0-9-]+)\)'.*|(--[a-z0-9-]+).*)/\2\3/p" "$build/$program.zsh" | tr '\n' ' '
}
have() { command -v "$1" >/dev/null; }

for program in innernet innernet-reconcile; do
	case $program in
	innernet) page=man/innernet.1 ;;
	*) page=man/innernet-reconcile.8 ;;
	esac
	commands=$(commands_of "$program")
	everywhere=$(help_of | awk '/^Options/ { on = 1; next } /^$/ { on = 0 } on && /^  (-., |    )--/ && match($0, /--[a-z0-9-]+/) { print substr($0, RSTART, RLENGTH) }')
	# In mdoc a subcommand is ".It Cm NAME" or ".Ss NAME", an option "Fl -NAME".
	described=$(sed -nE 's/^\.(It Cm|Ss) ([a-z-]+).*/\2/p' "$page" | tr '\n' ' ')
	flags=$(grep -oE 'Fl -[a-z0-9-]+' "$page" | sed 's/^Fl -/--/' | tr '\n' ' ')
	check "$page has each subcommand of $program" "$commands" "$described"
	check "$page has the options of every command" "$everywhere" "$flags"
	check "$program completes its subcommands" "$commands" "$(complete_as "$program" '')"
	have fish && check "$program completes its subcommands in fish" "$commands" "$(offered_by_fish "$program ")"
	have zsh && check "the completion for zsh is valid" fine "$(zsh -n "$build/$program.zsh" 2>&1 && echo fine)"
	have zsh && check "the completion for zsh can be read into a shell" "_${program//-/_} $program" \
		"$(zsh -fc 'compdef() { echo "$*"; }; source "$1"' zsh "$build/$program.zsh" 2>&1)"
	check "$program completes its subcommands in zsh" "$commands" \
		"$(sed -nE "s/^\t\t'([a-z-]+):.*/\1/p" "$build/$program.zsh" | tr '\n' ' ')"
	for c in '' $commands; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # none or one word
		wide=$(help_of $c | awk 'length > 80')
		if [ -z "$wide" ]; then
			printf 'ok %d - %s --help fits 80 columns\n' "$n" "${c:-$program}"
		else
			printf 'not ok %d - %s --help fits 80 columns\n#   %s\n' "$n" "${c:-$program}" "$wide"
		fi
	done
	for c in $commands; do
		have fish && check "$program $c completes its options in fish" "$(options_of "$c")" "$(offered_by_fish "$program $c --")"
		check "$program $c completes its options in zsh" "$(options_of "$c")" "$(handed_to_zsh "$c")"
		check "$page has the options of $program $c" "$(options_of "$c")" "$flags"
		check "$program $c completes its options" "$(options_of "$c")" "$(complete_as "$program" "$c" --)"
		help_of "$c" | grep -A 1 '^Example' | tail -n 1 | grep -qE "(^|[^a-z-])$program( |$)"
		tap $? "$c --help has an example"
	done
done
# A kind of edit that no command makes, or a command without its row, was forgotten.
report 'each kind of edit has its command' "$(comm -3 \
	<(sed -n '/^enum edit_kind {/,/^}/s/^\t\(EDIT_[A-Z_]*\),.*/\1/p' schema/edit.h | sort) \
	<(grep -rhoE '\.kind = EDIT_[A-Z_]+' cmd/innernet --include='*.c' | sed 's/.*= //' | sort))"
echo "1..$n"
