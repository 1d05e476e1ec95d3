# The cases of device-userspace.t and device-kernel.t: one list for both kinds of WireGuard. Sourced by sh, as root,
# in a network and mount namespace (or a machine) of its own, with
#
#   DRIVER   device_driver's path        KIND   userspace or kernel
#   WORK     an empty folder             n, failed   counters of tap.sh's kind, 0
#
# busybox's sh and awk are enough; ip and wg are the real ones.
# shellcheck shell=sh disable=SC2154

n=0
failed=0

ok() {
	n=$((n + 1))
	echo "ok $n - $1"
}

not_ok() {
	n=$((n + 1))
	failed=$((failed + 1))
	echo "not ok $n - $1"
}

# is NAME GOT WANTED: exact text.
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '%s\n' "--- got" "$2" "--- wanted" "$3" | sed 's/^/# /'
	fi
}

# `wg show dump` without what moves by itself: key port fwmark; then a line a peer: key psk endpoint allowed keepalive.
wg_dump() {
	wg show "$1" dump | awk '
	NR == 1 { print $2, $3, $4; next }
	{
		n = split($4, a, ",")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j] < a[j - 1]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
		s = a[1]
		for (i = 2; i <= n; i++) s = s "," a[i]
		print $1, ($2 == "(none)" ? "-" : "psk"), $3, s, $8 | "sort"
	}'
}

# Addresses of global scope, the MTU and whether it is up, by `ip -j`.
ip_addresses() {
	ip -j addr show dev "$1" | tr '{' '\n' | sed -n \
		-e 's/.*"local":"\([^"]*\)","prefixlen":\([0-9]*\),.*"scope":"global".*/\1\/\2/p'
}

ip_routes() {
	{
		ip -4 -j route show dev "$1"
		ip -6 -j route show dev "$1"
	} | tr '{' '\n' | sed -n -e '/"protocol":"kernel"/d' -e 's/.*"dst":"\([^"]*\)".*"protocol":"\([^"]*\)".*/\1 \2/p'
}

ip_link() {
	ip -j link show dev "$1" | tr ',' '\n' | sed -n -e 's/.*"mtu":\([0-9]*\).*/mtu \1/p' -e 's/.*"UP".*/up/p'
}

# Keys without a known private half: any 32 bytes are a public key to WireGuard.
P1=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
P2=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
P3=gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=
SELF=YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
SELF_PUBLIC=Y2FD6uTgrq+/bbBAXCNOtE+PGk8Papoh7qaWBpQUXn0=
I=Cdev0

cat >"$WORK/one" <<EOF
interface $I
private-key $SELF
listen-port 51871
fwmark 77
mtu 1380
address 10.60.0.1/32
address fd00:60::1/128
route 10.60.0.0/16
route fd00:60::/48
peer $P1
endpoint 192.0.2.1:5555
keepalive 25
allowed 10.60.0.2/32
allowed fd00:60::2/128
peer $P2
endpoint [2001:db8::1]:5556
allowed 10.60.0.3/32
allowed 192.168.7.0/24
EOF

is_one() {
	is "$1: wg show dump" "$(wg_dump $I)" "$SELF_PUBLIC 51871 0x4d
$P2 - [2001:db8::1]:5556 10.60.0.3/32,192.168.7.0/24 off
$P1 - 192.0.2.1:5555 10.60.0.2/32,fd00:60::2/128 25"
	is "$1: ip -j addr" "$(ip_addresses $I)" "10.60.0.1/32
fd00:60::1/128"
	is "$1: ip -j route" "$(ip_routes $I)" "10.60.0.0/16 static
fd00:60::/48 static"
	is "$1: ip -j link" "$(ip_link $I)" "up
mtu 1380"
}

case_converge() {
	is "nothing is there" "$("$DRIVER" read $I)" "$I absent"
	is "from nothing, in the order of the plan" "$("$DRIVER" apply "$WORK/one" "$KIND")" "link-add 1
mtu-set 1
key-set 1
listen-port-set 1
fwmark-set 1
peer-add 2
link-up 1
address-add 2
route-add 2
converged"
	is_one "from nothing"
	is "what is read" "$("$DRIVER" read $I)" "$I $KIND
up mtu 1380 port 51871 fwmark 77 key $SELF_PUBLIC
address 10.60.0.1/32
address fd00:60::1/128
route 10.60.0.0/16
route fd00:60::/48
peer $P2
endpoint [2001:db8::1]:5556
keepalive 0
allowed 10.60.0.3/32
allowed 192.168.7.0/24
peer $P1
endpoint 192.0.2.1:5555
keepalive 25
allowed 10.60.0.2/32
allowed fd00:60::2/128"
	is "again: nothing to do" "$("$DRIVER" apply "$WORK/one")" "converged"
	is "the list of interfaces" "$("$DRIVER" list)" "$I"
}

