#!/usr/bin/env bash
# What README.md and the other pages promise: links lead somewhere, the command lines in them exist with their options,
# the example is a valid definition, the libraries are those of the Makefile, and README stays short.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
. tests/lint/programs.sh

for page in README.md CHANGELOG.md tests/bench/README.md tests/upstream-mistakes.md; do
	# An installed CHANGELOG.md has no tree around it.
	report "each link of $page leads to a file" "$(grep -oE '\]\([^)#]+' "$page" | cut -c 3- | grep -v '^https:' |
		while read -r p; do [ -e "$(dirname "$page")/$p" ] || echo "there is no $p"; done)"
done
report 'README.md is read in ten minutes: at most 2,500 words' "$(words=$(wc -w <README.md)
	[ "$words" -le 2500 ] || echo "it has $words")"

# LINE...: the command lines of innernet(1) and innernet-reconcile(8) among them, a line each, without prompts.
command_lines() {
	sed -zE 's/ \\e?\n +/ /g' | sed -E 's/^[a-z0-9]*(:[a-z]+)?[$#] //; s/ && /\n/g; s/ \| /\n/g' |
		sed -nE 's/^(sudo )?(innernet(-reconcile)?( .*|$))/\2/p' | sed -E 's/ (#|   ).*//; s/ &$//'
}
readme_lines() { { awk '/^```console/ { on = 1; next } /^```/ { on = 0 } on' README.md; grep -oE '`[^`]+`' README.md | tr -d '`'; } | command_lines; }
man_lines() { # PAGE
	{ awk '/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0 } on' "$1"; sed -nE 's/ [.,:;)]$//; s/^\.(Dl|D1|Ic|Pq Ic) (innernet)/\2/p' "$1"; } | command_lines
}
check_line() { # PROGRAM WORD...: says what of the line there is not
	local program=$1 command='' options=() word
	shift
	for word; do
		case $word in
		--) break ;;
		--*) options+=("${word%%=*}") ;;
		-[a-z]) options+=("$word") ;;
		*) [ -n "$command" ] || { [ "${#options[@]}" = 0 ] && command=$word; } ;;
		esac
	done
	# Without a subcommand it is the default one, which takes the network: corp, in all examples.
	case $command-$program in
	-innernet | corp-innernet) command=show ;;
	-innernet-reconcile | corp-innernet-reconcile) command=run ;;
	esac
	exists "$program" "$command" "${options[@]}"
}
check_lines() { # the command lines are the standard input
	local words
	while read -r -a words; do
		check_line "${words[@]}"
	done < <(sort -u)
}
report 'README.md has command lines' "$([ "$(readme_lines | wc -l)" -ge 15 ] || readme_lines)"
report 'each command line of README.md exists, with its options' "$(readme_lines | check_lines)"
for page in man/*.[1-8]; do
	report "each command line of $page exists, with its options" "$(man_lines "$page" | check_lines)"
done

mapfile -t targets < <({ grep -oE '`(sudo )?make [a-z-]+' README.md; grep -E '^    (sudo )?make( |$)' README.md; } |
	sed -nE 's/^.*make ([a-z-]+).*/\1/p' | sort -u)
report 'each make target of README.md exists' "$(for t in "${targets[@]}"; do
	grep -qE "^($t|[a-z -]* $t)( [a-z -]+)?:" Makefile || echo "the Makefile has no $t"
done)"

# The keys that it leaves out are those of the example's peers.
mapfile -t keys < <(grep -oE 'public_key: "[^"]+"' examples/network.yaml | cut -d '"' -f 2)
invite=$(grep -oE 'ed25519:[^"]+' examples/network.yaml | tail -n 1)
awk '/^```yaml/ { on = 1; next } /^```/ { on = 0 } on' README.md |
	awk -v keys="${keys[*]}" -v invite="$invite" 'BEGIN { split(keys, key, " ") }
		/public_key: "\.\.\."/ { sub(/public_key: "\.\.\."/, "public_key: \"" key[++n] "\"") }
		{ sub(/ed25519:\.\.\./, invite); print }' >"$tmp/network.yaml"
report 'the definition in README.md is valid' "$("$innernet" validate "$tmp/network.yaml" 2>&1 | grep -v ': valid: ')"

packages=$(sed -nE 's/^(PURE|EDGE|PEER)_PKGS *:= //p' Makefile)
report 'README.md names each library' "$(for package in $packages; do
	case $package in yaml-0.1) package=libyaml ;; esac
	grep -qw -e "$package" README.md || echo "$package is not named"
done)"
echo "1..$n"
