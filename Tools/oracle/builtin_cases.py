"""Writes Tests/Cases/builtins.jsonl: one instruction of a native program a line and what LiteSVM made of it.

    builtin_cases.py [OUTPUT]

A line holds the accounts, the instruction and the slot, and LiteSVM's error, compute units, logs and post-accounts.
An error that is not the instruction's (rent of an account, say) leaves `checked` false: the instruction itself passed.
"""

import json
import os
import random
import sys

from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

import oracle
from native_programs import *
from vote_states import *
from zk_proofs import Prover

PAYER, A, B, C = key("payer"), key("a"), key("b"), key("c")
FOREIGN = key("foreign program")
LAMPORTS = 10**9
OLD = bytes(range(32))
SEED = b"seed"


class Writer:
    def __init__(self, path):
        self.file = open(path, "w")
        self.count = 0
        self.failed = 0

    def case(self, name, program, data, accounts, state=None, slot=100):
        svm = LiteSVM().with_sigverify(False).with_transaction_history(0)
        svm.warp_to_slot(slot)
        state = {PAYER: account(10**12), **(state or {})}
        for pubkey, value in state.items():
            svm.set_account(pubkey, value)
        message = Message.new_with_blockhash([instruction(program, data, accounts)], PAYER, svm.latest_blockhash())
        # Nobody checks them; without any the transaction would count as turned away.
        signatures = [Signature(bytes([1]) * 64)] * message.header.num_required_signatures
        outcome = oracle.litesvm_result(svm.send_transaction(VersionedTransaction.populate(message, signatures)))
        error = outcome["error"]
        instruction_error = isinstance(error, dict) and "InstructionError" in error
        post = {}
        for pubkey in dict.fromkeys(pubkey for pubkey, _ in accounts):
            found = svm.get_account(pubkey)
            post[str(pubkey)] = None if found is None else self.encode(found)
        if PAYER in (pubkey for pubkey, _ in accounts) and error is None:
            post[str(PAYER)]["lamports"] += outcome["fee"]  # the table knows no fees
        line = {
            "name": name,
            "slot": slot,
            "blockhash": str(svm.latest_blockhash()),
            "program": str(program),
            "data": data.hex(),
            "accounts": [[str(pubkey), flags] for pubkey, flags in accounts],
            "state": {str(pubkey): self.encode(value) for pubkey, value in state.items()},
            "error": error["InstructionError"][1] if instruction_error else None,
            "checked": error is None or instruction_error,
            "computeUnits": outcome["computeUnits"],
            "logs": outcome["logs"],
            "post": post if error is None else {},
        }
        self.file.write(json.dumps(line) + "\n")
        self.count += 1
        self.failed += error is not None

    def encode(self, value):
        return {
            "lamports": value.lamports,
            "data": bytes(value.data).hex(),
            "owner": str(value.owner),
            "executable": value.executable,
        }


