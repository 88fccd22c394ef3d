"""What `estuary node` tells by fields: transactions whose instructions are told as the programs' interfaces name them, and
accounts of known programs. Most of the transactions fail: what they ask for is told all the same."""

import os
import re
import struct
import urllib.request

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import (
    AllocateParams, AllocateWithSeedParams, AssignParams, AssignWithSeedParams,
    AuthorizeNonceAccountParams, CreateAccountParams, CreateAccountWithSeedParams, InitializeNonceAccountParams,
    TransferParams, TransferWithSeedParams, WithdrawNonceAccountParams, allocate,
    allocate_with_seed, assign, assign_with_seed, authorize_nonce_account, create_account, create_account_with_seed,
    initialize_nonce_account, transfer, transfer_with_seed, withdraw_nonce_account,
)  # fmt: skip
from spl.token.constants import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_PROGRAM_ID

from vote_states import LENGTH, SLOT_HASHES, VOTE, Instructions

SOL = 1_000_000_000
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
TABLES = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
STAKE = Pubkey.from_string("Stake11111111111111111111111111111111111111")
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
RENT = "SysvarRent111111111111111111111111111111111"
CLOCK = "SysvarC1ock11111111111111111111111111111111"
RECENT = "SysvarRecentB1ockHashes11111111111111111111"


def listing(program, data, *keys):
    return Instruction(program, data, [AccountMeta(key, False, False) for key in keys])


def amount(number, decimals):
    text = str(number / 10**decimals)
    text = text[:-2] if text.endswith(".0") else text
    return {"amount": str(number), "decimals": decimals, "uiAmount": number / 10**decimals, "uiAmountString": text}


