"""Objects of stock clang through the life of an upgradeable program, in LiteSVM and in `estuary replay`.

    loader_v3.py [--seed N] [--linker COMMAND] [-- REPLAY FLAGS]

counter, token and cpi of `Programs/` are compiled with -mcpu=v2 and v3 and linked as every SBPF version that
`estuary link` writes. Each build is written into buffers, deployed, called, upgraded to the next build, extended, given
other authorities, closed, and called again, with failing steps between. The chapters of that life lie in later and later
slots, which a replay does not have: each is a replay of its own, from the accounts the one before it left behind.

LiteSVM's own way, left out: a program that is closed goes on running from LiteSVM's cache. So the calls after the
closing go to a fresh LiteSVM that gets the accounts as they then are.
"""

import argparse
import os
import random
import shlex
import subprocess
import sys
import tempfile

from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction, VersionedTransaction

import oracle
from native_programs import *

NAMES = ("counter", "token", "cpi")
CHUNK = 900
FIRST_SLOT = 500


def build(folder, cpu, version, linker):
    """The three programs; `None` where the linker refuses one for instructions that `version` lacks."""
    programs = {}
    for name in NAMES:
        source = os.path.join(oracle.ROOT, "Programs", name, name + ".c")
        target, output = os.path.join(folder, name + ".o"), os.path.join(folder, name + ".so")
        flags = ["-target", "bpf", f"-mcpu={cpu}", "-O2", "-mllvm", "-bpf-stack-size=4096", "-c"]
        subprocess.run([oracle.clang(), *flags, source, "-o", target], check=True)
        command = [*shlex.split(linker), target, "-o", output, "--sbpf-version", version]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            if "JMP32" in run.stderr and version != "v3":
                return None
            sys.exit(f"-mcpu={cpu} {name} as {version}: {run.stderr}")
        with open(output, "rb") as file:
            programs[name] = file.read()
    return programs


class Program:
    def __init__(self, life, name):
        self.name = name
        self.key = life.new_key()
        self.data = Loader.programdata_of(self.key)
        self.authority = life.authority


