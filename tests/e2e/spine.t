#!/usr/bin/env bash
# From `git push` to a converged interface, on real WireGuard: what people see with wg, ip and ping.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.11
host_new bob 192.0.2.12
host_new build1 192.0.2.13
peers='alice bob build1'

admin() { on hub env -C "$WORK/hub/network" "$@"; }
push() { # MESSAGE: what network.yaml says now
	admin git commit -q -a -m "$1" && admin git push -q
}
key_of() { on "$1" wg show corp public-key; }
has_peer() { on "$1" wg show corp peers | grep -qxF -e "$(key_of "$2")"; } # HOST NAME
# A device as its user sees it: peers and allowed IPs, without what changes by itself.
device_of() { on "$1" sh -c 'wg show corp allowed-ips | sort; ip -o address show dev corp scope global | sed "s/.*inet/inet/;s/ scope.*//"; ip route show dev corp'; }
server_says() { wait_log hub server "$1" "${2:-20}"; }
log_mark() { wc -l <"$(log_of hub server)"; }
since() { tail -n "+$(($1 + 1))" "$(log_of hub server)"; } # MARK
says_since() { since "$1" | grep -qE -e "$2"; }             # MARK REGEX

# ---- a server, a definition, three peers

ok 'innernet-reconcile init' on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 \
	--external-endpoint 192.0.2.1:51820 --listen-port 51820 --server-name hub || done_testing
nok 'a second init does not replace the first' on hub innernet-reconcile init --network-name corp \
	--network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.1:51820 --server-name hub
is "$(on hub stat -c %a /etc/innernet-reconcile/corp.yaml)" 600 "the server's file is its owner's alone"
spawn hub server innernet-reconcile --watch corp
ok 'the first revision is published' server_says published

on hub git config --global user.name Ada
on hub git config --global user.email ada@example.com
ok 'a clone' on hub git clone -q /var/lib/innernet-reconcile/corp/network.git network
admin awk '{ print } /^cidrs:/ { print "  humans: 10.60.64.0/24\n  ci-servers: 10.60.65.0/24" }' network.yaml >"$WORK/new.yaml"
cat "$WORK/new.yaml" >"$WORK/hub/network/network.yaml"
ok 'the definition is valid' admin innernet validate
ok 'two CIDRs are pushed' push 'two CIDRs'
for who in alice:humans bob:humans build1:ci-servers; do
	ok "add-peer ${who%:*}" admin innernet add-peer --name "${who%:*}" --auto-ip --cidr "${who#*:}" \
		--save-config "$WORK/${who%:*}.yaml" --commit --push --yes
done
is "$(stat -c %a "$WORK/alice.yaml")" 600 "an invitation is its owner's alone"
for h in $peers; do
	ok "$h installs" on "$h" innernet install "$WORK/$h.yaml"
	spawn "$h" daemon innernet up corp --daemon
done
for h in $peers; do
	ok "$h reaches the server" wait_for 20 ping_works "$h" 10.60.0.1 1
done
[ "$tests_failed" = 0 ] || done_testing # nothing below can be had without it
nok 'an invitation is redeemed once' on bob innernet install "$WORK/alice.yaml"

# Until the server is away: alice's daemon is to find it by a host name.
on alice sh -c 'echo "192.0.2.1 hub.example.com" >>/etc/hosts'
ok 'alice finds the server by a host name' on alice innernet override-peer-endpoint corp --name hub -e hub.example.com:51820

# ---- which peers reach each other

