#!/usr/bin/env bash
# Edits that a server's default guards stop, and edits without a terminal: what passes, what is refused, and the trailer that
# a commit gets.
. "$(dirname "$0")/lib.sh"

desk_new net
key() { # NAME: a public key, always the same
	{ printf '%s' "$1" | openssl dgst -sha256 -binary | head -c 31; printf '\0'; } | base64
}
at_terminal() { # ANSWER COMMAND...
	local answer=$1
	shift
	script -qec "$*" /dev/null <<<"$answer" 2>&1 | tr -d '\r'
	return "${PIPESTATUS[0]}"
}
cat >network.yaml <<END
network: corp
cidr: 10.60.0.0/16
cidrs:
  infra:  10.60.0.0/24
  humans: 10.60.64.0/24
trust:
  id: $(key corp)
  signers: ["ed25519:2YiDUN6ZCyEaKrZg0/Q0YUnQwDgUKa4izIMFrVEBBnY="]
peers:
  hub:   { ip: 10.60.0.1, public_key: "$(key hub)", endpoint: "192.0.2.1:51820", server: true }
  alice: { ip: 10.60.64.1, public_key: "$(key alice)", admin: true }
END
git init -q -b main && git add network.yaml && git commit -q -m start
git init -q --bare "$WORK/upstream.git" && git remote add origin "$WORK/upstream.git" && git push -q -u origin main
head_of() { git rev-parse HEAD; }
start=$(head_of)
unchanged() { # DESCRIPTION
	is "$(git status --porcelain) $(head_of)" " $start" "$1"
	git checkout -q .
}

# ---- nobody to ask ------------------------------------------------------------------------------------------------------

out=$(echo no | innernet add-cidr --name lab --cidr 10.60.67.0/24 --push 2>&1)
is "$? $(grep -A1 error <<<"$out")" '3 error[not-confirmed]: nothing was changed: there is no terminal to ask at
  help: --yes pushes without asking' 'a pipe that says no is no yes'
unchanged '... and nothing is changed'
run innernet add-cidr --name lab --cidr 10.60.67.0/24 --commit
is "$status" 3 'nor is an empty input'
unchanged '... and nothing is changed'
run innernet add-cidr --name lab --cidr 10.60.67.0/24
is "$status" 0 'an edit of the file alone needs no answer'
git checkout -q .

# ---- a guard ------------------------------------------------------------------------------------------------------------

add=(add-peer --name boss --ip 10.60.64.9 --public-key "$(key boss)" --admin)
run innernet "${add[@]}" --push --yes
is "$status" 3 '--yes does not pass a guard'
like "$out" '^A server with the default guards stops this: this revision makes peers admins: boss \(guard-new-admin\)\.$' \
	'the guard is named'
like "$err" '^error\[not-accepted\]: nothing was changed: a server with the default guards refuses this edit$' 'and the reason'
unchanged '... and nothing is changed'
id=$(sed -n 's/^  help: when the plan is what you mean, accept it: --accept //p' <<<"$err")
run innernet "${add[@]}" --push --accept 0000-0000-0000-0000
is "$status $(head -n 1 <<<"$err")" '3 error[plan-other]: nothing was changed: --accept names another plan than this edit has' \
	'another id does not pass it either'
unchanged '... and nothing is changed'
run innernet "${add[@]}"
is "$status" 3 'a guard is asked about before the file alone is written, too'
unchanged '... and nothing is changed'
run innernet "${add[@]}" --json
is "$status $(jq -c '.diagnostics[0] | [.code, .notes[0].message]' <<<"$out")" \
	'3 ["not-accepted","guard-new-admin: this revision makes peers admins: boss"]' 'JSON does not pass it, and names the guard'
unchanged '... and nothing is changed'
run innernet "${add[@]}" --accept "$id" --json
is "$status $(jq -r '.guards[0].code, .accepted' <<<"$out" | xargs)" "0 guard-new-admin $id" 'JSON names the guard and the id'
git checkout -q .
run innernet "${add[@]}" --accept "$id"
like "$out" "^Not active yet\. Push it: git commit -m 'network: add peer boss' --trailer 'Innernet-Accept: $id' network\.yaml && git push$" \
	'the command to type has the trailer'
