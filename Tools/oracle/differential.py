"""Seeded random transactions over real programs, run by LiteSVM and by `estuary replay`; every difference is printed.

    differential.py [--seed N] [--transactions N] [--rounds N] [--programs FOLDER] [--keep FOLDER] [-- REPLAY FLAGS]

Programs: p-token, Token-2022, memo v1 and current, associated token account, address lookup table, stake as LiteSVM
carries them; with `--programs` (the folder of export_programs.py) the earlier SPL Token, Token-2022 and memo too.
Transactions hold several instructions, nested invocations, wrong accounts, missing signatures, damaged data, compute
limits that run out half-way, and legacy as well as v0 messages with lookup tables.
"""

import argparse
import os
import random
import struct
import sys

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction, VersionedTransaction

import oracle
from native_programs import CLOCK, COMPUTE_BUDGET, LOADER_V2, LOADER_V3, RECENT, RENT, SYSTEM, u8, u16, u32, u64

STAKE_HISTORY = Pubkey.from_string("SysvarStakeHistory1111111111111111111111111")
INSTRUCTIONS = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
P = {name: Pubkey.from_string(text) for name, text in oracle.PROGRAMS.items()}
STAKE, TABLES, ASSOCIATED = P["stake"], P["address-lookup-table"], P["associated-token-account"]


def meta(key, flags=""):
    return AccountMeta(key, "s" in flags, "w" in flags)


