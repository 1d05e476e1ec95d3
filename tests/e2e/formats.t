#!/usr/bin/env bash
# Programs of two ages in one network: a peer of before format 2 at a server that knows it, and a peer that knows it at a
# server of before. The old programs are built from the commit below, once, where the clone has it.
. "$(dirname "$0")/lib.sh"

OLD_COMMIT=c9379adc63e23f27397282e377dfc46f0953a967
OLD=$TOP/build/old-${OLD_COMMIT:0:12}

build_old() { # what make says goes to $OLD.log
	local header=git2/sys/errors.h
	[ ! -x "$OLD/build/innernet" ] || [ ! -x "$OLD/build/innernet-reconcile" ] || return 0
	rm -rf "$OLD" && mkdir -p "$OLD" || return
	git -c safe.directory='*' -C "$TOP" archive "$OLD_COMMIT" | tar x -C "$OLD" || return
	# glibc 2.43 has bsearch as a macro, which takes no compound literal.
	find "$OLD" -name '*.c' -exec sed -i 's/\<bsearch(&(struct/(bsearch)(\&(struct/' {} + || return
	# libgit2 1.9 declares there what this commit took from another header.
	[ -e "/usr/include/$header" ] || header=
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u SAN -u BUILD \
		make -s -j2 -C "$OLD" WERROR= ${header:+CPPFLAGS="-include $header"} all >"$OLD.log" 2>&1 || return
	chown -R --reference="$TOP" "$OLD" "$OLD.log"
}

git -c safe.directory='*' -C "$TOP" cat-file -e "$OLD_COMMIT^{commit}" 2>/dev/null ||
	skip_all "commit $OLD_COMMIT is not in this clone: there are no old programs to build"
[ -x "$BUILD/tests/e2e/format_2/innernet-reconcile" ] || skip_all 'the programs with words of format 2 are not built'
mkdir -p "$TOP/build"
(flock 9 && build_old) 9>"$TOP/build/old.lock" || bail "the old programs cannot be built: $(tail -n 5 "$OLD.log")"
cp -r "$OLD/build" "$WORK/.old"
old() { # HOST PROGRAM ARGUMENT...
	local host=$1 program=$2
	shift 2
	on "$host" "$WORK/.old/$program" "$@"
}
# The new ones read words of format 2 in descriptions, which is all that they have besides.
cp "$BUILD/tests/e2e/format_2/innernet" "$BUILD/tests/e2e/format_2/innernet-reconcile" "$WORK/.bin/"

peer_of() { on "$1" innernet-reconcile status "$2" --json | jq -r ".peers[] | select(.name == \"$3\") | .$4"; } # HOST NETWORK PEER MEMBER
is_converged() { [ "$(peer_of "$1" "$2" "$3" converged)" = true ]; }                                           # HOST NETWORK PEER
version_of() { on "$1" innernet-reconcile status "$2" --json | jq -r '"\(.version.epoch).\(.version.number)"'; } # HOST NETWORK
describe() { # PEER TEXT: a commit that gives the peer this description, and no other
	admin sed -i "/^  $1:/,/^  [a-z]/{/description:/d}" network.yaml
	[ -z "$2" ] || admin sed -i "s|^  $1:.*|&\n    description: \"$2\"|" network.yaml
	admin git commit -q -a -m "$1: ${2:-as it was}"
}
push() { # what the server said goes to $said
	admin git push -q >"$WORK/said" 2>&1
	pushed=$?
	said=$(sed -nE 's/^remote: ?//; T; s/ +$//; p' "$WORK/said")
}

# ---- an old peer at a new server ------------------------------------------------------------------------------------

. "$(dirname "$0")/site.sh"
host_new hub 192.0.2.1
host_new alice 192.0.2.2
host_new bob 192.0.2.3
site_new corp 10.60.0.0/16
site_humans 10.60.64.0/24
site_invite alice
site_invite bob
site_push

ok 'an old peer joins' old alice innernet install "$WORK/alice.yaml"
spawn alice daemon "$WORK/.old/innernet" up corp --daemon
ok 'and a new one' on bob innernet install "$WORK/bob.yaml"
spawn bob daemon innernet up corp --daemon
ok 'the old one converges' wait_for 30 is_converged hub corp alice
ok 'and the new one' wait_for 30 is_converged hub corp bob
ok 'they reach each other' wait_for 20 ping_works alice 10.60.64.2 1
is "$(peer_of hub corp alice reads)" 1 'the server knows that the old one reads format 1'
is "$(peer_of hub corp bob reads)" 2 'and that the new one reads format 2'
like "$(on hub innernet-reconcile status corp)" '^  alice .* converged, reads format 1$' 'status says it of the old one'
describe bob 'a desk'
push
is "$pushed" 0 'a change of no word of format 2 is pushed'
site_invite carol
site_push
ok 'the old peer follows it' wait_for 20 is_converged hub corp alice
before=$(version_of hub corp)
like "$(old alice innernet status corp)" "version ${before//./\\.}" 'as it says itself'

# ---- a revision that it cannot read ---------------------------------------------------------------------------------

