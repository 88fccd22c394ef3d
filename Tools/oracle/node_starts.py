"""Starts of a node that are refused: what they say, that they leave no new ledger behind, and an old one as it was. A part of
node_clients.py."""

import json
import os
import random
import resource
import socket
import subprocess

from solders.keypair import Keypair

from node import Node, binary

SOL = 1_000_000_000
SYSTEM = "11111111111111111111111111111111"
CLOCK = "SysvarC1ock11111111111111111111111111111111"


def two_ports():
    """A listener, and the port before its own, which nobody has: below those that the system gives to connections."""
    while True:
        port = random.randrange(20_000, 30_000)
        try:
            with socket.create_server(("127.0.0.1", port - 1)):
                return socket.create_server(("127.0.0.1", port))
        except OSError:
            pass


def starts(bench):
    folder, fresh, mint = bench.folder, os.path.join(bench.folder, "refused"), str(Keypair().pubkey())

    def file(name, text):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(ledger, *words, **options):
        return subprocess.run([binary(), "node", "--ledger", ledger, *words], capture_output=True, text=True, timeout=30, **options)

    def refused(text, *words, ledger=fresh, **options):
        run = start(ledger, *words, **options)
        bench.expect(run.returncode in (1, 64) and text in run.stderr and "Cocoa" not in run.stderr, f"{words}: {text}", run.stderr[-600:])
        if ledger == fresh:
            bench.expect(not os.path.exists(fresh), f"{words}: no ledger is left")

    value = {"lamports": SOL, "owner": SYSTEM, "executable": False, "rentEpoch": 0, "data": ["", "base64"]}
    account = file("starts/account.json", json.dumps({"pubkey": mint, "account": value}))
    clock = file("starts/clocks/clock.json", json.dumps({"pubkey": CLOCK, "account": value}))
    broken = file("starts/broken.json", "{")
    with two_ports() as taken:
        port = str(taken.getsockname()[1])
        busy = f"cannot listen on 127.0.0.1:{port}: Address already in use; give another "
        refused(busy + "--port", "--port", port, "--mint", mint)
        refused(busy + "--ws-port", "--port", "0", "--ws-port", port)
        refused(busy + "--eth-port", "--port", "0", "--eth-port", port)
        before = int(port) - 1
        refused(busy + "--ws-port", "--port", str(before))
        refused("cannot listen on '203.0.113.7': Cannot assign requested address; give another --host", "--host", "203.0.113.7", "--port", "0")
        refused("cannot listen on 'nowhere.invalid'", "--host", "nowhere.invalid", "--port", "0")
        refused("--port and --ws-port are both 7000", "--port", "7000", "--ws-port", "7000")
        refused("--ws-port and --eth-port are both 7001", "--port", "7000", "--eth-port", "7001")
        refused(f"{SYSTEM} is a part of the runtime", "--mint", SYSTEM)
        refused(f"{CLOCK} is a sysvar", "--mint", CLOCK)
        refused(f"{CLOCK} is a sysvar", "--account", CLOCK, account)
        refused(f"{CLOCK} is a sysvar", "--account", clock)
        refused(f"{CLOCK} is a sysvar", "--account-dir", os.path.dirname(clock))
        refused(f"{SYSTEM} is a part of the runtime", "--account", SYSTEM, account)
        elf = os.path.join(folder, "memo.so")
        refused(f"{SYSTEM} is a part of the runtime", "--program", SYSTEM, elf)
        refused(f"{CLOCK} is a sysvar", "--upgradeable-program", CLOCK, elf, "none")
        refused("'/nowhere' cannot be read: as a folder of accounts: No such file or directory", "--account-dir", "/nowhere")
        refused(f"'{broken}' cannot be read: as an account: it is no JSON", "--account", broken)
        refused("--ledger is empty", ledger="")
        refused("--url names the cluster that --clone", "--url", bench.node.url)
        refused("--slot-ms is for blocks by the clock", "--instant", "--slot-ms", "400")
        refused("--warp-slot must be from 1", "--warp-slot", "0")
        for origin in ("app.example", "https://app.example/", "https://", "https://*.example"):
            refused("--allow-origin takes what browsers send", "--allow-origin", origin)
        # One that fails when it has begun to make the ledger, where there is no directory and where there is an empty one.
        few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))}
        refused("Too many open files", "--port", "0", **few)
        os.makedirs(fresh)
        run = start(fresh, "--port", "0", **few)
        bench.expect(run.returncode == 1 and os.listdir(fresh) == [], "an empty directory is empty again", (run.stderr, os.listdir(fresh)))
        os.rmdir(fresh)

        # --reset goes no further than to what can be told before.
        kept = os.path.join(folder, "kept")
        with Node(kept, "--instant", "--mint", mint) as node:
            genesis = node.call("getGenesisHash")
            refused("in use", "--reset", "--port", "0", ledger=kept)
        for text, *words in (
            (busy + "--port", "--port", port), ("'/nowhere'", "--program", str(Keypair().pubkey()), "/nowhere"), (f"{CLOCK} is a sysvar", "--mint", CLOCK),
            ("nobody listens there", "--url", "http://127.0.0.1:9", "--clone", mint), ("cannot listen on 'nowhere.invalid'", "--host", "nowhere.invalid"),
        ):  # fmt: skip
            refused(text, "--reset", *words, ledger=kept)
            refused(text if "--port" in words or "--host" in words else "new ledgers only", *words, ledger=kept)
        with Node(kept, "--instant") as node:
            bench.equal((node.call("getGenesisHash"), node.call("getBalance", mint)["value"]), (genesis, 500_000_000 * SOL), "the ledger that was there")
        with Node(kept, "--instant", "--reset") as node:
            bench.expect(node.call("getGenesisHash") != genesis and node.call("getBalance", mint)["value"] == 0, "--reset")
    # The port is free again.
    with Node(kept, "--port", port) as node:
        bench.expect(node.url.endswith(":" + port), "the port that was taken", node.url)
