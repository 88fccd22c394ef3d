"""How long LiteSVM (Agave's runtime) and Estuary take for the same transactions: see Tools/compare-litesvm.

Both sides are timed in nanoseconds of wall time. LiteSVM: `send_transaction` of prebuilt objects, its history off, so
that a round may send them again; its Python binding is about a microsecond of each call. Estuary: what `replay`
reports, from wire bytes in memory to results and published accounts, on a fresh state with a warm program cache. Every
transaction must succeed on both sides with the same compute units, or the run stops.
"""

import argparse
import base64
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction, VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

import assemble
import oracle

COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
LOADER_V2 = Pubkey.from_string("BPFLoader2111111111111111111111111111111111")
P_TOKEN = Pubkey.from_string(oracle.PROGRAMS["p-token"])


def key(text):
    return Pubkey.from_bytes(text.encode().ljust(32, b"\x07"))


def wallet(index, role):
    return Keypair.from_seed(struct.pack("<QB", index, role).ljust(32, b"\x05"))


def unit_limit(units):
    return Instruction(COMPUTE_BUDGET, b"\x02" + struct.pack("<I", units), [])


class Workload:
    """Transactions over one genesis, run by either side."""

    def __init__(self, folder, name, programs=(), sigverify=False):
        self.name, self.sigverify = name, sigverify
        self.svm = LiteSVM().with_sigverify(sigverify).with_transaction_history(0)
        self.accounts = {}
        self.transactions = []
        self.genesis = os.path.join(folder, f"{name}.genesis.json")
        self.lines = os.path.join(folder, f"{name}.jsonl")
        for identifier in oracle.SYSVARS:
            self.adopt(Pubkey.from_string(identifier))
        for identifier, elf in programs:
            if elf is not None:
                self.svm.add_program_with_loader(identifier, elf, LOADER_V2)
            self.adopt(identifier)

    def adopt(self, identifier):
        account = self.svm.get_account(identifier)
        if account is None:
            return
        self.accounts[identifier] = account
        if account.executable and len(account.data) == 36:
            self.adopt(Pubkey.from_bytes(bytes(account.data[4:36])))

    def put(self, identifier, account):
        self.svm.set_account(identifier, account)
        self.accounts[identifier] = account

    def fund(self, identifier):
        self.put(identifier, Account(10**13, b"", Pubkey.default(), False, 2**64 - 1))

    def add(self, payer, *instructions):
        message = Message.new_with_blockhash(list(instructions), payer.pubkey(), self.svm.latest_blockhash())
        legacy = Transaction([payer], message, self.svm.latest_blockhash())
        self.transactions.append(VersionedTransaction.from_bytes(bytes(legacy)))

    def write(self):
        clock = self.svm.get_clock()
        with open(self.genesis, "w") as file:
            json.dump(
                {
                    "slot": clock.slot,
                    "unixTimestamp": clock.unix_timestamp,
                    "blockhash": str(self.svm.latest_blockhash()),
                    "accounts": [oracle.account_json(k, a) for k, a in self.accounts.items()],
                    "programs": [],
                },
                file,
            )
        with open(self.lines, "w") as file:
            for transaction in self.transactions:
                file.write(json.dumps({"solana": base64.b64encode(bytes(transaction)).decode()}) + "\n")
        self.check()

    def check(self):
        """Everything succeeds, and costs the same, on both sides."""
        output = json.loads(self.replay(workers=1, repeat=1, raw=True))
        for transaction, ours in list(zip(self.transactions, output["transactions"])):
            theirs = self.svm.send_transaction(transaction)
            if not isinstance(theirs, TransactionMetadata) or ours["error"] is not None:
                sys.exit(f"{self.name}: a transaction failed: LiteSVM {theirs}, Estuary {ours}")
            if theirs.compute_units_consumed() != ours["computeUnits"]:
                sys.exit(f"{self.name}: compute units differ: {theirs.compute_units_consumed()}, {ours['computeUnits']}")

    def theirs(self):
        """Nanoseconds a transaction."""
        send = self.svm.send_transaction
        start = time.perf_counter_ns()
        for transaction in self.transactions:
            send(transaction)
        return (time.perf_counter_ns() - start) / len(self.transactions)

    def replay(self, workers, repeat, raw=False):
        command = [oracle.estuary_binary(), "replay", self.genesis, self.lines, "--json", "--executor", "locks"]
        command += ["--workers", str(workers), "--repeat", str(repeat), *ENGINE]
        if not self.sigverify:
            command.append("--no-sigverify")
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{' '.join(command)}: {run.stderr[-2000:]}")
        return run.stdout if raw else min(json.loads(run.stdout)["elapsedNanoseconds"])

    def ours(self, workers=1, repeat=3):
        return self.replay(workers, repeat) / len(self.transactions)


