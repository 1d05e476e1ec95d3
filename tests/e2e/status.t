#!/usr/bin/env bash
# `innernet status` and `innernet doctor`: what they say when it is all right, and when it is not, and their exit codes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

HUB_ENDPOINT=hub.example:51820
alice_joined
status() { on alice innernet status corp 2>&1; }
level_of() { on alice innernet status corp --json | jq -r --arg c "$1" '[.networks[0].checks[] | select((.check // .peer) == $c) | .level][0]'; }

# This hub vouches for nothing: that alone cannot be told.
spawn alice up innernet up --daemon corp
wait_log alice up 'corp: version 0.1, ' || fail 'the daemon starts'
reached() { status | grep -qE '^  ok    server      hub answered [0-9]+ s ago$'; }
ok 'a server has answered' wait_for 10 reached
out=$(status)
is $? 2 'nothing is wrong, but not all can be told'
like "$out" '^corp: alice 10.60.64.2$' 'which peer this is'
like "$out" '^  ok    interface   up, UDP port [0-9]+, as the network defines it$' 'the interface'
like "$out" '^  ok    daemon      started [0-9]+ s ago$' 'the daemon'
like "$out" '^  \?     snapshot    version 0.1: no server has vouched for it being the newest$' 'the version'
like "$out" '^  ok    names       3 in /etc/hosts$' 'the names'
like "$out" '^  note  peers       1 of 2 connected$' 'the peers'
like "$out" '^  note  bob         no endpoint of it is known: it has to speak first$' 'and why one is not'
like "$out" '^No check fails, but some have no result.$' 'in a sentence'
is "$(on alice innernet status --json | jq -r '.format_version, .verdict, .networks[0].verdict')" \
	$'1.0\nunknown\nunknown' 'as JSON'
like "$(on alice innernet up --daemon corp 2>&1)" 'corp: another daemon keeps this network already' \
	'a second daemon is refused'

on alice wg set corp peer "$BOB_PUB" remove
ok 'drift is remembered' wait_for 6 eval 'status | grep -qF "what another program had changed: a peer was removed (bob) (1 time in all)"'

stop hub canned
ok 'a server that is away' wait_for 20 eval 'status | grep -qE "^  FAIL  server      none answers; it began [0-9]+ s ago: "'
status >/dev/null
is $? 1 'is something wrong'
spawn hub canned "$BUILD/tests/e2e/canned" 10.60.0.1 51820 "$OFFER"
ok 'until it is back' wait_for 30 eval '[ "$(level_of server)" = ok ]'
definition 1 "$ALICE"
signer_new "$WORK/hub/other"
offer_of alice "$WORK/hub/other" >"$WORK/hub/changed" 2>/dev/null
offer "$WORK/hub/changed"
on alice kill -HUP "$(spawned_pid alice up)"
ok 'what is not believed is said' wait_for 20 eval 'status | grep -qE "^  FAIL  server      what it says is not believed: "'
stop alice up
like "$(status)" '^  warn  daemon      none runs: no process follows the network or repairs it$' 'without a daemon'
on alice ip link del corp
out=$(status)
is $? 1 'without an interface it is wrong'
like "$out" '^  FAIL  interface   corp is not there$' 'which is said'
on alice innernet up corp >/dev/null 2>&1
on alice sh -c 'sed -i s/10.60.0.1/10.60.0.9/ /etc/hosts'
like "$(status)" '^  FAIL  names       those in /etc/hosts are not those of the network$' 'names that another program changed'
on alice innernet up corp >/dev/null 2>&1
on alice innernet status nowhere >/dev/null 2>&1
is $? 1 'a network that is none is wrong'

# ---- doctor ---------------------------------------------------------------------------------------------------------
doctor() { on alice innernet doctor corp 2>&1; }
out=$(doctor)
is $? 0 'doctor finds nothing that fails'
like "$out" '^  ok    wireguard   the interface is a userspace one$' 'WireGuard'
like "$out" '^  ok    rights      may change interfaces \(CAP_NET_ADMIN\)$' 'rights'
like "$out" '^  ok    port        listens on UDP port [0-9]+$' 'the port'
like "$out" '^  ok    clock       agrees with the snapshot$' 'the clock'
like "$out" '^  ok    names       /etc/hosts can be written$' 'the names'
like "$out" '^  ok    config      /etc/innernet is this machine.s alone$' 'its files'
like "$out" '^  ok    hub         hub.example:51820: the route takes packets of 1500 bytes, 1340 are needed$' 'the way to the hub'
like "$out" '^  warn  daemon      none runs' 'that nothing keeps it so'
on alice ip link set eth0 mtu 1300
like "$(doctor)" '^  warn  hub         the MTU is too large for the route: 1280 and the bytes that WireGuard adds are 1340, the route takes 1300$' \
	'a way that is too narrow'
on alice ip link set eth0 mtu 1500
on alice sh -c 'grep -v hub.example /etc/hosts >h; cat h >/etc/hosts'
out=$(doctor)
is $? 1 'a server whose name does not resolve fails'
like "$out" '^  FAIL  hub         its endpoint hub.example:51820 does not resolve$' 'and is named'
on alice sh -c 'echo 192.0.2.1 hub.example >>/etc/hosts; chmod 0777 /etc/innernet'
like "$(doctor)" '^  FAIL  config      other users may change what is in /etc/innernet \(owner 0, mode 0777\)$' 'a folder that other users may change'
on alice chmod 0700 /etc/innernet
on alice sh -c 'sed -i "/innernet corp end/d" /etc/hosts'
like "$(doctor)" '^  FAIL  names       /etc/hosts, line [0-9]+: a block begins and does not end' 'a broken hosts file'
like "$(on alice setpriv --bounding-set -net_admin --inh-caps -net_admin innernet doctor corp 2>&1)" \
	'^  FAIL  rights      may not change interfaces: CAP_NET_ADMIN is missing$' 'too few rights'
is "$(on alice innernet doctor --json | jq -r '.networks[0].checks[] | select(.check == "names") | .level')" fail 'as JSON'
done_testing
