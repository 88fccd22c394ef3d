"""Writes what Ethereum's executable specification (ethereum-execution) makes of calls of precompiled contracts, for
Tests/EVMTests/PrecompileTests.swift. Where its Python takes too long (sums of many multiples), py_arkworks_bls12381 gives
the result. The same seed gives the same file.

    python Tools/oracle/precompile_cases.py OUTPUT [--seed N] [--scale N]

A line is one call: FORK ADDRESS GAS OUTPUT INPUT, the address in hex, output and input in hex or "-" where empty. OUTPUT
is "!" where the call fails, and GAS is "-" where it fails before anything is charged.
"""
import argparse
import hashlib
import importlib
import random
from types import SimpleNamespace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from ethereum.exceptions import EthereumException
from ethereum_types.numeric import U256, Uint
from coincurve import PrivateKey
from py_arkworks_bls12381 import G1Point, G2Point, Scalar
from py_ecc import optimized_bls12_381 as bls
from py_ecc import optimized_bn128 as bn
from py_ecc.bls.g2_primitives import G1_to_pubkey, pubkey_to_G1, signature_to_G2

MODULES = {
    "frontier": "frontier", "homestead": "homestead", "tangerineWhistle": "tangerine_whistle",
    "spuriousDragon": "spurious_dragon", "byzantium": "byzantium", "petersburg": "constantinople",
    "istanbul": "istanbul", "berlin": "berlin", "london": "london", "paris": "paris", "shanghai": "shanghai",
    "cancun": "cancun", "prague": "prague", "osaka": "osaka",
}
FORKS = list(MODULES)
ENOUGH = 1 << 70

BN_P, BN_R = bn.field_modulus, bn.curve_order
BLS_P, BLS_R = bls.field_modulus, bls.curve_order
P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def word(value, size=32):
    return int(value).to_bytes(size, "big")


class Writer:
    def __init__(self, path, seed, scale):
        self.file = open(path, "w")
        self.random = random.Random(seed)
        self.scale = scale
        self.contracts = {}
        for fork, module in MODULES.items():
            mapping = importlib.import_module(f"ethereum.forks.{module}.vm.precompiled_contracts.mapping")
            table = mapping.PRE_COMPILED_CONTRACTS
            self.contracts[fork] = {int.from_bytes(address, "big"): run for address, run in table.items()}

    def line(self, fork, address, gas, output, data):
        shown = "!" if output is None else output.hex() or "-"
        self.file.write(f"{fork} {address:x} {'-' if gas is None else gas} {shown} {data.hex() or '-'}\n")

    def call(self, address, data, *forks):
        data = bytes(data)
        for fork in forks or ("osaka",):
            evm = SimpleNamespace(message=SimpleNamespace(data=data), gas_left=Uint(ENOUGH), output=b"")
            try:
                self.contracts[fork][address](evm)
                output = bytes(evm.output)
            except EthereumException:
                output = None
            gas = ENOUGH - int(evm.gas_left)
            self.line(fork, address, None if output is None and gas == 0 else gas, output, data)

    def times(self, count):
        return range(count * self.scale)

    def bytes(self, count):
        return self.random.randbytes(count)

    def damaged(self, data):
        """The data with a bit flipped, cut off or longer."""
        data = bytearray(data)
        kind = self.random.randrange(4)
        if kind == 0:
            return bytes(data[:self.random.randrange(len(data))])
        if kind == 1:
            return bytes(data) + self.bytes(self.random.choice([1, 32, 64]))
        data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)


def presence(w):
    """Which addresses hold a precompile in each fork."""
    for fork in FORKS:
        active = sorted(w.contracts[fork])
        w.file.write(f"{fork} addresses {','.join(f'{address:x}' for address in active)}\n")


def signatures(w):
    for i in w.times(25):
        key, digest = PrivateKey(w.bytes(32)), w.bytes(32)
        signature = key.sign_recoverable(digest, hasher=None)
        r, s, v = signature[:32], signature[32:64], signature[64]
        good = digest + word(27 + v) + r + s
        w.call(1, good, "frontier", "osaka")
        w.call(1, digest + word(28 - v) + r + word(SECP256K1_N - int.from_bytes(s, "big")), "osaka")
        w.call(1, good + w.bytes(i), "byzantium")
        w.call(1, w.damaged(good), "homestead")
        w.call(1, digest + word(w.random.choice([0, 1, 26, 29, 30, 27 << 8, 1 << 255 | 27])) + r + s, "osaka")
    for r in [0, 1, SECP256K1_N - 1, SECP256K1_N, SECP256K1_N + 1, 2**256 - 1, 5]:
        for s in [0, 1, SECP256K1_N - 1, SECP256K1_N]:
            w.call(1, w.bytes(32) + word(27 + (r + s) % 2) + word(r) + word(s))
    w.call(1, b"")


