#!/usr/bin/env bash
# Two servers: one is enough, the one that is behind is passed over, and one that says nothing is not waited for.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

alice_joined
host_new spare 192.0.2.4
SPARE_KEY=$(wg genkey)
SPARE_PUB=$(wg pubkey <<<"$SPARE_KEY")
SPARE="  spare: { ip: 10.60.0.2, public_key: \"$SPARE_PUB\", endpoint: \"192.0.2.4:51820\", server: true }"
mkdir "$WORK/spare/offer"
on spare sh -c 'wireguard-go -f corp >/dev/null 2>&1 </dev/null &'
wait_for 10 on spare wg show corp
on spare wg set corp listen-port 51820 private-key <(echo "$SPARE_KEY") peer "$ALICE_PUB" allowed-ips 10.60.64.2/32
on spare ip address add 10.60.0.2/32 dev corp
on spare ip link set corp mtu 1280 up
on spare ip route add 10.60.0.0/16 dev corp
spare_offers() { cp "$1" "$WORK/spare/offer/.new" && mv "$WORK/spare/offer/.new" "$WORK/spare/offer/poll"; }

definition 1 "$ALICE" "$SPARE"
offer_of alice >"$WORK/v1"
definition 2 "$ALICE" "$SPARE"
offer_of alice >"$WORK/v2"
definition 3 "$ALICE" "$SPARE"
offer_of alice >"$WORK/v3"

spawn alice up innernet up --daemon corp -v
offer "$WORK/v1"
ok 'a second server joins' wait_log alice up 'version 1.1, '
spawn spare canned "$BUILD/tests/e2e/canned" 10.60.0.2 51820 "$WORK/spare/offer"
spare_offers "$WORK/v2"
stop hub canned
ok 'when one goes, the other is asked' wait_log alice up 'version 2.1, ' 10
nok 'and nothing is away' grep -q server-away "$(log_of alice up)"

offer "$WORK/v1"
spawn hub canned "$BUILD/tests/e2e/canned" 10.60.0.1 51820 "$OFFER"
stop spare canned
ok 'one that is behind is passed over' wait_log alice up 'the server is behind: it has version 1.1, and this peer 2.1' 20
ok 'then none is left: said once' wait_log alice up 'server-away' 30
spawn spare canned "$BUILD/tests/e2e/canned" 10.60.0.2 51820 "$WORK/spare/offer"
spare_offers "$WORK/v3"
ok 'until one has news' wait_log alice up 'version 3.1, ' 40
is "$(grep -c server-away "$(log_of alice up)")" 1 'once'
ok 'it is back' wait_log alice up 'server-back: corp: server spare answers again'

# ---- by hand --------------------------------------------------------------------------------------------------------
stop alice up
definition 4 "$ALICE" "$SPARE"
offer_of alice >"$WORK/v4"
spare_offers "$WORK/v4"
out=$(on alice innernet fetch corp 2>&1)
is $? 0 'fetch asks the next one too'
like "$out" '^corp: version 4.1, sent by server spare; 0 operations$' 'and says which one answered'
like "$out" 'warning\[snapshot-behind\]' 'and what was wrong with the first'
done_testing
