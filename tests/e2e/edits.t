#!/usr/bin/env bash
# The commands that edit a definition, by flags: the lines that they must change and no other, in the file that has
# them; idempotent; refused with nothing changed.
. "$(dirname "$0")/lib.sh"

desk_new net
mkdir teams
edit() { # DESCRIPTION DIFF COMMAND...: it succeeds and changes just these lines; the same again changes nothing
	local what=$1 wanted=$2 again
	shift 2
	rm -rf "$WORK/before" && cp -r . "$WORK/before"
	run innernet "$@"
	is "$status $err" '0 ' "$what"
	is "$(diff -r -x .git "$WORK/before" . | grep '^[<>]')" "$wanted" '... changes the lines that it must'
	again=$(innernet "$@" </dev/null 2>&1)
	is "$? $(tail -n 1 <<<"$again" | grep -o 'Nothing changed.')" '0 Nothing changed.' '... and once more, nothing'
}
refuse() { # DESCRIPTION REGEX COMMAND...: it fails, says so, and nothing is changed
	local what=$1 wanted=$2
	shift 2
	rm -rf "$WORK/before" && cp -r . "$WORK/before"
	run innernet "$@"
	like "$status $err" "$wanted" "$what"
	ok '... and nothing is changed' diff -r -x .git "$WORK/before" .
}
key() { wg genkey | wg pubkey; }
cat >network.yaml <<END
# The git identity.
network: corp
cidr: 10.60.0.0/16
include: [teams/*.yaml]
trust:
  id: "$(head -c 32 /dev/urandom | base64)"
  signers: ["ed25519:$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | base64)"]
cidrs:
  infra:   10.60.0.0/24
  humans:  10.60.64.0/24   # people
associations:
  - [humans, ops]
peers:
  hub:     { ip: 10.60.0.1, public_key: "$(key)", endpoint: "192.0.2.1:51820", server: true }
  alice:   { ip: 10.60.64.1, public_key: "$(key)", admin: true }
tests:
  - { from: alice, can_reach: [olga, hub], cannot_reach: [guests] }
END
cat >teams/ops.yaml <<END
cidrs: {ops: 10.60.65.0/24, guests: 10.60.66.0/24}
peers:
  olga:
    ip: 10.60.65.1
    public_key: $(key)
    # of the night shift
  gus:
    ip: 10.60.66.1
    public_key: $(key)
END
cp -r . "$WORK/first"

edit 'add-cidr' '>   lab:     10.60.67.0/24' add-cidr --name lab --cidr 10.60.67.0/24
like "$out" '^# cidr lab will be added$' 'the plan is shown'
like "$out" '^[+]  lab:     10.60.67.0/24$' 'with the line'
like "$out" "^Not active yet. Push it: git commit -m 'network: add CIDR lab' network.yaml && git push\$" 'and what to type'
cp network.yaml "$WORK/kept.yaml"
like "$(cd .. && innernet add-cidr net --name far --cidr 10.60.68.0/24 2>&1)" \
	"^Not active yet. Push it: git -C net commit -m 'network: add CIDR far' network.yaml && git -C net push\$" \
	'from another folder, too'
cp "$WORK/kept.yaml" network.yaml
edit 'add-association' '>   - [lab, humans]' add-association --cidr lab --with humans
is "$(innernet add-association humans lab)" \
	"An association joins 'humans' and 'lab' in network.yaml. Nothing changed." 'as two words, too'
is "$(innernet add-association network.yaml humans lab)" \
	"An association joins 'humans' and 'lab' in network.yaml. Nothing changed." 'after the definition'
refuse 'but not twice' 'the CIDRs as two words, or as --cidr and --with' add-association humans lab --with ops
refuse 'one alone is not enough' 'missing: --cidr CIDR, --with CIDR' add-association humans
is "$(innernet add-association --cidr humans --with lab)" \
	"An association joins 'humans' and 'lab' in network.yaml. Nothing changed." 'the other way round is the same'
refuse 'a CIDR that an association names is not deleted' "^  note: by the association at network.yaml:14:5$" delete-cidr --name lab
edit 'delete-association' '<   - [lab, humans]' delete-association --cidr humans --with lab
edit 'rename-cidr' '<   lab:     10.60.67.0/24
>   labs:    10.60.67.0/24' rename-cidr --name lab --new-name labs
refuse 'a CIDR that would be in another one than was asked for' \
	"^1 error\[prefix-outside\]: 'sub' is in CIDR 'labs', not in 'humans'" add-cidr --name sub --cidr 10.60.67.64/26 --parent humans
edit 'add-cidr --parent' '>   sub:     10.60.67.64/26' add-cidr --name sub --cidr 10.60.67.64/26 --parent labs
refuse 'or is, already' "is in CIDR 'labs', not in 'corp'" add-cidr --name sub --cidr 10.60.67.64/26 --parent corp
refuse 'a parent that is not there is a typo' "there is no CIDR 'lab'" add-cidr --name more --cidr 10.60.67.0/26 --parent lab
run innernet delete-cidr --name sub
edit 'delete-cidr' '<   labs:    10.60.67.0/24' delete-cidr --name labs
refuse 'a CIDR with peers stays' "^  note: by the peer 'olga' at teams/ops.yaml:3:3$" delete-cidr --name ops
refuse 'so does the network' "^1 error\[in-use\]: 'corp' is the network itself" delete-cidr --name corp
edit 'rename-cidr goes through all files' '<   - [humans, ops]
>   - [humans, operations]
< cidrs: {ops: 10.60.65.0/24, guests: 10.60.66.0/24}
> cidrs: {operations: 10.60.65.0/24, guests: 10.60.66.0/24}' rename-cidr --name ops --new-name operations
like "$out" 'network.yaml teams/ops.yaml && git push$' 'and names both'
run innernet rename-cidr --name operations --new-name ops
edit 'rename-peer goes into the tests' '<   - { from: alice, can_reach: [olga, hub], cannot_reach: [guests] }
>   - { from: alice, can_reach: [olivia, hub], cannot_reach: [guests] }
<   olga:
>   olivia:' rename-peer --name olga --new-name olivia
run innernet rename-peer --name olivia --new-name olga
edit 'disable-peer, in the file that has it' '>     disabled: true' disable-peer --name gus
edit 'enable-peer' '<     disabled: true' enable-peer --name gus
edit 'set-endpoint' '>     endpoint: "[2001:db8::1]:7"' set-endpoint --name olga --endpoint '[2001:DB8:0::1]:7'
edit 'set-endpoint --unset' '<     endpoint: "[2001:db8::1]:7"' set-endpoint --name olga --unset
ok 'all of it done and undone, the first bytes are back' diff -r "$WORK/first" .

refuse 'a peer that a test names stays' '^  note: by the test at network.yaml:17:5$' delete-peer --name olga
refuse 'an edit that a test forbids is refused' '^1 error\[test-failed\]' add-association --cidr humans --with guests
like "$err" '^Nothing was changed: the definition would not be valid.$' 'which is said'
refuse 'and one that a test forbids otherwise' '^1 error\[test-failed\]' disable-peer --name olga
refuse 'the only server is not disabled' '^1 error\[servers-disabled\]' disable-peer --name hub
refuse 'a CIDR that overlaps no parent is' '^1 error\[prefix-outside\]' add-cidr --name far --cidr 192.168.0.0/24
refuse 'host bits are' 'did you mean 10.60.67.0/24' add-cidr --name lab --cidr 10.60.67.9/24
refuse 'a name that is taken is' "^1 error\[peer-exists\]: peer 'alice' is there already" add-cidr --name alice --cidr 10.60.67.0/24
refuse 'a typo is' "^  help: did you mean 'alice'" disable-peer --name alicee
run innernet delete-peer --name alicee
is "$status $out" "0 There is no peer 'alicee' in network.yaml (did you mean 'alice'?). Nothing changed." \
	'a peer to delete that does not exist: the nearest name is said'
refuse 'a mistyped option is named' "did you mean '--endpoint'?" set-endpoint --name alice --endpiont a:1
refuse 'what is missing is named' '^1 innernet: rename-peer: something is missing: --name PEER, --new-name NAME$' rename-peer
refuse 'or what is not said of an endpoint' 'missing: --endpoint HOST:PORT \(or --unset\)$' set-endpoint --name alice

# Upstream's way to say it.
run innernet add-peer --name boss --auto-ip --cidr humans --public-key "$(key)" --admin true
like "$status $out" '^[+]  boss: .*admin: true' '--admin true'
run innernet delete-peer --name boss
run innernet add-peer --name boss --auto-ip --cidr humans --public-key "$(key)" --admin false .
unlike "$status $out" 'admin: |Admins:' '--admin false'
run innernet delete-peer --name boss
refuse 'neither of them is an error' 'takes true or false, not .perhaps.' add-peer --name boss --admin=perhaps

# A new invite.
run innernet invite-peer --name olga --invite-expires never --json
is "$status $err" '0 ' 'invite-peer'
is "$(jq -c '[.format_version, .edit, .changed, .files, .name, .ip, .cidr, .invite_expires, .invitation, .committed]' <<<"$out")" \
	'["1.0","invite-peer",true,["teams/ops.yaml"],"olga",["10.60.65.1"],"ops",null,"olga.yaml",false]' 'said in JSON'
is "$(jq -c '.plan.effect.cut_off[]' <<<"$out")" "$(jq -c '.plan.effect.cut_off[0]' <<<"$out")" 'with its plan'
is "$(diff "$WORK/first/teams/ops.yaml" teams/ops.yaml | sed -E 's/: .*/: KEY/')" '5c5
<     public_key: KEY
---
>     invite: KEY' 'in the place of the key'
is "$(sed -n 's/ *invite: *"*\(ed25519:[^"]*\).*/\1/p' teams/ops.yaml)" "$(jq -r .invite <<<"$out")" 'the one that it says'
is "$(stat -c %a olga.yaml)" 600 'the invitation is its owner'\''s alone'
refuse 'it is not written over another file' '^1 error\[file-exists\]' invite-peer --name olga

refuse 'nor where the definition would include it' '^  help: choose another folder: --save-config FILE' \
	add-peer --name hans --auto-ip --cidr humans --save-config teams/hans.yaml

# All files are written, or none.
cp teams/ops.yaml "$WORK/ops.yaml"
mount --bind teams teams && mount -o remount,bind,ro teams
refuse 'a file that cannot be written takes the others back' '^1 error\[' rename-cidr --name ops --new-name operations
umount teams

# In git.
rm olga.yaml
git init -q . && git add . && git commit -q -m one
git init -q --bare "$WORK/upstream.git" && git remote add origin "$WORK/upstream.git" && git push -q -u origin main
printf '#!/bin/sh\necho "plan: no pair of peers gains or loses access"\n' >"$WORK/upstream.git/hooks/pre-receive"
chmod +x "$WORK/upstream.git/hooks/pre-receive"
echo x >other && git add other
run innernet rename-cidr --name ops --new-name operations --push --yes
is "$status" 0 'commit and push'
like "$err" '^remote: plan: no pair' 'what the server says is shown'
is "$(git show --format=%s --name-only HEAD | xargs)" 'network: rename CIDR ops to operations network.yaml teams/ops.yaml' \
	'the commit has both files'
is "$(git diff --cached --name-only)" other 'and nothing else'
run innernet rename-cidr --name ops --new-name operations --push --yes
is "$status $(git rev-list --count HEAD)" '0 2' 'once more makes no commit'
run innernet invite-peer --name olga --invite-expires never --commit --yes
is "$(git status --porcelain | xargs)" 'A other' 'git leaves the invitation alone'
is "$(tail -n 1 .git/info/exclude)" /olga.yaml 'since it was told to'
echo '# unfinished' >>teams/ops.yaml
refuse 'nothing unfinished is taken along' '^1 error\[uncommitted-changes\]' disable-peer --name olga --commit
refuse 'what is so already and not committed is not passed over' '^1 error\[uncommitted-changes\]' \
	rename-cidr --name ops --new-name operations --commit
git checkout -q teams/ops.yaml
refuse 'nor is what is not pushed' '^1 error\[not-pushed\]: 1 commit of this branch is not pushed yet$' \
	rename-cidr --name ops --new-name operations --push
git push -q
run innernet rename-cidr --name ops --new-name operations --push
is "$status $err" '0 ' 'until it is'

# The ledger, as the clone has it.
ledger=$WORK/ledger
git clone -q . "$ledger"
git -C "$ledger" checkout -q --orphan innernet/enrolments
git -C "$ledger" rm -rqf .
mkdir -p "$ledger/addresses/02/40"
printf 'innernet-address 1\naddress 10.60.64.2\nmark %s\nname mallory\ncommit %s\n' "$(key)" "$(git rev-parse HEAD)" \
	>"$ledger/addresses/02/40/00000000000000000000ffff0a3c4002"
git -C "$ledger" add . && git -C "$ledger" commit -q -m addresses
git fetch -q "$ledger" innernet/enrolments:refs/remotes/origin/innernet/enrolments
run innernet add-peer --name carl --auto-ip --cidr humans --public-key "$(key)"
like "$status $out" '^[+]  carl:    \{ ip: 10.60.64.3, ' 'an address that was given out before is passed over'
refuse 'and refused when it is asked for' '^1 error\[address-reused\]' add-peer --name dora --ip 10.60.64.2 --public-key "$(key)"
done_testing
