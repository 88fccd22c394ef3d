"""Runs the programs of `Programs/`, linked for every SBPF version, under LiteSVM and checks what they do.

    check_programs.py [--linker COMMAND]

Every step says what it expects: success or an error, the accounts' contents, return data, logs. COMMAND is the linker
up to its operands, by default `estuary link`.
"""

import argparse
import os
import shlex
import struct
import subprocess
import sys
import tempfile

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

import oracle

SYSTEM = Pubkey.default()
u64 = lambda value: struct.pack("<Q", value)


class World:
    def __init__(self, programs):
        self.svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self.payer = Keypair()
        self.svm.airdrop(self.payer.pubkey(), 10**12)
        self.programs = {}
        for name, elf in programs.items():
            self.programs[name] = Pubkey.new_unique()
            self.svm.add_program(self.programs[name], elf)

    def account(self, owner, size, lamports=10**9, key=None):
        key = key or Pubkey.new_unique()
        self.svm.set_account(key, Account(lamports, bytes(size), owner, False, 2**64 - 1))
        return key

    def data(self, key):
        return bytes(self.svm.get_account(key).data)

    def call(self, name, data, *accounts, expect=None):
        """`accounts`: (key, flags) with flags of s and w; `expect`: None, or text of the expected error."""
        metas = [AccountMeta(key, "s" in flags, "w" in flags) for key, flags in accounts]
        message = Message([Instruction(self.programs[name], data, metas)], self.payer.pubkey())
        transaction = Transaction.populate(message, [])
        signers = message.header.num_required_signatures
        transaction = Transaction.populate(message, [self.payer.sign_message(bytes(message))] * signers)
        result = self.svm.send_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        if expect is None and failed:
            raise AssertionError(f"{name} {data.hex()}: {result.err()} {result.meta().logs()}")
        if expect is not None:
            text = " ".join(result.meta().logs()) + repr(result.err()) if failed else "success"
            assert expect in text, f"{name} {data.hex()}: expected {expect}, got {text}"
            return result.meta()
        return result


def counter(world):
    program, authority, stranger = world.programs["counter"], Pubkey.new_unique(), Pubkey.new_unique()
    key = world.account(program, 48)
    world.call("counter", b"\1", (key, "w"), expect="UninitializedAccount")
    world.call("counter", b"\0", (key, "w"), (authority, ""))
    world.call("counter", b"\0", (key, "w"), (authority, ""), expect="AccountAlreadyInitialized")
    assert bytes(world.call("counter", b"\1", (key, "w")).return_data().data)[0] == 1
    result = world.call("counter", b"\1" + u64(2**40), (key, "w"))
    assert bytes(result.return_data().data).ljust(8, b"\0") == u64(2**40 + 1)
    world.call("counter", b"\2" + u64(2**40 + 2), (key, "w"), expect="custom program error: 0x1")
    world.call("counter", b"\1" + u64(2**64 - 1), (key, "w"), expect="ArithmeticOverflow")
    world.call("counter", b"\2" + u64(2**40), (key, "w"))
    assert world.data(key)[8:16] == u64(1) and world.data(key)[16:48] == bytes(authority)
    world.call("counter", b"\3", (key, "w"), (stranger, "s"), expect="custom program error: 0x2")
    world.call("counter", b"\3", (key, "w"), (authority, ""), expect="MissingRequiredSignature")
    world.call("counter", b"\3", (key, "w"), (authority, "s"))
    assert world.data(key)[8:16] == u64(0)
    world.call("counter", b"\1", (key, ""), expect="InvalidArgument")
    world.call("counter", b"\1", (world.account(SYSTEM, 48), "w"), expect="IncorrectProgramId")
    world.call("counter", b"\1", (world.account(program, 47), "w"), expect="AccountDataTooSmall")
    world.call("counter", b"\7", (key, "w"), expect="InvalidInstructionData")
    world.call("counter", b"", (key, "w"), expect="InvalidInstructionData")
    world.call("counter", b"\1", expect="NotEnoughAccountKeys")
    return key


