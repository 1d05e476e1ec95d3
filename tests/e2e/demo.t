#!/usr/bin/env bash
# `make demo`: what it promises to show, and that nothing is left of it, interrupted or not.
. "$(dirname "$0")/lib.sh"

mkdir "$WORK/tmp"
export TMPDIR=$WORK/tmp
left() { # what a run left in this sandbox: interfaces, namespaces, processes, files
	ip -o link | awk -F': ' '$2 != "lo" && $2 != "switch" { print "interface " $2 }'
	find /run/netns /run/wireguard "$TMPDIR" -mindepth 1 2>/dev/null | sed 's/^/file /'
	pgrep -af '^([^ ]*/)?(innernet|innernet-reconcile|wireguard-go|unshare|sleep)( |$)' | sed 's/^/process /'
}
before=$(left)

out=$(bash "$TOP/contrib/demo" 2>&1 </dev/null)
status=$?
is "$status" 0 'the demo succeeds' || diag "$out"
[ -z "${DEMO_SHOW:-}" ] || diag "$out"
like "$out" '^hub\$ innernet-reconcile init ' 'a server is made'
is "$(grep -c '^hub:network\$ innernet add-peer ' <<<"$out")" 3 'three peers are added'
is "$(grep -cE '^(alice|bob|build1)\$ innernet install ' <<<"$out")" 3 'three invitations are redeemed'
like "$out" '^alice reaches bob$' 'pings go through where the definition says so'
like "$out" '^alice does not reach build1$' 'and do not where it says not'
like "$out" '^\+  - \[humans, ci-servers\]$' 'one push adds an association'
like "$out" 'Plan: [1-9][0-9]* to add, 0 to change, 0 to remove\.' 'the plan that it causes on a peer is shown'
like "$out" '^remote: published as version [0-9]+\.[0-9]+; 3 of 3 peers run it after [0-9]+ ms' 'which the push itself says'
like "$out" 'converged: version [0-9]+\.[0-9]+, 3 of 3 peers, [0-9]+ ms after the push' \
	'and after how many milliseconds all had converged'
like "$out" '^alice reaches build1$' 'then the ping goes through'
like "$out" '^No changes\.' 'and nothing is left to do'
unlike "$out" $'\e' 'no colour without a terminal'
# README's tour is what it prints. Keys, times and the like differ each time; so do sessions, and how fast a push is.
plain() {
	sed -E 's/ +$//; s|[A-Za-z0-9+/]{43}=|KEY|g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g
		s/[0-9a-f]{4}(-[0-9a-f]{4}){3}/ID/; s/port [0-9]+/port N/' | grep -vE 'connected|seen at|run it after|published:|^hub:network\$ printf' | sort -u
}
tour=$(awk '/^\*\*A mistake/ { exit } /^```console/ { on = 1; next } /^```/ { on = 0 } on' "$TOP/README.md")
like "$tour" 'Plan id' "README has a tour"
is "$(comm -23 <(plain <<<"$tour") <(plain <<<"$out"))" '' "each line of README's tour is printed"
is "$(left)" "$before" 'nothing is left of it'

env --default-signal=INT bash "$TOP/contrib/demo" >"$WORK/out" 2>&1 </dev/null &
demo=$!
ok 'a second one starts' wait_for 60 grep -q '^alice\$ innernet install' "$WORK/out"
kill -INT $demo
wait $demo
is $? 130 'Ctrl-C ends it'
like "$(cat "$WORK/out")" '^Interrupted\.' 'it says so'
ok 'and nothing is left of it either' wait_for 10 eval '[ "$(left)" = "$before" ]'
diag "$(left)"
done_testing
