"""Ethereum's read methods of `estuary node`, asked by web3 and by plain requests.

    ethereum_rpc.py [FOLDER] [--files N] [--depth N] [--estimates N]

FOLDER holds Ethereum's block tests (`BlockchainTests`). Chains of theirs, most of which cross a fork, are imported by
`estuary evm import`; every block, transaction, receipt and log is compared with the test, every account at every block is
proved against that block's state root, and what transactions are said to do by the tracers has to lead from each state to
the next. Then a development ledger: calls, estimates, overrides, lists, filters, simulations, errors with geth's words.
"""

import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import zlib

import rlp
from eth_utils import keccak, to_checksum_address
from web3 import Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError

import evm_import
import evm_programs
from node import Node, RPCFailure, binary
from node_checks import Checks

EMPTY_ROOT = keccak(rlp.encode(b""))
EMPTY_CODE = keccak(b"")
SYSTEM = {  # what blocks write besides transactions
    "0x000f3df6d732807ef1319fb7b8bb8522d0beac02", "0x0000f90827f1c53a10cb7a02335b175320002935",
    "0x00000961ef480eb55e80d19ad83579a64c007002", "0x0000bbddc7ce488642fb579f8b00f3a590007251",
}  # fmt: skip


class Bench(Checks):
    def refused(self, node, code, message, method, *parameters):
        """A request has to be refused; `message` begins the answer's, or is None."""
        try:
            result = node.call(method, *parameters)
        except RPCFailure as failure:
            good = failure.code == code and (message is None or failure.message.startswith(message))
            self.expect(good, f"{method} {parameters}", f"{failure.code}: {failure.message}, should be {code}: {message}")
            return failure
        self.expect(False, f"{method} {parameters}", f"is answered: {result}")


# Proofs (EIP-1186)


def nibbles(key):
    return [nibble for byte in key for nibble in (byte >> 4, byte & 15)]


def proved(root, key, nodes):
    """The value of `key` that the nodes prove; b"": that there is none."""
    path, wanted, nodes = nibbles(key), root, [bytes.fromhex(node[2:]) for node in nodes]
    if root == EMPTY_ROOT:
        assert not nodes or nodes == [b"\x80"], "nodes of an empty trie"
        return b""
    item = None
    while True:
        if isinstance(wanted, bytes):
            node = nodes.pop(0)
            assert keccak(node) == wanted, "a node's hash"
            item = rlp.decode(node)
        else:
            item = wanted  # a node of less than 32 bytes lies in its parent
        if len(item) == 17:
            if not path:
                return item[16]
            wanted, path = item[path[0]], path[1:]
        else:
            prefix = nibbles(item[0])
            rest = prefix[2 - prefix[0] % 2 :]
            if path[: len(rest)] != rest:
                return b""
            path = path[len(rest) :]
            if prefix[0] >= 2:
                return item[1] if not path else b""
            wanted = item[1]
        if wanted == b"":
            return b""


def check_account(bench, node, block, address, slots, known):
    """An account at a block: proved, and as the plain methods have it."""
    tag, root = block["number"], bytes.fromhex(block["stateRoot"][2:])
    proof = node.call("eth_getProof", address, slots, tag)
    what = f"{address} at {tag}"
    leaf = proved(root, keccak(bytes.fromhex(address[2:])), proof["accountProof"])
    fields = [proof["nonce"], proof["balance"], proof["storageHash"], proof["codeHash"]]
    wanted = rlp.decode(leaf) if leaf else [b"", b"", EMPTY_ROOT, EMPTY_CODE]
    numbers = [int(field, 16).to_bytes(32, "big").lstrip(b"\0") for field in fields[:2]]
    bench.equal(numbers + [bytes.fromhex(field[2:]) for field in fields[2:]], wanted, f"proof of {what}")
    bench.equal(node.call("eth_getBalance", address, tag), proof["balance"], f"balance of {what}")
    bench.equal(node.call("eth_getTransactionCount", address, {"blockHash": block["hash"]}), proof["nonce"], f"nonce of {what}")
    code = node.call("eth_getCode", address, tag)
    bench.equal("0x" + keccak(bytes.fromhex(code[2:])).hex(), proof["codeHash"], f"code of {what}")
    for slot, entry in zip(slots, proof["storageProof"]):
        value = proved(bytes.fromhex(proof["storageHash"][2:]), keccak(bytes.fromhex(slot[2:])), entry["proof"])
        number = int.from_bytes(rlp.decode(value), "big") if value else 0
        bench.equal(int(entry["value"], 16), number, f"proof of slot {slot} of {what}")
        stored = node.call("eth_getStorageAt", address, slot, tag)
        bench.equal((len(stored), int(stored, 16)), (66, number), f"slot {slot} of {what}")
        known[(address, slot)] = number
    known[address] = (int(proof["balance"], 16), int(proof["nonce"], 16), code)


# Chains


def same(bench, what, found, wanted):
    """Fields of a header as the test has them and as the node tells them."""
    names = {"coinbase": "miner", "uncleHash": "sha3Uncles", "bloom": "logsBloom", "receiptTrie": "receiptsRoot",
             "transactionsTrie": "transactionsRoot"}  # fmt: skip
    for name, value in wanted.items():
        given = found.get(names.get(name, name))
        if name in ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"):
            bench.equal(given and int(given, 16), int(value, 16), f"{name} of {what}")
        else:
            bench.equal(given, value.lower(), f"{name} of {what}")


