#!/usr/bin/env bash
# Where peers are: what they report of themselves and people chose, what other peers are told of it and how often, over a
# restart of the server, and knocks. As the peers' own `show` and the server's answers have it.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.11
host_new bob 192.0.2.12
peers='alice bob'

admin() { on hub env -C "$WORK/hub/network" "$@"; }
key_of() { on "$1" wg show corp public-key; }
port_of() { on "$1" wg show corp listen-port; }
# What HOST knows of PEER: "SEEN [REPORTED,...]" as it keeps it, and as `show` has it of itself.
told() { on "$1" sed -n "s|^hint $(key_of "$2") ||p" /var/lib/innernet/corp/hints; }      # HOST PEER
own() { on "$1" innernet show corp --json | jq -c ".networks[0].endpoints.reported"; }    # HOST
own_is() { [ "$(own "$1")" = "$2" ]; }                                                    # HOST JSON
told_is() { [ "$(told "$1" "$2")" = "$3" ]; }                                             # HOST PEER TEXT
# The request of a machine, past its daemon: the answer's body, then its status on a line of its own.
ask() { # HOST ARGUMENT...
	local host=$1
	shift
	on "$host" curl -sS --max-time 40 -w '%{http_code}\n' -H "Innernet-Network: $ID" -H 'Content-Type:' "$@"
}
# The same as the server says it, at once: a machine writes it down every 10 s at most, and follows its own session where
# there is one.
answer() { ask "$1" "$SERVER/v1/poll?have=-.-.-&wait=0" | sed -n "s|^hint $(key_of "$2") ||p"; } # HOST PEER
answer_is() { [ "$(answer "$1" "$2")" = "$3" ]; }                                                   # HOST PEER TEXT
passes() { read -r -t "$1" <>"$E2E_NEVER" || :; } # SECONDS: it is about time
SERVER=http://10.60.0.1:51820
metric() { ask alice "$SERVER/metrics" | sed -n "s/^innernet_$1{.*} //p"; }

ok 'a server' on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 \
	--external-endpoint 192.0.2.1:51820 --listen-port 51820 --server-name hub || done_testing
spawn hub server innernet-reconcile --watch corp
wait_log hub server published || done_testing
on hub git config --global user.name Ada
on hub git config --global user.email ada@example.com
on hub git clone -q /var/lib/innernet-reconcile/corp/network.git network
admin innernet add-cidr --name humans --cidr 10.60.64.0/24 --commit --push --yes >/dev/null 2>&1
for h in $peers; do
	admin=()
	[ "$h" = bob ] || admin=(--admin)
	ok "$h is invited" admin innernet add-peer --name "$h" --auto-ip --cidr humans "${admin[@]}" \
		--save-config "$WORK/$h.yaml" --commit --push --yes
done
ID=$(admin sed -n 's/.*id: "\([^"]*\)".*/\1/p' network.yaml)
[ -n "$ID" ] || ID=$(admin sed -n 's/.*id: *\([A-Za-z0-9+/=]*\).*/\1/p' network.yaml | head -n 1)

# ---- what a machine says of itself ----------------------------------------------------------------------------------

# One that is up, one that is down, another tunnel, addresses that no peer can use.
on alice sh -c 'ip link add lan type bridge && ip address add 192.168.7.2/24 dev lan && ip address add 2001:db8:7::2/64 dev lan nodad &&
	ip address add fd00:7::2/64 dev lan nodad && ip link set lan up &&
	ip link add off type bridge && ip address add 192.168.9.2/24 dev off &&
	ip link add docker0 type bridge && ip address add 172.17.0.1/16 dev docker0 && ip link set docker0 up &&
	ip route add default via 192.0.2.1'
ok 'alice joins, and keeps an option' on alice innernet install "$WORK/alice.yaml" --exclude-nat-candidates 172.16.0.0/12,10.99.0.0/16
ok 'bob joins' on bob innernet install "$WORK/bob.yaml"
like "$(on alice cat /etc/innernet/corp.yaml)" '172\.16\.0\.0/12' 'which stands in her own file'

# ---- Prometheus reads the metrics, by the configuration of the page -------------------------------------------------

prometheus_sees() { # QUERY VALUE
	[ "$(on alice curl -sS --get --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query |
		jq -r '.data.result[0].value[1]')" = "$2" ]
}
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
	ok 'promtool finds nothing wrong with the metrics' sh -c 'printf "%s\n" "$1" | promtool check metrics' sh \
		"$(ask alice "$SERVER/metrics" | sed '$d')"
	sed -n '/^rule_files:/,/^\.Ed/p' "$TOP/man/innernet-reconcile.8" | sed "/^\.Ed/d; s,NETWORK-ID,$ID,
		s,innernet.rules.yml,$TOP/contrib/prometheus/innernet.rules.yml," >"$WORK/alice/prometheus.yml"
	echo 'global: { scrape_interval: 1s, evaluation_interval: 1s }' >>"$WORK/alice/prometheus.yml"
	spawn alice prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address=127.0.0.1:9090
	ok 'Prometheus reads them' wait_for 60 prometheus_sees up 1
	ok 'and has the version' wait_for 60 prometheus_sees innernet_version_number "$(metric version_number)"
	ok 'and no alert of a critical kind is due' prometheus_sees 'count(ALERTS{severity="critical"}) or vector(0)' 0
	stop alice prometheus
