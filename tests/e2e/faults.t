#!/usr/bin/env bash
# What can be killed is killed: wireguard-go, the link, a route, the daemon, the server, the disk, the repository. What
# counts is the interface and the pings, not the log.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.11
host_new bob 192.0.2.12
DATA=/var/lib/innernet-reconcile/fnet

admin() { on hub env -C "$WORK/hub/network" "$@"; }
push() { admin git commit -q -a -m "$1" && admin git push -q 2>&1; } # MESSAGE
key_of() { on "$1" wg show fnet public-key; }
has_peer() { on "$1" wg show fnet allowed-ips 2>/dev/null | grep -qE -e "[[:space:]]$2(/|$)"; } # HOST ADDRESS
# An interface as its user sees it, without what changes by itself.
device_of() { on "$1" sh -c 'wg show fnet allowed-ips | sort; ip -o address show dev fnet scope global | sed "s/.*inet/inet/;s/ scope.*//"; ip route show dev fnet | sort'; }
as_before() { [ "$(device_of "$1")" = "$2" ]; } # HOST DEVICE
status_has() { on hub innernet-reconcile status fnet | grep -qE -e "$1"; }
start() { spawn "$1" daemon innernet up fnet --daemon; } # HOST
serve() { spawn hub server innernet-reconcile --watch fnet; }
add_cidr() { admin innernet add-cidr --name "$1" --cidr "$2" --yes >/dev/null && push "$1"; } # NAME PREFIX

on hub innernet-reconcile init --network-name fnet --network-cidr 10.64.0.0/16 --external-endpoint 192.0.2.1:51820 \
	--server-name hub >/dev/null
serve
on hub git config --global user.name Ada
on hub git config --global user.email ada@example.com
wait_log hub server 'published: version'
on hub git clone -q $DATA/network.git network
add_cidr humans 10.64.64.0/24
for h in alice bob; do
	admin innernet add-peer --name $h --auto-ip --cidr humans --save-config "$WORK/$h.yaml" --commit --push --yes >/dev/null 2>&1
	ok "$h installs" on $h innernet install "$WORK/$h.yaml"
	start $h
done
BOB=10.64.64.2 HUB=10.64.0.1
ok 'alice reaches bob' wait_for 20 ping_works alice $BOB 1
[ "$tests_failed" = 0 ] || done_testing # nothing below can be had without it
alice=$(device_of alice)
hub=$(device_of hub)

# ---- userspace WireGuard dies ---------------------------------------------------------------------------------------

gone() { not on "$1" pgrep -x wireguard-go; } # HOST
kill_wireguard() {                           # HOST: the one that runs, not the one that comes after it
	local pid
	pid=$(on "$1" pgrep -x wireguard-go) && on "$1" kill -KILL "$pid"
}
if on alice pgrep -x wireguard-go >/dev/null; then
	ok "a peer's wireguard-go is killed" kill_wireguard alice
	ok 'its interface is back within 5 s, as it was' wait_for 5 as_before alice "$alice"
	ok 'and reaches the server' wait_for 10 ping_works alice $HUB 1
	ok 'and the other peer' wait_for 10 ping_works alice $BOB 1
	ok "the server's is killed" kill_wireguard hub
	ok 'its interface is back within 5 s, as it was' wait_for 5 as_before hub "$hub"
	ok 'peers reach it' wait_for 20 ping_works alice $HUB 1
	ok 'and it listens there' wait_for 10 status_has 'Ready +True'
	ok 'a push reaches them' add_cidr after-wireguard 10.64.1.0/24
	ok 'all of them' wait_for 40 status_has '^peers: 2/2 '
fi

# ---- the link, its routes and its addresses -------------------------------------------------------------------------

on alice ip route flush dev fnet
ok 'routes that went are back within 5 s' wait_for 5 as_before alice "$alice"
on alice ip address flush dev fnet
ok 'so are addresses' wait_for 5 as_before alice "$alice"
on alice ip link set fnet down
ok 'and a link that was set down' wait_for 5 as_before alice "$alice"
ok 'the network runs' wait_for 10 ping_works alice $BOB 1

# ---- the programs die -----------------------------------------------------------------------------------------------

spawn alice pings ping -n -q -i 0.1 -W 1 $BOB
ok 'it is ready' on hub innernet-reconcile status fnet
ok "the server is killed" stop hub server KILL
like "$(on hub innernet-reconcile status fnet)" '^  Ready      False    NotRunning .*: all else is as a server wrote it down last$' \
	'which the status says, whatever was so before'