KINDS = {
    "0x0": set(), "0x1": {"accessList", "yParity"}, "0x2": {"accessList", "yParity", "maxFeePerGas", "maxPriorityFeePerGas"},
    "0x3": {"accessList", "yParity", "maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas", "blobVersionedHashes"},
    "0x4": {"accessList", "yParity", "maxFeePerGas", "maxPriorityFeePerGas", "authorizationList"},
}  # fmt: skip
COMMON = {"blockHash", "blockNumber", "blockTimestamp", "from", "gas", "gasPrice", "hash", "input", "nonce", "to",
          "transactionIndex", "value", "type", "v", "r", "s"}  # fmt: skip


def check_block(bench, node, web3, block, test):
    tag = block["number"]
    what = f"block {tag}"
    if test is not None:
        same(bench, what, block, test["blockHeader"])
        bench.equal(node.call("debug_getRawBlock", tag), test["rlp"], f"bytes of {what}")
        bench.equal(int(block["size"], 16), len(test["rlp"]) // 2 - 1, f"size of {what}")
        bench.equal(len(block["uncles"]), len(test["uncleHeaders"]), f"ommers of {what}")
        for index, ommer in enumerate(test["uncleHeaders"]):
            found = node.call("eth_getUncleByBlockNumberAndIndex", tag, hex(index))
            same(bench, f"ommer {index} of {what}", found, ommer)
            bench.expect(found["uncles"] == [] and "transactions" not in found, f"form of ommer {index} of {what}")
    raw = bytes.fromhex(node.call("debug_getRawHeader", tag)[2:])
    bench.equal("0x" + keccak(raw).hex(), block["hash"], f"header of {what}")
    bench.equal(node.call("eth_getBlockByHash", block["hash"], True), block, f"{what} by hash")
    hashes = [transaction["hash"] for transaction in block["transactions"]]
    bench.equal(node.call("eth_getBlockByNumber", tag, False)["transactions"], hashes, f"hashes of {what}")
    bench.equal(node.call("eth_getBlockTransactionCountByNumber", tag), hex(len(hashes)), f"count of {what}")
    bench.equal(node.call("eth_getUncleCountByBlockHash", block["hash"]), hex(len(block["uncles"])), f"ommer count of {what}")
    bench.equal(node.call("eth_getUncleByBlockHashAndIndex", block["hash"], "0x9"), None, f"no ommer of {what}")
    bench.equal(web3.eth.get_block(int(tag, 16))["hash"].to_0x_hex(), block["hash"], f"{what} by web3")
    receipts = node.call("eth_getBlockReceipts", tag)
    raws = node.call("debug_getRawReceipts", block["hash"])
    bench.equal(len(receipts), len(hashes), f"receipts of {what}")
    bench.equal(len(raws), len(hashes), f"raw receipts of {what}")
    gas, logs = 0, []
    for index, (transaction, receipt) in enumerate(zip(block["transactions"], receipts)):
        what = f"transaction {index} of block {tag}"
        fields = COMMON | KINDS[transaction["type"]]
        bench.equal(set(transaction) - {"chainId"}, fields, f"fields of {what}")
        bench.expect(("chainId" in transaction) or transaction["type"] == "0x0", f"chain of {what}")
        bench.equal(node.call("eth_getTransactionByHash", transaction["hash"]), transaction, f"{what} by hash")
        bench.equal(
            node.call("eth_getTransactionByBlockHashAndIndex", block["hash"], hex(index)), transaction, f"{what} by place")
        sent = node.call("debug_getRawTransaction", transaction["hash"])
        bench.equal("0x" + keccak(bytes.fromhex(sent[2:])).hex(), transaction["hash"], f"bytes of {what}")
        bench.equal(node.call("eth_getTransactionReceipt", transaction["hash"]), receipt, f"receipt of {what}")
        gas += int(receipt["gasUsed"], 16)
        bench.equal(int(receipt["cumulativeGasUsed"], 16), gas, f"gas of {what}")
        bench.expect(("status" in receipt) != ("root" in receipt), f"outcome of {what}", receipt)
        logs += receipt["logs"]
        parsed = web3.eth.get_transaction_receipt(transaction["hash"])
        bench.equal(parsed["gasUsed"], int(receipt["gasUsed"], 16), f"receipt of {what} by web3")
        bench.equal(web3.eth.get_transaction(transaction["hash"])["value"], int(transaction["value"], 16), f"{what} by web3")
    bench.equal([int(log["logIndex"], 16) for log in logs], list(range(len(logs))), f"log indices of block {tag}")
    bench.equal(node.call("eth_getLogs", {"blockHash": block["hash"]}), logs, f"logs of block {tag}")
    if logs:
        log = logs[-1]
        query = {"fromBlock": tag, "toBlock": tag, "address": log["address"], "topics": log["topics"][:1]}
        found = node.call("eth_getLogs", query)
        bench.expect(log in found and all(item["address"] == log["address"] for item in found), f"a log of block {tag}")


def check_traces(bench, node, block, before, after):
    """`before` and `after`: what is known of accounts around the block."""
    tag = block["number"]
    if not block["transactions"]:
        return
    receipts = node.call("eth_getBlockReceipts", tag)
    traces = node.call("debug_traceBlockByNumber", tag, {"disableStack": True})
    calls = node.call("debug_traceBlockByHash", block["hash"], {"tracer": "callTracer"})
    changes = node.call("debug_traceBlockByNumber", tag, {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}})
    paid = {block["miner"]} | {item["address"] for item in block.get("withdrawals", [])} | SYSTEM
    state = {}
    for transaction, receipt, trace, call, change in zip(block["transactions"], receipts, traces, calls, changes):
        what = f"trace of {transaction['hash']}"
        bench.equal(trace["txHash"], transaction["hash"], what)
        bench.equal(trace["result"]["gas"], int(receipt["gasUsed"], 16), f"gas of {what}")
        if "status" in receipt:
            bench.equal(trace["result"]["failed"], receipt["status"] == "0x0", f"outcome of {what}")
        bench.equal(call["result"]["gasUsed"], receipt["gasUsed"], f"gas of call {what}")
        bench.equal(call["result"]["from"], transaction["from"], f"sender of {what}")
        bench.equal("error" in call["result"], trace["result"]["failed"], f"outcome of call {what}")
        pre, post = change["result"]["pre"], change["result"]["post"]
        for address in set(pre) | set(post):
            old = pre.get(address, {})
            known = state.get(address)
            if known is None and address in before:
                known = before[address][:2]
            if known is not None and address not in paid and address in pre:
                bench.equal((int(old["balance"], 16), old.get("nonce", 0)), known, f"{address} before {what}")
            new = post.get(address)
            if new is None:
                state[address] = (0, 0)
            else:
                state[address] = (int(new.get("balance", old.get("balance", "0x0")), 16), new.get("nonce", old.get("nonce", 0)))
    for address, known in state.items():
        if address not in paid and address in after:
            bench.equal(known, after[address][:2], f"{address} after the transactions of block {tag}")


