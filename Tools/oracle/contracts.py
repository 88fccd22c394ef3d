"""Contracts through the command line: ten of snekmate's, compiled by Vyper, are deployed, called, sent to and made to
revert by the built binary. Ethereum's executable specification (Osaka) goes the same way, and every status, gas used,
log, output, decoded value and revert reason has to be the same; so has the gas limit be exact: what `evm estimate` says
succeeds, one less fails. Then every verb is misused: a clear error, nothing written, no key in any output.

    contracts.py [--cache FOLDER]

ESTUARY names the command line. Compiled contracts are kept in the cache (default .build-test/contracts).
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import eth_abi
from eth_account import Account
from eth_utils import function_signature_to_4byte_selector as selector_of
from eth_utils import keccak, to_checksum_address
from ethereum.forks.osaka import blocks, fork, state, transactions, vm
from ethereum.forks.osaka.fork_types import Account as SpecAccount
from ethereum.forks.osaka.fork_types import Address
from ethereum.forks.osaka.trie import trie_get
from ethereum.forks.osaka.utils.message import prepare_message
from ethereum.forks.osaka.vm.interpreter import process_message_call
from ethereum.crypto.hash import Hash32
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from contract_sources import SOURCES

Account.enable_unaudited_hdwallet_features()
MNEMONIC = " ".join(["test"] * 11 + ["junk"])
PEOPLE = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
CHAIN = 1337
GAS = 16_000_000
BINARY = os.environ.get("ESTUARY", ".build/release/estuary")
CRASHES = ("Fatal error", "Stack dump", "*** ", "Backtrace", "Swift/", "Segmentation")
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}", file=sys.stderr)


def compiled(cache):
    """Vyper's combined JSON of every contract, a file each."""
    os.makedirs(cache, exist_ok=True)
    vyper = os.path.join(os.path.dirname(sys.executable), "vyper")

    def one(item):
        name, source = item
        text = f"# pragma version 0.4.3\n{source}"
        stem = os.path.join(cache, f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}")
        if not os.path.exists(stem + ".json"):
            folder = tempfile.mkdtemp(dir=cache)
            path = os.path.join(folder, f"{name}_contract.vy")
            with open(path, "w") as file:
                file.write(text)
            made = os.path.join(folder, "out.json")
            subprocess.run([vyper, "-f", "combined_json", path, "-o", made], check=True, capture_output=True)
            os.rename(made, stem + ".json")
            shutil.rmtree(folder)
        return name, stem + ".json"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, SOURCES.items()))


def types_of(signature):
    """`f(a,(b,c))(d)` → ["a", "(b,c)"], ["d"]"""
    lists, depth, word = [], 0, ""
    for character in signature[signature.index("(") :]:
        if character == "(" and depth == 0:
            lists.append([])
            depth, word = 1, ""
            continue
        if (character == "," and depth == 1) or (character == ")" and depth == 1):
            if word:
                lists[-1].append(word)
            word = ""
        else:
            word += character
        depth += {"(": 1, ")": -1}.get(character, 0)
    return lists[0], lists[1] if len(lists) > 1 else []


