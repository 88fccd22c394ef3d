"""`pending` against the block that then comes: a part of ethereum_clients.py.

Code that notes what it sees of its block is called at `pending` and then sent; whatever was set of the next block and of the
clock, both have to see the same, which is what the header says."""

import os
import time

from node import Node

GWEI = 10**9
LATER = 5  # seconds that a slow machine may take between a question and the block

# TIMESTAMP, NUMBER, COINBASE, PREVRANDAO, GASLIMIT, BASEFEE: each kept in a slot and given back.
SEEN = ("timestamp", "number", "miner", "mixHash", "gasLimit", "baseFeePerGas")
OBSERVER = "0x" + "".join(
    f"{code:02x}8060{slot:02x}5560{32 * slot:02x}52" for slot, code in enumerate((0x42, 0x43, 0x41, 0x44, 0x45, 0x48))
) + "60c05ff3"


def since(time):
    """Creation code that reverts before `time`."""
    return f"0x67{time:016x}4210600f57005b5f5ffd"


def numbers(block):
    """What a header says; a pending block's names no miner."""
    return [None if block[name] is None else int(block[name], 16) for name in SEEN]


def differences(one, other):
    """Names of what differs; of times, what a slow machine does not explain."""
    found = [name for name, a, b in zip(SEEN, one, other) if a != b and a is not None and name != "timestamp"]
    if not 0 <= other[0] - one[0] <= LATER:
        found.append(f"timestamp {one[0]} then {other[0]}")
    return found


def same(bench, what):
    """The block that comes is the one that was pending."""
    node, sender = bench.node, bench.accounts[3].address
    call = {"from": sender, "data": OBSERVER, "gasPrice": hex(500 * GWEI), "gas": hex(2_000_000)}
    header = numbers(node.call("eth_getBlockByNumber", "pending", False))
    output = node.call("eth_call", call, "pending")[2:]
    seen = [int(output[64 * place : 64 * place + 64], 16) for place in range(6)]
    bench.equal(differences(header, seen), [], f"{what}: the pending block and a call in it")
    bench.expect(int(node.call("eth_estimateGas", {"from": sender, "data": since(seen[0])}, "pending"), 16) > 53_000, f"{what}: an estimate")
    # Without a limit: the node estimates.
    hash = node.call("eth_sendTransaction", {"from": sender, "data": since(seen[0])} if "time" in what else call)
    receipt = node.call("eth_getTransactionReceipt", hash)
    bench.equal(receipt["status"], "0x1", f"{what}: a transaction that needs that time")
    block = numbers(node.call("eth_getBlockByNumber", receipt["blockNumber"], False))
    bench.equal(differences(seen, block), [], f"{what}: a call at pending and the block")
    if "time" not in what:
        kept = [int(node.call("eth_getStorageAt", receipt["contractAddress"], hex(slot), "latest"), 16) for slot in range(6)]
        bench.equal(kept, block, f"{what}: what code in it saw")
    return block


def pending(bench):
    snapshot = bench.node.call("evm_snapshot")
    try:
        following(bench)
        fees(bench)
        sends(bench)
    finally:
        bench.node.call("evm_setAutomine", True)
        bench.equal(bench.node.call("evm_revert", snapshot), True, "going back")
    same(bench, "after going back")
    clocked(bench)


