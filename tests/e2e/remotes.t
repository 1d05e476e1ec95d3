#!/usr/bin/env bash
# A remote over ssh, with a key and known hosts of its own, and one over https, with a password in a file.
. "$(dirname "$0")/lib.sh"

sshd=$("$TOP/tests/fetch-program" sshd "$TOP/build/sshd" openssh-server)
[ -n "$sshd" ] || skip_all 'there is no sshd'
host_new forge 192.0.2.9
host_new hub 192.0.2.1
export GIT_AUTHOR_NAME=Admin GIT_AUTHOR_EMAIL=admin@example.com GIT_COMMITTER_NAME=Admin GIT_COMMITTER_EMAIL=admin@example.com
FORGE=$WORK/forge
status_has() { on hub innernet-reconcile status "$1" 2>&1 | grep -qE -e "$2"; } # NETWORK REGEX
push() { # REPOSITORY SED-SCRIPT: one commit, as a person's machine that has access does it
	rm -rf "$WORK/clone"
	git clone -q "$1" "$WORK/clone" -b main && sed -i -e "$2" "$WORK/clone/network.yaml" &&
		git -C "$WORK/clone" commit -q -a -m 'a change' && git -C "$WORK/clone" push -q
	pushed=$(git -C "$WORK/clone" rev-parse --short=12 HEAD)
}

# ---- ssh -------------------------------------------------------------------------------------------------------------

ssh-keygen -q -t ed25519 -N '' -f "$FORGE/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$FORGE/other_key"
ssh-keygen -q -t ed25519 -N '' -f "$WORK/hub/key"
cp "$WORK/hub/key.pub" "$FORGE/authorized"
cat >"$FORGE/sshd_config" <<END
Port 2222
ListenAddress 192.0.2.9
HostKey $FORGE/host_key
AuthorizedKeysFile $FORGE/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
AcceptEnv none
END
# Since OpenSSH 9.8 sshd starts other programs; what was fetched has them beside it.
for helper in session:SshdSessionPath auth:SshdAuthPath; do
	path=${sshd%/sbin/sshd}/lib/openssh/sshd-${helper%:*}
	[ ! -x "$path" ] || printf '%s %s\n' "${helper#*:}" "$path" >>"$FORGE/sshd_config"
done
# What its package would have made.
on forge sh -c 'mkdir -p /run/sshd; grep -q ^sshd: /etc/passwd || echo "sshd:x:65532:65534::/run/sshd:/usr/sbin/nologin" >>/etc/passwd'
sshd_start() {
	spawn forge sshd env LD_LIBRARY_PATH="$(printf '%s:' "${sshd%/sbin/sshd}"/lib/*-linux-*)" "$sshd" -D -e -f "$FORGE/sshd_config"
	wait_for 10 on forge sh -c "ss -Hltn 'sport = :2222' | grep -q 2222"
}
ok 'a server of repositories runs' sshd_start
git init -q --bare -b main "$FORGE/corp.git"
printf '[192.0.2.9]:2222 %s\n' "$(cut -d ' ' -f 1,2 "$FORGE/host_key.pub")" >"$WORK/hub/known"
printf '[192.0.2.9]:2222 %s\n' "$(cut -d ' ' -f 1,2 "$FORGE/other_key.pub")" >"$WORK/hub/wrong"
URL=ssh://root@192.0.2.9:2222$FORGE/corp.git
init() { # OPTION...
	on hub innernet-reconcile init --network-name corp --network-cidr 10.60.0.0/16 --external-endpoint 192.0.2.1:51820 \
		--remote "$URL" --interval 1 --ssh-key "$WORK/hub/key" "$@" 2>&1
}
like "$(init --known-hosts "$WORK/hub/wrong")" '^error\[remote-away\]: .*Host key verification failed' \
	'another host key is not believed'
chmod 644 "$WORK/hub/key"
like "$(init --known-hosts "$WORK/hub/known")" '^error\[remote-away\]: .*key' 'a private key that other users can read is not used'
chmod 600 "$WORK/hub/key"
mv "$FORGE/authorized" "$FORGE/nobody"
like "$(init --known-hosts "$WORK/hub/known")" '^error\[remote-away\]: .*Permission denied' 'a user without access is told, and not asked'
mv "$FORGE/nobody" "$FORGE/authorized"
ok 'init puts a network there' init --known-hosts "$WORK/hub/known"
spawn hub corp innernet-reconcile --watch corp
ok 'it is published' wait_for 30 status_has corp 'Ready +True'
push "$FORGE/corp.git" 's/^cidrs:/cidrs:\n  humans: 10.60.64.0\/24/'
ok 'so is what is pushed there' wait_for 30 status_has corp "Valid +True +Valid +commit $pushed"
ledger_has() { git -C "$1" ls-tree -r --name-only innernet/enrolments 2>/dev/null | grep -c ^addresses/; }
ok 'the ledger is there' wait_for 20 ledger_has "$FORGE/corp.git"
stop forge sshd
ok 'a connection that is refused is said' wait_for 30 status_has corp 'Source +False +Away .*(refused|closed)'
sshd_start
on hub innernet-reconcile reconcile corp --now >/dev/null 2>&1
ok 'and over when it is taken again' wait_for 30 status_has corp 'Source +True +Reached'
stop hub corp

