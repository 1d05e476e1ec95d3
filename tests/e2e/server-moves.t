#!/usr/bin/env bash
# A server's address inside the network changes, by one push: each peer follows, also one that was off, one that was disabled and
# one that has not joined, over a restart of the server; for each family alone, and in a network that is renumbered.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.2
host_new bob 192.0.2.3
host_new carol 192.0.2.4
site_new corp '10.60.0.0/16,fd00:60::/48'
site_humans '[10.60.64.0/24, "fd00:60:0:40::/64"]'
for p in alice bob carol; do site_invite $p; done
site_push

addresses() { on "$1" ip -o address show dev corp scope global | awk '{ print $4 }' | sort | xargs; } # HOST
server_is() { [ "$(on "$1" wg show corp allowed-ips | awk -v k="$(key_of hub)" '$1 == k { $1 = ""; print }' | xargs -n1 | sort | xargs)" = "$2" ]; } # HOST PREFIXES
hub_has() { [ "$(addresses hub)" = "$1" ]; } # PREFIXES
change() { # SED-SCRIPT MESSAGE
	admin sed -i "$1" network.yaml
	admin git commit -qam "$2"
	site_push
}
for p in alice bob; do
	ok "$p joins" on $p innernet install "$WORK/$p.yaml"
	spawn $p daemon innernet up corp --daemon
	wait_log $p daemon applied
done
ok 'the invites are keys' admin innernet fold --commit --yes
site_push
hub_now=$(addresses hub)
is "$hub_now" '10.60.0.1/32 fd00:60::1/128' 'the server has its addresses'
ok 'bob has the newest version' wait_log bob daemon 'version 0.[4-9]'
stop bob daemon

# ---- one family, while a peer is off -----------------------------------------------------------------------------------

change 's/10\.60\.0\.1"/10.60.0.7"/; s/10\.60\.0\.1,/10.60.0.7,/' 'The server moves'
ok 'alice follows at once' wait_for 10 server_is alice '10.60.0.7/32 fd00:60::1/128'
ok 'and reaches it' on alice ping -c 1 -W 2 10.60.0.7
ok 'the server keeps the earlier address' wait_for 5 hub_has '10.60.0.1/32 10.60.0.7/32 fd00:60::1/128'
ok 'and says so' wait_log hub server 'server-address: 10.60.0.1 stays on the interface until'
admin sed -i "s|^peers:|reuse: [10.60.0.1]\npeers:\n  taker: { ip: [10.60.0.1, \"fd00:60::99\"], public_key: \"$(wg genkey | wg pubkey)\" }|" network.yaml
admin git commit -qam 'taker'
like "$(admin git push 2>&1)$(on hub sh -c 'innernet-reconcile reconcile --now corp 2>&1; innernet-reconcile status corp')" \
	"10\.60\.0\.1 is still this server's: [0-9]+ peers? ha(s|ve) not polled at its new address yet" 'no peer takes that address meanwhile'
admin git revert --no-edit HEAD >/dev/null && site_push
stop hub server
spawn hub server innernet-reconcile --watch corp
wait_log hub server restored
ok 'after a restart the server still has it' wait_for 5 hub_has '10.60.0.1/32 10.60.0.7/32 fd00:60::1/128'
spawn bob daemon innernet up corp --daemon
ok 'bob, who was off, follows' wait_for 15 server_is bob '10.60.0.7/32 fd00:60::1/128'
ok 'carol joins with an invitation that has the earlier address' on carol innernet install "$WORK/carol.yaml"
spawn carol daemon innernet up corp --daemon
ok 'and follows' wait_for 15 server_is carol '10.60.0.7/32 fd00:60::1/128'
ok 'when each peer has polled at the new address the earlier one goes' wait_for 20 hub_has '10.60.0.7/32 fd00:60::1/128'
ok 'all peers run the version' wait_for 20 status_has 'Converged +True'

# ---- the other family, and a peer that is disabled meanwhile --------------------------------------------------------------

ok 'bob is disabled' admin innernet disable-peer --name bob --push --yes
ok 'bob is cut off' wait_for 10 eval '! on hub wg show corp peers | grep -qF "$(key_of bob)"'
change 's/fd00:60::1"/fd00:60::7"/' 'The server moves in IPv6'
for p in alice carol; do
	ok "$p follows in IPv6" wait_for 10 server_is $p '10.60.0.7/32 fd00:60::7/128'
done
ok 'the earlier IPv6 address stays for bob' hub_has '10.60.0.7/32 fd00:60::1/128 fd00:60::7/128'
ok 'bob is enabled' admin innernet enable-peer --name bob --push --yes
ok 'bob follows' wait_for 30 server_is bob '10.60.0.7/32 fd00:60::7/128'
ok 'and the earlier one goes' wait_for 20 hub_has '10.60.0.7/32 fd00:60::7/128'

# ---- refused --------------------------------------------------------------------------------------------------------------

admin sed -i 's/10\.60\.0\.7"/10.60.0.8"/; s/10\.60\.0\.7,/10.60.0.8,/; s|^peers:|reuse: [10.60.0.7]\npeers:\n  taker: { ip: 10.60.0.7, public_key: "'"$(wg genkey | wg pubkey)"'" }|' network.yaml
run admin innernet plan
is "$status" 3 'plan refuses to give its address away at once'
like "$err" "^error.server-address-taken.: 10.60.0.7 is the address at which peers reach the server 'hub', and 'taker' takes it in the revision that moves the server" \
	'and says why'
admin git commit -qam taken
like "$(admin git push 2>&1)" 'server-address-taken' 'and so does the hook'
admin git reset -q --hard HEAD~1

# ---- a network that is renumbered, while a peer is off ----------------------------------------------------------------------

stop bob daemon
change 's/10\.60\./10.70./g' 'Renumbered'
for p in alice carol; do
	ok "$p follows to the new prefix" wait_for 15 server_is $p '10.70.0.7/32 fd00:60::7/128'
	ok "$p reaches the server there" wait_for 10 on $p ping -c 1 -W 1 10.70.0.7
done
spawn bob daemon innernet up corp --daemon
ok 'bob, who was off, follows' wait_for 15 server_is bob '10.70.0.7/32 fd00:60::7/128'
ok 'and the earlier addresses go' wait_for 20 hub_has '10.70.0.7/32 fd00:60::7/128'
ok 'all peers run the version' wait_for 20 status_has 'Converged +True'
ok 'and reach each other' wait_for 10 on alice ping -c 1 -W 1 "$(admin sed -n '/^  bob:/,/^  [a-z]*:$/s/.*\(10\.70\.64\.[0-9]*\).*/\1/p' network.yaml | head -n 1)"

done_testing
