"""Writes what Solana's own crates (through solders) make of transactions, messages, lookup tables and sysvars, as JSON
lines for Tests/LedgerTests/OracleCaseTests.swift. The same seed gives the same file.

    python Tools/oracle/ledger_cases.py OUTPUT [--seed N] [--count N]
"""
import argparse
import base64
import hashlib
import json
import random
import struct

from solders.account import Account
from solders.address_lookup_table_account import ID as TABLE_PROGRAM, AddressLookupTableAccount
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import AccountMeta, CompiledInstruction, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message, MessageAddressTableLookup, MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

SYSTEM = Pubkey.default()
NAMED = [
    "11111111111111111111111111111111", "BPFLoaderUpgradeab1e11111111111111111111111",
    "SysvarC1ock11111111111111111111111111111111", "Sysvar1nstructions1111111111111111111111111",
    "ComputeBudget111111111111111111111111111111", "Vote111111111111111111111111111111111111111",
]


# Keys that a transfer may try to credit, reserved ones and others that look like them.
CREDITED = NAMED + """
AddressLookupTab1e1111111111111111111111111 BPFLoader1111111111111111111111111111111111
BPFLoader2111111111111111111111111111111111 Config1111111111111111111111111111111111111
Ed25519SigVerify111111111111111111111111111 Feature111111111111111111111111111111111111
KeccakSecp256k11111111111111111111111111111 LoaderV411111111111111111111111111111111111
NativeLoader1111111111111111111111111111111 Secp256r1SigVerify1111111111111111111111111
Stake11111111111111111111111111111111111111 StakeConfig11111111111111111111111111111111
Sysvar1111111111111111111111111111111111111 SysvarEpochRewards1111111111111111111111111
SysvarEpochSchedu1e111111111111111111111111 SysvarFees111111111111111111111111111111111
SysvarLastRestartS1ot1111111111111111111111 SysvarRecentB1ockHashes11111111111111111111
SysvarRent111111111111111111111111111111111 SysvarRewards111111111111111111111111111111
SysvarS1otHashes111111111111111111111111111 SysvarS1otHistory11111111111111111111111111
SysvarStakeHistory1111111111111111111111111 ZkE1Gama1Proof11111111111111111111111111111
ZkTokenProof1111111111111111111111111111111 1nc1nerator11111111111111111111111111111111
TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr
SysvarEpochRewards1111111111111111111111112 SysvarC1ock11111111111111111111111111111112
""".split()


def b64(data):
    return base64.b64encode(bytes(data)).decode()


def error_name(error):
    return str(error).replace("TransactionErrorFieldless.", "")


