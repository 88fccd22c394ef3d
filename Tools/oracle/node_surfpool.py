"""Surfpool's methods (surfnet_…) that node_tools.py does not ask, and what the node says to those that it has not. A part of
node_clients.py."""

import base64
import json
import os
import re
import time

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from node import Node, RPCFailure
from node_tools import CommandLine, program

SOL = 1_000_000_000
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
NATIVE_MINT = "So11111111111111111111111111111111111111112"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# All of Surfpool's, by its crates/types/src/types.rs.
ALL = """cloneProgramAccount deriveConfidentialKeys disableCheatcode enableCheatcode exportSnapshot getActiveIdl getConfidentialBalance
    getLocalSignatures getProfileResultsByTag getStreamedAccounts getSurfnetInfo getTransactionProfile offlineAccount pauseClock
    profileTransaction registerIdl registerScenario resetAccount resetNetwork resumeClock setAccount setProgramAuthority setSupply
    setTokenAccount streamAccount streamAccounts timeTravel writeProgram""".split()
MISSING = {"deriveConfidentialKeys", "disableCheatcode", "enableCheatcode", "getConfidentialBalance", "registerScenario"}


def surfpool(bench):
    folder = bench.folder
    memo = os.path.join(folder, "surfpool-memo.so")
    elf = program(LiteSVM(), MEMO)
    with open(memo, "wb") as file:
        file.write(elf)
    clock(bench)
    with Node(os.path.join(folder, "surfpool"), "--instant", "--no-mainnet-programs", "--program", MEMO, memo) as node:
        call = node.call
        value = lambda method, *parameters: call(method, *parameters)["value"]

        def refuses(code, text, method, *parameters):
            try:
                answer = call(method, *parameters)
            except RPCFailure as failure:
                bench.expect(failure.code == code and text in failure.message, f"{method}: {text}", str(failure))
                return
            bench.expect(False, f"{method} {parameters}", answer)

        genesis(bench, call)
        for name in ALL:
            try:
                call("surfnet_" + name, 1.5)
            except RPCFailure as failure:
                bench.equal(failure.code == -32601, name in MISSING, f"surfnet_{name}: {failure}")
        supply(bench, call, value, refuses)
        descriptions(bench, call, value, refuses)
        profiles(bench, node, call, value, refuses)
        accounts(bench, node, elf, call, value, refuses)
        info = value("surfnet_getSurfnetInfo")
        bench.equal(info, {"runbookExecutions": [], "startup": {"phase": "ready", "planSealed": True, "tasks": [], "error": None}}, "surfnet_getSurfnetInfo")
        key = str(Keypair().pubkey())
        bench.equal(value("surfnet_offlineAccount", key, {"includeOwnedAccounts": True}), None, "surfnet_offlineAccount")
        bench.equal(value("surfnet_getStreamedAccounts"), {"accounts": []}, "surfnet_getStreamedAccounts")
        refuses(-32000, "--clone", "surfnet_streamAccount", key)
        refuses(-32000, "--clone", "surfnet_streamAccounts", [{"pubkey": key}])
        bench.expect(call("getSlot") > 1, "blocks were made")
        bench.equal(value("surfnet_resetNetwork"), None, "surfnet_resetNetwork")
        bench.equal((call("getSlot"), value("surfnet_getLocalSignatures")), (1, []), "back at the start")
        genesis(bench, call)
        call("surfnet_setAccount", str(Keypair().pubkey()), {"lamports": SOL})
        genesis(bench, call)
        call("estuary_warpToSlot", 77)
        bench.equal((call("getBlocks", 0), call("getFirstAvailableBlock"), call("getBlock", 77)["parentSlot"]), ([1, 77], 1, 1), "blocks after a warp")
        bench.expect(call("getBlockTime", 77) >= call("getBlockTime", 1), "their times")
        call("estuary_warpToSlot", 1)
        genesis(bench, call)