describe bob 'format 2: x-note spare'
out=$(admin innernet plan --base origin/main 2>&1)
like "$out" '^warning\[guard-formats\]: this revision needs format 2: the server publishes it only if each peer' 'a plan warns of it'
unlike "$(admin innernet plan 2>&1)" 'guard-formats' 'and not of one that needs nothing new'
push
is "$pushed" 1 'the push is refused'
like "$said" '^error\[guard-formats\]: this revision needs format 2, which 1 peer that polled in the last 30 days cannot read: alice$' \
	'with the name of the peer'
like "$said" '^  note: it keeps the network that it has until a newer innernet is installed there$' 'and what becomes of it'
id=$(sed -n 's/^Plan id: //p' <<<"$said")
[ -n "$id" ] || id=$(sed -nE "s/.*Innernet-Accept: ([0-9a-f-]+).*/\1/p" <<<"$said" | head -n 1)
admin git commit -q --amend --no-edit --trailer "Innernet-Accept: $id"
push
is "$pushed" 0 'a commit that says that it is meant is taken'
like "$said" '^warning\[guard-formats\]: ' 'with a warning'
ok 'the new peer converges' wait_for 20 is_converged hub corp bob
refused() { tail -c "+$(($(cat "$WORK/.logs/alice.daemon.from") + 1))" "$(log_of alice daemon)" | grep -q 'format version that this program does not know; it may be too old'; }
ok 'the old peer says what is wrong' wait_for 20 refused
like "$(old alice innernet status corp)" "version ${before//./\\.}" 'it has the version of before'
like "$(old alice innernet status corp)" 'format version that this program does not know' 'its status says why'
ok 'it keeps its network' ping_works alice 10.60.64.2
ok 'to the server too' ping_works alice 10.60.0.1
ok 'the server does not wait for it' wait_for 20 status_has 'Converged +True .* 1 of 2 peers run it, 1 cannot read its format'
ok 'and names it' status_has '; 1 cannot read its format: alice$'
is "$(peer_of hub corp alice needs)" 2 'status knows what it would have to read'

# Its last network is on its disk too.
stop alice daemon
on alice ip link del corp
spawn alice daemon "$WORK/.old/innernet" up corp --daemon
ok 'started again it has the network of before' wait_for 30 ping_works alice 10.60.64.2 1

describe bob ''
describe hub 'format 2: endpoint 192.0.2.99:51820'
push
is "$pushed" 0 'a peer that is behind already is not named again'
ok 'the new peer takes a second endpoint' wait_for 20 is_converged hub corp bob
like "$(on bob cat /var/lib/innernet/corp/snapshot)" ' endpoint=192\.0\.2\.1:51820,192\.0\.2\.99:51820 ' 'as it has on its disk'

# ---- and afterwards -------------------------------------------------------------------------------------------------

stop alice daemon
spawn alice daemon innernet up corp --daemon
ok 'with a newer program it follows' wait_for 30 is_converged hub corp alice
is "$(peer_of hub corp alice reads)" 2 'and says that it reads format 2'
describe hub ''
push
is "$pushed" 0 'without words of format 2'
ok 'it is format 1 again' wait_for 20 is_converged hub corp alice
stop alice daemon
spawn alice daemon "$WORK/.old/innernet" up corp --daemon
describe carol 'a phone'
site_invite dave
site_push
ok 'an old program goes on from there' wait_for 30 is_converged hub corp alice
like "$(old alice innernet status corp)" "version $(version_of hub corp | sed 's/\./\\./g')" 'with the newest version'

# ---- a new peer at an old server ------------------------------------------------------------------------------------

host_new lab 192.0.2.4
host_new erin 192.0.2.5
lab() { on lab env -C "$WORK/lab/network" "$@"; } # COMMAND...: in its admin's clone
lab_invite() {                                    # NAME
	lab innernet add-peer --name "$1" --auto-ip --cidr humans --save-config "$WORK/$1.yaml" --commit --push --yes \
		>/dev/null 2>&1 || bail "no $1"
}
on lab git config --global user.name Ada
on lab git config --global user.email ada@example.com
old lab innernet-reconcile init --network-name lab --network-cidr 10.61.0.0/16 --external-endpoint 192.0.2.4:51820 \
	--server-name lab-1 >/dev/null || bail 'no old server'
spawn lab server "$WORK/.old/innernet-reconcile" --watch lab
wait_log lab server 'published: version 0.1' || bail 'the old server publishes nothing'
on lab git clone -q /var/lib/innernet-reconcile/lab/network.git network
lab sed -i "s|^cidrs:|cidrs:\n  humans: 10.61.64.0/24|" network.yaml
lab git commit -q -a -m CIDRs
lab_invite erin
ok 'a new peer joins at an old server' on erin innernet install "$WORK/erin.yaml"
spawn erin daemon innernet up lab --daemon
ok 'it converges' wait_for 30 is_converged lab lab erin
ok 'and reaches the server' wait_for 20 ping_works erin 10.61.0.1 1
is "$(peer_of lab lab erin reads)" null 'the old server knows nothing of formats'
lab_invite frank
ok 'it follows a change' wait_for 20 is_converged lab lab erin
like "$(on erin innernet status lab)" "version $(version_of lab lab | sed 's/\./\\./g')" 'as it says itself'
ok 'and asks by hand too' on erin innernet fetch lab

done_testing