nok 'by its exit code too' on hub innernet-reconcile status fnet
is "$(on hub innernet-reconcile status fnet --json | jq -c '[.conditions[] | select(.type == "Ready") | .status, .reason]')" \
	'["False","NotRunning"]' 'and as JSON'
ok "a peer's daemon is killed" stop bob daemon KILL
is "$(device_of alice)" "$alice" 'interfaces stay as they are'
is "$(device_of hub)" "$hub" "the server's too"
ok 'peers reach each other' ping_works alice $BOB
start bob
serve
ok 'the server serves again' wait_for 20 status_has 'Ready +True'
ok 'a push reaches both' add_cidr after-kill 10.64.2.0/24
ok 'all of them, too' wait_for 40 status_has '^peers: 2/2 '
stop alice pings INT
is "$(sed -n 's/.* \([0-9.]*%\) packet loss.*/\1/p' "$(log_of alice pings)")" 0% 'no ping between the peers was lost meanwhile'

# ---- the disk is full -----------------------------------------------------------------------------------------------

fill() { on "$1" sh -c "mount -t tmpfs -o size=256k,mode=0755 tmpfs $2.full && cp -a $2/. $2.full/ && mount --move $2.full $2 && ! cat /dev/zero >$2/filler 2>/dev/null"; } # HOST FOLDER
small() { on "$1" mkdir "$2.full" && fill "$1" "$2"; }
version_of() { on "$1" innernet show fnet --json | jq -r '.networks[0].version // empty | tostring'; }

ok "the peer's disk is full" small alice /var/lib/innernet/fnet
was=$(on alice sha256sum /var/lib/innernet/fnet/snapshot)
admin innernet add-peer --name carol --ip 10.64.64.3 --public-key "$(wg genkey | wg pubkey)" --commit --push --yes >/dev/null 2>&1
ok 'a revision that names another peer is published' wait_for 10 has_peer hub 10.64.64.3
ok 'another peer has it' wait_for 10 has_peer bob 10.64.64.3
ok 'the peer says that it cannot write' wait_log alice daemon '\[file-error\]|No space left'
nok 'and applies nothing that is not on its disk' has_peer alice 10.64.64.3
is "$(on alice sha256sum /var/lib/innernet/fnet/snapshot)" "$was" 'its last good snapshot stays'
ok 'its network runs on' ping_works alice $BOB
on alice rm /var/lib/innernet/fnet/filler
ok 'with room it converges by itself' wait_for 40 has_peer alice 10.64.64.3

ok "the server's disk is full" small hub $DATA/published
ok 'a push is taken by git' add_cidr no-room 10.64.3.0/24
ok 'what cannot be written is not published, and the status says so' wait_for 10 status_has 'Published +False'
ok 'the network runs on' ping_works alice $HUB
on hub rm $DATA/published/filler
ok 'with room it is published by itself' wait_for 20 status_has "Published +True .*$(admin git rev-parse HEAD | cut -c 1-12)"

# ---- the repository is damaged --------------------------------------------------------------------------------------

admin git checkout -q -b next
add_cidr_at() { admin innernet add-cidr --name "$1" --cidr "$2" --yes >/dev/null && admin git commit -q -a -m "$1"; }
add_cidr_at broken 10.64.4.0/24
next=$(admin git rev-parse HEAD)
blob=$(admin git rev-parse HEAD:network.yaml)
# The objects come without a ref; then one is damaged, and the branch moves there.
on hub git -C $DATA/network.git fetch -q "$WORK/hub/network" next
damaged=$DATA/network.git/objects/${blob:0:2}/${blob:2}
on hub sh -c "cp $damaged good && chmod u+w $damaged && printf broken >$damaged"
on hub sh -c "echo $next >$DATA/network.git/refs/heads/main.new && mv $DATA/network.git/refs/heads/main.new $DATA/network.git/refs/heads/main"
ok 'a damaged object is said, with its commit' wait_log hub server "${next:0:12}"
ok 'the network runs on with that' ping_works alice $HUB
on hub cp good "$damaged"
ok 'mended, it is published by itself' wait_for 20 status_has "Published +True .*${next:0:12}"
ok 'and peers that are here have it' wait_for 40 status_has '^peers: 2/3 '

unlike "$(cat "$(log_of hub server)" "$(log_of alice daemon)" "$(log_of bob daemon)")" 'Sanitizer|runtime error' \
	'without a complaint of a sanitizer'
done_testing
