"""What the worlds of random instructions of native programs share: seeded choices, keys, damage, signed transactions."""

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import Transaction, VersionedTransaction


class RandomWorld:
    """Has `random`, `signers` (key pairs by key), `wallets` and `case`."""

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