def text(value, nested=False):
    """A value as cast spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list):
        return "[" + ", ".join(text(v, True) for v in value) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(text(v, True) for v in value) + ")"
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        return to_checksum_address(value)
    if isinstance(value, str) and nested:
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def shaped(kind, value):
    """A decoded value as lists and tuples: eth_abi makes tuples of both."""
    if kind.endswith("]"):
        return [shaped(kind[: kind.rindex("[")], v) for v in value]
    if kind.startswith("("):
        return tuple(shaped(k, v) for k, v in zip(types_of(kind)[0], value))
    return value


def reason_of(output):
    if output[:4] == bytes.fromhex("08c379a0"):
        return eth_abi.decode(["string"], output[4:])[0]
    return "0x" + output.hex() if output else "reverted without a reason"


class Reference:
    """The specification's state, which goes the way the ledger goes."""

    def __init__(self):
        self.state = state.State()
        for person in PEOPLE:
            account = SpecAccount(nonce=Uint(0), balance=U256(10**22), code=b"")
            state.set_account(self.state, Address(bytes.fromhex(person.address[2:])), account)
        self.number = 1

    def environment(self, number):
        return vm.BlockEnvironment(
            chain_id=U64(CHAIN), state=self.state, block_gas_limit=Uint(30_000_000), block_hashes=[],
            coinbase=Address(b"\xc0" + bytes(19)), number=Uint(number), base_fee_per_gas=Uint(7), time=U256(int(time.time())),
            prev_randao=Bytes32(bytes(32)), excess_blob_gas=U64(0), parent_beacon_block_root=Hash32(bytes(32)),
        )  # fmt: skip

    def nonce(self, person):
        return int(state.get_account(self.state, Address(bytes.fromhex(person.address[2:]))).nonce)

    def call(self, person, to, data, value=0, gas=GAS):
        """Output, and whether it failed; `to` may be `None` for a creation."""
        environment = self.environment(self.number)
        sender = Address(bytes.fromhex(person.address[2:]))
        outer = vm.TransactionEnvironment(
            origin=sender, gas_price=Uint(7), gas=Uint(gas), access_list_addresses=set(), access_list_storage_keys=set(),
            transient_storage=state.TransientStorage(), blob_versioned_hashes=(), authorizations=(), index_in_block=None,
            tx_hash=None,
        )  # fmt: skip
        transaction = transactions.LegacyTransaction(
            nonce=U256(0), gas_price=Uint(7), gas=Uint(gas), to=Address(bytes.fromhex(to[2:])) if to else Bytes(b""),
            value=U256(value), data=Bytes(data), v=U256(0), r=U256(0), s=U256(0),
        )  # fmt: skip
        state.begin_transaction(self.state, outer.transient_storage)
        if to is None:
            state.increment_nonce(self.state, sender)
        done = process_message_call(prepare_message(environment, outer, transaction))
        state.rollback_transaction(self.state, outer.transient_storage)
        return bytes(done.return_data), done.error is not None

    def send(self, person, to, data, value, number, gas=GAS):
        self.number = number
        fields = {
            "type": 2, "chainId": CHAIN, "nonce": self.nonce(person), "maxFeePerGas": 100, "maxPriorityFeePerGas": 1,
            "gas": gas, "value": value, "data": data,
        }  # fmt: skip
        if to:
            fields["to"] = to
        raw = person.sign_transaction(fields).raw_transaction
        output = vm.BlockOutput()
        decoded = transactions.decode_transaction(Bytes(bytes(raw)))
        fork.process_transaction(self.environment(number), output, decoded, Uint(0))
        receipt = blocks.decode_receipt(trie_get(output.receipts_trie, rlp.encode(Uint(0))))
        return bool(receipt.succeeded), int(receipt.cumulative_gas_used), [
            {"address": "0x" + bytes(log.address).hex(), "topics": ["0x" + bytes(t).hex() for t in log.topics],
             "data": "0x" + bytes(log.data).hex()} for log in receipt.logs
        ]  # fmt: skip


class Ledger:
    def __init__(self, folder):
        self.folder = folder
        self.steps = 0

    def run(self, verb, *words, give=None):
        arguments = [BINARY, "evm", verb, "--ledger", self.folder, *words]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, input=give)
        shown = " ".join(arguments[1:])[:300]
        expect(not any(c in done.stderr for c in CRASHES), f"{shown}: crashed: {done.stderr[-500:]}")
        if verb != "accounts":
            for person in PEOPLE:
                expect(person.key.hex().removeprefix("0x") not in done.stdout + done.stderr, f"{shown}: shows a key")
        return done

    def json(self, verb, *words):
        done = self.run(verb, *words, "--json")
        try:
            return done.returncode, json.loads(done.stdout)
        except json.JSONDecodeError:
            expect(False, f"evm {verb} {' '.join(words)[:200]}: no JSON: {done.stdout[:200]} {done.stderr[:500]}")
            return done.returncode, {}


