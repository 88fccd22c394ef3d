"""What the worlds of random instructions of native programs share: seeded choices, keys, damage, signed transactions, and
rounds of them in LiteSVM and in `estuary replay`."""

import argparse
import collections
import sys

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import Transaction, VersionedTransaction

import oracle


class RandomWorld:
    """Has `random`, `signers` (key pairs by key), `wallets`, `case`, and `transaction()`, which makes one or None."""

    # Whether what comes next follows from what accounts hold: each transaction is made when the ones before have run.
    follows = False

    def new_key(self):
        pair = Keypair.from_seed(self.random.randbytes(32))
        self.signers[pair.pubkey()] = pair
        return pair.pubkey()

    def choose(self, *options):
        return self.random.choice(options)

    def chance(self, probability):
        return self.random.random() < probability

    def mostly(self, usual, *others):
        return usual if self.chance(0.92) else self.choose(*others)

    def wallet(self):
        return self.random.choice(self.wallets)

    def damaged(self, original):
        """One thing wrong: a swapped, dropped or repeated account, other flags, cut or flipped data."""
        r = self.random
        metas, data = list(original.accounts), bytes(original.data)
        kind = r.randrange(7)
        if kind < 5 and metas:
            at = r.randrange(len(metas))
            held = metas[at]
            if kind == 0:
                metas[at] = AccountMeta(self.wallet(), held.is_signer, held.is_writable)
            elif kind == 1:
                metas.pop(at)
            elif kind == 2:
                metas[at] = AccountMeta(held.pubkey, held.is_signer, not held.is_writable)
            elif kind == 3:
                metas[at] = AccountMeta(held.pubkey, False, held.is_writable)
            else:
                metas[at] = AccountMeta(r.choice(metas).pubkey, held.is_signer, held.is_writable)
        elif kind == 5 and data:
            data = data[: r.randrange(len(data))]
        elif data:
            at = r.randrange(min(len(data), 40))
            data = data[:at] + bytes([data[at] ^ (1 << r.randrange(8))]) + data[at + 1 :]
        # A signature nobody can give is not asked for.
        metas = [AccountMeta(m.pubkey, m.is_signer and m.pubkey in self.signers, m.is_writable) for m in metas]
        return Instruction(original.program_id, data, metas)

    def signed_transaction(self, instructions):
        """The transaction, as bytes and read back; None where it is too long, or asks for a signature nobody can give."""
        payer = self.wallets[self.choose(0, 1, 2)]
        blockhash = self.case.svm.latest_blockhash()
        message = Message.new_with_blockhash(instructions, payer, blockhash)
        needed = message.account_keys[: message.header.num_required_signatures]
        if any(key not in self.signers for key in needed):
            return None
        signed = Transaction([self.signers[key] for key in needed], message, blockhash)
        if len(bytes(signed)) > 1232:
            return None
        return bytes(signed), VersionedTransaction.from_bytes(bytes(signed))

    def transactions(self, count):
        """As many, none twice: LiteSVM's status cache forgets, and never knew those that failed."""
        sent = set()
        while len(sent) < count:
            made = self.transaction()
            if made is not None and made[0] not in sent:
                sent.add(made[0])
                yield made


def run_round(world, count, flags, keep):
    """The transactions, what LiteSVM says of them, and where `estuary replay` says something else."""
    transactions = [] if world.follows else list(world.transactions(count))
    genesis = world.case.genesis()
    world.case.genesis = lambda: genesis

    def following():
        for made in world.transactions(count):
            transactions.append(made)
            yield made

    expected, expected_accounts = world.case.litesvm(following() if world.follows else transactions)
    actual, actual_accounts = world.case.estuary(transactions, *flags, keep=keep)
    return transactions, expected, oracle.differences(expected, actual, expected_accounts, actual_accounts)


def main(World, transactions, rounds, note=None, names=(), enough=0):
    """The command line of a script that has a world.

    World: called with a seed. transactions, rounds: defaults. note(seen, transaction, result): counts what a transaction
    shows; from `enough` transactions on, it must have counted each of `names`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transactions", type=int, default=transactions)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--keep")
    parser.add_argument("flags", nargs="*", help="flags for `estuary replay`, after --")
    options = parser.parse_args()
    failed, seen = 0, collections.Counter()
    for seed in range(options.seed, options.seed + options.rounds):
        sent, results, lines = run_round(World(seed), options.transactions, options.flags, options.keep)
        passed = sum(result["error"] is None for result in results)
        print(f"seed {seed}: {options.transactions} transactions, {passed} succeeded, {len(lines)} differences", flush=True)
        for line in lines[:40]:
            print("  " + line)
        failed += len(lines)
        for (_, transaction), result in zip(sent, results):
            if note:
                note(seen, transaction, result)
    if names:
        print(", ".join(f"{name} {seen[name]}" for name in names))
        missing = [name for name in names if not seen[name]]
        if options.transactions * options.rounds >= enough and missing:
            print(f"never seen: {', '.join(missing)}")
            failed += 1
    sys.exit(1 if failed else 0)
