"""Seeded random instructions of the ZK ElGamal proof program, run by LiteSVM and by `estuary replay`; every difference is printed.

    proofs.py [--seed N] [--transactions N] [--rounds N] [--keep FOLDER] [-- REPLAY FLAGS]

Proofs of all twelve kinds, made here (zk_proofs.py), sound or with one thing wrong: bits, points, scalars, lengths, statements
of other proofs. They come as instruction data or lie in accounts, at offsets up to every border; their statements go into
accounts of every sort, which are closed again. From 3,000 transactions on it also fails unless each kind of proof was
accepted and each error occurred.
"""

import random
import re

from solders.instruction import Instruction

import oracle
from native_programs import COMPUTE_BUDGET, SYSTEM, ZK_ELGAMAL, System, account, instruction, rent, u8, u32
from random_world import RandomWorld, main
from zk_proofs import BITS, G, H, IDENTITY, LENGTHS, NAMES, ORDER, SCALARS, Key, Proof, Prover, commit

UNITS = [3_300, 6_000, 8_000, 6_400, 2_600, 6_500, 111_000, 200_000, 368_000, 6_400, 13_000, 8_100, 16_400]
# How many different proofs of a kind a round has: the longer ones take a prover tenths of a second.
POOL = {6: 3, 7: 2, 8: 2}
FAILURES = [
    *(f"SigmaProof({name}, {reason})" for name in ("ZeroCiphertext", "Equality", "PubkeyValidity", "PercentageWithCap", "ValidityProof")
      for reason in ("AlgebraicRelation", "Deserialization", "Transcript(ValidationError)", "IdentityPoint")),
    *(f"RangeProof({reason})" for reason in ("AlgebraicRelation", "Deserialization", "Transcript(ValidationError)", "MultiscalarMul")),
    "ElGamal(PubkeyDeserialization)", "ElGamal(CiphertextDeserialization)", "ProofContext", "IllegalCommitmentLength",
    "IllegalAmountBitLength",
]  # fmt: skip
ERRORS = [
    "InvalidInstructionData", "InvalidAccountData", "InvalidAccountOwner", "AccountAlreadyInitialized", "MissingAccount",
    "ComputationalBudgetExceeded", "ReadonlyDataModified", "MissingRequiredSignature", "UninitializedAccount",
]  # fmt: skip


