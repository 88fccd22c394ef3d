"""States of vote accounts and instructions of the vote program, as plain bytes, and what votes make of a tower.

A state is a dictionary; `encode` writes it in any version that Agave reads, `decode` reads all of them.
"""

import hashlib
import struct

from solders.pubkey import Pubkey

from native_programs import u8, u16, u32, u64, vector

VOTE = Pubkey.from_string("Vote111111111111111111111111111111111111111")
SLOT_HASHES = Pubkey.from_string("SysvarS1otHashes111111111111111111111111111")
LENGTH, LENGTH_1 = 3762, 3731
MOST_VOTES = 31

ERRORS = """VoteTooOld SlotsMismatch SlotHashMismatch EmptySlots TimestampTooOld TooSoonToReauthorize LockoutConflict
NewVoteStateLockoutMismatch SlotsNotOrdered ConfirmationsNotOrdered ZeroConfirmations ConfirmationTooLarge RootRollBack
ConfirmationRollBack SlotSmallerThanRoot TooManyVotes VotesTooOldAllFiltered RootOnDifferentFork ActiveVoteAccountClose
CommissionUpdateTooLate AssertionFailed""".split()
NAMES = """InitializeAccount Authorize Vote Withdraw UpdateValidatorIdentity UpdateCommission VoteSwitch AuthorizeChecked
UpdateVoteState UpdateVoteStateSwitch AuthorizeWithSeed AuthorizeCheckedWithSeed CompactUpdateVoteState
CompactUpdateVoteStateSwitch TowerSync TowerSyncSwitch InitializeAccountV2 UpdateCommissionCollector UpdateCommissionBps
DepositDelegatorRewards""".split()


def i64(value):
    return struct.pack("<q", value)


def option(value, write):
    return b"\0" if value is None else b"\1" + write(value)


def many(values, write):
    return u64(len(values)) + b"".join(write(value) for value in values)


def fresh(node, voter, withdrawer, epoch, collector):
    return {
        "node": node, "withdrawer": withdrawer, "inflation_collector": collector, "block_collector": node, "inflation": 0,
        "block": 10_000, "pending": 0, "bls": None, "votes": [], "root": None, "voters": [(epoch, voter)],
        "credits": [], "timestamp": (0, 0),
    }  # fmt: skip