def chain(bench, folder, name, test, depth):
    parts, start = evm_import.linear(test), evm_import.genesis(test)
    if parts is None or start is None or not parts[0]:
        return False
    blocks, last, _ = parts
    evm_import.write(folder, "genesis.json", json.dumps(start))
    evm_import.write(folder, "chain.rlp", b"".join(bytes.fromhex(block["rlp"][2:]) for block in blocks))
    ledger = os.path.join(folder, name)
    evm_import.run(folder, "evm", "import", "genesis.json", "chain.rlp", "--ledger", ledger, "--json")
    slots = {}
    for state in (test["pre"], test["postState"]) if "postState" in test else (test["pre"],):
        for address, account in state.items():
            known = slots.setdefault(address.lower(), set())
            known |= {"0x" + slot[2:].rjust(64, "0") for slot in account["storage"]}
    slots.setdefault("0x" + "12" * 20, set()).add("0x" + "0" * 64)
    with Node(ledger, "--instant") as node:
        web3 = Web3(Web3.HTTPProvider(node.announcement["ethereumURL"]))
        bench.equal(node.call("net_version"), "1", f"{name}: network")
        bench.equal(web3.eth.block_number, len(blocks), f"{name}: number")
        latest = node.call("eth_getBlockByNumber", "latest", True)
        bench.equal(latest["hash"], last, f"{name}: head")
        for tag in ("safe", "finalized"):
            bench.equal(node.call("eth_getBlockByNumber", tag, True), latest, f"{name}: {tag}")
        bench.equal(node.call("eth_getBlockByNumber", "earliest", True)["number"], "0x0", f"{name}: earliest")
        before = {}
        for number in range(len(blocks) + 1):
            block = node.call("eth_getBlockByNumber", hex(number), True)
            check_block(bench, node, web3, block, blocks[number - 1] if number else None)
            known = {}
            for address, keys in list(slots.items())[:depth]:
                check_account(bench, node, block, address, sorted(keys)[:8], known)
            if number:
                check_traces(bench, node, block, before, known)
            before = known
        # Where the test goes on behind a block that is refused, its state is a later one.
        for address, account in test.get("postState", {}).items() if test.get("lastblockhash") == last else ():
            found = before.get(address.lower())
            if found is None:
                continue
            wanted = (int(account["balance"], 16), int(account["nonce"], 16), account["code"])
            bench.equal(found, wanted, f"{name}: {address} at the end")
        bench.equal(node.call("eth_getBlockByNumber", hex(len(blocks) + 1), False), None, f"{name}: no block")
        bench.refused(node, -32000, "genesis is not traceable", "debug_traceBlockByNumber", "0x0")
    return True


def chains(bench, tests, count, depth):
    patterns = ["TransitionTests/*/*.json", "ValidBlocks/bcEIP1559/t*.json", "ValidBlocks/bcEIP4844*/*.json", "ValidBlocks/bcExample/*.json"]
    files = [file for pattern in patterns for file in sorted(glob.glob(os.path.join(tests, pattern)))]
    if not files:
        sys.exit(f"no block tests in {tests}")
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            if done == count:
                break
            with open(file) as source:
                cases = json.load(source)
            for name, test in cases.items():
                done += chain(bench, folder, f"chain{done}", test, depth)
                break
    print(f"{done} chains")


# A development ledger

def cli(*arguments):
    done = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def deployed(ledger, code):
    initcode = f"61{len(code) // 2:04x}600e60003961{len(code) // 2:04x}6000f3" + code
    return json.loads(cli("evm", "deploy", initcode, "--ledger", ledger, "--json"))["contractAddress"].lower()