class World(RandomWorld):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = oracle.Case()
        self.signers = {}
        self.wallets = [self.new_key() for _ in range(5)]
        for wallet in self.wallets:
            self.case.fund(wallet, 10**15)
        self.prover = Prover(self.random)
        self.pool = {kind: [self.prove(kind) for _ in range(POOL.get(kind, 5))] for kind in LENGTHS}
        self.contexts = []

    def prove(self, kind):
        """A proof; of corner cases too, of which Agave accepts some."""
        r, p = self.random, self.prover
        if not self.chance(0.3):
            return p.prove(kind)
        if kind in (9, 11, 10, 12):
            keys = [p.key() for _ in range(2 if kind < 11 else 3)]
            keys[self.choose(-1, -1, -1, 0, 1)] = None
            return p.prove(kind, keys=keys)
        if kind == 2:
            # A second ciphertext of zero without an opening.
            return p.prove(kind, amount=0, opening=0)
        if kind == 3:
            return p.prove(kind, amount=0, opening=self.choose(0, 1))
        if kind == 5:
            return p.prove(kind, capped=self.choose(True, False), maximum=self.choose(0, 1, 2**64 - 1), fee=self.choose(None, 0, 1))
        if kind == 1:
            key = p.key()
            return p.prove(kind, key=key, ciphertext=key.encrypt(self.choose(0, 1), self.choose(0, 1, p.scalar())))
        if kind == 4:
            return p.prove(kind, key=Key(self.choose(1, ORDER - 1)))
        bits = BITS[kind]
        if kind == 8:
            return p.prove(kind, lengths=self.choose([64] * 4, [32] * 8, [1, 63, 64, 64, 64]))
        if self.chance(0.5):
            return p.prove(kind, lengths=self.choose([bits // 8] * 8, [64] * (bits // 64)))
        # An amount that is one too large.
        return p.prove(kind, lengths=[32] * (bits // 32), amounts=[2**32] + [5] * (bits // 32 - 1))

    # One thing wrong.

    def word(self):
        r, p = self.random, self.prover
        return self.choose(
            IDENTITY, b"\xff" * 32, G, H, commit(r.randrange(9), r.randrange(9)), r.randbytes(32), b"\1" + bytes(31),
            (r.randrange(2**252)).to_bytes(32, "little"), ORDER.to_bytes(32, "little"), (ORDER - 1).to_bytes(32, "little"),
            (ORDER + 1).to_bytes(32, "little"), (2**255 - 19).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little"),
        )  # fmt: skip

    def spoilt(self, proof):
        r, kind = self.random, proof.kind
        context, tail = bytearray(proof.context), bytearray(proof.proof)
        part = self.choose(context, tail, tail)
        at = 32 * r.randrange(len(part) // 32)
        damage = r.randrange(12)
        if damage == 0:
            part[r.randrange(len(part))] ^= 1 << r.randrange(8)
        elif damage in (1, 2):
            part[at : at + 32] = self.word()
        elif damage == 3:
            # A scalar that is another's representative, or a point's encoding with the other sign.
            place = 32 * r.choice(SCALARS[kind])
            value = int.from_bytes(tail[place : place + 32], "little")
            tail[place : place + 32] = ((value + self.choose(ORDER, 1, -1, 15 * ORDER)) % 2**256).to_bytes(32, "little")
        elif damage == 4:
            other = 32 * r.randrange(len(part) // 32)
            part[at : at + 32], part[other : other + 32] = part[other : other + 32], part[at : at + 32]
        elif damage == 5:
            context = bytearray(r.choice(self.pool[kind]).context)
        elif damage == 6 and kind in BITS:
            place = 256 + r.randrange(8)
            context[place] = self.choose(0, 1, 64, 65, 128, 255, context[place] ^ 1)
        elif damage == 7 and kind in BITS:
            # Another number of commitments.
            place = r.randrange(8)
            context[32 * place : 32 * place + 32] = self.choose(IDENTITY, G)
            if r.random() < 0.5:
                context[256 + place] = self.choose(0, 8)
        elif damage == 8 and kind == 5:
            context[96 + r.randrange(8)] ^= 1
        elif damage in (9, 10):
            # A public point or a mask that is the identity.
            place = r.choice([each for each in range(len(tail) // 32) if each not in SCALARS[kind]])
            tail[32 * place : 32 * place + 32] = IDENTITY
        else:
            place = 32 * r.randrange(len(context) // 32)
            context[place : place + 32] = IDENTITY
        return Proof(kind, bytes(context), bytes(tail))

    # Instructions.

    def verify(self):
        r = self.random
        kind = r.choice(list(LENGTHS))
        proof = r.choice(self.pool[kind])
        if self.chance(0.5):
            proof = self.spoilt(proof)
        number = self.mostly(kind, *LENGTHS) if self.chance(0.3) else kind
        data, accounts = u8(number) + proof.data, []
        if self.chance(0.4) or len(data) > 950:
            data, accounts = self.placed(number, proof.data)
        elif self.chance(0.05):
            data = self.choose(data[:-1], data + b"\0", data[:1], data[:4], data[:6])
        closing = []
        if self.chance(0.5):
            place, authority, metas = self.context(number, len(proof.context))
            accounts = accounts + metas
            if self.chance(0.5):
                closing = [self.close(place, authority)]
        elif self.chance(0.2):
            accounts = accounts + [(self.wallet(), "w")]
        return [instruction(ZK_ELGAMAL, data, accounts)] + closing

    def placed(self, number, data):
        """The data in an account, at some offset."""
        r = self.random
        before, after = self.choose(0, 0, 1, 32, 33, r.randrange(300)), self.choose(0, 0, 1, 50)
        held = r.randbytes(before) + data + r.randbytes(after)
        place = self.new_key()
        offset = self.mostly(before, before + 1, before + after, before + after + 1, len(held), len(held) + 1, 2**32 - 1, 2**31)
        held = self.mostly(held, held[:-1], held[: len(held) // 2], b"")
        self.case.put(place, account(rent(len(held)), held, self.choose(SYSTEM, ZK_ELGAMAL, self.wallet())))
        return u8(number) + u32(offset), self.mostly([(place, self.choose("", "w"))], [])

    def context(self, number, length):
        """An account for a statement: its key, authority, and both as an instruction names them."""
        r = self.random
        place, authority = self.new_key(), self.wallet()
        size = 33 + LENGTHS.get(number, (length,))[0]
        data = bytes(size)
        if not self.chance(0.75):
            data = self.choose(
                bytes(size + 1), bytes(size - 1), bytes(33), bytes(32), b"", bytes(authority) + u8(number) + bytes(size - 33),
                r.randbytes(32) + u8(0) + r.randbytes(size - 33), r.randbytes(32) + u8(r.randrange(256)) + bytes(size - 33),
            )  # fmt: skip
        owner = self.mostly(ZK_ELGAMAL, SYSTEM, self.wallet())
        self.case.put(place, account(rent(len(data)) + self.choose(0, 10**6), data, owner))
        self.contexts.append((place, authority))
        second = self.mostly(authority, place, self.new_key())
        return place, authority, [(place, self.mostly("w", "")), (second, self.choose("", "s", "w") if second != place else "w")]

    def close(self, place, authority):
        accounts = [
            (place, "w"), (self.mostly(self.wallet(), place, self.new_key()), "w"),
            (self.mostly(authority, self.wallet()), self.mostly("s", "")),
        ]  # fmt: skip
        data = self.mostly(u8(0), u8(0) + b"more", u8(13), u8(255), b"")
        return instruction(ZK_ELGAMAL, data, accounts[: self.mostly(3, 2, 1, 0)])

    def close_some(self):
        return [self.close(*self.random.choice(self.contexts))] if self.contexts else self.verify()

    def create(self):
        """An account is made, gets a statement, and may be closed."""
        r = self.random
        kind = r.choice([1, 2, 3, 4, 5, 9, 11])
        proof, new, authority = r.choice(self.pool[kind]), self.new_key(), self.wallet()
        size = 33 + len(proof.context)
        self.contexts.append((new, authority))
        made = instruction(SYSTEM, System.create(rent(size), size, ZK_ELGAMAL), [(self.wallets[0], "sw"), (new, "sw")])
        return [made, instruction(ZK_ELGAMAL, u8(kind) + proof.data, [(new, "w"), (authority, "")])]

    def transaction(self):
        r = self.random
        instructions = []
        for _ in range(self.choose(1, 1, 1, 1, 2, 3)):
            instructions += r.choices([self.verify, self.close_some, self.create], [8, 1, 1])[0]()
        if self.chance(0.1):
            at = r.randrange(len(instructions))
            instructions[at] = self.damaged(instructions[at])
        limit = 1_400_000
        if self.chance(0.1):
            first = next((bytes(each.data[:1]) for each in instructions if each.program_id == ZK_ELGAMAL), b"")
            units = UNITS[first[0]] if first and first[0] < len(UNITS) else 3_300
            limit = self.choose(150, units + 149, units + 150, units + 151, units, 2 * units + 300)
        if self.chance(0.95):
            instructions.insert(0, Instruction(COMPUTE_BUDGET, u8(2) + u32(limit), []))
        return self.signed_transaction(instructions)


def note(seen, _, result):
    """Counts the instructions that succeeded, the errors, and why proofs were refused."""
    logs = result["logs"]
    for line, following in zip(logs, logs[1:]):
        if line in NAMES and following.endswith("success"):
            seen[line] += 1
    for line in logs:
        refused = re.match("proof verification failed: (.*)", line)
        if refused:
            seen[refused[1]] += 1
    error = result["error"]
    if isinstance(error, dict) and "InstructionError" in error:
        seen[str(error["InstructionError"][1])] += 1


if __name__ == "__main__":
    main(World, transactions=250, rounds=4, note=note, names=NAMES + FAILURES + ERRORS, enough=3000)
