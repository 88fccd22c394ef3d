"""The command line against a node (`--url`), and what developers ask of a node: parts of node_clients.py."""

import base64
import contextlib
import http.server
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.message import Message
from solders.transaction import Transaction

from node import Node, binary

SOL = 1_000_000_000
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
NATIVE_MINT = "So11111111111111111111111111111111111111112"
ASSOCIATED = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"


def program(svm, identifier):
    data = bytes(svm.get_account(Pubkey.from_string(identifier)).data)
    return bytes(svm.get_account(Pubkey.from_bytes(data[4:36])).data)[45:] if len(data) == 36 else data


class CommandLine:
    """`estuary` with a key pair of its own, against one node."""

    def __init__(self, bench, url=None):
        self.bench, self.url = bench, url or bench.node.url
        self.keypair = os.path.join(bench.folder, f"cli-{random.getrandbits(64):x}.json")
        self.pubkey = self.ok("keygen", "-o", self.keypair, "--json", bare=True)["pubkey"]

    def arguments(self, words, bare=False, url=None):
        return [binary(), *words] + ([] if bare else ["--url", url or self.url])

    def run(self, *words, bare=False, url=None):
        return subprocess.run(self.arguments(words, bare, url), capture_output=True, text=True, timeout=120)

    def ok(self, *words, bare=False):
        """The JSON, or the text, of a command that must succeed."""
        run = self.run(*words, bare=bare)
        self.bench.expect(run.returncode == 0, " ".join(words[:3]), run.stderr[-600:])
        return json.loads(run.stdout) if "--json" in words and run.stdout else run.stdout

    def fails(self, text, *words, url=None, bare=False):
        run = self.run(*words, url=url, bare=bare)
        self.bench.expect(run.returncode not in (0, 132, 139) and text in run.stderr, f"{words}: {text}", run.stderr[-600:])


