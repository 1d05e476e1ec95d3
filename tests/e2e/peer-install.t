#!/usr/bin/env bash
# `innernet install`: once, twice, interrupted, and with every kind of invitation that is no good.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

hub_new
host_new alice 192.0.2.2
invite_alice

# ---- what is refused before anything is touched ---------------------------------------------------------------------
nothing_left() { on alice sh -c '! ip link show corp && ! test -e /etc/innernet/corp.yaml' 2>/dev/null; }

chmod 644 "$WORK/alice/alice.yaml"
out=$(on alice innernet install alice.yaml 2>&1)
is $? 1 'an invitation that other users can read is refused'
like "$out" 'error\[file-permissions\]: alice.yaml holds secrets, but other users can read or change it \(mode 0644\)' \
	'and says why'
chmod 600 "$WORK/alice/alice.yaml"
sed 's/^mtu: .*/mtu: 12x/' "$WORK/alice/alice.yaml" >"$WORK/alice/bad.yaml"
chmod 600 "$WORK/alice/bad.yaml"
out=$(on alice innernet install bad.yaml 2>&1)
is $? 1 'a damaged invitation is refused'
like "$out" "error\[bad-invitation\]: bad.yaml: 'mtu' must be a whole number from 1280 to 65535" 'and says where'
unlike "$out" "$(sed -n 's/^seed: //p' "$WORK/alice/alice.yaml")" 'without showing the secret'
out=$(on alice innernet install none.yaml 2>&1)
like "$out" 'none.yaml: No such file' 'one that is not there is named'
out=$(on alice setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all innernet install alice.yaml 2>&1)
is $? 1 'without permission it fails'
like "$out" 'run it as root, or as the user that owns the file' 'and says what to do'
on alice sh -c 'wireguard-go corp >/dev/null 2>&1'
wait_for 5 on alice wg show corp
out=$(on alice innernet install alice.yaml 2>&1)
like "$out" "error\[interface-exists\]: there is a WireGuard interface 'corp' already, which is not ours" \
	'an interface of that name is not taken over'
on alice ip link del corp
wait_for 5 on alice sh -c '! test -e /run/wireguard/corp.sock'
ok 'nothing was left behind' nothing_left

# ---- answers that are final -----------------------------------------------------------------------------------------
while read -r status code text; do
	refuse_alice "$status" "$code: no"
	out=$(on alice innernet install alice.yaml 2>&1)
	is $? 1 "$status: install fails"
	like "$out" "^error\[$code\]: $text" "$status: with one sentence"
	ok "$status: nothing is left" nothing_left
done <<'ANSWERS'
401 invite-expired the invitation has expired: ask for a new one
403 not-invited the server does not accept this invitation: it was replaced or withdrawn
409 key-known the server knows this machine's new key already: run it again, with another key
410 invite-used the invitation was used already: ask for a new one
ANSWERS

# One that has expired by this machine's clock, which may be wrong: asked all the same, and said before.
refuse_alice 401 'invite-expired: no'
on alice sh -c 'umask 077 && sed "s/^expires: .*/expires: 1700000000/" alice.yaml >expired.yaml'
out=$(on alice innernet install expired.yaml 2>&1)
is "$(sed -n '/says that/p' <<<"$out")" \
	'redeeming the invitation, which says that it expired at 2023-11-14T22:13:20Z...
  note: the invitation says that it expired at 2023-11-14T22:13:20Z' 'a person that waits is told what it says'

# ---- no answer, then one --------------------------------------------------------------------------------------------
refuse_alice 503 'ledger-unavailable: later'
out=$(on alice innernet install alice.yaml 2>&1)
is $? 1 'a server that cannot redeem now: install fails'
like "$out" 'error\[not-now\]: the invitation cannot be redeemed now: server hub answered 503' 'and says so'
nok 'the interface is gone' on alice ip link show corp
is "$(on alice stat -c %a /etc/innernet/corp.yaml)" 600 'the new key is kept, for its owner alone'
like "$(on alice cat /etc/innernet/corp.yaml)" '^state: pending$' 'as pending'
key=$(on alice sed -n 's/^private_key: //p' /etc/innernet/corp.yaml)
out=$(on alice innernet up corp 2>&1)
like "$out" "error\[not-redeemed\]: the invitation to 'corp' has not been redeemed yet" 'until then it cannot be brought up'

# No server answers: as it looks when the invitation is void, too.
on hub wg set corp peer "$TEMPORARY" remove
out=$(on alice innernet install alice.yaml 2>&1)
is $? 1 'no answer at all: install fails'
like "$out" 'error\[no-answer\]: no server answered: it cannot be reached, or the invitation was used, has expired or was replaced' \
	'and says what it may be'
