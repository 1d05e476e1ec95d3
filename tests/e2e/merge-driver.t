#!/usr/bin/env bash
# innernet merge-driver: git merges two branches' changes of a definition by peers and keys, and the result is valid.
. "$(dirname "$0")/lib.sh"

desk_new net
key() { wg genkey | wg pubkey; }
hub=$(key)
cat >network.yaml <<END
# The network.
network: corp
cidr: 10.60.0.0/16
trust: { id: "$(key)", signers: ["ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o="], threshold: 1 }
cidrs:
  infra: 10.60.0.0/24
  eng: 10.60.64.0/24
  ops: 10.60.70.0/24
  lab: { cidr: 10.60.90.0/24, isolated: true }
peers:
  hub: { ip: 10.60.0.1, public_key: "$hub", endpoint: "192.0.2.1:51820", server: true }
  # The peers are sorted by nothing.

# Who reaches whom.
tests:
  - { from: lab, cannot_reach: eng }
END
git init -q .
git add .
git commit -q -m one
add() { innernet add-peer "$@" --commit --yes >/dev/null 2>&1; }
branch() { git checkout -q -b "$1" "${2:-main}"; } # NAME [FROM]
merged() { # BRANCH: merges it into the branch here; what is said is in $out, git's exit code in $status
	run git merge -m "merge $1" "$1"
	out=$(printf '%s\n%s\n' "$out" "$err" |
		grep -vE '^(Auto-merging|Merge made|CONFLICT|Automatic merge failed| [a-z/]*[.]yaml|  *1 file|$)')
}
list() { innernet list --json | jq -r '[.peers[] | "\(.name) \(.addresses[0])"] | join(", ")'; }

# ---- setting it up

branch plain
add --name p1 --ip 10.60.64.1 --public-key "$(key)"
branch plain2
add --name p2 --ip 10.60.64.2 --public-key "$(key)"
run innernet merge-driver --install
is "$status $out$err" '0 git merges network.yaml in this clone with `innernet merge-driver`.' 'it is set up'
is "$(git config merge.innernet.driver) | $(cat .git/info/attributes)" \
	'innernet merge-driver %O %A %B %P %L | network.yaml merge=innernet' 'by git'"'"'s own settings'
ok 'twice' innernet merge-driver --install .
is "$(cat .git/info/attributes)" 'network.yaml merge=innernet' 'changes nothing more'
run innernet merge-driver --install /
like "$status $(tail -n 2 <<<"$err")" '^1 error\[git-failed\]: / is in no git repository' 'without a clone it says so'

# ---- two branches that add peers

branch x1
add --name p1 --auto-ip --cidr eng --public-key "$(key)"
sed -i 's/^  p1:/  # Of p1.\n  p1:/' network.yaml
git commit -q -a -m comment
branch x2
add --name p2 --auto-ip --cidr eng --public-key "$(key)"
add --name p3 --auto-ip --cidr eng --public-key "$(key)"
merged x1
is "$status $out" "0 network.yaml: both sides gave out 10.60.64.1. Peer 'p2' keeps it, peer 'p1' gets 10.60.64.3." \
	'two peers with one address: the second gets the next free one'
is "$(list)" 'hub 10.60.0.1, p2 10.60.64.1, p3 10.60.64.2, p1 10.60.64.3' 'all are there'
ok 'the result is valid' innernet validate
is "$(grep -n '^ *#' network.yaml)" '1:# The network.
12:  # The peers are sorted by nothing.
15:  # Of p1.
18:# Who reaches whom.' 'the comments stay, each once'

branch y1
add --name q1 --auto-ip --cidr eng --save-config "$WORK/q1.yaml"
branch y2
add --name q2 --auto-ip --cidr eng --save-config "$WORK/q2.yaml"
merged y1
is "$status $out" "0 network.yaml: both sides gave out 10.60.64.1. Peer 'q2' keeps it, peer 'q1' gets 10.60.64.2.
  The invitation of 'q1' names the old address. After the merge, make a new one: innernet invite-peer --name q1 --commit" \
	'an invited peer needs a new invitation'
ok 'the line works as it is typed' innernet invite-peer --name q1 --commit --yes --save-config "$WORK/again.yaml"
is "$(list)" 'hub 10.60.0.1, q2 10.60.64.1, q1 10.60.64.2' 'and the address stays'

