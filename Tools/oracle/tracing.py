"""Traces and profiles of transactions, by the command line: what a past transaction did, where a program stopped, and where
compute units and gas went. What a trace tells must be what the transaction's own result told.

    tracing.py
"""

import base64
import json
import os
import subprocess
import sys
import tempfile

import deploying
import oracle
from deploying import LEDGER

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# By the first byte of the data: 0 succeeds after some work in functions of its own, 1 writes where nothing may be
# written, others give that number back.
SOURCE = """
typedef unsigned long long u64;
extern void sol_log_(const char *, u64);
__attribute__((noinline)) u64 inner(volatile u64 *slot, u64 rounds) {
  for (u64 i = 0; i < rounds; i++) *slot += i;
  return *slot;
}
__attribute__((noinline)) u64 outer(u64 rounds) {
  volatile u64 sum = 0;
  u64 first = inner(&sum, rounds);
  return first + inner(&sum, rounds) - 2 * first + first;
}
u64 entrypoint(const unsigned char *in) {
  u64 kind = in[16];
  sol_log_("worker", 6);
  if (kind == 0) return outer(100) == 1 ? 9 : 0;
  if (kind == 1) *(volatile u64 *)0x100000000ULL = outer(10);
  return kind;
}
"""


def prepare(bench):
    bench.write("worker.c", SOURCE.encode())
    clang = [oracle.clang(), "-target", "bpf", "-mcpu=v3", "-O2", "-c"]
    subprocess.run([*clang, bench.path("worker.c"), "-o", bench.path("worker.o")], check=True)
    counter = os.path.join(ROOT, "Programs/counter/counter.c")
    subprocess.run([*clang, "-mllvm", "-bpf-stack-size=4096", counter, "-o", bench.path("counter.o")], check=True)
    for name in ("worker", "counter"):
        bench.ok("link", name + ".o", "-o", name + ".so")
    for name in ("payer", "mine"):
        bench.ok("keygen", "-o", name + ".json")
    bench.ok("airdrop", "50", *LEDGER)
    for name in ("worker", "counter"):
        bench.ok("deploy", name + ".so", *LEDGER)
    bench.ok("create-account", "mine.json", "--owner", "counter-keypair.json", "--space", "48", *LEDGER)


def folded(text):
    return {stack: int(cost) for stack, cost in (line.rsplit(" ", 1) for line in text.splitlines())}


