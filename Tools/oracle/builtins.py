"""Seeded random instructions of the native programs, run by LiteSVM and by `estuary replay`; every difference is printed.

    builtins.py [--seed N] [--transactions N] [--rounds N] [--keep FOLDER] [-- REPLAY FLAGS]

System program with nonces, upgradeable loader (buffers, deployment, upgrade, extension, authorities, closing, and calls
of what was deployed), retired loaders, the three precompiles, closing of the proof program's accounts. Files to deploy: a smallest SBPF v3 program, the bench
programs of ESTUARY_VECTORS where that folder is, and damaged copies of both. Two things are left out because LiteSVM
has its own way with them: a closed program is not called again, and an upgrade follows a deployment by a slot.
"""

import glob
import os
import random

from solders.instruction import Instruction
from solders.pubkey import Pubkey

import oracle
from native_programs import *
from random_world import RandomWorld, main

SLOT = 500


def deployable_files():
    vectors = os.environ.get("ESTUARY_VECTORS", os.path.join(oracle.ROOT, "../shared/vectors"))
    files = [smallest_elf(), smallest_elf(7), smallest_elf(call=0x12345)]
    for path in sorted(glob.glob(os.path.join(vectors, "sbpf/bench/*.so"))):
        with open(path, "rb") as file:
            files.append(file.read())
    return files


