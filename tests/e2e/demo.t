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
