# shellcheck shell=bash
# A hub that is no reconciler: an interface made by hand, and a server that sends what a test tells it to. For the
# tests of what a peer believes, and of what it does without a server. Source lib.sh first.

# hub_new: the host `hub` with its interface `corp`, and a definition in $DEF of hub and bob.
hub_new() {
	host_new hub 192.0.2.1
	OFFER=$WORK/hub/offer
	DEF=$WORK/hub/def
	mkdir -p "$OFFER" "$DEF"
	HUB_KEY=$(wg genkey)
	HUB_PUB=$(wg pubkey <<<"$HUB_KEY")
	signer_new "$WORK/hub/signer"
	SIGNER=$SIGNER_PUB
	NETWORK_ID=$(head -c 32 /dev/urandom | base64)
	BOB_PUB=$(wg genkey | wg pubkey)
	on hub sh -c 'wireguard-go -f corp >/dev/null 2>&1 </dev/null &'
	wait_for 10 on hub wg show corp || bail 'no interface on the hub'
	on hub wg set corp listen-port 51820 private-key <(echo "$HUB_KEY")
	on hub ip address add 10.60.0.1/32 dev corp
	on hub ip link set corp mtu 1280 up
	on hub ip route add 10.60.0.0/16 dev corp
	spawn hub canned "$BUILD/tests/e2e/canned" 10.60.0.1 51820 "$OFFER"
	definition 0 ''
}

# signer_new FILE: an Ed25519 seed in FILE; its public half in SIGNER_PUB
signer_new() {
	head -c 32 /dev/urandom | base64 >"$1"
	chmod 600 "$1"
	SIGNER_PUB=$(
		{
			printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'
			base64 -d "$1"
		} | openssl pkey -inform DER -pubout -outform DER | tail -c 32 | base64
	)
}

# definition EPOCH LINES...: hub, bob and these lines of peers. A later epoch is a later version.
definition() {
	local epoch=$1
	shift
	{
		printf 'network: corp\ncidr: 10.60.0.0/16\nepoch: %s\n' "$epoch"
		printf 'trust: { id: "%s", signers: ["ed25519:%s"] }\n' "$NETWORK_ID" "$SIGNER"
		printf 'cidrs: { infra: 10.60.0.0/24, humans: 10.60.64.0/24 }\n'
		printf 'peers:\n'
		printf '  hub: { ip: 10.60.0.1, public_key: "%s", endpoint: "%s", server: true }\n' "$HUB_PUB" \
			"${HUB_ENDPOINT:-192.0.2.1:51820}"
		printf '  bob: { ip: 10.60.64.3, public_key: "%s" }\n' "$BOB_PUB"
		printf '%s\n' "$@"
	} >"$DEF/network.yaml"
}

# offer_of PEER [SEED-FILE]: what a server that held this definition would send to the peer
offer_of() {
	innernet snapshot "$DEF/network.yaml" --for "$1" --key "${2:-$WORK/hub/signer}"
}

# offer FILE: becomes what the hub sends, at once
offer() {
	cp "$1" "$OFFER/.new" && mv "$OFFER/.new" "$OFFER/poll"
}
no_offer() { rm -f "$OFFER/poll"; }

# invite_alice: her line in $ALICE, her invitation in $WORK/alice/alice.yaml, her temporary key on the hub
invite_alice() {
	innernet add-peer "$DEF/network.yaml" --name alice --ip 10.60.64.2 --save-config "$WORK/alice/alice.yaml" --yes \
		>/dev/null || bail 'add-peer failed'
	local seed
	seed=$(sed -n 's/^seed: //p' "$WORK/alice/alice.yaml" | base64 -d | sha512sum | head -c 64 | tr a-f A-F | basenc --base16 -d | base64)
	TEMPORARY=$(wg pubkey <<<"$seed")
	on hub wg set corp peer "$TEMPORARY" allowed-ips 10.60.64.2/32
}

# accept_alice: the hub answers an enrolment as a server does. Afterwards her key is in the definition.
accept_alice() {
	cat >"$OFFER/redeem" <<HOOK
#!/bin/sh
key=\$(sed -n 's/^key //p')
echo "\$key" >alice.key
# She may shake hands at once: what is not answered she tries again after 5 s.
wg set corp peer "\$key"
sed -i "s|^  alice:.*|  alice: { ip: 10.60.64.2, public_key: \"\$key\" }|" '$DEF/network.yaml'
innernet snapshot '$DEF/network.yaml' --for alice --key '$WORK/hub/signer' >poll.new && mv poll.new poll
echo "200 redeemed"
HOOK
	# The answer first, then the address.
	cat >"$OFFER/redeemed" <<HOOK
#!/bin/sh
wg set corp peer '$TEMPORARY' remove peer "\$(cat alice.key)" allowed-ips 10.60.64.2/32
HOOK
	chmod +x "$OFFER/redeem" "$OFFER/redeemed"
}

# refuse_alice STATUS TEXT: the hub answers an enrolment with this
refuse_alice() {
	printf '#!/bin/sh\ncat >/dev/null\necho "%s %s"\n' "$1" "$2" >"$OFFER/redeem"
	chmod +x "$OFFER/redeem"
}

# alice_joined: the network as it is for most tests: hub, bob (away) and alice, which has redeemed
alice_joined() {
	hub_new
	host_new alice 192.0.2.2
	on alice sh -c 'echo "192.0.2.1 hub.example" >>/etc/hosts'
	invite_alice
	accept_alice
	on alice innernet install alice.yaml >"$WORK/alice/install.log" 2>&1 || bail "install: $(cat "$WORK/alice/install.log")"
	ALICE_PUB=$(cat "$OFFER/alice.key")
	# shellcheck disable=SC2034 # for the script that sources this
	ALICE="  alice: { ip: 10.60.64.2, public_key: \"$ALICE_PUB\" }"
}

peers_on() { on "$1" wg show corp allowed-ips | sort; } # HOST
