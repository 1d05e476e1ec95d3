# shellcheck shell=sh
# A machine with the kernel's own WireGuard, in qemu by plain emulation: needs neither root nor KVM. Source it, then
#
#	guest_new WORK                  a root to fill, WORK/root, with busybox, the kernel's modules, ip and wg
#	guest_add PROGRAM...            a program and the libraries it is linked to, in /real
#	guest_boot WORK SECONDS <SCRIPT runs SCRIPT there by busybox's shell, and prints what the serial line says
#
# `die MESSAGE` is the caller's. KERNEL is a folder of fetch-kernel's.

guest_add() {
	for program in "$@"; do
		case $program in
		/*) at=$program ;;
		*) at=$(PATH=$PATH:/usr/sbin:/sbin command -v "$program") || die "$program is not installed" ;;
		esac
		cp -L "$at" "$guest_root/real/"
		# The libraries each where it is here.
		ldd "$at" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\).*/\1/p' | while read -r library; do
			mkdir -p "$guest_root$(dirname "$library")"
			[ -e "$guest_root$library" ] || cp -L "$library" "$guest_root$library"
		done
	done
}

guest_new() {
	guest_root=$1/root
	for folder in bin real proc sys dev run tmp etc; do
		mkdir -p "$guest_root/$folder"
	done
	guest_add busybox ip wg
	cp -r "$KERNEL/modules" "$guest_root/modules"
}

guest_boot() {
	cat >"$guest_root/script"
	cat >"$guest_root/init" <<'END'
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
. /script
reboot -f
END
	chmod +x "$guest_root/init"
	(cd "$guest_root" && find . | cpio -o -H newc --quiet) >"$1/initramfs" || die "cpio failed"
	# Ended with the caller, whatever ends that.
	setpriv --pdeathsig TERM timeout "$2" qemu-system-x86_64 -M q35 -cpu max -m 768 -display none -serial stdio -monitor none -no-reboot \
		-nic none -kernel "$KERNEL/vmlinuz" -initrd "$1/initramfs" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1" </dev/null 2>&1
}
