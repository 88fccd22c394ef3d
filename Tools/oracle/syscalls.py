"""Differential test of the syscalls: small random programs on LiteSVM and on `estuary replay`, compared in full.

    Tools/oracle/syscalls.py [--count N] [--seed S] [--batch N] [--keep FOLDER]

Each program copies a random payload to its heap, makes a few syscalls with arguments that are mostly sensible and
sometimes not (bounds, gaps, misaligned, huge), logs every result, and at the end logs a hash of its heap and stack.
Programs come as SBPF v0 and v3, under loader v1 and v2, with compute limits that often fall within a syscall.
`--expect FILE` writes the programs and LiteSVM's answers instead of running Estuary.
"""

import argparse
import json
import random
import struct
import sys

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from assemble import HEAP, INPUT, PROGRAM, STACK, Assembler
from oracle import Case, differences

LOADERS = {1: "BPFLoader1111111111111111111111111111111111", 2: "BPFLoader2111111111111111111111111111111111"}
BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
SYSVARS = """SysvarC1ock11111111111111111111111111111111 SysvarRent111111111111111111111111111111111
SysvarEpochSchedu1e111111111111111111111111 SysvarS1otHashes111111111111111111111111111
SysvarStakeHistory1111111111111111111111111 SysvarEpochRewards1111111111111111111111111
SysvarLastRestartS1ot1111111111111111111111 SysvarS1otHistory11111111111111111111111111
Sysvar1nstructions1111111111111111111111111 SysvarRecentB1ockHashes11111111111111111111""".split()

# Where things lie in the payload, as offsets into the heap.
NOISE, SLICES, POINTS, KEYS, SIGNATURES, TEXT, GROUP, COMPRESSION = 0, 512, 1024, 1536, 2048, 2560, 2816, 6656
BLS_G1, BLS_G2, BLS_SHORT_G1, BLS_SHORT_G2, BLS_SCALARS = 7680, 9216, 12288, 13056, 14592  # big-endian halves, then little-endian ones
ELEMENTS, ELEMENT_SLICES, POWERS, END = 15104, 16128, 16640, 17024
HEAP_SIZE = 32 * 1024

# --- Curves, slowly, for valid arguments ------------------------------------------------------------------------

ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P
ED_B = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)
RISTRETTO_B = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def edwards_add(a, b):
    product = ED_D * a[0] * b[0] * a[1] * b[1] % ED_P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, ED_P) % ED_P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, ED_P) % ED_P
    return x, y


def edwards_point(scalar):
    point, base = (0, 1), ED_B
    while scalar:
        if scalar & 1:
            point = edwards_add(point, base)
        base = edwards_add(base, base)
        scalar >>= 1
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


EC_P = 2**256 - 2**32 - 977
EC_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
EC_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def ec_multiply(scalar):
    def add(a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % EC_P == 0:
                return None
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, EC_P)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, EC_P)
        x = (slope * slope - a[0] - b[0]) % EC_P
        return x, (slope * (a[0] - x) - a[1]) % EC_P

    point, base = None, EC_G
    while scalar:
        if scalar & 1:
            point = add(point, base)
        base = add(base, base)
        scalar >>= 1
    return point


def ec_sign(rng):
    """A 32-byte hash, a recovery id and a 64-byte signature."""
    secret, nonce = rng.randrange(1, EC_N), rng.randrange(1, EC_N)
    digest = rng.randbytes(32)
    point = ec_multiply(nonce)
    r = point[0] % EC_N
    s = (int.from_bytes(digest, "big") + r * secret) * pow(nonce, -1, EC_N) % EC_N
    return digest, point[1] & 1, r.to_bytes(32, "big") + s.to_bytes(32, "big")


BN_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
BN_R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
LITTLE = 0x80
# What the operations of sol_alt_bn128_group_op read: lengths of points of G1 (64), of G2 (128) and of scalars (32).
GROUP_PARTS = {0: [64, 64], 2: [64, 32], 3: [64, 128] * 2, 4: [128, 128], 6: [128, 32]}
GROUP_SLOTS = [operation | order for operation in GROUP_PARTS for order in (0, LITTLE)]