def error_code(text):
    """Code that reverts with Error(text), of at most 32 letters."""
    data = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + len(text).to_bytes(32, "big") + text.encode().ljust(32, b"\0")
    words = [data[start : start + 32].ljust(32, b"\0") for start in range(0, len(data), 32)]
    return "".join(f"7f{word.hex()}60{32 * index:02x}52" for index, word in enumerate(words)) + f"60{len(data):02x}6000fd"


def development(bench, count):
    with tempfile.TemporaryDirectory() as folder:
        ledger = os.path.join(folder, "ledger")
        accounts = [entry["address"] for entry in json.loads(cli("evm", "accounts", "--ledger", ledger, "--json"))]
        alice = accounts[0].lower()
        # Counts in slot 0, logs and returns the count.
        counter = deployed(ledger, "60015f54018060005560005260206000a060206000f3")
        failing = deployed(ledger, error_code("no way"))
        endless = deployed(ledger, "5b600056")
        hashes = []
        for _ in range(4):
            sent = json.loads(cli("evm", "send", counter, "inc()", "--ledger", ledger, "--json"))
            hashes.append(sent["transactionHash"])
        with Node(ledger, "--instant") as node:
            web3 = Web3(Web3.HTTPProvider(node.announcement["ethereumURL"]))
            chain_facts(bench, node, web3)
            calls(bench, node, web3, alice, counter, failing, endless)
            estimates(bench, node, alice, count)
            logs_and_filters(bench, node, counter)
            fees(bench, node, web3)
            traces(bench, node, ledger, counter, failing, hashes)
            simulations(bench, node, alice, counter, failing)
            errors(bench, node, alice, counter)


def chain_facts(bench, node, web3):
    bench.equal(web3.eth.chain_id, 1337, "chain id")
    bench.equal(web3.net.version, "1337", "network")
    bench.expect(web3.net.listening and web3.net.peer_count == 0, "peers")
    bench.expect(web3.eth.syncing is False, "syncing")
    bench.expect(web3.client_version.startswith("estuary/"), "version", web3.client_version)
    bench.equal(node.call("web3_sha3", "0x68656c6c6f"), "0x" + keccak(b"hello").hex(), "web3_sha3")
    settings = node.call("eth_config")
    bench.equal((settings["next"], settings["last"], settings["current"]["chainId"]), (None, None, "0x539"), "eth_config")
    bench.equal(settings["current"]["precompiles"]["P256VERIFY"], "0x" + f"{256:040x}", "precompiles of eth_config")
    checksum = zlib.crc32(bytes.fromhex(node.call("eth_getBlockByNumber", "earliest", False)["hash"][2:]))
    bench.equal(int(settings["current"]["forkId"], 16), checksum, "a fork identifier without forks")
    pending = node.call("eth_getBlockByNumber", "pending", False)
    bench.expect(all(pending[name] is None for name in ("hash", "nonce", "miner")), "pending block", pending)
    bench.equal(int(pending["number"], 16), web3.eth.block_number + 1, "number of the pending block")
    try:
        web3.eth.get_transaction("0x" + "ab" * 32)
        bench.expect(False, "an unknown transaction")
    except TransactionNotFound:
        bench.passed += 1
    bench.equal(node.call("eth_getTransactionReceipt", "0x" + "ab" * 32), None, "an unknown receipt")
    bench.equal(node.call("eth_getBlockReceipts", "0x" + "ab" * 32), None, "receipts of an unknown block")