git checkout -q .
run innernet "${add[@]}" --accept "$id" --push
is "$status $(git log -1 --format='%s|%(trailers:key=Innernet-Accept,valueonly)' origin/main | tr -d '\n')" \
	"0 network: add peer boss|$id" 'the right id passes it, and the commit has the trailer'
run innernet plan --base HEAD~1
is "$status $(grep -c 'acknowledged by the trailer' <<<"$err")" '0 1' 'which plan sees'

# An invite is another key in each run: the id that is accepted counts without it.
add=(add-peer --name chief --ip 10.60.64.10 --admin --save-config "$WORK/chief.yaml")
run innernet "${add[@]}" --push --yes
id=$(sed -n 's/^  help: when the plan is what you mean, accept it: --accept //p' <<<"$err")
run innernet "${add[@]}" --push --accept "$id"
is "$status" 0 'an invited admin is accepted by the id of the run before'
run innernet plan --base HEAD~1
is "$status $(grep -c 'acknowledged by the trailer' <<<"$err")" '0 1' 'and the trailer has the id of the plan as it is'
start=$(head_of)

# At a terminal a person types it.
out=$(at_terminal no innernet add-peer --name carol --ip 10.60.64.11 --public-key "'$(key carol)'" --admin true --yes --push)
unchanged 'at a terminal --yes does not pass a guard'
out=$(at_terminal yes innernet add-peer --name carol --ip 10.60.64.11 --public-key "'$(key carol)'" --admin --push)
like "$(git log -1 --format=%B)" '^Innernet-Accept: [0-9a-f]{4}-' 'yes passes it, with the trailer'

# ---- each guard that plan foretells ---------------------------------------------------------------------------------------

foretold() { # DESCRIPTION CODE SENTENCE SED: plan warns, `--guard` with an empty file refuses, with the trailer accepts
	local id
	git checkout -q .
	sed -i "$4" network.yaml
	run innernet plan
	is "$status $(grep -o "^warning.$2.*" <<<"$err")" "0 warning[$2]: $3" "$1: plan foretells it"
	: >"$WORK/guard.yaml" && echo 'keep_admin: true' >"$WORK/guard.yaml"
	run innernet plan --guard "$WORK/guard.yaml"
	is "$status $(grep -o "^error.$2.*" <<<"$err")" "3 error[$2]: $3" "$1: a server refuses it"
	id=$(sed -n 's/^Plan id: //p' <<<"$out")
	git commit -qam change --trailer "Innernet-Accept: $id"
	run innernet plan --base HEAD~1 --guard "$WORK/guard.yaml"
	is "$status" 0 "$1: with the trailer it does not"
	git reset -q --hard HEAD~1
}
routes() { echo "s|^  alice: {|  alice: { routes: $1,|"; }
foretold 'a default route' guard-default-route 'this revision adds a default route: ::/0 through alice' "$(routes '["::/0"]')"
foretold 'a public route' guard-public-route 'this revision routes public addresses: 8.8.8.0/24 through alice' "$(routes '[8.8.8.0/24]')"
foretold 'a wide route' guard-wide-route \
	'this revision adds routes wider than /8 (IPv4) or /32 (IPv6): fd00::/16 through alice' "$(routes '["fd00::/16"]')"
foretold "a server's address" guard-server-address \
	'this revision changes the address of a server, by which the peers reach it: hub from 10.60.0.1 to 10.60.0.7' 's/10\.60\.0\.1,/10.60.0.7,/'
foretold "a server's endpoint" guard-server-endpoint \
	'this revision leaves a server none of its endpoints: hub from 192.0.2.1:51820 to 192.0.2.9:51820' 's/192\.0\.2\.1:/192.0.2.9:/'
foretold 'the network grows' guard-root \
	'this revision takes more addresses for the network itself: 10.60.0.0/15, which was 10.60.0.0/16' 's|^cidr: .*|cidr: 10.60.0.0/15|'
git checkout -q .
sed -i "$(routes '[192.168.7.0/24]')" network.yaml
run innernet plan
is "$status $err" '0 ' 'a private route of usual width stops at no guard'
sed -i 's/routes: \[[^]]*\]/routes: [8.8.8.0\/24]/' network.yaml
echo 'public_routes: true' >"$WORK/guard.yaml"
run innernet plan --guard "$WORK/guard.yaml"
is "$status $err" '0 ' 'a server that allows public routes takes them'

done_testing
