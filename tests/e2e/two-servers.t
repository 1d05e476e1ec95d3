#!/usr/bin/env bash
# Two servers on one remote repository: the same bytes, one ledger, and peers that go over to the one that is left.
. "$(dirname "$0")/lib.sh"

host_new hub 192.0.2.1
host_new spare 192.0.2.4
host_new alice 192.0.2.2
host_new bob 192.0.2.3
REMOTE=file://$WORK/network.git
export GIT_AUTHOR_NAME=Admin GIT_AUTHOR_EMAIL=admin@example.com GIT_COMMITTER_NAME=Admin GIT_COMMITTER_EMAIL=admin@example.com
git init -q --bare -b main "$WORK/network.git"

status_has() { on "$1" innernet-reconcile status corp 2>&1 | grep -qE -e "$2"; } # HOST REGEX
statement() { on "$1" innernet-reconcile status corp --json | jq -r .statement; } # HOST
wg_has() { on "$1" wg show corp allowed-ips 2>/dev/null | grep -qF -e "$2"; }     # HOST TEXT
edit() { # SED-SCRIPT MESSAGE: one commit, pushed to the remote
	sed -i -e "$1" "$WORK/clone/network.yaml" && git -C "$WORK/clone" commit -q -a -m "$2" && git -C "$WORK/clone" push -q
}
tip() { git -C "$WORK/clone" rev-parse --short=12 HEAD; }
invite() { # NAME: an invitation on the host of that name
	(cd "$WORK/clone" && innernet add-peer --name "$1" --auto-ip --cidr humans --save-config "../$1.yaml" --commit --push --yes) >/dev/null 2>&1
	install -m 0600 "$WORK/$1.yaml" "$WORK/$1/invitation.yaml"
}

# ---- the first server -----------------------------------------------------------------------------------------------

like "$(on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.1:51820 \
	--server-name hub --remote "$WORK/none.git" 2>&1)" '^error\[remote-away\]: .*none\.git. does not appear to be a git repository' \
	'a remote that is not there is said'
ok 'and nothing is made' on hub test ! -e /etc/innernet-reconcile/corp.yaml -a ! -e /var/lib/innernet-reconcile/corp
mkdir "$WORK/there.git"
like "$(on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.1:51820 \
	--remote "$REMOTE" --repository "$WORK/there.git" 2>&1)" '^error\[repository-exists\]: .*there\.git exists already$' \
	'a folder in the way is said'
is "$(git ls-remote "$REMOTE")" '' 'before anything is on the remote'
ok 'init makes a network on a remote' on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 \
	--external-endpoint 192.0.2.1:51820 --server-name hub --remote "$REMOTE" --interval 1
like "$(git -C "$WORK/network.git" show main:network.yaml)" '^network: corp$' 'which has its definition'
like "$(on spare innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.4:51820 \
	--remote "$REMOTE" 2>&1)" '^error\[remote-not-empty\].*' 'another network does not go there as well'
like "$(on hub innernet-reconcile corp 2>&1)" '^published: version 0\.1' 'a single run publishes'
is "$(git -C "$WORK/network.git" ls-tree -r --name-only innernet/enrolments | grep -c ^addresses/)" 1 \
	'and ends when the remote has the ledger'
is "$(git -C "$WORK/network.git" notes --ref innernet show main)" 'published as version 0.1' 'and the note'
spawn hub server innernet-reconcile --watch corp
ok 'the server runs' wait_for 20 status_has hub 'Ready +True'
ok 'it says what it follows' wait_for 20 status_has hub "^remote: $REMOTE, reached 20..-..-..T"
git clone -q "$REMOTE" "$WORK/clone"
edit 's/^cidrs:/cidrs:\n  humans: 10.60.64.0\/24/' 'humans'
ok 'what is pushed to the remote is looked at' wait_for 20 status_has hub "Valid +True +Valid +commit $(tip)"
invite alice
ok 'an invite too' wait_for 20 status_has hub "Published +True +Published +commit $(tip)"
ok 'alice joins, through the remote' on alice innernet install invitation.yaml
is "$(git -C "$WORK/network.git" ls-tree -r --name-only innernet/enrolments | grep -c ^enrolments/)" 1 'her enrolment is there'
spawn alice daemon innernet up --daemon corp