def extension(prime):
    """The class of a + b u with u^2 = -1 over a prime field; the field lies in it."""

    class Extension(tuple):
        def __add__(self, other):
            return Extension(((self[0] + other[0]) % prime, (self[1] + other[1]) % prime))

        def __sub__(self, other):
            return Extension(((self[0] - other[0]) % prime, (self[1] - other[1]) % prime))

        def __mul__(self, other):
            a, b, c, d = *self, *other
            return Extension(((a * c - b * d) % prime, (a * d + b * c) % prime))

        def inverse(self):
            norm = pow(self[0] ** 2 + self[1] ** 2, -1, prime)
            return Extension((self[0] * norm % prime, -self[1] * norm % prime))

        def root(self):
            a, b = self
            norm = pow(a * a + b * b, (prime + 1) // 4, prime)
            for half in ((a + norm) * pow(2, -1, prime) % prime, (a - norm) * pow(2, -1, prime) % prime):
                real = pow(half, (prime + 1) // 4, prime)
                if real and real * real % prime == half:
                    root = Extension((real, b * pow(2 * real, -1, prime) % prime))
                    if root * root == self:
                        return root
            return None

    return Extension


Fp2 = extension(BN_P)
BN_G1 = (Fp2((1, 0)), Fp2((2, 0)))
BN_G2 = (
    Fp2((10857046999023057135944570762232829481370756359578518086990519993285655852781,
         11559732032986387107991004021392285783925812861821192530917403151452391805634)),
    Fp2((8495653923123431417604973247489272438418190587263600148770280649306958101930,
         4082367875863433681332203403145435568316851327593401208105741076214120093531)),
)
BN_TWIST_B = Fp2((3, 0)) * Fp2((9, 1)).inverse()


def add_points(p, q):
    if p is None or q is None:
        return p or q
    number = type(p[0])
    if p[0] == q[0]:
        if p[1] + q[1] == number((0, 0)):
            return None
        slope = number((3, 0)) * p[0] * p[0] * (p[1] + p[1]).inverse()
    else:
        slope = (q[1] - p[1]) * (q[0] - p[0]).inverse()
    x = slope * slope - p[0] - q[0]
    return x, slope * (p[0] - x) - p[1]


def multiple(point, scalar):
    result = None
    for bit in bin(scalar)[2:]:
        result = add_points(result, result)
        if bit == "1":
            result = add_points(result, point)
    return result


def bn_twist_point(rng):
    """On the twist, as good as never in G2."""
    while True:
        x = Fp2((rng.randrange(BN_P), rng.randrange(BN_P)))
        y = (x * x * x + BN_TWIST_B).root()
        if y:
            return x, y


def bn_bytes(point, size):
    """Big-endian, as in EIP-197: the imaginary part first."""
    if point is None:
        return bytes(size)
    numbers = [point[0][0], point[1][0]] if size == 64 else [point[0][1], point[0][0], point[1][1], point[1][0]]
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def bn_part(rng, samples, size):
    """A point or scalar, sometimes damaged."""
    if size == 32:
        return rng.choice([0, 1, 2, BN_R - 1, BN_R, 2**256 - 1, rng.getrandbits(256), rng.getrandbits(128)]).to_bytes(32, "big")
    data = bytearray(bn_bytes(rng.choice(samples["G1" if size == 64 else "G2"]), size))
    kind = rng.randrange(24)
    if kind < 3:
        data[size // 2] |= rng.choice([0x80, 0x80, 0x40, 0xC0])  # flags of y
    elif kind == 3:
        data[rng.choice([0, 32, size - 32])] |= rng.choice([0x80, 0x40])
    elif kind == 4:
        data[rng.randrange(size)] ^= 1 << rng.randrange(8)
    elif kind == 5:
        at = rng.randrange(size // 32) * 32
        data[at : at + 32] = (int.from_bytes(data[at : at + 32], "big") + BN_P & 2**256 - 1).to_bytes(32, "big")
    elif kind == 6:
        data[:] = bn_bytes((samples["G1"][0][0], Fp2((5, 0))), 64) if size == 64 else bn_bytes(bn_twist_point(rng), 128)
    return bytes(data)


def bn_little(data, sizes):
    result, start = b"", 0
    for size in sizes:
        stride = 64 if size == 128 else 32
        part = data[start : start + size]
        result += b"".join(part[at : at + stride][::-1] for at in range(0, size, stride))
        start += size
    return result


def bn_group_input(rng, samples, slot):
    parts = GROUP_PARTS[slot & ~LITTLE]
    data = b"".join(bn_part(rng, samples, size) for size in parts)
    if slot & ~LITTLE == 3 and rng.random() < 0.5:  # a product that is one
        p, q = rng.choice(samples["G1"]), rng.choice(samples["G2"])
        opposite = p and (p[0], Fp2((0, 0)) - p[1])
        data = bn_bytes(p, 64) + bn_bytes(q, 128) + bn_bytes(opposite, 64) + bn_bytes(q, 128)
    return bn_little(data, parts) if slot & LITTLE else data


def bn_compression_input(rng, samples, operation):
    size = 64 if operation & 2 == 0 else 128
    data = bn_part(rng, samples, size)
    if operation & 1:
        data = bytearray(data[: size // 2])
        data[0] |= rng.choice([0, 0, 0x80, 0x80, 0x40, 0xC0]) if rng.random() < 0.8 else 0
        if rng.random() < 0.2:
            data = bytearray(rng.choice([0x1F, 0x9F]) .to_bytes(1, "big") + rng.randbytes(size // 2 - 1))
        size //= 2
        stride = size
    else:
        stride = size // 2
    if operation & LITTLE:
        return b"".join(bytes(data[at : at + stride])[::-1] for at in range(0, size, stride))
    return bytes(data)


# --- BLS12-381 --------------------------------------------------------------------------------------------------

BLS_P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
BLS_R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
Bls2 = extension(BLS_P)
BLS_GENERATORS = {
    1: (
        Bls2((0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB, 0)),
        Bls2((0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1, 0)),
    ),
    2: (
        Bls2((0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
              0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E)),
        Bls2((0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
              0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE)),
    ),
}  # fmt: skip


def bls_curve_point(rng, group):
    """On the curve or the twist, as good as never in the group."""
    while True:
        x = Bls2((rng.randrange(BLS_P), rng.randrange(BLS_P) if group == 2 else 0))
        square = x * x * x + Bls2((4, 4 if group == 2 else 0))
        if group == 2:
            y = square.root()
        else:
            y = pow(square[0], (BLS_P + 1) // 4, BLS_P)
            y = Bls2((y, 0)) if y * y % BLS_P == square[0] else None
        if y:
            return x, y


def bls_numbers(element, group):
    return [element[0]] if group == 1 else [element[1], element[0]]


def bls_is_larger(y, group):
    part = next((part for part in bls_numbers(y, group) if part), 0)
    return part > (BLS_P - 1) // 2


def bls_bytes(point, group):
    """Zcash's encoding of both coordinates."""
    if point is None:
        return b"\x40" + bytes(96 * group - 1)
    return b"".join(number.to_bytes(48, "big") for part in point for number in bls_numbers(part, group))


def bls_compressed(point, group):
    if point is None:
        return b"\xc0" + bytes(48 * group - 1)
    data = bytearray(bls_bytes(point, group)[: 48 * group])
    data[0] |= 0xA0 if bls_is_larger(point[1], group) else 0x80
    return bytes(data)


def bls_damaged(rng, data, group):
    data = bytearray(data)
    kind = rng.randrange(6)
    if kind == 0:
        data[0] ^= rng.choice([0x80, 0x40, 0x20, 0xE0])
    elif kind == 1:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 2:  # a coordinate that is not below the prime
        at = rng.randrange(len(data) // 48) * 48
        flags = data[at] & 0xE0 if at == 0 else 0
        data[at : at + 48] = (BLS_P + rng.choice([0, 1, rng.getrandbits(100)])).to_bytes(48, "big")
        data[at] |= flags
    elif kind == 3:
        data = bytearray([data[0] & 0xE0]) + bytes(len(data) - 1)
    elif kind == 4:
        data = bytearray(len(data))
    else:
        data[-1] ^= 1
    return bytes(data)


def bls_part(rng, samples, group, encode):
    point = rng.choice(samples["bls"][group])
    if rng.random() < 0.15:
        point = bls_curve_point(rng, group)
    data = encode(point, group)
    return bls_damaged(rng, data, group) if rng.random() < 0.15 else data


def turned(data, stride):
    return b"".join(data[at : at + stride][::-1] for at in range(0, len(data), stride))


def put_bls(rng, samples, data):
    """Eight of each kind in big-endian order, and eight others in little-endian order."""
    for start, group, size, encode in (
        (BLS_G1, 1, 96, bls_bytes), (BLS_G2, 2, 192, bls_bytes),
        (BLS_SHORT_G1, 1, 48, bls_compressed), (BLS_SHORT_G2, 2, 96, bls_compressed),
    ):  # fmt: skip
        for index in range(16):
            part = bls_part(rng, samples, group, encode)
            data[start + index * size : start + (index + 1) * size] = part if index < 8 else turned(part, 48 * group)
    for index in range(16):
        scalar = rng.choice([0, 1, 2, BLS_R - 1, BLS_R, 2**256 - 1, rng.randrange(BLS_R), rng.getrandbits(128)])
        order = "big" if index < 8 else "little"
        data[BLS_SCALARS + index * 32 : BLS_SCALARS + index * 32 + 32] = scalar.to_bytes(32, order)


def bls_place(rng, start, size, is_little):
    return HEAP + start + (rng.randrange(8) + (8 if is_little else 0)) * size


def bls_group(rng):
    """Group, byte order and the number of both."""
    group, is_little = rng.choice([1, 2]), rng.random() < 0.5
    return group, is_little, 4 + group | (0 if is_little else 0x80)


def validate_call(a, rng):
    if rng.random() < 0.5:
        return [a.curve(), a.point()]
    group, is_little, number = bls_group(rng)
    place = bls_place(rng, BLS_G1 if group == 1 else BLS_G2, 96 * group, is_little)
    return [a.curve() if a.odd(0.05) else number, a.source() if a.odd(0.05) else place]


def group_operation_call(a, rng):
    if rng.random() < 0.5:
        return [a.curve(), rng.choice([0, 1, 2, 2, 3]), a.point(), a.point(), rng.choice([a.target(), a.point()])]
    group, is_little, number = bls_group(rng)
    operation = rng.choice([0, 1, 2, 2, 3])
    start = BLS_G1 if group == 1 else BLS_G2
    left = bls_place(rng, BLS_SCALARS, 32, is_little) if operation == 2 else bls_place(rng, start, 96 * group, is_little)
    right = bls_place(rng, start, 96 * group, is_little)
    return [
        number ^ 0x80 if a.odd(0.03) else number, operation, a.source() if a.odd(0.05) else left,
        a.source() if a.odd(0.05) else right, a.target()
    ]  # fmt: skip


def decompress_call(a, rng):
    group, is_little, number = bls_group(rng)
    place = bls_place(rng, BLS_SHORT_G1 if group == 1 else BLS_SHORT_G2, 48 * group, is_little)
    odd = rng.choice([0, 1, 4, 7, 0x84, 0x105, 2**64 - 1])
    return [odd if a.odd(0.05) else number, a.source() if a.odd(0.05) else place, a.target()]


def pairing_call(a, rng):
    is_little = rng.random() < 0.5
    count = rng.choice([0, 1, 1, 2, 2, 3, 8, 9]) if rng.random() < 0.9 else a.count(20)
    index = max(0, rng.randrange(9) - min(count, 8)) + (8 if is_little else 0)
    curve = rng.choice([0, 5, 0x85, 0x104]) if a.odd(0.05) else 4 | (0 if is_little else 0x80)
    return [
        curve, count, a.source() if a.odd(0.05) else HEAP + BLS_G1 + 96 * index,
        a.source() if a.odd(0.05) else HEAP + BLS_G2 + 192 * index, a.target()
    ]  # fmt: skip


# --- Poseidon and powers ----------------------------------------------------------------------------------------


def put_elements(rng, data):
    """Elements of BN254's scalar field, most of them, and slices of them; parameters of powers."""
    for index in range(32):
        value = rng.choice([0, 1, BN_R - 1, BN_R, 2**256 - 1, rng.getrandbits(256)] + [rng.randrange(BN_R)] * 12)
        data[ELEMENTS + index * 32 : ELEMENTS + index * 32 + 32] = value.to_bytes(32, rng.choice(["big", "little"]))
        size = rng.choice([0, 1, 31, 33, 64]) if rng.random() < 0.04 else 32
        place = HEAP + ELEMENTS + rng.randrange(32) * 32
        data[ELEMENT_SLICES + index * 16 : ELEMENT_SLICES + index * 16 + 16] = struct.pack("<QQ", place, size)
    for index in range(8):
        fields = []
        for _ in range(3):
            most = 513 if rng.random() < 0.05 else 60
            size = rng.choice([0, 1, 32, rng.randrange(most), rng.randrange(most)])
            fields += [address(rng) if rng.random() < 0.03 else HEAP + rng.randrange(END - 520), size]
        data[POWERS + index * 48 : POWERS + index * 48 + 48] = struct.pack("<6Q", *(field % 2**64 for field in fields))


def poseidon_call(a, rng):
    count = a.count(20) if a.odd(0.05) else rng.choice([0, *range(1, 13), 13])
    return [
        rng.choice([1, 2**64 - 1]) if a.odd(0.04) else 0, rng.choice([2, 2**32]) if a.odd(0.04) else rng.randrange(2),
        a.slices() if a.odd(0.05) else HEAP + ELEMENT_SLICES + 16 * rng.randrange(20), count, a.target()
    ]  # fmt: skip


def power_call(a, rng):
    place = HEAP + POWERS + 48 * rng.randrange(8)
    return [a.source() if a.odd(0.05) else place, a.target()]


# --- Arguments --------------------------------------------------------------------------------------------------


FEATURE_PROGRAM = Pubkey.from_string("Feature111111111111111111111111111111111111")
# Of syscalls: sol_blake3, sol_big_mod_exp, sol_remaining_compute_units.
FEATURES = [
    Pubkey.from_string(key)
    for key in (
        "HTW2pSyErTj4BV6KBM9NZ9VBUJVxt7sacNWcf76wtzb3", "EBq48m8irRKuE7ZnMTLvLg2UuGSqhe8s8oMqnmja1fJw",
        "5TuppMutoyzhUSfuYdhgzD47F92GL1g89KpCZQKqedxP",
    )
]  # fmt: skip


def with_features(keys):
    """LiteSVM with mainnet's features and these."""
    features = LiteSVM.mainnet_feature_set()
    for key in keys:
        features.activate(key, 0)
    svm = LiteSVM.default().with_feature_set(features).with_builtins().with_lamports(10**15)
    return svm.with_sysvars().with_default_programs().with_blockhash_check(True)


ONLY = None  # part of the names of the syscalls to call


def payload(rng, samples):
    data = bytearray(rng.randbytes(END))
    for index in range(32):
        where = HEAP + rng.randrange(END)
        count = rng.choice([0, 1, 7, 8, 31, 32, 33, 64, 100, 300])
        if rng.random() < 0.1:
            where, count = address(rng), length(rng)
        data[SLICES + index * 16 : SLICES + index * 16 + 16] = struct.pack("<QQ", where % 2**64, count % 2**64)
    for index in range(16):
        value = rng.choice(samples["points"])
        if rng.random() < 0.2:
            value = rng.choice(samples["odd points"])
        data[POINTS + index * 32 : POINTS + index * 32 + 32] = value
    for index in range(16):
        data[KEYS + index * 32 : KEYS + index * 32 + 32] = rng.choice(samples["keys"])
    digest, _, signature = samples["signature"]
    data[SIGNATURES : SIGNATURES + 96] = digest + signature
    data[SIGNATURES + 96 : SIGNATURES + 192] = digest + rng.choice(samples["odd signatures"])
    for index, slot in enumerate(GROUP_SLOTS):
        value = bn_group_input(rng, samples, slot)
        data[GROUP + index * 384 : GROUP + index * 384 + len(value)] = value
    for index in range(8):
        value = bn_compression_input(rng, samples, index % 4 | (LITTLE if index > 3 else 0))
        data[COMPRESSION + index * 128 : COMPRESSION + index * 128 + len(value)] = value
    put_bls(rng, samples, data)
    put_elements(rng, data)
    text = rng.choice(["plain text ", "Grüße, 世界 🌍 ", "\0\x01\t", "é"]).encode() * 256
    data[TEXT : TEXT + 256] = text[:256]
    if rng.random() < 0.5:
        at = TEXT + rng.randrange(250)
        broken = rng.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f"])
        data[at : at + len(broken)] = broken
    return bytes(data)


def sample_values(rng):
    scalars = [0, 1, 2, 8, ED_L - 1, rng.randrange(ED_L), rng.randrange(ED_L)]
    points = [edwards_point(s) for s in (0, 1, 5, rng.randrange(ED_L), rng.randrange(ED_L))]
    points += [RISTRETTO_B, bytes(32)] + [s.to_bytes(32, "little") for s in scalars]
    small_order = [
        bytes(32), bytes(31) + b"\x80", (ED_P - 1).to_bytes(32, "little"), (ED_P + 1).to_bytes(32, "little"),
        b"\x01" + bytes(30) + b"\x80",
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ]
    odd = small_order + [ED_L.to_bytes(32, "little"), b"\xff" * 32, ED_P.to_bytes(32, "little"), rng.randbytes(32)]
    signature = ec_sign(rng)
    r, s = signature[2][:32], signature[2][32:]
    order = EC_N.to_bytes(32, "big")
    high = (EC_N - int.from_bytes(s, "big")).to_bytes(32, "big")
    return {
        "points": points,
        "odd points": odd,
        "keys": [bytes(Pubkey.from_string(key)) for key in SYSVARS] + [bytes(32), rng.randbytes(32)],
        "signature": signature,
        "G1": [multiple(BN_G1, k) for k in (1, BN_R - 1, rng.randrange(1, BN_R), rng.randrange(1, BN_R))] + [None],
        "G2": [multiple(BN_G2, k) for k in (1, BN_R - 1, rng.randrange(1, BN_R), rng.randrange(1, BN_R))] + [None],
        "bls": {
            group: [multiple(base, k) for k in (1, BLS_R - 1, rng.randrange(BLS_R), rng.randrange(BLS_R))] + [None]
            for group, base in BLS_GENERATORS.items()
        },
        "odd signatures": [r + high, r + order, order + s, bytes(32) + s, r + bytes(32), rng.randbytes(64)],
    }


def address(rng):
    """Anywhere, with a preference for edges."""
    kind = rng.randrange(12)
    if kind < 3:
        return HEAP + rng.choice([0, 1, 4, 8, HEAP_SIZE - 33, HEAP_SIZE - 32, HEAP_SIZE - 1, HEAP_SIZE])
    if kind < 6:
        frame = rng.choice([0, 1, 2, 3, 63, 64, 126, 127, 128])
        return STACK + frame * 4096 + rng.choice([0, 8, 4064, 4088, 4095, -8, -1])
    if kind < 8:
        return INPUT + rng.choice([0, 8, 16, 17, 100, 2**20])
    if kind < 9:
        return PROGRAM + rng.choice([0, 64, 120, 2**16, -1])
    if kind < 10:
        return rng.choice([0, 1, 8, 2**32 - 1, 5 << 32, 7 << 32, 8 << 32, 2**63, 2**64 - 1, 2**64 - 32])
    return HEAP + rng.randrange(END)


def length(rng):
    return rng.choice(
        [0, 1, 2, 16, 31, 32, 33, 64, 100, 249, 250, 2499, 2500, 2750, 4096, 4097, 8192, HEAP_SIZE, 100_000]
        + [1024, 1025, 2**31, 2**32, 2**59, 2**60, 2**63, 2**64 - 1, rng.randrange(5000)]
    )


class Arguments:
    def __init__(self, rng):
        self.rng = rng

    def odd(self, chance=0.12):
        return self.rng.random() < chance

    def source(self):
        return address(self.rng) if self.odd() else HEAP + self.rng.randrange(END)

    def target(self, alignment=1):
        if self.odd():
            return address(self.rng)
        at = self.rng.randrange(END, HEAP_SIZE - 4096)
        base = HEAP + at - (0 if self.odd(0.05) else at % alignment)
        return base if self.rng.random() < 0.7 else STACK + at % 4000 - (at % 4000) % alignment

    def count(self, most):
        return length(self.rng) if self.odd() else self.rng.randrange(most + 1)

    def slices(self):
        return self.source() if self.odd() else HEAP + SLICES + 16 * self.rng.randrange(16)

    def point(self):
        return self.source() if self.odd(0.08) else HEAP + POINTS + 32 * self.rng.randrange(16)

    def key(self):
        return self.source() if self.odd(0.08) else HEAP + KEYS + 32 * self.rng.randrange(16)

    def curve(self):
        return self.rng.choice([0, 0, 0, 1, 1, 1, 1, 2, 3, 2**32, 2**64 - 1])

    def text(self):
        start = self.rng.randrange(200)
        return (HEAP + TEXT + start, self.rng.randrange(256 - start)) if not self.odd() else (address(self.rng), length(self.rng))


def calls(rng):
    """One syscall's name and arguments."""
    a = Arguments(rng)
    r = rng.getrandbits
    table = {
        "sol_log_": lambda: a.text(),
        "sol_log_64_": lambda: [r(rng.choice([0, 1, 8, 32, 64])) for _ in range(5)],
        "sol_log_pubkey": lambda: [a.key()],
        "sol_log_compute_units_": lambda: [],
        "sol_log_data": lambda: [a.slices(), a.count(8)],
        "sol_memcpy_": lambda: [a.target(), a.source(), a.count(3000)],
        "sol_memmove_": lambda: [a.target(), a.source() if a.odd(0.7) else a.target(), a.count(3000)],
        "sol_memset_": lambda: [a.target(), r(rng.choice([8, 64])), a.count(3000)],
        "sol_memcmp_": lambda: [(s := a.source()), rng.choice([s, a.source()]), a.count(100), a.target(4)],
        "sol_sha256": lambda: [a.slices(), a.count(12), a.target()],
        "sol_keccak256": lambda: [a.slices(), a.count(12), a.target()],
        "sol_create_program_address": lambda: [a.slices(), a.count(5), a.key(), a.target()],
        "sol_try_find_program_address": lambda: [a.slices(), a.count(5), a.key(), a.target(), a.target()],
        "sol_secp256k1_recover": lambda: secp(a, rng),
        "sol_blake3": lambda: [a.slices(), a.count(12), a.target()],
        "sol_remaining_compute_units": lambda: [],
        "sol_big_mod_exp": lambda: power_call(a, rng),
        "sol_poseidon": lambda: poseidon_call(a, rng),
        "sol_curve_validate_point": lambda: validate_call(a, rng),
        "sol_curve_group_op": lambda: group_operation_call(a, rng),
        "sol_curve_decompress": lambda: decompress_call(a, rng),
        "sol_curve_pairing_map": lambda: pairing_call(a, rng),
        "sol_curve_multiscalar_mul": lambda: [
            a.curve(), a.point(), a.point(), rng.choice([0, 1, 2, 3, 8, 512, 513, a.count(4)]), a.target()
        ],
        "sol_alt_bn128_group_op": lambda: bn_group_call(a, rng),
        "sol_alt_bn128_compression": lambda: bn_compression_call(a, rng),
        "sol_get_clock_sysvar": lambda: [a.target(8)],
        "sol_get_rent_sysvar": lambda: [a.target(8)],
        "sol_get_epoch_schedule_sysvar": lambda: [a.target(8)],
        "sol_get_epoch_rewards_sysvar": lambda: [a.target(16)],
        "sol_get_last_restart_slot": lambda: [a.target(8)],
        "sol_get_sysvar": lambda: [a.key(), a.target(), rng.choice([0, 0, 1, 8, 17, 40, a.count(40)]), a.count(40)],
        "sol_get_epoch_stake": lambda: [rng.choice([0, a.key()])],
        "sol_set_return_data": lambda: [a.source(), a.count(1030)],
        "sol_get_return_data": lambda: [a.target(), a.count(1100), a.target()],
        "sol_get_processed_sibling_instruction": lambda: sibling(a, rng),
        "sol_get_stack_height": lambda: [],
        "sol_alloc_free_": lambda: [a.count(9000), rng.choice([0, 0, 0, HEAP])],
        "abort": lambda: [],
        "sol_panic_": lambda: [*a.text(), r(10), r(6)],
    }
    names = sorted(table)
    rare = {"abort", "sol_panic_"}
    chosen = [n for n in names if ONLY and ONLY in n] * 8
    name = rng.choice(chosen or [n for n in names if n not in rare] * 4 + sorted(rare))
    return name, list(table[name]())


def secp(a, rng):
    base = HEAP + SIGNATURES + rng.choice([0, 0, 96])
    digest, signature = (base, base + 32) if not a.odd() else (a.source(), a.source())
    return [digest, rng.choice([0, 1, 0, 1, 2, 3, 4, 255, 256, 2**64 - 1]), signature, a.target()]


def bn_group_call(a, rng):
    index = rng.randrange(len(GROUP_SLOTS))
    operation = GROUP_SLOTS[index]
    size = sum(GROUP_PARTS[operation & ~LITTLE])
    if rng.random() < 0.15:
        size = rng.choice([0, 1, 32, 63, 64, 96, 128, 191, 192, 193, 256, size + 1, size - 1, a.count(400)])
    if rng.random() < 0.08:
        operation = rng.choice([1, 5, 7, 8, 0x81, 0x85, 0x100, 0x40, 2**64 - 1, rng.choice(GROUP_SLOTS)])
    return [operation, a.source() if a.odd(0.05) else HEAP + GROUP + 384 * index, size, a.target()]


def bn_compression_call(a, rng):
    index = rng.randrange(8)
    operation = index % 4 | (LITTLE if index > 3 else 0)
    size = {0: 64, 1: 32, 2: 128, 3: 64}[index % 4]
    if rng.random() < 0.15:
        size = rng.choice([0, 1, 31, 32, 33, 64, 65, 127, 128, a.count(200)])
    if rng.random() < 0.08:
        operation = rng.choice([4, 7, 0x84, 0x100, 2**64 - 1, rng.randrange(4)])
    return [operation, a.source() if a.odd(0.05) else HEAP + COMPRESSION + 128 * index, size, a.target()]


def sibling(a, rng):
    """With a header that is sometimes right for a compute budget instruction (5 bytes, no accounts)."""
    header = rng.choice([a.target(8), HEAP + 0x6000])
    return [rng.choice([0, 0, 0, 1, 2, 2**64 - 1]), header, a.target(), a.target(), a.target()]


# --- Programs ---------------------------------------------------------------------------------------------------


def program(rng, version, data):
    a = Assembler(version, data)
    a.syscall("sol_memcpy_", HEAP, a.rodata_address, END)
    a.load(1, HEAP + 0x6000).load(2, rng.choice([0, 5, 5])).store(1, 0, 2)
    names = []
    for step in range(rng.choice([1, 1, 2, 3, 4])):
        name, arguments = calls(rng)
        names.append(name)
        a.syscall(name, *arguments)
        a.move(1, 0)
        a.syscall("sol_log_64_", None, step, 0, 0, 0)
    scratch = HEAP + HEAP_SIZE - 64
    for offset, value in ((0, HEAP), (8, HEAP_SIZE - 64), (16, STACK), (24, 4096)):
        a.load(1, scratch + offset).load(2, value).store(1, 0, 2)
    a.syscall("sol_sha256", scratch, 2, scratch + 32)
    for offset, value in ((0, scratch + 32), (8, 32)):
        a.load(1, scratch + offset).load(2, value).store(1, 0, 2)
    a.syscall("sol_log_data", scratch, 1)
    a.load(0, 0).exit()
    return a, names


def transaction(rng, svm, payer, identifier, data, accounts, limit):
    instructions = []
    if limit is not None:
        instructions.append(Instruction(BUDGET, b"\x02" + struct.pack("<I", limit), []))
    instructions.append(Instruction(identifier, data, accounts))
    blockhash = svm.latest_blockhash()
    message = Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
    signed = Transaction([payer], message, blockhash)
    return bytes(signed), signed


def batch(seed, count):
    """A case with its programs, and (wire, transaction, description) for each."""
    rng = random.Random(seed)
    active = [key for key in FEATURES if rng.random() < 0.5]
    case = Case(sigverify=False, svm=with_features(active))
    for key in active:
        case.put(key, Account(10**9, struct.pack("<BQ", 1, 0), FEATURE_PROGRAM, False, 2**64 - 1))
    payer = Keypair.from_seed(rng.randbytes(32))
    case.fund(payer.pubkey(), 10**13)
    owned = Pubkey.from_bytes(rng.randbytes(32))
    case.put(owned, Account(10**9, rng.randbytes(50), Pubkey.default(), False, 2**64 - 1))
    made = []
    for index in range(count):
        samples = sample_values(rng) if index % 50 == 0 else samples
        version, loader = rng.choice([0, 0, 3]), rng.choice([2, 2, 2, 1])
        assembler, names = program(rng, version, payload(rng, samples))
        identifier = Pubkey.from_bytes(rng.randbytes(32))
        elf = assembler.elf()
        case.svm.add_program_with_loader(identifier, elf, Pubkey.from_string(LOADERS[loader]))
        case.adopt(identifier)
        limit = rng.choice([None, 1_400_000, 300 + rng.randrange(3000), 300 + rng.randrange(40_000)])
        data = rng.randbytes(rng.randrange(64))
        accounts = [AccountMeta(owned, False, False)] if rng.random() < 0.3 else []
        wire, signed = transaction(rng, case.svm, payer, identifier, data, accounts, limit)
        made.append((wire, signed, f"v{version} loader {loader} limit {limit}: {' '.join(names)}", elf, data))
    return case, made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="call only syscalls whose name contains this")
    parser.add_argument("--keep", help="a folder that keeps the input files of a batch with differences")
    parser.add_argument("--expect", help="write programs and LiteSVM's answers here; Estuary is not run")
    options = parser.parse_args()
    global ONLY
    ONLY = options.only
    total, wrong, expectations = 0, 0, []
    while total < options.count:
        size = min(options.batch, options.count - total)
        seed = options.seed * 1_000_003 + total
        case, made = batch(seed, size)
        transactions = [(wire, signed) for wire, signed, *_ in made]
        expected, accounts = case.litesvm(transactions)
        total += size
        if options.expect:
            for (_, signed, description, elf, data), result in zip(made, expected):
                expectations.append(
                    {"about": description, "loader": int(description[10]), "elf": elf.hex(), "data": data.hex(), "wire": bytes(signed).hex(), **result}
                )
            continue
        actual, actual_accounts = case.estuary(transactions, keep=options.keep)
        found = differences(expected, actual, accounts, actual_accounts)
        for line in found:
            print(f"seed {seed}: {line}")
            if line.startswith("tx "):
                print(f"    {made[int(line.split()[1])][2]}")
        wrong += len(found)
        print(f"{total} programs, {wrong} differences", flush=True)
    if options.expect:
        with open(options.expect, "w") as file:
            json.dump(expectations, file)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