def programs(bench):
    counter = ["invoke", "counter-keypair.json", "--account", "mine.json:w", *LEDGER, "--json"]
    first = bench.ok(*counter, "--account", "payer.json", "--data", "00")
    second = bench.ok(*counter, "--data", "010700000000000000")
    mine = json.loads(bench.ok("account", "mine.json", *LEDGER, "--output", "json"))
    # Later blocks change the same account; the first transactions are traced as they were.
    bench.ok(*counter, "--data", "010900000000000000")
    for result, before, after in ((first, 0, 0), (second, 0, 7)):
        trace = bench.ok("trace", result["signature"], *LEDGER, "--json")
        for name in ("computeUnits", "fee", "logs", "error"):
            bench.expect(trace[name] == result[name], f"trace, {name}", (trace[name], result[name]))
        changes = {change["pubkey"]: change for change in trace["accounts"]}
        bench.expect(mine["pubkey"] in changes and len(changes) == 2, "accounts that a transaction changed", list(changes))
        for moment, count in (("before", before), ("after", after)):
            data = base64.b64decode(changes[mine["pubkey"]][moment]["data"])
            bench.expect(int.from_bytes(data[8:16], "little") == count, f"the count {moment}", data.hex())
        bench.expect(len(trace["instructions"]) == 1 and trace["failure"] is None, "instructions", trace)
    text = bench.ok("trace", second["signature"], *LEDGER)
    bench.expect("data [8, 9): 00 → 07" in text, "what changed in an account's data", text)

    worker = ["invoke", "worker-keypair.json", *LEDGER]
    signatures = {}
    for kind in (0, 1, 5):
        _, output, errors = bench.run(*worker, "--data", f"{kind:02x}", "--json")
        signatures[kind] = json.loads(output)
    trace = bench.ok("trace", signatures[1]["signature"], *LEDGER, "--json")
    failure = trace["failure"] or {}
    bench.expect("Access violation" in failure.get("fault", ""), "the fault", failure)
    bench.expect(len(failure.get("registers", [])) == 11, "registers", failure)
    place = [line["text"] for line in failure.get("instructions", []) if line["pc"] == failure["pc"]]
    bench.expect(len(place) == 1 and place[0].startswith("stx"), "the instruction that failed", failure)
    text = bench.ok("trace", signatures[1]["signature"], *LEDGER)
    bench.expect("→" in text and "r10" in text and "Program log: worker" in text, "a failed transaction as text", text)
    trace = bench.ok("trace", signatures[5]["signature"], *LEDGER, "--json")
    bench.expect(trace["failure"]["fault"] is None and trace["failure"]["registers"][0] == "0x5", "a result of 5", trace)

    table = bench.ok("trace", signatures[0]["signature"], *LEDGER, "--profile", "units.folded", "--json")
    stacks = folded(bench.read("units.folded").decode())
    units = signatures[0]["computeUnits"]
    bench.expect(sum(stacks.values()) == units, "the profile adds up", (stacks, units))
    bench.expect(sum(row["own"] for row in table) == units, "the table adds up", table)
    inner = [cost for stack, cost in stacks.items() if stack.endswith("inner") and ";outer;" in stack]
    bench.expect(len(inner) == 1 and inner[0] > units / 2, "the loop is where the units went", stacks)
    run = bench.ok("run", "worker.so", "--data", "00", "--profile", "run.folded", "--json")
    units = bench.ok("run", "worker.so", "--data", "00", "--json")["computeUnits"]
    bench.expect(sum(row["own"] for row in run) == units, "a run's profile adds up", (run, units))
    bench.refused(["trace", "nonsense", *LEDGER], "no signature")
    bench.refused(["trace", first["signature"][:-2] + "11", *LEDGER], "no transaction")
    bench.refused(["trace", first["signature"], "--ledger", "nowhere"], "no ledger")
    bench.refused(["trace", first["signature"], *LEDGER, "--profile", "no/such/folder"], "cannot be written")


def contracts(bench):
    artefact = os.path.join(ROOT, "Examples/counter.json")
    deployed = bench.ok("evm", "deploy", artefact, "--ledger", "ledger", "--json")
    address = deployed["contractAddress"]
    call = [address, "add(uint256)", "7", "--abi", artefact, "--ledger", "ledger"]
    sent = bench.ok("evm", "send", *call, "--json")
    tree = bench.ok("evm", "trace", sent["transactionHash"], "--abi", artefact, "--ledger", "ledger", "--json")
    used = int(tree["gasUsed"], 16)
    for what in (call, [sent["transactionHash"], "--abi", artefact, "--ledger", "ledger"]):
        table = bench.ok("evm", "trace", *what, "--profile", "gas.folded", "--json")
        stacks = folded(bench.read("gas.folded").decode())
        bench.expect(
            sum(stacks.values()) == sum(row["own"] for row in table), "table and stacks agree", (stacks, table))
        bench.expect(all(f"{address}::add" in stack for stack in stacks), "the function's name", stacks)
    bench.expect(sum(stacks.values()) == used, "gas adds up", (stacks, used))
    text = bench.ok("evm", "trace", *call, "--profile", "gas.folded")
    bench.expect("gas, without the transaction's own" in text, "the table", text)
    bench.refused(["evm", "trace", *call, "--profile", "x", "--opcodes"], "--opcodes and --profile")


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = deploying.Bench(folder)
        prepare(bench)
        programs(bench)
        contracts(bench)
    for problem in bench.problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"traces and profiles: {bench.passed} passed, {len(bench.problems)} failed")
    sys.exit(1 if bench.problems else 0)


if __name__ == "__main__":
    main()
