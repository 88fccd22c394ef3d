"""Random Ethereum blocks and what Ethereum's executable specification (PyPI: ethereum-execution) makes of them.

A block is an alloc, an environment and signed transactions of every type that the fork has, most of them valid. The same
block goes to Estuary as a genesis and a file of lines (`replay`).
"""

import argparse
import io
import json
import logging
import subprocess

from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import t8n as transition
from ethereum_spec_tools.evm_tools.utils import secp256k1_sign
from ethereum.crypto.hash import keccak256

import evm_programs
from evm_programs import FORKS

logging.disable(logging.CRITICAL)

# What Estuary and the specification call the forks.
NAMES = {
    "frontier": ("Frontier", "Frontier"), "homestead": ("Homestead", "Homestead"),
    "tangerine_whistle": ("EIP150", "EIP150"), "spurious_dragon": ("EIP158", "EIP158"),
    "byzantium": ("Byzantium", "Byzantium"), "constantinople": ("Petersburg", "ConstantinopleFix"),
    "istanbul": ("Istanbul", "Istanbul"), "berlin": ("Berlin", "Berlin"), "london": ("London", "London"),
    "paris": ("Paris", "Paris"), "shanghai": ("Shanghai", "Shanghai"), "cancun": ("Cancun", "Cancun"),
    "prague": ("Prague", "Prague"), "osaka": ("Osaka", "Osaka"),
    "bpo1": ("BPO1", "BPO1"), "bpo2": ("BPO2", "BPO2"),
}

# Code of the system contracts, from their EIPs: 4788, 2935, 7002, 7251.
SYSTEM = {
    "0x000f3df6d732807ef1319fb7b8bb8522d0beac02": (
        "cancun",
        "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c"
        "575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500",
    ),
    "0x0000f90827f1c53a10cb7a02335b175320002935": (
        "prague",
        "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611f"
        "ff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500",
    ),
    "0x00000961ef480eb55e80d19ad83579a64c007002": (
        "prague",
        "3373fffffffffffffffffffffffffffffffffffffffe1460cb5760115f54807fffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffff146101f457600182026001905f5b5f82111560685781019083028483029004916001019190604d565b909390049250"
        "505036603814608857366101f457346101f4575f5260205ff35b34106101f457600154600101600155600354806003026004013381556001"
        "015f35815560010160203590553360601b5f5260385f601437604c5fa0600101600355005b6003546002548082038060101160df57506010"
        "5b5f5b8181146101835782810160030260040181604c02815460601b8152601401816001015481526020019060020154807fffffffffffff"
        "ffffffffffffffffffff00000000000000000000000000000000168252906010019060401c908160381c81600701538160301c8160060153"
        "8160281c81600501538160201c81600401538160181c81600301538160101c81600201538160081c81600101535360010160e1565b910180"
        "921461019557906002556101a0565b90505f6002555f6003555b5f54807fffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffff14156101cd57505f5b6001546002828201116101e25750505f6101e8565b01600290035b5f555f600155604c025ff35b5f5f"
        "fd",
    ),
    "0x0000bbddc7ce488642fb579f8b00f3a590007251": (
        "prague",
        "3373fffffffffffffffffffffffffffffffffffffffe1460d35760115f54807fffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffff1461019a57600182026001905f5b5f82111560685781019083028483029004916001019190604d565b909390049250"
        "5050366060146088573661019a573461019a575f5260205ff35b341061019a57600154600101600155600354806004026004013381556001"
        "015f358155600101602035815560010160403590553360601b5f5260605f60143760745fa0600101600355005b6003546002548082038060"
        "021160e7575060025b5f5b8181146101295782810160040260040181607402815460601b8152601401816001015481526020018160020154"
        "81526020019060030154905260010160e9565b910180921461013b5790600255610146565b90505f6002555f6003555b5f54807fffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff141561017357505f5b6001546001828201116101885750505f61018e"
        "565b01600190035b5f555f6001556074025ff35b5f5ffd",
    ),
}


def at_least(fork, since):
    return FORKS.index(fork) >= FORKS.index(since)


