#!/usr/bin/env bash
# The commands of a peer: plan, apply, fetch, show, up and down; their words and their exit codes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

HUB_ENDPOINT=hub.example:51820
hub_new
host_new alice 192.0.2.2
on alice sh -c 'echo "192.0.2.1 hub.example" >>/etc/hosts'
invite_alice
accept_alice
ok 'a server that is named by a host name' on alice innernet install alice.yaml
ok 'is reached' ping_works alice 10.60.0.1
ALICE="  alice: { ip: 10.60.64.2, public_key: \"$(cat "$OFFER/alice.key")\" }"

# ---- no changes -----------------------------------------------------------------------------------------------------
# This hub vouches for nothing: that warning is not what is asked about here.
out=$(on alice innernet plan corp --detailed-exitcode 2>/dev/null)
is $? 0 'a second plan is empty'
is "$out" 'No changes. Interface corp is as the network defines it.' 'and says so'
out=$(on alice innernet apply corp 2>/dev/null </dev/null)
is "$?: $out" '0: No changes. Interface corp is as the network defines it.' 'there is nothing to apply, and nothing to ask'

# ---- changes --------------------------------------------------------------------------------------------------------
CAROL_PUB=$(wg genkey | wg pubkey)
definition 1 "$ALICE" "  carol: { ip: 10.60.64.4, public_key: \"$CAROL_PUB\" }"
offer_of alice >"$WORK/hub/v1"
offer "$WORK/hub/v1"
out=$(on alice innernet plan corp 2>&1)
is $? 0 'a plan with changes is no error'
like "$out" '# peer carol will be added' 'it names the new peer'
like "$out" '^Plan: 1 to add, 0 to change, 0 to remove\.$' 'and counts'
nok 'nothing was done' eval 'on alice wg show corp allowed-ips | grep -qF "$CAROL_PUB"'
on alice innernet plan corp --detailed-exitcode >/dev/null 2>&1
is $? 2 'with --detailed-exitcode changes exit with 2'
out=$(on alice innernet plan corp --json --offline 2>/dev/null)
is "$(jq -r '.format_version + " " + .interface' <<<"$out")" '1.0 corp' 'as JSON'
like "$(on alice innernet show corp)" 'carol 10.60.64.4  not applied' 'show says that it is not applied'

out=$(on alice innernet apply corp 2>&1 </dev/null)
is $? 3 'without a terminal it is refused'
like "$out" 'error\[not-confirmed\]: nothing was changed: there is no terminal to ask at' 'and says why'
on_terminal() { # HOST ANSWER COMMAND...
	on "$1" script -qec "${*:3}" /dev/null <<<"$2" 2>&1
	return "${PIPESTATUS[0]}"
}
on_terminal alice y innernet apply corp >/dev/null
is $? 3 "only 'yes' is an answer"
nok 'nothing was done' eval 'on alice wg show corp allowed-ips | grep -qF "$CAROL_PUB"'
out=$(on_terminal alice yes innernet apply corp)
is $? 0 "'yes' applies"
like "$out" 'Applied: 1 operation and the names in [0-9]+ ms; the second plan is empty' 'and looks again'
ok 'carol is there' eval 'on alice wg show corp allowed-ips | grep -qF "$CAROL_PUB"'

# Where else she might be is tried by `up`; `apply` does what the plan said.
printf 'innernet-hints 1\nhint %s - 192.0.2.77:1,192.0.2.78:2\nend\n' "$CAROL_PUB" | on alice tee /var/lib/innernet/corp/hints >/dev/null
carol_at() { [ "$(on alice wg show corp endpoints | grep -F "$CAROL_PUB")" = "$CAROL_PUB"$'\t'"$1" ]; }
sent_to_carol() { on alice wg show corp transfer | grep -F "$CAROL_PUB" | grep -vq $'\t0$'; }
out=$(on alice innernet apply corp --offline --yes 2>/dev/null)
like "$?: $out" 'Applied: 1 operation in ' 'a peer that may be at an address'
ok 'is looked for there' carol_at 192.0.2.77:1
on alice ping -c 1 -W 1 10.60.64.4 >/dev/null 2>&1
ok 'in vain' wait_for 10 sent_to_carol
is "$(on alice innernet plan corp --offline 2>/dev/null)" 'No changes. Interface corp is as the network defines it.' 'which changes no plan'
on alice ip link set corp mtu 1300
out=$(on alice innernet apply corp --offline --yes 2>/dev/null)
like "$?: $out" 'Applied: 1 operation in ' 'what was shown is done'
ok 'and nothing else' carol_at 192.0.2.77:1
on alice innernet up corp >/dev/null 2>&1
ok 'up tries the next' carol_at 192.0.2.78:2

