#!/usr/bin/env bash
# A server changes its own key: only while another one stays as it is, and then only its own peers' sessions with
# it notices.
. "$(dirname "$0")/lib.sh"

REPO=$WORK/network.git # two servers, one repository
host_new hub 192.0.2.1
host_new spare 192.0.2.2
host_new alice 192.0.2.11
host_new bob 192.0.2.12
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Ada GIT_CONFIG_KEY_1=user.email
export GIT_CONFIG_VALUE_1=ada@example.com GIT_CONFIG_KEY_2=safe.directory GIT_CONFIG_VALUE_2='*'
at=hub                                                    # the server whose hook answers
admin() { on "$at" env -C "$WORK/network" "$@"; }
status_has() { on "$1" innernet-reconcile status pair 2>&1 | grep -qE -e "$2"; } # HOST REGEX
knows() { on "$1" wg show pair peers | grep -qxF -e "$2"; }                      # HOST KEY
handshake() { on "$1" wg show pair latest-handshakes | awk -v k="$2" '$1 == k { print $2 }'; } # HOST KEY
received() { on "$1" wg show pair transfer | awk -v k="$2" '$1 == k { print $2 }'; }           # HOST KEY
change_key() { # HOST-IN-DEFINITION OLD NEW MESSAGE: one commit
	admin sed -i "s|$2|$3|" network.yaml && admin git commit -q -a -m "$4"
}

on hub innernet-reconcile init --network-name pair --network-cidr 10.65.0.0/16 --external-endpoint 192.0.2.1:51820 \
	--server-name hub --repository "$REPO" >/dev/null || bail 'init'
spawn hub server innernet-reconcile --watch pair
wait_log hub server 'published: version 0.1'
on hub git clone -q "$REPO" ../network
admin sed -i 's/^cidrs:/cidrs:\n  humans: 10.65.64.0\/24/' network.yaml
admin git commit -qam CIDRs
for who in alice bob; do
	admin innernet add-peer --name $who --auto-ip --cidr humans --save-config ../$who.yaml --commit --yes >/dev/null 2>&1
done
admin git push -q 2>/dev/null
for who in alice bob; do
	install -m 0600 "$WORK/$who.yaml" "$WORK/$who/"
	ok "$who joins" on $who innernet install $who.yaml
	spawn $who daemon innernet up --daemon pair
done
ok 'they reach each other' wait_for 20 ping_works alice 10.65.64.2 1
old=$(on hub wg show pair public-key)
new_private=$(wg genkey)
new=$(wg pubkey <<<"$new_private")

# ---- a single server ------------------------------------------------------------------------------------------------

change_key hub "$old" "$new" 'the only server gets a new key'
out=$(admin git push 2>&1)
isnt $? 0 'the only server does not change its key'
like "$out" 'error\[guard-server\]: no server stays as it was: every peer would be cut off' 'with the reason'
like "$out" 'help: add the new server first, and remove the old one in a later revision' 'and what to do'
admin git reset -q --hard origin/main
ok 'the network is as it was' ping_works alice 10.65.0.1

# ---- with another one -----------------------------------------------------------------------------------------------

spare_private=$(wg genkey)
spare=$(wg pubkey <<<"$spare_private")
admin sed -i "s|^peers:|peers:\n  spare: { ip: 10.65.0.2, public_key: \"$spare\", endpoint: \"192.0.2.2:51820\", server: true }|" network.yaml
admin git commit -q -a -m 'a second server' && admin git push -q 2>/dev/null
# It signs as the first one does, and has a key of its own.
mkdir -p "$WORK/spare/etc"
on hub cat /etc/innernet-reconcile/pair.yaml | sed "s|^private_key:.*|private_key: \"$spare_private\"|" >"$WORK/spare/etc/pair.yaml"
chmod 600 "$WORK/spare/etc/pair.yaml"
spawn spare server innernet-reconcile -c "$WORK/spare/etc" --watch pair
ok 'the second server publishes the same' wait_log spare server 'published: version 0.5'
ok 'alice reaches it' wait_for 20 ping_works alice 10.65.0.2 1
bob=$(on bob wg show pair public-key)
before=$(handshake alice "$bob")
carried=$(received alice "$bob")
change_key hub "$old" "$new" 'hub gets a new key'
out=$(admin git push 2>&1)
isnt $? 0 'the server of that key does not take it: it has the old one'
like "$out" 'error\[server-dropped\]' 'which is said'
like "$out" 'help: another server publishes a new key of this one: push it there, then put the private key into this' 'with what to do'
like "$out" 'Cut off from the server: hub \(has a new key\)' 'with the peer that is concerned'
at=spare
like "$(admin git push 2>&1)" 'published as version 0\.6' 'the one that stays as it is does'
ok 'the other goes on with what it has' status_has hub '^pair: version 0\.5, '
ok 'and says why' status_has hub 'Valid +False +server-dropped'
ok 'no peer is cut off by that' ping_works alice 10.65.0.1
stop hub server
on hub sed -i "s|^private_key:.*|private_key: \"$new_private\"|" /etc/innernet-reconcile/pair.yaml
spawn hub server innernet-reconcile --watch pair
ok 'with the new key in its file it publishes the same' wait_log hub server 'published: version 0.6'
ok 'and has it on its interface' wait_for 10 on hub sh -c "wg show pair public-key | grep -qxF $new"
for who in alice bob; do
	ok "$who learns of it from the other server" wait_for 30 knows $who "$new"
	nok 'and forgets the old one' knows $who "$old"
	ok 'and reaches it' wait_for 20 ping_works $who 10.65.0.1 1
done
is "$(handshake alice "$bob")" "$before" 'between peers nothing happened'
is "$(received alice "$bob" | awk -v n="$carried" '{ print ($1 >= n) }')" 1 'in the same session'
ok 'the server with the new key serves what the other does' status_has hub '^pair: version 0\.6, '
for h in hub spare; do ok "$h has no complaint" wait_for 20 not status_has $h False; done
statement() { on "$1" sh -c 'sed -n "/^innernet-statement/,/^views/p" /var/lib/innernet-reconcile/pair/published/current' | tail -n 9; }
is "$(statement hub)" "$(statement spare)" 'byte for byte'
like "$(statement hub)" '^version 0 6$' 'version 0.6'
done_testing