def calls(bench, node, web3, alice, counter, failing, endless):
    for back in range(4):
        tag = web3.eth.block_number - back
        bench.equal(int(web3.eth.call({"to": to_checksum_address(counter)}, tag).hex(), 16), 5 - back, f"a call at {tag}")
        bench.equal(int(node.call("eth_getStorageAt", counter, "0x0", hex(tag)), 16), 4 - back, f"storage at {tag}")
    bench.equal(node.call("eth_call", {"to": counter}), "0x" + f"{5:064x}", "a call without a block")
    try:
        web3.eth.call({"to": to_checksum_address(failing)})
        bench.expect(False, "a call that reverts")
    except ContractLogicError as error:
        bench.expect("no way" in str(error), "a revert's reason by web3", error)
    failure = bench.refused(node, 3, "execution reverted: no way", "eth_call", {"to": failing}, "latest")
    bench.expect(failure and failure.data.startswith("0x08c379a0"), "a revert's data")
    bench.refused(node, -32000, "out of gas", "eth_call", {"to": endless}, "latest")
    bench.refused(node, -32000, "err: intrinsic gas too low: have 1000, want 21000 (supplied gas 1000)", "eth_call", {"to": counter, "gas": "0x3e8"}, "latest")  # fmt: skip
    bench.refused(node, -32000, "err: insufficient funds for gas * price + value: address 0x", "eth_call", {"from": "0x" + "ab" * 20, "to": counter, "value": "0x1"}, "latest")  # fmt: skip
    bench.refused(node, -32000, "err: max fee per gas less than block base fee", "eth_call", {"from": alice, "to": counter, "maxFeePerGas": "0x1"}, "latest")  # fmt: skip
    bench.refused(node, -32000, "both gasPrice and", "eth_call", {"to": counter, "gasPrice": "0x1", "maxFeePerGas": "0x1"}, "latest")
    # A precompile that moved: the identity is elsewhere, and no more where it was.
    identity, elsewhere = "0x" + "0" * 39 + "4", "0x" + "c2" * 20
    moved = {identity: {"movePrecompileToAddress": elsewhere}}
    bench.equal(node.call("eth_call", {"to": elsewhere, "data": "0x1234"}, "latest", moved), "0x1234", "a moved precompile")
    bench.equal(node.call("eth_call", {"to": identity, "data": "0x1234"}, "latest", moved), "0x", "where a precompile was")
    replaced = {identity: {"code": "0x60aa60005260206000f3"}}
    bench.equal(int(node.call("eth_call", {"to": identity, "data": "0x1234"}, "latest", replaced), 16), 0xAA, "code in a precompile's place")
    # Overrides: BASEFEE, NUMBER, TIMESTAMP, COINBASE, GASLIMIT, PREVRANDAO as code of an account that is not there.
    for opcode, name, value in [("48", "baseFeePerGas", 77), ("43", "number", 123), ("42", "time", 9_999_999_999), ("41", "feeRecipient", 0xabcd), ("45", "gasLimit", 1_000_000), ("44", "prevRandao", 99)]:  # fmt: skip
        given = f"0x{value:040x}" if name == "feeRecipient" else f"0x{value:064x}" if name == "prevRandao" else hex(value)
        code = f"0x{opcode}60005260206000f3"
        price = {"gasPrice": hex(10**9), "from": alice} if name == "baseFeePerGas" else {}
        found = node.call("eth_call", {"to": "0x" + "cc" * 20, **price}, "latest", {"0x" + "cc" * 20: {"code": code}}, {name: given})
        bench.equal(int(found, 16), value, f"override of {name}")
    for name, given in [("beaconRoot", "0x" + "0" * 64), ("withdrawals", [])]:
        words = f'block override "{name}" is not supported for this RPC method'
        for method in ("eth_call", "eth_estimateGas"):
            bench.refused(node, -32000, words, method, {"to": counter}, "latest", {}, {name: given})
        bench.refused(node, -32000, words, "debug_traceCall", {"to": counter}, "latest", {"blockOverrides": {name: given}})
    slot = "0x" + "0" * 64
    changed = {counter: {"stateDiff": {slot: f"0x{41:064x}"}}}
    bench.equal(int(node.call("eth_call", {"to": counter}, "latest", changed), 16), 42, "an override of a slot")
    bench.equal(int(node.call("eth_call", {"to": counter}, "latest", {counter: {"state": {}}}), 16), 1, "an override of all slots")
    balance = {"0x" + "dd" * 20: {"balance": "0x5", "nonce": "0x7"}}
    bench.equal(node.call("eth_call", {"from": "0x" + "dd" * 20, "to": counter, "value": "0x5"}, "latest", balance), "0x" + f"{5:064x}", "an override of a balance")
    bench.refused(node, -32602, "invalid argument 2: account", "eth_call", {"to": counter}, "latest", {counter: {"state": {}, "stateDiff": {}}})
    # The smallest gas limit: one less fails.
    for call in [{"to": counter}, {"to": alice, "value": "0x1"}, {"data": "0x600160005500"}, {"to": counter, "data": "0x" + "ff" * 300}]:
        call = {"from": alice, **call}
        gas = int(node.call("eth_estimateGas", call), 16)
        try:
            node.call("eth_call", {**call, "gas": hex(gas)})
            bench.passed += 1
        except RPCFailure as failure:
            bench.expect(False, f"the estimate {gas} of {call}", failure)
        try:
            node.call("eth_call", {**call, "gas": hex(gas - 1)})
            bench.expect(False, f"less than the estimate {gas} of {call}")
        except RPCFailure:
            bench.passed += 1
    bench.equal(node.call("eth_estimateGas", {"from": alice, "to": alice}), "0x5208", "the estimate of a transfer")
    bench.refused(node, 3, "execution reverted: no way", "eth_estimateGas", {"to": failing})
    bench.refused(node, -32000, "gas required exceeds allowance", "eth_estimateGas", {"to": endless})
    poor = {"from": "0x" + "ab" * 20, "to": alice, "value": "0x1", "gasPrice": "0x3b9aca00"}
    bench.refused(node, -32000, "insufficient funds for transfer", "eth_estimateGas", poor)
    # What a creation returns and is not stored, and gas that a precompile does not get.
    for words, data in [("max code size exceeded", "0x620060015ff3"), ("invalid code: must not begin with 0xef", "0x60ef5f5360015ff3")]:
        bench.refused(node, -32000, words, "eth_call", {"from": alice, "data": data}, "latest")
        bench.refused(node, -32000, words, "eth_estimateGas", {"from": alice, "data": data})
    bench.refused(node, -32000, "contract creation code storage out of gas", "eth_call", {"from": alice, "data": "0x6160005ff3", "gas": hex(60_000)}, "latest")
    bench.refused(node, -32000, "out of gas", "eth_call", {"to": "0x" + "0" * 39 + "2", "gas": hex(21_010)}, "latest")
    made = node.call("eth_createAccessList", {"from": alice, "to": counter}, "latest")
    bench.equal(made["accessList"], [{"address": counter, "storageKeys": [slot]}], "an access list")
    used = int(made["gasUsed"], 16)
    bench.refused(node, -32000, "out of gas", "eth_call", {"from": alice, "to": counter, "accessList": made["accessList"], "gas": hex(used - 1)}, "latest")
    bench.equal(node.call("eth_createAccessList", {"to": failing})["error"], "execution reverted", "an access list of a revert")
    for code in ("0x5f5ffd", "0x305f5ffd", "0x303b5f5ffd"):  # REVERT; ADDRESS REVERT; ADDRESS EXTCODESIZE REVERT
        made = node.call("eth_createAccessList", {"from": alice, "data": code})
        bench.equal((made["accessList"], made["error"]), ([], "execution reverted"), f"an access list of a creation that reverts, {code}")


