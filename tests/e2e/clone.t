#!/usr/bin/env bash
# innernet clone, and the commands that edit by the network's name alone: from any admin's machine, at once, for all.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.2
host_new bob 192.0.2.3
host_new carol 192.0.2.4
URL=http://10.60.0.1:51820/network.git
site_new corp 10.60.0.0/16
site_humans 10.60.64.0/24
site_invite alice --admin
site_invite bob
site_invite carol --admin
site_push
for p in alice bob carol; do
	ok "$p joins" on $p innernet install "$WORK/$p.yaml"
	spawn $p daemon innernet up corp --daemon
done
tip() { on hub git -C $REPO rev-parse --verify -q "${1:-main}"; } # [REVISION]
run_on() { # HOST COMMAND...: as run(), and what git's other side says without git's own "remote: "
	run on "$@"
	err=$(sed -E 's/^remote: ?//; s/ +$//' "$WORK/.err")
}

# ---- a clone --------------------------------------------------------------------------------------------------------

run_on alice env -C / innernet add-peer corp --name x --auto-ip --cidr humans
is "$status $err" "1 error[no-clone]: there is no file or folder 'corp', and no clone of that network
  help: on an admin's machine, \`innernet clone corp\` makes one" 'without a clone it says how to have one'
run_on alice innernet clone corp
is "$status $out" "0 The definition of 'corp' is in $WORK/alice/corp.
The commands that edit find it by the network's name: innernet add-peer corp --name NAME ..." 'an admin clones by the name'
git_in() { on alice git -C corp "$@"; }
is "$(git_in rev-parse HEAD)" "$(tip)" 'the definition'
is "$(git_in rev-parse origin/innernet/enrolments)" "$(tip innernet/enrolments)" 'the ledger'
is "$(git_in log -1 --format=%N)" 'published as version 0.5' 'and what became of each commit'
is "$(git_in config --get-urlmatch http.extraHeader $URL)" \
	"Innernet-Network: $(on hub sed -nE 's/^ *id: "(.*)"/\1/p' network/network.yaml)" 'it says which network it means'
is "$(git_in config user.name) $(git_in config user.email)" 'alice alice@corp.wg' 'commits have an author'
is "$(git_in check-attr merge network.yaml) $(git_in config merge.innernet.driver)" \
	'network.yaml: merge: innernet innernet merge-driver %O %A %B %P %L' 'definitions are merged by their members'
run_on alice innernet clone corp
like "$status $err" "^1 error\[clone-exists\]: $WORK/alice/corp is a clone of 'corp' already$" 'once is enough'
run_on bob innernet clone corp
like "$status $(tr '\n' '|' <<<"$err")" "^1 .*\|not-admin: only an admin's machine may ask for this\|.*error\[git-failed\]: \`git clone $URL\` failed\|  help: only machines of admins " \
	'a peer that is no admin is told'
run_on bob innernet clone nope
like "$status $err" "^1 error\[no-network\]: this machine is not in a network called 'nope'$" 'so is a person that names another network'
run_on carol innernet clone corp mine --json
is "$status $(jq -c . <<<"$out")" "0 {\"format_version\":\"1.0\",\"network\":\"corp\",\"folder\":\"$WORK/carol/mine\",\"server\":\"10.60.0.1:51820\"}" \
	'in a folder of choice, said in JSON'

# ---- edits by the name ----------------------------------------------------------------------------------------------

key=$(wg genkey | wg pubkey)
run_on alice env -C / innernet add-peer corp --name dora --auto-ip --cidr humans --public-key "$key" --yes
like "$status $out" '^0 Effect: ' 'a peer is added from anywhere'
like "$out" '^Committed and pushed\.$' 'at once'
like "$err" '^published as version 0\.6; 3 of 4 peers run it after [0-9]+ ms$' 'with the verdict'
is "$(git_in rev-parse HEAD)" "$(tip)" 'the clone has what the server has'
has_key() { on bob wg show corp peers | grep -qxF "$key"; }
ok "another machine's interface has it" wait_for 10 has_key
before=$(tip)
run_on alice env -C / innernet disable-peer corp --name dora
is "$status $err" '3 error[not-confirmed]: nothing was changed: there is no terminal to ask at
  help: --yes pushes without asking' 'without a terminal nothing is pushed unasked'
