"""Precompile instructions with many signatures, good and bad in all places, run by LiteSVM and by `estuary replay`: which
error comes first, and of which instruction, must be the same.

    precompiles.py [--seed N] [--random N] [--keep FOLDER] [-- REPLAY FLAGS]

First every kind of bad signature in every place of instructions of 1 to 9 signatures of ed25519 and secp256k1 (of 1 to 8 of
secp256r1), the rest good; then pairs of kinds in two places; then N random transactions of one to four precompile
instructions, whose signatures, keys and messages lie in their own data or all in the last one's.
"""

import argparse
import collections
import itertools
import random
import sys

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction, VersionedTransaction

import oracle
from native_programs import *

ORDER = 2**252 + 27742317777372353535851937790883648493
# Where a part is said to be: at its offset, one byte short of the end, or in an instruction that is not there.
HERE, CUT, ABSENT = range(3)


class Entry:
    """The parts of a signature in the order of the offsets, and where each is said to be."""

    def __init__(self, *parts, places=(HERE, HERE, HERE)):
        self.parts, self.places = parts, places

    def misplaced(self, part, place):
        places = list(self.places)
        places[part] = place
        return Entry(*self.parts, places=tuple(places))


def with_misplaced(kinds, names):
    good = kinds["good"]
    for part, name in enumerate(names):
        kinds[name + " cut"] = good.misplaced(part, CUT)
        kinds[name + " elsewhere"] = good.misplaced(part, ABSENT)
    return kinds


def ed25519_kinds():
    one, two = Ed25519Signature(b"first"), Ed25519Signature(b"another", b"\7" * 32)
    bit = one.signature[:3] + bytes([one.signature[3] ^ 1]) + one.signature[4:]
    shifted = (int.from_bytes(one.signature[32:], "little") + ORDER).to_bytes(32, "little")
    kinds = {
        "good": Entry(one.signature, one.key, one.message),
        "good too": Entry(two.signature, two.key, two.message),
        "bit of R": Entry(bit, one.key, one.message),
        "s plus the order": Entry(one.signature[:32] + shifted, one.key, one.message),
        "s of 254 bits": Entry(one.signature[:63] + b"\x3f", one.key, one.message),
        "no point": Entry(one.signature, b"\2" + bytes(31), one.message),
        "key of small order": Entry(one.signature, b"\1" + bytes(31), one.message),
        "R of small order": Entry(b"\1" + bytes(31) + one.signature[32:], one.key, one.message),
        "other message": Entry(one.signature, one.key, b"fisrt"),
        "other key": Entry(one.signature, two.key, one.message),
    }
    return with_misplaced(kinds, ["signature", "key", "message"])


def secp256k1_kinds():
    one, two = Secp256k1Signature(b"first"), Secp256k1Signature(b"another", 10**30, 10**40)
    kinds = {
        "good": Entry(one.encode(), one.address, one.message),
        "good too": Entry(two.encode(), two.address, two.message),
        "high s": Entry(one.encode(s=K1.order - one.s, recovery=one.recovery ^ 1), one.address, one.message),
        "other address": Entry(one.encode(), two.address, one.message),
        "other message": Entry(one.encode(), one.address, b"fisrt"),
        "other recovery id": Entry(one.encode(recovery=one.recovery ^ 1), one.address, one.message),
        "recovery id 2": Entry(one.encode(recovery=one.recovery + 2), one.address, one.message),
        "recovery id 4": Entry(one.encode(recovery=4), one.address, one.message),
        "r zero": Entry(one.encode(r=0), one.address, one.message),
        "s zero": Entry(one.encode(s=0), one.address, one.message),
        "r is the order": Entry(one.encode(r=K1.order), one.address, one.message),
        "r of no point": Entry(one.encode(r=5), one.address, one.message),
        "s is the order, recovery id 9": Entry(one.encode(s=K1.order, recovery=9), one.address, one.message),
    }
    return with_misplaced(kinds, ["signature", "address", "message"])


def secp256r1_kinds():
    one, two = Secp256r1Signature(b"first"), Secp256r1Signature(b"another", 10**30, 10**40)
    kinds = {
        "good": Entry(one.encode(), one.key, one.message),
        "good too": Entry(two.encode(), two.key, two.message),
        "high s": Entry(one.encode(s=R1.order - one.s), one.key, one.message),
        "r zero": Entry(one.encode(r=0), one.key, one.message),
        "no point": Entry(one.encode(), b"\5" + one.key[1:], one.message),
        "other key": Entry(one.encode(), two.key, one.message),
        "other message": Entry(one.encode(), one.key, b"fisrt"),
    }
    return with_misplaced(kinds, ["signature", "key", "message"])


class Precompile:
    def __init__(self, name, program, kinds, most):
        self.name, self.program, self.kinds, self.most = name, program, kinds, most
        self.good = [kind for kind in kinds if kind.startswith("good")]
        self.bad = [kind for kind in kinds if kind not in self.good]
        self.header, self.entry = (1, 11) if program == SECP256K1 else (2, 14)

    def offsets(self, entry, find, total, source):
        """`find` gives a part's offset; `total` is the number of bytes of the data that it lies in."""
        absent = 200
        places = []
        for part, place in zip(entry.parts, entry.places):
            offset = total - len(part) + 1 if place == CUT else find(part)
            places.append((offset, absent if place == ABSENT else source))
        (signature, s), (key, k), (message, m) = places
        length = len(entry.parts[2])
        if self.program == SECP256K1:
            return struct.pack("<HBHBHHB", signature, s, key, k, message, length, m)
        return struct.pack("<HHHHHHH", signature, s, key, k, message, length, m)


