# shellcheck shell=bash
# What the programs say for themselves, for the tests that compare pages with it. Source it after tests/tap.sh, which
# sets $build.
build=${build:?}

commands_of() { # PROGRAM: its subcommands, a line each
	"$build/$1" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }'
}
# Prints what PROGRAM lacks: the command, or any of the options.
exists() { # PROGRAM COMMAND OPTION...
	local program=$1 command=$2 help option
	shift 2
	# An option that the program lacks must not be taken for one of its default command.
	commands_of "$program" | grep -qxF -e "$command" || { echo "there is no '$program $command'"; return; }
	help=$("$build/$program" "$command" --help)
	for option; do
		grep -qE -e "(^|[ ,])$option([ ,]|\$)" <<<"$help" || echo "$program $command has no $option"
	done
}