like "$out" '^  help: when the servers can be reached \(192\.0\.2\.1:51820 by UDP\), run it again; else ask for a new invitation$' \
	'with where they are'
on hub wg set corp peer "$TEMPORARY" allowed-ips 10.60.64.2/32

accept_alice
out=$(on alice innernet install alice.yaml 2>&1)
is $? 0 'run again, it goes on'
like "$out" '^This machine is alice \(10.60.64.2\) in the network corp.$' 'and says which peer it is'
like "$out" '^It reaches 2 peers: hub, bob$' 'and which peers it reaches'
is "$(on alice sed -n 's/^private_key: //p' /etc/innernet/corp.yaml)" "$key" 'with the key that was on disk first'
is "$(on alice wg show corp private-key)" "$key" 'the interface has it'
ok 'the hub can be pinged' ping_works alice 10.60.0.1
is "$(peers_on alice)" "$(printf '%s\t10.60.0.1/32\n%s\t10.60.64.3/32\n' "$HUB_PUB" "$BOB_PUB" | sort)" \
	'each peer has its allowed IPs'
like "$(on alice ip route show dev corp)" '^10.60.0.0/16 ' 'there is a route'
is "$(on alice stat -c %a /var/lib/innernet/corp/snapshot)" 600 'the snapshot is on disk'

# ---- twice ----------------------------------------------------------------------------------------------------------
out=$(on alice innernet install alice.yaml 2>&1)
is $? 1 'a second install is refused'
like "$out" "error\[already-installed\]: this machine is in the network 'corp' already, by this invitation" 'with a clear word'
out=$(on alice innernet install alice.yaml --name other 2>&1)
is "$? $(head -n 1 <<<"$out")" "1 error[already-installed]: this invitation is that of 'corp' on this machine already" \
	'so is one under another name'
nok 'which leaves no file' on alice test -e /etc/innernet/other.yaml
is "$(on alice wg show corp private-key)" "$key" 'and touches nothing'

# ---- the answer was lost: interrupted between the server's commit and our own ---------------------------------------
on alice innernet down corp >/dev/null
on alice sed -i 's/^state: redeemed/state: pending/' /etc/innernet/corp.yaml
on alice rm -r /var/lib/innernet/corp
refuse_alice 410 'invite-used: no'
sed -i "s|^  bob:.*|  bob: { ip: 10.60.64.3, public_key: \"$BOB_PUB\", routes: [192.168.7.0/24, 172.16.0.0/12] }|" \
	"$DEF/network.yaml"
offer_of alice >"$WORK/with-routes"
offer "$WORK/with-routes"
out=$(on alice innernet install alice.yaml --delete-invite 2>&1)
is $? 0 'after a lost answer the new key is tried first'
like "$out" '^Routes through it: 172.16.0.0/12 \(bob\), 10.60.0.0/16 \(the network\), 192.168.7.0/24 \(bob\)$' \
	'what goes through the interface is said'
is "$(on alice ip -4 route show dev corp | cut -d' ' -f1)" "$(printf '10.60.0.0/16\n172.16.0.0/12\n192.168.7.0/24')" \
	'and is so'
ok 'and works' ping_works alice 10.60.0.1
nok 'the invitation was deleted, as asked' test -e "$WORK/alice/alice.yaml"

# ---- killed at any moment, it can be run again ----------------------------------------------------------------------
again() { # as if alice had never been: a new invitation for her
	on alice innernet down corp >/dev/null 2>&1
	on alice rm -rf /etc/innernet /var/lib/innernet alice.yaml
	on hub wg set corp peer "$(cat "$OFFER/alice.key")" remove
	definition 0 ''
	invite_alice
	accept_alice
	no_offer
}
for ms in 005 020 080 160; do
	again
	on alice timeout -s KILL "0.$ms" innernet install alice.yaml >/dev/null 2>&1
	key=$(on alice sed -n 's/^private_key: //p' /etc/innernet/corp.yaml 2>/dev/null)
	out=$(on alice innernet install alice.yaml 2>&1)
	# When it had come to its end, that is what it says.
	like "$?: $out" '^0: |already-installed' "killed after $ms ms: run again, it ends well"
	ok "$ms ms: and works" wait_for 10 ping_works alice 10.60.0.1 1
	[ -z "$key" ] || is "$(on alice wg show corp private-key)" "$key" "$ms ms: with the key that it had made first"
done
done_testing
