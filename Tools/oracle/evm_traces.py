"""Structured traces (EIP-3155) of state tests against those of Ethereum's executable specification, line by line: pc,
opcode, gas, its cost, memory, stack, depth, return data, and the state root after each case.

    evm_traces.py FOLDER [--files N] [--seed N] [--largest BYTES]

ESTUARY names the command line. Takes N files of the folder by chance, none above BYTES.
"""

import argparse
import json
import os
import random
import subprocess
import sys

FIELDS = ["pc", "op", "gas", "gasCost", "memSize", "stack", "depth", "returnData"]


def cases(text):
    """The lines of each case up to the one with its state root."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        line = json.loads(line)
        if "pc" in line:
            lines.append(line)
        elif "stateRoot" in line:
            yield lines, line["stateRoot"]
            lines = []


def difference(theirs, ours):
    for number, (expected, found) in enumerate(zip(theirs[0], ours[0])):
        # What an operation would have cost that fails is nobody's rule.
        failed = expected.get("error", "Revert") != "Revert"
        for field in FIELDS:
            if failed and field in ("gasCost", "memSize"):
                continue
            if expected.get(field) != found.get(field):
                return f"line {number}: {field} is {found.get(field)}, the specification's {expected.get(field)}: {found}"
        if failed != ("error" in found):
            return f"line {number}: error {found.get('error')}, the specification's {expected.get('error')}: {found}"
    if len(theirs[0]) != len(ours[0]):
        rest = (theirs[0][len(ours[0]):] or ours[0][len(theirs[0]):])[0]
        return f"{len(ours[0])} lines, the specification's {len(theirs[0])}: {rest}"
    if theirs[1] != ours[1]:
        return f"state root {ours[1]}, the specification's {theirs[1]}"
    return None


def main():
    parser = argparse.ArgumentParser(description="Estuary's EVM traces against Ethereum's executable specification.")
    parser.add_argument("folder")
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=60_000, help="bytes")
    options = parser.parse_args()
    estuary = os.environ.get("ESTUARY", ".build/release/estuary")
    files = sorted(
        path
        for folder, _, names in os.walk(options.folder)
        for path in (os.path.join(folder, name) for name in names)
        if path.endswith(".json") and os.path.getsize(path) <= options.largest
    )
    if not files:
        sys.exit(f"no state tests in {options.folder}")
    bad = count = lines = skipped = 0
    for path in random.Random(options.seed).sample(files, min(options.files, len(files))):
        specification = [sys.executable, "-m", "ethereum_spec_tools.evm_tools", "statetest", "--json", "--nomemory", path]
        try:
            theirs = list(cases(subprocess.run(specification, capture_output=True, text=True, timeout=300).stderr))
        except subprocess.TimeoutExpired:
            skipped += 1
            continue
        run = [estuary, "evm", "statetest", path, "--trace"]
        ours = list(cases(subprocess.run(run, capture_output=True, text=True).stderr))
        if len(theirs) != len(ours):
            bad += 1
            print(f"{path}: {len(ours)} cases, the specification has {len(theirs)}")
        for index, (expected, found) in enumerate(zip(theirs, ours)):
            count += 1
            lines += len(expected[0])
            text = difference(expected, found)
            if text:
                bad += 1
                print(f"{path}, case {index}: {text}"[:1000], flush=True)
    print(f"{count} cases, {lines} lines, {bad} differ; the specification took too long for {skipped} files")
    sys.exit(1 if bad or not lines else 0)


main()
