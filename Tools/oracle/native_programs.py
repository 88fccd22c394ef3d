"""Instructions of the native programs, states of their accounts, signatures for the precompiles and a smallest program.

Everything is made of plain bytes, so that damaged forms are as easy to build as sound ones.
"""

import hashlib
import struct

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

SYSTEM = Pubkey.default()
COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
LOADER_V1 = Pubkey.from_string("BPFLoader1111111111111111111111111111111111")
LOADER_V2 = Pubkey.from_string("BPFLoader2111111111111111111111111111111111")
LOADER_V3 = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
SECP256K1 = Pubkey.from_string("KeccakSecp256k11111111111111111111111111111")
ZK_ELGAMAL = Pubkey.from_string("ZkE1Gama1Proof11111111111111111111111111111")
SECP256R1 = Pubkey.from_string("Secp256r1SigVerify1111111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
RECENT = Pubkey.from_string("SysvarRecentB1ockHashes11111111111111111111")


def u8(value):
    return struct.pack("<B", value & 0xFF)


def u16(value):
    return struct.pack("<H", value & 0xFFFF)


def u32(value):
    return struct.pack("<I", value & 0xFFFFFFFF)


def u64(value):
    return struct.pack("<Q", value & (2**64 - 1))


def vector(data):
    return u64(len(data)) + data


def key(name):
    return Pubkey(hashlib.sha256(b"estuary " + name.encode()).digest())


def meta(pubkey, flags=""):
    return AccountMeta(pubkey, "s" in flags, "w" in flags)


def instruction(program, data, accounts):
    return Instruction(program, data, [meta(pubkey, flags) for pubkey, flags in accounts])


def account(lamports, data=b"", owner=SYSTEM, executable=False):
    return Account(lamports, data, owner, executable, 2**64 - 1)


def rent(length):
    return (128 + length) * 6960


class System:
    """Instruction data of the system program."""

    def create(lamports, space, owner):
        return u32(0) + u64(lamports) + u64(space) + bytes(owner)

    def assign(owner):
        return u32(1) + bytes(owner)

    def transfer(lamports):
        return u32(2) + u64(lamports)

    def create_with_seed(base, seed, lamports, space, owner):
        return u32(3) + bytes(base) + vector(seed) + u64(lamports) + u64(space) + bytes(owner)

    def advance():
        return u32(4)

    def withdraw(lamports):
        return u32(5) + u64(lamports)

    def initialize(authority):
        return u32(6) + bytes(authority)

    def authorize(authority):
        return u32(7) + bytes(authority)

    def allocate(space):
        return u32(8) + u64(space)

    def allocate_with_seed(base, seed, space, owner):
        return u32(9) + bytes(base) + vector(seed) + u64(space) + bytes(owner)

    def assign_with_seed(base, seed, owner):
        return u32(10) + bytes(base) + vector(seed) + bytes(owner)

    def transfer_with_seed(lamports, seed, owner):
        return u32(11) + u64(lamports) + vector(seed) + bytes(owner)

    def upgrade():
        return u32(12)

    def create_prefunded(lamports, space, owner):
        return u32(13) + u64(lamports) + u64(space) + bytes(owner)


def nonce(version, authority, durable, fee=5000, state=1):
    return u32(version) + u32(state) + bytes(authority) + durable + u64(fee)


def durable_nonce(blockhash):
    return hashlib.sha256(b"DURABLE_NONCE" + bytes(blockhash)).digest()


class Loader:
    """Instruction data and account states of the upgradeable loader."""

    def initialize():
        return u32(0)

    def write(offset, data):
        return u32(1) + u32(offset) + vector(data)

    def deploy(length):
        return u32(2) + u64(length)

    def upgrade():
        return u32(3)

    def set_authority():
        return u32(4)

    def close():
        return u32(5)

    def extend(count):
        return u32(6) + u32(count)

    def set_authority_checked():
        return u32(7)

    def uninitialized(length=4):
        return bytes(length)

    def buffer(authority, body=b""):
        return u32(1) + Loader.option(authority) + body

    def program(programdata):
        return u32(2) + bytes(programdata)

    def programdata(slot, authority, body=b""):
        return u32(3) + u64(slot) + Loader.option(authority) + body

    def option(authority):
        return b"\0" + bytes(32) if authority is None else b"\1" + bytes(authority)

    def programdata_of(program):
        return Pubkey.find_program_address([bytes(program)], LOADER_V3)[0]


def smallest_elf(result=0, version=3, opcode=None, call=None):
    """An SBPF v3 file whose program returns `result`; `opcode` replaces that of its first instruction.

    With `call`, a number, it calls the syscall of that key before it returns.
    """
    text = struct.pack("<BBhi", 0xB7, 0, 0, result)
    if call is not None:
        text += struct.pack("<BBhi", 0x85, 0, 0, call)
    text += struct.pack("<BBhi", 0x95, 0, 0, 0)
    if opcode is not None:
        text = u8(opcode) + text[1:]
    start = 0x1_0000_0000
    header = b"\x7fELF\x02\x01\x01\x00" + bytes(8) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 247, 1, start, 64, 0, version, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 1, 120, start, start, len(text), len(text), 8)
    return header + segment + text