def told(alice, fresh):
    """Instructions, the program's name, and what is to be told of each."""
    me = alice.pubkey()
    a, b, c, d = (fresh() for _ in range(4))
    s = str
    system = [
        (create_account(CreateAccountParams(from_pubkey=me, to_pubkey=me, lamports=7, space=8, owner=b)),
         "createAccount", {"source": s(me), "newAccount": s(me), "lamports": 7, "space": 8, "owner": s(b)}),
        (assign(AssignParams(pubkey=me, owner=b)), "assign", {"account": s(me), "owner": s(b)}),
        (transfer(TransferParams(from_pubkey=me, to_pubkey=a, lamports=9)), "transfer",
         {"source": s(me), "destination": s(a), "lamports": 9}),
        (create_account_with_seed(CreateAccountWithSeedParams(from_pubkey=me, to_pubkey=a, base=me, seed="grüße", lamports=1, space=2, owner=b)),
         "createAccountWithSeed", {"source": s(me), "newAccount": s(a), "base": s(me), "seed": "grüße", "lamports": 1, "space": 2, "owner": s(b)}),
        (withdraw_nonce_account(WithdrawNonceAccountParams(nonce_pubkey=a, authorized_pubkey=me, to_pubkey=b, lamports=3)), "withdrawFromNonce",
         {"nonceAccount": s(a), "destination": s(b), "recentBlockhashesSysvar": RECENT, "rentSysvar": RENT, "nonceAuthority": s(me), "lamports": 3}),
        (initialize_nonce_account(InitializeNonceAccountParams(nonce_pubkey=a, authority=b)), "initializeNonce",
         {"nonceAccount": s(a), "recentBlockhashesSysvar": RECENT, "rentSysvar": RENT, "nonceAuthority": s(b)}),
        (authorize_nonce_account(AuthorizeNonceAccountParams(nonce_pubkey=a, authorized_pubkey=me, new_authority=b)), "authorizeNonce",
         {"nonceAccount": s(a), "nonceAuthority": s(me), "newAuthorized": s(b)}),
        (allocate(AllocateParams(pubkey=me, space=5)), "allocate", {"account": s(me), "space": 5}),
        (allocate_with_seed(AllocateWithSeedParams(address=a, base=me, seed="x", space=6, owner=b)), "allocateWithSeed",
         {"account": s(a), "base": s(me), "seed": "x", "space": 6, "owner": s(b)}),
        (assign_with_seed(AssignWithSeedParams(address=a, base=me, seed="x", owner=b)), "assignWithSeed",
         {"account": s(a), "base": s(me), "seed": "x", "owner": s(b)}),
        (transfer_with_seed(TransferWithSeedParams(from_pubkey=a, from_base=me, from_seed="y", from_owner=b, to_pubkey=c, lamports=4)), "transferWithSeed",
         {"source": s(a), "sourceBase": s(me), "destination": s(c), "lamports": 4, "sourceSeed": "y", "sourceOwner": s(b)}),
    ]  # fmt: skip
    eight = struct.pack("<Q", 1_250_000)
    checked = eight + b"\x06"
    key = b"\x01" + bytes(d)
    token = [
        (b"\x00\x06" + bytes(b) + key, (a, c), "initializeMint", {"mint": s(a), "decimals": 6, "mintAuthority": s(b), "freezeAuthority": s(d), "rentSysvar": s(c)}),
        (b"\x01", (a, b, c, d), "initializeAccount", {"account": s(a), "mint": s(b), "owner": s(c), "rentSysvar": s(d)}),
        (b"\x02\x02", (a, b, c, d), "initializeMultisig", {"multisig": s(a), "rentSysvar": s(b), "signers": [s(c), s(d)], "m": 2}),
        (b"\x03" + eight, (a, b, c), "transfer", {"source": s(a), "destination": s(b), "authority": s(c), "amount": "1250000"}),
        (b"\x03" + eight, (a, b, c, d), "transfer", {"source": s(a), "destination": s(b), "multisigAuthority": s(c), "signers": [s(d)], "amount": "1250000"}),
        (b"\x04" + eight, (a, b, c), "approve", {"source": s(a), "delegate": s(b), "owner": s(c), "amount": "1250000"}),
        (b"\x05", (a, b), "revoke", {"source": s(a), "owner": s(b)}),
        (b"\x06\x00" + key, (a, b), "setAuthority", {"mint": s(a), "authorityType": "mintTokens", "newAuthority": s(d), "authority": s(b)}),
        (b"\x06\x02\x00", (a, b), "setAuthority", {"account": s(a), "authorityType": "accountOwner", "newAuthority": None, "authority": s(b)}),
        (b"\x07" + eight, (a, b, c), "mintTo", {"mint": s(a), "account": s(b), "mintAuthority": s(c), "amount": "1250000"}),
        (b"\x08" + eight, (a, b, c), "burn", {"account": s(a), "mint": s(b), "authority": s(c), "amount": "1250000"}),
        (b"\x09", (a, b, c), "closeAccount", {"account": s(a), "destination": s(b), "owner": s(c)}),
        (b"\x0a", (a, b, c), "freezeAccount", {"account": s(a), "mint": s(b), "freezeAuthority": s(c)}),
        (b"\x0b", (a, b, c), "thawAccount", {"account": s(a), "mint": s(b), "freezeAuthority": s(c)}),
        (b"\x0c" + checked, (a, b, c, d), "transferChecked", {"source": s(a), "mint": s(b), "destination": s(c), "authority": s(d), "tokenAmount": amount(1_250_000, 6)}),
        (b"\x0d" + checked, (a, b, c, d), "approveChecked", {"source": s(a), "mint": s(b), "delegate": s(c), "owner": s(d), "tokenAmount": amount(1_250_000, 6)}),
        (b"\x0e" + checked, (a, b, c), "mintToChecked", {"mint": s(a), "account": s(b), "mintAuthority": s(c), "tokenAmount": amount(1_250_000, 6)}),
        (b"\x0f" + checked, (a, b, c), "burnChecked", {"account": s(a), "mint": s(b), "authority": s(c), "tokenAmount": amount(1_250_000, 6)}),
        (b"\x10" + bytes(d), (a, b, c), "initializeAccount2", {"account": s(a), "mint": s(b), "owner": s(d), "rentSysvar": s(c)}),
        (b"\x11", (a,), "syncNative", {"account": s(a)}),
        (b"\x12" + bytes(d), (a, b), "initializeAccount3", {"account": s(a), "mint": s(b), "owner": s(d)}),
        (b"\x13\x01", (a, b), "initializeMultisig2", {"multisig": s(a), "signers": [s(b)], "m": 1}),
        (b"\x14\x09" + bytes(b) + b"\x00", (a,), "initializeMint2", {"mint": s(a), "decimals": 9, "mintAuthority": s(b)}),
        (b"\x15", (a,), "getAccountDataSize", {"mint": s(a)}),
        (b"\x15\x07\x00\x19\x00", (a,), "getAccountDataSize", {"mint": s(a), "extensionTypes": ["immutableOwner", "scaledUiAmount"]}),
        (b"\x16", (a,), "initializeImmutableOwner", {"account": s(a)}),
        (b"\x17" + eight, (a,), "amountToUiAmount", {"mint": s(a), "amount": "1250000"}),
        (b"\x18" + b"1.25", (a,), "uiAmountToAmount", {"mint": s(a), "uiAmount": "1.25"}),
    ]  # fmt: skip
    tokens = [
        (listing(TOKEN_PROGRAM_ID, data, *keys), "spl-token", kind, info) for data, keys, kind, info in token
    ]  # fmt: skip
    word = lambda number: struct.pack("<I", number)  # noqa: E731
    text = struct.pack("<Q", 3) + b"abc"
    loader = [
        (word(0), (a, b), "initializeBuffer", {"account": s(a), "authority": s(b)}),
        (word(1) + word(77) + text, (a, b), "write", {"account": s(a), "authority": s(b), "offset": 77, "bytes": "YWJj"}),
        (word(2) + struct.pack("<Q", 99), (a, b, c, d, me, a, b, c), "deployWithMaxDataLen",
         {"payerAccount": s(a), "programDataAccount": s(b), "programAccount": s(c), "bufferAccount": s(d), "rentSysvar": s(me), "clockSysvar": s(a), "systemProgram": s(b), "authority": s(c), "maxDataLen": 99}),
        (word(3), (a, b, c, d, me, a, b), "upgrade",
         {"programDataAccount": s(a), "programAccount": s(b), "bufferAccount": s(c), "spillAccount": s(d), "rentSysvar": s(me), "clockSysvar": s(a), "authority": s(b)}),
        (word(4), (a, b), "setAuthority", {"account": s(a), "authority": s(b), "newAuthority": None}),
        (word(5), (a, b, c), "close", {"account": s(a), "recipient": s(b), "authority": s(c), "programAccount": None}),
        (word(6) + word(10), (a, b), "extendProgram", {"programDataAccount": s(a), "programAccount": s(b), "systemProgram": None, "payerAccount": None, "additionalBytes": 10}),
        (word(7), (a, b, c), "setAuthorityChecked", {"account": s(a), "authority": s(b), "newAuthority": s(c)}),
    ]  # fmt: skip
    tables = [
        (word(0) + struct.pack("<QB", 12, 255), (a, b, c, d), "createLookupTable",
         {"lookupTableAccount": s(a), "lookupTableAuthority": s(b), "payerAccount": s(c), "systemProgram": s(d), "recentSlot": 12, "bumpSeed": 255}),
        (word(1), (a, b), "freezeLookupTable", {"lookupTableAccount": s(a), "lookupTableAuthority": s(b)}),
        (word(2) + struct.pack("<Q", 2) + bytes(c) + bytes(d), (a, b), "extendLookupTable", {"lookupTableAccount": s(a), "lookupTableAuthority": s(b), "newAddresses": [s(c), s(d)]}),
        (word(3), (a, b), "deactivateLookupTable", {"lookupTableAccount": s(a), "lookupTableAuthority": s(b)}),
        (word(4), (a, b, c), "closeLookupTable", {"lookupTableAccount": s(a), "lookupTableAuthority": s(b), "recipient": s(c)}),
    ]  # fmt: skip
    clock = Pubkey.from_string(CLOCK)
    stake = [
        (word(0) + bytes(b) + bytes(c) + struct.pack("<qQ", -5, 6) + bytes(d), (a,), "initialize",
         {"stakeAccount": s(a), "authorized": {"staker": s(b), "withdrawer": s(c)}, "lockup": {"unixTimestamp": -5, "epoch": 6, "custodian": s(d)}}),
        (word(1) + bytes(d) + word(1), (a, clock, b), "authorize", {"stakeAccount": s(a), "clockSysvar": CLOCK, "authority": s(b), "newAuthority": s(d), "authorityType": "Withdrawer"}),
        (word(1) + bytes(d) + word(0), (a, b, c), "authorize", {"stakeAccount": s(a), "authority": s(b), "custodian": s(c), "newAuthority": s(d), "authorityType": "Staker"}),
        (word(4) + struct.pack("<Q", 8), (a, b, c), "withdraw", {"stakeAccount": s(a), "destination": s(b), "withdrawAuthority": s(c), "lamports": 8}),
        (word(5), (a, clock, b), "deactivate", {"stakeAccount": s(a), "clockSysvar": CLOCK, "stakeAuthority": s(b)}),
        (word(6) + b"\x00\x01" + struct.pack("<Q", 3) + b"\x00", (a, b), "setLockup", {"stakeAccount": s(a), "custodian": s(b), "lockup": {"epoch": 3}}),
    ]  # fmt: skip
    digest, proof, both = bytes(range(32)), b"\7" * 32, (b"\1" * 48, b"\2" * 96)
    told_vote = {"slots": [3, 9], "hash": s(Pubkey(digest)), "timestamp": -5}
    tower = {"lockouts": [{"slot": 3, "confirmation_count": 2}, {"slot": 9, "confirmation_count": 1}], "root": 1, "hash": s(Pubkey(digest)), "timestamp": None}
    votes, hashes = [(3, 2), (9, 1)], Pubkey.from_string(str(SLOT_HASHES))
    voter = {"voteAccount": s(a), "clockSysvar": CLOCK, "authority": s(b)}
    base = {"voteAccount": s(a), "clockSysvar": CLOCK, "authorityBaseKey": s(b), "authorityOwner": s(c), "authoritySeed": "grüße"}
    ballot = {"voteAccount": s(a), "slotHashesSysvar": s(hashes), "clockSysvar": CLOCK, "voteAuthority": s(b)}
    kind, seed = Instructions.authority, "grüße".encode()
    vote = [
        (Instructions.initialize(b, c, d, 7), (a, Pubkey.from_string(RENT), clock, b), "initialize",
         {"voteAccount": s(a), "rentSysvar": RENT, "clockSysvar": CLOCK, "node": s(b), "authorizedVoter": s(c), "authorizedWithdrawer": s(d), "commission": 7}),
        (Instructions.authorize(d, kind(0)), (a, clock, b), "authorize", {**voter, "newAuthority": s(d), "authorityType": "Voter"}),
        (Instructions.authorize(d, kind(2, both)), (a, clock, b), "authorize",
         {**voter, "newAuthority": s(d), "authorityType": {"VoterWithBLS": {"bls_pubkey": [1] * 48, "bls_proof_of_possession": [2] * 96}}}),
        (Instructions.authorize_checked(kind(1)), (a, clock, b, d), "authorizeChecked", {**voter, "newAuthority": s(d), "authorityType": "Withdrawer"}),
        (Instructions.authorize_with_seed(kind(0), c, seed, d), (a, clock, b), "authorizeWithSeed", {**base, "newAuthority": s(d), "authorityType": "Voter"}),
        (Instructions.authorize_checked_with_seed(kind(1), c, seed), (a, clock, b, d), "authorizeCheckedWithSeed", {**base, "newAuthority": s(d), "authorityType": "Withdrawer"}),
        (Instructions.vote([3, 9], digest, -5, None), (a, hashes, clock, b), "vote", {**ballot, "vote": told_vote}),
        (Instructions.vote([3, 9], digest, -5, proof), (a, hashes, clock, b), "voteSwitch", {**ballot, "vote": told_vote, "hash": s(Pubkey(proof))}),
        (Instructions.withdraw(5), (a, b, c), "withdraw", {"voteAccount": s(a), "destination": s(b), "withdrawAuthority": s(c), "lamports": 5}),
        (Instructions.update_identity(), (a, b, c), "updateValidatorIdentity", {"voteAccount": s(a), "newValidatorIdentity": s(b), "withdrawAuthority": s(c)}),
        (Instructions.update_commission(9), (a, b), "updateCommission", {"voteAccount": s(a), "withdrawAuthority": s(b), "commission": 9}),
        (Instructions.update_commission_bps(900, 0), (a, b), "updateCommissionBps", {"voteAccount": s(a), "withdrawAuthority": s(b), "commissionBps": 900, "commissionKind": "InflationRewards"}),
        (Instructions.update_collector(1), (a, b, c), "updateCommissionCollector", {"voteAccount": s(a), "newCollector": s(b), "withdrawAuthority": s(c), "commissionKind": "BlockRevenue"}),
        (Instructions.deposit(8), (a, b), "depositDelegatorRewards", {"voteAccount": s(a), "source": s(b), "deposit": 8}),
    ] + [
        (Instructions.tower(form, votes, 1, digest, None, bytes(c), switch), (a, b), name + ("switch" if switch else ""),
         {"voteAccount": s(a), "voteAuthority": s(b), member: {**tower, **({"blockId": s(c)} if form == 14 else {})}, **({"hash": s(Pubkey(switch))} if switch else {})})
        for form, name, member in ((8, "updatevotestate", "voteStateUpdate"), (12, "compactupdatevotestate", "voteStateUpdate"), (14, "towersync", "towerSync"))
        for switch in (None, proof)
    ]  # fmt: skip
    created = {"source": s(a), "account": s(b), "wallet": s(c), "mint": s(d), "systemProgram": s(me), "tokenProgram": s(a)}
    associated = [
        (b"", (a, b, c, d, me, a), "create", created), (b"\x01", (a, b, c, d, me, a), "createIdempotent", created),
        (b"\x02", (a, b, c, d, me, a, b), "recoverNested",
         {"nestedSource": s(a), "nestedMint": s(b), "destination": s(c), "nestedOwner": s(d), "ownerMint": s(me), "wallet": s(a), "tokenProgram": s(b)}),
    ]  # fmt: skip
    others = [
        (listing(program, data, *keys), name, kind, info)
        for program, name, rows in (
            (LOADER, "bpf-upgradeable-loader", loader), (TABLES, "address-lookup-table", tables), (STAKE, "stake", stake),
            (VOTE, "vote", vote),
            (ASSOCIATED_TOKEN_PROGRAM_ID, "spl-associated-token-account", associated),
        ) for data, keys, kind, info in rows
    ]  # fmt: skip
    return [(instruction, "system", kind, info) for instruction, kind, info in system] + tokens + others


