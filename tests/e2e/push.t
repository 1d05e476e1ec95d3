#!/usr/bin/env bash
# A push is answered while the person is still looking: what is refused, with which words, and what is said when all is
# well. First without a server that runs, then with one and a peer.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.2
on hub git config --global user.name Ada
on hub git config --global user.email ada@example.com
REPO=/var/lib/innernet-reconcile/corp/network.git
net=$WORK/hub/network

git_in() { on hub git -C network "$@"; }
commit() { git_in commit -q -a -m "$1"; } # MESSAGE
# A push; what the server said, each line without git's own "remote: " and the blanks it ends lines with.
push() { # [ARGUMENT...]
	git_in push -q "$@" >"$WORK/said" 2>&1
	pushed=$?
	said=$(sed -nE 's/^remote: ?//; T; s/ +$//; p' "$WORK/said")
}
refused() { # CODE MESSAGE DESCRIPTION
	is "$pushed" 1 "$3: refused"
	like "$said" "^error\[$1\]: $2\$" "$3: says why"
	like "$said" '^Refused: ' "$3: and that nothing was changed"
}
tip() { on hub git -C $REPO rev-parse --verify -q "${1:-main}"; }

on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.1:51820 \
	--server-name hub >/dev/null || bail 'no server'
on hub git clone -q $REPO network
for h in pre-receive post-receive; do ok "init makes the $h hook" on hub test -x $REPO/hooks/$h; done
unlike "$(on hub cat /var/lib/innernet-reconcile/corp/push.yaml)" \
	"$(on hub sed -n 's/^private_key: //p' /etc/innernet-reconcile/corp.yaml | sed 's/[+/]/\\&/g')" 'what hooks go by has no key in it'
is "$(on hub stat -c %a /var/lib/innernet-reconcile/corp/push.yaml)" 644 'and every user may read it'

# ---- nothing is published yet ---------------------------------------------------------------------------------------

sed -i 's/^cidrs:/cidrs:\n  humans: 10.60.64.0\/24/' "$net/network.yaml"
commit 'people'
push
is "$pushed $said" "0 Effect: no pair of peers gains or loses access.
Unchanged: routes, the network's prefix, admins, servers, trust, addresses, keys, tests.
Plan: 1 to add, 0 to change, 0 to remove.
the reconciler is not running; this will be published when it does" 'a good push: its plan, and what will become of it'

good=$(tip)
line=$(grep -n humans: "$net/network.yaml" | cut -d: -f1)
sed -i 's/humans: 10.60/humans: 10.99/' "$net/network.yaml"
commit 'outside'
push
is "$pushed $said" "1 error[prefix-outside]: 10.99.64.0/24 is outside the network
  --> network.yaml:$line:11
   |
$line |   humans: 10.99.64.0/24
   |           ^^^^^^^^^^^^^
  note: the network is 10.60.0.0/16 at network.yaml:$(grep -n ^cidr: "$net/network.yaml" | cut -d: -f1):7
  help: take a prefix within it

Refused: commit $(git_in rev-parse HEAD | cut -c 1-12); nothing was changed." 'a bad push: the diagnostic, to the letter'
is "$(tip)" "$good" 'and the branch is where it was'
FORCE_COLOR=1 push
like "$said" $'^\e\\[1;?[0-9]*m' 'in colour where the pusher asks for it'
git_in reset -q --hard "$good"

push origin HEAD:innernet/enrolments
refused push-ledger "the branch 'innernet/enrolments' is the ledger: only the server writes to it" 'the ledger'
push origin HEAD:refs/notes/innernet
refused push-reserved "'refs/notes/innernet' is one of the server's own: only the server writes to it" 'the notes'
push origin HEAD:refs/innernet/enrolments
refused push-reserved "'refs/innernet/enrolments' is one of the server's own: only the server writes to it" \
	'where the ledger was good last'
push origin HEAD:innernet
refused push-reserved "'innernet' is one of the server's own: only the server writes to it" 'what stands in the ledger'"'"'s way'
push origin :main
refused push-definition "the branch 'main' is the network's definition: it cannot be deleted" 'deleting the definition'
push origin HEAD:idea
is "$pushed $said" "0 'idea': taken, and not published; the network is what 'main' says" 'a branch for work is taken'
push origin HEAD:idea2 HEAD:innernet/x
is "$pushed $(tip idea2)" '1 ' 'of a push that is refused nothing is taken'
push origin :idea
is "$pushed" 0 'and it may be deleted'

