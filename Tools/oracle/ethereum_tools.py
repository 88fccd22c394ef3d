"""The command line's verbs for contracts against a node (`--url`): a part of ethereum_clients.py.

What can be had both ways is asked both ways, of a ledger in a directory and of a node with the same history, and has to come
out the same, texts of errors included."""

import http.client
import http.server
import json
import os
import random
import re
import subprocess
import threading
import time

import vyper

from node import Node, binary

SOURCE = """
# pragma version ~=0.4
interface Other:
    def store(amount: uint256) -> uint256: nonpayable
    def refuse(amount: uint256): nonpayable

event Kept:
    sender: indexed(address)
    amount: uint256

kept: public(uint256)
values: public(HashMap[address, uint256])
other: public(address)

@deploy
def __init__(other: address, start: uint256):
    assert start != 13, "unlucky"
    self.other = other
    self.kept = start

@external
@payable
def __default__():
    pass

@external
def store(amount: uint256) -> uint256:
    assert amount < 1000, "too much"
    self.kept = amount
    self.values[msg.sender] += amount
    log Kept(sender=msg.sender, amount=amount)
    return self.kept

@external
@payable
def pass_on(amount: uint256, account: address) -> bytes32:
    self.kept = amount
    log Kept(sender=account, amount=1)
    first: uint256 = extcall Other(self.other).store(amount)
    self.kept = first + 1
    done: bool = raw_call(self.other, abi_encode(amount, method_id=method_id("refuse(uint256)")), revert_on_failure=False)
    done = raw_call(self.other, abi_encode(convert(7, uint256), method_id=method_id("store(uint256)")), is_delegate_call=True, revert_on_failure=False)
    self.kept = 0
    self.kept = amount
    send(account, msg.value)
    log Kept(sender=account, amount=2)
    return sha256(abi_encode(amount))

@external
def refuse(amount: uint256):
    self.kept = 5
    raw_revert(abi_encode(amount, method_id=method_id("Broke(uint256)")))

@external
def make() -> address:
    return create_minimal_proxy_to(self)

@external
def burn():
    for i: uint256 in range(1000000000):
        self.kept = i

@external
@view
def when() -> (uint256, uint256, uint256):
    return block.number, block.timestamp, self.kept
"""
ZERO, BROKE = "0x" + "00" * 20, "error Broke(uint256)"
KEY = "0x" + "ab" * 32


def command(*words, timeout=120):
    return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=timeout)