case_change() {
	cat >"$WORK/two" <<EOF
interface $I
private-key $SELF
listen-port 51872
mtu 1400
address 10.60.0.9/32
route 10.60.0.0/16
peer $P1
endpoint 192.0.2.7:7777
allowed 10.60.0.2/32
peer $P3
keepalive 15
allowed fd00:60::2/128
allowed 10.60.0.3/32
EOF
	is "a change, and absent things removed" "$("$DRIVER" apply "$WORK/two")" "mtu-set 1
listen-port-set 1
fwmark-set 1
route-remove 1
peer-remove 1
peer-change 1
peer-add 1
address-add 1
address-remove 2
converged"
	is "changed: wg show dump" "$(wg_dump $I)" "$SELF_PUBLIC 51872 off
$P3 - (none) 10.60.0.3/32,fd00:60::2/128 15
$P1 - 192.0.2.7:7777 10.60.0.2/32 off"
	is "changed: ip -j" "$(ip_addresses $I; ip_routes $I; ip_link $I)" "10.60.0.9/32
10.60.0.0/16 static
up
mtu 1400"
	is "and back" "$("$DRIVER" apply "$WORK/one" | tail -n 1)" "converged"
	is_one "back"
}

case_drift() {
	wg set $I peer $P2 remove
	wg set $I peer $P3 allowed-ips 10.60.0.3/32,10.60.0.2/32 endpoint 192.0.2.9:9
	is "drift in peers" "$("$DRIVER" apply "$WORK/one")" "peer-remove 1
peer-change 1
peer-add 1
converged"
	is_one "drift in peers"

	(umask 077 && wg genpsk >"$WORK/psk")
	wg set $I peer $P1 persistent-keepalive 99 preshared-key "$WORK/psk"
	wg set $I peer $P2 allowed-ips 10.60.0.3/32,10.60.0.77/32 persistent-keepalive 7
	is "a preshared key is seen, not read" "$("$DRIVER" read $I | grep -c ' psk$')" 1
	is "drift in values" "$("$DRIVER" apply "$WORK/one")" "peer-change 2
converged"
	is_one "drift in values"

	ip addr add 10.0.0.1/24 dev $I
	ip addr del 10.60.0.1/32 dev $I
	ip route add 172.16.0.0/12 dev $I
	ip route del fd00:60::/48 dev $I
	ip route add 10.60.0.0/16 dev $I metric 9 || :
	ip route add 172.20.0.0/16 dev $I metric 9
	ip route add 172.20.0.0/16 dev $I metric 10 proto 99
	ip link set $I mtu 1300
	wg set $I listen-port 51899 fwmark 0
	is "drift in addresses, routes, the device" "$("$DRIVER" apply "$WORK/one" | tr '\n' ' ')" \
		"mtu-set 1 listen-port-set 1 fwmark-set 1 route-remove 2 address-add 1 address-remove 1 route-add 1 converged "
	ip route del 10.60.0.0/16 dev $I metric 9 2>/dev/null || :
	is_one "drift around"

	ip link set $I down
	is "taken down: the routes went too" "$("$DRIVER" apply "$WORK/one" | grep -e up -e converged | tr '\n' ' ')" \
		"link-up 1 converged "
	is_one "taken down"

	ip link del $I
	is "deleted" "$("$DRIVER" apply "$WORK/one" "$KIND" | tail -n 1)" "converged"
	is_one "deleted"
}

# Allowed IPs that move: to another peer, exchanged, and round three peers.
case_move() {
	for order in "1 2 3" "2 1 3" "2 3 1" "3 1 2" "1 3 2"; do
		# shellcheck disable=SC2086 # three words
		set -- $order
		{
			printf 'interface %s\nprivate-key %s\nlisten-port 51871\nfwmark 77\nmtu 1380\n' $I $SELF
			printf 'address 10.60.0.1/32\n'
			printf 'peer %s\nallowed 10.60.%s.0/24\nallowed fd00:60:0:%s::/64\n' $P1 "$1" "$1" $P2 "$2" "$2" $P3 "$3" "$3"
		} >"$WORK/move"
		"$DRIVER" apply "$WORK/move" | tail -n 1
		wg_dump $I | awk 'NR > 1 { print $1, $4 }'
		echo "$P3 10.60.$3.0/24,fd00:60:0:$3::/64
$P2 10.60.$2.0/24,fd00:60:0:$2::/64
$P1 10.60.$1.0/24,fd00:60:0:$1::/64" | sort >>"$WORK/want"
	done | grep -v converged >"$WORK/got"
	is "allowed IPs that move round" "$(cat "$WORK/got")" "$(cat "$WORK/want")"
	"$DRIVER" apply "$WORK/one" >/dev/null
	is_one "moved"
}

