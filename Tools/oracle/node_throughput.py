"""`estuary node` under load and at its limits; figures, and checks that nothing is lost:

    node_throughput.py load [SECONDS] [CONNECTIONS] [SLOT_MS]   transfers over many connections, from sendTransaction to confirmed
    node_throughput.py snapshots [COUNT]                       snapshots with a transfer between them, and back
    node_throughput.py start [ACCOUNTS]                        from the start to the first answer, on ledgers of no and of many accounts
    node_throughput.py idle [MINUTES]                          memory of a node that makes empty blocks

SLOT_MS 0 is --instant, the default.
"""

import asyncio
import base64
import json
import os
import random
import statistics
import sys
import tempfile
import time

from node import Node, binary


def resident(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


class Connection:
    """Requests over one kept connection."""

    def __init__(self, address):
        self.address = address

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(*self.address)

    async def call(self, method, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        self.writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        answer = json.loads(await self.reader.readexactly(int(lower[at : lower.index(b"\r\n", at)])))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


async def load(folder, seconds=60.0, connections=64, slot_ms=0):
    from solders.hash import Hash
    from solders.keypair import Keypair
    from solders.message import Message
    from solders.system_program import TransferParams, transfer
    from solders.transaction import Transaction

    flags = ["--slot-ms", str(slot_ms)] if slot_ms else ["--instant"]
    with Node(os.path.join(folder, "ledger"), "--log-level", "error", *flags) as node:
        control = Connection(node.address)
        await control.open()
        senders = [Keypair() for _ in range(connections)]
        targets = [Keypair().pubkey() for _ in range(connections)]
        for sender in senders:
            await control.call("requestAirdrop", str(sender.pubkey()), 10**12)
        while sum([(await control.call("getBalance", str(s.pubkey())))["value"] for s in senders]) < connections * 10**12:
            await asyncio.sleep(0.05)
        before = await control.call("getTransactionCount")
        state = {"hash": (await control.call("getLatestBlockhash"))["value"]["blockhash"], "stop": False}
        waiting, latencies, sums, sent = {}, [], [0] * connections, 0
        room = asyncio.Semaphore(connections)

        async def renew():
            connection = Connection(node.address)
            await connection.open()
            while not state["stop"]:
                state["hash"] = (await connection.call("getLatestBlockhash"))["value"]["blockhash"]
                await asyncio.sleep(0.03)

        async def confirm():
            connection = Connection(node.address)
            await connection.open()
            while not state["stop"] or waiting:
                some = list(waiting)[:256]
                if not some:
                    await asyncio.sleep(0.001)
                    continue
                statuses = (await connection.call("getSignatureStatuses", some))["value"]
                now = time.perf_counter()
                for signature, status in zip(some, statuses):
                    if status is not None:
                        assert status["err"] is None and status["confirmationStatus"] in ("confirmed", "finalized"), status
                        latencies.append(now - waiting.pop(signature))
                        room.release()
                    elif now - waiting[signature] > 30:
                        raise SystemExit(f"{signature} was lost")
                    else:
                        waiting[signature] = waiting.pop(signature)  # to the end

        async def work(number):
            nonlocal sent
            connection = Connection(node.address)
            await connection.open()
            amount = 1_000_000
            while not state["stop"]:
                await room.acquire()
                amount += 1
                blockhash = Hash.from_string(state["hash"])
                instruction = transfer(TransferParams(from_pubkey=senders[number].pubkey(), to_pubkey=targets[number], lamports=amount))
                transaction = Transaction([senders[number]], Message.new_with_blockhash([instruction], senders[number].pubkey(), blockhash), blockhash)
                start = time.perf_counter()
                signature = await connection.call(
                    "sendTransaction", base64.b64encode(bytes(transaction)).decode(), {"encoding": "base64", "skipPreflight": True})
                waiting[signature] = start
                sums[number] += amount
                sent += 1

        tasks = [asyncio.create_task(t) for t in (renew(), confirm(), *(work(n) for n in range(connections)))]
        start = time.perf_counter()
        await asyncio.sleep(seconds)
        state["stop"] = True
        await asyncio.gather(*tasks)
        took = time.perf_counter() - start
        balances = [(await control.call("getBalance", str(t)))["value"] for t in targets]
        count = await control.call("getTransactionCount") - before
        assert balances == sums, "each transfer once"
        assert count == sent == len(latencies), (count, sent, len(latencies))
        latencies.sort()
        print(f"{connections} connections, {took:.0f} s, {'--instant' if not slot_ms else f'slots of {slot_ms} ms'}: {sent} transactions, "
              f"{sent / took:.0f} a second, to confirmed median {statistics.median(latencies) * 1000:.1f} ms, "
              f"p99 {latencies[int(len(latencies) * 0.99)] * 1000:.1f} ms; none lost, none twice; {resident(node):.0f} MB")  # fmt: skip
    floor()


def floor(count=5000):
    """The same transfers in LiteSVM, in this process."""
    from solders.keypair import Keypair
    from solders.litesvm import LiteSVM
    from solders.message import Message
    from solders.system_program import TransferParams, transfer
    from solders.transaction import Transaction

    svm, payer, target = LiteSVM(), Keypair(), Keypair().pubkey()
    svm.airdrop(payer.pubkey(), 10**12)
    start = time.perf_counter()
    for number in range(count):
        blockhash = svm.latest_blockhash()
        instruction = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=target, lamports=1_000_000 + number))
        svm.send_transaction(Transaction([payer], Message.new_with_blockhash([instruction], payer.pubkey(), blockhash), blockhash))
    took = time.perf_counter() - start
    print(f"LiteSVM in process, signing included: {count / took:.0f} a second, {took / count * 1e6:.0f} us each")


