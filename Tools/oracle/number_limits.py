"""Every number that comes from a file or a flag, set to its extremes, one after the other: nothing may trap.

    number_limits.py [--every N]

The fields of a genesis, the words of its sysvars and nonce accounts, its Ethereum section, transactions of both kinds, state
tests, key/value flags. A ledger that could be made goes on: `replay` in several blocks, then `airdrop` and `transfer`, whose
slots and times are counted on from it. Each command must succeed or end with an error that names the file, the ledger or the
flag. `--every 3` tries every third value, for a quick look.
"""

import argparse
import base64
import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

from solders.compute_budget import request_heap_frame, set_compute_unit_limit, set_compute_unit_price
from solders.compute_budget import set_loaded_accounts_data_size_limit
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import (
    AllocateParams, CreateAccountParams, TransferParams, WithdrawNonceAccountParams, allocate, create_account, transfer,
    withdraw_nonce_account,
)  # fmt: skip
from solders.transaction import Transaction

import oracle
from cli import CRASHES, ethereum

U64 = 2**64 - 1
WORDS = (0, 1, 2**31, 2**32 - 1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, U64 - 1, U64)
NUMBERS = (*WORDS, -1, -(2**63), 2**64, 1.5, 1e300)
QUANTITIES = (*WORDS, 2**64, 2**128 - 1, 2**128, 2**255, 2**256 - 1, 2**256)
BLOCKHASH = Hash.hash(b"numbers")
PAYER, OTHER, NONCE = (Keypair.from_seed(bytes([index]) * 32) for index in (1, 2, 3))
FAUCET = Keypair.from_seed(__import__("hashlib").sha256(b"estuary faucet").digest())
SYSVAR_OWNER = "Sysvar1111111111111111111111111111111111111"
ADDRESS = "0x" + "11" * 20


def account(key, lamports=10**12, data=b"", owner=str(Pubkey.default()), executable=False, rent_epoch=U64):
    encoded = [base64.b64encode(data).decode(), "base64"]
    value = {"lamports": lamports, "data": encoded, "owner": owner, "executable": executable, "rentEpoch": rent_epoch}
    return {"pubkey": str(key), "account": value}


def sysvar(key, *words):
    data = b"".join(word if isinstance(word, bytes) else struct.pack("<Q", word) for word in words)
    return account(key, 1, data, SYSVAR_OWNER)


# Sysvars by the words of their accounts; what is no word is not changed.
SYSVARS = {
    "SysvarC1ock11111111111111111111111111111111": [5, 0, 0, 0, 1_700_000_000],
    "SysvarRent111111111111111111111111111111111": [6960, struct.unpack("<Q", struct.pack("<d", 1.0))[0], b"\x32"],
    "SysvarEpochSchedu1e111111111111111111111111": [432_000, 432_000, b"\x01", 14, 524_256],
    "SysvarS1otHashes111111111111111111111111111": [1, 5, bytes(BLOCKHASH), bytes(511 * 40)],
    "SysvarRecentB1ockHashes11111111111111111111": [1, bytes(BLOCKHASH), 5000],
    "SysvarStakeHistory1111111111111111111111111": [1, 0, 7, 7, 7],
    "SysvarEpochRewards1111111111111111111111111": [1, 1, bytes(32), 1, 1, 1, 1, b"\x01"],
    "SysvarLastRestartS1ot1111111111111111111111": [1],
}
NONCE_WORDS = [b"\x01\0\0\0\x01\0\0\0", bytes(PAYER.pubkey()), bytes(BLOCKHASH), 5000]


def genesis(**members):
    accounts = [account(pair.pubkey()) for pair in (PAYER, OTHER)] + [account(FAUCET.pubkey(), 5 * 10**17)]
    return {
        "slot": 5, "unixTimestamp": 1_700_000_000, "blockhash": str(BLOCKHASH), "accounts": accounts, **members,
    }  # fmt: skip