def system_cases(write):
    case = lambda name, data, accounts, state=None: write.case("system " + name, SYSTEM, data, accounts, state)
    pair = [(PAYER, "sw"), (A, "sw")]
    case("create", System.create(10**7, 10, C), pair)
    case("create without owner change", System.create(10**7, 3, SYSTEM), pair)
    case("create trailing bytes", System.create(10**7, 10, C) + bytes(9), pair)
    case("create in use", System.create(1, 0, C), pair, {A: account(10**6)})
    case("create unsigned", System.create(10**7, 0, C), [(PAYER, "sw"), (A, "w")])
    case("create payer unsigned", System.create(10**6, 0, C), [(B, "w"), (A, "sw")], {B: account(LAMPORTS)})
    case("create too large", System.create(1, 10 * 2**20 + 1, C), pair)
    case("create beyond means", System.create(LAMPORTS + 1, 0, C), [(B, "sw"), (A, "sw")], {B: account(LAMPORTS)})
    case("create without target", System.create(1, 0, C), pair[:1])
    case("create short", System.create(10**7, 0, C)[:-1], pair)
    case("create of the payer", System.create(10**7, 0, C), [(PAYER, "sw"), (PAYER, "sw")])
    case("create read-only", System.create(10**7, 0, C), [(PAYER, "sw"), (A, "s")])
    case("create payer with data", System.create(10**7, 0, C), [(B, "sw"), (A, "sw")], {B: account(LAMPORTS, b"1")})
    derived = Pubkey.create_with_seed(PAYER, SEED.decode(), C)
    stranger = Pubkey.create_with_seed(B, SEED.decode(), C)
    seeded = lambda base, seed, owner=C: System.create_with_seed(base, seed, 10**7, 3, owner)
    case("create with seed", seeded(PAYER, SEED), [(PAYER, "sw"), (derived, "w")])
    case("create with seed, other address", seeded(PAYER, SEED), [(PAYER, "sw"), (A, "w")])
    case("create with seed too long", seeded(PAYER, b"x" * 33), [(PAYER, "sw"), (A, "w")])
    case("create with seed not UTF-8", seeded(PAYER, b"\xff\xfe"), [(PAYER, "sw"), (A, "w")])
    case("create with seed, base unsigned", seeded(B, SEED), [(PAYER, "sw"), (stranger, "w")])
    case("create with seed in use", seeded(B, SEED), [(PAYER, "sw"), (stranger, "w")], {stranger: account(10**7)})
    marked = Pubkey(b"x" * 11 + b"ProgramDerivedAddress")
    case("create with seed, owner marked", seeded(PAYER, SEED, marked), [(PAYER, "sw"), (A, "w")])
    case("create with seed, endless seed", u32(3) + bytes(PAYER) + u64(2**63) + SEED, [(PAYER, "sw"), (A, "w")])
    funded = {A: account(LAMPORTS)}
    case("assign", System.assign(C), [(A, "sw")], funded)
    case("assign unsigned", System.assign(C), [(A, "w")], funded)
    case("assign the same owner unsigned", System.assign(SYSTEM), [(A, "")], funded)
    case("assign read-only", System.assign(C), [(A, "s")], funded)
    case("assign foreign", System.assign(C), [(A, "sw")], {A: account(LAMPORTS, b"", B)})
    case("assign with zero data", System.assign(C), [(A, "sw")], {A: account(LAMPORTS, bytes(4))})
    case("assign with data", System.assign(C), [(A, "sw")], {A: account(LAMPORTS, b"\0\1")})
    case("assign nothing", System.assign(C), [])
    to_b = [(A, "sw"), (B, "w")]
    case("transfer", System.transfer(10**7), to_b, funded)
    case("transfer everything", System.transfer(LAMPORTS), to_b, funded)
    case("transfer nothing", System.transfer(0), to_b, funded)
    case("transfer to itself", System.transfer(5), [(A, "sw"), (A, "sw")], funded)
    case("transfer beyond means", System.transfer(LAMPORTS + 1), to_b, funded)
    case("transfer unsigned", System.transfer(5), [(A, "w"), (B, "w")], funded)
    case("transfer with data", System.transfer(5), to_b, {A: account(LAMPORTS, b"1")})
    case("transfer foreign", System.transfer(5), to_b, {A: account(LAMPORTS, b"", C)})
    case("transfer nothing foreign", System.transfer(0), to_b, {A: account(LAMPORTS, b"", C), B: account(LAMPORTS)})
    case("transfer from read-only", System.transfer(5), [(A, "s"), (B, "w")], funded)
    case("transfer to read-only", System.transfer(5), [(A, "sw"), (B, "")], funded)
    case("transfer nothing to read-only", System.transfer(0), [(A, "sw"), (B, "")], funded)
    case("transfer overflows", System.transfer(10**6), to_b, {A: account(LAMPORTS), B: account(2**64 - 1)})
    case("transfer to nobody", System.transfer(5), to_b[:1], funded)
    case("transfer short", System.transfer(5)[:-1], to_b, funded)
    own = Pubkey.create_with_seed(B, SEED.decode(), SYSTEM)
    three = [(own, "w"), (B, "s"), (A, "w")]
    both = {own: account(LAMPORTS), A: account(LAMPORTS)}
    case("transfer with seed", System.transfer_with_seed(5, SEED, SYSTEM), three, both)
    case("transfer with seed, base unsigned", System.transfer_with_seed(5, SEED, SYSTEM), [(own, "w"), (B, ""), (A, "w")], both)
    case("transfer with seed, other address", System.transfer_with_seed(5, SEED, C), three, both)
    case("transfer with seed too long", System.transfer_with_seed(5, b"y" * 40, SYSTEM), three, both)
    case("transfer with seed beyond means", System.transfer_with_seed(LAMPORTS + 1, SEED, SYSTEM), three, both)
    case("transfer with seed, two accounts", System.transfer_with_seed(5, SEED, SYSTEM), three[:2], both)
    case("allocate", System.allocate(5), [(A, "sw")], funded)
    case("allocate nothing", System.allocate(0), [(A, "sw")], funded)
    case("allocate unsigned", System.allocate(5), [(A, "w")], funded)
    case("allocate in use", System.allocate(5), [(A, "sw")], {A: account(LAMPORTS, b"1")})
    case("allocate foreign", System.allocate(5), [(A, "sw")], {A: account(LAMPORTS, b"", B)})
    case("allocate too much", System.allocate(2**40), [(A, "sw")], funded)
    case("allocate read-only", System.allocate(5), [(A, "s")], funded)
    held = {derived: account(LAMPORTS), stranger: account(LAMPORTS)}
    case("allocate with seed", System.allocate_with_seed(PAYER, SEED, 7, C), [(derived, "w"), (PAYER, "s")], held)
    case("allocate with seed, base unsigned", System.allocate_with_seed(B, SEED, 7, C), [(stranger, "w")], held)
    case("allocate with seed, other address", System.allocate_with_seed(B, SEED, 7, C), [(A, "w"), (B, "s")], funded)
    case("assign with seed", System.assign_with_seed(PAYER, SEED, C), [(derived, "w"), (PAYER, "s")], held)
    case("assign with seed, base unsigned", System.assign_with_seed(B, SEED, C), [(stranger, "w")], held)
    case("assign with seed, other address", System.assign_with_seed(B, SEED, C), [(A, "w"), (B, "s")], funded)
    case("create prefunded", System.create_prefunded(5, 9, C), [(A, "sw"), (PAYER, "sw")], funded)
    case("create prefunded without payer", System.create_prefunded(0, 9, C), [(A, "sw")], funded)
    case("create prefunded, payer missing", System.create_prefunded(5, 9, C), [(A, "w")], funded)
    case("create prefunded unsigned", System.create_prefunded(5, 9, C), [(A, "w"), (PAYER, "sw")], funded)
    case("create prefunded in use", System.create_prefunded(5, 9, C), [(A, "sw"), (PAYER, "sw")], {A: account(LAMPORTS, b"1")})
    case("create prefunded, payer unsigned", System.create_prefunded(5, 9, C), [(A, "sw"), (B, "w")], {**funded, B: account(LAMPORTS)})
    case("unknown instruction", u32(14) + bytes(80), [(A, "w")])
    case("short number", b"\2\0", [(A, "w")])
    case("no data", b"", [(A, "w")])