alice=$(on alice ip -4 -o address show dev corp | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p')
bob=$(on bob ip -4 -o address show dev corp | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p')
build1=$(on build1 ip -4 -o address show dev corp | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p')
like "$alice $bob $build1" '^10\.60\.64\.[0-9]+ 10\.60\.64\.[0-9]+ 10\.60\.65\.[0-9]+$' 'each has an address of its CIDR'
ok 'people of one CIDR reach each other' wait_for 20 ping_works alice "$bob" 1
ok 'but not another CIDR' ping_fails alice "$build1"
ok 'neither the other way' ping_fails build1 "$alice"
like "$(on hub wg show corp allowed-ips)" "^$(key_of alice | sed 's/[+/]/\\&/g')[[:space:]]+$alice/32\$" \
	'the server has her own key on her address'
is "$(on build1 wg show corp peers)" "$(key_of hub)" 'a build machine knows the server alone'

# ---- one push

handshake() { on alice wg show corp latest-handshakes | awk -v k="$(key_of bob)" '$1 == k { print $2 }'; }
before=$(handshake)
mark=$(log_mark)
printf '\nassociations:\n  - [humans, ci-servers]\n' >>"$WORK/hub/network/network.yaml"
ok 'an association is pushed' push 'people may use the build machines'
ok 'the server says when all have converged' wait_for 20 says_since "$mark" 'converged: version [0-9.]+, 3 of 3 peers, [0-9]+ ms after the push'
diag "$(since "$mark" | grep -o 'converged: .*')"
ok 'the interface has the new peer by then' has_peer alice build1
ok 'and the ping goes through' wait_for 10 ping_works alice "$build1" 2
ok 'from the other CIDR as well' wait_for 10 ping_works build1 "$bob" 2
is "$(handshake)" "$before" 'a session that the change does not concern is not touched'
ok 'plan: no changes' on alice innernet plan corp
like "$(on alice innernet plan corp)" '^No changes\.' 'and says so'

# ---- an invalid revision changes nothing

good=$(for h in hub $peers; do device_of "$h"; done)
mark=$(log_mark)
admin cp network.yaml ../good.yaml
printf '  nobody: { ip: 10.99.0.1 }\n' >>"$WORK/hub/network/network.yaml"
admin git commit -q -a -m broken
nok 'a push of it is refused' admin git push -q
# The hook is not all that stands between: the same, past it.
on hub git -C /var/lib/innernet-reconcile/corp/network.git fetch -q "$WORK/hub/network" HEAD:main
bad=$(admin git rev-parse HEAD)
ok 'the server says what is wrong, and where' wait_for 20 says_since "$mark" 'network\.yaml:[0-9]+'
is "$(for h in hub $peers; do device_of "$h"; done)" "$good" 'every interface is as it was'
diag "$(since "$mark")"
like "$(on hub innernet-reconcile status corp)" "${bad:0:12}" 'the status names the commit'
nok 'and says by its exit code that not all is well' on hub innernet-reconcile status corp
admin cp ../good.yaml network.yaml
mark=$(log_mark)
push 'mended'
ok 'a mended one is taken' wait_for 20 says_since "$mark" 'unchanged: '
ok 'and the status is well' on hub innernet-reconcile status corp

# ---- another program edits an interface

on alice wg set corp peer "$(key_of build1)" remove
ok 'a peer that was removed by hand is back' wait_for 10 has_peer alice build1
on bob ip link delete corp
ok 'an interface that was deleted by hand is back' wait_for 10 ping_works bob "$alice" 1

# ---- the server is away

kept() { on alice grep -qE -e "$1" /var/lib/innernet/corp/hints; } # REGEX
ok 'its address is kept' wait_for 30 kept '^resolved hub\.example\.com:51820 192\.0\.2\.1:51820$'
stop hub server
host_unplug hub
ok 'alice still reaches bob' wait_for 10 ping_works alice "$bob" 1
before=$(device_of alice)
stop alice daemon
on alice innernet down corp >/dev/null
nok 'down removes the interface' on alice ip link show corp
on alice sed -i '/hub\.example\.com/d' /etc/hosts
spawn alice daemon innernet up corp --daemon
ok 'a peer that starts without the server has its network' wait_for 10 has_peer alice bob
is "$(device_of alice)" "$before" 'the same as before'
ok 'and reaches the peers that it has seen, with neither a server nor DNS' wait_for 20 ping_works alice "$bob" 1
is "$(on alice stat -c %a /var/lib/innernet/corp/hints)" 600 'what it remembers is its own'
like "$(on alice wg show corp endpoints)" "^$(key_of hub | sed 's/[+/]/\\&/g')[[:space:]]+192\.0\.2\.1:51820\$" \
	'the name that does not resolve has its last address'
host_plug hub
ok 'the server answers there, no reconciler running' wait_for 20 ping_works alice 10.60.0.1 1
spawn hub server innernet-reconcile --watch corp

# ---- a disabled peer is gone everywhere

gone=$(key_of bob)
admin awk '{ print } /^  bob:/ { print "    disabled: true" }' network.yaml >"$WORK/new.yaml"
cat "$WORK/new.yaml" >"$WORK/hub/network/network.yaml"
ok 'bob is disabled' push 'bob has left'
for h in hub alice build1; do
	no_peer() { ! on "$1" wg show corp peers | grep -qxF -e "$gone"; }
	ok "$h no longer has him" wait_for 20 no_peer "$h"
done
ok 'and his pings end' wait_for 10 ping_fails bob "$alice"

for h in $peers; do ok "$h's daemon ends when told" stop "$h" daemon; done
ok "the server ends when told" stop hub server
done_testing