else
	pass 'promtool and Prometheus # SKIP they are not installed'
fi
spawn bob daemon innernet up corp --daemon
spawn alice daemon innernet up corp --daemon
[ "$tests_failed" = 0 ] || done_testing # nothing below can be had without it
P=$(port_of alice)
ok 'other peers are told where the server sees her, and her own addresses, the first one first' wait_for 45 told_is bob alice \
	"192.0.2.11:$P 192.0.2.11:$P,192.168.7.2:$P,[2001:db8:7::2]:$P" || diag "$(told bob alice)"
ok 'she knows that they are' wait_for 45 own_is alice "[\"192.0.2.11:$P\",\"192.168.7.2:$P\",\"[2001:db8:7::2]:$P\"]" ||
	diag "$(own alice)"
like "$(on alice innernet status corp)" "  ok +endpoints +seen at 192\.0\.2\.11:$P, reported 192\.0\.2\.11:$P, 192\.168\.7\.2:$P" \
	'and status says it'
like "$(on alice innernet show corp)" "alice 10\.60\.64\.[0-9]+ +this machine, seen at 192\.0\.2\.11:$P, reported " 'show too'
on alice ip address add 192.168.8.2/24 dev lan
ok 'a new address is told' wait_for 45 answer_is alice alice \
	"192.0.2.11:$P 192.0.2.11:$P,192.168.7.2:$P,192.168.8.2:$P,[2001:db8:7::2]:$P" || diag "$(answer alice alice)"
on alice ip link del lan
ok 'and none that is gone' wait_for 45 answer_is alice alice "192.0.2.11:$P 192.0.2.11:$P" || diag "$(answer alice alice)"

# ---- what people choose ---------------------------------------------------------------------------------------------

on alice sh -c 'echo "198.51.100.7 alice.example" >>/etc/hosts'
is "$(on alice innernet override-endpoint corp -e Alice.Example:4500 2>&1)" \
	'corp: this machine reports the endpoint alice.example:4500 to its peers' 'an endpoint by host name'
ok 'a daemon takes it over, and resolves it here; other peers are told it first' wait_for 45 answer_is bob alice \
	"192.0.2.11:$P 198.51.100.7:4500,192.0.2.11:$P" || diag "$(answer bob alice)"
is "$(on alice innernet override-endpoint corp -e alice.example:4500 2>&1)" \
	'corp: this machine reports the endpoint alice.example:4500 to its peers already' 'it is so already'
on alice sed -i 's/^198\.51\.100\.7 /198.51.100.8 /' /etc/hosts
stop alice daemon HUP 0
ok 'another address of the name is told' wait_for 45 answer_is alice alice \
	"192.0.2.11:$P 198.51.100.8:4500,192.0.2.11:$P" || diag "$(answer alice alice)"
like "$(on alice innernet override-endpoint corp -e 10.60.64.9:1 2>&1)" \
	'^error\[bad-endpoint\]: 10\.60\.64\.9:1 is an address within the network itself' 'one within the network is refused'
like "$(on alice innernet override-endpoint corp -e 127.0.0.1:1 2>&1)" \
	'^error\[bad-endpoint\]: 127\.0\.0\.1:1 is no address that another machine could reach' 'this machine itself too'
nok 'an endpoint without a port' on alice innernet override-endpoint corp -e alice.example
nok 'both at once' on alice innernet override-endpoint corp -e alice.example:1 -u
nok 'without a terminal nothing is asked' on alice innernet override-endpoint corp

is "$(on alice innernet override-endpoint corp -e 0.0.0.0:4501 2>&1)" \
	'corp: this machine reports the endpoint 0.0.0.0:4501 to its peers' 'the host that a server sees'
ok 'is filled in by the server' wait_for 45 answer_is alice alice "192.0.2.11:$P 192.0.2.11:4501,192.0.2.11:$P" ||
	diag "$(answer alice alice)"
on alice sh -c 'ip address add 192.0.2.21/24 dev eth0 && ip address del 192.0.2.11/24 dev eth0 && ip address add 192.0.2.21/24 dev eth0 2>/dev/null;
	ip route replace default via 192.0.2.1'
ok 'and follows it when that is another' wait_for 45 answer_is alice alice "192.0.2.21:$P 192.0.2.21:4501,192.0.2.21:$P" ||
	diag "$(answer alice alice)"

# ---- the server goes and comes back ---------------------------------------------------------------------------------

hints=/var/lib/innernet-reconcile/corp/published/hints
ok 'the server keeps it' wait_for 20 on hub grep -q "^hint $(key_of alice) 192\.0\.2\.21:$P 0\.0\.0\.0:4501,192\.0\.2\.21:$P$" $hints
is "$(on hub stat -c %a $hints)" 600 'for itself alone'
stop alice daemon
stop hub server KILL
spawn hub server2 innernet-reconcile --watch corp
wait_log hub server2 restored
stop bob daemon
on bob rm /var/lib/innernet/corp/hints
ok 'after a restart' wait_for 10 on bob innernet fetch corp
ok 'other peers are told what was reported before' wait_for 5 answer_is bob alice "192.0.2.21:$P 192.0.2.21:4501,192.0.2.21:$P" ||
	diag "$(answer bob alice)"
