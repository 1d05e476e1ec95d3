#!/bin/sh
# innernet validate --fix: what is safe is corrected, and no other byte; what is not is left to people.
# One folder a case, each with before.yaml and after.yaml, and expected.txt with what was said and the exit code.
# UPDATE=1 tests/golden/fix.t writes what comes out now: read the difference in git.
. "$(dirname "$0")/../tap.sh"
cd "$tmp" || exit 1

for case in "$top"/tests/golden/fix/*/; do
	name=$(basename "$case")
	cp "$case/before.yaml" network.yaml
	shown=$("$innernet" validate --diff 2>/dev/null)
	cmp -s "$case/before.yaml" network.yaml
	tap $? "$name: a diff changes nothing"
	said=$("$innernet" validate --fix 2>&1; echo "exit code $?")
	if [ -n "${UPDATE:-}" ]; then
		cp network.yaml "$case/after.yaml"
		printf '%s\n' "$said" >"$case/expected.txt"
	fi
	out=$(diff "$case/after.yaml" network.yaml)
	tap $? "$name: the file"
	[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	out=$(printf '%s\n' "$said" | diff "$case/expected.txt" -)
	tap $? "$name: what is said"
	[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	# The diff is one: patch(1) and git make the same file of it.
	cp "$case/before.yaml" patched.yaml
	[ -z "$shown" ] || printf '%s\n' "$shown" | sed '1s/.*/--- a\/patched.yaml/; 2s/.*/+++ b\/patched.yaml/' >change.diff
	if [ -n "$shown" ]; then git apply change.diff; fi
	cmp -s network.yaml patched.yaml
	tap $? "$name: the diff is the same change"
	cp network.yaml again.yaml
	"$innernet" validate --fix >again.txt 2>&1
	cmp -s network.yaml again.yaml && ! grep -q ' becomes ' again.txt
	tap $? "$name: a second time changes nothing"
done
echo "1..$n"