# Signatures. The curves are small pure-Python ones: slow, deterministic and only for tests.


class Curve:
    def __init__(self, prime, a, generator, order):
        self.prime, self.a, self.generator, self.order = prime, a, generator, order

    def add(self, left, right):
        if left is None or right is None:
            return right if left is None else left
        p = self.prime
        if left[0] == right[0] and (left[1] + right[1]) % p == 0:
            return None
        if left == right:
            slope = (3 * left[0] ** 2 + self.a) * pow(2 * left[1], -1, p) % p
        else:
            slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, p) % p
        x = (slope * slope - left[0] - right[0]) % p
        return x, (slope * (left[0] - x) - left[1]) % p

    def multiply(self, scalar, point):
        result = None
        while scalar:
            if scalar & 1:
                result = self.add(result, point)
            point = self.add(point, point)
            scalar >>= 1
        return result

    def sign(self, digest, secret, blinding):
        z = int.from_bytes(digest, "big")
        point = self.multiply(blinding, self.generator)
        r = point[0] % self.order
        s = pow(blinding, -1, self.order) * (z + r * secret) % self.order
        return r, s, point[1] & 1


K1 = Curve(
    2**256 - 2**32 - 977,
    0,
    (
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    ),
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
)
R1 = Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)


def keccak256(data):
    def rotate(word, count):
        count %= 64
        return ((word << count) | (word >> (64 - count))) & (2**64 - 1)

    def permute(state):
        register = 1
        for _ in range(24):
            parity = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
            mix = [parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1) for x in range(5)]
            state = [[state[x][y] ^ mix[x] for y in range(5)] for x in range(5)]
            x, y = 1, 0
            word = state[x][y]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                word, state[x][y] = state[x][y], rotate(word, (step + 1) * (step + 2) // 2)
            for y in range(5):
                row = [state[x][y] for x in range(5)]
                for x in range(5):
                    state[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
            for bit in range(7):
                register = ((register << 1) ^ ((register >> 7) * 0x71)) % 256
                if register & 2:
                    state[0][0] ^= 1 << ((1 << bit) - 1)
        return state

    state = [[0] * 5 for _ in range(5)]
    padded = bytearray(data) + b"\1"
    padded += bytes(-len(padded) % 136)
    padded[-1] |= 0x80
    for start in range(0, len(padded), 136):
        for index in range(17):
            chunk = padded[start + 8 * index : start + 8 * index + 8]
            state[index % 5][index // 5] ^= int.from_bytes(chunk, "little")
        state = permute(state)
    return b"".join(state[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


class Ed25519Signature:
    def __init__(self, message, seed=bytes(range(32))):
        pair = Keypair.from_seed(seed)
        self.message, self.key, self.signature = message, bytes(pair.pubkey()), bytes(pair.sign_message(message))


class Secp256k1Signature:
    def __init__(self, message, secret=12345678901234567890, blinding=987654321):
        point = K1.multiply(secret, K1.generator)
        self.message = message
        self.address = keccak256(point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"))[12:]
        self.r, self.s, self.recovery = K1.sign(keccak256(message), secret, blinding)

    def encode(self, r=None, s=None, recovery=None):
        r, s = self.r if r is None else r, self.s if s is None else s
        recovery = self.recovery if recovery is None else recovery
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + u8(recovery)


class Secp256r1Signature:
    def __init__(self, message, secret=12345678901234567890, blinding=5555555):
        point = R1.multiply(secret, R1.generator)
        self.message = message
        self.key = u8(2 + (point[1] & 1)) + point[0].to_bytes(32, "big")
        self.r, s, _ = R1.sign(hashlib.sha256(message).digest(), secret, blinding)
        self.s = min(s, R1.order - s)

    def encode(self, r=None, s=None):
        r, s = self.r if r is None else r, self.s if s is None else s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


THIS = 0xFFFF


def offsets_data(signature, key_bytes, message, source=THIS, count=1, second_byte=0):
    """Ed25519 and secp256r1: `count` times the same offsets, then key, signature and message."""
    start = 2 + 14 * count
    entry = struct.pack(
        "<HHHHHHH",
        start + len(key_bytes),
        source,
        start,
        source,
        start + len(key_bytes) + len(signature),
        len(message),
        source,
    )
    return u8(count) + u8(second_byte) + entry * count + key_bytes + signature + message


def secp256k1_data(signature, address, message, source=0, address_source=None, message_source=None, count=1):
    start = 1 + 11 * count
    entry = struct.pack(
        "<HBHBHHB",
        start + 20,
        source,
        start,
        source if address_source is None else address_source,
        start + 20 + len(signature),
        len(message),
        source if message_source is None else message_source,
    )
    return u8(count) + entry * count + address + signature + message