def snapshots(folder, count=10_000):
    """A transfer between each two snapshots; the last is gone back from to the first."""
    from solders.hash import Hash
    from solders.keypair import Keypair
    from solders.message import Message
    from solders.system_program import TransferParams, transfer
    from solders.transaction import Transaction

    async def run():
        with Node(os.path.join(folder, "ledger"), "--log-level", "error", "--instant") as node:
            c = Connection(node.address)
            await c.open()
            alice, target = Keypair(), Keypair().pubkey()
            await c.call("requestAirdrop", str(alice.pubkey()), 10**12)
            while (await c.call("getBalance", str(alice.pubkey())))["value"] == 0:
                await asyncio.sleep(0.01)
            first, memory, taking, sending = None, resident(node), [], []
            for number in range(count):
                start = time.perf_counter()
                snapshot = await c.call("estuary_snapshot")
                taking.append(time.perf_counter() - start)
                first = first or snapshot
                blockhash = Hash.from_string((await c.call("getLatestBlockhash"))["value"]["blockhash"])
                instruction = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=target, lamports=1_000_000 + number))
                transaction = Transaction([alice], Message.new_with_blockhash([instruction], alice.pubkey(), blockhash), blockhash)
                start = time.perf_counter()
                signature = await c.call("sendTransaction", base64.b64encode(bytes(transaction)).decode(), {"encoding": "base64", "skipPreflight": True})
                while (await c.call("getSignatureStatuses", [signature]))["value"][0] is None:
                    pass
                sending.append(time.perf_counter() - start)
            after = resident(node)
            start = time.perf_counter()
            assert await c.call("estuary_revert", first)
            back = time.perf_counter() - start
            assert (await c.call("getBalance", str(target)))["value"] == 0
            print(f"{count} snapshots with a transfer between: a snapshot {statistics.median(taking) * 1e3:.2f} ms (p99 {sorted(taking)[int(count * 0.99)] * 1e3:.2f}), "
                  f"the transfer to confirmed {statistics.median(sending) * 1e3:.2f} ms, memory {memory:.0f} to {after:.0f} MB, "
                  f"{(after - memory) * 1024 / count:.1f} KB a snapshot; back over all of them in {back:.2f} s")  # fmt: skip

    asyncio.run(run())


