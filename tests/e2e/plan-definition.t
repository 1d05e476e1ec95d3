#!/usr/bin/env bash
# innernet plan and innernet why in a clone: revisions, the ledger's branch, guards and the author of a line. Plain git, no
# root: what people and CI do with a definition.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$(realpath "${BUILD:-$top/build}"):$PATH
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export HOME=$work GIT_CONFIG_NOSYSTEM=1 NO_COLOR=1
unset FORCE_COLOR
n=0
is() { # GOT WANTED NAME
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$1") | sed 's/^/# /'
	fi
}
has() { # TEXT PART NAME
	case $1 in
	*"$2"*) is yes yes "$3" ;;
	*) is "$1" "... $2 ..." "$3" ;;
	esac
}
run() { # COMMAND...: its output in $out, its errors in $err, its exit code in $status
	out=$("$@" 2>"$work/err" </dev/null)
	status=$?
	err=$(cat "$work/err")
}
key() { # NAME: a public key, always the same
	{ printf '%s' "$1" | openssl dgst -sha256 -binary | head -c 31; printf '\0'; } | base64
}
commit() { # AUTHOR DATE MESSAGE
	git add -A
	git -c user.name="$1" -c user.email="$1@example.com" -c commit.gpgsign=false commit -q --date="$2" -m "$3"
}

