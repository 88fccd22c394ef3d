"""Random blocks through Estuary and through Ethereum's executable specification: each transaction's acceptance, status,
gas and logs, and the state root after the block, have to be equal.

    evm_differential.py [--fork FORK]… [--transactions N] [--seed N] [--flags "…"] [--keep FOLDER]

ESTUARY names the command line. A block that differs is kept, with its seed, and the run fails.
"""

import argparse
import os
import random
import sys
import tempfile

import evm_blocks
from evm_programs import FORKS

BLOCK = 8


def differences(block, theirs, ours):
    found, receipts = [], iter(zip(theirs["receipts"], theirs["logs"]))
    rejected = {entry["index"]: entry["error"] for entry in theirs["rejected"]}
    cumulative = 0
    for index, entry in enumerate(ours["transactions"]):
        if index in rejected:
            if entry["error"] is None:
                found.append(f"transaction {index}: accepted, the specification says {rejected[index]}")
            continue
        receipt, logs = next(receipts)
        gas = int(receipt["cumulativeGasUsed"], 16) - cumulative
        cumulative += gas
        if entry["error"] is not None:
            found.append(f"transaction {index}: refused ({entry['error']}), the specification runs it")
            continue
        if integer(entry["gasUsed"]) != gas:
            found.append(f"transaction {index}: {integer(entry['gasUsed'])} gas, the specification {gas}")
        if "succeeded" in receipt and bool(integer(entry["status"])) != receipt["succeeded"]:
            found.append(f"transaction {index}: status {entry['status']}, the specification {receipt['succeeded']}")
        expected = [(bytes(l.address), [bytes(t) for t in l.topics], bytes(l.data)) for l in logs]
        if [log(l) for l in entry["logs"]] != expected:
            found.append(f"transaction {index}: logs {entry['logs']}, the specification {expected}")
    if ours["stateRoot"] != theirs["stateRoot"]:
        found.append(f"state root {ours['stateRoot']}, the specification {theirs['stateRoot']}")
    return found


def integer(value):
    return int(value, 16) if isinstance(value, str) else int(value)


def log(entry):
    def unhex(text):
        return bytes.fromhex(text.removeprefix("0x"))

    return unhex(entry["address"]), [unhex(topic) for topic in entry["topics"]], unhex(entry["data"])


def main():
    parser = argparse.ArgumentParser(description="Estuary's EVM against Ethereum's executable specification.")
    parser.add_argument("--fork", action="append", help=f"one of {', '.join(FORKS)}; default: all")
    parser.add_argument("--transactions", type=int, default=200, help="for each fork")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flags", default="", help="passed to replay")
    parser.add_argument("--keep", default="evm-differences", help="folder for blocks that differ")
    options = parser.parse_args()
    estuary = os.environ.get("ESTUARY", ".build/release/estuary")
    bad = 0
    for fork in options.fork or FORKS:
        count = executed = succeeded = 0
        for index in range(max(1, options.transactions // BLOCK)):
            seed = f"{options.seed}/{fork}/{index}"
            block = evm_blocks.Block(random.Random(seed), fork, BLOCK)
            theirs = block.run_specification()
            if theirs.get("blockException"):
                continue
            with tempfile.TemporaryDirectory() as folder:
                genesis, lines = os.path.join(folder, "genesis.json"), os.path.join(folder, "transactions.jsonl")
                block.write(genesis, lines)
                try:
                    found = differences(block, theirs, evm_blocks.replay(estuary, genesis, lines, *options.flags.split()))
                except RuntimeError as error:
                    found = [str(error)]
                if found:
                    bad += 1
                    print(f"seed {seed} differs:", *found, sep="\n  ")
                    kept = os.path.join(options.keep, seed.replace("/", "-"))
                    os.makedirs(kept, exist_ok=True)
                    block.write(os.path.join(kept, "genesis.json"), os.path.join(kept, "transactions.jsonl"))
            count += BLOCK
            executed += len(theirs["receipts"])
            succeeded += sum(1 for receipt in theirs["receipts"] if receipt.get("succeeded"))
        print(f"{fork}: {count} transactions, {executed} executed, {succeeded} succeeded", flush=True)
    if bad:
        sys.exit(f"{bad} blocks differ; kept in {options.keep}")
    print("no difference")


main()