# ---- fetch ----------------------------------------------------------------------------------------------------------
definition 2 "$ALICE"
offer_of alice >"$WORK/hub/v2"
offer "$WORK/hub/v2"
out=$(on alice innernet fetch corp 2>/dev/null)
is "$?: $out" '0: corp: version 2.1, sent by server hub; 1 operation' 'fetch applies what is new'
nok 'carol is gone' eval 'on alice wg show corp allowed-ips | grep -qF "$CAROL_PUB"'

# ---- show -----------------------------------------------------------------------------------------------------------
STRANGER=$(wg genkey | wg pubkey)
on alice wg set corp peer "$STRANGER" allowed-ips 10.60.99.1/32
out=$(on alice innernet)
like "$out" '^corp: alice 10.60.64.2, version 2.1; the interface is up, port [0-9]+$' 'no command means show'
like "$out" '^    infra 10.60.0.0/24$' 'with the tree of CIDRs'
like "$out" '^      hub 10.60.0.1  server, connected, 192.0.2.1:51820, handshake [0-9]+ s ago, .* received, .* sent$' \
	'and what WireGuard says'
like "$out" '^      alice 10.60.64.2  this machine, reported 192.0.2.2:[0-9]+$' 'this machine'
like "$out" '^      bob 10.60.64.3  no handshake yet$' 'a peer that was not heard of'
like "$out" "^    ${STRANGER//+/\\+}  unmanaged" 'and a peer that is not of this network'
is "$(on alice innernet show corp --short | sed 1d)" '  hub 10.60.0.1  connected
  alice 10.60.64.2  this machine
  bob 10.60.64.3  no handshake yet' 'in short'
is "$(on alice innernet show --json | jq -r '.networks[0] | .name, (.peers | length), .unmanaged[0].public_key')" \
	"alice"$'\n'3$'\n'"$STRANGER" 'as JSON'
is "$(on alice innernet list corp | sed '/ unmanaged/d; s/ handshake .*//')" \
	"$(on alice innernet show corp | sed '/ unmanaged/d; s/ handshake .*//')" 'list of a network is show'
