#!/usr/bin/env bash
# `innernet up --daemon`: follows the network, repairs drift, believes nothing that it cannot verify, and needs no
# server to bring up what it had.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

HUB_ENDPOINT=hub.example:51820
alice_joined
hub_session() { on hub wg show corp latest-handshakes | grep -F "$ALICE_PUB"; }

spawn alice up innernet up --daemon corp
ok 'the daemon starts from what is on disk' wait_log alice up 'corp: version 0.1, 0 operations'

# ---- it follows -----------------------------------------------------------------------------------------------------
CAROL_PUB=$(wg genkey | wg pubkey)
CAROL="  carol: { ip: 10.60.64.4, public_key: \"$CAROL_PUB\", endpoint: \"192.0.2.9:7\" }"
definition 1 "$ALICE" "$CAROL"
offer_of alice >"$WORK/hub/v1"
session=$(hub_session)
offer "$WORK/hub/v1"
ok 'a new snapshot is applied at once' wait_log alice up 'corp: version 1.1, 1 operation, [0-9]+ ms' 5
ok 'its new peer is on the interface' on alice wg show corp allowed-ips
is "$(on alice wg show corp allowed-ips | grep -F "$CAROL_PUB")" "$CAROL_PUB"$'\t''10.60.64.4/32' 'with her address'
is "$(on alice wg show corp endpoints | grep -F "$CAROL_PUB")" "$CAROL_PUB"$'\t''192.0.2.9:7' 'and her endpoint'
is "$(hub_session)" "$session" 'the session with the hub was not touched'
like "$(cat "$(log_of hub canned)")" 'GET /v1/poll\?have=[0-9a-f]{64}\.[^.]*\.[^.]* ?&wait=60' 'the poll says what it runs'

# ---- drift ----------------------------------------------------------------------------------------------------------
within() { # SECONDS DESCRIPTION COMMAND...
	local seconds=$1 what=$2
	shift 2
	ok "$what" wait_for "$seconds" "$@"
}
carol_there() { on alice wg show corp allowed-ips | grep -qF "$CAROL_PUB"; }
on alice wg set corp peer "$CAROL_PUB" remove
within 5 'a peer that was removed by hand is back within 5 s' carol_there
on alice wg set corp peer "$(wg genkey | wg pubkey)" allowed-ips 10.60.99.0/24
within 5 'a peer that was added by hand is gone within 5 s' eval '! on alice wg show corp allowed-ips | grep -q 10.60.99.0'
on alice ip address del 10.60.64.2/32 dev corp
within 5 'an address that was taken away is back' eval 'on alice ip address show dev corp | grep -q 10.60.64.2/32'
on alice ip route del 10.60.0.0/16 dev corp
within 5 'a route too' eval 'on alice ip route show dev corp | grep -q 10.60.0.0/16'
on alice ip link del corp
within 5 'and the whole interface' carol_there
ok 'with its connections' ping_works alice 10.60.0.1
ok 'it is said' wait_log alice up 'repaired what another program had changed: the interface was gone'
is "$(grep -c 'a peer was removed (carol)' "$(log_of alice up)")" 1 'once'

# ---- names ----------------------------------------------------------------------------------------------------------
on alice sh -c 'grep -v hub.example /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts'
on alice wg set corp peer "$HUB_PUB" remove
within 5 'a host name that resolves no more' eval 'on alice wg show corp endpoints | grep -qF "$HUB_PUB"'
is "$(on alice wg show corp endpoints | grep -F "$HUB_PUB")" "$HUB_PUB"$'\t''192.0.2.1:51820' 'keeps the last address'
on alice sh -c 'echo "192.0.2.1 hub.example" >>/etc/hosts'

# ---- what is not believed -------------------------------------------------------------------------------------------
before=$(on alice sha256sum /var/lib/innernet/corp/snapshot)
peers=$(peers_on alice)
unchanged() { # DESCRIPTION
	is "$(on alice sha256sum /var/lib/innernet/corp/snapshot)" "$before" "$1: the last good one stays on disk"
	is "$(peers_on alice)" "$peers" "$1: and on the interface"
}
# SIGHUP starts anew: what was refused before does not make it wait.
offer_now() {
	offer "$WORK/hub/$1"
	on alice kill -HUP "$(spawned_pid alice up)"
}
head -c 900 "$WORK/hub/v1" >"$WORK/hub/truncated"
offer_now truncated
ok 'truncated: refused' wait_log alice up '\[bad-bundle\]' 10
unchanged truncated

