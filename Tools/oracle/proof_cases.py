"""Writes Tests/Cases/proofs.jsonl: a proof of the ZK ElGamal proof program a line, and why LiteSVM refuses it.

    proof_cases.py [OUTPUT]

A line holds the kind, the statement with the proof, and the reason as the program logs it; none where it is accepted. Of
each kind there are sound proofs, corner cases, and proofs with one word spoilt, chosen so that every reason occurs.
"""

import json
import os
import random
import re
import sys

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.transaction import Transaction

from native_programs import COMPUTE_BUDGET, ZK_ELGAMAL, account, instruction, key, u8, u32
from zk_proofs import BITS, G, IDENTITY, LENGTHS, ORDER, SCALARS, Key, Prover

NO_POINT = b"\xff" * 32


class Writer:
    def __init__(self, path):
        self.file = open(path, "w")
        self.svm, self.payer, self.place = LiteSVM(), Keypair(), key("proof")
        self.svm.airdrop(self.payer.pubkey(), 10**12)
        self.count = self.refused = 0

    def case(self, name, kind, data):
        self.svm.set_account(self.place, account(10**9, data))
        self.svm.expire_blockhash()
        blockhash = self.svm.latest_blockhash()
        limit = Instruction(COMPUTE_BUDGET, u8(2) + u32(1_400_000), [])
        verify = instruction(ZK_ELGAMAL, u8(kind) + u32(0), [(self.place, "")])
        message = Message.new_with_blockhash([limit, verify], self.payer.pubkey(), blockhash)
        outcome = self.svm.send_transaction(Transaction([self.payer], message, blockhash))
        logs = outcome.meta().logs() if hasattr(outcome, "meta") else outcome.logs()
        reasons = [match[1] for line in logs for match in [re.match("proof verification failed: (.*)", line)] if match]
        assert len(reasons) == hasattr(outcome, "meta"), logs
        line = {"name": name, "kind": kind, "data": data.hex(), "refused": reasons[0] if reasons else None}
        self.file.write(json.dumps(line) + "\n")
        self.count += 1
        self.refused += bool(reasons)

    def spoilt(self, name, proof, word, value):
        """With a word of the statement or, counted from -1 down, of the proof."""
        at = 32 * word if word >= 0 else len(proof.data) + 32 * word
        self.case(name, proof.kind, proof.data[:at] + value + proof.data[at + 32 :])


def sound(p, kind):
    if kind == 5:
        yield "below the maximum", p.prove(5, capped=False)
        yield "at the maximum", p.prove(5, capped=True)
        yield "maximum of zero", p.prove(5, capped=True, maximum=0)
    elif kind in (9, 10, 11, 12):
        yield "", p.prove(kind)
        yield "without an auditor", p.prove(kind, keys=[p.key() for _ in range(1 if kind < 11 else 2)] + [None])
    elif kind == 2:
        yield "", p.prove(2)
        yield "second ciphertext of zero", p.prove(2, amount=0, opening=0)
    elif kind == 8:
        yield "eight amounts", p.prove(8, lengths=[32] * 8)
    elif kind in BITS:
        yield "one length of each amount", p.prove(kind, lengths=[BITS[kind] - 63 - 1] * (kind == 7) + [1, 63])
    else:
        yield "", p.prove(kind)


def spoilt(write, p, kind, proof):
    name, words = f"{kind}, ", (len(proof.context) + len(proof.proof)) // 32
    length = len(proof.proof) // 32
    scalars = [place - length for place in SCALARS[kind]]
    points = [place - length for place in range(length) if place not in SCALARS[kind]]
    write.spoilt(name + "another scalar", proof, scalars[0], (5).to_bytes(32, "little"))
    write.spoilt(name + "the last scalar of zero", proof, scalars[-1], IDENTITY)
    write.spoilt(name + "a scalar that is the order", proof, scalars[-1], ORDER.to_bytes(32, "little"))
    write.spoilt(name + "another point", proof, points[0], G)
    write.spoilt(name + "no point", proof, points[-1], NO_POINT)
    write.spoilt(name + "first point the identity", proof, points[0], IDENTITY)
    write.spoilt(name + "last point the identity", proof, points[-1], IDENTITY)
    write.spoilt(name + "statement of no point", proof, 0, NO_POINT)
    write.spoilt(name + "statement of the identity", proof, 0, IDENTITY)
    if kind not in BITS and kind != 4:
        last = 2 if kind == 5 else len(proof.context) // 32 - 1
        write.spoilt(name + "statement's last point another", proof, last, G)
        write.spoilt(name + "statement's last point none", proof, last, NO_POINT)
        write.spoilt(name + "statement's last point the identity", proof, last, IDENTITY)


def ranges(write, p):
    kind = 6
    proof = p.prove(kind, lengths=[20, 44])
    length = lambda at, value: proof.data[: 256 + at] + bytes([value]) + proof.data[257 + at :]
    write.case("6, an amount that is too large", kind, p.prove(kind, lengths=[4, 60], amounts=[16, 3]).data)
    write.case("6, a length of zero", kind, length(0, 0))
    write.case("6, a length of 65", kind, length(0, 65))
    write.case("6, lengths that do not add up", kind, length(0, 21))
    write.case("6, a length too many", kind, length(2, 1))
    write.spoilt("6, a commitment behind a gap", proof, 7, G)
    write.spoilt("6, a third commitment", proof, 2, G)
    swapped = proof.data[32:64] + proof.data[:32] + proof.data[64:]
    write.case("6, swapped commitments", kind, swapped)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../Tests/Cases/proofs.jsonl")
    write, p = Writer(path), Prover(random.Random(1))
    for kind in LENGTHS:
        for name, proof in sound(p, kind):
            write.case(f"{kind}, sound, {name}" if name else f"{kind}, sound", kind, proof.data)
        if kind not in (7, 8):
            spoilt(write, p, kind, proof)
    ranges(write, p)
    write.case("4, the secret one", 4, p.prove(4, key=Key(1)).data)
    write.case("1, a ciphertext of one", 1, p.zero(key := p.key(), key.encrypt(1, 7)).data)
    for handles, kind in ((2, 9), (3, 11)):
        write.case(f"{kind}, no first key", kind, p.prove(kind, keys=[None] + [p.key() for _ in range(handles - 1)]).data)
    print(f"{write.count} cases, {write.refused} refused, in {os.path.relpath(path)}")


main()