# ---- https -----------------------------------------------------------------------------------------------------------

backend=$(git --exec-path)/git-http-backend
if [ ! -x "$backend" ]; then
	diag 'git has no http-backend here'
	done_testing
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=forge.example \
	-addext subjectAltName=DNS:forge.example -keyout "$FORGE/tls.key" -out "$FORGE/tls.crt" 2>/dev/null
on hub sh -c 'echo "192.0.2.9 forge.example" >>/etc/hosts'
cat >"$FORGE/serve.py" <<'END'
# git's own http-backend behind TLS and a password, one request a thread.
import base64, http.server, os, ssl, subprocess, sys
folder, backend = sys.argv[1], sys.argv[2]
WANT = "Basic " + base64.b64encode(b"ci:se:cret").decode()
class Handler(http.server.BaseHTTPRequestHandler):
    def run(self):
        if self.headers.get("Authorization") != WANT:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="forge"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        n = int(self.headers.get("Content-Length") or 0)
        env = dict(os.environ, GIT_PROJECT_ROOT=folder, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(n),
                   REMOTE_USER="ci", REMOTE_ADDR=self.client_address[0],
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        out = subprocess.run([backend], env=env, input=self.rfile.read(n), stdout=subprocess.PIPE).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        fields = [line.split(b": ", 1) for line in head.split(b"\r\n")]
        status = next((v for k, v in fields if k == b"Status"), b"200 OK")
        self.send_response(int(status[:3]))
        for k, v in fields:
            if k != b"Status":
                self.send_header(k.decode(), v.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = run
server = http.server.ThreadingHTTPServer(("192.0.2.9", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/tls.crt", folder + "/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
git init -q --bare -b main "$FORGE/web.git"
git -C "$FORGE/web.git" config http.receivepack true
spawn forge https python3 "$FORGE/serve.py" "$FORGE" "$backend"
ok 'one over https runs' wait_for 10 on forge sh -c "ss -Hltn 'sport = :8443' | grep -q 8443"
web() { # OPTION...
	on hub env GIT_SSL_CAINFO="$FORGE/tls.crt" innernet-reconcile init --network-name web --network-cidr 10.61.0.0/16 \
		--external-endpoint 192.0.2.1:51821 --interval 1 "$@" 2>&1
}
printf 'username=ci\npassword=se:cret\n' >"$WORK/hub/password"
chmod 600 "$WORK/hub/password"
printf 'username=ci\npassword=guess\n' >"$WORK/hub/guess"
chmod 600 "$WORK/hub/guess"
like "$(web --remote https://ci:se:cret@forge.example:8443/web.git)" 'must hold no password' 'a password in the URL is refused'
like "$(web --remote http://forge.example:8443/web.git)" 'must be https or ssh' 'so is what a router on the way could change'
like "$(web --remote https://forge.example:8443/web.git)" '^error\[remote-away\]: ' 'without a password git asks for none'
like "$(web --remote https://forge.example:8443/web.git --credentials "$WORK/hub/guess")" '^error\[remote-away\]: .*Authentication failed' \
	'a wrong one is refused'
is "$(cat "$WORK/hub/guess")" $'username=ci\npassword=guess' 'and stays in its file'
cat >"$FORGE/proxy.py" <<'END'
# A proxy that lets no request through without a password, and writes down what it is told.
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_CONNECT(self):
        print("asked", self.headers.get("Proxy-Authorization"), flush=True)
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("192.0.2.9", 3128), Handler).serve_forever()
END
spawn forge proxy python3 "$FORGE/proxy.py"
ok 'a proxy runs' wait_for 10 on forge sh -c "ss -Hltn 'sport = :3128' | grep -q 3128"
like "$(https_proxy=http://user@192.0.2.9:3128 web --remote https://forge.example:8443/web.git --credentials "$WORK/hub/password")" \
	'^error\[remote-away\]: .*407' 'one that wants a password'
like "$(cat "$(log_of forge proxy)")" 'asked Basic' 'is told which user asks'
unlike "$(cat "$(log_of forge proxy)")" "$(printf ci:se:cret | base64)" 'but not the password of the repository'
stop forge proxy
like "$(on hub innernet-reconcile init --network-name web --network-cidr 10.61.0.0/16 --external-endpoint 192.0.2.1:51821 \
	--remote https://forge.example:8443/web.git --credentials "$WORK/hub/password" 2>&1)" '^error\[remote-away\]: .*certificate' \
	'a certificate without a known issuer is not believed'
ok 'init puts a network there' web --remote https://forge.example:8443/web.git --credentials "$WORK/hub/password"
spawn hub web env GIT_SSL_CAINFO="$FORGE/tls.crt" innernet-reconcile --watch web
ok 'it is published' wait_for 30 status_has web 'Ready +True'
push "$FORGE/web.git" 's/^cidrs:/cidrs:\n  humans: 10.61.64.0\/24/'
ok 'so is what is pushed there' wait_for 30 status_has web "Valid +True +Valid +commit $pushed"
ok 'the ledger is there' wait_for 20 ledger_has "$FORGE/web.git"
unlike "$(cat "$(log_of hub web)" "$(log_of hub corp)")" 'se:cret|OPENSSH' 'no secret is in a log'
stop hub web
done_testing