class Cases:
    def __init__(self, seed, output):
        self.random = random.Random(seed)
        self.output = output

    def emit(self, **case):
        self.output.write(json.dumps(case, separators=(",", ":")) + "\n")

    def key(self):
        if self.random.random() < 0.15:
            return Pubkey.from_string(self.random.choice(NAMED))
        return Pubkey(self.random.randbytes(32))

    def indices(self, limit, most):
        return bytes(self.random.randrange(max(1, limit)) for _ in range(self.random.randrange(most + 1)))

    def message(self):
        """A message that is sane more often than not."""
        r = self.random
        count = r.randrange(1, 12)
        keys = [self.key() for _ in range(count)]
        if r.random() < 0.05:
            keys[-1] = keys[0]
        signers = min(r.randrange(1, 4), count)
        header = MessageHeader(
            r.randrange(4) if r.random() < 0.1 else signers, r.randrange(signers + (r.random() < 0.1)),
            r.randrange(count - signers + 1 + (r.random() < 0.1)))
        versioned = r.random() < 0.5
        tables = []
        if versioned:
            for _ in range(r.randrange(3)):
                tables.append(MessageAddressTableLookup(self.key(), self.indices(256, 4), self.indices(256, 4)))
        total = count + sum(len(t.writable_indexes) + len(t.readonly_indexes) for t in tables)
        instructions = []
        for _ in range(r.randrange(4)):
            program = r.randrange(1, count) if count > 1 and r.random() < 0.97 else r.randrange(count + 1)
            limit = total + (r.random() < 0.03)
            data = r.randbytes(r.choice([0, 1, 12, 40, 130]))
            instructions.append(CompiledInstruction(program, data, self.indices(limit, 8)))
        blockhash = Hash(r.randbytes(32))
        if versioned:
            return MessageV0(header, keys, blockhash, instructions, tables)
        return Message.new_with_compiled_instructions(
            header.num_required_signatures, header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts, keys, blockhash, instructions)

    def mutated(self, wire):
        r = self.random
        wire = bytearray(wire)
        kind = r.randrange(5)
        place = r.randrange(len(wire))
        if kind == 0:
            wire[place] ^= 1 << r.randrange(8)
        elif kind == 1:
            del wire[place:]
        elif kind == 2:
            wire.insert(place, r.randrange(256))
        elif kind == 3:
            wire += r.randbytes(r.randrange(1, 4))
        else:  # length bytes are where the interesting mistakes are
            wire[place] = r.choice([0, 1, 0x7F, 0x80, 0x81, 0xFF])
        return bytes(wire)

    def transactions(self, count):
        for index in range(count):
            message = self.message()
            signatures = message.header.num_required_signatures
            if self.random.random() < 0.05:
                signatures += self.random.choice([-1, 1])
            tx = VersionedTransaction.populate(
                message, [Signature(self.random.randbytes(64)) for _ in range(max(0, signatures))])
            wire = bytes(tx)
            if index % 3 == 0:
                wire = self.mutated(wire)
            if len(wire) <= 1232:
                self.transaction(wire)

    def transaction(self, wire):
        try:
            tx = VersionedTransaction.from_bytes(wire)
        except Exception:
            return self.emit(kind="transaction", wire=b64(wire), decodes=False)
        if bytes(tx) != wire:  # bytes behind the message: an RPC node refuses them
            return self.emit(kind="transaction", wire=b64(wire), decodes=False)
        try:
            tx.sanitize()
            sane = True
        except Exception:
            sane = False
        message = tx.message
        case = dict(kind="transaction", wire=b64(wire), decodes=True, sane=sane, version=str(tx.version()))
        case["keys"] = [str(k) for k in message.account_keys]
        case["blockhash"] = str(message.recent_blockhash)
        case["instructions"] = [
            [i.program_id_index, list(i.accounts), bytes(i.data).hex()] for i in message.instructions]
        lookups = message.address_table_lookups if isinstance(message, MessageV0) else []
        case["lookups"] = [[str(t.account_key), list(t.writable_indexes), list(t.readonly_indexes)] for t in lookups]
        case["messageHash"] = str(message.hash())
        case["signers"] = [message.is_signer(i) for i in range(len(message.account_keys))]
        roles = MessageV0(
            message.header, message.account_keys, message.recent_blockhash, message.instructions, lookups)
        case["writable"] = [roles.is_maybe_writable(i) for i in range(len(message.account_keys))]
        self.emit(**case)

    def builders(self, count):
        r = self.random
        for _ in range(count):
            pool = [Keypair.from_seed(r.randbytes(32)) for _ in range(6)]
            keys = [p.pubkey() for p in pool] + [self.key() for _ in range(6)]
            instructions = []
            for _ in range(r.randrange(4)):
                metas = [
                    AccountMeta(k, k in keys[:6] and r.random() < 0.5, r.random() < 0.5)
                    for k in r.sample(keys, r.randrange(6))]
                instructions.append(Instruction(r.choice(keys[1:]), r.randbytes(r.randrange(20)), metas))
            payer, blockhash = pool[0], Hash(r.randbytes(32))
            tables = [
                AddressLookupTableAccount(self.key(), r.sample(keys, r.randrange(1, 8))) for _ in range(r.randrange(3))]
            if r.random() < 0.5:
                message = MessageV0.try_compile(payer.pubkey(), instructions, tables, blockhash)
            else:
                tables, message = None, Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
            by_key = {p.pubkey(): p for p in pool}
            signers = message.account_keys[:message.header.num_required_signatures]
            tx = VersionedTransaction(message, [by_key[k] for k in signers])
            if len(bytes(tx)) > 1232:
                continue
            self.emit(
                kind="builder", wire=b64(bytes(tx)), payer=str(payer.pubkey()), blockhash=str(blockhash),
                seeds=[p.secret().hex() for p in pool],
                tables=None if tables is None else [[str(t.key), [str(a) for a in t.addresses]] for t in tables],
                instructions=[
                    [str(i.program_id), bytes(i.data).hex(), [[str(a.pubkey), a.is_signer, a.is_writable] for a in i.accounts]]
                    for i in instructions])

    def tables(self, count):
        r = self.random
        for _ in range(count):
            svm = LiteSVM().with_sigverify(False)
            slot = 1000
            svm.set_clock(Clock(slot, 0, 0, 0, 0))
            hashes = [(s, Hash(r.randbytes(32))) for s in (999, 998, 700)]
            svm.set_slot_hashes(hashes)
            payer, target = Pubkey(r.randbytes(32)), Pubkey(r.randbytes(32))
            svm.airdrop(payer, 10**10)
            addresses = [target] + [Pubkey(r.randbytes(32)) for _ in range(r.randrange(4))]
            data = struct.pack(
                "<IQQBB32sH", r.choice([1] * 20 + [0, 2]), r.choice([2**64 - 1] * 4 + [1000, 998, 997, 700, 0]),
                r.choice([0, 0, 999, 1000, 1001]), r.choice([0, 1, 1, 1, 6]), r.choice([1] * 9 + [0] * 9 + [2]), r.randbytes(32), 0)
            data += b"".join(bytes(a) for a in addresses)
            data = data[:r.choice([len(data)] * 24 + [len(data) - 1, 56, 55, 24, 4, 3, 0])]
            owner = r.choice([TABLE_PROGRAM] * 8 + [SYSTEM])
            table = Pubkey(r.randbytes(32))
            exists = r.random() < 0.95
            if exists:
                svm.set_account(table, Account(10**9, data, owner, False, 0))
            readonly = r.choice([b"", b"\x01", b"\x02"])
            lookup = MessageAddressTableLookup(table, r.choice([b"\x00", b"\x00", b"\x05"]), readonly)
            transfer = CompiledInstruction(1, struct.pack("<IQ", 2, 10**9), bytes([0, 2]))
            message = MessageV0(
                MessageHeader(1, 0, 1), [payer, SYSTEM], svm.latest_blockhash(), [transfer], [lookup])
            tx = VersionedTransaction.populate(message, [Signature(r.randbytes(64))])
            result = svm.send_transaction(tx)
            self.emit(
                kind="table", wire=b64(bytes(tx)), slot=slot, slotHashes=[[s, str(h)] for s, h in hashes],
                table=str(table), account=[b64(data), str(owner)] if exists else None,
                error=error_name(result.err()) if hasattr(result, "err") else None,
                paid=svm.get_balance(target) == 10**9)

    def reserved(self):
        for text in CREDITED:
            key, payer = Pubkey.from_string(text), Pubkey(self.random.randbytes(32))
            svm = LiteSVM().with_sigverify(False)
            svm.airdrop(payer, 10**12)
            # The system program is named twice where it is the target, so that case keeps a key of its own.
            keys = [payer, SYSTEM] if key == SYSTEM else [payer, key, SYSTEM]
            transfer = CompiledInstruction(len(keys) - 1, struct.pack("<IQ", 2, 10**11), bytes([0, 1]))
            message = Message.new_with_compiled_instructions(
                1, 0, 0 if key == SYSTEM else 1, keys, svm.latest_blockhash(), [transfer])
            result = svm.send_transaction(VersionedTransaction.populate(message, [Signature(self.random.randbytes(64))]))
            error = str(result.err()) if hasattr(result, "err") else ""
            assert not error or "ReadonlyLamportChange" in error, error
            self.emit(kind="reserved", key=text, reserved=bool(error))

    def sysvars(self):
        for slot, time in [(None, None), (5, 1_700_000_000), (2**63, -1)]:
            svm = LiteSVM()
            clock = svm.get_clock()
            if slot is not None:
                clock.slot, clock.unix_timestamp = slot, time
                svm.set_clock(clock)
                svm.set_slot_hashes([(slot, svm.latest_blockhash())])
            accounts = {}
            for owner in ("Sysvar1111111111111111111111111111111111111", "NativeLoader1111111111111111111111111111111"):
                for key, account in svm.get_program_accounts(Pubkey.from_string(owner)):
                    accounts[str(key)] = [
                        account.lamports, len(account.data), hashlib.sha256(bytes(account.data)).hexdigest(),
                        str(account.owner), account.executable, account.rent_epoch]
            self.emit(
                kind="sysvars", slot=clock.slot, unixTimestamp=clock.unix_timestamp,
                blockhash=str(svm.latest_blockhash()), accounts=accounts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3000)
    options = parser.parse_args()
    with open(options.output, "w") as output:
        cases = Cases(options.seed, output)
        cases.sysvars()
        cases.reserved()
        cases.transactions(options.count)
        cases.builders(options.count // 10)
        cases.tables(options.count // 10)


if __name__ == "__main__":
    main()
