#!/usr/bin/env bash
# innernet add-peer: one line more in network.yaml, an invitation that only its owner reads, and nothing when anything
# is wrong.
. "$(dirname "$0")/lib.sh"

desk_new net
id=$(head -c 32 /dev/urandom | base64)
signer=$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | base64)
definition() { # the part before `peers:`, then standard input
	printf '%s\n' 'network: corp' 'cidr: 10.60.0.0/16' "$@" 'cidrs:' '  infra:  10.60.0.0/24' \
		'  humans: 10.60.64.0/24' '  tiny:   10.60.65.0/30' 'peers:'
	printf '  hub:   { ip: 10.60.0.1, public_key: "%s", endpoint: "192.0.2.1:51820", server: true }\n' "$hub"
	cat
}
hub=$(wg genkey | wg pubkey)
definition 'trust:' "  id: $id" "  signers: [\"ed25519:$signer\"]" <<'END' >network.yaml

# Peers that must not reach each other.
tests:
  - { from: tiny, cannot_reach: [humans] }
END
chmod 0640 network.yaml

run innernet add-peer
is "$status" 1 'without flags it fails'
is "$err" 'innernet: add-peer: something is missing: --name NAME, --ip ADDRESS (or --auto-ip --cidr CIDR)
Try `innernet add-peer --help`.' 'and names each that is missing'

# Outside git.
cp network.yaml before.yaml
run innernet add-peer --name bob --auto-ip --cidr humans --invite-expires never
is "$status" 0 'a peer is added'
is "$(diff before.yaml network.yaml | sed 's/ed25519:[^"]*/KEY/')" \
	'11a12
>   bob:   { ip: 10.60.64.1, invite: "KEY" }' 'with one line, aligned, and no other byte changed'
like "$out" '^[+]  bob:   \{ ip: 10.60.64.1, ' 'the line is shown'
is "$(stat -c %a bob.yaml network.yaml | xargs)" '600 640' 'the invitation is its owner'\''s alone; the definition keeps its mode'
is "$(sed -n '/^floor/,/number/p' bob.yaml | xargs)" 'floor: epoch: 0 number: 0' 'outside git there is no floor'
seed=$(sed -n 's/^seed: //p' bob.yaml)
printf '%s' "$out" >"$WORK/out"
nok 'the secret is nowhere else' grep -F -e "$seed" network.yaml "$WORK/.err" "$WORK/out"
ok 'the definition is valid' innernet validate

cp network.yaml before.yaml
run innernet add-peer --name bob --auto-ip --cidr humans
is "$status $out" "0 Peer 'bob' is in network.yaml already, as asked for. Nothing changed." 'the same again is harmless'
run innernet add-peer --name bob --auto-ip --cidr humans --admin --keepalive 25
is "$status" 1 'other attributes are an error'
like "$err" "^error\[peer-exists\]: peer 'bob' is there already, with another keepalive, admin$" 'that names them'
run innernet add-peer --name eve --ip 10.60.64.1
is "$status" 1 'an address that is taken is refused'
like "$err" "^error\[address-in-use\]: 10.60.64.1 is already taken by peer 'bob'$" 'with the diagnostic of the definition'
run innernet add-peer --name eve --ip 10.60.64.7 --cidr infra
like "$status $err" "^1 error\[address-outside\]: this address is in CIDR 'humans', not in 'infra'$" 'so is one of another CIDR'
run innernet add-peer --name eve --auto-ip --cidr human
like "$status $err" "^1 error\[unknown-name\]: there is no CIDR 'human' in network.yaml$" 'and an unknown CIDR'
run innernet add-peer --name eve --auto-ip --cidr humans --save-config bob.yaml
like "$status $err" '^1 error\[file-exists\]' 'an invitation is never written over another file'
ok 'none of these changed the definition' cmp network.yaml before.yaml
ok 'or left an invitation' test ! -e eve.yaml

run innernet add-peer --name t1 --auto-ip --cidr tiny && run innernet add-peer --name t2 --auto-ip --cidr tiny &&
	run innernet add-peer --name t3 --auto-ip --cidr tiny
like "$status $err" "^1 error\[cidr-full\]: no IPv4 address is free in CIDR 'tiny'$" 'a CIDR can be full'
run innernet add-peer --name t3 --ip 10.60.65.2 --cidr tiny
like "$status $err" "^1 error\[address-in-use\]: 10.60.65.2 is already taken by peer 't2'$" 'one that is asked for in it is taken'
run innernet add-peer --name t3 --ip 10.60.65.3 --cidr tiny
like "$status $err" "^1 error\[address-reserved\]: " 'nor a reserved address'

key=$(wg genkey | wg pubkey)
run innernet add-peer --name office --ip 10.60.64.50 --public-key "$key" --endpoint VPN.example.com.:0051820 --json
is "$status" 0 'a peer with a key of its own'
like "$(tr -d ' \n' <<<"$out")" '^\{"format_version":"1.0","edit":"add-peer","changed":true,"files":\["network.yaml"\],"committed":false,"pushed":false,"accepted":null,"guards":\[\],"plan":\{' 'said in JSON'
like "$(tr -d ' \n' <<<"$out")" "\\},\"name\":\"office\",\"ip\":\[\"10.60.64.50\"\],\"cidr\":\"humans\",\"public_key\":\"${key//+/[+]}\",\"invite_expires\":null,\"invitation\":null\}\$" 'with the peer'
ok 'has its key in the definition' grep -qxF \
	"  office: { ip: 10.60.64.50, public_key: \"$key\", endpoint: \"vpn.example.com:51820\" }" network.yaml