# 500 peers of 20, one of 3,000: several messages, and one peer over several of them.
case_many() {
	{
		cat "$WORK/one"
		echo "many 500 20"
		echo "peer $P3"
		i=0
		while [ $i -lt 3000 ]; do
			echo "allowed 172.$((16 + i / 65536)).$((i / 256 % 256)).$((i % 256))/32"
			i=$((i + 1))
		done
	} >"$WORK/many"
	is "501 peers" "$("$DRIVER" apply "$WORK/many")" "peer-add 501
converged"
	is "501 peers: wg show" "$(wg show $I allowed-ips | awk '{ p++; a += NF - 1 } END { print p, a }')" "503 13004"
	is "a peer over several messages: wg show" \
		"$(wg show $I allowed-ips | awk -v k=$P3 '$1 == k { print NF - 1 }')" 3000
	sed -e 's/^keepalive 25$/keepalive 26/' "$WORK/many" >"$WORK/many2"
	is "one of them changes" "$("$DRIVER" apply "$WORK/many2")" "peer-change 1
converged"
	sed -e '/^allowed 172\.16\.0\.7\/32$/d' "$WORK/many" >"$WORK/many2"
	is "one allowed IP of 3,000 goes" "$("$DRIVER" apply "$WORK/many2")" "peer-change 2
converged"
	is "2,999 are left: wg show" "$(wg show $I allowed-ips | awk -v k=$P3 '$1 == k { print NF - 1 }')" 2999
	case_partial
	is "all of them go" "$("$DRIVER" apply "$WORK/one")" "peer-remove 500
converged"
	is_one "few again"
}

# While another program adds and removes a peer, a reading has all of the other peers; or, when that never stops, it is refused (the 1).
case_partial() {
	wg set $I peer $P3 remove
	touch "$WORK/go"
	# However slow the machine is, some pauses are too short for a reading, and some long enough.
	while [ -e "$WORK/go" ]; do
		for pause in 0.03 0.03 0.03 0.1 0.3 1; do
			wg set $I peer $P3 allowed-ips 172.16.0.1/32
			wg set $I peer $P3 remove
			sleep $pause
			[ -e "$WORK/go" ] || break
		done
	done &
	writer=$!
	i=0
	while [ $i -lt 30 ]; do
		i=$((i + 1))
		"$DRIVER" read $I | grep -c -e '^peer' -e '^error.device-busy'
	done >"$WORK/counts"
	rm "$WORK/go"
	wait $writer
	echo "# peers read: $(sort "$WORK/counts" | uniq -c | tr '\n' ' ')"
	is "never a part of the peers" "$(grep -v -x -e 502 -e 503 -e 1 "$WORK/counts")" ""
	is "and not refused for ever" "$(awk '$1 > 1 { n++ } END { print (n > 0) }' "$WORK/counts")" 1
}

# Two interfaces with a session between them: what does not concern it leaves it alone.
case_session() {
	(umask 077 && wg genkey >"$WORK/key.a" && wg genkey >"$WORK/key.b")
	pub_a=$(wg pubkey <"$WORK/key.a")
	pub_b=$(wg pubkey <"$WORK/key.b")
	ip netns add Cfar
	ip link add Cveth0 type veth peer name Cveth1 netns Cfar
	ip addr add 10.99.0.1/24 dev Cveth0
	ip link set Cveth0 up
	ip -n Cfar addr add 10.99.0.2/24 dev Cveth1
	ip -n Cfar link set Cveth1 up
	ip -n Cfar link set lo up
	cat >"$WORK/a" <<EOF
interface Cses0
private-key $(cat "$WORK/key.a")
listen-port 51881
address 10.61.0.1/32
route 10.61.0.0/24
peer $pub_b
endpoint 10.99.0.2:51882
allowed 10.61.0.2/32
EOF
	cat >"$WORK/b" <<EOF
interface Cses1
private-key $(cat "$WORK/key.b")
listen-port 51882
address 10.61.0.2/32
route 10.61.0.0/24
peer $pub_a
endpoint 10.99.0.1:51881
allowed 10.61.0.1/32
EOF
	"$DRIVER" apply "$WORK/a" "$KIND" >/dev/null
	ip netns exec Cfar "$DRIVER" apply "$WORK/b" "$KIND" >/dev/null
	is "a ping goes through" "$(ping -c 2 -W 5 10.61.0.2 | grep -o "2 packets transmitted, 2")" "2 packets transmitted, 2"
	before=$(wg show Cses0 latest-handshakes)
	ping -c 20 -i 0.1 -W 5 10.61.0.2 >"$WORK/ping" &
	pinger=$!
	i=0
	while [ $i -lt 6 ]; do
		i=$((i + 1))
		{
			cat "$WORK/a"
			printf 'peer %s\nendpoint 10.99.0.9:%s\nallowed 10.61.0.%s/32\nallowed fd00:61::%s/128\n' $P1 $i $((10 + i)) $i
			[ $((i % 2)) = 0 ] || printf 'peer %s\nkeepalive 5\nallowed 10.61.0.7/32\n' $P2
		} >"$WORK/a2"
		"$DRIVER" apply "$WORK/a2"
		sleep 0.2
	done | grep -c '^converged$' >"$WORK/converged"
	wait $pinger
	is "changes around a session" "$(cat "$WORK/converged")" 6
	is "lose no packet of it" "$(grep -o '[0-9]* packets transmitted, [0-9]*' "$WORK/ping")" "20 packets transmitted, 20"
	is "and force no handshake" "$(wg show Cses0 latest-handshakes | grep "$pub_b")" "$before"
	is "both are listed here or there" "$("$DRIVER" list | tr '\n' ' ')$(ip netns exec Cfar "$DRIVER" list)" \
		"$I Cses0 Cses1"
	is "an interface of another namespace is none of ours" "$("$DRIVER" read Cses1)" "Cses1 absent"
	is "our own addresses, but for those of WireGuard interfaces" "$("$DRIVER" local)" 10.99.0.1
	"$DRIVER" down Cses0 >/dev/null
	ip netns exec Cfar "$DRIVER" down Cses1 >/dev/null
}

