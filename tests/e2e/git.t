#!/usr/bin/env bash
# git over the tunnel: an admin clones, fetches and pushes from the own machine, with what the hooks say; no other peer may
# does.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

host_new hub 192.0.2.1
host_new alice 192.0.2.2
host_new bob 192.0.2.3
URL=http://10.60.0.1:51820/network.git
for h in alice bob; do
	on $h git config --global user.name "${h^}"
	on $h git config --global user.email $h@example.com
done

site_new corp 10.60.0.0/16 --verbose
site_humans 10.60.64.0/24
site_invite alice --admin
site_invite bob
site_push
for p in alice bob; do
	ok "$p joins" on $p innernet install "$WORK/$p.yaml"
	spawn $p daemon innernet up corp --daemon
done

# What git said, each line without its own "remote: " and the blanks it ends lines with.
heard() { # HOST ARGUMENT...
	local host=$1
	shift
	on "$host" git "$@" >"$WORK/said" 2>&1
	status=$?
	said=$(sed -E 's/^remote: ?//; s/ +$//' "$WORK/said")
}
tip() { on hub git -C $REPO rev-parse --verify -q "${1:-main}"; } # [REVISION]

# ---- which peers may, and what they are told ---------------------------------------------------------------------------------

heard alice clone -q $URL network
is "$status $said" '0 ' 'an admin clones'
is "$(on alice git -C network rev-parse HEAD)" "$(tip)" 'the definition'
heard alice -c protocol.version=0 clone -q $URL old
is "$status $(on alice git -C old rev-parse HEAD)" "0 $(tip)" 'in version 0 of the protocol too'
heard bob clone $URL network
is "$status $said" "128 Cloning into 'network'...
not-admin: only an admin's machine may ask for this
fatal: unable to access '$URL/': The requested URL returned error: 403" 'another peer is refused, in words'
heard hub clone $URL again
like "$said" "^not-invited: no peer that may ask has this address$" 'so is a local process on the server'

asks() { # ARGUMENT...: what curl from alice gets: status, text
	on alice curl -s -o "$WORK/body" -w '%{http_code} ' "$@"
	tr -d '\0' <"$WORK/body" | head -c 200
}
is "$(asks "$URL/info/refs?service=git-upload-pack" | head -n 1)" '200 001e# service=git-upload-pack' 'refs are advertised'
is "$(asks "$URL/info/refs")" "404 not-found: this repository speaks git's smart protocol alone" 'in the smart protocol alone'
is "$(asks "$URL/HEAD")" '404 not-found: there is nothing at this path' 'no file is served'
is "$(asks "$URL/objects/info/packs")" '404 not-found: there is nothing at this path' 'nor a list of them'
is "$(asks "$URL/git-upload-pack")" '405 bad-request: this path takes POST' 'a method that makes no sense'
is "$(asks -d x "$URL/git-upload-pack")" '415 bad-request: this path takes what git sends' 'what a form can send'
is "$(asks -H 'Origin: http://10.60.0.1:51820' "$URL/info/refs?service=git-receive-pack")" \
	'403 bad-request: requests with an Origin are not answered' 'what a page can send'
is "$(asks -H 'Host: evil.example:51820' "$URL/info/refs?service=git-receive-pack")" \
	"400 bad-request: the Host is not this server's address and port" 'what a page of a rebound name can send'
is "$(asks -H 'Innernet-Network: x' "$URL/info/refs?service=git-receive-pack")" \
	'403 bad-request: Innernet-Network is missing, or that of another network' 'what is meant for another network'
is "$(asks -H 'Accept-Language: '"$(head -c 4000 /dev/zero | tr '\0' a)" "$URL/info/refs?service=git-upload-pack" | cut -c 1-3)" \
	431 'more headers than git sends'

# ---- a push ---------------------------------------------------------------------------------------------------------

net=$WORK/alice/network
commit() { on alice git -C network commit -q -a -m "$1"; } # MESSAGE
push() { heard alice -C network push -q "$@"; }           # [ARGUMENT...]
sed -i 's/^cidrs:/cidrs:\n  machines: 10.60.65.0\/24/; s/^  bob:/  robert:/' "$net/network.yaml"
commit 'machines, and a name'
push
like "$status $(tr '\n' '|' <<<"$said")" \
	'^0 Effect: no pair of peers gains or loses access\.\|Names: bob -> robert\.\|Unchanged: [^|]*\|Plan: 1 to add, 1 to change, 0 to remove\.\|published as version 0\.5; 2 of 2 peers run it after [0-9]+ ms\|$' \
	'a good push: its plan, and the verdict'
is "$(tip)" "$(on alice git -C network rev-parse HEAD)" 'it is taken'
like "$(on hub tail -n 1 $REPO/logs/refs/heads/main)" ' alice <alice@corp> ' 'the reflog names the peer that pushed it'
good=$(tip)
sed -i 's/machines: 10.60/machines: 10.99/' "$net/network.yaml"
commit outside
push
like "$status $said" '^1 error\[prefix-outside\]: 10.99.65.0/24 is outside the network$' 'a bad one: refused with the diagnostic'
is "$(tip)" "$good" 'and nothing is taken'
on alice git -C network reset -q --hard "$good"
push origin HEAD:innernet/enrolments
like "$status $said" '^1 .*' 'no person may push the ledger'
like "$said" '^ ! \[remote rejected\] HEAD -> innernet/enrolments \(deny updating a hidden ref\)$' 'to push to'
push origin HEAD:refs/notes/innernet
like "$said" '^ ! \[remote rejected\] HEAD -> refs/notes/innernet \(deny updating a hidden ref\)$' 'nor the notes'
heard alice -C network fetch -q origin refs/notes/innernet:refs/notes/innernet refs/heads/innernet/enrolments:refs/remotes/origin/ledger
is "$status $(on alice git -C network log -1 --format=%N --notes=innernet | head -n 1)" '0 published as version 0.5' \
	'an admin reads both'