class World:
    """The genesis, the keys in play and the generator of instructions over them."""

    def __init__(self, seed, programs_folder=None, sigverify=True):
        self.random = random.Random(seed)
        svm = LiteSVM()
        slot = svm.get_clock().slot
        svm.set_slot_hashes([(slot - 1 - i, Hash.from_bytes(self.random.randbytes(32))) for i in range(60)])
        self.token_programs = [P["p-token"], P["token-2022"]]
        self.memos = [P["memo"], P["memo-v1"]]
        extra = []
        for name, kind in (("earlier-token", "token"), ("earlier-token-2022", "token"), ("earlier-memo", "memo")):
            path = os.path.join(programs_folder or "", name + ".so")
            if programs_folder and os.path.exists(path):
                identifier = self.key().pubkey()
                with open(path, "rb") as file:
                    svm.add_program_with_loader(identifier, file.read(), LOADER_V2)
                (self.token_programs if kind == "token" else self.memos).append(identifier)
                extra.append(identifier)
        self.case = oracle.Case(sigverify=sigverify, svm=svm)
        for identifier in extra:
            self.case.adopt(identifier)
        self.wallets = [self.key() for _ in range(8)]
        self.signers = {wallet.pubkey(): wallet for wallet in self.wallets}
        for index, wallet in enumerate(self.wallets):
            self.case.fund(wallet.pubkey(), [10**15, 10**15, 10**15, 10**15, 10**14, 10**11, 900000, 5000][index])
        self.mints, self.accounts = {}, {}
        for program in self.token_programs:
            self.make_tokens(program)
        self.sent = set()
        self.repeatable = None
        self.table = self.make_table()
        self.stakes = []
        self.nonces = []
        for wallet in self.wallets[:2]:
            self.make_nonce(wallet.pubkey())

    def key(self):
        return Keypair.from_seed(self.random.randbytes(32))

    def make_tokens(self, program):
        mints, accounts = [], []
        for index in range(3):
            mint = self.key()
            authority = self.wallets[index].pubkey()
            freeze = u32(1) + bytes(authority) if index else u32(0) + bytes(32)
            data = u32(1) + bytes(authority) + u64(10**15) + u8(index * 3) + u8(1) + freeze
            self.case.put(mint.pubkey(), Account(1461600, data, program, False, 2**64 - 1))
            self.signers[mint.pubkey()] = mint
            mints.append(mint.pubkey())
            for owner in self.wallets[:5]:
                holder = self.key()
                amount = self.random.choice([0, 1, 1000, 10**9, 10**12])
                data = bytes(mint.pubkey()) + bytes(owner.pubkey()) + u64(amount)
                data += u32(0) + bytes(32) + u8(self.random.choice([1] * 14 + [2]))
                data += u32(0) + u64(0) + u64(0) + u32(0) + bytes(32)
                self.case.put(holder.pubkey(), Account(2039280, data, program, False, 2**64 - 1))
                self.signers[holder.pubkey()] = holder
                accounts.append((holder.pubkey(), mint.pubkey(), owner.pubkey()))
        native = Pubkey.from_string(
            "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"
            if program == P["token-2022"] else "So11111111111111111111111111111111111111112")
        data = u32(0) + bytes(32) + u64(0) + u8(9) + u8(1) + u32(0) + bytes(32)
        if program in (P["p-token"], P["token-2022"]):
            self.case.put(native, Account(10**9, data, program, False, 2**64 - 1))
            mints.append(native)
        self.mints[program], self.accounts[program] = mints, accounts

    def make_table(self):
        key = self.key().pubkey()
        addresses = [w.pubkey() for w in self.wallets]
        for program in self.token_programs[:2]:
            addresses += [a[0] for a in self.accounts[program][:8]] + self.mints[program][:3]
        data = u32(1) + u64(2**64 - 1) + u64(0) + u8(0) + u8(1) + bytes(self.wallets[0].pubkey()) + u16(0)
        self.case.put(key, Account(10**9, data + b"".join(map(bytes, addresses)), TABLES, False, 2**64 - 1))
        self.tables_in_play = [key]
        self.table_authority = {key: self.wallets[0].pubkey()}
        return AddressLookupTableAccount(key, addresses)

    def make_nonce(self, authority):
        import hashlib
        nonce = self.key()
        stored = hashlib.sha256(b"DURABLE_NONCE" + self.random.randbytes(32)).digest()
        data = u32(1) + u32(1) + bytes(authority) + stored + u64(5000)
        self.case.put(nonce.pubkey(), Account(1447680 + 10**6, data, SYSTEM, False, 2**64 - 1))
        self.signers[nonce.pubkey()] = nonce
        self.nonces.append((nonce.pubkey(), authority, Hash.from_bytes(stored)))

    # Instructions. Each returns a list of instructions; keys it wants signed are in the metas.

    def wallet(self):
        return self.random.choice(self.wallets).pubkey()

    def amount(self):
        r = self.random
        return r.choice([0, 1, r.randrange(1000), r.randrange(10**9), 890880, 2039280, 10**6, 10**7, 10**8,
                         r.choice([r.randrange(10**13), 2**64 - 1])])

    def system(self):
        r = self.random
        a, b = self.wallet(), self.wallet()
        kind = r.randrange(13)
        new = self.key()
        self.signers[new.pubkey()] = new
        owner = r.choice([SYSTEM, r.choice(self.token_programs), STAKE, self.wallet()])
        space = r.choice([0, 10, 82, 165, 200, 10240, r.choice([500, 10 * 1024 * 1024 + 1])])
        lamports = r.choice([0, 890880, 2039280, 10**7, 10**9, 10**14])
        if kind < 5:
            target = r.choice([b, new.pubkey(), a])
            return [Instruction(SYSTEM, u32(2) + u64(self.amount()), [meta(a, "sw"), meta(target, "w")])]
        if kind == 5:
            return [Instruction(SYSTEM, u32(0) + u64(lamports) + u64(space) + bytes(owner),
                                [meta(a, "sw"), meta(new.pubkey(), "sw")])]
        if kind == 6:
            return [Instruction(SYSTEM, u32(1) + bytes(owner), [meta(r.choice([new.pubkey()] * 9 + [a]), "sw")])]
        if kind == 7:
            seed = r.choice(["", "seed", "x" * 32, "y" * 33, "é"]).encode()
            try:
                derived = Pubkey.create_with_seed(a, seed.decode(), owner)
            except Exception:
                derived = b
            wanted = r.choice([derived, derived, derived, new.pubkey()])
            body = bytes(a) + u64(len(seed)) + seed
            what = r.randrange(4)
            if what == 0:
                data = u32(3) + body + u64(lamports) + u64(space) + bytes(owner)
                return [Instruction(SYSTEM, data, [meta(a, "sw"), meta(wanted, "w"), meta(a, "s")])]
            if what == 1:
                return [Instruction(SYSTEM, u32(9) + body + u64(space) + bytes(owner), [meta(wanted, "w"), meta(a, "s")])]
            if what == 2:
                return [Instruction(SYSTEM, u32(10) + body + bytes(owner), [meta(wanted, "w"), meta(a, "s")])]
            data = u32(11) + u64(self.amount()) + u64(len(seed)) + seed + bytes(owner)
            return [Instruction(SYSTEM, data, [meta(wanted, "w"), meta(a, "s"), meta(b, "w")])]
        if kind == 8:
            return [Instruction(SYSTEM, u32(8) + u64(space), [meta(r.choice([new.pubkey()] * 9 + [a]), "sw")])]
        if kind == 9 or not self.nonces:
            nonce = new.pubkey()
            self.nonces.append((nonce, a, None))
            return [
                Instruction(SYSTEM, u32(0) + u64(r.choice([1447680, 1447679, 10**7])) + u64(80) + bytes(SYSTEM),
                            [meta(a, "sw"), meta(nonce, "sw")]),
                Instruction(SYSTEM, u32(6) + bytes(a), [meta(nonce, "w"), meta(RECENT), meta(RENT)]),
            ]
        nonce, authority, _ = r.choice(self.nonces)
        if kind == 10:
            return [Instruction(SYSTEM, u32(4), [meta(nonce, "w"), meta(RECENT), meta(r.choice([authority, b]), "s")])]
        if kind == 11:
            data = u32(5) + u64(r.choice([1, 1000, 10**6, 1447680, 2447680, 10**9]))
            return [Instruction(SYSTEM, data, [meta(nonce, "w"), meta(b, "w"), meta(RECENT), meta(RENT),
                                               meta(authority, "s")])]
        return [Instruction(SYSTEM, r.choice([u32(7) + bytes(b), u32(12), u32(13), u32(99)]),
                            [meta(nonce, "w"), meta(authority, "s")])]

    def token(self):
        r = self.random
        program = r.choice(self.token_programs)
        mints, accounts = self.mints[program], self.accounts[program]
        source, mint, owner = r.choice(accounts[:15] if r.random() < 0.7 else accounts)
        same = [entry for entry in accounts if entry[1] == mint]
        target = r.choice(same[:5] if r.random() < 0.85 else accounts)[0]
        authority = self.wallets[min(mints.index(mint), 2)].pubkey() if mint in mints else self.wallet()
        if r.random() < 0.1:
            owner = self.wallet()
        amount = r.choice([0, 1, 10, 500, 10**6, 10**9, self.amount()])
        decimals = mints.index(mint) * 3 if r.random() < 0.8 and mint in mints else r.randrange(10)
        new = self.key()
        self.signers[new.pubkey()] = new
        kind = r.randrange(30)
        o = meta(owner, "s")
        if kind < 6:
            return [Instruction(program, u8(3) + u64(amount), [meta(source, "w"), meta(target, "w"), o])]
        if kind < 9:
            return [Instruction(program, u8(12) + u64(amount) + u8(decimals),
                                [meta(source, "w"), meta(mint), meta(target, "w"), o])]
        if kind == 9:
            return [Instruction(program, u8(4) + u64(amount), [meta(source, "w"), meta(self.wallet()), o])]
        if kind == 10:
            return [Instruction(program, u8(5), [meta(source, "w"), o])]
        if kind == 11:
            data = u8(6) + u8(r.randrange(5)) + r.choice([u8(0), u8(1) + bytes(self.wallet()), u8(2)])
            account = r.choice([source, mint])
            return [Instruction(program, data, [meta(account, "w"), meta(r.choice([owner, authority]), "s")])]
        if kind in (12, 13):
            return [Instruction(program, u8(7) + u64(amount), [meta(mint, "w"), meta(target, "w"), meta(authority, "s")])]
        if kind == 14:
            return [Instruction(program, u8(14) + u64(amount) + u8(decimals),
                                [meta(mint, "w"), meta(target, "w"), meta(authority, "s")])]
        if kind == 15:
            return [Instruction(program, u8(8) + u64(amount), [meta(source, "w"), meta(mint, "w"), o])]
        if kind == 16:
            return [Instruction(program, u8(15) + u64(amount) + u8(decimals), [meta(source, "w"), meta(mint, "w"), o])]
        if kind == 17:
            return [Instruction(program, u8(9), [meta(source, "w"), meta(self.wallet(), "w"), o])]
        if kind in (18, 19):
            return [Instruction(program, u8(kind - 8), [meta(source, "w"), meta(mint), meta(authority, "s")])]
        if kind in (20, 21, 22):
            a = self.wallets[r.randrange(4)].pubkey()
            space = r.choice([165, 165, 165, 164, 200])
            create = Instruction(SYSTEM, u32(0) + u64(r.choice([2039280, 2039280, 2039279, 3 * 10**6])) + u64(space)
                                 + bytes(program), [meta(a, "sw"), meta(new.pubkey(), "sw")])
            m = r.choice(mints)
            if kind == 20:
                init = Instruction(program, u8(1), [meta(new.pubkey(), "w"), meta(m), meta(a), meta(RENT)])
            elif kind == 21:
                init = Instruction(program, u8(16) + bytes(a), [meta(new.pubkey(), "w"), meta(m), meta(RENT)])
            else:
                init = Instruction(program, u8(18) + bytes(a), [meta(new.pubkey(), "w"), meta(m)])
            accounts.append((new.pubkey(), m, a))
            return [create, init]
        if kind in (23, 24):
            a = self.wallets[r.randrange(4)].pubkey()
            create = Instruction(SYSTEM, u32(0) + u64(1461600) + u64(82) + bytes(program),
                                 [meta(a, "sw"), meta(new.pubkey(), "sw")])
            data = u8(r.randrange(12)) + bytes(a) + r.choice([u8(0), u8(1) + bytes(a)])
            if kind == 23:
                init = Instruction(program, u8(0) + data, [meta(new.pubkey(), "w"), meta(RENT)])
            else:
                init = Instruction(program, u8(20) + data, [meta(new.pubkey(), "w")])
            return [create, init]
        if kind == 25:
            a = self.wallets[r.randrange(4)].pubkey()
            keys = [meta(w.pubkey()) for w in r.sample(self.wallets, 3)]
            create = Instruction(SYSTEM, u32(0) + u64(3361680) + u64(355) + bytes(program),
                                 [meta(a, "sw"), meta(new.pubkey(), "sw")])
            return [create, Instruction(program, u8(19) + u8(r.randrange(5)), [meta(new.pubkey(), "w")] + keys)]
        if kind == 26:
            return [Instruction(program, u8(17), [meta(source, "w")])]
        if kind == 27:
            return [Instruction(program, r.choice([u8(21), u8(21) + u16(7), u8(23) + u64(amount), u8(24) + b"12.5",
                                                   u8(24) + b"x", u8(22)]), [meta(r.choice([mint, source]))])]
        if kind == 28 and program == P["p-token"]:
            inner = b"".join(u8(3) + u8(9) + u8(3) + u64(r.randrange(3)) for _ in range(2))
            metas = [meta(source, "w"), meta(target, "w"), o] * 2
            return [Instruction(program, u8(255) + inner, metas)]
        data = u8(r.randrange(26, 46)) + r.randbytes(r.randrange(12))
        return [Instruction(program, data, [meta(source, "w"), meta(mint, "w"), meta(target, "w"), o])]

    def memo(self):
        r = self.random
        text = r.choice([b"", b"hello", "é€😀".encode(), b"\xff\xfe", bytes(r.randrange(32, 127) for _ in range(200)),
                         r.randbytes(20)])
        metas = [meta(self.wallet(), r.choice(["s", "s", "s", "", "sw"])) for _ in range(r.randrange(3))]
        return [Instruction(r.choice(self.memos), text, metas)]

    def associated(self):
        r = self.random
        program = r.choice(self.token_programs[:2] if r.random() < 0.8 else self.token_programs)
        payer, owner, mint = self.wallet(), self.wallet(), r.choice(self.mints[program])
        address = Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED)[0]
        if r.random() < 0.5:
            self.accounts[program].append((address, mint, owner))
        if r.random() < 0.1:
            address = self.wallet()
        data = r.choice([b"", u8(0), u8(1), u8(1), u8(1), u8(1), u8(1), r.choice([u8(2), u8(3)])])
        return [Instruction(ASSOCIATED, data, [meta(payer, "sw"), meta(address, "w"), meta(owner), meta(mint),
                                               meta(SYSTEM), meta(program)])]

    def tables(self):
        r = self.random
        authority, payer = self.wallet(), self.wallet()
        slot = self.case.svm.get_clock().slot - r.choice([0, 1, 1, 2, 3, 4, 5, 511, 600])
        kind = r.randrange(6)
        if kind < 2:
            address, bump = Pubkey.find_program_address([bytes(authority), u64(slot)], TABLES)
            if len(self.tables_in_play) < 12 or r.random() < 0.1:
                self.tables_in_play.append(address)
                self.table_authority[address] = authority
            return [Instruction(TABLES, u32(0) + u64(slot) + u8(bump),
                                [meta(address, "w"), meta(authority, "s"), meta(payer, "sw"), meta(SYSTEM)])]
        table = r.choice(self.tables_in_play)
        if r.random() < 0.9:
            authority = self.table_authority[table]
        if kind == 2:
            keys = [bytes(self.wallet()) for _ in range(r.randrange(4))]
            return [Instruction(TABLES, u32(2) + u64(len(keys)) + b"".join(keys),
                                [meta(table, "w"), meta(authority, "s"), meta(payer, "sw"), meta(SYSTEM)])]
        if kind == 3:
            return [Instruction(TABLES, u32(1), [meta(table, "w"), meta(authority, "s")])] if r.random() < 0.2 else []
        if kind == 4:
            if table == self.table.key:
                return []
            return [Instruction(TABLES, u32(3), [meta(table, "w"), meta(authority, "s")])]
        return [Instruction(TABLES, u32(4), [meta(table, "w"), meta(authority, "s"), meta(payer, "w")])]

    def stake(self):
        r = self.random
        a = self.wallets[r.randrange(3)].pubkey()
        kind = r.randrange(9)
        if kind < 3 or not self.stakes:
            new = self.key()
            self.signers[new.pubkey()] = new
            self.stakes.append((new.pubkey(), a))
            create = Instruction(SYSTEM, u32(0) + u64(r.choice([2282880, 10**9, 10**10])) + u64(200) + bytes(STAKE),
                                 [meta(a, "sw"), meta(new.pubkey(), "sw")])
            lockup = struct.pack("<qQ", r.choice([0, 0, 10**10]), 0) + bytes(self.wallet())
            init = Instruction(STAKE, u32(0) + bytes(a) + bytes(a) + lockup, [meta(new.pubkey(), "w"), meta(RENT)])
            return [create, init]
        stake, authority = r.choice(self.stakes)
        if kind == 3:
            data = u32(1) + bytes(self.wallet()) + u32(r.randrange(2))
            return [Instruction(STAKE, data, [meta(stake, "w"), meta(CLOCK), meta(authority, "s")])]
        if kind == 4:
            return [Instruction(STAKE, u32(4) + u64(r.choice([1, 10**6, 10**9, 2282880, 10**10])),
                                [meta(stake, "w"), meta(self.wallet(), "w"), meta(CLOCK), meta(STAKE_HISTORY),
                                 meta(authority, "s")])]
        if kind == 5:
            new = self.key()
            self.signers[new.pubkey()] = new
            create = Instruction(SYSTEM, u32(0) + u64(2282880) + u64(200) + bytes(STAKE),
                                 [meta(a, "sw"), meta(new.pubkey(), "sw")])
            return [create, Instruction(STAKE, u32(3) + u64(r.choice([10**6, 3 * 10**9])),
                                        [meta(stake, "w"), meta(new.pubkey(), "w"), meta(authority, "s")])]
        if kind == 6:
            return [Instruction(STAKE, u32(5), [meta(stake, "w"), meta(CLOCK), meta(authority, "s")])]
        if kind == 7:
            return [Instruction(STAKE, u32(13), [])]
        return [Instruction(STAKE, r.randbytes(r.randrange(20)), [meta(stake, "w"), meta(authority, "s")])]

    def budget(self):
        r = self.random
        choices = [
            u8(2) + u32(r.choice([0, 300, 3000, 20000, 200000, 400000, 1400000, 1400000, 2**32 - 1])),
            u8(3) + u64(r.choice([0, 1, 1000, 10**6, 2**63])),
            u8(1) + u32(r.choice([32768, 65536, 65536, 262144, 262144, 100 * 1024, 1000, 262145])),
            u8(4) + u32(r.choice([0, 1000, 200000, 10**6, 64 * 2**20])),
            r.randbytes(3),
        ]
        weights = [6, 4, 3, 2, 0.2]
        return [Instruction(COMPUTE_BUDGET, r.choices(choices, weights)[0], [])]

    def damaged(self, instruction):
        """One thing wrong: a swapped, dropped or added account, changed flags, cut or flipped data."""
        r = self.random
        metas, data = list(instruction.accounts), bytes(instruction.data)
        program = instruction.program_id
        kind = r.randrange(8)
        if kind == 0 and metas:
            i = r.randrange(len(metas))
            metas[i] = AccountMeta(self.wallet(), metas[i].is_signer, metas[i].is_writable)
        elif kind == 1 and metas:
            metas.pop(r.randrange(len(metas)))
        elif kind == 2 and metas:
            i = r.randrange(len(metas))
            metas[i] = AccountMeta(metas[i].pubkey, metas[i].is_signer, not metas[i].is_writable)
        elif kind == 3 and metas:
            i = r.randrange(len(metas))
            metas[i] = AccountMeta(metas[i].pubkey, False, metas[i].is_writable)
        elif kind == 4 and data:
            data = data[: r.randrange(len(data))]
        elif kind == 5 and data:
            at = r.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ (1 << r.randrange(8))]) + data[at + 1:]
        elif kind == 6:
            metas.insert(r.randrange(len(metas) + 1), meta(r.choice([self.wallet(), INSTRUCTIONS, RENT, SYSTEM])))
        elif kind == 7:
            program = r.choice([
                SYSTEM, self.wallet(), STAKE, RENT, P["memo"], COMPUTE_BUDGET, LOADER_V3, LOADER_V2,
                self.key().pubkey(), INSTRUCTIONS,
            ])  # fmt: skip
        return Instruction(program, data, metas)

    def transaction(self):
        """(wire bytes, VersionedTransaction); now and then the last one that succeeded, once more.

        LiteSVM forgets transactions after a few dozen and never remembers failed ones; Agave and Estuary do not, so
        no other transaction is sent twice.
        """
        while True:
            if self.repeatable is not None and self.random.random() < 0.01:
                return self.repeatable
            candidate = self.fresh_transaction()
            if candidate[0] not in self.sent:
                self.sent.add(candidate[0])
                return candidate

    def fresh_transaction(self):
        r = self.random
        makers = [self.system, self.token, self.token, self.token, self.memo, self.associated, self.tables, self.stake]
        instructions = []
        if r.random() < 0.25:
            instructions += self.budget()
        if r.random() < 0.08:
            instructions += self.budget()
        for _ in range(r.choice([1, 1, 1, 2, 2, 3, 4])):
            instructions += r.choice(makers)()
        instructions = [self.damaged(i) if r.random() < 0.06 else i for i in instructions]
        if r.random() < 0.01:
            # As many as there may be, or one more.
            if r.random() < 0.5:
                instructions = [Instruction(P["memo"], b"", [])] * r.choice([64, 65])
            else:
                instructions = [Instruction(P["memo"], b"", [meta(self.wallet(), "s")] * r.choice([255, 256]))]
        payer = r.choices(self.wallets, [8, 8, 8, 8, 4, 2, 1, 1])[0]
        blockhash = self.case.svm.latest_blockhash()
        if self.nonces and r.random() < 0.05:
            nonce, authority, stored = r.choice(self.nonces)
            account = self.case.svm.get_account(nonce)
            if account is not None and len(account.data) == 80 and r.random() < 0.9:
                stored = Hash.from_bytes(bytes(account.data)[40:72])
            if stored is not None:
                blockhash = stored
                advance = Instruction(SYSTEM, u32(4), [meta(nonce, "w"), meta(RECENT), meta(authority, "s")])
                instructions.insert(0 if r.random() < 0.95 else len(instructions), advance)
        if r.random() < 0.01:
            blockhash = Hash.from_bytes(r.randbytes(32))
        if r.random() < 0.2:
            message = MessageV0.try_compile(payer.pubkey(), instructions, [self.table], blockhash)
            needed = [k for i, k in enumerate(message.account_keys) if message.is_signer(i)]
            body = bytes([0x80]) + bytes(message)
            body = bytes(message) if bytes(message)[0] & 0x80 else body
        else:
            message = Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
            needed = list(message.account_keys)[: message.header.num_required_signatures]
            body = bytes(message)
        signatures = []
        for key in needed:
            pair = self.signers.get(key)
            if pair is None or r.random() < 0.003:
                signatures.append(Signature.from_bytes(r.randbytes(64)))
            else:
                signatures.append(pair.sign_message(body))
        transaction = VersionedTransaction.populate(message, signatures)
        wire = bytes(transaction)
        if len(wire) > 1232:
            return self.fresh_transaction()
        return wire, transaction


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transactions", type=int, default=500, help="a round")
    parser.add_argument("--rounds", type=int, default=4, help="each with a fresh genesis and the next seed")
    parser.add_argument("--programs", help="folder of export_programs.py")
    parser.add_argument("--keep", help="leave genesis and transactions of every round here")
    parser.add_argument("--show", type=int, default=20, help="differences printed a round")
    parser.add_argument("flags", nargs="*", help="passed on to estuary replay")
    options = parser.parse_args()
    failed = total = succeeded = 0
    for round_index in range(options.rounds):
        seed = options.seed + round_index
        world = World(seed, options.programs)
        genesis = world.case.genesis()
        world.case.genesis = lambda: genesis
        batch, expected = [], []
        for _ in range(options.transactions):
            batch.append(world.transaction())
            expected += world.case.litesvm(batch[-1:])[0]
            world.repeatable = batch[-1] if expected[-1]["error"] is None else None
        accounts = world.case.litesvm([])[1]
        keep = os.path.join(options.keep, str(seed)) if options.keep else None
        actual, ours = world.case.estuary(batch, *options.flags, keep=keep)
        found = oracle.differences(expected, actual, accounts, ours)
        good = sum(1 for result in expected if result["error"] is None)
        succeeded += good
        total += len(batch)
        bad = {line.split()[1] for line in found if line.startswith("tx")}
        failed += len(bad) + sum(1 for line in found if not line.startswith("tx"))
        print(f"seed {seed}: {len(batch)} transactions ({good} succeed), {len(found)} differences", flush=True)
        for line in found[: options.show]:
            print("  " + line)
    print(f"{total} transactions, {succeeded} of them succeed in LiteSVM")
    print(f"{total - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
