#!/bin/sh
# What `innernet plan` says of a change, word for word: one folder a case, with before.yaml (committed), after.yaml (the
# work tree) and perhaps args, and what is said as text, Markdown and JSON in expected.*.
# UPDATE=1 tests/golden/plan.t writes what is said now: read the difference in git.
. "$(dirname "$0")/../tap.sh"
# No user's own settings of git.
export HOME="$tmp" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=ann@example.com GIT_COMMITTER_NAME=Ann
export GIT_COMMITTER_EMAIL=ann@example.com GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'

for case in "$top"/tests/golden/plan/*/; do
	case=${case%/}
	name=${case##*/}
	repo=$tmp/$name
	git init -q -b main "$repo"
	if [ -f "$case/before.yaml" ]; then
		cp "$case/before.yaml" "$repo/network.yaml"
		git -C "$repo" add network.yaml
	fi
	git -C "$repo" commit -q --allow-empty -m 'The network'
	cp "$case/after.yaml" "$repo/network.yaml"
	args=
	[ ! -f "$case/args" ] || args=$(cat "$case/args")
	[ ! -f "$case/guard.yaml" ] || cp "$case/guard.yaml" "$repo"
	for format in txt md json; do
		case $format in
		txt) option=--color=never ;;
		md) option=--markdown ;;
		json) option=--json ;;
		esac
		# shellcheck disable=SC2086
		got=$(cd "$repo" && "$innernet" plan $option --detailed-exitcode $args 2>"$tmp/err"; echo "exit code $?")
		# A commit's name is in the JSON alone.
		got=$(printf '%s\n' "$got" | sed 's/"base": "[0-9a-f]*"/"base": "(commit)"/')
		if [ $format = txt ] && [ -s "$tmp/err" ]; then
			got=$(printf '%s\n--- to the terminal ---\n' "$got"; cat "$tmp/err")
		fi
		[ -z "${UPDATE:-}" ] || printf '%s\n' "$got" >"$case/expected.$format"
		if [ "$got" = "$(cat "$case/expected.$format")" ]; then
			tap 0 "$name as $format"
		else
			tap 1 "$name as $format"
			printf '%s\n' "$got" | diff -u "$case/expected.$format" - | sed 's/^/# /'
		fi
	done
done
echo "1..$n"