def nonce_cases(write):
    case = lambda name, data, accounts, state=None: write.case("nonce " + name, SYSTEM, data, accounts, state)
    N = key("nonce")
    fresh = durable_nonce(LiteSVM().latest_blockhash())
    held = lambda data, owner=SYSTEM, lamports=LAMPORTS: {N: account(lamports, data, owner), B: account(LAMPORTS)}
    current = nonce(1, A, OLD)
    advance = [(N, "w"), (RECENT, ""), (A, "s")]
    case("advance", System.advance(), advance, held(current))
    case("advance legacy", System.advance(), advance, held(nonce(0, A, OLD)))
    case("advance longer account", System.advance(), advance, held(current + b"zz"))
    case("advance twice", System.advance(), advance, held(nonce(1, A, fresh)))
    case("advance unsigned", System.advance(), [(N, "w"), (RECENT, ""), (A, "")], held(current))
    case("advance read-only", System.advance(), [(N, ""), (RECENT, ""), (A, "s")], held(current))
    case("advance uninitialised", System.advance(), advance, held(bytes(80)))
    case("advance short account", System.advance(), advance, held(bytes(3)))
    case("advance unknown version", System.advance(), advance, held(nonce(2, A, OLD)))
    case("advance unknown state", System.advance(), advance, held(nonce(1, A, OLD, state=2)))
    case("advance cut account", System.advance(), advance, held(current[:79]))
    case("advance other sysvar", System.advance(), [(N, "w"), (RENT, ""), (A, "s")], held(current))
    case("advance no sysvar", System.advance(), [(N, "w")], held(current))
    case("advance foreign", System.advance(), advance, held(current, FOREIGN))
    withdraw = [(N, "w"), (B, "w"), (RECENT, ""), (RENT, ""), (A, "s")]
    case("withdraw some", System.withdraw(5), withdraw, held(current))
    case("withdraw all", System.withdraw(LAMPORTS), withdraw, held(current))
    case("withdraw all to itself", System.withdraw(LAMPORTS), [(N, "w"), (N, "w"), *withdraw[2:]], held(current))
    case("withdraw all too early", System.withdraw(LAMPORTS), withdraw, held(nonce(1, A, fresh)))
    case("withdraw below the reserve", System.withdraw(LAMPORTS - 1), withdraw, held(current))
    case("withdraw overflows", System.withdraw(2**64 - 1), withdraw, held(current))
    case("withdraw unsigned", System.withdraw(5), [*withdraw[:4], (A, "")], held(current))
    case("withdraw read-only", System.withdraw(5), [(N, ""), *withdraw[1:]], held(current))
    case("withdraw uninitialised", System.withdraw(5), [(N, "sw"), *withdraw[1:4]], held(bytes(80)))
    case("withdraw uninitialised unsigned", System.withdraw(5), withdraw[:4], held(bytes(80)))
    case("withdraw uninitialised too much", System.withdraw(LAMPORTS + 1), [(N, "sw"), *withdraw[1:4]], held(bytes(80)))
    case("withdraw other sysvar", System.withdraw(5), [*withdraw[:3], (CLOCK, ""), (A, "s")], held(current))
    case("withdraw three accounts", System.withdraw(5), withdraw[:3], held(current))
    case("withdraw no state", System.withdraw(5), [(N, "sw"), *withdraw[1:4]], held(b""))
    initialize = [(N, "w"), (RECENT, ""), (RENT, "")]
    case("initialize", System.initialize(A), initialize, held(bytes(80)))
    case("initialize over rubbish", System.initialize(A), initialize, held(u32(1) + u32(0) + b"x" * 72))
    case("initialize again", System.initialize(A), initialize, held(current))
    case("initialize poor", System.initialize(A), initialize, held(bytes(80), lamports=rent(80) - 1))
    case("initialize read-only", System.initialize(A), [(N, ""), *initialize[1:]], held(bytes(80)))
    case("initialize small", System.initialize(A), initialize, held(bytes(79)))
    case("initialize no state", System.initialize(A), initialize, held(b""))
    case("initialize foreign", System.initialize(A), initialize, held(bytes(80), FOREIGN))
    case("initialize other sysvar", System.initialize(A), [(N, "w"), (RECENT, ""), (CLOCK, "")], held(bytes(80)))
    authorize = [(N, "w"), (A, "s")]
    case("authorize", System.authorize(B), authorize, held(nonce(1, A, OLD, 7)))
    case("authorize legacy", System.authorize(B), authorize, held(nonce(0, A, OLD, 7)))
    case("authorize unsigned", System.authorize(B), [(N, "w"), (A, "")], held(current))
    case("authorize uninitialised", System.authorize(B), authorize, held(bytes(80)))
    case("authorize read-only", System.authorize(B), [(N, ""), (A, "s")], held(current))
    case("upgrade", System.upgrade(), [(N, "w")], held(nonce(0, A, OLD, 7)))
    case("upgrade current", System.upgrade(), [(N, "w")], held(current))
    case("upgrade uninitialised", System.upgrade(), [(N, "w")], held(bytes(80)))
    case("upgrade read-only", System.upgrade(), [(N, "")], held(nonce(0, A, OLD)))
    case("upgrade foreign", System.upgrade(), [(N, "w")], held(nonce(0, A, OLD), FOREIGN))


class LoaderWorld:
    """A program, its program data and a buffer with a new version."""

    program, buffer, authority, spill = key("program"), key("buffer"), key("authority"), key("spill")
    programdata = Loader.programdata_of(program)
    elf, newer = smallest_elf(), smallest_elf(7)

    def owned(self, data, lamports=10**10, executable=False):
        return account(lamports, data, LOADER_V3, executable)

    def deployed(self, **changes):
        state = {
            "program": self.owned(Loader.program(self.programdata), rent(36), True),
            "programdata": self.owned(Loader.programdata(1, self.authority, self.elf + b"\7" * 60), 6 * 10**6),
            "buffer": self.owned(Loader.buffer(self.authority, self.newer)),
            "spill": account(10**6),
            **changes,
        }
        return {getattr(self, name) if isinstance(name, str) else name: value for name, value in state.items()}

    def fresh(self, **changes):
        state = {
            "program": self.owned(Loader.uninitialized(36), rent(36)),
            "buffer": self.owned(Loader.buffer(self.authority, self.elf)),
            **changes,
        }
        return {getattr(self, name): value for name, value in state.items()}


def buffer_cases(write):
    case = lambda name, *rest, **options: write.case("loader " + name, LOADER_V3, *rest, **options)
    world = LoaderWorld()
    X, Y = world.buffer, world.authority
    start = [(X, "w"), (Y, "")]
    owned = world.owned
    case("initialize buffer", Loader.initialize(), start, {X: owned(bytes(100))})
    case("initialize small buffer", Loader.initialize(), start, {X: owned(bytes(36))})
    case("initialize buffer again", Loader.initialize(), start, {X: owned(Loader.buffer(Y))})
    case("initialize empty account", Loader.initialize(), start, {X: owned(b"")})
    case("initialize unknown state", Loader.initialize(), start, {X: owned(u32(9) + bytes(60))})
    case("initialize read-only", Loader.initialize(), [(X, ""), (Y, "")], {X: owned(bytes(100))})
    case("initialize foreign", Loader.initialize(), start, {X: account(LAMPORTS, bytes(100))})
    case("initialize without authority", Loader.initialize(), start[:1], {X: owned(bytes(100))})
    signed = [(X, "w"), (Y, "s")]
    ten = {X: owned(Loader.buffer(Y, bytes(10)))}
    case("write", Loader.write(3, b"abc"), signed, ten)
    case("write nothing", Loader.write(10, b""), signed, ten)
    case("write beyond", Loader.write(8, b"abc"), signed, ten)
    case("write far beyond", Loader.write(2**32 - 1, b"abc"), signed, ten)
    case("write immutable", Loader.write(3, b"abc"), signed, {X: owned(Loader.buffer(None, bytes(10)))})
    case("write other authority", Loader.write(3, b"abc"), [(X, "w"), (B, "s")], ten)
    case("write unsigned", Loader.write(3, b"abc"), [(X, "w"), (Y, "")], ten)
    case("write no buffer", Loader.write(3, b"abc"), signed, {X: owned(bytes(100))})
    case("write read-only", Loader.write(3, b"abc"), [(X, ""), (Y, "s")], ten)
    case("write foreign", Loader.write(3, b"abc"), signed, {X: account(LAMPORTS, Loader.buffer(Y, bytes(10)))})
    case("write bad option", Loader.write(3, b"abc"), signed, {X: owned(u32(1) + b"\2" + bytes(50))})
    case("write cut", u32(1) + u32(0) + u64(10) + b"abc", signed, ten)
    case("unknown instruction", u32(10) + bytes(50), signed, ten)
    case("migrate", u32(8), signed, ten)
    case("extend with authority", u32(9) + u32(10240), signed, ten)
    case("no data", b"", signed, ten)


