#!/usr/bin/env bash
# The peers' names in the hosts file: written with the first snapshot, changed with each, repaired, and planned for.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/offers.sh"

hub_new
host_new alice 192.0.2.2
printf '127.0.0.1 localhost\n\tkept  as it is # \xff\n' >"$WORK/alice/foreign"
on alice sh -c 'cat foreign >/etc/hosts; chmod 0664 /etc/hosts; chown 12:34 /etc/hosts'
machine=$(sha256sum /etc/hosts)
invite_alice
accept_alice
block() { # HOST: what is ours of the file
	on "$1" sed -n '/^# innernet corp begin$/,/^# innernet corp end$/p' "${2:-/etc/hosts}"
}
foreign() { on "$1" sed '/^# innernet corp begin$/,/^# innernet corp end$/d' /etc/hosts; }
names() { block "$@" | grep -v '^#'; }
resolves() { on "$1" getent hosts "$2" | awk '{ print $1 }'; }

beside() { on alice sh -c 'ls -A /etc/ | grep hosts; ls -A /'; }
before=$(beside)
ok 'a machine joins' on alice innernet install alice.yaml
is "$(block alice)" "# innernet corp begin
# Made from the definition of the network; what is changed here is undone.
10.60.0.1 hub.corp.wg
10.60.64.2 alice.corp.wg
10.60.64.3 bob.corp.wg
# innernet corp end" 'and has the names of the network'
ok 'which the system knows' ping_works alice hub.corp.wg
is "$(foreign alice | sha256sum)" "$(sha256sum <"$WORK/alice/foreign")" 'what else is in the file stays, byte for byte'
is "$(on alice stat -c '%a %u:%g' /etc/hosts)" '664 12:34' 'its mode and its owner too'
is "$(beside)" "$before" 'no temporary file is left, in / or elsewhere'
is "$(on alice innernet plan corp --offline 2>/dev/null)" 'No changes. Interface corp is as the network defines it.' \
	'then the plan is empty'
ALICE="  alice: { ip: 10.60.64.2, public_key: \"$(cat "$OFFER/alice.key")\" }"

# ---- a rename, by a command -----------------------------------------------------------------------------------------
definition 1 "$ALICE"
sed -i 's/^  bob:/  robert:/' "$DEF/network.yaml"
offer_of alice >"$WORK/hub/v1"
offer "$WORK/hub/v1"
out=$(on alice innernet plan corp --detailed-exitcode 2>/dev/null)
is "$?: $out" '2: No changes. Interface corp is as the network defines it.

Change: names in /etc/hosts
  - 10.60.64.3 bob.corp.wg
  + 10.60.64.3 robert.corp.wg

Names: 1 to add, 1 to remove.' 'a rename is planned, and is no change of the interface'
is "$(on alice innernet plan corp --offline --json 2>/dev/null | jq -c '[.ops, .names]')" \
	'[[],{"file":"/etc/hosts","differs":true,"drift":false,"add":["10.60.64.3 robert.corp.wg"],"remove":["10.60.64.3 bob.corp.wg"]}]' \
	'in JSON too'
is "$(names alice | tail -n 1)" '10.60.64.3 bob.corp.wg' 'a plan writes nothing'
sessions() { on "$1" wg show corp latest-handshakes | sort; } # HOST: wireguard-go lists them in any order
handshake=$(sessions hub)
HUB_LINE=$(sessions alice)
like "$(on alice innernet apply corp --offline --yes 2>/dev/null)" '^Applied: 0 operations and the names in [0-9]+ ms; the second plan is empty\.$' \
	'it is applied'
is "$(names alice | tail -n 1)" '10.60.64.3 robert.corp.wg' 'and the file has the new name alone'
is "$(sessions alice)$(sessions hub)" "$HUB_LINE$handshake" 'no session was touched'

# ---- by the daemon --------------------------------------------------------------------------------------------------
spawn alice up innernet up --daemon corp
wait_log alice up 'corp: version 1.1, ' || fail 'the daemon starts'
definition 2 "$ALICE"
offer_of alice >"$WORK/hub/v2"
offer "$WORK/hub/v2"
has_name() { names alice | grep -qx "$1"; }
ok 'the daemon renames as soon as it hears of it' wait_for 5 has_name '10.60.64.3 bob.corp.wg'
definition 3 "$ALICE"
sed -i 's/ip: 10.60.64.3,/ip: 10.60.64.9,/' "$DEF/network.yaml"
offer_of alice >"$WORK/hub/v3"
offer "$WORK/hub/v3"
ok 'and knows which peer moved' wait_for 5 has_name '10.60.64.9 bob.corp.wg'
nok 'without the old address' has_name '10.60.64.3 bob.corp.wg'
is "$(on alice wg show corp latest-handshakes | grep -F "$HUB_PUB")" "$(grep -F "$HUB_PUB" <<<"$HUB_LINE")" \
	'the session with the hub is the same all the time'