def genesis_cases():
    """Titles and geneses."""
    for value in NUMBERS:
        yield f"slot {value}", genesis(slot=value)
        yield f"unixTimestamp {value}", genesis(unixTimestamp=value)
        yield f"slot and time {value}", genesis(slot=value, unixTimestamp=value)
        for member in ("lamports", "rentEpoch"):
            for index in range(3):
                changed = genesis()
                changed["accounts"][index]["account"][member] = value
                yield f"accounts[{index}].{member} {value}", changed
        changed = genesis()
        for entry in changed["accounts"]:
            entry["account"]["lamports"] = value
        yield f"every account's lamports {value}", changed
    doubles = [struct.unpack("<Q", struct.pack("<d", number))[0] for number in (-1.0, 0.5, 1e300, float("nan"), float("inf"))]
    for key, words in SYSVARS.items():
        for index, word in enumerate(words):
            if isinstance(word, bytes):
                continue
            for value in (*WORDS, *doubles):
                changed = genesis()
                changed["accounts"].append(sysvar(key, *words[:index], value, *words[index + 1 :]))
                yield f"{key} word {index} {value}", changed
    for value in WORDS:
        changed = genesis()
        data = b"".join(word if isinstance(word, bytes) else struct.pack("<Q", value) for word in NONCE_WORDS)
        changed["accounts"].append(account(NONCE.pubkey(), 10**9, data))
        yield f"a nonce account's fee {value}", changed


def ethereum_cases():
    fresh = lambda **members: genesis(ethereum=ethereum(alloc={ADDRESS: {"balance": hex(10**20)}}, **members))
    for value in QUANTITIES:
        for member in ("chainId", "baseFeePerGas", "gasLimit", "difficulty", "excessBlobGas", "prevRandao"):
            changed = fresh()
            changed["ethereum"][member] = hex(value)
            yield f"ethereum.{member} {value}", changed
        yield f"ethereum.blockHashes {value}", fresh(blockHashes={hex(value): "0x" + "22" * 32})
        for member in ("amount", "index", "validatorIndex"):
            withdrawal = {"address": ADDRESS, "amount": "0x1", member: hex(value)}
            yield f"ethereum.withdrawals[0].{member} {value}", fresh(withdrawals=[withdrawal] * 2)
        for member in ("balance", "nonce"):
            yield f"ethereum.alloc.{member} {value}", genesis(ethereum=ethereum(alloc={ADDRESS: {member: hex(value)}}))
        slots = {hex(value): hex(value)}
        yield f"ethereum.alloc.storage {value}", genesis(ethereum=ethereum(alloc={ADDRESS: {"storage": slots}}))
    for value in WORDS:
        yield f"slot {value} beside Ethereum", {**fresh(), "slot": value}
        yield f"time {value} beside Ethereum", {**fresh(), "unixTimestamp": value}


def solana_lines():
    """Transactions whose amounts, sizes and limits are extremes."""
    payer, other, nonce = PAYER.pubkey(), OTHER.pubkey(), NONCE.pubkey()
    for value in WORDS:
        instructions = [
            [transfer(TransferParams(from_pubkey=payer, to_pubkey=other, lamports=value))],
            [create_account(CreateAccountParams(
                from_pubkey=payer, to_pubkey=nonce, lamports=value, space=U64 - value, owner=other))],
            [allocate(AllocateParams(pubkey=payer, space=value))],
            [withdraw_nonce_account(WithdrawNonceAccountParams(
                nonce_pubkey=nonce, authorized_pubkey=payer, to_pubkey=other, lamports=value))],
            [set_compute_unit_price(value), set_compute_unit_limit(value & 0xFFFFFFFF)],
            [request_heap_frame(value & 0xFFFFFFFF)],
            [set_loaded_accounts_data_size_limit(value & 0xFFFFFFFF)],
            [Instruction(Pubkey.default(), struct.pack("<IQ", 2, value) + b"\0" * 3, [])],
        ]  # fmt: skip
        for one in instructions:
            signers = [PAYER] + [NONCE] * any(meta.pubkey == nonce and meta.is_signer for step in one for meta in step.accounts)
            wire = bytes(Transaction.new_signed_with_payer(one, payer, signers, BLOCKHASH))
            yield {"solana": base64.b64encode(wire).decode()}


def rlp(value):
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    listed = isinstance(value, list)
    body = b"".join(map(rlp, value)) if listed else value
    if not listed and len(body) == 1 and body[0] < 0x80:
        return body
    first = 0xC0 if listed else 0x80
    if len(body) < 56:
        return bytes([first + len(body)]) + body
    count = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([first + 55 + len(count)]) + count + body


