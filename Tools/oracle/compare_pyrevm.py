"""How long revm (pyrevm) and Estuary take for the same EVM code: see Tools/compare-pyrevm.

Contracts: cases.json of the vectors, each a call that computes for tens of milliseconds. revm: `message_call` between
`snapshot` and `revert`, its Python binding is a few microseconds of it. Estuary: what `evm run` reports, hot code, fresh
state, translation apart. Output and gas have to be equal, or the run stops. Transfers: one ERC-20 transfer a transaction
between people of their own; revm's loop holds nothing but prebuilt calls; Estuary: what `replay` reports, from wire bytes
to published accounts, senders given. The same with signatures: before each call libsecp256k1 (coincurve) recovers the key
from a hash that is given; Estuary hashes, recovers and derives the sender.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import coincurve
import pyrevm
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp

HALF = {"fib", "fib_checked", "matmul", "sort", "sha256_pure", "divmod", "mulmod"}
CONTRACT, CALLER = "0x" + "11" * 20, "0x" + "22" * 20
TRANSFERS = 10_000
ENGINE = []


def estuary(*arguments):
    binary = os.environ.get("ESTUARY", ".build/release/estuary")
    try:
        run = subprocess.run([binary, *arguments, "--json", *ENGINE], capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"{binary}: {error.strerror} (ESTUARY names the command line)")
    if run.returncode != 0:
        sys.exit(f"estuary {' '.join(arguments)[:200]}: {run.stderr[-2000:]}")
    return json.loads(run.stdout)


class Row:
    """One figure; `round` takes one pair of measurements."""

    def __init__(self, name, limit):
        self.name, self.limit, self.ours, self.theirs = name, limit, [], []

    def summary(self, pick):
        return pick(self.ours), pick(self.theirs)


class Case(Row):
    """One contract's call."""

    def __init__(self, case, folder):
        super().__init__(case["name"], 0.5 if case["name"] in HALF else 1.05)
        self.case = case
        self.code = os.path.join(folder, case["name"] + ".hex")
        with open(self.code, "w") as file:
            file.write(case["code_hex"])
        self.calldata = bytes.fromhex(case["calldata_hex"])
        self.evm = pyrevm.EVM(spec_id="CANCUN")
        self.evm.insert_account_info(CONTRACT, pyrevm.AccountInfo(nonce=1, code=bytes.fromhex(case["code_hex"])))
        self.evm.insert_account_info(CALLER, pyrevm.AccountInfo(balance=10**30))
        zeros = self.calldata.count(0)
        self.intrinsic = 21_000 + 4 * zeros + 16 * (len(self.calldata) - zeros)
        self.translation = Row(f"translate {case['name']}", 1.0)

    def round(self):
        snapshot = self.evm.snapshot()
        start = time.perf_counter_ns()
        output = self.evm.message_call(CALLER, CONTRACT, calldata=self.calldata, gas=self.case["gas_limit"])
        self.theirs.append(time.perf_counter_ns() - start)
        self.evm.revert(snapshot)
        run = estuary(
            "evm", "run", "--code", self.code, "--input", self.case["calldata_hex"], "--gas",
            str(self.case["gas_limit"] - self.intrinsic), "--fork", "cancun", "--repeat", "5",
        )
        self.check(run, output)
        self.ours.append(min(run["elapsedNanoseconds"]))
        self.translation.ours.append(run["translateNanoseconds"])
        self.translation.theirs.append(20_000 + 60 * (len(self.case["code_hex"]) // 2))

    def check(self, run, output):
        gas = self.case["gas_used_exec"] + self.case["gas_refund"] - self.intrinsic
        ours = (run["error"], run["output"].removeprefix("0x"), run["gasUsed"])
        expected = (None, self.case["expected_output_hex"].removeprefix("0x"), gas)
        if ours != expected or output.hex() != expected[1]:
            sys.exit(f"{self.name}: {ours}, should be {expected}; revm {output.hex()}")


class Transfers(Row):
    """ERC-20 transfers, one transaction each, between people of their own."""

    OPTIONS = ["--no-sigverify"]

    def __init__(self, code, folder, name="ERC-20 transfer"):
        super().__init__(name, 0.5)
        self.people = [self.person(index) for index in range(2 * TRANSFERS)]
        slots = {person: self.balance_slot(person) for person in self.people}
        selector = bytes.fromhex("a9059cbb")
        self.calls = [
            (sender, selector + bytes(12) + bytes.fromhex(target[2:]) + (1 + index).to_bytes(32, "big"))
            for index, (sender, target) in enumerate(zip(self.people[::2], self.people[1::2]))
        ]
        self.code, self.slots = code, slots
        self.genesis, self.lines = (
            os.path.join(folder, name.replace(" ", "-") + ending) for ending in (".genesis.json", ".jsonl")
        )
        self.write()

    def person(self, index):
        return f"0x{index + 0x1000:040x}"

    @staticmethod
    def balance_slot(person):
        """Vyper's HashMap at slot 0: keccak256(slot ‖ key)."""
        return int.from_bytes(keccak256(bytes(32) + bytes(12) + bytes.fromhex(person[2:])), "big")

    def write(self):
        alloc = {person: {"balance": hex(10**20)} for person in self.people}
        storage = {f"0x{slot:064x}": hex(10**18) for slot in self.slots.values()}
        alloc[CONTRACT] = {"nonce": "0x1", "code": "0x" + self.code, "storage": storage}
        ethereum = {"chainId": 1, "fork": "cancun", "baseFeePerGas": "0x7", "coinbase": "0x" + "cc" * 20, "alloc": alloc}
        with open(self.genesis, "w") as file:
            base = {"slot": 1, "unixTimestamp": 1_700_000_000, "blockhash": "1" * 32, "accounts": [], "programs": []}
            json.dump({**base, "ethereum": ethereum}, file)
        with open(self.lines, "w") as file:
            for sender, data in self.calls:
                fields = [1, 0, 1, 7, 100_000, bytes.fromhex(CONTRACT[2:]), 0, data, []]
                encoded = self.encoded(fields + self.signature(sender, self.encoded(fields)))
                file.write(json.dumps({"ethereum": "0x" + encoded.hex(), "from": sender}) + "\n")

    @staticmethod
    def encoded(fields):
        numbers = (f.to_bytes((f.bit_length() + 7) // 8, "big") if isinstance(f, int) else f for f in fields)
        return b"\x02" + rlp.encode(list(numbers))

    def signature(self, sender, payload):
        return [0, 1, 1]

    def prepared(self):
        evm = pyrevm.EVM(spec_id="CANCUN")
        evm.insert_account_info(CONTRACT, pyrevm.AccountInfo(nonce=1, code=bytes.fromhex(self.code)))
        for person in self.people:
            evm.insert_account_info(person, pyrevm.AccountInfo(balance=10**20))
        for slot in self.slots.values():
            # Reverting makes the slot cold, as a transaction finds it.
            snapshot = evm.snapshot()
            evm.insert_account_storage(CONTRACT, slot, 10**18)
            evm.revert(snapshot)
        return evm

    def round(self):
        evm = self.prepared()
        start = time.perf_counter_ns()
        self.send(evm.message_call)
        self.theirs.append((time.perf_counter_ns() - start) / TRANSFERS)
        self.replay()

    def send(self, call):
        for sender, data in self.calls:
            call(sender, CONTRACT, calldata=data, gas=100_000)

    def replay(self):
        options = ["--executor", "serial", "--repeat", "3", *self.OPTIONS]
        run = estuary("replay", self.genesis, self.lines, *options)
        if any(entry["error"] is not None or entry["status"] != 1 for entry in run["transactions"]):
            sys.exit(f"{self.name}: a transfer failed")
        self.ours.append(min(run["elapsedNanoseconds"]) / TRANSFERS)


class SignedTransfers(Transfers):
    """The same, signed: each sender is recovered."""

    OPTIONS = []

    def __init__(self, code, folder):
        self.keys, self.signed = {}, []
        super().__init__(code, folder, "ERC-20 transfer, sender recovered")

    def person(self, index):
        key = coincurve.PrivateKey((index + 1).to_bytes(32, "big"))
        address = "0x" + keccak256(key.public_key.format(compressed=False)[1:])[12:].hex()
        self.keys[address] = key
        return address

    def signature(self, sender, payload):
        hashed = bytes(keccak256(payload))
        signature = self.keys[sender].sign_recoverable(hashed, hasher=None)
        self.signed.append((signature, hashed))
        return [signature[64], *(int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))]

    def send(self, call):
        recover = coincurve.PublicKey.from_signature_and_message
        for (sender, data), (signature, hashed) in zip(self.calls, self.signed):
            recover(signature, hashed, hasher=None)
            call(sender, CONTRACT, calldata=data, gas=100_000)


def table(rows):
    lines = [f"{'nanoseconds':<36}{'ours':>14}{'median':>14}{'revm':>14}{'median':>14}{'ratio':>8}{'limit':>8}"]
    for row in rows:
        (ours, theirs), (our_median, their_median) = row.summary(min), row.summary(statistics.median)
        mark = "" if ours / theirs <= row.limit else "  missed"
        lines.append(
            f"{row.name:<36}{ours:>14,.0f}{our_median:>14,.0f}{theirs:>14,.0f}{their_median:>14,.0f}"
            f"{ours / theirs:>8.3f}{row.limit:>8.3f}{mark}"
        )
    return "\n".join(lines)


def entries(rows, cases):
    for row in rows:
        ours, theirs = row.summary(min)
        yield {"name": row.name, "ours": ours, "theirs": theirs, "ratio": ours / theirs, "limit": row.limit}
    if cases:
        ratio = geometric_mean(cases)
        yield {"name": "geometric mean", "ours": ratio, "theirs": 1.0, "ratio": ratio, "limit": 0.35}


def geometric_mean(cases):
    ratios = (ours / theirs for ours, theirs in (case.summary(min) for case in cases))
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def main():
    parser = argparse.ArgumentParser(description="Estuary's EVM against revm.")
    parser.add_argument("--json", action="store_true", help="print the minima as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", help="passed to estuary (default: its own)")
    parser.add_argument("--only", action="append", default=[], help="figures whose name holds this word")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.engine:
        ENGINE[:] = ["--engine", options.engine]

    def wants(name):
        return not options.only or any(word in name for word in options.only)

    path = os.path.join(os.environ.get("ESTUARY_VECTORS", "../shared/vectors"), "evm", "bench", "cases.json")
    try:
        with open(path) as file:
            contracts = json.load(file)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror} (ESTUARY_VECTORS names the folder of test vectors)")
    with tempfile.TemporaryDirectory(prefix="estuary-compare-") as folder:
        cases = [Case(case, folder) for case in contracts if wants(case["name"])]
        rows = list(cases)
        code = next(c["code_hex"] for c in contracts if c["name"] == "erc20")
        transfers = [kind(code, folder) for kind in (Transfers, SignedTransfers) if wants("ERC-20 transfer")]
        rows += transfers
        if not rows:
            sys.exit(f"no figure's name holds {' or '.join(options.only)}")
        for index in range(options.rounds):
            print(f"round {index + 1} of {options.rounds}", file=sys.stderr)
            for row in rows:
                row.round()
    # What translation may take: 60 ns a byte of code and 20 µs.
    rows += [case.translation for case in cases]
    if transfers:
        # What recovering a sender adds, beside the transfer whose sender is given.
        recovery = Row("sender recovered over given", 2.6)
        recovery.theirs, recovery.ours = (row.ours for row in transfers)
        rows.append(recovery)
    if options.json:
        print(json.dumps(list(entries(rows, cases)), indent=2))
        return
    print(table(rows))
    if cases:
        print(f"geometric mean of the contracts' ratios {geometric_mean(cases):.3f}, limit 0.350")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"minima and medians of {options.rounds} rounds; load average {load}; {time.strftime('%Y-%m-%d')}")


main()
