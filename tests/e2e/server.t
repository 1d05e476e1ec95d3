#!/bin/bash
# The server on a machine of its own: what it is asked to do, what it does by itself, what it survives.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.2
host_new bob 192.0.2.3
on hub git config --global user.name Admin
on hub git config --global user.email admin@example.com

CONFIG=/etc/innernet-reconcile/snet.yaml
init() { # [OPTION...]
	on hub innernet-reconcile init --network-name snet --network-cidr 10.61.0.0/16 \
		--external-endpoint 192.0.2.1:51820 --server-name hub "$@"
}
status() { on hub innernet-reconcile status snet; }
status_has() { status 2>&1 | grep -qE -e "$1"; } # REGEX
wg_has() { on "$1" wg show snet allowed-ips 2>/dev/null | grep -qF -e "$2"; } # HOST TEXT
edit() { # SED-SCRIPT MESSAGE: one commit, pushed
	on hub sed -i -e "$1" network/network.yaml && on hub git -C network commit -q -a -m "$2" &&
		on hub git -C network push -q
}
smuggle() { # [SED-SCRIPT]: the same past the hooks, which would refuse it; a history that was rewritten too
	[ -z "${1:-}" ] || on hub sh -c "sed -i -e '$1' network/network.yaml && git -C network commit -q -a -m smuggled"
	on hub git -C /var/lib/innernet-reconcile/snet/network.git fetch -q "$WORK/hub/network" +HEAD:main
}
tip() { on hub git -C network rev-parse HEAD; }

# ---- init -----------------------------------------------------------------------------------------------------------

like "$(on hub innernet-reconcile --watch snet 2>&1)" 'innernet-reconcile init.*makes it' 'without a network the server says how to make one'
ok 'init makes a network' init
is "$(on hub stat -c %a "$CONFIG")" 600 'its keys are for root alone'
before=$(on hub sha256sum "$CONFIG")
nok 'init does not replace one that is there' init
is "$(on hub sha256sum "$CONFIG")" "$before" 'and changes nothing'
nok 'nor takes over a repository that is there' \
	on hub innernet-reconcile init --network-name other --network-cidr 10.62.0.0/16 --external-endpoint 192.0.2.1:51821 \
	--repository /var/lib/innernet-reconcile/snet/network.git
ok 'a file of keys is only written with its repository' not on hub test -e /etc/innernet-reconcile/other.yaml
ok 'init takes two stacks and a CIDR of the server' \
	on hub innernet-reconcile init --network-name two --network-cidr 'fd00:62::/48,10.62.0.0/16' \
	--external-endpoint '[2001:DB8::1]:51821' --server-cidr 'core=10.62.8.0/24,fd00:62:0:8::/64' \
	--repository "$WORK/hub/two.git"
like "$(on hub git -C two.git show main:network.yaml)" 'ip: \["10\.62\.8\.1", "fd00:62:0:8::1"\]' 'whose first addresses it takes'
is "$(on hub sh -c 'umask 000; innernet-reconcile init --network-name open --network-cidr 10.63.0.0/16 \
	--external-endpoint a:1 >/dev/null && find /var/lib/innernet-reconcile/open -perm /022 ! -type l')" '' \
	'no other user may write to its repository, whatever the umask'
like "$(on hub innernet-reconcile init --network-name x --network-cidr 10.0.0.1/8 --external-endpoint a:1 2>&1)" \
	'did you mean 10\.0\.0\.0/8' 'host bits are refused with what was meant'

like "$(on hub innernet-reconcile init --network-name eth0 --network-cidr 10.64.0.0/16 --external-endpoint a:1 2>&1)" \
	'^error\[device-not-wireguard\]: eth0: ' 'a name that another interface has is refused'
ok 'with nothing made' on hub test ! -e /etc/innernet-reconcile/eth0.yaml -a ! -e /var/lib/innernet-reconcile/eth0

on hub sh -c 'echo "{}" >/var/lib/innernet-reconcile/open/status.json'
nok 'a status that says nothing is not a good one' on hub innernet-reconcile status open

# ---- one turn -------------------------------------------------------------------------------------------------------