def start(folder, accounts=1_000_000):
    """The first answer on an empty directory and on a ledger with many accounts, five starts each."""
    import subprocess

    def starts(ledger):
        times = []
        for _ in range(5):
            with Node(ledger, "--log-level", "error") as node:
                times.append(node.seconds_to_answer * 1000)
        return times

    empty = []
    for number in range(5):
        with Node(os.path.join(folder, f"empty{number}"), "--log-level", "error") as node:
            empty.append(node.seconds_to_answer * 1000)
    print(f"start to first answer: {statistics.median(empty):.0f} ms on an empty directory")
    genesis = os.path.join(folder, "genesis.json")
    randomness = random.Random(1)
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

    def key():
        number, text = int.from_bytes(randomness.randbytes(32), "big") | 1 << 255, ""
        while number:
            number, rest = divmod(number, 58)
            text = alphabet[rest] + text
        return text

    owners = [key() for _ in range(10)]
    with open(genesis, "w") as file:
        file.write('{"slot": 1, "unixTimestamp": 1700000000, "blockhash": "%s", "accounts": [\n' % key())
        file.write(",\n".join(
            '{"pubkey": "%s", "account": {"lamports": 2000000, "data": ["AQIDBA==", "base64"], "owner": "%s", "executable": false, "rentEpoch": 0}}'
            % (key(), owners[n % 10]) for n in range(accounts)))  # fmt: skip
        file.write("]}")
    ledger = os.path.join(folder, "many")
    began = time.perf_counter()
    subprocess.run([binary(), "ledger", "create", ledger, "--genesis", genesis], check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - began
    times = starts(ledger)
    print(f"{accounts} accounts created in {took:.1f} s; first start to first answer there: {times[0]:.0f} ms, then {statistics.median(times[1:]):.0f} ms")
    with Node(ledger, "--log-level", "error") as node:
        for options in ({"dataSlice": {"offset": 0, "length": 0}, "encoding": "base64", "filters": [{"memcmp": {"offset": 0, "bytes": "2"}}]},):
            began = time.perf_counter()
            node.call("getProgramAccounts", owners[0], options)
            mine = time.perf_counter() - began
            began = time.perf_counter()
            node.call("getProgramAccounts", key(), options)
            none = time.perf_counter() - began
            began = time.perf_counter()
            node.call("getProgramAccounts", "11111111111111111111111111111111", options)
            walk = time.perf_counter() - began
        print(f"getProgramAccounts there: {mine * 1000:.0f} ms for {accounts // 10} of a program, {none * 1000:.1f} ms for none, {walk * 1000:.0f} ms by a walk")


def idle(folder, minutes=30.0):
    with Node(os.path.join(folder, "ledger"), "--log-level", "error", "--slot-ms", "400") as node:
        end, samples = time.time() + minutes * 60, []
        while time.time() < end:
            samples.append(resident(node))
            time.sleep(15)
        half = samples[len(samples) // 2 :]
        print(f"{minutes:.0f} minutes idle at slots of 400 ms: {samples[0]:.0f} MB, then {min(half):.0f} to {max(half):.0f} MB in the second half; last {samples[-1]:.0f}")


def main():
    part, numbers = sys.argv[1], [float(n) for n in sys.argv[2:]]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        if part == "load":
            asyncio.run(load(folder, *numbers[:1], *(int(n) for n in numbers[1:])))
        elif part == "snapshots":
            snapshots(folder, *(int(n) for n in numbers))
        elif part == "start":
            start(folder, *(int(n) for n in numbers))
        elif part == "idle":
            idle(folder, *numbers)
        else:
            sys.exit(__doc__)


main()