class Journey:
    def __init__(self, folder, artefacts):
        self.ledger, self.reference, self.artefacts = Ledger(folder), Reference(), artefacts
        self.count = 0

    def compare(self, what, answer, expected):
        for name, value in expected.items():
            expect(answer.get(name) == value, f"{what}: {name} is {answer.get(name)!r}, expected {value!r}")

    @staticmethod
    def logs(answer):
        return [{key: log[key] for key in ("address", "topics", "data")} for log in answer.get("logs", [])]

    def estimate(self, what, words, flags):
        """The estimate succeeds, and one less fails."""
        code, answer = self.ledger.json("estimate", *words, *flags)
        expect(code == 0, f"{what}: estimate failed")
        if code != 0:
            return
        limit = int(answer["gas"])
        for gas, good in ((limit, True), (limit - 1, False)):
            code, answer = self.ledger.json("estimate", *words, *flags, "--gas-limit", str(gas))
            expect((code == 0) == good, f"{what}: a gas limit of {gas} {'fails' if good else 'succeeds'}")

    def deploy(self, name, kinds, values, account=0, value=0, hexadecimal=False):
        self.count += 1
        person, path = PEOPLE[account], self.artefacts[name]
        with open(path) as file:
            contract = next(c for key, c in json.load(file).items() if key != "version")
        initcode = bytes.fromhex(contract["bytecode"][2:]) + eth_abi.encode(kinds, values)
        words = [contract["bytecode"] if hexadecimal else path, *(text(v) for v in values), "--account", str(account)]
        if hexadecimal:
            words += ["--constructor", f"constructor({','.join(kinds)})"]
        if value:
            words += ["--value", str(value)]
        code, answer = self.ledger.json("deploy", *words)
        what = f"deploy {name}"
        expect(code == 0, f"{what}: exit {code}")
        if code != 0:
            sys.exit(f"{what} failed, the rest cannot go on")
        address = keccak(rlp.encode([bytes.fromhex(person.address[2:]), Uint(self.reference.nonce(person))]))[12:]
        ok, gas, logs = self.reference.send(person, None, initcode, value, answer["blockNumber"])
        self.compare(what, answer, {
            "status": int(ok), "gasUsed": gas, "contractAddress": to_checksum_address(address), "revertReason": None,
        })  # fmt: skip
        expect(self.logs(answer) == logs, f"{what}: logs {answer['logs']} expected {logs}")
        code, deployed = self.ledger.json("code", answer["contractAddress"])
        spec = state.get_account(self.reference.state, Address(address)).code
        expect(deployed.get("code") == "0x" + bytes(spec).hex(), f"{what}: code differs")
        self.receipt(what, answer, None, bytes(spec))
        return answer["contractAddress"]

    def call(self, contract, signature, *values, account=0, value=0):
        self.count += 1
        kinds, results = types_of(signature)
        plain = signature[: len(signature) - len(f"({','.join(results)})")] if results else signature
        data = selector_of(plain) + eth_abi.encode(kinds, values)
        words = [contract, signature, *(text(v) for v in values), "--account", str(account), "--value", str(value)]
        code, answer = self.ledger.json("call", *words)
        output, failed = self.reference.call(PEOPLE[account], contract, data, value)
        what = f"call {signature} {' '.join(text(v) for v in values)[:100]}"
        expect((code == 1) == failed, f"{what}: exit {code}, expected {'a revert' if failed else 'success'}")
        decoded = [] if failed or not results else [text(shaped(k, v)) for k, v in zip(results, eth_abi.decode(results, output))]
        self.compare(what, answer, {
            "output": "0x" + output.hex(), "revertReason": reason_of(output) if failed else None, "values": decoded,
        })  # fmt: skip
        return answer.get("values")

    def send(self, contract, signature, *values, account=0, value=0):
        self.count += 1
        kinds, _ = types_of(signature)
        data = selector_of(signature) + eth_abi.encode(kinds, values)
        words = [contract, signature, *(text(v) for v in values)]
        flags = ["--account", str(account), "--value", str(value)]
        what = f"send {signature} {' '.join(text(v) for v in values)[:100]}"
        person = PEOPLE[account]
        output, failed = self.reference.call(person, contract, data, value)
        if failed:
            self.refused(what, person, words, flags, output)
            flags = [*flags, "--force", "--gas-limit", str(GAS)]
        else:
            self.estimate(what, words, flags)
        code, answer = self.ledger.json("send", *words, *flags)
        if "blockNumber" not in answer:
            return expect(False, f"{what}: {answer}")
        expect(code == int(failed), f"{what}: exit {code}")
        number = answer["blockNumber"] or self.reference.number
        ok, gas, logs = self.reference.send(person, contract, data, value, number)
        self.compare(what, answer, {
            "status": int(ok), "gasUsed": gas, "contractAddress": None, "revertReason": reason_of(output) if failed else None,
        })  # fmt: skip
        expect(self.logs(answer) == logs, f"{what}: logs {answer['logs']} expected {logs}")
        self.receipt(what, answer, contract, output)
        _, nonce = self.ledger.json("nonce", person.address)
        expect(nonce.get("nonce") == self.reference.nonce(person), f"{what}: nonce {nonce}")
        return answer

    def receipt(self, what, answer, to, output):
        """The stored receipt and the trace of the transaction say the same."""
        code, receipt = self.ledger.json("receipt", answer["transactionHash"])
        expect(code == 0, f"{what}: no receipt")
        if code != 0:
            return
        for name in ("status", "gasUsed", "blockNumber"):
            expect(int(receipt[name], 16) == answer[name], f"{what}: receipt's {name} is {receipt[name]}")
        expect(self.logs(receipt) == self.logs(answer), f"{what}: receipt's logs {receipt['logs']}")
        expect((receipt["to"] or "").lower() == (to or "").lower(), f"{what}: receipt's to {receipt['to']}")
        code, trace = self.ledger.json("trace", answer["transactionHash"])
        expect(code == 0 and trace["output"] == "0x" + output.hex(), f"{what}: trace {str(trace)[:300]}")

    def refused(self, what, person, words, flags, output):
        """A would-be revert is not sent."""
        code, answer = self.ledger.json("send", *words, *flags)
        expect(code == 1 and answer.get("transactionHash") is None and answer.get("status") == 0, f"{what}: was sent: {answer}")
        expect(answer.get("revertReason") == reason_of(output), f"{what}: reason {answer.get('revertReason')}")
        _, nonce = self.ledger.json("nonce", person.address)
        expect(nonce.get("nonce") == self.reference.nonce(person), f"{what}: used a nonce")