git init -q -b main "$work/net"
cd "$work/net" || exit 1
mkdir teams
cat >network.yaml <<END
network: corp
cidr: 10.60.0.0/16
include: [teams/*.yaml]
trust:
  id: $(key corp)
  signers: ["ed25519:2YiDUN6ZCyEaKrZg0/Q0YUnQwDgUKa4izIMFrVEBBnY="]
cidrs:
  infra: 10.60.0.0/24
  humans: 10.60.64.0/24
peers:
  hub: { ip: 10.60.0.1, public_key: "$(key hub)", endpoint: "vpn.example.com:51820", server: true }
  alice: { ip: 10.60.64.2, public_key: "$(key alice)", admin: true, routes: [192.168.9.0/24] }
END
cat >teams/ci.yaml <<END
cidrs:
  builders: 10.60.65.0/24
  vault: { cidr: 10.60.66.0/24, isolated: true }
peers:
  ci1: { ip: 10.60.65.2, public_key: "$(key ci1)" }
  ci2: { ip: 10.60.65.3, public_key: "$(key ci2)" }
  v1: { ip: 10.60.66.2, public_key: "$(key v1)" }
  v2: { ip: 10.60.66.3, public_key: "$(key v2)" }
END

run innernet plan
is "$status" 0 'a repository without a commit: everything is new'
has "$out" 'Effect: everything is new: 6 peers, 6 pairs of which reach each other.' 'and is counted'
commit ann '2025-03-01T12:00:00Z' 'The network'
run innernet plan --detailed-exitcode
is "$status $out$err" '0 No changes. The definition means the network that it meant before.' 'what is committed is no change'

# From another folder, of a file in an included one, and with revisions.
echo 'associations: [[humans, builders]]' >>network.yaml
cd "$work" || exit 1
run innernet plan net --detailed-exitcode
is "$status" 2 'there are changes'
is "$(printf '%s\n' "$out" | head -2)" 'Effect: 2 pairs of peers gain each other.
  humans (1 peer): +2 peers in builders' 'the effect comes first'
id=$(printf '%s\n' "$out" | sed -n 's/^Plan id: //p')
cd net || exit 1
commit bob '2025-04-02T12:00:00Z' 'People use the builders'
run innernet plan --base HEAD~1 --head HEAD
is "$(printf '%s\n' "$out" | sed -n 's/^Plan id: //p')" "$id" 'the id is of what is compared, however it is asked for'
sed -i 's/^network:/# Ours\n&/; s/ci1: /ci1:  /' network.yaml teams/ci.yaml
run innernet plan --base HEAD~1
is "$(printf '%s\n' "$out" | sed -n 's/^Plan id: //p')" "$id" 'comments and layout do not change it'
git checkout -q .
run innernet plan --base nowhere
is "$status" 1 'an unknown revision is an error'
has "$err" 'error[revision-unknown]: --base nowhere: there is no such revision in this clone' 'that says so'
run innernet plan --json --markdown
is "$status" 1 'one format at a time'
run innernet plan --base HEAD~1 --suggest-tests
has "$out" '  - { from: humans, can_reach: [builders] }' 'a test is suggested for what is gained'
printf '%s\n' "$out" | sed -n '/go under .tests:/,$p' | sed '1s/.*/tests:/' >>network.yaml
run innernet plan --base HEAD~1 --suggest-tests
is "$status" 0 'it passes once it is there'
has "$out" 'The tests cover all gained access.' 'and is enough'
git checkout -q .

# A merge without a conflict takes the CIDR away from around a peer.
git branch -q before
sed -i '/vault:/d' network.yaml teams/*.yaml
commit ann '2025-04-02T13:00:00Z' 'No vault'
git checkout -q -b more before
printf '  v3: { ip: 10.60.66.4, public_key: "%s" }\n' "$(key v3)" >>teams/ci.yaml
commit bob '2025-04-02T14:00:00Z' 'One more'
git -c user.name=ann -c user.email=ann@example.com merge -q -m both main >/dev/null
run innernet plan --base HEAD^1
has "$out" 'CIDRs: v1, v2 and v3 in vault -> corp (vault is gone, the network itself).' 'peers that a merge moves are named'
run innernet plan --base HEAD^2
has "$out" 'Peers: +v3 in corp (the network itself).' 'and a peer that it puts in no CIDR'
git checkout -q main
git reset -q --hard before

# Refused, with the plan all the same.
cp network.yaml "$work/good.yaml"
sed -i '/alice/d' network.yaml
run innernet plan
is "$status" 3 'the last admin stays'
has "$out" '# peer alice will be removed' 'the plan is printed'
has "$err" 'error[guard-admin]' 'and the reason'
: >network.yaml
run innernet plan
is "$status" 3 'an empty file is refused'
has "$out" 'Plan: 0 to add, 0 to change, 14 to remove.' 'with its plan'
sed 's/hub/hob/; s/server: true/server: false/' "$work/good.yaml" >network.yaml
run innernet plan
is "$status" 3 'so is a definition without a server'
has "$err" 'error[no-server]' 'as the server would'
sed '/^trust:/,/^  signers/d; s/server: true/server: false/' "$work/good.yaml" >network.yaml
commit ann '2025-04-03T00:00:00Z' 'No server'
run innernet plan
is "$status $err" '0 ' 'a network that never had one, of apply --file, needs none'
git reset -q --hard HEAD~1
sed 's/alice:/alice/' "$work/good.yaml" >network.yaml
run innernet plan
is "$status" 1 'what is not YAML has no plan'
is "$out" '' 'and none is printed'
git checkout -q .

# Guards: the server's limits, and the trailer of the commit that is pushed.
sed -i '/ci1:/d; /ci2:/d; /v1:/d' teams/ci.yaml
run innernet plan
is "$status" 0 'without limits none is applied'
printf 'peers: 2\n' >"$work/guard.yaml"
run innernet plan --guard "$work/guard.yaml"
is "$status" 3 'with them they are'
has "$err" 'error[guard-peers]: this revision cuts off 3 peers of 6, and 2 is the most' 'the numbers are said'
id=$(printf '%s\n' "$out" | sed -n 's/^Plan id: //p')
commit bob '2025-05-03T12:00:00Z' "The builders go

Innernet-Accept: $id"
run innernet plan --base HEAD~1 --head HEAD --guard "$work/guard.yaml"
is "$status" 0 'the trailer acknowledges it'
has "$err" "acknowledged by the trailer Innernet-Accept: $id" 'which is said'
run innernet plan --base HEAD~2 --head HEAD --guard "$work/guard.yaml"
is "$status" 3 'but for this plan alone'
printf 'peers: many\n' >"$work/guard.yaml"
run innernet plan --guard "$work/guard.yaml"
is "$status" 1 'limits that are none are an error'
has "$err" "'peers' must be a whole number" 'that says which'
git -c user.name=bob -c user.email=bob@example.com revert --no-edit HEAD >/dev/null

# The ledger, as a clone has it: an address that was another peer's is found before the push.
file=addresses/09/40/00000000000000000000ffff0a3c4009
git clone -q . "$work/ledger"
git -C "$work/ledger" checkout -q --orphan innernet/enrolments
git -C "$work/ledger" rm -rqf .
mkdir -p "$work/ledger/${file%/*}"
printf 'innernet-address 1\naddress 10.60.64.9\nmark %s\nname mallory\ncommit %s\n' "$(key mallory)" "$(git rev-parse HEAD)" \
	>"$work/ledger/$file"
(cd "$work/ledger" && commit server '2025-05-04T12:00:00Z' 'addresses')
sed -i "s|^  alice.*|&\n  dave: { ip: 10.60.64.9, public_key: \"$(key dave)\" }|" network.yaml
run innernet plan
is "$status" 0 'without the ledger the address is free'
git fetch -q "$work/ledger" innernet/enrolments:refs/remotes/origin/innernet/enrolments
run innernet plan
is "$status" 3 'with what was fetched of it, it is not'
has "$err" 'error[address-reused]' 'as at the push'
run innernet plan --json
is "$(printf '%s' "$out" | grep -c '"code": "address-reused"')" 1 'in JSON too'
git branch -q innernet/enrolments refs/remotes/origin/innernet/enrolments
git update-ref -d refs/remotes/origin/innernet/enrolments
run innernet plan
is "$status" 3 "the clone's own branch does as well"
git checkout -q .

# A shallow clone has what it needs.
git clone -q --depth 1 "file://$work/net" "$work/shallow"
run innernet plan "$work/shallow" --detailed-exitcode
is "$status" 0 'a shallow clone can be planned in'
run innernet plan "$work/shallow" --base HEAD~1
is "$err" 'error[revision-unknown]: --base HEAD~1: there is no such revision in this clone
  help: check the spelling, or bring it into this clone: git fetch --unshallow origin' 'and says what it lacks'

# What a help line names works as typed: in shallow clones, in partial ones, and in those of one branch.
git config uploadpack.allowFilter true
git branch -q topic HEAD~1
git tag -f v1 HEAD~1 >/dev/null
helped() { # CLONE NAME ARGUMENT...: the plan fails, its help line is typed, and the plan works
	local clone=$1 name=$2
	shift 2
	cd "$clone" || exit 1
	run innernet plan "$@"
	is "$status" 1 "$name: it fails"
	eval "$(sed -n 's/^  help: .*\(git [a-z].*\)/\1/p' <<<"$err")" >/dev/null 2>&1
	run innernet plan "$@"
	is "$status" 0 "$name: after the command of the help line it works"
	cd "$work/net" || exit 1
}
for how in 'HEAD~1 HEAD' 'origin/topic HEAD' 'topic HEAD' 'v1 HEAD' "$(git rev-parse HEAD~1) HEAD"; do
	rm -rf "$work/lacking"
	git clone -q --depth 1 "file://$work/net" "$work/lacking"
	helped "$work/lacking" "a shallow clone, ${how% *}" --base "${how% *}"
done
rm -rf "$work/lacking"
git clone -q --single-branch -b topic "file://$work/net" "$work/lacking"
helped "$work/lacking" 'a clone of one branch' origin/main..topic
rm -rf "$work/lacking"
git clone -q --filter=blob:none "file://$work/net" "$work/lacking"
(cd "$work/lacking" && innernet why alice ci1) >"$work/said" 2>&1
has "$(cat "$work/said")" '  since: not known, because this partial clone lacks the older files: git fetch --refetch --no-filter origin' \
	'why in a partial clone names no author'
is "$(cd "$work/lacking" && innernet why alice ci1 --json | jq -c '.lines[0] | [.committed, .commit]')" '[null,null]' 'nor in JSON'
helped "$work/lacking" 'a partial clone' --base "$(git rev-list --max-parents=0 HEAD)"
(cd "$work/lacking" && innernet why alice ci1) >"$work/said" 2>&1
has "$(cat "$work/said")" ' by bob <bob@example.com>: People use the builders' 'with all files it names the author'
rm -rf "$work/lacking"
git clone -q --depth 1 "file://$work/net" "$work/lacking"
(cd "$work/lacking" && innernet why alice ci1) >"$work/said" 2>&1
has "$(cat "$work/said")" '  since: not known, because this shallow clone lacks the older commits: git fetch --unshallow origin' \
	'why in a shallow clone names no author'

# Two branches: what the base has and the head lacks is not the head's work.
rm -rf "$work/lacking"
git clone -q "$work/net" "$work/lacking"
cd "$work/lacking" || exit 1
git checkout -q -b feature
sed -i "s|^  alice.*|&\n  frank: { ip: 10.60.64.30, public_key: \"$(key frank)\" }|" network.yaml
commit frank 2025-06-01T12:00:00Z 'frank'
git checkout -q main
sed -i "s|^  alice.*|&\n  grace: { ip: 10.60.64.31, public_key: \"$(key grace)\" }|" network.yaml
commit grace 2025-06-02T12:00:00Z 'grace'
git checkout -q feature
run innernet plan --base main
has "$out" '# peer grace will be removed' 'compared as they are, the base is undone'
is "$err" 'warning[base-not-ancestor]: main has 1 commit that HEAD lacks: the plan shows its changes as undone
  help: compare with the common ancestor of the two: --merge-base' 'which a warning says'
for how in 'main...feature' 'main...' 'main... .' '--base main --merge-base' '--base main --head feature --merge-base'; do
	# shellcheck disable=SC2086
	run innernet plan $how
	is "$status $(grep '^# ' <<<"$out") $err" '0 # peer frank will be added ' "plan $how: the branch's own work alone"
done
run innernet plan main..feature
is "$(grep '^# ' <<<"$out" | sort | tr '\n' ' ')" '# peer frank will be added # peer grace will be removed ' 'two dots compare both'
run innernet plan main...feature --json
is "$(jq -r .base <<<"$out")" "$(git merge-base main feature)" 'JSON names the common ancestor'
run innernet plan main...feature --head main
is "$status" 1 'a range and --head contradict each other'
run innernet plan --merge-base
is "$status" 1 'a common ancestor of what'
git checkout -q --orphan alone
commit dana 2025-06-03T12:00:00Z 'a new start'
run innernet plan main...alone
is "$status $err" '1 error[merge-base-missing]: main and alone have no common ancestor in this clone
  help: leave out --merge-base, or write two dots for three: the two are compared as they are' 'two branches without an ancestor'
cd "$work/net" || exit 1
git config --unset uploadpack.allowFilter
git branch -q -D topic
mkdir "$work/plain"
cp -r network.yaml teams "$work/plain"
run innernet plan "$work/plain/network.yaml"
has "$out" 'everything is new' 'outside of git everything is new'
run innernet plan "$work/plain" --base HEAD
is "$status" 1 'and there is no revision to compare with'

# A wide plan is a screen; --full and JSON have each item.
git init -q -b main "$work/wide"
cd "$work/wide" || exit 1
{
	printf 'network: corp\ncidr: 10.0.0.0/8\ncidrs: { infra: 10.0.0.0/24, humans: 10.64.0.0/16 }\npeers:\n'
	printf '  hub: { ip: 10.0.0.1, public_key: "%s", endpoint: "vpn.example.com:51820", server: true }\n' "$(key hub)"
	for i in $(seq 2000); do
		printf '  p%04d: { ip: 10.64.%d.%d, public_key: "%s=", keepalive: 25 }\n' "$i" $((i / 200)) $((i % 200 + 1)) \
			"$(printf '%04d' "$i" | tr 0-9 A-J)$(printf 'A%.0s' {1..39})"
	done
} >network.yaml
commit ann 2025-07-01T12:00:00Z 'The network'
sed -i '/^  p00/d' network.yaml
COLUMNS=100 run innernet plan
is "$status $(wc -l <<<"$out") $(awk 'length > 100' <<<"$out")" '0 20 ' 'removing 99 of 2,000 peers is a screen'
has "$out" '
# 99 peers will be removed
  - p0001, p0002, p0003, p0004, p0005, p0006, p0007, p0008, p0009, p0010, p0011, p0012, p0013,
    p0014, p0015, p0016, p0017, p0018, p0019, p0020, and 79 more

`innernet plan --full` lists each of them.' 'the peers are folded, and break at the width of the terminal'
run innernet plan --full
is "$(grep -c '^# peer p' <<<"$out")" 99 '--full lists each of them'
run innernet plan --json
is "$(jq '[.changes[] | select(.kind == "peer")] | length' <<<"$out")" 99 'and so does JSON'
git checkout -q .
sed -i '/^  p00[0-4]/s/keepalive: 25/keepalive: 20/; /^  p001[0-4]/s/ip: 10\.64\.0/ip: 10.64.99/' network.yaml
run innernet plan
has "$out" '
  ~ keepalive       25 -> 20
  ~ ip              of 5 of them
' 'what the folded items have in common is said'
cd "$work/net" || exit 1

# Why.
run innernet why alice ci1
is "$status" 0 'they reach each other'
sha=$(git log --format=%h --abbrev=12 -1 --grep 'People use the builders')
is "$out" "alice and ci1 reach each other.
  alice: 10.60.64.2 in 'humans'
  ci1: 10.60.65.2 in 'builders'
why: the association [humans, builders] joins them
  --> network.yaml:13:16
   |
13 | associations: [[humans, builders]]
  since: 2025-04-02, commit $sha by bob <bob@example.com>: People use the builders
help: to part them, this line has to go" 'by which line, since when and by which author'
run innernet why v1 v2
is "$status" 1 'two of an isolated CIDR do not'
has "$out" ' --> teams/ci.yaml:3:3' 'the line is in the included file'
run innernet why humans vault --json
is "$status" 1 'nor do CIDRs that nothing joins'
has "$out" '"add": "- [humans, vault]"' 'the line that would is there'
run innernet why 192.168.9.7 hub
has "$out" "192.168.9.7: routed by 'alice', 10.60.64.2 in 'humans'" 'an address behind a peer is found'
run innernet why 10.60.64.77 ci1
has "$out" '10.60.64.77 and ci1 would reach each other.' 'no peer is at a free address yet'
is "$status" 0 'but a peer there will reach it'
run innernet why 10.60.64.77 v1
has "$out" '10.60.64.77 and v1 would not reach each other.' 'or would not'
run innernet why corp corp
has "$out" 'the peers of corp reach each other in part' 'some do and some do not'
is "$status" 1 'which is no'
sed -i "s/alice: {/alice: { disabled: true,/" network.yaml
run innernet why alice hub
has "$out" 'since: not committed yet' 'what is not committed has no author'
run innernet why alice nobody
is "$status" 2 'an unknown name cannot be told'
cd "$work/plain" || exit 1
run innernet why hub ci1
is "$status" 0 'it needs no git'

# By the network's name: of this person's clone, from any folder.
mkdir "$work/empty" && cd "$work/empty" || exit 1
run innernet why hub ci1 corp
is "$status $err" "2 error[no-clone]: there is no file or folder 'corp', and no clone of that network
  help: on an admin's machine, \`innernet clone corp\` makes one" 'why of a network without a clone'
run innernet validate corp
is "$status $err" "2 error[no-clone]: there is no file or folder 'corp', and no clone of that network
  help: on an admin's machine, \`innernet clone corp\` makes one" 'and validate'
git clone -q --bare "$work/net" "$work/served"
git clone -q "$work/served" "$work/own"
git clone -q "$work/served" "$work/others"
git config --global innernet.corp.clone "$work/own"
run innernet why alice ci1 corp
is "$status $(head -n 1 <<<"$out")" '0 alice and ci1 reach each other.' 'why takes the name of a network'
cd "$work/others" || exit 1
sed -i 's/^associations: .*/associations: [[humans, vault]]/' network.yaml
commit bob 2025-05-01T12:00:00Z 'People use the vault'
git push -q
mkdir "$work/empty/corp" && cd "$work/empty" || exit 1
run innernet why alice v1 corp --json
is "$status $(jq -r '.lines[0].commit.summary' <<<"$out") $err" '0 People use the vault ' \
	'as the server has it now, whatever folder is called so'
echo '# unfinished' >>"$work/own/network.yaml"
run innernet why alice v1 corp
is "$status $err" "0 warning[uncommitted-changes]: $work/own, the clone of 'corp', has changes that are not committed
  note: the answer is for the clone's current files
  help: git -C $work/own status; commit or stash them first" 'or as it stands there, when a person works in it'
is "$(git -C "$work/own" status --porcelain)" ' M network.yaml' 'which is left alone'
run innernet validate corp
is "$status $out" "0 $work/own/network.yaml: valid: network corp, 5 CIDRs, 6 peers, 1 association" \
	'validate takes the name too'
printf 'peers: {}\n' >>"$work/own/network.yaml"
run innernet validate corp "$work/plain" --format json
is "$status $(jq -r '.diagnostics[0].range.filename // .diagnostics[0].file' <<<"$out")" "1 $work/own/network.yaml" \
	'of what stands there'
cd "$work/plain" || exit 1

# A word that is a network's is its interface; a file is a definition.
mkdir "$work/etc"
run innernet --config-dir "$work/etc" plan corp
is "$status" 1 'a name that is no file and no network'
has "$err" 'corp' 'is looked for as a network'
cd "$work/net" || exit 1
printf 'x' >"$work/etc/teams.yaml"
run innernet --config-dir "$work/etc" plan --definition teams
has "$err" 'teams/network.yaml' 'and --definition says that it is a folder'
mkdir -p "$work/empty"
cd "$work/empty" || exit 1
run innernet validate
has "$status $err" '2 error[file-error]: cannot open network.yaml: No such file or directory' 'no definition here'
has "$err" 'help: run it in the folder of the definition, or name that folder or the file' 'and where it is looked for'

# What belongs to another user git does not read unless it is told to; that is no reason to call everything new, also
# where there is no .gitconfig at all, as in a container.
if [ "$(id -u)" = 0 ]; then
	unset SUDO_UID SUDO_GID
	cp -a "$work/net" "$work/theirs"
	git -C "$work/theirs" checkout -q .
	chown -R 65534 "$work/theirs"
	cd "$work/theirs" || exit 1
	want="the repository $work/theirs belongs to another user
  help: run as its owner, or say that you trust it: git config --global --add safe.directory $work/theirs"
	for home in "$work/nobody" "$work/somebody"; do
		mkdir "$home"
		[ "$home" = "$work/nobody" ] || HOME=$home git config --global user.name Ann
		HOME=$home run innernet plan
		is "$status $err $out" "1 error[repository-owner]: $want " "plan: another user's clone is said (${home##*/})"
		HOME=$home run innernet why hub infra
		has "$status $err" "0 warning[repository-owner]: $want" "why: a warning, and the answer (${home##*/})"
		HOME=$home git config --global --add safe.directory "$work/theirs"
		HOME=$home run innernet plan
		is "$status $err" '0 ' "plan: and is read when it is trusted (${home##*/})"
	done
fi

echo "1..$n"