class Life:
    """One set of programs from deployment to closing."""

    def __init__(self, seed, first, second, flags):
        self.random = random.Random(seed)
        self.first, self.second, self.flags = first, second, flags
        self.case = oracle.Case()
        self.slot = FIRST_SLOT
        self.signers = {}
        self.payer, self.authority, self.heir = self.new_key(), self.new_key(), self.new_key()
        for wallet in (self.payer, self.authority, self.heir):
            self.case.fund(wallet, 10**13)
        self.programs = {name: Program(self, name) for name in NAMES}
        counter, token = self.programs["counter"].key, self.programs["token"].key
        self.counted = self.open(48, counter)
        self.mint = self.open(56, token)
        self.balances = [self.open(80, token) for _ in range(2)]
        self.vault = Pubkey.find_program_address([b"vault"], self.programs["cpi"].key)[0]
        self.steps = []
        self.problems = []
        self.sent = self.succeeded = 0
        self.accounts = None

    def new_key(self):
        pair = Keypair.from_seed(self.random.randbytes(32))
        self.signers[pair.pubkey()] = pair
        return pair.pubkey()

    def open(self, size, owner):
        key = self.new_key()
        self.case.put(key, account(10**9, bytes(size), owner))
        return key

    def step(self, *instructions):
        """Adds a transaction of (program, data, accounts) to the chapter."""
        message = Message.new_with_blockhash(
            [instruction(*one) for one in instructions], self.payer, self.case.svm.latest_blockhash())
        needed = message.account_keys[: message.header.num_required_signatures]
        signed = Transaction([self.signers[key] for key in needed], message, self.case.svm.latest_blockhash())
        assert len(bytes(signed)) <= 1232, "a step is too long for a transaction"
        if all(bytes(signed) != wire for wire, _ in self.steps):
            self.steps.append((bytes(signed), VersionedTransaction.from_bytes(bytes(signed))))

    def chapter(self, title):
        """Runs the steps in both; what they leave is where the next chapter begins, a hundred slots later."""
        genesis = self.genesis()
        self.case.genesis = lambda: genesis
        expected, expected_accounts = self.case.litesvm(self.steps)
        actual, self.accounts = self.case.estuary(self.steps, *self.flags)
        lines = oracle.differences(expected, actual, expected_accounts, self.accounts)
        self.problems += [f"{title}: {line}" for line in lines]
        self.sent += len(expected)
        self.succeeded += sum(result["error"] is None for result in expected)
        self.steps = []
        self.slot += 100
        self.case.svm.expire_blockhash()
        return expected

    def genesis(self):
        """The genesis of a chapter: the accounts of the one before, and the sysvars of now."""
        self.case.svm.warp_to_slot(self.slot)
        for sysvar in oracle.SYSVARS:
            self.case.adopt(Pubkey.from_string(sysvar))
        document = oracle.Case.genesis(self.case)
        if self.accounts is not None:
            kept = [{"pubkey": key, "account": held} for key, held in self.accounts.items() if key not in oracle.SYSVARS]
            document["accounts"] = [one for one in document["accounts"] if one["pubkey"] in oracle.SYSVARS] + kept
        return document

    # Steps.

    def buffer(self, elf, authority):
        """A new buffer that holds `elf`, with writes that fail between."""
        place = self.new_key()
        size = 37 + len(elf)
        self.step(
            (SYSTEM, System.create(rent(size), size, LOADER_V3), [(self.payer, "sw"), (place, "sw")]),
            (LOADER_V3, Loader.initialize(), [(place, "w"), (authority, "")]))
        self.step((LOADER_V3, Loader.initialize(), [(place, "w"), (authority, "")]))
        signing = [(place, "w"), (authority, "s")]
        for start in range(0, len(elf), CHUNK):
            self.step((LOADER_V3, Loader.write(start, elf[start : start + CHUNK]), signing))
        self.step((LOADER_V3, Loader.write(len(elf), b"x"), signing))
        self.step((LOADER_V3, Loader.write(0, b"x"), [(place, "w"), (self.payer, "s")]))
        self.step((LOADER_V3, Loader.write(0, b"x"), [(place, "w"), (authority, "")]))
        return place

    def deploy(self, program, elf, room):
        place = self.buffer(elf, self.authority)
        accounts = lambda authority, signs: [
            (self.payer, "sw"), (program.data, "w"), (program.key, "w"), (place, "w"), (RENT, ""), (CLOCK, ""),
            (SYSTEM, ""), (authority, signs),
        ]  # fmt: skip
        self.step((SYSTEM, System.create(rent(36), 36, LOADER_V3), [(self.payer, "sw"), (program.key, "sw")]))
        self.step((LOADER_V3, Loader.deploy(len(elf) - 1), accounts(self.authority, "s")))
        self.step((LOADER_V3, Loader.deploy(len(elf)), accounts(self.heir, "s")))
        self.step((LOADER_V3, Loader.deploy(len(elf)), accounts(self.authority, "")))
        self.step((LOADER_V3, Loader.deploy(len(elf) + room), accounts(self.authority, "s")))
        self.step((LOADER_V3, Loader.deploy(len(elf) + room), accounts(self.authority, "s")), (program.key, b"\7", []))

    def upgrade(self, program, place, authority, signs="s"):
        accounts = [
            (program.data, "w"), (program.key, "w"), (place, "w"), (self.heir, "w"), (RENT, ""), (CLOCK, ""),
            (authority, signs),
        ]  # fmt: skip
        self.step((LOADER_V3, Loader.upgrade(), accounts))

    def extend(self, program, count, *others):
        accounts = [(program.data, "w"), (program.key, "w"), (SYSTEM, ""), (self.payer, "sw")]
        self.step((LOADER_V3, Loader.extend(count), accounts), *others)

    def call_all(self, mark):
        """Calls of all three programs; `mark` tells one round from another."""
        counter, token, cpi = (self.programs[name].key for name in NAMES)
        counted, (a, b) = (self.counted, "w"), self.balances
        self.step((counter, b"\0", [counted, (self.authority, "")]))
        self.step((counter, b"\1", [counted]))
        self.step((counter, b"\1" + u64(1000 + mark), [counted]))
        self.step((counter, b"\1" + u64(2**64 - 1 - mark), [counted]))
        self.step((counter, b"\2" + u64(mark), [counted]))
        self.step((counter, b"\3", [counted, (self.heir, "s")]))
        self.step((counter, b"\7" + u64(mark), [counted]))
        self.step((token, b"\0\6", [(self.mint, "w"), (self.authority, "")]))
        for balance, owner in zip(self.balances, (self.payer, self.heir)):
            self.step((token, b"\1", [(balance, "w"), (self.mint, ""), (owner, "")]))
        self.step((token, b"\2" + u64(10**6 + mark), [(self.mint, "w"), (a, "w"), (self.authority, "s")]))
        self.step((token, b"\3" + u64(300 + mark), [(a, "w"), (b, "w"), (self.payer, "s")]))
        self.step((token, b"\3" + u64(300 + mark), [(a, "w"), (b, "w"), (self.heir, "s")]))
        self.step((token, b"\4" + u64(10 + mark), [(self.mint, "w"), (b, "w"), (self.heir, "s")]))
        vault = (self.vault, "w")
        self.step((cpi, b"\0" + u64(10**9 + mark), [(self.payer, "sw"), vault, (SYSTEM, "")]))
        self.step((cpi, b"\1" + u64(10**8 + mark), [vault, (self.heir, "w"), (SYSTEM, "")]))
        self.step((cpi, b"\1" + u64(10**12 + mark), [vault, (self.heir, "w"), (SYSTEM, "")]))
        self.step((cpi, b"\2" + u64(41 + mark), [counted, (counter, "")]))
        self.step((cpi, b"\2" + u64(2**64 - 1 - mark), [counted, (counter, "")]))

    # Chapters.

    def run(self):
        all_programs = list(self.programs.values())
        for index, program in enumerate(all_programs):
            self.deploy(program, self.first[program.name], (0, 1000, 40_000)[index])
        self.call_all(0)
        early = self.buffer(self.second["counter"], self.authority)
        self.upgrade(all_programs[0], early, self.authority)
        self.extend(all_programs[1], 10240)
        self.chapter("deployed")

        self.call_all(1)
        for program in all_programs:
            place = early if program.name == "counter" else self.buffer(self.second[program.name], self.authority)
            self.upgrade(program, place, self.authority, signs="")
            self.upgrade(program, place, self.heir)
            self.upgrade(program, place, self.authority)
            # Where the new file is longer than the room there is.
            self.extend(program, 10240)
            self.extend(program, 100)
        self.call_all(2)
        self.chapter("upgraded")

        for program in all_programs:
            self.extend(program, 10240, (program.key, b"", []))
            place = self.buffer(self.second[program.name], self.authority)
            self.upgrade(program, place, self.authority)
            self.step((LOADER_V3, Loader.set_authority(), [(program.data, "w"), (self.authority, "s"), (self.heir, "")]))
            self.step((LOADER_V3, Loader.set_authority(), [(program.data, "w"), (self.authority, "s"), (self.payer, "")]))
            checked = [(program.data, "w"), (self.heir, "s"), (self.payer, "s")]
            self.step((LOADER_V3, Loader.set_authority_checked(), checked[:2] + [(self.payer, "")]))
            self.step((LOADER_V3, Loader.set_authority_checked(), checked))
        self.call_all(3)
        self.chapter("handed over")

        last = self.buffer(self.first["counter"], self.heir)
        self.step((LOADER_V3, Loader.close(), [(last, "w"), (self.payer, "w"), (self.authority, "s")]))
        self.step((LOADER_V3, Loader.close(), [(last, "w"), (self.payer, "w"), (self.heir, "s")]))
        final = self.programs["token"]
        self.step((LOADER_V3, Loader.set_authority(), [(final.data, "w"), (self.payer, "s")]))
        for program in all_programs:
            closing = lambda key: [(program.data, "w"), (self.heir, "w"), (key, "s"), (program.key, "w")]
            self.step((LOADER_V3, Loader.close(), closing(self.authority)))
            self.step((LOADER_V3, Loader.close(), closing(self.payer)))
            self.extend(program, 10240)
        self.chapter("closed")

        self.start_afresh()
        self.call_all(4)
        for program in all_programs:
            self.extend(program, 10240)
        results = self.chapter("called after closing")
        if not any("UnsupportedProgramId" in str(result["error"]) for result in results):
            self.problems.append("called after closing: no call was refused")

    def start_afresh(self):
        """A LiteSVM that knows the accounts and no program's past."""
        self.case.svm = LiteSVM().with_sigverify(True)
        held = {Pubkey.from_string(key): value for key, value in self.accounts.items() if key not in oracle.SYSVARS}
        # Programdata before the programs that point at it.
        for key, value in sorted(held.items(), key=lambda entry: entry[1]["executable"]):
            if oracle.is_builtin(value):
                continue
            self.put_back(key, value)

    def put_back(self, key, value):
        data = oracle.base64.b64decode(value["data"][0])
        restored = Account(value["lamports"], data, Pubkey.from_string(value["owner"]), value["executable"], value["rentEpoch"])
        try:
            self.case.svm.set_account(key, restored)
        except Exception as error:
            self.problems.append(f"LiteSVM does not take {key} back: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--linker", default=f"{oracle.estuary_binary()} link")
    parser.add_argument("flags", nargs="*", help="flags for `estuary replay`, after --")
    options = parser.parse_args()
    builds, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        for cpu in ("v2", "v3"):
            for version in ("v0", "v1", "v2", "v3"):
                programs = build(folder, cpu, version, options.linker)
                if programs is None:
                    refused.append(f"-mcpu={cpu} as {version}")
                else:
                    builds.append((f"-mcpu={cpu} as {version}", programs))
    problems = 0
    for index, (title, programs) in enumerate(builds):
        following, second = builds[(index + 1) % len(builds)]
        life = Life(options.seed + index, programs, second, options.flags)
        life.run()
        print(
            f"{title}, upgraded to {following}: {life.sent} transactions, {life.succeeded} succeeded,"
            f" {len(life.problems)} differences", flush=True)
        for line in life.problems[:40]:
            print("  " + line)
        problems += len(life.problems)
    print(f"{len(builds)} builds, seed {options.seed}; refused for JMP32: {', '.join(refused) or 'none'}")
    sys.exit(1 if problems or not builds else 0)


if __name__ == "__main__":
    main()