def tokens(journey):
    people = [p.address for p in PEOPLE]
    token = journey.deploy("erc20", ["string", "string", "uint8", "uint256"], ["Ocean", "OCN", 18, 10**24])
    journey.call(token, "name()(string)")
    journey.call(token, "decimals()(uint8)")
    journey.call(token, "balanceOf(address)(uint256)", people[0])
    journey.send(token, "transfer(address,uint256)", people[1], 10**20)
    journey.send(token, "transfer(address,uint256)", people[1], 0)
    journey.send(token, "transfer(address,uint256)", people[2], 10**30)
    journey.send(token, "approve(address,uint256)", people[2], 2**256 - 1, account=1)
    journey.send(token, "transferFrom(address,address,uint256)", people[1], people[3], 5, account=2)
    journey.send(token, "transferFrom(address,address,uint256)", people[1], people[3], 5, account=4)
    journey.send(token, "mint(address,uint256)", people[3], 77)
    journey.send(token, "mint(address,uint256)", people[3], 77, account=3)
    journey.send(token, "burn(uint256)", 1, account=3)
    journey.call(token, "totalSupply()(uint256)")
    journey.call(token, "eip712Domain()(bytes1,string,string,uint256,address,bytes32,uint256[])")
    vault = journey.deploy("erc4626", ["string", "string", "address", "uint8"], ["Vault", "VLT", token, 3], hexadecimal=True)
    journey.send(vault, "deposit(uint256,address)", 1000, people[0])
    journey.send(token, "approve(address,uint256)", vault, 10**21)
    journey.send(vault, "deposit(uint256,address)", 1000, people[0])
    journey.send(vault, "mint(uint256,address)", 5000, people[1])
    journey.call(vault, "convertToAssets(uint256)(uint256)", 12345)
    journey.send(vault, "withdraw(uint256,address,address)", 10, people[4], people[0])
    journey.send(vault, "redeem(uint256,address,address)", 10**40, people[4], people[0])
    return token


def collectibles(journey, token):
    people = [p.address for p in PEOPLE]
    art = journey.deploy("erc721", ["string", "string", "string"], ["Art", "ART", "https://art/"], account=1)
    journey.send(art, "safe_mint(address,string)", people[2], "one", account=1)
    journey.send(art, "safe_mint(address,string)", people[2], "", account=1)
    journey.send(art, "safe_mint(address,string)", people[2], "two", account=2)
    journey.send(art, "safe_mint(address,string)", token, "to a contract", account=1)
    journey.call(art, "tokenURI(uint256)(string)", 0)
    journey.call(art, "ownerOf(uint256)(address)", 9)
    journey.send(art, "transferFrom(address,address,uint256)", people[2], people[5], 0, account=2)
    journey.send(art, "setApprovalForAll(address,bool)", people[6], True, account=5)
    journey.call(art, "isApprovedForAll(address,address)(bool)", people[5], people[6])
    many = journey.deploy("erc1155", ["string"], ["https://many/{id}"])
    journey.send(many, "safe_mint_batch(address,uint256[],uint256[],bytes)", people[1], [1, 2, 3], [10, 20, 2**200], b"\x01\x02")
    journey.send(many, "safe_mint_batch(address,uint256[],uint256[],bytes)", people[1], [1, 2], [10], b"")
    journey.call(many, "balanceOfBatch(address[],uint256[])(uint256[])", [people[1]] * 3, [1, 2, 3])
    ids = [[1, 3], [4, 2**199]]
    journey.send(many, "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", people[1], people[7], *ids, b"", account=1)
    journey.send(many, "safeTransferFrom(address,address,uint256,uint256,bytes)", people[1], people[7], 1, 1000, b"", account=1)
    journey.call(many, "uri(uint256)(string)", 5)


