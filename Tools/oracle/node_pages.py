"""Web pages that ask a node: those of this machine may, others where the node was told so. And what a client hears that asks
before it sends, or that a WebSocket is refused. A part of node_clients.py."""

import http.client
import json
import os
import socket
from urllib.parse import urlparse

from node import Node

OWN = "http://localhost:3000 https://localhost http://127.0.0.1:5173 http://127.8.8.8 http://[::1]:3000 http://0.0.0.0:80".split()
FOREIGN = """https://evil.example null http://localhost.evil.example http://127.0.0.1.evil.example http://203.0.113.5
    file:// localhost:3000 http://evil.example#localhost""".split()
HEALTH = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getHealth"})


def pages(bench):
    node = bench.node

    def ask(method, origin, headers=None, body=None, path="/", url=node.url):
        at = urlparse(url)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=20)
        connection.request(method, path, body, {**({"Origin": origin} if origin else {}), **(headers or {})})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers

    def preflight(origin, **more):
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,solana-client"}
        return ask("OPTIONS", origin, {**asked, **more.pop("headers", {})}, **more)

    def lets_in(origin, what, url=node.url, headers={}):
        status, told = preflight(origin, url=url, headers=headers)
        bench.equal((status, told["Access-Control-Allow-Origin"], told["Vary"]), (204, origin, "Origin"), f"{what}: preflight")
        bench.equal((told["Access-Control-Allow-Methods"], told["Access-Control-Allow-Headers"]), ("POST, GET, OPTIONS", "content-type,solana-client"), f"{what}: what it may")
        bench.expect(int(told["Access-Control-Max-Age"]) > 0 and told["Content-Length"] is None, f"{what}: an answer without content", told)
        for method, path, type, wanted in (("POST", "/", "application/json", 200), ("POST", "/", "text/plain", 415), ("GET", "/health", "", 200), ("GET", "/x", "", 405)):
            status, told = ask(method, origin, {"Content-Type": type, **headers}, HEALTH if method == "POST" else None, path, url)
            bench.equal((status, told["Access-Control-Allow-Origin"], told["Vary"]), (wanted, origin, "Origin"), f"{what}: {method} {path}")

    def keeps_out(origin, what, url=node.url, headers={}):
        status, told = preflight(origin, url=url, headers=headers)
        bench.equal((status, told["Access-Control-Allow-Origin"]), (405, None), f"{what}: preflight")
        status, told = ask("POST", origin, {"Content-Type": "application/json", **headers}, HEALTH, url=url)
        bench.equal((status, told["Access-Control-Allow-Origin"]), (200, None), f"{what}: POST")

    def raw(text, body=b"", url=node.url):
        at = urlparse(url)
        with socket.create_connection((at.hostname, at.port), timeout=10) as connection:
            connection.sendall(text.replace("\n", "\r\n").encode() + body)
            return connection.recv(65536)

    def upgrade(headers, url=node.url, version=13, key="Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n", host="localhost"):
        return raw(f"GET / HTTP/1.1\nHost: {host}\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: {version}\n{key}{headers}\n", url=url)

    for url in (node.url, node.announcement["webSocketURL"], node.announcement["ethereumURL"]):
        lets_in(OWN[0], f"a page of this machine, {url}", url)
    for origin in OWN:
        lets_in(origin, f"a page of {origin}")
        bench.expect(b" 101 " in upgrade(f"Origin: {origin}\n"), f"a WebSocket of {origin}")
    for origin in FOREIGN:
        keeps_out(origin, f"a page of {origin}")
        bench.expect(b" 403 " in upgrade(f"Origin: {origin}\n"), f"a WebSocket of {origin}")
    # A page of the host that is asked is that host's own.
    lets_in("http://192.168.7.7:3000", "a page of the host that is asked", headers={"Host": "192.168.7.7:8899"})
    keeps_out("http://192.168.7.8:3000", "a page of a neighbour", headers={"Host": "192.168.7.7:8899"})
    bench.equal(preflight("http://evil.example", headers={"Host": "evil.example:8899"})[0], 403, "a name that was rebound")
    bench.equal(ask("OPTIONS", None)[0], 405, "OPTIONS of no page")
    bench.expect(b"ccess-control" not in raw(f"POST / HTTP/1.1\nHost: localhost\nOrigin: {OWN[0]}\nOrigin: {OWN[1]}\nContent-Length: 0\n\n"), "two origins")

    ledger = os.path.join(bench.folder, "pages")
    with Node(ledger, "--instant", "--allow-origin", "https://App.example", "--allow-origin", "http://other.example:3000") as other:
        for origin in ("https://app.example", "http://other.example:3000", OWN[0]):
            lets_in(origin, f"--allow-origin, {origin}", other.url)
            bench.expect(b" 101 " in upgrade(f"Origin: {origin}\n", other.url), f"--allow-origin, a WebSocket of {origin}")
        for origin in ("http://app.example", "https://app.example:3000", "https://x.app.example"):
            keeps_out(origin, f"--allow-origin, {origin}", other.url)
    with Node(ledger, "--instant", "--allow-origin", "*") as other:
        for origin in FOREIGN:
            lets_in(origin, f"--allow-origin *, {origin}", other.url)
            bench.expect(b" 101 " in upgrade(f"Origin: {origin}\n", other.url), f"--allow-origin *, a WebSocket of {origin}")

    # Refused WebSockets.
    bench.expect(b" 403 " in upgrade("", host="evil.example"), "a WebSocket under another host's name")
    refusal = upgrade("", version=8)
    bench.expect(b" 426 " in refusal and b"sec-websocket-version: 13" in refusal.lower(), "an old version", refusal)
    bench.expect(b" 400 " in upgrade("", key=""), "no key")

    # Asked before the body is sent.
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n"
    with socket.create_connection(node.address, timeout=10) as connection:
        for _ in range(2):
            connection.sendall(head.format(len(HEALTH)).encode())
            told = connection.recv(65536)
            bench.equal(told, b"HTTP/1.1 100 Continue\r\n\r\n", "100 Continue")
            connection.sendall(HEALTH.encode())
            told = connection.recv(65536)
            bench.expect(told.startswith(b"HTTP/1.1 200 ") and b'"ok"' in told, "the answer behind it", told)
        connection.sendall(head.format(2 << 20).encode())
        told = connection.recv(65536)
        bench.expect(told.startswith(b"HTTP/1.1 413 "), "a body that need not be sent", told)