git_in reset -q --hard HEAD~1
git_in commit -q --allow-empty -m 'another history'
push --force
refused history-rewound 'commit [0-9a-f]{12} does not come after [0-9a-f]{12}' 'a history that was rewritten'
like "$(head -n 1 <<<"$said")" '^error\[history-rewound\]: ' 'the verdict comes first'
git_in reset -q --hard "$good"
: >"$net/network.yaml"
commit 'empty'
push
refused definition-empty 'there is nothing in the file' 'an empty file'
like "$(head -n 1 <<<"$said")" '^error\[definition-empty\]: ' 'that is said first'
like "$said" '^Plan: 0 to add, 0 to change, [0-9]+ to remove\.$' 'with the plan still shown'
unlike "$said" 'Innernet-Accept' 'and no trailer, which could not help'
git_in reset -q --hard "$good"
for junk in 'junk' "$good $good refs/heads/main" $'\n' "$good $(printf '%040d' 0) ../x"$'\n' "$(head -c 100000 /dev/zero | tr '\0' a)"; do
	out=$(printf '%s' "$junk" | on hub env -C $REPO GIT_DIR=. innernet-reconcile hook pre-receive corp 2>&1)
	is "$? $(grep -c '^Refused: ' <<<"$out")" '1 1' "odd input ($(tr -d '\n' <<<"${junk:0:12}")) is refused"
done

# ---- a server that runs, and a peer ---------------------------------------------------------------------------------

spawn hub server innernet-reconcile --watch corp
ok 'the server publishes' wait_log hub server 'published: version'
on hub env -C "$net" innernet add-peer --name alice --admin --auto-ip --cidr humans --save-config "$WORK/alice.yaml" \
	--commit --push --yes >/dev/null 2>&1 || bail 'add-peer'
ok 'a peer joins' on alice innernet install "$WORK/alice.yaml"
spawn alice daemon innernet up corp --daemon
status_has() { on hub innernet-reconcile status corp 2>&1 | grep -qE -e "$1"; } # REGEX
ok 'and has converged' wait_for 20 status_has '1 of 1 peers run it'

git_in pull -q --rebase
sed -i 's/^cidrs:/cidrs:\n  builders: 10.60.65.0\/24/' "$net/network.yaml"
key() { on hub wg genkey | on hub wg pubkey; }
for i in 1 2 3 4 5; do
	printf '  b%d: { ip: 10.60.65.%d, public_key: "%s" }\n' "$i" "$i" "$(key)"
done >"$WORK/builders"
sed -i "/^peers:/r $WORK/builders" "$net/network.yaml"
commit 'builders'
push
is "$pushed" 0 'builders are pushed'
like "$said" '^Plan: 6 to add, 0 to change, 0 to remove\.$' 'the plan is summed up'
like "$said" '^published as version 0\.[0-9]+; 1 of 6 peers run it after [0-9]+ ms$' 'and what became of it is said'
diag "$said"
sed -i '/^  b1: / s/ }$/, routes: [192.168.9.0\/24] }/' "$net/network.yaml"
commit 'a route'
push
like "$said" '^Effect: no pair of peers gains or loses access\.$' 'a route joins no pair'
like "$said" '^Routes: 192\.168\.9\.0/24 now goes through b1, for 5 peers\.$' 'and is said'
like "$said" "^Unchanged: the network's prefix, admins, servers, trust, addresses, keys, tests\\.\$" 'with what stays as it is'

sed -i '/^  b[1-5]: /d' "$net/network.yaml"
commit 'no builders'
push
refused guard-peers 'this revision cuts off 5 peers of 7, more than 20 %' 'a guarded push'
like "$said" '^Cut off from the server: b1 \(removed\), b2 \(removed\)' 'the plan is shown with it'
id=$(sed -n 's/^Plan id: //p' <<<"$said")
like "$said" "^  git commit --amend --no-edit --trailer 'Innernet-Accept: $id'\$" 'and the line that accepts it'
# What is to be typed is typed.
on hub env -C "$net" sh -c "$(sed -n "s/^  \(git commit --amend .*\)/\1/p" <<<"$said")" >/dev/null
push
is "$pushed" 0 'with the trailer it is accepted'
like "$said" "^warning\[guard-peers\]: this revision cuts off 5 peers of 7" 'which is said once more'
like "$said" '^published as version 0\.[0-9]+; 1 of 1 peer runs it after [0-9]+ ms$' 'and published'