def digests(w):
    for size in [0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 128, 1000]:
        for address in (2, 3, 4):
            w.call(address, w.bytes(size), "frontier", "osaka")
    for _ in w.times(30):
        rounds = w.random.choice([0, 1, 2, 9, 10, 11, 12, 13, 100, 1000])
        block = w.bytes(208)
        good = word(rounds, 4) + block + bytes([w.random.randrange(2)])
        w.call(9, good, "istanbul")
        w.call(9, good[:212] + bytes([w.random.randrange(2, 256)]), "osaka")
        w.call(9, good[:w.random.randrange(213)], "berlin")
        w.call(9, good + b"\0", "osaka")
    # The example of EIP-152: BLAKE2b of "abc".
    state = bytes.fromhex(
        "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b")
    w.call(9, word(12, 4) + state + b"abc".ljust(128, b"\0") + b"\3".ljust(16, b"\0") + b"\1", "istanbul")


def powers(w):
    forks = ("byzantium", "berlin", "osaka")

    def send(base, exponent, modulus, *lengths):
        lengths = lengths or (len(base), len(exponent), len(modulus))
        w.call(5, b"".join(word(x) for x in lengths) + base + exponent + modulus, *forks)

    for _ in w.times(60):
        sizes = [w.random.choice([0, 1, 2, 8, 31, 32, 33, 63, 64, 65, 96, 128, 200]) for _ in range(3)]
        base, exponent, modulus = (bytearray(w.bytes(size)) for size in sizes)
        for number in (base, exponent, modulus):  # leading zeros, small numbers, even moduli, zero
            if number and w.random.randrange(3) == 0:
                cut = w.random.randrange(len(number) + 1)
                number[:cut] = bytes(cut)
        if modulus and w.random.randrange(3) == 0:
            modulus[-1] &= 0xF0
        send(bytes(base), bytes(exponent), bytes(modulus))
        data = b"".join(word(size) for size in sizes) + base + exponent + modulus
        w.call(5, data[:w.random.randrange(len(data) + 1)], *forks)
    for size in [1023, 1024, 1025, 1100]:
        send(w.bytes(size), b"\3", w.bytes(32))
        send(w.bytes(1), b"\2" + w.bytes(size - 1), b"\7")
        send(w.bytes(9), b"\3", w.bytes(size))
    for lengths in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 2000, 0), (2000, 0, 0), (0, 0, 1), (1, 1, 1), (0, 0, 1025)]:
        send(b"", b"", b"", *lengths)
    for exponent in [b"\0", b"\0" * 33, b"\0" * 32 + b"\1", b"\1" + b"\0" * 32, b"\xff" * 40]:
        send(b"\3", exponent, b"\x10\1")
        send(b"\0", exponent, b"\1")
        send(b"\0", exponent, b"\0")
    send(b"\3", word(2**256 - 2**32 - 978), word(2**256 - 2**32 - 977))  # the examples of EIP-198
    send(b"", word(2**256 - 2**32 - 978), word(2**256 - 2**32 - 977))


def absurd_powers(w):
    """Lengths that no memory holds: only their prices, from the formulas of the specification."""
    for fork in ("byzantium", "berlin"):
        prices = importlib.import_module(f"ethereum.forks.{MODULES[fork]}.vm.precompiled_contracts.modexp")
        for lengths in [(1 << 30, 1, 1), (1, 1 << 30, 1), (1, 1, 1 << 40), (1 << 63, 1, 0), (0, 1 << 255, 1 << 200),
                        (2**256 - 1, 2**256 - 1, 2**256 - 1), (0, 2**64, 0), (2**64, 0, 1), (2**64 - 1, 33, 1)]:
            base, exponent, modulus = (U256(x) for x in lengths)
            gas = int(prices.gas_cost(base, modulus, exponent, U256(0)))
            gas = min(gas, 2**64 - 1)
            w.line(fork, 5, gas, None if lengths[2] else b"", b"".join(word(x) for x in lengths))
    for lengths in [(2**256 - 1, 0, 0), (0, 2**64, 1), (1, 1, 1 << 200)]:
        w.call(5, b"".join(word(x) for x in lengths), "osaka")


def bn_g1(scalar):
    x, y = bn.normalize(bn.multiply(bn.G1, scalar)) if scalar % BN_R else (0, 0)
    return word(int(x)) + word(int(y))