ENGINE = []


def transfers(folder, count, name, sigverify):
    load = Workload(folder, name, sigverify=sigverify)
    for index in range(count):
        payer, target = wallet(index, 1), wallet(index, 2).pubkey()
        load.fund(payer.pubkey())
        load.fund(target)
        data = struct.pack("<IQ", 2, 1 + index)
        metas = [AccountMeta(payer.pubkey(), True, True), AccountMeta(target, False, True)]
        load.add(payer, Instruction(Pubkey.default(), data, metas))
    load.write()
    return load


def tokens(folder, count, name, program, elf):
    load = Workload(folder, name, [(program, elf)])
    mint = key("mint")
    rent = load.svm.minimum_balance_for_rent_exemption
    mint_data = struct.pack("<I32sQBBI32s", 0, bytes(32), 10**15, 6, 1, 0, bytes(32))
    load.put(mint, Account(rent(82), mint_data, program, False, 2**64 - 1))
    for index in range(count):
        payer, source, target = wallet(index, 1), wallet(index, 2).pubkey(), wallet(index, 3).pubkey()
        load.fund(payer.pubkey())
        for identifier in (source, target):
            data = bytes(mint) + bytes(payer.pubkey()) + struct.pack("<Q", 10**12) + bytes(36) + b"\x01" + bytes(56)
            load.put(identifier, Account(rent(165), data, program, False, 2**64 - 1))
        metas = [AccountMeta(source, False, True), AccountMeta(target, False, True), AccountMeta(payer.pubkey(), True, False)]
        load.add(payer, Instruction(program, b"\x03" + struct.pack("<Q", 1 + index), metas))
    load.write()
    return load


def calls(folder, count, name, elf, data=b"", units=1_400_000):
    """Compute budget instructions, and with `elf` one call of it."""
    program = key("program")
    load = Workload(folder, name, [(program, elf)] if elf else [])
    for index in range(count):
        payer = wallet(index, 1)
        load.fund(payer.pubkey())
        # The amount differs, so that no two transactions of one payer are equal.
        extra = [Instruction(program, data, [])] if elf else []
        load.add(payer, unit_limit(units - index), *extra)
    load.write()
    return load


class Row:
    """One figure: `measure` gives the pairs (ours, theirs) of a round."""

    def __init__(self, name, limit, ours, theirs):
        self.name, self.limit, self.measure_ours, self.measure_theirs = name, limit, ours, theirs
        self.ours, self.theirs = [], []

    def round(self):
        self.theirs.append(self.measure_theirs())
        self.ours.append(self.measure_ours())

    def summary(self, pick):
        return pick(self.ours), pick(self.theirs)


class DifferenceRow(Row):
    """What one workload costs beyond another: the difference of the minima or medians."""

    def __init__(self, name, limit, more, less):
        self.name, self.limit, self.more, self.less = name, limit, more, less

    def round(self):
        self.less.round()
        self.more.round()

    def summary(self, pick):
        return tuple(a - b for a, b in zip(self.more.summary(pick), self.less.summary(pick)))


def against(name, limit, load, workers=1):
    return Row(name, limit, lambda: load.ours(workers), load.theirs)


def estuary_json(*arguments):
    try:
        run = subprocess.run([oracle.estuary_binary(), *arguments, "--json"], capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"{oracle.estuary_binary()}: {error.strerror} (ESTUARY names the command line)")
    if run.returncode != 0:
        sys.exit(f"estuary {' '.join(arguments)}: {run.stderr[-2000:]}")
    return json.loads(run.stdout)


def kernels(folder):
    vectors = os.path.join(os.environ.get("ESTUARY_VECTORS", ""), "sbpf", "bench")
    if not os.path.isdir(vectors):
        print(f"kernels: skipped, no folder {vectors}", file=sys.stderr)
        return
    for name, iterations, limit in (("alu", 80_000, 1.1), ("mem", 90_000, 0.20), ("sieve", 32_000, 0.25)):
        with open(os.path.join(vectors, f"bench_{name}_sbpfv0.so"), "rb") as file:
            elf = file.read()
        yield f"bench_{name}", limit, calls(folder, 20, f"bench_{name}", elf, struct.pack("<Q", iterations))