class Valve:
    """A way to the node on a port of its own that closes itself once so many transactions went through it."""

    def __init__(self, url, transactions):
        host, port = url.removeprefix("http://").split(":")
        self.node, self.left, self.lock, self.closed = (host, int(port)), transactions, threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def listen(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            node = socket.create_connection(self.node)
            threading.Thread(target=self.carry, args=(client, node, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(node, client, False), daemon=True).start()

    def carry(self, source, drain, counted):
        """Passes on what comes; requests are counted, and none is after the last one that may pass."""
        try:
            while data := source.recv(65536):
                with self.lock:
                    if counted and b"sendTransaction" in data:
                        if self.left == 0:
                            self.closed.set()
                            continue
                        self.left -= 1
                drain.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, drain):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def command_line(bench):
    """Every verb that takes --url; a program of 600 KB that is deployed with interruptions, and upgraded."""
    cli = CommandLine(bench)
    me = ["--keypair", cli.keypair]
    drop = cli.ok("airdrop", "50", cli.keypair, "--json")
    bench.expect(len(drop["signature"]) > 80, "an airdrop has a signature", drop)
    bench.equal(cli.ok("balance", cli.keypair), "50 SOL\n", "balance")
    other = str(Keypair().pubkey())
    sent = cli.ok("transfer", other, "1.5", *me, "--json")
    bench.expect(sent["error"] is None and sent["fee"] == 5000 and sent["computeUnits"] > 0 and sent["logs"], "a transfer", sent)
    bench.equal(cli.ok("balance", other, "--json")["lamports"], 1_500_000_000, "balance after a transfer")
    account = cli.ok("account", other, "--output", "json")
    bench.equal(json.loads(account)["account"]["lamports"], 1_500_000_000, "account")
    bench.expect(cli.ok("confirm", sent["signature"], "-v").count("Program 11111111111111111111111111111111") == 2, "confirm")
    found = cli.ok("confirm", sent["signature"], "--json")
    bench.expect(f"  {sent['signature']}: succeeded" in cli.ok("block", str(found["slot"])), "block")
    bench.expect(int(cli.ok("slot")) >= found["slot"], "slot")
    bench.expect("Epoch: " in cli.ok("epoch-info"), "epoch-info")
    cli.fails("is in no block that the node knows", "confirm", "1" * 64)
    cli.fails("there is no account at", "account", str(Keypair().pubkey()))
    cli.fails("InstructionError", "transfer", other, "1000", *me)
    cli.fails("has no account on this ledger", "transfer", other, "1", "--keypair", CommandLine(bench).keypair)
    cli.ok("create-account", os.path.join(bench.folder, "made.json"), "--owner", other, "--space", "100", *me)
    bench.equal(len(bench.node.call("getProgramAccounts", other)), 1, "create-account")

    # A priority fee: a price for each unit that may be used.
    priced = ["--with-compute-unit-price", "5000000", *me, "--json"]
    sent = cli.ok("transfer", other, "0.1", "--with-compute-unit-limit", "1000", *priced)
    bench.equal((sent["error"], sent["fee"]), (None, 5000 + 5000), "a transfer with a priority fee")
    bench.equal(cli.ok("transfer", other, "0.1", *priced)["fee"], 5000 + 5 * 6000, "by the limit that follows from two instructions")
    fees = bench.node.call("getRecentPrioritizationFees", [other])
    bench.expect(5000000 in [fee["prioritizationFee"] for fee in fees], "the price is paid", fees)
    cli.fails("Computational budget exceeded", "transfer", other, "0.1", "--with-compute-unit-limit", "10", *me)

    # Logs as they come.
    logs = subprocess.Popen(cli.arguments(["logs", other, "--count", "1"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    bench.expect("listening" in logs.stderr.readline(), "logs listens")
    signature = cli.ok("transfer", other, "0.5", *me, "--json")["signature"]
    bench.expect(signature in logs.communicate(timeout=20)[0], "logs shows the transfer")
    bench.equal(logs.returncode, 0, "logs ends after --count")

    # Errors name the node and what helps.
    cli.fails("nobody listens there; start one with `estuary node`", "slot", url="http://127.0.0.1:9")
    cli.fails("is no URL of a node", "slot", url="nonsense")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other_server:
        threading.Thread(target=other_server.serve_forever, daemon=True).start()
        cli.fails("is this URL a node's JSON-RPC?", "slot", url=f"http://127.0.0.1:{other_server.server_port}")
        other_server.shutdown()

    large_program(bench, cli, me)


def large_program(bench, cli, me):
    """Token-2022, some 600 KB: cut off twice while its buffer is written, deployed, upgraded, shown, closed."""
    code = program(LiteSVM(), TOKEN_2022)
    code += bytes(-len(code) % 1000)
    path = os.path.join(bench.folder, "large.so")
    with open(path, "wb") as file:
        file.write(code)
    id_path = os.path.join(bench.folder, "large-keypair.json")
    words = ["program", "deploy", path, "--program-id", id_path, *me]
    key = cli.ok("keygen", "-o", id_path, "--json", bare=True)["pubkey"]
    start = time.monotonic()
    buffer = None
    for writes in (3, 200):
        with Valve(bench.node.url, writes) as valve:
            run = subprocess.Popen(cli.arguments(words, url=valve.url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            buffer = run.stdout.readline().split()[-1]
            bench.expect(valve.closed.wait(60), f"a deployment sends {writes} transactions")
            run.send_signal(signal.SIGKILL)
            run.wait()
        settle(bench, buffer)
    done = cli.ok(*words, "--json")
    seconds = time.monotonic() - start
    bench.equal(done["action"], "deployed", "deployed in the end")
    bench.equal(done["buffer"], buffer, "the same buffer each time")
    pieces = -(-len(code) // 1000)
    writes = [s for s in signatures(bench.node, buffer) if s["err"] is None]
    bench.expect(done["transactions"] < pieces, "pieces that were there are not sent again", (done, pieces))
    # Those that a killed command had under way may come twice: they were sent, and not in the buffer yet.
    filled = sum(1 for i in range(0, len(code), 1000) if any(code[i : i + 1000]))
    bench.expect(filled + 2 <= len(writes) <= 3 * (pieces + 2), "each piece is written", (len(writes), filled, pieces))
    dumped = os.path.join(bench.folder, "dumped.so")
    cli.ok("program", "dump", key, dumped)
    bench.expect(open(dumped, "rb").read() == code, "the program is what was deployed")
    start = time.monotonic()
    again = cli.ok(*words, "--json")
    bench.equal((again["action"], again["transactions"]), ("upgraded", pieces + 2), "an upgrade")
    print(f"a program of {len(code)} bytes: deployed with two interruptions in {seconds:.1f} s, upgraded in {time.monotonic() - start:.1f} s")
    shown = cli.ok("program", "show", key, "--json")
    bench.equal((shown["authority"], shown["dataLen"]), (cli.pubkey, len(code)), "program show")
    bench.expect(key in cli.ok("program", "show", "--programs", *me), "program show --programs")
    cli.ok("program", "extend", key, "10240", *me)
    bench.equal(cli.ok("program", "show", key, "--json")["dataLen"], len(code) + 10240, "program extend")
    successor = CommandLine(bench)
    cli.ok("program", "set-authority", key, "--new-upgrade-authority", successor.keypair, *me)
    bench.equal(cli.ok("program", "show", key, "--json")["authority"], successor.pubkey, "program set-authority")
    cli.fails("not " + cli.pubkey, *words)
    small = os.path.join(bench.folder, "small.so")
    with open(small, "wb") as file:
        file.write(program(LiteSVM(), "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"))
    written = cli.ok("program", "write-buffer", small, *me, "--json")
    again = cli.ok("program", "write-buffer", small, *me, "--json")
    bench.equal((again["buffer"], again["transactions"]), (written["buffer"], 0), "write-buffer sends what is missing")
    bench.expect(written["buffer"] in cli.ok("program", "show", "--buffers", *me), "program show --buffers")
    small_id = os.path.join(bench.folder, "small-keypair.json")
    small_key = cli.ok("keygen", "-o", small_id, "--json", bare=True)["pubkey"]
    cli.ok("deploy", "--buffer", written["buffer"], "--program-id", small_id, *me)
    called = cli.ok("invoke", small_key, "--data", b"called".hex(), *me, "--json")
    bench.expect(any("called" in line for line in called["logs"]), "invoke", called)
    before = bench.node.call("getBalance", cli.pubkey)["value"]
    priced = cli.ok("deploy", small, "--program-id", small_id, "--with-compute-unit-price", "1000000", "--with-compute-unit-limit", "20000", "--use-rpc", *me, "--json")
    count = priced["transactions"]
    bench.equal(priced["feeLamports"], count * (5000 + 20000) + 5000, "an upgrade with a priority fee: the buffer signs, too")
    bench.equal(before - bench.node.call("getBalance", cli.pubkey)["value"], priced["costLamports"], "what it cost")
    cli.ok("program", "write-buffer", small, *me)
    bench.expect("Closed buffer" in cli.ok("program", "close", "--buffers", *me), "program close --buffers")
    cli.ok("program", "close", small_key, "--bypass-warning", *me)
    cli.fails("was closed", "program", "show", small_key)


def programs_of_mainnet(bench):
    """`setup programs` from a folder, a file and a node; a new ledger has them."""
    svm, source = LiteSVM(), os.path.join(bench.folder, "sources")
    os.makedirs(source)
    for name, identifier in (("token", TOKEN), ("current-token-2022", TOKEN_2022)):
        with open(os.path.join(source, name + ".so"), "wb") as file:
            file.write(program(svm, identifier))
    accounts = os.path.join(bench.folder, "accounts")
    os.makedirs(accounts)
    known = str(Keypair().pubkey())
    with open(os.path.join(accounts, "known.json"), "w") as file:
        json.dump({"pubkey": known, "account": {"lamports": 77, "owner": "11111111111111111111111111111111", "executable": False,
                                                "rentEpoch": 0, "data": ["", "base64"]}}, file)  # fmt: skip

    def setup(*words):
        run = subprocess.run([binary(), "setup", "programs", *words, "--json"], capture_output=True, text=True)
        return json.loads(run.stdout) if run.returncode == 0 else run.stderr

    before = os.environ.get("ESTUARY_MAINNET_PROGRAMS")
    os.environ["ESTUARY_MAINNET_PROGRAMS"] = os.path.join(bench.folder, "mainnet")
    try:
        bench.equal(setup()["programs"], [], "no programs yet")
        bench.equal(setup(source)["fetched"], [TOKEN, TOKEN_2022], "programs from a folder")
        bench.expect("has none of the programs" in setup(accounts), "a folder without programs")
        bench.expect("no program for SBPF" in setup(os.path.join(accounts, "known.json"), "--id", known), "a file that is none")
        bench.expect("there is no such file" in setup("/nowhere"), "no source")
        bench.equal(setup(os.path.join(source, "token.so"), "--id", known)["fetched"], [known], "a program from a file")
        fetched = setup(bench.node.url)["fetched"]
        bench.expect({TOKEN, ASSOCIATED, "Stake11111111111111111111111111111111111111"} <= set(fetched), "programs from a node", fetched)
        with Node(os.path.join(bench.folder, "with-programs"), "--instant", "--account-dir", accounts) as node:
            for identifier in (TOKEN, TOKEN_2022, ASSOCIATED):
                bench.expect(node.call("getAccountInfo", identifier, {"encoding": "base64"})["value"]["executable"], "a new ledger has the programs")
            bench.equal(node.call("getTokenSupply", NATIVE_MINT)["value"]["decimals"], 9, "and the native mint")
        with Node(os.path.join(bench.folder, "without"), "--instant", "--no-mainnet-programs", "--account-dir", accounts) as node:
            bench.equal(node.call("getAccountInfo", TOKEN)["value"], None, "a ledger without them")
            bench.equal(node.call("getAccountInfo", NATIVE_MINT)["value"], None, "nor the native mint")
            bench.equal(node.call("getBalance", known)["value"], 77, "an account of a folder")
    finally:
        del os.environ["ESTUARY_MAINNET_PROGRAMS"]
        if before is not None:
            os.environ["ESTUARY_MAINNET_PROGRAMS"] = before


def settle(bench, address):
    """Waits until three slots go by without another transaction that names `address`: what was sent is in blocks."""
    slot, seen, deadline = bench.node.call("getSlot"), 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if bench.node.call("getSlot") >= slot + 3:
            before, seen = seen, len(signatures(bench.node, address))
            if seen and seen == before:
                return
            slot = bench.node.call("getSlot")
    bench.expect(False, f"transactions that name {address} are done within a minute", seen)


def signatures(node, address):
    found, before = [], None
    while True:
        part = node.call("getSignaturesForAddress", address, {"limit": 1000, **({"before": before} if before else {})})
        found += part
        if len(part) < 1000:
            return found
        before = part[-1]["signature"]


# What developers ask.

def mint_data(decimals, extensions=b""):
    base = bytes(4 + 32) + (10**12).to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)
    return base if not extensions else base + bytes(165 - len(base)) + b"\x01" + extensions


def extension(number, body):
    return number.to_bytes(2, "little") + len(body).to_bytes(2, "little") + body


def developers(bench):
    node, call = bench.node, bench.node.call
    mint, newer = str(Keypair().pubkey()), str(Keypair().pubkey())
    key = bytes(range(1, 33))
    text = lambda t: len(t.encode()).to_bytes(4, "little") + t.encode()
    extensions = (
        extension(1, key + bytes(32) + (7).to_bytes(8, "little") + 2 * ((3).to_bytes(8, "little") + (4).to_bytes(8, "little") + (50).to_bytes(2, "little")))
        + extension(3, key) + extension(6, b"\x02") + extension(9, b"") + extension(12, bytes(32)) + extension(14, key + key)
        + extension(10, key + (5).to_bytes(8, "little") + (-3).to_bytes(2, "little", signed=True) + (6).to_bytes(8, "little") + (9).to_bytes(2, "little"))
        + extension(18, bytes(32) + key)
        + extension(19, key + key + text("Ünit") + text("UNT") + text("https://x") + (1).to_bytes(4, "little") + text("a") + text("b"))
        + extension(25, key + __import__("struct").pack("<dqd", 1.0, 99, 2.5)) + extension(26, key + b"\x01") + extension(99, b"?")
    )  # fmt: skip
    for name, owner, data in ((mint, TOKEN, mint_data(6)), (newer, TOKEN_2022, mint_data(2, extensions))):
        call("surfnet_setAccount", name, {"lamports": SOL, "owner": owner, "data": data.hex()})
    parsed = call("getAccountInfo", newer, {"encoding": "jsonParsed"})["value"]["data"]["parsed"]["info"]
    states = {e["extension"]: e.get("state") for e in parsed["extensions"]}
    text_key = str(Pubkey.from_bytes(key))
    fee = {"epoch": 3, "maximumFee": 4, "transferFeeBasisPoints": 50}
    bench.equal(
        states,
        {
            "transferFeeConfig": {"transferFeeConfigAuthority": text_key, "withdrawWithheldAuthority": None, "withheldAmount": 7,
                                  "olderTransferFee": fee, "newerTransferFee": fee},
            "mintCloseAuthority": {"closeAuthority": text_key}, "defaultAccountState": {"accountState": "frozen"}, "nonTransferable": None,
            "permanentDelegate": {"delegate": None}, "transferHook": {"authority": text_key, "programId": text_key},
            "interestBearingConfig": {"rateAuthority": text_key, "initializationTimestamp": 5, "preUpdateAverageRate": -3,
                                      "lastUpdateTimestamp": 6, "currentRate": 9},
            "metadataPointer": {"authority": None, "metadataAddress": text_key},
            "tokenMetadata": {"updateAuthority": text_key, "mint": text_key, "name": "Ünit", "symbol": "UNT", "uri": "https://x",
                              "additionalMetadata": [["a", "b"]]},
            "scaledUiAmountConfig": {"authority": text_key, "multiplier": "1", "newMultiplierEffectiveTimestamp": 99, "newMultiplier": "2.5"},
            "pausableConfig": {"authority": text_key, "paused": True}, "unparseableExtension": None,
        },
        "extensions of Token-2022",
    )  # fmt: skip

    # Token accounts that are set are found by owner, delegate and mint, and by nobody else once they have changed hands.
    randomness = random.Random(5)
    people = [str(Keypair().pubkey()) for _ in range(6)]
    wanted = {}
    for _ in range(60):
        owner, token, delegate = randomness.choice(people), randomness.choice((mint, newer)), randomness.choice(people + ["null"])
        amount = randomness.randrange(10**9)
        answer = call("surfnet_setTokenAccount", owner, token, {"amount": amount, "delegate": delegate, "state": "initialized"})
        bench.expect(answer["value"] is None, "surfnet_setTokenAccount", answer)
        wanted[owner, token] = (amount, None if delegate == "null" else delegate)

    def compare(place):
        for person in people:
            for token, program in ((mint, TOKEN), (newer, TOKEN_2022)):
                found = call("getTokenAccountsByOwner", person, {"mint": token}, {"encoding": "jsonParsed"})["value"]
                amounts = [int(a["account"]["data"]["parsed"]["info"]["tokenAmount"]["amount"]) for a in found]
                bench.equal(amounts, [wanted[person, token][0]] if (person, token) in wanted else [], f"{place}: by owner")
                held = call("getProgramAccounts", program, {"filters": ["tokenAccountState", {"memcmp": {"offset": 32, "bytes": person}}], "encoding": "base64"})
                bench.equal(len(held), (person, token) in wanted, f"{place}: by memcmp of the owner")
                found = call("getTokenAccountsByDelegate", person, {"programId": program}, {"encoding": "base64"})["value"]
                bench.equal(len(found), sum(1 for (_, t), w in wanted.items() if t == token and w[1] == person), f"{place}: by delegate")
        for token in (mint, newer):
            largest = call("getTokenLargestAccounts", token)["value"]
            bench.equal([int(a["amount"]) for a in largest], sorted((w[0] for (_, t), w in wanted.items() if t == token), reverse=True), f"{place}: largest")

    compare("set")
    snapshot, kept, slot = call("estuary_snapshot"), dict(wanted), call("getSlot")
    for person in people[:3]:
        call("surfnet_setTokenAccount", person, mint, {"amount": 1})
        wanted[person, mint] = (1, wanted.get((person, mint), (0, None))[1])
    compare("changed")
    exported = call("surfnet_exportSnapshot", {"filter": {"includeAccounts": people + [mint]}})["value"]
    bench.equal(list(exported), [mint], "exported")
    bench.expect(call("estuary_revert", snapshot), "reverted")
    wanted.clear()
    wanted.update(kept)
    compare("reverted")
    exported[mint]["lamports"] = 5 * SOL
    call("estuary_importAccounts", exported)
    bench.equal(call("getBalance", mint)["value"], 5 * SOL, "imported")

    # Slots, epochs, time, on and back.
    info = call("surfnet_timeTravel", {"absoluteSlot": slot + 5000})
    bench.expect(slot + 5000 <= info["absoluteSlot"] < slot + 5100, "on to a slot", info)
    info = call("surfnet_timeTravel", {"absoluteEpoch": info["epoch"] + 2})
    clock = call("getAccountInfo", "SysvarC1ock11111111111111111111111111111111", {"encoding": "jsonParsed"})["value"]["data"]["parsed"]["info"]
    bench.equal(clock["epoch"], info["epoch"], "the clock's epoch")
    later = (clock["unixTimestamp"] + 100_000) * 1000
    call("surfnet_timeTravel", {"absoluteTimestamp": later})
    now = lambda: call("getAccountInfo", "SysvarC1ock11111111111111111111111111111111", {"encoding": "jsonParsed"})["value"]["data"]["parsed"]["info"]
    bench.expect(now()["unixTimestamp"] >= later // 1000, "on in time", now())
    info = call("surfnet_timeTravel", {"absoluteSlot": slot})
    bench.expect(slot <= info["absoluteSlot"] < slot + 50 and now()["unixTimestamp"] < later // 1000 - 50_000, "back to a slot", (info, now(), slot))
    compare("travelled back")
    bench.refuses(-32000, "further back than the node can go", "surfnet_timeTravel", {"absoluteSlot": 0})
    bench.refuses(-32602, "is expected", "surfnet_timeTravel", {"nonsense": 1})

    programs(bench)


def programs(bench):
    """Traces, profiles, waves, authorities."""
    call = bench.node.call
    cli = CommandLine(bench)
    cli.ok("airdrop", "20", cli.keypair)
    keypair = Keypair.from_bytes(bytes(json.load(open(cli.keypair))))
    memo = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
    target = Keypair().pubkey()
    pay = transfer(TransferParams(from_pubkey=keypair.pubkey(), to_pubkey=target, lamports=SOL))
    bad = Instruction(memo, b"\xff\xfe", [])

    def send(*instructions):
        blockhash = __import__("solders.hash", fromlist=["Hash"]).Hash.from_string(call("getLatestBlockhash")["value"]["blockhash"])
        return Transaction([keypair], Message.new_with_blockhash(list(instructions), keypair.pubkey(), blockhash), blockhash)

    wire = base64.b64encode(bytes(send(pay, Instruction(memo, b"hello", []), pay))).decode()
    profile = call("surfnet_profileTransaction", wire, "tag", {"encoding": "base64"})["value"]
    whole, parts = profile["transactionProfile"], profile["instructionProfiles"]
    bench.equal((len(parts), whole["errorMessage"]), (3, None), "profile")
    bench.equal(sum(p["computeUnitsConsumed"] for p in parts), whole["computeUnitsConsumed"], "units of instructions add up")
    bench.equal(sum((p["logMessages"] for p in parts), []), whole["logMessages"], "logs of instructions add up")
    changes = [p["accountStates"][str(target)]["accountChange"] for p in parts]
    bench.equal([c["type"] for c in changes], ["create", "unchanged", "update"], "changes by instruction")
    bench.equal([a["lamports"] for a in changes[2]["data"]], [SOL, 2 * SOL], "what the third instruction changed")
    bench.expect(profile["functions"] and sum(f["own"] for f in profile["functions"]) == whole["computeUnitsConsumed"], "units by function", profile["functions"])
    bench.equal(call("getBalance", str(target))["value"], 0, "a profile changes nothing")

    failed = str(call("sendTransaction", base64.b64encode(bytes(send(pay, bad))).decode(), {"encoding": "base64", "skipPreflight": True}))
    while call("getSignatureStatuses", [failed])["value"][0] is None:
        time.sleep(0.02)
    trace = call("estuary_traceTransaction", failed)
    bench.expect(trace["failure"]["program"] == str(memo) and len(trace["failure"]["registers"]) == 11 and trace["failure"]["instructions"], "trace", trace["failure"])
    bench.expect("stopped at instruction" in call("estuary_traceTransaction", failed, {"text": True})["text"], "trace as text")
    bench.expect("stopped at instruction" in cli.ok("trace", failed), "trace --url")
    cli.fails("InstructionError", "confirm", failed)
    slot = call("getSignatureStatuses", [failed])["value"][0]["slot"]
    waves = call("estuary_blockParallelism", slot)
    bench.equal(sum(len(w) for w in waves["waves"]), waves["transactions"], "waves")
    meta = call("getTransaction", failed, {"encoding": "json"})["meta"]
    # A signature, two accounts locked for writing, 14 bytes of data, the units, pages of 32 KiB that were loaded.
    rest = meta["costUnits"] - 720 - 600 - 14 // 4 - meta["computeUnitsConsumed"]
    bench.expect(rest > 0 and rest % 8 == 0, "costUnits", meta)

    small = os.path.join(bench.folder, "owned.so")
    with open(small, "wb") as file:
        file.write(program(LiteSVM(), str(memo)))
    key = cli.ok("deploy", small, "--keypair", cli.keypair, "--json")["programId"]
    call("surfnet_setProgramAuthority", key, str(target))
    bench.equal(cli.ok("program", "show", key, "--json")["authority"], str(target), "surfnet_setProgramAuthority")
    call("surfnet_setProgramAuthority", key)
    bench.equal(cli.ok("program", "show", key, "--json")["authority"], "none", "no authority")
    copy = str(Keypair().pubkey())
    call("surfnet_cloneProgramAccount", key, copy)
    bench.expect(any("twice" in line for line in cli.ok("invoke", copy, "--data", b"twice".hex(), "--keypair", cli.keypair, "--json")["logs"]), "a cloned program runs")
