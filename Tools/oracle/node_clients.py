"""`estuary node` driven with the clients that Solana's developers use: solana (async) over solders' typed parsers, and plain
sockets where a client misbehaves.

    node_clients.py [--kills N] [--fuzz-seconds S] [--only PART…]

Every part begins with accounts of its own on one node; the last ones end nodes, politely and by `kill -9` under load, and
look for what was confirmed.
"""

import argparse
import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TokenAccountOpts, TxOpts
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams, CreateAccountParams, InitializeNonceAccountParams, TransferParams,
    advance_nonce_account, create_account, initialize_nonce_account, transfer,
)  # fmt: skip
from solders.transaction import Transaction, VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus
from spl.token import instructions as spl, models
from spl.token.constants import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_PROGRAM_ID, WRAPPED_SOL_MINT

from node import Node, RPCFailure, binary
from node_checks import Checks
from node_cloning import cloning
from node_load import kills
from node_misuse import fuzzing, misbehaviour
from node_pages import pages
from node_parsed import cluster, page, parsed
from node_starts import starts
from node_subscriptions import subscriptions
from node_surfpool import surfpool
from node_tls import tls
from node_tools import command_line, developers, programs_of_mainnet

SOL = 1_000_000_000
LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
PROGRAMS = {
    "token": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "memo": "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    "associated": "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
    "tables": "AddressLookupTab1e1111111111111111111111111",
    "stake": "Stake11111111111111111111111111111111111111",
}


def elf(svm, identifier):
    account = svm.get_account(Pubkey.from_string(identifier))
    data = bytes(account.data)
    if len(data) == 36 and data[0] == 2:
        data = bytes(svm.get_account(Pubkey.from_bytes(data[4:36])).data)[45:]
    assert data[:4] == b"\x7fELF", identifier
    return data


class Bench(Checks):
    def __init__(self, node, client, folder):
        super().__init__()
        self.node, self.client, self.folder = node, client, folder
        # What is looked at when all parts are done.
        self.later = []

    async def fails(self, call, code, text, what):
        """The error of a client's call, which must have this code and text."""
        try:
            answer = await call
        except RPCException as exception:
            error = exception.args[0]
            found = str(error)
            self.expect(text in found, what, found)
            return error
        self.expect(False, what, f"no error: {answer}")

    def refuses(self, code, text, method, *parameters):
        try:
            answer = self.node.call(method, *parameters)
        except RPCFailure as failure:
            self.expect(failure.code == code and text in failure.message, f"{method} {parameters}", str(failure))
            return failure
        self.expect(False, f"{method} {parameters}", f"no error: {answer}")

    async def blockhash(self):
        return (await self.client.get_latest_blockhash()).value.blockhash

    async def fund(self, *keys, lamports=10 * SOL):
        signatures = [(await self.client.request_airdrop(key.pubkey(), lamports)).value for key in keys]
        for signature in signatures:
            await self.confirm(signature)
        return signatures

    async def confirm(self, signature):
        """The status of a transaction that must come to be."""
        await self.client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
        return (await self.client.get_signature_statuses([signature])).value[0]

    async def send(self, instructions, *signers, blockhash=None, **options):
        message = Message.new_with_blockhash(instructions, signers[0].pubkey(), blockhash or await self.blockhash())
        transaction = Transaction(list(signers), message, message.recent_blockhash)
        options = TxOpts(**options) if options else None
        return (await self.client.send_raw_transaction(bytes(transaction), options)).value

    async def run(self, instructions, *signers, **options):
        return await self.confirm(await self.send(instructions, *signers, **options))


def pay(source, target, lamports):
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target, lamports=lamports))


