#!/usr/bin/env bash
# What Tab gives in the shells themselves, at a terminal: the names of the definition, or of the network, that the line
# is about; and what the program tells them, which is never more than names.
. "$(dirname "$0")/lib.sh"

export HOME=$WORK/home TERM=xterm GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME/net" "$HOME/own" "$HOME/etc" "$HOME/functions"
cd "$HOME" || bail 'no folder'
define() { # NETWORK PEER...
	printf 'network: %s\ncidr: 10.60.0.0/16\ncidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/24\npeers:\n' "$1"
	shift
	local n=0
	for p; do printf '  %s: { ip: 10.60.64.%d, public_key: "%s" }\n' "$p" $((n += 1)) "$(wg genkey | wg pubkey)"; done
}
define corp alice bob bella >net/network.yaml
define home zoe zack >own/network.yaml
git config --global innernet.home.clone "$HOME/own"
touch etc/corp.yaml etc/lab.yaml 'etc/$(touch oops).yaml' etc/notes.txt
cp "$BUILD/innernet.zsh" functions/_innernet

given() { innernet complete "$@" | xargs; } # KIND -- WORD...
is "$(cd net && given peer -- disable-peer --name)" 'alice bob bella' 'peers of the definition in the current folder'
is "$(given cidr -- add-peer net --cidr)" 'corp infra humans' 'CIDRs of the definition that the line names'
is "$(given peer -- disable-peer home --name)" 'zoe zack' 'of the clone of a network'
is "$(given peer -- apply -f net/network.yaml --as)" 'alice bob bella' 'of the definition that is to be applied'
is "$(cd net && given argument -- why alice)" 'alice bob bella corp infra humans' 'both where both will do'
is "$(given argument -- why zoe zack)" 'home' 'networks that were cloned where a definition is meant'
is "$(given argument -- -c etc show)" 'corp lab' 'networks of this machine, and nothing that is no name'
is "$(given argument -- -c etc up corp)" 'corp lab' 'one after the other'
is "$(given argument -- -c etc show corp)" '' 'nothing after the last argument'
is "$(innernet-reconcile complete argument -- --config-dir etc suspend | xargs)" 'corp lab' 'those of a server'
is "$(cd net && given argument -- add-association infra)" 'corp infra humans' 'the second of two'
is "$(given argument -- completions)" 'bash zsh fish' 'shells'
is "$(cd net && given peer -- export --via = bob --endpoint a : 1)" 'alice bob bella' 'words that bash has split are whole again'
quiet() { # KIND -- WORD...: fails on no line, and says nothing
	out=$(innernet complete "$@" 2>&1 </dev/null)
	is "$? $out" '0 ' "nothing, and not a word: $*"
}
quiet peer -- disable-peer --name
quiet peer -- disable-peer nonesuch --name
quiet peer -- override-peer-endpoint corp --name
quiet peer -- --backend nonesuch --mtu
quiet nonesuch -- ''
printf 'peers: [\n' >own/network.yaml
quiet peer -- disable-peer home --name
rm -r own && mkfifo own
quiet peer -- disable-peer home --name
innernet complete argument -- validate >/dev/null
is $? 1 'files are possible'
unlike "$(innernet --help)" '^  complete ' 'the help does not list it'

talk() { # SHELL DESCRIPTION COMMAND...: the dialogue is standard input
	local shell=$1 name="$1: $2"
	shift 2
	command -v "$shell" >/dev/null || { pass "$name # SKIP no $shell"; return; }
	if said=$("$BUILD/tests/e2e/pty_driver" "$@" 2>"$WORK/failed"); then pass "$name"; else fail "$name" "$(cat "$WORK/failed")"$'\n'"$said"; fi
}
# Each line is taken back (Ctrl-U) before the next.
lines() {
	cat <<'END'
send cd net\r
expect >
send innernet disable-peer --name al\x09
expect --name alice
send \x15innernet add-peer --cidr=hum\x09
expect --cidr=humans
send \x15innernet export bo\x09
expect export bob
send \x15innernet disable-peer net\x09
expect network.yaml
send \x15innernet --config-dir ../etc down la\x09
expect down lab
send \x15innernet completions zs\x09
expect completions zsh
send \x15innernet rename-peer --name bob --new-n\x09
expect --new-name
send \x15innernet graph --format me\x09
expect --format mermaid
send \x15innernet --backend ker\x09
expect --backend kernel
send \x15innernet validate --format=sa\x09
expect --format=sarif
send \x15innernet --color alw\x09
expect --color always
send \x15exit\r
exit 0
END
}
talk bash 'Tab gives names' env PS1='>' bash --norc --noprofile -i < <(
	printf 'expect >\nsend . %s/innernet.bash\\r\nexpect >\n' "$BUILD"
	lines
)
talk zsh 'Tab gives names' env PS1='>' zsh -f -i < <(
	printf 'expect >\nsend fpath=(%s/functions $fpath); autoload -Uz compinit; compinit -u -D\\r\nexpect >\n' "$HOME"
	lines
)
# fish 4 asks the terminal what it is, and the test's terminal does not answer.
talk fish 'Tab gives names' env fish_features=no-query-term fish --no-config -i -C 'function fish_prompt; printf ">"; end' < <(
	printf 'expect >\nsend source %s/innernet.fish\\r\nexpect >\n' "$BUILD"
	lines
)
nok 'and nothing was run' test -e net/oops -o -e oops
done_testing
