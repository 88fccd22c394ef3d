"""Mutated program files, judged by our loader and verifier and by LiteSVM, at execution and at deployment.

    check_loader.py --judge BINARY --programs FOLDER [--seconds N] [--seed N]

`BINARY` is Tests/Fuzz/LoaderJudge.swift compiled (`Tools/fuzz verdicts` does it). Execution is compared with LiteSVM's
`add_program`, deployment with the log of a real DeployWithMaxDataLen. Verdicts must agree word for word; names that a
message quotes from the file are left out, for the two sides print broken UTF-8 differently. A difference leaves the
file behind.
"""

import argparse
import collections
import glob
import os
import random
import re
import struct
import subprocess
import sys
import time

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")
SYSTEM = Pubkey.default()

EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 63, 64, 65, 120, 255, 256, 4095, 0x7FFF, 0xFFFF, 0x10000, 2**31 - 1, 2**31,
         2**32 - 1, 2**32, 2**32 + 8, 2**33, 2**63 - 1, 2**63, 2**64 - 1, 2**64 - 8]
SECTION_FIELDS = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8)]
SEGMENT_FIELDS = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8)]
HEADER_FIELDS = [4, 5, 6, 7, 8, 12, 16, 18, 20, 24, 32, 40, 48, 52, 54, 56, 58, 60, 62]