async def chain(bench):
    """Methods about the chain, through the client's typed parsers."""
    client, node = bench.client, bench.node
    bench.expect(await client.is_connected(), "is_connected")
    bench.expect((await client.get_version()).value.solana_core.count(".") == 2, "get_version")
    bench.expect((await client.get_version()).value.feature_set > 0, "feature set")
    identity = (await client.get_identity()).value.identity
    bench.equal((await client.get_slot_leader()).value, identity, "get_slot_leader")
    bench.equal((await client.get_slot_leaders(0, 3)).value, [identity] * 3, "get_slot_leaders")
    bench.expect((await client.get_genesis_hash()).value != Hash.default(), "get_genesis_hash")
    slot = (await client.get_slot(Processed)).value
    info = (await client.get_epoch_info(Finalized)).value
    bench.expect(info.absolute_slot >= slot and info.slot_index < info.slots_in_epoch, "get_epoch_info", info)
    bench.expect(info.block_height < info.absolute_slot, "block height", info)
    schedule = (await client.get_epoch_schedule()).value
    bench.equal((schedule.slots_per_epoch, schedule.first_normal_slot), (432_000, 0), "get_epoch_schedule")
    bench.equal((schedule.warmup, info.epoch, info.slots_in_epoch), (False, 0, 432_000), "epochs of one length")
    latest = (await client.get_latest_blockhash()).value
    height = (await client.get_block_height()).value
    bench.expect(height - 2 <= latest.last_valid_block_height - 150 <= height, "last valid block height", (latest, height))
    for blockhash, valid in ((latest.blockhash, True), (Hash.new_unique(), False)):
        bench.equal(node.call("isBlockhashValid", str(blockhash))["value"], valid, "isBlockhashValid")
    rent = await client.get_minimum_balance_for_rent_exemption(165)
    bench.equal(rent.value, (128 + 165) * 6960, "get_minimum_balance_for_rent_exemption")
    message = Message.new_with_blockhash([pay(Keypair(), Pubkey.new_unique(), 1)], Pubkey.new_unique(), latest.blockhash)
    bench.equal((await client.get_fee_for_message(message)).value, 10_000, "get_fee_for_message")
    message = Message.new_with_blockhash(
        [set_compute_unit_price(1_000_000), pay(Keypair(), Pubkey.new_unique(), 1)], Pubkey.new_unique(), latest.blockhash
    )  # fmt: skip
    bench.equal((await client.get_fee_for_message(message)).value, 10_000 + 6_000, "fee with a priority")
    message = Message.new_with_blockhash([], Pubkey.new_unique(), Hash.new_unique())
    bench.equal((await client.get_fee_for_message(message)).value, None, "fee at an unknown blockhash")
    bench.equal((await client.get_cluster_nodes()).value, [], "get_cluster_nodes")
    votes = (await client.get_vote_accounts()).value
    bench.equal((votes.current, votes.delinquent), ([], []), "get_vote_accounts without any")
    supply = (await client.get_supply()).value
    bench.expect(supply.total == supply.circulating > 499_000_000 * SOL, "get_supply", supply)
    largest = (await client.get_largest_accounts()).value
    bench.expect(
        [a.lamports for a in largest] == sorted((a.lamports for a in largest), reverse=True) and len(largest) >= 2,
        "get_largest_accounts", largest,
    )  # fmt: skip
    bench.equal(str(largest[0].address), node.announcement["solana"]["pubkey"], "the faucet is the largest")
    bench.equal(node.call("getBlockCommitment", slot), {"commitment": None, "totalStake": 0}, "getBlockCommitment")
    bench.refuses(-32601, "Method not found", "getNothing")
    bench.refuses(-32008, "No snapshot", "getHighestSnapshotSlot")
    bench.refuses(-32016, "Minimum context slot", "getSlot", {"minContextSlot": 10**15})
    bench.refuses(-32602, "WrongSize", "getBalance", "abc")
    bench.refuses(-32602, "Invalid", "getBalance", "0" * 43)
    bench.refuses(-32602, "unknown variant", "getSlot", {"commitment": "soon"})
    bench.refuses(-32602, "expected a string", "getBalance", 7)
    bench.refuses(-32602, "at least 1 argument", "getBalance")
    key = str(SYSTEM)
    for method, parameters in (("requestAirdrop", [key]), ("getBlocksWithLimit", [0]), ("getTokenAccountsByOwner", [key]), ("getSlotLeaders", [])):
        bench.refuses(-32602, "`params` should have at least 2 argument(s)", method, *parameters)
    failure = bench.refuses(-32602, "Invalid parameters: Expected from 1 to 2 parameters.", "getBalance", key, {}, 1, 2)
    bench.equal(failure.data, '"Got: 4"', "how many there were")
    bench.refuses(-32602, "Invalid parameters: Expected from 0 to 1 parameters.", "getSlot", {}, {})
    bench.refuses(-32602, "Invalid parameters: No parameters were expected", "getVersion", 1)
    body = json.loads(node.post('{"jsonrpc":"2.0","id":1,"method":"getSlot","params":{}}')[1])
    bench.equal(body["error"], {"code": -32602, "message": "`params` should be an array"}, "parameters by name")
    limit = 10 << 20
    bench.equal(node.call("getMinimumBalanceForRentExemption", limit), (128 + limit) * 6960, "rent of the largest account")
    for size in (limit + 1, 2**64 - 1):
        bench.equal(bench.refuses(-32600, "Invalid request", "getMinimumBalanceForRentExemption", size).message, "Invalid request", "rent of more")
    keys = [str(Pubkey.new_unique()) for _ in range(129)]
    bench.expect(isinstance(node.call("getRecentPrioritizationFees", keys[:128]), list), "fees of 128 accounts")
    bench.refuses(-32602, "Too many inputs provided; max 128", "getRecentPrioritizationFees", keys)
    bench.equal(node.call("getSlotLeaders", 10**15, 0), [], "no leaders")
    bench.refuses(-32602, "Invalid limit; max 5000", "getSlotLeaders", 0, 5001)
    end = 2 * info.slots_in_epoch  # of the next epoch: all are of one length
    bench.equal(len(node.call("getSlotLeaders", end - 7, 7)), 7, "leaders of the next epoch")
    bench.refuses(-32602, "Invalid slot range: leader schedule for epoch 2 is unavailable", "getSlotLeaders", end - 7, 8)
    bench.refuses(-32602, "Invalid slot range: leader schedule for epoch", "getSlotLeaders", 2**64 - 1, 1)
    bench.refuses(-32602, "integer `5`, expected an object", "getBlockProduction", {"range": 5})
    bench.refuses(-32602, "integer `256`, expected u8", "getBlock", slot, {"maxSupportedTransactionVersion": 256})
    bench.refuses(-32602, "integer `-1`, expected u64", "getAccountInfo", key, {"dataSlice": {"offset": -1, "length": 1}})
    for encoding, text, problem in (("base64", "AQ*=", "Base64DecodeError(InvalidByte(2, 42))"), ("base64", "AQI", "Base64DecodeError(InvalidPadding)"), ("base64", "A" * 176, "DataTooLarge"),
                                    ("base58", "1l", "Base58DecodeError(InvalidCharacter { character: 'l', index: 1 })"), ("base58", "z" * 175, "DataTooLarge")):  # fmt: skip
        bench.refuses(-32602, f"Invalid param: {problem}", "getProgramAccounts", key, {"filters": [{"memcmp": {"offset": 0, "bytes": text, "encoding": encoding}}]})


