"""Token-2022's confidential transfers from beginning to end, run by LiteSVM and by `estuary replay`; every difference is printed.

    confidential_transfers.py [--seed N] [--rounds N] [--keep FOLDER] [-- REPLAY FLAGS]

A round has a mint with or without an auditor and two accounts that are configured, one by a proof in an account and one by a
proof in the same transaction; then a deposit, a transfer, a withdrawal, and an account that is emptied, each with its proofs; and
the same steps with a proof of something else. It fails too unless Token-2022 itself took the sound steps and refused the others.
"""

import argparse
import random
import sys

from solders.instruction import Instruction
from solders.pubkey import Pubkey

import oracle
from native_programs import COMPUTE_BUDGET, ZK_ELGAMAL, account, instruction, rent, u8, u32, u64
from random_world import RandomWorld
from zk_proofs import IDENTITY, LENGTHS, Prover, add, commit, multiply, negated

TOKEN = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
INSTRUCTIONS = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
DECIMALS = 2
# Bytes of a mint and an account with their extensions for confidential transfers.
MINT_LENGTH, ACCOUNT_LENGTH = 165 + 1 + 4 + 65, 165 + 1 + 4 + 295


def plus(ciphertext, other, factor=1):
    """Of commitments and handles alike."""
    return b"".join(
        add(ciphertext[at : at + 32], multiply(factor, other[at : at + 32])) for at in range(0, len(ciphertext), 32)
    )


def minus(ciphertext, other):
    return b"".join(add(ciphertext[at : at + 32], negated(other[at : at + 32])) for at in range(0, len(ciphertext), 32))


