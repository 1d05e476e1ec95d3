#!/usr/bin/env bash
# NAT traversal with the kernel's own WireGuard: what nat.t does with wireguard-go, in short. The peers join here, where
# programs start quickly; then a kernel that has WireGuard is booted in qemu, with what they and the server wrote, and
# nat-guest.sh is what the daemons do there.
. "$(dirname "$0")/lib.sh"

SECONDS_MAX=280
KERNEL=$TOP/build/kernel
[ "$(uname -m)" = x86_64 ] || skip_all "the programs here are not x86_64's"
[ -z "${SAN:-}" ] || skip_all 'emulated, the sanitizers take too long: nat.t is for them'
"$E2E_DIR/fetch-kernel" "$KERNEL" >&2 || bail 'there is no kernel to boot: make deps'
die() { bail "$@"; }
# shellcheck source=tests/e2e/guest.sh
. "$E2E_DIR/guest.sh"

# ---- before ---------------------------------------------------------------------------------------------------------

host_new hub 192.0.2.1
host_new alice 192.0.2.31
host_new bob 192.0.2.32
host_new carol 192.0.2.33
peers='alice bob carol'
on hub git config --global user.name Admin
on hub git config --global user.email admin@example.com
on hub innernet-reconcile init --network-name knet --network-cidr 10.66.0.0/16 \
	--external-endpoint 192.0.2.1:51820 --server-name hub >/dev/null || bail 'there is no server'
spawn hub server innernet-reconcile --watch knet
on hub git clone -q /var/lib/innernet-reconcile/knet/network.git network
on hub sed -i -e 's/^cidrs:/cidrs:\n  humans: 10.66.64.0\/24/' network/network.yaml
for who in $peers; do
	on hub sh -c "cd network && innernet add-peer --name $who --auto-ip --cidr humans --save-config ../$who.yaml --yes" >/dev/null
done
on hub sh -c 'cd network && git commit -qam peers && git push -q' 2>"$WORK/push" || bail "$(cat "$WORK/push")"
for who in $peers; do
	on "$who" innernet install "$WORK/hub/$who.yaml" >"$WORK/said" 2>&1 || bail "$(cat "$WORK/said")"
done
stop hub server

guest=$WORK/guest
mkdir "$guest"
guest_new "$guest"
guest_add bash env unshare nsenter setpriv sleep ping nft conntrack "$BUILD/innernet" "$BUILD/innernet-reconcile"
state=$guest/root/state
mkdir -p "$guest/root/t/tests/e2e" "$guest/root/var/lib" "$guest/root/usr/lib/locale" "$state"
cp "$E2E_DIR/lib.sh" "$E2E_DIR/nat-guest.sh" "$guest/root/t/tests/e2e/"
for who in hub $peers; do
	printf '%s %s\n' "$(on "$who" wg show knet public-key)" \
		"$(on "$who" ip -4 -o address show dev knet | sed 's/.*inet \([0-9.]*\).*/\1/')" >"$state/$who.who"
	for folder in /etc/innernet /var/lib/innernet /etc/innernet-reconcile /var/lib/innernet-reconcile; do
		# Where a peer was here means nothing there.
		on "$who" sh -c "[ ! -d $folder ] || (mkdir -p '$state/$who$folder' && cp -a $folder/. '$state/$who$folder/')"
	done
	rm -f "$state/$who/var/lib/innernet/knet/hints"
done
rm -rf "$state/carol"
printf '%s\n' 'innernet-hints 1' "hint $(cut -d ' ' -f 1 "$state/carol.who") 192.0.2.77:7 192.0.2.78:8" end \
	>"$state/hub/var/lib/innernet-reconcile/knet/published/hints"

# ---- there ----------------------------------------------------------------------------------------------------------

guest_boot "$guest" $SECONDS_MAX <<'END' | tr -d '\r' | tee "$WORK/console" | grep --line-buffered -E '^(ok|not ok|#|1\.\.|Bail out)'
export PATH=/real:/bin STATE=/state BUILD=/real
ln -s /proc/self/fd /dev/fd
bash /t/tests/e2e/nat-guest.sh
END
grep -q '^1\.\.' "$WORK/console" || {
	diag "$(tail -n 20 "$WORK/console")"
	bail "the guest did not come to its end within $SECONDS_MAX s"
}
! grep -q '^not ok' "$WORK/console"