class World(RandomWorld):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = oracle.Case()
        self.case.svm.warp_to_slot(SLOT)
        for sysvar in oracle.SYSVARS:
            self.case.adopt(Pubkey.from_string(sysvar))
        self.files = deployable_files()
        self.signers = {}
        self.wallets = [self.new_key() for _ in range(6)]
        for index, wallet in enumerate(self.wallets):
            self.case.fund(wallet, [10**15, 10**15, 10**14, 10**12, 10**9, 900_000][index])
        self.nonces = [self.make_nonce() for _ in range(24)]
        self.buffers = [self.make_buffer() for _ in range(90)]
        self.programs = [self.make_program() for _ in range(40)]
        self.blanks = [self.make_blank() for _ in range(50)]
        self.contexts = [self.make_context() for _ in range(12)]
        self.closed = set()
        self.deployed = []
        self.signed = [Ed25519Signature(bytes([n]) * n, bytes([n]) * 32) for n in range(1, 4)]
        self.signed_k1 = [Secp256k1Signature(bytes([n]) * n, 10**30 + n, 10**40 + n) for n in range(1, 4)]
        self.signed_r1 = [Secp256r1Signature(bytes([n]) * n, 10**30 + n, 10**40 + n) for n in range(1, 4)]

    # Accounts of the genesis.

    def make_nonce(self):
        r = self.random
        place, authority = self.new_key(), self.wallet()
        fresh = durable_nonce(self.case.svm.latest_blockhash())
        data = self.choose(
            nonce(1, authority, r.randbytes(32)), nonce(1, authority, r.randbytes(32)), nonce(0, authority, r.randbytes(32)),
            nonce(1, authority, fresh), bytes(80), nonce(r.randrange(4), authority, r.randbytes(32), state=r.randrange(4)),
        )  # fmt: skip
        self.case.put(place, account(rent(80) + self.choose(0, 5, 10**6), data))
        return place, authority

    def file(self):
        r = self.random
        content = r.choice(self.files)
        kind = r.randrange(24)
        if kind == 0:
            content = content[: r.randrange(len(content))]
        elif kind == 1:
            position = r.randrange(len(content))
            content = content[:position] + r.randbytes(1) + content[position + 1 :]
        elif kind == 2:
            position = r.randrange(min(len(content), 120))
            content = content[:position] + bytes([content[position] ^ (1 << r.randrange(8))]) + content[position + 1 :]
        elif kind == 3:
            content = content + r.randbytes(r.randrange(20))
        return content

    def make_buffer(self):
        place, authority = self.new_key(), self.wallet()
        content = self.choose(*[self.file() for _ in range(8)], b"")
        data = self.mostly(Loader.buffer(authority, content), Loader.buffer(None, content), bytes(37 + 200))
        self.case.put(place, account(rent(len(data)) + self.choose(0, 0, 10**8), data, LOADER_V3))
        return place, authority

    def make_program(self):
        place, authority = self.new_key(), self.wallet()
        programdata = Loader.programdata_of(place)
        body = self.random.choice(self.files) + bytes(self.choose(0, 50, 3000))
        data = Loader.programdata(self.choose(1, 1, 1, 1, SLOT), self.choose(*[authority] * 8, None), body)
        self.case.put(programdata, account(rent(len(data)) + self.choose(0, 10**7), data, LOADER_V3))
        self.case.put(place, account(rent(36), Loader.program(programdata), LOADER_V3, True))
        return place, programdata, authority

    def make_blank(self):
        """An account that may become a program."""
        place = self.new_key()
        length = self.choose(36, 36, 36, 36, 40, 35)
        self.case.put(place, account(rent(length) - self.choose(0, 0, 0, 0, 0, 1), bytes(length), LOADER_V3))
        return place

    def make_context(self):
        """An account with what a proof was about."""
        r = self.random
        place, authority = self.new_key(), self.wallet()
        data = bytes(authority) + u8(r.randrange(14)) + r.randbytes(self.choose(0, 32, 96))
        self.case.put(place, account(rent(len(data)), self.mostly(data, data[:32], b""), self.mostly(ZK_ELGAMAL, SYSTEM)))
        return place, authority

    # Instructions.

    def amount(self):
        r = self.random
        return r.choice([0, 1, 890880, 10**6, 10**7, 10**9, r.randrange(10**12), 2**64 - 1])

    def system(self):
        r = self.random
        a, b, new = self.wallet(), self.wallet(), self.new_key()
        owner = self.choose(SYSTEM, LOADER_V3, b)
        space = self.mostly(self.choose(0, 1, 36, 80, 200, 10240), 10 * 2**20 + 1)
        lamports = self.mostly(self.choose(rent(space), 10**9), 0, rent(0), 10**14)
        seed = self.mostly(self.choose(b"", b"seed", b"x" * 32, "é".encode()), b"y" * 33, b"\xff")
        try:
            derived = Pubkey.create_with_seed(a, seed.decode(), owner)
        except Exception:
            derived = b
        derived = self.mostly(derived, new)
        signs = self.mostly("s", "")
        data, accounts = self.choose(
            (System.transfer(self.amount()), [(a, "sw"), (self.choose(a, b, new), "w")]),
            (System.create(lamports, space, owner), [(a, "sw"), (self.choose(new, new, b), "w" + signs)]),
            (System.create_prefunded(lamports, space, owner), [(self.choose(new, new, b), "w" + signs), (a, "sw")]),
            (System.create_prefunded(self.choose(0, 5), space, owner), [(self.choose(new, b), "w" + signs)]),
            (System.create_with_seed(a, seed, lamports, space, owner), [(b, "sw"), (derived, "w"), (a, signs)]),
            (System.assign(owner), [(new, "sw")]),
            (System.allocate(space), [(new, "w" + signs)]),
            (System.allocate_with_seed(a, seed, space, owner), [(derived, "w"), (a, signs)]),
            (System.assign_with_seed(a, seed, owner), [(derived, "w"), (a, signs)]),
            (System.transfer_with_seed(self.amount(), seed, owner), [(derived, "w"), (a, signs), (b, "w")]),
        )
        if r.random() < 0.1:
            data += r.randbytes(r.randrange(40))
        return [instruction(SYSTEM, data, accounts)]

    def nonce(self):
        place, authority = self.random.choice(self.nonces)
        if self.chance(0.1):
            authority = self.wallet()
        a, signs = self.wallet(), self.mostly("s", "")
        data, accounts = self.choose(
            (System.advance(), [(place, "w"), (RECENT, ""), (authority, signs)]),
            (System.withdraw(self.choose(1, 5, 10**6, rent(80), rent(80) + 5, 2**64 - 1)),
             [(place, "w" + self.choose("s", "")), (a, "w"), (RECENT, ""), (RENT, ""), (authority, signs)]),
            (System.initialize(a), [(place, "w"), (RECENT, ""), (RENT, "")]),
            (System.authorize(authority), [(place, "w"), (authority, signs)]),
            (System.upgrade(), [(place, "w")]),
        )  # fmt: skip
        return [instruction(SYSTEM, data, accounts)]

    def buffer(self):
        place, authority = self.random.choice(self.buffers)
        a, signs = self.wallet(), self.mostly("s", "")
        kind = self.random.randrange(5)
        if kind == 0:
            new = self.new_key()
            size = self.choose(36, 37, 100, 600)
            self.buffers.append((new, a))
            return [
                instruction(SYSTEM, System.create(rent(size), size, LOADER_V3), [(self.wallets[0], "sw"), (new, "sw")]),
                instruction(LOADER_V3, Loader.initialize(), [(new, "w"), (a, "")]),
                instruction(LOADER_V3, Loader.write(self.choose(0, 1, 40), self.files[0]), [(new, "w"), (a, signs)]),
            ]
        data, accounts = (
            (Loader.write(self.mostly(self.choose(0, 3, 100), 2**32 - 1), self.random.randbytes(4)), [(place, "w"), (authority, signs)]),
            (Loader.set_authority(), [(place, "w"), (authority, signs), (a, "")][: self.mostly(3, 2)]),
            (Loader.set_authority_checked(), [(place, "w"), (authority, signs), (a, self.choose("s", ""))]),
            (Loader.close(), [(place, "w"), (self.mostly(a, place), "w"), (authority, signs)][: self.mostly(3, 2)]),
        )[kind - 1]
        return [instruction(LOADER_V3, data, accounts)]

    def deploy(self):
        place, authority = self.random.choice(self.buffers)
        program = self.random.choice(self.blanks)
        programdata = Loader.programdata_of(program)
        held = self.case.svm.get_account(place)
        size = max(0, len(held.data) - 37) if held else 100
        accounts = [
            (self.wallets[self.mostly(0, 5)], "sw"), (programdata, "w"), (program, "w"), (place, "w"),
            (RENT, ""), (CLOCK, ""), (SYSTEM, ""), (authority, self.mostly("s", "")),
        ]  # fmt: skip
        length = size + self.mostly(self.choose(0, 0, 10, 500), -1, 10**8)
        self.deployed.append((program, programdata, authority))
        deploying = [instruction(LOADER_V3, Loader.deploy(length), accounts)]
        return deploying + (self.call(program) if self.chance(0.1) else [])

    def living(self):
        known = self.deployed if self.deployed and self.chance(0.2) else self.programs
        return self.random.choice([entry for entry in known if entry[0] not in self.closed] or self.programs)

    def upgrade(self):
        program, programdata, authority = self.living()
        place, buffer_authority = self.random.choice(self.buffers)
        signer = self.choose(authority, buffer_authority)
        # Half of the time the buffer is handed to the program's authority first.
        hand_over = instruction(LOADER_V3, Loader.set_authority(), [(place, "w"), (buffer_authority, "s"), (authority, "")])
        if self.chance(0.6):
            signer = authority
        else:
            hand_over = None
        accounts = [
            (programdata, "w"), (program, "w"), (place, "w"), (self.mostly(self.wallet(), place, programdata), "w"),
            (RENT, ""), (CLOCK, ""), (signer, self.mostly("s", "")),
        ]  # fmt: skip
        upgrading = instruction(LOADER_V3, Loader.upgrade(), accounts)
        return ([hand_over] if hand_over else []) + [upgrading] + (self.call(program) if self.chance(0.1) else [])

    def manage(self):
        program, programdata, authority = self.living()
        a, signs = self.wallet(), self.mostly("s", "")
        kind = self.random.randrange(8)
        if kind < 3:
            count = self.mostly(self.choose(10240, 12000), 10239, 0, 1, 2**32 - 1)
            payer = self.wallets[self.mostly(0, 5)]
            accounts = [(programdata, "w"), (program, "w"), (SYSTEM, ""), (payer, "sw")][: self.choose(4, 4, 4, 2)]
            return [instruction(LOADER_V3, Loader.extend(count), accounts)] + self.call(program)[: self.choose(0, 0, 1)]
        if kind == 3:
            accounts = [(programdata, "w"), (authority, signs), (a, "")][: self.choose(2, 3, 3, 3)]
            return [instruction(LOADER_V3, Loader.set_authority(), accounts)]
        if kind == 4:
            accounts = [(programdata, "w"), (authority, signs), (a, self.choose("s", "s", ""))]
            return [instruction(LOADER_V3, Loader.set_authority_checked(), accounts)]
        if kind == 5 and self.chance(0.5):
            self.closed.add(program)
            accounts = [(programdata, "w"), (a, "w"), (authority, signs), (program, "w")]
            return [instruction(LOADER_V3, Loader.close(), accounts)]
        if kind == 6:
            return [instruction(self.choose(LOADER_V1, LOADER_V2), bytes(8), [(a, "w")])]
        return self.call(program)

    def call(self, program):
        return [instruction(program, u64(self.choose(1, 3, 50)), [])]

    def precompile(self):
        r = self.random
        kind = r.randrange(3)
        if kind == 0:
            s = r.choice(self.signed)
            program, data = ED25519, offsets_data(s.signature, s.key, s.message, source=self.mostly(THIS, 0, 1), count=self.choose(1, 1, 2))
        elif kind == 1:
            s = r.choice(self.signed_k1)
            encoded = self.choose(s.encode(), s.encode(s=K1.order - s.s, recovery=s.recovery ^ 1), self.mostly(s.encode(), s.encode(recovery=r.randrange(6))))
            program, data = SECP256K1, secp256k1_data(encoded, s.address, s.message, source=self.mostly(0, 1), count=self.choose(1, 1, 2))
        else:
            s = r.choice(self.signed_r1)
            encoded = self.mostly(s.encode(), s.encode(s=R1.order - s.s))
            program, data = SECP256R1, offsets_data(encoded, s.key, s.message, source=self.mostly(THIS, 0, 1), count=self.mostly(self.choose(1, 8), 9))
        if self.chance(0.2) and data:
            position = r.randrange(len(data))
            data = self.choose(data[:position], data[:position] + r.randbytes(1) + data[position + 1 :], data + b"\0")
        return [Instruction(program, data, [])]

    def close_context(self):
        place, authority = self.random.choice(self.contexts)
        data = self.mostly(u8(0), u8(0) + b"more", b"", u8(13), u8(255))
        accounts = [(place, "w"), (self.mostly(self.wallet(), place), "w"), (self.mostly(authority, self.wallet()), self.mostly("s", ""))]
        return [instruction(ZK_ELGAMAL, data, accounts)]

    def transaction(self):
        r = self.random
        kinds = [
            self.system, self.nonce, self.buffer, self.deploy, self.upgrade, self.manage, self.precompile, self.close_context,
        ]  # fmt: skip
        instructions = []
        for _ in range(self.choose(1, 1, 1, 1, 2, 3)):
            instructions += r.choices(kinds, [3, 2, 2, 2, 2, 3, 2, 0.7])[0]()
        if self.chance(0.15):
            at = r.randrange(len(instructions))
            instructions[at] = self.damaged(instructions[at])
        if self.chance(0.1):
            limit = u8(2) + u32(self.choose(100, 150, 2370, 2519, 2520, 3299, 3300, 5000))
            instructions.insert(0, Instruction(COMPUTE_BUDGET, limit, []))
        return self.signed_transaction(instructions)


if __name__ == "__main__":
    main(World, transactions=300, rounds=4)
