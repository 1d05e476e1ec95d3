#!/usr/bin/env bash
# Two networks that are called the same, on one machine: `install --name`.
. "$(dirname "$0")/lib.sh"

host_new one 192.0.2.1
host_new two 192.0.2.2
host_new alice 192.0.2.11
for h in one two; do
	on $h git config --global user.name Ada
	on $h git config --global user.email ada@example.com
	case $h in one) net=10.71 at=192.0.2.1 ;; two) net=10.72 at=192.0.2.2 ;; esac
	on $h innernet-reconcile init --network-name corp --network-cidr $net.0.0/16 --external-endpoint $at:51820 \
		--server-name hub-$h >/dev/null || bail 'init'
	spawn $h server innernet-reconcile --watch corp
	wait_log $h server 'published: version 0.1'
	on $h git clone -q /var/lib/innernet-reconcile/corp/network.git network
	on $h env -C "$WORK/$h/network" sed -i "s/^cidrs:/cidrs:\n  humans: $net.64.0\/24/" network.yaml
	on $h env -C "$WORK/$h/network" git commit -qam CIDRs
	on $h env -C "$WORK/$h/network" innernet add-peer --name alice --auto-ip --cidr humans \
		--save-config "$WORK/alice/$h.yaml" --push --yes >/dev/null 2>&1
done

like "$(on alice innernet install one.yaml --name 'no name' 2>&1)" '^innernet: --name takes the name of an interface' \
	'a name that no interface can have is refused'
like "$(on alice innernet install one.yaml --name a --default-name 2>&1)" 'not both' 'and one name is enough'
ok 'the first is called as it calls itself' on alice innernet install one.yaml --default-name
like "$(on alice innernet install two.yaml 2>&1)" 'a network that is called the same is joined under another name: --name' \
	'the second cannot be'
out=$(on alice innernet install two.yaml --name work 2>&1)
is $? 0 'under another name it can'
like "$out" '^This machine is alice \(10\.72\.64\.1\) in the network corp, by the interface work\.$' 'which is said'
like "$out" '^To follow changes of the network: innernet up --daemon work$' 'with what keeps it so'
spawn alice daemon innernet up --daemon
for pair in '10.71.0.1 corp one' '10.72.0.1 work two'; do
	# shellcheck disable=SC2086 # three words
	set -- $pair
	ok "$2 reaches its server" wait_for 20 ping_works alice "$1" 1
	is "$(on alice wg show "$2" peers)" "$(on "$3" wg show corp public-key)" "$2 has its server's key"
	like "$(on alice ip route get "$1")" "dev $2 " 'by its own interface'
	is "$(on alice getent hosts "hub-$3.$2.wg" | awk '{ print $1 }')" "$1" 'and name'
	like "$(on alice innernet show "$2")" "^$2: alice " 'show calls it so'
	like "$(on alice innernet plan "$2")" '^No changes\.' 'its plan is empty'
done
is "$(on alice innernet show work --json | jq -r '.networks[0] // . | "\(.network) \(.interface)"')" 'corp work' 'both names are in JSON'
is "$(on alice ls /etc/innernet /var/lib/innernet | grep -v '^$' | grep -c work)" 2 'its files are called so'
like "$(on alice innernet install two.yaml 2>&1)" "this machine is in the network 'work' already" 'the invitation finds its own again'

on alice wg set work peer "$(on two wg show corp public-key)" remove
ok 'the daemon repairs it' wait_for 10 ping_works alice 10.72.0.1 1
on two env -C "$WORK/two/network" innernet add-peer --name bob --auto-ip --cidr humans --push --yes >/dev/null 2>&1
ok 'to the next version' wait_log alice daemon 'work: version 0\.4,' 
ok 'an endpoint is kept for a peer that is not there' on alice innernet override-peer-endpoint work --name bob -e 192.0.2.9:1
on two env -C "$WORK/two/network" innernet delete-peer --name bob --push --yes >/dev/null 2>&1
ok 'a peer that leaves' wait_log alice daemon 'work: version 0\.5,'
like "$(on alice innernet doctor work 2>&1)" 'innernet override-peer-endpoint work --name bob -u' 'doctor names the interface'
stop alice daemon
ok 'down' on alice innernet down work
nok 'takes away that interface' on alice wg show work
ok 'and no other' on alice wg show corp
ok 'up brings it again' on alice innernet up work
ok 'with its server' wait_for 10 ping_works alice 10.72.0.1 1
ok 'set-listen-port takes its name' on alice innernet set-listen-port work -l 7777
is "$(on alice wg show work listen-port)" 7777 'and sets its port'
ok 'uninstall' on alice innernet uninstall work --yes
is "$(on alice sh -c 'ls /etc/innernet; grep -c "[.]work[.]wg" /etc/hosts')" 'corp.yaml
0' 'leaves nothing of it'
ok 'and the other as it was' ping_works alice 10.71.0.1
done_testing
