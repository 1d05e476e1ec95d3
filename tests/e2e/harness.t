#!/usr/bin/env bash
# The harness itself: hosts reach each other, share nothing else, and nothing is left when a test is ended.
. "$(dirname "$0")/lib.sh"

host_new a 192.0.2.1 2001:db8::1
host_new b 192.0.2.2 2001:db8::2
ok 'two hosts reach each other' ping_works a 192.0.2.2
ok 'by IPv6 too' ping_works b 2001:db8::1
host_unplug b
ok 'not with the cable pulled' ping_fails a 192.0.2.2
host_plug b
ok 'and again with it plugged in' wait_for 10 ping_works a 192.0.2.2 1

on a sh -c 'mkdir /etc/innernet && echo x >/etc/innernet/f'
nok 'what one writes to /etc, the other does not see' on b test -e /etc/innernet/f
nok 'nor does this machine' test -e /etc/innernet/f
is "$(on a hostname)" a 'each has its name'

spawn a late sh -c 'echo ready; exec sleep 1000'
ok 'a log can be waited for' wait_log a late '^ready$'
ok 'it runs' runs a late
ok 'until it is stopped' stop a late
nok 'then it does not' runs a late
host_del b
nok 'a host can go' on b true

# A script like this one, ended from outside in each of the ways there are.
cat >"$WORK/victim" <<'VICTIM'
#!/usr/bin/env bash
. "$TOP/tests/e2e/lib.sh"
host_new x 192.0.2.9
spawn x sleeper sleep 987654
echo "$WORK" >"$TELL"
wait_for 600 false
VICTIM
alive() { pgrep -f '^sleep 987654$' >/dev/null; }
for signal in INT TERM KILL; do
	rm -f "$WORK/told"
	TELL=$WORK/told env -u WORK --default-signal=INT bash "$WORK/victim" >"$WORK/victim.log" 2>&1 &
	victim=$!
	ok "a second sandbox starts ($signal)" wait_for 20 test -s "$WORK/told"
	ok 'its process runs' alive
	kill -$signal $victim
	wait $victim 2>/dev/null
	ok "after SIG$signal its processes are gone" wait_for 10 not alive
	is "$(ls -A "$(cat "$WORK/told")" 2>/dev/null)" '' 'and its files'
	rmdir "$(cat "$WORK/told")" 2>/dev/null
done
done_testing