class BothWays:
    """Each command on a ledger in a directory and on a node."""

    def __init__(self, bench, ledger, url):
        self.bench, self.ledger, self.url = bench, ledger, url

    def remote(self, *words):
        return command(*words, "--url", self.url)

    def local(self, *words):
        return command(*words, "--ledger", self.ledger)

    def same(self, *words, fails=None, json_too=None):
        """What both print; `fails`: what their one error has to have in it. With `json_too` their JSON as well."""
        ways = [subprocess.Popen([binary(), *words, *way], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for way in (("--ledger", self.ledger), ("--url", self.url))]  # fmt: skip
        local, remote = (subprocess.CompletedProcess(words, way.returncode, *texts) for way in ways for texts in [way.communicate(timeout=120)])
        name = " ".join(words)[:120]
        self.bench.equal((remote.returncode, remote.stdout, remote.stderr), (local.returncode, local.stdout, local.stderr), name)
        if fails is None:
            self.bench.expect(local.returncode == 0, name, local.stderr)
        else:
            self.bench.expect(local.returncode not in (0, 132, 139) and fails in local.stderr, f"{name}: {fails}", local.stderr)
        if json_too if json_too is not None else fails is None:
            self.same(*words, "--json", fails=fails, json_too=False)
        return remote.stdout

    def sent(self, *words):
        """A command that sends, with the JSON that both print."""
        return json.loads(self.same(*words, "--json", json_too=False))

    def same_receipt(self, hash, *words):
        """The blocks are the same but for their times, and so their hashes."""
        texts = [[line for line in run("evm", "receipt", hash, *words).stdout.splitlines() if not line.startswith("blockHash ")] for run in (self.local, self.remote)]
        self.bench.equal(texts[1], texts[0], "evm receipt")
        self.bench.expect(len(texts[0]) > 8, "evm receipt tells all", texts[0])

    def fails(self, text, *words, url=None):
        run = command(*words, "--url", url or self.url)
        self.bench.expect(run.returncode not in (0, 132, 139) and text in run.stderr, f"{words}: {text}", run.stderr[-600:])


def command_line(bench):
    folder = bench.folder
    artefact = os.path.join(folder, "keeper.json")
    output = vyper.compile_code(SOURCE, output_formats=["bytecode", "abi"])
    with open(artefact, "w") as file:
        json.dump(output, file)
    ledger = os.path.join(folder, "directory")
    with Node(os.path.join(folder, "node"), "--instant") as node:
        cli = BothWays(bench, ledger, node.url)
        both_ways(cli, node, artefact)
        random_contracts(cli, 8, seed=1)
        of_nodes_alone(cli, node, artefact)
    slots(bench, folder, artefact)
    others(bench, cli, artefact)


def both_ways(cli, node, artefact):
    bench, abi = cli.bench, ["--abi", artefact, "--abi", BROKE]
    cli.same("evm", "accounts")
    second = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    cli.same("evm", "balance", second)
    cli.same("evm", "balance", second, "--ether")

    # Deployments: refused before they are sent, and sent.
    cli.same("evm", "deploy", artefact, ZERO, "13", fails="not sent, because it would fail: unlucky")
    other = cli.sent("evm", "deploy", artefact, ZERO, "1")["contractAddress"]
    cli.same("evm", "deploy", artefact, other, "40", "--account", "1", json_too=False)
    contract = cli.sent("evm", "deploy", artefact, other, "41", "--private-key", second_key(cli))["contractAddress"]
    cli.same("evm", "nonce", second)
    cli.same("evm", "nonce", contract)
    cli.same("evm", "code", contract)
    cli.same("evm", "code", second)
    cli.same("evm", "storage", contract, "0")
    cli.same("evm", "storage", contract, "0x" + "ff" * 32)
    for words in (["--output", "json"], []):
        cli.same("account", contract, *words, json_too=False)
        cli.same("account", second, *words, json_too=False)
    cli.same("account", "0x" + "12" * 20, fails="there is no account at", json_too=False)

    # Calls, and what they see in place of the chain's state.
    cli.same("evm", "call", contract, "kept()(uint256)")
    cli.same("evm", "call", contract, "kept()")
    cli.same("evm", "call", contract, "store(uint256)(uint256)", "7")
    cli.same("evm", "call", contract, "store(uint256)", "7000", fails="the call failed: too much")
    cli.same("evm", "call", contract, "refuse", "9", *abi, fails="Broke(9)", json_too=True)
    cli.same("evm", "call", contract, "refuse(uint256)", "9", fails="0x")
    cli.same("evm", "call", contract, "burn()", fails="out of gas")
    cli.same("evm", "call", contract, "burn()", "--gas-limit", "100000", fails="out of gas")
    cli.same("evm", "call", other, "kept()(string)", fails="is not of the types asked for")
    overrides = ["--override-state-diff", f"{contract}:0:77"]
    cli.same("evm", "call", contract, "kept()(uint256)", *overrides)
    cli.same("evm", "call", contract, "when()(uint256,uint256,uint256)", *overrides, "--block.number", "5000000", "--block.time", "1900000000")
    cli.same("evm", "call", contract, "other()(address)", "--override-state", f"{contract}:0:77")
    cli.same("evm", "call", contract, "kept()(uint256)", "--override-code", f"{contract}:0x602a60005260206000f3")
    poor = "0x" + "77" * 20
    cli.same("evm", "call", poor, "--data", "0x", "--from", poor, "--value", "5ether", "--override-balance", f"{poor}:9ether,{second}:0")

    # Sent transactions. Both sides have the same blocks, so that hashes and prices are the same, too.
    for words in (["store(uint256)(uint256)", "7"], ["--value", "2ether"], ["pass_on(uint256,address)", "30", poor, "--value", "3gwei"], ["make()"]):
        cli.same("evm", "estimate", contract, *words, "--account", "2")
        sent = cli.sent("evm", "send", contract, *words, "--account", "2", *abi)
        bench.equal(sent["status"], 1, "sent")
    cli.same("evm", "send", poor, "--value", "0.25ether", "--from", second, json_too=False)
    cli.same("evm", "balance", poor)
    cli.same("evm", "estimate", contract, "store(uint256)", "7000", fails="Error: it would fail: too much")
    cli.same("evm", "send", contract, "store(uint256)", "7000", fails="not sent, because it would fail: too much")
    cli.same("evm", "send", contract, "refuse(uint256)", "9", *abi, fails="not sent, because it would fail: Broke(9)", json_too=True)
    cli.same("evm", "send", contract, "burn()", "--gas-limit", "90000", fails="not sent, because it would fail: out of gas")
    cli.same("evm", "send", contract, "refuse(uint256)", "9", *abi, "--gas-limit", "100000", "--force", fails="the transaction failed: Broke(9)", json_too=True)
    cli.same("evm", "send", contract, "burn()", "--gas-limit", "90000", "--force", fails="the transaction failed: out of gas")
    cli.same("evm", "send", poor, "--value", "1", "--nonce", "0", fails="is used already")
    cli.same("evm", "send", poor, "--value", "1", "--nonce", "1000", fails="is ahead of")
    cli.same("evm", "send", poor, "--value", "1", "--gas-price", "1", fails="is below the block's base fee")
    cli.same("evm", "send", poor, "--value", "1", "--gas-price", "9gwei", "--priority-gas-price", "10gwei", fails="is above the gas price")
    cli.same("evm", "send", poor, "--value", "1000000ether", "--gas-limit", "21000", fails="too little for the value")
    cli.same("evm", "send", second, "--value", "1", "--private-key", KEY, "--gas-limit", "21000", fails="has 0 wei, too little")
    cli.same("evm", "send", poor, "--value", "1", "--private-key", "12", fails="--private-key")
    cli.same("evm", "send", poor, "--value", "1", "--from", poor, fails="there is no key for")
    # One that can just pay for what it needs.
    rich = "0x" + bytes.fromhex(account_of(KEY)[2:]).hex()
    cli.same("evm", "send", rich, "--value", "0.001ether", json_too=False)
    cli.same("evm", "estimate", contract, "store(uint256)", "8", "--private-key", KEY)

    # Receipts and traces by hash.
    sent = cli.sent("evm", "send", contract, "pass_on(uint256,address)", "31", poor, "--value", "3gwei", *abi)
    cli.same_receipt(sent["transactionHash"], *abi)
    receipt = json.loads(cli.remote("evm", "receipt", sent["transactionHash"], "--json").stdout)
    bench.equal(receipt, node.call("eth_getTransactionReceipt", sent["transactionHash"]), "the receipt is eth_getTransactionReceipt's")
    cli.same("evm", "trace", sent["transactionHash"], *abi)
    text = cli.remote("evm", "trace", sent["transactionHash"], *abi).stdout
    for part in ("├─ storage 0x0: 0x1e → 0x1f", "DELEGATECALL", "reverted: Broke(31)", "(precompile)", "emit Kept", "{value: 3 gwei}"):
        bench.expect(part in text, f"a trace shows {part}", text)
    made = cli.sent("evm", "deploy", artefact, other, "42")
    cli.same("evm", "trace", made["transactionHash"])
    cli.same_receipt(made["transactionHash"])
    moved = cli.sent("evm", "send", poor, "--value", "1")
    cli.same("evm", "trace", moved["transactionHash"])
    unknown = "0x" + "11" * 32
    for verb in ("receipt", "trace"):
        cli.fails(f"there is no transaction {unknown} on the chain of {cli.url}", "evm", verb, unknown)
        bench.expect("on this ledger" in cli.local("evm", verb, unknown).stderr, f"{verb} of nothing")

    # Traces of calls. A gas limit is given, because nodes give a call more than a block's transactions may have.
    gas = ["--gas-limit", "1000000"]
    for words in (["store(uint256)(uint256)", "7"], ["pass_on(uint256,address)", "30", poor], ["make()"], ["kept()"], ["--data", "0x"]):
        cli.same("evm", "trace", contract, *words, *abi, *gas)
    cli.same("evm", "trace", contract, "store(uint256)", "7", *abi, *gas, "--override-state-diff", f"{contract}:0:77")
    cli.same("evm", "trace", contract, "store(uint256)", "7000", *abi, *gas, fails="the call failed: too much", json_too=True)
    cli.same("evm", "trace", contract, "burn()", "--gas-limit", "60000", fails="the call failed: out of gas")
    cli.same("evm", "trace", "0x" + "00" * 19 + "02", "--data", "0x1234", *gas)
    cli.same("evm", "trace", poor, "--value", "1", *gas)

    # What a call touches.
    cli.same("evm", "access-list", contract, "pass_on(uint256,address)", "30", poor)
    cli.same("evm", "access-list", contract, "store(uint256)", "30", "--from", poor)
    cli.same("evm", "access-list", contract, "refuse(uint256)", "30", *abi, fails="it would fail: Broke(30)", json_too=True)


# Code of the EVM, put together by hand.


def push(number, size=None):
    size = size or max(1, (number.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + number.to_bytes(size, "big")


def sstore(slot, value):
    return push(value) + push(slot) + b"\x55"


def call(generator, targets):
    """A call of any kind, often one that fails."""
    opcode = generator.choice([0xF1, 0xF1, 0xF2, 0xF4, 0xFA])
    value = push(generator.choice([0, 0, 1, 10**20])) if opcode in (0xF1, 0xF2) else b""
    gas = generator.choice([b"\x5a", push(30000), push(100)])
    return push(0) * 2 + push(4) + push(0) + value + push(generator.choice(targets), 20) + gas + bytes([opcode, 0x50])


def create(generator, initcodes):
    initcode, salt = generator.choice(initcodes), generator.choice([b"", push(5)])
    store = b"".join(push(int.from_bytes(initcode[i : i + 32].ljust(32, b"\0"), "big"), 32) + push(i) + b"\x52" for i in range(0, len(initcode), 32))
    return store + salt + push(len(initcode)) + push(0) + push(generator.choice([0, 0, 1, 10**20])) + (b"\xf5" if salt else b"\xf0") + b"\x50"


def deploying(code):
    return b"\x61" + len(code).to_bytes(2, "big") + b"\x80\x60\x0a\x3d\x39\x3d\xf3" + code


LOG, REVERT = push(1) + push(0) * 2 + b"\xa1", push(0) * 2 + b"\xfd"


def random_contracts(cli, count, seed):
    """Traces of contracts that call and create, and fail in every way."""
    generator = random.Random(seed)

    def deployed(code):
        return int(cli.sent("evm", "deploy", "0x" + deploying(code).hex())["contractAddress"], 16)

    def shown(run):
        # callTracer leaves out the logs of what failed, and where a contract would have been.
        lines = [re.sub(r"(CREATE2?) 0x[0-9a-fA-F]{40},", r"\1,", line) for line in run.stdout.splitlines() if "emit " not in line]
        return lines, run.stderr, run.returncode

    targets = [1, 2, 4, 9, 0x1234]
    for code in (sstore(1, 7) + LOG + REVERT, sstore(1, 8) + LOG + b"\xfe", sstore(2, 3) + LOG + push(0x77) + b"\xff",
                 sstore(3, 4) + b"\x5a" + push(5) + b"\x55\x00", b"\x50", push(5) + b"\x56"):  # fmt: skip
        targets.append(deployed(code))
    initcodes = [b"\xfe", REVERT, sstore(1, 1) + LOG + b"\x00", push(0xEF) + push(0) + b"\x53\x60\x01\x60\x00\xf3", deploying(b"\x00")]
    parts = [lambda: call(generator, targets), lambda: call(generator, targets), lambda: create(generator, initcodes), lambda: LOG,
             lambda: sstore(generator.randrange(4), generator.randrange(4)), lambda: push(generator.randrange(4)) + b"\x54\x50"]  # fmt: skip
    for number in range(count):
        code = b"".join(generator.choice(parts)() for _ in range(generator.randrange(3, 9))) + generator.choice([b"\x00", b"\x00", REVERT])
        targets.append(deployed(code))
        words = [f"0x{targets[-1]:040x}", "--gas-limit", "600000", "--value", "5"]
        name = f"contract {number} of seed {seed}"
        cli.bench.equal(shown(cli.remote("evm", "trace", *words)), shown(cli.local("evm", "trace", *words)), f"{name}: a call")
        sent = [run("evm", "send", *words, "--force", "--json") for run in (cli.local, cli.remote)]
        cli.bench.equal((sent[1].stdout, sent[1].stderr), (sent[0].stdout, sent[0].stderr), f"{name}: sent")
        hash = json.loads(sent[0].stdout)["transactionHash"]
        cli.bench.equal(shown(cli.remote("evm", "trace", hash)), shown(cli.local("evm", "trace", hash)), f"{name}: by its hash")


def second_key(cli):
    accounts = json.loads(cli.local("evm", "accounts", "--json").stdout)
    return accounts[1]["privateKey"]


def account_of(key):
    from eth_account import Account

    return Account.from_key(key).address


def of_nodes_alone(cli, node, artefact):
    """What a directory has no like of."""
    bench, target = cli.bench, "0x" + "77" * 20
    for flag in (["--opcodes"], ["--profile", os.path.join(bench.folder, "profile.txt")]):
        cli.fails("give --ledger", "evm", "trace", target, *flag)
    cli.fails("eth_createAccessList knows no block overrides", "evm", "access-list", target, "--block.number", "5")
    cli.fails("give one of --genesis and --url", "evm", "access-list", target, "--genesis", "genesis.json")
    cli.fails("is no number of seconds", "evm", "send", target, "--timeout", "soon")
    cli.fails("Unknown option", "evm", "import", "genesis.json")

    # A signed transaction's accesses.
    from eth_account import Account

    sender = Account.from_key(second_key(cli))
    signed = sender.sign_transaction({"chainId": 1337, "nonce": node_nonce(node, sender.address), "gas": 30000, "to": target, "value": 1,
                                      "maxFeePerGas": 20 * 10**9, "maxPriorityFeePerGas": 10**9})  # fmt: skip
    raw = "0x" + signed.raw_transaction.hex().removeprefix("0x")
    found = json.loads(cli.same("evm", "access-list", "--transaction", raw, "--json", json_too=False))
    bench.equal(found["status"], 1, "a signed transaction's accesses")

    # Blocks that do not come, and then do.
    node.call("evm_setAutomine", False)
    run = cli.remote("evm", "send", target, "--value", "1", "--timeout", "0")
    hash = run.stderr.split("took the transaction ")[1].split(",")[0]
    bench.expect(f"no block holds it after 0 s; ask later what became of it: estuary evm receipt {hash} --url {cli.url}" in run.stderr, "no block", run.stderr)
    cli.fails(f"has the transaction {hash} waiting", "evm", "receipt", hash)
    waiting = subprocess.Popen([binary(), "evm", "send", target, "--value", "2", "--json", "--url", cli.url], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while int(node.call("txpool_status")["pending"], 16) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    node.call("evm_mine")
    answer = json.loads(waiting.communicate(timeout=20)[0])
    bench.equal(node.call("eth_getTransactionByHash", answer["transactionHash"])["nonce"], hex(node_nonce(node, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266") - 1), "the nonce behind what waits")
    bench.equal(cli.remote("evm", "receipt", hash).returncode, 0, "the receipt later")
    node.call("evm_setAutomine", True)


def node_nonce(node, address):
    return int(node.call("eth_getTransactionCount", address, "latest"), 16)


def slots(bench, folder, artefact):
    """A node that makes blocks by the clock."""
    with Node(os.path.join(folder, "slots"), "--slot-ms", "200") as node:
        deployed = command("evm", "deploy", artefact, ZERO, "1", "--json", "--url", node.url)
        bench.expect(deployed.returncode == 0, "deploy on the clock", deployed.stderr)
        contract = json.loads(deployed.stdout)["contractAddress"]
        sends = [subprocess.Popen([binary(), "evm", "send", contract, "store(uint256)", str(10 + n), "--account", str(n), "--json", "--url", node.url],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for n in range(1, 5)]  # fmt: skip
        for send in sends:
            out, error = send.communicate(timeout=60)
            bench.expect(send.returncode == 0 and json.loads(out)["status"] == 1, "send on the clock", error)


class Stub:
    """A node in front of another one, that answers some methods in its own way."""

    def __init__(self, url, answers):
        stub, host = self, url.removeprefix("http://")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(body)
                stub.methods.append(request["method"])
                answer = next((a for prefix, a in answers if request["method"].startswith(prefix)), None)
                if answer is None:
                    connection = http.client.HTTPConnection(host, timeout=20)
                    connection.request("POST", "/", body, {"Content-Type": "application/json"})
                    reply = connection.getresponse().read()
                    connection.close()
                elif isinstance(answer, bytes):
                    reply = answer
                else:
                    reply = json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.methods = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def others(bench, cli, artefact):
    """Wrong addresses, nodes that know less, nodes that answer nonsense."""
    target = "0x" + "77" * 20
    missing = {"error": {"code": -32601, "message": "the method does not exist/is not available"}}
    cli.fails("nobody listens there", "evm", "balance", target, url="http://127.0.0.1:9")
    cli.fails(f"eth_getBalance for {target.lower()[:4]}", "evm", "balance", target, url="http://127.0.0.1:9")
    cli.fails("nobody listens there", "evm", "balance", target, url="https://127.0.0.1:9/v3/key")
    cli.fails("is no URL of a node", "evm", "balance", target, url="nonsense")
    with Node(os.path.join(bench.folder, "behind"), "--instant") as node:
        contract = json.loads(command("evm", "deploy", artefact, ZERO, "1", "--json", "--url", node.url).stdout)["contractAddress"]
        # Ethereum without debug_ and estuary_, as geth is without further flags; and without newer methods.
        with Stub(node.url, [("debug_", missing), ("estuary_", missing), ("eth_simulateV1", missing), ("eth_feeHistory", missing)]) as stub:
            cli.fails("debug_traceCall for a call of", "evm", "trace", contract, "kept()", url=stub.url)
            cli.fails("geth has it with --http.api eth,debug", "evm", "trace", contract, "kept()", url=stub.url)
            found = command("evm", "access-list", contract, "store(uint256)", "7", "--json", "--url", stub.url)
            bench.expect("no binding set" in found.stderr, "access-list of any node", found.stderr)
            found = json.loads(found.stdout)
            bench.equal((found["access"], found["status"], found["accessList"][0]["address"]), (None, 1, contract.lower()), "the list alone")
            shown = command("evm", "access-list", contract, "store(uint256)", "7", "--url", stub.url).stdout
            bench.expect(shown.startswith(contract) and shown.endswith(" gas\n"), "the list as text", shown)
            sent = command("evm", "send", contract, "refuse(uint256)", "1", "--gas-limit", "100000", "--force", "--json", "--url", stub.url)
            bench.expect("the node does not tell why" in sent.stderr and json.loads(sent.stdout)["status"] == 0, "why is not told", sent.stderr)
            estimate = command("evm", "estimate", contract, "store(uint256)", "7", "--json", "--url", stub.url)
            bench.equal(json.loads(estimate.stdout)["gasUsed"], None, "gas used is not told")
            bench.equal(command("evm", "send", contract, "store(uint256)", "7", "--url", stub.url).returncode, 0, "send without newer methods")
            bench.expect(not any(m.startswith(("anvil_", "hardhat_")) for m in stub.methods), "standard methods alone", stub.methods)
        # Of Solana's alone.
        with Stub(node.url, [("eth_", missing), ("debug_", missing)]) as stub:
            for words in (["balance", target], ["send", target, "--value", "1"], ["call", target]):
                cli.fails("the node does not have this method; is it one of Ethereum's?", "evm", *words, url=stub.url)
        # Nonsense: no JSON, another form, other kinds of values.
        for answer, text in ((b"<html>", "none of JSON-RPC"), ({"result": {"a": 1}}, "the answer lacks what it should have"), ({"result": "0xzz"}, "the answer lacks"),
                             ({"result": None}, "the answer lacks"), ({"result": "0x" + "f" * 65}, "the answer lacks"), ({}, "no result with the request's id")):  # fmt: skip
            with Stub(node.url, [("", answer)]) as stub:
                for words in (["balance", target], ["nonce", target], ["storage", target, "0"], ["send", target], ["trace", target, "--data", "0x00"], ["access-list", target]):
                    cli.fails(text, "evm", *words, url=stub.url)
        for answer in ({"result": [1, 2]}, {"result": {"gasUsed": "0x1", "type": "SLEEP"}}, {"result": {"gasUsed": "0x1", "type": "CALL"}}):
            with Stub(node.url, [("debug_", answer)]) as stub:
                cli.fails("debug_traceCall", "evm", "trace", contract, "kept()", url=stub.url)
        with Stub(node.url, [("eth_getTransactionReceipt", {"result": {"status": "0x1"}})]) as stub:
            cli.fails("the answer lacks what it should have: gasUsed", "evm", "send", target, "--value", "1", url=stub.url)
        with Stub(node.url, [("eth_sendRawTransaction", {"error": {"code": -32000, "message": "txpool is full"}})]) as stub:
            cli.fails("txpool is full (-32000)", "evm", "send", target, "--value", "1", url=stub.url)
            cli.fails("eth_sendRawTransaction for transaction 0x", "evm", "send", target, "--value", "1", url=stub.url)
        # Errors as Hardhat and Ganache have them, and words that nobody knows here.
        data = "0x08c379a0" + f"{32:064x}{2:064x}" + "6e6f" + "0" * 60
        for error, text in (({"code": -32603, "message": "reverted", "data": {"data": data}}, "no"), ({"code": -32000, "message": "revert", "data": {"result": data}}, "no"),
                            ({"code": 3, "message": "execution reverted: no", "data": data}, "no")):  # fmt: skip
            with Stub(node.url, [("eth_call", {"error": error})]) as stub:
                cli.fails(f"the call failed: {text}", "evm", "call", contract, url=stub.url)
        with Stub(node.url, [("eth_call", {"error": {"code": -32000, "message": "header not found"}})]) as stub:
            cli.fails(f"eth_call for a call of {contract}: header not found (-32000)", "evm", "call", contract, url=stub.url)