async def transfers(bench):
    """Airdrops, transfers, their history in every encoding."""
    client, node = bench.client, bench.node
    alice, bob = Keypair(), Keypair()
    before = (await client.get_transaction_count()).value
    drops = await bench.fund(alice, alice, lamports=2 * SOL)
    bench.expect(drops[0] != drops[1], "two airdrops of the same amount are two transactions")
    bench.equal((await client.get_balance(alice.pubkey())).value, 4 * SOL, "balance after airdrops")
    status = await bench.run([pay(alice, bob.pubkey(), SOL)], alice)
    bench.equal(status.confirmation_status, TransactionConfirmationStatus.Finalized, "confirmation status")
    bench.equal((status.err, status.confirmations), (None, None), "status")
    bench.equal((await client.get_balance(bob.pubkey())).value, SOL, "balance of the receiver")
    bench.equal((await client.get_balance(alice.pubkey())).value, 3 * SOL - 5000, "balance of the sender")
    bench.equal((await client.get_transaction_count()).value - before, 3, "get_transaction_count")
    account = (await client.get_account_info(bob.pubkey(), encoding="base64")).value
    bench.equal((account.lamports, account.owner, account.data), (SOL, SYSTEM, b""), "get_account_info")
    bench.equal((await client.get_account_info(Pubkey.new_unique())).value, None, "no account")
    listed = (await client.get_signatures_for_address(alice.pubkey())).value
    bench.equal([s.signature for s in listed[1:]], drops[::-1], "get_signatures_for_address")
    bench.expect(all(s.err is None and s.memo is None and s.block_time for s in listed), "signature infos", listed)
    signature = listed[0].signature
    between = await client.get_signatures_for_address(alice.pubkey(), before=signature, until=drops[0], limit=5)
    bench.equal([s.signature for s in between.value], drops[1:], "before and until")
    one = (await client.get_signatures_for_address(alice.pubkey(), limit=1)).value
    bench.equal([s.signature for s in one], [signature], "limit")
    wire = None
    for encoding in ("json", "jsonParsed", "base58", "base64"):
        found = (await client.get_transaction(signature, encoding=encoding)).value
        bench.equal(found.slot, status.slot, f"slot of {encoding}")
        meta = found.transaction.meta
        bench.equal((meta.err, meta.fee, meta.compute_units_consumed), (None, 5000, 150), f"meta of {encoding}")
        bench.equal(meta.pre_balances[0] - meta.post_balances[0], SOL + 5000, f"balances of {encoding}")
        bench.equal(meta.log_messages[-1], f"Program {SYSTEM} success", f"logs of {encoding}")
        bench.equal((meta.inner_instructions, meta.pre_token_balances, meta.rewards), ([], [], []), f"lists of {encoding}")
        bench.equal(found.transaction.version, None, f"no version of {encoding}")
        inner = found.transaction.transaction
        if encoding == "base64":
            wire = base64.b64decode(json.loads(node.call_text("getTransaction", str(signature), "base64"))["transaction"][0])
        elif encoding == "json":
            bench.equal(inner.message.account_keys[:2], [alice.pubkey(), bob.pubkey()], "keys")
            bench.equal(inner.message.instructions[0].program_id_index, 2, "program index")
        elif encoding == "jsonParsed":
            keys = inner.message.account_keys
            bench.equal([(k.signer, k.writable) for k in keys], [(True, True), (False, True), (False, False)], "roles")
    bench.equal(Transaction.from_bytes(wire).signatures, [signature], "wire bytes")
    bench.equal((await client.get_transaction(Signature.new_unique())).value, None, "no transaction")
    block = (await client.get_block(status.slot, max_supported_transaction_version=0)).value
    mine = [t for t in block.transactions if t.transaction.signatures[0] == signature]
    bench.equal(len(mine), 1, "the block has the transaction once")
    bench.equal(mine[0].version, "legacy" if isinstance(mine[0].version, str) else mine[0].version, "version")
    parent = (await client.get_block(block.parent_slot)).value
    bench.equal(block.previous_blockhash, parent.blockhash, "previous blockhash")
    bench.equal(block.block_height, parent.block_height + 1, "block height")
    bench.equal((await client.get_block_time(status.slot)).value, block.block_time, "get_block_time")
    for details in ("accounts", "signatures", "none"):
        answer = node.call("getBlock", status.slot, {"transactionDetails": details, "rewards": False})
        bench.expect("rewards" not in answer, f"no rewards, {details}", answer)
        if details == "signatures":
            bench.expect(str(signature) in answer["signatures"], details, answer)
        elif details == "accounts":
            keys = [t for t in answer["transactions"] if t["transaction"]["signatures"] == [str(signature)]]
            bench.equal(keys[0]["transaction"]["accountKeys"][0]["pubkey"], str(alice.pubkey()), details)
        else:
            bench.expect("transactions" not in answer and "signatures" not in answer, details, answer)
    slots = (await client.get_blocks(status.slot, status.slot + 1)).value
    bench.equal(slots[0], status.slot, "get_blocks")
    bench.equal(node.call("getBlocksWithLimit", status.slot, 1), [status.slot], "getBlocksWithLimit")
    first = (await client.get_first_available_block()).value
    bench.equal((await client.get_minimum_ledger_slot()).value, first, "first slots")
    bench.refuses(-32004, "Block not available", "getBlock", 10**12)
    bench.refuses(-32001, "cleaned up", "getBlock", 0)
    many = (await client.get_multiple_accounts([alice.pubkey(), Pubkey.new_unique()])).value
    bench.equal([a is not None for a in many], [True, False], "get_multiple_accounts")