# ---- the second ------------------------------------------------------------------------------------------------------

said=$(on spare innernet-reconcile init --join --remote "$REMOTE" --interval 3600 --external-endpoint 192.0.2.4:51820 \
	--server-name spare)
like "$said" "^This machine can be another server of 'corp'" 'another machine joins'
like "$said" '^    ip: "10\.60\.0\.2"$' 'with the next address beside the first server'
keys=$(on spare cat /etc/innernet-reconcile/corp.yaml)
is "$(on spare innernet-reconcile init --join --remote "$REMOTE" --interval 3600 --external-endpoint 192.0.2.4:51820 \
	--server-name spare 2>&1)" "$said" 'the same again prints the same, until it is committed'
is "$(on spare cat /etc/innernet-reconcile/corp.yaml)" "$keys" 'and leaves the keys alone'
spawn spare server innernet-reconcile --watch corp
ok 'it waits until it is in the definition' wait_for 20 status_has spare 'Valid +False +server-dropped'
like "$(on spare innernet-reconcile status corp 2>&1)" \
	'^  help: a server does not publish a network without itself; list it with `public_key: "' 'with what to do'
is "$(git -C "$WORK/network.git" notes --ref innernet show main)" "published as version 0.3" 'and leaves the verdict to the server that is'
{
	sed '/^  signers:/d' "$WORK/clone/network.yaml" | sed "s|^trust:.*|&\n$(grep '^  signers:' <<<"$said")|"
	sed -n '/^  spare:/,/server: true/p' <<<"$said"
} | awk '
	# The new peer is printed last: it goes to the end of the section of peers.
	{ line[NR] = $0 }
	END {
		for (i = NR; line[i] !~ /^  spare:/; i--);
		new = i
		for (i = 1; i < new; i++) {
			print line[i]
			if (line[i] == "peers:") for (k = new; k <= NR; k++) print line[k]
		}
	}' >"$WORK/joined.yaml"
cp "$WORK/joined.yaml" "$WORK/clone/network.yaml"
ok 'what it printed is a valid definition' innernet validate "$WORK/clone"
git -C "$WORK/clone" commit -q -a -m 'another server'
plan=$(innernet plan "$WORK/clone" --base HEAD~1 2>&1 | sed -n "s/^  help: when this is meant: git commit --trailer 'Innernet-Accept: \\(.*\\)' .*/\\1/p;T;q")
[ -n "$plan" ] || bail 'its plan does not say what the commit must have'
git -C "$WORK/clone" commit -q --amend --no-edit --trailer "Innernet-Accept: $plan"
git -C "$WORK/clone" push -q
ok 'the first server publishes it' wait_for 20 status_has hub "Published +True +Published +commit $(tip)"
ok 'and then the second, long before its interval' wait_for 60 status_has spare "Published +True +Published +commit $(tip)"
like "$(on spare innernet-reconcile init --join --remote "$REMOTE" --external-endpoint 192.0.2.4:51820 2>&1)" \
	'^error\[network-exists\]' 'a server of the definition does not join again'
ok 'which is to be short from here on' stop spare server
on spare sed -i 's/^interval: .*/interval: 1/' /etc/innernet-reconcile/corp.yaml
spawn spare server innernet-reconcile --watch corp
ok 'it is ready' wait_for 20 status_has spare 'Ready +True'
is "$(statement spare)" "$(statement hub)" 'the same bytes'
ok 'no peer waits for it to ask the first one' status_has hub '^  spare +10.60.0.2 +server +-$'
ok 'alice reaches it' wait_for 20 ping_works alice 10.60.0.2 1

# ---- one ledger ------------------------------------------------------------------------------------------------------

