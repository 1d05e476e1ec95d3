#!/usr/bin/env bash
# innernet lsp with a client that speaks the protocol over pipes: diagnostics, fixes, completion, hovers, and what is not
# a message.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all 'python3 is not installed'

desk_new 'net ä'
key() { wg genkey | wg pubkey; }
cat >network.yaml <<END
network: corp
cidr: 10.60.0.0/16
include: [teams/*.yaml]
cidrs:
  infra: 10.60.0.0/24
  eng: 10.60.64.0/24
  lab: { cidr: 10.60.90.0/24, isolated: true }
associations:
  - [eng, lab]
peers:
  hub: { ip: 10.60.0.1, public_key: "$(key)", endpoint: "192.0.2.1:51820", server: true }
  alice: { ip: 10.60.64.1, public_key: "$(key)", admin: true }
  bob: { ip: 10.60.64.2, public_key: "$(key)" }
tests:
  - { from: alice, can_reach: dora }
END
mkdir teams
printf 'peers:\n  dora: { ip: 10.60.90.1, public_key: "%s" }\n' "$(key)" >teams/a.yaml
printf 'on: push\n' >other.yaml
ok 'the definition is valid' innernet validate

# Each line of the output is one test: what it got, what it wanted and its name, with US (0x1f) between them.
PYTHONPATH=$E2E_DIR timeout 60 python3 - >"$WORK/said" 2>"$WORK/errors" <<'END'
import os
from lsp_client import Client, apply, uri

def test(got, wanted, name):
    print(str(got).replace("\n", "\\n"), str(wanted).replace("\n", "\\n"), name, sep="\x1f", flush=True)

def codes(diagnostics):
    return " ".join(f"{d['code']}@{d['range']['start']['line']}:{d['range']['start']['character']}" for d in diagnostics)

path = os.path.abspath("network.yaml")
team = os.path.abspath("teams/a.yaml")
text = open(path).read()
c = Client(capabilities={"textDocument": {"hover": {"contentFormat": ["markdown"]},
                                          "publishDiagnostics": {"relatedInformation": True}}})
test(c.capabilities["positionEncoding"], "utf-16", "positions are in UTF-16 unless the editor can do better")

# Diagnostics.
test(c.open(path, text), [], "a valid definition has no diagnostics, and that is said")
bad = text.replace("  bob: { ip: 10.60.64.2", "  böb: { ip: 10.60.64.2").replace("admin: true", "admin: yes")
d = c.change(path, bad)
test(codes(d), f"bad-type@11:{bad.splitlines()[11].index('yes')} bad-name@12:2", "what is wrong, as it is typed")
test(d[0]["range"]["end"]["character"] - d[0]["range"]["start"]["character"], 3, "on its word")
test(d[0]["source"] + " " + str(d[0]["severity"]), "innernet 1", "as errors")
d = c.change(path, text.replace("10.60.64.2", "10.60.64.1"))
test(codes(d) + " " + os.path.basename(d[0]["relatedInformation"][0]["location"]["uri"]), "address-in-use@12:13 network.yaml",
     "with what else it is about")
d = c.change(path, text + "# 😀 é\nzz: 1\n")
test(codes(d), f"unknown-key@{text.count(chr(10)) + 1}:0", "after characters of two units")
test(codes(c.change(path, text.replace("  - { from", "  - [ from"))).split("@")[0], "yaml-syntax", "what is no YAML")

# Included files.
c.change(path, text)
test(codes(c.open(team, open(team).read())), "", "an included file is judged as a part of its definition")
d = c.change(team, "peers:\n  dora: { ip: 10.60.64.2, public_key: x }\n")
test(codes(d), "address-in-use@1:14 bad-key@1:38", "with its own errors")
c.change(team, open(team).read().replace("dora", "dorothy"))
d = c.diagnostics[path] or c.wait(path)
test(codes(d).split("@")[0], "unknown-name", "and errors of other files that follow from it")
c.notify("textDocument/didClose", {"textDocument": {"uri": uri(team)}})
test(c.wait(path), [], "a file that is closed counts as it is on the disk")
c.notify("textDocument/didOpen", {"textDocument": {"uri": uri(os.path.abspath("other.yaml")), "languageId": "yaml",
                                                   "version": 1, "text": "on: [\n"}})
test(c.at("hover", os.path.abspath("other.yaml"), "on: [\n", "o|n"), None, "a file of no definition is left alone")
test(os.path.abspath("other.yaml") in c.diagnostics, False, "without diagnostics")

# Fixes.
def actions(text, line):
    c.change(path, text)
    r = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 200}}
    return c.request("textDocument/codeAction", {"textDocument": {"uri": uri(path)}, "range": r,
                                                 "context": {"diagnostics": []}})
bad = text.replace("admin: true", "admin: yes").replace("10.60.64.0/24", "10.60.64.9/24")
a = actions(bad, 11)
test([x["title"] for x in a], ["write it as true", "Make all safe corrections"], "the correction of a line, and all at once")
test(apply(bad, a[0]["edit"]["changes"][uri(path)]), bad.replace("yes", "true"), "the edit changes the word")
test(apply(bad, a[1]["edit"]["changes"][uri(path)]), text, "all of them make it valid")
test([x["kind"] for x in actions(text, 11)], [], "nothing to correct, no action")

# Completion.
t = text + "de\n"
c.change(path, t)
r = c.at("completion", path, t, "\nde|\n")
test([(i["label"], i["textEdit"]["newText"]) for i in r["items"]], [("defaults", "defaults:")], "a key of the root")
t = text.replace("admin: true }", "admin: true, e }")
c.change(path, t)
r = c.at("completion", path, t, "true, e| }")
test([(i["label"], i["textEdit"]["newText"]) for i in r["items"]], [("endpoint", "endpoint: ")], "of a peer")
t = text.replace("can_reach: dora", "can_reach: [dora, ]")
c.change(path, t)
r = c.at("completion", path, t, "[dora, |]")
test(" ".join(i["label"] for i in r["items"]), "corp eng infra lab alice bob dora hub", "names where names stand")
test(r["items"][4]["detail"], "peer 10.60.64.1 in eng", "with what they are")
t = text.replace("  bob: { ip: 10.60.64.2", "  bob: { ip: 10.60.64.2 }\n  carl: { ip: 10.60.6")
c.change(path, t)
r = c.at("completion", path, t, "carl: { ip: 10.60.6|")
test(" ".join(i["label"] for i in r["items"]), "10.60.64.3", "a free address")
t = text.replace("[eng, lab]", "[eng, ")
c.change(path, t)
r = c.at("completion", path, t, "[eng, |")
test(" ".join(i["label"] for i in r["items"]), "corp eng infra lab", "CIDRs of an association, of a text that is no YAML")

# Hovers.
c.change(path, text)
def hover(marked):
    r = c.at("hover", path, text, marked)
    return r and r["contents"]["value"]
test(hover("ali|ce: {"), "`alice`: peer 10.60.64.1 in CIDR `eng`, an admin.\n\nIt reaches 3 peers:\n\n"
     "- by the CIDR of a server: hub\n- in the same CIDR: bob\n- by an association: dora\n", "which peers a peer reaches")
test(hover("  en|g: "), "`eng`: CIDR 10.60.64.0/24 in `corp`, 2 peers.\n\nAssociations join it with `lab`.\n\n"
     "The lowest address that no peer has is 10.60.64.3.\n", "what a CIDR is")
test(hover("pub|lic_key").split("\n")[0], "`public_key`: its WireGuard public key.", "what a key means")
h = hover("can_reach: do|ra")
test("alice and dora reach each other." in h, True, "why the two of a test reach each other")
test(f"at {path}:9" in h, True, "by which line")
test(hover("10.60.64|.0/24"), None, "nothing about a prefix")
d = c.at("definition", path, text, "can_reach: do|ra")
test((d["uri"], d["range"]["start"]), (uri(team), {"line": 1, "character": 2}), "where a name is defined, in another file")

# Plain clients; UTF-8.
test(c.end(), 0, "it ends when it is asked to")
c = Client("--stdio", "--without-server", capabilities={"general": {"positionEncodings": ["utf-32", "utf-8"]}})
test(c.capabilities["positionEncoding"], "utf-8", "UTF-8 where the editor can")
bare = "network: corp\ncidr: 10.0.0.0/8\npeers:\n  a: { ip: 10.0.0.1, description: \"é😀\", admin: yes }\n"
d = c.open(path, bare)
test(codes(d), f"key-or-invite@3:2 bad-type@3:{bare.splitlines()[3].encode().index(b'yes')}", "positions count bytes")
test("contents" in c.at("hover", path, bare, "i|p:") and c.at("hover", path, bare, "i|p:")["contents"]["kind"], "plaintext",
     "a hover without markdown")

# Errors of the protocol.
test(c.request("workspace/symbol", {}, error=True)["code"], -32601, "an unknown request")
test(c.request("textDocument/hover", {"textDocument": {"uri": uri(path)}}, error=True)["code"], -32602, "one without a place")
test(c.request("initialize", {}, error=True)["code"], -32600, "one at the wrong time")
c.process.stdin.write(b"Content-Length: 3\r\n\r\n{]}")
c.process.stdin.flush()
test(c.receive()["error"]["code"], -32700, "what is no JSON")
test(c.request("textDocument/hover", {"textDocument": {"uri": "file:///nowhere.yaml"}, "position": {"line": 0, "character": 0}}),
     None, "a file that is not open")
c.process.stdin.close()
test(c.process.wait(10), 1, "an editor that is gone")
END
is "$? $(cat "$WORK/errors")" '0 ' 'the client has no trouble'
while IFS=$'\x1f' read -r got wanted name; do is "$got" "$wanted" "$name"; done <"$WORK/said"

run innernet lsp <<<'hello'
is "$status $out" '1 ' 'what is no message ends it'
like "$(printf 'Content-Length: 99999999999\r\n\r\n' | innernet lsp; echo "exit $?")" '^exit 1$' 'so does one that is too long'
talk 'a person at a terminal is told' innernet lsp <<'END'
expect an editor starts lsp, and talks to it over standard input
exit 1
END
done_testing