spawn alice daemon innernet up corp --daemon
wait_log alice daemon 'version' || fail 'alice is back'
ok 'it reports, and knows that other peers are told' wait_for 45 own_is alice "[\"192.0.2.21:4501\",\"192.0.2.21:$P\"]"
stop hub server2
on hub rm $hints
spawn hub server innernet-reconcile --watch corp
ok 'a server that has lost it is told again' wait_for 40 answer_is bob alice "192.0.2.21:$P 192.0.2.21:4501,192.0.2.21:$P" ||
	diag "$(answer bob alice)"

# ---- taking it back -------------------------------------------------------------------------------------------------

is "$(on alice innernet override-endpoint corp -u 2>&1)" \
	"corp: this machine reports the addresses of its interfaces to its peers" 'it can be taken back'
ok 'then her addresses are left' wait_for 45 answer_is alice alice "192.0.2.21:$P 192.0.2.21:$P" ||
	diag "$(answer alice alice)"
stop alice daemon
spawn alice daemon innernet up corp --daemon --no-nat-candidates
ok 'a machine may report none' wait_for 45 own_is alice '[]' || diag "$(own alice)"
ok 'other peers are told so' wait_for 45 answer_is bob alice "192.0.2.21:$P" || diag "$(answer bob alice)"
stop alice daemon
like "$(on alice innernet up corp --exclude-nat-candidates 10.0.0.1/8 2>&1)" \
	"^innernet: --exclude-nat-candidates takes prefixes \(10\.0\.0\.0/8\), not '10\.0\.0\.1/8'" 'an exclusion that is none is refused'
ok 'a command reports as well' on alice innernet up corp
ok 'for all to see' wait_for 10 own_is alice "[\"192.0.2.21:$P\"]" || diag "$(own alice)"

# ---- knocks ---------------------------------------------------------------------------------------------------------

printf 'innernet-knock 1\nkey %s\nend\n' "$(key_of bob)" >"$WORK/knock"
ask bob "$SERVER/v1/poll?have=-.-.-&wait=0" >"$WORK/bob/poll"
statement=$(on bob innernet snapshot corp --json 2>/dev/null | jq -r '.statement.hash // empty')
[ -n "$statement" ] || statement=$(ask alice "$SERVER/v1/status" | head -n 1 | jq -r .statement)
position=$(sed -n 's/^hints //p' "$WORK/bob/poll")
ledger=$(sed -n 's/^ledger //p' "$WORK/bob/poll")
hears() { # as a daemon does it: again from where he is, as long as what comes is no knock
	until ask bob "$SERVER/v1/poll?have=$statement.$ledger.$position&wait=30" >"$WORK/bob/held" &&
		grep -q '^knock ' "$WORK/bob/held"; do
		position=$(sed -n 's/^hints //p' "$WORK/bob/held")
	done
}
polls=$(metric polls_total)
hears &
asking=$!
polled() { [ "$(metric polls_total)" -gt "$polls" ]; }
ok 'bob waits' wait_for 10 polled
is "$(ask alice --data-binary "@$WORK/knock" "$SERVER/v1/knock")" 204 'alice knocks at him'
wait $asking
like "$(cat "$WORK/bob/held")" "^knock $(key_of alice | sed 's/[+]/\\+/g')$" 'he hears it at once'
like "$(cat "$WORK/bob/held")" "^hint $(key_of alice | sed 's/[+]/\\+/g') 192\.0\.2\.21:$P" 'and where she is'
printf 'innernet-knock 1\nkey AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nend\n' >"$WORK/knock"
is "$(ask alice --data-binary "@$WORK/knock" "$SERVER/v1/knock")" 'unknown-peer: the asker sees no peer with this key
404' 'an invisible peer is not there for her'

# ---- one that moves without end -------------------------------------------------------------------------------------

spawn bob daemon innernet up corp --daemon
spawn alice daemon innernet up corp --daemon
ok 'all is quiet' wait_for 45 own_is alice "[\"192.0.2.21:$P\"]"
polls=$(metric polls_total) announced=$(metric hint_announcements_total) reports=$(metric endpoint_reports_total)
end=$((SECONDS + 10))
while [ $SECONDS -lt $end ]; do
	on alice ip address add 192.168.77.1/24 dev docker0
	passes 1.2
	on alice ip address del 192.168.77.1/24 dev docker0
	passes 1.2
done
said=$(($(metric endpoint_reports_total) - reports)) told=$(($(metric hint_announcements_total) - announced))
woken=$(($(metric polls_total) - polls))
ok "it says so ($said times in 10 s)" [ "$said" -ge 4 ]
ok "and other peers are told at most six times, and once more each 20 s ($told)" [ "$told" -le 7 ]
ok "the fleet is left alone ($woken polls of two)" [ "$woken" -le $((2 * told + 4)) ]
done_testing