invite bob
ok 'both publish bob' wait_for 20 status_has spare "Published +True +Published +commit $(tip)"
ok 'both' wait_for 20 status_has hub "Published +True +Published +commit $(tip)"
is "$(statement spare)" "$(statement hub)" 'in the same bytes'
ok 'bob joins at one of them' on bob innernet install invitation.yaml
bob=$(on bob wg show corp public-key)
ok 'the first has his key' wait_for 10 wg_has hub "$bob"
ok 'and so has the second' wait_for 10 wg_has spare "$bob"
ok 'he reaches the one' wait_for 20 ping_works bob 10.60.0.1 1
ok 'and the other' wait_for 20 ping_works bob 10.60.0.2 1
spawn bob daemon innernet up --daemon corp
ok 'alice reaches bob' wait_for 20 ping_works alice 10.60.64.2 1

# ---- the remote goes, and comes back -----------------------------------------------------------------------------------

mv "$WORK/network.git" "$WORK/away.git"
ok 'a remote that is away is said' wait_for 20 status_has hub 'Source +False +Away +file://.*does not appear to be a git repository'
ok 'with what it means' status_has hub 'Ready +False +Remote .*invitations cannot be redeemed until it is back'
ok 'what is published stays' ping_works alice 10.60.64.2
like "$(on hub innernet-reconcile reconcile corp --now 2>&1)" '^cannot read the definition: .*does not appear to be a git repository' \
	'a person that asks it to look is told'
mv "$WORK/away.git" "$WORK/network.git"
like "$(on hub innernet-reconcile reconcile corp --now 2>&1)" '^nothing new: ' 'and when it is back'
ok 'all is as before' wait_for 5 status_has hub 'Ready +True'

# ---- one server goes ---------------------------------------------------------------------------------------------------

stop hub server KILL
host_unplug hub
edit 's/^  humans: .*/&\n  more: 10.60.70.0\/24/' 'while the first is gone'
(cd "$WORK/clone" && innernet add-peer --name carol --auto-ip --cidr humans --public-key "$(wg genkey | wg pubkey)" --commit --push --yes) >/dev/null
ok 'the second publishes what is pushed' wait_for 20 status_has spare "Published +True +Published +commit $(tip)"
version=$(on spare innernet-reconcile status corp --json | jq -r '"\(.version.epoch).\(.version.number)"')
knows_carol() { on "$1" innernet show corp 2>/dev/null | grep -q carol; }
ok 'alice goes over to it' wait_for 60 knows_carol alice
ok 'and bob' wait_for 60 knows_carol bob
ok 'and the second knows it' wait_for 20 status_has spare "^peers: 2/3 on ${version//./\\.}; 1 not heard of since the server started: carol"
host_plug hub
spawn hub server innernet-reconcile --watch corp
ok 'the first catches up when it is back' wait_for 20 status_has hub "Published +True +Published +commit $(tip)"
is "$(statement hub)" "$(statement spare)" 'with the same bytes'

# ---- a rewritten history ------------------------------------------------------------------------------------------------

git -C "$WORK/clone" reset -q --hard HEAD~2
git -C "$WORK/clone" commit -q --allow-empty -m 'another history'
git -C "$WORK/clone" push -q --force
ok 'a forced push is refused, by the one' wait_for 20 status_has hub 'Valid +False +history-rewound'
ok 'and the other' wait_for 20 status_has spare 'Valid +False +history-rewound'
ok 'the network runs on' ping_works alice 10.60.64.2
for host in hub spare; do
	ok "$host ends well" stop $host server
	unlike "$(cat "$(log_of $host server)")" 'Sanitizer|runtime error' "$host: without a complaint of a sanitizer"
done
ok 'uninstall leaves the remote alone' on spare innernet-reconcile uninstall corp --yes
ok 'and takes the mirror' on spare test ! -e /var/lib/innernet-reconcile/corp
ok 'the remote is there' git -C "$WORK/network.git" rev-parse -q --verify innernet/enrolments
done_testing