on alice sh -c 'sed -i "s/^10.60.0.1 hub/6.6.6.6 hub/" /etc/hosts'
ok 'an edited block is repaired within 5 s' wait_for 5 has_name '10.60.0.1 hub.corp.wg'
ok 'which is said' wait_log alice up 'drift: corp: repaired what another program had changed: the names in /etc/hosts were changed'
on alice sh -c 'sed -i "/innernet corp begin/,/innernet corp end/d" /etc/hosts'
ok 'one that was taken out too' wait_for 5 has_name '10.60.0.1 hub.corp.wg'
is "$(foreign alice | sha256sum)" "$(sha256sum <"$WORK/alice/foreign")" 'the rest is still what it was'
on alice sh -c 'echo "192.0.2.77 mine" >>/etc/hosts'
inode=$(on alice stat -c %i /etc/hosts)
on alice sh -c 'sleep 5'
is "$(on alice stat -c %i /etc/hosts)" "$inode" 'a change outside of the block is nothing to write for'

# ---- broken ---------------------------------------------------------------------------------------------------------
on alice sh -c 'sed -i "/innernet corp end/d" /etc/hosts'
before=$(on alice sha256sum /etc/hosts)
ok 'a block without an end is said' wait_log alice up \
	'names: corp: /etc/hosts, line [0-9]+: a block begins and does not end; the file is left alone' 10
is "$(on alice sha256sum /etc/hosts)" "$before" 'and left alone'
on alice wg set corp peer "$BOB_PUB" remove
ok 'the interface is looked after all the same' wait_for 6 eval 'on alice wg show corp peers | grep -qF "$BOB_PUB"'
is "$(grep -c 'names: corp: ' "$(log_of alice up)")" 1 'it is said once'
out=$(on alice innernet apply corp --offline --yes 2>&1)
is $? 0 'the plan for the interface is still one'
is "$(grep -c 'warning\[hosts-broken\]' <<<"$out")" 1 'with one warning'
on alice sh -c 'cat foreign >/etc/hosts'
ok 'when the file is repaired, it goes on' wait_for 6 has_name '10.60.0.1 hub.corp.wg'
stop alice up

# ---- where it is a mount, elsewhere, or nowhere ---------------------------------------------------------------------
on alice sh -c 'cp /etc/hosts /run/hosts; mount --bind /run/hosts /etc/hosts'
inode=$(on alice stat -c %i /etc/hosts)
definition 4 "$ALICE"
offer_of alice >"$WORK/hub/v4"
offer "$WORK/hub/v4"
ok 'a hosts file that is a mount' on alice innernet fetch corp
ok 'is written' has_name '10.60.64.3 bob.corp.wg'
is "$(on alice stat -c %i /etc/hosts)" "$inode" 'in place'
ok 'and has nothing else in it' eval '[ "$(foreign alice)" = "$(cat "$WORK/alice/foreign")" ]'
on alice umount /etc/hosts

before=$(on alice sha256sum /etc/hosts)
on alice innernet up corp --hosts-path /run/names --host-suffix internal.example >/dev/null 2>&1
is "$(names alice /run/names)" '10.60.0.1 hub.corp.internal.example
10.60.64.2 alice.corp.internal.example
10.60.64.3 bob.corp.internal.example' 'another file, and another suffix'
on alice innernet up corp --no-write-hosts >/dev/null 2>&1
is "$(on alice sha256sum /etc/hosts)" "$before" 'and none'
is "$(on alice innernet plan corp --offline --no-write-hosts --json 2>/dev/null | jq -c .names)" null 'in the plan neither'
like "$(on alice innernet up corp --hosts-path names 2>&1)" "^innernet: --hosts-path takes an absolute path, not 'names'" \
	'a path has to be absolute'
like "$(on alice innernet up corp --host-suffix 'a b' 2>&1)" "^innernet: --host-suffix takes a domain name, not 'a b'" \
	'a suffix a domain name'

# ---- what install was told stays so ---------------------------------------------------------------------------------
on alice sh -c 'innernet down corp && rm -r /etc/innernet /var/lib/innernet; cat foreign >/etc/hosts' >/dev/null
on hub wg set corp peer "$(cat "$OFFER/alice.key")" remove
definition 5
rm "$WORK/alice/alice.yaml"
no_offer
invite_alice
accept_alice
ok 'a machine joins with names elsewhere' on alice innernet install alice.yaml --hosts-path /run/other --host-suffix lan
like "$(names alice /run/other)" '^10.60.0.1 hub.corp.lan$' 'they are there'
on alice sh -c 'rm /run/other'
ok 'and there again' on alice innernet up corp
like "$(names alice /run/other)" '^10.60.0.1 hub.corp.lan$' 'without being told so again'
is "$(on alice cat /etc/hosts | sha256sum)" "$(sha256sum <"$WORK/alice/foreign")" '/etc/hosts has none'
like "$(on alice cat /etc/innernet/corp.yaml)" '^ *path: /run/other$' 'it stands in its own file'

is "$(sha256sum /etc/hosts)" "$machine" "and this machine's own hosts file was never touched"
done_testing