async def failures(bench):
    """What is refused, and how."""
    client, node = bench.client, bench.node
    alice, bob = Keypair(), Keypair()
    await bench.fund(alice)
    poor = [pay(alice, bob.pubkey(), 100 * SOL)]
    error = await bench.fails(bench.send(poor, alice), -32002, "Transaction simulation failed", "preflight")
    bench.expect("custom program error: 0x1" in error.message, "preflight's text", error.message)
    bench.expect(any("insufficient lamports" in line for line in error.data.logs), "preflight's logs", error.data.logs)
    # Sent all the same it fails, is charged and stands in the history.
    status = await bench.run(poor, alice, skip_preflight=True)
    bench.expect(status.err is not None, "a failed transaction has its error", status)
    bench.equal((await client.get_balance(alice.pubkey())).value, 10 * SOL - 5000, "a failed transaction pays")
    listed = (await client.get_signatures_for_address(alice.pubkey(), limit=1)).value[0]
    bench.equal(listed.err, status.err, "the history's error")
    answer = node.call("getTransaction", str(listed.signature))
    bench.equal(answer["meta"]["status"], {"Err": {"InstructionError": [0, {"Custom": 1}]}}, "status in the history")
    # Signatures, blockhashes, repeats.
    good = Transaction([alice], Message.new_with_blockhash([pay(alice, bob.pubkey(), SOL)], alice.pubkey(), Hash.default()), Hash.default())
    text = base64.b64encode(bytes(good)).decode()
    failure = bench.refuses(-32002, "Blockhash not found", "sendTransaction", text, {"encoding": "base64"})
    bench.equal(failure.data["err"], "BlockhashNotFound", "error data")
    bench.equal((failure.data["logs"], failure.data["accounts"], failure.data["unitsConsumed"]), ([], None, 0), "error data's rest")
    forged = bytearray(bytes(good))
    forged[5] ^= 1
    bench.refuses(-32003, "signature verification", "sendTransaction", base64.b64encode(bytes(forged)).decode(), {"encoding": "base64"})
    blockhash = await bench.blockhash()
    first = await bench.run([pay(alice, bob.pubkey(), SOL)], alice, blockhash=blockhash)
    bench.equal(first.err, None, "the first of two")
    await bench.fails(
        bench.send([pay(alice, bob.pubkey(), SOL)], alice, blockhash=blockhash), -32002,
        "already been processed", "a repeat",
    )  # fmt: skip
    bench.equal((await client.get_balance(bob.pubkey())).value, SOL, "the repeat did not run")
    bench.refuses(-32602, "base58 encoded", "sendTransaction", "1" * 2000)
    bench.refuses(-32602, "failed to deserialize", "sendTransaction", base64.b64encode(b"\x01" + bytes(70)).decode(), {"encoding": "base64"})
    bench.refuses(-32602, "Supported encodings", "sendTransaction", text, {"encoding": "jsonParsed"})
    bench.refuses(-32602, "sigVerify may not be used", "simulateTransaction", text, {"encoding": "base64", "sigVerify": True, "replaceRecentBlockhash": True})


async def simulations(bench):
    client, node = bench.client, bench.node
    alice, bob = Keypair(), Keypair()
    await bench.fund(alice)
    message = Message.new_with_blockhash([pay(alice, bob.pubkey(), SOL)], alice.pubkey(), await bench.blockhash())
    transaction = Transaction([alice], message, message.recent_blockhash)
    answer = (await client.simulate_transaction(VersionedTransaction.from_legacy(transaction), sig_verify=True)).value
    bench.equal((answer.err, answer.units_consumed, answer.accounts), (None, 150, None), "simulate")
    unsigned = VersionedTransaction.populate(message, [Signature.default()])
    stale = Message.new_with_blockhash([pay(alice, bob.pubkey(), SOL)], alice.pubkey(), Hash.new_unique())
    stale = VersionedTransaction.populate(stale, [Signature.default()])
    bench.equal((await client.simulate_transaction(unsigned)).value.err, None, "an unsigned one")
    bench.expect((await client.simulate_transaction(stale)).value.err is not None, "a stale blockhash")
    replaced = node.call(
        "simulateTransaction", base64.b64encode(bytes(stale)).decode(),
        {"encoding": "base64", "replaceRecentBlockhash": True, "innerInstructions": True,
         "accounts": {"encoding": "base64", "addresses": [str(bob.pubkey()), str(alice.pubkey()), str(CLOCK)]}},
    )["value"]  # fmt: skip
    bench.equal((replaced["err"], replaced["innerInstructions"]), (None, []), "a replaced blockhash")
    bench.expect(node.call("isBlockhashValid", replaced["replacementBlockhash"]["blockhash"])["value"], "it is valid")
    bench.equal(replaced["accounts"][0]["lamports"], SOL, "the account afterwards")
    bench.equal(replaced["accounts"][1]["lamports"], 9 * SOL - 5000, "the payer afterwards")
    bench.equal((await client.get_balance(bob.pubkey())).value, 0, "nothing has happened")