def utilities(journey, token):
    people = [p.address for p in PEOPLE]
    several = journey.deploy("multicaller", [], [])
    balance = selector_of("balanceOf(address)") + eth_abi.encode(["address"], [people[0]])
    fails = selector_of("transfer(address,uint256)") + eth_abi.encode(["address", "uint256"], [people[0], 1])
    batch = "many((address,bool,bytes)[])"
    journey.call(several, batch + "((bool,bytes)[])", [(token, False, balance), (token, True, fails)])
    journey.send(several, batch, [(token, False, balance), (token, True, fails)])
    journey.send(several, batch, [(token, False, fails)])
    paid = "many_paid((address,bool,uint256,bytes)[])"
    journey.send(several, paid, [(people[8], False, 5, b""), (people[9], False, 6, b"")], value=11)
    journey.send(several, paid, [(people[8], False, 5, b"")], value=4)
    maker = journey.deploy("creator", [], [], hexadecimal=True)
    code = bytes.fromhex("6005600c60003960056000f3600160005500")
    for verb in ("create2", "create3"):
        salt = bytes([7]) * 32
        hashes = [keccak(code)] if verb == "create2" else []
        journey.call(maker, f"address_{verb}(bytes32{',bytes32' if hashes else ''})(address)", salt, *hashes)
        journey.send(maker, f"deploy_{verb}(bytes32,bytes)", salt, code)
        journey.send(maker, f"deploy_{verb}(bytes32,bytes)", salt, code)
    curve = journey.deploy("p256", [], [])
    signed = [
        0xA41A41A12A799548211C410C65D8133AFDE34D28BDD542E4B680CF2899C8A8C4, 0x2B42F576D07F4165FF65D1F3B1500F81E44C316F1F0B3EF57325B69ACA46104F,
        0xDC42C2122D6392CD3E3A993A89502A8198C1886FE69D262C4B329BDB6B63FAF1, 0xB7E08AFDFE94BAD3F1DC8C734798BA1C62B3A0AD1E9EA2A38201CD0889BC7A19,
        0x3603F747959DBF7A4BB226E41928729063ADC7AE43529E61B563BBC606CC5E09,
    ]  # fmt: skip
    verify = "verify_sig(bytes32,uint256,uint256,uint256,uint256)(bool)"
    journey.call(curve, verify, signed[0].to_bytes(32, "big"), *signed[1:])
    journey.call(curve, verify, signed[0].to_bytes(32, "big"), signed[1] ^ 1, *signed[2:])
    recover = journey.deploy("ecdsa", [], [])
    message = keccak(b"river")
    made = Account.unsafe_sign_hash(message, PEOPLE[3].key)
    journey.call(recover, "recover_sig(bytes32,bytes)(address)", message, bytes(made.signature))
    high = made.r.to_bytes(32, "big") + (2**256 - 1).to_bytes(32, "big") + bytes([made.v])
    journey.call(recover, "recover_sig(bytes32,bytes)(address)", message, high)
    numbers = journey.deploy("math", [], [])
    for x, y in ((-7, 4), (2**255 - 1, 2**255 - 3), (-(2**255), -1)):
        journey.call(numbers, "int256_average(int256,int256)(int256)", x, y)
    journey.call(numbers, "mul_div(uint256,uint256,uint256,bool)(uint256)", 2**250, 2**200, 2**210, True)
    journey.call(numbers, "mul_div(uint256,uint256,uint256,bool)(uint256)", 2**250, 2**200, 0, False)
    journey.call(numbers, "ceil_div(uint256,uint256)(uint256)", 7, 0)
    journey.call(numbers, "wad_exp(int256)(int256)", 10**18)
    journey.call(numbers, "wad_exp(int256)(int256)", 10**30)
    journey.call(numbers, "cbrt(uint256,bool)(uint256)", 10**60 + 1, True)
    journey.call(numbers, "log10(uint256,bool)(uint256)", 10**60, False)


