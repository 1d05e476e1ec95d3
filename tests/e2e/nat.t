#!/usr/bin/env bash
# Peers behind NATs find each other: two behind two of them, one behind none, two on one LAN. Peers whose NATs leave no
# way are told so. Nothing of this disturbs a session that is up.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

need_nat
host_new hub 192.0.2.1
host_new_router nata 192.0.2.10 192.168.1.1
host_new_router natb 192.0.2.20 192.168.1.1 # the same addresses inside, as at so many homes
host_new_router natd 192.0.2.40 192.168.4.1 fully-random
host_new_router nate 192.0.2.50 192.168.5.1 fully-random
host_new_behind alice nata 192.168.1.2
host_new_behind ann nata 192.168.1.3
host_new_behind bob natb 192.168.1.7
host_new_behind dave natd 192.168.4.2
host_new_behind erin nate 192.168.5.2
host_new carol 192.0.2.30
finders='alice ann bob carol'
all_peers="$finders dave erin"

declare -A key=() ip=()
endpoint() { on "$1" wg show nnet endpoints | grep -F "${key[$2]}" | cut -f 2; }           # HOST PEER
port() { on "$1" wg show nnet listen-port; }                                                # HOST
handshake() { on "$1" wg show nnet latest-handshakes | grep -F "${key[$2]}" | cut -f 2; } # HOST PEER
has_session() { [ "$(handshake "$1" "$2")" != 0 ]; }                                        # HOST PEER
reaches() { ping_works "$1" "${ip[$2]}" "${3:-5}"; }                                        # HOST PEER [SECONDS]
status_of() { on "$1" innernet status nnet | grep -A 1 -E "^  [a-z?FAIL]+ +$2 "; }          # HOST PEER
says() { status_of "$1" "$2" | grep -qE -e "$3"; }                                          # HOST PEER REGEX

site_new nnet 10.64.0.0/16
site_humans 10.64.64.0/24
for who in $all_peers; do site_invite "$who"; done
site_push
for who in $all_peers; do
	spawn "$who" install innernet install "$WORK/$who.yaml"
done
for who in $all_peers; do
	wait_log "$who" install 'To follow changes' || bail "$(cat "$(log_of "$who" install)")"
	key[$who]=$(on "$who" wg show nnet public-key)
	ip[$who]=$(on "$who" ip -4 -o address show dev nnet | sed 's/.*inet \([0-9.]*\).*/\1/')
	spawn "$who" up innernet up --daemon nnet
done

# ---- which peers find each other -------------------------------------------------------------------------------------------------

all_meet() {
	local a b
	for a in $finders; do for b in $finders; do
		[ "$a" = "$b" ] || has_session "$a" "$b" || return 1
	done; done
}
ok 'all whose NATs keep their ports have met, unasked' wait_for 25 all_meet
unlike "$(on alice innernet show nnet)" ' bob .*connected.*no answer' 'a connected peer is not said to give no answer'
for a in $finders; do
	for b in $finders; do
		[ "$a" = "$b" ] || ok "$a reaches $b" reaches "$a" "$b"
	done
done
is "$(endpoint alice ann)" "192.168.1.3:$(port ann)" 'two on one LAN: at its local address'
is "$(endpoint ann alice)" "192.168.1.2:$(port alice)" 'from both sides'
is "$(endpoint alice bob)" "192.0.2.20:$(port bob)" 'through two NATs: at the outside of the other'
is "$(endpoint bob alice)" "192.0.2.10:$(port alice)" 'from both sides'
is "$(endpoint alice carol)" "192.0.2.30:$(port carol)" 'without a NAT: at its own'
for who in dave erin; do
	ok "a NAT with other ports for everyone: $who reaches a peer without a NAT" reaches $who carol 10
	ok "and is reached" reaches carol "$who"
	isnt "$(endpoint carol $who)" "$(on hub wg show nnet endpoints | grep -F "${key[$who]}" | cut -f 2)" \
		'at a port that no server has seen'
