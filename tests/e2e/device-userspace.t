#!/bin/sh
# Devices through the UAPI: device.h against a real wireguard-go, in namespaces of its own. Needs root.
set -u

BUILD=${BUILD:-build}
here=$(dirname "$0")
if [ "${1:-}" != inside ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "1..0 # SKIP needs root"
		exit 0
	fi
	exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" inside
fi

DRIVER=$(realpath "$BUILD")/tests/e2e/device_driver
KIND=userspace
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM
# Sockets and names of namespaces of our own; they go with the mount namespace, and wireguard-go with that of processes.
mkdir -p /run/wireguard /run/netns
mount -t tmpfs none /run/wireguard
mount -t tmpfs none /run/netns
ip link set lo up

# shellcheck source=tests/e2e/device-cases.sh
. "$here/device-cases.sh"

# What we have open is not held open by what we start.
case_descriptors() {
	"$DRIVER" apply "$WORK/one" userspace >/dev/null 9<"$WORK/psk"
	is "no descriptor is handed on" "$(find /proc/[0-9]*/fd -lname "$WORK/psk" 2>/dev/null)" ""
	"$DRIVER" down $I >/dev/null
}

# What only a userspace implementation can do wrong.
case_stale() {
	"$DRIVER" apply "$WORK/one" userspace >/dev/null
	pkill -KILL -x wireguard-go
	while ip link show dev $I >/dev/null 2>&1; do sleep 0.05; done
	is "a stale socket is no interface" "$(ls /run/wireguard) $("$DRIVER" read $I)" "$I.sock $I absent"
	is "and does not disturb the other" "$("$DRIVER" apply "$WORK/one" userspace | tail -n 1)" "converged"
	is "a socket of another namespace is none of ours" "$(unshare -n "$DRIVER" read $I)" "$I absent"
	is "nor can its name be taken" "$(unshare -n "$DRIVER" apply "$WORK/one" userspace | grep -A 9 ^error)" \
		"error[device-userspace]: wireguard-go did not start: another interface named '$I' answers at /var/run/wireguard/$I.sock
  help: network namespaces share that folder: give each interface a name of its own, or each namespace a private tmpfs there"
	"$DRIVER" down $I >/dev/null
}

case_none() {
	is "no WireGuard at all" "$(WG_USERSPACE=no-such-wireguard "$DRIVER" apply "$WORK/one" userspace | grep -A 9 ^error)" \
		"error[device-no-wireguard]: no WireGuard: no-such-wireguard is not installed
  help: install a kernel with WireGuard (linux 5.6 or newer: \`modprobe wireguard\`), or the package wireguard-go"
	if ! ip link add Cprobe type wireguard 2>/dev/null; then
		is "nor in the kernel" "$(WG_USERSPACE=no-such-wireguard "$DRIVER" apply "$WORK/one" | grep ^error)" \
			"error[device-no-wireguard]: no WireGuard: the kernel has no wireguard module and no-such-wireguard is not installed"
		is "in the kernel alone" "$("$DRIVER" apply "$WORK/one" kernel | grep ^error)" \
			"error[device-no-wireguard]: no WireGuard: the kernel has no wireguard module"
	fi
	is "one that fails" "$(WG_USERSPACE=false "$DRIVER" apply "$WORK/one" userspace | grep -A 9 ^error)" \
		"error[device-userspace]: false failed to make '$I' (exit status 1)
  help: \`false -f $I\` shows why"
	is "no permission" "$(setpriv --bounding-set=-net_admin "$DRIVER" apply "$WORK/one" | grep -A 9 ^error)" \
		"error[device-permission]: $I: cannot create the interface: Operation not permitted
  help: WireGuard interfaces are for root, or a process with CAP_NET_ADMIN in this network namespace"
}

device_cases
case_descriptors
case_stale
case_none
echo "1..$n"
exit $((failed != 0))