def governance(journey, token):
    people = [p.address for p in PEOPLE]
    kinds = ["uint256", "address[]", "address[]", "address"]
    lock = journey.deploy("timelock", kinds, [0, [people[0]], [people[1]], people[0]], value=9)
    payload = selector_of("transfer(address,uint256)") + eth_abi.encode(["address", "uint256"], [people[5], 3])
    operation = [token, 0, payload, bytes(32), bytes(31) + b"\x01"]
    journey.call(lock, "hash_operation(address,uint256,bytes,bytes32,bytes32)(bytes32)", *operation)
    journey.send(lock, "execute(address,uint256,bytes,bytes32,bytes32)", *operation, account=1)
    journey.send(lock, "schedule(address,uint256,bytes,bytes32,bytes32,uint256)", *operation, 0)
    journey.send(lock, "schedule(address,uint256,bytes,bytes32,bytes32,uint256)", *operation, 0)
    journey.send(lock, "execute(address,uint256,bytes,bytes32,bytes32)", *operation, account=1)
    journey.send(token, "transfer(address,uint256)", lock, 3)
    journey.send(lock, "execute(address,uint256,bytes,bytes32,bytes32)", *operation, account=1)
    journey.call(token, "balanceOf(address)(uint256)", people[5])


def overrides(journey, token):
    """What calls see in place of the ledger's block and accounts."""
    here, other = PEOPLE[9].address, "0x" + "ab" * 20

    def word(opcodes, *flags):
        """What code at an account that has none leaves on the stack."""
        code = opcodes + "5f5260205ff3"  # PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
        _, answer = journey.ledger.json("call", here, "--data", "0x", "--override-code", f"{here}:0x{code}", *flags)
        return int(answer.get("output", "0x0"), 16)

    created = keccak(rlp.encode([bytes.fromhex(here[2:]), Uint(77)]))[12:]
    cases = [
        ("43", ["--block.number", "12345"], 12345),
        ("42", ["--block.time", "0x70000000"], 0x70000000),
        ("45", ["--block.gas-limit", "5000000"], 5_000_000),
        ("41", ["--block.coinbase", other], int(other, 16)),
        ("48", ["--block.base-fee", "3gwei"], 3 * 10**9),
        ("44", ["--block.prevrandao", str(2**255)], 2**255),
        ("47", ["--override-balance", f"{here}:7ether"], 7 * 10**18),
        (f"73{other[2:]}31", ["--override-balance", f"{here}:1,{other}:2"], 2),
        (f"73{other[2:]}3b", ["--override-code", f"{other}:0x00fe00"], 3),
        ("5f5f5ff0", ["--override-nonce", f"{here}:77"], int.from_bytes(created, "big")),
        ("600154", ["--override-state-diff", f"{here}:1:0x2a"], 42),
        ("600154", ["--override-state", f"{here}:2:5", "--override-state", f"{here}:1:6"], 6),
    ]
    for opcodes, flags, expected in cases:
        journey.count += 1
        found = word(opcodes, *flags)
        expect(found == expected, f"overrides {' '.join(flags)}: {found}, expected {expected}")
    supply = journey.call(token, "totalSupply()(uint256)")
    for flag, expected in (("--override-state-diff", supply), ("--override-state", ["0"])):
        _, answer = journey.ledger.json("call", token, "totalSupply()(uint256)", flag, f"{token}:{2**200}:1")
        expect(answer.get("values") == expected, f"{flag}: total supply {answer.get('values')}, expected {expected}")
    flags = ["--data", "0x", "--override-code", f"{here}:0x60015400"]
    _, answer = journey.ledger.json("access-list", here, *flags)
    read = [(address.lower(), int(slot, 16)) for address, slot in answer["access"]["readSlots"]]
    expect(read == [(here.lower(), 1)], f"access-list with overrides: {answer['access']}")
    done = journey.ledger.run("trace", here, *flags, "--opcodes")
    expect('"opName":"SLOAD"' in done.stdout, f"trace with overrides: {done.stdout[:300]} {done.stderr[:300]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default=".build-test/contracts")
    options = parser.parse_args()
    artefacts = compiled(options.cache)
    with tempfile.TemporaryDirectory() as folder:
        journey = Journey(os.path.join(folder, "ledger"), artefacts)
        token = tokens(journey)
        collectibles(journey, token)
        utilities(journey, token)
        governance(journey, token)
        overrides(journey, token)
        import contract_misuse

        count = contract_misuse.run(journey, token, folder, expect)
    if failures:
        sys.exit(f"{len(failures)} differences")
    print(f"{journey.count} deployments, calls and transactions as the specification has them, {count} misuses refused")


if __name__ == "__main__":
    main()
