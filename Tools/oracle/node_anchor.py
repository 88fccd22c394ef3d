"""A node driven with anchorpy: a program in Anchor's conventions (Programs/anchored) through a client that is made from its
IDL: instructions, accounts, events, errors, simulations."""

import asyncio
import os
import subprocess
import sys
import tempfile

from anchorpy import Context, EventParser, Idl, Program, Provider, Wallet
from anchorpy.error import ProgramError
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.types import TxOpts
from solders.keypair import Keypair
from solders.system_program import CreateAccountParams, create_account

from node import ROOT, Node, binary
from node_checks import Checks
from toolchain import clang

SOL = 1_000_000_000
SOURCE = os.path.join(ROOT, "Programs/anchored/anchored")


async def journey(bench, node, identifier):
    with open(SOURCE + ".json") as file:
        idl = Idl.from_json(file.read())
    payer, counter, stranger = Keypair(), Keypair(), Keypair()
    async with AsyncClient(node.url, commitment=Confirmed) as client:
        for key in (payer, stranger):
            await client.confirm_transaction((await client.request_airdrop(key.pubkey(), 10 * SOL)).value, Confirmed, sleep_seconds=0.02)
        provider = Provider(client, Wallet(payer), TxOpts(preflight_commitment=Confirmed))
        program = Program(idl, identifier, provider)
        accounts = {"counter": counter.pubkey(), "authority": payer.pubkey()}
        make = create_account(CreateAccountParams(
            from_pubkey=payer.pubkey(), to_pubkey=counter.pubkey(), space=48, owner=identifier,
            lamports=(await client.get_minimum_balance_for_rent_exemption(48)).value))  # fmt: skip

        async def run(name, *arguments, **context):
            signature = await program.rpc[name](*arguments, ctx=Context(accounts=accounts, **context))
            await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
            return signature

        await run("initialize", 40, pre_instructions=[make], signers=[counter])
        found = await program.account["Counter"].fetch(counter.pubkey())
        bench.equal((found.authority, found.count), (payer.pubkey(), 40), "an account by its fields")
        signature = await run("increment", 2)
        found = await program.account["Counter"].fetch(counter.pubkey())
        bench.equal(found.count, 42, "after an instruction")
        logs = (await client.get_transaction(signature)).value.transaction.meta.log_messages
        events = []
        EventParser(identifier, program.coder).parse_logs(logs, events.append)
        bench.equal([(e.name, e.data.by, e.data.count) for e in events], [("Increased", 2, 42)], "events")
        everything = await program.account["Counter"].all()
        bench.equal([(a.public_key, a.account.count) for a in everything], [(counter.pubkey(), 42)], "all accounts of a kind")
        several = await program.account["Counter"].fetch_multiple([counter.pubkey(), stranger.pubkey()])
        bench.equal([a and a.count for a in several], [42, None], "several accounts")
        simulated = await program.simulate["increment"](3, ctx=Context(accounts=accounts))
        bench.equal([(e.name, e.data.count) for e in simulated.events], [("Increased", 45)], "a simulation")
        for arguments, context, code, text in (
            ((2**64 - 1,), {}, 6000, "the count would overflow"),
            ((1,), {"accounts": {**accounts, "authority": stranger.pubkey()}, "signers": [stranger]}, 6001, "another key may increment"),
        ):
            try:
                await program.rpc["increment"](*arguments, ctx=Context(**{"accounts": accounts, **context}))
                bench.expect(False, f"error {code}", "none")
            except ProgramError as error:
                bench.expect(error.code == code and text in error.msg, f"error {code}", error)


def main():
    bench = Checks()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "anchored")
        subprocess.run([clang(), "-target", "bpf", "-mcpu=v3", "-O2", "-mllvm", "-bpf-stack-size=4096", "-c", SOURCE + ".c", "-o", path + ".o"], check=True)
        subprocess.run([binary(), "link", path + ".o", "-o", path + ".so"], check=True)
        identifier = Keypair().pubkey()
        with Node(os.path.join(folder, "ledger"), "--slot-ms", "50", "--program", str(identifier), path + ".so") as node:
            asyncio.run(journey(bench, node, identifier))
    print(f"anchorpy: {bench.passed} passed, {len(bench.problems)} failed")
    sys.exit(1 if bench.problems else 0)


main()