like "$out" '^Effect: ' 'though it is shown'
run_on alice env -C / innernet add-peer corp --name eve --auto-ip --cidr humans --save-config "$WORK/alice/eve.yaml" --push --json
is "$status $(jq -c '[.exit_code, .diagnostics[].code]' <<<"$out")" '3 [3,"not-confirmed"]' 'nor when JSON is wanted'
is "$(tip) $(git_in rev-parse HEAD) $(git_in status --porcelain)" "$before $before " 'nothing is changed'
nok 'and no invitation is left' on alice test -e eve.yaml
run_on alice env -C / innernet enable-peer corp --name dora
is "$status $out" "0 Peer 'dora' is enabled already. Nothing changed." 'what is so already needs no word'
run_on carol env -C / innernet disable-peer corp --name dora --yes --json
is "$status $(jq -c '[.edit, .changed, .committed, .pushed]' <<<"$out")" '0 ["disable-peer",true,true,true]' \
	'another admin goes on from there'
ok 'and it is gone again' wait_for 10 not has_key
run_on alice env -C / innernet disable-peer corp --name dora --yes
is "$status $out" "0 Peer 'dora' is disabled already. Nothing changed." 'which the first one sees'
run_on alice env -C "$WORK/alice" innernet delete-peer corp --name dora --yes
is "$status $(git_in rev-parse HEAD)" "0 $(tip)" 'a folder of that name beside it is no other definition'
run_on alice env -C / innernet fold corp --yes
is "$status $(git_in rev-parse HEAD)" "0 $(tip)" 'fold takes the name too'
like "$(git_in log -1 --format=%s)" '^network: fold ' 'and folds'

run_on alice env -C / innernet export erin corp
like "$status $err" "^1 error\[unknown-name\]" 'export takes it after the name of the peer'
is "$(on alice env -C / innernet complete peer -- disable-peer corp --name | xargs)" 'hub alice bob carol' \
	'the shells are told the names that are in it'
is "$(on bob innernet complete peer -- override-peer-endpoint corp --name | xargs)" 'hub alice bob carol' \
	'or in the snapshot'
is "$(on bob innernet complete cidr -- override-peer-endpoint corp --name | xargs)" 'corp infra humans' 'with their CIDRs'
is "$(on bob innernet complete argument -- status)" corp 'and the networks themselves'
run_on alice env -C / innernet validate corp
like "$status $out" "^0 $WORK/alice/corp/network.yaml: valid: network corp, " 'validate takes it'
run_on carol env -C / innernet why alice hub corp
is "$status $(head -n 1 <<<"$out") $(on carol git -C mine rev-parse HEAD)" "0 alice and hub reach each other. $(tip)" \
	'why takes it, of what the server has now'
# What the server refuses leaves nothing.
on hub install -m 755 /dev/stdin $REPO/hooks/update <<<$'#!/bin/sh\necho not today\nexit 1'
before=$(tip)
run_on alice innernet add-peer corp --name erin --auto-ip --cidr humans --yes
like "$status $err" '^not today$' 'a refused push says why'
is "$status $(tail -n 1 <<<"$err")" '1 Nothing was changed.' 'and that nothing was changed'
is "$(git_in rev-parse HEAD) $(git_in status --porcelain)" "$before " 'nor is it in the clone'
nok 'and no invitation is left' on alice test -e erin.yaml
run_on alice env -C / innernet export bob corp --new-key --yes
is "$status $out" '1 ' 'nor a configuration whose key is nowhere'
on hub rm $REPO/hooks/update

# Another push is first: once more, on top.
on alice git clone -q $URL other
on alice git -C other config user.name Other
on alice git -C other config user.email other@example.com
on alice install -m 755 /dev/stdin corp/.git/hooks/pre-push <<END
#!/bin/sh
[ ! -e $WORK/raced ] || exit 0
touch $WORK/raced
cd $WORK/alice/other && unset GIT_DIR && git commit -q --allow-empty -m first && git push -q
END
run_on alice innernet add-peer corp --name erin --auto-ip --cidr humans --yes
like "$status $err" "^Another push came first. Retrying on top of it:$" 'the loser of a race is told'
unlike "$err" '^hint:' 'without git'"'"'s own advice'
is "$status $(on hub git -C $REPO log -2 --format=%s | xargs -d '\n')" '0 network: add peer erin first' 'and is second'
is "$(on alice stat -c %a erin.yaml)" 600 'with one invitation'
is "$(on alice sed -n 's/^floor: *//p; s/^ *number: *//p' erin.yaml | xargs)" "$(on hub git -C $REPO rev-list --count main~1)" \
	'whose floor is what was published'