definition 2 "$ALICE"
signer_new "$WORK/hub/other"
offer_of alice "$WORK/hub/other" >"$WORK/hub/forged" 2>/dev/null
offer_now forged
ok 'signed by another key: refused' wait_log alice up '\[snapshot-unsigned\]' 20
unchanged forged

offer_of alice | sed "s/10.60.64.3/10.60.64.7/" >"$WORK/hub/changed"
offer_now changed
ok 'an object changed on the way: refused' wait_log alice up '\[snapshot-object-missing\]' 30
unchanged changed

definition 0 "$ALICE"
offer_of alice >"$WORK/hub/v0"
offer_now v0
ok 'rolled back: the server is behind' wait_log alice up 'the server is behind: it has version 0.1, and this peer 1.1 \[snapshot-behind\]' 30
unchanged 'rolled back'

definition 2 "$ALICE"
offer_of alice >"$WORK/hub/v2"
offer_now v2
ok 'and then a good one is taken' wait_log alice up 'corp: version 2.1, ' 40
nok 'carol is gone' carol_there

# ---- without a server -----------------------------------------------------------------------------------------------
stop hub canned
ok 'the server goes: said once' wait_log alice up 'server-away: corp: server hub: the server closed the connection; the network is kept as it is' 10
ok 'the tunnel stays' ping_works alice 10.60.0.1
on alice kill -KILL "$(spawned_pid alice up)"
wait_for 5 not runs alice up
on alice ip link del corp
wait_for 5 on alice sh -c '! test -e /run/wireguard/corp.sock'
spawn alice again innernet up --daemon
ok 'after kill -9 and a reboot the network comes up from disk' wait_log alice again 'corp: version 2.1, '
ok 'with its tunnel' wait_for 5 ping_works alice 10.60.0.1 1
spawn hub canned "$BUILD/tests/e2e/canned" 10.60.0.1 51820 "$OFFER"
definition 3 "$ALICE" "$CAROL"
offer_of alice >"$WORK/hub/v3"
offer "$WORK/hub/v3"
ok 'when the server is back, one fetch converges it' wait_log alice again 'corp: version 3.1, ' 30
ok 'and it is said' wait_log alice again 'server-back: corp: server hub answers again'

# ---- a damaged disk -------------------------------------------------------------------------------------------------
stop alice again
nok 'SIGTERM ends it' runs alice again
ok 'and leaves the interface up' on alice ip link show corp
ok 'and the tunnel' ping_works alice 10.60.0.1
on alice sh -c 'head -c 500 /var/lib/innernet/corp/snapshot >/tmp/x; cat /tmp/x >/var/lib/innernet/corp/snapshot'
spawn alice third innernet up --daemon corp
ok 'a damaged snapshot is said' wait_log alice third 'the last good snapshot could not be used and was set aside as .*\[store-corrupt\]'
ok 'kept aside' on alice sh -c 'ls /var/lib/innernet/corp/snapshot.corrupt-*'
ok 'and fetched again' wait_log alice third 'corp: version 3.1, '

# ---- a command beside it --------------------------------------------------------------------------------------------
no_offer
is "$(on alice innernet fetch corp 2>&1)" 'corp: version 3.1, nothing new from server hub; 0 operations
warning[snapshot-stale]: server hub has nothing new, but does not say that this is still the newest snapshot' \
	'a server that says nothing vouches for nothing'
on alice sh -c 'jq ".fresh_until = (now | floor) + 200" /var/lib/innernet/corp/daemon >/tmp/d; cat /tmp/d >/var/lib/innernet/corp/daemon'
is "$(on alice innernet fetch corp 2>&1)" 'corp: version 3.1, nothing new from server hub; 0 operations' \
	'what the daemon was told counts'
done_testing
