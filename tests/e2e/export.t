#!/usr/bin/env bash
# A peer that runs plain WireGuard: its configuration as a file and as a code, and what it reaches.
. "$(dirname "$0")/lib.sh"

desk_new net
host_new hub 192.0.2.1
host_new office 192.0.2.2
host_new phone 192.0.2.3
host_new alice 192.0.2.4
host_new tablet 192.0.2.5
for name in hub office alice; do on "$name" sh -c 'umask 077; wg genkey >private.key'; done
pub() { wg pubkey <"$WORK/$1/private.key"; }
invite() { echo "ed25519:$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | base64)"; }
INVITE=$(invite)
cat >network.yaml <<END
network: corp       # ours
cidr: [10.60.0.0/16, "fd00:60::/48"]
defaults: { mtu: 1340 }
cidrs:
  infra:  { cidr: [10.60.0.0/24, "fd00:60:0:1::/64"] }
  humans: { cidr: [10.60.64.0/24, "fd00:60:0:2::/64"] }
  guests: { cidr: [10.60.65.0/24, "fd00:60:0:3::/64"] }
peers:
  hub:    { ip: [10.60.0.1, "fd00:60:0:1::1"], public_key: "$(pub hub)", endpoint: "192.0.2.1:51820", server: true }
  office: { ip: [10.60.64.2, "fd00:60:0:2::2"], public_key: "$(pub office)", endpoint: "192.0.2.2:51000", routes: [192.168.7.0/24] }
  alice:  { ip: [10.60.64.3, "fd00:60:0:2::3"], public_key: "$(pub alice)" }
  phone:  { ip: [10.60.64.9, "fd00:60:0:2::9"], invite: "$INVITE", invite_expires: 2036-12-30T00:00:00Z }   # Ada's
  tablet: { ip: [10.60.64.10, "fd00:60:0:2::a"], invite: "$(invite)" }
  guest:  { ip: [10.60.65.9, "fd00:60:0:3::9"], invite: "$(invite)" }
  old:    { ip: [10.60.64.4, "fd00:60:0:2::4"], public_key: "$(wg genkey | wg pubkey)", disabled: true }
END
git init -q && git add . && git commit -q -m first

# ---- a file, and the public key in the definition -------------------------------------------------------------------
run innernet export phone -o phone.conf --commit --yes
is "$status $err" '0 ' 'export'
like "$out" '^Invites voided: phone\.$' 'the plan is shown'
like "$out" "^The configuration is in phone\.conf\. It has a private key: give it to phone alone, and remove it\.\$" 'where it is'
like "$out" '^phone reaches, each directly: hub, office\.$' 'the peers that it reaches'
like "$out" '^Not in the configuration, because phone knows no endpoint of theirs: alice\.$' 'and those that it does not reach'
like "$out" '^The configuration does not follow changes of the network: export it again after one\.$' 'and what it does not do'
is "$(stat -c %a phone.conf)" 600 'other users cannot read it'
PRIVATE=$(sed -n 's/^PrivateKey = //p' phone.conf)
PUBLIC=$(wg pubkey <<<"$PRIVATE")
is "$(cat phone.conf)" "[Interface]
# phone, in the network corp
PrivateKey = $PRIVATE
Address = 10.60.64.9/16, fd00:60:0:2::9/48
MTU = 1340

[Peer]
# hub
PublicKey = $(pub hub)
AllowedIPs = 10.60.0.1/32, fd00:60:0:1::1/128
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 25

[Peer]
# office
PublicKey = $(pub office)
AllowedIPs = 10.60.64.2/32, 192.168.7.0/24, fd00:60:0:2::2/128
Endpoint = 192.0.2.2:51000" 'the file, byte for byte'
is "$(git show -U0 HEAD | grep '^[-+] ')" \
	"-  phone:  { ip: [10.60.64.9, \"fd00:60:0:2::9\"], invite: \"$INVITE\", invite_expires: 2036-12-30T00:00:00Z }   # Ada's