async def parsed(bench):
    """Instructions and accounts by their fields."""
    node, client = bench.node, bench.client
    alice, subject = Keypair(), Keypair()
    await bench.fund(alice, subject)
    sent = []
    cases = told(subject, Pubkey.new_unique)
    for instruction, program, kind, info in cases:
        signers = (alice, subject) if any(meta.is_signer for meta in instruction.accounts) else (alice,)
        sent.append(await bench.send([instruction], *signers, skip_preflight=True))
    for signature, (instruction, program, kind, info) in zip(sent, cases):
        await bench.confirm(signature)
        answer = node.call("getTransaction", str(signature), {"encoding": "jsonParsed", "maxSupportedTransactionVersion": 0})
        found = answer["transaction"]["message"]["instructions"][0]
        wanted = {"parsed": {"info": info, "type": kind}, "program": program, "programId": str(instruction.program_id), "stackHeight": 1}
        bench.equal(found, wanted, f"{program}: {kind}")
    typed = (await client.get_transaction(sent[2], encoding="jsonParsed")).value.transaction.transaction.message.instructions[0]
    bench.equal((typed.program, typed.parsed["type"]), ("system", "transfer"), "the client's parser")
    # What does not fit its program's forms, and programs that are not known.
    for instruction in (
        listing(SYSTEM, b"\x63\0\0\0", alice.pubkey()), listing(SYSTEM, b"\x02\0\0\0\x01", alice.pubkey(), alice.pubkey()),
        listing(SYSTEM, struct.pack("<IQ", 2, 1), alice.pubkey()), listing(TOKEN_PROGRAM_ID, b"\xc8", alice.pubkey()),
        listing(MEMO, b"\xff\xfe"), listing(Pubkey.from_string("ComputeBudget111111111111111111111111111111"), b"\x02\x40\x0d\x03\0"),
    ):  # fmt: skip
        signature = await bench.send([instruction], alice, skip_preflight=True)
        await bench.confirm(signature)
        found = node.call("getTransaction", str(signature), {"encoding": "jsonParsed"})["transaction"]["message"]["instructions"][0]
        bench.equal(sorted(found), ["accounts", "data", "programId", "stackHeight"], f"an instruction of another form: {bytes(instruction.data).hex()}")
    signature = await bench.send([Instruction(MEMO, "grüße".encode(), [])], alice)
    await bench.confirm(signature)
    found = node.call("getTransaction", str(signature), {"encoding": "jsonParsed"})["transaction"]["message"]["instructions"][0]
    bench.equal((found["parsed"], found["program"]), ("grüße", "spl-memo"), "a memo")

    def account(key):
        return node.call("getAccountInfo", str(key), {"encoding": "jsonParsed"})["value"]["data"]

    nonce = Keypair()
    rent = (await client.get_minimum_balance_for_rent_exemption(80)).value
    await bench.run(
        [create_account(CreateAccountParams(from_pubkey=alice.pubkey(), to_pubkey=nonce.pubkey(), lamports=rent, space=80, owner=SYSTEM)),
         initialize_nonce_account(InitializeNonceAccountParams(nonce_pubkey=nonce.pubkey(), authority=alice.pubkey()))],
        alice, nonce,
    )  # fmt: skip
    data = account(nonce.pubkey())
    bench.equal((data["program"], data["space"], data["parsed"]["type"]), ("nonce", 80, "initialized"), "a nonce")
    bench.equal(data["parsed"]["info"]["authority"], str(alice.pubkey()), "its authority")
    bench.equal(data["parsed"]["info"]["feeCalculator"], {"lamportsPerSignature": "5000"}, "its fee")
    await votes(bench, alice, account)
    data = account(bench.table)
    bench.equal(data["parsed"]["info"]["addresses"], [str(key) for key in bench.table_addresses], "a lookup table")
    bench.equal(data["parsed"]["info"]["deactivationSlot"], str(2**64 - 1), "its end")
    info = account(CLOCK)["parsed"]
    bench.expect(info["type"] == "clock" and info["info"]["slot"] > 0 and info["info"]["unixTimestamp"] > 1_700_000_000, "the clock", info)
    info = account(RENT)["parsed"]["info"]
    bench.equal((info["lamportsPerByteYear"], info["exemptionThreshold"], info["burnPercent"]), ("6960", 1.0, 50), "the rent")
    info = account("SysvarEpochSchedu1e111111111111111111111111")["parsed"]["info"]
    bench.equal((info["slotsPerEpoch"], info["warmup"]), (432_000, False), "the epochs")
    info = account("SysvarS1otHashes111111111111111111111111111")["parsed"]
    bench.expect(info["type"] == "slotHashes" and len(info["info"]) > 0 and info["info"][0]["slot"] > 0, "slot hashes", info)
    info = account(RECENT)["parsed"]["info"]
    bench.expect(len(info) > 0 and info[0]["feeCalculator"]["lamportsPerSignature"] == "5000", "recent blockhashes", info)
    bench.equal(account("SysvarS1otHistory11111111111111111111111111")[1], "base64", "the slot history comes as bytes")