def bn_g2(scalar):
    if scalar % BN_R == 0:
        return bytes(128)
    x, y = bn.normalize(bn.multiply(bn.G2, scalar))
    return b"".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def bn_curve(w):
    def scalar():
        return w.random.choice([0, 1, 2, BN_R - 1, w.random.randrange(BN_R), w.random.randrange(BN_R)])

    points = [bn_g1(scalar()) for _ in w.times(12)] + [bytes(64), bn_g1(1), bn_g1(BN_R - 1)]
    for _ in w.times(40):
        a, b = w.random.choice(points), w.random.choice(points)
        w.call(6, a + b, "byzantium", "istanbul")
        w.call(6, w.damaged(a + b), "osaka")
        k = w.random.choice([0, 1, 2, BN_R - 1, BN_R, BN_R + 1, 2**256 - 1, w.random.randrange(2**256)])
        w.call(7, a + word(k), "byzantium", "osaka")
        w.call(7, w.damaged(a + word(k)), "istanbul")
    for point in points[:6]:  # coordinates of the same value, not below p
        x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
        for data in (word(x + BN_P) + word(y), word(x) + word(y + BN_P), word(BN_P) + word(0), word(0) + word(BN_P)):
            w.call(6, data + bytes(64))
            w.call(7, data + word(1))
    for data in (b"", bytes(31), bytes(64), bytes(200), word(1), word(1) + word(2), word(1) + word(3)):
        w.call(6, data, "byzantium", "osaka")
        w.call(7, data, "byzantium", "osaka")


