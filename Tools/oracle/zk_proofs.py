"""A prover for the ZK ElGamal proof program: proofs of all twelve kinds, as solana-zk-sdk 5.0.1 verifies them.

Twisted ElGamal over ristretto255 by libsodium (which the build needs anyway), Merlin transcripts over a Keccak permutation that
stands here. A proof is made from random values of `random`, so that a seed gives the same bytes again.

    proof = Prover(random.Random(1)).prove(4)     # pubkey validity
    proof.kind, proof.context, proof.proof        # the instruction's number, the statement, the proof
"""

import ctypes
import ctypes.util
import hashlib

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(32)


# ristretto255. Points are their encodings, scalars are integers.

def _library():
    for name in ("libsodium.so.23", "libsodium.so", ctypes.util.find_library("sodium")):
        try:
            library = ctypes.CDLL(name)
        except (OSError, TypeError):
            continue
        if library.sodium_init() >= 0:
            return library
    raise RuntimeError("no libsodium")


_sodium = _library()


def number(scalar):
    return (scalar % ORDER).to_bytes(32, "little")


def add(first, *others):
    for other in others:
        result = ctypes.create_string_buffer(32)
        if _sodium.crypto_core_ristretto255_add(result, first, other):
            raise ValueError("no point")
        first = result.raw
    return first


def multiply(scalar, point):
    result = ctypes.create_string_buffer(32)
    # Fails where the product is the identity, which it then has written.
    if _sodium.crypto_scalarmult_ristretto255(result, number(scalar), point):
        if scalar % ORDER and point != IDENTITY:
            raise ValueError("no point")
        return IDENTITY
    return result.raw


def combine(*terms):
    """The sum of scalars times points."""
    return add(IDENTITY, *[multiply(scalar, point) for scalar, point in terms])


def negated(point):
    result = ctypes.create_string_buffer(32)
    _sodium.crypto_core_ristretto255_sub(result, IDENTITY, point)
    return result.raw


def point_of(uniform):
    result = ctypes.create_string_buffer(32)
    _sodium.crypto_core_ristretto255_from_hash(result, uniform)
    return result.raw


def is_point(bytes):
    return bool(_sodium.crypto_core_ristretto255_is_valid_point(bytes))


def inverse(scalar):
    return pow(scalar, ORDER - 2, ORDER)


G = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
H = point_of(hashlib.sha3_512(G).digest())


def generators(label, count=256):
    stream = hashlib.shake_256(b"GeneratorsChain" + label).digest(64 * count)
    return [point_of(stream[64 * index : 64 * index + 64]) for index in range(count)]


GENERATORS_G, GENERATORS_H = generators(b"G"), generators(b"H")


# Merlin transcripts (https://merlin.cool): STROBE-128 over Keccak-f[1600].

_MASK = 2**64 - 1
_ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]


def _round_constants():
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << (2**bit - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_CONSTANTS = _round_constants()
_PLACES = [(x, y, _ROTATIONS[x][y], y + 5 * ((2 * x + 3 * y) % 5)) for x in range(5) for y in range(5)]


def keccak_f(state):
    """The permutation of 200 bytes."""
    a = [int.from_bytes(state[8 * lane : 8 * lane + 8], "little") for lane in range(25)]
    b = [0] * 25
    for constant in _CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ ((c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63) & _MASK) for x in range(5)]
        for x, y, count, place in _PLACES:
            lane = a[x + 5 * y] ^ d[x]
            b[place] = (lane << count | lane >> (64 - count)) & _MASK
        for y in range(0, 25, 5):
            p, q, r, s, t = b[y : y + 5]
            a[y : y + 5] = (p ^ (~q & r), q ^ (~r & s), r ^ (~s & t), s ^ (~t & p), t ^ (~p & q))
        a[0] ^= constant
    return bytearray(b"".join((lane & _MASK).to_bytes(8, "little") for lane in a))


