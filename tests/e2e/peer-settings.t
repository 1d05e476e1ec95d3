#!/usr/bin/env bash
# What people set on one machine, and how it leaves a network; two networks on one machine, each for itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

HUB_ENDPOINT=hub.example:51820
hub_new
host_new alice 192.0.2.2
on alice sh -c 'echo "192.0.2.1 hub.example" >>/etc/hosts'
invite_alice
accept_alice
ok 'redeem is install' on alice innernet redeem alice.yaml --delete-invite
nok 'the invitation is gone' test -e "$WORK/alice/alice.yaml"
ALICE_PUB=$(cat "$OFFER/alice.key")
port_is() { [ "$(on alice wg show corp listen-port)" = "$1" ]; }
bob_at() { [ "$(on alice wg show corp endpoints | grep -F "$BOB_PUB")" = "$BOB_PUB"$'\t'"$1" ]; }

# ---- set-listen-port ------------------------------------------------------------------------------------------------
is "$(on alice innernet set-listen-port corp -l 51900 2>&1)" 'corp: listens on UDP port 51900' 'a port is set'
ok 'at once' port_is 51900
ok 'the tunnel goes on' ping_works alice 10.60.0.1
is "$(on alice innernet set-listen-port corp -l 51900 2>&1)" 'corp: listens on UDP port 51900 already' 'it is so already'
on alice innernet down corp >/dev/null
on alice innernet up corp >/dev/null 2>&1
ok 'and stays so' port_is 51900
is "$(on alice innernet set-listen-port corp -u 2>&1)" \
	'corp: uses any free port; the current port stays until the interface is made again' 'it can be taken back'
on alice innernet down corp >/dev/null
on alice innernet up corp >/dev/null 2>&1
nok 'then it is another one' port_is 51900
for bad in '-l 0' '-l 65536' '-l x' '' '-l 1 -u'; do
	# shellcheck disable=SC2086 # words
	nok "set-listen-port $bad is refused" on alice innernet set-listen-port corp $bad
done
on alice sh -c 'wireguard-go other >/dev/null 2>&1 && wg set other listen-port 53000 && ip link set other up'
out=$(on alice innernet set-listen-port corp -l 53000 2>&1)
is $? 1 'a port that another program has is refused'
nok 'and not kept' on alice grep -q listen_port /etc/innernet/corp.yaml
ok 'the interface works as before' ping_works alice 10.60.0.1
on alice ip link del other

# ---- override-endpoint, at a terminal -------------------------------------------------------------------------------
talk 'where other peers reach it is asked for' on alice innernet override-endpoint corp <<'END'
expect 0.0.0.0 means the address that a server sees. Type "none" to remove it.
expect Where peers reach this machine: [0.0.0.0:51820]
send 10.60.64.9:1\r
expect 10.60.64.9:1 is an address within the network itself
expect Where peers reach this machine:
send \x15alice\r
expect 'alice' is not host:port
expect Where peers reach this machine:
send \x15Alice.Example:4500\r
expect corp: this machine reports the endpoint alice.example:4500 to its peers
exit 0
cooked
END
talk 'what is set is proposed' on alice innernet override-endpoint corp <<'END'
expect [alice.example:4500]
send \r
expect corp: this machine reports the endpoint alice.example:4500 to its peers already
exit 0
cooked
END
talk 'Ctrl-C changes nothing' on alice innernet override-endpoint corp <<'END'
expect [alice.example:4500]
send b.example:1\x03
exit 1
cooked
END
ok 'which stays' on alice grep -q 'alice.example:4500' /etc/innernet/corp.yaml
talk 'none takes it back' on alice innernet override-endpoint corp <<'END'
expect [alice.example:4500]
send none\r
expect corp: this machine reports the addresses of its interfaces to its peers
exit 0
cooked
END
nok 'and out of its file' on alice grep -q 'alice.example' /etc/innernet/corp.yaml

# ---- override-peer-endpoint -----------------------------------------------------------------------------------------
is "$(on alice innernet override-peer-endpoint corp --name bob -e 192.0.2.99:7 2>&1)" \
	'corp: this machine reaches bob at 192.0.2.99:7' 'a peer is somewhere else for this machine'
ok 'at once' bob_at 192.0.2.99:7
on alice sh -c 'echo "192.0.2.98 bob.example" >>/etc/hosts'
is "$(on alice innernet override-peer-endpoint corp --name bob --endpoint Bob.Example:9 2>&1)" \
	'corp: this machine reaches bob at bob.example:9' 'by a host name'
ok 'which is looked up' bob_at 192.0.2.98:9
# The definition has another one; what people said here comes first.
definition 1 "  alice: { ip: 10.60.64.2, public_key: \"$ALICE_PUB\" }"
sed -i "s|^  bob: .*|  bob: { ip: 10.60.64.3, public_key: \"$BOB_PUB\", endpoint: \"192.0.2.50:5\" }|" "$DEF/network.yaml"
offer_of alice >"$WORK/hub/v1"
offer "$WORK/hub/v1"
on alice innernet fetch corp >/dev/null 2>&1
ok 'it comes before what the network says' bob_at 192.0.2.98:9
is "$(on alice innernet override-peer-endpoint corp --name bob -u 2>&1)" \
	'corp: this machine reaches bob at the network'"'"'s endpoint' 'it can be taken back'
ok 'and then the network counts' bob_at 192.0.2.50:5
is "$(on alice innernet override-peer-endpoint corp --name bob -u 2>&1)" \
	'corp: this machine reaches bob at the network'"'"'s endpoint already' 'it is so already'
like "$(on alice innernet override-peer-endpoint corp --name nobody -e 1.2.3.4:5 2>&1)" \
	"^error\[unknown-name\]: this machine sees no peer called 'nobody'" 'an unknown peer is refused'