def token(world):
    program = world.programs["token"]
    authority, alice, bob = (Pubkey.new_unique() for _ in range(3))
    mint, other = world.account(program, 56), world.account(program, 56)
    world.call("token", b"\0\6", (mint, "w"), (authority, ""))
    world.call("token", b"\0\6", (mint, "w"), (authority, ""), expect="AccountAlreadyInitialized")
    world.call("token", b"\0\0", (other, "w"), (authority, ""))
    a, b, c = (world.account(program, 80) for _ in range(3))
    for key, owner, kind in ((a, alice, mint), (b, bob, mint), (c, bob, other)):
        world.call("token", b"\1", (key, "w"), (kind, ""), (owner, ""))
    amount = lambda key: struct.unpack("<Q", world.data(key)[8:16])[0]
    world.call("token", b"\2" + u64(1000), (mint, "w"), (a, "w"), (authority, "s"))
    world.call("token", b"\2" + u64(1000), (mint, "w"), (a, "w"), (alice, "s"), expect="error: 0x3")
    world.call("token", b"\2" + u64(1000), (mint, "w"), (a, "w"), (authority, ""), expect="MissingRequiredSignature")
    world.call("token", b"\2" + u64(2**64 - 1), (mint, "w"), (a, "w"), (authority, "s"), expect="error: 0x4")
    world.call("token", b"\2" + u64(1), (mint, "w"), (c, "w"), (authority, "s"), expect="error: 0x1")
    world.call("token", b"\3" + u64(300), (a, "w"), (b, "w"), (alice, "s"))
    world.call("token", b"\3" + u64(701), (a, "w"), (b, "w"), (alice, "s"), expect="error: 0x5")
    world.call("token", b"\3" + u64(1), (a, "w"), (b, "w"), (bob, "s"), expect="error: 0x2")
    world.call("token", b"\3" + u64(1), (b, "w"), (c, "w"), (bob, "s"), expect="error: 0x1")
    world.call("token", b"\3" + u64(700), (a, "w"), (a, "w"), (alice, "s"))
    assert (amount(a), amount(b), amount(mint)) == (700, 300, 1000)
    world.call("token", b"\4" + u64(200), (mint, "w"), (b, "w"), (bob, "s"))
    world.call("token", b"\4" + u64(101), (mint, "w"), (b, "w"), (bob, "s"), expect="error: 0x5")
    assert (amount(a), amount(b), amount(mint)) == (700, 100, 800)
    world.call("token", b"\5" + u64(1), (mint, "w"), (b, "w"), (bob, "s"), expect="InvalidInstructionData")
    world.call("token", b"\3" + u64(1), (a, "w"), (b, "w"), expect="NotEnoughAccountKeys")


def cpi(world, counter_key):
    program = world.programs["cpi"]
    vault, _ = Pubkey.find_program_address([b"vault"], program)
    recipient = world.account(SYSTEM, 0)
    payer, system = (world.payer.pubkey(), "sw"), (SYSTEM, "")
    balance = lambda key: world.svm.get_account(key).lamports
    world.call("cpi", b"\0" + u64(5 * 10**9), payer, (vault, "w"), system)
    assert balance(vault) == 5 * 10**9
    world.call("cpi", b"\1" + u64(10**9), (vault, "w"), (recipient, "w"), system)
    assert balance(vault) == 4 * 10**9 and balance(recipient) == 2 * 10**9
    world.call("cpi", b"\1" + u64(10**9), (recipient, "w"), (vault, "w"), system, expect="error: 0x1")
    world.call("cpi", b"\1" + u64(10**12), (vault, "w"), (recipient, "w"), system, expect="insufficient lamports")
    result = world.call("cpi", b"\2" + u64(41), (counter_key, "w"), (world.programs["counter"], ""))
    assert "Program log: 0x29, 0x1, 0x0, 0x0, 0x0" in result.logs(), result.logs()
    world.call("cpi", b"\2" + u64(2**64 - 1), (counter_key, "w"), (world.programs["counter"], ""),
               expect="ArithmeticOverflow")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--linker", default=f"{oracle.estuary_binary()} link")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for cpu, version in (("v2", "v0"), ("v2", "v1"), ("v2", "v2"), ("v2", "v3"), ("v3", "v3")):
            programs = {}
            for name in ("counter", "token", "cpi"):
                source = os.path.join(oracle.ROOT, "Programs", name, name + ".c")
                target, output = os.path.join(folder, name + ".o"), os.path.join(folder, name + ".so")
                subprocess.run(
                    [oracle.clang(), "-target", "bpf", f"-mcpu={cpu}", "-O2", "-mllvm", "-bpf-stack-size=4096",
                     "-Wall", "-Wextra", "-Werror", "-c", source, "-o", target], check=True)
                subprocess.run(
                    [*shlex.split(options.linker), target, "-o", output, "--sbpf-version", version], check=True)
                with open(output, "rb") as file:
                    programs[name] = file.read()
            world = World(programs)
            key = counter(world)
            token(world)
            cpi(world, key)
            print(f"-mcpu={cpu} linked as {version}: counter, token and cpi behave")


if __name__ == "__main__":
    sys.exit(main())
