#!/usr/bin/env bash
# What the lists and the drawing of a definition look like, word for word: one folder a case, with network.yaml (without
# one, that of examples/) and what is said in expected/. UPDATE=1 tests/golden/list.t writes what is said now.
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C.UTF-8
# No network of this machine is in the way.
none="--config-dir $tmp/none"
golden() { # FILE COMMAND...: it exits with 0 and prints what the file has
	file=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ -z "${UPDATE:-}" ] || cp "$tmp/out" "$expected/$file"
	[ $status = 0 ] && [ ! -s "$tmp/err" ] && diff -u "$expected/$file" "$tmp/out" >"$tmp/log"
	status=$?
	tap $status "$case: $file"
	[ $status = 0 ] || cat "$tmp/err" "$tmp/log" | sed 's/^/# /'
}
says() { # NAME CODE TEXT COMMAND...: it exits with the code, and says the text to the terminal
	name=$1 code=$2 text=$3
	shift 3
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got = "$code" ] && { [ -z "$text" ] || grep -qF -e "$text" "$tmp/err"; }
	status=$?
	tap $status "$name"
	[ $status = 0 ] || { echo "exit code $got"; cat "$tmp/err"; } | sed 's/^/# /'
}
same() { # NAME A B
	[ "$2" = "$3" ]
	status=$?
	tap $status "$1"
	[ $status = 0 ] || printf '%s\n--- is not ---\n%s\n' "$2" "$3" | sed 's/^/# /'
}

for case in example nested; do
	expected=$top/tests/golden/list/$case/expected
	mkdir -p "$expected" "$tmp/$case"
	if [ "$case" = example ]; then
		# An invite that is open whenever this runs.
		sed 's/2030-01-01/2999-01-01/' "$top/examples/network.yaml" >"$tmp/$case/network.yaml"
	else
		cp -R "$top/tests/golden/list/$case/network.yaml" "$top/tests/golden/list/$case/teams" "$tmp/$case"
	fi
	cd "$tmp/$case" || exit 1
	golden list.txt "$innernet" list
	golden list-80.txt env COLUMNS=80 "$innernet" list .
	golden list-short.txt "$innernet" list network.yaml --short
	golden list-tree.txt "$innernet" list --tree
	golden list-tree-ascii.txt env LC_ALL=C "$innernet" list --tree
	golden list.json "$innernet" list --json
	golden list-cidrs.txt "$innernet" list-cidrs
	golden list-cidrs-60.txt env COLUMNS=60 "$innernet" list-cidrs
	golden list-cidrs-tree.txt "$innernet" list-cidrs --tree
	golden list-cidrs.json "$innernet" list-cidrs --json
	golden list-associations.txt "$innernet" list-associations
	golden list-associations.json "$innernet" list-associations --json
	golden graph.dot "$innernet" graph
	golden graph-peers.dot "$innernet" graph --peers
	golden graph.mmd "$innernet" graph --format mermaid
	golden graph-peers.mmd "$innernet" graph --format mermaid --peers
	for f in *.json "$expected"/*.json; do
		[ ! -f "$f" ] || jq -e '.format_version == "1.0" and (keys_unsorted[0] == "format_version")' "$f" >"$tmp/log" ||
			tap 1 "$f is a document"
	done
	if command -v dot >/dev/null; then
		dot -Tsvg <"$expected/graph-peers.dot" >"$tmp/out" 2>"$tmp/err"
		tap $? "$case: Graphviz reads it"
		same "$case: without a warning" '' "$(cat "$tmp/err")"
		"$innernet" graph --peers -o "$tmp/$case.svg"
		tap $? "$case: as SVG, by the name of the file"
		cmp -s "$tmp/$case.svg" "$tmp/out"
		tap $? "$case: which is what Graphviz makes of it"
	else
		tap 0 "$case: Graphviz # SKIP it is not installed"
	fi
done

cd "$tmp/nested" || exit 1
if command -v dot >/dev/null; then
	# What Graphviz understood of the text, entities decoded.
	same 'a description in the drawing is the very text' '<b>"Büro"</b> & C:\new #1; 100%% `x`' \
		"$(sed -n 's/.*<text[^>]*>\(.*C:.*\)<\/text>.*/\1/p' "$tmp/nested.svg" |
			sed 's/&#160;/ /g; s/&#45;/-/g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g')"
	same 'each association is a line between two' 5 "$(grep -c '<g id="edge' "$tmp/nested.svg")"
fi
"$innernet" graph -o "$tmp/a.gv" && "$innernet" graph -o "$tmp/a.mmd" && "$innernet" graph --format mermaid -o "$tmp/b.dot"
same 'the format by the name of the file, unless it is given' 'graph "lab" {,flowchart LR,flowchart LR' \
	"$(head -qn 1 "$tmp/a.gv" "$tmp/a.mmd" "$tmp/b.dot" | paste -sd ,)"
mkdir "$tmp/bin"
says 'SVG without Graphviz names the package' 1 'apt install graphviz' \
	env PATH="$tmp/bin" "$innernet" graph --format svg
