"""`workload erc20`, `swaps`, `payments` and `mixed`, and the contracts of `Programs/` that they call.

    workloads.py [--write]

Vyper makes again the bytecode that lies beside the sources, and the runtime code that the command line holds; --write
puts it there. Both contracts are deployed on a ledger and used. Then blocks are made, replayed on every executor, with
signatures, without, and with binding access sets; the storage after them has to be what Python makes of the transactions.
Then contracts send transactions that nobody has signed.

ESTUARY names the command line.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap

import rlp
from eth_account import Account
from eth_utils import function_signature_to_4byte_selector as selector_of
from eth_utils import keccak

from toolchain import clang

BINARY = os.environ.get("ESTUARY", ".build/release/estuary")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EMBEDDED = os.path.join(ROOT, "Sources", "Estuary", "WorkloadContracts.swift")
COUNT = 120
CONTENTION = 30
EXECUTORS = ["serial", "locks --workers 1", "locks --workers 3", "waves --workers 1", "waves --workers 3"]


def estuary(line, *more, fails=None):
    done = subprocess.run([BINARY, *line.split(), *more], capture_output=True, text=True)
    if fails:
        assert done.returncode != 0 and fails in done.stderr, f"{line}: {done.returncode}, {done.stderr}"
        return None
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return json.loads(done.stdout) if "--json" in line else done.stdout.strip()


def compiled(name):
    """Initcode and runtime code, as vyper makes them of a contract of Programs/."""
    vyper = os.path.join(os.path.dirname(sys.executable), "vyper")
    source = os.path.join(ROOT, "Programs", name, f"{name}.vy")
    output = subprocess.run(
        [vyper, "-f", "bytecode,bytecode_runtime", source], check=True, capture_output=True, text=True)
    return output.stdout.split()


def check_bytecode(write):
    for name in ("erc20", "pool"):
        initcode, runtime = compiled(name)
        path = os.path.join(ROOT, "Programs", name, f"{name}.hex")
        embedded = open(EMBEDDED).read()
        pattern = re.compile(rf'(static let {name} = code\(\n    """\n)(.*?)(    """)', re.DOTALL)
        if write:
            with open(path, "w") as file:
                file.write(textwrap.fill(initcode, 100) + "\n")
            lines = "".join(f"    {line}\n" for line in textwrap.wrap(runtime[2:], 100))
            with open(EMBEDDED, "w") as file:
                file.write(pattern.sub(lambda match: match[1] + lines + match[3], embedded))
            continue
        hint = f"vyper makes another code of {name}.vy: workloads.py --write"
        assert "".join(open(path).read().split()) == initcode, hint
        assert "".join(pattern.search(embedded)[2].split()) == runtime[2:], hint


def check_contracts(ledger):
    """Both contracts, deployed and used by two people."""
    on = f"--ledger {ledger} --json"
    people = [account["address"] for account in estuary(f"evm accounts {on}")]
    constructor = "constructor(string,string,uint8,uint256)"
    tokens = [
        estuary(f"evm deploy {ROOT}/Programs/erc20/erc20.hex {on} --constructor", constructor, name, name[:3], "18",
                str(10**24))["contractAddress"]
        for name in ("First", "Second")
    ]
    pool = estuary(f"evm deploy {ROOT}/Programs/pool/pool.hex {on} --constructor", "constructor(address,address)",
                   *tokens)["contractAddress"]

    def call(contract, signature, *arguments):
        return int(estuary(f"evm call {contract} {on}", signature, *map(str, arguments))["output"], 16)

    def send(contract, signature, *arguments, by=0, fails=None):
        estuary(f"evm send {contract} {on} --account {by}", signature, *map(str, arguments), fails=fails)

    balance, transfer, approve = "balanceOf(address)(uint256)", "transfer(address,uint256)", "approve(address,uint256)"
    send(tokens[0], transfer, people[1], 5 * 10**18)
    assert call(tokens[0], balance, people[1]) == 5 * 10**18
    send(tokens[0], transfer, people[0], 6 * 10**18, by=1, fails="balance too small")
    send(tokens[0], "transferFrom(address,address,uint256)", people[0], people[1], 1, by=1, fails="allowance too small")
    send(tokens[0], "mint(address,uint256)", people[1], 1, by=1, fails="not the owner")
    send(tokens[0], "mint(address,uint256)", people[1], 1)
    assert call(tokens[0], "totalSupply()(uint256)") == 10**24 + 1
    for token in tokens:
        send(token, approve, pool, 10**23)
    send(tokens[0], approve, pool, 10**18, by=1)
    send(pool, "provide(uint256,uint256)", 4 * 10**20, 9 * 10**20)
    assert call(pool, "sharesOf(address)(uint256)", people[0]) == 6 * 10**20
    out = call(pool, "quote(bool,uint256)(uint256)", "true", 10**18)
    paid = 10**18 * 997
    assert out == paid * 9 * 10**20 // (4 * 10**20 * 1000 + paid)
    swap = "swap(bool,uint256,uint256,address)"
    send(pool, swap, "true", 10**18, out + 1, people[1], by=1, fails="price has moved")
    send(pool, swap, "true", 10**18, out, people[1], by=1)
    assert call(tokens[1], balance, people[1]) == out
    assert call(pool, "reserve0()(uint256)") == call(tokens[0], balance, pool) == 401 * 10**18
    assert call(pool, "reserve1()(uint256)") == call(tokens[1], balance, pool) == 900 * 10**18 - out
    send(pool, "withdraw(uint256)", 6 * 10**20)
    assert call(pool, "totalShares()(uint256)") == call(tokens[1], balance, pool) == 0


def word(value):
    return int(value, 16) if isinstance(value, str) else value


def slot(base, key):
    """Vyper's place of a mapping's value."""
    return int.from_bytes(keccak(base.to_bytes(32, "big") + key.to_bytes(32, "big")), "big")


def storage_of(genesis):
    """Of all contracts but those of the system, whose addresses begin with zeros and which change in every block."""
    accounts = json.load(open(genesis))["ethereum"]["alloc"]
    return {
        word(address): {word(key): word(value) for key, value in account.get("storage", {}).items()}
        for address, account in accounts.items() if account.get("code") and not address.startswith("0x000")
    }


def expected_storage(genesis, lines):
    """What the transactions make of the storage of all contracts."""
    state = storage_of(genesis)

    def move(token, sender, to, amount):
        assert state[token][slot(7, sender)] >= amount
        state[token][slot(7, sender)] -= amount
        state[token][slot(7, to)] = state[token].get(slot(7, to), 0) + amount

    for line in lines:
        raw = bytes.fromhex(line["ethereum"][2:])
        fields = rlp.decode(raw[1:])
        sender, target, data = word(line["from"]), int.from_bytes(fields[5], "big"), fields[7]
        if not data:
            continue
        words = [int.from_bytes(data[4 + i : 36 + i], "big") for i in range(0, len(data) - 4, 32)]
        if data[:4] == selector_of("transfer(address,uint256)"):
            move(target, sender, words[0], words[1])
            continue
        assert data[:4] == selector_of("swap(bool,uint256,uint256,address)")
        pool, (into, out_of) = state[target], ((0, 1) if words[0] else (1, 0))
        paid = words[1] * 997
        out = paid * pool[2 + out_of] // (pool[2 + into] * 1000 + paid)
        pool[2 + into] += words[1]
        pool[2 + out_of] -= out
        move(pool[into], sender, target, words[1])
        move(pool[out_of], target, words[3], out)
    return state


def balances_of(genesis):
    accounts = json.load(open(genesis))["ethereum"]["alloc"]
    return {word(address): word(account.get("balance", 0)) for address, account in accounts.items()}


def check_payments(folder, lines):
    """Whoever is paid has what was sent, and nobody pays twice."""
    before, after = balances_of(f"{folder}/genesis.json"), balances_of(f"{folder}/after.json")
    paid = {}
    for line in lines:
        fields = rlp.decode(bytes.fromhex(line["ethereum"][2:])[1:])
        target, value = int.from_bytes(fields[5], "big"), int.from_bytes(fields[6], "big")
        if not fields[7]:
            assert value > 0
            paid[target] = paid.get(target, 0) + value
    for target, value in paid.items():
        assert after[target] == before[target] + value, hex(target)
    return paid


def check_block(folder, kind, more, ledger):
    """Makes a block, replays it on every executor; returns the state hash."""
    files = f"{folder}/genesis.json {folder}/transactions.jsonl"
    sigverify = " --no-sigverify" if "--unsigned" in more else ""
    made = estuary(
        f"workload {kind} {folder} --count {COUNT} --contention {CONTENTION} --seed 5 --json --ledger {ledger} {more}")
    assert made["transactions"] == COUNT
    lines = [json.loads(line) for line in open(f"{folder}/transactions.jsonl")]
    ethereum = [line for line in lines if "ethereum" in line]
    assert len(lines) == COUNT and len(ethereum) == (COUNT // 2 if kind == "mixed" else COUNT)
    assert len({line["from"] for line in ethereum}) == len(ethereum)
    for line in ethereum:
        assert ("access" in line) == ("--access" in more)
        if "--unsigned" not in more:
            assert Account.recover_transaction(line["ethereum"]).lower() == line["from"].lower()
    hashes = set()
    for executor in EXECUTORS:
        run = estuary(f"replay {files} --json --executor {executor} --dump-accounts {folder}/after.json{sigverify}")
        failed = [entry["error"] for entry in run["transactions"] if entry["error"]]
        assert not failed, f"{kind} {more}, {executor}: {failed[:3]}"
        hashes.add(run["stateHash"])
        assert storage_of(f"{folder}/after.json") == expected_storage(f"{folder}/genesis.json", ethereum), executor
        assert len(check_payments(folder, ethereum)) > (COUNT // 2 if kind == "payments" else -1)
    assert len(hashes) == 1, f"{kind} {more}: {hashes}"
    if "--unsigned" in more:
        run = estuary(f"replay {files} --json")
        assert all(entry["error"] for entry, line in zip(run["transactions"], lines) if "ethereum" in line)
    return hashes.pop()


def check_contracts_that_act(folder):
    """Contracts send where nobody has signed, r being their address and s 1; what is signed in another way they cannot send."""
    genesis = json.load(open(f"{folder}/genesis.json"))
    ethereum = genesis["ethereum"]
    contracts = [f"0x{0xc0de << 64 | k:040x}" for k in range(4)]
    target = "0x" + "7a" * 20
    for contract in contracts:
        # CALLER and the calls so far in slot 0: the sum of both.
        ethereum["alloc"][contract] = {"balance": hex(10**18), "nonce": "0x1", "code": "0x33600054015f55"}
    chain, price = word(ethereum["chainId"]), 10**12
    lines, refused = [], []

    def add(sender, nonce, to, r, s, is_refused=False):
        to = bytes.fromhex(to[2:])
        v = chain * 2 + 35
        bytes_ = rlp.encode([nonce, price, 60_000, to, 1, b"", v, r, s])
        lines.append({"ethereum": "0x" + bytes_.hex(), "from": sender})
        refused.append(is_refused)

    for nonce in range(1, 21):
        for k, contract in enumerate(contracts):
            own = int(contract, 16)
            for wrong in ((own, 2), (own ^ 1, 1), (1, 1)) if nonce % 7 == k else ():
                add(contract, nonce, target, *wrong, is_refused=True)
            add(contract, nonce, contracts[(k + nonce) % 4] if nonce % 3 else target, own, 1)
    with open(f"{folder}/acting.json", "w") as file:
        json.dump(genesis, file)
    with open(f"{folder}/acting.jsonl", "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    files, outcomes = f"{folder}/acting.json {folder}/acting.jsonl", []
    for executor in EXECUTORS:
        run = estuary(f"replay {files} --json --executor {executor} --no-sigverify")
        for entry, line, is_refused in zip(run["transactions"], lines, refused):
            assert ("SENDER_NOT_EOA" in str(entry["error"])) == is_refused and bool(entry["error"]) == is_refused, (executor, entry, line)
        outcomes.append((run["stateHash"], run["transactions"]))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    run = estuary(f"replay {files} --json")
    assert all(entry["error"] for entry in run["transactions"])


def check_contention(folder, ledger):
    """The share of transactions that meet is what was asked for."""
    for percentage, most in ((0, 1), (100, COUNT)):
        for kind in ("erc20", "swaps"):
            estuary(f"workload {kind} {folder} --count {COUNT} --contention {percentage} --access --ledger {ledger}")
            uses = {}
            for line in map(json.loads, open(f"{folder}/transactions.jsonl")):
                for key in line["access"]["writeSlots"]:
                    uses[tuple(key)] = uses.get(tuple(key), 0) + 1
            assert max(uses.values()) == most, f"{kind}, {percentage} %: {max(uses.values())}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    check_bytecode(arguments.write)
    if arguments.write:
        return
    with tempfile.TemporaryDirectory() as folder:
        ledger = f"{folder}/ledger"
        check_contracts(ledger)
        command = f"{clang()} -target bpf -mcpu=v3 -O2 -mllvm -bpf-stack-size=4096 -c {ROOT}/Programs/token/token.c"
        subprocess.run([*command.split(), "-o", f"{folder}/token.o"], check=True)
        estuary(f"link {folder}/token.o -o {folder}/token.so")
        key = f"-k {folder}/payer.json --ledger {ledger}"
        estuary(f"keygen -o {folder}/payer.json")
        estuary(f"airdrop 1000 {key}")
        estuary(f"deploy {folder}/token.so {key}")
        token = f"--program {folder}/token-keypair.json"
        for kind in ("erc20", "swaps", "payments", "mixed"):
            program = token if kind == "mixed" else ""
            hashes = {
                check_block(f"{folder}/{kind}", kind, f"{program} {more}", ledger)
                for more in ("", "--access", "--unsigned", "--unsigned --access")
            }
            assert len(hashes) == 1, f"{kind}: {hashes}"
        check_contracts_that_act(f"{folder}/payments")
        check_contention(f"{folder}/contention", ledger)
        estuary(f"workload mixed {folder}/x --ledger {ledger}", fails="'mixed' needs --program")
        estuary(f"workload transfer {folder}/x --access --ledger {ledger}", fails="--access is for Ethereum's")
        estuary(f"workload token {folder}/x {token} --unsigned --ledger {ledger}", fails="--unsigned is for Ethereum's")
        assert not os.path.exists(f"{folder}/x")
        old = {"chainId": 7, "fork": "Shanghai", "baseFeePerGas": 7, "coinbase": "0x" + "00" * 20}
        genesis = json.load(open(f"{folder}/erc20/genesis.json")) | {"ethereum": old}
        json.dump(genesis, open(f"{folder}/old.json", "w"))
        estuary(f"ledger create {folder}/old --genesis {folder}/old.json")
        estuary(f"workload erc20 {folder}/x --ledger {folder}/old", fails="for Cancun and later forks")
    print(f"workloads: two contracts, {4 * 4} blocks of {COUNT} transactions on {len(EXECUTORS)} executors")


main()