def deploy_cases(write):
    world = LoaderWorld()
    elf, owned, fresh = world.elf, world.owned, world.fresh
    size = len(elf)

    def case(name, length=size, state=None, drop=0, **replaced):
        accounts = [
            (PAYER, "sw"), (world.programdata, "w"), (world.program, "sw"), (world.buffer, "w"),
            (RENT, ""), (CLOCK, ""), (SYSTEM, ""), (world.authority, "s"),
        ]  # fmt: skip
        for index, entry in replaced.items():
            accounts[int(index[1:])] = entry
        accounts = accounts[: len(accounts) - drop]
        write.case("deploy " + name, LOADER_V3, Loader.deploy(length), accounts, state or fresh())

    case("program")
    case("with room", size + 50)
    case("without program signature", _2=(world.program, "w"))
    case("seven accounts", drop=1)
    case("three accounts", drop=5)
    case("initialised program", state=fresh(program=owned(Loader.program(world.programdata))))
    case("small program", state=fresh(program=owned(bytes(35))))
    case("poor program", state=fresh(program=owned(bytes(36), rent(36) - 1)))
    case("other authority", _7=(B, "s"))
    case("unsigned authority", _7=(world.authority, ""))
    case("no buffer", state=fresh(buffer=owned(bytes(300))))
    case("empty buffer", state=fresh(buffer=owned(Loader.buffer(world.authority))))
    case("immutable buffer", state=fresh(buffer=owned(Loader.buffer(None, elf))))
    case("too short", size - 1)
    case("too long", 10 * 2**20)
    case("endless", 2**64 - 1)
    case("other program data", _1=(B, "w"))
    case("read-only payer", state={**fresh(), A: account(LAMPORTS)}, _0=(A, "s"))
    case("unsigned payer", state={**fresh(), A: account(LAMPORTS)}, _0=(A, "w"))
    poor = fresh(buffer=owned(Loader.buffer(world.authority, elf), 10**5))
    case("poor payer", state={**poor, A: account(10**5)}, _0=(A, "sw"))
    case("program data in use", state={**fresh(), world.programdata: account(LAMPORTS)})
    case("no system program", _6=(B, ""))
    case("other rent sysvar", _4=(CLOCK, ""))
    case("other clock sysvar", _5=(RENT, ""))
    case("read-only buffer", _3=(world.buffer, ""))
    case("read-only program", _2=(world.program, "s"))
    case("read-only program data", _1=(world.programdata, ""))
    case("payer is the buffer", _0=(world.buffer, "sw"))
    damaged = lambda file: fresh(buffer=owned(Loader.buffer(world.authority, file)))
    case("zeroes", state=damaged(bytes(size)))
    case("cut file", state=damaged(elf[:-1]))
    case("one byte", state=damaged(b"\x7f"))
    case("unknown opcode", state=damaged(smallest_elf(opcode=0xEE)))
    case("unknown version", state=damaged(smallest_elf(version=4)))
    case("unknown syscall", state=damaged(smallest_elf(call=0x12345)), length=size + 8)
    case("wrong entry", state=damaged(elf[:24] + u64(0x1_0000_0010) + elf[32:]))


def upgrade_cases(write):
    world = LoaderWorld()
    owned, deployed = world.owned, world.deployed

    def case(name, state=None, drop=0, slot=100, **replaced):
        accounts = [
            (world.programdata, "w"), (world.program, "w"), (world.buffer, "w"), (world.spill, "w"),
            (RENT, ""), (CLOCK, ""), (world.authority, "s"),
        ]  # fmt: skip
        for index, entry in replaced.items():
            accounts[int(index[1:])] = entry
        accounts = accounts[: len(accounts) - drop]
        write.case("upgrade " + name, LOADER_V3, Loader.upgrade(), accounts, state or deployed(), slot=slot)

    case("program")
    case("program not marked executable", deployed(program=owned(Loader.program(world.programdata))))
    case("six accounts", drop=1)
    case("two accounts", drop=5)
    case("read-only program", _1=(world.program, ""))
    case("foreign program", deployed(program=account(LAMPORTS, Loader.program(world.programdata), FOREIGN)))
    case("other program", deployed(program=owned(Loader.program(B))))
    case("no program", deployed(program=owned(bytes(36))))
    case("other authority", _6=(B, "s"))
    case("unsigned", _6=(world.authority, ""))
    case("no buffer", deployed(buffer=owned(bytes(40))))
    case("empty buffer", deployed(buffer=owned(Loader.buffer(world.authority))))
    case("no room", deployed(programdata=owned(Loader.programdata(1, world.authority, world.elf[:-1]))))
    case("poor", deployed(
        programdata=owned(Loader.programdata(1, world.authority, bytes(10**4)), 10**6),
        buffer=owned(Loader.buffer(world.authority, world.elf), 10**6),
    ))  # fmt: skip
    case("in the same slot", deployed(programdata=owned(Loader.programdata(100, world.authority, world.elf))))
    case("immutable", deployed(programdata=owned(Loader.programdata(1, None, world.elf))))
    case("of another's program", deployed(programdata=owned(Loader.programdata(1, B, world.elf))))
    case("no program data", deployed(programdata=owned(bytes(300))))
    case("damaged file", deployed(buffer=owned(Loader.buffer(world.authority, smallest_elf(opcode=0xEE)))))
    case("spill into program data", _3=(world.programdata, "w"))
    case("spill into buffer", _3=(world.buffer, "w"))
    case("read-only spill", _3=(world.spill, ""))
    case("read-only buffer", _2=(world.buffer, ""))
    case("read-only program data", _0=(world.programdata, ""))
    case("other sysvar", _5=(RENT, ""))