def following(bench):
    node, miner = bench.node, "0x" + "c0" * 20
    last = lambda: int(node.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    same(bench, "nothing set")
    wanted = last() + 7777
    node.call("evm_setNextBlockTimestamp", wanted)
    bench.equal(same(bench, "the next block's time")[0], wanted, "the time that was set")
    node.call("evm_increaseTime", 50_000)
    bench.expect(same(bench, "time increased")[0] >= wanted + 50_000, "the time that was added")
    node.call("anvil_setBlockTimestampInterval", 99)
    before = last()
    bench.equal(same(bench, "an interval of times")[0], before + 99, "the interval")
    node.call("anvil_removeBlockTimestampInterval")
    node.call("evm_setTime", wanted + 200_000)
    bench.expect(same(bench, "time set")[0] >= wanted + 200_000, "the time that was set")
    inner = node.call("evm_snapshot")
    node.call("evm_increaseTime", 10**6)
    node.call("evm_revert", inner)
    same(bench, "time taken back")
    for name, value in (("hardhat_setCoinbase", miner), ("hardhat_setPrevRandao", "0x" + "09" * 32),
                        ("evm_setBlockGasLimit", hex(31_000_000)), ("hardhat_setNextBlockBaseFeePerGas", hex(123 * GWEI))):  # fmt: skip
        node.call(name, value)
    block = same(bench, "four settings")
    bench.equal(block[2:], [int(miner, 16), int("09" * 32, 16), 31_000_000, 123 * GWEI], "what was set")
    bench.equal(node.call("eth_coinbase"), miner, "eth_coinbase")


def fees(bench):
    node = bench.node
    node.call("hardhat_setNextBlockBaseFeePerGas", hex(100 * GWEI))
    tip = int(node.call("eth_maxPriorityFeePerGas"), 16)
    bench.equal(int(node.call("eth_gasPrice"), 16), 100 * GWEI + tip, "eth_gasPrice over a base fee that was set")
    bench.equal(int(node.call("eth_feeHistory", "0x1", "latest", [])["baseFeePerGas"][-1], 16), 100 * GWEI, "eth_feeHistory")
    fields = {"from": bench.accounts[3].address, "to": bench.accounts[4].address}
    receipt = node.call("eth_getTransactionReceipt", node.call("eth_sendTransaction", {**fields, "gasPrice": node.call("eth_gasPrice")}))
    bench.equal(int(receipt["effectiveGasPrice"], 16), 100 * GWEI + tip, "a transaction at the node's price")
    number = int(receipt["blockNumber"], 16)
    history = node.call("eth_feeHistory", "0x2", hex(number - 1), [])["baseFeePerGas"]
    bench.equal(int(history[-1], 16), 100 * GWEI, "the history of what was before")
    node.call("anvil_setMinGasPrice", hex(7 * GWEI))
    bench.expect(int(node.call("eth_maxPriorityFeePerGas"), 16) >= 7 * GWEI, "the least tip is suggested")
    bench.equal(node.call("eth_getTransactionReceipt", node.call("eth_sendTransaction", fields))["status"], "0x1", "and taken")
    node.call("anvil_setMinGasPrice", "0x0")


def sends(bench):
    """With automatic blocks a send is answered when the block is there; what no block takes is answered at once."""
    node, frank = bench.node, bench.accounts[5]
    raw = lambda signed: "0x" + signed.raw_transaction.hex().removeprefix("0x")
    receipt = lambda hash: node.call("eth_getTransactionReceipt", hash)
    fields = {"from": frank.address, "to": bench.accounts[4].address}
    node.call("hardhat_setNextBlockBaseFeePerGas", hex(GWEI))
    node.call("evm_mine")
    missing = 0
    for number in range(20):
        hash = node.call("eth_sendTransaction", fields) if number % 2 else node.call("eth_sendRawTransaction", raw(bench.signed(frank)))
        missing += receipt(hash) is None
    bench.equal(missing, 0, "receipts of 20 sends")
    start, begun = bench.nonce(frank), time.monotonic()
    price = {"maxFeePerGas": 500 * GWEI}
    gapped = node.call("eth_sendRawTransaction", raw(bench.signed(frank, nonce=start + 1, **price)))
    bench.equal(receipt(gapped), None, "one behind a gap waits")
    node.call("eth_sendRawTransaction", raw(bench.signed(frank, nonce=start, **price)))
    bench.expect(receipt(gapped) is not None, "until the gap is filled")
    low = node.call("eth_sendRawTransaction", raw(bench.signed(frank, maxFeePerGas=1, maxPriorityFeePerGas=1)))
    bench.equal(receipt(low), None, "one below the base fee waits")
    node.call("hardhat_dropTransaction", low)
    node.call("evm_setAutomine", False)
    first, second = (node.call("eth_sendRawTransaction", raw(bench.signed(frank, value=value, **price))) for value in (1, 2))
    bench.equal(receipt(first), None, "without automatic blocks all wait")
    bench.expect(time.monotonic() - begun < 15, "none of these sends hangs", time.monotonic() - begun)
    # The pending block's transactions
    bench.equal(node.call("eth_getBlockTransactionCountByNumber", "pending"), "0x2", "their count")
    for place, hash in enumerate((first, second)):
        found = node.call("eth_getTransactionByBlockNumberAndIndex", "pending", hex(place))
        bench.equal((found["hash"], found["blockHash"]), (hash, None), f"transaction {place} of the pending block")
        bench.expect(len(node.call("eth_getRawTransactionByBlockNumberAndIndex", "pending", hex(place))) > 100, "and its bytes")
    bench.equal(node.call("eth_getTransactionByBlockNumberAndIndex", "pending", "0x2"), None, "no more of them")
    bench.refuses("tracing on top of pending is not supported", "debug_traceBlockByNumber", "pending", code=-32000)
    for method in ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"):
        bench.refuses("pending block is not available", method, "pending", code=-32000)
    node.call("evm_mine")
    bench.equal([receipt(hash)["status"] for hash in (first, second)], ["0x1", "0x1"], "a block has them")
    node.call("evm_setAutomine", True)


def clocked(bench):
    """The same of a node whose blocks come on a clock."""
    with Node(os.path.join(bench.folder, "clocked"), "--slot-ms", "400") as node:
        for _ in range(12):
            node.call("evm_increaseTime", 3600)
        expected = int(node.call("eth_getBlockByNumber", "pending", False)["timestamp"], 16)
        bench.expect(expected - time.time() > 12 * 3600 - LATER, "time increased on a clock", expected - time.time())
        number = int(node.call("eth_blockNumber"), 16)
        while int(node.call("eth_blockNumber"), 16) <= number:
            time.sleep(0.05)
        found = int(node.call("eth_getBlockByNumber", hex(number + 1), False)["timestamp"], 16)
        bench.expect(abs(found - expected) <= LATER, "the block on the clock", found - expected)
