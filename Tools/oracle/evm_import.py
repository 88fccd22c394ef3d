"""Imports the chains of Ethereum's block tests by `estuary evm import`: genesis files as geth writes them, blocks one behind
the other, made here from the tests.

    evm_import.py FOLDER [--seed N] [--files N] [--kills N] [--workers N]…

FOLDER holds block tests (`BlockchainTests`). Of each test of a sample the genesis hash must be the test's, the head after the
valid blocks the test's last block, again when it is imported once more (no block added), and an invalid block must be refused
by the test's reason with the ledger left at the block before. Then imports are killed at random moments: after each kill the
ledger must open, head, header, receipts, trie and accounts must belong to one block (`ledger verify`), no block that was
reported may be missing, and the import must go on to the same head.
"""

import argparse
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FORKS = {
    "Frontier": [], "Homestead": ["homesteadBlock"], "EIP150": ["eip150Block"], "EIP158": ["eip155Block", "eip158Block"],
    "Byzantium": ["byzantiumBlock"], "Constantinople": ["constantinopleBlock"], "ConstantinopleFix": ["petersburgBlock"],
    "Istanbul": ["istanbulBlock"], "MuirGlacier": ["muirGlacierBlock"], "Berlin": ["berlinBlock"], "London": ["londonBlock"],
    "ArrowGlacier": ["arrowGlacierBlock"], "GrayGlacier": ["grayGlacierBlock"], "Paris": ["terminalTotalDifficulty"],
    "Shanghai": ["shanghaiTime"], "Cancun": ["cancunTime"], "Prague": ["pragueTime"], "Osaka": ["osakaTime"],
}  # fmt: skip
ORDER = list(FORKS)


def binary():
    return os.environ.get("ESTUARY", ".build/release/estuary")


def config(network):
    """geth's config of a test network: a fork, or two with the moment of the change."""
    first, last, moment = network, network, 0
    if "To" in network and "At" in network:
        first, rest = network.split("To", 1)
        last, at = rest.split("At", 1)
        moment = int(at[4:].removesuffix("k")) * 1000 if at.startswith("Time") else int(at[4:], 16) if at.startswith("Diff") else int(at)
    names = {"chainId": 1, "ethash": {}}
    if last.lower() == "dao":
        names.update(daoForkBlock=moment, daoForkSupport=True)
        last = first
    if first not in ORDER or last not in ORDER:
        return None
    for fork in ORDER[: ORDER.index(last) + 1]:
        for name in FORKS[fork]:
            names[name] = moment if ORDER.index(fork) > ORDER.index(first) else 0
    # A test of one fork has its bomb delayed as of that fork, though it came from the first block on.
    if first in ("Berlin", "London", "ArrowGlacier", "GrayGlacier") and "londonBlock" not in names:
        names["muirGlacierBlock"] = 0
    return names


def genesis(test):
    names = config(test["network"])
    if names is None:
        return None
    header = test["genesisBlockHeader"]
    fields = {
        "config": names, "nonce": header["nonce"], "timestamp": header["timestamp"], "extraData": header["extraData"],
        "gasLimit": header["gasLimit"], "difficulty": header["difficulty"], "mixHash": header["mixHash"],
        "coinbase": header["coinbase"], "number": header["number"], "gasUsed": header["gasUsed"],
        "parentHash": header["parentHash"], "alloc": test["pre"],
    }  # fmt: skip
    for name in ("baseFeePerGas", "excessBlobGas", "blobGasUsed"):
        if name in header:
            fields[name] = header[name]
    return fields