def genesis(bench, call):
    """The block that a ledger begins with, before there is another."""
    slot = call("getSlot")
    block = call("getBlock", slot)
    bench.equal((block["blockHeight"], block["parentSlot"], block["transactions"]), (0, 0, []), "the block of the genesis")
    bench.equal(block["previousBlockhash"], "1" * 32, "what is before it")
    bench.expect(call("isBlockhashValid", block["blockhash"])["value"], "its blockhash", block)
    bench.expect(abs(call("getBlockTime", slot) - time.time()) < 600, "its time", call("getBlockTime", slot))
    bench.equal((call("getFirstAvailableBlock"), call("minimumLedgerSlot"), call("getBlocks", 0), call("getBlocksWithLimit", 0, 5)), (slot, slot, [slot], [slot]), "the first block")
    (numbers,) = call("getBlockProduction")["value"]["byIdentity"].values()
    bench.equal(numbers, [slot + 1, 1], "slots and blocks so far")


def clock(bench):
    call = bench.node.call
    paused = call("surfnet_pauseClock")
    time.sleep(0.3)
    bench.equal(call("getSlot"), paused["absoluteSlot"], "surfnet_pauseClock")
    call("surfnet_pauseClock")
    key = str(Keypair().pubkey())
    signature = call("requestAirdrop", key, SOL)
    end = time.monotonic() + 5
    while call("getSignatureStatuses", [signature])["value"][0] is None and time.monotonic() < end:
        time.sleep(0.01)
    bench.equal((call("getSlot"), call("getBalance", key)["value"]), (paused["absoluteSlot"] + 1, SOL), "a transaction while the clock stands")
    call("surfnet_resumeClock")
    time.sleep(0.3)
    bench.expect(paused["absoluteSlot"] + 2 <= call("getSlot") <= paused["absoluteSlot"] + 8, "surfnet_resumeClock", call("getSlot"))
    call("surfnet_resumeClock")


def supply(bench, call, value, refuses):
    rich = value("getLargestAccounts")[0]["address"]
    true = value("getSupply")
    bench.equal(value("surfnet_setSupply", {"total": 1000, "non_circulating": 200}), None, "surfnet_setSupply")
    bench.equal(value("getSupply"), {"total": 1000, "circulating": true["circulating"], "nonCirculating": 200, "nonCirculatingAccounts": []}, "some members")
    value("surfnet_setSupply", {"circulating": 800, "non_circulating_accounts": [rich]})
    bench.equal(value("getSupply"), {"total": 1000, "circulating": 800, "nonCirculating": 200, "nonCirculatingAccounts": [rich]}, "all members")
    bench.equal(value("getSupply", {"excludeNonCirculatingAccountsList": True})["nonCirculatingAccounts"], [], "without the list")
    bench.equal([a["address"] for a in value("getLargestAccounts", {"filter": "nonCirculating"})], [rich], "getLargestAccounts of these")
    bench.expect(rich not in [a["address"] for a in value("getLargestAccounts", {"filter": "circulating"})], "getLargestAccounts of others")
    refuses(-32602, "Invalid param", "surfnet_setSupply", {"non_circulating_accounts": ["nonsense"]})
    refuses(-32602, "expected u64", "surfnet_setSupply", {"total": "1"})
    refuses(-32602, "", "surfnet_setSupply")


def descriptions(bench, call, value, refuses):
    key = str(Keypair().pubkey())
    idl = lambda name: {"address": key, "metadata": {"name": name, "version": "0.1.0", "spec": "0.1.0"}, "instructions": [], "accounts": [], "extra": [1]}
    bench.equal(value("surfnet_getActiveIdl", key), None, "no IDL yet")
    slot = call("getSlot")
    bench.equal(value("surfnet_registerIdl", idl("now")), None, "surfnet_registerIdl")
    value("surfnet_registerIdl", idl("later"), slot + 1000)
    value("surfnet_registerIdl", idl("earlier"), 0)
    answer = call("surfnet_getActiveIdl", key, slot + 1000)
    bench.equal((answer["value"], answer["context"]["slot"]), (idl("later"), slot + 1000), "at a slot")
    bench.equal([value("surfnet_getActiveIdl", key)["metadata"]["name"], value("surfnet_getActiveIdl", key, 0)["metadata"]["name"]], ["now", "earlier"], "now and before")
    refuses(-32602, "missing field `address`", "surfnet_registerIdl", {})
    refuses(-32602, "missing field `spec`", "surfnet_registerIdl", {"address": key, "metadata": {"name": "x", "version": "1"}})
    refuses(-32602, "Invalid param", "surfnet_registerIdl", {**idl("x"), "address": "nonsense"})


