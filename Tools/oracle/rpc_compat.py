"""Cases in the form of execution-apis' `rpc-compat` (a request and its exact answer), put to `estuary node`.

    rpc_compat.py [--write FOLDER]
    rpc_compat.py --cases FOLDER --genesis FILE --chain FILE [--only TEXT]

The first form makes a chain over every fork (rpc_chain.py), derives what has to be answered from its blocks, from the states after
them and by executions of Ethereum's specification (rpc_spec.py), imports the chain by `estuary evm import` and asks the node. With
--write the cases and the chain are left in FOLDER: `METHOD/NAME.io`, with `// about`, `>> request` and `<< answer`, and genesis.json
and chain.rlp. The second form puts somebody else's cases about somebody else's chain; of errors it compares code and data alone, and
of cases that say `speconly` whether there is a result.
"""

import argparse
import functools
import glob
import json
import os
import subprocess
import sys
import tempfile

from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp

from evm_blocks import number, sign
from evm_chains import unhex
from node import Node, binary
from rpc_chain import DESTRUCTOR, EMIT, ENV, GAS_LIMIT, GUZZLER, HASHES, LAST, REVERTER, STORE, TREE, Chain, asm, created, deployed, fork_at, is_since
from rpc_spec import GAS_CAP, Place, Refused, Simulator, checksummed, hx, revert_reason, words
from rpc_tries import EMPTY_CODE, EMPTY_TRIE, trie

NOBODY = "0xc1cadaffffffffffffffffffffffffffffffffff"


def word(value):
    return f"0x{value:064x}"


def integer(data):
    return int.from_bytes(data, "big")