async def nonces(bench):
    client = bench.client
    alice, nonce, target = Keypair(), Keypair(), Pubkey.new_unique()
    await bench.fund(alice)
    rent = (await client.get_minimum_balance_for_rent_exemption(80)).value
    status = await bench.run(
        [create_account(CreateAccountParams(from_pubkey=alice.pubkey(), to_pubkey=nonce.pubkey(), lamports=rent, space=80, owner=SYSTEM)),
         initialize_nonce_account(InitializeNonceAccountParams(nonce_pubkey=nonce.pubkey(), authority=alice.pubkey()))],
        alice, nonce,
    )  # fmt: skip
    bench.equal(status.err, None, "a nonce account")

    async def value():
        data = (await client.get_account_info(nonce.pubkey(), encoding="base64")).value.data
        return Hash.from_bytes(data[40:72])

    async def with_nonce(durable, lamports):
        advance = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=nonce.pubkey(), authorized_pubkey=alice.pubkey()))
        return await bench.send([advance, pay(alice, target, lamports)], alice, blockhash=durable)

    durable = await value()
    status = await bench.confirm(await with_nonce(durable, SOL))
    bench.equal(status.err, None, "a transaction with a durable nonce")
    bench.expect(await value() != durable, "the nonce has moved on")
    await bench.fails(with_nonce(durable, 2 * SOL), -32002, "Blockhash not found", "a used nonce")
    status = await bench.confirm(await with_nonce(await value(), SOL))
    bench.equal((status.err, (await client.get_balance(target)).value), (None, 2 * SOL), "the next one")