mkfifo "$tmp/pipe"
says 'a pipe is not replaced by a file' 1 'file-not-regular' "$innernet" graph -o "$tmp/pipe"
ok 'it is still there' [ -p "$tmp/pipe" ]
says 'a format that is none' 1 "not 'png'" "$innernet" graph --format png
says 'two forms at once' 1 'one of --short, --tree and --json' "$innernet" list --tree --json

# An argument is a network of this machine, or a definition.
mkdir "$tmp/conf" "$tmp/empty"
: >"$tmp/conf/lab.yaml"
chmod 600 "$tmp/conf/lab.yaml"
mkdir lab && cp -R network.yaml teams lab
says 'the name of a network is that, though a folder is called so' 1 "$tmp/conf/lab.yaml" \
	"$innernet" list-cidrs lab --config-dir "$tmp/conf"
says 'a path is none' 0 '' "$innernet" list-cidrs ./lab --config-dir "$tmp/conf"
# shellcheck disable=SC2086
says 'nor is the name of a folder alone' 0 '' "$innernet" list-cidrs lab $none
# shellcheck disable=SC2086
says 'a network that this machine is not in' 1 "not in a network called 'nosuch'" "$innernet" list-cidrs nosuch $none
# shellcheck disable=SC2086
says 'a file that is not there' 1 'nosuch.yaml' "$innernet" list nosuch.yaml $none
sed 's/^cidr: .*/cidr: 10.8.0.0\/33/' network.yaml >bad.yaml
says 'a definition that is not valid is not listed' 1 'error[bad-prefix]' "$innernet" list bad.yaml
cd "$tmp/empty" || exit 1
# shellcheck disable=SC2086
says 'neither a definition nor a network' 1 'this machine is in no network' "$innernet" list-cidrs $none
# shellcheck disable=SC2086
same 'list says what show says' "$("$innernet" show $none)" "$("$innernet" list $none)"

# 50,000 peers in 1,000 CIDRs, with 999 associations: each form within seconds of processor time. (Something quadratic
# in peers, or in peers and CIDRs, takes longer.)
perl -MDigest::SHA=sha256 -MMIME::Base64 -e '
	sub key { my $k = sha256("peer $_[0]"); vec($k, 255, 1) = 0; encode_base64($k, "") }
	print "network: big\ncidr: 10.0.0.0/8\ncidrs:\n";
	printf "  c%u: 10.%u.%u.0/24\n", $_, $_ / 200, $_ % 200 for 0 .. 999;
	print "associations:\n";
	printf "  - [c%u, c%u]\n", $_ - 1, $_ for 1 .. 999;
	print "peers:\n";
	for (0 .. 49999) {
		my $c = $_ % 1000;
		printf "  p%u: { ip: 10.%u.%u.%u, public_key: \"%s\" }\n", $_, $c / 200, $c % 200, $_ / 1000 + 1, key($_);
	}' >network.yaml
for what in 'list' 'list --tree' 'list --json' 'list-cidrs' 'list-cidrs --tree' 'list-associations' \
	'graph --format mermaid --peers' 'graph --peers'; do
	# shellcheck disable=SC2086
	(ulimit -t 8; COLUMNS=80 "$innernet" $what >"$tmp/out" 2>"$tmp/err")
	status=$?
	tap $status "50,000 peers: $what"
	[ $status = 0 ] || sed 's/^/# /' "$tmp/err"
done
same 'at most 500 are named in a drawing, and the rest is counted' '500 49500' \
	"$(perl -ne '$named++ while /p\d+ 10\./g; $left += $1 while /(\d+) (?:more|peers?)\b/g; END { print "$named $left" }' "$tmp/out")"
# Mermaid refuses the 501st line and the 50,001st character. What is not drawn is counted: 1,001 CIDRs in all.
"$innernet" graph --format mermaid --peers >"$tmp/out"
same 'what Mermaid cannot draw is folded, and all CIDRs, peers and associations are drawn or counted' \
	'fits, 1001 CIDRs, 50000 peers' "$(perl -0777 -ne '
		$lines = () = /^ +\w+ (?:---|-\.-) \w+$/mg;
		$cidrs = () = /^ *subgraph/mg;
		$cidrs += $1 while /(\d+) more CIDRs?,/g;
		$peers += $1 while /(\d+) peers?\b/g;
		print $lines > 500 || length > 50000 ? "$lines lines, " . length : "fits", ", $cidrs CIDRs, $peers peers"' "$tmp/out")"
same 'of associations that are not drawn one by one, each is in a dotted line or counted' '1 folded node, 1 dotted line' \
	"$(printf '%s folded node, %s dotted line' "$(grep -c ' more CIDRs,' "$tmp/out")" "$(grep -c -- '-\.-' "$tmp/out")")"
same 'the drawing says so' 'The peers are counted, not named.' "$(sed -n 's/^  %% \(The peers.*\)/\1/p' "$tmp/out")"
echo "1..$n"
