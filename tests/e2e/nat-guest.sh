# shellcheck shell=bash
# What nat-kernel.t does in its guest: two peers behind two NATs, their server, and one that is off. They joined before, on
# the machine that this guest runs on: STATE has the files of each.
. "$(dirname "$0")/lib.sh"

need_nat
host_new hub 192.0.2.1
host_new_router nata 192.0.2.10 192.168.1.1
host_new_router natb 192.0.2.20 192.168.1.1
host_new_behind alice nata 192.168.1.2
host_new_behind bob natb 192.168.1.7
: "${STATE:?}"
declare -A key=() ip=()
for who in hub alice bob carol; do
	read -r "key[$who]" "ip[$who]" <"$STATE/$who.who"
	[ "$who" = carol ] || on "$who" cp -a "$STATE/$who/." /
done

endpoint() { on "$1" wg show knet endpoints | grep -F "${key[$2]}" | cut -f 2; }          # HOST PEER
port() { on "$1" wg show knet listen-port; }                                               # HOST
handshake() { on "$1" wg show knet latest-handshakes | grep -F "${key[$2]}" | cut -f 2; } # HOST PEER
reaches() { ping_works "$1" "${ip[$2]}" "${3:-5}"; }                                       # HOST PEER [SECONDS]
met() { [ "$(handshake "$1" "$2")" -gt 0 ]; }                                              # HOST PEER

spawn hub server innernet-reconcile --watch knet
spawn alice up innernet up --daemon knet
spawn bob up innernet up --daemon knet

met_both() { met alice bob && met bob alice; }
ok 'two behind two NATs have met, unasked' wait_for 90 met_both
ok 'one reaches the other' reaches alice bob
ok 'and is reached' reaches bob alice
is "$(endpoint alice bob)" "192.0.2.20:$(port bob)" 'at the outside of his NAT'
is "$(endpoint bob alice)" "192.0.2.10:$(port alice)" 'and of hers'

# Carol is looked for at two addresses, one after the other, all this time.
on bob sh -c "ping -n -i 0.1 -w 8 ${ip[alice]} >ping 2>&1" &
pings=$!
tried() { on nata conntrack -L -p udp 2>/dev/null | grep -qF " dst=$1 "; } # ADDRESS
tried_both() { tried 192.0.2.77 && tried 192.0.2.78; }
ok 'an address without an answer is left for the next one' wait_for 20 tried_both
wait $pings
like "$(tail -n 3 "$WORK/bob/ping")" ' 0% packet loss' 'no packet of a live session is lost for that'
is "$(endpoint alice bob)" "192.0.2.20:$(port bob)" 'which stays where it was'
is "$(endpoint bob alice)" "192.0.2.10:$(port alice)" 'on both sides'
is "$(on alice wg show knet persistent-keepalive | grep -F "${key[bob]}" | cut -f 2)" 25 'traffic keeps its NAT open'
diag "$(cut -d ' ' -f 1 /proc/uptime) s in the guest"
done_testing