class Mutator:
    def __init__(self, seed, files):
        self.random = random.Random(seed)
        self.files = files

    def next(self):
        file = bytearray(self.random.choice(self.files))
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            if len(file) < 64:
                break
            self.random.choice([self.header, self.sections, self.sections, self.segments, self.table, self.table,
                                self.code, self.truncate, self.bits, self.swap, self.version])(file)
        return bytes(file)

    def word(self, file, offset, size):
        if offset + size > len(file):
            return
        old = int.from_bytes(file[offset:offset + size], "little")
        near = old + self.random.choice([-0x1000, -64, -8, -1, 1, 8, 64, 0x1000, 2**32])
        value = self.random.choice(EDGES + [near] * 8 + [len(file), self.random.getrandbits(64)])
        file[offset:offset + size] = (value % 2**(8 * size)).to_bytes(size, "little")

    def places(self, file):
        sections, = struct.unpack_from("<Q", file, 40)
        segment_count, = struct.unpack_from("<H", file, 56)
        section_count, = struct.unpack_from("<H", file, 60)
        return (sections, section_count if sections + 64 * section_count <= len(file) else 0,
                segment_count if 64 + 56 * segment_count <= len(file) else 0)

    def header(self, file):
        self.word(file, self.random.choice(HEADER_FIELDS), self.random.choice([1, 2, 4, 8]))

    def sections(self, file):
        start, count, _ = self.places(file)
        if count:
            offset, size = self.random.choice(SECTION_FIELDS)
            self.word(file, start + 64 * self.random.randrange(count) + offset, size)

    def segments(self, file):
        _, _, count = self.places(file)
        if count:
            offset, size = self.random.choice(SEGMENT_FIELDS)
            self.word(file, 64 + 56 * self.random.randrange(count) + offset, size)

    def table(self, file):
        """A word of a symbol, string, relocation or dynamic table."""
        start, count, _ = self.places(file)
        tables = [i for i in range(count) if struct.unpack_from("<I", file, start + 64 * i + 4)[0] in (2, 3, 6, 9, 11)]
        if tables:
            offset, size = struct.unpack_from("<QQ", file, start + 64 * self.random.choice(tables) + 24)
            width = self.random.choice([1, 2, 4, 8])
            if 0 < size < 2**32 and offset + size <= len(file):
                self.word(file, offset + self.random.randrange(size) // width * width, width)

    def code(self, file):
        if len(file) > 200:
            offset = self.random.randrange(64, len(file) - 8) // 8 * 8
            opcode = self.random.choice([0x85, 0x8D, 0x18, 0x95, 0x05, 0x07, 0xB7, self.random.randrange(256)])
            struct.pack_into("<BBhi", file, offset, opcode, self.random.randrange(256),
                             self.random.choice([0, 1, -1, 100, self.random.randrange(-2**15, 2**15)]),
                             self.random.choice([0, 1, -1, 5, self.random.randrange(-2**31, 2**31)]))

    def truncate(self, file):
        del file[self.random.randrange(len(file)):]

    def bits(self, file):
        for _ in range(self.random.randrange(1, 4)):
            file[self.random.randrange(len(file))] ^= 1 << self.random.randrange(8)

    def swap(self, file):
        start, count, _ = self.places(file)
        if count:
            a, b = (start + 64 * self.random.randrange(count) for _ in range(2))
            file[a:a + 64], file[b:b + 64] = file[b:b + 64], file[a:a + 64]

    def version(self, file):
        struct.pack_into("<I", file, 48, self.random.choice([0, 1, 2, 3, 4, 0x20]))


class Judge:
    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def verdicts(self, file):
        self.process.stdin.write(struct.pack("<I", len(file)) + file)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            return ["the judge died", "the judge died"]
        return line.decode(errors="replace").rstrip("\n").split("\0", 1)


class Validator:
    def __init__(self):
        self.svm = LiteSVM().with_sigverify(False).with_transaction_history(0).with_blockhash_check(False)
        self.payer = Keypair()
        self.svm.set_account(self.payer.pubkey(), Account(10**15, b"", SYSTEM, False, 2**64 - 1))
        self.program = Pubkey.new_unique()

    def execution(self, file):
        try:
            self.svm.add_program(self.program, file)
        except BaseException as error:  # the binding raises its own type
            return str(error)
        return "ok"

    def deployment(self, file):
        buffer, program, payer = Pubkey.new_unique(), Pubkey.new_unique(), self.payer.pubkey()
        self.svm.set_account(
            buffer, Account(10**12, struct.pack("<I", 1) + b"\1" + bytes(payer) + file, LOADER, False, 2**64 - 1))
        self.svm.set_account(program, Account(10**12, bytes(36), LOADER, False, 2**64 - 1))
        programdata, _ = Pubkey.find_program_address([bytes(program)], LOADER)
        accounts = [(payer, 1, 1), (programdata, 0, 1), (program, 0, 1), (buffer, 0, 1), (RENT, 0, 0), (CLOCK, 0, 0),
                    (SYSTEM, 0, 0), (payer, 1, 0)]
        deploy = Instruction(LOADER, struct.pack("<IQ", 2, len(file)),
                             [AccountMeta(key, bool(s), bool(w)) for key, s, w in accounts])
        limit = Instruction(BUDGET, b"\2" + struct.pack("<I", 1400000), [])
        message = Message([limit, deploy], payer)
        result = self.svm.send_transaction(Transaction([self.payer], message, self.svm.latest_blockhash()))
        if not isinstance(result, FailedTransactionMetadata):
            return "ok"
        logs = [line for line in result.meta().logs() if not re.match(r"Program [A-Za-z1-9]+ (inv|suc|fail)", line)]
        return logs[-1] if logs else repr(result.err())


def comparable(verdict):
    verdict = re.sub(r"`.*`|\(.*?\) at", "…", verdict.replace("\n", " "))
    return re.sub(r"section \(.*\)", "section …", verdict)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--judge", required=True)
    arguments.add_argument("--programs", required=True)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    files = []
    for path in sorted(glob.glob(os.path.join(options.programs, "*.so"))):
        with open(path, "rb") as file:
            files.append(file.read())
    files = [file for file in files if len(file) < 200000]
    mutator, judge, validator = Mutator(options.seed, files), Judge(options.judge), Validator()
    counts, differences, cases = collections.Counter(), 0, 0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        file = mutator.next()
        if not file:
            continue
        cases += 1
        if cases % 50000 == 0:
            # What a LiteSVM was given stays mapped: after a quarter of a million programs the kernel has no more mappings.
            validator = Validator()
        ours = judge.verdicts(file)
        theirs = [validator.execution(file)] + ([validator.deployment(file)] if cases % 3 == 0 else [])
        counts[re.sub(r"[#0-9(`].*", "", theirs[0])] += 1
        for kind, mine, reference in zip(("execution", "deployment"), ours, theirs):
            if comparable(mine) != comparable(reference):
                differences += 1
                path = os.path.join(os.path.dirname(options.judge) or ".", f"difference-{options.seed}-{cases}.so")
                with open(path, "wb") as output:
                    output.write(file)
                print(f"{path}: {kind}: {mine!r}, LiteSVM {reference!r}")
    for words, count in counts.most_common():
        print(f"{count:8} {words}")
    print(f"{cases} files judged, {differences} differences, seed {options.seed}")
    return 1 if differences or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
