#!/usr/bin/env bash
# `innernet fold`: keys that were enrolled move into the definition, and no session is disturbed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.11
host_new bob 192.0.2.12
definition() { admin cat network.yaml; }
invite_of() { definition | awk -v p="  $1:" '$0 == p { on = 1 } on && $1 == "invite:" { gsub(/"|ed25519:/, "", $2); print $2; exit }'; }
record() { on hub git -C $REPO show "innernet/enrolments:$1" 2>/dev/null; } # PATH
address_record() { printf 'addresses/%s/%s/00000000000000000000ffff%s' "${1:6:2}" "${1:4:2}" "$1"; } # IN-HEX
invite_record() { # KIND INVITE
	local hex
	hex=$(printf %s "$2" | base64 -d | od -An -v -tx1 | tr -d ' \n')
	printf '%s/%s/%s/%s' "$1" "${hex:0:2}" "${hex:2:2}" "$hex"
}
# What stays when nothing happens to a session: its peer, its addresses, its port's other end, its last handshake.
sessions() { for h in hub alice bob; do on "$h" sh -c 'wg show corp dump | cut -f 1,3,4,5 | tail -n +2 | sort'; done; }
received() { on "$1" wg show corp transfer | awk -v k="$2" '$1 == k { print $2 }'; } # HOST KEY

site_new corp 10.60.0.0/16
site_humans 10.60.64.0/24
for who in alice bob carol; do site_invite $who; done
site_push
is "$(admin innernet fold)" 'Every key that was enrolled is in network.yaml; 3 invites are not redeemed. Nothing changed.' \
	'before the first redemption there is nothing to fold'
for who in alice bob; do
	ok "$who joins" on $who innernet install "$WORK/$who.yaml"
	spawn $who daemon innernet up --daemon corp
done
ok 'they reach each other' wait_for 20 ping_works alice 10.60.64.2 1
ok 'and have converged' wait_for 20 status_has '^peers: 2/2 on '
alice=$(key_of alice)
bob=$(key_of bob)
invite=$(invite_of alice)

# ---- what is folded

err=$(admin innernet fold carol 2>&1 </dev/null)
is "$? $(head -n 1 <<<"$err")" \
	"1 error[not-redeemed]: the invitation of peer 'carol' is not redeemed, as far as this clone knows" 'an open invite is not'
like "$(admin innernet fold nobody 2>&1 </dev/null)" "^error\[unknown-name\]: there is no peer 'nobody'" 'nor an unknown peer'

# ---- what the other commands know of it

list=$(admin innernet list)
like "$list" '^alice +humans +10\.60\.64\.1 +redeemed *$' 'list shows a redeemed peer'
like "$list" '^carol +humans +10\.60\.64\.3 +invite, open until 20' 'and one with an open invite'
is "$(admin innernet list --json | jq -r '.peers[] | select(.name != "hub") | "\(.name) \(.enrolled_key)"')" \
	"$(printf 'alice %s\nbob %s\ncarol null' "$alice" "$bob")" 'with the keys, as JSON'
is "$(admin innernet why alice carol | sed -n 1,3p)" "alice and carol reach each other.
  alice: 10.60.64.1 in 'humans'
  carol: 10.60.64.3 in 'humans', invited" 'so does why'
is "$(admin innernet why alice carol --json | jq -c '[.a.invited, .b.invited]')" '[false,true]' 'as JSON, too'

# ---- folding