class Cases:
    def __init__(self, chain):
        self.chain, self.cases = chain, []
        self.head = LAST
        self.transactions = {}
        for block in range(LAST + 1):
            self.read(block)

    # What the chain's parts look like

    def read(self, block):
        """The transactions of a block, with their receipts, as JSON has them."""
        entry = self.chain.blocks[block]
        header, block_hash = entry["header"], hx(self.chain.hashes[block])
        entry["json"], used, logs = [], 0, 0
        for index, (raw, receipt) in enumerate(zip(entry["body"], entry["receipts"])):
            made, encoded = self.transaction(raw, header)
            made["hash"] = hx(keccak256(encoded))
            place = {"blockHash": block_hash, "blockNumber": hex(block), "transactionIndex": hex(index)}
            made.update({**place, "blockTimestamp": hex(integer(header["timestamp"]))})
            total = int(receipt["cumulativeGasUsed"], 16)
            told = {
                **place, "transactionHash": made["hash"], "from": made["from"], "to": made["to"], "type": made["type"],
                "cumulativeGasUsed": hex(total), "gasUsed": hex(total - used), "effectiveGasPrice": made["gasPrice"],
                "contractAddress": None if made["to"] else hx(created(unhex(made["from"]), int(made["nonce"], 16))), "logsBloom": receipt["bloom"],
            }  # fmt: skip
            used = total
            if "post_state" in receipt:
                told["root"] = receipt["post_state"]
            else:
                told["status"] = "0x1" if receipt["succeeded"] else "0x0"
            if made["type"] == "0x3":
                told["blobGasUsed"] = hex(len(made["blobVersionedHashes"]) << 17)
                told["blobGasPrice"] = hex(self.blob_price(block, integer(header["excessBlobGas"])))
            told["logs"] = []
            for log in receipt["logs"]:
                told["logs"].append({**log, **place, "blockTimestamp": made["blockTimestamp"], "transactionHash": made["hash"],
                                     "logIndex": hex(logs), "removed": False})  # fmt: skip
                logs += 1
            entry["json"].append((made, told, encoded))

    @staticmethod
    def blob_price(block, excess):
        fraction = 5_007_716 if is_since(block, "prague") else 3_338_477
        i, output, part = 1, 0, fraction
        while part > 0:
            output += part
            part = part * excess // (fraction * i)
            i += 1
        return output // fraction

    def transaction(self, raw, header):
        base = integer(header["baseFeePerGas"]) if "baseFeePerGas" in header else None
        q = lambda data: hex(integer(data))  # noqa: E731
        if not isinstance(raw, bytes):
            nonce, price, gas, to, value, data, v, r, s = raw
            v_number = integer(v)
            signed = [nonce, price, gas, to, value, data] + ([number(1), b"", b""] if v_number > 28 else [])
            made = {"type": "0x0", "gasPrice": q(price), "v": q(v), "r": q(r), "s": q(s)}
            if v_number > 28:
                made["chainId"] = "0x1"
            parity = (v_number - 27) if v_number <= 28 else v_number - 37
            encoded, digest = rlp.encode(raw), keccak256(rlp.encode(signed))
        else:
            kind, fields = raw[0], rlp.decode(raw[1:])
            parity, r, s = fields[-3:]
            shift = 0 if kind == 1 else 1
            nonce, (gas, to, value, data, access) = fields[1], fields[3 + shift : 8 + shift]
            made = {"type": hex(kind), "chainId": q(fields[0]), "v": q(parity), "yParity": q(parity), "r": q(r), "s": q(s),
                    "accessList": [{"address": hx(a), "storageKeys": [hx(k) for k in keys]} for a, keys in access]}  # fmt: skip
            if kind == 1:
                made["gasPrice"] = q(fields[2])
            else:
                tip, fee = integer(fields[2]), integer(fields[3])
                made.update(maxPriorityFeePerGas=hex(tip), maxFeePerGas=hex(fee), gasPrice=hex(min(fee, base + tip)))
            if kind == 3:
                made.update(maxFeePerBlobGas=q(fields[9]), blobVersionedHashes=[hx(b) for b in fields[10]])
            if kind == 4:
                made["authorizationList"] = [
                    {"chainId": q(c), "address": hx(a), "nonce": q(n), "yParity": q(p), "r": q(ar), "s": q(sig)} for c, a, n, p, ar, sig in fields[9]]  # fmt: skip
            encoded, digest, parity = raw, keccak256(bytes([kind]) + rlp.encode(fields[:-3])), integer(parity)
        made.update({"from": self.signer(digest, parity, integer(r), integer(s)), "to": hx(to) if to else None, "gas": q(gas),
                     "input": hx(data), "nonce": q(nonce), "value": q(value)})  # fmt: skip
        return made, encoded

    @staticmethod
    def signer(digest, parity, r, s):
        from coincurve import PublicKey

        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
        public = PublicKey.from_signature_and_message(signature, bytes(digest), hasher=None).format(compressed=False)
        return hx(keccak256(public[1:])[12:])

    def header(self, header, block_hash=None):
        q = lambda name: hex(integer(header[name]))  # noqa: E731
        made = {
            "hash": block_hash or hx(self.chain.hash(header)), "parentHash": hx(header["parentHash"]), "sha3Uncles": hx(header["ommersHash"]),
            "miner": hx(header["coinbase"]), "stateRoot": hx(header["stateRoot"]), "transactionsRoot": hx(header["transactionsRoot"]),
            "receiptsRoot": hx(header["receiptsRoot"]), "logsBloom": hx(header["bloom"]), "difficulty": q("difficulty"), "number": q("number"),
            "gasLimit": q("gasLimit"), "gasUsed": q("gasUsed"), "timestamp": q("timestamp"), "extraData": hx(header["extraData"]),
            "mixHash": hx(header["mixHash"]), "nonce": hx(header["nonce"]),
        }  # fmt: skip
        for name in ("baseFeePerGas", "blobGasUsed", "excessBlobGas"):
            if name in header:
                made[name] = q(name)
        for name in ("withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash"):
            if name in header:
                made[name] = hx(header[name])
        return made

    def block(self, block, is_full):
        entry = self.chain.blocks[block]
        made = {
            **self.header(entry["header"]), "size": hex(len(self.chain.wire(entry))), "uncles": [hx(self.chain.hash(h)) for h in entry["ommers"]],
            "transactions": [t if is_full else t["hash"] for t, _, _ in entry["json"]],
        }  # fmt: skip
        if entry["withdrawals"] is not None:
            made["withdrawals"] = entry["withdrawals"]
        return made

    @functools.lru_cache  # noqa: B019
    def tries(self, block):
        """The entries of a block's state trie, and the roots of storage."""
        entries, storage = {}, {}
        for text, account in self.chain.blocks[block]["alloc"].items():
            slots = {unhex(slot): rlp.encode(number(int(value, 16))) for slot, value in account["storage"].items() if int(value, 16)}
            storage[text] = trie(slots)[0]
            entries[unhex(text)] = rlp.encode([
                number(int(account["nonce"], 16)), number(int(account["balance"], 16)), storage[text], bytes(keccak256(unhex(account["code"])))])  # fmt: skip
        return entries, storage

    def account_trie(self, block, address=None, slots=()):
        entries, storage = self.tries(block)
        if address in storage:
            account = self.chain.blocks[block]["alloc"][address]
            found = account, {unhex(slot): rlp.encode(number(int(value, 16))) for slot, value in account["storage"].items() if int(value, 16)}
        state_root, proof = trie(entries, unhex(address) if address else None)
        assert state_root == bytes(self.chain.blocks[block]["header"]["stateRoot"]), block
        if address not in storage:
            return {"address": address, "accountProof": proof, "balance": "0x0", "codeHash": hx(EMPTY_CODE), "nonce": "0x0",
                    "storageHash": hx(EMPTY_TRIE), "storageProof": [{"key": slot, "value": "0x0", "proof": []} for slot in slots]}  # fmt: skip
        account, slots_of = found
        proofs = []
        for slot in slots:
            key = int(slot, 16).to_bytes(32, "big")
            value = integer(rlp.decode(slots_of[key])) if key in slots_of else 0
            proofs.append({"key": slot if len(slot) == 66 else hex(int(slot, 16)), "value": hex(value), "proof": trie(slots_of, key)[1]})
        return {
            "address": address, "accountProof": proof, "balance": account["balance"], "nonce": account["nonce"],
            "codeHash": hx(keccak256(unhex(account["code"]))), "storageHash": hx(storage[address]), "storageProof": proofs,
        }  # fmt: skip

    # Cases

    def add(self, method, name, about, *trips):
        """Each trip: the parameters, and the result or an error (Refused); or with another method before both."""
        self.cases.append((method, name, about, [trip if isinstance(trip[0], str) else (method, *trip) for trip in trips]))

    def make(self):
        self.facts()
        self.stored()
        self.states()
        self.logs()
        self.fees()
        self.calls()
        self.traces()
        self.simulations()
        self.building()
        self.pool()
        return self.cases

    def facts(self):
        self.add("eth_blockNumber", "simple", "the number of the last block", ([], hex(LAST)))
        self.add("eth_chainId", "simple", "the chain's identity", ([], "0x1"))
        self.add("net_version", "simple", "the same as text", ([], "1"))
        self.add("eth_syncing", "simple", "a chain that is whole", ([], False))

    def stored(self):
        chain = self.chain
        for block in range(LAST + 1):
            tag, block_hash = hex(block), hx(chain.hashes[block])
            entry = chain.blocks[block]
            receipts = [receipt for _, receipt, _ in entry["json"]]
            self.add("eth_getBlockByNumber", f"block-{block}-{fork_at(block)}", f"block {block}, with transactions and with their hashes",
                     ([tag, True], self.block(block, True)), ([tag, False], self.block(block, False)))  # fmt: skip
            self.add("eth_getBlockByHash", f"block-{block}", f"block {block}", ([block_hash, True], self.block(block, True)))
            count = hex(len(receipts))
            self.add("eth_getBlockTransactionCountByNumber", f"block-{block}", "how many transactions there are", ([tag], count))
            self.add("eth_getBlockTransactionCountByHash", f"block-{block}", "how many transactions there are", ([block_hash], count))
            uncles = hex(len(entry["ommers"]))
            self.add("eth_getUncleCountByBlockNumber", f"block-{block}", "how many uncles there are", ([tag], uncles))
            self.add("eth_getBlockReceipts", f"block-{block}", "what came of the transactions", ([tag], receipts), ([block_hash], receipts))
            self.add("debug_getRawHeader", f"block-{block}", "the header's encoding", ([tag], hx(rlp.encode(chain.encode(entry["header"])))))
            self.add("debug_getRawBlock", f"block-{block}", "the block's encoding", ([tag], hx(chain.wire(entry))), ([block_hash], hx(chain.wire(entry))))
            raw = []
            for transaction, receipt, _ in entry["json"]:
                outcome = unhex(receipt["root"]) if "root" in receipt else number(int(receipt["status"], 16))
                logs = [[unhex(log["address"]), [unhex(t) for t in log["topics"]], unhex(log["data"])] for log in receipt["logs"]]
                encoded = rlp.encode([outcome, number(int(receipt["cumulativeGasUsed"], 16)), unhex(receipt["logsBloom"]), logs])
                kind = int(transaction["type"], 16)
                raw.append(hx((bytes([kind]) if kind else b"") + encoded))
            self.add("debug_getRawReceipts", f"block-{block}", "the receipts' encodings", ([tag], raw))
            for index, (transaction, receipt, encoded) in enumerate(entry["json"]):
                place, name = hex(index), f"block-{block}-transaction-{index}-type-{transaction['type'][2:]}"
                self.add("eth_getTransactionByHash", name, f"a transaction of {fork_at(block)}", ([transaction["hash"]], transaction))
                self.add("eth_getTransactionReceipt", name, f"a receipt of {fork_at(block)}", ([transaction["hash"]], receipt))
                self.add("eth_getTransactionByBlockNumberAndIndex", name, "a transaction by its place", ([tag, place], transaction))
                self.add("eth_getTransactionByBlockHashAndIndex", name, "a transaction by its place", ([block_hash, place], transaction))
                self.add("debug_getRawTransaction", name, "a transaction's encoding", ([transaction["hash"]], hx(encoded)))
        uncle = chain.blocks[12]["ommers"][0]
        told = {**self.header(uncle), "size": hex(len(rlp.encode([chain.encode(uncle), [], []]))), "uncles": []}
        self.add("eth_getUncleByBlockNumberAndIndex", "uncle", "the uncle of block 12", (["0xc", "0x0"], told), (["0xc", "0x1"], None))
        self.add("eth_getUncleByBlockHashAndIndex", "uncle", "the uncle of block 12", ([hx(chain.hashes[12]), "0x0"], told))
        for tag in ("latest", "safe", "finalized"):
            self.add("eth_getBlockByNumber", tag, f"the block with the tag {tag}", ([tag, False], self.block(LAST, False)))
        self.add("eth_getBlockByNumber", "earliest", "the first block", (["earliest", True], self.block(0, True)))
        nothing = word(0xDEADBEEF)
        self.add("eth_getBlockByNumber", "not-found", "a block that there is not", ([hex(1000), True], None))
        self.add("eth_getBlockByHash", "not-found", "blocks that there are not", ([nothing, True], None), ([word(0), True], None))
        self.add("eth_getBlockReceipts", "not-found", "blocks that there are not", ([nothing], None), ([hex(LAST + 1)], None), ([word(0)], None))
        self.add("eth_getTransactionByHash", "not-found", "transactions that there are not", ([nothing], None), ([word(0)], None))
        self.add("eth_getTransactionReceipt", "not-found", "transactions that there are not", ([nothing], None), ([word(0)], None))
        self.add("eth_getTransactionByBlockNumberAndIndex", "not-found", "behind the last transaction", (["0x1", "0xff"], None))
        self.add("debug_getRawTransaction", "not-found", "a transaction that there is not", ([nothing], "0x"))
        for method in ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"):
            self.add(method, "invalid-number", "a number without 0x", (["2"], Refused(-32602, "invalid argument 0: hex string without 0x prefix")))
        self.add("debug_getRawTransaction", "invalid-hash", "a hash without 0x", (["10" + 62 * "0"], Refused(
            -32602, "invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type common.Hash")))  # fmt: skip

    def states(self):
        for block in (0, 1, 4, 9, 14, 17, 19, 21, 24, 28, LAST):
            alloc, tag = self.chain.blocks[block]["alloc"], hex(block)
            balances, nonces, codes, slots, proofs = [], [], [], [], []
            for text, account in sorted(alloc.items()):
                balances.append(([text, tag], account["balance"]))
                nonces.append(([text, tag], account["nonce"]))
                codes.append(([text, {"blockHash": hx(self.chain.hashes[block])}], account["code"]))
                keys = sorted(account["storage"])[:3]
                for slot in keys:
                    slots.append(([text, slot, tag], word(int(account["storage"][slot], 16))))
                proofs.append(([text, [*keys, "0x1"], tag], self.account_trie(block, text, [*keys, "0x1"])))
            name = f"block-{block}"
            self.add("eth_getBalance", name, "every account's balance after a block", *balances)
            self.add("eth_getTransactionCount", name, "every account's nonce after a block", *nonces)
            self.add("eth_getCode", name, "every account's code after a block, which is named by its hash", *codes)
            self.add("eth_getStorageAt", name, "slots after a block", *slots)
            self.add("eth_getProof", name, "every account proved, with slots", *proofs, ([NOBODY, ["0x0"], tag], self.account_trie(block, NOBODY, ["0x0"])))
        nobody = [NOBODY, "latest"]
        self.add("eth_getBalance", "unknown", "an account that there is not", (nobody, "0x0"), ([NOBODY], "0x0"))
        self.add("eth_getTransactionCount", "unknown", "an account that there is not", (nobody, "0x0"))
        self.add("eth_getCode", "unknown", "an account that there is not", (nobody, "0x"))
        self.add("eth_getStorageAt", "unknown", "an account that there is not", ([NOBODY, "0x1", "latest"], word(0)))
        self.add("eth_getStorageAt", "invalid-key", "keys that are none",
                 ([NOBODY, "0xasdf", "latest"], Refused(-32602, "unable to decode storage key: hex string invalid")),
                 ([NOBODY, "0x" + 65 * "0", "latest"], Refused(-32602, "unable to decode storage key: hex string too long, want at most 32 bytes")))  # fmt: skip
        emit, store = self.chain.alloc[hx(EMIT)]["storage"], self.chain.alloc[hx(STORE)]["storage"]
        counts = {hx(EMIT): [word(int(emit[word(0)], 16))], hx(STORE): [word(int(store.get(word(slot), "0x0"), 16)) for slot in range(3)]}
        asked = {hx(EMIT): [word(0)], hx(STORE): [word(slot) for slot in range(3)]}
        self.add("eth_getStorageValues", "many", "slots of several accounts", ([asked, "latest"], counts), ([asked], counts),
                 ([{NOBODY: [word(1)]}, "latest"], {NOBODY: [word(0)]}), ([{}, "latest"], Refused(-32602, "empty request")))  # fmt: skip
        self.add("eth_getBalance", "future", "a block that there is not", ([hx(EMIT), hex(LAST + 1)], Refused(-32000, "header not found")))

    def logs(self):
        everything = [log for entry in self.chain.blocks for _, receipt, _ in entry["json"] for log in receipt["logs"]]

        def wanted(first, last, address=None, topics=()):
            return [log for log in everything if first <= int(log["blockNumber"], 16) <= last and (address is None or log["address"] in address)
                    and len(topics) <= len(log["topics"]) and all(not t or log["topics"][i] in t for i, t in enumerate(topics))]  # fmt: skip

        event, emit = everything[0]["topics"][0], hx(EMIT)
        second = wanted(5, 5, [emit])[0]["topics"][1]
        both = {"fromBlock": "0x0", "toBlock": hex(LAST)}
        self.add("eth_getLogs", "no-topics", "all logs of some blocks", ([{"fromBlock": "0x1", "toBlock": "0x3"}], wanted(1, 3)), ([both], everything))
        self.add("eth_getLogs", "address", "logs of a contract", ([{**both, "address": emit}], wanted(0, LAST, [emit])),
                 ([{**both, "address": [emit, NOBODY]}], wanted(0, LAST, [emit])), ([{**both, "address": NOBODY}], []))  # fmt: skip
        self.add("eth_getLogs", "topics", "logs with topics", ([{**both, "topics": [[event], [second]]}], wanted(0, LAST, None, [[event], [second]])),
                 ([{**both, "topics": [None, second]}], wanted(0, LAST, None, [[], [second]])), ([{**both, "topics": [event, None, None]}], []))  # fmt: skip
        block_hash = hx(self.chain.hashes[7])
        self.add("eth_getLogs", "block-hash", "logs of a block by its hash", ([{"blockHash": block_hash}], wanted(7, 7)),
                 ([{"blockHash": block_hash, "topics": [event]}], wanted(7, 7, None, [[event]])), ([{}], wanted(LAST, LAST)),
                 ([{"blockHash": word(1)}], Refused(-32000, "unknown block")))  # fmt: skip
        beyond = Refused(-32602, "block range extends beyond current head block")
        self.add("eth_getLogs", "ranges", "ranges that are none",
                 ([{"fromBlock": hex(LAST - 3), "toBlock": hex(LAST + 2)}], beyond), ([{"fromBlock": hex(LAST + 2), "toBlock": hex(LAST + 4)}], beyond),
                 ([{"fromBlock": hex(LAST + 2), "toBlock": "latest"}], Refused(-32602, "invalid block range params")),
                 ([{"fromBlock": "0x9", "toBlock": "0x6"}], Refused(-32602, "invalid block range params")),
                 ([{"blockHash": block_hash, "fromBlock": "0x3"}], Refused(
                     -32602, "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")))  # fmt: skip

    def fees(self):
        def history(count, newest, percentiles):
            oldest = max(newest - count + 1, 0)
            blocks = [self.chain.blocks[n] for n in range(oldest, newest + 1)]
            read = lambda entry, name: integer(entry["header"].get(name, b""))  # noqa: E731
            after = newest + 1
            fees = [read(e, "baseFeePerGas") for e in blocks] + [self.chain.next_base_fee(blocks[-1]["header"]) if is_since(after, "london") else 0]
            blob = [self.blob_price(n, integer(self.chain.blocks[n]["header"]["excessBlobGas"])) if is_since(n, "cancun") else 0
                    for n in range(oldest, newest + 1)]  # fmt: skip
            blob.append(self.next_blob_price(newest) if is_since(after, "cancun") else 0)
            limits = [(9 if is_since(n, "prague") else 6) << 17 for n in range(oldest, newest + 1)]
            made = {
                "oldestBlock": hex(oldest), "baseFeePerGas": [hex(f) for f in fees], "baseFeePerBlobGas": [hex(f) for f in blob],
                "gasUsedRatio": [read(e, "gasUsed") / read(e, "gasLimit") for e in blocks],
                "blobGasUsedRatio": [read(e, "blobGasUsed") / limit for e, limit in zip(blocks, limits)],
            }  # fmt: skip
            if percentiles:
                made["reward"] = []
                for entry in blocks:
                    base = read(entry, "baseFeePerGas")
                    tips = sorted((int(r["effectiveGasPrice"], 16) - base, int(r["gasUsed"], 16)) for _, r, _ in entry["json"])
                    row = []
                    for percentile in percentiles:
                        threshold, total, at = int(read(entry, "gasUsed") * percentile / 100), tips[0][1] if tips else 0, 0
                        while tips and total < threshold and at < len(tips) - 1:
                            at += 1
                            total += tips[at][1]
                        row.append(hex(tips[at][0]) if tips else "0x0")
                    made["reward"].append(row)
            return made

        for count, newest, percentiles in [(1, 16, [95, 99]), (4, 17, []), (3, 23, [0, 50, 100]), (20, LAST, [10]), (100, 9, [50])]:
            self.add("eth_feeHistory", f"{count}-to-{newest}", "what blocks cost", ([hex(count), hex(newest), percentiles], history(count, newest, percentiles)))
        self.add("eth_feeHistory", "beyond", "a block that there is not", (["0x1", hex(LAST + 7), []], Refused(
            -32000, f"request beyond head block: requested {LAST + 7}, head {LAST}")))  # fmt: skip
        self.add("eth_blobBaseFee", "simple", "what a unit of blob gas costs", ([], hex(self.blob_price(LAST, integer(self.chain.blocks[LAST]["header"]["excessBlobGas"])))))

    def next_blob_price(self, block):
        header = self.chain.blocks[block]["header"]
        excess, used = (integer(header.get(name, b"")) for name in ("excessBlobGas", "blobGasUsed"))
        after = block + 1
        target = (6 if is_since(after, "prague") else 3) << 17
        base = integer(header["baseFeePerGas"])
        if excess + used < target:
            return self.blob_price(after, 0)
        # EIP-7918: where execution costs more than blobs.
        if is_since(after, "osaka") and 8192 * base > (1 << 17) * self.blob_price(after, excess):
            return self.blob_price(after, excess + used * (9 - 6) // 9)
        return self.blob_price(after, excess + used - target)

    # Executions

    def calls(self):
        place = Place(self.chain)
        a, f = hx(self.chain.people[0].address), hx(self.chain.people[5].address)
        base = integer(place.block["header"]["baseFeePerGas"])
        emit, reverter, env, store, tree = hx(EMIT), hx(REVERTER), hx(ENV), hx(STORE), hx(TREE)

        def answer(fields, overrides=None):
            try:
                done = place.call(fields, overrides)
            except Refused as refused:
                return Refused(-32000, refused.text)
            if done.error is None:
                return hx(done.output)
            return self.failure(done)

        def case(name, about, fields, *rest):
            self.add("eth_call", name, about, ([fields, "latest", *rest], answer(fields, *rest)))

        case("environment", "what a contract sees without prices", {"to": env})
        case("environment-1559", "what a contract sees with prices", {
            "from": a, "to": env, "gas": "0xea60", "maxFeePerGas": hex(base + 1), "maxPriorityFeePerGas": "0xb", "value": "0x17"})  # fmt: skip
        case("environment-gas-price", "what a contract sees with a gas price", {"from": a, "to": env, "gas": "0xea60", "gasPrice": hex(base + 5)})
        case("store", "a slot", {"to": store, "input": word(1) + word(9)[2:]})
        case("data", "`data` in place of `input`", {"to": store, "data": word(2) + word(9)[2:]})
        case("delegated", "an account with delegated code", {"from": a, "to": f, "input": "0x01"})
        case("panic", "a revert with Panic(1)", {"to": reverter, "input": "0x00", "gas": "0x186a0"})
        case("error", "a revert with Error(string)", {"to": reverter, "input": "0x01", "gas": "0x186a0"})
        case("custom", "a revert with a custom error", {"to": reverter, "input": "0x02", "gas": "0x186a0"})
        case("invalid", "an invalid opcode", {"to": reverter, "input": "0x03", "gas": "0x186a0"})
        case("out-of-gas", "endless code", {"to": hx(GUZZLER), "gas": "0x186a0"})
        case("creation", "a creation", {"from": a, "input": hx(deployed(b"\x60\x01"))})
        case("unfunded", "a sender that has nothing", {"from": NOBODY, "to": emit})
        case("value", "value that there is not", {"from": NOBODY, "to": emit, "value": "0x1"})
        case("precompile", "the identity", {"to": hx(bytes(19) + b"\x04"), "input": "0x0102"})
        case("blockhash", "the hash of a block", {"to": hx(HASHES), "input": word(LAST - 2)})
        case("blockhash-own", "the hash of the block itself, which it does not know", {"to": hx(HASHES), "input": word(LAST)})
        case("access-list", "slots that are warm", {"from": a, "to": tree, "gas": hex(700_000), "accessList": [{"address": emit, "storageKeys": [word(0)]}]})
        case("nothing", "no code", {"from": a, "to": NOBODY})
        case("overridden-code", "code in place of the account's", {"to": NOBODY}, {NOBODY: {"code": hx(asm("42 0 MSTORE 32 0 RETURN"))}})
        case("overridden-balance", "a balance in place of the account's", {"from": NOBODY, "to": emit, "value": "0x9"}, {NOBODY: {"balance": "0xa"}})
        case("overridden-state", "slots in place of all", {"to": store, "input": word(1) + word(0)[2:]}, {store: {"state": {word(2): word(5)}}})
        case("overridden-slots", "a slot in place of another", {"to": store, "input": word(1) + word(0)[2:]}, {store: {"stateDiff": {word(1): word(77)}}})
        old = [("berlin", 13, "access list tx", {"accessList": []}), ("cancun", 22, "blob tx", {"blobVersionedHashes": [word(1)]}),
               ("cancun-fee", 22, "blob tx", {"maxFeePerBlobGas": "0x1"}),
               ("prague", 25, "setcode tx", {"authorizationList": [{"chainId": "0x1", "address": emit, "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1"}]})]  # fmt: skip
        for name, first, kind, fields in old:
            fields = {"from": a, "to": emit, **fields}
            text = f"transaction type not supported: {kind} (sender {checksummed(unhex(a))})"
            self.add("eth_call", f"before-{name}", "a type that the block's fork does not know", ([fields, hex(first - 1)], Refused(
                -32000, f"err: {text} (supplied gas {GAS_CAP})")))  # fmt: skip
            limit = GAS_LIMIT if first < 16 else GAS_CAP
            self.add("eth_estimateGas", f"before-{name}", "a type that the block's fork does not know", ([fields, hex(first - 1)], Refused(
                -32000, f"failed with {limit} gas: {text}")))  # fmt: skip
        early = Refused(-32000, "maxFeePerGas and maxPriorityFeePerGas are not valid before London is active")
        for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
            self.add(method, "before-london", "prices that the block's fork does not know", ([{"from": a, "to": emit, "maxFeePerGas": "0x0"}, "0xe"], early))
        self.add("eth_call", "blob-fee", "a blob fee without blobs", ([{"from": a, "to": NOBODY, "maxFeePerBlobGas": "0x1"}, "latest"], "0x"))

        def estimate(name, about, fields):
            found = place.estimate(fields)
            self.add("eth_estimateGas", name, about, ([fields], hex(found) if isinstance(found, int) else self.failure(found)))

        estimate("transfer", "a transfer", {"from": a, "to": NOBODY, "value": "0x1"})
        estimate("emit", "a contract that writes and logs", {"from": a, "to": emit, "input": "0x010203"})
        estimate("tree", "calls in calls", {"from": a, "to": tree, "input": "0x01"})
        estimate("clears", "a slot that is cleared", {"from": a, "to": store, "input": word(1) + word(0)[2:]})
        estimate("floor", "the floor of calldata", {"from": a, "to": NOBODY, "input": "0x" + 500 * "ff"})
        estimate("creation", "a creation", {"from": a, "input": hx(deployed(asm("1 POP")))})
        estimate("revert", "a call that reverts", {"from": a, "to": reverter, "input": "0x01"})
        authorization = {"chainId": "0x1", "address": emit, "nonce": "0x0", "yParity": "0x0", "r": hex(0x1111), "s": hex(0x2222)}
        estimate("authorization", "an authorization", {"from": a, "to": NOBODY, "authorizationList": [authorization]})

        def listed(name, about, fields):
            found, done = place.access_list(fields)
            made = {"accessList": found, "gasUsed": hex(done.used)}
            if done.error is not None:
                made["error"] = words(done.error)
            self.add("eth_createAccessList", name, about, ([fields, "latest"], made))

        listed("transfer", "a transfer", {"from": a, "to": NOBODY, "value": "0xa"})
        listed("emit", "a contract that writes", {"from": a, "to": emit, "gas": hex(200_000), "gasPrice": hex(base), "input": "0x010203040506"})
        listed("emit-1559", "the same with fees", {"from": a, "to": emit, "gas": hex(200_000), "maxFeePerGas": hex(base + 9), "maxPriorityFeePerGas": "0x3", "input": "0x01"})
        listed("tree", "calls in calls", {"from": a, "to": tree, "gas": hex(700_000)})
        listed("revert", "a call that reverts", {"to": reverter, "gas": "0x186a0", "input": "0x01"})
        listed("unfunded", "a sender that has nothing", {"from": NOBODY, "to": hx(bytes([0xAB]) * 20)})

    def failure(self, done):
        text = words(done.error)
        if text != "execution reverted":
            return Refused(-32000, text)
        reason = revert_reason(done.output)
        refused = Refused(3, text if reason is None else f"{text}: {reason}")
        refused.data = hx(done.output)
        return refused

    def traces(self):
        place = Place(self.chain)
        a = hx(self.chain.people[0].address)
        for name, fields in [
            ("emit", {"to": hx(EMIT), "input": "0x01"}), ("revert", {"to": hx(REVERTER), "input": "0x01"}), ("tree", {"to": hx(TREE), "input": "0x02", "value": "0x1"}),
            ("destructor", {"to": hx(DESTRUCTOR)}), ("creation", {"input": hx(deployed(asm("1 POP")))}),
        ]:  # fmt: skip
            if name == "destructor" and int(self.chain.alloc[hx(DESTRUCTOR)]["balance"], 16) == 0:
                continue
            fields = {"from": a, "gas": hex(900_000), **fields}
            done = place.call(fields)
            tree = {**done.tree, "gas": fields["gas"], "gasUsed": hex(done.used)}
            self.add("debug_traceCall", f"calltracer-{name}", "a call as a tree of calls", ([fields, "latest", {"tracer": "callTracer"}], tree))
            if "calls" in tree:
                top = {key: value for key, value in tree.items() if key != "calls"}
                self.add("debug_traceCall", f"calltracer-top-{name}", "the outermost call alone", (
                    [fields, "latest", {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}], top))  # fmt: skip
        nothing = Refused(-32000, f"block #{LAST + 99} not found")
        self.add("debug_traceCall", "not-found", "a block that there is not", ([{"to": hx(EMIT)}, hex(LAST + 99), {"tracer": "callTracer"}], nothing))
        self.add("debug_traceBlockByNumber", "genesis", "the first block", (["0x0"], Refused(-32000, "genesis is not traceable")))
        self.add("debug_traceBlockByNumber", "invalid-number", "a number without 0x", (["3"], Refused(-32602, "invalid argument 0: hex string without 0x prefix")))
        self.add("debug_traceBlockByHash", "not-found", "a block that there is not", ([word(1)], Refused(-32000, f"block {word(1)} not found")))
        self.add("debug_traceTransaction", "not-found", "a transaction that there is not", ([word(1)], Refused(-32000, "transaction not found")))
        # The places of logs are the block's.
        for block in (11, 21, LAST):
            for transaction, receipt, _ in self.chain.blocks[block]["json"]:
                if not receipt["logs"] or transaction["to"] != hx(EMIT):
                    continue
                made = {
                    "from": transaction["from"], "to": transaction["to"], "gas": transaction["gas"], "gasUsed": receipt["gasUsed"],
                    "input": transaction["input"], "value": transaction["value"], "type": "CALL",
                    "logs": [{"address": log["address"], "topics": log["topics"], "data": log["data"], "index": log["logIndex"], "position": "0x0"}
                             for log in receipt["logs"]],
                }  # fmt: skip
                self.add("debug_traceTransaction", f"calltracer-logs-{block}-{transaction['transactionIndex']}", "logs have their places in the block", (
                    [transaction["hash"], {"tracer": "callTracer", "tracerConfig": {"withLog": True}}], made))  # fmt: skip

    # Simulated blocks

    def simulate(self, name, about, options, tag="latest", block=None):
        try:
            simulator = Simulator(self.chain, options, block)
            made = [self.simulated(*part, options) for part in simulator.run()]
        except Refused as refused:
            made = refused
        self.add("eth_simulateV1", name, about, ([options, tag], made))

    def simulated(self, header, executed, withdrawals, options):
        block_hash, block = hx(self.chain.hash(header)), header["number"]
        body, calls, transactions, logs = [], [], [], 0
        place = {"blockHash": block_hash, "blockNumber": hex(integer(block)), "blockTimestamp": hex(integer(header["timestamp"]))}
        for index, done in enumerate(executed):
            encoded = done.request.encoded()
            body.append(encoded if encoded[0] < 0x80 else rlp.decode(encoded))
            transaction_hash = hx(keccak256(encoded))
            told = []
            for log in done.logs:
                told.append({"address": hx(log.address), "topics": [hx(t) for t in log.topics], "data": hx(log.data), "transactionHash": transaction_hash,
                             **place, "transactionIndex": hex(index), "logIndex": hex(logs), "removed": False})  # fmt: skip
                logs += 1
            call = {"returnData": hx(done.output if done.error is None else b""), "logs": told, "gasUsed": hex(done.used), "maxUsedGas": hex(done.most),
                    "status": "0x1" if done.error is None else "0x0"}  # fmt: skip
            if done.error is not None:
                failure = self.failure(done)
                if failure.code == 3:
                    call["error"] = {"code": 3, "message": failure.text, "data": failure.data}
                else:
                    call["error"] = {"code": -32015, "message": failure.text}
            calls.append(call)
            if options.get("returnFullTransactions"):
                request = done.request
                transaction = {
                    **place, "transactionIndex": hex(index), "hash": transaction_hash, "from": hx(request.sender), "to": hx(request.to) if len(request.to) else None,
                    "gas": hex(request.gas), "input": hx(request.data), "nonce": hex(request.nonce), "value": hex(request.value), "type": "0x2", "chainId": "0x1",
                    "accessList": [{"address": hx(e.account), "storageKeys": [hx(s) for s in e.slots]} for e in request.access],
                    "maxFeePerGas": hex(request.fee), "maxPriorityFeePerGas": hex(request.tip), "v": "0x0", "r": "0x0", "s": "0x0", "yParity": "0x0",
                    "gasPrice": hex(min(request.fee, integer(header["baseFeePerGas"]) + request.tip)),
                }  # fmt: skip
                if request.blobs:
                    transaction.update(type="0x3", maxFeePerBlobGas=hex(request.blob_fee), blobVersionedHashes=[hx(b) for b in request.blobs])
                transactions.append(transaction)
            else:
                transactions.append(transaction_hash)
        entry = {"header": header, "body": body, "ommers": [], "withdrawals": withdrawals}
        return {**self.header(header), "size": hex(len(self.chain.wire(entry))), "uncles": [], "withdrawals": withdrawals, "transactions": transactions, "calls": calls}

    def simulations(self):
        c0, c1, c2 = ("0x" + digit + 38 * "0" for digit in ("c0", "c1", "c2"))
        emit, store, env, reverter = hx(EMIT), hx(STORE), hx(ENV), hx(REVERTER)
        rich = {c0: {"balance": hex(10**20)}}
        person, f = hx(self.chain.people[1].address), hx(self.chain.people[5].address)
        code42, code1 = hx(asm("42 0 MSTORE 32 0 RETURN")), hx(asm("1 0 MSTORE 32 0 RETURN"))
        send = {"from": c0, "to": c1, "value": "0x3e8"}

        def one(name, about, block, tag="latest", at=None, **options):
            self.simulate(name, about, {"blockStateCalls": [block], **options}, tag, at)

        def many(name, about, *blocks, **options):
            self.simulate(name, about, {"blockStateCalls": list(blocks), **options})

        one("empty", "a block without anything", {}, returnFullTransactions=True)
        one("empty-validated", "the same with the chain's rules", {}, validation=True, returnFullTransactions=True)
        self.simulate("nothing", "no block", {"blockStateCalls": []})
        one("block-before", "over the block before the last", {}, hex(LAST - 1), LAST - 1)
        many("two-empty", "two blocks", {}, {})
        one("transfers", "transfers one after the other", {"stateOverrides": {c0: {"balance": "0x3e8"}}, "calls": [send, {"from": c1, "to": c2, "value": "0x3e8"}]})
        one("transfers-as-logs", "the same with logs of value", {"stateOverrides": {c0: {"balance": "0x3e8"}}, "calls": [send, {"from": c1, "to": c2, "value": "0x3e8"}]},
            traceTransfers=True)  # fmt: skip
        one("no-funds", "value that there is not", {"calls": [send]})
        one("no-sender", "a call without anything", {"calls": [{}]})
        one("only-from", "a call that names its sender alone", {"calls": [{"from": c0}]})
        one("only-from-to", "a call that names both ends alone", {"calls": [{"from": c0, "to": c1}]}, returnFullTransactions=True)
        validated = {"blockOverrides": {"baseFeePerGas": "0xf"}, "stateOverrides": rich}
        fees = {"from": c0, "to": c1, "maxFeePerGas": "0x10", "maxPriorityFeePerGas": "0x1", "value": "0x9"}
        one("validated", "with the chain's rules", {**validated, "calls": [fees, {**fees, "to": emit, "input": "0x01"}]}, validation=True, returnFullTransactions=True)
        one("base-fee-too-high", "less than the base fee is offered", {**validated, "calls": [{**fees, "maxFeePerGas": "0xe", "maxPriorityFeePerGas": "0x0"}]}, validation=True)
        one("base-fee-not-checked", "the same without the chain's rules", {"blockOverrides": {"baseFeePerGas": "0xa"}, "calls": [
            {"from": c1, "to": c1, "maxFeePerGas": "0x0", "maxPriorityFeePerGas": "0x0"}]})  # fmt: skip
        one("gas-and-value", "gas and value are more than there is", {**validated, "stateOverrides": {c0: {"balance": hex(10**6)}}, "calls": [fees]}, validation=True)
        one("gas-too-low", "less gas than every transaction needs", {"calls": [{"from": c0, "to": c1, "gas": "0x5207"}]})
        one("gas-none", "no gas", {"calls": [{"from": c0, "to": c1, "gas": "0x0"}]})
        one("nonce-too-low", "a nonce that was used", {**validated, "stateOverrides": {c0: {"balance": hex(10**20), "nonce": "0xa"}}, "calls": [{**fees, "nonce": "0x0"}]}, validation=True)
        one("nonce-too-high", "a nonce that is to come", {**validated, "calls": [{**fees, "nonce": "0x64"}]}, validation=True)
        one("nonce-not-checked", "nonces without the chain's rules", {"stateOverrides": {c0: {"nonce": "0xa"}}, "calls": [
            {"from": c0, "to": c1, "nonce": "0x0"}, {"from": c0, "to": c1, "nonce": "0x64"}, {"from": c0, "to": c1}]})  # fmt: skip
        one("nonce-overflow", "the highest nonce", {"stateOverrides": {c0: {"nonce": "0xffffffffffffffff"}}, "calls": [{"from": c0, "to": c1}, {"from": c0, "to": c1}]})
        one("nonce-overflow-validated", "the highest nonce, with the chain's rules", {**validated, "stateOverrides": {c0: {"balance": hex(10**20), "nonce": hex(2**64 - 1)}},
            "calls": [fees]}, validation=True)  # fmt: skip
        one("sender-is-contract", "a contract that sends, with the chain's rules", {**validated, "stateOverrides": {c0: {"balance": hex(10**20), "code": code1}}, "calls": [fees]},
            validation=True)  # fmt: skip
        one("block-gas", "more gas than the block has", {"blockOverrides": {"gasLimit": hex(100_000)}, "calls": [
            {"from": c0, "to": emit, "input": "0x01"}, {"from": c0, "to": emit, "gas": hex(90_000)}]})  # fmt: skip
        one("block-gas-left", "what is left is what a call has", {"blockOverrides": {"gasLimit": hex(100_000)}, "calls": [
            {"from": c0, "to": emit, "input": "0x01"}, {"from": c0, "to": hx(GUZZLER)}]})  # fmt: skip
        many("budget", "all calls together have the most gas", {"calls": [{"from": c0, "to": reverter, "input": "0x03", "gas": hex(30_000_000)}]},
             {"calls": [{"from": c0, "to": reverter, "input": "0x03", "gas": hex(15_000_000)}, {"from": c0, "to": env}]}, returnFullTransactions=True)  # fmt: skip
        many("numbers", "numbers and times go on", {"blockOverrides": {"number": hex(LAST + 10), "time": hex(10 * LAST + 500)}}, {}, {},
             {"blockOverrides": {"number": hex(LAST + 15)}}, {})  # fmt: skip
        many("number-order", "numbers that go back", {"blockOverrides": {"number": hex(LAST + 9)}}, {"blockOverrides": {"number": hex(LAST + 8)}})
        one("number-of-the-chain", "a number that there is already", {"blockOverrides": {"number": hex(LAST)}})
        many("number-gap", "a number that the blocks in between have taken", {"blockOverrides": {"number": hex(LAST + 2)}}, {}, {"blockOverrides": {"number": hex(LAST + 3)}})
        one("too-many-blocks", "too many blocks in between", {"blockOverrides": {"number": hex(LAST + 257)}})
        many("time-order", "times that stand still", {"blockOverrides": {"time": hex(10 * LAST + 12)}}, {"blockOverrides": {"time": hex(10 * LAST + 12)}})
        one("time-of-the-chain", "a time that has been", {"blockOverrides": {"time": hex(10 * LAST)}})
        one("all-overrides", "everything of a block", {"blockOverrides": {"number": hex(LAST + 3), "time": hex(10 * LAST + 100), "gasLimit": hex(20_000_000), "feeRecipient": c2,
            "prevRandao": word(0xC3), "baseFeePerGas": "0x3ef", "beaconRoot": word(0xBEAC)}, "calls": [{"from": c0, "to": env}]})  # fmt: skip
        many("recipient-stays", "fee recipient and gas limit go on to later blocks", {"blockOverrides": {"feeRecipient": c2, "gasLimit": hex(10_000_000)}}, {"calls": [{"to": env}]})
        one("recipient-is-paid", "the fee recipient gets the tip", {"blockOverrides": {"feeRecipient": c2, "baseFeePerGas": "0xa"}, "stateOverrides": rich, "calls": [
            {"from": c0, "to": c1, "maxFeePerGas": "0x14", "maxPriorityFeePerGas": "0x5"}]}, validation=True)  # fmt: skip
        one("withdrawals", "withdrawals", {"blockOverrides": {"withdrawals": [{"index": "0x1", "validatorIndex": "0x2", "address": c1, "amount": "0x5"}]}})
        one("logs", "logs of contracts", {"calls": [{"from": c0, "to": emit, "input": "0x01"}, {"from": c0, "to": emit, "input": "0x02"}]})
        one("reverts", "calls that fail", {"calls": [{"from": c0, "to": reverter, "input": f"0x0{kind}", "gas": "0x186a0"} for kind in range(5)]})
        one("reverts-as-logs", "logs of calls that fail are none", {"stateOverrides": rich, "calls": [
            {"from": c0, "to": reverter, "input": "0x01", "value": "0x1", "gas": "0x186a0"}, {**send}]}, traceTransfers=True)  # fmt: skip
        one("tree-as-logs", "value that moves in calls of calls", {"stateOverrides": rich, "calls": [{"from": c0, "to": hx(TREE), "value": "0x7", "gas": hex(900_000)}]}, traceTransfers=True)
        one("destructor-as-logs", "value that an end leaves", {"stateOverrides": {c2: {"code": hx(asm("CALLER SELFDESTRUCT")), "balance": "0x1e8480"}}, "calls": [
            {"from": c0, "to": c2}]}, traceTransfers=True)  # fmt: skip
        many("slots", "slots that are written and read in later blocks", {"calls": [{"from": c0, "to": store, "input": word(5) + word(6)[2:]}]},
             {"calls": [{"from": c0, "to": store, "input": word(5) + word(7)[2:]}, {"from": c0, "to": store, "input": word(5) + word(0)[2:]}]})  # fmt: skip
        one("slots-overridden", "a slot in place of another", {"stateOverrides": {store: {"stateDiff": {word(1): word(77)}}}, "calls": [{"from": c0, "to": store, "input": word(1) + word(1)[2:]}]})
        one("slots-replaced", "slots in place of all", {"stateOverrides": {store: {"state": {word(3): word(42)}}}, "calls": [
            {"from": c0, "to": store, "input": word(1) + word(0)[2:]}, {"from": c0, "to": store, "input": word(3) + word(0)[2:]}]})  # fmt: skip
        one("creation", "a creation and a call of it", {"stateOverrides": {hx(created(unhex(c0), 0)): {"code": "0x"}}, "calls": [
            {"from": c0, "input": hx(deployed(unhex(code42)))}, {"from": c0, "to": hx(created(unhex(c0), 0))}]})  # fmt: skip
        many("code-overridden", "code that is replaced in a later block", {"stateOverrides": {c1: {"code": code42}}, "calls": [{"from": c0, "to": c1}]},
             {"stateOverrides": {c1: {"code": code1}}, "calls": [{"from": c0, "to": c1}]}, {"calls": [{"from": c0, "to": c1}]})  # fmt: skip
        many("emptied", "an account that is emptied keeps its slots", {"stateOverrides": {emit: {"nonce": "0x0", "code": "0x", "balance": "0x0"}}},
             {"stateOverrides": {emit: {"code": hx(asm("0 SLOAD 0 MSTORE 32 0 RETURN"))}}, "calls": [{"from": c0, "to": emit}]})  # fmt: skip
        authorization = self.authorization(self.chain.people[4], unhex(c1), 0)
        nobody = self.authorization(_fresh(), unhex(c1), 0)
        authority = hx(_fresh().address)
        one("delegation-of-nobody", "an authorization of an account that there is not", {"stateOverrides": {c1: {"code": code42}}, "calls": [
            {"from": c0, "to": c0, "authorizationList": [nobody]}, {"from": c0, "to": authority}]})  # fmt: skip
        one("delegation-of-empty", "an authorization of an account that an override has left empty", {
            "stateOverrides": {authority: {"code": "0x"}, c1: {"code": code42}}, "calls": [
                {"from": c0, "to": c0, "authorizationList": [nobody]}, {"from": c0, "to": authority}]})  # fmt: skip
        many("empty-stays", "an account that an override has left empty is there in later blocks", {"stateOverrides": {authority: {"code": "0x"}}, "calls": [{"from": c0, "to": c1}]},
             {"stateOverrides": {authority: {"balance": "0x0"}, c1: {"code": code42}}, "calls": [{"from": c0, "to": c0, "authorizationList": [nobody]}, {"from": c0, "to": authority}]})  # fmt: skip
        one("delegation-of-sender", "an authorization that is spent already", {"stateOverrides": {c1: {"code": code42}}, "calls": [
            {"from": c0, "to": c0, "authorizationList": [authorization]}]})  # fmt: skip
        one("delegated", "an account that the chain has delegated", {"calls": [{"from": f, "to": f, "input": "0x05"}]})
        blob = "0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"
        many("blobs", "blobs", {"blockOverrides": {"baseFeePerGas": "0xf"}, "stateOverrides": {**rich, c2: {"code": hx(asm("0 BLOBHASH 0 MSTORE 32 0 RETURN"))}}, "calls": [
            {"from": c0, "to": c2, "maxFeePerGas": "0x10", "maxFeePerBlobGas": "0xa", "blobVersionedHashes": [blob]}]},
            {"calls": [{"from": c0, "to": c2, "maxFeePerGas": "0x10", "maxFeePerBlobGas": "0xa", "blobVersionedHashes": [blob]}]}, validation=True, returnFullTransactions=True)  # fmt: skip
        many("blockhashes", "hashes of simulated and of real blocks", {"blockOverrides": {"number": hex(LAST + 2)}, "calls": [
            {"to": hx(HASHES), "input": word(n)} for n in (1, LAST, LAST + 1, LAST + 2)]}, {"calls": [{"to": hx(HASHES), "input": word(n)} for n in (LAST + 1, LAST + 2)]})  # fmt: skip
        not_one = Refused(-32000, f"account {checksummed(unhex(c1))} is not a precompile")
        identity, recover = hx(bytes(19) + b"\x04"), hx(bytes(19) + b"\x01")
        self.add("eth_simulateV1", "move-no-precompile", "only precompiles move", ([{"blockStateCalls": [{"stateOverrides": {c1: {"movePrecompileToAddress": c2}}}]}, "latest"], not_one))
        self.add("eth_simulateV1", "move-to-overridden", "not to where something is overridden", ([{"blockStateCalls": [{"stateOverrides": {
            identity: {"movePrecompileToAddress": c2}, c2: {"balance": "0x1"}}}]}, "latest"], Refused(-32000, f"account {checksummed(unhex(c2))} is already overridden")))  # fmt: skip
        self.moved(identity, recover, c0, c2)
        one("access-list", "a list", {"calls": [{"from": person, "to": store, "input": word(1) + word(0)[2:], "accessList": [{"address": store, "storageKeys": [word(1)]}]}]},
            returnFullTransactions=True)  # fmt: skip
        one("gas-price", "a gas price", {**validated, "calls": [{"from": c0, "to": c1, "gasPrice": "0x10"}]}, validation=True)
        many("everything", "many things at once", {"blockOverrides": {"baseFeePerGas": "0x9", "feeRecipient": c2}, "stateOverrides": {**rich, c1: {"code": code42, "balance": "0x5"}}, "calls": [
            {"from": c0, "to": c1, "value": "0x1"}, {"from": c0, "to": emit, "input": "0x07"}, {"from": c0, "input": hx(deployed(unhex(code1)))},
            {"from": c1, "to": c2, "value": "0x2"}, {"from": c0, "to": reverter, "input": "0x01", "gas": "0x186a0"}]},
            {"stateOverrides": {c1: {"code": "0x"}}, "calls": [{"from": c0, "to": c1}, {"from": c0, "to": env}]}, traceTransfers=True, returnFullTransactions=True)  # fmt: skip

    def moved(self, identity, recover, c0, c2):
        """The identity somewhere else is like the identity here, but for the place."""
        here = Simulator(self.chain, {"blockStateCalls": [{"calls": [{"from": c0, "to": identity, "input": "0x1234"}, {"from": c0, "to": c2, "input": "0x1234"}]}]})
        header, executed, _ = here.run()[0]
        # There is nothing at the old place.
        options = {"blockStateCalls": [{"stateOverrides": {identity: {"movePrecompileToAddress": c2}}, "calls": [{"from": c0, "to": c2, "input": "0x1234"}]}, {"calls": [
            {"from": c0, "to": identity, "input": "0x1234"}, {"from": c0, "to": c2, "input": "0x1234"}]}]}  # fmt: skip
        used = [executed[0].used, executed[0].used, executed[1].used]
        outputs = ["0x1234", "0x1234", "0x"]
        self.add("eth_simulateV1", "move-precompile", "a precompile somewhere else, for one block", ([options, "latest"], _Calls(
            [[(outputs[0], used[0])], [(outputs[1], used[1]), (outputs[2], used[2])]])))  # fmt: skip

    @staticmethod
    def authorization(person, target, nonce):
        fields = [number(1), target, number(nonce)]
        parity, r, s = sign(keccak256(b"\x05" + rlp.encode(fields)), person.key)
        return {"chainId": "0x1", "address": hx(target), "nonce": hex(nonce), "yParity": hex(parity), "r": hex(r), "s": hex(s)}

    # Blocks that are asked for

    def building(self):
        chain = self.chain
        parent = chain.blocks[LAST]["header"]
        attributes = {
            "timestamp": hex(10 * LAST + 12), "prevRandao": word(7), "suggestedFeeRecipient": hx(bytes([0xF0]) * 20),
            "withdrawals": [{"index": "0x1", "validatorIndex": "0x2", "address": hx(bytes([0x77]) * 20), "amount": "0x5"}],
            "parentBeaconBlockRoot": word(0xBEAC),
        }  # fmt: skip
        chain.block, chain.fork = LAST + 1, "osaka"
        chain.base_fee = chain.next_base_fee(parent)
        chain.alloc = chain.blocks[LAST]["alloc"]
        nonces = dict(chain.nonces)
        sent = [chain.send(chain.people[2], 2, to=EMIT, data=b"build"), chain.send(chain.people[3], to=bytes([0x99]) * 20, value=5, gas=21_000)]
        chain.nonces = nonces
        # Both sit between the limit that geth goes towards and its bounds.
        limit = integer(parent["gasLimit"])
        limit = max(limit - (limit // 1024 - 1), 60_000_000) if limit > 60_000_000 else min(limit + limit // 1024 - 1, 60_000_000)
        for name, body, extra in (("transactions", sent, b"built"), ("empty", [], b"")):
            environment = {
                **chain.environment(LAST + 1, parent), "currentCoinbase": attributes["suggestedFeeRecipient"], "currentGasLimit": hex(limit),
                "currentTimestamp": attributes["timestamp"], "currentRandom": attributes["prevRandao"], "currentBaseFee": hex(chain.base_fee),
                "parentBeaconBlockRoot": attributes["parentBeaconBlockRoot"], "withdrawals": attributes["withdrawals"],
                "blockHashes": {hex(n): hx(h) for n, h in enumerate(chain.hashes)}, "parentUncleHash": hx(parent["ommersHash"]),
                "parentTimestamp": hex(10 * LAST), "parentDifficulty": "0x0",
            }  # fmt: skip
            del environment["currentDifficulty"]
            for key, field in (("parentExcessBlobGas", "excessBlobGas"), ("parentBlobGasUsed", "blobGasUsed"), ("parentBaseFee", "baseFeePerGas"),
                               ("parentGasUsed", "gasUsed"), ("parentGasLimit", "gasLimit")):  # fmt: skip
                environment[key] = hex(integer(parent[field]))
            from evm_chains import specification

            result = specification("osaka", chain.copied(), environment, body, ["--state.reward", "-1"])
            assert not result["rejected"]
            header = {
                **parent, "parentHash": chain.hashes[LAST], "coinbase": unhex(attributes["suggestedFeeRecipient"]), "stateRoot": unhex(result["stateRoot"]),
                "transactionsRoot": unhex(result["txRoot"]), "receiptsRoot": unhex(result["receiptsRoot"]), "bloom": unhex(result["logsBloom"]),
                "number": number(LAST + 1), "gasLimit": number(limit), "gasUsed": number(int(result["gasUsed"], 16)), "timestamp": number(10 * LAST + 12),
                "extraData": extra, "mixHash": unhex(attributes["prevRandao"]), "baseFeePerGas": number(chain.base_fee),
                "withdrawalsRoot": unhex(result["withdrawalsRoot"]), "blobGasUsed": b"", "excessBlobGas": number(int(result["currentExcessBlobGas"], 16)),
                "parentBeaconBlockRoot": unhex(attributes["parentBeaconBlockRoot"]), "requestsHash": unhex(result["requestsHash"]),
            }  # fmt: skip
            wires = [hx(t if isinstance(t, bytes) else rlp.encode(t)) for t in body]
            value, before = 0, 0
            for receipt in result["receipts"]:
                total = int(receipt["cumulativeGasUsed"], 16)
                value, before = value + 2 * (total - before), total
            payload = {
                "executionPayload": {
                    "parentHash": hx(header["parentHash"]), "feeRecipient": hx(header["coinbase"]), "stateRoot": hx(header["stateRoot"]),
                    "receiptsRoot": hx(header["receiptsRoot"]), "logsBloom": hx(header["bloom"]), "prevRandao": hx(header["mixHash"]),
                    "blockNumber": hex(LAST + 1), "gasLimit": hex(limit), "gasUsed": hex(integer(header["gasUsed"])), "timestamp": attributes["timestamp"],
                    "extraData": hx(extra), "baseFeePerGas": hex(chain.base_fee), "blockHash": hx(chain.hash(header)), "transactions": wires,
                    "withdrawals": attributes["withdrawals"], "blobGasUsed": "0x0", "excessBlobGas": hex(integer(header["excessBlobGas"])),
                },
                "blockValue": hex(value), "blobsBundle": {"commitments": [], "proofs": [], "blobs": []}, "executionRequests": [], "shouldOverrideBuilder": False,
            }  # fmt: skip
            self.add("testing_buildBlockV1", name, "a block that is not kept", ([hx(chain.hashes[LAST]), attributes, wires, hx(extra)], payload),
                     ("eth_blockNumber", [], hex(LAST)))  # fmt: skip
        chain.nonces = {**nonces, chain.people[2].address: 999}
        wrong = chain.send(chain.people[2], 2, to=EMIT)
        chain.nonces = nonces
        self.add("testing_buildBlockV1", "invalid-transaction", "a transaction that no block can take", (
            [hx(chain.hashes[LAST]), attributes, [hx(wrong)], "0x"], Refused(
                -32000, f"nonce too high: address {checksummed(chain.people[2].address)}, tx: 999 state: {nonces[chain.people[2].address]}")),
            ("eth_blockNumber", [], hex(LAST)))  # fmt: skip

    def pool(self):
        """The last: what waits stays."""
        chain = self.chain
        chain.block, chain.base_fee = LAST + 1, chain.next_base_fee(chain.blocks[LAST]["header"])
        a = chain.people[0]
        first = chain.nonces[a.address]
        waiting = {}
        for name, kind, fields in [
            ("legacy", 0, {"to": bytes([0xAA]) * 20, "data": b"UD", "gas": 25_000, "value": 10}), ("access-list", 1, {"to": EMIT, "data": b"123", "gas": 90_000, "access": [(EMIT, [bytes(32)])]}),
            ("dynamic-fee", 2, {"data": deployed(b"\0"), "gas": 80_000}), ("set-code", 4, {"to": EMIT, "gas": 90_000, "authorizations": [chain.authorization(chain.people[5], EMIT)]}),
        ]:  # fmt: skip
            raw = chain.send(a, kind, **fields)
            made, encoded = self.transaction(raw, {"baseFeePerGas": b""})
            made["hash"] = hx(keccak256(encoded))
            for member in ("blockHash", "blockNumber", "blockTimestamp", "transactionIndex"):
                made[member] = None
            if kind > 1:
                made["gasPrice"] = made["maxFeePerGas"]
            waiting[str(int(made["nonce"], 16))] = made
            self.add("eth_sendRawTransaction", name, "a transaction that waits", ([hx(encoded)], made["hash"]), ("eth_getTransactionByHash", [made["hash"]], made))
        self.add("eth_sendRawTransaction", "known", "one that waits already", ([hx(encoded)], Refused(-32000, "already known")))
        chain.nonces[a.address] = 0
        raw = chain.send(a, to=EMIT)
        chain.nonces[a.address] = first + 4
        self.add("eth_sendRawTransaction", "nonce-too-low", "a nonce that was used", ([hx(rlp.encode(raw))], Refused(
            -32000, f"nonce too low: next nonce {first}, tx nonce 0")))  # fmt: skip
        self.add("txpool_content", "content", "what waits", ([], {"pending": {checksummed(a.address): waiting}, "queued": {}}))
        self.add("txpool_status", "status", "how many wait", ([], {"pending": "0x4", "queued": "0x0"}))
        self.add("eth_getTransactionCount", "pending", "the nonce behind those that wait", ([hx(a.address), "pending"], hex(first + 4)), ([hx(a.address), "latest"], hex(first)))


class _Calls:
    """What is compared of simulated blocks whose headers the specification cannot make: outputs and gas of their calls."""

    def __init__(self, blocks):
        self.blocks = blocks

    def matches(self, result):
        return [[(call["returnData"], int(call["gasUsed"], 16)) for call in block["calls"]] for block in result] == self.blocks


def _fresh():
    from rpc_chain import Person

    return Person("nobody yet")


# Putting cases


def answer(expected, identity):
    made = {"jsonrpc": "2.0", "id": identity}
    if isinstance(expected, Refused):
        made["error"] = {"code": expected.code, "message": expected.text}
        if getattr(expected, "data", None) is not None:
            made["error"]["data"] = expected.data
    else:
        made["result"] = expected
    return made


def write(folder, chain, cases):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "genesis.json"), "w") as file:
        json.dump(chain.genesis(), file)
    with open(os.path.join(folder, "chain.rlp"), "wb") as file:
        file.write(b"".join(chain.wire(block) for block in chain.blocks[1:]))
    for method, name, about, trips in cases:
        if any(isinstance(expected, _Calls) for _, _, expected in trips):
            continue
        os.makedirs(os.path.join(folder, method), exist_ok=True)
        with open(os.path.join(folder, method, name + ".io"), "w") as file:
            print(f"// {about}", file=file)
            for identity, (asked, parameters, expected) in enumerate(trips, 1):
                print(">>", json.dumps({"jsonrpc": "2.0", "id": identity, "method": asked, "params": parameters}), file=file)
                print("<<", json.dumps(answer(expected, identity)), file=file)


def read(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.io"))):
        about, trips, request = [], [], None
        with open(path) as file:
            for line in file:
                if line.startswith("//"):
                    about.append(line[2:].strip())
                elif line.startswith(">>"):
                    request = json.loads(line[2:])
                elif line.startswith("<<"):
                    trips.append((request, json.loads(line[2:])))
        yield os.path.relpath(path, folder), any(part.startswith("speconly") for part in about), trips


def differences(found, wanted, place=""):
    """Where two values differ, in words."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(found.keys() | wanted.keys()):
            if key not in found or key not in wanted:
                yield f"{place}.{key}: {'only there' if key in wanted else 'too much'} ({str(wanted.get(key, found.get(key)))[:100]})"
            else:
                yield from differences(found[key], wanted[key], f"{place}.{key}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for index, (a, b) in enumerate(zip(found, wanted)):
            yield from differences(a, b, f"{place}[{index}]")
    elif found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        yield f"{place}: {str(found)[:200]}, should be {str(wanted)[:200]}"


def ask(target, request):
    status, body = target.post(json.dumps(request))
    assert status == 200, (status, body)
    return json.loads(body)


def put(target, cases):
    """Our own cases: everything has to be the same."""
    counts, bad = {}, 0
    for method, name, _, trips in cases:
        problems = []
        for identity, (asked, parameters, expected) in enumerate(trips, 1):
            found = ask(target, {"jsonrpc": "2.0", "id": identity, "method": asked, "params": parameters})
            if isinstance(expected, _Calls):
                if "result" not in found or not expected.matches(found["result"]):
                    problems.append(f"{str(found)[:400]}, should be {expected.blocks}")
            else:
                problems += list(differences(found, answer(expected, identity)))
        counts[method] = counts.get(method, 0) + 1
        if problems:
            bad += 1
            print(f"FAILED {method}/{name}", *problems[:6], sep="\n    ", file=sys.stderr)
    return counts, bad


def put_others(target, folder, only):
    counts, bad = {}, 0
    for name, is_loose, trips in read(folder):
        if only and only not in name:
            continue
        problems = []
        for request, wanted in trips:
            found = ask(target, request)
            if is_loose:
                if ("error" in found) != ("error" in wanted):
                    problems.append(f"{str(found)[:300]}, should be like {str(wanted)[:300]}")
                continue
            for one in (found, wanted):
                one.get("error", {}).pop("message", None)
            problems += list(differences(found, wanted))
        method = os.path.dirname(name)
        counts[method] = counts.get(method, 0) + 1
        if problems:
            bad += 1
            print(f"FAILED {name}", *problems[:6], sep="\n    ", file=sys.stderr)
    return counts, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", help="leave chain and cases here")
    parser.add_argument("--cases", help="somebody else's cases")
    parser.add_argument("--genesis")
    parser.add_argument("--chain")
    parser.add_argument("--only", help="cases whose names have this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="estuary-rpc-") as folder:
        if options.cases:
            genesis, blocks, cases = options.genesis, options.chain, None
        else:
            chain = Chain()
            cases = [case for case in Cases(chain).make() if not options.only or options.only in f"{case[0]}/{case[1]}"]
            write(options.write or folder, chain, cases)
            genesis, blocks = (os.path.join(options.write or folder, name) for name in ("genesis.json", "chain.rlp"))
        ledger = os.path.join(folder, "ledger")
        subprocess.run([binary(), "evm", "import", genesis, blocks, "--ledger", ledger], check=True, capture_output=True)
        # Nothing is mined: what waits stays.
        with Node(ledger, "--instant") as target:
            if cases is not None:
                target.call("evm_setAutomine", False)
            counts, bad = put(target, cases) if cases is not None else put_others(target, options.cases, options.only)
    for method, count in sorted(counts.items()):
        print(f"{method}: {count}")
    total = sum(counts.values())
    print(f"{total - bad} of {total} cases passed")
    sys.exit(1 if bad or not total else 0)


if __name__ == "__main__":
    main()
