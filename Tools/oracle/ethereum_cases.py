"""Writes Tests/Cases/ethereum.jsonl: transactions, tries, blooms and blob fees, and what Ethereum's executable
specification (ethereum-execution, requirements-evm.txt) makes of them.

    ethereum_cases.py [OUTPUT] [--transactions N] [--seed N] [--large]

A transaction breaks no rule, one or two. `error` is the specification's exception with its text, null for a valid one;
`flaws` says how many rules were broken on purpose, as with two of them the order of checks decides which is reported.
Typed transactions are all signed for the block's chain: the specification does not look.
`--large` adds initcode around its limit, which makes long lines.
"""

import argparse
import importlib
import json
import os
import random

from eth_keys import keys
from ethereum.crypto.hash import keccak256
from ethereum.exceptions import EthereumException
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes0, Bytes20, Bytes32
from ethereum_types.numeric import U8, U64, U256, Uint

FORKS = {
    "Frontier": "frontier",
    "Homestead": "homestead",
    "TangerineWhistle": "tangerine_whistle",
    "SpuriousDragon": "spurious_dragon",
    "Byzantium": "byzantium",
    "Petersburg": "constantinople",
    "Istanbul": "istanbul",
    "Berlin": "berlin",
    "London": "london",
    "Paris": "paris",
    "Shanghai": "shanghai",
    "Cancun": "cancun",
    "Prague": "prague",
    "Osaka": "osaka",
    "BPO1": "bpo1",
    "BPO2": "bpo2",
}
NAMES = list(FORKS)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CHAIN = 1
CLASSES = [
    "LegacyTransaction",
    "AccessListTransaction",
    "FeeMarketTransaction",
    "BlobTransaction",
    "SetCodeTransaction",
]
SIGNING = [
    "signing_hash_155",
    "signing_hash_2930",
    "signing_hash_1559",
    "signing_hash_4844",
    "signing_hash_7702",
]
SINCE = ["Frontier", "Berlin", "London", "Cancun", "Prague"]


def module(fork, name):
    return importlib.import_module(f"ethereum.forks.{FORKS[fork]}.{name}")


def address(random):
    return Bytes20(random.randbytes(20))


def number(random, bits):
    return random.getrandbits(random.randrange(bits + 1))


