"""Random structured programs through Estuary and through revm (pyrevm, Cancun): gas, status, logs' count, what was
returned and the storage of every contract have to be equal.

    evm_random.py [--programs N] [--seed N] [--flags "…"] [--keep FOLDER]

ESTUARY names the command line. pyrevm charges no fees here, so transactions bid nothing and the base fee is zero; each
has a world of its own (contracts of its own), and all of a batch go through one replay.
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
from itertools import zip_longest

import pyrevm
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp

import evm_blocks
import evm_programs

BATCH = 100
GAS = 2_000_000
SENDER = bytes([0x5E]) * 20
COINBASE = bytes([0xBB]) * 20
NUMBER, TIME = 1000, 1_700_000_000
SHARED = [f"0x{number:040x}" for number in range(1, 13)]


class World:
    """Three contracts of random code, which know each other, and one call of the first."""

    def __init__(self, seed, index):
        self.seed, self.random = seed, random.Random(seed)
        self.contracts = [b"\xc0" + bytes([k]) + index.to_bytes(4, "big") + bytes(14) for k in range(3)]
        self.sender = b"\x5e" + index.to_bytes(4, "big") + bytes(15)
        others = [b"\x77" + index.to_bytes(4, "big") + bytes(15)]
        self.code = [evm_programs.program(self.random, "cancun", self.contracts * 2 + others) for _ in self.contracts]
        self.balances = [self.random.choice([0, 1, 10**18]) for _ in self.contracts]
        self.storage = [{s: self.random.choice([1, 2**255]) for s in range(6) if self.random.random() < 0.4} for _ in self.contracts]
        self.data = self.random.randbytes(self.random.choice([0, 4, 68]))
        self.value = self.random.choice([0, 0, 1, 10**9])

    def alloc(self):
        alloc = {"0x" + self.sender.hex(): {"balance": hex(10**24)}}
        for address, code, balance, storage in zip(self.contracts, self.code, self.balances, self.storage):
            alloc["0x" + address.hex()] = {
                "balance": hex(balance), "nonce": "0x1", "code": "0x" + code.hex(),
                "storage": {f"0x{slot:064x}": hex(value) for slot, value in storage.items()},
            }
        return alloc

    def line(self):
        fields = [1, 0, 0, 0, GAS, self.contracts[0], self.value, self.data, [], 0, 1, 1]
        fields = [evm_blocks.number(f) if isinstance(f, int) else f for f in fields]
        return {"ethereum": "0x02" + rlp.encode(fields).hex(), "from": "0x" + self.sender.hex()}

    def run_revm(self):
        """What the replay shows of the call: (status, gas, logs), and every contract's storage."""
        evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=10**9)
        evm.set_block_env(pyrevm.BlockEnv(
            number=NUMBER, coinbase="0x" + COINBASE.hex(), timestamp=TIME, difficulty=0, prevrandao=b"\x5a" * 32, basefee=0,
            gas_limit=10**9, excess_blob_gas=0,
        ))
        for address in SHARED:
            evm.insert_account_info(address, pyrevm.AccountInfo(balance=1))
        evm.insert_account_info("0x" + self.sender.hex(), pyrevm.AccountInfo(balance=10**24))
        for address, code, balance in zip(self.contracts, self.code, self.balances):
            evm.insert_account_info("0x" + address.hex(), pyrevm.AccountInfo(balance=balance, nonce=1, code=code))
        for address, storage in zip(self.contracts, self.storage):
            for slot, value in storage.items():
                # Reverting makes the slot cold again.
                snapshot = evm.snapshot()
                evm.insert_account_storage("0x" + address.hex(), slot, value)
                evm.revert(snapshot)
        succeeded = True
        try:
            evm.message_call(
                "0x" + self.sender.hex(), "0x" + self.contracts[0].hex(), calldata=self.data, value=self.value, gas=GAS
            )
        except RuntimeError:
            succeeded = False
        logs = [
            (log.address.lower(), [topic.lower() for topic in log.topics], bytes(log.data[1]).hex())
            for log in evm.result.logs
        ] if succeeded else []
        return (succeeded, evm.result.gas_used, logs), dict(self.storages(evm))

    def storages(self, evm):
        """Non-zero slots by contract, those that were never touched included."""
        accounts = dict(ACCOUNT.findall(evm.journal_str.lower()))
        for address, before in zip(self.contracts, self.storage):
            slots = dict(before)
            slots.update((int(k), int(v)) for k, v in SLOT.findall(accounts.get("0x" + address.hex(), "")))
            yield address, {slot: value for slot, value in slots.items() if value}