def estimates(bench, node, alice, count):
    """Random contracts, there by overrides alone: the estimate succeeds, and one less fails."""
    found = 0
    for seed in range(count):
        rng = random.Random(seed)
        contracts = [bytes([0xC0 + k]) + seed.to_bytes(4, "big") + bytes(15) for k in range(3)]
        overrides = {"0x" + address.hex(): {"code": "0x" + bytes(evm_programs.program(rng, "cancun", contracts * 2)).hex(), "balance": hex(rng.choice([0, 10**18]))} for address in contracts}
        call = {"from": alice, "to": "0x" + contracts[0].hex(), "data": "0x" + rng.randbytes(rng.choice([0, 4, 68])).hex(), "value": hex(rng.choice([0, 0, 1]))}

        def succeeds(gas):
            try:
                node.call("eth_call", {**call, "gas": hex(gas)}, "latest", overrides)
                return True
            except RPCFailure:
                return False

        try:
            gas = int(node.call("eth_estimateGas", call, "latest", overrides), 16)
        except RPCFailure as failure:
            bench.expect(not succeeds(2**24), f"no estimate of program {seed}", failure)
            continue
        found += 1
        bench.expect(succeeds(gas) and not succeeds(gas - 1), f"the estimate of program {seed}", gas)
    bench.expect(found > count / 10, "programs with estimates", found)


def logs_and_filters(bench, node, counter):
    found = node.call("eth_getLogs", {"fromBlock": "earliest", "address": counter})
    bench.equal([int(log["data"], 16) for log in found], [1, 2, 3, 4], "logs")
    bench.equal(node.call("eth_getLogs", {"fromBlock": "earliest", "topics": [["0x" + "11" * 32]]}), [], "logs by topic")
    bench.refused(node, -32602, "block range extends beyond current head block", "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0xffff"})
    bench.refused(node, -32602, "invalid block range params", "eth_getLogs", {"fromBlock": "0x3", "toBlock": "0x2"})
    bench.refused(node, -32602, "invalid argument 0: cannot specify both BlockHash", "eth_getLogs", {"blockHash": "0x" + "11" * 32, "fromBlock": "0x3"})
    bench.refused(node, -32000, "unknown block", "eth_getLogs", {"blockHash": "0x" + "11" * 32})
    bench.refused(node, -32602, "invalid argument 0: exceed max topics", "eth_getLogs", {"topics": [None] * 5})
    filters = [node.call("eth_newFilter", {"fromBlock": "earliest", "address": counter}), node.call("eth_newBlockFilter"),
               node.call("eth_newPendingTransactionFilter")]  # fmt: skip
    bench.equal(len(set(filters)), 3, "filters")
    for name in filters:
        bench.equal(node.call("eth_getFilterChanges", name), [], "changes of a new filter")
    bench.equal(node.call("eth_getFilterLogs", filters[0]), found, "logs of a filter")
    bench.expect(node.call("eth_uninstallFilter", filters[0]) and not node.call("eth_uninstallFilter", filters[0]), "a filter goes")
    bench.refused(node, -32000, "filter not found", "eth_getFilterChanges", filters[0])
    bench.refused(node, -32000, "filter not found", "eth_getFilterLogs", filters[1])


def fees(bench, node, web3):
    head = node.call("eth_getBlockByNumber", "latest", False)
    history = web3.eth.fee_history(3, "latest", [10, 90])
    bench.equal(len(history["baseFeePerGas"]), 4, "fee history")
    bench.equal(history["baseFeePerGas"][2], int(head["baseFeePerGas"], 16), "base fee of the head")
    bench.equal([len(reward) for reward in history["reward"]], [2, 2, 2], "rewards")
    pending = node.call("eth_getBlockByNumber", "pending", False)
    bench.equal(history["baseFeePerGas"][3], int(pending["baseFeePerGas"], 16), "the next base fee")
    tip = web3.eth.max_priority_fee
    bench.equal(web3.eth.gas_price, history["baseFeePerGas"][3] + tip, "gas price")
    bench.equal(node.call("eth_blobBaseFee"), "0x1", "blob base fee")
    bench.equal(node.call("eth_feeHistory", 0, "latest", []), {"oldestBlock": "0x0", "gasUsedRatio": None}, "an empty history")
    bench.refused(node, -32000, "request beyond head block: requested 99, head ", "eth_feeHistory", "0x1", "0x63", [])
    bench.refused(node, -32000, "invalid reward percentile", "eth_feeHistory", "0x1", "latest", [50, 10])


