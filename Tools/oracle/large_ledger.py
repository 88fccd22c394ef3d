"""A ledger larger than what may be held of it in memory.

    large_ledger.py [--accounts N] [--transfers N] [--cache-mb N] [--kills N] [--folder DIR]

Makes a ledger of so many accounts (default 2,000,000) by a replay of transfers to new ones, and goes on with 40,000
transfers between accounts all over it: once with everything in memory, and with a bound, killed on the way and once
straight. All must reach one state. Printed for each run: time, peak resident memory, state hash; then how long a command
that opens the ledger takes, and `ledger verify`. With the bound, memory may exceed what the same run takes with the
least bound (1 MiB) by no more than the bound. `--folder` keeps the files, and finds them again.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ESTUARY = os.environ.get("ESTUARY", os.path.join(ROOT, ".build", "release", "estuary"))
BLOCKHASH = bytes([7]) * 32
PAYERS = [hashlib.sha256(b"payer %d" % index).digest() for index in range(16)]
RECEIVERS = 20
BLOCK = 2000
LAMPORTS = 2_000_000_000
SYSTEM = bytes(32)
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(key):
    number, text = int.from_bytes(key, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(key) - len(key.lstrip(b"\0"))) + text


def account(index):
    return hashlib.sha256(b"account %d" % index).digest()


def transfers(place, payer, receivers, lamports):
    """A line with one transaction, whose signature stands for its place and signs nothing."""
    count = len(receivers)
    instructions = b"".join(
        bytes([count + 1, 2, 0, 1 + index, 12]) + (2).to_bytes(4, "little") + lamports.to_bytes(8, "little")
        for index in range(count))
    message = (
        bytes([1, 0, 1, count + 2]) + payer + b"".join(receivers) + SYSTEM + BLOCKHASH + bytes([count]) + instructions)
    wire = b"\1" + hashlib.sha512(b"%d" % place).digest() + message
    return b'{"solana":"' + base64.b64encode(wire) + b'"}\n'


def prepare(folder, accounts, later):
    """The genesis, the file that makes the accounts, and the one that goes on."""
    names = [os.path.join(folder, name) for name in ("genesis.json", "first.jsonl", "all.jsonl")]
    if os.path.exists(names[2]):
        return names
    entries = [
        {"pubkey": base58(payer), "account": {
            "lamports": 1 << 59, "data": ["", "base64"], "owner": base58(SYSTEM), "executable": False,
            "rentEpoch": 18446744073709551615}}
        for payer in PAYERS
    ]
    with open(names[0], "w") as file:
        json.dump({"slot": 1, "unixTimestamp": 1, "blockhash": base58(BLOCKHASH), "accounts": entries}, file)
    generator = random.Random(accounts)
    with open(names[1], "wb") as file:
        for place, start in enumerate(range(0, accounts, RECEIVERS)):
            keys = [account(index) for index in range(start, min(accounts, start + RECEIVERS))]
            file.write(transfers(place, PAYERS[place % len(PAYERS)], keys, LAMPORTS))
        count = place + 1
    shutil.copy(names[1], names[2] + ".part")
    with open(names[2] + ".part", "ab") as file:
        for place in range(count, count + later):
            payer, receiver = account(generator.randrange(accounts)), account(generator.randrange(accounts))
            if payer != receiver:
                file.write(transfers(place, payer, [receiver], 1000 + place))
    os.rename(names[2] + ".part", names[2])
    return names


def measured(title, *arguments):
    """Standard output of a command that succeeds, its seconds and peak MiB of resident memory."""
    start = time.monotonic()
    process = subprocess.Popen([ESTUARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds, peak = time.monotonic() - start, usage.ru_maxrss / 1024
    if status:
        sys.exit(f"{title}: {' '.join(arguments)}: status {status}: {errors}")
    print(f"{title}: {seconds:.2f} s, peak {peak:.0f} MiB", flush=True)
    return output, seconds, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=2_000_000)
    parser.add_argument("--transfers", type=int, default=40_000)
    parser.add_argument("--cache-mb", type=int, default=64)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--folder")
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp(prefix="estuary-large-")
    os.makedirs(folder, exist_ok=True)
    try:
        run(folder, options)
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def run(folder, options):
    genesis, first, everything = prepare(folder, options.accounts, options.transfers)
    bound = ("--cache-mb", str(options.cache_mb))

    def replay(title, file, ledger, *flags):
        output, _, peak = measured(
            title, "replay", genesis, file, "--no-sigverify", "--block-size", str(BLOCK), "--executor", "locks",
            "--ledger", ledger, *flags)
        states = [line for line in output.splitlines() if line.startswith("state hash ") and "computed" not in line]
        print(f"  {states[0]}", flush=True)
        return states[0], peak

    base = os.path.join(folder, "base")
    shutil.rmtree(base, ignore_errors=True)
    replay(f"{options.accounts} accounts made, {options.cache_mb} MiB", first, base, *bound)
    for name in ("unbounded", "bounded", "least", "killed"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        measured(f"copy for '{name}'", "ledger", "checkpoint", os.path.join(folder, name), "--ledger", base)
    expected, _ = replay("everything in memory", everything, os.path.join(folder, "unbounded"), "--cache-mb", "65536")
    state, peak = replay(f"{options.cache_mb} MiB", everything, os.path.join(folder, "bounded"), *bound)
    least, least_peak = replay("1 MiB", everything, os.path.join(folder, "least"), "--cache-mb", "1")
    if not expected == state == least:
        sys.exit("the states differ")
    if peak > least_peak + options.cache_mb:
        sys.exit(f"{peak:.0f} MiB, where {least_peak:.0f} + {options.cache_mb} are allowed")
    killed = os.path.join(folder, "killed")
    generator = random.Random(1)
    for _ in range(options.kills):
        process = subprocess.Popen(
            [ESTUARY, "replay", genesis, everything, "--no-sigverify", "--block-size", "500", "--ledger", killed, *bound],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1 + 2 * generator.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
    state, _ = replay(f"after {options.kills} kills", everything, killed, *bound)
    if state != expected:
        sys.exit("the state after kills differs")
    bounded = os.path.join(folder, "bounded")
    for title, arguments in (
        ("an account, read", ("account", base58(account(1)), "--ledger", bounded)),
        ("a replay with nothing to do", (
            "replay", genesis, everything, "--no-sigverify", "--block-size", str(BLOCK), "--ledger", bounded)),
        ("a block of its own", ("evm", "accounts", "--ledger", bounded)),
    ):
        measured(title, *arguments, *bound)
    output, _, _ = measured("ledger verify", "ledger", "verify", bounded, *bound)
    print(f"  {output.strip()}")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
