# shellcheck shell=bash
# A network with a server on the host `hub`, and its admin's clone there. Source lib.sh first, and make the host.

# site_new NETWORK PREFIX [OPTION...]: the network, its server (spawned as `server`, with these options), the clone
site_new() {
	NET=$1 REPO=/var/lib/innernet-reconcile/$1/network.git
	on hub git config --global user.name Ada
	on hub git config --global user.email ada@example.com
	on hub innernet-reconcile init --network-name "$NET" --network-cidr "$2" --external-endpoint 192.0.2.1:51820 \
		--server-name hub >/dev/null || bail 'no server'
	spawn hub server innernet-reconcile --watch "$NET" "${@:3}"
	wait_log hub server 'published: version 0.1' || bail 'nothing is published'
	on hub git clone -q "$REPO" network || bail 'no clone'
}
admin() { on hub env -C "$WORK/hub/network" "$@"; } # COMMAND...: in the clone

# site_humans PREFIX: a CIDR for people, in a commit that is not pushed
site_humans() {
	admin sed -i "s|^cidrs:|cidrs:\n  humans: $1|" network.yaml
	admin git commit -q -a -m CIDRs
}
# site_invite NAME [OPTION...]: a peer of them, in a commit that is not pushed; its invitation is $WORK/NAME.yaml. What a guard
# stops is accepted.
site_invite() {
	local said id
	local edit=(admin innernet add-peer --name "$1" --auto-ip --cidr humans --save-config "$WORK/$1.yaml" --commit "${@:2}")
	! said=$("${edit[@]}" --yes 2>&1) || return 0
	id=$(sed -n 's/.*accept it: --accept //p' <<<"$said")
	"${edit[@]}" --accept "${id:-none}" >/dev/null 2>&1 || bail "no $1: $said"
}
# All commits are one plan to the server: the last one accepts it.
site_push() {
	local id said
	id=$(admin innernet plan --base origin/HEAD 2>/dev/null | sed -n 's/^Plan id: //p')
	[ -z "$id" ] || admin git commit -q --amend --no-edit --trailer "Innernet-Accept: $id"
	said=$(admin git push -q 2>&1) || bail "not pushed: $said"
}

status_has() { on hub innernet-reconcile status "$NET" 2>&1 | grep -qE -e "$1"; } # REGEX: the server's
key_of() { on "$1" wg show "$NET" public-key; }                                   # HOST
