#!/bin/sh
# What `innernet snapshot` writes and prints, byte for byte. One folder a case: network.yaml; expected/, all of
# --output (signed with `seed`, where there is one); and, for peers, NAME.bundle, NAME.summary and NAME.json.
# UPDATE=1 tests/golden/snapshot.t writes what there is now: read the difference in git.
. "$(dirname "$0")/../tap.sh"
cd "$top/tests/golden/snapshot" || exit 1

for case in */; do
	case=${case%/}
	key=
	if [ -f "$case/seed" ]; then
		cp "$case/seed" "$tmp/seed" && chmod 600 "$tmp/seed"
		key="--key $tmp/seed"
	fi
	# shellcheck disable=SC2086
	"$innernet" snapshot "$case/network.yaml" -o "$tmp/$case" $key >"$tmp/log" 2>&1 || cat "$tmp/log"
	if [ -n "${UPDATE:-}" ]; then
		rm -rf "$case/expected" && cp -R "$tmp/$case" "$case/expected"
	fi
	diff -r "$case/expected" "$tmp/$case" >"$tmp/log" 2>&1
	status=$?
	tap $status "$case"
	[ $status = 0 ] || sed 's/^/# /' "$tmp/log"
	for file in "$case"/*.bundle "$case"/*.summary "$case"/*.json; do
		[ -f "$file" ] || continue
		peer=$(basename "${file%.*}")
		option=--${file##*.}
		[ "$option" != --bundle ] || option=$key
		# shellcheck disable=SC2086
		"$innernet" snapshot "$case/network.yaml" --for "$peer" $option >"$tmp/out" 2>&1
		[ -z "${UPDATE:-}" ] || cp "$tmp/out" "$file"
		diff -u "$file" "$tmp/out" >"$tmp/log"
		status=$?
		tap $status "$file"
		[ $status = 0 ] || sed 's/^/# /' "$tmp/log"
	done
done

refused() { # NAME, WHAT IS SAID, ARGUMENTS...: exit code 1, and that line
	name=$1 said=$2
	shift 2
	"$innernet" snapshot "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ $status = 1 ] && [ ! -s "$tmp/out" ] && grep -qF -e "$said" "$tmp/err"
	status=$?
	tap $status "$name"
	[ $status = 0 ] || sed 's/^/# /' "$tmp/err"
}
refused 'neither --output nor --for' 'give either --output DIR or --for PEER' two-stacks/network.yaml
refused 'an unknown peer' "there is no peer 'nobody'" two-stacks/network.yaml --for nobody
refused 'a disabled peer' "peer 'carol' is disabled: it has no view" two-stacks/network.yaml --for carol
refused 'nothing to sign for' 'the definition has no `trust`: a snapshot without it is not signed' isolated/network.yaml \
	--for hub --key "$tmp/seed"
chmod 644 "$tmp/seed"
refused 'a seed that other users can read' 'file-permissions' two-stacks/network.yaml --for alice --key "$tmp/seed"
chmod 600 "$tmp/seed"
echo short >"$tmp/seed"
refused 'a seed that is none' 'does not hold an Ed25519 seed' two-stacks/network.yaml --for alice --key "$tmp/seed"
sed 's/cannot_reach: \[humans, servers, guests\]/cannot_reach: [hub]/' two-stacks/network.yaml >"$tmp/network.yaml"
refused 'failing tests are not published' 'test-failed' "$tmp/network.yaml" -o "$tmp/none"
ok 'and nothing is written' [ ! -e "$tmp/none" ]
sed -n '/^innernet-bundle 1$/,/^end$/p' "$top/man/innernet-snapshot.5" |
	tail -n "$(wc -l <manual/alice.bundle)" | cmp -s - manual/alice.bundle
tap $? 'the example in innernet-snapshot(5) is what is printed'
echo "1..$n"