class Transcript:
    RATE = 166

    def __init__(self, label):
        self.state = keccak_f(bytes([1, self.RATE + 2, 1, 0, 1, 96]) + b"STROBEv1.0.2" + bytes(182))
        self.position = self.begin = 0
        self._operate(0x12, b"Merlin v1.0")
        self.append(b"dom-sep", label)

    def _permute(self):
        self.state[self.position] ^= self.begin
        self.state[self.position + 1] ^= 0x04
        self.state[self.RATE + 1] ^= 0x80
        self.state = keccak_f(self.state)
        self.position = self.begin = 0

    def _absorb(self, data):
        for byte in data:
            self.state[self.position] ^= byte
            self.position += 1
            if self.position == self.RATE:
                self._permute()

    def _operate(self, flags, data=b""):
        before, self.begin = self.begin, self.position + 1
        self._absorb(bytes([before, flags]))
        if flags & 0x24 and self.position:
            self._permute()
        self._absorb(data)

    def append(self, label, message):
        self._operate(0x12, label + len(message).to_bytes(4, "little"))
        self._operate(0x02, message)

    def append_u64(self, label, value):
        self.append(label, value.to_bytes(8, "little"))

    def challenge_bytes(self, label, count):
        self._operate(0x12, label + count.to_bytes(4, "little"))
        self._operate(0x07)
        result = bytearray()
        for _ in range(count):
            result.append(self.state[self.position])
            self.state[self.position] = 0
            self.position += 1
            if self.position == self.RATE:
                self._permute()
        return bytes(result)

    def challenge(self, label):
        return int.from_bytes(self.challenge_bytes(label, 64), "little") % ORDER


def transcript(instruction, *messages):
    """Of an instruction, over what the statement says, in its order."""
    result = Transcript(b"solana-zk-elgamal-proof-program-v1")
    result.append(b"dom-sep", instruction)
    for label, message in messages:
        result.append(label, message)
    return result


# Proofs.

class Proof:
    def __init__(self, kind, context, proof):
        self.kind, self.context, self.proof = kind, context, proof

    @property
    def data(self):
        return self.context + self.proof


class Key:
    """A key pair; the secret 0 has the identity for its public key."""

    def __init__(self, secret):
        self.secret = secret
        self.public = multiply(inverse(secret), H)

    def encrypt(self, amount, opening):
        return commit(amount, opening) + multiply(opening, self.public)


def commit(amount, opening):
    return combine((amount, G), (opening, H))


# What each kind is called in Agave, by number.
NAMES = (
    "CloseContextState VerifyZeroCiphertext VerifyCiphertextCiphertextEquality VerifyCiphertextCommitmentEquality "
    "VerifyPubkeyValidity VerifyPercentageWithCap VerifyBatchedRangeProofU64 VerifyBatchedRangeProofU128 "
    "VerifyBatchedRangeProofU256 VerifyGroupedCiphertext2HandlesValidity VerifyBatchedGroupedCiphertext2HandlesValidity "
    "VerifyGroupedCiphertext3HandlesValidity VerifyBatchedGroupedCiphertext3HandlesValidity"
).split()
# Bytes of the statement and of the proof, by kind.
LENGTHS = {
    1: (96, 96), 2: (192, 224), 3: (128, 192), 4: (32, 64), 5: (104, 256), 6: (264, 672), 7: (264, 736), 8: (264, 800),
    9: (160, 160), 10: (256, 160), 11: (224, 192), 12: (352, 192),
}  # fmt: skip
# Which 32-byte words of the proof are scalars, by kind; the others are points.
SCALARS = {
    1: [2], 2: [4, 5, 6], 3: [3, 4, 5], 4: [1], 5: [1, 2, 5, 6, 7], 6: [4, 5, 6, 19, 20], 7: [4, 5, 6, 21, 22],
    8: [4, 5, 6, 23, 24], 9: [3, 4], 10: [3, 4], 11: [4, 5], 12: [4, 5],
}  # fmt: skip
BITS = {6: 64, 7: 128, 8: 256}


