"""Seeded random instructions of the vote program, run by LiteSVM and by `estuary replay`; every difference is printed.

    votes.py [--seed N] [--transactions N] [--rounds N] [--keep FOLDER] [-- REPLAY FLAGS]

Accounts of every version that Agave reads, sound and damaged; votes and towers that follow from an account's state as it
is then, or that have one thing wrong; every authority with good and bad signers; features that mainnet has off, now and
then. From 2,000 transactions on it also fails unless each instruction succeeded and each error occurred.
"""

import hashlib
import random
import struct

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

import oracle
from native_programs import CLOCK, COMPUTE_BUDGET, RENT, SYSTEM, System, account, instruction, rent, u8, u32
from random_world import RandomWorld, main
from syscalls import FEATURE_PROGRAM, with_features
from vote_states import *

# Legacy votes off, collectors, block revenue, InitializeAccountV2.
FEATURES = [
    Pubkey.from_string(key)
    for key in (
        "depVvnQ2UysGrhwdiwU42tCadZL8GcBb1i2GYhMopQv", "CustomCommissionCo11ector111111111111111111",
        "B1ockRevenueSharing111111111111111111111111", "VoteAccount1nitia1izeV211111111111111111111",
    )
]  # fmt: skip
OWNER, SEED = Pubkey(hashlib.sha256(b"owner").digest()), b"seed"
AUTHORITIES = ["Voter", "Withdrawer", "VoterWithBLS"]
# The rule that it belongs to is off on mainnet; nothing sound reaches the last one.
UNREACHABLE = {"CommissionUpdateTooLate", "AssertionFailed"}