def profiles(bench, node, call, value, refuses):
    payer, target = Keypair(), Keypair().pubkey()
    call("requestAirdrop", str(payer.pubkey()), 10 * SOL)
    while value("getBalance", str(payer.pubkey())) == 0:
        time.sleep(0.01)
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=target, lamports=SOL))

    def wire(*instructions):
        blockhash = Hash.from_string(value("getLatestBlockhash")["blockhash"])
        message = Message.new_with_blockhash(list(instructions), payer.pubkey(), blockhash)
        return base64.b64encode(bytes(Transaction([payer], message, blockhash))).decode()

    def send(*instructions):
        signature = call("sendTransaction", wire(*instructions), {"encoding": "base64", "skipPreflight": True})
        while value("getSignatureStatuses", [signature])[0] is None:
            time.sleep(0.01)
        return signature

    say = lambda data: Instruction(Pubkey.from_string(MEMO), data, [])
    first = value("surfnet_profileTransaction", wire(pay, say(b"one")), "tag")
    second = value("surfnet_profileTransaction", wire(say(b"two")), "tag", {"depth": "transaction"})
    untagged = value("surfnet_profileTransaction", wire(say(b"three")))
    bench.expect(UUID.fullmatch(first["key"]) and len({first["key"], second["key"], untagged["key"]}) == 3, "names of profiles", first["key"])
    bench.equal(value("surfnet_getProfileResultsByTag", "tag"), [first, {**second}], "surfnet_getProfileResultsByTag")
    bench.equal(value("surfnet_getProfileResultsByTag", "other"), None, "another tag")
    shallow = value("surfnet_getProfileResultsByTag", "tag", {"depth": "transaction", "encoding": "base64"})[0]
    bench.expect("instructionProfiles" not in shallow and shallow["transactionProfile"]["computeUnitsConsumed"] == first["transactionProfile"]["computeUnitsConsumed"], "depth")
    bench.equal(value("surfnet_getTransactionProfile", untagged["key"]), untagged, "by name")
    bench.equal(value("surfnet_getTransactionProfile", "00000000-0000-4000-8000-000000000000"), None, "a name of none")
    bench.equal(value("surfnet_getTransactionProfile", "1" * 64), None, "a signature of none")
    refuses(-32602, "expected a Uuid", "surfnet_getTransactionProfile", "nonsense")
    sent = send(pay, say(b"sent"))
    send(pay)
    executed = call("surfnet_getTransactionProfile", sent, {"encoding": "base64"})
    slot = value("getSignatureStatuses", [sent])[0]["slot"]
    profile = executed["value"]
    bench.equal((executed["context"]["slot"], profile["slot"], profile["key"]), (slot, slot, sent), "of an executed transaction")
    change = profile["transactionProfile"]["accountStates"][str(target)]["accountChange"]
    bench.equal((change["type"], change["data"]["lamports"]), ("create", SOL), "what it changed")
    meta = call("getTransaction", sent, {"encoding": "json"})["meta"]
    bench.equal((profile["transactionProfile"]["computeUnitsConsumed"], profile["transactionProfile"]["logMessages"]), (meta["computeUnitsConsumed"], meta["logMessages"]), "as it was")
    bad = send(say(b"\xff\xfe"))
    bench.expect(value("surfnet_getTransactionProfile", bad)["transactionProfile"]["errorMessage"], "of one that failed")
    latest = value("surfnet_getLocalSignatures", 3)
    bench.equal([bool(one["err"]) for one in latest], [True, False, False], "surfnet_getLocalSignatures")
    bench.equal((latest[0]["signature"], latest[2]["signature"], latest[2]["logs"]), (bad, sent, meta["logMessages"]), "newest first")
    bench.equal([len(value("surfnet_getLocalSignatures", n)) for n in (0, {"limit": 1})], [0, 1], "limits")
    bench.equal(len(value("surfnet_getLocalSignatures")), 4, "all of them")