async def votes(bench, alice, account):
    """A vote account, its votes, and what the node says of its validators."""
    client, node = bench.client, bench.node
    place, validator = Keypair(), Keypair()
    await bench.fund(validator)
    rent = (await client.get_minimum_balance_for_rent_exemption(LENGTH)).value
    me, keys = alice.pubkey(), place.pubkey()
    made = create_account(CreateAccountParams(from_pubkey=me, to_pubkey=keys, lamports=rent, space=LENGTH, owner=VOTE))
    sysvars = [AccountMeta(Pubkey.from_string(key), False, False) for key in (RENT, CLOCK)]
    start = Instruction(VOTE, Instructions.initialize(validator.pubkey(), me, me, 7), [AccountMeta(keys, False, True), *sysvars, AccountMeta(validator.pubkey(), True, False)])
    await bench.run([made, start], alice, place, validator)
    bench.equal((await client.get_vote_accounts()).value.current, [], "nobody has voted")
    held = node.call("getVoteAccounts", {"keepUnstakedDelinquents": True})
    bench.equal([each["votePubkey"] for each in held["delinquent"]], [str(keys)], "who does not vote")
    hashes = account(str(SLOT_HASHES))["parsed"]["info"]
    slot, digest = hashes[0]["slot"], bytes(Pubkey.from_string(hashes[0]["hash"]))
    tower = Instructions.tower(14, [(slot, 1)], None, digest, 1_700_000_000, bytes(32), None)
    await bench.run([Instruction(VOTE, tower, [AccountMeta(keys, False, True), AccountMeta(me, True, False)])], alice)
    data = account(keys)
    bench.equal((data["program"], data["space"], data["parsed"]["type"]), ("vote", LENGTH, "vote"), "a vote account")
    info = data["parsed"]["info"]
    latency = info["votes"][0].pop("latency")
    bench.expect(latency >= 1, "how late it voted", latency)
    wanted = {
        "nodePubkey": str(validator.pubkey()), "authorizedWithdrawer": str(me), "commission": 7, "votes": [{"slot": slot, "confirmationCount": 1}],
        "rootSlot": None, "authorizedVoters": [{"epoch": 0, "authorizedVoter": str(me)}], "priorVoters": [], "epochCredits": [],
        "lastTimestamp": {"slot": slot, "timestamp": 1_700_000_000}, "inflationRewardsCommissionBps": 700, "inflationRewardsCollector": str(keys),
        "blockRevenueCollector": str(validator.pubkey()), "blockRevenueCommissionBps": 10_000, "pendingDelegatorRewards": "0", "blsPubkeyCompressed": None,
    }  # fmt: skip
    bench.equal(info, {**wanted, "authorizedVoters": info["authorizedVoters"]}, "its state")
    bench.equal({each["authorizedVoter"] for each in info["authorizedVoters"]}, {str(me)}, "its voters")
    (told,) = (await client.get_vote_accounts()).value.current
    bench.equal((told.vote_pubkey, told.node_pubkey, told.last_vote, told.commission), (keys, validator.pubkey(), slot, 7), "get_vote_accounts")
    bench.equal((told.activated_stake, told.epoch_vote_account, told.root_slot, told.epoch_credits), (0, False, 0, []), "without stake")
    bench.equal(node.call("getVoteAccounts", {"votePubkey": str(me)})["current"], [], "of somebody else")
    bench.equal(node.call("getVoteAccounts", {"delinquentSlotDistance": 0})["current"], [], "at once delinquent")