def encode(state, version=3):
    """Versions 1 (1.14.11), 2 (v3) and 3 (v4)."""
    data = u32(version) + bytes(state["node"]) + bytes(state["withdrawer"])
    if version < 3:
        data += u8(state["inflation"] // 100)
    else:
        data += bytes(state["inflation_collector"]) + bytes(state["block_collector"]) + u16(state["inflation"]) + u16(state["block"])
        data += u64(state["pending"]) + option(state["bls"], bytes)
    data += many(state["votes"], lambda vote: (b"" if version == 1 else u8(vote[0])) + u64(vote[1]) + u32(vote[2]))
    data += option(state["root"], u64) + many(state["voters"], lambda voter: u64(voter[0]) + bytes(voter[1]))
    if version < 3:
        data += bytes(32 * 48) + u64(31) + b"\1"
    data += many(state["credits"], lambda credits: b"".join(map(u64, credits)))
    return data + u64(state["timestamp"][0]) + i64(state["timestamp"][1])


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("short")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def option(self, read):
        tag = self.number(1)
        if tag > 1:
            raise ValueError("option")
        return read() if tag else None

    def many(self, read):
        count = self.number(8)
        if count > len(self.data):
            raise ValueError("count")
        return [read() for _ in range(count)]


def decode(data, address):
    """None where the data is no state that instructions can work on."""
    reader = Reader(data)
    try:
        version = reader.number(4)
        if version not in (1, 2, 3):
            return None
        pubkey = lambda: Pubkey.from_bytes(reader.take(32))
        state = fresh(pubkey(), None, pubkey(), 0, address)
        if version < 3:
            state["inflation"] = 100 * reader.number(1)
        else:
            state["inflation_collector"], state["block_collector"] = pubkey(), pubkey()
            state["inflation"], state["block"], state["pending"] = reader.number(2), reader.number(2), reader.number(8)
            state["bls"] = reader.option(lambda: reader.take(48))
        state["votes"] = reader.many(lambda: (0 if version == 1 else reader.number(1), reader.number(8), reader.number(4)))
        state["root"] = reader.option(lambda: reader.number(8))
        state["voters"] = reader.many(lambda: (reader.number(8), pubkey()))
        if version < 3:
            reader.take(32 * 48 + 9)
        state["credits"] = reader.many(lambda: (reader.number(8), reader.number(8), reader.number(8)))
        slot, seconds = reader.number(8), reader.number(8)
        state["timestamp"] = (slot, seconds - (seconds >> 63 << 64))
        return state if state["voters"] else None
    except ValueError:
        return None


def voted(votes, root, slots):
    """The tower, (slot, confirmations) each, and its root after votes on these slots."""
    tower = list(votes)
    for slot in slots:
        while tower and tower[-1][0] + 2 ** min(tower[-1][1], MOST_VOTES) < slot:
            tower.pop()
        if len(tower) == MOST_VOTES:
            root = tower.pop(0)[0]
        tower.append((slot, 1))
        tower = [(at, count + 1 if len(tower) > index + count else count) for index, (at, count) in enumerate(tower)]
    return tower, root


def short(number):
    """compact-u16"""
    data = b""
    while number >= 0x80:
        data += u8(number & 0x7F | 0x80)
        number >>= 7
    return data + u8(number)


def compact(tower, root):
    """Differences of slots; those of slots that are not ascending go once round 2^64."""
    data, last = u64(2**64 - 1 if root is None else root) + short(len(tower)), root or 0
    for slot, confirmations in tower:
        data += short(slot - last & 2**64 - 1) + u8(confirmations)
        last = slot
    return data


def proof_of_possession(secret, address):
    """A BLS key and the proof that an account's owner has it (SIMD-0387)."""
    # The environment of the node's clients has no such package, nor a need of it.
    from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature
    from py_ecc.bls.hash_to_curve import hash_to_G2
    from py_ecc.optimized_bls12_381 import G1, multiply

    public = G1_to_pubkey(multiply(G1, secret))
    domain = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
    return public, G2_to_signature(multiply(hash_to_G2(b"ALPENGLOW" + bytes(address) + public, domain, hashlib.sha256), secret))


class Instructions:
    """Instruction data."""

    def initialize(node, voter, withdrawer, commission):
        return u32(0) + bytes(node) + bytes(voter) + bytes(withdrawer) + u8(commission)

    def authority(kind, bls=None):
        return u32(kind) + (b"".join(bls) if bls else b"")

    def authorize(new, authority):
        return u32(1) + bytes(new) + authority

    def authorize_checked(authority):
        return u32(7) + authority

    def authorize_with_seed(authority, owner, seed, new):
        return u32(10) + authority + bytes(owner) + vector(seed) + bytes(new)

    def authorize_checked_with_seed(authority, owner, seed):
        return u32(11) + authority + bytes(owner) + vector(seed)

    def vote(slots, digest, timestamp, proof):
        data = u32(2 if proof is None else 6) + many(slots, u64) + digest + option(timestamp, i64)
        return data + (proof or b"")

    def tower(form, tower, root, digest, timestamp, block, proof):
        """Forms: 8 whole, 12 compact, 14 TowerSync."""
        data = u32(form + (proof is not None))
        if form == 8:
            data += many(tower, lambda vote: u64(vote[0]) + u32(vote[1])) + option(root, u64)
        else:
            data += compact(tower, root)
        return data + digest + option(timestamp, i64) + (block if form == 14 else b"") + (proof or b"")

    def withdraw(lamports):
        return u32(3) + u64(lamports)

    def update_identity():
        return u32(4)

    def update_commission(percent):
        return u32(5) + u8(percent)

    def initialize_v2(node, voter, bls, withdrawer, inflation, block):
        return u32(16) + bytes(node) + bytes(voter) + b"".join(bls) + bytes(withdrawer) + u16(inflation) + u16(block)

    def update_collector(kind):
        return u32(17) + u32(kind)

    def update_commission_bps(commission, kind):
        return u32(18) + u16(commission) + u32(kind)

    def deposit(lamports):
        return u32(19) + u64(lamports)
