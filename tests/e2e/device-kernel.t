#!/bin/sh
# Devices through netlink: device.h against the kernel's own WireGuard. Boots a kernel that has it (fetch-kernel) in
# qemu, by plain emulation, with an initramfs of the driver, wg, ip and device-cases.sh, and relays the guest's TAP.
# Needs neither root nor KVM.
set -u

BUILD=${BUILD:-build}
KERNEL=${KERNEL:-build/kernel}
SECONDS_MAX=180
here=$(dirname "$0")
if [ "$(uname -m)" != x86_64 ]; then
	echo "1..0 # SKIP the programs here are not x86_64's"
	exit 0
fi

die() {
	echo "Bail out! $*"
	exit 1
}

"$here/fetch-kernel" "$KERNEL" >&2 || die "there is no kernel to boot"
work=$(mktemp -d)
qemu=
trap 'rm -rf "$work"; [ -z "$qemu" ] || kill "$qemu" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# add PROGRAM: the program and the libraries it is linked to, each where it is here.
root=$work/root
add() {
	case $1 in
	/*) at=$1 ;;
	*) at=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1") || die "$1 is not installed" ;;
	esac
	cp -L "$at" "$root/real/"
	ldd "$at" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\).*/\1/p' | while read -r library; do
		mkdir -p "$root$(dirname "$library")"
		[ -e "$root$library" ] || cp -L "$library" "$root$library"
	done
}

mkdir -p "$root/bin" "$root/real" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/etc"
add busybox
for program in ip wg ping; do add "$program"; done
add "$(realpath "$BUILD")/tests/e2e/device_driver"
cp -r "$KERNEL/modules" "$root/modules"
cp "$here/device-cases.sh" "$root/cases"
cat >"$root/init" <<'E2'
#!/real/busybox sh
/real/busybox --install -s /bin
export PATH=/bin:/real
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /run
mount -t tmpfs none /tmp
mkdir -p /run/netns
for module in /modules/*.ko; do
	insmod "$module" || echo "# $module is not loaded"
done
# busybox's shell takes its own ip and ping, unless it is told.
ip() {
	/real/ip "$@"
}
ping() {
	/real/ping "$@"
}
ip link set lo up
DRIVER=/real/device_driver
KIND=kernel
WORK=/tmp/work
mkdir "$WORK"
. /cases
device_cases
echo "1..$n"
reboot -f
E2
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initramfs" || die "cpio failed"

# The serial line has carriage returns, and may have what firmware and kernel say.
mkfifo "$work/console"
timeout "$SECONDS_MAX" qemu-system-x86_64 -M q35 -cpu max -m 768 -display none -serial stdio -monitor none -no-reboot \
	-nic none -kernel "$KERNEL/vmlinuz" -initrd "$work/initramfs" -append "console=ttyS0 quiet loglevel=1 panic=-1" \
	</dev/null >"$work/console" 2>&1 &
qemu=$!
tr -d '\r' <"$work/console" | tee "$work/log" | grep --line-buffered -E '^(ok|not ok|#|1\.\.|Bail out)'
wait "$qemu"
qemu=
grep -q '^1\.\.' "$work/log" || {
	tail -n 20 "$work/log" | sed 's/^/# /'
	die "the guest did not come to its end within $SECONDS_MAX s"
}
! grep -q '^not ok' "$work/log"