def square_root(value, field, p):
    """A root in Fp2 = Fp[u] / (u^2 + 1), p = 3 modulo 4, or None: by the norm."""
    a, b = (int(c) for c in value.coeffs)
    norm = pow(a * a + b * b, (p + 1) // 4, p)
    for half in ((a + norm) * pow(2, -1, p) % p, (a - norm) * pow(2, -1, p) % p):
        real = pow(half, (p + 1) // 4, p)
        if real and real * real % p == half:
            root = field([real, b * pow(2 * real, -1, p) % p])
            if root * root == value:
                return root
    return None


def on_twist(w, curve, p):
    """A point of the twist, as good as never of order r."""
    while True:
        x = curve.FQ2([w.random.randrange(p), w.random.randrange(p)])
        y = square_root(x * x * x + curve.b2, curve.FQ2, p)
        if y is not None:
            return (x, y, curve.FQ2([1, 0]))


def outside_bn_g2(w):
    x, y, _ = on_twist(w, bn, BN_P)
    return b"".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def bn_pairings(w):
    for _ in w.times(3):
        a, b = w.random.randrange(1, BN_R), w.random.randrange(1, BN_R)
        good = bn_g1(a) + bn_g2(b) + bn_g1(BN_R - a * b % BN_R) + bn_g2(1)
        w.call(8, good, "byzantium", "osaka")
        w.call(8, bn_g1(a) + bn_g2(b) + bn_g1(a * b) + bn_g2(1))
        w.call(8, bn_g1(a) + bytes(128) + bytes(64) + bn_g2(b))
        w.call(8, good[:192] + bn_g1(1) + outside_bn_g2(w))
        w.call(8, bytes(64) + outside_bn_g2(w))
        w.call(8, w.damaged(good))
        w.call(8, good[:64] + good[96:128] + good[64:96] + good[128:])
    for size in (0, 1, 64, 191, 192, 193, 384):
        w.call(8, bytes(size), "byzantium", "osaka")
    w.call(8, bn_g1(1) + bn_g2(1))
    w.call(8, bn_g1(1) + bn_g2(1)[:96] + word(BN_P))


def bls_field(value):
    return bytes(16) + word(int(value), 48)


def bls_g1(point):
    """A point of py_ecc; None is infinity."""
    if point is None or bls.is_inf(point):
        return bytes(128)
    x, y = bls.normalize(point)
    return bls_field(x.n) + bls_field(y.n)


def bls_g2(point):
    if point is None or bls.is_inf(point):
        return bytes(256)
    x, y = bls.normalize(point)
    return b"".join(bls_field(int(c)) for c in (*x.coeffs, *y.coeffs))


def on_bls_curve(w):
    """A point of G1's curve, most likely outside G1."""
    while True:
        x = bls.FQ(w.random.randrange(BLS_P))
        root = (x**3 + bls.b) ** ((BLS_P + 1) // 4)
        if root * root == x**3 + bls.b:
            return (x, root, bls.FQ(1))


def on_bls_twist(w):
    return on_twist(w, bls, BLS_P)


def bls_curve(w):
    scalars = [1, 2, BLS_R - 1] + [w.random.randrange(BLS_R) for _ in w.times(6)]
    g1 = [bls.multiply(bls.G1, k) for k in scalars] + [None]
    g2 = [bls.multiply(bls.G2, k) for k in scalars] + [None]
    strange1, strange2 = [on_bls_curve(w) for _ in range(3)], [on_bls_twist(w) for _ in range(3)]
    strange1.append((bls.FQ(0), bls.FQ(2), bls.FQ(1)))  # of order three
    for _ in w.times(15):
        a, b = w.random.choice(g1 + strange1), w.random.choice(g1 + strange1)
        good = bls_g1(a) + bls_g1(b)
        w.call(0x0B, good, "prague")
        w.call(0x0B, bls_g1(a) + bls_g1(a))
        w.call(0x0B, w.damaged(good))
        a, b = w.random.choice(g2 + strange2), w.random.choice(g2 + strange2)
        good = bls_g2(a) + bls_g2(b)
        w.call(0x0D, good, "prague")
        w.call(0x0D, bls_g2(a) + bls_g2(a))
        w.call(0x0D, w.damaged(good))
    if g1[0]:
        x, y = bls.normalize(g1[0])
        for data in (bls_field(x.n + BLS_P) + bls_field(y.n), bls_field(x.n) + bls_field(y.n + BLS_P),
                     bls_field(BLS_P) + bls_field(0), b"\1" + bytes(127), bls_field(x.n) + bls_field(y.n)[1:]):
            w.call(0x0B, data + bytes(128))
            w.call(0x0C, data + word(1))
            w.call(0x0D, data + bytes(384))
    for _ in w.times(6):
        for address, points, strange, write in ((0x0C, g1, strange1, bls_g1), (0x0E, g2, strange2, bls_g2)):
            k = [w.random.choice([0, 1, BLS_R, BLS_R + 1, 2**256 - 1, w.random.randrange(2**256)]) for _ in range(3)]
            terms = [write(w.random.choice(points)) + word(x) for x in k[:w.random.randrange(1, 4)]]
            w.call(address, b"".join(terms), "prague")
            w.call(address, w.damaged(b"".join(terms)))
            w.call(address, b"".join(terms) + write(w.random.choice(strange)) + word(w.random.choice([0, 1, BLS_R])))
    for address in (0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11):
        for size in (0, 1, 64, 128, 160, 256, 288, 384, 512):
            w.call(address, bytes(size))
    for _ in w.times(4):
        for address, count in ((0x10, 1), (0x11, 2)):
            values = [w.random.choice([0, 1, BLS_P - 1, w.random.randrange(BLS_P)]) for _ in range(count)]
            good = b"".join(bls_field(value) for value in values)
            w.call(address, good, "prague")
            w.call(address, w.damaged(good))
            w.call(address, bls_field(BLS_P) * count)


def bls_sums(w):
    """Sums of many multiples, and their prices at every length that has one of its own."""
    prague = importlib.import_module("ethereum.forks.prague.vm.precompiled_contracts.bls12_381")
    for address, base, add, write, per_term, table, most in (
        (0x0C, G1Point(), G1Point.multiexp_unchecked, arkworks_g1, 12000, prague.G1_K_DISCOUNT, prague.G1_MAX_DISCOUNT),
        (0x0E, G2Point(), G2Point.multiexp_unchecked, arkworks_g2, 22500, prague.G2_K_DISCOUNT, prague.G2_MAX_DISCOUNT),
    ):
        for count in [5, 16, 47, 48, 49, 63, 96, 97, 127, 128, 129, 300]:
            k = [w.random.randrange(BLS_R) >> w.random.choice([0, 0, 0, 200]) for _ in range(count)]
            points = [base * Scalar(w.random.randrange(1, BLS_R)) for _ in range(count)]
            points[1] = points[0]
            points[2] = -points[0]
            data = b"".join(write(point) + word(x) for point, x in zip(points, k))
            discount = table[count - 1] if count <= 128 else most
            gas = count * per_term * discount // 1000
            w.line("prague", address, gas, write(add(points, [Scalar(x) for x in k])), data)


def arkworks_g1(point):
    """From the compressed form, which is all that the binding shows."""
    return bls_g1(pubkey_to_G1(bytes(point.to_compressed_bytes())))


def arkworks_g2(point):
    return bls_g2(signature_to_G2(bytes(point.to_compressed_bytes())))


def bls_pairings(w):
    for _ in w.times(2):
        a, b = w.random.randrange(1, BLS_R), w.random.randrange(1, BLS_R)
        p, q = bls.multiply(bls.G1, a), bls.multiply(bls.G2, b)
        opposite = bls.multiply(bls.G1, BLS_R - a * b % BLS_R)
        good = bls_g1(p) + bls_g2(q) + bls_g1(opposite) + bls_g2(bls.G2)
        w.call(0x0F, good, "prague")
        w.call(0x0F, bls_g1(p) + bls_g2(q) + bls_g1(bls.neg(opposite)) + bls_g2(bls.G2))
        w.call(0x0F, bls_g1(p) + bytes(256) + bytes(128) + bls_g2(q))
        w.call(0x0F, good[:384] + bls_g1(on_bls_curve(w)) + bls_g2(q))
        w.call(0x0F, good[:384] + bls_g1(p) + bls_g2(on_bls_twist(w)))
        w.call(0x0F, bytes(128) + bls_g2(on_bls_twist(w)))
        w.call(0x0F, w.damaged(good))


# [tau]G1 of the ceremony: with it, commitments to polynomials of degree one can be opened.
TAU_G1 = "ad3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81"


def blobs(w):
    tau = pubkey_to_G1(bytes.fromhex(TAU_G1))

    def versioned(commitment):
        return b"\1" + hashlib.sha256(commitment).digest()[1:]

    def call(z, y, commitment, proof):
        w.call(0x0A, versioned(commitment) + word(z) + word(y) + commitment + proof, "cancun")

    for i in w.times(4):
        a, b, z = w.random.randrange(BLS_R), 0 if i == 1 else w.random.randrange(BLS_R), w.random.randrange(BLS_R)
        if i == 2:
            a = z = 0
        commitment = G1_to_pubkey(bls.add(bls.multiply(bls.G1, a), bls.multiply(tau, b)))
        proof, y = G1_to_pubkey(bls.multiply(bls.G1, b)), (a + b * z) % BLS_R
        good = versioned(commitment) + word(z) + word(y) + commitment + proof
        call(z, y, commitment, proof)
        call(z, (y + 1) % BLS_R, commitment, proof)
        call(z, y, proof, commitment)
        call(z + BLS_R, y, commitment, proof)
        call(z, y + BLS_R, commitment, proof)
        strange = G1_to_pubkey(on_bls_curve(w))
        call(z, y, strange, proof)
        call(z, y, commitment, strange)
        call(z, y, commitment, bytes([proof[0] ^ 0x20]) + proof[1:])
        call(z, y, commitment, bytes([proof[0] & 0x7F]) + proof[1:])
        call(z, y, bytes([0xC0]) + bytes(46) + b"\1", proof)
        call(z, y, bytes([0xE0]) + bytes(47), proof)
        call(z, y, bytes([0x9F]) + b"\xff" * 47, proof)
        call(0, 0, bytes([0xC0]) + bytes(47), bytes([0xC0]) + bytes(47))
        w.call(0x0A, b"\2" + good[1:], "cancun")
        w.call(0x0A, w.damaged(good), "osaka")
        w.call(0x0A, w.damaged(good), "osaka")
    w.call(0x0A, b"", "osaka")


def p256(w):
    def call(*numbers):
        w.call(0x100, b"".join(word(number) for number in numbers))

    for _ in w.times(20):
        key = ec.derive_private_key(w.random.randrange(1, P256_N), ec.SECP256R1())
        digest = w.bytes(32)
        signature = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True))
        r, s = utils.decode_dss_signature(signature)
        public = key.public_key().public_numbers()
        h, x, y = int.from_bytes(digest, "big"), public.x, public.y
        call(h, r, s, x, y)
        call(h, r, P256_N - s, x, y)
        call(h, r, s, x, P256_P - y)
        call(h, s, r, x, y)
        w.call(0x100, w.damaged(b"".join(word(number) for number in (h, r, s, x, y))))
    for r, s in ((0, s), (r, 0), (P256_N, s), (r, P256_N), (r + P256_N & 2**256 - 1, s), (2**256 - 1, s)):
        call(h, r, s, x, y)
    for x, y in ((0, 0), (0, y), (x, 0), (P256_P, y), (x, P256_P), (0, P256_P), (2**256 - 1, 2**256 - 1)):
        call(h, r, s, x, y)
    w.call(0x100, b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=20_261)
    parser.add_argument("--scale", type=int, default=1, help="this many times as many cases")
    arguments = parser.parse_args()
    writer = Writer(arguments.output, arguments.seed, arguments.scale)
    for part in (presence, signatures, digests, powers, absurd_powers, bn_curve, bn_pairings, bls_curve, bls_sums,
                 bls_pairings, blobs, p256):
        part(writer)
    writer.file.close()


if __name__ == "__main__":
    main()
