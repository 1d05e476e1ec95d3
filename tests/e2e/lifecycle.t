#!/usr/bin/env bash
# What becomes of peers over the years: one moves while it is away, the ledger is lost and put back, what was replaced
# or removed comes back by a revert. The interfaces and the pings are what counts.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

LEDGER=refs/heads/innernet/enrolments
host_new hub 192.0.2.1
host_new alice 192.0.2.11
host_new bob 192.0.2.12
edit() { # SED-SCRIPT MESSAGE: one commit, pushed; what the push says
	admin sed -i -e "$1" network.yaml && admin git commit -q -a -m "$2" && admin git push 2>&1
}
drop() { admin git reset -q --hard origin/main; } # what was refused
allowed_of() { on hub wg show life allowed-ips | awk -v k="$1" -F '\t' '$1 == k { print $2 }'; } # KEY: on the server
allowed_is() { [ "$(allowed_of "$1")" = "$2" ]; }                                               # KEY TEXT
has_address() { on "$1" ip -4 -o address show dev life | grep -qF " $2/"; }                      # HOST ADDRESS
on_interface() { on hub wg show life peers | grep -qxF -e "$1"; }                                # KEY
# The peers of every interface with their addresses and last handshakes: what stays when no peer is disturbed.
sessions() { for h in hub alice bob; do on $h sh -c 'wg show life dump | cut -f 1,4,5 | tail -n +2 | sort'; done; }

site_new life 10.64.0.0/16
site_humans 10.64.64.0/24
for who in alice bob carol; do site_invite $who; done
site_push
for who in alice bob; do
	ok "$who joins" on $who innernet install "$WORK/$who.yaml"
	spawn $who daemon innernet up --daemon life
done
ok 'they reach each other' wait_for 20 ping_works alice 10.64.64.2 1
ok 'and have converged' wait_for 20 status_has '^peers: 2/2 on '
alice=$(key_of alice)
bob=$(key_of bob)

# ---- a peer moves while it is away ----------------------------------------------------------------------------------

stop alice daemon
like "$(edit 's/ip: 10\.64\.64\.1$/ip: 10.64.64.77/' 'alice moves')" 'published as version' 'alice is moved while she is away'
ok 'both of her addresses are on her key' wait_for 10 allowed_is "$alice" '10.64.64.1/32 10.64.64.77/32'
ok 'which is why she reaches the server from the old one' ping_works alice 10.64.0.1
like "$(admin innernet fold alice --push --yes 2>&1)" 'Enrolled keys written down: alice' 'her key is folded meanwhile'
ok 'and has both of her addresses still' allowed_is "$alice" '10.64.64.1/32 10.64.64.77/32'
ok 'which she can be reached by' ping_works alice 10.64.0.1
like "$(edit 's/ip: 10\.64\.64\.2$/ip: 10.64.64.1/' 'bob takes it')" "error\[address-reused\]: 10\.64\.64\.1 was given to peer 'alice'" \
	'no peer is given the old one by mistake'
drop
reuse='s/ip: 10\.64\.64\.2$/ip: 10.64.64.1/; $a reuse: [10.64.64.1]'
like "$(edit "$reuse" 'bob takes it on purpose')" "10\.64\.64\.1 still belongs to 'alice', which has not polled from its new" \
	'nor on purpose, while she has it'
ok 'both of her addresses stay' allowed_is "$alice" '10.64.64.1/32 10.64.64.77/32'
isnt "$(allowed_of "$bob")" 10.64.64.1/32 'his is not on it'
spawn alice daemon innernet up --daemon life
ok 'back, she takes the new one' wait_for 20 has_address alice 10.64.64.77
ok 'and polls from it, whereupon he has the old one by himself' wait_for 5 allowed_is "$bob" '10.64.64.1/32'
ok 'her key has the new one alone' allowed_is "$alice" '10.64.64.77/32'
nok 'the old one is gone from her interface' has_address alice 10.64.64.1
ok 'he takes it' wait_for 20 has_address bob 10.64.64.1
ok 'they reach each other at their new addresses' wait_for 20 ping_works alice 10.64.64.1 1
ok 'both ways' wait_for 20 ping_works bob 10.64.64.77 1
ok 'all have converged' wait_for 20 status_has '^peers: 2/2 on '

