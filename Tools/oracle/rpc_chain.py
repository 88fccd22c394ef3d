"""One chain over every fork from Frontier to Osaka, made by Ethereum's executable specification: every type of transaction,
creations, logs, reverts and other failures, self-destructs, an uncle, withdrawals, deposits and requests. Forks come by block
number, by total difficulty and by time. Besides the blocks it knows what came of them: receipts and the state after each.
"""

from coincurve import PrivateKey
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import t8n as transition
from ethereum_types.numeric import U256

import evm_blocks
from evm_blocks import number, sign
from evm_chains import DEPOSIT_CODE, DEPOSITS, FIELDS, integer, specification, unhex

OPCODES = {
    name: code
    for code, names in {
        0x00: "STOP ADD MUL SUB", 0x10: "LT GT SLT SGT EQ ISZERO AND OR", 0x20: "SHA3",
        0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY GASPRICE EXTCODESIZE "
              "EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH",
        0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBHASH BLOBBASEFEE",
        0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST", 0xA0: "LOG0 LOG1 LOG2 LOG3 LOG4",
        0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2", 0xFA: "STATICCALL", 0xFD: "REVERT INVALID SELFDESTRUCT",
    }.items()
    for code, name in enumerate(names.split(), code)
}  # fmt: skip


def asm(text):
    """Opcodes by name; a number is pushed, `@NAME` pushes a label's place, `NAME:` is one."""
    out, labels, places = b"", {}, []
    for word in text.split():
        if word.endswith(":"):
            labels[word[:-1]] = len(out)
            out += b"\x5b"
        elif word.startswith("@"):
            places.append((len(out) + 1, word[1:]))
            out += b"\x61\0\0"
        elif word in OPCODES:
            out += bytes([OPCODES[word]])
        else:
            value = int(word, 0)
            size = max((value.bit_length() + 7) // 8, 1)
            out += bytes([0x5F + size]) + value.to_bytes(size, "big")
    out = bytearray(out)
    for place, label in places:
        out[place : place + 2] = labels[label].to_bytes(2, "big")
    return bytes(out)


def deployed(code):
    """Initcode that leaves `code`."""
    head = asm(f"{len(code)} 0xffff 0 CODECOPY {len(code)} 0 RETURN")
    return head.replace(b"\xff\xff", len(head).to_bytes(2, "big")) + code


EMIT, REVERTER, ENV, TREE, GUZZLER, DESTRUCTOR, STORE, HASHES = (bytes([0xE0 + index]) * 20 for index in range(8))
EVENT = int.from_bytes(b"event", "big")
CODES = {
    # Counts in slot 0, keeps the count under the hash of its input, and logs it: topics "event" and the hash.
    EMIT: asm(f"CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 SHA3 0 SLOAD 1 ADD 0x80 MSTORE 0x80 MLOAD 0 SSTORE "
              f"0xa0 MSTORE 0x80 MLOAD 0xa0 MLOAD SSTORE 0xa0 MLOAD {EVENT} 32 0x80 LOG2"),
    # First byte 0: Panic(1); 1: Error("user error"); 2: a custom error; 3: an invalid opcode; else endless.
    REVERTER: asm(
        "0 CALLDATALOAD 0 MSTORE 0 MLOAD 0xff00000000000000000000000000000000000000000000000000000000000000 AND "
        "0x80 MSTORE 0x80 MLOAD ISZERO @panic JUMPI "
        "0x80 MLOAD 0x0100000000000000000000000000000000000000000000000000000000000000 EQ @error JUMPI "
        "0x80 MLOAD 0x0200000000000000000000000000000000000000000000000000000000000000 EQ @custom JUMPI "
        "0x80 MLOAD 0x0300000000000000000000000000000000000000000000000000000000000000 EQ @invalid JUMPI "
        "loop: @loop JUMP invalid: INVALID "
        "panic: 0x4e487b7100000000000000000000000000000000000000000000000000000000 0 MSTORE 1 4 MSTORE 36 0 REVERT "
        "error: 0x08c379a000000000000000000000000000000000000000000000000000000000 0 MSTORE 32 4 MSTORE 10 36 MSTORE "
        "0x75736572206572726f7200000000000000000000000000000000000000000000 68 MSTORE 100 0 REVERT "
        "custom: 0xdeadbeef00000000000000000000000000000000000000000000000000000000 0 MSTORE 4 0 REVERT"),
    ENV: asm(" ".join(f"{name} {32 * index} MSTORE" for index, name in enumerate(
        "NUMBER CHAINID COINBASE BASEFEE PREVRANDAO ORIGIN CALLER CALLVALUE GASPRICE TIMESTAMP GASLIMIT BLOBBASEFEE SELFBALANCE".split()))
        + " 416 0 RETURN"),
    # A call with value, one that reverts, a static call, a delegate call, a call of a precompile and a creation.
    TREE: asm(f"0 0 3 0 1 0x{EMIT.hex()} 60000 CALL POP 1 0x40 MSTORE8 0 0 1 0x40 0 0x{REVERTER.hex()} 50000 CALL POP "
              f"0 0 0 0 0x{ENV.hex()} 50000 STATICCALL POP 0 0 2 0 0x{EMIT.hex()} 90000 DELEGATECALL POP "
              f"32 0x60 4 0 0 4 5000 CALL POP 0x5b600160005260206000f3 0x80 MSTORE 10 0x96 0 CREATE POP 32 0x60 RETURN"),
    GUZZLER: asm("loop: 1 POP @loop JUMP"),
    DESTRUCTOR: asm("CALLER SELFDESTRUCT"),
    # [slot, value]: writes it, and gives back what was there.
    STORE: asm("0 CALLDATALOAD SLOAD 0 MSTORE 32 CALLDATALOAD 0 CALLDATALOAD SSTORE 32 0 RETURN"),
    HASHES: asm("0 CALLDATALOAD BLOCKHASH 0 MSTORE 32 0 RETURN"),
}  # fmt: skip

# The block or the time from which a fork's rules hold, and how geth's genesis names that.
STEPS = [
    ("frontier", 0), ("homestead", 3), ("tangerine_whistle", 5), ("spurious_dragon", 6), ("byzantium", 8), ("constantinople", 10),
    ("istanbul", 11), ("berlin", 13), ("london", 15), ("paris", 18), ("shanghai", 20), ("cancun", 22), ("prague", 25), ("osaka", 29),
]  # fmt: skip
LAST = 34
SECONDS = 10
GAS_LIMIT = 30_000_000


def fork_at(block):
    return [name for name, first in STEPS if block >= first][-1]


def is_since(block, fork):
    return block >= dict(STEPS)[fork]


def pay_block_rewards(tool, reward, block_env):
    """The tool's own asks uncles for fields that they do not have (ethereum-execution 2.20.0)."""
    count = U256(len(tool.env.ommers))
    tool.fork.create_ether(block_env.state, block_env.coinbase, reward + count * (reward // U256(32)))
    for ommer in tool.env.ommers:
        tool.fork.create_ether(block_env.state, ommer.address, (U256(8) - U256(ommer.delta)) * reward // U256(8))


transition.T8N.pay_block_rewards = pay_block_rewards


class Person:
    def __init__(self, seed):
        self.key = int.from_bytes(keccak256(seed.encode()), "big")
        self.address = bytes(keccak256(PrivateKey.from_int(self.key).public_key.format(compressed=False)[1:])[12:])


def created(sender, nonce):
    return bytes(keccak256(rlp.encode([sender, number(nonce)]))[12:])


class Chain:
    def __init__(self):
        self.people = [Person(f"person {index}") for index in range(6)]
        nothing = {"balance": "0x0", "nonce": "0x0", "code": "0x", "storage": {}}
        self.alloc = {self.hex(p.address): {**nothing, "balance": hex(10**24)} for p in self.people}
        for address, code in CODES.items():
            self.alloc[self.hex(address)] = {**nothing, "nonce": "0x1", "balance": "0x64", "code": self.hex(code)}
        self.alloc[self.hex(STORE)]["storage"] = {f"0x{slot:064x}": hex(slot) for slot in (1, 2, 3)}
        self.alloc[DEPOSITS] = {**nothing, "nonce": "0x1", "code": DEPOSIT_CODE}
        for address, (_, code) in evm_blocks.SYSTEM.items():
            self.alloc[address] = {**nothing, "nonce": "0x1", "code": "0x" + code}
        root = specification("frontier", self.copied(), self.environment(0, {}), [], ["--state.reward", "-1"])["stateRoot"]
        empty = keccak256(rlp.encode([]))
        header = {
            "parentHash": bytes(32), "ommersHash": empty, "coinbase": bytes(20), "stateRoot": unhex(root),
            "transactionsRoot": keccak256(b"\x80"), "receiptsRoot": keccak256(b"\x80"), "bloom": bytes(256),
            "difficulty": number(0x20000), "number": b"", "gasLimit": number(GAS_LIMIT), "gasUsed": b"", "timestamp": b"",
            "extraData": b"estuary", "mixHash": bytes(32), "nonce": bytes(8),
        }  # fmt: skip
        self.blocks = [{"header": header, "body": [], "ommers": [], "withdrawals": None, "receipts": [], "alloc": self.copied()}]
        self.hashes = [self.hash(header)]
        self.difficulty = 0x20000
        self.nonces = {p.address: 0 for p in self.people}
        for block in range(1, LAST + 1):
            self.add(block)

    @staticmethod
    def hex(data):
        return "0x" + bytes(data).hex()

    def copied(self):
        return {address: {**account, "storage": dict(account["storage"])} for address, account in self.alloc.items()}

    @staticmethod
    def encode(header):
        return [header[field] for field in FIELDS if field in header]

    def hash(self, header):
        return bytes(keccak256(rlp.encode(self.encode(header))))

    # Files for an import

    def genesis(self):
        names = {
            "homestead": ["homesteadBlock"], "tangerine_whistle": ["eip150Block"], "spurious_dragon": ["eip155Block", "eip158Block"],
            "byzantium": ["byzantiumBlock"], "constantinople": ["constantinopleBlock", "petersburgBlock"], "istanbul": ["istanbulBlock"],
            "berlin": ["berlinBlock"], "london": ["londonBlock"], "shanghai": ["shanghaiTime"], "cancun": ["cancunTime"],
            "prague": ["pragueTime"], "osaka": ["osakaTime"],
        }  # fmt: skip
        config = {"chainId": 1, "ethash": {}, "depositContractAddress": DEPOSITS}
        for fork, first in STEPS:
            for name in names.get(fork, []):
                config[name] = first * SECONDS if name.endswith("Time") else first
        config["terminalTotalDifficulty"] = self.difficulty
        first = self.blocks[0]
        return {
            "config": config, "nonce": "0x0", "timestamp": "0x0", "extraData": self.hex(first["header"]["extraData"]),
            "gasLimit": hex(GAS_LIMIT), "difficulty": "0x20000", "mixHash": self.hex(bytes(32)), "coinbase": self.hex(bytes(20)),
            "number": "0x0", "gasUsed": "0x0", "parentHash": self.hex(bytes(32)), "alloc": first["alloc"],
        }  # fmt: skip

    def wire(self, block):
        parts = [self.encode(block["header"]), block["body"], [self.encode(h) for h in block["ommers"]]]
        if block["withdrawals"] is not None:
            parts.append([[integer(w[name]) for name in ("index", "validatorIndex")] + [unhex(w["address"]), integer(w["amount"])]
                          for w in block["withdrawals"]])  # fmt: skip
        return rlp.encode(parts)

    # Blocks

    def environment(self, block, header):
        return {
            "currentCoinbase": self.hex(bytes([0xBB]) * 20), "currentGasLimit": hex(self.limit(block)), "currentNumber": hex(block),
            "currentTimestamp": hex(block * SECONDS), "currentDifficulty": "0x20000", "blockHashes": {}, "ommers": [],
        }  # fmt: skip

    @staticmethod
    def limit(block):
        # Twice as much from London on, so that the target is what the limit was.
        return GAS_LIMIT * 2 if is_since(block, "london") else GAS_LIMIT

    def add(self, block):
        fork, parent = fork_at(block), self.blocks[-1]["header"]
        self.block, self.fork = block, fork
        self.base_fee = self.next_base_fee(parent) if is_since(block, "london") else 0
        withdrawals, ommers = None, []
        if is_since(block, "shanghai"):
            withdrawals = [] if block % 2 else [
                {"index": hex(block), "validatorIndex": "0x5", "address": self.hex(bytes([0x77]) * 20), "amount": hex(block * 10**6)}]  # fmt: skip
        if block == 12:
            ommers = [{**self.blocks[11]["header"], "coinbase": bytes([0xCC]) * 20, "extraData": b"uncle"}]
        beacon_root, randao = keccak256(b"beacon" + number(block)), keccak256(b"randao" + number(block))
        environment = {
            **self.environment(block, parent), "currentRandom": self.hex(randao), "currentBaseFee": hex(self.base_fee),
            "parentTimestamp": hex(int.from_bytes(parent["timestamp"], "big")),
            "parentDifficulty": hex(int.from_bytes(parent["difficulty"], "big")), "parentUncleHash": self.hex(parent["ommersHash"]),
            "parentBeaconBlockRoot": self.hex(beacon_root), "withdrawals": withdrawals or [],
            "blockHashes": {hex(n): self.hex(h) for n, h in enumerate(self.hashes)},
            "ommers": [{"delta": 1, "address": self.hex(ommer["coinbase"])} for ommer in ommers],
        }  # fmt: skip
        del environment["currentDifficulty"]
        if fork == "frontier":
            environment["currentDifficulty"] = hex(self.frontier_difficulty(parent))
        for name, field in (("parentExcessBlobGas", "excessBlobGas"), ("parentBlobGasUsed", "blobGasUsed"),
                            ("parentBaseFee", "baseFeePerGas"), ("parentGasUsed", "gasUsed"), ("parentGasLimit", "gasLimit")):  # fmt: skip
            environment[name] = hex(int.from_bytes(parent.get(field, b""), "big"))
        body = self.transactions(block)
        reward = ["--state.reward", "-1"] if is_since(block, "paris") else []
        result = specification(fork, self.copied(), environment, body, reward)
        assert not result.get("blockException") and not result["rejected"], (block, result.get("blockException"), result["rejected"])
        header = {
            "parentHash": self.hashes[-1], "ommersHash": bytes(keccak256(rlp.encode([self.encode(h) for h in ommers]))),
            "coinbase": bytes([0xBB]) * 20, "stateRoot": unhex(result["stateRoot"]), "transactionsRoot": unhex(result["txRoot"]),
            "receiptsRoot": unhex(result["receiptsRoot"]), "bloom": unhex(result["logsBloom"]),
            "difficulty": b"" if is_since(block, "paris") else integer(result["currentDifficulty"]), "number": number(block),
            "gasLimit": number(self.limit(block)), "gasUsed": integer(result["gasUsed"]), "timestamp": number(block * SECONDS),
            "extraData": b"", "mixHash": bytes(randao) if is_since(block, "paris") else bytes(32), "nonce": bytes(8),
        }  # fmt: skip
        self.difficulty += int.from_bytes(header["difficulty"], "big")
        if is_since(block, "london"):
            header["baseFeePerGas"] = number(self.base_fee)
        if is_since(block, "shanghai"):
            header["withdrawalsRoot"] = unhex(result["withdrawalsRoot"])
        if is_since(block, "cancun"):
            header["blobGasUsed"] = number(sum(len(rlp.decode(t[1:])[10]) for t in body if isinstance(t, bytes) and t[0] == 3) << 17)
            header["excessBlobGas"] = integer(result["currentExcessBlobGas"])
            header["parentBeaconBlockRoot"] = bytes(beacon_root)
        if is_since(block, "prague"):
            header["requestsHash"] = unhex(result["requestsHash"])
        nothing = {"balance": "0x0", "nonce": "0x0", "code": "0x", "storage": {}}
        self.alloc = {address: {**nothing, **account} for address, account in result["alloc"].items()}
        self.blocks.append({"header": header, "body": body, "ommers": ommers, "withdrawals": withdrawals, "receipts": result["receipts"],
                            "alloc": self.copied(), "requests": result.get("requests")})  # fmt: skip
        self.hashes.append(self.hash(header))

    @staticmethod
    def frontier_difficulty(parent):
        difficulty = int.from_bytes(parent["difficulty"], "big")
        return max(difficulty + difficulty // 2048, 131_072)

    @staticmethod
    def next_base_fee(parent):
        if "baseFeePerGas" not in parent:
            return 10**9
        fee, used, limit = (int.from_bytes(parent[name], "big") for name in ("baseFeePerGas", "gasUsed", "gasLimit"))
        target = limit // 2
        if used > target:
            return fee + max(fee * (used - target) // target // 8, 1)
        return fee - fee * (target - used) // target // 8

    # Transactions

    def send(self, person, kind=0, to=b"", value=0, data=b"", gas=200_000, access=(), blobs=(), authorizations=()):
        nonce = self.nonces[person.address]
        self.nonces[person.address] += 1
        price, tip = self.base_fee + 2, 2
        if kind == 0:
            fields = [number(nonce), number(price if self.base_fee else 10**9), number(gas), to, number(value), data]
            protects = is_since(self.block, "spurious_dragon") and nonce % 3
            digest = keccak256(rlp.encode(fields + [number(1), b"", b""] if protects else fields))
            parity, r, s = sign(digest, person.key)
            return [*fields, number(parity + (37 if protects else 27)), number(r), number(s)]
        fields = [1, nonce] + ([price or 10**9] if kind == 1 else [tip, price]) + [gas, to, value, data, [list(entry) for entry in access]]
        if kind == 1 and not self.base_fee:
            fields[2] = 10**9
        if kind == 3:
            fields += [10**9, list(blobs)]
        if kind == 4:
            fields += [list(authorizations)]
        fields = [number(f) if isinstance(f, int) else f for f in fields]
        parity, r, s = sign(keccak256(bytes([kind]) + rlp.encode(fields)), person.key)
        return bytes([kind]) + rlp.encode(fields + [number(parity), number(r), number(s)])

    def authorization(self, person, target):
        nonce = self.nonces[person.address]
        self.nonces[person.address] += 1
        fields = [number(1), target, number(nonce)]
        parity, r, s = sign(keccak256(b"\x05" + rlp.encode(fields)), person.key)
        return fields + [number(parity), number(r), number(s)]

    def transactions(self, block):
        """What every fork has, and what its own are."""
        a, b, c, d, e, f = self.people
        word = block.to_bytes(32, "big")
        made = [
            self.send(a, to=b.address, value=block, gas=21_000),
            self.send(b, to=EMIT, data=b"log" + number(block), gas=200_000),
            self.send(c, to=STORE, data=(block % 4).to_bytes(32, "big") + word, gas=100_000),
        ]
        if block % 3 == 0:
            made.append(self.send(d, data=deployed(CODES[EMIT]), gas=300_000))
        if block % 4 == 0 and is_since(block, "byzantium"):
            made.append(self.send(d, to=REVERTER, data=b"\x01", gas=60_000))
        if block % 5 == 0:
            made.append(self.send(e, to=GUZZLER, gas=50_000))
        if block in (2, 16, 31):
            # Made and destroyed one block later (or in the same transaction's life, from Cancun on).
            self.doomed = created(d.address, self.nonces[d.address])
            made.append(self.send(d, data=deployed(CODES[DESTRUCTOR]), value=7, gas=200_000))
        if block in (4, 17, 32):
            made.append(self.send(e, to=self.doomed, gas=60_000))
        if is_since(block, "istanbul") and block % 2:
            made.append(self.send(e, to=TREE, value=5, gas=600_000, data=b"tree"))
        if is_since(block, "berlin"):
            made.append(self.send(a, 1, to=EMIT, data=b"two", access=[(EMIT, [bytes(32)]), (STORE, [])]))
        if is_since(block, "london"):
            made.append(self.send(b, 2, to=STORE, value=1, data=bytes(32) + word, access=[(STORE, [bytes(32)])]))
            made.append(self.send(c, 2, to=bytes([0x99]) * 20, value=10**15, gas=21_000))
        if is_since(block, "cancun") and block % 2 == 0:
            hashes = [b"\x01" + bytes(keccak256(word + bytes([index]))[1:]) for index in range(block % 3 + 1)]
            made.append(self.send(d, 3, to=EMIT, data=b"blob", blobs=hashes))
        if is_since(block, "prague"):
            if block % 2:
                made.append(self.send(a, 4, to=f.address, data=b"seven", authorizations=[self.authorization(f, EMIT)], gas=300_000))
            if block == 26:
                data = b"".join(offset.to_bytes(32, "big") for offset in (160, 256, 320, 384, 512))
                for size in (48, 32, 8, 96, 8):
                    data += size.to_bytes(32, "big") + bytes([size]) * size + bytes(-size % 32)
                made.append(self.send(b, 2, to=unhex(DEPOSITS), data=data, gas=300_000))
            if block == 27:
                made.append(self.send(b, 2, to=unhex("0x00000961ef480eb55e80d19ad83579a64c007002"), value=10**6, data=bytes(range(56)), gas=300_000))
                made.append(self.send(c, 2, to=unhex("0x0000bbddc7ce488642fb579f8b00f3a590007251"), value=10**6, data=bytes(range(96)), gas=300_000))
        return made
