"""The life of programs on a ledger, by the command line: deployment, upgrades of every size, buffers, closing, handing over,
ledgers that begin with programs and accounts, and files that are no programs.

    deploying.py
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import oracle

START = "extern void sol_log_(const char *, unsigned long long);\n"
ENTRY = "unsigned long long entrypoint(const unsigned char *in) "
# A small program, a slightly larger one, one that is larger by more than the least extension, and half a megabyte.
SOURCES = {
    "one": START + ENTRY + '{ sol_log_("one", 3); return 0; }',
    "two": START + ENTRY + '{ sol_log_("number two, a little longer", 27); return 0; }',
    "big": START + "static const char T[11000] = {0, 2};\n" + ENTRY + '{ sol_log_("big", 3); return T[in[8] + 2]; }',
    "huge": START + "static const char T[500000] = {0, 2};\n" + ENTRY + '{ sol_log_("huge", 4); return T[in[8] + 2]; }',
}


class Bench:
    def __init__(self, folder):
        self.folder, self.passed, self.problems = folder, 0, []

    def run(self, *arguments):
        done = subprocess.run([oracle.estuary_binary(), *arguments], cwd=self.folder, capture_output=True, timeout=120)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def ok(self, *arguments):
        """The output of a command that must succeed, read as JSON where it asks for it."""
        code, output, errors = self.run(*arguments)
        self.expect(code == 0, " ".join(arguments), errors)
        return (json.loads(output) if code == 0 else {}) if "--json" in arguments else output

    def refused(self, arguments, *texts, code=None):
        found, _, errors = self.run(*arguments)
        holds = found > 0 and (code is None or found == code) and all(text in errors for text in texts)
        self.expect(holds, " ".join(arguments), f"exit {found}, expected {texts}: {errors}")

    def expect(self, holds, title, detail=""):
        if holds:
            self.passed += 1
        else:
            self.problems.append(f"{title}: {str(detail).strip()[:500]}")

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)


LEDGER = ["--ledger", "ledger", "-k", "payer.json"]


def prepare(bench):
    for name, source in SOURCES.items():
        bench.write(name + ".c", source.encode())
        subprocess.run(
            [oracle.clang(), "-target", "bpf", "-mcpu=v3", "-O2", "-c", bench.path(name + ".c"), "-o", bench.path(name + ".o")],
            check=True)
        bench.ok("link", name + ".o", "-o", name + ".so")
    for name in ("payer", "heir", "buffer", "program", "second", "third", "roomy"):
        bench.ok("keygen", "-o", name + ".json")


def balance(bench, key="payer.json"):
    code, output, _ = bench.run("account", key, "--ledger", "ledger", "--json")
    return json.loads(output)["account"]["lamports"] if code == 0 else 0


def check_funds(bench):
    deploy = ["deploy", "huge.so", *LEDGER, "--program-id", "program.json"]
    bench.ok("airdrop", "1", *LEDGER)
    before = balance(bench)
    bench.refused(deploy, "the payer", "has 1 SOL and needs", "Nothing was sent", "estuary airdrop")
    bench.expect(balance(bench) == before, "a deployment without funds costs nothing", balance(bench))
    # The amount that is missing is named, and it is enough.
    _, _, errors = bench.run(*deploy)
    amount = errors.split("estuary airdrop ")[1].split()[0]
    bench.ok("airdrop", amount, *LEDGER)
    result = bench.ok(*deploy, "--json")
    bench.expect(result["action"] == "deployed", "deployed", result)
    bench.ok("airdrop", "100", *LEDGER)


def check_upgrades(bench):
    deploy = lambda name: bench.ok("deploy", name, *LEDGER, "--program-id", "second.json", "--json")
    for index, name in enumerate(["one.so", "two.so", "two.o", "one.so", "big.so", "huge.so", "two.so", "big.so"]):
        before = balance(bench)
        result = deploy(name)
        bench.expect(result["action"] == ("upgraded" if index else "deployed"), f"{name} is upgraded", result)
        bench.expect(before - balance(bench) == result["costLamports"], f"{name}: the cost", result)
        log = bench.run("invoke", "second.json", *LEDGER)
        expected = {"one": "log: one", "two": "log: number two", "big": "log: big", "huge": "log: huge"}[name.split(".")[0]]
        bench.expect(log[0] == 0 and expected in log[1], f"{name} runs", log)
        bench.expect(bench.run("account", result["buffer"], "--ledger", "ledger")[0] > 0, f"{name}: no buffer stays", result)
    text = bench.ok("deploy", "big.so", *LEDGER, "--program-id", "second.json")
    bench.expect("Buffer: " in text and "upgraded: " in text and "it cost " in text, "deploy in words", text)
    shown = bench.ok("program", "show", "second.json", *LEDGER, "--json")
    members = "programId owner programdataAddress authority lastDeploySlot dataLen lamports".split()
    bench.expect(list(shown) == members, "program show", shown)
    listed = bench.ok("program", "show", "--programs", "--buffers", *LEDGER, "--json")
    bench.expect(len(listed["programs"]) == 2 and listed["buffers"] == [], "program show --programs", listed)
    roomy = ["deploy", "one.so", *LEDGER, "--program-id", "roomy.json"]
    size = len(bench.read("one.so"))
    for length in (-1, 0, size - 1, 10 << 20, 2**63):
        bench.refused([*roomy, "--max-len", str(length)], "--max-len", str(length))
    bench.ok(*roomy, "--max-len", "20000")
    room = lambda: bench.ok("program", "show", "roomy.json", *LEDGER, "--json")["dataLen"]
    bench.expect(room() == 20000, "deploy --max-len", room())
    bench.ok("deploy", "big.so", *LEDGER, "--program-id", "roomy.json", "--max-len", "60000")
    bench.expect(room() == 60000, "an upgrade with --max-len", room())
    bench.expect("log: big" in bench.run("invoke", "roomy.json", *LEDGER)[1], "a roomy program runs")
    bench.refused(["program", "extend", "second.json", "100", *LEDGER], "at least 10240 bytes or to its maximum")
    grown = bench.ok("program", "extend", "second.json", "10240", *LEDGER, "--json")
    bench.expect(grown["dataLen"] == shown["dataLen"] + 10240, "program extend", grown)
    bench.ok("program", "dump", "second.json", "dump.so", *LEDGER)
    original = bench.read("big.so")
    dump = bench.read("dump.so")
    bench.expect(dump.rstrip(b"\0") == original.rstrip(b"\0") and len(dump) == grown["dataLen"], "program dump", len(dump))
    bench.refused(["program", "dump", "second.json", "no/such/folder.so", *LEDGER], "no/such/folder.so")


def check_prices(bench):
    """Priority fees are paid, and counted before anything is sent."""
    def fee(*words):
        before = balance(bench)
        result = bench.ok(*words, *LEDGER, "--json")
        bench.expect("costLamports" not in result or result["costLamports"] == before - balance(bench), f"{words}: the cost", result)
        return result.get("fee", result.get("feeLamports")), result

    price = ["--with-compute-unit-price", "3000001"]
    paid, _ = fee("transfer", "heir.json", "0.5", *price)
    bench.expect(paid == 5000 + 18001, "transfer: 6,000 units at 3.000001 lamports, rounded up", paid)
    paid, _ = fee("transfer", "heir.json", "0.5", *price, "--with-compute-unit-limit", "500")
    bench.expect(paid == 5000 + 1501, "transfer: 500 units", paid)
    paid, _ = fee("transfer", "heir.json", "0.5", "--with-compute-unit-limit", "500")
    bench.expect(paid == 5000, "a limit alone", paid)
    bench.refused(["transfer", "heir.json", "0.5", "--with-compute-unit-price", "-1", *LEDGER], "--with-compute-unit-price")
    bench.ok("keygen", "-o", "priced.json")
    for program, action in (("priced.json", "deployed"), ("priced.json", "upgraded")):
        paid, result = fee("deploy", "big.so", "--program-id", program, *price)
        # Creating the buffer and deploying call two programs, writing and upgrading one; the budget's own instruction counts.
        lamports = lambda instructions: -(-3000001 * 3000 * instructions // 1000000)
        writes = result["transactions"] - 2
        first = action == "deployed"
        expected = 10000 + lamports(3) + writes * (5000 + lamports(2)) + (10000 + lamports(3) if first else 5000 + lamports(2))
        bench.expect(result["action"] == action and paid == expected, f"{action} with a price", (paid, expected, result))
    bench.expect("log: big" in bench.run("invoke", "priced.json", *LEDGER)[1], "it runs")
    _, output, _ = bench.run("invoke", "priced.json", *LEDGER, *price, "--with-compute-unit-limit", "1000", "--json")
    bench.expect(json.loads(output)["fee"] == 5000 + 3001, "invoke with a price", output)
    bench.ok("keygen", "-o", "poor.json")
    bench.ok("airdrop", "2", "poor.json", "--ledger", "ledger")
    poor = ["deploy", "one.so", "--ledger", "ledger", "-k", "poor.json", "--program-id", "poor-program.json", "--with-compute-unit-price", "100000000000"]
    bench.ok("keygen", "-o", "poor-program.json")
    bench.refused([*poor[:-1], str(2**64 - 1)], "has 2 SOL and needs", "of fees for")
    bench.refused(["program", "extend", "priced.json", "10240", *LEDGER, "--with-compute-unit-price", str(2**64 - 1)], "of fees")
    bench.refused(["transfer", "heir.json", "0.5", "--with-compute-unit-price", str(2**64 - 1), *LEDGER], "nsufficient")
    bench.refused(poor, "has 2 SOL and needs", "of fees for", "Nothing was sent")
    _, _, errors = bench.run(*poor)
    bench.ok("airdrop", errors.split("estuary airdrop ")[1].split()[0], "poor.json", "--ledger", "ledger")
    bench.ok(*poor)
    grown = bench.ok("program", "extend", "priced.json", "10240", *LEDGER, *price, "--json")
    bench.expect(grown["additionalBytes"] == 10240, "program extend with a price", grown)
    bench.ok("program", "set-authority", "priced.json", "--new-upgrade-authority", "heir.json", *LEDGER, *price)
    bench.ok("program", "close", "priced.json", "--authority", "heir.json", "--bypass-warning", *LEDGER, *price)


def check_buffers(bench):
    """A deployment that is cut off, goes on; a buffer's SOL comes back."""
    arguments = ["deploy", "huge.so", *LEDGER, "--program-id", "third.json"]
    for attempt in range(3):
        process = subprocess.Popen(
            [oracle.estuary_binary(), *arguments], cwd=bench.folder, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        time.sleep(0.02 + 0.1 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        bench.expect(line.startswith("Buffer: "), "the buffer is named before the first transaction", line)
    listed = bench.ok("program", "show", "--buffers", *LEDGER, "--json")["buffers"]
    bench.expect(len(listed) <= 1, "one buffer, however often it is tried", listed)
    result = bench.ok(*arguments, "--json")
    bench.expect(result["buffer"] == line.split()[1], "the same buffer", result)
    bench.expect(bench.ok("program", "show", "--buffers", *LEDGER, "--json")["buffers"] == [], "no buffer stays")
    # Named by a key pair; the second time by its address, with another file.
    result = bench.ok("deploy", "one.so", *LEDGER, "--program-id", "third.json", "--buffer", "buffer.json", "--json")
    key = bench.ok("keygen", "-o", "other.json", "--json")["pubkey"]
    bench.refused(["deploy", "one.so", *LEDGER, "--program-id", "third.json", "--buffer", key], key, "a new buffer has to sign")
    bench.refused(["deploy", "one.so", *LEDGER, "--program-id", "third.json", "--buffer", "second.json"], "is no buffer")
    bench.refused(["deploy", *LEDGER, "--program-id", "third.json"], "--buffer")


def check_authorities(bench):
    third = ["--program-id", "third.json"]
    bench.refused(["program", "set-authority", "third.json", *LEDGER], "--new-upgrade-authority")
    heir = bench.run("keygen", "-o", "x.json", "--json")[1]
    stranger = json.loads(heir)["pubkey"]
    bench.refused(
        ["program", "set-authority", "third.json", "--new-upgrade-authority", stranger, *LEDGER], stranger, "has to sign")
    bench.ok("program", "set-authority", "third.json", "--new-upgrade-authority", "heir.json", *LEDGER)
    bench.refused(["deploy", "one.so", *LEDGER, *third], "the upgrade authority of", "give its key pair")
    bench.refused(["program", "close", "third.json", *LEDGER], "the upgrade authority of")
    bench.ok("deploy", "big.so", *LEDGER, *third, "--upgrade-authority", "heir.json")
    before = balance(bench)
    closed = bench.ok("program", "close", "third.json", *LEDGER, "--authority", "heir.json", "--bypass-warning", "--json")
    bench.expect(balance(bench) == before + closed["closed"][0]["lamports"] - 10_000, "closing pays back", closed)
    for verb in (["deploy", "one.so", *third], ["program", "show", "third.json"], ["program", "close", "third.json"]):
        bench.refused([*verb, *LEDGER], "a closed program's id can never be used again")
    bench.refused(["invoke", "third.json", *LEDGER], "the program was closed, and its id can never be used again")
    bench.ok("program", "set-authority", "second.json", "--final", *LEDGER)
    for verb in (
        ["deploy", "one.so", "--program-id", "second.json"], ["program", "close", "second.json"],
        ["program", "extend", "second.json", "20000"], ["program", "set-authority", "second.json", "--final"],
    ):  # fmt: skip
        bench.refused([*verb, *LEDGER], "is final", "no upgrade authority")
    bench.refused(["deploy", "one.so", *LEDGER, "--program-id", "payer.json"], "cannot be upgraded", "holds SOL")
    bench.refused(["program", "show", "x.json", *LEDGER], stranger, "there is no account")


def check_files(bench):
    """What a file is comes first, and the exit code says how it was taken."""
    bench.write("script", b"#!/bin/sh\n")
    bench.write("archive.a", b"!<arch>\n")
    bench.write("macho", b"\xcf\xfa\xed\xfe" + bytes(60))
    native = bench.path("native.o")
    subprocess.run([oracle.clang(), "-c", "-w", bench.path("one.c"), "-o", native], check=True)
    foreign = [
        ("/bin/true", "x86-64"), ("script", "a script (for /bin/sh)"), ("archive.a", "an archive of objects"),
        ("macho", "a Mach-O file"), ("one.c", "a text file"), ("native.o", "relocatable object (64-bit little-endian ELF)"),
    ]  # fmt: skip
    for file, text in foreign:
        for verb in (["deploy"], ["run"], ["link", "-o", "out.so"], ["disassemble"]):
            bench.refused([*verb, file], f"'{file}': it is a", text, "no program for SBPF")
        bench.refused(["inspect", file], text, code=3)
        code, output, _ = bench.run("inspect", file, "--json")
        bench.expect(code == 3 and text in json.loads(output)["file"], f"inspect --json {file}", output)
    bench.ok("inspect", "one.so")
    bench.ok("inspect", "one.o")
    writable = ENTRY + "{ static int count; return count++; }"
    bench.write("writable.c", writable.encode())
    subprocess.run(
        [oracle.clang(), "-target", "bpf", "-O2", "-c", bench.path("writable.c"), "-o", bench.path("writable.o")], check=True)
    bench.refused(["inspect", "writable.o"], "writable global", code=2)
    bench.write("broken.so", bench.read("one.so")[:-700])
    bench.refused(["inspect", "broken.so"], "would be refused", code=2)
    bench.refused(["inspect", "missing.so"], "missing.so", code=1)
    bench.refused(["link", "one.so", "-o", "out.so"], "linked already")
    bench.refused(["link", "one.o", "two.o", "-o", "out.so"], "entrypoint is defined twice: in one.o and in two.o")
    bench.ok("evm", "translate", "00", "-o", "wide.so")
    bench.ok("inspect", "wide.so")


def check_ledgers(bench):
    """Programs and accounts at known addresses."""
    memo = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
    clock = bench.ok("account", "payer.json", "--ledger", "ledger", "--output", "json")
    bench.write("account.json", clock.encode())
    address = "CiDwVBFgWV9E5MvXWoLgnEgn2hK7rJikbvfWavzAQz3"
    created = bench.ok(
        "ledger", "create", "fresh", "--program", memo, "one.so", "--account", "account.json", "--bpf-program", "heir.json",
        "two.o", "--account", address, "account.json", "--upgradeable-program", "buffer.json", "big.so", "payer.json", "--json")
    bench.expect(created.get("accountsAdded") == 8, "ledger create", created)
    fresh = ["--ledger", "fresh", "-k", "payer.json"]
    for key, text in ((memo, "log: one"), ("heir.json", "log: number two"), ("buffer.json", "log: big")):
        output = bench.ok("invoke", key, *fresh)
        bench.expect(text in output, f"invoke {key}", output)
    shown = json.loads(bench.ok("account", address, "--ledger", "fresh", "--output", "json"))
    bench.expect(shown["account"] == json.loads(clock)["account"], "an account at another address", shown)
    bench.refused(["deploy", "two.so", "--program-id", memo, *fresh], "is final")
    bench.ok("deploy", "two.so", "--program-id", "buffer.json", *fresh)
    bench.ok("airdrop", "1", *fresh)
    bench.refused(["ledger", "create", "fresh"], "there is a ledger in 'fresh' already")
    genesis = {"slot": 5, "unixTimestamp": 7, "blockhash": memo, "accounts": [json.loads(clock)]}
    bench.write("genesis.json", json.dumps(genesis).encode())
    created = bench.ok("ledger", "create", "given", "--genesis", "genesis.json", "--program", memo, "one.so", "--json")
    bench.expect(created["slot"] == 5, "ledger create --genesis", created)
    bench.ok("invoke", memo, "--ledger", "given", "-k", "payer.json")
    bench.refused(["airdrop", "1", "--ledger", "given", "-k", "payer.json"], "'given' has no faucet")
    # A ledger made of a genesis alone is the one that replay makes of it.
    bench.ok("ledger", "create", "plain", "--genesis", "genesis.json")
    bench.write("none.jsonl", b"")
    bench.ok("replay", "genesis.json", "none.jsonl", "--ledger", "plain", "--json")
    bench.write("short.json", b'{"pubkey": "%s", "account": {"lamports": 1, "data": ["", "base64"]}}' % memo.encode())
    for arguments, texts in (
        (["--program", memo], ["--program takes an address and a file"]),
        (["--program", "nobody", "one.so"], ["'nobody'"]), (["--program", memo, "script"], ["a script"]),
        (["--program", memo, "one.so", "--bpf-program", memo, "two.so"], [memo, "given twice"]),
        (["--account", "short.json"], ["short.json", "account.owner", "missing"]),
        (["--account", "one.so"], ["one.so", "it is no text"]), (["--account", memo], ["a file has to follow"]),
        (["--genesis", "one.so"], ["one.so"]),
    ):  # fmt: skip
        bench.refused(["ledger", "create", "refused", *arguments], *texts)
        bench.expect(not os.path.exists(bench.path("refused")), f"{arguments} leaves nothing behind")


def older_ledger(bench):
    """A ledger from before there were Ethereum sides gets one when a verb first asks for it, which is said once."""
    address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    bench.write("bare.json", json.dumps({"slot": 1, "unixTimestamp": 1, "blockhash": "1" * 32, "accounts": []}).encode())
    bench.ok("ledger", "create", "older", "--genesis", "bare.json")
    for sees_it_made in (True, False):
        code, output, errors = bench.run("evm", "balance", address, "--ledger", "older", "--json")
        bench.expect(code == 0 and "0x21e19e0c9bab2400000" in output, "a balance on an older ledger", output + errors)
        bench.expect(("has one now" in errors) == sees_it_made, "an older ledger's Ethereum side is said once", errors)
    bench.ok("evm", "send", address, "--value", "1", "--account", "1", "--ledger", "older")


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        prepare(bench)
        for check in (check_funds, check_upgrades, check_buffers, check_authorities, check_prices, check_files, check_ledgers, older_ledger):
            check(bench)
    for problem in bench.problems:
        print(problem)
    print(f"{bench.passed} passed, {len(bench.problems)} failed")
    sys.exit(1 if bench.problems else 0)


if __name__ == "__main__":
    main()