like "$(on alice innernet override-peer-endpoint corp --name bob -e 10.60.0.1:5 2>&1)" \
	"^error\[bad-endpoint\]: '10.60.0.1:5' is an address within the network itself" 'an address within the tunnel too'
like "$(on alice innernet override-peer-endpoint corp --name alice -e 1.2.3.4:5 2>&1)" \
	"^error\[bad-endpoint\]: 'alice' is this machine" 'and this machine itself'
nok 'an endpoint without a port' on alice innernet override-peer-endpoint corp --name bob -e 1.2.3.4

# ---- a daemon takes it over -----------------------------------------------------------------------------------------
spawn alice up innernet up --daemon
wait_log alice up 'corp: version 1.1, ' || fail 'the daemon starts'
on alice innernet set-listen-port corp -l 51901 >/dev/null
on alice wg set corp listen-port 51999
ok 'the daemon repairs towards the new port' wait_for 6 port_is 51901
on alice innernet override-peer-endpoint corp --name bob -e 192.0.2.97:1 >/dev/null
on alice wg set corp peer "$BOB_PUB" endpoint 192.0.2.50:5
ok 'and the new endpoint' wait_for 6 bob_at 192.0.2.97:1

# ---- another network on the same machine ----------------------------------------------------------------------------
# `home`: redeemed, without a snapshot, its server away. `torn`: a file that was cut off.
on alice sh -c 'cd /etc/innernet && sed "/^overrides:/,/^[a-z]/d; s/^network: corp/network: home/; s/10\.60\./10.61./g; s/hub.example/192.0.2.250/" corp.yaml >home.yaml &&
	head -c 200 corp.yaml >torn.yaml && chmod 600 home.yaml torn.yaml'
stop alice up
spawn alice both innernet up --daemon
ok 'a network that has no server, and a file that is torn' wait_log alice both 'failed: .*torn.yaml.*\[bad-config\]'
ok 'stop no other' wait_log alice both 'corp: version 1.1, '
ok 'home is said to be away' wait_log alice both 'server-away: home: server hub: ' 30
on alice wg set corp peer "$BOB_PUB" remove
ok 'corp is repaired meanwhile' wait_for 5 bob_at 192.0.2.97:1
definition 2 "  alice: { ip: 10.60.64.2, public_key: \"$ALICE_PUB\" }"
offer_of alice >"$WORK/hub/v2"
offer "$WORK/hub/v2"
ok 'and follows its server' wait_log alice both 'corp: version 2.1, ' 5
on alice sh -c 'ip link del home; ip link add home type bridge'
ok 'an interface that another program took is said' wait_log alice both 'failed: .*\[device-not-wireguard\]' 10
on alice wg set corp peer "$BOB_PUB" remove
ok 'corp is looked after all the same' wait_for 5 bob_at 192.0.2.97:1
stop alice both
out=$(on alice innernet up 2>&1)
is $? 1 '`up` of all fails for those that fail'
like "$out" '^corp: version 2.1, up already$' 'and brings up the other networks'
like "$out" 'torn.yaml' 'each is named'
on alice rm /etc/innernet/home.yaml
on alice ip link del home

# ---- uninstall ------------------------------------------------------------------------------------------------------
on alice sh -c 'sed "/innernet corp begin/,/innernet corp end/d" /etc/hosts >foreign'
out=$(on alice innernet uninstall corp 2>&1 </dev/null)
is $? 3 'uninstall asks, and without a terminal refuses'
is "$out" 'This leaves the network corp and removes from this machine:
  the interface corp
  the network'"'"'s names in /etc/hosts
  /var/lib/innernet/corp: the last good snapshot
  /etc/innernet/corp.yaml: this machine'"'"'s key; to come back it needs a new invitation
error[not-confirmed]: nothing was changed: there is no terminal to ask at
  help: --yes removes without asking' 'it says what it would remove'
ok 'nothing was' ping_works alice 10.60.0.1
on alice sh -c 'cp /etc/hosts saved; sed -i "/innernet corp end/d" /etc/hosts'
out=$(on alice innernet uninstall corp --yes 2>&1)
is $? 1 'names that cannot be removed stop it before anything is gone'
ok 'the interface is there' on alice ip link show corp
on alice sh -c 'cat saved >/etc/hosts'

spawn alice last innernet up --daemon corp
wait_log alice last 'corp: version 2.1, ' || fail 'the daemon starts'
is "$(on alice innernet uninstall corp --yes 2>/dev/null)" 'corp: the network is removed from this machine' \
	'uninstall, with a daemon that keeps the network'
ok 'which lets go of it' wait_log alice last 'uninstalled: corp: this machine is in this network no more' 6
ok 'and ends, as it has no other' wait_for 5 not runs alice last
nok 'the interface is gone' on alice ip link show corp
nok 'its socket too' on alice test -e /run/wireguard/corp.sock
is "$(on alice cat /etc/hosts | sha256sum)" "$(sha256sum <"$WORK/alice/foreign")" 'the hosts file is what it was without it'
is "$(on alice ls -A /var/lib/innernet)" 'home
hosts.lock' 'nothing is left of it in /var/lib' || on alice ls -lA /var/lib/innernet
is "$(on alice ls -A /etc/innernet)" torn.yaml 'nor in /etc'
ok 'a network whose file is torn can be left' on alice innernet uninstall torn --yes
is "$(on alice ls -A /etc/innernet)" '' 'that file is gone too'
like "$(on alice innernet uninstall corp --yes 2>&1)" "error\[no-network\]: this machine is not in a network called 'corp'" \
	'what is not there cannot be left'
done_testing