def traces(bench, node, ledger, counter, failing, hashes):
    for hash in hashes:
        receipt = node.call("eth_getTransactionReceipt", hash)
        trace = node.call("debug_traceTransaction", hash, {"enableMemory": True, "enableReturnData": True})
        bench.equal(trace["gas"], int(receipt["gasUsed"], 16), f"gas of the trace of {hash}")
        lines = [json.loads(line) for line in cli("evm", "trace", hash, "--opcodes", "--ledger", ledger).splitlines()]
        lines = [line for line in lines if "pc" in line]
        bench.equal(len(lines), len(trace["structLogs"]), f"steps of {hash}")
        for line, step in zip(lines, trace["structLogs"]):
            wanted = (line["pc"], int(line["gas"], 16), int(line["gasCost"], 16), line["depth"], line["stack"], line["opName"])
            found = (step["pc"], step["gas"], step["gasCost"], step["depth"], step["stack"], step["op"])
            bench.equal(found, wanted, f"a step of {hash}")
            memory = step.get("memory", [])
            bench.expect(len(memory) * 32 == line["memSize"] and all(len(word) == 66 for word in memory), f"memory of {hash}")
    stored = [step["storage"] for step in trace["structLogs"] if "storage" in step]
    bench.equal([int(value, 16) for entry in stored for value in entry.values()], [3, 4], "storage in a trace")
    bench.equal(len(node.call("debug_traceTransaction", hashes[0], {"limit": 2})["structLogs"]), 2, "a trace's limit")
    call = node.call("debug_traceTransaction", hashes[0], {"tracer": "callTracer", "tracerConfig": {"withLog": True}})
    bench.equal((call["type"], call["to"], len(call["logs"])), ("CALL", counter, 1), "callTracer")
    reverted = node.call("debug_traceCall", {"to": failing}, "latest", {"tracer": "callTracer"})
    bench.equal((reverted["error"], reverted["revertReason"]), ("execution reverted", "no way"), "callTracer of a revert")
    before = node.call("debug_traceTransaction", hashes[1], {"tracer": "prestateTracer"})
    bench.equal([int(value, 16) for value in before[counter]["storage"].values()], [1], "prestateTracer")
    bench.equal(node.call("debug_traceTransaction", hashes[1], {"tracer": "4byteTracer"}), {"0x371303c0-0": 1}, "4byteTracer")
    bench.equal(node.call("debug_traceTransaction", hashes[1], {"tracer": "noopTracer"}), {}, "noopTracer")
    bench.refused(node, -32000, "transaction not found", "debug_traceTransaction", "0x" + "ab" * 32)
    bench.refused(node, -32000, "tracer 'x' not found", "debug_traceTransaction", hashes[0], {"tracer": "x"})
    bench.refused(node, -32000, "tracing on top of pending is not supported", "debug_traceCall", {"to": counter}, "pending")


def simulations(bench, node, alice, counter, failing):
    head = node.call("eth_getBlockByNumber", "latest", False)
    rich = {"0x" + "c0" * 20: {"balance": "0x3e8"}}
    transfer = {"from": "0x" + "c0" * 20, "to": "0x" + "c1" * 20, "value": "0x3e8"}
    made = node.call("eth_simulateV1", {
        "blockStateCalls": [
            {"stateOverrides": rich, "calls": [transfer, {"to": counter}, {"to": failing}]},
            {"blockOverrides": {"number": hex(int(head["number"], 16) + 4)}, "calls": [{"to": counter}]},
        ],
        "traceTransfers": True,
    }, "latest")  # fmt: skip
    bench.equal([int(block["number"], 16) - int(head["number"], 16) for block in made], [1, 2, 3, 4], "simulated numbers")
    bench.equal(made[0]["parentHash"], head["hash"], "a simulated block's parent")
    bench.expect(all(made[index + 1]["parentHash"] == made[index]["hash"] for index in range(3)), "simulated parents")
    bench.equal([int(block["timestamp"], 16) - int(head["timestamp"], 16) for block in made], [12, 24, 36, 48], "simulated times")
    first, second, third = made[0]["calls"]
    log = first["logs"][0]
    bench.equal((log["address"], int(log["data"], 16), log["topics"][1][-40:]), ("0x" + "ee" * 20, 1000, "c0" * 20), "moved value")
    bench.equal((first["gasUsed"], first["status"], first["returnData"]), ("0x5208", "0x1", "0x"), "a simulated transfer")
    bench.equal(int(second["returnData"], 16), 5, "a simulated call")
    bench.equal((third["status"], third["error"]["code"], third["error"]["message"]), ("0x0", 3, "execution reverted: no way"), "a simulated revert")
    bench.equal(int(made[3]["calls"][0]["returnData"], 16), 6, "a call in a later block")
    empty = node.call("eth_simulateV1", {"blockStateCalls": [{}]}, "latest")[0]
    bench.equal((empty["calls"], empty["transactions"], empty["gasUsed"], empty["baseFeePerGas"]), ([], [], "0x0", "0x0"), "an empty block")
    # The state root is that of the trie: what a simulation changes back leads to the root it began with.
    for name, code, request in [
        ("empty input", -32602, {"blockStateCalls": []}),
        ("block numbers must be in order", -38020, {"blockStateCalls": [{"blockOverrides": {"number": "0x1"}}]}),
        ("block timestamps must be in order", -38021, {"blockStateCalls": [{"blockOverrides": {"time": "0x1"}}]}),
        ("block timestamps must be in order: none follows", -38021, {"blockStateCalls": [{"blockOverrides": {"time": hex(2**64 - 1)}}, {}]}),
        ("block timestamps must be in order: none follows", -38021, {"blockStateCalls": [{"blockOverrides": {"time": hex(2**64 - 1)}}, {"blockOverrides": {"number": "0xff"}}]}),
        ("too many blocks", -38026, {"blockStateCalls": [{"blockOverrides": {"number": "0xffffff"}}]}),
        ("err: insufficient funds", -38014, {"blockStateCalls": [{"calls": [transfer]}]}),
        ("err: nonce too low", -38010, {"blockStateCalls": [{"calls": [{"from": alice, "to": alice, "nonce": "0x0", "maxFeePerGas": hex(10**12)}]}], "validation": True}),
        ("err: nonce too high", -38011, {"blockStateCalls": [{"calls": [{"from": alice, "to": alice, "nonce": "0xfff", "maxFeePerGas": hex(10**12)}]}], "validation": True}),
        ("err: max fee per gas less than block base fee", -38012, {"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0xa"}, "calls": [{"from": alice, "to": alice}]}], "validation": True}),
        ("account 0x5FbDB2315678afecb367f032d93F642f64180aa3 is not a precompile", -32000, {"blockStateCalls": [{"stateOverrides": {counter: {"MovePrecompileToAddress": "0x" + "c2" * 20}}}]}),
        ("account 0xc2C2C2C2C2C2c2c2c2c2C2C2c2C2C2C2C2C2c2C2 is already overridden", -32000, {"blockStateCalls": [{"stateOverrides": {"0x" + "0" * 39 + "4": {"movePrecompileToAddress": "0x" + "c2" * 20}, "0x" + "c2" * 20: {}}}]}),
        ("system call failed to execute: invalid opcode", -32000, {"blockStateCalls": [{"stateOverrides": {"0x00000961ef480eb55e80d19ad83579a64c007002": {"code": "0xfe"}}}]}),
        ("empty system contract: 0x0000bbddc7ce488642fb579f8b00f3a590007251", -32000, {"blockStateCalls": [{"stateOverrides": {"0x0000bbddc7ce488642fb579f8b00f3a590007251": {"code": "0x"}}}]}),
        ("err: intrinsic gas too low", -38013, {"blockStateCalls": [{"calls": [{"from": alice, "to": alice, "gas": "0x1"}]}]}),
    ]:  # fmt: skip
        bench.refused(node, code, name, "eth_simulateV1", request, "latest")