class World(RandomWorld):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = oracle.Case()
        self.signers = {}
        self.wallets = [self.new_key() for _ in range(3)]
        for wallet in self.wallets:
            self.case.fund(wallet, 10**12)
        self.prover = Prover(self.random)
        self.transactions, self.results, self.wrong = [], [], []
        self.mint = self.blank(MINT_LENGTH)
        self.owners = [self.wallets[1], self.wallets[2]]
        self.accounts = [self.blank(ACCOUNT_LENGTH) for _ in range(2)]
        self.keys = [self.prover.key() for _ in range(2)]
        self.auditor = self.prover.key() if seed % 2 else None

    def blank(self, length, owner=TOKEN):
        place = self.new_key()
        self.case.put(place, account(rent(length), bytes(length), owner))
        return place

    def send(self, *instructions, works=True):
        limit = Instruction(COMPUTE_BUDGET, u8(2) + u32(1_400_000 - len(self.transactions)), [])
        self.transactions.append(self.signed_transaction([limit, *instructions]))
        # At once, as what follows depends on what the accounts hold.
        (result,), _ = self.case.litesvm(self.transactions[-1:])
        self.results.append(result)
        if (result["error"] is None) != works:
            should = "work" if works else "fail"
            self.wrong.append(f"tx {len(self.results) - 1} should {should}: {result['error']} {result['logs'][-4:]}")

    def token(self, data, accounts):
        return instruction(TOKEN, data, accounts)

    def confidential(self, number, data, accounts):
        return self.token(u8(27) + u8(number) + data, accounts)

    def kept(self, proof):
        """An account in which a proof's statement is kept."""
        place = self.blank(33 + LENGTHS[proof.kind][0], ZK_ELGAMAL)
        data, accounts = proof.data, [(place, "w"), (self.wallets[0], "")]
        if len(data) > 900:
            # Too long for a transaction.
            source = self.new_key()
            self.case.put(source, account(rent(len(data)), data))
            data, accounts = u32(0), [(source, ""), *accounts]
        self.send(instruction(ZK_ELGAMAL, u8(proof.kind) + data, accounts))
        return place

    def available(self, index):
        """The ciphertext of what an account can spend; Token-2022 gives deposits openings of its own."""
        return bytes(self.case.svm.get_account(self.accounts[index]).data)[331:395]

    def secret(self):
        """A balance for its owner's eyes, which nobody checks."""
        return self.random.randbytes(36)

    def set_up(self, supply):
        r = self.random
        authority, auditor = self.wallets[0], self.auditor.public if self.auditor else IDENTITY
        self.send(
            self.confidential(0, bytes(authority) + u8(1) + auditor, [(self.mint, "w")]),
            self.token(u8(20) + u8(DECIMALS) + bytes(authority) + u8(0), [(self.mint, "w")]),
        )
        for place, owner in zip(self.accounts, self.owners):
            self.send(self.token(u8(18) + bytes(owner), [(place, "w"), (self.mint, "")]))
        self.send(self.token(u8(7) + u64(supply), [(self.mint, "w"), (self.accounts[0], "w"), (authority, "s")]))
        configure = lambda index, offset, where: self.confidential(
            2, self.secret() + u64(r.randrange(1, 2**16)) + u8(offset),
            [(self.accounts[index], "w"), (self.mint, ""), (where, ""), (self.owners[index], "s")])  # fmt: skip
        proofs = [self.prover.prove(4, key=key) for key in self.keys]
        # Not by a proof for another instruction's statement, nor by one that is refused.
        zero = self.kept(self.prover.prove(1))
        self.send(configure(0, 0, zero), works=False)
        self.send(configure(0, 0, self.kept(proofs[0])))
        verify = lambda data: instruction(ZK_ELGAMAL, u8(4) + data, [])
        self.send(configure(1, 1, INSTRUCTIONS), verify(proofs[1].data[:-32] + bytes(32)), works=False)
        self.send(configure(1, 1, INSTRUCTIONS), instruction(ZK_ELGAMAL, u8(0), []), works=False)
        self.send(configure(1, 1, INSTRUCTIONS), verify(proofs[1].data))

    def deposit(self, amount):
        self.send(self.confidential(
            5, u64(amount) + u8(DECIMALS), [(self.accounts[0], "w"), (self.mint, ""), (self.owners[0], "s")]))  # fmt: skip
        self.apply(0, 1)

    def apply(self, index, count):
        self.send(self.confidential(8, u64(count) + self.secret(), [(self.accounts[index], "w"), (self.owners[index], "s")]))

    def transfer(self, balance, amount, spoilt=None):
        """From the first account to the second."""
        p, key = self.prover, self.keys[0]
        low, high = amount & 0xFFFF, amount >> 16
        openings = [p.scalar(), p.scalar()]
        validity = p.prove(12, keys=[*self.keys, self.auditor], amounts=[low, high], openings=openings)
        lows, highs = validity.context[96:224], validity.context[224:352]
        of = lambda index, group: group[:32] + group[32 * index + 32 : 32 * index + 64]
        left = minus(self.available(0), plus(of(0, lows), of(0, highs), 2**16))
        opening, padding = p.scalar(), p.scalar()
        equality = p.prove(3, key=key, amount=balance - amount, ciphertext=left, opening=opening)
        amounts = [balance - amount, low, high, 0]
        ranges = p.prove(7, lengths=[64, 16, 32, 16], amounts=amounts, openings=[opening, *openings, padding])
        if spoilt == "balance":
            equality = p.prove(3, key=key, amount=balance, ciphertext=self.available(0))
        elif spoilt == "lengths":
            ranges = p.prove(7, lengths=[64, 32, 16, 16], amounts=[balance - amount, low, 1, 0])
        elif spoilt == "keys":
            validity = p.prove(12, keys=[*self.keys, p.key()], amounts=[low, high], openings=openings)
        places = [self.kept(equality), self.kept(validity), self.kept(ranges)]
        if spoilt == "order":
            places = places[1:] + places[:1]
        self.send(self.confidential(
            7, self.secret() + of(2, lows) + of(2, highs) + bytes(3),
            [(self.accounts[0], "w"), (self.mint, ""), (self.accounts[1], "w"), *[(place, "") for place in places], (self.owners[0], "s")]),
            works=spoilt is None)  # fmt: skip

    def withdraw(self, index, balance, amount, wrong=0):
        p = self.prover
        left = minus(self.available(index), commit(amount, 0) + IDENTITY)
        opening = p.scalar()
        equality = p.prove(3, key=self.keys[index], amount=balance - amount, ciphertext=left, opening=opening)
        ranges = p.prove(6, lengths=[64], amounts=[balance - amount + wrong], openings=[opening])
        places = [(self.kept(equality), ""), (self.kept(ranges), "")]
        self.send(self.confidential(
            6, u64(amount) + u8(DECIMALS) + self.secret() + bytes(2),
            [(self.accounts[index], "w"), (self.mint, ""), *places, (self.owners[index], "s")]), works=not wrong)  # fmt: skip

    def empty(self, index, works=True):
        proof = self.prover.prove(1, key=self.keys[index], ciphertext=self.available(index))
        self.send(
            self.confidential(4, u8(1), [(self.accounts[index], "w"), (INSTRUCTIONS, ""), (self.owners[index], "s")]),
            instruction(ZK_ELGAMAL, u8(1) + proof.data, []), works=works)  # fmt: skip

    def play(self):
        r = self.random
        supply = r.randrange(10**6, 10**12)
        balance = r.randrange(10**5, supply)
        amount = r.randrange(1, balance)
        self.set_up(supply)
        self.deposit(balance)
        for spoilt in ("balance", "lengths", "keys", "order"):
            self.transfer(balance, amount, spoilt)
        self.transfer(balance, amount)
        self.apply(1, 1)
        part = r.randrange(amount)
        self.withdraw(1, amount, part, wrong=1)
        self.withdraw(1, amount, part)
        self.empty(1, works=False)
        self.withdraw(1, amount - part, amount - part)
        self.empty(1)
        self.withdraw(0, balance - amount, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep")
    parser.add_argument("flags", nargs="*", help="flags for `estuary replay`, after --")
    options = parser.parse_args()
    failed = 0
    for seed in range(options.seed, options.seed + options.rounds):
        world = World(seed)
        world.play()
        genesis = world.case.genesis()
        world.case.genesis = lambda: genesis
        expected_accounts = world.case.litesvm([])[1]
        actual, actual_accounts = world.case.estuary(world.transactions, *options.flags, keep=options.keep)
        lines = world.wrong + oracle.differences(world.results, actual, expected_accounts, actual_accounts)
        passed = sum(result["error"] is None for result in world.results)
        print(f"seed {seed}: {len(world.results)} transactions, {passed} succeeded, {len(lines)} differences", flush=True)
        for line in lines[:40]:
            print("  " + line)
        failed += len(lines)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