# Several MB, in chunks; what a fetch says in gzip.
head -c 8000000 /dev/urandom >"$net/large"
on alice git -C network add large
commit large
on alice env GIT_TRACE_CURL=1 git -C network push -q origin HEAD:large 2>"$WORK/trace"
is $? 0 'a push of 8 MB'
like "$(cat "$WORK/trace")" 'Send header: Transfer-Encoding: chunked' 'in chunks'
is "$(on hub git -C $REPO rev-parse large)" "$(on alice git -C network rev-parse HEAD)" 'is there'

# The server packs its repository itself: what git would do after a push goes on when the pusher is gone, uncounted.
on hub git -C $REPO config receive.unpackLimit 1
on hub git -C $REPO config gc.autoPackLimit 1
on hub git -C $REPO config gc.autoDetach false
for i in 1 2; do
	on alice git -C network commit -q --allow-empty -m $i
	push origin HEAD:pack$i
done
is "$status $(on hub find $REPO/objects/pack -name '*.pack' | wc -l)" '0 2' 'and nothing is packed at a push'
on hub git -C $REPO config --unset receive.unpackLimit

on hub bash -c 'cd network && git pull -q --rebase && for i in $(seq 60); do git commit -q --allow-empty -m "$i" && git branch "b$i"; done &&
	git reset -q --hard origin/main && git push -q --all' 2>/dev/null
on alice env GIT_TRACE_CURL=1 git -C old -c protocol.version=0 fetch -q 2>"$WORK/trace"
is "$? $(on alice git -C old rev-parse origin/b60)" "0 $(tip b60)" 'a fetch that wants much'
like "$(cat "$WORK/trace")" 'Send header: Content-Encoding: gzip' 'says so in gzip'

# ---- what runs on the server ----------------------------------------------------------------------------------------

cat >"$WORK/update" <<'END'
#!/bin/bash
try() { if "${@:2}" 2>/dev/null >/dev/null; then echo "$1: yes"; else echo "$1: no"; fi; }
cd "$(git rev-parse --absolute-git-dir)"
echo "$REMOTE_USER at $REMOTE_ADDR"
try 'the repository' touch mark
try 'the data' touch /var/lib/innernet-reconcile/corp/mark
try 'the secrets' cat /etc/innernet-reconcile/corp.yaml
try 'the system' touch /etc/mark
echo "the network: $(bash -c ': </dev/tcp/192.0.2.2/9' 2>&1 | sed -n '1s/.*: //p')"
try 'the server' bash -c 'kill -0 "$(pgrep -of innernet-reconcile)"'
try 'another root' unshare --mount true
grep -E '^(CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\t' ' '
ulimit -n; ulimit -t
env | sed 's/=.*//' | grep -vE '^(ASAN_|GIT_|_$|PWD|SHLVL|OLDPWD)' | sort | xargs
END
on hub install -m 755 "$WORK/update" $REPO/hooks/update
on alice git -C network reset -q --hard "$good"
push origin HEAD:confined
for what in 'the data' 'the secrets' 'the system' 'the server' 'another root'; do
	like "$said" "^$what: no$" "a hook is kept from $what"
done
like "$said" '^the network: Operation not permitted$' 'and from the network'
like "$said" '^alice at 10.60.64.1$' 'it knows which peer pushes'
like "$said" '^the repository: yes$' 'and has the repository'
like "$said" '^CapPrm: 0+$' 'but no capability'
like "$said" '^NoNewPrivs: 1$' 'nor a way to one'
like "$said" '^HOME LC_ALL PATH REMOTE_ADDR REMOTE_USER$' 'and an environment of its own'

# A request whose connection is closed is not worked on.
on hub install -m 755 /dev/stdin $REPO/hooks/update <<<$'#!/bin/sh\ntouch waits\nexec sleep 300'
git_runs() { on hub pgrep -f 'receive-pack|sleep 300'; }
spawn alice push git -C network push origin HEAD:slow
ok 'a push that takes long' wait_for 10 on hub test -e $REPO/waits
on alice pkill -KILL git-remote-http
ok 'is ended when its client is' wait_for 10 not git_runs
is "$(tip slow)" '' 'and took nothing'
is "$(on hub find $REPO -name '*.lock' -o -name '*incoming*')" '' 'and left nothing'
on hub rm $REPO/waits
spawn alice push2 git -C network push origin HEAD:slow
ok 'another' wait_for 10 on hub test -e $REPO/waits
stop hub server
ok 'is ended when the server is' wait_for 10 not git_runs
on hub rm $REPO/hooks/update
spawn hub server innernet-reconcile --watch corp
ok 'the server comes back' wait_log hub server restored
# It says so before it listens.
wait_for 10 on hub sh -c "ss -Hltn 'sport = :51820' | grep -q 10.60.0.1"
push origin HEAD:fast
is "$status $(tip fast)" "0 $good" 'and takes pushes again'
done_testing
