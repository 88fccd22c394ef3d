"""Random chains of blocks that Ethereum's executable specification makes, as block tests for `estuary evm blocktest`:
every field of every header (base fee, blob gas, difficulty, roots, bloom, requests' hash) has to be what Estuary finds.
Deposits, withdrawal and consolidation requests are among the transactions from Prague on. A second copy of each chain has
one bit of one header field changed: it has to be refused there.

    evm_chains.py [--network NAME]… [--blocks N] [--transactions N] [--seeds N] [--first-seed N] [--keep FOLDER] [--write FOLDER]

NAME is a fork (`Cancun`) or two with the moment of the change (`ShanghaiToCancunAtTime15k`). Each chain is judged on both
engines, one transaction after the other and in lanes. ESTUARY names the command line. With --write all chains are kept.
"""

import argparse
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import t8n as transition

import evm_blocks
from evm_blocks import NAMES, at_least, number

NETWORKS = ["Berlin", "London", "Shanghai", "Cancun", "Prague", "Osaka", "ShanghaiToCancunAtTime15k", "CancunToPragueAtTime15k",
            "PragueToOsakaAtTime15k", "BerlinToLondonAt5"]  # fmt: skip
FORKS = {name.lower(): fork for fork, names in NAMES.items() for name in names}
DEPOSITS = "0x00000000219ab540356cbb839cbe05303d7705fa"
DEPOSIT_TOPIC = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
# CALLDATACOPY of everything, LOG1 of it with the event's topic.
DEPOSIT_CODE = "0x365f5f377f" + DEPOSIT_TOPIC + "365fa100"
FIELDS = ["parentHash", "ommersHash", "coinbase", "stateRoot", "transactionsRoot", "receiptsRoot", "bloom", "difficulty", "number",
          "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed",
          "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"]  # fmt: skip


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def integer(text):
    return number(int(text, 16))


class Schedule:
    def __init__(self, network):
        change = re.fullmatch(r"(\w+?)To(\w+)At(?:Time(\d+)k|(\d+))", network)
        self.first = FORKS[(change[1] if change else network).lower()]
        self.last = FORKS[change[2].lower()] if change else self.first
        self.time = int(change[3]) * 1000 if change and change[3] else None
        self.number = int(change[4]) if change and change[4] else None

    def fork(self, block, time):
        reached = (self.time is not None and time >= self.time) or (self.number is not None and block >= self.number)
        return self.last if reached else self.first


def specification(fork, alloc, environment, body, reward):
    given = io.StringIO(json.dumps({"alloc": alloc, "env": environment, "txs": "0x" + rlp.encode(body).hex()}))
    parser = argparse.ArgumentParser()
    transition.t8n_arguments(parser.add_subparsers())
    options = parser.parse_args([
        "t8n", "--input.alloc", "stdin", "--input.env", "stdin", "--input.txs", "stdin", "--output.result", "stdout",
        "--output.alloc", "stdout", "--state.fork", NAMES[fork][1], "--state.chainid", "1", *reward,
    ])  # fmt: skip
    with transition.ForkCache() as cache:
        tool = transition.T8N(options, io.StringIO(), given, cache)
        tool.run_blockchain_test()
    return {**tool.result.to_json(), "alloc": tool.alloc.to_json()}