like "$(on hub innernet-reconcile snet 2>&1)" 'published: version 0\.1' 'a single run publishes'
ok 'and makes the interface' on hub wg show snet public-key
like "$(on hub innernet-reconcile reconcile snet 2>&1)" 'nothing new' 'a second one finds nothing new'
on hub git clone -q /var/lib/innernet-reconcile/snet/network.git network
on hub sh -c "cp network/network.yaml good.yaml && echo 'peers: [' >> network/network.yaml && cd network && git commit -qam broken"
smuggle
on hub innernet-reconcile snet >/dev/null 2>&1
is $? 3 'a single run that refuses a commit says so with its exit code'
on hub sh -c 'cd network && git revert --no-edit HEAD >/dev/null && git push -q'

# ---- watching -------------------------------------------------------------------------------------------------------

spawn hub server innernet-reconcile --watch snet
ok 'the server listens inside the network' wait_for 20 on hub sh -c "ss -Hltn 'sport = :51820' | grep -q '%snet:51820'"
like "$(on hub innernet-reconcile snet 2>&1)" 'another innernet-reconcile runs' 'a second server of one network is refused'
edit 's/^cidrs:/cidrs:\n  humans: 10.61.64.0\/24\n  build: 10.61.65.0\/24/' 'CIDRs'
for who in alice bob; do
	on hub sh -c "cd network && innernet add-peer --name $who --auto-ip --cidr humans --save-config ../$who.yaml --commit --push --yes" >/dev/null
	install -m 0600 "$WORK/hub/$who.yaml" "$WORK/$who/invitation.yaml"
	ok "$who joins" on "$who" innernet install invitation.yaml
	spawn "$who" daemon innernet up --daemon snet
done
ok 'alice reaches bob' wait_for 20 ping_works alice 10.61.64.2 1
ok 'both have converged' wait_for 20 status_has '2 of 2 peers run it'
ok 'the status is good' status

# ---- refused revisions ----------------------------------------------------------------------------------------------

was=$(status | head -n 1)
smuggle 's/^  humans:.*/  humans: 10.99.0.0\/24/' # a prefix outside
bad=$(tip)
ok 'a bad commit is refused' wait_for 10 status_has "Valid +False +prefix-outside +commit ${bad:0:12}"
is "$(status | head -n 1)" "$was" 'and what was published stays'
like "$(status)" '^ *--> network\.yaml:[0-9]+:[0-9]+' 'the status says where it is wrong'
nok 'the status is not good then' status
note_has() { on hub git -C /var/lib/innernet-reconcile/snet/network.git notes --ref innernet show "$1" 2>/dev/null | grep -qE -e "$2"; }
ok 'the refused commit says so in git' wait_for 10 note_has "$bad" '^error\[prefix-outside\]'
ok 'the one before says which version it became' note_has "$bad^" '^published as version 0\.[0-9]+$'
like "$(status)" "Z  ${bad:0:12}  refused    prefix-outside: " 'the history has the refusal'
like "$(status)" '^peers: 2/2 on 0\.[0-9]+$' 'the converged peers are one line'
ok 'the network runs on' ping_works alice 10.61.64.2
on hub sh -c 'cd network && git reset -q --hard HEAD~3'
smuggle
ok 'a rewound history is refused' wait_for 10 status_has 'Valid +False +history-rewound'
ok 'the network runs on with that' ping_works alice 10.61.64.2
on hub sh -c "cd network && git reset -q --hard $bad && git revert --no-edit HEAD >/dev/null && git push -q --force"
ok 'going on from the published one is taken' wait_for 10 status_has 'Valid +True'

# ---- suspended ------------------------------------------------------------------------------------------------------

nok 'a reason of two lines is refused' on hub innernet-reconcile suspend snet --reason $'two\nlines'
nok 'nor is a network suspended that is not here' on hub innernet-reconcile suspend elsewhere
like "$(on hub innernet-reconcile suspend snet --reason 'the disk is full')" "'snet' is suspended" 'a network can be suspended'
ok 'the status says why' wait_for 5 status_has 'Suspended +True +ByHand +the disk is full'
like "$(edit 's/^cidrs:/cidrs:\n  while-away: 10.61.90.0\/24/' 'while suspended' 2>&1)" \
	'not published yet, the network is suspended: the disk is full' 'the pusher is told'