done
ok 'between two of those there is no way' ping_fails dave "${ip[erin]}"
ok 'and it is said, once servers have seen both' wait_for 20 says dave erin '^  warn  erin +no answer .*any of its [0-9] addresses.*; both sit behind NATs; these change port numbers, so there may be no direct way$'
like "$(status_of dave erin)" '-> forward a UDP port to one of them' 'with what to do'
ok 'on both sides' wait_for 20 says erin dave '^  warn  dave .*both sit behind NATs'
like "$(on dave innernet show nnet)" ' erin .*no handshake yet.*no answer .*any of its [0-9] addresses' 'show says it too'
is "$(on dave innernet show nnet --json | jq -r '.networks[0].peers[] | select(.name == "erin") | .search.trying')" true \
	'as JSON'
ok 'nor to a peer behind another NAT' says dave alice "this machine's changes port numbers"

# ---- what is up stays up --------------------------------------------------------------------------------------------

# Dave is looked for at one address after another all this time.
on bob sh -c "ping -n -i 0.05 -w 6 ${ip[alice]} >ping 2>&1" &
pings=$!
place=$(endpoint bob dave)
elsewhere() { [ "$(endpoint bob dave)" != "$place" ]; }
ok 'other peers are looked for elsewhere meanwhile' wait_for 10 elsewhere
wait $pings
like "$(tail -n 3 "$WORK/bob/ping")" ' 0% packet loss' 'no packet of a live session is lost for that'
is "$(endpoint bob alice)" "192.0.2.10:$(port alice)" 'which stays where it was'
is "$(on alice wg show nnet persistent-keepalive | grep -F "${key[bob]}" | cut -f 2)" 25 'traffic keeps its NAT open'
is "$(on carol wg show nnet persistent-keepalive | grep -F "${key[alice]}" | cut -f 2)" 25 'on the other side as well'

# ---- a router that is switched off and on ---------------------------------------------------------------------------

nat_forget nata
nat_forget natb
either_way() { reaches alice bob 1 || reaches bob alice 1; }
ok 'NATs that forget: a packet from each side opens them again' wait_for 10 either_way
ok 'in both directions' reaches alice bob
nat_rules nata 'masquerade to :20000-29999'
nat_forget nata
ok 'one that comes back with other ports' wait_for 10 reaches alice carol 1
like "$(endpoint carol alice)" '^192.0.2.10:2[0-9]{4}$' 'the other side follows'
ok 'and reaches her' reaches carol alice
nat_rules nata masquerade
nat_forget nata
ok 'and it has the old ones again' wait_for 10 either_way

# Both at once: neither hears the other any more. Only alice sends; a knock tells him.
one_port() { nat_rules "$1" "ip saddr $2 masquerade to :$3"; } # ROUTER HOST-ADDRESS PORT
wait_for 10 reaches alice bob 1
one_port nata 192.168.1.2 21001
one_port natb 192.168.1.7 21002
nat_forget nata
nat_forget natb
began=$SECONDS
on alice sh -c "ping -n -i 0.5 -w 90 ${ip[bob]} >/dev/null 2>&1" &
pings=$!
ok 'two that come back with other ports: they are found there, before the session is over' wait_for 75 reaches alice bob 1
diag "after $((SECONDS - began)) s"
is "$(endpoint alice bob)" 192.0.2.20:21002 'she has him there'
is "$(endpoint bob alice)" 192.0.2.10:21001 'and he her'
ok 'and reaches her' reaches bob alice
kill $pings

# ---- without a server -----------------------------------------------------------------------------------------------

stop hub server KILL
on hub ip link del nnet
ok 'with the server gone, peers that have met stay connected: two NATs' reaches bob alice
ok 'one LAN' reaches ann alice
ok 'none' reaches carol dave
done_testing