sed -i '/^  alice:/,/^  [a-z]/ s/admin: true/admin: false/' "$net/network.yaml"
commit 'no admin'
push
refused guard-admin 'this revision takes the last admin away' 'the last admin'
unlike "$said" 'git commit --amend' 'which no trailer accepts'
git_in reset -q --hard HEAD~1

now=$(git_in rev-parse HEAD)
git_in reset -q --hard HEAD~1
git_in commit -q --allow-empty -m 'another history'
push --force
refused history-rewound 'commit [0-9a-f]{12} does not come after [0-9a-f]{12}' 'what is published stays below'
git_in checkout -q "$now" -- network.yaml
sed -i '1i epoch: 1' "$net/network.yaml"
commit 'another epoch'
push --force
is "$pushed" 0 'unless the epoch rises'
like "$said" '^published as version 1\.[0-9]+; ' 'which starts another count'
printf '# a comment\n' >>"$net/network.yaml"
commit 'a comment'
push
is "$pushed $said" "0 No changes. The definition means the network that it meant before.
taken; version $(on hub innernet-reconcile status corp | sed -n 's/.*version \([0-9.]*\),.*/\1/p') says the same to every peer" 'a comment is no change'

# ---- a server that has other things to do ---------------------------------------------------------------------------

on hub kill -STOP "$(spawned_pid hub server)"
printf '# while it is busy\n' >>"$net/network.yaml"
commit 'while it is busy'
git_in push -q >"$WORK/first" 2>&1 &
first=$!
pushed() { [ "$(tip)" = "$(git_in rev-parse HEAD)" ]; }
ok 'a push to a server that is busy' wait_for 10 pushed
sed -i 's/^  humans: .*/&\n  robots: 10.60.70.0\/24/' "$net/network.yaml"
commit 'another one'
git_in push -q >"$WORK/second" 2>&1 &
second=$!
wait $first
like "$(cat "$WORK/first")" 'no verdict yet; `innernet-reconcile status corp` will have it' 'has no verdict when another follows'
nok 'which is waited for, longer than peers are' timeout 4 tail --pid=$second -s 0.1 -f /dev/null
on hub kill -CONT "$(spawned_pid hub server)"
wait $second
like "$(cat "$WORK/second")" 'published as version |taken; version ' 'until there is one'

# ---- the pusher need not be root --------------------------------------------------------------------------------

on hub chown -R nobody $REPO "$net"
on hub git config --global --add safe.directory '*'
printf '# another one\n' >>"$net/network.yaml"
as_nobody() { on hub setpriv --reuid=nobody --clear-groups env HOME="$WORK/hub" "$@"; }
chmod 755 "$WORK" "$WORK/hub"
as_nobody git -C network commit -q -a -m 'by nobody'
said=$(as_nobody git -C network push -q 2>&1)
like "$said" 'remote: No changes\.' 'another user'"'"'s push is judged as well'
ok 'the user nobody cannot read the keys' not as_nobody cat /etc/innernet-reconcile/corp.yaml
on hub chown -R root $REPO "$net"

# ---- hook install ---------------------------------------------------------------------------------------------------

on hub rm $REPO/hooks/pre-receive
on hub sh -c "echo '#!/bin/sh' >$REPO/hooks/post-receive"
like "$(on hub innernet-reconcile hook install corp 2>&1)" 'error\[hook-exists\]: .*/post-receive exists already' "a hook that people wrote stays"
on hub rm $REPO/hooks/post-receive
ok 'hook install puts both back' on hub innernet-reconcile hook install corp
ok 'and may be run again' on hub innernet-reconcile hook install corp
ok 'each is there' on hub test -x $REPO/hooks/pre-receive -a -x $REPO/hooks/post-receive
stop hub server
printf '# a third\n' >>"$net/network.yaml"
commit 'a third comment'
push
like "$said" '^the reconciler is not running; ' 'without the server it is judged all the same'
done_testing