def loading(programs):
    path = os.path.join(programs, "earlier-token-2022.so")
    with open(path, "rb") as file:
        elf = file.read()
    svm = LiteSVM()
    counter = iter(range(10**9))

    # Both in a process that has loaded programs before, from bytes in memory to machine code; best of five.
    def theirs():
        figures = []
        for _ in range(5):
            identifier = key(f"loaded {next(counter)}")
            start = time.perf_counter_ns()
            svm.add_program_with_loader(identifier, elf, LOADER_V2)
            figures.append(time.perf_counter_ns() - start)
        return min(figures)

    def ours():
        figures = estuary_json("bench", "loading", "--program", path, "--rounds", "5", *ENGINE)
        return figures[0]["value"]

    return Row("load Token-2022", 0.5, ours, theirs)


def has_ifma():
    """Whether signatures are checked in eight lanes here (docs/signatures.md)."""
    with open("/proc/cpuinfo") as file:
        return "avx512ifma" in file.read()


def scheduling():
    def ours():
        figures = estuary_json("bench", "scheduling", "--rounds", "3")
        return next(f["value"] for f in figures if f["name"] == "scheduling, 5 accounts, keys interned")

    return Row("scheduling, 5 accounts, against 250 ns", 1.0, ours, lambda: 250.0)


def rows(folder, programs, wanted):
    with open(os.path.join(programs, "earlier-token.so"), "rb") as file:
        earlier_token = file.read()

    def wants(name):
        return not wanted or any(word in name for word in wanted)

    yield from (against(name, limit, load) for name, limit, load in kernels(folder) if wants(name))
    if wants("SOL transfer"):
        plain = transfers(folder, 10_000, "transfer", sigverify=False)
        yield against("SOL transfer", 0.25, plain)
    if wants("SOL transfer, signatures, 2 workers"):
        signed = transfers(folder, 2_000, "signed", sigverify=True)
        one, two = (0.20, 0.11) if has_ifma() else (0.50, 0.28)
        yield against("SOL transfer, signatures", one, signed)
        yield against("SOL transfer, signatures, 2 workers", two, signed, workers=2)
    if wants("p-token transfer"):
        yield against("p-token transfer", 0.20, tokens(folder, 5_000, "p-token", P_TOKEN, None))
    if wants("earlier Token transfer") or wants("2 workers over 1"):
        token = tokens(folder, 5_000, "token", key("token"), earlier_token)
        yield against("earlier Token transfer", 0.40, token)
        # Two processors are undisturbed at once more rarely than one: more runs, on both sides.
        runs = [lambda workers=workers: token.ours(workers, repeat=9) for workers in (2, 1)]
        yield Row("Token block, 2 workers over 1", 1 / 1.8, *runs)
    if wants("invocation"):
        elf = assemble.Assembler(3).exit().elf()
        budget = calls(folder, 3_000, "budget", None)
        invoked = calls(folder, 3_000, "invoked", elf)
        yield DifferenceRow("invocation", 0.15, against("", 0, invoked), against("", 0, budget))
    if wants("load Token-2022"):
        yield loading(programs)
    if wants("scheduling"):
        yield scheduling()


def table(results):
    lines = [f"{'nanoseconds':<40}{'ours':>11}{'median':>11}{'LiteSVM':>11}{'median':>11}{'ratio':>8}{'limit':>8}"]
    for row in results:
        (ours, theirs), (our_median, their_median) = row.summary(min), row.summary(statistics.median)
        mark = "" if ours / theirs <= row.limit else "  missed"
        lines.append(
            f"{row.name:<40}{ours:>11,.0f}{our_median:>11,.0f}{theirs:>11,.0f}{their_median:>11,.0f}"
            f"{ours / theirs:>8.3f}{row.limit:>8.3f}{mark}"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Estuary against LiteSVM.")
    parser.add_argument("--json", action="store_true", help="print the minima as JSON")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engine", help="passed to estuary (default: its own)")
    parser.add_argument("--only", action="append", default=[], help="figures whose name holds this word")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.engine:
        ENGINE[:] = ["--engine", options.engine]
    programs = os.environ.get("ESTUARY_PROGRAMS", "")
    with tempfile.TemporaryDirectory(prefix="estuary-compare-") as folder:
        results = list(rows(folder, programs, options.only))
        if not results:
            sys.exit(f"no figure's name holds {' or '.join(options.only)}")
        for index in range(options.rounds):
            print(f"round {index + 1} of {options.rounds}", file=sys.stderr)
            for row in results:
                row.round()
    if options.json:
        entries = []
        for row in results:
            ours, theirs = row.summary(min)
            entries.append(
                {"name": row.name, "ours": ours, "theirs": theirs, "ratio": ours / theirs, "limit": row.limit}
            )
        print(json.dumps(entries, indent=2))
    else:
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(table(results))
        print(f"minima and medians of {options.rounds} rounds; load average {load}; {time.strftime('%Y-%m-%d')}")


main()
