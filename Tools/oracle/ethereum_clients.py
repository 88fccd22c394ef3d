"""`estuary node` driven with web3, eth-account and plain WebSockets: whatever writes, waits, goes back or is set.

    ethereum_clients.py [--rounds N] [--kills N] [--fuzz-seconds N] [--parts NAME,…]

--rounds: snapshots that are taken back, a transfer between; --kills: rounds of `kill -9` under load of both dialects.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import vyper
import websockets
from eth_account import Account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError, TransactionNotFound, Web3RPCError

from ethereum_limits import limits
from ethereum_pending import pending
from ethereum_tools import command_line
from node import Node, RPCFailure, binary
from node_checks import Checks, kill_rounds

GWEI, ETHER = 10**9, 10**18

SOURCE = """
# pragma version ~=0.4
event Added:
    sender: indexed(address)
    amount: uint256

count: public(uint256)
paid: public(HashMap[address, uint256])

@deploy
def __init__(start: uint256):
    self.count = start

@external
def add(amount: uint256) -> uint256:
    assert amount < 1000, "too much"
    self.count += amount
    log Added(sender=msg.sender, amount=amount)
    return self.count

@external
@payable
def pay():
    self.paid[msg.sender] += msg.value

@external
def refuse(amount: uint256):
    raw_revert(abi_encode(amount, method_id=method_id("Broke(uint256)")))