like "$(on alice env LC_ALL=C innernet list corp --tree)" '^  `-- humans 10.60.64.0/24$' 'with the lines of the tree'
is "$(on alice innernet list-cidrs corp)" 'NAME    PREFIXES       PARENT  PEERS  NOTES
corp    10.60.0.0/16           0/3    named only
infra   10.60.0.0/24   corp    1/1    infra
humans  10.60.64.0/24  corp    2/2' 'the CIDRs that it may see'
is "$(on alice env LC_ALL=C innernet list-cidrs corp --tree)" 'corp  10.60.0.0/16  named only  0/3 peers
|-- infra  10.60.0.0/24  infra  1/1 peers
`-- humans  10.60.64.0/24  2/2 peers' 'as a tree'
is "$(on alice innernet list-cidrs corp --json | jq -c '[.format_version, .network, .cidrs[].name]')" \
	'["1.0","corp","corp","infra","humans"]' 'and as JSON'
is "$(on alice innernet list-associations corp)" 'CIDR    REACHES  PEERS  WHICH
humans  infra    1      its own: it is infra' 'and what its own CIDR reaches'
is "$(on alice innernet list-associations corp --json | jq -c '.reaches')" \
	'[{"cidrs":["humans","infra"],"peers":1,"all_under":false}]' 'as JSON'
out=$(on alice innernet show nosuch 2>&1)
like "$?: $out" "1: error\[no-network\]: this machine is not in a network called 'nosuch'" 'a network that it is not in'
like "$(on alice innernet shwo 2>&1)" "innernet: 'shwo' is not a command either; did you mean 'show'?" 'a mistyped command'
out=$(on alice innernet show ../corp 2>&1)
like "$?: $out" "1: error\[bad-name\]: '../corp' is not the name of a network" 'a name that is none'

# ---- down and up ----------------------------------------------------------------------------------------------------
is "$(on alice innernet down corp)" 'corp: down; its files stay' 'down'
nok 'takes the interface away' on alice ip link show corp
is "$(on alice innernet down corp)" 'corp: was not up; its files stay' 'twice is no error'
like "$(on alice innernet show)" 'version 2.1; the interface is not there' 'show says so'
stop hub canned
out=$(on alice innernet up 2>&1)
is $? 0 'up works without a server'
like "$out" 'warning\[server-away\]: server hub: no connection' 'and says that none answers'
like "$out" '^corp: version 2.1, brought up$' 'from what is on disk'
ok 'with its tunnel' ping_works alice 10.60.0.1
on alice innernet down corp >/dev/null

# ---- what is in the way ---------------------------------------------------------------------------------------------
on alice sed -i '$a overrides:\n  listen_port: 51833' /etc/innernet/corp.yaml
ok 'a listen port of its own' on alice innernet up corp
is "$(on alice wg show corp listen-port)" 51833 'is used'
on alice innernet down corp >/dev/null
spawn alice squatter perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(51833, INADDR_ANY)) or die; sleep 1000'
wait_for 5 on alice sh -c 'grep -q ":CA79 " /proc/net/udp'
out=$(on alice innernet up corp 2>&1)
is $? 1 'a port in use is an error'
like "$out" 'error\[device-port-in-use\]: corp: .*UDP port is in use' 'that says so'
stop alice squatter
ok 'and later it works' on alice innernet up corp
on alice innernet down corp >/dev/null
out=$(on alice setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all innernet up corp 2>&1)
like "$?: $out" '1: error\[file-error\].*Permission denied' 'without permission: an error'
for command in status doctor; do
	out=$(on alice setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all innernet $command corp 2>&1)
	like "$? $out" '^  [?] .* cannot open /etc/innernet/corp.yaml: Permission denied$' "$command: it cannot be told"
	like "$out" '^ +-> run it as root' 'and what to do'
done
mkdir "$WORK/alice/bin"
out=$(on alice env PATH="$WORK/alice/bin" "$WORK/.bin/innernet" up corp 2>&1)
is $? 1 'no WireGuard at all is an error'
like "$out" 'wireguard-go' 'that says what to install'

# One network that fails never stops another.
on alice sh -c 'sed "s/^network: corp/network: aaa/; s/^mtu: .*/mtu: 1/" /etc/innernet/corp.yaml >/etc/innernet/aaa.yaml; chmod 600 /etc/innernet/aaa.yaml'
out=$(on alice innernet up 2>&1)
is $? 1 'one of two networks fails'
like "$out" "aaa.yaml: 'mtu' must be a whole number" 'that one is named'
ok 'the other is up' ping_works alice 10.60.0.1

# Upstream's fetch waits for each peer that does not answer, 55 s for one.
many=$(for i in $(seq 1 40); do
	printf '  gone%d: { ip: 10.60.64.%d, public_key: "%s", endpoint: "192.0.2.%d:9" }\n' "$i" $((100 + i)) "$(wg genkey | wg pubkey)" $((200 + i))
done)
definition 9 "$ALICE" "$many"
offer_of alice >"$WORK/hub/many"
offer "$WORK/hub/many"
spawn hub canned "$BUILD/tests/e2e/canned" 10.60.0.1 51820 "$OFFER"
wait_for 10 on hub sh -c "ss -Hltn 'sport = :51820' | grep -q 10.60.0.1"
before=$(date +%s%N)
like "$(on alice innernet fetch corp)" '^corp: version 9\.1, ' 'fetch with 40 peers that do not answer'
is $((($(date +%s%N) - before) / 3000000000)) 0 'waits for none of them'
done_testing
