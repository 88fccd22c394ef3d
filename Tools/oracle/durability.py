"""Kills `estuary replay --ledger` at random moments and goes on, again and again, until the file is done.

    durability.py [--seed N] [--rounds N] [--transactions N] [--faults N] [--damages N] [--commands N]

Half of the replays hold next to nothing in memory (`--cache-mb 1`). After every kill the ledger must open, must hold whole blocks only, and none that was reported as committed may be
missing; at the end state hash and accounts must equal those of a replay that nobody killed. Then the disk fails: a full one
(a small tmpfs, where that can be mounted), calls that give EIO or ENOSPC (`faulty_io.c`, preloaded), a directory that
goes away. Each must end as an error that names the ledger, and the next run must go on to the same state. Then logs are
damaged at many places: the ledger must be refused, or be whole. At last many commands on one ledger, with 256 open files
allowed: neither their time nor the ledger's files may grow. A part whose number is 0 is left out.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import differential
import oracle

BLOCK = 100
# With 1 MiB the programs alone are more than what may stay in memory between blocks.
CACHES = [(), ("--cache-mb", "1")]


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
            command(folder, "--ledger", ledger, "--verbose", *generator.choice(CACHES)), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
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
    finished = run(
        folder, "--ledger", ledger, "--cache-mb", "1", "--dump-accounts", os.path.join(folder, "resumed.json"))
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


def attempt(arguments, **options):
    """Exit code and standard error of a command that must end by itself, without a crash."""
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, **options)
    crash = done.returncode < 0 or any(word in done.stderr for word in ("Fatal error", "Assertion", "Backtrac", "*** "))
    if crash:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr[:2000]}")
    if done.returncode != 0 and not done.stderr.startswith("Error: "):
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode} without an error: {done.stderr[:2000]}")
    return done.returncode, done.stderr


def goes_on(folder, ledger, title, expected):
    finished = run(folder, "--ledger", ledger)
    if finished["stateHash"] != expected:
        sys.exit(f"{title}: state hash {finished['stateHash']}, expected {expected}")
    done = subprocess.run([oracle.estuary_binary(), "ledger", "verify", "--ledger", ledger], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{title}: {done.stderr}")


def full_disks(folder, expected):
    """Replays onto disks of several sizes that are too small."""
    disk = os.path.join(folder, "disk")
    os.makedirs(disk)
    mount = lambda size: subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], capture_output=True, text=True)
    ledger = os.path.join(disk, "ledger")
    full = 0
    for size in (64, 100, 160, 250, 400, 640, 1000, 1600, 2500):
        mounted = mount(size)
        if mounted.returncode != 0:
            print(f"full disks: skipped, no tmpfs can be mounted here ({mounted.stderr.strip()})")
            return
        try:
            code, errors = attempt(command(folder, "--ledger", ledger))
            if code != 0:
                full += 1
                if "No space left" not in errors or ledger not in errors:
                    sys.exit(f"a disk of {size} KiB: {errors}")
            # Reading needs no room; then the disk grows, as if somebody had tidied up.
            attempt([oracle.estuary_binary(), "ledger", "info", "--ledger", ledger])
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            goes_on(folder, ledger, f"after a disk of {size} KiB", expected)
        finally:
            subprocess.run(["umount", disk], check=True)
    if full < 3:
        sys.exit(f"full disks: {full} replays met one")
    print(f"full disks: {full} of 9 replays met one", flush=True)


def failing_calls(folder, seed, count, expected):
    """Lets calls of the file system fail, one or all from there on, at seeded places."""
    library = os.path.join(folder, "faulty_io.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faulty_io.c")
    built = subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(f"faulty_io.c: {built.stderr}")
    ledger, total = os.path.join(folder, "faulty"), os.path.join(folder, "calls")
    environment = {**os.environ, "LD_PRELOAD": library, "FAULTY_PATH": ledger, "FAULTY_COUNT": total}
    shutil.rmtree(ledger, ignore_errors=True)
    attempt(command(folder, "--ledger", ledger), env=environment)
    with open(total) as file:
        calls = int(file.read())
    if calls < 20:
        sys.exit(f"faulty_io: only {calls} calls were seen")
    generator, refused = random.Random(seed), 0
    for index in range(count):
        at = 1 + calls * index // count
        error, word = generator.choice(((5, "Input/output error"), (28, "No space left")))
        flags = {"FAULTY_AT": str(at), "FAULTY_ERRNO": str(error), **({"FAULTY_ALL": "1"} if index % 2 else {})}
        shutil.rmtree(ledger, ignore_errors=True)
        code, errors = attempt(command(folder, "--ledger", ledger), env={**environment, **flags})
        title = f"call {at} of {calls} {flags}"
        if code != 0:
            refused += 1
            if ledger not in errors or word not in errors:
                sys.exit(f"{title}: {errors}")
        goes_on(folder, ledger, title, expected)
    if refused < count // 4:
        sys.exit(f"failing calls: only {refused} of {count} were noticed")
    print(f"failing calls: {refused} of {count} refused, every next run went on", flush=True)


def lost_directory(folder):
    ledger = os.path.join(folder, "lost")
    process = subprocess.Popen(
        command(folder, "--ledger", ledger, "--verbose"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    first = process.stderr.readline()
    shutil.rmtree(ledger)
    errors = process.stderr.read()
    code = process.wait()
    ended = "committed " in first and str(json_count(folder)) in errors
    if not ended and (code == 0 or ledger not in errors):
        sys.exit(f"a lost directory: exit {code}: {errors}")


def json_count(folder):
    with open(os.path.join(folder, "transactions.jsonl")) as file:
        return sum(1 for _ in file)


def damaged_logs(folder, seed, count):
    """Damages each of three logs at `count` places: flips, zeroed headers and stretches, cuts."""
    generator, ledger = random.Random(seed), os.path.join(folder, "logs")
    genesis, lines = (os.path.join(folder, name) for name in ("genesis.json", "transactions.jsonl"))
    with open(lines) as file:
        all_lines = file.readlines()
    for part in (1, 2, 3):
        beginning = os.path.join(folder, "beginning.jsonl")
        with open(beginning, "w") as file:
            file.writelines(all_lines[: len(all_lines) * part // 3])
        subprocess.run(
            [oracle.estuary_binary(), "replay", genesis, beginning, "--block-size", str(BLOCK), "--ledger", ledger],
            check=True, capture_output=True)
    information = [oracle.estuary_binary(), "ledger", "info", "--ledger", ledger, "--json"]
    whole = subprocess.run(information, capture_output=True, check=True).stdout
    logs = sorted(name for name in os.listdir(ledger) if name.endswith(".log"))
    refused = passed_over = 0
    for log in logs:
        with open(os.path.join(ledger, log), "rb") as file:
            content = file.read()
        for index in range(count):
            data, at = bytearray(content), generator.randrange(len(content)) if index > 7 else index
            if index % 4 == 0:
                data[at] ^= generator.randrange(1, 256)
            elif index % 4 == 3:
                del data[at:]
            else:
                size = min(7 if index % 4 == 1 else 5000, len(data) - at)
                data[at : at + size] = bytes(size)
            with open(os.path.join(ledger, log), "wb") as file:
                file.write(data)
            done = subprocess.run(information, capture_output=True, text=True)
            title = f"{log} damaged at {at} (kind {index % 4})"
            if done.returncode == 0:
                if json.loads(done.stdout)["stateHash"] != json.loads(whole)["stateHash"]:
                    sys.exit(f"{title}: an older or another state: {done.stdout}")
            elif "is damaged" not in done.stderr or ledger not in done.stderr:
                sys.exit(f"{title}: exit {done.returncode}: {done.stderr[:2000]}")
            else:
                refused += 1
                passed_over += "is missing: a part of a log" in done.stderr
        with open(os.path.join(ledger, log), "wb") as file:
            file.write(content)
    done = subprocess.run([oracle.estuary_binary(), "ledger", "verify", "--ledger", ledger], capture_output=True, text=True)
    if done.returncode != 0 or refused < len(logs) * count // 2:
        sys.exit(f"damaged logs: {refused} of {len(logs) * count} refused; then {done.stderr}")
    print(f"damaged logs: {refused} of {len(logs) * count} refused, {passed_over} of them by their missing blocks", flush=True)


def many_commands(folder, count):
    """Times and sizes of one ledger that is used `count` times."""
    place = tempfile.mkdtemp(prefix="estuary-commands-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    ledger, key = os.path.join(place, "ledger"), os.path.join(place, "key.json")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))}
    estuary, target = oracle.estuary_binary(), "SysvarC1ock11111111111111111111111111111112"
    try:
        subprocess.run([estuary, "keygen", "-o", key], check=True, capture_output=True)
        attempt([estuary, "airdrop", "1000000", "--ledger", ledger, "-k", key], **limit)
        times = []
        for number in range(1, count + 1):
            start = time.monotonic()
            code, errors = attempt([estuary, "transfer", target, "0.001", "--ledger", ledger, "-k", key], **limit)
            times.append(time.monotonic() - start)
            if code != 0:
                sys.exit(f"command {number}: {errors}")
            files = os.listdir(ledger)
            if len(files) > 100:
                sys.exit(f"after {number} commands the ledger has {len(files)} files")
            if number in (1, 10, 100, 1000, 2000, 5000, 10000) or number == count:
                size = sum(os.path.getsize(os.path.join(ledger, name)) for name in files)
                latest = sorted(times[-50:])
                print(f"{number} commands: {latest[len(latest) // 2] * 1000:.0f} ms each, {len(files)} files, {size} bytes", flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=8, help="a round")
    parser.add_argument("--faults", type=int, default=40, help="places at which a call fails")
    parser.add_argument("--damages", type=int, default=40, help="of each log")
    parser.add_argument("--commands", type=int, default=150, help="on one ledger")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="estuary-durability-")
    hits = 0
    try:
        prepare(folder, options.seed, options.transactions)
        for index in range(options.rounds):
            hits += one_round(folder, options.seed + index, options.transactions, options.kills)
            print(f"round {index + 1}: {hits} kills so far hit a running replay", flush=True)
        if options.faults:
            expected = run(folder)["stateHash"]
            full_disks(folder, expected)
            failing_calls(folder, options.seed, options.faults, expected)
            lost_directory(folder)
        if options.damages:
            damaged_logs(folder, options.seed, options.damages)
        if options.commands:
            many_commands(folder, options.commands)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.rounds} passed, 0 failed")


if __name__ == "__main__":
    main()