async def cluster(bench):
    """What one node says of a cluster."""
    client, node = bench.client, bench.node
    identity = str((await client.get_identity()).value.identity)
    info = (await client.get_epoch_info()).value
    schedule = (await client.get_leader_schedule()).value
    bench.equal([(str(key), len(slots)) for key, slots in schedule.items()], [(identity, info.slots_in_epoch)], "get_leader_schedule")
    bench.equal(node.call("getLeaderSchedule", None, {"identity": str(Pubkey.new_unique())}), {}, "of somebody else")
    bench.equal(node.call("getLeaderSchedule", 10**12), None, "of a far epoch")
    bench.equal((await client.get_inflation_governor()).value.initial, 0.0, "get_inflation_governor")
    rate = (await client.get_inflation_rate()).value
    bench.equal((rate.total, rate.epoch), (0.0, info.epoch), "get_inflation_rate")
    bench.equal((await client.get_inflation_reward([Pubkey.new_unique()] * 2)).value, [None, None], "get_inflation_reward")
    bench.equal(node.call("getStakeMinimumDelegation")["value"], 1, "getStakeMinimumDelegation")
    for method in ("getMaxRetransmitSlot", "getMaxShredInsertSlot"):
        slot = node.call(method)
        bench.expect(slot <= node.call("getSlot"), method, slot)
    last = node.call("getSlot")
    first = max(last - 20, 1)
    answer = node.call("getBlockProduction", {"range": {"firstSlot": first, "lastSlot": last}})["value"]
    blocks = node.call("getBlocks", first, last)
    bench.equal(answer, {"byIdentity": {identity: [last - first + 1, len(blocks)]}, "range": {"firstSlot": first, "lastSlot": last}}, "getBlockProduction")
    bench.refuses(-32602, "too large", "getBlockProduction", {"range": {"firstSlot": 0, "lastSlot": 10**12}})
    bench.refuses(-32602, "cannot be less", "getBlockProduction", {"range": {"firstSlot": last, "lastSlot": last - 1}})
    samples = (await client.get_recent_performance_samples(4)).value
    bench.expect(len(samples) <= 4 and all(s.sample_period_secs == 60 and s.num_slots > 0 for s in samples), "get_recent_performance_samples", samples)
    bench.refuses(-32602, "Invalid limit", "getRecentPerformanceSamples", 721)


