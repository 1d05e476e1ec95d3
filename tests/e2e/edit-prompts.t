#!/usr/bin/env bash
# What a command that edits a definition was not told, it asks for at a terminal; and the terminal is as it was after.
. "$(dirname "$0")/lib.sh"

desk_new net
export TERM=xterm
hub=$(wg genkey | wg pubkey)
cat >network.yaml <<END
network: corp
cidr: 10.60.0.0/16
trust:
  id: "$(head -c 32 /dev/urandom | base64)"
  signers: ["ed25519:$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | base64)"]
cidrs:
  infra:  10.60.0.0/24
  humans: 10.60.64.0/24
  ops:    10.60.65.0/24
associations:
  - [infra, ops]
peers:
  hub:   { ip: 10.60.0.1, public_key: "$hub", endpoint: "192.0.2.1:51820", server: true }
  alice: { ip: 10.60.64.1, public_key: "$(wg genkey | wg pubkey)" }
END
cp network.yaml first.yaml

talk 'add-peer asks for all that is missing' innernet add-peer <<'END'
expect The new peer's name:
send alice\r
expect This name is taken.
expect The new peer's name:
send bobx\b\r
expect Its CIDR:
expect > humans
send \e[A
expect > infra
send \e[B
expect > humans
send \r
expect Its address: [10.60.64.2]
send \r
expect May its users change the network?
expect > no
send \r
expect The invitation is open for: [14d]
send never\r
expect The invitation goes into the file: [bob.yaml]
send \r
expect Effect: 2 pairs of peers gain each other.
expect Add peer bob?
cooked
send yes\n
expect The invitation is in bob.yaml.
exit 0
cooked
END
like "$(diff first.yaml network.yaml)" '^> +bob:   \{ ip: 10.60.64.2, invite: "ed25519:' 'and adds the peer'
ok 'with its invitation' test -s bob.yaml

cp network.yaml second.yaml
talk 'letters narrow a list down, and the end and the beginning meet' innernet disable-peer <<'END'
expect Disable the peer:
expect > hub
send \e[A
expect > bob
send \e[B
expect > hub
send li
expect > alice
send \r
expect Disable peer alice?
send no\n
expect Nothing was changed.
exit 3
cooked
END
talk 'Ctrl-C at a list changes nothing' innernet delete-peer <<'END'
expect Delete the peer:
send \x03
expect Nothing was changed.
exit 1
cooked
END
talk 'nor at a line' innernet add-peer <<'END'
expect name:
send bo\x03
expect Nothing was changed.
exit 1
cooked
END
talk 'nor does Escape' innernet rename-cidr <<'END'
expect > infra
send \e
expect Nothing was changed.
exit 1
cooked
END
talk 'a signal ends it, and the terminal is as it was' innernet delete-cidr <<'END'
expect Delete the CIDR:
expect > infra
signal 15
exit 143
cooked
END
talk 'nor does the end of the terminal hang it' innernet add-cidr <<'END'
expect name:
send x\r
expect Its prefix: [10.60.1.0/24]
send 10.60.7.1/24\r
expect did you mean 10.60.7.0/24?
expect Its prefix: [10.60.1.0/24]
send \x04
expect Nothing was changed.
exit 1
END
ok 'none of these changed the definition' cmp network.yaml second.yaml

talk 'a narrow and low window is enough, and may change' innernet add-association <<'END'
size 12 4
expect > infra
send op
expect > ops
size 30 10
send \r
expect The other:
send \e[F\r
expect Associate ops with ops?
send no\n
exit 3
cooked
END
talk 'delete-association offers those that there are' innernet delete-association <<'END'
expect > infra
expect   ops
send \e[B\r
expect The other:
expect > infra
send \r
expect Part ops from infra?
send no\n
exit 3
END
TERM=dumb talk 'a terminal that cannot draw is asked line by line' innernet rename-peer <<'END'
expect Rename the peer:
send nobody\n
expect This is not one of the choices.
send bob\n
expect Its new name:
send robert\n
expect Rename peer bob to robert?
send yes\n
expect network: rename peer bob to robert
exit 0
END
ok 'and what it says is done' grep -q '^  robert:' network.yaml
talk 'the cursor moves within a line' innernet rename-peer --name robert <<'END'
expect Its new name:
send bb\e[Do\e[Hx\e[3~\x01\e[3~\e[Fb\x02\x02\x02B\r
expect A host name
send bob\r
expect Rename peer robert to bob?
send yes\n
exit 0
END
ok 'after which all is as it was before' cmp network.yaml second.yaml
talk 'what another editor wrote meanwhile is not written over' innernet disable-peer --name bob <<'END'
expect Disable peer bob?
run echo "# a thought" >>network.yaml
send yes\n
expect error[definition-changed]
exit 1
END
ok 'and stays' cmp network.yaml <(cat second.yaml - <<<'# a thought')
cp second.yaml network.yaml
talk 'with every flag nothing is asked but whether' innernet set-endpoint --name bob --endpoint b.example:1 <<'END'
expect Set the endpoint of bob?
send yes\n
exit 0
END
talk 'and with --yes nothing at all' innernet set-endpoint --name bob --unset --yes <<'END'
expect Not active yet. Push it
exit 0
END
ok 'and all is as it was once more' cmp network.yaml second.yaml
done_testing