def authority_cases(write):
    world = LoaderWorld()
    owned, deployed = world.owned, world.deployed
    Y = world.authority
    case = lambda name, data, accounts, state: write.case("authority " + name, LOADER_V3, data, accounts, state)
    places = [("buffer", world.buffer, "buffer"), ("program data", world.programdata, "programdata")]
    for data, flags, name in ((Loader.set_authority(), "", "set"), (Loader.set_authority_checked(), "s", "set checked")):
        for label, place, field in places:
            fixed = owned(Loader.buffer(None, b"") if field == "buffer" else Loader.programdata(1, None))
            case(f"{name} of {label}", data, [(place, "w"), (Y, "s"), (B, flags)], deployed())
            case(f"{name} of {label}, none", data, [(place, "w"), (Y, "s")], deployed())
            case(f"{name} of {label}, unsigned", data, [(place, "w"), (Y, ""), (B, flags)], deployed())
            case(f"{name} of {label}, successor unsigned", data, [(place, "w"), (Y, "s"), (B, "")], deployed())
            case(f"{name} of {label}, other authority", data, [(place, "w"), (C, "s"), (B, flags)], deployed())
            case(f"{name} of {label}, immutable", data, [(place, "w"), (Y, "s"), (B, flags)], deployed(**{field: fixed}))
            case(f"{name} of {label}, read-only", data, [(place, ""), (Y, "s"), (B, flags)], deployed())
        case(f"{name} of program", data, [(world.program, "w"), (Y, "s"), (B, flags)], deployed())
        case(f"{name} of nothing", data, [(world.buffer, "w")], deployed())
        case(f"{name} of uninitialised", data, [(world.buffer, "w"), (Y, "s"), (B, flags)], deployed(buffer=owned(bytes(99))))


def close_cases(write):
    world = LoaderWorld()
    owned, deployed = world.owned, world.deployed
    X, D, S, Y, P = world.buffer, world.programdata, world.spill, world.authority, world.program
    case = lambda name, accounts, state=None: write.case("close " + name, LOADER_V3, Loader.close(), accounts, state or deployed())
    case("uninitialised", [(X, "w"), (S, "w")], deployed(buffer=owned(bytes(100))))
    case("into itself", [(X, "w"), (X, "w")])
    case("buffer", [(X, "w"), (S, "w"), (Y, "s")])
    case("buffer without authority", [(X, "w"), (S, "w")])
    case("buffer, other authority", [(X, "w"), (S, "w"), (B, "s")])
    case("buffer, unsigned", [(X, "w"), (S, "w"), (Y, "")])
    case("buffer, immutable", [(X, "w"), (S, "w"), (Y, "s")], deployed(buffer=owned(Loader.buffer(None, world.elf))))
    case("buffer, read-only recipient", [(X, "w"), (S, ""), (Y, "s")])
    case("buffer, read-only", [(X, ""), (S, "w"), (Y, "s")])
    case("program", [(D, "w"), (S, "w"), (Y, "s"), (P, "w")])
    case("program, three accounts", [(D, "w"), (S, "w"), (Y, "s")])
    case("program, read-only", [(D, "w"), (S, "w"), (Y, "s"), (P, "")])
    case("program, foreign", [(D, "w"), (S, "w"), (Y, "s"), (P, "w")], deployed(program=account(LAMPORTS, Loader.program(D), FOREIGN)))
    case("program in the same slot", [(D, "w"), (S, "w"), (Y, "s"), (P, "w")], deployed(programdata=owned(Loader.programdata(100, Y, world.elf))))
    case("program of other data", [(D, "w"), (S, "w"), (Y, "s"), (P, "w")], deployed(program=owned(Loader.program(B))))
    case("program data with a buffer", [(D, "w"), (S, "w"), (Y, "s"), (X, "w")])
    case("program, immutable", [(D, "w"), (S, "w"), (Y, "s"), (P, "w")], deployed(programdata=owned(Loader.programdata(1, None, world.elf))))
    case("program, other authority", [(D, "w"), (S, "w"), (B, "s"), (P, "w")])
    case("program data as its program", [(D, "w"), (S, "w"), (Y, "s"), (D, "w")])
    case("program account", [(P, "w"), (S, "w"), (Y, "s")])
    case("foreign", [(X, "w"), (S, "w"), (Y, "s")], deployed(buffer=account(LAMPORTS, Loader.buffer(Y, world.elf))))
    case("one account", [(X, "w")])


def extend_cases(write):
    world = LoaderWorld()
    owned, deployed = world.owned, world.deployed
    D, P, Y = world.programdata, world.program, world.authority
    length = len(deployed()[D].data)

    def case(name, count=10240, state=None, drop=0, **replaced):
        accounts = [(D, "w"), (P, "w"), (SYSTEM, ""), (PAYER, "sw")]
        for index, entry in replaced.items():
            accounts[int(index[1:])] = entry
        accounts = accounts[: len(accounts) - drop]
        write.case("extend " + name, LOADER_V3, Loader.extend(count), accounts, state or deployed())

    case("program")
    case("by nothing", 0)
    case("by too little", 10239)
    case("beyond what fits a number", 2**32 - 1)
    case("beyond the largest account", 10 * 2**20 - length + 1)
    case("without payer", state=deployed(programdata=owned(Loader.programdata(1, Y, world.elf), 10**11)), drop=2)
    case("payer missing", drop=2)
    case("payer unsigned", state={**deployed(), A: account(10**11)}, _3=(A, "w"))
    case("payer poor", state={**deployed(), A: account(10**6)}, _3=(A, "sw"))
    case("foreign data", state=deployed(programdata=account(LAMPORTS, Loader.programdata(1, Y, world.elf))))
    case("read-only data", _0=(D, ""))
    case("read-only program", _1=(P, ""))
    case("foreign program", state=deployed(program=account(LAMPORTS, Loader.program(D))))
    case("other program", state=deployed(program=owned(Loader.program(B))))
    case("no program", state=deployed(program=owned(bytes(36))))
    case("data twice", _1=(D, "w"))
    case("in the same slot", state=deployed(programdata=owned(Loader.programdata(100, Y, world.elf))))
    case("immutable", state=deployed(programdata=owned(Loader.programdata(1, None, world.elf))))
    case("no program data", state=deployed(programdata=owned(bytes(700))))
    case("damaged file", state=deployed(programdata=owned(Loader.programdata(1, Y, bytes(700)))))
    case("nothing", drop=4)