+  phone:  { ip: [10.60.64.9, \"fd00:60:0:2::9\"], public_key: \"$PUBLIC\" }   # Ada's" 'one line of the definition, committed'
is "$(git status --porcelain)" '' 'git leaves the secret alone'
nok 'and never had it' git grep -qF "$PRIVATE" "$(git rev-parse HEAD)"
is "$(wg-quick strip ./phone.conf | grep -c '^PublicKey')" 2 'wg-quick reads it'

# ---- plain WireGuard with it ----------------------------------------------------------------------------------------
for name in hub office; do
	ok "$name applies the definition" on "$name" innernet apply -f "$HOME/net" --as "$name" --key private.key --yes
done
cp phone.conf "$WORK/phone/corp.conf"
on phone sh -c 'wireguard-go corp >/dev/null 2>&1 && wg-quick strip ./corp.conf >plain && wg setconf corp plain &&
	ip address add 10.60.64.9/16 dev corp && ip address add fd00:60:0:2::9/48 dev corp nodad && ip link set corp mtu 1340 up'
ok 'the phone reaches the server' ping_works phone 10.60.0.1 10
ok 'and a peer that has an endpoint, directly' ping_works phone 10.60.64.2 10
ok 'in IPv6' ping_works phone fd00:60:0:1::1
ok 'and they reach it' ping_works hub 10.60.64.9
is "$(on hub wg show corp endpoints | grep -F "$PUBLIC" | cut -f 2 | cut -d : -f 1)" 192.0.2.3 'where it called from'

# ---- the same once more, from the key -------------------------------------------------------------------------------
(umask 077 && echo "$PRIVATE" >"$WORK/home/phone.key")
cp network.yaml "$WORK/before"
run innernet export phone --key "$HOME/phone.key"
is "$status $out" "0 $(cat phone.conf)" 'with its key, to standard output'
like "$err" '^phone reaches, each directly: hub, office\.$' 'the rest to standard error'
run innernet export phone . --key "$HOME/phone.key" --all
is "$(grep -c '^\[Peer\]' <<<"$out") $(grep -A 2 '^# alice' <<<"$out" | grep -c '^Endpoint')" '3 0' '--all: a peer that must call first, too'
run innernet export phone --key "$HOME/phone.key" --json
is "$(jq -c '[.changed, .public_key, .reaches, .without_endpoint, .output]' <<<"$out")" \
	"[false,\"$PUBLIC\",[\"hub\",\"office\"],[\"alice\"],null]" 'as JSON'
is "$(jq -r .configuration <<<"$out")" "$(cat phone.conf)" 'with the configuration'
ok 'nothing was edited' cmp network.yaml "$WORK/before"

# ---- a code ---------------------------------------------------------------------------------------------------------
decode() { # half blocks on standard input, dark on light with INK=1, else light on dark
	perl -CS -Mutf8 -e '
		my (@rows, $ink); $ink = shift;
		while (<STDIN>) {
			s/\e\[[0-9;]*m//g; chomp;
			my ($u, $l) = ("", "");
			for my $c (split //) {
				my ($a, $b) = $c eq "\x{2588}" ? (1, 1) : $c eq "\x{2580}" ? (1, 0) : $c eq "\x{2584}" ? (0, 1) : (0, 0);
				$u .= $a == $ink ? 1 : 0; $l .= $b == $ink ? 1 : 0;
			}
			push @rows, $u, $l;
		}
		my $w = length $rows[0];
		printf "P1\n%d %d\n", 4 * $w, 4 * @rows;
		for my $r (@rows) { (my $wide = $r) =~ s/(.)/$1$1$1$1/g; print "$wide\n" x 4 }' "$1" >"$WORK/code.pbm"
	zbarimg --quiet --raw --oneshot -Sdisable -Sqrcode.enable "$WORK/code.pbm" 2>/dev/null
}
run innernet export phone --key "$HOME/phone.key" --qr
is "$status" 0 'a code'
is "$(decode 0 <<<"$out")" "$(grep -v '^#' phone.conf)" 'says what the file says'
unlike "$out" "$PRIVATE|PrivateKey" 'and nothing of it in letters'
is "$(sed -n '1p' <<<"$out" | tr -d '█')$(sed -n '2p' <<<"$out" | tr -d '█')" '' 'four light rows above'
is "$(sed 's/^\(....\).*/\1/' <<<"$out" | sort -u)" '████' 'and columns beside it'
run innernet export phone --key "$HOME/phone.key" --qr --color always
is "$(decode 1 <<<"$out")" "$(grep -v '^#' phone.conf)" 'in colour: black on white'
is "$(grep -vc $'^\e\\[38;5;16;48;5;231m.*\e\\[0m$' <<<"$out")" 0 'each line, whatever the terminal has'
run env COLUMNS=40 innernet export phone --new-key --qr
like "$status $err" '^1 error\[qr-too-wide\]: the code takes [0-9]+ columns and [0-9]+ lines, and the terminal has 40 columns' 'a narrow terminal'
ok 'and nothing was edited' cmp network.yaml "$WORK/before"
on_terminal() { script -qec "stty cols 200 && $*" /dev/null </dev/null | tr -d '\r'; }
is "$(on_terminal innernet export phone --key "$HOME/phone.key" --qr --color always 2>&1 | grep -av '^[a-zA-Z]' | decode 1)" \
	"$(grep -v '^#' phone.conf)" 'on a terminal'

# ---- secrets are not shown by accident, keys not lost by accident ---------------------------------------------------
out=$(on_terminal innernet export phone --key "$HOME/phone.key")
like "$out" 'standard output is a terminal; give --qr, -o FILE, or -o -' 'not on a terminal'
unlike "$out" 'PrivateKey' 'but as a code'
like "$(on_terminal innernet export phone --key "$HOME/phone.key" -o -)" "^PrivateKey = " 'or when asked for'
refuse() { # DESCRIPTION REGEX ARGUMENT...: nothing is changed
	local what=$1 wanted=$2
	shift 2
	run innernet export "$@"
	like "$status $err" "$wanted" "$what"
	# With --json a failed run prints its diagnostics, too.
	[[ " $* " != *' --json '* ]] || out=$(jq -r 'select(.failed | not)' <<<"$out")
	is "$out$(diff network.yaml "$WORK/before")" '' '... and nothing is changed'
}
refuse 'a key that is there' "^1 error\[key-kept\]: peer 'phone' has a key already" phone
refuse 'a file that is there' '^1 error\[file-exists\]' phone --new-key -o phone.conf --json
refuse 'a server' "^1 error\[key-kept\]: 'hub' is a server" hub --new-key
refuse 'an unknown peer' "did you mean 'phone'" phon
refuse 'a disabled peer' '^1 error\[peer-disabled\]' old --new-key
refuse "another peer's key" '^1 error\[key-mismatch\]' phone --key "$WORK/office/private.key"
refuse 'a key for a peer that has an invite' '^1 error\[peer-invited\]' guest --key "$HOME/phone.key"
refuse 'two keys' 'exclude each other' phone --key x --new-key
refuse 'an edit without one' 'nothing is edited' phone --key x --commit

run innernet export guest --json
is "$status" 0 'an edit as JSON'
is "$(jq -c '[.changed, .files, .committed, .name, .reaches]' <<<"$out")" \
	'[true,["network.yaml"],false,"guest",["hub"]]' 'says what was done'
is "$(jq -r .public_key <<<"$out")" "$(jq -r .configuration <<<"$out" | sed -n 's/^PrivateKey = //p' | wg pubkey)" 'with the key'
ok 'the definition is valid' innernet validate

# ---- through the server ---------------------------------------------------------------------------------------------
git commit -q -a -m guest
cp network.yaml "$WORK/before"
refuse 'a forwarder that not everyone reaches' "^1 error\[bad-via\]: 'office' cannot forward for 'tablet': it is not in the CIDR of a server" \
	tablet --via office
refuse 'one that is not there' "did you mean 'hub'" tablet --via hubb
run innernet export tablet --via hub -o tablet.conf --commit --yes
is "$status $err" '0 ' 'through the server'
like "$out" '^  [+] via +hub$' 'the plan says so'
like "$out" '^Effect: no pair of peers gains or loses access\.$' 'reach is as before'
like "$out" '^tablet reaches, through hub: hub, office, alice, phone\.$' 'the peers that it reaches'
like "$out" '^hub must forward: sysctl net\.ipv4\.ip_forward=1' 'and what that needs'
TABLET=$(sed -n 's/^PrivateKey = //p' tablet.conf)
is "$(git show -U0 HEAD | grep '^[+] ')" \
	"+  tablet: { ip: [10.60.64.10, \"fd00:60:0:2::a\"], public_key: \"$(wg pubkey <<<"$TABLET")\", via: hub }" 'the definition'
is "$(sed -n '/^\[Peer\]/,$p' tablet.conf)" "[Peer]
# hub
PublicKey = $(pub hub)
AllowedIPs = 10.60.0.0/24, 10.60.64.0/24, 192.168.7.0/24, fd00:60:0:1::/64, fd00:60:0:2::/64
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 25" 'one peer, with the CIDRs that it reaches'
for name in hub office alice; do
	ok "$name applies it" on "$name" innernet apply -f "$HOME/net" --as "$name" --key private.key --yes
done
is "$(on alice wg show corp allowed-ips | grep -F "$(pub hub)" | cut -f 2)" \
	'10.60.0.1/32 10.60.64.10/32 fd00:60:0:1::1/128 fd00:60:0:2::a/128' 'other peers have it at the server'
is "$(on alice wg show corp peers | grep -cF "$(wg pubkey <<<"$TABLET")")" 0 'and not as a peer of their own'
is "$(on hub wg show corp allowed-ips | grep -F "$(wg pubkey <<<"$TABLET")" | cut -f 2)" '10.60.64.10/32 fd00:60:0:2::a/128' \
	'the server has it directly'
on hub sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
cp tablet.conf "$WORK/tablet/corp.conf"
on tablet sh -c 'wireguard-go corp >/dev/null 2>&1 && wg-quick strip ./corp.conf >plain && wg setconf corp plain &&
	ip address add 10.60.64.10/16 dev corp && ip address add fd00:60:0:2::a/48 dev corp nodad && ip link set corp mtu 1340 up'
ok 'it reaches the server' ping_works tablet 10.60.0.1 10
ok 'and through it a peer without an endpoint' ping_works tablet 10.60.64.3 10
ok 'in IPv6' ping_works tablet fd00:60:0:2::3
ok 'that peer reaches it too' ping_works alice 10.60.64.10
ok 'and one with an endpoint' ping_works office 10.60.64.10 10
# Guests do not reach humans: not through the server either, whatever they send it.
host_new guest 192.0.2.6
innernet export guest --new-key -o guest.conf --commit --yes >/dev/null
on hub innernet apply -f "$HOME/net" --as hub --key private.key --yes >/dev/null
sed 's/^AllowedIPs = .*/AllowedIPs = 10.60.0.0\/16/' guest.conf >"$WORK/guest/corp.conf"
chmod 600 "$WORK/guest/corp.conf"
on guest sh -c 'wireguard-go corp >/dev/null 2>&1 && wg-quick strip ./corp.conf >plain && wg setconf corp plain &&
	ip address add 10.60.65.9/16 dev corp && ip link set corp mtu 1340 up'
ok 'a guest reaches the server' ping_works guest 10.60.0.1 10
ok 'and does not get through it to a tablet' ping_fails guest 10.60.64.10
ok 'nor to another peer' ping_fails guest 10.60.64.3
like "$(innernet list 2>&1)" '^tablet .* via hub$' 'list'
like "$(innernet snapshot --for alice)" "^peer tablet .* via=hub\$" 'the snapshot'
run innernet rename-peer --name hub --new-name gate
is "$status $(grep -c 'via: gate' network.yaml)" '0 1' 'the server is renamed'
run innernet delete-peer --name gate
like "$err" "^  note: to forward for 'tablet' at network\.yaml" 'and not deleted while it forwards'
run innernet rename-peer --name gate --new-name hub
ok 'there and back' git diff --quiet

# ---- without a server -----------------------------------------------------------------------------------------------
cat >"$WORK/alone.yaml" <<END
network: home
cidr: 10.9.0.0/16
peers:
  nas:   { ip: 10.9.0.1, public_key: "$(pub hub)", endpoint: "nas.example:51820" }
  phone: { ip: 10.9.0.2, invite: "$(invite)" }
END
run innernet export phone "$WORK/alone.yaml"
is "$status $(grep -c '^\[Peer\]' <<<"$out") $(grep -c '^Endpoint = nas.example:51820' <<<"$out")" '0 1 1' 'of a network without a server'
many=$(for i in $(seq 2 60); do printf '  p%d: { ip: 10.9.1.%d, public_key: "%s", endpoint: "192.0.2.9:%d" }\n' "$i" "$i" "$(wg genkey | wg pubkey)" "$i"; done)
echo "$many" >>"$WORK/alone.yaml"
run innernet export phone "$WORK/alone.yaml" --new-key --qr
like "$status $err" '^1 error\[qr-too-large\]: the configuration has [0-9]+ bytes, and a QR code holds at most 2953' 'too much for a code'
done_testing
