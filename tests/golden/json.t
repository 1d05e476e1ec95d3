#!/usr/bin/env bash
# --json: each run of each command that has it prints exactly one JSON document, with format_version first, whether it
# goes well or not. A failed one has the diagnostics.
. "$(dirname "$0")/../tap.sh"
. "$top/tests/lint/programs.sh"
cd "$tmp" || exit 1
mkdir good bad conf empty
cp "$top/examples/network.yaml" good/
printf 'network: corp\ncidr: 10.60.0.3/16\n' >bad/network.yaml
none="--config-dir $tmp/conf --data-dir $tmp/empty"

# The keys of what was printed, to be looked for in the pages below.
: >keys
one() { # NAME EXIT FILTER COMMAND...: one document, of which jq's filter holds
	local name=$1 wanted=$2 filter=$3 code
	shift 3
	"$@" >out 2>err </dev/null
	code=$?
	report "$name" "$({ [ "$code" = "$wanted" ] || echo "exit code $code"
		jq -es 'length == 1' out >/dev/null 2>&1 || echo 'not one document:' && cat out err
		jq -e 'keys_unsorted[0] == "format_version" and .format_version == "1.0"' out >/dev/null || echo 'format_version'
		jq -e "$filter" out >/dev/null || echo "not: $filter"; } 2>&1 | grep -q '^exit code\|^not\|^format' && cat out err)"
	jq -r '.. | objects | keys[]' out >>keys
}
failed='.failed and (.exit_code | type) == "number" and (.diagnostics | length > 0)'

# Each command that has --json: a wrong option, and what cannot be, as it is typed without a terminal.
for program in innernet innernet-reconcile; do
	for c in $(commands_of "$program"); do
		"$build/$program" "$c" --help | grep -q -- '--json\b' || continue
		# The exit code of a usage error is the command's own.
		"$build/$program" "$c" --json --no-such-option >/dev/null 2>&1
		code=$?
		one "$program $c: an option that there is not" "$code" "$failed and .diagnostics[0].code == \"usage\"" \
			"$build/$program" "$c" --json --no-such-option
		one "$program $c: --json behind it" "$code" "$failed and .diagnostics[0].code == \"usage\"" \
			"$build/$program" "$c" --no-such-option --json
	done
done
one 'a command that there is not' 1 '.networks == [] and .diagnostics[0].code == "no-network"' "$innernet" no-such-command --json
one 'validate: a wrong option, with --format json' 2 "$failed" "$innernet" validate --format json --no-such-option
one 'validate: an option without its value' 2 "$failed" "$innernet" validate --format=json --color
one 'two forms at once' 1 "$failed and .diagnostics[0].code == \"usage\"" "$innernet" list --tree --json good

# shellcheck disable=SC2086 # several words
fails() { one "$1" 1 "$failed and .diagnostics[0].severity == \"error\"" "$innernet" "${@:2}" $none; }
fails 'plan: no definition' plan --json nosuch
fails 'plan: a definition that is not valid' plan --json bad
fails 'plan: this machine is in no network' plan --json corp
fails 'plan: two forms at once' plan --json --markdown good
fails 'list: no definition' list --json ./nosuch
fails 'list: one that is not valid' list --json bad
fails 'list-cidrs: one that is not valid' list-cidrs --json bad
fails 'list-associations: one that is not valid' list-associations --json bad
one 'why: a peer that there is not' 2 "$failed" "$innernet" why --json alice nobody good
one 'why: one that is not valid' 2 "$failed" "$innernet" why --json alice bob bad
fails 'clone: this machine is in no network' clone --json corp
# shellcheck disable=SC2086 # several words
one 'show: this machine is in no network of that name' 1 '.networks == [] and .diagnostics[0].code == "no-network"' \
	"$innernet" show --json corp $none
fails 'export: a peer that there is not' export --json nobody good
fails 'snapshot: no such peer' snapshot --json --for nobody good
for edit in 'add-cidr --name c --cidr 10.1.0.0/24' 'rename-cidr --name nobody --new-name x' 'delete-cidr --name infra' \
	'add-association nobody infra' 'delete-association nobody infra' 'rename-peer --name nobody --new-name x' \
	'disable-peer --name nobody' 'enable-peer --name nobody' 'delete-peer --name hub' 'invite-peer --name nobody'; do
	# shellcheck disable=SC2086 # several words
	fails "${edit%% *}: refused" $edit --json --yes good
	# shellcheck disable=SC2086
	fails "${edit%% *}: a definition that is not valid" $edit --json --yes bad
done
one 'an edit that a guard stops' 3 "$failed"' and .diagnostics[0].code == "not-accepted"' \
	"$innernet" add-peer --name eve --ip 10.60.64.77 --admin --save-config x.yaml --json --yes good

# What goes well.
one 'list' 0 '.peers | length > 0' "$innernet" list --json good
one 'list-cidrs' 0 '.cidrs | length > 0' "$innernet" list-cidrs --json good
one 'list-associations' 0 '.associations | length > 0' "$innernet" list-associations --json good
one 'validate' 0 '.valid' "$innernet" validate --format json good
one 'validate: not valid' 1 '.valid | not' "$innernet" validate --format json bad
one 'an edit' 0 '.edit == "add-cidr"' "$innernet" add-cidr --name lab --cidr 10.60.201.0/24 --json --yes good
one 'an edit that is made already' 0 '.edit == "add-cidr"' "$innernet" add-cidr --name lab --cidr 10.60.201.0/24 --json --yes good
one 'the view of a peer' 0 '.self == "alice"' "$innernet" snapshot --json --for alice good
git init -q good && git -C good add network.yaml
one 'an edit that is made already and not committed' 1 "$failed"' and .diagnostics[0].code == "uncommitted-changes"' \
	"$innernet" add-cidr --name lab --cidr 10.60.201.0/24 --json --yes --commit good
one 'a code explained' 0 '.codes | length == 1 and .[0].mend' "$innernet" explain --json address-reused
one 'every code' 0 '.codes | length > 140 and (map(.meaning) | all)' "$innernet" explain --json
fails 'a code that there is not' explain --json nonsense
one 'a mistyped code' 1 "$failed"' and .diagnostics[0].help == "did you mean \u0027address-reused\u0027?"' "$innernet" explain --json adress-reusd
report 'a code explained to a person' "$(diff - <("$innernet" explain bad-prefix) <<'END'
bad-prefix: not an address and a length.

A CIDR or route is an address, a slash and a number of bits.
Write it as 10.60.64.0/24 or fd00:60::/64.
END
)"
one 'a plan' 0 '.effect' "$innernet" plan --json good

# The documents of the other tests too.
find "$top/tests/golden" -name '*.json' -exec jq -r '.. | objects | keys[]' {} + >>keys
words=$(tr -cs 'a-z0-9_' '\n' <"$top/man/innernet.1" | LC_ALL=C sort -u)
report "innernet(1) has each key of the documents" "$(LC_ALL=C comm -23 <(LC_ALL=C sort -u keys) <(echo "$words"))"
echo "1..$n"