ACCOUNT = re.compile(r"(0x[0-9a-f]{40}): account \{.*?storage: \{(.*?)\}, status")
SLOT = re.compile(r"(\d+): storageslot \{ previous_or_original_value: \d+, present_value: (\d+)")


def ours(entry):
    logs = [(log["address"].lower(), [t.lower() for t in log["topics"]], log["data"].removeprefix("0x")) for log in entry["logs"]]
    return bool(integer(entry["status"])), integer(entry["gasUsed"]), logs


def integer(value):
    return int(value, 16) if isinstance(value, str) else int(value)


def write(worlds, genesis, lines):
    # Worlds share the precompiles, so they are there from the start (whoever pays first does not matter), and no
    # program reads their balances.
    alloc = {address: {"balance": "0x1"} for address in SHARED}
    for world in worlds:
        alloc.update(world.alloc())
    ethereum = {
        "chainId": 1, "fork": "Cancun", "baseFeePerGas": "0x0", "coinbase": "0x" + COINBASE.hex(), "gasLimit": hex(10**9),
        "prevRandao": "0x" + "5a" * 32, "excessBlobGas": "0x0", "alloc": alloc,
        # What pyrevm's empty database answers.
        "blockHashes": {hex(n): "0x" + keccak256(str(n).encode()).hex() for n in range(NUMBER - 256, NUMBER)},
    }
    base = {"slot": NUMBER, "unixTimestamp": TIME, "blockhash": "1" * 32, "accounts": [], "programs": []}
    with open(genesis, "w") as file:
        json.dump({**base, "ethereum": ethereum}, file)
    with open(lines, "w") as file:
        for world in worlds:
            file.write(json.dumps(world.line()) + "\n")


def compare(estuary, folder, worlds, flags):
    """Seeds that differ, with what differs."""
    genesis, lines, dump = (os.path.join(folder, name) for name in ("genesis.json", "lines.jsonl", "dump.json"))
    write(worlds, genesis, lines)
    result = evm_blocks.replay(estuary, genesis, lines, "--no-sigverify", "--dump-accounts", dump, *flags)
    with open(dump) as file:
        accounts = {a.lower(): account for a, account in json.load(file)["ethereum"]["alloc"].items()}
    for world, entry in zip(worlds, result["transactions"]):
        (theirs, storage) = world.run_revm()
        if entry["error"] is not None:
            yield world, f"refused: {entry['error']}"
            continue
        for name, mine, other in zip(("status", "gas"), ours(entry), theirs):
            if mine != other:
                yield world, f"{name} {mine}, revm {other}"
        if ours(entry)[2] != theirs[2]:
            pairs = list(zip_longest(ours(entry)[2], theirs[2]))
            index = next(i for i, (mine, other) in enumerate(pairs) if mine != other)
            yield world, f"log {index} of {len(pairs)}: {pairs[index][0]}, revm {pairs[index][1]}"
        for address, expected in storage.items():
            account = accounts.get("0x" + address.hex(), {})
            slots = {int(k, 16): int(v, 16) for k, v in account.get("storage", {}).items() if int(v, 16)}
            if slots != expected:
                yield world, f"storage of 0x{address.hex()}: {slots}, revm {expected}"


def main():
    parser = argparse.ArgumentParser(description="Estuary's EVM against revm, over random programs.")
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flags", default="", help="passed to replay")
    options = parser.parse_args()
    estuary = os.environ.get("ESTUARY", ".build/release/estuary")
    bad = set()
    for start in range(0, options.programs, BATCH):
        numbers = range(start, min(start + BATCH, options.programs))
        worlds = [World(f"{options.seed}/{index}", index) for index in numbers]
        with tempfile.TemporaryDirectory() as folder:
            for world, text in compare(estuary, folder, worlds, options.flags.split()):
                bad.add(world.seed)
                print(f"seed {world.seed}: {text}", flush=True)
    print(f"{options.programs} programs, {len(bad)} differ")
    sys.exit(1 if bad else 0)


main()