def number(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def sign(digest, key):
    r, s, parity = secp256k1_sign(digest, key)
    return int(parity), int(r), int(s)


class Person:
    def __init__(self, key):
        from coincurve import PrivateKey

        self.key = key
        public = PrivateKey.from_int(key).public_key.format(compressed=False)[1:]
        self.address = bytes(keccak256(public)[12:])


class Block:
    """One random block of `fork`."""

    def __init__(self, random, fork, count):
        self.random, self.fork = random, fork
        self.people = [Person(random.getrandbits(250) + 1) for _ in range(8)]
        self.contracts = [bytes([0xC0 + index]) * 20 for index in range(5)]
        self.coinbase = random.choice([bytes([0xBB]) * 20, self.people[0].address, self.contracts[0]])
        self.addresses = self.contracts * 3 + [p.address for p in self.people]
        self.addresses += [self.coinbase, bytes(19) + b"\x05", bytes([0x77]) * 20, bytes(19) + bytes([0x12])]
        if at_least(fork, "prague"):
            self.addresses += [bytes.fromhex(a[2:]) for a in SYSTEM]
        self.number, self.time = 1000, 1_700_000_000
        self.base_fee = random.choice([7, 10, 10**9]) if at_least(fork, "london") else 0
        self.excess = random.choice([0, 393_216, 50_000_000])
        self.nonces = {person.address: 0 for person in self.people}
        self.alloc = self.make_alloc()
        self.transactions = [self.transaction() for _ in range(count)]

    # State

    def make_alloc(self):
        random, alloc = self.random, {}
        for person in self.people:
            balance = random.choice([10**24, 10**24, 10**20, 10**17])
            alloc["0x" + person.address.hex()] = {"balance": hex(balance), "nonce": "0x0", "code": "0x", "storage": {}}
        for address in self.contracts:
            code = evm_programs.program(random, self.fork, self.addresses)
            if random.random() < 0.06:
                code = random.randbytes(random.randrange(1, 60))
            storage = {f"0x{slot:064x}": hex(random.choice([1, 2, 2**255])) for slot in range(6) if random.random() < 0.5}
            alloc["0x" + address.hex()] = {
                "balance": hex(random.choice([0, 1, 10**18])), "nonce": "0x1", "code": "0x" + code.hex(), "storage": storage,
            }
        for address, (since, code) in SYSTEM.items():
            if at_least(self.fork, since):
                alloc[address] = {"balance": "0x0", "nonce": "0x1", "code": "0x" + code, "storage": {}}
        if at_least(self.fork, "prague") and random.random() < 0.5:
            # An account that is delegated already.
            address = "0x" + self.people[3].address.hex()
            alloc[address]["code"] = "0xef0100" + random.choice(self.addresses).hex()
        return alloc

    # Transactions

    def transaction(self):
        random = self.random
        kinds = [0, 0]
        if at_least(self.fork, "berlin"):
            kinds.append(1)
        if at_least(self.fork, "london"):
            kinds += [2, 2]
        if at_least(self.fork, "cancun"):
            kinds.append(3)
        if at_least(self.fork, "prague"):
            kinds += [4, 4]
        kind = random.choice(kinds)
        person = random.choice(self.people)
        nonce = self.nonces[person.address]
        odd = random.random()
        if odd < 0.03:
            nonce += random.choice([1, -1]) if nonce else 1
        else:
            self.nonces[person.address] += 1
        target = random.choice(self.contracts) if random.random() < 0.75 else random.choice(self.addresses)
        data = random.randbytes(random.choice([0, 4, 36, 68, 200]))
        if random.random() < 0.3:
            data = bytes(b if random.random() < 0.4 else 0 for b in data)
        if kind in (0, 1, 2) and random.random() < 0.2:
            target = b""
            data = evm_programs.program(random, self.fork, self.addresses, random.randrange(1, 8))
        value = random.choice([0, 0, 0, 1, 10**9, 10**18, 10**25 if random.random() < 0.1 else 0])
        gas = random.choice([60_000, 100_000, 300_000, 300_000, 1_000_000, 1_000_000, 3_000_000, 3_000_000])
        if random.random() < 0.05:
            gas = random.choice([20_999, 21_000, 30_000])
        if random.random() < 0.02:
            gas = 17_000_000
        return self.encode(kind, person, nonce, target, value, data, gas)

    def encode(self, kind, person, nonce, target, value, data, gas):
        random = self.random
        price = self.base_fee + random.choice([0, 1, 2, 100])
        if random.random() < 0.02 and self.base_fee:
            price = self.base_fee - 1
        tip = random.choice([0, 1, min(2, price), price, price + 1 if random.random() < 0.1 else price])
        nonce = max(nonce, 0)
        if kind == 0:
            return self.legacy(person, nonce, price, gas, target, value, data)
        access = self.access_list()
        if kind == 1:
            fields = [1, nonce, price, gas, target, value, data, access]
        elif kind == 2:
            fields = [1, nonce, tip, price, gas, target, value, data, access]
        elif kind == 3:
            hashes = [b"\x01" + random.randbytes(31) for _ in range(random.choice([1, 1, 1, 2, 2, 3, 6] if random.random() < 0.8 else [0, 7, 9, 10]))]
            if random.random() < 0.04 and hashes:
                hashes[0] = b"\x02" + hashes[0][1:]
            blob_price = random.choice([10**10, 10**12, 10**9, 1 if random.random() < 0.3 else 10**11])
            fields = [1, nonce, tip, price, gas, target, value, data, access, blob_price, hashes]
        else:
            tuples = [self.authorization() for _ in range(random.choice([1, 1, 2, 3, 0 if random.random() < 0.1 else 1]))]
            fields = [1, nonce, tip, price, gas, target, value, data, access, tuples]
        fields = [number(f) if isinstance(f, int) else f for f in fields]
        digest = keccak256(bytes([kind]) + rlp.encode(fields))
        parity, r, s = sign(digest, person.key)
        return bytes([kind]) + rlp.encode(fields + [number(parity), number(r), number(s)])

    def legacy(self, person, nonce, price, gas, target, value, data):
        fields = [number(nonce), number(price), number(gas), target, number(value), data]
        protects = at_least(self.fork, "spurious_dragon") and self.random.random() < 0.7
        digest = keccak256(rlp.encode(fields + [number(1), b"", b""] if protects else fields))
        parity, r, s = sign(digest, person.key)
        v = parity + (37 if protects else 27)
        return [*fields, number(v), number(r), number(s)]

    def access_list(self):
        random = self.random
        entries = []
        for _ in range(random.choice([0, 0, 1, 2, 3])):
            slots = [random.randrange(6).to_bytes(32, "big") for _ in range(random.randrange(4))]
            entries.append([random.choice(self.addresses), slots])
        return entries

    def authorization(self):
        random = self.random
        person = random.choice(self.people)
        nonce = self.nonces[person.address] + random.choice([0, 0, 0, 1])
        if random.random() < 0.7:
            self.nonces[person.address] += 1
        target = random.choice(self.addresses + [bytes(20)])
        fields = [number(random.choice([0, 1, 1, 1, 2 if random.random() < 0.2 else 1])), target, number(nonce)]
        parity, r, s = sign(keccak256(b"\x05" + rlp.encode(fields)), person.key)
        if random.random() < 0.05:
            s = 2**256 - 1
        return fields + [number(parity), number(r), number(s)]

    # Both sides' forms

    def hashes(self):
        return {hex(n): "0x" + keccak256(str(n).encode()).hex() for n in range(self.number - 256, self.number)}

    def withdrawals(self):
        if not at_least(self.fork, "shanghai"):
            return []
        random = self.random
        return [
            {"index": hex(i), "validatorIndex": "0x1", "address": "0x" + random.choice(self.addresses).hex(), "amount": hex(random.choice([0, 1, 10**9]))}
            for i in range(random.choice([0, 0, 1, 2]))
        ]

    def run_specification(self):
        """The specification's result, and the withdrawals it was given."""
        self.given_withdrawals = self.withdrawals()
        environment = {
            "currentCoinbase": "0x" + self.coinbase.hex(), "currentGasLimit": hex(10**9), "currentNumber": hex(self.number),
            "currentTimestamp": hex(self.time), "currentDifficulty": "0x20000", "currentRandom": "0x" + "5a" * 32,
            "currentBaseFee": hex(self.base_fee), "currentExcessBlobGas": hex(self.excess), "blockHashes": self.hashes(),
            "parentBeaconBlockRoot": "0x" + "be" * 32, "withdrawals": self.given_withdrawals, "ommers": [],
        }
        body = "0x" + rlp.encode(self.transactions).hex()
        given = io.StringIO(json.dumps({"alloc": self.alloc, "env": environment, "txs": body}))
        parser = argparse.ArgumentParser()
        transition.t8n_arguments(parser.add_subparsers())
        options = parser.parse_args([
            "t8n", "--input.alloc", "stdin", "--input.env", "stdin", "--input.txs", "stdin", "--output.result", "stdout",
            "--output.alloc", "stdout", "--state.fork", NAMES[self.fork][1], "--state.reward", "-1", "--state.chainid", "1",
        ])
        output = io.StringIO()
        with transition.ForkCache() as cache:
            tool = transition.T8N(options, output, given, cache)
            tool.run_blockchain_test()
        result = tool.result.to_json()
        result["alloc"] = tool.alloc.to_json()
        result["logs"] = [receipt.logs for _, receipt in tool.result.receipts]
        return result

    def wire(self, transaction):
        return transaction if isinstance(transaction, bytes) else rlp.encode(transaction)

    def write(self, genesis, lines):
        ethereum = {
            "chainId": 1, "fork": NAMES[self.fork][0], "baseFeePerGas": hex(self.base_fee),
            "coinbase": "0x" + self.coinbase.hex(), "gasLimit": hex(10**9), "difficulty": "0x20000",
            "prevRandao": "0x" + "5a" * 32, "excessBlobGas": hex(self.excess), "parentBeaconBlockRoot": "0x" + "be" * 32,
            "blockHashes": self.hashes(), "withdrawals": self.given_withdrawals, "alloc": self.alloc,
        }
        base = {"slot": self.number, "unixTimestamp": self.time, "blockhash": "1" * 32, "accounts": [], "programs": []}
        with open(genesis, "w") as file:
            json.dump({**base, "ethereum": ethereum}, file)
        with open(lines, "w") as file:
            for transaction in self.transactions:
                file.write(json.dumps({"ethereum": "0x" + self.wire(transaction).hex()}) + "\n")


def replay(estuary, genesis, lines, *flags):
    run = subprocess.run([estuary, "replay", genesis, lines, "--json", *flags], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"estuary replay {genesis} {lines}: {run.stderr[-2000:]}")
    return json.loads(run.stdout)