async def tokens(bench):
    """The life of a token, by spl's client."""
    client, node = bench.client, bench.node
    alice, bob = Keypair(), Keypair()
    await bench.fund(alice, bob)
    key, program = Keypair(), TOKEN_PROGRAM_ID
    mint, his_key = key.pubkey(), Keypair()
    his = his_key.pubkey()
    rent = {size: (await client.get_minimum_balance_for_rent_exemption(size)).value for size in (82, 165)}

    def made(new, size):
        return create_account(CreateAccountParams(from_pubkey=alice.pubkey(), to_pubkey=new, lamports=rent[size], space=size, owner=program))

    async def done(instructions, *signers):
        status = await bench.run(instructions, *signers)
        bench.equal(status.err, None, "an instruction of the token program")
        return status

    await done(
        [made(mint, 82), spl.initialize_mint2(models.InitializeMint2Params(decimals=6, program_id=program, mint=mint, mint_authority=alice.pubkey()))],
        alice, key,
    )  # fmt: skip
    mine = Pubkey.find_program_address([bytes(alice.pubkey()), bytes(program), bytes(mint)], ASSOCIATED_TOKEN_PROGRAM_ID)[0]
    metas = [(alice.pubkey(), True, True), (mine, False, True), (alice.pubkey(), False, False), (mint, False, False), (SYSTEM, False, False), (program, False, False)]
    await done([Instruction(ASSOCIATED_TOKEN_PROGRAM_ID, b"", [AccountMeta(*meta) for meta in metas])], alice)
    await done(
        [made(his, 165), spl.initialize_account3(models.InitializeAccount3Params(program_id=program, account=his, mint=mint, owner=bob.pubkey()))],
        alice, his_key,
    )  # fmt: skip
    await done([spl.mint_to(models.MintToParams(program_id=program, mint=mint, dest=mine, mint_authority=alice.pubkey(), amount=5_000_000))], alice)
    sent = await bench.send([spl.transfer(models.TransferParams(program_id=program, source=mine, dest=his, owner=alice.pubkey(), amount=1_250_000))], alice)
    bench.equal((await bench.confirm(sent)).err, None, "a transfer")
    balance = (await client.get_token_account_balance(his)).value
    bench.equal((balance.amount, balance.decimals, balance.ui_amount_string), ("1250000", 6, "1.25"), "balance")
    bench.equal((await client.get_token_supply(mint)).value.ui_amount, 5.0, "supply")
    largest = (await client.get_token_largest_accounts(mint)).value
    bench.equal([(a.address, a.amount.amount) for a in largest], [(mine, "3750000"), (his, "1250000")], "largest")
    by_mint = (await client.get_token_accounts_by_owner(alice.pubkey(), TokenAccountOpts(mint=mint))).value
    bench.equal([a.pubkey for a in by_mint], [mine], "by owner and mint")
    parsed = (await client.get_token_accounts_by_owner_json_parsed(bob.pubkey(), TokenAccountOpts(program_id=TOKEN_PROGRAM_ID))).value
    bench.equal([a.pubkey for a in parsed], [his], "by owner and program")
    info = parsed[0].account.data.parsed["info"]
    bench.equal((info["mint"], info["tokenAmount"]["uiAmountString"], info["state"]), (str(mint), "1.25", "initialized"), "parsed")
    await done([spl.approve(models.ApproveParams(program_id=program, source=mine, delegate=bob.pubkey(), owner=alice.pubkey(), amount=777))], alice)
    delegated = (await client.get_token_accounts_by_delegate(bob.pubkey(), TokenAccountOpts(mint=mint))).value
    bench.equal([a.pubkey for a in delegated], [mine], "by delegate")
    spare = Keypair()
    await done([spl.burn(models.BurnParams(program_id=program, account=his, mint=mint, owner=bob.pubkey(), amount=250_000))], bob)
    await done(
        [made(spare.pubkey(), 165), spl.initialize_account3(models.InitializeAccount3Params(program_id=program, account=spare.pubkey(), mint=mint, owner=alice.pubkey())),
         spl.close_account(models.CloseAccountParams(program_id=program, account=spare.pubkey(), dest=alice.pubkey(), owner=alice.pubkey()))],
        alice, spare,
    )  # fmt: skip
    bench.equal((await client.get_account_info(spare.pubkey())).value, None, "a closed account")
    bench.equal((await client.get_token_supply(mint)).value.amount, "4750000", "supply after burning")
    meta = (await client.get_transaction(sent)).value.transaction.meta
    before = {b.account_index: b.ui_token_amount.amount for b in meta.pre_token_balances}
    after = {b.account_index: b.ui_token_amount.amount for b in meta.post_token_balances}
    bench.equal(sorted(before.values()), ["0", "5000000"], "token balances before")
    bench.equal(sorted(after.values()), ["1250000", "3750000"], "token balances after")
    accounts = (await client.get_program_accounts(TOKEN_PROGRAM_ID, encoding="base64", filters=[165])).value
    bench.expect({mine, his} <= {a.pubkey for a in accounts}, "get_program_accounts", accounts)
    sliced = node.call(
        "getProgramAccounts", str(TOKEN_PROGRAM_ID),
        {"encoding": "base64", "dataSlice": {"offset": 32, "length": 32}, "withContext": True,
         "filters": [{"memcmp": {"offset": 0, "bytes": str(mint)}}, "tokenAccountState"]},
    )  # fmt: skip
    owners = {base64.b64decode(a["account"]["data"][0]) for a in sliced["value"]}
    bench.equal(owners, {bytes(alice.pubkey()), bytes(bob.pubkey())}, "filters and slices")
    told = (await client.get_account_info_json_parsed(mint)).value.data.parsed
    bench.equal((told["type"], told["info"]["supply"], told["info"]["freezeAuthority"]), ("mint", "4750000", None), "a mint parsed")
    # A creation of an associated account calls other programs.
    created = [s.signature for s in (await client.get_signatures_for_address(mine)).value][-1]
    inner = (await client.get_transaction(created)).value.transaction.meta.inner_instructions
    bench.expect(len(inner) == 1 and len(inner[0].instructions) >= 3, "inner instructions", inner)
    bench.expect(all(i.stack_height == 2 for i in inner[0].instructions), "their height", inner)
    for encoding in ("base64", "base64+zstd"):
        data = node.call("getAccountInfo", str(his), {"encoding": encoding})["value"]
        bench.equal((data["data"][1], data["space"]), (encoding, 165), f"encoding {encoding}")
        if encoding == "base64+zstd":
            magic = base64.b64decode(data["data"][0])[:4]
            bench.equal(magic, b"\x28\xb5\x2f\xfd", "a frame of zstd")
    bench.refuses(-32600, "base 58", "getAccountInfo", str(his), {"encoding": "base58"})
    bench.refuses(-32602, "not a Token account", "getTokenAccountBalance", str(mint))
    bench.refuses(-32602, "could not find account", "getTokenAccountBalance", str(Pubkey.new_unique()))
    bench.refuses(-32602, "could not find mint", "getTokenAccountsByOwner", str(alice.pubkey()), {"mint": str(Pubkey.new_unique())})
    bench.refuses(-32602, "unrecognized Token program", "getTokenAccountsByOwner", str(alice.pubkey()), {"programId": str(SYSTEM)})