is "$(on hub innernet-reconcile reconcile snet --now)" 'suspended: the disk is full' 'a look says so too'
on hub innernet-reconcile reconcile snet --now >/dev/null
is $? 3 'with its exit code'
is "$(status | head -n 1 | grep -c "$(tip | cut -c 1-12)")" 0 'nothing new is published'
ok 'the network runs on while suspended' ping_works alice 10.61.64.2
like "$(on hub innernet-reconcile resume snet)" 'publishes new revisions again' 'and resumed'
now=$(tip)
ok 'what came meanwhile is taken' wait_for 5 status_has "Valid +True +Valid +commit ${now:0:12}"
nok 'the status has no word of it any more' status_has Suspended
like "$(on hub innernet-reconcile resume snet)" 'was not suspended' 'resuming twice is harmless'
like "$(on hub innernet-reconcile reconcile snet --now)" '^nothing new: commit .* says the same' 'a look says that there is nothing new'
smuggle 's/^  while-away:.*/  while-away: 10.98.0.0\/24/'
like "$(on hub innernet-reconcile reconcile snet)" '^error\[prefix-outside\]: ' 'a look says what is refused and why'
on hub sh -c 'cd network && git revert --no-edit HEAD >/dev/null && git push -q'

# ---- drift ----------------------------------------------------------------------------------------------------------

key=$(on alice wg show snet public-key)
on hub wg set snet peer "$key" remove
ok 'a peer that was removed by hand is back' wait_for 8 wg_has hub "$key"
ok 'which is said' wait_log hub server 'drift: snet was changed by another program'
on hub ip address del 10.61.0.1/32 dev snet
ok 'an address that was removed by hand is back' wait_for 8 on hub sh -c 'ip -o address show dev snet | grep -q 10.61.0.1'
on hub ip link del snet
ok 'an interface that was deleted by hand is back' wait_for 15 wg_has hub "$key"
ok 'and the server listens on the new one' wait_for 10 status_has 'Ready +True'
edit 's/^cidrs:/cidrs:\n  more: 10.61.66.0\/24/' 'another CIDR'
on hub sh -c "cd network && innernet add-peer --name late --auto-ip --cidr humans --save-config ../late.yaml --commit --push --yes" >/dev/null
now=$(tip)
ok 'the newest commit is published' wait_for 10 status_has "Published +True +Published +commit ${now:0:12}"
ok 'peers follow it there' wait_for 50 status_has '2 of 2 peers run it'

# ---- an invite that expires by itself -------------------------------------------------------------------------------

late=$(on hub wg show snet allowed-ips | grep -F 10.61.64.3/32 | cut -f 1)
isnt "$late" '' 'an open invite is on the interface with its temporary key'
edit "s/^\( *invite_expires: \).*/\1$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)/" 'expires in a moment'
ok 'it leaves by itself when it expires' wait_for 15 not wg_has hub "$late"

# ---- moving, disabling ----------------------------------------------------------------------------------------------

edit 's/ip: 10\.61\.64\.1$/ip: 10.61.65.7/' 'alice moves'
ok 'a peer that moved has its new address' wait_for 20 on alice sh -c 'ip -o address show dev snet | grep -q 10.61.65.7'
ok 'and reaches the server from it' wait_for 20 ping_works alice 10.61.0.1 1
ok 'its old address is let go' wait_for 10 not wg_has hub 10.61.64.1/32
key=$(on bob wg show snet public-key)
edit 's/ip: 10\.61\.64\.2$/ip: 10.61.64.2\n    disabled: true/' 'bob is disabled'
ok 'a disabled peer leaves the interface' wait_for 10 not wg_has hub "$key"
ok 'and cannot reach the server any more' ping_fails bob 10.61.0.1

# ---- an interface that cannot be read for a while --------------------------------------------------------------------