def errors(bench, node, alice, counter):
    for code, message, method, *parameters in [
        (-32601, "the method eth_nothing does not exist/is not available", "eth_nothing"),
        (-32602, "missing value for required argument 0", "eth_getBalance"),
        (-32602, "too many arguments, want at most 2", "eth_getBalance", alice, "latest", 1),
        (-32602, "invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type common.Address", "eth_getBalance", "f" * 40, "latest"),
        (-32602, "invalid argument 0: hex string has length 4, want 40 for common.Address", "eth_getBalance", "0x1234", "latest"),
        (-32602, "invalid argument 1: hex string without 0x prefix", "eth_getBalance", alice, "newest"),
        (-32602, "invalid argument 0: hex string without 0x prefix", "debug_getRawHeader", "2"),
        (-32602, "invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type common.Hash", "debug_getRawTransaction", "1" * 64),
        (-32602, "unable to decode storage key: hex string invalid", "eth_getStorageAt", alice, "0xasdf", "latest"),
        (-32602, "unable to decode storage key: hex string too long, want at most 32 bytes", "eth_getStorageAt", alice, "0x" + "0" * 65, "latest"),
        (-32602, "invalid argument 0: json: cannot unmarshal non-string into Go struct field TransactionArgs.to of type common.Address", "eth_call", {"to": 7}, "latest"),
        (-32602, "invalid argument 0: json: cannot unmarshal hex number with leading zero digits into Go struct field TransactionArgs.gas of type hexutil.Uint64", "eth_call", {"gas": "0x01"}, "latest"),
        (-32000, "header not found", "eth_getBalance", alice, "0xffff"),
        (-32000, "invalid arguments; neither block nor hash specified", "eth_getBalance", alice, {}),
        (-32000, "invalid arguments; neither block nor hash specified", "eth_call", {"to": alice}, {"blockHash": None}),
        (-32000, "invalid arguments; neither block nor hash specified", "debug_getRawHeader", {"requireCanonical": True}),
        (-32000, "header for hash not found", "eth_getBalance", alice, "0x" + "11" * 32),
    ]:  # fmt: skip
        bench.refused(node, code, message, method, *parameters)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="?", help="Ethereum's block tests")
    parser.add_argument("--files", type=int, default=14, help="chains that are imported")
    parser.add_argument("--estimates", type=int, default=100, help="random programs whose gas is estimated")
    parser.add_argument("--depth", type=int, default=24, help="accounts that are looked at in each block")
    options = parser.parse_args()
    bench = Bench()
    development(bench, options.estimates)
    print(f"development ledger: {bench.passed} checks")
    if options.tests:
        chains(bench, options.tests, options.files, options.depth)
    print(f"{bench.passed} checks passed, {len(bench.problems)} failed")
    sys.exit(1 if bench.problems else 0)


main()
