#!/usr/bin/env bash
# What `innernet-reconcile init` was not told, it asks for at a terminal; without one, it names the missing option.
. "$(dirname "$0")/lib.sh"

desk_new .
export TERM=xterm
init=(innernet-reconcile --config-dir "$WORK/etc" --data-dir "$WORK/lib" init)

like "$("${init[@]}" 2>&1 </dev/null)" 'init: --network-name is missing' 'without a terminal the missing option is named'
like "$("${init[@]}" --network-name corp --network-cidr 10.60.0.0/16 2>&1 </dev/null)" \
	'init: --external-endpoint is missing' 'each of them'

# ---- what it finds for itself

auto=$(unshare --net sh -c '
	ip link add eth7 type veth peer name peth7 && ip link set peth7 up && ip link set eth7 up && ip address add 10.1.2.3/24 dev eth7
	ip link add eth8 type veth peer name peth8 && ip link set peth8 up && ip link set eth8 up && ip address add 203.0.113.7/24 dev eth8
	ip address add 203.0.113.9/24 dev eth8 && ip route add default via 203.0.113.1 src 203.0.113.9
	exec "$@"' sh "${init[@]}" --network-name auto --network-cidr 10.60.0.0/16 --auto-external-endpoint --listen-port 7 2>&1)
is $? 0 'init finds an endpoint'
like "$auto" '^The endpoint is 203\.0\.113\.9, which packets leave this machine with, port 7\.$' 'and says which'
like "$auto" "^  innernet-reconcile -c $WORK/etc -d $WORK/lib --watch auto   publish it and serve it\$" 'what to type next has the folders'
unlike "$auto" 'warning' 'without a warning'
like "$(git -C "$WORK/lib/auto/network.git" show main:network.yaml)" 'endpoint: "203\.0\.113\.9:7"' 'it is in the definition'
auto=$(unshare --net sh -c 'ip link add eth7 type veth peer name peth7 && ip link set peth7 up && ip link set eth7 up && ip address add 10.1.2.3/24 dev eth7
	exec "$@"' sh "${init[@]}" --network-name private --network-cidr 10.60.0.0/16 --auto-external-endpoint 2>&1)
like "$auto" '^warning\[endpoint-private\]: 10\.1\.2\.3 is private: peers outside its network cannot reach it' \
	'a private one is warned of'
like "$(git -C "$WORK/lib/private/network.git" show main:network.yaml)" 'endpoint: "10\.1\.2\.3:51820"' 'and taken, with the usual port'
auto=$(unshare --net sh -c 'ip link add eth7 type veth peer name peth7 && ip link set peth7 up && ip link set eth7 up && ip address add 2001:db8:7::3/64 dev eth7 nodad
	exec "$@"' sh "${init[@]}" --network-name six --network-cidr 10.60.0.0/16 --auto-external-endpoint 2>&1)
like "$(git -C "$WORK/lib/six/network.git" show main:network.yaml)" 'endpoint: "\[2001:db8:7::3\]:51820"' 'or one of IPv6'
like "$(unshare --net "${init[@]}" --network-name none --network-cidr 10.60.0.0/16 --auto-external-endpoint 2>&1)" \
	'^error\[no-address\]: this machine has no address' 'without any there is nothing to take'
ok 'and nothing is made' test ! -e "$WORK/etc/none.yaml"
like "$("${init[@]}" --network-name x --network-cidr 10.60.0.0/16 --auto-external-endpoint --external-endpoint a:1 2>&1)" \
	'exclude each other' 'two answers are one too many'
like "$(innernet-reconcile -c "$WORK/etc" -d "$WORK/a b" status auto 2>&1)" \
	"help: the server writes it: innernet-reconcile -c $WORK/etc -d '$WORK/a b' --watch auto\$" 'helps name the folders too'

talk 'at a terminal all that is missing is asked for' "${init[@]}" <<'END'
expect The network's name:
send Corp\r
expect Lower case letters, digits and hyphens
expect The network's name:
send \x15corp\r
expect All its addresses: [10.
send 10.60.0.1/16\r
expect There are bits set after the length
expect All its addresses:
send \x1510.60.0.0/16\r
expect Its endpoint from outside:
send vpn.example.com\r
expect Its UDP port here: [51820]
send 70000\r
expect A number from 1 to 65535.
expect Its UDP port here:
send \x1551900\r
expect Where the definition is kept:
send \r
expect The network 'corp' is ready.
exit 0
cooked
END
def=$(git -C "$WORK/lib/corp/network.git" show main:network.yaml)
like "$def" '^cidr: 10\.60\.0\.0/16$' 'the definition has the addresses'
like "$def" 'endpoint: "vpn\.example\.com:51820"' 'a host alone has the usual port'
like "$(cat "$WORK/etc/corp.yaml")" '^listen-port: 51900$|^listen_port: 51900$' "the server's own file has its own port"

git init -q --bare "$WORK/two.git"
talk 'a network that is there is not asked for again' "${init[@]}" --external-endpoint a.example.com:7 <<END
expect The network's name:
send corp\r
expect This machine has a server of this network already.
expect The network's name:
send \x15two\r
expect All its addresses:
send \x1510.61.0.0/16\r
expect Its UDP port here: [7]
send \r
expect Where the definition is kept:
send another\r
expect Its URL, as for git:
send http://git.example.com/two.git\r
expect https://..., ssh://... or USER@HOST:PATH.
expect Its URL, as for git:
send \x15file://$WORK/two.git\r
expect The network 'two' is ready.
exit 0
cooked
END
like "$(git -C "$WORK/two.git" show main:network.yaml)" '^network: two$' 'a remote has its definition'
talk 'a plain file is the third answer' "${init[@]}" --network-name plain --network-cidr 10.62.0.0/16 <<'END'
expect Its endpoint from outside:
send a.example.com\r
expect Its UDP port here:
send \r
expect Where the definition is kept:
send plain\r
expect The file: [network.yaml]
send \r
expect The network 'plain' is ready.
exit 0
cooked
END
like "$(cat network.yaml)" '^network: plain$' 'and is written'
talk 'a joining server is asked for this machine alone' innernet-reconcile -c "$WORK/other/etc" -d "$WORK/other/lib" init --join --remote "file://$WORK/two.git" --server-name spare <<'END'
expect Its endpoint from outside:
send 10.0.0.0/8\r
expect A host and a port, such as vpn.example.com:51820.
expect Its endpoint from outside:
send \x15b.example.com:51999\r
expect Its UDP port here: [51999]
send \r
expect another server of 'two'
expect endpoint: "b.example.com:51999"
exit 0
cooked
END
talk 'an endpoint that it finds is not asked for' unshare --net sh -c 'ip link add eth7 type veth peer name peth7 && ip link set peth7 up && ip link set eth7 up &&
	ip address add 203.0.113.7/24 dev eth7 && exec "$@"' sh "${init[@]}" --auto-external-endpoint <<'END'
expect The endpoint is 203.0.113.7
expect The network's name:
send Two\r
expect Lower case letters, digits and hyphens
expect The network's name:
send \x15found\r
expect All its addresses:
send \x1510.63.0.0/16,fd00:63::/48\r
expect Its UDP port here: [51820]
send \r
expect Where the definition is kept:
send \x03
expect Cancelled; nothing was made.
exit 1
cooked
END
ok 'nor is anything made' test ! -e "$WORK/etc/found.yaml"
talk 'Ctrl-C leaves nothing behind' "${init[@]}" --network-name three <<'END'
expect All its addresses:
send \x03
expect Cancelled; nothing was made.
exit 1
cooked
END
ok 'no file of it' test ! -e "$WORK/etc/three.yaml" -a ! -e "$WORK/lib/three"

done_testing