socket=/run/wireguard/snet.sock # the kernel's interface cannot be taken away like this
if on hub test -S $socket; then
	edit '/disabled: true/d' 'bob is back'
	ok 'a peer that is enabled again is reached' wait_for 20 ping_works bob 10.61.0.1 1
	before=$(grep -c 'published: ' "$(log_of hub server)")
	wait_for 6 false # until the server has looked where the peers are
	on hub mv $socket $socket.away
	on hub sh -c "cd network && sed -i '/^  bob:/,/^  [a-z]/{/^  bob:/d;/^    /d}' network.yaml && git commit -qam 'bob goes' && git push -q"
	published_again() { [ "$(grep -c 'published: ' "$(log_of hub server)")" -gt "$before" ]; }
	ok 'a revision is published without the interface' wait_for 10 published_again
	ok 'and peers are told, though those that were seen last are others now' on alice innernet fetch snet
	ok 'by a server that still runs' runs hub server
	on hub mv $socket.away $socket
	ok 'a removed peer is taken away when the interface is back' wait_for 15 not wg_has hub "$key"
fi

# ---- stopping and starting ------------------------------------------------------------------------------------------

ok 'SIGTERM ends the server' stop hub server
unlike "$(cat "$(log_of hub server)")" 'Sanitizer|runtime error' 'without a complaint of a sanitizer'
ok 'the interface stays' on hub wg show snet public-key
ok 'and so does the network' ping_works alice 10.61.0.1
mv "$WORK/hub/network" "$WORK/hub/network.away"
on hub mv /var/lib/innernet-reconcile/snet/network.git /var/lib/innernet-reconcile/snet/away.git
spawn hub server innernet-reconcile --watch snet
ok 'a server without its repository serves what was published' wait_log hub server 'restored: version'
ok 'it says what is missing' wait_for 10 status_has 'Ready +False +Repository'
on hub mv /var/lib/innernet-reconcile/snet/away.git /var/lib/innernet-reconcile/snet/network.git
ok 'and goes on when it is back' wait_for 15 status_has 'Ready +True'
stop hub server KILL
on hub ip link del snet
spawn hub blocker python3 -c '
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 51820)); s.listen(); time.sleep(1000)'
wait_for 10 on hub sh -c "ss -Hltn 'sport = :51820' | grep -q 51820"
spawn hub server innernet-reconcile --watch snet
ok 'a port in use is a condition, not the end' wait_for 15 status_has 'Ready +False +NotListening'
stop hub blocker KILL
ok 'and over when the port is free' wait_for 15 status_has 'Ready +True'

# ---- ending it ------------------------------------------------------------------------------------------------------

DATA=/var/lib/innernet-reconcile/snet
like "$(on hub innernet-reconcile uninstall snet --yes 2>&1)" "the server of 'snet' runs" 'a server that runs is not taken away'
ok 'and its status is well' status
stop hub server
like "$(status 2>&1; echo "exit $?")" "^warning\[not-running\]: no server of 'snet' runs$" \
	'of one that runs no more the status says so'
nok 'and it is not a good one' status
like "$(on hub innernet-reconcile uninstall snet 2>&1 </dev/null)" '^error\[not-confirmed\]: nothing was changed' \
	'without a yes it shows what would go'
ok 'and nothing is gone' on hub test -e "$CONFIG" -a -e $DATA/published/current -a -e /run/wireguard/snet.sock
ok 'uninstall ends it' on hub innernet-reconcile uninstall snet --yes
nok 'its interface is gone' on hub wg show snet
is "$(on hub sh -c "ls -A $DATA $CONFIG" 2>/dev/null)" "$DATA:
network.git" 'so are its files; the repository stays'
ok 'with its history and without our hooks' on hub sh -c "git -C $DATA/network.git rev-parse -q --verify main && test ! -e $DATA/network.git/hooks/pre-receive"
on hub git init -q tree
on hub sed -i "s|^repository:.*|repository: $WORK/hub/tree|" /etc/innernet-reconcile/two.yaml
nok 'a work tree is not removed' on hub innernet-reconcile uninstall two --yes --repository
ok 'and nothing with it' on hub test -e /etc/innernet-reconcile/two.yaml -a -d tree/.git
on hub sed -i "s|^repository:.*|repository: $WORK/hub/two.git|" /etc/innernet-reconcile/two.yaml
ok 'with --repository that goes too' on hub innernet-reconcile uninstall two --yes --repository
ok 'and nothing is left' on hub test ! -e /etc/innernet-reconcile/two.yaml -a ! -e two.git -a ! -e /var/lib/innernet-reconcile/two

done_testing