def accounts(bench, node, elf, call, value, refuses):
    owner, own = Keypair().pubkey(), [str(Keypair().pubkey()) for _ in range(3)]
    call("surfnet_setAccount", str(owner), {"lamports": SOL})
    for key in own:
        call("surfnet_setAccount", key, {"lamports": SOL, "owner": str(owner)})
    call("surfnet_resetAccount", own[0])
    bench.equal([value("getBalance", key) for key in own], [0, SOL, SOL], "surfnet_resetAccount")
    call("surfnet_resetAccount", str(owner), {"includeOwnedAccounts": True})
    bench.equal([value("getBalance", key) for key in [str(owner), *own]], [0] * 4, "with what it owns")
    bench.equal(value("surfnet_resetAccount", str(owner)), None, "an account that is not there")
    for part in ("SysvarC1ock11111111111111111111111111111111", "11111111111111111111111111111111", "Vote111111111111111111111111111111111111111",
                 "BPFLoaderUpgradeab1e11111111111111111111111", "Ed25519SigVerify111111111111111111111111111"):  # fmt: skip
        role = "a sysvar" if part.startswith("Sysvar") else "a part of the runtime"
        refuses(-32602, role, "surfnet_resetAccount", part)
        for method in ("surfnet_setAccount", "estuary_setAccount"):
            for update in ({"lamports": 0}, {"lamports": SOL, "data": "00"}):
                refuses(-32602, role, method, part, update)
        refuses(-32602, role, "estuary_importAccounts", {part: {"lamports": 1}})
    feature = {"lamports": SOL, "owner": "Feature111111111111111111111111111111111111", "data": "00" * 9}
    for update in (feature, {"lamports": 0}):
        call("surfnet_setAccount", "EBq48m8irRKuE7ZnMTLvLg2UuGSqhe8s8oMqnmja1fJw", update)
    call("surfnet_setAccount", own[0], {"lamports": SOL, "owner": TOKEN, "data": "01" * 10})
    for mint in (own[0], str(owner)):
        refuses(-32602, "mint", "surfnet_setTokenAccount", str(Keypair().pubkey()), mint, {"amount": 1})
    call("surfnet_resetAccount", own[0])

    # A program written in pieces, out of order; then other code in its place.
    cli = CommandLine(bench, node.url)
    cli.ok("airdrop", "10", "--keypair", cli.keypair)
    key, authority = str(Keypair().pubkey()), str(Keypair().pubkey())
    half = len(elf) // 2
    bench.equal(value("surfnet_writeProgram", key, elf[half:].hex(), half, authority), None, "surfnet_writeProgram")
    cli.fails("", "invoke", key, "--data", b"half".hex(), "--keypair", cli.keypair)
    call("surfnet_writeProgram", key, elf[:half].hex(), 0)
    runs = lambda text: cli.ok("invoke", key, "--data", text.encode().hex(), "--keypair", cli.keypair, "--json")["logs"]
    bench.expect(any("whole" in line for line in runs("whole")), "a written program runs")
    shown = cli.ok("program", "show", key, "--json")
    bench.equal((shown["authority"], shown["dataLen"]), (authority, len(elf)), "its authority")
    call("surfnet_writeProgram", key, (b"\x7fELF" + bytes(200)).hex(), 0)
    cli.fails("", "invoke", key, "--data", b"broken".hex(), "--keypair", cli.keypair)
    call("surfnet_writeProgram", key, elf[:300].hex(), 0)
    bench.expect(any("again" in line for line in runs("again")), "it runs again")
    refuses(-32602, "hex", "surfnet_writeProgram", key, "xyz", 0)
    refuses(-32602, "at most", "surfnet_writeProgram", key, "00", 2**64 - 1)
    refuses(-32602, "no program", "surfnet_writeProgram", str(cli.pubkey), "00", 0)
    call("surfnet_resetAccount", key)
    bench.equal([value("getAccountInfo", k, {"encoding": "base64"}) for k in (key, shown["programdataAddress"])], [None, None], "a program with its code")

    # Wrapped SOL is backed by lamports.
    mint = bytes(36) + bytes(8) + bytes([9, 1]) + bytes(36)
    call("surfnet_setAccount", NATIVE_MINT, {"lamports": SOL, "owner": TOKEN, "data": mint.hex()})
    wallet = str(Keypair().pubkey())
    for amount in (5 * SOL, 2 * SOL):
        call("surfnet_setTokenAccount", wallet, NATIVE_MINT, {"amount": amount})
        found = value("getTokenAccountsByOwner", wallet, {"mint": NATIVE_MINT}, {"encoding": "jsonParsed"})[0]["account"]
        info = found["data"]["parsed"]["info"]
        bench.equal((info["isNative"], int(info["tokenAmount"]["amount"]), found["lamports"] - int(info["rentExemptReserve"]["amount"])), (True, amount, amount), "wrapped SOL")