async def page(bench):
    """The page, and what it asks for."""
    client, node = bench.client, bench.node
    with urllib.request.urlopen(node.url + "/") as answer:
        text, headers = answer.read().decode(), answer.headers
    source = os.path.join(os.path.dirname(__file__), "../../Sources/Node/Page/page.html")
    with open(source, encoding="utf-8") as file:
        bench.expect(text == file.read(), "the page is the one of the source")
    bench.equal(headers["content-type"], "text/html; charset=utf-8", "its type")
    bench.expect("default-src 'none'" in headers["content-security-policy"], "its policy", headers["content-security-policy"])
    bench.expect(not re.search(r"""(src|href)=["']?(https?:)?//""", text), "nothing from elsewhere")
    methods = set(re.findall(r'(?:call|maybe)\("([A-Za-z]\w*)"', text))
    bench.expect(len(methods) >= 15, "its methods", methods)
    for method in sorted(methods):
        try:
            node.call(method)
        except Exception as error:
            bench.expect("Method not found" not in str(error) and "does not exist" not in str(error), f"the page's {method}", error)
    head = urllib.request.urlopen(urllib.request.Request(node.url + "/", method="HEAD"))
    bench.equal((head.status, head.read()), (200, b""), "HEAD")
    alice, bob = Keypair(), Pubkey.new_unique()
    await bench.fund(alice)
    sent = [await bench.send([transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL // 100 + n))], alice) for n in range(8)]
    slots = {(await bench.confirm(signature)).slot for signature in sent}
    blocks = {block["slot"]: block for block in node.call("estuary_blocks", 1000)}
    bench.expect(slots <= set(blocks), "blocks", (slots, sorted(blocks)[-5:]))
    bench.equal(sorted(blocks, reverse=True), list(blocks), "the newest first")
    lanes = [node.call("estuary_lanes", slot) for slot in slots]
    told = {one["id"]: one for block in lanes for one in block["transactions"]}
    bench.expect({str(signature) for signature in sent} <= set(told), "their lanes", told)
    for block in lanes:
        for one in block["transactions"]:
            bench.expect(0 <= one["start"] <= one["end"] <= block["nanoseconds"] and 0 <= one["worker"] < block["workers"], "a bar", one)
            if one["after"] is not None:
                bench.expect(one["after"] < one["index"] and one["key"], "what it waited for", one)
    hot = node.call("estuary_hotAccounts", 1000)
    bench.expect({str(alice.pubkey()), str(bob)} <= {one["key"] for one in hot}, "hot accounts")
    bench.equal(node.call("estuary_lanes", 10**9), None, "lanes of no block")
    bench.refuses(-32602, "Invalid limit", "estuary_blocks", 10**6)