"""
BROKE = {"type": "error", "name": "Broke", "inputs": [{"name": "amount", "type": "uint256"}]}


class Bench(Checks):
    def __init__(self, node, folder):
        super().__init__()
        self.folder = folder
        self.node, self.web3 = node, Web3(Web3.HTTPProvider(node.announcement["ethereumURL"]))
        self.accounts = [Account.from_key(one["privateKey"]) for one in node.announcement["ethereum"]]
        self.contract = None

    def refuses(self, text, method, *parameters, code=None):
        try:
            answer = self.node.call(method, *parameters)
        except RPCFailure as failure:
            fits = text in failure.message and (code is None or failure.code == code)
            return self.expect(fits, f"{method} {str(parameters)[:200]}", str(failure))
        self.expect(False, f"{method} {str(parameters)[:200]}", f"no error: {answer}")

    def nonce(self, account):
        return self.web3.eth.get_transaction_count(account.address, "pending")

    def signed(self, account, nonce=None, **fields):
        transaction = {
            "chainId": 1337, "nonce": self.nonce(account) if nonce is None else nonce, "gas": 21000, "value": 0,
            "to": self.accounts[9].address, "maxFeePerGas": 20 * GWEI, "maxPriorityFeePerGas": GWEI, **fields,
        }  # fmt: skip
        transaction = {name: value for name, value in transaction.items() if value is not None}
        return account.sign_transaction(transaction)

    def send(self, account, **fields):
        return self.web3.eth.send_raw_transaction(self.signed(account, **fields).raw_transaction)

    def receipt(self, hash):
        return self.web3.eth.wait_for_transaction_receipt(hash, timeout=20, poll_latency=0.01)


def compiled():
    output = vyper.compile_code(SOURCE, output_formats=["bytecode", "abi"])
    return output["bytecode"], output["abi"] + [BROKE]


def identity(bench):
    web3, node = bench.web3, bench.node
    bench.equal(web3.eth.accounts, [one.address for one in bench.accounts], "accounts")
    bench.equal(len(bench.accounts), 10, "ten of them")
    bench.equal(web3.eth.get_balance(bench.accounts[9].address), 10_000 * ETHER, "10,000 ether each")
    bench.equal(node.call("eth_accounts"), [one.address.lower() for one in bench.accounts], "in lower case")
    bench.equal(node.call("net_version"), "1337", "net_version is the chain id")
    message = b"estuary"
    signature = web3.eth.sign(bench.accounts[1].address, data=message)
    from eth_account.messages import encode_defunct
    bench.equal(Account.recover_message(encode_defunct(message), signature=signature), bench.accounts[1].address, "eth_sign")
    bench.refuses("unknown account", "eth_sign", "0x" + "12" * 20, "0x00")
    filled = web3.eth.sign_transaction({"from": bench.accounts[1].address, "to": bench.accounts[2].address, "value": 5})
    bench.equal(Account.recover_transaction(filled["raw"]), bench.accounts[1].address, "eth_signTransaction")
    bench.equal(filled["tx"]["gas"], 21000, "its gas is estimated")


def deploying(bench):
    web3, alice = bench.web3, bench.accounts[0]
    bytecode, abi = compiled()
    hash = web3.eth.contract(abi=abi, bytecode=bytecode).constructor(40).transact({"from": alice.address})
    receipt = bench.receipt(hash)
    bench.equal(receipt["status"], 1, "deployment")
    bench.contract = contract = web3.eth.contract(address=receipt["contractAddress"], abi=abi)
    bench.equal(contract.functions.count().call(), 40, "the constructor's argument")
    bench.expect(len(web3.eth.get_code(contract.address)) > 0, "code")
    bench.equal(contract.functions.add(2).call(), 42, "a call keeps nothing")
    receipt = bench.receipt(contract.functions.add(2).transact({"from": alice.address}))
    bench.equal(contract.functions.count().call(), 42, "a transaction does")
    event = contract.events.Added().process_receipt(receipt)[0]
    bench.equal((event["args"]["sender"], event["args"]["amount"]), (alice.address, 2), "the event of a receipt")
    # A node that makes blocks at once answers behind the block, to both ways of sending.
    for number in range(20):
        hash = bench.node.call("eth_sendRawTransaction", "0x" + bytes(bench.signed(alice, to=bench.accounts[1].address).raw_transaction).hex())
        bench.expect(bench.node.call("eth_getTransactionReceipt", hash) is not None, "a receipt at once", number)
        hash = bench.node.call("eth_sendTransaction", {"from": alice.address, "to": bench.accounts[1].address, "value": "0x1"})
        bench.expect(bench.node.call("eth_getTransactionReceipt", hash) is not None, "and of an unsigned one", number)
    receipt = bench.receipt(contract.functions.pay().transact({"from": bench.accounts[1].address, "value": 7}))
    bench.equal(contract.functions.paid(bench.accounts[1].address).call(), 7, "a payment")
    bench.equal(web3.eth.get_balance(contract.address), 7, "is there")
    transaction = web3.eth.get_transaction(receipt["transactionHash"])
    bench.equal((transaction["from"], transaction["value"]), (bench.accounts[1].address, 7), "the transaction")


def reverts(bench):
    contract, alice = bench.contract, bench.accounts[0]
    try:
        contract.functions.add(1000).call()
        bench.expect(False, "a revert's reason")
    except ContractLogicError as error:
        bench.expect("too much" in str(error), "a revert's reason", error)
    try:
        contract.functions.refuse(77).call()
        bench.expect(False, "a custom error")
    except ContractCustomError as error:
        bench.expect("4d" in str(error), "a custom error's data", error)
    except ContractLogicError as error:
        bench.expect("77" in str(error) or "Broke" in str(error), "a custom error", error)
    try:
        contract.functions.add(1000).transact({"from": alice.address})
        bench.expect(False, "a transaction whose gas cannot be estimated")
    except ContractLogicError as error:
        bench.expect("too much" in str(error), "its reason", error)
    hash = contract.functions.add(1000).transact({"from": alice.address, "gas": 100_000})
    bench.equal(bench.receipt(hash)["status"], 0, "with a gas limit it is mined")


def events(bench):
    web3, contract, node = bench.web3, bench.contract, bench.node
    filters = contract.events.Added.create_filter(from_block="latest", argument_filters={"sender": bench.accounts[3].address})
    blocks, pending = web3.eth.filter("latest"), web3.eth.filter("pending")
    hashes = [contract.functions.add(n).transact({"from": bench.accounts[3 + n % 2].address}) for n in range(6)]
    for hash in hashes:
        bench.receipt(hash)
    bench.equal([entry["args"]["amount"] for entry in filters.get_new_entries()], [0, 2, 4], "a filter by sender")
    bench.equal(filters.get_new_entries(), [], "tells once")
    bench.equal([bytes(h) for h in pending.get_new_entries()], [bytes(h) for h in hashes], "transactions that wait")
    bench.equal(len(blocks.get_new_entries()), 6, "blocks")
    bench.equal(len(contract.events.Added.get_logs(from_block=0)), 7, "all logs")


def types(bench):
    web3, contract, node = bench.web3, bench.contract, bench.node
    bob = bench.accounts[5]
    data = contract.encode_abi("add", [1])
    before = contract.functions.count().call()
    legacy = bench.send(bob, to=contract.address, data=data, gas=100_000, gasPrice=5 * GWEI, maxFeePerGas=None, maxPriorityFeePerGas=None)
    listed = bench.send(bob, to=contract.address, data=data, gas=100_000, accessList=[{"address": contract.address, "storageKeys": ["0x" + "00" * 32]}])
    for hash, kind in ((legacy, 0), (listed, 2)):
        receipt = bench.receipt(hash)
        bench.equal((receipt["status"], receipt["type"]), (1, kind), f"type {kind}")
        bench.equal(web3.eth.get_transaction(hash)["type"], kind, f"a transaction of type {kind}")
    bench.equal(contract.functions.count().call(), before + 2, "both added")
    # EIP-4844
    blob = bytes([0] + list(os.urandom(31))) * 4096
    signed = bob.sign_transaction({
        "type": 3, "chainId": 1337, "nonce": bench.nonce(bob), "gas": 21000, "to": bench.accounts[9].address, "value": 1,
        "maxFeePerGas": 20 * GWEI, "maxPriorityFeePerGas": GWEI, "maxFeePerBlobGas": GWEI}, blobs=[blob])  # fmt: skip
    receipt = bench.receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    bench.equal((receipt["status"], receipt["type"], receipt["blobGasUsed"]), (1, 3, 1 << 17), "a transaction with a blob")
    block = web3.eth.get_block(receipt["blockNumber"])
    bench.equal(block["blobGasUsed"], 1 << 17, "the block's blob gas")
    import rlp
    parts = rlp.decode(bytes(signed.raw_transaction)[1:])
    alone = bytes([3]) + rlp.encode(parts[0])
    bench.refuses("missing sidecar", "eth_sendRawTransaction", "0x" + alone.hex(), code=-32000)
    blobs = 1 if isinstance(parts[1], list) else 2
    spoilt = list(parts)
    spoilt[blobs] = [blob[:-1] + bytes([blob[-1] ^ 1])]
    if blobs == 1:  # with proofs of cells the blob itself is not looked at
        bench.refuses("invalid blob proof", "eth_sendRawTransaction", "0x" + (bytes([3]) + rlp.encode(spoilt)).hex())
    spoilt = list(parts)
    spoilt[blobs + 1] = [parts[blobs + 1][0][:-1] + bytes([parts[blobs + 1][0][-1] ^ 1])]
    bench.refuses("mismatches transaction one", "eth_sendRawTransaction", "0x" + (bytes([3]) + rlp.encode(spoilt)).hex())
    # EIP-7702
    carol = bench.accounts[6]
    authorization = carol.sign_authorization({"chainId": 1337, "address": contract.address, "nonce": web3.eth.get_transaction_count(carol.address)})
    members = {"chainId": "0x539", "address": contract.address, "nonce": hex(authorization.nonce), "yParity": hex(authorization.y_parity), "r": hex(authorization.r), "s": hex(authorization.s)}
    # An authority is warm; one of another chain is none, and this code looks at it.
    looking = node.call("eth_createAccessList", {"from": bob.address, "to": contract.address, "data": contract.encode_abi("add", [1]), "authorizationList": [members]})
    bench.equal([entry["address"] for entry in looking["accessList"]], [contract.address.lower()], "slots alone")
    for chain, listed in (("0x539", []), ("0x0", [carol.address.lower()]), ("0x1", [carol.address.lower()])):
        code = "0x73" + carol.address[2:] + "3100"  # PUSH20 carol BALANCE STOP
        made = node.call("eth_createAccessList", {"from": bob.address, "to": "0x" + "c7" * 20, "authorizationList": [{**members, "chainId": chain}]}, "latest", {"0x" + "c7" * 20: {"code": code}})
        bench.equal([entry["address"] for entry in made["accessList"]], listed, f"an access list with an authority of chain {chain}")
    receipt = bench.receipt(bench.send(bob, type=4, to=carol.address, gas=200_000, data=contract.encode_abi("pay"), value=9, authorizationList=[authorization]))
    bench.equal((receipt["status"], receipt["type"]), (1, 4), "a transaction that sets code")
    bench.equal(bytes(web3.eth.get_code(carol.address)), bytes.fromhex("ef0100" + contract.address[2:]), "the designator")
    bench.equal(web3.eth.contract(address=carol.address, abi=contract.abi).functions.paid(bob.address).call(), 9, "runs the contract's code")


def pool(bench):
    node, web3, dave = bench.node, bench.web3, bench.accounts[7]
    node.call("evm_setAutomine", False)
    try:
        start = bench.nonce(dave)
        def raw(nonce, tip=1, price=20, **fields):
            return bench.signed(dave, nonce=start + nonce, maxPriorityFeePerGas=tip * GWEI, maxFeePerGas=price * GWEI, **fields)
        send = lambda signed: node.call("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x"))
        second, first, far = raw(1), raw(0, value=1), raw(5)
        bench.equal(send(second), "0x" + second.hash.hex().removeprefix("0x"), "a hash")
        bench.equal(bench.nonce(dave), start, "a gap does not count")
        send(first)
        send(far)
        bench.equal(bench.nonce(dave), start + 2, "pending nonce")
        bench.equal(node.call("txpool_status"), {"pending": "0x2", "queued": "0x1"}, "txpool_status")
        content = node.call("txpool_content")
        bench.equal(list(content["pending"][dave.address]), [str(start), str(start + 1)], "txpool_content")
        bench.equal(list(content["queued"][dave.address]), [str(start + 5)], "what is queued")
        bench.equal(content["pending"][dave.address][str(start)]["blockHash"], None, "a transaction that waits")
        bench.expect("gas ×" in node.call("txpool_inspect")["pending"][dave.address][str(start)], "txpool_inspect")
        bench.equal(list(node.call("txpool_contentFrom", dave.address)["queued"]), [str(start + 5)], "txpool_contentFrom")
        waiting = web3.eth.get_transaction(first.hash)
        bench.equal((waiting["blockNumber"], waiting["value"]), (None, 1), "it can be looked up")
        pending = web3.eth.get_block("pending", full_transactions=True)
        bench.equal([bytes(t["hash"]) for t in pending["transactions"]], [bytes(first.hash), bytes(second.hash)], "the pending block")
        for signed, text in (
            (first, "already known"), (raw(0, tip=1, price=21), "replacement transaction underpriced"),
            (raw(0, gas=20_000), "intrinsic gas too low: gas 20000, minimum needed 21000"),
            (raw(2, gas=10**8), "transaction gas limit too high"),
            (raw(2, tip=30, price=20), "max priority fee per gas higher than max fee per gas"),
            (raw(2, value=20_000 * ETHER), "insufficient funds for gas * price + value"),
            (raw(2, chainId=1), "invalid chain id for signer: have 1 want 1337"),
        ):
            bench.refuses(text, "eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x"), code=-32000)
        bench.refuses("rlp", "eth_sendRawTransaction", "0xc0")
        for byte in ("00", "01", "03", "05", "7f"):
            bench.refuses("typed transaction too short", "eth_sendRawTransaction", "0x" + byte, code=-32000)
        for bytes_ in ("80", "8180", "b800"):
            bench.refuses("rlp: expected input list for types.LegacyTx", "eth_sendRawTransaction", "0x" + bytes_, code=-32000)
        for method in ("eth_getRawTransactionByHash", "debug_getRawTransaction"):
            bench.equal(node.call(method, "0x" + bytes(first.hash).hex()), "0x" + bytes(first.raw_transaction).hex(), f"{method} of what waits")
            bench.equal(node.call(method, "0x" + "12" * 32), "0x", f"{method} of nothing")
        bench.refuses("transaction type not supported", "eth_sendRawTransaction", "0x7f00")
        better = raw(0, tip=2, price=40, value=2)
        send(better)
        bench.equal(web3.eth.get_transaction(better.hash)["value"], 2, "a replacement")
        try:
            web3.eth.get_transaction(first.hash)
            bench.expect(False, "what was replaced is gone")
        except TransactionNotFound:
            bench.expect(True, "what was replaced is gone")
        bench.equal(node.call("anvil_dropTransaction", "0x" + far.hash.hex().removeprefix("0x")), True, "anvil_dropTransaction")
        node.call("evm_mine")
        bench.equal(node.call("txpool_status"), {"pending": "0x0", "queued": "0x0"}, "a block took them")
        bench.equal([bench.receipt(one.hash)["transactionIndex"] for one in (better, second)], [0, 1], "in nonce order")
        bench.refuses("nonce too low: next nonce", "eth_sendRawTransaction", "0x" + raw(0, value=3).raw_transaction.hex().removeprefix("0x"))
        low = bench.signed(dave, maxFeePerGas=1, maxPriorityFeePerGas=1)
        send(low)
        node.call("evm_mine")
        bench.equal(node.call("txpool_status")["pending"], "0x1", "below the base fee it waits")
        node.call("hardhat_setNextBlockBaseFeePerGas", "0x1")
        node.call("evm_mine")
        bench.equal(bench.receipt(low.hash)["status"], 1, "until the base fee comes down")
        node.call("hardhat_setNextBlockBaseFeePerGas", hex(GWEI))
        node.call("evm_mine")
    finally:
        node.call("evm_setAutomine", True)
    hash = send(bench.signed(dave))
    receipt = node.call("eth_sendRawTransactionSync", "0x" + bench.signed(dave).raw_transaction.hex().removeprefix("0x"))
    bench.equal(receipt["status"], "0x1", "eth_sendRawTransactionSync")
    bench.receipt(hash)


def control(bench):
    node, web3, contract = bench.node, bench.web3, bench.contract
    stranger = "0x" + "ab" * 20
    # Blocks and time
    number = web3.eth.block_number
    node.call("evm_mine")
    bench.equal(web3.eth.block_number, number + 1, "evm_mine")
    node.call("hardhat_mine", "0x5")
    bench.equal(web3.eth.block_number, number + 6, "hardhat_mine")
    node.call("anvil_mine", 3, 60)
    times = [web3.eth.get_block(number + n)["timestamp"] for n in (7, 8, 9)]
    bench.equal((times[1] - times[0], times[2] - times[1]), (60, 60), "anvil_mine with an interval")
    last = web3.eth.get_block("latest")["timestamp"]
    node.call("evm_setNextBlockTimestamp", last + 1000)
    node.call("evm_mine")
    bench.equal(web3.eth.get_block("latest")["timestamp"], last + 1000, "evm_setNextBlockTimestamp")
    node.call("evm_increaseTime", 5000)
    node.call("evm_mine")
    bench.expect(0 <= web3.eth.get_block("latest")["timestamp"] - last - 6000 <= 5, "evm_increaseTime", web3.eth.get_block("latest")["timestamp"] - last)
    bench.refuses("lower than or equal to previous block's timestamp", "evm_setNextBlockTimestamp", 5)
    node.call("evm_mine", {"blocks": 2})
    bench.refuses("more than one request may ask for", "hardhat_mine", "0xffffff")
    number = web3.eth.block_number
    for count, interval in (("0x3", "0x4000000000000000"), ("0x2", hex(2**40)), ("0x2710", hex(2**27)), ("0x0", hex(2**64 - 1))):
        bench.refuses("end at a time that is out of range", "hardhat_mine", count, interval)
    bench.equal(web3.eth.block_number, number, "none of them is made")
    # Accounts
    for method, value, read, wanted in (
        ("hardhat_setBalance", hex(123 * ETHER), web3.eth.get_balance, 123 * ETHER),
        ("anvil_setNonce", "0x9", web3.eth.get_transaction_count, 9),
        ("hardhat_setCode", "0x60016000f3", web3.eth.get_code, bytes.fromhex("60016000f3")),
    ):
        node.call(method, stranger, value)
        bench.equal(read(Web3.to_checksum_address(stranger)), wanted, method)
    node.call("hardhat_setStorageAt", contract.address, "0x0", "0x" + (777).to_bytes(32, "big").hex())
    bench.equal(contract.functions.count().call(), 777, "hardhat_setStorageAt")
    for address in range(2, 8):
        border = f"0xff{address:038x}"
        bench.refuses("is where contracts call programs", "hardhat_setCode", border, "0x00", code=-32000)
        bench.equal(node.call("eth_getCode", border, "latest"), "0x", "no code there")
    node.call("hardhat_setCode", stranger, "0x")
    bench.equal(web3.eth.get_code(Web3.to_checksum_address(stranger)), b"", "code can be taken away")
    # Acting for others
    bench.refuses("unknown account", "eth_sendTransaction", {"from": stranger, "to": bench.accounts[0].address, "value": "0x1"})
    node.call("hardhat_impersonateAccount", stranger)
    receipt = bench.receipt(node.call("eth_sendTransaction", {"from": stranger, "to": bench.accounts[0].address, "value": "0x1"}))
    bench.equal((receipt["status"], receipt["from"].lower()), (1, stranger), "hardhat_impersonateAccount")
    bench.equal(web3.eth.get_transaction(receipt["transactionHash"])["from"].lower(), stranger, "its sender")
    node.call("hardhat_stopImpersonatingAccount", stranger)
    bench.refuses("unknown account", "eth_sendTransaction", {"from": stranger, "to": stranger, "value": "0x1"})
    bench.refuses("unknown account", "eth_sendTransaction", {"from": "0x" + "ac" * 20, "to": stranger, "value": "0x1"}, code=-32000)
    node.call("anvil_autoImpersonateAccount", True)
    bench.equal(bench.receipt(node.call("eth_sendTransaction", {"from": stranger, "to": stranger}))["status"], 1, "anvil_autoImpersonateAccount")
    node.call("anvil_autoImpersonateAccount", False)
    # What blocks are like
    node.call("hardhat_setCoinbase", stranger)
    node.call("hardhat_setPrevRandao", "0x" + "07" * 32)
    node.call("evm_setBlockGasLimit", "0x1c9c380")
    node.call("evm_mine")
    block = web3.eth.get_block("latest")
    bench.equal((block["miner"].lower(), block["gasLimit"], bytes(block["mixHash"])), (stranger, 30_000_000, b"\7" * 32), "coinbase, gas limit, randomness")
    node.call("anvil_setMinGasPrice", hex(3 * GWEI))
    bench.refuses("transaction gas price below minimum", "eth_sendRawTransaction", "0x" + bench.signed(bench.accounts[8]).raw_transaction.hex().removeprefix("0x"))
    node.call("anvil_setMinGasPrice", "0x0")
    info, about = node.call("anvil_nodeInfo"), node.call("hardhat_metadata")
    bench.equal((int(info["currentBlockNumber"], 16), info["miningMode"]), (web3.eth.block_number, "auto"), "anvil_nodeInfo")
    bench.equal((about["chainId"], about["latestBlockNumber"]), (1337, web3.eth.block_number), "hardhat_metadata")
    # Blocks on a clock
    node.call("evm_setAutomine", False)
    bench.equal(node.call("hardhat_getAutomine"), False, "hardhat_getAutomine")
    node.call("evm_setIntervalMining", 50)
    hash = bench.send(bench.accounts[8])
    bench.equal(bench.receipt(hash)["status"], 1, "evm_setIntervalMining")
    number = web3.eth.block_number
    time.sleep(2.5)
    bench.expect(web3.eth.block_number > number, "empty blocks on the clock")
    for method, interval, seconds in (("anvil_setIntervalMining", 2, 2), ("evm_setIntervalMining", 2000, 2), ("hardhat_setIntervalMining", 250, 1)):
        node.call(method, interval)
        bench.equal(node.call("anvil_getIntervalMining"), seconds, f"seconds after {method}")
    node.call("anvil_setIntervalMining", 0)
    bench.equal(node.call("anvil_getIntervalMining"), None, "no interval")
    node.call("evm_setAutomine", True)
    # States
    dump = node.call("anvil_dumpState")
    node.call("hardhat_setBalance", stranger, "0x1")
    node.call("hardhat_setStorageAt", contract.address, "0x0", "0x0")
    bench.equal(node.call("anvil_loadState", dump), True, "anvil_loadState")
    bench.expect(web3.eth.get_balance(Web3.to_checksum_address(stranger)) > 100 * ETHER, "a balance is back")
    bench.equal(contract.functions.count().call(), 777, "and storage")
    for method, parameters in (
        ("evm_revert", []), ("evm_revert", ["x"]), ("hardhat_setBalance", ["0x12", "0x1"]), ("evm_mine", [{"blocks": "y"}]),
        ("hardhat_setNonce", [stranger, "0x10000000000000000"]), ("anvil_loadState", ["0x00"]), ("evm_setAutomine", ["yes"]),
        ("evm_increaseTime", [1 << 62]), ("evm_setIntervalMining", [10**12]), ("anvil_setIntervalMining", [3601]), ("estuary_setAccount", ["11111111111111111111111111111111"]),
    ):
        bench.refuses("", method, *parameters)
    contracts_are_acted_for(bench)


def contracts_are_acted_for(bench):
    """EIP-3607 is for what is signed; what nobody has signed may come from a contract."""
    node, web3, contract = bench.node, bench.web3, bench.contract
    add = {"from": contract.address, "to": contract.address, "data": contract.encode_abi("add", [1])}
    node.call("hardhat_setBalance", contract.address, hex(ETHER))
    node.call("hardhat_impersonateAccount", contract.address)
    before = contract.functions.count().call()
    for fields in ({}, {"gas": hex(100_000)}):
        hash = node.call("eth_sendTransaction", {**add, **fields})
        receipt = bench.receipt(hash)
        bench.equal((receipt["status"], receipt["from"]), (1, contract.address), f"a contract that is impersonated {fields}")
        trace = node.call("debug_traceTransaction", hash, {"tracer": "callTracer"})
        bench.equal((trace["from"], trace["gasUsed"]), (contract.address.lower(), hex(receipt["gasUsed"])), "its trace")
    bench.equal(contract.functions.count().call(), before + 2, "what it did")
    made = bench.receipt(node.call("eth_sendTransaction", {"from": contract.address, "data": "0x60016000f3"}))
    bench.equal(bytes(web3.eth.get_code(made["contractAddress"])), b"\0", "a contract that an impersonated one creates")
    # In a block beside others.
    node.call("evm_setAutomine", False)
    hashes = [node.call("eth_sendTransaction", {**add, "gas": hex(100_000)}) for _ in range(3)]
    hashes += [bench.send(account, gas=100_000, to=contract.address, data=add["data"]) for account in bench.accounts[1:5]]
    node.call("evm_mine")
    node.call("evm_setAutomine", True)
    receipts = [bench.receipt(hash) for hash in hashes]
    bench.equal({(r["status"], r["blockNumber"]) for r in receipts}, {(1, web3.eth.block_number)}, "impersonated contracts beside others")
    bench.equal(contract.functions.count().call(), before + 9, "what all did")
    node.call("hardhat_stopImpersonatingAccount", contract.address)
    bench.refuses("unknown account", "eth_sendTransaction", add)
    # An account that signs for itself is held to it.
    other = bench.accounts[9]
    node.call("hardhat_setCode", other.address, "0x00")
    signed = "0x" + bytes(bench.signed(other).raw_transaction).hex()
    for method, parameters in (("eth_sendRawTransaction", signed), ("eth_sendTransaction", {"from": other.address, "to": other.address}),
                               ("eth_sendTransaction", {"from": other.address, "to": other.address, "gas": "0x5208"})):  # fmt: skip
        bench.refuses("sender not an eoa: address " + other.address, method, parameters, code=-32000)
    node.call("hardhat_setCode", other.address, "0x")
    bench.equal(bench.receipt(node.call("eth_sendRawTransaction", signed))["status"], 1, "and free without code")


def snapshots(bench, rounds):
    node, web3, contract = bench.node, bench.web3, bench.contract
    alice, bob = bench.accounts[0], bench.accounts[1]
    state = lambda: (web3.eth.get_balance(bob.address), contract.functions.count().call(), web3.eth.block_number,
                     web3.eth.get_block("latest")["hash"], node.call("getSlot"), node.call("getBalance", str(other))["value"],
                     web3.eth.get_transaction_count(alice.address, "pending"))  # fmt: skip
    other = Keypair().pubkey()
    before, moment = state(), web3.eth.get_block("latest")["timestamp"]
    first = node.call("evm_snapshot")
    hash = contract.functions.add(5).transact({"from": alice.address})
    bench.receipt(hash)
    signature = node.call("requestAirdrop", str(other), 10**9)
    while not node.call("getSignatureStatuses", [signature])["value"][0]:
        time.sleep(0.01)
    node.call("evm_increaseTime", 10**6)
    node.call("hardhat_setBalance", bob.address, "0x5")
    second = node.call("evm_snapshot")
    bench.receipt(bench.send(alice, value=3, to=bob.address))
    bench.equal(node.call("evm_revert", second), True, "evm_revert")
    bench.equal(web3.eth.get_balance(bob.address), 5, "to the second")
    bench.equal(node.call("evm_revert", first), True, "and to the first")
    bench.equal(state(), before, "both worlds are what they were")
    bench.equal(node.call("getSignatureStatuses", [signature])["value"], [None], "Solana's history too")
    try:
        web3.eth.get_transaction_receipt(hash)
        bench.expect(False, "a receipt is gone")
    except TransactionNotFound:
        bench.expect(True, "a receipt is gone")
    bench.equal(node.call("evm_revert", first), False, "a snapshot is used up")
    bench.equal(node.call("evm_revert", "0xfff"), False, "one that never was")
    filters_going_back(bench)
    node.call("evm_mine")
    bench.expect(web3.eth.get_block("latest")["timestamp"] - moment < 10_000, "time goes back too", web3.eth.get_block("latest")["timestamp"] - moment)
    # Many
    before, memory, start = state(), resident(node), time.monotonic()
    for _ in range(rounds):
        id = node.call("evm_snapshot")
        node.call("eth_sendTransaction", {"from": alice.address, "to": bob.address, "value": "0x1", "gas": "0x5208"})
        node.call("evm_mine")
        if node.call("evm_revert", id) is not True:
            bench.expect(False, "a round")
            break
    seconds = time.monotonic() - start
    bench.equal(state(), before, f"{rounds} rounds")
    print(f"  {rounds} rounds of snapshot, transfer, revert: {seconds / max(rounds, 1) * 1000:.2f} ms each, memory {memory} -> {resident(node)} MB")
    # Solana's accounts
    node.call("estuary_setAccount", str(other), {"lamports": 55, "data": "0102", "owner": str(Keypair().pubkey())})
    bench.equal(node.call("getBalance", str(other))["value"], 55, "estuary_setAccount")
    slot = node.call("getSlot")
    node.call("estuary_warpToSlot", slot + 1000)
    bench.equal(node.call("getSlot"), slot + 1000, "estuary_warpToSlot")


def filters_going_back(bench):
    """What filters tell of blocks that went, and of those that come in their place."""
    node, contract, alice = bench.node, bench.contract, bench.accounts[0]
    add = lambda amount: bench.receipt(contract.functions.add(amount).transact({"from": alice.address}))
    told = lambda id: [(int(log["data"], 16), int(log["blockNumber"], 16), log["removed"]) for log in node.call("eth_getFilterChanges", id)]
    here, blocks = contract.address, node.call("eth_newBlockFilter")
    of = lambda **query: node.call("eth_newFilter", query)
    knows, elsewhere, late = of(address=here), of(address=alice.address), of(address=here)
    start = bench.web3.eth.block_number
    soon, then, never = of(address=here, fromBlock="earliest", toBlock=hex(start + 1)), of(address=here, fromBlock=hex(start + 2)), of(address=here, fromBlock="0x99999")
    for first, last in ((hex(start + 2), hex(start + 1)), ("latest", hex(start + 9)), ("earliest", "finalized"), ("safe", "latest")):
        query = {"fromBlock": first, "toBlock": last}
        bench.refuses("invalid block range params", "eth_newFilter", query, code=-32602)
    bench.refuses("pending logs are not supported", "eth_newFilter", {"toBlock": "pending"}, code=-32602)
    snapshot = node.call("evm_snapshot")
    add(1), add(2)
    bench.equal(told(knows), [(1, start + 1, False), (2, start + 2, False)], "a filter's logs")
    bench.equal(told(soon), [(1, start + 1, False)], "those up to a block")
    bench.equal([told(then), told(never)], [[(2, start + 2, False)], []], "those from a block on")
    bench.equal(len(node.call("eth_getFilterChanges", blocks)), 2, "a filter's blocks")
    add(3)
    bench.equal(node.call("evm_revert", snapshot), True, "evm_revert")
    # The third log was never told of, and so does not go.
    bench.equal(told(knows), [(2, start + 2, True), (1, start + 1, True)], "logs that went, from the last one on")
    bench.equal(told(knows), [], "once")
    bench.equal(told(late), [], "nothing went for a filter that was told of nothing")
    bench.equal(told(elsewhere), [], "nor of another address")
    bench.equal(node.call("eth_getFilterChanges", blocks), [], "no block")
    snapshot = node.call("evm_snapshot")
    add(4)
    bench.equal(told(knows), [(4, start + 1, False)], "a log in the place of another")
    bench.equal(told(late), [(4, start + 1, False)], "for each filter")
    bench.equal(node.call("eth_getFilterChanges", blocks), [node.call("eth_getBlockByNumber", "latest", False)["hash"]], "the block, too")
    # Gone and in its place, in one answer.
    node.call("evm_revert", snapshot)
    add(5)
    bench.equal(told(knows), [(4, start + 1, True), (5, start + 1, False)], "gone, and what came")
    bench.equal(told(soon), [(1, start + 1, True), (5, start + 1, False)], "over several ways back")


def resident(node):
    with open(f"/proc/{node.process.pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))


def subscriptions(bench):
    asyncio.run(subscribing(bench))


async def subscribing(bench):
    contract, alice = bench.contract, bench.accounts[0]
    url = bench.node.announcement["ethereumURL"].replace("http", "ws")
    async with websockets.connect(url) as socket:
        number = 0
        notes = []

        async def ask(method, *parameters):
            nonlocal number
            number += 1
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}))
            while True:
                answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
                if answer.get("id") == number:
                    return answer
                notes.append(answer["params"])

        names = {}
        for what in (["newHeads"], ["logs", {"address": contract.address}], ["logs", {"address": "0x" + "11" * 20}],
                     ["newPendingTransactions"], ["newPendingTransactions", True], ["syncing"]):  # fmt: skip
            names[json.dumps(what)] = (await ask("eth_subscribe", *what))["result"]
        error = (await ask("eth_subscribe", "other"))["error"]
        bench.equal((error["code"], error["message"]), (-32601, "no \"other\" subscription in eth namespace"), "an unknown subscription")
        await asyncio.to_thread(bench.refuses, "notifications not supported", "eth_subscribe", "newHeads", code=-32601)
        await asyncio.to_thread(bench.refuses, "subscription not found", "eth_unsubscribe", "0x1", code=-32000)
        hash = await asyncio.to_thread(lambda: contract.functions.add(3).transact({"from": alice.address}))
        await asyncio.to_thread(bench.receipt, hash)
        await asyncio.sleep(0.3)
        bench.equal((await ask("eth_blockNumber"))["result"], hex(bench.web3.eth.block_number), "requests beside")
        told = {name: [note["result"] for note in notes if note["subscription"] == id] for name, id in names.items()}
        bench.equal([int(head["number"], 16) for head in told['["newHeads"]']], [bench.web3.eth.block_number], "newHeads")
        bench.equal(told['["newPendingTransactions"]'], ["0x" + bytes(hash).hex()], "newPendingTransactions")
        bench.equal([t["hash"] for t in told['["newPendingTransactions", true]']], ["0x" + bytes(hash).hex()], "full ones")
        logs = told[json.dumps(["logs", {"address": contract.address}])]
        bench.equal([(log["address"], int(log["data"], 16)) for log in logs], [(contract.address.lower(), 3)], "logs")
        bench.equal(told[json.dumps(["logs", {"address": "0x" + "11" * 20}])], [], "logs of others")
        snapshot = await asyncio.to_thread(bench.node.call, "evm_snapshot")
        hash = await asyncio.to_thread(lambda: contract.functions.add(4).transact({"from": alice.address}))
        await asyncio.to_thread(bench.receipt, hash)
        await asyncio.to_thread(bench.node.call, "evm_revert", snapshot)
        await asyncio.sleep(0.3)
        await ask("eth_chainId")
        mine = names[json.dumps(["logs", {"address": contract.address}])]
        told = [note["result"] for note in notes if note["subscription"] == mine][1:]
        bench.equal([(log["removed"], int(log["data"], 16)) for log in told], [(False, 4), (True, 4)], "a log that goes with a snapshot")
        bench.expect(len(told) == 2 and {**told[0], "removed": True} == told[1], "and is else the same", told)
        for id in names.values():
            bench.equal((await ask("eth_unsubscribe", id))["result"], True, "eth_unsubscribe")
        bench.expect("error" in await ask("eth_unsubscribe", "0x1"), "one that never was")
        count = len(notes)
        await asyncio.to_thread(bench.node.call, "evm_mine")
        await ask("eth_chainId")
        bench.equal(len(notes), count, "nothing is told after that")


def typed_data(bench):
    """eth_signTypedData_v4 (EIP-712), against eth-account."""
    from eth_account.messages import encode_typed_data

    alice = bench.accounts[0]
    types = {
        "Person": [{"name": "name", "type": "string"}, {"name": "wallets", "type": "address[]"}, {"name": "tags", "type": "bytes4[2]"}],
        "Mail": [
            {"name": "from", "type": "Person"}, {"name": "to", "type": "Person[]"}, {"name": "contents", "type": "string"}, {"name": "data", "type": "bytes"},
            {"name": "amount", "type": "uint256"}, {"name": "change", "type": "int64"}, {"name": "small", "type": "uint8"}, {"name": "isUrgent", "type": "bool"},
            {"name": "matrix", "type": "uint16[][2]"}, {"name": "key", "type": "bytes32"},
        ],
    }  # fmt: skip
    domain = [{"name": "name", "type": "string"}, {"name": "version", "type": "string"}, {"name": "chainId", "type": "uint256"},
              {"name": "verifyingContract", "type": "address"}, {"name": "salt", "type": "bytes32"}]  # fmt: skip
    person = lambda name, count: {"name": name, "wallets": ["0x" + f"{n + 1:040x}" for n in range(count)], "tags": ["0x01020304", "0xffffffff"]}  # noqa: E731
    data = {
        "types": {**types, "EIP712Domain": domain}, "primaryType": "Mail",
        "domain": {"name": "Ether Mail", "version": "1", "chainId": 1337, "verifyingContract": "0x" + "cc" * 20, "salt": "0x" + "5a" * 32},
        "message": {"from": person("Cow", 2), "to": [person("Bob", 1), person("Eve", 0)], "contents": "Hello, \u00e4!", "data": "0x0102", "amount": 2**255 + 7, "change": -5,
                    "small": 255, "isUrgent": True, "matrix": [[1, 2, 3], []], "key": "0x" + "07" * 32},
    }  # fmt: skip
    signable = encode_typed_data(full_message=data)
    for form in (data, json.dumps(data)):
        signature = bench.node.call("eth_signTypedData_v4", alice.address, form)
        bench.equal(Account.recover_message(signable, signature=signature), alice.address, "eth_signTypedData_v4")
    for change, words in [({"primaryType": "Male"}, "there is no type"), ({"message": {**data["message"], "small": 256}}, "is no uint8"),
                          ({"message": {**data["message"], "change": 2**63}}, "is no int64"), ({"types": {"Mail": [{"name": "x"}]}}, "has no name or no type"),
                          ({"message": {**data["message"], "key": "0x01"}}, "is no bytes32"), ({"message": {**data["message"], "matrix": [[1]]}}, "is no uint16[][2]")]:  # fmt: skip
        bench.refuses(words, "eth_signTypedData_v4", alice.address, {**data, **change}, code=-32602)
    loop = {"types": {"A": [{"name": "a", "type": "A"}], "EIP712Domain": []}, "primaryType": "A", "domain": {}, "message": {}}
    for _ in range(60):
        loop["message"] = {"a": loop["message"]}
    bench.refuses("levels", "eth_signTypedData_v4", alice.address, loop, code=-32602)
    bench.refuses("unknown account", "eth_signTypedData_v4", "0x" + "12" * 20, data)


def explorers(bench):
    """What Otterscan asks."""
    node, web3, contract = bench.node, bench.web3, bench.contract
    alice = bench.accounts[0]
    bench.equal(node.call("ots_getApiLevel"), 8, "ots_getApiLevel")
    bench.equal([node.call("ots_hasCode", who, "latest") for who in (contract.address, alice.address)], [True, False], "ots_hasCode")
    receipt = bench.receipt(contract.functions.add(7).transact({"from": alice.address}))
    hash, number = "0x" + bytes(receipt["transactionHash"]).hex(), receipt["blockNumber"]
    calls = node.call("ots_traceTransaction", hash)
    bench.equal([(c["type"], c["depth"], c["from"], c["to"], c["value"]) for c in calls], [("CALL", 0, alice.address.lower(), contract.address.lower(), "0x0")], "ots_traceTransaction")
    bench.equal(node.call("ots_getInternalOperations", hash), [], "no internal operations")
    # A creation that calls, creates and ends: 0x…: CREATE with 3 wei of initcode that leaves nothing, a call with 2 wei, SELFDESTRUCT.
    target = "0x" + "5e" * 20
    code = "5f5f6003f0" + "5f5f5f5f6002" + "73" + target[2:] + "5af1" + "73" + target[2:] + "ff"
    maker = bench.receipt(bench.send(alice, to=None, data="0x" + code, value=9, gas=200_000))
    operations = node.call("ots_getInternalOperations", "0x" + bytes(maker["transactionHash"]).hex())
    bench.equal([(o["type"], int(o["value"], 16)) for o in operations], [(2, 3), (0, 2), (1, 4)], "internal operations")
    bench.equal(node.call("ots_getTransactionError", hash), "0x", "no error")
    failed = bench.receipt(bench.send(alice, to=contract.address, gas=100_000, data=contract.encode_abi("add", [5000])))
    error = node.call("ots_getTransactionError", "0x" + bytes(failed["transactionHash"]).hex())
    bench.expect(error.startswith("0x08c379a0"), "ots_getTransactionError", error)
    for details in (node.call("ots_getBlockDetails", number), node.call("ots_getBlockDetails", hex(number)),
                    node.call("ots_getBlockDetailsByHash", "0x" + bytes(receipt["blockHash"]).hex())):  # fmt: skip
        block = details["block"]
        bench.equal((int(block["number"], 16), block["transactionCount"], block["logsBloom"], "transactions" in block), (number, 1, None, False), "ots_getBlockDetails")
        fee = receipt["gasUsed"] * (receipt["effectiveGasPrice"] - int(block["baseFeePerGas"], 16))
        bench.equal((int(details["totalFees"], 16), details["issuance"]["issuance"]), (fee, "0x0"), "fees and issuance")
    page = node.call("ots_getBlockTransactions", number, 0, 10)
    bench.equal([(t["hash"], len(t["input"])) for t in page["fullblock"]["transactions"]], [(hash, 10)], "ots_getBlockTransactions")
    bench.equal([(r["transactionHash"], r["logs"], r["logsBloom"]) for r in page["receipts"]], [(hash, None, None)], "its receipts")
    bench.equal(node.call("ots_getBlockTransactions", number, 1, 10)["fullblock"]["transactions"], [], "behind the last page")
    nonce = web3.eth.get_transaction(receipt["transactionHash"])["nonce"]
    bench.equal(node.call("ots_getTransactionBySenderAndNonce", alice.address, nonce), hash, "ots_getTransactionBySenderAndNonce")
    bench.equal(node.call("ots_getTransactionBySenderAndNonce", alice.address, 10**6), None, "a nonce that is to come")
    creator = node.call("ots_getContractCreator", contract.address)
    bench.equal(creator["creator"], alice.address.lower(), "ots_getContractCreator")
    bench.equal(web3.eth.get_transaction_receipt(creator["hash"])["contractAddress"], contract.address, "and its transaction")
    bench.equal(node.call("ots_getContractCreator", alice.address), None, "of no contract")
    found = node.call("ots_searchTransactionsBefore", target, 0, 5)
    bench.equal([t["hash"] for t in found["txs"]], ["0x" + bytes(maker["transactionHash"]).hex()], "who was called by a contract alone is found")
    bench.equal((found["firstPage"], found["lastPage"]), (True, True), "on the one page that there is")
    newest, after = node.call("ots_searchTransactionsBefore", contract.address, 0, 2), node.call("ots_searchTransactionsAfter", contract.address, number - 1, 1)
    bench.equal([r["transactionHash"] for r in newest["receipts"]], [t["hash"] for t in newest["txs"]], "receipts beside transactions")
    bench.expect([int(t["blockNumber"], 16) for t in newest["txs"]] == sorted((int(t["blockNumber"], 16) for t in newest["txs"]), reverse=True), "newest first")
    bench.equal([t["hash"] for t in after["txs"]], [hash], "ots_searchTransactionsAfter")
    older = node.call("ots_searchTransactionsBefore", contract.address, int(newest["txs"][-1]["blockNumber"], 16), 25)
    bench.expect(older["firstPage"] is False and all(int(t["blockNumber"], 16) < int(newest["txs"][-1]["blockNumber"], 16) for t in older["txs"]), "the page behind")
    bench.refuses("max allowed page size", "ots_searchTransactionsBefore", alice.address, 0, 26)
    values = node.call("eth_getStorageValues", {contract.address: ["0x" + 64 * "0"]})
    bench.equal(values, {contract.address.lower(): [node.call("eth_getStorageAt", contract.address, "0x0", "latest")]}, "eth_getStorageValues")


def across(bench):
    """What a transaction of one world did in the other; binding access sets."""
    node, web3, contract = bench.node, bench.web3, bench.contract
    alice, bob = bench.accounts[0], bench.accounts[1]
    # NeonToken's withdraw(bytes32): wei become lamports.
    heir = Keypair().pubkey()
    selector = Web3.keccak(text="withdraw(bytes32)")[:4]
    receipt = bench.receipt(bench.send(alice, to="0xFF00000000000000000000000000000000000003", value=5 * ETHER // 10**3, gas=300_000, data="0x" + (selector + bytes(heir)).hex()))
    bench.equal(receipt["status"], 1, "a withdrawal")
    side = node.call("estuary_getSolanaSide", "0x" + bytes(receipt["transactionHash"]).hex())
    bench.expect(str(heir) in [a["pubkey"] for a in side["accounts"] if a["isWritable"]], "accounts that it touched", side)
    bench.equal([c["lamports"] for c in side["changes"] if c["pubkey"] == str(heir)], [node.call("getBalance", str(heir))["value"]], "what it left there")
    plain = bench.receipt(contract.functions.add(1).transact({"from": alice.address}))
    bench.equal(node.call("estuary_getSolanaSide", "0x" + bytes(plain["transactionHash"]).hex()), {"accounts": [], "changes": [], "logs": []}, "nothing of Solana's")
    bench.equal(node.call("estuary_getSolanaSide", "0x" + "01" * 32), None, "no such transaction")
    # A transaction of Solana's calls the contract.
    from solders.instruction import AccountMeta, Instruction

    faucet = Keypair.from_base58_string(node.announcement["solana"]["secretKey"])
    before = contract.functions.count().call()
    data = bytes([0, 0]) + (200_000).to_bytes(8, "little") + bytes(32) + bytes.fromhex(contract.address[2:]) + bytes.fromhex(contract.encode_abi("add", [6])[2:])
    call = Instruction(Pubkey.from_string("Ethereum11111111111111111111111111111111111"), data, [AccountMeta(faucet.pubkey(), True, True)])
    blockhash = Hash.from_string(node.call("getLatestBlockhash")["value"]["blockhash"])
    wire = bytes(Transaction([faucet], Message.new_with_blockhash([call], faucet.pubkey(), blockhash), blockhash))
    signature = node.call("sendTransaction", base64.b64encode(wire).decode(), {"encoding": "base64"})
    while not node.call("getSignatureStatuses", [signature])["value"][0]:
        time.sleep(0.01)
    bench.equal(contract.functions.count().call(), before + 6, "a program's call of a contract")
    side = node.call("estuary_getEthereumSide", signature)
    bench.equal(side["contracts"], [contract.address.lower()], "contracts that it touched")
    bench.equal([(log["address"], int(log["data"], 16)) for log in side["logs"]], [(contract.address.lower(), 6)], "what they emitted")
    bench.equal([(c["type"], c["to"], int(c["output"], 16)) for c in side["calls"]], [("CALL", contract.address.lower(), before + 6)], "their calls")
    airdrop = node.call("requestAirdrop", str(heir), 10**6)
    while not node.call("getSignatureStatuses", [airdrop])["value"][0]:
        time.sleep(0.01)
    bench.equal(node.call("estuary_getEthereumSide", airdrop), {"contracts": [], "calls": [], "logs": []}, "nothing of Ethereum's")
    # Bound to what it needs, a transaction runs; bound to less it fails.
    fields = {"to": contract.address, "gas": 100_000, "data": contract.encode_abi("add", [2])}
    access = node.call("estuary_createAccessSet", {"from": bob.address, **{**fields, "gas": hex(100_000)}})["access"]
    listed = node.call("eth_createAccessList", {"from": bob.address, **{**fields, "gas": hex(100_000)}}, "latest")["accessList"]
    slots = sorted((slot[0].lower(), int(slot[1], 16)) for name in ("readSlots", "writeSlots") for slot in access[name])
    bench.equal(slots, sorted((e["address"], int(key, 16)) for e in listed for key in e["storageKeys"]), "the same slots as eth_createAccessList")
    raw = lambda: "0x" + bytes(bench.signed(bob, **fields).raw_transaction).hex()  # noqa: E731
    bench.equal(bench.receipt(node.call("estuary_sendRawTransaction", raw(), access))["status"], 1, "bound to what it needs")
    bench.equal(bench.receipt(node.call("estuary_sendRawTransaction", raw()))["status"], 1, "bound to nothing")
    less = {**access, "writeSlots": []}
    hash = node.call("estuary_sendRawTransaction", raw(), less)
    try:
        bench.equal(bench.receipt(hash)["status"], 0, "bound to less")
    except Exception:
        bench.equal(node.call("eth_getTransactionByHash", hash), None, "bound to less it is in no block")
    bench.refuses("\"access\" has a member", "estuary_sendRawTransaction", raw(), {"slots": []}, code=-32602)


def crowd(bench):
    """500 sends at once from 30 accounts: all mined, in nonce order."""
    node, web3 = bench.node, bench.web3
    people = [Account.create() for _ in range(30)]
    for person in people:
        node.call("hardhat_setBalance", person.address, hex(10 * ETHER))
    signed = []
    for number in range(500):
        person = people[number % 30]
        signed.append(person.sign_transaction({
            "chainId": 1337, "nonce": number // 30, "gas": 100_000, "to": bench.contract.address, "value": 0,
            "data": bench.contract.encode_abi("add", [1]), "maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": GWEI}))  # fmt: skip
    random.Random(4).shuffle(signed)
    before, start = bench.contract.functions.count().call(), time.monotonic()
    failures = []

    def send(part):
        for one in part:
            try:
                node.call("eth_sendRawTransaction", "0x" + one.raw_transaction.hex().removeprefix("0x"))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=send, args=(signed[n::10],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.equal(failures, [], "500 sends")
    hashes = {"0x" + bytes(one.hash).hex() for one in signed}
    places = {bytes(one.hash): bench.receipt(one.hash) for one in signed}
    print(f"  500 transactions sent over 10 threads and mined in {time.monotonic() - start:.1f} s")
    bench.expect(all(receipt["status"] == 1 for receipt in places.values()), "all succeeded")
    bench.equal(bench.contract.functions.count().call(), before + 500, "each once")
    # The lanes: blocks hold what they should, and nobody's transaction begins before the one behind whose nonce it comes has ended.
    found, ordered = 0, True
    for entry in node.call("estuary_blocks", 1000):
        if not entry["ethereum"] or entry["number"] is None:
            continue
        lanes = node.call("estuary_lanes", entry["slot"])
        senders = {one["hash"]: one["from"] for one in node.call("eth_getBlockByNumber", entry["number"], True)["transactions"]}
        ended = {}
        for lane in sorted((lanes or {"transactions": []})["transactions"], key=lambda lane: lane["index"]):
            if lane["id"] not in hashes:
                continue
            found += 1
            sender = senders[lane["id"]]
            ordered = ordered and lane["start"] >= ended.get(sender, 0)
            ended[sender] = lane["end"]
    bench.equal(found, 500, "all are in the timelines of their blocks")
    bench.expect(ordered, "in nonce order in the lanes")
    for person in people:
        own = sorted((web3.eth.get_transaction(hash)["nonce"], receipt["blockNumber"], receipt["transactionIndex"])
                     for hash, receipt in places.items() if receipt["from"] == person.address)  # fmt: skip
        bench.expect([o[1:] for o in own] == sorted(o[1:] for o in own), "nonce order", own)


NAMES = """eth_sendRawTransaction eth_sendRawTransactionSync eth_sendTransaction eth_signTransaction eth_sign personal_sign
eth_accounts txpool_status txpool_content txpool_inspect txpool_contentFrom evm_snapshot evm_revert evm_mine evm_increaseTime
evm_setNextBlockTimestamp evm_setTime evm_setAutomine evm_setIntervalMining anvil_setBlockTimestampInterval
anvil_removeBlockTimestampInterval evm_setBlockGasLimit hardhat_mine hardhat_reset hardhat_setBalance hardhat_setNonce hardhat_setCode
hardhat_setStorageAt hardhat_impersonateAccount hardhat_stopImpersonatingAccount hardhat_dropTransaction
hardhat_setNextBlockBaseFeePerGas hardhat_setCoinbase hardhat_setPrevRandao anvil_setMinGasPrice hardhat_metadata anvil_nodeInfo
anvil_dumpState anvil_loadState anvil_autoImpersonateAccount anvil_dropAllTransactions estuary_setAccount estuary_warpToSlot
eth_subscribe eth_unsubscribe eth_getTransactionCount eth_getBlockByNumber eth_signTypedData_v4 estuary_sendRawTransaction
estuary_createAccessSet estuary_getSolanaSide estuary_getEthereumSide ots_getInternalOperations ots_getTransactionError
ots_traceTransaction ots_getBlockDetails ots_getBlockTransactions ots_searchTransactionsBefore ots_searchTransactionsAfter
ots_getTransactionBySenderAndNonce ots_getContractCreator testing_buildBlockV1 eth_getStorageValues""".split()


def fuzzing(bench, seconds):
    """Requests with parameters that mean something to others: each has an answer, and the node goes on."""
    node, generator = bench.node, random.Random(11)
    people = [one.address for one in bench.accounts] + ["0x" + "ab" * 20, "0x" + "00" * 20]
    plain = [None, True, False, 0, 1, 7, -1, 2**31, 2**53, 1.5, "", "x", "0x", "0x0", "0x1", "0x12", "0xffffffffffffffff",
             "0x" + "ff" * 32, "0x" + "00" * 32, "0x" + "f" * 65, "latest", "pending", [], {}, "11111111111111111111111111111111"]  # fmt: skip

    def value(depth=0):
        kind = generator.randrange(8)
        if kind < 4 or depth > 2:
            return generator.choice(plain)
        if kind < 6:
            return generator.choice(people)
        if kind == 6:
            return [value(depth + 1) for _ in range(generator.randrange(3))]
        names = ["from", "to", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "nonce", "data", "input", "accessList",
                 "chainId", "authorizationList", "blobVersionedHashes", "blocks", "timestamp", "lamports", "owner", "executable", "accounts"]  # fmt: skip
        return {generator.choice(names): value(depth + 1) for _ in range(generator.randrange(5))}

    count, taken, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        name = generator.choice(NAMES)
        parameters = [value() for _ in range(generator.randrange(4))]
        if name == "eth_simulateV1" and generator.random() < 0.8:
            overrides = ["number", "time", "gasLimit", "feeRecipient", "prevRandao", "baseFeePerGas", "blobBaseFee", "withdrawals", "beaconRoot"]
            blocks = [
                {"blockOverrides": {generator.choice(overrides): value(2) for _ in range(generator.randrange(3))}, "calls": [value() for _ in range(generator.randrange(2))]}
                for _ in range(generator.randrange(4))
            ]
            parameters = [{"blockStateCalls": blocks, "validation": generator.random() < 0.5}, "latest"]
        if name == "eth_sendRawTransactionSync":
            parameters = parameters[:1] + [1]
        if name == "hardhat_mine":
            parameters = [generator.choice([value(), 3])]
            parameters = [3 if isinstance(parameters[0], int) and 100 < parameters[0] <= 10_000 else parameters[0]]
        try:
            node.call(name, *parameters)
            taken += 1
        except RPCFailure as failure:
            bench.expect(failure.code < 0 or failure.code in (3, 4), f"{name} {parameters}", failure)
        count += 1
    print(f"  {count} requests, {taken} of them with a result")
    node.call("evm_setIntervalMining", 0)
    node.call("evm_setAutomine", True)
    bench.equal(node.call("getHealth"), "ok", "the node after that")


def load(node, key, faucet, confirmed, stop):
    """Sends of both dialects; notes what the node has reported, until it goes away."""
    account = Account.from_key(key)
    try:
        nonce = int(node.call("eth_getTransactionCount", account.address, "pending"), 16)
        sent = []
        while not stop.is_set():
            for _ in range(10):
                signed = account.sign_transaction({
                    "chainId": 1337, "nonce": nonce, "gas": 21000, "to": os.urandom(20), "value": 1,
                    "maxFeePerGas": 10**12, "maxPriorityFeePerGas": GWEI})  # fmt: skip
                sent.append(node.call("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x")))
                nonce += 1
            blockhash = Hash.from_string(node.call("getLatestBlockhash")["value"]["blockhash"])
            signatures = []
            for _ in range(10):
                pay = transfer(TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=Pubkey.new_unique(), lamports=10**9))
                wire = bytes(Transaction([faucet], Message.new_with_blockhash([pay], faucet.pubkey(), blockhash), blockhash))
                signatures.append(node.call("sendTransaction", base64.b64encode(wire).decode(), {"encoding": "base64", "skipPreflight": True}))
            for hash in sent[-60:]:
                receipt = node.call("eth_getTransactionReceipt", hash)
                if receipt:
                    confirmed[hash] = int(receipt["blockNumber"], 16)
            for signature, status in zip(signatures, node.call("getSignatureStatuses", signatures)["value"]):
                if status is not None:
                    confirmed[signature] = status["slot"]
    except (OSError, AssertionError, json.JSONDecodeError, ConnectionError, RPCFailure):
        pass
    except Exception as error:  # http.client's own
        if "http" not in type(error).__module__:
            raise


def missing(node, confirmed):
    gone = []
    for name, place in confirmed.items():
        if name.startswith("0x"):
            receipt = node.call("eth_getTransactionReceipt", name)
            if not receipt or int(receipt["blockNumber"], 16) != place:
                gone.append(name)
        else:
            status = node.call("getSignatureStatuses", [name], {"searchTransactionHistory": True})["value"][0]
            if status is None or status["slot"] != place:
                gone.append(name)
    return gone


def kills(folder, rounds, seconds=(0.5, 1.5)):
    def loads(node):
        faucet = Keypair.from_base58_string(node.announcement["solana"]["secretKey"])
        keys = [one["privateKey"] for one in node.announcement["ethereum"]][:3]
        return [lambda confirmed, stop, key=key: load(node, key, faucet, confirmed, stop) for key in keys]

    return kill_rounds(folder, rounds, 5, loads, missing, seconds)


def kills_while_going_back(folder, rounds):
    """`kill -9` while snapshots are taken back: the ledger opens and adds up."""
    ledger, problems = os.path.join(folder, "back"), []
    generator = random.Random(6)
    for number in range(rounds):
        node = Node(ledger, "--instant")

        def rounds_of(node):
            account = node.announcement["ethereum"][0]["address"]
            try:
                while True:
                    id = node.call("evm_snapshot")
                    for _ in range(3):
                        node.call("eth_sendTransaction", {"from": account, "to": "0x" + os.urandom(20).hex(), "value": "0x1", "gas": "0x5208"})
                    node.call("evm_revert", id)
                    node.call("evm_mine")
            except Exception:
                pass

        thread = threading.Thread(target=rounds_of, args=(node,))
        thread.start()
        time.sleep(generator.uniform(0.2, 0.8))
        node.kill()
        thread.join()
        node.log.close()
        check = subprocess.run([binary(), "ledger", "verify", "--replay", ledger], capture_output=True, text=True)
        if check.returncode != 0:
            problems.append(f"round {number}: {check.stderr}")
    print(f"kills while going back: {rounds} rounds")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--fuzz-seconds", type=float, default=5)
    parser.add_argument("--parts", help="those that are named alone; the others still end with kills")
    arguments = parser.parse_args()
    problems, passed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        ledger = os.path.join(folder, "ledger")
        with Node(ledger, "--instant") as node:
            bench = Bench(node, folder)
            parts = {part.__name__: part for part in (identity, deploying, reverts, events, types, pool, control, subscriptions,
                                                     typed_data, explorers, across)}  # fmt: skip
            parts["snapshots"] = lambda bench: snapshots(bench, arguments.rounds)
            parts["pending"] = pending
            parts["crowd"] = crowd
            parts["command_line"] = command_line
            parts["limits"] = limits
            # Last: it may leave any setting behind.
            parts["fuzzing"] = lambda bench: fuzzing(bench, arguments.fuzz_seconds)
            wanted = arguments.parts.split(",") if arguments.parts else parts
            for name, part in ((name, parts[name]) for name in wanted):
                before, start = bench.passed, time.monotonic()
                try:
                    part(bench)
                except Exception as error:
                    traceback.print_exc()
                    bench.problems.append(f"{name}: {type(error).__name__}: {error}")
                print(f"{name}: {bench.passed - before} checks, {time.monotonic() - start:.1f} s", flush=True)
        log = open(ledger + ".log").read()
        secrets = [one["privateKey"].removeprefix("0x") for one in node.announcement["ethereum"]]
        bench.expect(not any(secret in log for secret in secrets), "no key is in the log")
        check = subprocess.run([binary(), "ledger", "verify", "--replay", ledger], capture_output=True, text=True)
        bench.expect(check.returncode == 0, "the ledger after all of this", check.stderr)
        problems, passed = bench.problems, bench.passed
        problems += kills(folder, arguments.kills)
        problems += kills_while_going_back(folder, arguments.kills)
    print(f"{passed} passed, {len(problems)} failed")
    for problem in problems:
        print(f"  {problem[:600]}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