PRECOMPILES = [
    Precompile("ed25519", ED25519, ed25519_kinds(), 9),
    Precompile("secp256k1", SECP256K1, secp256k1_kinds(), 9),
    Precompile("secp256r1", SECP256R1, secp256r1_kinds(), 8),
]


def build(specs, first, is_shared, uses_this):
    """Instructions of (precompile, names of kinds); the first has the number `first` in its transaction."""
    entries = [[precompile.kinds[name] for name in names] for precompile, names in specs]
    heads = [precompile.header + precompile.entry * len(names) for precompile, names in specs]
    pools = [bytearray() for _ in specs]
    holder = lambda at: len(specs) - 1 if is_shared else at
    for at, part in ((at, part) for at, own in enumerate(entries) for entry in own for part in entry.parts):
        if part not in pools[holder(at)]:
            pools[holder(at)] += part
    instructions = []
    for at, (precompile, names) in enumerate(specs):
        where = holder(at)
        total = heads[where] + len(pools[where])
        source = THIS if uses_this and where == at and precompile.program != SECP256K1 else first + where
        find = lambda part: heads[where] + pools[where].index(part)
        data = u8(len(names)) + (b"" if precompile.header == 1 else b"\0")
        for entry in entries[at]:
            data += precompile.offsets(entry, find, total, source)
        instructions.append(Instruction(precompile.program, data + bytes(pools[at]), []))
    return instructions


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = oracle.Case()
        for sysvar in oracle.SYSVARS:
            self.case.adopt(Pubkey.from_string(sysvar))
        self.pair = Keypair.from_seed(self.random.randbytes(32))
        self.case.fund(self.pair.pubkey(), 10**15)
        self.sent = set()
        self.transactions = []
        self.names = []

    def add(self, specs, is_shared=False):
        r = self.random
        before = []
        if r.random() < 0.2:
            before.append(Instruction(COMPUTE_BUDGET, u8(2) + u32(200_000), []))
        pay = transfer(TransferParams(from_pubkey=self.pair.pubkey(), to_pubkey=self.pair.pubkey(), lamports=len(self.sent)))
        before.append(pay)  # also makes each transaction another
        instructions = before + build(specs, len(before), is_shared, r.random() < 0.5)
        blockhash = self.case.svm.latest_blockhash()
        message = Message.new_with_blockhash(instructions, self.pair.pubkey(), blockhash)
        signed = Transaction([self.pair], message, blockhash)
        raw = bytes(signed)
        if len(raw) > 1232 or raw in self.sent:
            return
        self.sent.add(raw)
        self.transactions.append((raw, VersionedTransaction.from_bytes(raw)))
        self.names.append("; ".join(f"{each.name}: {', '.join(names)}" for each, names in specs))

    def every_place(self):
        for precompile in PRECOMPILES:
            for count in range(1, precompile.most + 1):
                for place, bad in itertools.product(range(count), precompile.bad):
                    names = [self.random.choice(precompile.good) for _ in range(count)]
                    names[place] = bad
                    self.add([(precompile, names)])

    def pairs(self):
        for precompile in PRECOMPILES:
            for first, second in itertools.product(precompile.bad, precompile.bad):
                names = [precompile.good[0]] * precompile.most
                places = sorted(self.random.sample(range(precompile.most), 2))
                names[places[0]], names[places[1]] = first, second
                self.add([(precompile, names)])

    def mixtures(self, count):
        r = self.random
        end = len(self.transactions) + count
        while len(self.transactions) < end:
            specs = []
            for _ in range(r.choice([1, 1, 2, 2, 3, 4])):
                precompile = r.choice(PRECOMPILES)
                badness = r.choice([0, 0, 0.05, 0.3, 1])
                size = r.randint(1, r.choice([precompile.most, 25]))
                if precompile.program == SECP256R1 and r.random() < 0.9:
                    size = min(size, precompile.most)
                pick = lambda: r.choice(precompile.bad if r.random() < badness else precompile.good)
                specs.append((precompile, [pick() for _ in range(size)]))
            self.add(specs, is_shared=r.random() < 0.5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=1500)
    parser.add_argument("--keep")
    parser.add_argument("flags", nargs="*", help="flags for `estuary replay`, after --")
    options = parser.parse_args()
    world = World(options.seed)
    world.every_place()
    world.pairs()
    world.mixtures(options.random)
    genesis = world.case.genesis()
    world.case.genesis = lambda: genesis
    expected, expected_accounts = world.case.litesvm(world.transactions)
    actual, actual_accounts = world.case.estuary(world.transactions, *options.flags, keep=options.keep)
    lines = oracle.differences(expected, actual, expected_accounts, actual_accounts)
    errors = collections.Counter(str(result["error"]).split("(", 1)[-1] for result in expected)
    print(f"seed {options.seed}: {len(world.transactions)} transactions, {len(lines)} differences")
    for error, count in errors.most_common():
        print(f"  {count} {error}")
    for line in lines[:40]:
        words = line.split()
        print("  " + line + (f" ({world.names[int(words[1])]})" if words[0] == "tx" else ""))
    sys.exit(1 if lines or "None" not in errors or len(errors) < 6 else 0)


if __name__ == "__main__":
    main()
