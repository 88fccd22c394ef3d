"""What one request of Ethereum's clients may take of a node (docs/node-ethereum.md, "Limits"), for ethereum_clients.py: each limit
is reached, and one step behind it the node refuses in words that name it, and goes on."""

import json
import time

from node import RPCFailure


def looping(body):
    """PUSH0 CALLDATALOAD JUMPDEST body… PUSH1 1 SWAP1 SUB DUP1 PUSH1 2 JUMPI"""
    return "0x5f355b" + body + "6001900380600257" + "00"


ENDLESS = "0x5b5f56"  # JUMPDEST PUSH0 JUMP
LOGS = looping("5f5fa0")
GAS_LEFT = "0x5a5f5260205ff3"


def word(number):
    return "0x" + number.to_bytes(32, "big").hex()


def limits(bench):
    node = bench.node
    sender = bench.accounts[3].address
    code = lambda number, bytecode: node.call("anvil_setCode", f"0x{0x11417000 + number:040x}", bytecode)
    endless, logs, gas_left = (f"0x{0x11417000 + number:040x}" for number in range(3))
    code(0, ENDLESS), code(1, LOGS), code(2, GAS_LEFT)

    def refuses(text, method, *parameters, code=None):
        start = time.monotonic()
        bench.refuses(text, method, *parameters, code=code)
        bench.expect(time.monotonic() - start < 20, f"{method} ends", time.monotonic() - start)

    # Gas of a call, whatever it asks for; of an estimate, of a list, of all calls of a simulation.
    given = int(node.call("eth_call", {"to": gas_left, "gas": "0xffffffffffff"}, "latest"), 16)
    bench.expect(49_000_000 < given < 50_000_000, "a call's gas is capped", given)
    refuses("out of gas", "eth_call", {"to": endless, "gas": "0xffffffffffff"}, "latest", code=-32000)
    refuses("gas required exceeds allowance", "eth_estimateGas", {"to": endless}, code=-32000)
    listed = node.call("eth_createAccessList", {"to": endless, "gas": "0xffffffffffff"}, "latest")
    bench.expect("out of gas" in listed.get("error", ""), "an access list of endless code", listed)
    calls = [{"to": gas_left, "gas": hex(40_000_000)}] + [{"to": endless, "gas": hex(40_000_000)}] * 3 + [{"to": gas_left}]
    simulated = lambda: node.call("eth_simulateV1", {"blockStateCalls": [
        {"calls": calls, "blockOverrides": {"gasLimit": hex(1 << 40)}}]}, "latest")  # fmt: skip
    try:
        results = simulated()[0]["calls"]
        used = sum(int(one["gasUsed"], 16) for one in results)
        bench.expect(used <= 50_000_000, "all calls of a simulation share their gas", used)
    except RPCFailure as failure:
        bench.expect("gas" in failure.message, "all calls of a simulation share their gas", failure)

    # Blocks of a simulation, and numbers that leave gaps.
    one = {"calls": []}
    bench.equal(len(node.call("eth_simulateV1", {"blockStateCalls": [one] * 256}, "latest")), 256, "256 simulated blocks")
    refuses("too many blocks", "eth_simulateV1", {"blockStateCalls": [one] * 257}, "latest", code=-38026)
    far = hex(int(node.call("eth_blockNumber"), 16) + 257)
    refuses("too many blocks", "eth_simulateV1", {"blockStateCalls": [{"blockOverrides": {"number": far}}]}, "latest", code=-38026)

    # Traces end where the answer would be larger than 64 MiB.
    code(4, "0x6201000051505b600656")  # touches 64 KiB, then endless
    refuses("trace of more than 67108864 bytes", "debug_traceCall",
            {"to": f"0x{0x11417004:040x}", "gas": "0x2faf080"}, "latest", {"enableMemory": True})  # fmt: skip
    refuses("", "debug_traceCall", {"to": endless, "gas": "0x2faf080"}, "latest", {})  # by its size or by its time
    cut = node.call("debug_traceCall", {"to": endless, "gas": hex(200_000)}, "latest", {"limit": 100})
    bench.equal(len(cut["structLogs"]), 100, "a trace with a limit")
    # The same of simulations: 300 calls that return 250 KB each.
    code(3, "0x6203d0905ff3")
    large = [{"to": f"0x{0x11417003:040x}", "gas": hex(166_000)}] * 300
    refuses("an answer of more than 67108864 bytes", "eth_simulateV1", {"blockStateCalls": [
        {"calls": large, "blockOverrides": {"gasLimit": hex(1 << 40)}}]}, "latest", code=-38026)  # fmt: skip

    # Logs of an answer; addresses and topics of a query; blocks of one that names neither.
    base = int(node.call("eth_blockNumber"), 16)
    for count in (4_000, 4_000, 2_000):
        hash = node.call("eth_sendTransaction", {"from": sender, "to": logs, "data": word(count), "gas": hex(6_000_000)})
        bench.expect(bench.receipt(hash)["status"] == 1, "logs are made")
    query = {"fromBlock": hex(base + 1), "toBlock": "latest", "address": logs}
    bench.equal(len(node.call("eth_getLogs", query)), 10_000, "10,000 logs")
    hash = node.call("eth_sendTransaction", {"from": sender, "to": logs, "data": word(1), "gas": hex(100_000)})
    bench.receipt(hash)
    refuses("10000", "eth_getLogs", query)
    refuses("", "eth_getLogs", {**query, "address": [logs] * 1001}, code=-32602)
    refuses("", "eth_getLogs", {**query, "topics": [[word(n) for n in range(1001)]]}, code=-32602)
    refuses("", "eth_getLogs", {**query, "topics": [None] * 5}, code=-32602)

    # Slots of a proof; blocks and percentiles of a fee history.
    keys = [word(n) for n in range(1024)]
    bench.equal(len(node.call("eth_getProof", logs, keys, "latest")["storageProof"]), 1024, "1,024 slots of a proof")
    refuses("1024", "eth_getProof", logs, keys + [word(5000)], "latest")
    blocks = node.call("eth_feeHistory", "0x10000", "latest", [])
    bench.expect(len(blocks["gasUsedRatio"]) <= 1024, "a fee history", len(blocks["gasUsedRatio"]))
    refuses("", "eth_feeHistory", "0x1", "latest", [float(n) / 2 for n in range(101)])

    # Batches, bodies, nesting.
    status, answer = node.post(json.dumps([{"jsonrpc": "2.0", "id": n, "method": "eth_chainId"} for n in range(256)]).encode())
    bench.equal(len(json.loads(answer)), 256, "a batch of 256")
    status, answer = node.post(json.dumps([{"jsonrpc": "2.0", "id": n, "method": "eth_chainId"} for n in range(257)]).encode())
    bench.expect(b"Batch too large" in answer, "a batch of 257", answer[:200])
    status, _ = node.post(b"[" + b" " * (1 << 20) + b"]")
    bench.equal(status, 413, "a body of more than 1 MiB")
    status, answer = node.post(b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":' + b"[" * 50_000 + b"]" * 50_000 + b"}")
    bench.expect(b"error" in answer, "deep nesting", answer[:200])
    traced = [{"to": f"0x{0x11417004:040x}", "gas": hex(40_000)}, "latest", {"enableMemory": True, "limit": 100}]
    calls = [{"jsonrpc": "2.0", "id": n, "method": "debug_traceCall", "params": traced} for n in range(40)]
    status, answer = node.post(json.dumps(calls).encode())
    bench.expect(b"answers of more than 67108864 bytes" in answer, "the answers to a batch", answer[:200])

    # Blocks that are mined at once, time, a transaction's size.
    refuses("10000", "anvil_mine", hex(10_001))
    refuses("out of range", "evm_increaseTime", 1 << 62)
    person = bench.accounts[8]
    refuses("oversized data", "eth_sendRawTransaction", "0x" + bytes(
        bench.signed(person, data="0x" + "00" * (128 << 10), gas=10_000_000).raw_transaction).hex())  # fmt: skip

    # Filters.
    def many(method, parameters):
        """Answers of requests in batches."""
        answers = []
        for start in range(0, len(parameters), 250):
            batch = [{"jsonrpc": "2.0", "id": n, "method": method, "params": p} for n, p in enumerate(parameters[start : start + 250])]
            answers += json.loads(node.post(json.dumps(batch).encode())[1])
        return answers

    answers = many("eth_newBlockFilter", [[]] * 10_250)
    filters = [answer["result"] for answer in answers if "result" in answer]
    refused = [answer["error"] for answer in answers if "error" in answer]
    bench.expect(9_900 < len(filters) <= 10_000, "10,000 filters at most", len(filters))
    bench.expect(all("filter" in error["message"] for error in refused), "it says why", refused[:1])
    bench.expect(all(a["result"] for a in many("eth_uninstallFilter", [[name] for name in filters])), "filters go")
    bench.equal(node.call("eth_getFilterChanges", node.call("eth_newBlockFilter")), [], "there is room again")
    bench.equal(node.call("eth_chainId"), "0x539", "the node goes on")