class Maker:
    def __init__(self, seed, large):
        self.random = random.Random(seed)
        self.large = large

    def data(self):
        count = self.random.choice([0, 0, 1, 4, 31, 32, 33, 60, 100])
        return bytes(self.random.choice([0, 0, 1, 0x80, 0xFF]) for _ in range(count))

    def access_list(self, fork):
        make = module(fork, "transactions").Access
        return tuple(
            make(
                address(self.random),
                tuple(Bytes32(self.random.randbytes(32)) for _ in range(self.random.randrange(3))),
            )
            for _ in range(self.random.randrange(4))
        )

    def authorization(self, fork):
        r = self.random
        key = keys.PrivateKey(r.randbytes(32))
        make = module(fork, "fork_types").Authorization
        chain, target, nonce = (
            U256(r.choice([0, 1, 7, 2**200])),
            address(r),
            U64(r.choice([0, 1, 300, 2**64 - 1])),
        )
        digest = keccak256(b"\x05" + rlp.encode((chain, target, nonce)))
        signature = key.sign_msg_hash(digest)
        parity, s, sr = signature.v, signature.s, signature.r
        match r.randrange(8):
            case 0:
                parity, s = 1 - parity, ORDER - s
            case 1:
                parity = r.choice([2, 27, 255])
            case 2:
                sr = r.choice([0, ORDER, 2**256 - 1])
            case 3:
                s = r.choice([0, ORDER // 2 + 1])
            case 4:
                sr = r.getrandbits(256)
        parity = {"U8": U8, "U64": U64, "U256": U256}[make.__annotations__["y_parity"].__name__](parity)
        return make(chain_id=chain, address=target, nonce=nonce, y_parity=parity, r=U256(sr), s=U256(s))

    def case(self):
        r = self.random
        fork = r.choice(NAMES + ["Prague", "Osaka", "Cancun", "London"] * 3)
        level = NAMES.index(fork)
        known = [k for k in range(5) if NAMES.index(SINCE[k]) <= level]
        count = r.choice([0, 1, 1, 1, 1, 2])
        flaws = r.sample(
            [
                "nonce low",
                "nonce high",
                "nonce max",
                "balance",
                "code",
                "delegation",
                "gas",
                "intrinsic",
                "base fee",
                "tip",
                "blob fee",
                "blobs",
                "too many blobs",
                "blob version",
                "block blobs",
                "create",
                "authorizations",
                "high s",
                "r",
                "s",
                "chain",
                "cap",
                "initcode",
                "type",
                "protected",
                "product",
            ],
            count,
        )
        unknown = "type" in flaws and len(known) < 5
        kind = r.choice([k for k in range(5) if k not in known]) if unknown else r.choice(known)
        maker = fork if not unknown else "Osaka"
        base_fee = number(r, 40) if level >= NAMES.index("London") else 0
        excess = r.choice([0, 0, 10**6, 10**7, 10**8]) if level >= NAMES.index("Cancun") else 0
        tip = number(r, 30)
        max_fee = base_fee + r.choice([0, 1, tip, tip + number(r, 30)]) + (tip if r.random() < 0.5 else 0)
        tip = min(tip, max_fee)
        if "base fee" in flaws:
            max_fee, tip = max(base_fee - 1, 0), 0
        if "tip" in flaws:
            tip = max_fee + 1
        if "product" in flaws:
            max_fee, tip = 2**256 - 1 - r.randrange(5), 0
        to = Bytes0() if r.random() < 0.3 and (kind < 3 or "create" in flaws) else address(r)
        if "create" in flaws:
            to = Bytes0()
        if "initcode" in flaws and kind < 3:
            to = Bytes0()
        data = self.data()
        if "initcode" in flaws and kind < 3 and self.large:
            data = bytes(49152 + r.randrange(2))
        nonce = r.choice([0, 1, 127, 128, 2**32, 2**64 - 2])
        if "nonce max" in flaws:
            nonce = 2**64 - 1
        transactions = module(maker, "transactions")
        fields = dict(nonce=U256(nonce), gas=Uint(0), to=to, value=U256(number(r, 90)), data=Bytes(data))
        if kind < 2:
            fields["gas_price"] = Uint(max_fee)
        else:
            fields |= dict(max_fee_per_gas=Uint(max_fee), max_priority_fee_per_gas=Uint(tip))
        if kind:
            fields |= dict(chain_id=U64(CHAIN), access_list=self.access_list(maker), y_parity=U256(0))
        else:
            fields["v"] = U256(0)
        blobs = 0
        if kind == 3:
            gas_module = module(maker, "vm.gas")
            price = int(gas_module.calculate_blob_gas_price(U64(excess)))
            limit = {"Cancun": 6, "Prague": 9}.get(maker, 6)
            blobs = (
                0
                if "blobs" in flaws
                else limit + 1 if "too many blobs" in flaws else r.randrange(1, limit + 1)
            )
            hashes = [bytes([1]) + r.randbytes(31) for _ in range(blobs)]
            if "blob version" in flaws and blobs:
                hashes[r.randrange(blobs)] = bytes([r.choice([0, 2, 255])]) + bytes(31)
            fields |= dict(
                max_fee_per_blob_gas=U256(
                    max(price - 1, 0) if "blob fee" in flaws else price + r.randrange(3)
                ),
                blob_versioned_hashes=tuple(Bytes32(h) for h in hashes),
            )
        if kind == 4:
            fields["authorizations"] = tuple(
                self.authorization(maker)
                for _ in range(0 if "authorizations" in flaws else r.randrange(1, 4))
            )
        make = (
            getattr(transactions, CLASSES[kind], None) or transactions.Transaction
        )  # one class before Berlin
        tx = make(**fields, r=U256(0), s=U256(0))
        cost = transactions.calculate_intrinsic_cost(tx)
        needed = int(max(cost)) if isinstance(cost, tuple) else int(cost)
        gas = needed + r.choice([0, 1, 10**5])
        if "intrinsic" in flaws:
            gas = needed - 1
        if "cap" in flaws:
            gas = 2**24 + r.randrange(2)
        fields["gas"] = Uint(gas)
        block_gas = gas + r.choice([0, 5, 10**6])
        gas_used = block_gas - gas
        if "gas" in flaws:
            gas_used += 1
        blob_gas_used = 0
        if kind == 3 and "block blobs" in flaws:
            most = {"Cancun": 6, "Prague": 9, "Osaka": 9, "BPO1": 15, "BPO2": 21}[maker]
            blob_gas_used = (most - blobs + 1) * 2**17
        key = keys.PrivateKey(r.randbytes(32))
        protected = kind == 0 and (
            level >= NAMES.index("SpuriousDragon") and r.random() < 0.5 or "protected" in flaws
        )
        chain = 2 if "chain" in flaws else CHAIN
        tx = make(**fields, r=U256(0), s=U256(0))
        if kind:
            digest = getattr(transactions, SIGNING[kind])(tx)
        elif protected:
            digest = module("Osaka", "transactions").signing_hash_155(tx, U64(chain))
        else:
            digest = module("Osaka", "transactions").signing_hash_pre155(tx)
        signature = key.sign_msg_hash(digest)
        parity, sr, s = signature.v, signature.r, signature.s
        if "high s" in flaws:
            parity, s = 1 - parity, ORDER - s
        if "r" in flaws:
            sr = r.choice([0, ORDER, 2**256 - 1])
        if "s" in flaws:
            s = r.choice([0, ORDER, 2**256 - 1])
        fields |= dict(r=U256(sr), s=U256(s))
        if kind:
            fields["y_parity"] = U256(parity)
        else:
            fields["v"] = U256(parity + 27 if not protected else parity + 35 + 2 * chain)
        tx = make(**fields)
        wire = rlp.encode(tx) if kind == 0 else bytes([kind]) + rlp.encode(tx)
        cost = (
            gas * max_fee + int(fields["value"]) + blobs * 2**17 * int(fields.get("max_fee_per_blob_gas", 0))
        )
        balance = cost - 1 if "balance" in flaws else cost + r.choice([0, 1, 10**18])
        balance = min(max(balance, 0), 2**256 - 1)
        account = nonce + ("nonce low" in flaws) - ("nonce high" in flaws)
        account = min(max(account, 0), 2**64 - 1)
        code = (
            b"\x60\x00" if "code" in flaws else b"\xef\x01\x00" + bytes(20) if "delegation" in flaws else b""
        )
        sender = Bytes20(key.public_key.to_canonical_address())
        line = dict(
            kind="transaction",
            fork=fork,
            flaws=len(flaws),
            wire=wire.hex(),
            hash=keccak256(wire).hex(),
            baseFee=hex(base_fee),
            excessBlobGas=excess,
            gasLimit=block_gas,
            gasUsed=gas_used,
            blobGasUsed=blob_gas_used,
            nonce=account,
            balance=hex(balance),
            code=code.hex(),
        )
        if unknown:
            return line | dict(error="PreFork")
        return line | self.judge(fork, tx, line, code, sender)

    def judge(self, fork, tx, line, code, sender):
        forks, vm, state = module(fork, "fork"), module(fork, "vm"), module(fork, "state")
        types, transactions = module(fork, "fork_types"), module(fork, "transactions")
        world = state.State()
        state.set_account(
            world,
            sender,
            types.Account(
                nonce=Uint(line["nonce"]), balance=U256(int(line["balance"], 16)), code=Bytes(code)
            ),
        )
        values = dict(
            chain_id=U64(CHAIN),
            state=world,
            block_gas_limit=Uint(line["gasLimit"]),
            block_hashes=[],
            coinbase=Bytes20(bytes(20)),
            number=Uint(1),
            base_fee_per_gas=Uint(int(line["baseFee"], 16)),
            time=U256(1),
            prev_randao=Bytes32(bytes(32)),
            difficulty=Uint(1),
            excess_blob_gas=U64(line["excessBlobGas"]),
            parent_beacon_block_root=Bytes32(bytes(32)),
        )
        wanted = vm.BlockEnvironment.__dataclass_fields__
        block = vm.BlockEnvironment(**{name: value for name, value in values.items() if name in wanted})
        output = vm.BlockOutput()
        output.block_gas_used = Uint(line["gasUsed"])
        if hasattr(output, "blob_gas_used"):
            output.blob_gas_used = U64(line["blobGasUsed"])
        result = dict(error=None)
        try:
            cost = transactions.validate_transaction(tx)
            found = forks.check_transaction(block_env=block, block_output=output, tx=tx)
            cost = cost if isinstance(cost, tuple) else (cost, 0)
            result |= dict(intrinsicGas=int(cost[0]), floorGas=int(cost[1]))
            found = found if isinstance(found, tuple) else (found,)
            result["sender"] = bytes(found[0]).hex()
            if len(found) > 1:
                result["effectiveGasPrice"] = hex(int(found[1]))
            if hasattr(tx, "authorizations"):
                result["authorities"] = self.authorities(fork, tx)
            util = module(fork, "utils.address")
            result["created"] = bytes(util.compute_contract_address(found[0], Uint(tx.nonce))).hex()
        except EthereumException as error:
            result["error"] = f"{type(error).__name__} {error}".strip()
        return result

    def authorities(self, fork, tx):
        recover = module(fork, "vm.eoa_delegation").recover_authority
        found = []
        for tuple in tx.authorizations:
            try:
                found.append(bytes(recover(tuple)).hex())
            except EthereumException:
                found.append(None)
        return found

    def trie(self, count):
        r, tries = self.random, module("Osaka", "trie")
        secured = r.random() < 0.5
        trie = tries.Trie(secured=secured, default=b"")
        length = r.choice([2, 3, 32])
        alphabet = r.choice([bytes(range(256)), b"\x00\x01\x10\x11"])
        pairs = {}
        for _ in range(count):
            key = bytes(r.choice(alphabet) for _ in range(r.randrange(1, 5) if length == 3 else length))
            pairs[key] = r.randbytes(r.choice([1, 2, 20, 33, 60, 300]))
        for key, value in pairs.items():
            tries.trie_set(trie, key, value)
        return dict(
            kind="trie",
            secured=secured,
            pairs=[[k.hex(), v.hex()] for k, v in pairs.items()],
            root=bytes(tries.root(trie)).hex(),
        )

    def bloom(self):
        r, blocks = self.random, module("Osaka", "blocks")
        logs = tuple(
            blocks.Log(
                address(r), tuple(Bytes32(r.randbytes(32)) for _ in range(r.randrange(5))), Bytes(self.data())
            )
            for _ in range(r.randrange(4))
        )
        kind, success, gas = r.randrange(5), r.random() < 0.5, number(r, 63)
        bloom = module("Osaka", "bloom").logs_bloom(logs)
        receipt = blocks.Receipt(succeeded=success, cumulative_gas_used=Uint(gas), bloom=bloom, logs=logs)
        transaction = getattr(module("Osaka", "transactions"), CLASSES[kind])
        encoded = blocks.encode_receipt(transaction.__new__(transaction), receipt)
        return dict(
            kind="logs",
            type=kind,
            isSuccess=success,
            gasUsed=gas,
            receipt=(encoded if isinstance(encoded, bytes) else rlp.encode(encoded)).hex(),
            logs=[
                dict(
                    address=bytes(l.address).hex(),
                    topics=[bytes(t).hex() for t in l.topics],
                    data=bytes(l.data).hex(),
                )
                for l in logs
            ],
            bloom=bytes(bloom).hex(),
            hash=keccak256(rlp.encode(logs)).hex(),
        )

    def blob_fee(self):
        r = self.random
        fork = r.choice(["Cancun", "Prague", "Osaka", "BPO1", "BPO2"])
        gas, blocks = module(fork, "vm.gas"), module(fork, "blocks")
        excess, used, base = (
            r.randrange(r.choice([10**6, 10**8, 10**9])),
            r.randrange(22) * 2**17,
            r.choice([7, 10**9, 10**14]),
        )
        excess = min(excess, 177 * int(gas.BLOB_BASE_FEE_UPDATE_FRACTION))
        parent = blocks.Header.__new__(blocks.Header)
        for name, value in (
            ("excess_blob_gas", U64(excess)),
            ("blob_gas_used", U64(used)),
            ("base_fee_per_gas", Uint(base)),
        ):
            object.__setattr__(parent, name, value)
        return dict(
            kind="blobFee",
            fork=fork,
            excess=excess,
            used=used,
            baseFee=base,
            fee=hex(int(gas.calculate_blob_gas_price(U64(excess)))),
            nextExcess=int(gas.calculate_excess_blob_gas(parent)),
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("output", nargs="?", default=os.path.join(here, "../../Tests/Cases/ethereum.jsonl"))
    parser.add_argument("--transactions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    maker = Maker(arguments.seed, arguments.large)
    lines = [maker.case() for _ in range(arguments.transactions)]
    lines += [maker.trie(count) for count in (0, 1, 2, 3, 4, 5, 8, 16, 17, 40, 100) for _ in range(3)]
    lines += [maker.bloom() for _ in range(20)] + [maker.blob_fee() for _ in range(100)]
    with open(arguments.output, "w") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    main()