def ethereum_lines():
    """Ethereum's transactions of each type with one field an extreme: for `--no-sigverify`."""
    to = bytes.fromhex("22" * 20)
    blob = b"\x01" + bytes(31)
    shapes = {
        0: [0, 10**9, 100_000, to, 1, b"", 27, 1, 1],
        1: [1, 0, 10**9, 100_000, to, 1, b"", [], 0, 1, 1],
        2: [1, 0, 1, 10**9, 100_000, to, 1, b"", [], 0, 1, 1],
        3: [1, 0, 1, 10**9, 100_000, to, 1, b"", [], 10**9, [blob], 0, 1, 1],
        4: [1, 0, 1, 10**9, 100_000, to, 1, b"", [], [[1, to, 0, 0, 1, 1]], 0, 1, 1],
    }
    for kind, fields in shapes.items():
        for index, field in enumerate(fields):
            if not isinstance(field, int):
                continue
            for value in QUANTITIES:
                wire = rlp([*fields[:index], value, *fields[index + 1 :]])
                yield {"ethereum": "0x" + (bytes([kind] if kind else []) + wire).hex(), "from": ADDRESS}


def state_tests():
    """One file: tests whose every number is an extreme in turn."""
    env = {
        "currentCoinbase": "0x" + "2a" * 20, "currentGasLimit": "0x989680", "currentNumber": "0x1", "currentTimestamp": "0x3e8",
        "currentBaseFee": "0x1", "currentExcessBlobGas": "0x0", "currentRandom": "0x0", "currentDifficulty": "0x0",
    }  # fmt: skip
    sender = "0x" + "62" * 20
    pre = {"balance": hex(10**20), "code": "0x", "nonce": "0x0", "storage": {}}
    transaction = {
        "sender": sender, "to": ADDRESS, "nonce": "0x0", "gasPrice": "0x3b9aca00", "gasLimit": ["0x186a0"], "value": ["0x1"],
        "data": ["0x"],
    }  # fmt: skip
    dynamic = {**transaction, "maxFeePerGas": "0x3b9aca00", "maxPriorityFeePerGas": "0x1"}
    del dynamic["gasPrice"]
    blobs = {**dynamic, "maxFeePerBlobGas": "0x3b9aca00", "blobVersionedHashes": ["0x01" + "00" * 31]}
    # Block number, time, gas, base fee, coinbase's balance and so on, used.
    code = "0x43425a4548" + "414746" + "5a5a5ff150"
    tests = {}

    def add(title, env, pre, transaction):
        post = {"hash": "0x" + "6d" * 32, "logs": "0x" + "1d" * 32, "indexes": {"data": 0, "gas": 0, "value": 0}}
        accounts = {sender: pre, ADDRESS: {"balance": "0x0", "code": code, "nonce": "0x1", "storage": {}}}
        tests[title] = {
            "env": env, "pre": accounts, "transaction": transaction,
            "post": {fork: [post] for fork in ("Frontier", "Berlin", "London", "Cancun", "Osaka")},
        }  # fmt: skip

    for value in QUANTITIES:
        text = hex(value)
        for member in env:
            if member != "currentCoinbase":
                add(f"{member} {value}", {**env, member: text}, pre, blobs if "Blob" in member else dynamic)
        for member in ("balance", "nonce"):
            add(f"{member} {value}", env, {**pre, member: text}, {**transaction, "nonce": text if member == "nonce" else "0x0"})
        for kind in (transaction, dynamic, blobs):
            for member in kind:
                if isinstance(kind[member], list) and member in ("gasLimit", "value"):
                    add(f"{len(kind)} {member} {value}", env, pre, {**kind, member: [text]})
                elif member.startswith("max") or member in ("nonce", "gasPrice"):
                    add(f"{len(kind)} {member} {value}", env, pre, {**kind, member: text})
    return tests


FLAGS = [
    ("replay {genesis} {lines}", "--workers"), ("replay {genesis} {lines}", "--block-size"),
    ("replay {genesis} {lines}", "--cache-mb"), ("ledger info {ledger}", "--cache-mb"),
    ("replay {genesis} {empty}", "--repeat"), ("run {elf}", "--compute-limit"), ("run {elf}", "--repeat"),
    ("evm run --code 5a5a5ff1", "--gas"), ("evm run --code 34", "--value"), ("evm run --code 00", "--repeat"),
    ("evm statetest {empty}", "--workers"), ("evm blocktest {empty}", "--workers"), ("bench trie", "--rounds"),
    ("create-account {folder}/new.json --owner 11111111111111111111111111111111 -k {pair} --ledger {ledger}", "--space"),
    ("invoke 11111111111111111111111111111111 -k {pair} --ledger {ledger}", "--compute-limit"),
    ("workload transfer {folder}/load.jsonl --ledger {ledger}", "--count"),
    ("workload transfer {folder}/load.jsonl --count 1 --ledger {ledger}", "--contention"),
    ("workload transfer {folder}/load.jsonl --count 1 --ledger {ledger}", "--accounts"),
    ("workload transfer {folder}/load.jsonl --count 1 --ledger {ledger}", "--seed"),
    ("airdrop --ledger {ledger} -k {pair}", None), ("transfer {payer} --ledger {ledger} -k {pair}", None),
    ("program extend {payer} --ledger {ledger} -k {pair}", None),
    ("transfer {payer} 0.1 --ledger {ledger} -k {pair}", "--with-compute-unit-price"),
    ("deploy {elf} --ledger {ledger} -k {pair}", "--with-compute-unit-price"),
]  # fmt: skip
# Values that would take long if they were taken: they are tried where they must be refused alone.
LONG = {"--repeat", "--rounds", "--count", "--accounts"}