# A person commits in the clone itself, while a push is refused.
on alice install -m 755 /dev/stdin corp/.git/hooks/pre-push <<END
#!/bin/sh
unset GIT_DIR && git commit -q --allow-empty -m precious
exit 1
END
run_on alice innernet add-cidr corp --name lost --cidr 10.60.73.0/24 --yes
like "$err" '^error\[git-failed\]: `git push` failed; the commit stays in the clone$' 'what was committed meanwhile'
is "$(git_in log -2 --format=%s | xargs -d '\n')" 'precious network: add CIDR lost' 'is not taken away'
git_in reset -q --hard '@{upstream}'
on alice rm corp/.git/hooks/pre-push
spawn alice race innernet add-cidr corp --name left --cidr 10.60.70.0/24 --yes
spawn carol race innernet add-cidr corp --name right --cidr 10.60.71.0/24 --yes
wait_for 20 not runs alice race
wait_for 20 not runs carol race
is "$(on hub git -C $REPO show main:network.yaml | grep -cE '^  (left|right): ')" 2 'two admins at once: both are in'

# A person works in the clone.
echo '# unfinished' >>"$WORK/alice/corp/network.yaml"
run_on alice innernet enable-peer corp --name bob
like "$status $err" "^1 error\[uncommitted-changes\]: $WORK/alice/corp, the clone of 'corp', has changes that are not committed$" \
	'what is not committed is not touched'
git_in commit -q -a -m mine
run_on alice innernet enable-peer corp --name bob
like "$status $err" '^1 error\[clone-busy\]: .* has commits that are not pushed$' 'nor pushed along'
git_in reset -q --hard '@{upstream}'
git_in switch -q -c idea
run_on alice innernet enable-peer corp --name bob
like "$status $err" '^1 error\[clone-busy\]: .* is on a branch without an upstream branch on the server' 'another branch is left alone'
git_in switch -q main

# ---- the owner of the clone ----------------------------------------------------------------------------------------------

mkdir "$WORK/alice/ada" && chown 1000:1000 "$WORK/alice/ada"
on alice sh -c "echo ada:x:1000:1000::$WORK/alice/ada:/bin/sh >>/etc/passwd && echo ada:x:1000: >>/etc/group"
as_ada() { run_on alice setpriv --reuid 1000 --regid 1000 --clear-groups env -C ada HOME="$WORK/alice/ada" "$@"; } # COMMAND...
as_ada innernet clone corp
like "$status $err" '^1 error\[.*' 'a user that may not read the snapshot'
like "$err" '^  help: sudo innernet clone corp ' 'is told what to do'
as_ada innernet clone corp one --server hub.corp.wg
is "$status $(on alice stat -c %u ada/one/network.yaml)" '0 1000' 'as with the name of the server'
run_on alice env -C ada SUDO_UID=1000 SUDO_GID=1000 innernet clone corp two
is "$status $(on alice stat -c %u ada/two/network.yaml ada/.gitconfig | xargs)" '0 1000 1000' 'with sudo it is still theirs'
run_on alice env -C ada SUDO_UID=1000 innernet enable-peer corp --name bob --yes
is "$status $out" "0 Peer 'bob' is enabled already. Nothing changed." 'and found'
on alice install -m 755 -o 1000 /dev/stdin ada/two/.git/hooks/pre-commit <<END
#!/bin/sh
id -u >$WORK/alice/ada/hook-ran-as
END
on alice mkdir ada/corp
run_on alice env -C ada HOME=/root SUDO_UID=1000 innernet add-cidr corp --name ours --cidr 10.60.72.0/24 --yes
is "$status $(on alice cat ada/hook-ran-as)" '0 1000' 'a folder that is called so changes nothing, and hooks run as the user that typed'
is "$(on alice find ada/two -not -user 1000)" '' 'nothing of it is now root'"'"'s'

# ---- through the server ---------------------------------------------------------------------------------------------

on hub sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
run_on alice env -C / innernet invite-peer corp --name erin --save-config "$WORK/alice/again.yaml" --yes
run_on alice env -C / innernet export erin corp --via hub -o "$WORK/alice/erin.conf" --yes
is "$status" 0 'a peer that is reached through the server'
ok 'which says when it does not forward' \
	wait_log hub server 'forwarding: the kernel forwards no IPv4, and 1 peer is reached through this server: sysctl -w net\.ipv4\.ip_forward=1'

# ---- without the server ---------------------------------------------------------------------------------------------

stop hub server
run_on alice innernet enable-peer corp --name bob
is "$status $err" "1 error[no-answer]: the server at 10.60.0.1:51820 does not answer
  help: is the network up? \`innernet status corp\`" 'a server that is away is said at once'
run_on alice innernet why alice hub corp
is "$status $(head -n 1 <<<"$err")" '0 warning[no-answer]: the server at 10.60.0.1:51820 does not answer' \
	'and is no hindrance to why'
done_testing
