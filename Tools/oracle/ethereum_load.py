"""`estuary node` under load by Ethereum's clients; figures, and checks that nothing is lost:

    ethereum_load.py sends [SECONDS] [CONNECTIONS] [SLOT_MS]   ERC-20 transfers of distinct people, from eth_sendRawTransaction to mined
    ethereum_load.py calls [SECONDS] [CONNECTIONS]             eth_call of the token's balanceOf
    ethereum_load.py estimates [COUNT]                         eth_estimateGas of random calls: it suffices, one unit less does not
    ethereum_load.py revm [COUNT] | pyevm [COUNT]              the same transfers and calls in this process: pyrevm, titanoboa's py-evm

SLOT_MS 0 is --instant, the default. Each connection has one request under way at a time; client and node share the machine.
`revm` wants the Python environment .venv-evm, `pyevm` .venv-titanoboa; the others need no package.
"""

import asyncio
import collections
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import evm_programs
from node import Node, RPCFailure, binary

PEOPLE = 40_000
# Transactions that wait for a block at a time.
UNMINED = 8192


def workload(folder, count):
    """A genesis with the token of Programs/, and signed transfers, each by another sender."""
    path = os.path.join(folder, "erc20")
    run = lambda *words: subprocess.run([binary(), *words], check=True, stdout=subprocess.DEVNULL)
    run("ledger", "create", os.path.join(folder, "empty"), "--no-mainnet-programs")
    run("workload", "erc20", path, "--count", str(count), "--ledger", os.path.join(folder, "empty"))
    with open(os.path.join(path, "genesis.json")) as file:
        genesis = json.load(file)
    # Blocks are never more than half full, so that the base fee does not rise above what the transfers pay.
    genesis["ethereum"]["gasLimit"] = hex(1 << 40)
    with open(os.path.join(path, "genesis.json"), "w") as file:
        json.dump(genesis, file)
    with open(os.path.join(path, "transactions.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    return os.path.join(path, "genesis.json"), genesis, [line["ethereum"] for line in lines], [line["from"] for line in lines]


def token_of(raw):
    """Whom the transfer calls, and what it pays to whom."""
    wire = bytes.fromhex(raw[2:])
    at = wire.index(bytes.fromhex("a9059cbb"))
    start = wire.rindex(b"\x94", 0, at)
    return "0x" + wire[start + 1 : start + 21].hex(), "0x" + wire[at + 16 : at + 36].hex(), int.from_bytes(wire[at + 36 : at + 68], "big")


class Connection:
    """Requests over one kept connection, each encoded before."""

    def __init__(self, address):
        self.address = address

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(*self.address)
        return self

    @staticmethod
    def encode(method, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        return b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def post(self, request):
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length:") + 15
        return await self.reader.readexactly(int(head[at : head.index(b"\r\n", at)]))

    async def call(self, method, *parameters):
        answer = json.loads(await self.post(self.encode(method, *parameters)))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


def resident(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def figures(what, count, took, latencies):
    latencies.sort()
    print(f"{what}: {count / took:.0f} a second, median {statistics.median(latencies) * 1000:.2f} ms, "
          f"p99 {latencies[int(len(latencies) * 0.99)] * 1000:.2f} ms")  # fmt: skip


def node_on(folder, genesis, *flags):
    ledger = os.path.join(folder, "ledger")
    subprocess.run([binary(), "ledger", "create", ledger, "--genesis", genesis], check=True, stdout=subprocess.DEVNULL)
    return Node(ledger, "--log-level", "error", *flags)


async def sends(folder, seconds=60.0, connections=32, slot_ms=0):
    genesis, _, raws, senders = workload(folder, max(PEOPLE, int(seconds * 3000)))
    with node_on(folder, genesis, *(["--slot-ms", str(slot_ms)] if slot_ms else ["--instant"])) as node:
        requests = [Connection.encode("eth_sendRawTransaction", raw) for raw in raws]
        memory, first = resident(node), node.call("eth_blockNumber")
        answers, waiting, mined = [], {}, []
        state = {"next": 0, "stop": False, "asked": 0}

        async def work():
            connection = await Connection(node.address).open()
            while not state["stop"] and state["next"] < len(requests):
                if len(waiting) >= UNMINED:  # the pool holds 16,384
                    await asyncio.sleep(0.002)
                    continue
                number = state["next"]
                state["next"] += 1
                start = time.perf_counter()
                state["asked"] += 1
                answer = json.loads(await connection.post(requests[number]))
                state["asked"] -= 1
                assert "result" in answer, answer
                answers.append(time.perf_counter() - start)
                waiting[answer["result"]] = start

        async def watch():
            """Blocks as they come."""
            connection = await Connection(node.address).open()
            seen, early = int(await connection.call("eth_blockNumber"), 16), {}
            # A node that makes blocks at once answers behind the block.
            while not state["stop"] or waiting or state["asked"]:
                newest = int(await connection.call("eth_blockNumber"), 16)
                for number in range(seen + 1, newest + 1):
                    hashes = (await connection.call("eth_getBlockByNumber", hex(number), False))["transactions"]
                    early.update((name, time.perf_counter()) for name in hashes)
                    state["mined"] = state.get("mined", 0) + len(hashes)
                seen = newest
                # A block may be seen before its last sender has the answer.
                for name in [name for name in waiting if name in early]:
                    mined.append(early.pop(name) - waiting.pop(name))
                if waiting and time.perf_counter() - min(waiting.values()) > 60:
                    raise SystemExit(f"{len(waiting)} transactions are in no block")
                await asyncio.sleep(0.002)

        start = time.perf_counter()
        tasks = [asyncio.create_task(t) for t in (watch(), *(work() for _ in range(connections)))]
        while time.perf_counter() - start < seconds and state["next"] < len(requests):
            await asyncio.sleep(0.05)
        state["stop"] = True
        await asyncio.gather(*tasks)
        took = time.perf_counter() - start
        assert len(mined) == len(answers) == state["mined"] == len(set(raws[: len(answers)])), (len(mined), len(answers), state)
        control = await Connection(node.address).open()
        moved = collections.Counter(dict.fromkeys(senders, 0))
        for raw, sender in zip(raws[: len(answers)], senders):
            token, to, amount = token_of(raw)
            moved.update({to: amount, sender: -amount})
        for person in random.Random(1).sample(sorted(moved), 300):
            call = {"to": token, "data": "0x70a08231" + person[2:].rjust(64, "0")}
            before, after = [int(await control.call("eth_call", call, tag), 16) for tag in (first, "latest")]
            assert after - before == moved[person], "each transfer once"
        figures(f"{connections} connections, {took:.0f} s, {f'slots of {slot_ms} ms' if slot_ms else '--instant'}: "
                f"{len(answers)} ERC-20 transfers, all mined, each once; eth_sendRawTransaction", len(answers), took, answers)  # fmt: skip
        figures("  from sending to mined", len(mined), took, mined)
        print(f"  {await control.call('eth_blockNumber')} blocks, memory {memory:.0f} to {resident(node):.0f} MB")


async def calls(folder, seconds=20.0, connections=32):
    genesis, _, raws, senders = workload(folder, 1000)
    with node_on(folder, genesis, "--instant") as node:
        token = token_of(raws[0])[0]
        for what, requests in (
            ("eth_call of balanceOf", [Connection.encode("eth_call", {"to": token, "data": "0x70a08231" + s[2:].rjust(64, "0")}, "latest") for s in senders]),
            ("eth_blockNumber, the way alone", [Connection.encode("eth_blockNumber")]),
        ):  # fmt: skip
            latencies, end = [], time.perf_counter() + seconds

            async def work(number):
                connection = await Connection(node.address).open()
                while (start := time.perf_counter()) < end:
                    answer = await connection.post(requests[number % len(requests)])
                    latencies.append(time.perf_counter() - start)
                    assert b'"result":"0x' in answer, answer
                    number += connections

            await asyncio.gather(*(work(n) for n in range(connections)))
            figures(f"{connections} connections: {what}", len(latencies), seconds, latencies)


def estimates(folder, count=1000):
    """Random code that calls, creates and loops, called with random input and value: the estimate is the least that does."""
    generator, fork = random.Random(7), "osaka"
    with Node(os.path.join(folder, "ledger"), "--log-level", "error", "--instant") as node:
        sender = node.announcement["ethereum"][0]["address"]
        tally = {"exact": 0, "fails": 0, "plain": 0, "creations": 0}
        addresses = [(0xC0DE0000 + n).to_bytes(20, "big") for n in range(40)]
        while tally["exact"] < count:
            for address in addresses:
                code = evm_programs.program(generator, fork, addresses)
                node.call("anvil_setCode", "0x" + address.hex(), "0x" + bytes(code).hex())
                node.call("anvil_setBalance", "0x" + address.hex(), hex(10**18))
            for _ in range(80):
                call = {"from": sender, "value": hex(generator.choice([0, 0, 1, 10**15]))}
                kind = generator.randrange(12)
                if kind == 0:
                    call["to"] = f"0x{generator.getrandbits(160):040x}"
                elif kind == 1:
                    call["data"] = "0x" + bytes(evm_programs.program(generator, fork, addresses)).hex()
                else:
                    call["to"] = "0x" + generator.choice(addresses).hex()
                    call["data"] = "0x" + generator.randbytes(generator.randrange(100)).hex()
                if kind > 8:
                    call["accessList"] = [{"address": call["to"], "storageKeys": [f"0x{n:064x}" for n in range(generator.randrange(3))]}]
                try:
                    gas = int(node.call("eth_estimateGas", call), 16)
                except RPCFailure as failure:
                    # It fails however much there is.
                    assert succeeds(node, {**call, "gas": hex(16_000_000)}) is False, (call, failure.message)
                    tally["fails"] += 1
                    continue
                assert succeeds(node, {**call, "gas": hex(gas)}), (call, gas, "does not suffice")
                assert not succeeds(node, {**call, "gas": hex(gas - 1)}), (call, gas, "one less suffices")
                tally["exact"] += 1
                tally["plain"] += kind == 0
                tally["creations"] += kind == 1
        print(f"estimates: {tally}")


def succeeds(node, call):
    """Where it was estimated: on the last block, whose number and time code may look at."""
    try:
        node.call("eth_call", call, "latest")
        return True
    except RPCFailure:
        return False


def revm(folder, count=5000):
    """Transfers and calls through pyrevm, signatures left out."""
    import pyrevm

    _, genesis, raws, senders = workload(folder, count)
    machine = pyrevm.EVM()
    for address, entry in genesis["ethereum"]["alloc"].items():
        code = bytes.fromhex(entry.get("code", "0x")[2:])
        machine.insert_account_info(address, pyrevm.AccountInfo(balance=int(entry["balance"], 16), nonce=int(entry.get("nonce", "0x0"), 16), code=code))
        for slot, value in entry.get("storage", {}).items():
            machine.insert_account_storage(address, int(slot, 16), int(value, 16))
    parts = [token_of(raw) for raw in raws]
    start = time.perf_counter()
    for sender, (token, to, amount) in zip(senders, parts):
        machine.message_call(sender, token, bytes.fromhex("a9059cbb") + bytes.fromhex(to[2:]).rjust(32, b"\0") + amount.to_bytes(32, "big"))
    took = time.perf_counter() - start
    print(f"pyrevm in process, no signatures: {count / took:.0f} transfers a second")
    start = time.perf_counter()
    for sender in senders:
        machine.message_call(sender, parts[0][0], bytes.fromhex("70a08231") + bytes.fromhex(sender[2:]).rjust(32, b"\0"), is_static=True)
    print(f"pyrevm in process: {count / (time.perf_counter() - start):.0f} calls of balanceOf a second")


def pyevm(folder, count=500):
    """Transfers and calls through titanoboa's py-evm, signatures left out."""
    import boa

    _, genesis, raws, senders = workload(folder, count)
    for address, entry in genesis["ethereum"]["alloc"].items():
        boa.env.set_balance(address, int(entry["balance"], 16))
        boa.env.set_code(address, bytes.fromhex(entry.get("code", "0x")[2:]))
        for slot, value in entry.get("storage", {}).items():
            boa.env.set_storage(address, int(slot, 16), int(value, 16))
    parts = [token_of(raw) for raw in raws]
    start = time.perf_counter()
    for sender, (token, to, amount) in zip(senders, parts):
        data = bytes.fromhex("a9059cbb") + bytes.fromhex(to[2:]).rjust(32, b"\0") + amount.to_bytes(32, "big")
        assert boa.env.execute_code(to_address=token, sender=sender, data=data).is_success
    print(f"titanoboa (py-evm) in process, no signatures: {count / (time.perf_counter() - start):.0f} transfers a second")
    start = time.perf_counter()
    for sender in senders:
        boa.env.execute_code(to_address=parts[0][0], sender=sender, data=bytes.fromhex("70a08231") + bytes.fromhex(sender[2:]).rjust(32, b"\0"))
    print(f"titanoboa (py-evm) in process: {count / (time.perf_counter() - start):.0f} calls of balanceOf a second")


def main():
    parts = {"sends": sends, "calls": calls, "estimates": estimates, "revm": revm, "pyevm": pyevm}
    if len(sys.argv) < 2 or sys.argv[1] not in parts:
        sys.exit(__doc__)
    part, numbers = parts[sys.argv[1]], [float(n) if i == 0 and sys.argv[1] in ("sends", "calls") else int(n) for i, n in enumerate(sys.argv[2:])]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        outcome = part(folder, *numbers)
        if asyncio.iscoroutine(outcome):
            asyncio.run(outcome)


main()
