#!/usr/bin/env bash
# Where peers are many, no peer is looked for unasked: traffic does it, and a knock through a server has the other side
# open its NAT as well. No more than 64 are looked for at a time. Host names are asked for again when they are needed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

need_nat
host_new hub 192.0.2.1
host_new_router nata 192.0.2.10 192.168.1.1
host_new_router natb 192.0.2.20 192.168.2.1
host_new_behind alice nata 192.168.1.2
host_new_behind bob natb 192.168.2.2
host_new carol 192.0.2.30
joined='alice bob carol'

declare -A key=() ip=()
of() { on "$1" wg show mnet "$2" | grep -F "${key[$3]}" | cut -f 2-; } # HOST WHAT PEER
kept_alive() { on alice wg show mnet persistent-keepalive | grep -c -v 'off$'; }
reaches() { ping_works "$1" "${ip[$2]}" "${3:-5}"; } # HOST PEER [SECONDS]

site_new mnet 10.65.0.0/16
site_humans 10.65.64.0/24
for who in $joined; do site_invite "$who"; done
admin innernet set-endpoint --name carol --endpoint carol.example:51821 --yes >/dev/null
# Machines that are off: 70 of them.
for n in $(seq 100 169); do
	printf '  off-%s: { ip: 10.65.64.%s, public_key: "%s", endpoint: "192.0.2.200:%s" }\n' "$n" "$n" \
		"$(wg genkey | wg pubkey)" "$n"
done >"$WORK/off"
admin sed -i -e "/^peers:/r $WORK/off" network.yaml
admin git commit -q -a -m peers
site_push
for host in alice bob; do on $host sh -c 'echo "192.0.2.99 carol.example" >>/etc/hosts'; done
on carol sh -c 'echo "192.0.2.30 carol.example" >>/etc/hosts'
for who in $joined; do
	spawn "$who" install innernet install "$WORK/$who.yaml"
done
for who in $joined; do
	wait_log "$who" install 'To follow changes' || bail "$(cat "$(log_of "$who" install)")"
	key[$who]=$(on "$who" wg show mnet public-key)
	ip[$who]=$(on "$who" ip -4 -o address show dev mnet | sed 's/.*inet \([0-9.]*\).*/\1/')
	[ "$who" != carol ] || on carol innernet set-listen-port mnet -l 51821 >/dev/null
	spawn "$who" up innernet up --daemon mnet
done

# ---- on demand ------------------------------------------------------------------------------------------------------

known() { [ -n "$(of alice endpoints bob)" ] && [ "$(of alice endpoints bob)" != '(none)' ]; }
ok 'alice knows where bob may be' wait_for 20 known
like "$(on alice innernet show mnet)" ' bob .*no handshake yet' 'no peer looks for him'
is "$(kept_alive)" 1 'nor for a peer but the hub'
is "$(on alice wg show mnet transfer | awk -v hub="$(on hub wg show mnet public-key)" '$1 != hub { n += $3 } END { print n + 0 }')" 0 \
	'nothing was sent to another peer'
ok 'when she sends him something, a knock opens his NAT too' wait_for 20 reaches alice bob 1
is "$(of alice endpoints bob)" "192.0.2.20:$(on bob wg show mnet listen-port)" 'two NATs, and no way but that'
ok 'both ways' reaches bob alice

# ---- host names -----------------------------------------------------------------------------------------------------

is "$(of alice endpoints carol)" '192.0.2.99:51821' 'an endpoint by host name is where the name says'
nok 'and carol does not answer' reaches alice carol 1
on alice sh -c 'sed "s/192.0.2.99/192.0.2.30/" /etc/hosts >/tmp/h; cat /tmp/h >/etc/hosts'
ok 'the name is asked for again while there is traffic in vain' wait_for 30 reaches alice carol 1
is "$(of alice endpoints carol)" '192.0.2.30:51821' 'and tells the new address'
is "$(of bob transfer carol)" $'0\t0' 'a peer with nothing to send does not ask'

# ---- as many as there may be ----------------------------------------------------------------------------------------

session=$(of alice latest-handshakes bob)
on alice sh -c 'for n in $(seq 100 169); do ping -n -q -c 1 -W 1 10.65.64.$n & done; wait' >/dev/null 2>&1
full() { [ "$(kept_alive)" -ge 64 ]; }
ok 'traffic to 70 machines that are off' wait_for 20 full
ok 'has no more than 64 of them looked for' test "$(on alice wg show mnet persistent-keepalive | grep -v 'off$' |
	grep -c -v -F -e "${key[bob]}" -e "${key[carol]}" -e "$(on hub wg show mnet public-key)")" -le 64
is "$(of alice latest-handshakes bob)" "$session" 'a session is not disturbed by it'
ok 'and carries on' reaches alice bob
stop alice up
is "$(kept_alive)" 3 'a daemon that stops leaves no search behind: keepalive stays where there is traffic'

# ---- without ---------------------------------------------------------------------------------------------------------

on alice ip link del mnet
wait_for 5 on alice sh -c '! test -e /run/wireguard/mnet.sock'
spawn alice without innernet up --daemon mnet --no-nat-traversal
ok 'without NAT traversal' wait_log alice without 'mnet: version'
nok 'no peer opens a NAT' reaches alice bob 6
is "$(of alice persistent-keepalive bob)" off 'nothing is looked for'
is "$(kept_alive)" 1 'only the hub is kept alive'
stop alice without

# By the machine's own file, in the middle of it.
spawn alice later innernet up --daemon mnet
ok 'with it again' wait_log alice later 'mnet: version'
on alice sh -c 'for n in $(seq 100 109); do ping -n -q -c 1 -W 1 10.65.64.$n & done; wait' >/dev/null 2>&1
looks() { [ "$(kept_alive)" -gt 10 ]; }
ok 'it looks for the peer that it sends to' wait_for 20 looks
on alice sed -i '$a nat:\n  traversal: no' /etc/innernet/mnet.yaml
rests() { [ "$(kept_alive)" = 1 ]; }
ok 'until its own file says no' wait_for 20 rests
forgot() { on alice jq -e '.tries == []' /var/lib/innernet/mnet/daemon; }
ok 'nor does it say that it does' wait_for 20 forgot
done_testing