class Prover:
    def __init__(self, random):
        self.random = random

    def scalar(self):
        return self.random.randrange(1, ORDER)

    def amount(self, bits=64):
        return self.random.choice([0, 1, 2**bits - 1, self.random.randrange(2**bits), self.random.randrange(2 ** (bits // 2))])

    def key(self):
        return Key(self.scalar())

    def prove(self, kind, **values):
        if kind in BITS:
            return self.range(kind, **values)
        makers = {
            1: self.zero, 2: self.two_ciphertexts, 3: self.ciphertext_commitment, 4: self.public_key, 5: self.percentage,
            9: self.grouped, 10: self.batched, 11: self.grouped, 12: self.batched,
        }  # fmt: skip
        if kind in (9, 10, 11, 12):
            values = {"handles": 2 if kind < 11 else 3, **values}
        return makers[kind](**values)

    def zero(self, key=None, ciphertext=None):
        key = key or self.key()
        ciphertext = ciphertext or key.encrypt(0, self.scalar())
        t = transcript(b"zero-ciphertext-instruction", (b"pubkey", key.public), (b"ciphertext", ciphertext))
        t.append(b"dom-sep", b"zero-ciphertext-proof")
        y = self.scalar()
        masks = [multiply(y, key.public), multiply(y, ciphertext[32:])]
        for label, mask in zip((b"Y_P", b"Y_D"), masks):
            t.append(label, mask)
        z = t.challenge(b"c") * key.secret + y
        return Proof(1, key.public + ciphertext, b"".join(masks) + number(z))

    def two_ciphertexts(self, first=None, second=None, amount=None, ciphertext=None, opening=None):
        first, second = first or self.key(), second or self.key()
        amount = self.amount() if amount is None else amount
        ciphertext = ciphertext or first.encrypt(amount, self.scalar())
        opening = self.scalar() if opening is None else opening
        other = second.encrypt(amount, opening)
        t = transcript(
            b"ciphertext-ciphertext-equality-instruction", (b"first-pubkey", first.public), (b"second-pubkey", second.public),
            (b"first-ciphertext", ciphertext), (b"second-ciphertext", other))  # fmt: skip
        t.append(b"dom-sep", b"ciphertext-ciphertext-equality-proof")
        s, x, r = self.scalar(), self.scalar(), self.scalar()
        masks = [
            multiply(s, first.public), combine((x, G), (s, ciphertext[32:])), commit(x, r), multiply(r, second.public),
        ]  # fmt: skip
        for index, mask in enumerate(masks):
            t.append(b"Y_%d" % index, mask)
        c = t.challenge(b"c")
        scalars = [c * first.secret + s, c * amount + x, c * opening + r]
        return Proof(2, first.public + second.public + ciphertext + other, b"".join(masks) + b"".join(map(number, scalars)))

    def ciphertext_commitment(self, key=None, amount=None, ciphertext=None, opening=None):
        key = key or self.key()
        amount = self.amount() if amount is None else amount
        ciphertext = ciphertext or key.encrypt(amount, self.scalar())
        opening = self.scalar() if opening is None else opening
        commitment = commit(amount, opening)
        t = transcript(
            b"ciphertext-commitment-equality-instruction", (b"pubkey", key.public), (b"ciphertext", ciphertext),
            (b"commitment", commitment))  # fmt: skip
        t.append(b"dom-sep", b"ciphertext-commitment-equality-proof")
        s, x, r = self.scalar(), self.scalar(), self.scalar()
        masks = [multiply(s, key.public), combine((x, G), (s, ciphertext[32:])), commit(x, r)]
        for index, mask in enumerate(masks):
            t.append(b"Y_%d" % index, mask)
        c = t.challenge(b"c")
        scalars = [c * key.secret + s, c * amount + x, c * opening + r]
        return Proof(3, key.public + ciphertext + commitment, b"".join(masks) + b"".join(map(number, scalars)))

    def public_key(self, key=None):
        key = key or self.key()
        t = transcript(b"pubkey-validity-instruction", (b"pubkey", key.public))
        t.append(b"dom-sep", b"pubkey-proof")
        y = self.scalar()
        mask = multiply(y, H)
        t.append(b"Y", mask)
        z = t.challenge(b"c") * inverse(key.secret) + y
        return Proof(4, key.public, mask + number(z))

    def percentage(self, capped=None, maximum=None, fee=None):
        """That the fee is the maximum, or that the rest of its division is what was claimed."""
        capped = self.random.random() < 0.5 if capped is None else capped
        maximum = self.amount() if maximum is None else maximum
        fee_opening, delta_opening, claimed_opening = self.scalar(), self.scalar(), self.scalar()
        delta = self.random.randrange(10_000)
        if fee is None:
            fee = maximum if capped else self.random.randrange(maximum + 1)
        commitments = [
            commit(fee, fee_opening), commit(delta, delta_opening), commit(0 if capped else delta, claimed_opening),
        ]  # fmt: skip
        value = maximum.to_bytes(8, "little")
        t = transcript(
            b"percentage-with-cap-instruction", (b"percentage-commitment", commitments[0]), (b"delta-commitment", commitments[1]),
            (b"claimed-commitment", commitments[2]), (b"max-value", value))  # fmt: skip
        t.append(b"dom-sep", b"percentage-with-cap-proof")
        if capped:
            z_x, z_delta, z_claimed, c_equality, y = (self.scalar() for _ in range(5))
            masks = [
                multiply(y, H), combine((z_x, G), (z_delta, H), (-c_equality, commitments[1])),
                combine((z_x, G), (z_claimed, H), (-c_equality, commitments[2])),
            ]  # fmt: skip
        else:
            z_max, c_max, x, r_delta, r_claimed = (self.scalar() for _ in range(5))
            masks = [
                combine((z_max, H), (-c_max, commitments[0]), (c_max * maximum, G)), commit(x, r_delta), commit(x, r_claimed),
            ]  # fmt: skip
        for label, mask in zip((b"Y_max_proof", b"Y_delta", b"Y_claimed"), masks):
            t.append(label, mask)
        c = t.challenge(b"c")
        if capped:
            c_max = c - c_equality
            z_max = c_max * fee_opening + y
        else:
            rest = c - c_max
            z_x, z_delta, z_claimed = rest * delta + x, rest * delta_opening + r_delta, rest * claimed_opening + r_claimed
        proof = masks[0] + number(z_max) + number(c_max) + masks[1] + masks[2] + number(z_x) + number(z_delta) + number(z_claimed)
        return Proof(5, b"".join(commitments) + value, proof)

    def grouped(self, handles, keys=None, amount=None, opening=None):
        publics = [key.public if key else IDENTITY for key in keys or [self.key() for _ in range(handles)]]
        amount = self.amount() if amount is None else amount
        opening = self.scalar() if opening is None else opening
        ciphertext = commit(amount, opening) + b"".join(multiply(opening, public) for public in publics)
        names = (b"first-pubkey", b"second-pubkey", b"third-pubkey")
        t = transcript(
            b"grouped-ciphertext-validity-%d-handles-instruction" % handles, *zip(names, publics), (b"grouped-ciphertext", ciphertext))
        proof = self.valid_group(t, publics, amount, opening)
        return Proof(9 if handles == 2 else 11, b"".join(publics) + ciphertext, proof)

    def batched(self, handles, keys=None, amounts=None, openings=None):
        publics = [key.public if key else IDENTITY for key in keys or [self.key() for _ in range(handles)]]
        amounts = amounts or [self.amount(16), self.amount(32)]
        openings = openings or [self.scalar(), self.scalar()]
        low, high = [
            commit(amount, opening) + b"".join(multiply(opening, public) for public in publics)
            for amount, opening in zip(amounts, openings)
        ]
        names = (b"first-pubkey", b"second-pubkey", b"third-pubkey")
        t = transcript(
            b"batched-grouped-ciphertext-validity-%d-handles-instruction" % handles, *zip(names, publics),
            (b"grouped-ciphertext-lo", low), (b"grouped-ciphertext-hi", high))  # fmt: skip
        t.append(b"dom-sep", b"batched-validity-proof")
        t.append_u64(b"handles", handles)
        weight = t.challenge(b"t")
        amount, opening = (pair[0] + weight * pair[1] for pair in (amounts, openings))
        proof = self.valid_group(t, publics, amount, opening)
        return Proof(10 if handles == 2 else 12, b"".join(publics) + low + high, proof)

    def valid_group(self, t, publics, amount, opening):
        t.append(b"dom-sep", b"validity-proof")
        t.append_u64(b"handles", len(publics))
        r, x = self.scalar(), self.scalar()
        masks = [commit(x, r)] + [multiply(r, public) for public in publics]
        for index, mask in enumerate(masks):
            t.append(b"Y_%d" % index, mask)
        c = t.challenge(b"c")
        return b"".join(masks) + number(c * opening + r) + number(c * amount + x)

    def range(self, kind, lengths=None, amounts=None, openings=None, commitments=None):
        """That each amount is below two to the power of its length; the lengths add up to the kind's bits."""
        bits = BITS[kind]
        lengths = lengths or self.lengths(bits)
        amounts = amounts or [self.amount(length) for length in lengths]
        openings = openings or [self.scalar() for _ in lengths]
        commitments = commitments or [commit(*pair) for pair in zip(amounts, openings)]
        context = b"".join(commitments).ljust(256, b"\0") + bytes(lengths).ljust(8, b"\0")
        t = transcript(b"batched-range-proof-instruction", (b"commitments", context[:256]), (b"bit-lengths", context[256:]))
        count = sum(lengths)
        t.append(b"dom-sep", b"range-proof")
        t.append_u64(b"n", count)
        gs, hs = GENERATORS_G[:count], GENERATORS_H[:count]
        digits = [amount >> bit & 1 for amount, length in zip(amounts, lengths) for bit in range(length)]
        alpha, rho = self.scalar(), self.scalar()
        a = multiply(alpha, H)
        for digit, g, h in zip(digits, gs, hs):
            a = add(a, g if digit else negated(h))
        left, right = [self.scalar() for _ in range(count)], [self.scalar() for _ in range(count)]
        s = combine((rho, H), *zip(left, gs), *zip(right, hs))
        t.append(b"A", a)
        t.append(b"S", s)
        y, z = t.challenge(b"y"), t.challenge(b"z")
        l0, r0, r1, place, power = [], [], [], 0, 1
        for index, length in enumerate(lengths):
            for bit in range(length):
                l0.append(digits[place] - z)
                r0.append((power * (digits[place] - 1 + z) + pow(z, index + 2, ORDER) * 2**bit) % ORDER)
                r1.append(power * right[place] % ORDER)
                place, power = place + 1, power * y % ORDER
        inner = lambda one, two: sum(i * j for i, j in zip(one, two)) % ORDER
        t1, t2 = (inner(l0, r1) + inner(left, r0)) % ORDER, inner(left, r1)
        tau1, tau2 = self.scalar(), self.scalar()
        points = [commit(t1, tau1), commit(t2, tau2)]
        t.append(b"T_1", points[0])
        t.append(b"T_2", points[1])
        x = t.challenge(b"x")
        l, r = ([(i + x * j) % ORDER for i, j in zip(*pair)] for pair in ((l0, left), (r0, r1)))
        blinding = sum(pow(z, index + 2, ORDER) * opening for index, opening in enumerate(openings)) + tau1 * x + tau2 * x * x
        values = [inner(l, r), blinding % ORDER, (alpha + rho * x) % ORDER]
        for label, value in zip((b"t_x", b"t_x_blinding", b"e_blinding"), values):
            t.append(label, number(value))
        q = multiply(t.challenge(b"w"), G)
        t.challenge(b"c")
        y_inverse = inverse(y)
        tail = self.inner_product(t, q, gs, [multiply(pow(y_inverse, index, ORDER), h) for index, h in enumerate(hs)], l, r)
        return Proof(kind, context, a + s + b"".join(points) + b"".join(map(number, values)) + tail)

    def inner_product(self, t, q, gs, hs, a, b):
        inner = lambda one, two: sum(i * j for i, j in zip(one, two)) % ORDER
        t.append(b"dom-sep", b"inner-product")
        t.append_u64(b"n", len(gs))
        result = b""
        while len(gs) > 1:
            half = len(gs) // 2
            left = combine(*zip(a[:half], gs[half:]), *zip(b[half:], hs[:half]), (inner(a[:half], b[half:]), q))
            right = combine(*zip(a[half:], gs[:half]), *zip(b[:half], hs[half:]), (inner(a[half:], b[:half]), q))
            t.append(b"L", left)
            t.append(b"R", right)
            result += left + right
            u = t.challenge(b"u")
            v = inverse(u)
            a = [(i * u + j * v) % ORDER for i, j in zip(a[:half], a[half:])]
            b = [(i * v + j * u) % ORDER for i, j in zip(b[:half], b[half:])]
            gs = [combine((v, i), (u, j)) for i, j in zip(gs[:half], gs[half:])]
            hs = [combine((u, i), (v, j)) for i, j in zip(hs[:half], hs[half:])]
        return result + number(a[0]) + number(b[0])

    def lengths(self, bits):
        """One to eight lengths of 1 to 64 bits that add up."""
        while True:
            count = self.random.randrange(max(1, bits // 64), 9)
            lengths = [self.random.randrange(1, 65) for _ in range(count - 1)]
            last = bits - sum(lengths)
            if 1 <= last <= 64:
                return lengths + [last]