ok 'and no invitation' test ! -e office.yaml

cp network.yaml before.yaml
key=$(wg genkey | wg pubkey)
run innernet add-peer --name phone --ip 10.60.64.51 --via hub
like "$status $err" '^1 innernet: add-peer: --via needs --public-key: peers reach an invited peer directly$' \
	'an invited peer is reached directly'
run innernet add-peer --name phone --ip 10.60.64.51 --public-key "$key" --via office
like "$status $err" "^1 error\[bad-via\]: 'office' cannot forward for 'phone': it is not in the CIDR of a server" \
	'not each peer forwards'
ok 'and nothing is changed' cmp network.yaml before.yaml
run innernet add-peer --name phone --ip 10.60.64.51 --public-key "$key" --via hub
is "$status $(diff before.yaml network.yaml | sed -n 's/^> //p')" \
	"0   phone: { ip: 10.60.64.51, public_key: \"$key\", via: hub }" 'a peer that another one forwards for'
like "$out" '^  [+] via +hub$' 'the plan says so'
run innernet add-peer --name phone --ip 10.60.64.51 --public-key "$key" --via hub
is "$status $out" "0 Peer 'phone' is in network.yaml already, as asked for. Nothing changed." 'once more is harmless'
run innernet add-peer --name phone --ip 10.60.64.51 --public-key "$key"
like "$status $err" "^1 error\[peer-exists\]: peer 'phone' is there already, with another via$" 'without it is another thing'

# A configuration in the place of an invitation.
cp network.yaml before.yaml
run innernet add-peer --name pad --ip 10.60.64.52
run innernet export pad -o pad.conf
is "$status $(grep -c '^This makes the invitation in pad.yaml void: remove it\.$' <<<"$out")" '0 1' 'export says that the invitation is void'
run innernet export pad -o pad2.conf --new-key
unlike "$out" 'invitation' 'once'
rm pad.yaml pad.conf pad2.conf && cp before.yaml network.yaml
run innernet add-peer --name pad --ip 10.60.64.52
cp bob.yaml "$WORK/pad.yaml"
run env -C "$WORK" innernet export pad "$PWD" --json
is "$status $(jq -r .void_invitation <<<"$out")" "0 $PWD/pad.yaml" 'that beside the definition, when the one here is another one'
rm pad.yaml && cp before.yaml network.yaml

# A definition that cannot be written leaves no invitation behind.
mkdir "$WORK/fixed" && cp network.yaml "$WORK/fixed/" && mount --bind "$WORK/fixed" "$WORK/fixed" &&
	mount -o remount,bind,ro "$WORK/fixed"
run innernet add-peer "$WORK/fixed" --name eve --auto-ip --cidr humans
is "$status" 1 'a definition that cannot be written is an error'
ok 'after which the invitation is gone' test ! -e eve.yaml

mkdir "$WORK/refused"
definition <<<'' >"$WORK/refused/network.yaml"
run innernet add-peer "$WORK/refused" --name eve --auto-ip --cidr humans
like "$status $err" "^1 error\[not-invited\]: .* has no 'trust', " 'without trust there are no invitations'
run innernet add-peer "$WORK/refused" --name eve --auto-ip --cidr humans --public-key "$(wg genkey | wg pubkey)"
is "$status" 0 'but peers with keys there are'

# In git.
run innernet add-peer --name eve --auto-ip --cidr humans --commit
like "$status $err" '^1 error\[not-in-git\]' '--commit needs a repository'
git init -q . && git add network.yaml && git commit -q -m one && git commit -q --allow-empty -m two
git init -q --bare "$WORK/upstream.git" && git remote add origin "$WORK/upstream.git" && git push -q -u origin main
echo unfinished >other && git add other
echo '# a thought' >>network.yaml
run innernet add-peer --name eve --auto-ip --cidr humans --commit
like "$status $err" '^1 error\[uncommitted-changes\]' '--commit takes along no change of another author'
git checkout -q network.yaml
run innernet add-peer --name carol --auto-ip --cidr humans --push --yes
is "$status $err" '0 ' 'add, commit and push'
is "$(git -C "$WORK/upstream.git" log -1 --format=%s main)" 'network: add peer carol' 'upstream has the commit'
is "$(git show --format= --numstat HEAD | xargs)" '1 0 network.yaml' 'of one line of one file'
is "$(git diff --cached --name-only)" other 'what was staged stays staged'
is "$(sed -n '/^floor/,/number/p' carol.yaml | xargs)" 'floor: epoch: 0 number: 2' \
	'the floor is the version it stands on'
printf '#!/bin/sh\necho "no such luck" >&2\nexit 1\n' >"$WORK/upstream.git/hooks/pre-receive"
chmod +x "$WORK/upstream.git/hooks/pre-receive"
run innernet add-peer --name dave --auto-ip --cidr humans --push --yes
is "$status" 1 'a push that is refused is an error'
like "$err" 'no such luck' 'and what the server said is shown'
is "$(git log -1 --format=%s)" 'network: add peer dave' 'the commit is there'
done_testing