def precompile_cases(write):
    message = b"hello world"
    ed = Ed25519Signature(message)
    case = lambda name, data: write.case("ed25519 " + name, ED25519, data, [])
    good = lambda **o: offsets_data(ed.signature, ed.key, message, **o)
    case("good", good())
    case("good by index", good(source=0))
    case("good twice", good(count=2))
    case("second byte set", good(second_byte=9))
    case("trailing bytes", good() + b"12345")
    case("none", b"\0\0")
    case("none and more", b"\0\0\0")
    case("empty", b"")
    case("one byte", b"\0")
    case("offsets cut", b"\1\0" + bytes(13))
    case("other instruction", good(source=1))
    case("message cut", good()[:-1])
    case("wrong message", good()[:-1] + b"D")
    case("key not a point", offsets_data(ed.signature, b"\2" + bytes(31), message))
    case("key of small order", offsets_data(ed.signature, b"\1" + bytes(31), message))
    case("key not canonical", offsets_data(ed.signature, b"\xee" + b"\xff" * 30 + b"\x7f", message))
    case("scalar too large", offsets_data(ed.signature[:63] + b"\x1f", ed.key, message))
    case("scalar far too large and no point", offsets_data(ed.signature[:63] + b"\xff", b"\2" + bytes(31), message))
    case("no point and message cut", offsets_data(ed.signature, b"\2" + bytes(31), message)[:-1])
    order = 2**252 + 27742317777372353535851937790883648493
    shifted = (int.from_bytes(ed.signature[32:], "little") + order).to_bytes(32, "little")
    case("malleated", offsets_data(ed.signature[:32] + shifted, ed.key, message))
    k1 = Secp256k1Signature(message)
    case = lambda name, data: write.case("secp256k1 " + name, SECP256K1, data, [])
    good = lambda sig=k1.encode(), **o: secp256k1_data(sig, k1.address, message, **o)
    case("good", good())
    case("trailing bytes", good() + b"extra")
    case("high s", good(k1.encode(s=K1.order - k1.s, recovery=k1.recovery ^ 1)))
    case("twice", good(count=2))
    empty = Secp256k1Signature(b"")
    case("empty message", secp256k1_data(empty.encode(), empty.address, b""))
    case("none", b"\0")
    case("none and more", b"\0\0")
    case("empty", b"")
    case("offsets cut", b"\1" + bytes(10))
    case("recovery id 4", good(k1.encode(recovery=4)))
    case("recovery id 2", good(k1.encode(recovery=k1.recovery + 2)))
    case("other recovery id", good(k1.encode(recovery=k1.recovery ^ 1)))
    case("r zero", good(k1.encode(r=0)))
    case("s zero", good(k1.encode(s=0)))
    case("r is the order", good(k1.encode(r=K1.order)))
    case("r is the order, recovery id 9", good(k1.encode(r=K1.order, recovery=9)))
    case("r zero, recovery id 9", good(k1.encode(r=0, recovery=9)))
    case("other address", secp256k1_data(k1.encode(), bytes(20), message))
    case("signature elsewhere", good(source=1))
    case("address elsewhere", good(address_source=5))
    case("message elsewhere", good(message_source=5))
    case("message cut", good()[:-1])
    case("signature cut", secp256k1_data(k1.encode(), k1.address, b"")[:-1])
    r1 = Secp256r1Signature(message)
    case = lambda name, data: write.case("secp256r1 " + name, SECP256R1, data, [])
    good = lambda sig=r1.encode(), pub=r1.key, **o: offsets_data(sig, pub, message, **o)
    case("good", good())
    case("good by index", good(source=0))
    case("eight", good(count=8))
    case("nine", good(count=9))
    case("none", b"\0\0")
    case("empty", b"")
    case("one byte", b"\1")
    case("offsets cut", b"\1\0" + bytes(13))
    case("other instruction", good(source=1))
    case("high s", good(r1.encode(s=R1.order - r1.s)))
    case("r zero", good(r1.encode(r=0)))
    case("r is the order", good(r1.encode(r=R1.order)))
    case("s zero", good(r1.encode(s=0)))
    case("key too large", good(pub=b"\2" + b"\xff" * 32))
    case("key tag 5", good(pub=b"\5" + r1.key[1:]))
    case("key zero", good(pub=bytes(33)))
    case("other key", good(pub=u8(r1.key[0] ^ 1) + r1.key[1:]))
    case("high s and no key", good(r1.encode(s=R1.order - r1.s), bytes(33)))
    case("wrong message", good()[:-1] + b"D")
    case("message cut", good()[:-1])


