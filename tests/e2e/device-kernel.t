#!/bin/sh
# Devices through netlink: device.h against the kernel's own WireGuard. Boots a kernel that has it (fetch-kernel) in
# qemu with the driver, wg, ip and device-cases.sh (guest.sh), and relays the guest's TAP.
set -u

BUILD=${BUILD:-build}
KERNEL=${KERNEL:-build/kernel}
SECONDS_MAX=$((${TEST_TIMEOUT:-600} - 20)) # in time to say what it came to, before tests/run ends it all
here=$(dirname "$0")
if [ "$(uname -m)" != x86_64 ]; then
	echo "1..0 # SKIP the programs here are not x86_64's"
	exit 0
fi

die() {
	echo "Bail out! $*"
	exit 1
}
. "$here/guest.sh"

"$here/fetch-kernel" "$KERNEL" >&2 || die "there is no kernel to boot"
work=$(mktemp -d)
qemu=
trap 'rm -rf "$work"; [ -z "$qemu" ] || kill "$qemu" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

guest_new "$work"
guest_add ping "$(realpath "$BUILD")/tests/e2e/device_driver"
cp "$here/device-cases.sh" "$guest_root/cases"

# The serial line has carriage returns, and may have what firmware and kernel say.
mkfifo "$work/console"
guest_boot "$work" "$SECONDS_MAX" >"$work/console" <<'END' &
DRIVER=/real/device_driver
KIND=kernel
WORK=/tmp/work
mkdir "$WORK"
. /cases
device_cases
echo "1..$n"
END
qemu=$!
tr -d '\r' <"$work/console" | tee "$work/log" | grep --line-buffered -E '^(ok|not ok|#|1\.\.|Bail out)' &
wait "$!"
wait "$qemu"
qemu=
grep -q '^1\.\.' "$work/log" || {
	tail -n 20 "$work/log" | sed 's/^/# /'
	die "the guest did not come to its end within $SECONDS_MAX s"
}
! grep -q '^not ok' "$work/log"