def run(folder, *arguments, ok=True):
    done = subprocess.run([binary(), *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode < 0 or "Fatal error" in done.stderr or (ok and done.returncode != 0):
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr[:2000]}")
    return done


def head(folder, ledger="ledger"):
    return json.loads(run(folder, "ledger", "info", "--ledger", ledger, "--json").stdout)["ethereum"]


def write(folder, name, data):
    with open(os.path.join(folder, name), "w" if isinstance(data, str) else "wb") as file:
        file.write(data)


def linear(test):
    """The blocks of a test in a chain, and what is refused after them; `None` where there are side chains."""
    chain, last, refused = [], test["genesisBlockHeader"]["hash"], None
    for block in test["blocks"]:
        is_valid = "blockHeader" in block and not any(name.startswith("expectException") for name in block)
        if not is_valid:
            refused = block
            break
        if block["blockHeader"]["parentHash"] != last:
            return None
        chain.append(block)
        last = block["blockHeader"]["hash"]
    return chain, last, refused


def check(folder, name, test, workers):
    """What is wrong, or nothing; `None` where the test is none for an import."""
    chain, start = linear(test), genesis(test)
    if chain is None or start is None:
        return None
    blocks, last, refused = chain
    write(folder, "genesis.json", json.dumps(start))
    write(folder, "chain.rlp", b"".join(bytes.fromhex(block["rlp"][2:]) for block in blocks))
    flags = ["--ledger", "ledger", "--workers", str(workers), "--json"]
    if len(blocks) % 2:
        # Next to nothing stays in memory from block to block.
        flags += ["--cache-mb", "1"]
    shutil.rmtree(os.path.join(folder, "ledger"), ignore_errors=True)
    write(folder, "empty.rlp", b"")
    done = json.loads(run(folder, "evm", "import", "genesis.json", "empty.rlp", *flags).stdout)
    if done["hash"] != test["genesisBlockHeader"]["hash"]:
        return f"the genesis is {done['hash']}, should be {test['genesisBlockHeader']['hash']}"
    result = run(folder, "evm", "import", "genesis.json", "chain.rlp", *flags, ok=False)
    if result.returncode != 0:
        return result.stderr.strip()
    done = json.loads(result.stdout)
    if (done["hash"], done["blocks"]) != (last, len(blocks)):
        return f"head {done['hash']} after {done['blocks']} blocks, should be {last} after {len(blocks)}"
    again = json.loads(run(folder, "evm", "import", "genesis.json", "chain.rlp", *flags).stdout)
    if (again["hash"], again["blocks"]) != (last, 0):
        return f"a second import adds {again['blocks']} blocks and ends at {again['hash']}"
    if refused is not None:
        reasons = [value for key, value in refused.items() if key.startswith("expectException")]
        write(folder, "refused.rlp", bytes.fromhex(refused["rlp"][2:]))
        result = run(folder, "evm", "import", "genesis.json", "refused.rlp", *flags, ok=False)
        if result.returncode == 0:
            return f"a block is accepted that should be refused ({reasons})"
        if "is refused" not in result.stderr:
            return f"a block is refused otherwise: {result.stderr}"
        if head(folder)["hash"] != last:
            return "a block that is refused moves the head"
    verified = run(folder, "ledger", "verify", "--replay", "--ledger", "ledger", ok=False)
    if verified.returncode != 0:
        return verified.stderr.strip()
    return ""


def sample(folder, count, seed):
    files = sorted(glob.glob(os.path.join(folder, "**", "*.json"), recursive=True))
    random.Random(seed).shuffle(files)
    for path in files:
        if os.path.getsize(path) > 4 << 20:
            continue
        with open(path) as file:
            tests = json.load(file)
        for name, test in sorted(tests.items()):
            if test.get("genesisBlockHeader"):
                yield path, name, test
        count -= 1
        if count == 0:
            return


def longest(folder):
    """The test with the longest chain, for kills."""
    best = None
    for path in glob.glob(os.path.join(folder, "**", "*.json"), recursive=True):
        if os.path.getsize(path) > 16 << 20:
            continue
        with open(path) as file:
            for name, test in json.load(file).items():
                chain = linear(test)
                if chain and genesis(test) and (best is None or len(chain[0]) > len(best[1][0])):
                    best = (test, chain)
    return best


def kills(folder, tests, count, seed, workers):
    test, (blocks, last, _) = longest(tests)
    write(folder, "genesis.json", json.dumps(genesis(test)))
    write(folder, "chain.rlp", b"".join(bytes.fromhex(block["rlp"][2:]) for block in blocks))
    numbers = {block["blockHeader"]["hash"]: int(block["blockHeader"]["number"], 16) for block in blocks}
    command = [binary(), "evm", "import", "genesis.json", "chain.rlp", "--ledger", "killed", "--verbose", "--workers", str(workers)]
    start = time.monotonic()
    run(folder, *command[1:])
    whole = time.monotonic() - start
    shutil.rmtree(os.path.join(folder, "killed"))
    generator, hits, ends = random.Random(seed), 0, 0
    for _ in range(count):
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(generator.random() * whole)
        process.send_signal(signal.SIGKILL)
        reported = [int(line.split()[-1]) for line in process.stderr.read().splitlines(keepends=True)
                    if line.startswith("committed block ") and line.endswith("\n")]  # fmt: skip
        process.wait()
        hits += process.returncode == -signal.SIGKILL
        if not os.path.exists(os.path.join(folder, "killed", "CURRENT")):
            continue
        info = run(folder, "ledger", "info", "--ledger", "killed", "--json", ok=False)
        if info.returncode != 0:
            # Killed before its genesis was committed.
            continue
        found = json.loads(info.stdout)["ethereum"]
        number = found["number"]
        if reported and number < max(reported):
            sys.exit(f"block {max(reported)} was committed, the ledger ends at {number}")
        if number > 0 and numbers.get(found["hash"]) != number:
            sys.exit(f"block {number} of the ledger is none of the chain: {found['hash']}")
        run(folder, "ledger", "verify", "--replay", "--ledger", "killed")
        if found["hash"] == last:
            ends += 1
            shutil.rmtree(os.path.join(folder, "killed"))
    run(folder, *command[1:])
    if head(folder, "killed")["hash"] != last:
        sys.exit("the import did not go on to the chain's head")
    print(f"{count} kills of an import of {len(blocks)} blocks, {hits} hit it at work, {ends} times it came to its end", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=60, help="of the folder, at most")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--workers", type=int, action="append", help="default: 1 and 2, by turns")
    options = parser.parse_args()
    options.folder = os.path.abspath(options.folder)
    os.environ["ESTUARY"] = os.path.abspath(binary())
    workers = options.workers or [1, 2]
    folder = tempfile.mkdtemp(prefix="estuary-import-")
    passed, skipped, failed = 0, 0, 0
    try:
        for index, (path, name, test) in enumerate(sample(options.folder, options.files, options.seed)):
            problem = check(folder, name, test, workers[index % len(workers)])
            if problem is None:
                skipped += 1
            elif problem:
                failed += 1
                print(f"{os.path.basename(path)} {name}: {problem}", flush=True)
            else:
                passed += 1
        if options.kills:
            kills(folder, options.folder, options.kills, options.seed, workers[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped (side chains)")
    sys.exit(1 if failed or passed == 0 else 0)


if __name__ == "__main__":
    main()