# ---- the ledger is lost ---------------------------------------------------------------------------------------------

good=$(on hub git -C $REPO rev-parse $LEDGER)
first=$(on hub git -C $REPO rev-list --max-parents=0 $LEDGER)
before=$(sessions)
host_new carol 192.0.2.13
for what in deleted rewound rewritten; do
	case $what in
	deleted) on hub git -C $REPO update-ref -d $LEDGER ;;
	rewound) on hub git -C $REPO update-ref $LEDGER "$first" ;;
	rewritten) on hub sh -c "git -C $REPO update-ref $LEDGER \$(git -C $REPO commit-tree -m forged '$LEDGER^{tree}')" ;;
	esac
	ok "a ledger that was $what is noticed" wait_for 10 status_has 'Ready +False +Ledger'
	like "$(on hub innernet-reconcile status life)" 'invitations cannot be redeemed until it is put back' 'which is said'
	ok 'with what puts it back' wait_for 10 grep -qF "put it back: git -C $REPO/ update-ref $LEDGER $good" "$(log_of hub server)"
	if [ $what = deleted ]; then
		out=$(on carol timeout 20 innernet install "$WORK/carol.yaml" 2>&1)
		isnt $? 0 'an invitation is not redeemed meanwhile'
		like "$out" '503 ledger-unavailable: the server cannot record invitations at the moment' 'with a clear word'
		nok 'and is on no interface but with its temporary key' on hub sh -c "wg show life allowed-ips | grep -c 10.64.64.3/32 | grep -qx 2"
	fi
	ok 'a peer that was there stays' ping_works alice 10.64.64.1
	on hub git -C $REPO reflog expire --expire=now --all
	on hub git -C $REPO gc -q --prune=now
	ok 'git lets go of nothing that is needed' on hub git -C $REPO update-ref $LEDGER "$good"
	ok 'put back, it is in order' wait_for 10 status_has 'Ready +True'
done
is "$(sessions | grep -v 10.64.64.3/32)" "$(grep -v 10.64.64.3/32 <<<"$before")" 'no session was touched in all that'
ok 'the same invitation is good then' on carol innernet install "$WORK/carol.yaml"
ok 'and its peer reaches the other peers' wait_for 20 ping_works carol 10.64.64.1 1
like "$(on hub git -C $REPO log --format=%s -1 $LEDGER)" '^redeem ' 'the ledger has it'

# ---- what was replaced or removed comes back by a revert --------------------------------------------------------------

admin git pull -q
admin innernet invite-peer --name carol --save-config "$WORK/again.yaml" --push --yes >/dev/null 2>&1
carol=$(key_of carol)
ok 'a new invite takes the old key off the interface' wait_for 10 not on_interface "$carol"
ok 'and its pings end' ping_fails carol 10.64.64.1
admin git revert --no-edit HEAD >/dev/null
like "$(admin git push 2>&1)" "error\[invite-spent\]: the invite of peer 'carol' was replaced once, and is void for ever" \
	'the commit that replaced it is not reverted'
nok 'which brings the key back nowhere' on_interface "$carol"
drop
on carol innernet uninstall life --yes >/dev/null 2>&1
ok 'the new invite is still good' on carol innernet install "$WORK/again.yaml"
ok 'and its peer reaches the other peers again' wait_for 20 ping_works carol 10.64.64.1 1
carol=$(key_of carol)
admin innernet delete-peer --name carol --push --yes >/dev/null 2>&1
ok 'a peer that is deleted leaves the interface' wait_for 10 not on_interface "$carol"
admin git revert --no-edit HEAD >/dev/null
like "$(admin git push 2>&1)" 'error\[invite-spent\]' 'and comes back by no revert either'
drop
like "$(admin innernet add-peer --name dora --ip 10.64.64.3 --push --yes 2>&1 </dev/null)" 'error\[address-reused\]' \
	'nor does another peer get its address'
ok 'all the while the other peers reach each other' ping_works alice 10.64.64.1
unlike "$(cat "$(log_of hub server)")" 'Sanitizer|runtime error' 'without a complaint of a sanitizer'
done_testing
