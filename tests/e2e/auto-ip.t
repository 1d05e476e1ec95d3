#!/usr/bin/env bash
# `add-peer --auto-ip --push` from a plain clone: it looks at the ledger of the remote repository first, and `reuse:`
# makes a pool of a CIDR.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/site.sh"

host_new hub 192.0.2.1
site_new corp 10.60.0.0/16
admin sed -i 's|^cidrs:|cidrs:\n  ci: 10.60.65.0/29|' network.yaml
admin git commit -q -a -m CIDRs
site_push

machine() { # NAME: a peer of the pool is added; its address, or the error
	run admin innernet add-peer --name "$1" --auto-ip --cidr ci --public-key "$(wg genkey | wg pubkey)" --push --yes
	if [ "$status" = 0 ]; then
		admin innernet list --json | jq -r --arg p "$1" '.peers[] | select(.name == $p) | .addresses[]'
	else
		printf '%s %s\n' "$status" "$(grep -E '^(error|  help)' <<<"$err")"
	fi
}
gone() { admin innernet delete-peer --name "$1" --push --yes >/dev/null 2>&1; } # NAME

for n in 1 2 3 4 5 6; do
	is "$(machine ci$n)" "10.60.65.$n" "machine $n: an address that no machine had, and the push is taken"
	ok 'it leaves' gone ci$n
done
is "$(machine ci7)" "1 error[cidr-full]: no IPv4 address is free in CIDR 'ci'
  help: make it larger; addresses that peers had before are free with \`reuse: [10.60.65.0/29]\`" 'when all were given out, it says so'
is "$(admin git status -sb)" '## main...origin/main' 'nothing is left unpushed'

admin sed -i '$a reuse: [10.60.65.0/29]' network.yaml
ok 'the prefix may be used again' admin git commit -q -a -m reuse
site_push
for n in 8 9; do
	is "$(machine ci$n)" 10.60.65.1 "machine $n: the lowest address again"
	ok 'it leaves' gone ci$n
done

# Another clone, which has not fetched since.
on hub git clone -q "$REPO" old
admin sed -i '/^reuse:/d' network.yaml
admin git commit -q -a -m 'no reuse'
site_push
on hub git -C old pull -q
is "$(on hub git -C old update-ref -d refs/remotes/origin/innernet/enrolments)" '' 'a clone without the ledger'
run on hub env -C "$WORK/hub/old" innernet add-peer --name ci10 --ip 10.60.65.3 --public-key "$(wg genkey | wg pubkey)" --push --yes
like "$status $err" '^1 error\[address-reused\]: 10\.60\.65\.3 was given to peer .ci3. and is not free' \
	'an address of choice is checked against the remote ledger too'
done_testing
