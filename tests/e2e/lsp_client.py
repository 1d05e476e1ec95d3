"""A small client of the Language Server Protocol, for lsp.t: it starts `innernet lsp` and keeps what it says."""

import json
import subprocess
import urllib.parse


class Client:
    def __init__(self, *arguments, capabilities=None):
        self.process = subprocess.Popen(
            ["innernet", "lsp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last_id = 0
        self.diagnostics = {}  # by path: the last list that was published
        self.published = []  # the paths, in their order
        self.capabilities = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities or {}}
        )["capabilities"]
        self.notify("initialized", {})

    def send(self, message):
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
        self.process.stdin.flush()

    def receive(self):
        length = None
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length is None:
            raise EOFError("the server has ended")
        return json.loads(self.process.stdout.read(length))

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def keep(self, message):
        if message.get("method") == "textDocument/publishDiagnostics":
            path = urllib.parse.unquote(urllib.parse.urlparse(message["params"]["uri"]).path)
            self.diagnostics[path] = message["params"]["diagnostics"]
            self.published.append(path)

    def request(self, method, params, error=False):
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.last_id:
            self.keep(message)
        return message["error"] if error else message["result"]

    def wait(self, path):
        """Until diagnostics of this file are published; returns them."""
        while True:
            message = self.receive()
            self.keep(message)
            if self.published and self.published[-1] == path:
                return self.diagnostics[path]

    def open(self, path, text):
        self.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri(path), "languageId": "yaml", "version": 1, "text": text}},
        )
        return self.wait(path)

    def change(self, path, text):
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri(path), "version": 2}, "contentChanges": [{"text": text}]},
        )
        return self.wait(path)

    def at(self, method, path, text, marked):
        """A request about the place of `|` in `marked`, a part of the text."""
        before, after = marked.split("|")
        offset = text.index(before + after) + len(before)
        line = text.count("\n", 0, offset)
        start = text.rfind("\n", 0, offset) + 1
        character = len(text[start:offset].encode("utf-16-le")) // 2
        return self.request(
            "textDocument/" + method,
            {"textDocument": {"uri": uri(path)}, "position": {"line": line, "character": character}},
        )

    def end(self):
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(10)


def uri(path):
    return "file://" + urllib.parse.quote(path)


def apply(text, edits):
    """The text with the edits of an action made."""

    def offset(position):
        lines = text.split("\n")
        line = lines[position["line"]].encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le")
        return sum(len(each) + 1 for each in lines[: position["line"]]) + len(line)

    for edit in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        start, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        text = text[:start] + edit["newText"] + text[end:]
    return text
