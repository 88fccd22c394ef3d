"""What a new node's ledger begins with: accounts of another cluster, and solana-test-validator's other options. A part of
node_clients.py."""

import base64
import os
import random
import subprocess

from solders.keypair import Keypair
from solders.litesvm import LiteSVM

from node import Node, binary
from node_tools import CommandLine, program

SOL = 1_000_000_000
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ASSOCIATED = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
LOADER_2 = "BPFLoader2111111111111111111111111111111111"
CLOCK = "SysvarC1ock11111111111111111111111111111111"
SYSTEM = "11111111111111111111111111111111"


def account(node, key):
    value = node.call("getAccountInfo", key, {"encoding": "base64"})["value"]
    if value is not None:
        value["data"] = base64.b64decode(value["data"][0])
    return value


def started_log(node):
    return open(node.ledger + ".log").read()


def cloning(bench):
    source, folder, randomness = bench.node, bench.folder, random.Random(8)
    elf = program(LiteSVM(), MEMO)
    memo = os.path.join(folder, "clone-memo.so")
    with open(memo, "wb") as file:
        file.write(elf)
    # 101 accounts take two requests.
    plain = {str(Keypair().pubkey()): randomness.randbytes(20) for _ in range(101)}
    for key, data in plain.items():
        source.call("surfnet_setAccount", key, {"lamports": SOL, "owner": TOKEN, "data": data.hex(), "rentEpoch": 2**64 - 1})
    fixed, missing, id, mint = (str(Keypair().pubkey()) for _ in range(4))
    source.call("surfnet_setAccount", fixed, {"lamports": SOL, "owner": LOADER_2, "data": elf.hex(), "executable": True})
    authority = os.path.join(folder, "clone-authority.json")
    cli = CommandLine(bench)
    authority_key = cli.ok("keygen", "-o", authority, "--json", bare=True)["pubkey"]
    # A program that was upgraded at a slot that the new ledger has not reached.
    cli.ok("airdrop", "10", "--keypair", cli.keypair)
    deployed = cli.ok("deploy", memo, "--keypair", cli.keypair, "--json")
    late, late_data = deployed["programId"], deployed["programData"]
    bench.expect(int.from_bytes(account(source, late_data)["data"][4:12], "little") > 1, "deployed late")

    def flags(*words):
        return ["--instant", "--no-mainnet-programs", "--url", source.url, *words]

    words = flags(
        "--clone", *plain, fixed, CLOCK, SYSTEM, ASSOCIATED, "--maybe-clone", missing, late, "--clone-upgradeable-program", TOKEN, ASSOCIATED,
        "--upgradeable-program", id, memo, authority, "--mint", mint, "--faucet-sol", "17000000000.5", "--slots-per-epoch", "64", "--warp-slot", "1000",
    )  # fmt: skip
    with Node(os.path.join(folder, "cloned"), *words) as node:
        bench.equal({key: account(node, key)["data"] for key in plain}, plain, "cloned accounts")
        for key in (next(iter(plain)), fixed, TOKEN, late):
            bench.equal(account(node, key), account(source, key), "a cloned account is as it was")
        for key in (TOKEN, ASSOCIATED, late):
            data = bytes(account(node, key)["data"])[4:36]
            data = __import__("solders.pubkey", fromlist=["Pubkey"]).Pubkey.from_bytes(data)
            there, here = account(source, str(data))["data"], account(node, str(data))["data"]
            bench.expect(here[4:12] == bytes(8) and here[:4] + here[12:] == there[:4] + there[12:], "cloned code, at slot 0")
        log = started_log(node)
        bench.expect(f"{CLOCK} is a sysvar" in log and f"{SYSTEM} is a part of the runtime" in log, "what a ledger has of its own", log[-900:])
        bench.expect(f"no account at {missing}" in log, "--maybe-clone", log[-900:])
        bench.equal(account(node, missing), None, "nothing at an address that --maybe-clone did not find")
        bench.equal(node.call("getBalance", mint)["value"], 500_000_000 * SOL, "--mint")
        bench.equal(node.call("getBalance", node.announcement["solana"]["pubkey"])["value"], 17_000_000_000_500_000_000, "--faucet-sol")
        bench.expect(node.call("getSupply")["value"]["total"] >= 17_000_000_000_500_000_000, "getSupply")
        schedule = node.call("getEpochSchedule")
        bench.equal(schedule, {"slotsPerEpoch": 64, "leaderScheduleSlotOffset": 64, "warmup": False, "firstNormalEpoch": 0, "firstNormalSlot": 0}, "--slots-per-epoch")
        info = node.call("getEpochInfo")
        bench.equal((info["absoluteSlot"], info["epoch"], info["slotIndex"], info["slotsInEpoch"]), (1000, 15, 40, 64), "--warp-slot")
        here = CommandLine(bench, node.url)
        here.ok("airdrop", "10", "--keypair", here.keypair)
        for key in (fixed, late, id):
            called = here.ok("invoke", key, "--data", b"cloned".hex(), "--keypair", here.keypair, "--json")
            bench.expect(any("cloned" in line for line in called["logs"]), "a cloned program runs", called)
        bench.equal(here.ok("program", "show", id, "--json")["authority"], authority_key, "--upgradeable-program")
        bench.equal(here.ok("program", "show", late, "--json")["authority"], cli.pubkey, "a cloned authority")
        here.ok("deploy", memo, "--program-id", id, "--upgrade-authority", authority, "--keypair", here.keypair)

    def refused(text, *words, url=source.url):
        ledger = os.path.join(folder, "not-cloned")
        run = subprocess.run([binary(), "node", "--ledger", ledger, "--port", "0", "--no-mainnet-programs", *(["--url", url] if url else []), *words], capture_output=True, text=True, timeout=20)
        bench.expect(run.returncode in (1, 64) and text in run.stderr and not os.path.exists(ledger), f"{words}: {text}", run.stderr[-600:])

    refused(f"{missing} cannot be copied: it has no such account", "--clone", next(iter(plain)), missing)
    refused("name it with --url", "--clone", missing, url=None)
    refused("of which none is given")
    refused("nobody listens there", "--clone", missing, url="http://127.0.0.1:9")
    refused("it is no program of the upgradeable loader, its owner is " + LOADER_2, "--clone-upgradeable-program", fixed)
    refused("is neither a base58 key", "--clone", "nonsense")
    refused("--slots-per-epoch must be from 32", "--slots-per-epoch", "31", url=None)
    refused("--faucet-sol must be more than 0", "--faucet-sol", "0", url=None)
    refused("takes an address, a file and an authority", "--upgradeable-program", id, memo)
    refused(f"account {mint} is given twice", "--mint", mint, "--program", mint, memo, url=None)
    refused("--slot-ms sets the time", "--ticks-per-slot", "8")
    refused("--history-blocks says", "--limit-ledger-size=5")
    cli.fails("put into new ledgers only", "node", "--ledger", os.path.join(folder, "cloned"), "--port", "0", "--mint", mint, bare=True)
    cli.fails("is at slot 100", "node", "--ledger", os.path.join(folder, "cloned"), "--port", "0", "--warp-slot", "5", bare=True)
    created = os.path.join(folder, "created")
    cli.ok("ledger", "create", created, "--url", source.url, "--clone", TOKEN, "--no-mainnet-programs", bare=True)
    bench.equal(cli.ok("account", TOKEN, "--ledger", created, "--json", bare=True)["account"]["lamports"], account(source, TOKEN)["lamports"], "ledger create --clone")