def vote_cases(write):
    voter, withdrawer = key("voter"), key("withdrawer")
    V, sysvars = key("vote account"), [(SLOT_HASHES, ""), (CLOCK, "")]
    # What a fresh ledger has.
    slot, blockhash = LiteSVM().get_slot_hashes()[0]
    digest = bytes(blockhash)
    case = lambda name, data, accounts, state=None: write.case("vote " + name, VOTE, data, accounts, state, slot)

    def sound(version=3, length=LENGTH, lamports=rent(LENGTH) + 10**6, **changes):
        data = encode({**fresh(A, voter, withdrawer, 0, V), **changes}, version)
        return {V: account(lamports, data + bytes(max(0, length - len(data))), VOTE), B: account(LAMPORTS), A: account(LAMPORTS)}

    blank = {V: account(rent(LENGTH), bytes(LENGTH), VOTE)}
    accounts = [(V, "w"), (RENT, ""), (CLOCK, ""), (A, "s")]
    start = Instructions.initialize(A, voter, withdrawer, 7)
    case("initialize", start, accounts, blank)
    case("initialize again", start, accounts, sound())
    case("initialize unsigned", start, [*accounts[:3], (A, "")], blank)
    case("initialize short", start, accounts, {V: account(rent(LENGTH), bytes(LENGTH - 1), VOTE)})
    case("initialize without rent", start, accounts, {V: account(rent(LENGTH) - 1, bytes(LENGTH), VOTE)})
    case("initialize of a stranger", start, accounts, {V: account(rent(LENGTH), bytes(LENGTH), SYSTEM)})
    case("initialize with another sysvar", start, [(V, "w"), (CLOCK, ""), (CLOCK, ""), (A, "s")], blank)
    kinds = {"voter": 0, "withdrawer": 1}
    for name, kind in kinds.items():
        authority = Instructions.authority(kind)
        for signer in (voter, withdrawer, C):
            signed = "voter" if signer == voter else "withdrawer" if signer == withdrawer else "a stranger"
            case(f"authorize {name} by {signed}", Instructions.authorize(B, authority), [(V, "w"), (CLOCK, ""), (signer, "s")], sound())
        checked = [(V, "w"), (CLOCK, ""), (withdrawer, "s"), (B, "s")]
        case(f"authorize {name} checked", Instructions.authorize_checked(authority), checked, sound())
        case(f"authorize {name} checked, new one unsigned", Instructions.authorize_checked(authority), [*checked[:3], (B, "")], sound())
        derived = Pubkey.create_with_seed(A, SEED.decode(), C)
        held, seeded = sound(withdrawer=derived), [(V, "w"), (CLOCK, ""), (A, "s")]
        case(f"authorize {name} with seed", Instructions.authorize_with_seed(authority, C, SEED, B), seeded, held)
        case(f"authorize {name} with another seed", Instructions.authorize_with_seed(authority, C, b"x", B), seeded, held)
        case(f"authorize {name} with a long seed", Instructions.authorize_with_seed(authority, C, b"x" * 33, B), seeded, held)
        case(f"authorize {name} checked with seed", Instructions.authorize_checked_with_seed(authority, C, SEED), [*seeded, (B, "s")], held)
    case("authorize voter twice", Instructions.authorize(B, Instructions.authority(0)), [(V, "w"), (CLOCK, ""), (voter, "s")], sound(voters=[(0, voter), (1, B)]))
    public, proof = proof_of_possession(987654321, V)
    bls = lambda public, proof: Instructions.authorize(B, Instructions.authority(2, (public, proof)))
    signed = [(V, "w"), (CLOCK, ""), (voter, "s")]
    case("authorize voter with a BLS key", bls(public, proof), signed, sound())
    case("authorize voter with a BLS key of another account", bls(*proof_of_possession(987654321, A)), signed, sound())
    case("authorize voter with a damaged proof", bls(public, proof[:-1] + b"x"), signed, sound())
    case("authorize voter with a BLS key at infinity", bls(b"\xc0" + bytes(47), b"\xc0" + bytes(95)), signed, sound())
    case("authorize voter without the BLS key", Instructions.authorize(B, Instructions.authority(0)), signed, sound(bls=public))
    identity = [(V, "w"), (B, "s"), (withdrawer, "s")]
    case("update identity", Instructions.update_identity(), identity, sound())
    case("update identity, node unsigned", Instructions.update_identity(), [(V, "w"), (B, ""), (withdrawer, "s")], sound())
    case("update commission", Instructions.update_commission(250), [(V, "w"), (withdrawer, "s")], sound())
    case("update commission by the voter", Instructions.update_commission(5), [(V, "w"), (voter, "s")], sound())
    case("update commission read-only", Instructions.update_commission(5), [(V, ""), (withdrawer, "s")], sound())
    case("update commission in basis points", Instructions.update_commission_bps(65535, 0), [(V, "w"), (withdrawer, "s")], sound())
    case("update commission of blocks", Instructions.update_commission_bps(5, 1), [(V, "w"), (withdrawer, "s")], sound())
    case("update collector", Instructions.update_collector(0), [(V, "w"), (B, "w"), (withdrawer, "s")], sound())
    case("deposit", Instructions.deposit(5), [(V, "w"), (B, "sw"), (SYSTEM, "")], sound())
    case("initialize, newer form", Instructions.initialize_v2(A, voter, (public, proof), B, 1, 2), [(V, "w"), (A, "s"), (B, "w"), (V, "w")], blank)
    out = [(V, "w"), (B, "w"), (withdrawer, "s")]
    case("withdraw", Instructions.withdraw(10**6), out, sound())
    case("withdraw too much", Instructions.withdraw(10**6 + 1), out, sound())
    case("withdraw more than there is", Instructions.withdraw(10**12), out, sound())
    case("withdraw by the voter", Instructions.withdraw(1), [(V, "w"), (B, "w"), (voter, "s")], sound())
    case("withdraw all", Instructions.withdraw(rent(LENGTH) + 10**6), out, sound())
    case("withdraw all to itself", Instructions.withdraw(rent(LENGTH) + 10**6), [(V, "w"), (V, "w"), (withdrawer, "s")], sound())
    case("withdraw all with credits", Instructions.withdraw(rent(LENGTH) + 10**6), out, sound(credits=[(0, 5, 0)]))
    case("withdraw all with pending rewards", Instructions.withdraw(rent(LENGTH) + 10**6), out, sound(pending=1))
    for version in (1, 2, 3):
        for length in (0, LENGTH_1, LENGTH + 9):
            case(f"state of version {version} in {length} bytes", Instructions.update_commission(1), [(V, "w"), (withdrawer, "s")], sound(version, length, commission=3, votes=[(4, 1, 2), (0, 2, 1)]))
        case(f"state of version {version} that cannot grow", Instructions.update_commission(1), [(V, "w"), (withdrawer, "s")], sound(version, 0, rent(2000)))
        case(f"state of version {version} without voters", Instructions.update_commission(1), [(V, "w"), (withdrawer, "s")], sound(version, voters=[]))
    case("unwritten state", Instructions.update_commission(1), [(V, "w"), (withdrawer, "s")], blank)
    vote = lambda slots, digest=digest, timestamp=None, proof=None: Instructions.vote(slots, digest, timestamp, proof)
    ballot = [(V, "w"), *sysvars, (voter, "s")]
    case("vote", vote([slot]), ballot, sound())
    case("vote with a proof of switching", vote([slot], timestamp=5, proof=bytes(32)), ballot, sound())
    case("vote on nothing", vote([]), ballot, sound())
    case("vote on another slot", vote([slot + 1]), ballot, sound())
    case("vote with another hash", vote([slot], bytes(32)), ballot, sound())
    case("vote twice", vote([slot]), ballot, sound(votes=[(1, slot, 1)]))
    case("vote by the withdrawer", vote([slot]), [(V, "w"), *sysvars, (withdrawer, "s")], sound())
    case("vote with another sysvar", vote([slot]), [(V, "w"), (RENT, ""), (CLOCK, ""), (voter, "s")], sound())
    case("vote with an older timestamp", vote([slot], timestamp=5), ballot, sound(timestamp=(0, 6)))
    case("vote before there is a voter", vote([slot]), ballot, sound(voters=[(1, voter)]))
    for form, name in ((8, "whole"), (12, "compact"), (14, "sync")):
        tower = lambda tower, root=None, digest=digest, timestamp=None, proof=None: Instructions.tower(form, tower, root, digest, timestamp, bytes(32), proof)
        ballot = [(V, "w"), (voter, "s")]
        case(f"tower, {name}", tower([(slot, 1)]), ballot, sound())
        case(f"tower, {name}, with a proof of switching", tower([(slot, 31)], timestamp=9, proof=bytes(32)), ballot, sound())
        case(f"tower, {name}, empty", tower([]), ballot, sound())
        case(f"tower, {name}, without confirmations", tower([(slot, 0)]), ballot, sound())
        case(f"tower, {name}, too many confirmations", tower([(slot, 32)]), ballot, sound())
        case(f"tower, {name}, another slot", tower([(slot + 1, 1)]), ballot, sound())
        case(f"tower, {name}, another hash", tower([(slot, 1)], digest=bytes(32)), ballot, sound())
        case(f"tower, {name}, its root is its slot", tower([(slot, 1)], root=slot or 1), ballot, sound())
        case(f"tower, {name}, no root any more", tower([(slot, 1)]), ballot, sound(root=0))
        case(f"tower, {name}, cut", tower([(slot, 1)])[:-1], ballot, sound())
        case(f"tower, {name}, more", tower([(slot, 1)]) + b"x", ballot, sound())
    overlong = u32(14) + u64(2**64 - 1) + b"\1"
    case("tower, a difference of 11 bytes", overlong + b"\x80" * 10 + b"\1\1" + digest + b"\0" + bytes(32), ballot, sound())
    case("tower, a difference with a zero behind it", overlong + b"\x80\0\1" + digest + b"\0" + bytes(32), ballot, sound())
    case("tower, a difference of 65 bits", overlong + b"\x80" * 9 + b"\2\1" + digest + b"\0" + bytes(32), ballot, sound())
    case("tower, slots beyond the last", u32(14) + u64(7) + b"\1" + b"\xff" * 9 + b"\1\1" + digest + b"\0" + bytes(32), ballot, sound())
    case("unknown instruction", u32(20), [(V, "w")], sound())
    case("no data", b"", [(V, "w")], sound())
    case("no accounts", start, [])
    case("no account of its own", start, [(A, "w")], {A: account(LAMPORTS)})