class Chain:
    def __init__(self, seed, network, transactions):
        self.random = random.Random(seed)
        self.network, self.schedule, self.count = network, Schedule(network), transactions
        self.maker = evm_blocks.Block(self.random, self.schedule.last, 0)
        self.alloc = self.maker.alloc
        self.alloc[DEPOSITS] = {"balance": "0x0", "nonce": "0x1", "code": DEPOSIT_CODE, "storage": {}}
        self.pre = json.loads(json.dumps(self.alloc))
        empty = rlp.encode([])
        fork = self.schedule.fork(0, 14_900)
        root = specification("frontier", self.alloc, self.plain(0, 0), [], ["--state.reward", "-1"])["stateRoot"]
        self.header = {
            "parentHash": bytes(32), "ommersHash": keccak256(empty), "coinbase": bytes(20), "stateRoot": unhex(root),
            "transactionsRoot": keccak256(b"\x80"), "receiptsRoot": keccak256(b"\x80"), "bloom": bytes(256),
            "difficulty": b"" if at_least(fork, "paris") else number(0x20000), "number": b"", "gasLimit": number(20_000_000),
            "gasUsed": b"", "timestamp": number(14_900), "extraData": b"", "mixHash": bytes(32), "nonce": bytes(8),
        }  # fmt: skip
        self.finish(self.header, fork, {
            "currentBaseFee": "0x3b9aca00", "withdrawalsRoot": "0x" + keccak256(b"\x80").hex(), "blobGasUsed": "0x0",
            "currentExcessBlobGas": "0x0", "requestsHash": "0x" + "00" * 32,
        })  # fmt: skip
        self.genesis = self.header
        self.blocks, self.hashes = [], {0: self.hash(self.header)}

    def plain(self, block, time):
        return {
            "currentCoinbase": "0x" + "00" * 20, "currentGasLimit": "0x1312d00", "currentNumber": hex(block),
            "currentTimestamp": hex(time), "currentDifficulty": "0x20000", "blockHashes": {}, "ommers": [],
        }  # fmt: skip

    @staticmethod
    def finish(header, fork, result, beacon_root=bytes(32)):
        if at_least(fork, "london"):
            header["baseFeePerGas"] = integer(result["currentBaseFee"])
        if at_least(fork, "shanghai"):
            header["withdrawalsRoot"] = unhex(result["withdrawalsRoot"])
        if at_least(fork, "cancun"):
            header["blobGasUsed"] = integer(result["blobGasUsed"])
            header["excessBlobGas"] = integer(result.get("currentExcessBlobGas") or "0x0")
            header["parentBeaconBlockRoot"] = beacon_root
        if at_least(fork, "prague"):
            header["requestsHash"] = unhex(result["requestsHash"])

    @staticmethod
    def encode(header):
        return [header[field] for field in FIELDS if field in header]

    def hash(self, header):
        return bytes(keccak256(rlp.encode(self.encode(header))))

    def base_fee(self):
        parent = {name: int.from_bytes(self.header[name], "big") for name in ("gasLimit", "gasUsed")}
        if "baseFeePerGas" not in self.header:
            return 10**9
        fee, target = int.from_bytes(self.header["baseFeePerGas"], "big"), parent["gasLimit"] // 2
        if parent["gasUsed"] > target:
            return fee + max(fee * (parent["gasUsed"] - target) // target // 8, 1)
        return fee - fee * (target - parent["gasUsed"]) // target // 8

    def transactions(self, fork):
        maker = self.maker
        maker.fork = fork
        maker.nonces = {p.address: int(self.account(p.address).get("nonce", "0x0"), 16) for p in maker.people}
        made = []
        for _ in range(self.count):
            if at_least(fork, "prague") and self.random.random() < 0.15:
                made.append(self.request())
            else:
                made.append(maker.transaction())
        return made

    def account(self, address):
        return self.alloc.get("0x" + bytes(address).hex(), {})

    def request(self):
        """A deposit, or a withdrawal or consolidation request."""
        maker, person = self.maker, self.maker.people[0]
        kind = self.random.randrange(3)
        if kind == 0:
            target, value, data = DEPOSITS, 0, b""
            for offset in (160, 256, 320, 384, 512):
                data += offset.to_bytes(32, "big")
            for size in (48, 32, 8, 96, 8):
                field = self.random.randbytes(size)
                data += size.to_bytes(32, "big") + field + bytes(-size % 32)
        else:
            target = "0x00000961ef480eb55e80d19ad83579a64c007002" if kind == 1 else "0x0000bbddc7ce488642fb579f8b00f3a590007251"
            value, data = 10**6, self.random.randbytes(56 if kind == 1 else 96)
        nonce = maker.nonces[person.address]
        maker.nonces[person.address] += 1
        return maker.legacy(person, nonce, maker.base_fee + 1, 500_000, unhex(target), value, data)

    def add(self):
        block = len(self.blocks) + 1
        time = int.from_bytes(self.header["timestamp"], "big") + self.random.choice([1, 5, 12, 13, 20, 30])
        fork = self.schedule.fork(block, time)
        maker = self.maker
        maker.number, maker.time = block, time
        maker.base_fee = self.base_fee() if at_least(fork, "london") else 0
        limit = int.from_bytes(self.header["gasLimit"], "big")
        is_first = at_least(fork, "london") and "baseFeePerGas" not in self.header
        limit = limit * 2 if is_first else limit + self.random.choice([0, 1, -1]) * (limit // 1024 - 1)
        beacon_root, randao = self.random.randbytes(32), self.random.randbytes(32)
        maker.fork = fork
        withdrawals = maker.withdrawals()
        environment = {
            "currentCoinbase": "0x" + maker.coinbase.hex(), "currentGasLimit": hex(limit), "currentNumber": hex(block),
            "currentTimestamp": hex(time), "currentRandom": "0x" + randao.hex(), "currentBaseFee": hex(maker.base_fee),
            "parentTimestamp": "0x" + self.header["timestamp"].hex(), "parentDifficulty": hex(int.from_bytes(self.header["difficulty"], "big")),
            "parentUncleHash": "0x" + self.header["ommersHash"].hex(), "parentBeaconBlockRoot": "0x" + beacon_root.hex(),
            "blockHashes": {hex(n): "0x" + h.hex() for n, h in self.hashes.items() if block - 256 <= n < block},
            "withdrawals": withdrawals, "ommers": [],
        }  # fmt: skip
        for name, field in (("parentExcessBlobGas", "excessBlobGas"), ("parentBlobGasUsed", "blobGasUsed"),
                            ("parentBaseFee", "baseFeePerGas"), ("parentGasUsed", "gasUsed"), ("parentGasLimit", "gasLimit")):  # fmt: skip
            environment[name] = hex(int.from_bytes(self.header.get(field, b""), "big"))
        body = self.transactions(fork)
        reward = ["--state.reward", "-1"] if at_least(fork, "paris") else []
        result = specification(fork, self.alloc, environment, body, reward)
        if result.get("blockException"):
            return False
        rejected = {entry["index"] for entry in result["rejected"]}
        if rejected:
            # The roots count places with those that were refused.
            body = [transaction for index, transaction in enumerate(body) if index not in rejected]
            result = specification(fork, self.alloc, environment, body, reward)
            assert not result["rejected"], result["rejected"]
        blobs = [len(rlp.decode(t[1:])[10]) for t in body if isinstance(t, bytes) and t[0] == 3]
        result["blobGasUsed"] = hex(sum(blobs) << 17)
        header = {
            "parentHash": self.hash(self.header), "ommersHash": self.genesis["ommersHash"], "coinbase": maker.coinbase,
            "stateRoot": unhex(result["stateRoot"]), "transactionsRoot": unhex(result["txRoot"]),
            "receiptsRoot": unhex(result["receiptsRoot"]), "bloom": unhex(result["logsBloom"]),
            "difficulty": b"" if at_least(fork, "paris") else integer(result["currentDifficulty"]), "number": number(block),
            "gasLimit": number(limit), "gasUsed": integer(result["gasUsed"]), "timestamp": number(time), "extraData": b"",
            "mixHash": randao if at_least(fork, "paris") else bytes(32), "nonce": bytes(8),
        }  # fmt: skip
        self.finish(header, fork, result, beacon_root)
        parts = [self.encode(header), body, []]
        if at_least(fork, "shanghai"):
            parts.append([[integer(w["index"]), integer(w["validatorIndex"]), unhex(w["address"]), integer(w["amount"])]
                          for w in withdrawals])  # fmt: skip
        self.blocks.append((header, parts))
        nothing = {"balance": "0x0", "nonce": "0x0", "code": "0x", "storage": {}}
        self.header, self.alloc = header, {address: {**nothing, **account} for address, account in result["alloc"].items()}
        self.hashes[block] = self.hash(header)
        return True

    def wire(self, parts):
        return "0x" + rlp.encode(parts).hex()

    def test(self):
        blocks = [{"rlp": self.wire(parts), "blockHeader": {"hash": "0x" + self.hash(header).hex()}} for header, parts in self.blocks]
        # One header with one bit changed, behind the block that it should have been: its hash is another.
        at = self.random.randrange(len(blocks))
        header, parts = self.blocks[at]
        changed = [field for field in FIELDS if field in header and header[field]
                   and field not in ("coinbase", "mixHash", "parentBeaconBlockRoot", "timestamp", "nonce", "gasLimit")]  # fmt: skip
        field = self.random.choice(changed)
        wrong = bytearray(header[field])
        wrong[-1] ^= 1
        wrong = bytes(wrong).lstrip(b"\0") if len(wrong) < 20 else bytes(wrong)
        blocks.insert(at + 1, {
            "rlp": self.wire([self.encode({**header, field: wrong}), *parts[1:]]), "expectException": "BlockException.ANY", "changed": field,
        })  # fmt: skip
        parts = [self.encode(self.genesis), [], []] + ([[]] if "withdrawalsRoot" in self.genesis else [])
        return {
            "network": self.network, "genesisRLP": self.wire(parts), "pre": self.pre, "blocks": blocks,
            "genesisBlockHeader": {"hash": "0x" + self.hash(self.genesis).hex()}, "postState": self.alloc,
            "lastblockhash": "0x" + self.hash(self.header).hex(),
        }  # fmt: skip


WAYS = [["--engine", engine, *lanes] for engine in ("jit", "interpreter") for lanes in ([], ["--executor", "waves", "--workers", "2"])]


def judge(estuary, path, way):
    """What Estuary says against a chain, or nothing."""
    run = subprocess.run([estuary, "evm", "blocktest", path, *way], capture_output=True, text=True)
    return "" if run.returncode == 0 else f"{' '.join(way)}: {run.stdout}{run.stderr}"


def main():
    parser = argparse.ArgumentParser(description="Chains by Ethereum's executable specification, judged by Estuary.")
    parser.add_argument("--network", action="append", help=f"default: {', '.join(NETWORKS)}")
    parser.add_argument("--blocks", type=int, default=8, help="in each chain")
    parser.add_argument("--transactions", type=int, default=4, help="offered to each block")
    parser.add_argument("--seeds", type=int, default=1, help="chains for each network")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--keep", default="evm-differences", help="folder for chains that differ")
    parser.add_argument("--write", help="folder for all chains")
    options = parser.parse_args()
    estuary = os.environ.get("ESTUARY", ".build/release/estuary")
    bad = 0
    for network in options.network or NETWORKS:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            name = f"{network}-{seed}"
            chain = Chain(name, network, options.transactions)
            tries = 0
            while len(chain.blocks) < options.blocks and tries < 4 * options.blocks:
                tries += 1
                chain.add()
            if len(chain.blocks) < options.blocks:
                sys.exit(f"{name}: the specification accepts {len(chain.blocks)} blocks of {tries}")
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, f"{name}.json")
                with open(path, "w") as file:
                    json.dump({name: chain.test()}, file)
                if options.write:
                    os.makedirs(options.write, exist_ok=True)
                    shutil.copy(path, options.write)
                differences = [text for text in (judge(estuary, path, way) for way in WAYS) if text]
                if differences:
                    bad += 1
                    print(*differences, sep="\n")
                    os.makedirs(options.keep, exist_ok=True)
                    shutil.copy(path, options.keep)
            count = sum(len(parts[1]) for _, parts in chain.blocks)
            print(f"{name}: {len(chain.blocks)} blocks, {count} transactions", flush=True)
    if bad:
        sys.exit(f"{bad} chains differ; kept in {options.keep}")
    print("no difference")


if __name__ == "__main__":
    main()
