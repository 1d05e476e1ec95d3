#!/usr/bin/env bash
# A network without a server: each machine applies the definition that it has a copy of.
. "$(dirname "$0")/lib.sh"

host_new alice 192.0.2.1
host_new bob 192.0.2.2
host_new carol 192.0.2.3
declare -A KEY
for name in alice bob carol; do
	on "$name" sh -c 'umask 077; wg genkey >private.key'
	KEY[$name]=$(on "$name" sh -c 'wg pubkey <private.key')
done
on bob sh -c 'echo "192.0.2.1 alice.example" >>/etc/hosts'
INVITE=ed25519:$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | base64)

DEF=$WORK/net
mkdir "$DEF"
definition() { # LINE...: more peers
	cat >"$DEF/network.yaml" <<END
network: home
cidr: [10.9.0.0/16, "fd09::/48"]
defaults: { mtu: 1380 }
cidrs:
  humans: { cidr: [10.9.1.0/24, "fd09:0:0:1::/64"] }
  guests: { cidr: [10.9.2.0/24, "fd09:0:0:2::/64"] }
peers:
  alice: { ip: [10.9.1.1, "fd09:0:0:1::1"], public_key: "${KEY[alice]}", endpoint: "alice.example:51900", routes: [192.168.7.0/24] }
  bob:   { ip: [10.9.1.2, "fd09:0:0:1::2"], public_key: "${KEY[bob]}", keepalive: 20 }
  carol: { ip: [10.9.2.3, "fd09:0:0:2::3"], public_key: "${KEY[carol]}" }
END
	if [ $# -gt 0 ]; then printf '%s\n' "$@" >>"$DEF/network.yaml"; fi
}
definition
apply() { # HOST [OPTION...]
	local host=$1
	shift
	run on "$host" innernet apply -f "$DEF" --as "$host" --key private.key --yes "$@"
}

# ---- a dry run, then the same for real ------------------------------------------------------------------------------
run on bob innernet plan -f "$DEF/network.yaml" --as bob --detailed-exitcode
is "$status $err" '2 ' 'plan: there are changes'
like "$out" '^# interface home will be added$' 'it says which'
like "$out" '^# peer alice will be added$' 'and names the peer'
unlike "$out" 'carol' 'no peer that is not reached'
like "$out" '10\.9\.1\.1 +alice\.home\.wg' 'and the names'
is "$(on bob wg show interfaces)" '' 'nothing was done'
run on bob innernet plan -f "$DEF" --as bob --key private.key --json
is "$(jq -r '.format_version' <<<"$out")" 1.0 'as JSON'

run on bob innernet apply -f "$DEF" --as bob --key private.key
is "$status $(grep -o 'not-confirmed' <<<"$err")" '3 not-confirmed' 'without a terminal --yes is needed'
apply bob
is "$status $err" '0 ' 'apply'
like "$out" '^Applied: [0-9]+ operations and the names in [0-9]+ ms; the second plan is empty\.$' 'says what it did'
is "$(on bob wg show home public-key)" "${KEY[bob]}" 'the interface has the key'
is "$(on bob wg show home endpoints)" "${KEY[alice]}"$'\t192.0.2.1:51900' 'the endpoint by a host name'
is "$(on bob wg show home allowed-ips | tr '\t' ' ')" "${KEY[alice]} 10.9.1.1/32 192.168.7.0/24 fd09:0:0:1::1/128" \
	'allowed IPs, those of the route too'
is "$(on bob wg show home persistent-keepalive | tr '\t' ' ')" "${KEY[alice]} 20" 'keepalive'
is "$(on bob ip -o link show dev home | grep -o 'mtu [0-9]*')" 'mtu 1380' 'the MTU of the definition'
is "$(on bob ip -4 route show dev home | sed 's/ *$//' | sort)" $'10.9.0.0/16 proto static scope link\n192.168.7.0/24 proto static scope link' 'routes' ||
	diag "$(on bob ip -4 route show dev home)"
is "$(on bob grep -c 'home\.wg$' /etc/hosts)" 4 'names, one an address'
apply bob
is "$status $err $out" '0  No changes. Interface home is as the network defines it.' 'once more: nothing to do'
run on bob innernet plan -f "$DEF" --as bob --detailed-exitcode
is "$status" 0 'and plan says so'

apply alice --no-write-hosts
is "$status $err" '0 ' 'the other side'
is "$(on alice wg show home listen-port)" 51900 'listens where its endpoint is'
nok 'no names, when none are wanted' on alice grep -q home.wg /etc/hosts
# bob called while alice was away; WireGuard tries again after five seconds.
ok 'they reach each other' ping_works bob 10.9.1.1 10
ok 'by name, and IPv6' ping_works bob alice.home.wg
ok 'in IPv6' ping_works bob fd09:0:0:1::1
apply alice --no-write-hosts
is "$out" 'No changes. Interface home is as the network defines it.' 'a session is no difference'
apply carol --listen-port 52000
is "$status $(on carol wg show home listen-port) $(on carol wg show home peers)" '0 52000 ' 'a port of its own; guests reach no peer'
session() { on bob wg show home latest-handshakes | grep -F "${KEY[alice]}" | cut -f 2; }
before=$(session)

# ---- a change -------------------------------------------------------------------------------------------------------
definition 'associations: [[humans, guests]]'
apply bob
like "$out" '^# peer carol will be added$' 'a change of the definition'
is "$(session)" "$before" 'touches no other peer'
apply alice --no-write-hosts
apply carol --listen-port 52000
is "$status $err" "0 warning[endpoint-unresolved]: no address is known for alice.example:51900: alice can only call by itself
  help: does the name resolve here? Once it does, apply again" 'a host name that does not resolve'
on carol sh -c 'echo "192.0.2.1 alice.example" >>/etc/hosts'
apply carol --listen-port 52000
is "$status $err" '0 ' 'and does'
ok 'bob has no endpoint for carol; carol none for bob' test "$(on carol wg show home peers | wc -l)" = 2
ok 'but alice' ping_works carol 10.9.1.1 10
on bob wg set home peer "${KEY[alice]}" remove
on bob ip route del 192.168.7.0/24 dev home
apply bob
ok 'a change by another program is repaired' ping_works bob 10.9.1.1 10

# ---- a peer with an invite alone -----------------------------------------------------------------------------------------
definition "  dave: { ip: [10.9.1.4, \"fd09:0:0:1::4\"], invite: \"$INVITE\" }" \
	"  erin: { ip: [10.9.1.5, \"fd09:0:0:1::5\"], public_key: \"$(wg genkey | wg pubkey)\", disabled: true }"
apply bob
is "$status $err" "0 warning[peer-invited]: not reached, for want of a key: dave
  help: an invite is redeemed at a server; without one, each peer needs a \`public_key\`" 'is said once'
is "$(on bob wg show home peers)" "${KEY[alice]}" 'and is not there, nor is a disabled peer'

# ---- refused --------------------------------------------------------------------------------------------------------
refuse() { # DESCRIPTION CODE TEXT OPTION...: bob's interface stays as it is
	local what=$1 code=$2 text=$3 was
	shift 3
	was=$(on bob wg show home dump)
	run on bob innernet apply --yes "$@"
	is "$status $(grep -o "error\[$code\]" <<<"$err")" "1 error[$code]" "refused: $what"
	like "$err" "$text" '... and says what to do'
	is "$(on bob wg show home dump | cut -f 1-4)" "$(cut -f 1-4 <<<"$was")" '... and nothing is changed'
	nok '... nor shown' grep -qF -f "$WORK/bob/private.key" <<<"$err"
}
refuse 'a name that is none' unknown-name "did you mean 'bob'" -f "$DEF" --as bobb --key private.key
refuse 'a disabled peer' peer-disabled 'enable-peer --name erin' -f "$DEF" --as erin --key private.key
refuse 'a peer that has an invite' peer-invited 'public_key' -f "$DEF" --as dave --key private.key
refuse "another peer's key" key-mismatch "it is that of 'bob'" -f "$DEF" --as alice --key private.key
on bob sh -c 'umask 077; wg genkey >other.key; head -c 43 private.key >short.key; { head -c 42 private.key; echo 1=; } >loose.key'
on bob sh -c 'umask 022; cat private.key >open.key; chmod 644 open.key'
refuse 'an unknown key' key-mismatch 'the newest definition' -f "$DEF" --as bob --key other.key
refuse 'half a key' bad-key 'wg genkey' -f "$DEF" --as bob --key short.key
refuse 'bits after the key' bad-key 'wg genkey' -f "$DEF" --as bob --key loose.key
refuse 'a key that other users can read' file-permissions 'chmod 600' -f "$DEF" --as bob --key open.key
refuse 'no key' file-error 'check the path' -f "$DEF" --as bob --key none.key
refuse 'no definition' file-error 'name that folder or the file' -f "$WORK/none.yaml" --as bob --key private.key
definition 'tests: [{from: bob, can_reach: carol}]'
refuse 'a test that fails' test-failed carol -f "$DEF" --as bob --key private.key
definition
run on bob innernet apply -f "$DEF" --key private.key
like "$status $err" '^1 innernet: apply: --file needs --as PEER' 'without a name'
run on bob innernet apply -f "$DEF" --as bob
like "$status $err" '^1 innernet: apply: --file needs --key FILE' 'without a key'
run on bob innernet apply home --as bob
like "$status $err" '^1 innernet: apply: --as needs --file' 'an option that goes with --file'
run on bob innernet apply
like "$status $err" '^1 innernet: apply: something is missing' 'without anything'

on carol sh -c 'mkdir -m 700 -p /etc/innernet && : >/etc/innernet/home.yaml'
run on carol innernet apply -f "$DEF" --as carol --key private.key --yes
is "$status $err" "1 error[interface-served]: a server keeps 'home': this machine joined it (/etc/innernet/home.yaml)
  help: \`innernet apply home\` takes what the server published; \`innernet uninstall home\` leaves it" 'not where a server keeps it'
on carol rm /etc/innernet/home.yaml
on carol sh -c 'mkdir -p /etc/innernet-reconcile && : >/etc/innernet-reconcile/home.yaml'
run on carol innernet plan -f "$DEF" --as carol
like "$status $err" "^1 error\[interface-served\]: this machine is the server of 'home'" 'nor on the server itself'
on carol rm /etc/innernet-reconcile/home.yaml

# ---- looked at --------------------------------------------------------------------------------------------------------
apply bob
run on bob innernet
is "$status $err" '0 ' 'show lists it without a name'
is "$(sed -E 's/port [0-9]+/port N/; s/, handshake.*/, .../' <<<"$out")" \
	"home: bob 10.9.1.2, fd09:0:0:1::2, from a definition; the interface is up, port N
  home 10.9.0.0/16, fd09::/48
    humans 10.9.1.0/24, fd09:0:0:1::/64
      alice 10.9.1.1, fd09:0:0:1::1  connected, 192.0.2.1:51900, ...
      bob 10.9.1.2, fd09:0:0:1::2  this machine" 'with the peers by name, as it was applied'
run on bob innernet show home --json
is "$(jq -c '.networks[0] | [.network, .name, .from_definition, .epoch, (.peers | map(.state))]' <<<"$out")" \
	'["home","bob",true,null,["connected","this machine"]]' 'as JSON'
run on bob innernet list-cidrs home
like "$out" '^humans ' 'list-cidrs knows it'
run on bob innernet list-associations home
is "$status $err" '0 ' 'and list-associations'
run on bob innernet status
is "$status $(sed -E 's/port [0-9]+/port N/' <<<"$out")" "0 home: bob 10.9.1.2
  ok    interface   up, UDP port N, as the definition has it
  note  definition  applied by hand: no process follows it, or repairs what it made
  ok    names       2 in /etc/hosts
  ok    peers       1 of 1 connected
All checks pass." 'status says what can be said'
on bob wg set home peer "${KEY[alice]}" remove
run on bob innernet status home
is "$status $(grep -A 1 FAIL <<<"$out")" "1   FAIL  interface   home is not as the definition has it: 1 operation to go
                    -> look at them: innernet plan --file FILE --as bob --key FILE" 'a change since, too'
apply bob
run on bob innernet doctor
like "$status $out" '^0 home: what it needs of this machine' 'doctor looks after it'
unlike "$out" ' (clock|config|daemon) ' 'without what only a server needs'
apply carol --listen-port 52000
run on carol innernet show home --short
is "$status $(tail -n 1 <<<"$out")" '0   carol 10.9.2.3, fd09:0:0:2::3  this machine' 'a change is seen, too'
apply alice --no-write-hosts
run on alice innernet status home
like "$out" '^  note  names       none are written' 'names that are not written are not missed'
for command in 'up home' 'fetch home' 'apply home --yes' 'set-listen-port home -u'; do
	# shellcheck disable=SC2086 # words
	run on bob innernet $command
	is "$status $err" "1 error[no-network]: 'home' was made from a definition on this machine, by \`innernet apply --file\`
  help: \`innernet apply --file FILE --as PEER --key FILE\` applies one again" "$command: it is kept by hand"
done
# A definition that says something else, and nothing else on the interface.
sed -i 's/humans:/people:/' "$DEF/network.yaml"
apply bob
is "$out" 'No changes. Interface home is as the network defines it.' 'what changes nothing on the interface'
like "$(on bob innernet show home)" '^    people 10\.9\.1\.0/24' 'is known all the same'
definition
on bob sh -c 'echo >>/var/lib/innernet/home/view'
run on bob innernet show home
like "$status $err" "^1 error\[no-network\]: 'home' was made from a definition" 'what was kept and is not what it was is nothing'
apply bob
run on bob innernet show home
is "$status $err" '0 ' 'until it is applied again'

# ---- forwarding ------------------------------------------------------------------------------------------------------
# Only a server, or a peer in its CIDR, forwards.
sed -i '/^  bob:/d; s/alice: {/alice: { server: true,/' "$DEF/network.yaml"
cat >>"$DEF/network.yaml" <<END
  bob:   { ip: [10.9.1.2, "fd09:0:0:1::2"], public_key: "${KEY[bob]}", via: alice }
END
on alice sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
apply alice --no-write-hosts
run on alice innernet doctor home
is "$status $(grep -A 1 'FAIL  forwarding' <<<"$out")" "1   FAIL  forwarding  the kernel forwards no IPv4: no peer reaches bob through here
                    -> sysctl -w net.ipv4.ip_forward=1; in a file of /etc/sysctl.d it stays so
  FAIL  forwarding  the kernel forwards no IPv6: no peer reaches bob through here
                    -> sysctl -w net.ipv6.conf.all.forwarding=1; in a file of /etc/sysctl.d it stays so" \
	'doctor says what the forwarding peer lacks'
run on alice innernet status home --json
is "$status $(jq -c '[.networks[0].checks[] | select(.check == "forwarding") | .level]' <<<"$out")" '1 ["fail","fail"]' 'and status'
on alice sysctl -q -w net.ipv4.ip_forward=1
on alice sysctl -q -w net.ipv6.conf.all.forwarding=1
run on alice innernet doctor home
is "$status $(grep forwarding <<<"$out")" "0   ok    forwarding  of IPv4, for bob
  ok    forwarding  of IPv6, for bob" 'and that all is well'
on alice sysctl -q -w net.ipv4.conf.home.forwarding=0
run on alice innernet status home
like "$status $(tr '\n' ' ' <<<"$out")" '^1 .*forwards no IPv4: .* -> sysctl -w net\.ipv4\.conf\.home\.forwarding=1;' 'an interface of its own mind'
run on bob innernet doctor home
unlike "$out" forwarding 'a peer that forwards for no other peer is not checked'
definition

# ---- and away -------------------------------------------------------------------------------------------------------
is "$(on bob innernet down home)" 'home: down; its files stay' 'down'
nok 'the interface is gone' on bob ip link show dev home
ok 'the names stay' on bob grep -q home.wg /etc/hosts
apply bob
ok 'and up again' ping_works bob 10.9.1.1 10
is "$(on bob innernet uninstall home --yes 2>"$WORK/err")" \
	'home: the network is removed from this machine; the definition and the key file of `apply` stay' 'uninstall'
unlike "$(cat "$WORK/err")" 'private|snapshot|invitation' 'does not speak of what it does not have'
nok 'the interface is gone' on bob ip link show dev home
nok 'the names too' on bob grep -q home /etc/hosts
nok 'and what was kept' on bob test -e /var/lib/innernet/home
run on bob innernet down home
like "$status $err" "^1 error\[no-network\]: this machine is not in a network called 'home'" 'then it is nothing of ours'
on bob sh -c 'wireguard-go home >/dev/null 2>&1 && wg set home private-key other.key'
run on bob innernet apply -f "$DEF" --as bob --key private.key --yes
like "$status $err" "^1 error\[interface-exists\]: there is a WireGuard interface 'home' already, which is not ours" \
	"another program's interface of that name is left alone"
on bob ip link del home
done_testing
