#!/usr/bin/env bash
# `make deb`: the same bytes twice, clean in lintian, and dpkg installs and purges it in a tree of its own.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
for program in dpkg-deb dpkg-shlibdeps strip; do
	command -v "$program" >/dev/null || { echo "1..0 # SKIP there is no $program"; exit 0; }
done
# A build folder of its own, with the programs that are there: what is made elsewhere meanwhile is not disturbed.
make_deb() { # FOLDER
	mkdir -p "$tmp/$1" && cp -a "$build"/innernet{,-reconcile}{,.bash,.zsh,.fish} "$tmp/$1" &&
		env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u DEBEMAIL -u DEBFULLNAME SOURCE_DATE_EPOCH=1700000000 \
			make -s MADE=yes B="$tmp/$1" deb
}
out=$(make_deb one 2>&1) && out=
report 'make deb' "$out"
deb=$(echo "$tmp"/one/innernet_*.deb)
# What could creep in is another thing the second time.
out=$(umask 077 && TZ=Asia/Tokyo LC_ALL=C make_deb two 2>&1) && out=
report 'once more, with another time zone and umask' "$out"
report 'the same bytes' "$(cmp "$deb" "$tmp"/two/innernet_*.deb 2>&1)"
report 'the version is that of the program' "$(diff <(dpkg-deb -f "$deb" Version) <("$build/innernet" --version | grep -oE '[0-9]+(\.[0-9]+)+'))"
if command -v lintian >/dev/null; then
	out=$(lintian --allow-root --fail-on error,warning --show-overrides "$deb" 2>&1 | grep -E '^[EW]:')
	report 'lintian has neither errors nor warnings' "$out"
else
	skip 'lintian' 'it is not installed'
fi

if [ "$(id -u)" = 0 ]; then
	root=$tmp/root
	mkdir -p "$root/var/lib/dpkg"/{info,updates,triggers} "$root/etc"
	: >"$root/var/lib/dpkg/status"
	# Its scripts are run outside of the tree, and told where it is (DPKG_ROOT).
	in_tree() { dpkg --root="$root" --force-script-chrootless --force-depends --log=/dev/null "$@" 2>&1; }
	out=$(in_tree --install "$deb") && out=
	report 'dpkg installs it' "$out"
	report 'what is installed is what was packed' "$(in_tree --verify innernet)"
	report 'the program runs' "$("$root/usr/bin/innernet" --version >/dev/null 2>&1 || echo 'it does not')"
	mkdir -p "$root/etc/innernet" "$root/var/lib/innernet/corp"
	: >"$root/etc/innernet/corp.yaml"
	: >"$root/var/lib/innernet/corp/snapshot"
	out=$(in_tree --purge innernet) || out="failed: $out"
	report 'dpkg purges it, and says what is left' "$(grep -F "$root/etc/innernet stays" <<<"$out" >/dev/null || echo "$out")"
	report 'what people made stays, and nothing else' "$(cd "$root" && diff <(echo ./etc/innernet/corp.yaml) \
		<(find . -path ./var/lib/dpkg -prune -o -type f -print))"
else
	for _ in 1 2 3 4 5; do
		skip 'installed and purged' 'needs root'
	done
fi
echo "1..$n"