class World(RandomWorld):
    follows = True

    def __init__(self, seed):
        r = self.random = random.Random(seed)
        self.features = [key for key in FEATURES if r.random() < 0.5] if r.random() < 0.5 else []
        if r.random() < 0.25:
            self.features = FEATURES[1:]
        self.case = oracle.Case(svm=with_features(self.features))
        for key in self.features:
            self.case.put(key, Account(10**9, struct.pack("<BQ", 1, 0), FEATURE_PROGRAM, False, 2**64 - 1))
        self.signers = {}
        self.wallets = [self.new_key() for _ in range(6)]
        for wallet in self.wallets:
            self.case.fund(wallet, 10**15)
        self.poor = self.new_key()
        self.case.fund(self.poor, rent(0) - 1)
        self.epoch = r.choice([0, 1, 2, 3, 50, 700])
        self.set_sysvars()
        self.derived = {Pubkey.create_with_seed(wallet, SEED.decode(), OWNER): wallet for wallet in self.wallets}
        self.keys = {}
        self.accounts = [self.make_account() for _ in range(40)]
        blank, sound = self.accounts[:2]
        self.case.put(blank, account(rent(LENGTH) + 10**6, bytes(LENGTH), VOTE))
        data = encode(fresh(self.wallet(), self.wallet(), self.wallet(), 0, sound))
        self.case.put(sound, account(rent(LENGTH) + 10**6, data + bytes(LENGTH - len(data)), VOTE))
        for place in self.accounts[:2]:
            self.keys[place] = proof_of_possession(r.randrange(1, 2**200), place)

    def set_sysvars(self):
        r, svm = self.random, self.case.svm
        first, count = r.choice([0, 1, 1000, 2**40]), r.choice([0, 1, 5, 40, 200, 500] + [512] * 8)
        slots, slot = [], first
        for _ in range(count):
            slots.append(slot)
            slot += r.choice([1, 1, 1, 1, 1, 1, 2, 5])
        self.slots = slots
        self.hashes = {each: hashlib.sha256(u64(each)).digest() for each in slots}
        clock = svm.get_clock()
        clock.slot = slot + r.choice([0, 1, 3, 20, 400])
        clock.epoch, clock.leader_schedule_epoch = self.epoch, self.epoch + 1
        if r.random() < 0.05:
            clock.leader_schedule_epoch = 2**64 - 1
        self.leader_epoch = clock.leader_schedule_epoch
        clock.unix_timestamp = 1_700_000_000
        svm.set_clock(clock)
        data = many(list(reversed(slots)), lambda each: u64(each) + self.hashes[each])
        held = svm.get_account(SLOT_HASHES)
        data += bytes(max(0, len(held.data) - len(data)))
        self.case.put(SLOT_HASHES, Account(held.lamports, data, held.owner, False, held.rent_epoch))
        for sysvar in oracle.SYSVARS:
            self.case.adopt(Pubkey.from_string(sysvar))

    def authority(self, derived=0.25):
        return self.random.choice(list(self.derived) if self.chance(derived) else self.wallets)

    def make_account(self):
        """An account of any version, with votes on slots that are known, or older."""
        r = self.random
        place = self.new_key()
        epoch = max(0, self.epoch - r.choice([0, 0, 1, 2, 5]))
        state = fresh(self.wallet(), self.authority(0.08), self.authority(), epoch, place)
        state["inflation"] = 100 * r.randrange(101)
        for _ in range(r.choice([0, 0, 1, 3])):
            state["voters"].append((state["voters"][-1][0] + r.choice([1, 2]), self.authority(0.08)))
        if r.random() < 0.05:
            state["voters"] = [(self.epoch + 1, self.wallet())]
        older = [max(0, (self.slots or [50])[0] - gap) for gap in range(r.choice([0, 0, 3, 40]), 0, -1)]
        known = self.slots[: r.choice([0, 1, 8, 40, 100])]
        slots = sorted(set(slot for slot in older + known if r.random() < 0.7))
        tower, state["root"] = voted([], r.choice([None, None, 0]), slots)
        more = r.choice([0, 0, 0, 2, 4])
        latencies = [0, 1, 1, 2, 3, 9, 17, 18, 200]
        state["votes"] = [(r.choice(latencies), slot, min(31, count + more)) for slot, count in tower]
        for _ in range(r.choice([0, 0, 1, 2, 64])):
            last = state["credits"][-1] if state["credits"] else (max(0, self.epoch - r.choice([0, 1, 2, 3, 66])), 0, 0)
            state["credits"].append((last[0] + bool(state["credits"]), last[1] + r.choice([0, 5, 2**63]) & 2**64 - 1, last[1]))
        if tower:
            state["timestamp"] = r.choice([(0, 0), (tower[-1][0], 1_600_000_000), (tower[0][0], 1_800_000_000)])
        version = r.choice([1, 2, 3, 3, 3, 3])
        if version == 3:
            state["inflation"] += r.randrange(100)
            state["block"] = r.randrange(10_001)
            state["pending"] = r.choice([0] * 8 + [10**6, 2**64 - 1])
            state["bls"] = r.choice([None, None, None, r.randbytes(48)])
        data, length = encode(state, version), LENGTH_1 if version == 1 else r.choice([LENGTH] * 9 + [LENGTH + 50])
        data += bytes(max(0, length - len(data)))
        kind = r.random()
        if kind < 0.12:
            data = r.choice([bytes(LENGTH), bytes(LENGTH), encode({**state, "voters": []}, 2), encode({**state, "voters": []}, 3), b""])
            data += bytes(r.choice([max(0, LENGTH - len(data)), 0]))
        elif kind < 0.2:
            at = r.randrange(300)
            data = r.choice([data[:at], data[:at] + r.randbytes(1) + data[at + 1 :], u32(r.randrange(4, 9)) + data[4:], u32(0) + data[4:]])
        lamports = rent(len(data)) + r.choice([0, 0, 10**6, 10**9, rent(31) + 10**6])
        self.case.put(place, account(lamports, data, r.choice([VOTE] * 30 + [SYSTEM])))
        return place

    # What an account holds at this moment.

    def some(self, suits=lambda state: True):
        """An account, mostly one with a sound state that suits."""
        for _ in range(self.choose(1, 4, 4, 8, 8, 8)):
            place = self.random.choice(self.accounts)
            held, state = self.held(place)
            if state is not None and suits(state):
                break
        return place, held, state or fresh(self.wallet(), self.wallet(), self.wallet(), 0, place)

    def held(self, place):
        account = self.case.svm.get_account(place)
        return account, decode(bytes(account.data), place) if account is not None and account.owner == VOTE else None

    def voter(self, state):
        voters = [who for since, who in state["voters"] if since <= self.epoch]
        return voters[-1] if voters else state["voters"][0][1]

    def signing(self, who):
        """The account with which `who` signs: itself or, where it is a derived key, nobody."""
        who = self.mostly(who, self.wallet())
        return who, "s" if who in self.signers and self.chance(0.97) else ""

    # Instructions.

    def create(self):
        r = self.random
        new, payer, node = self.new_key(), self.wallets[0], self.wallet()
        self.accounts.append(new)
        length = self.mostly(LENGTH, LENGTH_1, LENGTH + 1, 100)
        lamports = rent(length) + self.mostly(r.choice([0, 10**7]), -1)
        made = instruction(SYSTEM, System.create(lamports, length, VOTE), [(payer, "sw"), (new, "sw")])
        return [made] if r.random() < 0.1 else [made, self.initializing(new, node)]

    def initialize(self):
        return [self.initializing(self.some()[0], self.wallet())]

    def initializing(self, place, node):
        data = Instructions.initialize(node, self.authority(), self.authority(), self.random.randrange(256))
        return instruction(VOTE, data, [(place, "w"), (self.mostly(RENT, CLOCK), ""), (CLOCK, ""), (node, self.mostly("s", ""))])

    def initialize_v2(self):
        r = self.random
        place = r.choice(self.accounts[:2])
        node, bls = self.wallet(), self.bls(place)
        data = Instructions.initialize_v2(node, self.authority(), bls, self.authority(), r.randrange(10_001), r.randrange(10_001))
        return [instruction(VOTE, data, [(place, "w"), (node, self.mostly("s", "")), self.collector(place), self.collector(place)])]

    def collector(self, place):
        flags = self.mostly("w", "")
        return self.mostly(self.choose(place, *self.wallets), self.poor, self.accounts[0], self.new_key()), flags

    def bls(self, place):
        public, proof = self.keys.get(place, self.keys[self.accounts[0]])
        if self.chance(0.15):
            at = self.random.randrange(96)
            proof = self.choose(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :], b"\xc0" + bytes(95), bytes(96))
        if self.chance(0.1):
            public = self.choose(public[:9] + bytes([public[9] ^ 1]) + public[10:], b"\xc0" + bytes(47), bytes(48))
        return public, proof

    def authorize(self):
        r = self.random
        place, _, state = self.some()
        if r.random() < 0.2:
            place = r.choice(self.accounts[:2])
            state = self.held(place)[1] or state
        kind = self.choose(0, 0, 1, 1, 2) if place not in self.keys else self.choose(0, 1, 2, 2, 2, 2)
        authority = Instructions.authority(kind, self.bls(place) if kind == 2 else None)
        holder = state["withdrawer"] if kind == 1 or r.random() < 0.3 else self.voter(state)
        new = self.authority()
        clock = (self.mostly(CLOCK, RENT), "")
        if holder in self.derived:
            base, seed, owner = self.derived[holder], self.mostly(SEED, b"other", b"x" * 33, b"\xff"), self.mostly(OWNER, SYSTEM)
            if r.random() < 0.03:
                owner = Pubkey(b"x" * 11 + b"ProgramDerivedAddress")
            signer = (self.mostly(base, self.wallet()), self.mostly("s", ""))
            if r.random() < 0.5:
                return [instruction(VOTE, Instructions.authorize_with_seed(authority, owner, seed, new), [(place, "w"), clock, signer])]
            new = self.wallet()
            data = Instructions.authorize_checked_with_seed(authority, owner, seed)
            return [instruction(VOTE, data, [(place, "w"), clock, signer, (new, self.mostly("s", ""))])]
        if r.random() < 0.5:
            return [instruction(VOTE, Instructions.authorize(new, authority), [(place, "w"), clock, self.signing(holder)])]
        new = self.wallet()
        data = Instructions.authorize_checked(authority)
        return [instruction(VOTE, data, [(place, "w"), clock, self.signing(holder), (new, self.mostly("s", ""))])]

    def manage(self):
        r = self.random
        place, held, state = self.some()
        signer = self.signing(state["withdrawer"])
        node = self.wallet()
        lamports = held.lamports if held is not None else 0
        part = self.choose(0, 1, 10**6, max(0, lamports - rent(LENGTH)), lamports, lamports, lamports + 1, 2**64 - 1)
        kind = r.choice([0, 1])
        choices = [
            (Instructions.update_identity(), [(place, "w"), (node, self.mostly("s", "")), signer]),
            (Instructions.update_commission(r.randrange(256)), [(place, "w"), signer]),
            (Instructions.update_commission_bps(r.randrange(2**16), kind), [(place, "w"), signer]),
            (Instructions.update_collector(kind), [(place, "w"), self.collector(place), signer]),
            (Instructions.withdraw(part), [(place, "w"), (self.mostly(self.wallet(), place, self.new_key()), "w"), signer]),
            (Instructions.withdraw(part), [(place, "w"), (self.mostly(self.wallet(), place, self.new_key()), "w"), signer]),
            (Instructions.deposit(self.choose(0, 1, 10**6, 2**63)), [(place, "w"), (self.wallet(), self.mostly("sw", "w")), (SYSTEM, "")]),
        ]  # fmt: skip
        data, accounts = r.choice(choices)
        return [instruction(VOTE, data, accounts)]

    def vote(self):
        r = self.random
        newest = (self.slots or [0])[-1]
        place, _, state = self.some(lambda state: not state["votes"] or state["votes"][-1][1] < newest)
        votes = [(slot, count) for _, slot, count in state["votes"]]
        last = votes[-1][0] if votes else -1
        newer = [slot for slot in self.slots if slot > last]
        chosen = sorted(r.sample(newer[:40], min(len(newer[:40]), r.choice([1, 1, 1, 2, 2, 5, 12, 33]))))
        if r.random() < 0.1 and newer:
            chosen = sorted(r.sample(newer, min(len(newer), 3)))
        signer = self.signing(self.voter(state))
        digest = self.hashes[chosen[-1]] if chosen else bytes(32)
        digest = self.mostly(digest, r.randbytes(32))
        stamp = state["timestamp"][1]
        timestamp = self.choose(None, None, stamp, stamp + 1, 1_900_000_000) if r.random() < 0.95 else self.choose(stamp - 1, -(2**63))
        proof = self.choose(None, None, r.randbytes(32))
        if r.random() < 0.3:
            if r.random() < 0.2:
                extra = self.choose(0, last, (self.slots or [9])[0] - 1, (self.slots or [9])[-1] + 1)
                chosen = sorted([max(0, extra)] + chosen)
            elif r.random() < 0.1:
                chosen = self.choose([], chosen[::-1], [max(0, last)], [0])
            data = Instructions.vote(chosen, digest, timestamp, proof)
            return [instruction(VOTE, data, [(place, "w"), (self.mostly(SLOT_HASHES, CLOCK), ""), (CLOCK, ""), signer])]
        tower, root = voted(votes, state["root"], chosen)
        if r.random() < 0.5:
            tower, root, digest = self.spoilt(tower, root, digest, newer)
        elif r.random() < 0.2:
            root = self.choose(None, 0, tower[0][0] - 1 if tower and tower[0][0] else 0)
        form = self.choose(8, 12, 14, 14)
        if any(next[0] <= each[0] for each, next in zip(tower, tower[1:])):
            form = 8  # slots that do not go up cannot be told in differences
        data = Instructions.tower(form, tower, root, digest, timestamp, r.randbytes(32), proof)
        return [instruction(VOTE, data, [(place, "w"), signer])]

    def spoilt(self, tower, root, digest, newer):
        """One thing wrong with a tower."""
        r = self.random
        if not tower:
            return tower, root, digest
        at = r.randrange(len(tower))
        slot, count = tower[at]
        put = lambda value: tower[:at] + [value] + tower[at + 1 :]
        kind = r.randrange(17)
        if kind == 0:
            return [], root, digest
        if kind in (1, 15):
            return put((slot, self.choose(0, 0, 1, count - 1, count + 1, 32, 200) % 256)), root, digest
        if kind == 2:
            return put((slot + self.choose(-1, 1), count)) if slot else tower, root, digest
        if kind == 3:
            return tower[:at] + tower[at + 1 :], root, digest
        if kind in (4, 16) and at:
            return tower[: at - 1] + [tower[at], tower[at - 1]] + tower[at + 1 :], root, digest
        if kind == 5:
            return tower, slot, digest
        if kind == 6 and self.slots:
            known = set(self.slots)
            absent = [each for each in range(self.slots[0], min(self.slots[-1], self.slots[0] + 900)) if each not in known]
            return tower, r.choice(absent or [0]), digest
        if kind == 7 and len(newer) > 40:
            slots = newer[: self.choose(32, 33, 40)]
            return [(each, max(1, 31 - index)) for index, each in enumerate(slots)], None, self.hashes[slots[-1]]
        if kind == 8 and len(newer) > 20:
            # Two votes that are too far apart, or confirmed too little.
            first, second = newer[0], newer[19]
            return [(first, self.choose(2, 3)), (second, 1)], root, self.hashes[second]
        if kind == 9 and newer:
            return tower[:at] + [(newer[-1], 1)], root, self.hashes[newer[-1]]
        if kind == 10:
            return [(slot, min(31, count + 1)) for slot, count in tower], root, digest
        if kind in (11, 12, 13) and newer:
            held = [(slot, max(1, count - 1)) for slot, count in tower if slot < newer[0]]
            return held + [(newer[0], 1)], root, self.hashes[newer[0]]
        return tower[: at + 1], root, self.hashes.get(slot, digest)

    def transaction(self):
        r = self.random
        kinds = [self.create, self.initialize, self.initialize_v2, self.authorize, self.manage, self.vote]
        instructions = []
        for _ in range(self.choose(1, 1, 1, 1, 2, 3)):
            instructions += r.choices(kinds, [3, 1, 2 if self.features else 0.3, 6, 7, 14])[0]()
        if self.chance(0.06):
            at = r.randrange(len(instructions))
            instructions[at] = self.damaged(instructions[at])
        if self.chance(0.06):
            # Too few accounts, of one that may hold anything.
            at = r.randrange(len(instructions))
            program, data, metas = instructions[at].program_id, bytes(instructions[at].data), list(instructions[at].accounts)
            if program == VOTE:
                metas[0] = AccountMeta(r.choice(self.accounts), False, True)
                instructions[at] = Instruction(program, data, metas[: r.randrange(len(metas) + 1)])
        if self.chance(0.03):
            limit = u8(2) + u32(self.choose(150, 2099, 2100, 2250, 5000, 36_599, 36_600, 36_750))
            instructions.insert(0, Instruction(COMPUTE_BUDGET, limit, []))
        return self.signed_transaction(instructions)


def note(seen, transaction, result):
    """Counts the instructions that succeeded, and the vote program's errors by name."""
    keys, error = transaction.message.account_keys, result["error"]
    failed, reason = error["InstructionError"] if isinstance(error, dict) and "InstructionError" in error else (None, None)
    for index, each in enumerate(transaction.message.instructions):
        if keys[each.program_id_index] != VOTE or error is not None and (failed is None or index > failed):
            continue
        tag = int.from_bytes(bytes(each.data)[:4], "little")
        if index != failed:
            seen[NAMES[tag]] += 1
            if tag in (1, 7, 10, 11):
                seen[AUTHORITIES[bytes(each.data)[36 if tag == 1 else 4]]] += 1
        elif isinstance(reason, dict) and tag not in (10, 11, 19):
            seen[ERRORS[reason["Custom"]]] += 1


if __name__ == "__main__":
    names = [name for name in NAMES + AUTHORITIES + ERRORS if name not in UNREACHABLE]
    main(World, transactions=300, rounds=8, note=note, names=names, enough=2000)