# monitor NAME COMMAND...: the monitor of $I speaks up after the command.
monitor() {
	name=$1
	shift
	rm -f "$WORK/events"
	mkfifo "$WORK/events"
	"$DRIVER" monitor $I >"$WORK/events" &
	{
		read -r line
		[ "$line" = ready ] && "$@" && read -r line
	} <"$WORK/events"
	is "the monitor hears of $name" "$line" "changed"
	wait $!
}

case_monitor() {
	monitor "a route" ip route add 172.16.0.0/12 dev $I
	monitor "an address" ip addr add 10.0.0.1/24 dev $I
	monitor "the link" ip link set $I mtu 1290
	monitor "its end" ip link del $I
	"$DRIVER" apply "$WORK/one" "$KIND" >/dev/null
}

case_errors() {
	ip link set Cveth0 down
	ip link set Cveth0 name Cnotwg
	ip link set Cnotwg up
	is "not WireGuard" "$("$DRIVER" read Cnotwg)" \
		"error[device-not-wireguard]: Cnotwg: there is an interface of this name, and it is not WireGuard, but of kind veth
  help: \`ip link show Cnotwg\` shows it; it has to go, or the network needs another name"
	ip route add 10.77.0.0/16 dev Cnotwg
	{
		cat "$WORK/one"
		echo "route 10.77.0.0/16"
	} >"$WORK/taken"
	is "a route that another interface has" "$("$DRIVER" apply "$WORK/taken" | grep -v '^route-add')" \
		"error[device-route-exists]: $I: cannot add the route 10.77.0.0/16: this machine has another route there
  help: \`ip route show 10.77.0.0/16\` shows it; remove it, or do without this network's routes"
	sed -e "s/$I/Cport0/" -e '/^address/d' -e '/^route/d' "$WORK/one" >"$WORK/port"
	is "a port in use" "$("$DRIVER" apply "$WORK/port" "$KIND" | grep -A 9 '^error' | sed 's/cannot .*: its/its/')" \
		"error[device-port-in-use]: Cport0: its UDP port is in use
  help: \`ss -lunp\` shows by which program; give this interface another listen port"
	"$DRIVER" down Cport0 >/dev/null
	is "a name that cannot be" "$("$DRIVER" read 0123456789abcdef)" \
		"error[device-name]: '0123456789abcdef' cannot be the name of an interface"
	ip link del Cnotwg
	echo 1 >/proc/sys/net/ipv6/conf/$I/disable_ipv6
	is "IPv6 is off" "$("$DRIVER" apply "$WORK/one" | grep -A 9 '^error')" \
		"error[device-ipv6-off]: $I: cannot add the address fd00:60::1/128: IPv6 is turned off here
  help: \`sysctl net.ipv6.conf.$I.disable_ipv6=0\`"
	echo 0 >/proc/sys/net/ipv6/conf/$I/disable_ipv6
	is "and on again" "$("$DRIVER" apply "$WORK/one" | tail -n 1)" "converged"
}

case_down() {
	is "down" "$("$DRIVER" down $I)" "link-remove 1
absent"
	is "down again" "$("$DRIVER" down $I)" "absent"
	is "nothing is left" "$("$DRIVER" list; ls /run/wireguard 2>/dev/null)" ""
}

device_cases() {
	case_converge
	case_change
	case_drift
	case_move
	case_many
	case_session
	case_monitor
	case_errors
	case_down
}
