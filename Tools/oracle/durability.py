"""Kills `estuary replay --ledger` at random moments and goes on, again and again, until the file is done.

    durability.py [--seed N] [--rounds N] [--transactions N]

After every kill the ledger must open, must hold whole blocks only, and none that was reported as committed may be
missing; at the end state hash and accounts must equal those of a replay that nobody killed.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import differential
import oracle

BLOCK = 100


def prepare(folder, seed, count):
    world = differential.World(seed)
    genesis = world.case.genesis()
    lines = []
    for _ in range(count):
        entry = world.transaction()
        world.case.litesvm([entry])
        lines.append(entry[0])
    import base64

    with open(os.path.join(folder, "genesis.json"), "w") as file:
        json.dump(genesis, file)
    with open(os.path.join(folder, "transactions.jsonl"), "w") as file:
        for wire in lines:
            file.write(json.dumps({"solana": base64.b64encode(wire).decode()}) + "\n")


def command(folder, *flags):
    names = [os.path.join(folder, name) for name in ("genesis.json", "transactions.jsonl")]
    return [oracle.estuary_binary(), "replay", *names, "--block-size", str(BLOCK), *flags]


def run(folder, *flags):
    done = subprocess.run(command(folder, "--json", *flags), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"replay failed: {done.stderr}")
    return json.loads(done.stdout)


def one_round(folder, seed, count, kills):
    """Number of kills that hit a running replay."""
    generator = random.Random(seed)
    ledger = os.path.join(folder, "ledger")
    shutil.rmtree(ledger, ignore_errors=True)
    dump = os.path.join(folder, "dump.json")
    straight = run(folder, "--dump-accounts", dump)
    start = time.monotonic()
    run(folder, "--ledger", os.path.join(folder, "timing"))
    whole = time.monotonic() - start
    shutil.rmtree(os.path.join(folder, "timing"))
    hits, committed = 0, 0
    for _ in range(kills):
        process = subprocess.Popen(
            command(folder, "--ledger", ledger, "--verbose"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        time.sleep(generator.random() * whole)
        process.send_signal(signal.SIGKILL)
        reported = process.stderr.read().splitlines()
        process.wait()
        if process.returncode == -signal.SIGKILL:
            hits += 1
        elif process.returncode != 0:
            sys.exit(f"seed {seed}: replay could not go on after a kill: {reported}")
        # A last line that was cut short may name fewer digits than there were.
        whole_lines = [line for line in reported if line.startswith("committed ") and line.endswith(" transactions")]
        for line in whole_lines:
            committed = max(committed, int(line.split()[1]))
    finished = run(folder, "--ledger", ledger, "--dump-accounts", os.path.join(folder, "resumed.json"))
    skipped = finished["skippedTransactions"]
    if skipped < committed:
        sys.exit(f"seed {seed}: {committed} transactions were committed, {skipped} were found")
    if skipped % BLOCK and skipped != count:
        sys.exit(f"seed {seed}: {skipped} transactions are no whole number of blocks")
    if finished["stateHash"] != straight["stateHash"]:
        sys.exit(f"seed {seed}: state hash {finished['stateHash']}, expected {straight['stateHash']}")
    with open(dump) as one, open(os.path.join(folder, "resumed.json")) as other:
        if one.read() != other.read():
            sys.exit(f"seed {seed}: the accounts differ")
    return hits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=8, help="a round")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="estuary-durability-")
    hits = 0
    try:
        prepare(folder, options.seed, options.transactions)
        for index in range(options.rounds):
            hits += one_round(folder, options.seed + index, options.transactions, options.kills)
            print(f"round {index + 1}: {hits} kills so far hit a running replay", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.rounds} passed, 0 failed")


if __name__ == "__main__":
    main()