definition >"$WORK/before"
before=$(sessions)
carried=$(received alice "$bob")
out=$(admin innernet fold --push --yes 2>&1 </dev/null)
is $? 0 'fold'
like "$out" '^Effect: no pair of peers gains or loses access\.$' 'the plan says that reach stays'
like "$out" '^Enrolled keys written down: alice, bob\.$' 'and names the peers of those keys'
like "$out" '^remote: Enrolled keys written down: alice, bob\.' 'as does the server'
unlike "$out" 'Invites voided|Cut off' 'which voids nothing'
is "$(definition | diff "$WORK/before" - | grep '^[<>]' | sed -E 's/ 20..-[^ ]*Z/ TIME/;s/"ed25519:.*"/INVITE/')" "<     invite: INVITE
<     invite_expires: TIME
>     public_key: \"$alice\"
<     invite: INVITE
<     invite_expires: TIME
>     public_key: \"$bob\"" 'no byte of the definition changed but these'
is "$(admin git log -1 --format=%s)" 'network: fold the keys of alice and bob' 'the commit says so'
ok 'all have converged' wait_for 20 status_has '^peers: 2/2 on 0\.6'
unlike "$(cat "$(log_of alice daemon)" "$(log_of bob daemon)")" 'server-away' 'and no peer was told to ask again'
is "$(sessions)" "$before" 'every interface has the peers, addresses and handshakes that it had'
ok 'in the same sessions' test "$(received alice "$bob")" -ge "$carried"
ok 'which go on' ping_works alice 10.60.64.2
is "$(received alice "$bob" | awk -v n="$carried" '{ print ($1 > n) }')" 1 'their counters too'

# ---- the same peer to the ledger

marked() { record "$(address_record 0a3c4001)" | grep -qxF "mark $1"; } # KEY
ok 'the ledger knows the address by the key' marked "$alice"
like "$(record "$(invite_record spent "$invite")")" "^invite ${invite//[+]/[+]}\$" 'and the invite as spent'
is "$(admin innernet fold)" 'Every key that was enrolled is in network.yaml; 1 invite is not redeemed. Nothing changed.' \
	'once more, nothing'
is "$(admin innernet fold alice --json | jq -c '[.changed, .peers]')" '[false,[]]' 'said in JSON, too'
ok 'a daemon that starts again finds itself by its key' stop alice daemon
on alice innernet down corp >/dev/null
spawn alice daemon innernet up --daemon corp
ok 'and its network' wait_for 20 ping_works alice 10.60.64.2 1
like "$(on alice innernet status corp 2>&1)" '10\.60\.64\.1' 'with its address'

admin git revert --no-edit HEAD >/dev/null
like "$(admin git push 2>&1)" 'error\[invite-spent\]' 'a revert would bring the spent invites back, and is refused'
admin git reset -q --hard HEAD~1

# ---- invited again, and folded again

admin innernet invite-peer --name alice --save-config "$WORK/again.yaml" --push --yes >/dev/null 2>&1
ok 'a new invite voids the folded key' wait_for 20 not on hub sh -c "wg show corp peers | grep -qxF $alice"
stop alice daemon
on alice innernet uninstall corp --yes >/dev/null 2>&1
ok 'it is redeemed' on alice innernet install "$WORK/again.yaml"
is "$(on alice ip -4 -o address show dev corp | awk '{ print $4 }')" 10.60.64.1/32 'for the same address'
isnt "$(key_of alice)" "$alice" 'with a new key'
ok 'and reaches the other peers' wait_for 20 ping_works alice 10.60.64.2 1
host=$(admin git config remote.origin.url)
admin git config remote.origin.url "$WORK/nowhere.git"
like "$(admin innernet fold 2>&1 </dev/null)" '^warning\[ledger-stale\]: the ledger could not be fetched from origin' \
	'a ledger that cannot be fetched is said'
like "$(admin innernet fold 2>&1 </dev/null)" "^  help: this clone's copy is used: what was recorded since 20..-..-..T..:..:..Z" 'with its age'
admin git config remote.origin.url "$host"
is "$(admin innernet fold alice --push --yes --json 2>/dev/null | jq -c '[.changed, .pushed, .peers, .plan.effect.keys_folded]')" \
	"[true,true,[{\"name\":\"alice\",\"public_key\":\"$(key_of alice)\"}],[\"alice\"]]" 'folded again, as JSON'
ok 'the ledger follows' wait_for 10 marked "$(key_of alice)"
ok 'and the pings go on' ping_works alice 10.60.64.2
done_testing
