"""A running `estuary node` for tests, and plain requests to it. Imports nothing of the virtual environments."""

import http.client
import json
import os
import signal
import subprocess
import time
from urllib.parse import urlparse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary():
    return os.environ.get("ESTUARY") or os.path.join(ROOT, ".build/release/estuary")


class RPCFailure(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class Node:
    """A node on `ledger`, on a port of the system's choice; `with` ends it."""

    def __init__(self, ledger, *flags):
        self.ledger = ledger
        start = time.monotonic()
        self.log = open(ledger + ".log", "ab")
        self.process = subprocess.Popen(
            [binary(), "node", "--ledger", ledger, "--port", "0", "--ws-port", "0", "--json", *flags],
            stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise SystemExit(f"the node did not start: {open(ledger + '.log').read()[-2000:]}")
        self.announcement = json.loads(line)
        self.url = self.announcement["url"]
        self.address = (urlparse(self.url).hostname, urlparse(self.url).port)
        self.call("getHealth")
        self.seconds_to_answer = time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.log.close()

    def stop(self):
        """Ends it politely; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def post(self, body, headers=None, path="/"):
        """Status and bytes of the answer to a POST."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path, headers=None):
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def call(self, method, *parameters):
        """The result of a request, as JSON."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        status, body = self.post(json.dumps(request))
        assert status == 200, (status, body)
        answer = json.loads(body)
        assert answer["jsonrpc"] == "2.0" and answer["id"] == 1, answer
        if "error" in answer:
            raise RPCFailure(answer["error"])
        return answer["result"]