# The ledger knows which of the two has been published.
branch z1
add --name r1 --auto-ip --cidr eng --public-key "$(key)"
mark=$(innernet list --json | jq -r '.peers[] | select(.name == "r1") | .public_key')
branch z2
add --name r2 --auto-ip --cidr eng --public-key "$(key)"
git worktree add -q --detach "$WORK/ledger"
git -C "$WORK/ledger" checkout -q --orphan innernet/enrolments
git -C "$WORK/ledger" rm -rqf .
mkdir -p "$WORK/ledger/addresses/01/40"
printf 'innernet-address 1\naddress 10.60.64.1\nmark %s\nname r1\ncommit %s\n' "$mark" "$(git rev-parse HEAD)" \
	>"$WORK/ledger/addresses/01/40/00000000000000000000ffff0a3c4001"
git -C "$WORK/ledger" add .
git -C "$WORK/ledger" commit -q -m addresses
git worktree remove "$WORK/ledger"
merged z1
is "$status $out" "0 network.yaml: both sides gave out 10.60.64.1. Peer 'r1' keeps it, peer 'r2' gets 10.60.64.2." \
	'a peer that is published keeps its address'
git branch -q -D innernet/enrolments

# In a rebase the commits of this branch are the second side.
branch w1
add --name s1 --auto-ip --cidr eng --public-key "$(key)"
branch w2
add --name s2 --auto-ip --cidr eng --public-key "$(key)"
ok 'a rebase' git rebase -q w1
is "$(list)" 'hub 10.60.0.1, s1 10.60.64.1, s2 10.60.64.2' 'moves the peer that is not there yet'

# ---- conflicts

branch c1
sed -i 's/192.0.2.1:51820/192.0.2.7:51820/' network.yaml
git commit -q -a -m seven
branch c2
sed -i 's/192.0.2.1:51820/192.0.2.8:51820/' network.yaml
git commit -q -a -m eight
merged c1
like "$status $out" '^1 error\[merge-conflict\]: both sides changed this in different ways: peers[.]hub[.]endpoint$' 'both changed one value'
is "$(grep -c '^<<<<<<< ours$\|^=======$\|^>>>>>>> theirs$' network.yaml) $(git diff --name-only --diff-filter=U)" \
	'3 network.yaml' 'git'"'"'s marks are in the file'
git merge --abort

branch m1
innernet delete-cidr --name lab --commit --yes >/dev/null 2>&1
run git diff --quiet main
is "$status" 0 'a CIDR that a test names cannot be deleted'
sed -i '/^  lab:/d; /cannot_reach: eng/d; /^tests:/d; /^# Who/d' network.yaml
git commit -q -a -m 'no lab'
branch m2
add --name zed --ip 10.60.90.5 --public-key "$(key)"
merged m1
like "$out" "^error\[merge-moved\]: the merge moves peer 'zed' from CIDR 'lab' to 'corp'$" \
	'a merge does not move a peer to another CIDR silently'
like "$out" '^network.yaml: both sides. changes are in it, but the result is not valid. Correct it, then: git add network.yaml$' \
	'it says what to do'
nok 'there are no marks in the file' grep -q '^<<<<' network.yaml
git merge --abort

branch t1
ok 'one branch joins two CIDRs' innernet add-association --commit --yes eng ops
branch t2
echo '  - { from: ops, cannot_reach: eng }' >>network.yaml
ok 'the other one tests that they are apart' innernet validate
git commit -q -a -m apart
merged t1
like "$status $out" '^1 error\[test-failed\]' 'a test that fails stops the merge'
git merge --abort

# What is no definition is merged by lines.
branch n1
printf 'network: [\n' >network.yaml
git commit -q -a -m broken
branch n2
printf 'network: corp\n' >network.yaml
git commit -q -a -m short
merged n1
is "$status $(head -n 1 <<<"$out")" '1 error[merge-conflict]: their side is not a definition: this is not YAML: did not find expected node content' \
	'a side that is no YAML'
git merge --abort

# ---- files that a definition includes

branch inc
mkdir teams
printf 'peers:\n  t1: { ip: 10.60.64.9, public_key: "%s" }\n' "$(key)" >teams/a.yaml
sed -i 's/^cidrs:/include: [teams\/*.yaml]\ncidrs:/' network.yaml
git add .
git commit -q -m teams
echo 'teams/*.yaml merge=innernet' >>.git/info/attributes
branch inc1 inc
printf '  t2: { ip: 10.60.64.10, public_key: "%s" }\n' "$(key)" >>teams/a.yaml
git commit -q -a -m t2
branch inc2 inc
printf '  t3: { ip: 10.60.64.10, public_key: "%s" }\n' "$(key)" >>teams/a.yaml
git commit -q -a -m t3
merged inc1
is "$status $out" "0 teams/a.yaml: both sides gave out 10.60.64.10. Peer 't3' keeps it, peer 't2' gets 10.60.64.1." \
	'an included file is merged as a part of its definition'
ok 'which is valid' innernet validate
done_testing