def proof_cases(write):
    P = key("proof context")
    case = lambda name, data, accounts, state=None: write.case("proof " + name, ZK_ELGAMAL, data, accounts, state)
    held = lambda data, owner=ZK_ELGAMAL: {P: account(LAMPORTS, data, owner), B: account(LAMPORTS)}
    context, accounts = bytes(A) + b"\1" + b"statement", [(P, "w"), (B, "w"), (A, "s")]
    case("close", b"\0", accounts, held(context))
    case("close with more data", b"\0more", accounts, held(context))
    case("close unsigned", b"\0", [*accounts[:2], (A, "")], held(context))
    case("close by a stranger", b"\0", [*accounts[:2], (C, "s")], held(context))
    case("close into itself", b"\0", [(P, "w"), (P, "w"), (A, "s")], held(context))
    case("close of a stranger", b"\0", accounts, held(context, FOREIGN))
    case("close short", b"\0", accounts, held(context[:32]))
    case("close without a proof", b"\0", accounts, held(bytes(A) + bytes(9)))
    case("close read-only", b"\0", [(P, ""), (B, "w"), (A, "s")], held(context))
    case("close two accounts", b"\0", accounts[:2], held(context))
    case("unknown instruction", b"\x0d", accounts, held(context))
    case("no data", b"", accounts, held(context))
    for kind in range(1, 13):
        case(f"{kind} of no length", u8(kind), [])
    valid = Prover(random.Random(2)).prove(4)
    refused = valid.data[:-32] + bytes(32)
    S = key("proof data")
    at = lambda offset: b"\4" + u32(offset)
    stored = lambda data: {S: account(LAMPORTS, data, FOREIGN)}
    fresh = lambda data=bytes(65), owner=ZK_ELGAMAL: {P: account(LAMPORTS, data, owner)}
    case("valid", b"\4" + valid.data, [])
    case("valid, one account", b"\4" + valid.data, [(P, "w")], fresh())
    case("refused", b"\4" + refused, [])
    case("one byte short", b"\4" + valid.data[:-1], [])
    case("one byte more", b"\4" + valid.data + b"\0", [])
    case("in an account", at(0), [(S, "")], stored(valid.data))
    case("in an account, behind others", at(3), [(S, "")], stored(b"abc" + valid.data + b"d"))
    case("in an account, refused", at(0), [(S, "")], stored(refused))
    case("in an account, one byte short", at(1), [(S, "")], stored(valid.data))
    case("in an account, far behind it", at(2**32 - 1), [(S, "")], stored(valid.data))
    case("in no account", at(0), [])
    case("kept", b"\4" + valid.data, [(P, "w"), (A, "")], fresh())
    case("kept, from an account", at(0), [(S, ""), (P, "w"), (A, "")], {**stored(valid.data), **fresh()})
    case("kept, from an account, without an authority", at(0), [(S, ""), (P, "w")], {**stored(valid.data), **fresh()})
    case("kept by itself", b"\4" + valid.data, [(P, "w"), (P, "w")], fresh())
    case("kept, over another authority", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(bytes(C) + bytes(33)))
    case("kept of a stranger", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(owner=FOREIGN))
    case("kept twice", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(bytes(A) + b"\4" + bytes(32)))
    case("kept, too short for anything", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(bytes(32)))
    case("kept, too short", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(bytes(64)))
    case("kept, too long", b"\4" + valid.data, [(P, "w"), (A, "")], fresh(bytes(66)))
    case("kept read-only", b"\4" + valid.data, [(P, ""), (A, "")], fresh())
    case("refused, not kept", b"\4" + refused, [(P, "w"), (A, "")], fresh())


def other_cases(write):
    for name, program in (("v1", LOADER_V1), ("v2", LOADER_V2)):
        for data in (b"", bytes(8)):
            write.case(f"loader {name} with {len(data)} bytes", program, data, [(A, "w")])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../Tests/Cases/builtins.jsonl")
    write = Writer(path)
    for group in (
        system_cases, nonce_cases, buffer_cases, deploy_cases, upgrade_cases, authority_cases, close_cases,
        extend_cases, precompile_cases, vote_cases, proof_cases, other_cases,
    ):  # fmt: skip
        group(write)
    print(f"{write.count} cases, {write.failed} of them failures, in {os.path.relpath(path)}")


main()