class Runs:
    def __init__(self, folder):
        self.folder = folder
        self.passed = 0
        self.problems = []

    def run(self, title, *arguments, names=(), limit=60):
        """Standard output of a command that succeeds; `None` where it ends with an error that says where."""
        try:
            done = subprocess.run(
                [oracle.estuary_binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{title}: {' '.join(arguments[:3])} does not end")
            return None
        crashed = done.returncode < 0 or any(crash in done.stderr for crash in CRASHES)
        spoken = done.returncode == 0 or not names or any(name in done.stderr for name in names)
        if crashed or not spoken:
            self.problems.append(f"{title}: {' '.join(arguments)[:200]}: exit {done.returncode}: {done.stderr.strip()[:400]}")
        else:
            self.passed += 1
        return done.stdout if done.returncode == 0 else None

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path


def lived_ledgers(runs, cases, lines, pair, *flags):
    ledger = os.path.join(runs.folder, "ledger")
    for title, content in cases:
        shutil.rmtree(ledger, ignore_errors=True)
        path = runs.write("genesis.json", content)
        made = runs.run(title, "replay", path, lines, "--ledger", ledger, "--block-size", "40", *flags, names=("genesis.json", ledger))
        if made is None:
            continue
        for command in (["airdrop", "1"], ["transfer", str(OTHER.pubkey()), "1"], ["airdrop", "1"]):
            # Extremes may well make these transactions fail; how is the transaction's matter.
            runs.run(title, *command, "--ledger", ledger, "-k", pair)
        runs.run(title, "ledger", "verify", "--ledger", ledger, names=(ledger,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="estuary-numbers-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    runs = Runs(folder)
    some = lambda cases: itertools.islice(cases, 0, None, options.every)
    joined = lambda lines: "".join(json.dumps(line) + "\n" for line in lines)
    try:
        pair = runs.write("pair.json", list(bytes(PAYER)))
        solana = runs.write("solana.jsonl", joined(solana_lines()))
        lived_ledgers(runs, some(genesis_cases()), solana, pair)
        both = [*solana_lines()][:20] + [*ethereum_lines()]
        lived_ledgers(runs, some(ethereum_cases()), runs.write("both.jsonl", joined(both)), pair, "--no-sigverify")
        tests = runs.write("tests.json", state_tests())
        for engine in ("jit", "interpreter"):
            runs.run(f"state tests, {engine}", "evm", "statetest", tests, "--engine", engine, names=("cases failed",))
        flags(runs, some, pair)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in runs.problems:
        print(problem)
    print(f"{runs.passed} passed, {len(runs.problems)} failed")
    sys.exit(1 if runs.problems else 0)


def flags(runs, some, pair):
    from native_programs import smallest_elf

    elf = os.path.join(runs.folder, "program.so")
    with open(elf, "wb") as file:
        file.write(smallest_elf())
    ledger = os.path.join(runs.folder, "flags")
    runs.run("a ledger", "airdrop", "10", "--ledger", ledger, "-k", pair)
    names = {
        "genesis": runs.write("genesis.json", genesis()), "lines": runs.write("lines.jsonl", ""), "elf": elf, "pair": pair,
        "empty": runs.write("empty.jsonl", ""), "folder": runs.folder, "ledger": ledger, "payer": str(PAYER.pubkey()),
    }  # fmt: skip
    for (command, flag), value in some(itertools.product(FLAGS, (*WORDS, 2**64, -1, -(2**63), 1.5, 2**256))):
        if flag in LONG and 1 <= value <= U64 and value == int(value):
            continue
        arguments = [part.format(**names) for part in command.split()]
        arguments += [flag, str(value)] if flag else [str(value)]
        runs.run(f"{flag} {value}", *arguments)


if __name__ == "__main__":
    main()