async def wrapping(bench):
    """SOL as a token, by the native mint, which a ledger with the token program has."""
    client, alice = bench.client, Keypair()
    await bench.fund(alice)
    mint = bench.node.call("getAccountInfo", str(WRAPPED_SOL_MINT), {"encoding": "jsonParsed"})["value"]
    told = {"type": "mint", "info": {"decimals": 9, "freezeAuthority": None, "isInitialized": True, "mintAuthority": None, "supply": "0"}}
    bench.equal((mint["owner"], mint["lamports"], mint["space"], mint["data"]["parsed"]), (str(TOKEN_PROGRAM_ID), SOL, 82, told), "the native mint")
    wrapped = spl.get_associated_token_address(alice.pubkey(), WRAPPED_SOL_MINT)
    status = await bench.run(
        [spl.create_associated_token_account(alice.pubkey(), alice.pubkey(), WRAPPED_SOL_MINT), pay(alice, wrapped, 3 * SOL // 2),
         spl.sync_native(models.SyncNativeParams(program_id=TOKEN_PROGRAM_ID, account=wrapped))],
        alice,
    )  # fmt: skip
    bench.equal(status.err, None, "SOL is wrapped")
    held = (await client.get_token_account_balance(wrapped)).value
    bench.equal((held.amount, held.decimals, held.ui_amount_string), (str(3 * SOL // 2), 9, "1.5"), "wrapped SOL")
    info = (await client.get_account_info_json_parsed(wrapped)).value.data.parsed["info"]
    bench.equal((info["isNative"], info["rentExemptReserve"]["amount"]), (True, str((128 + 165) * 6960)), "of the native mint")
    close = models.CloseAccountParams(program_id=TOKEN_PROGRAM_ID, account=wrapped, dest=alice.pubkey(), owner=alice.pubkey())
    bench.equal((await bench.run([spl.close_account(close)], alice)).err, None, "SOL is unwrapped")
    bench.equal((await client.get_balance(alice.pubkey())).value, 10 * SOL - 2 * 5000, "all of it but two fees")


async def memos(bench):
    alice = Keypair()
    await bench.fund(alice)
    await bench.run([Instruction(MEMO, "grüße".encode(), []), Instruction(MEMO, b"two", [])], alice)
    info = (await bench.client.get_signatures_for_address(alice.pubkey(), limit=1)).value[0]
    bench.equal(info.memo, "[7] grüße; [3] two", "memo")


async def deployment(bench):
    """A program through buffer writes, as the CLI of Solana sends them: many at once."""
    client = bench.client
    payer, buffer, program = Keypair(), Keypair(), Keypair()
    await bench.fund(payer, lamports=100 * SOL)
    code = elf(LiteSVM(), PROGRAMS["memo"])
    size = len(code)

    def instruction(tag, body, *metas):
        return Instruction(LOADER, struct.pack("<I", tag) + body, [AccountMeta(k, s, w) for k, s, w in metas])

    rent = (await client.get_minimum_balance_for_rent_exemption(37 + size)).value
    status = await bench.run(
        [create_account(CreateAccountParams(from_pubkey=payer.pubkey(), to_pubkey=buffer.pubkey(), lamports=rent, space=37 + size, owner=LOADER)),
         instruction(0, b"", (buffer.pubkey(), False, True), (payer.pubkey(), False, False))],
        payer, buffer,
    )  # fmt: skip
    bench.equal(status.err, None, "a buffer")
    blockhash = await bench.blockhash()
    writes = []
    for offset in range(0, size, 1000):
        part = code[offset : offset + 1000]
        body = struct.pack("<IQ", offset, len(part)) + part
        write = instruction(1, body, (buffer.pubkey(), False, True), (payer.pubkey(), True, False))
        writes.append(bench.send([write], payer, blockhash=blockhash, skip_preflight=True))
    signatures = await asyncio.gather(*writes)
    for start in range(0, len(signatures), 200):
        for signature in signatures[start : start + 200]:
            await bench.confirm(signature)
    data = (await client.get_account_info(buffer.pubkey(), encoding="base64")).value.data
    bench.expect(data[37:] == code, "the buffer holds the program")
    program_data = Pubkey.find_program_address([bytes(program.pubkey())], LOADER)[0]
    rent = (await client.get_minimum_balance_for_rent_exemption(36)).value
    status = await bench.run(
        [create_account(CreateAccountParams(from_pubkey=payer.pubkey(), to_pubkey=program.pubkey(), lamports=rent, space=36, owner=LOADER)),
         instruction(2, struct.pack("<Q", size * 2), (payer.pubkey(), True, True), (program_data, False, True), (program.pubkey(), False, True),
                     (buffer.pubkey(), False, True), (RENT, False, False), (CLOCK, False, False), (SYSTEM, False, False), (payer.pubkey(), True, False))],
        payer, program,
    )  # fmt: skip
    bench.equal(status.err, None, "a deployment")
    # A program runs from the slot after its deployment's on.
    while (await client.get_slot()).value <= status.slot:
        await asyncio.sleep(0.02)
    status = await bench.run([Instruction(program.pubkey(), b"it runs", [])], payer)
    bench.equal(status.err, None, "the program runs")
    signature = (await client.get_signatures_for_address(payer.pubkey(), limit=1)).value[0].signature
    logs = (await client.get_transaction(signature)).value.transaction.meta.log_messages
    bench.expect(any("it runs" in line for line in logs), "its log", logs)


async def tables(bench):
    """A v0 transaction with an address lookup table."""
    client, node = bench.client, bench.node
    alice = Keypair()
    await bench.fund(alice)
    table = AddressLookupTableAccount(bench.table, bench.table_addresses)
    message = MessageV0.try_compile(
        alice.pubkey(), [pay(alice, key, SOL) for key in bench.table_addresses[:2]], [table], await bench.blockhash()
    )
    transaction = VersionedTransaction(message, [alice])
    signature = (await client.send_transaction(transaction)).value
    status = await bench.confirm(signature)
    bench.equal(status.err, None, "a v0 transaction")
    found = (await client.get_transaction(signature, max_supported_transaction_version=0)).value.transaction
    bench.equal(found.version, 0, "version")
    bench.equal(found.meta.loaded_addresses.writable, bench.table_addresses[:2], "loaded addresses")
    bench.equal(found.transaction.message.address_table_lookups[0].account_key, bench.table, "lookups")
    bench.refuses(-32015, "maxSupportedTransactionVersion", "getTransaction", str(signature))
    named = (await client.get_signatures_for_address(bench.table_addresses[0])).value
    bench.equal([s.signature for s in named], [signature], "found by an address that was loaded")
    keys = node.call("getTransaction", str(signature), {"encoding": "jsonParsed", "maxSupportedTransactionVersion": 0})
    sources = [k["source"] for k in keys["transaction"]["message"]["accountKeys"]]
    bench.equal(sources.count("lookupTable"), 2, "sources of keys")


async def priorities(bench):
    """Of transactions that wait together, those that pay more go first."""
    client = bench.client
    payers = [Keypair() for _ in range(6)]
    await bench.fund(*payers)
    prices = [1, 7, 3, 9, 5, 2]
    for _ in range(5):
        target, blockhash = Pubkey.new_unique(), await bench.blockhash()
        signatures = await asyncio.gather(*(
            bench.send([set_compute_unit_price(price * 100_000), pay(payer, target, SOL // 100)], payer, blockhash=blockhash, skip_preflight=True)
            for price, payer in zip(prices, payers)
        ))  # fmt: skip
        statuses = [await bench.confirm(signature) for signature in signatures]
        bench.expect(all(s.err is None for s in statuses), "paid transactions", statuses)
        if len({s.slot for s in statuses}) > 1:
            continue  # a block came in between
        block = bench.node.call("getBlock", statuses[0].slot, {"transactionDetails": "signatures"})["signatures"]
        order = [block.index(str(signature)) for signature in signatures]
        wanted = sorted(range(6), key=lambda i: -prices[i])
        bench.equal(sorted(range(6), key=lambda i: order[i]), wanted, "order by price")
        fees = (await client.get_recent_prioritization_fees([target])).value
        bench.equal({f.slot: f.prioritization_fee for f in fees}[statuses[0].slot], 100_000, "recent fees")
        return
    bench.expect(False, "six transactions in one block of five tries")


async def endings(bench, ledger):
    """SIGTERM, a second node, and what a restart finds."""
    alice = Keypair()
    await bench.fund(alice)
    signature = (await bench.client.get_signatures_for_address(alice.pubkey())).value[0].signature
    try:
        second = Node(ledger)
        second.kill()
        bench.expect(False, "a second node on the ledger")
    except SystemExit as refusal:
        bench.expect("in use" in str(refusal), "a second node is refused", str(refusal)[-300:])
    code = bench.node.stop()
    bench.equal(code, 0, "SIGTERM")
    with Node(ledger, "--instant") as again:
        bench.equal(again.call("getBalance", str(alice.pubkey()))["value"], 10 * SOL, "balance after a restart")
        found = again.call("getTransaction", str(signature))
        bench.expect(found is not None and found["meta"]["err"] is None, "history after a restart", found)
        print(f"start to first answer on an existing ledger: {again.seconds_to_answer * 1000:.0f} ms")
        slot = again.call("getSlot")
        time.sleep(0.2)
        bench.equal(again.call("getSlot"), slot, "--instant makes no blocks by itself")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--fuzz-seconds", type=float, default=5)
    parser.add_argument("--only", nargs="*", help="these parts and no others")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        svm, flags = LiteSVM(), []
        for name, identifier in PROGRAMS.items():
            path = os.path.join(folder, name + ".so")
            with open(path, "wb") as file:
                file.write(elf(svm, identifier))
            flags += ["--program", identifier, path]
        table, addresses = Pubkey.new_unique(), [Pubkey.new_unique() for _ in range(3)]
        data = struct.pack("<IQQB", 1, 2**64 - 1, 0, 0) + bytes(56 - 21) + b"".join(bytes(a) for a in addresses)
        path = os.path.join(folder, "table.json")
        with open(path, "w") as file:
            json.dump({"pubkey": str(table), "account": {
                "lamports": 10 * SOL, "owner": "AddressLookupTab1e1111111111111111111111111", "executable": False,
                "rentEpoch": 2**64 - 1, "data": [base64.b64encode(data).decode(), "base64"]}}, file)  # fmt: skip
        flags += ["--account", path]
        ledger = os.path.join(folder, "ledger")
        with Node(ledger, "--slot-ms", "100", *flags) as node:
            print(f"start to first answer on an empty directory, with programs: {node.seconds_to_answer * 1000:.0f} ms")
            node.call_text = lambda method, *parameters: json.dumps(node.call(method, *parameters))
            async with AsyncClient(node.url, commitment=Confirmed) as client:
                bench = Bench(node, client, folder)
                bench.table, bench.table_addresses = table, addresses
                for part in (chain, transfers, failures, simulations, nonces, memos, tokens, wrapping, deployment, tables, priorities, parsed, cluster, page, subscriptions, misbehaviour, pages, command_line, programs_of_mainnet, developers, tls, surfpool, cloning, starts):
                    if arguments.only is not None and part.__name__ not in arguments.only:
                        continue
                    before, start = bench.passed, time.monotonic()
                    try:
                        outcome = part(bench)
                        if outcome is not None:
                            await outcome
                    except Exception as error:
                        import traceback

                        traceback.print_exc()
                        bench.problems.append(f"{part.__name__}: {type(error).__name__}: {error}")
                    print(f"{part.__name__}: {bench.passed - before} checks, {time.monotonic() - start:.1f} s")
                for check in bench.later:
                    check()
                await fuzzing(bench, arguments.fuzz_seconds)
                await endings(bench, ledger)
        check = subprocess.run([binary(), "ledger", "verify", "--replay", ledger], capture_output=True, text=True)
        bench.expect(check.returncode == 0, "the ledger after all of this, executed again", check.stderr)
        print(check.stdout.strip())
        bench.problems += kills(folder, arguments.kills)
    print(f"{bench.passed} passed, {len(bench.problems)} failed")
    for problem in bench.problems:
        print(f"  {problem[:600]}", file=sys.stderr)
    sys.exit(1 if bench.problems else 0)


asyncio.run(main())
