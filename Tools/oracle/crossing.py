"""Contracts that call programs and programs that call contracts, on one node that clients of both worlds drive.

    crossing.py [--write] [--seed N]

- interfaces: every function of FF00…0002, 3, 4, 6 and 7 is called through an interface of Vyper's. What Vyper sends has to be
  what eth_abi encodes, byte for byte (behind it nothing, or the zeros that Vyper adds to dynamic arguments); what comes back, decoded by eth_abi, what Vyper makes of it and what the same call
  sent straight to the address answers.
- tokens: a contract's moves of SPL tokens leave the accounts that plain transactions with the same instructions leave in
  LiteSVM (Agave's runtime), byte for byte; what fails there fails here with the same error.
- examples: `Programs/spl20`, `Programs/accounts` and `Programs/swap`, used by wallets of both worlds.

--write compiles the bytecode that lies beside the sources of Programs/, which else has to be what Vyper makes.
ESTUARY names the command line, ESTUARY_PROGRAMS the folder with LiteSVM's programs (export_programs.py). Needs the packages
of requirements-ethereum.txt.
"""

import argparse
import base64
import os
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import time

import eth_abi
from eth_account import Account
from eth_utils import keccak, to_checksum_address
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

from node import ROOT, Node, RPCFailure, binary
from toolchain import clang

Account.enable_unaudited_hdwallet_features()
MNEMONIC = " ".join(["test"] * 11 + ["junk"])
PEOPLE = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
ETHER = 10**18
SOL = 10**9
EVM = Pubkey.from_string("Ethereum11111111111111111111111111111111111")
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
SYSTEM = Pubkey.default()
VAULT = Pubkey.find_program_address([b"vault"], EVM)[0]


def border(number):
    return to_checksum_address("0xff" + "00" * 18 + f"{number:02x}")


def contract_key(address, kind=None, salt=None):
    """The program address of a contract, or one of its others."""
    seeds = [b"\x03"] + ([kind] if kind else []) + [bytes.fromhex(address[2:])] + ([salt] if salt else [])
    return Pubkey.find_program_address(seeds, EVM)[0]


def address_of(key):
    """Who a signer of Solana's is for contracts."""
    return to_checksum_address(keccak(bytes(key))[12:])


def word(number):
    return number.to_bytes(32, "big")


def u64(number):
    return number.to_bytes(8, "little")


def encoded(instruction):
    """An instruction as bytes (bincode of Solana's Instruction)."""
    program, metas, data = instruction
    accounts = b"".join(key + bytes([signs, writes]) for key, signs, writes in metas)
    return program + u64(len(metas)) + accounts + u64(len(data)) + data


# ---------------------------------------------------------------------------------------------------------- the bench


class Bench:
    def __init__(self, node):
        self.node, self.checks = node, 0
        self.chain = int(node.call("eth_chainId"), 16)

    def expect(self, condition, what, detail=""):
        self.checks += 1
        if not condition:
            raise SystemExit(f"error: {what} {detail}")

    def equal(self, found, wanted, what):
        self.expect(found == wanted, what, f"is {found!r}, not {wanted!r}")

    # Ethereum's side

    def send(self, person, to=None, data=b"", value=0, gas=8_000_000, fails=None):
        """The receipt of a transaction that has to succeed, or to fail with a reason that holds `fails`."""
        fields = {
            "type": 2, "chainId": self.chain, "value": value, "data": "0x" + data.hex(), "gas": gas,
            "nonce": int(self.node.call("eth_getTransactionCount", person.address, "pending"), 16),
            "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 1,
        }  # fmt: skip
        if to:
            fields["to"] = to
        hash = self.node.call("eth_sendRawTransaction", "0x" + person.sign_transaction(fields).raw_transaction.hex())
        receipt = None
        end = time.monotonic() + 20
        while receipt is None and time.monotonic() < end:
            receipt = self.node.call("eth_getTransactionReceipt", hash)
            if receipt is None:
                time.sleep(0.005)
        self.expect(receipt is not None, f"no receipt of {hash}")
        if fails is None:
            self.expect(int(receipt["status"], 16) == 1, "a transaction failed:", self.why(person, to, data, value, gas))
        else:
            self.expect(int(receipt["status"], 16) == 0, f"a transaction was to fail with {fails}")
            text = self.why(person, to, data, value, gas)
            self.expect(fails in text, f"a transaction was to fail with {fails}, not", text)
        return receipt

    def why(self, person, to, data, value, gas):
        try:
            return str(self.call(to, data, person.address, value, gas))
        except RPCFailure as error:
            return str(error)

    def call(self, to, data, sender=None, value=0, gas=8_000_000):
        call = {"from": sender or PEOPLE[0].address, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(gas)}
        if to:
            call["to"] = to
        return bytes.fromhex(self.node.call("eth_call", call, "latest")[2:])

    def read(self, to, signature, *arguments, sender=None):
        """One value of a function `name(types)(type)`."""
        name, inputs, outputs = parts(signature)
        output = self.call(to, calldata(f"{name}{tuple_of(inputs)}", arguments), sender)
        values = eth_abi.decode(outputs, output)
        return values[0] if len(values) == 1 else values

    def trace(self, to, data, sender, value=0, gas=8_000_000):
        call = {"from": sender, "to": to, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(gas)}
        return self.node.call("debug_traceCall", call, "latest", {"tracer": "callTracer"})

    def deploy(self, name_or_code, person=PEOPLE[0], types=(), arguments=(), value=0):
        code = name_or_code
        if isinstance(code, str):
            code = bytes.fromhex("".join(open(program_path(code, "hex")).read().split())[2:])
        receipt = self.send(person, None, code + eth_abi.encode(types, arguments), value, gas=15_000_000)
        return to_checksum_address(receipt["contractAddress"])

    # Solana's side

    def account(self, key):
        """(lamports, owner, data); `None` where there is none."""
        value = self.node.call("getAccountInfo", str(key), {"encoding": "base64", "commitment": "confirmed"})["value"]
        if value is None:
            return None
        return value["lamports"], Pubkey.from_string(value["owner"]), base64.b64decode(value["data"][0])

    def airdrop(self, key, lamports):
        self.confirm(self.node.call("requestAirdrop", str(key), lamports))

    def confirm(self, signature):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            status = self.node.call("getSignatureStatuses", [signature])["value"][0]
            if status:
                return status
            time.sleep(0.005)
        raise SystemExit(f"error: {signature} was not confirmed")

    def submit(self, instructions, *signers, fails=None):
        """Sends a transaction of Solana's; returns what getTransaction says of it."""
        blockhash = Hash.from_string(self.node.call("getLatestBlockhash")["value"]["blockhash"])
        message = Message.new_with_blockhash(instructions, signers[0].pubkey(), blockhash)
        wire = bytes(Transaction(list(signers), message, blockhash))
        signature = self.node.call(
            "sendTransaction", base64.b64encode(wire).decode(), {"encoding": "base64", "skipPreflight": True})
        self.confirm(signature)
        done = self.node.call("getTransaction", signature, {"encoding": "json", "maxSupportedTransactionVersion": 0})
        text = f"{done['meta']['err']} {done['meta']['logMessages']}"
        if fails is None:
            self.expect(done["meta"]["err"] is None, "a transaction of Solana's failed:", text)
        else:
            self.expect(done["meta"]["err"] is not None and fails in text, f"expected {fails} of", text)
        return done

    def evm_call(self, signer, to, data, gas=2**64 - 1, value=0):
        """An instruction of the EVM program: a call by `signer`."""
        body = b"\0\0" + u64(gas) + word(value) + bytes.fromhex(to[2:]) + data
        return Instruction(EVM, body, [AccountMeta(signer.pubkey(), True, True)])


def parts(signature):
    """`f(a,(b,c)[])(d)` → "f", ["a", "(b,c)[]"], ["d"]"""
    lists, depth, text = [], 0, ""
    start = signature.index("(")
    for character in signature[start:]:
        if character == "(" and depth == 0:
            lists.append([])
            depth, text = 1, ""
            continue
        if (character == "," and depth == 1) or (character == ")" and depth == 1):
            if text:
                lists[-1].append(text)
            text = ""
        else:
            text += character
        depth += {"(": 1, ")": -1}.get(character, 0)
    return signature[:start], lists[0], lists[1] if len(lists) > 1 else []


def tuple_of(types):
    return "(" + ",".join(types) + ")"


def calldata(signature, arguments):
    _, inputs, _ = parts(signature)
    return keccak(signature.encode())[:4] + eth_abi.encode(inputs, arguments)


def vyper(path, form="bytecode"):
    tool = os.path.join(os.path.dirname(sys.executable), "vyper")
    done = subprocess.run([tool, "-f", form, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def program_path(name, extension):
    return os.path.join(ROOT, "Programs", name, f"{name}.{extension}")


def check_bytecode(write):
    for name in ("spl20", "accounts"):
        code = vyper(program_path(name, "vy"))
        path = program_path(name, "hex")
        if write:
            with open(path, "w") as file:
                file.write(textwrap.fill(code, 100) + "\n")
        assert "".join(open(path).read().split()) == code, f"vyper makes another code of {name}.vy: crossing.py --write"


# --------------------------------------------------------------------------------------------------------- interfaces

INSTRUCTION = "(bytes32,(bytes32,bool,bool)[],bytes)"
INFO = "((bytes32,uint64,bytes32,bool,uint64))"
HOLDING = "((bytes32,bytes32,uint64,bytes32,uint64,bytes32,uint8))"
MINT = "((uint64,uint8,bool,bytes32,bytes32))"
# Of each address: what it is called with and answers, in Vyper's order of kinds: v(iew), n(onpayable), p(ayable). Answers
# that are not encoded by the ABI are `raw`.
FUNCTIONS = {
    2: [
        "v owner(bytes32)(bytes32)", "v lamports(bytes32)(uint256)", "v executable(bytes32)(bool)",
        "v rent_epoch(bytes32)(uint256)", "v length(bytes32)(uint256)", "v info(bytes32)" + INFO,
        "v data(bytes32,uint64,uint64)raw", "v owner(uint256)(bytes32)", "v lamports(uint256)(uint256)",
        "v executable(uint256)(bool)", "v rent_epoch(uint256)(uint256)", "v length(uint256)(uint256)",
        "v data(uint256,uint64,uint64)raw", "n cache(uint256,uint64,uint64)",
    ],
    3: ["p withdraw(bytes32)(bool)"],
    4: [
        "n initializeMint(bytes32,uint8)(bytes32)", "n initializeMint(bytes32,uint8,bytes32,bytes32)(bytes32)",
        "n initializeAccount(bytes32,bytes32)(bytes32)", "n initializeAccount(bytes32,bytes32,bytes32)(bytes32)",
        "n closeAccount(bytes32)", "n approve(bytes32,bytes32,uint64)", "n revoke(bytes32)",
        "n transfer(bytes32,bytes32,uint64)", "n transferWithSeed(bytes32,bytes32,bytes32,uint64)",
        "n mintTo(bytes32,bytes32,uint64)", "n burn(bytes32,bytes32,uint64)", "n freeze(bytes32,bytes32)",
        "n thaw(bytes32,bytes32)", "v findAccount(bytes32)(bytes32)", "v isSystemAccount(bytes32)(bool)",
        "v getAccount(bytes32)" + HOLDING, "v getMint(bytes32)" + MINT,
    ],
    6: [
        "v getNeonAddress(address)(bytes32)", "v getResourceAddress(bytes32)(bytes32)",
        "v getExtAuthority(bytes32)(bytes32)", "v getPayer()(bytes32)", "v getSolanaPDA(bytes32,bytes)(bytes32)",
        "v getReturnData()(bytes32,bytes)", "n createResource(bytes32,uint64,uint64,bytes32)(bytes32)",
        "n execute(uint64,bytes)(bytes)", f"n execute(uint64,{INSTRUCTION})(bytes)",
        "n executeWithSeed(uint64,bytes32,bytes)(bytes)", f"n executeWithSeed(uint64,bytes32,{INSTRUCTION})(bytes)",
        "n execute(bytes)(bytes)", f"n execute({INSTRUCTION})(bytes)", "n executeWithSeed(bytes32,bytes)(bytes)",
        f"n executeWithSeed(bytes32,{INSTRUCTION})(bytes)",
    ],
    7: ["v isSolanaUser(address)(bool)", "v solanaAddress(address)(bytes32)"],
}  # fmt: skip


class Function:
    def __init__(self, number, text, place):
        self.number, self.kind, signature = number, text[0], text[2:]
        self.isRaw = signature.endswith("raw")
        self.name, self.inputs, self.outputs = parts(signature.removesuffix("raw"))
        self.signature = f"{self.name}{tuple_of(self.inputs)}"
        self.wrapper = f"f{number}_{place}"

    def vyper(self):
        """An interface of it, and a function that calls it."""
        structs, types = [], []

        def kind(text):
            if text == "bytes":
                return "Bytes[1024]"
            if text.endswith("[]"):
                return f"DynArray[{kind(text[:-2])}, 16]"
            if text.startswith("("):
                name = f"S{self.number}_{self.wrapper}_{len(structs)}"
                structs.append(name)
                fields = "".join(f"    m{i}: {kind(part)}\n" for i, part in enumerate(parts("x" + text)[1]))
                types.append(f"struct {name}:\n{fields}")
                return name
            return text

        inputs = [kind(text) for text in self.inputs]
        outputs = [kind(text) for text in self.outputs]
        names = [f"a{i}" for i in range(len(inputs))]
        given = ", ".join(f"{name}: {text}" for name, text in zip(names, inputs))
        # A function that takes the same as its wrapper: Vyper decodes and encodes again.
        result = "" if not outputs else f" -> {outputs[0] if len(outputs) == 1 else tuple_of(outputs)}"
        mutability = {"v": "view", "n": "nonpayable", "p": "payable"}[self.kind]
        call = f"I{self.wrapper}({border(self.number)}).{self.name}"
        if self.kind == "p":
            call = f"extcall {call}({', '.join(names)}, value=msg.value)"
        else:
            call = f"{'staticcall' if self.kind == 'v' else 'extcall'} {call}({', '.join(names)})"
        if self.isRaw:
            encoded = f"abi_encode({', '.join(names)}, method_id=method_id(\"{self.signature}\"))"
            call = f"raw_call({border(self.number)}, {encoded}, max_outsize=1024, is_static_call=True)"
            result = " -> Bytes[1024]"
        text = "".join(types)
        if not self.isRaw:
            text += f"interface I{self.wrapper}:\n    def {self.name}({given}){result}: {mutability}\n"
        decorators = {"v": "@view\n", "n": "", "p": "@payable\n"}[self.kind]
        body = f"return {call}" if result else call
        return f"{text}\n{decorators}@external\ndef {self.wrapper}({given}){result}:\n    {body}\n"

    def decode(self, output):
        return output if self.isRaw else eth_abi.decode(self.outputs, output)


class Interfaces:
    """A contract of Vyper's with a function for each of those above."""

    def __init__(self, bench, folder):
        self.bench = bench
        self.functions = [
            Function(number, text, place) for number, texts in FUNCTIONS.items() for place, text in enumerate(texts)]
        structs_first = "# pragma version 0.4.3\n# pragma evm-version cancun\n" + "".join(
            function.vyper() for function in self.functions)
        structs_first += "\n@payable\n@external\ndef __default__():\n    pass\n"
        path = os.path.join(folder, "interfaces.vy")
        with open(path, "w") as file:
            file.write(structs_first)
        self.address = bench.deploy(bytes.fromhex(vyper(path)[2:]))
        self.used = set()

    def find(self, number, signature):
        return next(f for f in self.functions if f.number == number and f.signature == signature)

    def use(self, number, signature, *arguments, value=0, keep=False, fails=None):
        """Calls a function through Vyper, compares bytes, and makes it the state if asked to; returns what it answers."""
        bench, function = self.bench, self.find(number, signature)
        self.used.add((number, signature))
        person = PEOPLE[0]
        wanted = calldata(signature, arguments)
        outer = keccak(f"{function.wrapper}{tuple_of(function.inputs)}".encode())[:4] + wanted[4:]
        trace = bench.trace(self.address, outer, person.address, value)
        inner = trace["calls"][0]
        what = f"{signature} of {border(number)}"
        bench.equal(inner["to"].lower(), border(number).lower(), what)
        # Vyper sends as many bytes as its longest arguments would take: zeros stand behind those of dynamic types.
        sent = bytes.fromhex(inner["input"][2:])
        isDynamic = "bytes," in signature.replace(")", ",")
        bench.equal(sent[: len(wanted)].hex(), wanted.hex(), f"what Vyper sends for {what}")
        bench.expect(not any(sent[len(wanted) :]) and (isDynamic or len(sent) == len(wanted)), f"more is sent for {what}")
        if fails is not None:
            bench.expect("error" in trace, f"{what} was to fail with {fails}")
            output = bytes.fromhex(inner["output"][2:])
            bench.equal(output[:4].hex(), "08c379a0", f"the answer of {what}")
            bench.expect(fails in eth_abi.decode(["string"], output[4:])[0], f"{what} was to fail with {fails}:", output)
            if keep:
                bench.send(person, self.address, outer, value, fails=fails)
            return None
        bench.expect("error" not in trace, f"{what} fails:", trace)
        answer = function.decode(bytes.fromhex(inner.get("output", "0x")[2:]))
        output = bytes.fromhex(trace.get("output", "0x")[2:])
        made = eth_abi.decode(["bytes"], output)[0] if function.isRaw else function.decode(output)
        bench.equal(made, answer, f"what Vyper makes of {what}")
        if function.outputs and not function.isRaw:
            again = eth_abi.encode(function.outputs, answer)
            bench.equal(bytes.fromhex(inner["output"][2:]).hex(), again.hex(), f"the encoding of {what}")
        # The same straight from eth_abi, in the contract's name.
        direct = bench.call(border(number), wanted, self.address, value)
        bench.equal(function.decode(direct), answer, f"{what}, called directly")
        if keep:
            bench.send(person, self.address, outer, value)
        return answer[0] if not function.isRaw and len(answer) == 1 else answer


def looks(bench, contract, generator):
    """FF00…0002, the addresses of FF00…0006, and FF00…0007."""
    plain, program = Pubkey(generator.randbytes(32)), TOKEN
    bench.airdrop(plain, 3 * SOL)
    for key in (plain, program, Pubkey(generator.randbytes(32)), VAULT):
        lamports, owner, data = bench.account(key) or (0, SYSTEM, b"")
        for argument, kind in ((bytes(key), "bytes32"), (int.from_bytes(bytes(key), "big"), "uint256")):
            bench.equal(contract.use(2, f"owner({kind})", argument), bytes(owner), f"the owner of {key}")
            bench.equal(contract.use(2, f"lamports({kind})", argument), lamports, f"the lamports of {key}")
            bench.equal(contract.use(2, f"executable({kind})", argument), key == program, f"whether {key} is a program")
            bench.equal(contract.use(2, f"length({kind})", argument), len(data), f"the length of {key}")
            contract.use(2, f"rent_epoch({kind})", argument)
            if len(data) > 100:
                bench.equal(contract.use(2, f"data({kind},uint64,uint64)", argument, 3, 97), data[3:100], "data")
            contract.use(2, f"data({kind},uint64,uint64)", argument, 0, 2**64 - 1, fails=str(key))
        info = contract.use(2, "info(bytes32)", bytes(key))
        bench.equal((info[0], info[1], info[2]), (bytes(key), lamports, bytes(owner)), f"what is said of {key}")
    contract.use(2, "cache(uint256,uint64,uint64)", 5, 6, 7)

    own = contract.address
    for _ in range(4):
        salt, program = generator.randbytes(32), Pubkey(generator.randbytes(32))
        other = to_checksum_address(generator.randbytes(20))
        bench.equal(contract.use(6, "getNeonAddress(address)", other), bytes(contract_key(other)), "the address")
        bench.equal(
            contract.use(6, "getResourceAddress(bytes32)", salt), bytes(contract_key(own, b"ContractData", salt)),
            "a resource")
        bench.equal(contract.use(4, "findAccount(bytes32)", salt), bytes(contract_key(own, b"ContractData", salt)),
                    "a token account")
        bench.equal(contract.use(6, "getExtAuthority(bytes32)", salt), bytes(contract_key(own, b"AUTH", salt)),
                    "an authority")
        seeds = generator.randbytes(generator.randrange(0, 200))
        pieces = [seeds[i : i + 32] for i in range(0, len(seeds), 32)]
        bench.equal(contract.use(6, "getSolanaPDA(bytes32,bytes)", bytes(program), seeds),
                    bytes(Pubkey.find_program_address(pieces, program)[0]), "a program address")
        bench.equal(contract.use(7, "isSolanaUser(address)", other), False, "a stranger")
        bench.equal(contract.use(7, "solanaAddress(address)", other), bytes(32), "a stranger")
    bench.equal(contract.use(6, "getPayer()"), bytes(contract_key(own, b"PAYER")), "the payer")
    bench.equal(contract.use(6, "getReturnData()"), (bytes(32), b""), "return data of nobody")


def moves_lamports(bench, contract, generator):
    """FF00…0003, and all of FF00…0006 that change something."""
    own, payer = contract_key(contract.address), contract_key(contract.address, b"PAYER")
    bench.airdrop(own, 20 * SOL)
    bench.send(PEOPLE[0], contract.address, value=100 * ETHER)
    target = Pubkey(generator.randbytes(32))
    vault = bench.account(VAULT)[0]
    bench.equal(contract.use(3, "withdraw(bytes32)", bytes(target), value=5 * ETHER, keep=True), True, "a withdrawal")
    bench.equal(bench.account(target)[0], 5 * SOL, "what was withdrawn")
    bench.equal(bench.account(VAULT)[0], vault - 5 * SOL, "the vault")
    contract.use(3, "withdraw(bytes32)", bytes(target), value=10**9 + 1, fails="no whole number", keep=True)
    contract.use(3, "withdraw(bytes32)", bytes(target), fails="needs a value")

    salt = generator.randbytes(32)
    key = contract_key(contract.address, b"ContractData", salt)
    bench.equal(contract.use(6, "createResource(bytes32,uint64,uint64,bytes32)", salt, 77, 0, bytes(TOKEN), keep=True),
                bytes(key), "a resource")
    bench.equal(bench.account(key)[1:], (TOKEN, bytes(77)), "the resource")
    contract.use(6, "createResource(bytes32,uint64,uint64,bytes32)", salt, 77, 0, bytes(TOKEN), fails="there already")

    amount = SOL
    paid = Pubkey(generator.randbytes(32))
    for lamports in (None, 0, 12345):
        for seeded in (False, True):
            for in_bytes in (True, False):
                salt = generator.randbytes(32)
                source = contract_key(contract.address, b"AUTH", salt) if seeded else own
                if seeded:
                    bench.airdrop(source, 3 * SOL)
                instruction = (
                    bytes(SYSTEM), [(bytes(source), True, True), (bytes(paid), False, True)],
                    b"\2\0\0\0" + u64(amount))
                types = ([] if lamports is None else ["uint64"]) + (["bytes32"] if seeded else [])
                types.append("bytes" if in_bytes else INSTRUCTION)
                values = ([] if lamports is None else [lamports]) + ([salt] if seeded else [])
                values.append(encoded(instruction) if in_bytes else instruction)
                name = ("executeWithSeed" if seeded else "execute") + tuple_of(types)
                before = (bench.account(paid) or (0,))[0]
                bench.equal(contract.use(6, name, *values, keep=not seeded), b"", f"the answer of {name}")
                if not seeded:
                    bench.equal(bench.account(paid)[0] - before, amount, f"what {name} paid")
                amount += 1
                stranger = (bytes(SYSTEM), [(bytes(VAULT), True, True), (bytes(paid), False, True)], instruction[2])
                values[-1] = encoded(stranger) if in_bytes else stranger
                contract.use(6, name, *values, fails=str(VAULT))
    # The payer gets what it is lent, and the rest goes back.
    before = bench.account(own)[0]
    instruction = (bytes(SYSTEM), [(bytes(payer), True, True), (bytes(paid), False, True)], b"\2\0\0\0" + u64(10**6))
    contract.use(6, f"execute(uint64,{INSTRUCTION})", 5 * 10**6, instruction, keep=True)
    bench.equal(bench.account(own)[0], before - 10**6, "what the payer paid")
    bench.equal(bench.account(payer), None, "the payer")


# ------------------------------------------------------------------------------------------------------------- tokens


class Mirror:
    """LiteSVM, where the same instructions are transactions: signatures are not looked at, so that program addresses sign."""

    def __init__(self, elf):
        self.svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self.svm.add_program(TOKEN, elf)
        self.payer = Keypair()
        self.svm.airdrop(self.payer.pubkey(), 10**12)

    def run(self, *instructions):
        """`None`, or the error's text."""
        message = Message(list(instructions), self.payer.pubkey())
        signatures = [self.payer.sign_message(bytes(message))] * message.header.num_required_signatures
        result = self.svm.send_transaction(Transaction.populate(message, signatures))
        self.svm.expire_blockhash()
        return repr(result.err()) if isinstance(result, FailedTransactionMetadata) else None

    def create(self, key, space):
        lamports = self.svm.minimum_balance_for_rent_exemption(space)
        return create_account(CreateAccountParams(
            from_pubkey=self.payer.pubkey(), to_pubkey=key, lamports=lamports, space=space, owner=TOKEN))

    def account(self, key):
        found = self.svm.get_account(key)
        return None if found is None or found.lamports == 0 else (found.lamports, found.owner, bytes(found.data))


def token(tag, data, *metas):
    return Instruction(TOKEN, bytes([tag]) + data, [AccountMeta(key, "s" in flags, "w" in flags) for key, flags in metas])


def moves_tokens(bench, contract, elf, generator, count):
    """Random functions of FF00…0004, each beside the plain instruction in LiteSVM."""
    mirror = Mirror(elf)
    own = contract_key(contract.address)
    bench.airdrop(own, 20 * SOL)
    mirror.svm.airdrop(own, bench.account(own)[0])
    salt = generator.randbytes(32)
    seeds = [generator.randbytes(32) for _ in range(6)]
    mint, second = (contract_key(contract.address, b"ContractData", seed) for seed in seeds[:2])
    holdings = [contract_key(contract.address, b"ContractData", seed) for seed in seeds[2:]]
    authority = contract_key(contract.address, b"AUTH", salt)
    delegate = Pubkey(generator.randbytes(32))
    everything = [mint, second, *holdings]

    def both(signature, arguments, *instructions, answer=None):
        error = mirror.run(*instructions)
        if error is None:
            found = contract.use(4, signature, *arguments, keep=True)
            if answer is not None:
                bench.equal(found, bytes(answer), f"the answer of {signature}")
        else:
            number = re.search(r"Custom\((\d+)\)|code: Custom\((\d+)\)|InstructionErrorCustom\((\d+)\)", error)
            text = f"custom program error: {hex(int(next(g for g in number.groups() if g)))}" if number else "failed"
            contract.use(4, signature, *arguments, keep=True, fails=text if number else "Program")
        for key in everything:
            bench.equal(bench.account(key), mirror.account(key), f"{key} after {signature}")

    both("initializeMint(bytes32,uint8)", (seeds[0], 9), mirror.create(mint, 82),
         token(20, b"\x09" + bytes(own) + b"\1" + bytes(own), (mint, "w")), answer=mint)
    both("initializeMint(bytes32,uint8,bytes32,bytes32)", (seeds[1], 0, bytes(own), bytes(delegate)),
         mirror.create(second, 82), token(20, b"\0" + bytes(own) + b"\1" + bytes(delegate), (second, "w")), answer=second)
    for place, (seed, key) in enumerate(zip(seeds[2:], holdings)):
        owner = authority if place == 2 else own
        of = second if place == 3 else mint
        arguments = (seed, bytes(of), bytes(owner)) if place == 2 else (seed, bytes(of))
        both("initializeAccount(bytes32,bytes32,bytes32)" if place == 2 else "initializeAccount(bytes32,bytes32)",
             arguments, mirror.create(key, 165), token(18, bytes(owner), (key, "w"), (of, "")), answer=key)

    signer = (own, "s")
    tally = {}
    for _ in range(count):
        source, target = generator.choice(holdings), generator.choice(holdings)
        amount = generator.choice([1, 5, 1000, generator.randrange(1, 10**6), 2**64 - 1])
        which = generator.choice(["mintTo", "mintTo", "transfer", "transfer", "seeded", "approve", "revoke", "burn",
                                  "freeze", "thaw"])  # fmt: skip
        tally[which] = tally.get(which, 0) + 1
        of = generator.choice([mint, mint, mint, second])
        if which == "mintTo":
            both("mintTo(bytes32,bytes32,uint64)", (bytes(of), bytes(target), amount),
                 token(7, u64(amount), (of, "w"), (target, "w"), signer))
        elif which == "transfer" and source != target:
            both("transfer(bytes32,bytes32,uint64)", (bytes(source), bytes(target), amount),
                 token(3, u64(amount), (source, "w"), (target, "w"), signer))
        elif which == "seeded" and source != target:
            both("transferWithSeed(bytes32,bytes32,bytes32,uint64)", (salt, bytes(source), bytes(target), amount),
                 token(3, u64(amount), (source, "w"), (target, "w"), (authority, "s")))
        elif which == "approve":
            both("approve(bytes32,bytes32,uint64)", (bytes(source), bytes(delegate), amount),
                 token(4, u64(amount), (source, "w"), (delegate, ""), signer))
        elif which == "revoke":
            both("revoke(bytes32)", (bytes(source),), token(5, b"", (source, "w"), signer))
        elif which == "burn":
            both("burn(bytes32,bytes32,uint64)", (bytes(of), bytes(source), amount),
                 token(8, u64(amount), (source, "w"), (of, "w"), signer))
        elif which in ("freeze", "thaw"):
            both(f"{which}(bytes32,bytes32)", (bytes(of), bytes(source)),
                 token(10 if which == "freeze" else 11, b"", (source, "w"), (of, ""), signer))
        held = contract.use(4, "getAccount(bytes32)", bytes(source))
        data = mirror.account(source)[2]
        bench.equal((held[0], held[1], held[2]), (data[:32], data[32:64], int.from_bytes(data[64:72], "little")), "holding")
        bench.equal(contract.use(4, "getMint(bytes32)", bytes(mint))[0],
                    int.from_bytes(mirror.account(mint)[2][36:44], "little"), "the supply")
    # Burned and closed: the lamports go to the contract's program address.
    for key in holdings[:2]:
        held = contract.use(4, "getAccount(bytes32)", bytes(key))
        if held[6] == 2:
            both("thaw(bytes32,bytes32)", (bytes(mint), bytes(key)), token(11, b"", (key, "w"), (mint, ""), signer))
        if held[2]:
            both("closeAccount(bytes32)", (bytes(key),), token(9, b"", (key, "w"), (own, "w"), signer))
            both("burn(bytes32,bytes32,uint64)", (bytes(mint), bytes(key), held[2]),
                 token(8, u64(held[2]), (key, "w"), (mint, "w"), signer))
        before = bench.account(own)[0]
        lamports = bench.account(key)[0]
        both("closeAccount(bytes32)", (bytes(key),), token(9, b"", (key, "w"), (own, "w"), signer))
        bench.equal(bench.account(own)[0] - before, lamports, "what a closed account gave back")
        bench.equal(contract.use(4, "isSystemAccount(bytes32)", bytes(key)), True, "a closed account")
    return tally


# ----------------------------------------------------------------------------------------------------------- examples


def amount_of(bench, key):
    found = bench.account(key)
    return int.from_bytes(found[2][64:72], "little") if found else 0


def transfers(receipt):
    """(sender, receiver, value) of each log of ERC-20's Transfer."""
    topic = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
    return [
        (to_checksum_address("0x" + log["topics"][1][-40:]), to_checksum_address("0x" + log["topics"][2][-40:]),
         int(log["data"], 16))
        for log in receipt["logs"] if log["topics"][0] == topic
    ]


def spl20(bench, generator):
    """The ERC-20 whose balances are token accounts, seen from both sides after every step."""
    alice, bob, carol = PEOPLE[1:4]
    nobody = to_checksum_address(bytes(20))
    token_address = bench.deploy(
        "spl20", alice, ["string", "string", "bytes32", "uint8", "uint64"], ["River", "RIV", bytes(32), 6, 10**12],
        value=ETHER // 10)
    call = lambda signature, *arguments: bench.read(token_address, signature, *arguments)
    mint = Pubkey(call("mintKey()(bytes32)"))
    authority = contract_key(token_address)
    bench.equal(call("authority()(bytes32)"), bytes(authority), "the authority")
    bench.equal((call("name()(string)"), call("symbol()(string)"), call("decimals()(uint8)")), ("River", "RIV", 6), "names")
    holding = lambda who: Pubkey(call("holdingOf(address)(bytes32)", who))
    wallet = Keypair.from_seed(generator.randbytes(32))
    bench.airdrop(wallet.pubkey(), 10 * SOL)
    me = address_of(wallet.pubkey())
    people = [alice.address, bob.address, carol.address, me]

    def agree():
        for who in people:
            balance = call("balanceOf(address)(uint256)", who)
            bench.equal(amount_of(bench, holding(who)), balance, f"what both sides see of {who}")
            if balance:
                seen = bench.node.call("getTokenAccountBalance", str(holding(who)))["value"]
                bench.equal((seen["amount"], seen["decimals"]), (str(balance), 6), "what a wallet of Solana's sees")
        supply = int.from_bytes(bench.account(mint)[2][36:44], "little")
        bench.equal(call("totalSupply()(uint256)"), supply, "the supply")
        return [call("balanceOf(address)(uint256)", who) for who in people]

    send = lambda person, signature, *arguments, **more: bench.send(
        person, token_address, calldata(signature, arguments), **more)
    bench.equal(agree(), [10**12, 0, 0, 0], "the beginning")
    receipt = send(alice, "transfer(address,uint256)", bob.address, 10**9)
    bench.equal(transfers(receipt), [(alice.address, bob.address, 10**9)], "Transfer")
    bench.equal(agree(), [10**12 - 10**9, 10**9, 0, 0], "after a transfer")
    again = send(alice, "transfer(address,uint256)", bob.address, 1)
    send(bob, "transfer(address,uint256)", carol.address, 2 * 10**9, fails="balance too small")
    send(bob, "transfer(address,uint256)", carol.address, 2**64, fails="balance too small")
    send(carol, "transferFrom(address,address,uint256)", bob.address, carol.address, 7, fails="allowance too small")
    receipt = send(bob, "approve(address,uint256)", carol.address, 500)
    bench.equal(len(receipt["logs"]), 1, "Approval")
    receipt = send(carol, "transferFrom(address,address,uint256)", bob.address, carol.address, 300)
    bench.equal(transfers(receipt), [(bob.address, carol.address, 300)], "Transfer")
    bench.equal(call("allowance(address,address)(uint256)", bob.address, carol.address), 200, "the allowance")
    send(bob, "mint(address,uint256)", bob.address, 1, fails="not the owner")
    send(alice, "mint(address,uint256)", carol.address, 5)
    bench.equal(agree()[2], 305, "after minting")

    # A wallet of Solana's calls the contract as the address of its key, and pays with plain transfers.
    send(bob, "transfer(address,uint256)", me, 1000)
    bench.equal(agree()[3], 1000, "what a wallet of Solana's was paid")
    bench.submit([bench.evm_call(wallet, token_address, calldata("transfer(address,uint256)", (carol.address, 40)))], wallet)
    bench.equal(agree()[2:], [345, 960], "what it has paid")
    own = Keypair.from_seed(generator.randbytes(32))
    space, rent = 165, bench.node.call("getMinimumBalanceForRentExemption", 165)
    bench.submit([
        create_account(CreateAccountParams(
            from_pubkey=wallet.pubkey(), to_pubkey=own.pubkey(), lamports=rent, space=space, owner=TOKEN)),
        token(18, bytes(wallet.pubkey()), (own.pubkey(), "w"), (mint, "")),
    ], wallet, own)  # fmt: skip
    bind = calldata("bind(bytes32)", (bytes(own.pubkey()),))
    bench.send(bob, token_address, bind, fails="no signer of Solana's")
    bench.submit([bench.evm_call(wallet, token_address, bind)], wallet)
    bench.equal(holding(me), own.pubkey(), "the account that was named")
    bench.equal((amount_of(bench, own.pubkey()), agree()[3]), (960, 960), "what has moved there")
    send(bob, "transfer(address,uint256)", me, 40)
    bench.equal((amount_of(bench, own.pubkey()), agree()[3]), (1000, 1000), "what both see")
    plain = bench.submit(
        [token(3, u64(100), (own.pubkey(), "w"), (holding(carol.address), "w"), (wallet.pubkey(), "s"))], wallet)
    bench.equal(agree()[2:], [445, 900], "after a plain transfer")
    pay = bench.evm_call(wallet, token_address, calldata("transfer(address,uint256)", (carol.address, 55)))
    bench.submit([pay], wallet, fails="custom program error: 0x1")  # the contract is no delegate yet
    bench.equal(agree()[2:], [445, 900], "after one that failed")
    done = bench.submit([token(4, u64(60), (own.pubkey(), "w"), (authority, ""), (wallet.pubkey(), "s")), pay], wallet)
    bench.equal(agree()[2:], [500, 845], "after one by the delegate")
    bench.expect(any("Program data:" in line for line in done["meta"]["logMessages"]), "the log of Transfer")
    send(carol, "withdraw(bytes32,uint256)", bytes(own.pubkey()), 500)
    bench.equal(agree()[2:], [0, 1345], "after a withdrawal")
    # What the command line makes of keys of the other world.
    command = lambda *words: subprocess.run([binary(), *words], capture_output=True, text=True)
    bench.equal(command("evm", "address", str(wallet.pubkey())).stdout.strip().lower(), me.lower(), "evm address")
    shown = [command("account", key, "--url", bench.node.url, "--json").stdout
             for key in ("0x" + bytes(own.pubkey()).hex(), str(own.pubkey()))]
    bench.expect(shown[0] == shown[1] and str(own.pubkey()) in shown[0], "an account by a key of 32 bytes", shown)
    return int(again["gasUsed"], 16), plain["meta"]["computeUnitsConsumed"]


def accounts(bench, generator):
    """The contract that creates accounts at program addresses through the system program."""
    person, other = PEOPLE[4], PEOPLE[5]
    address = bench.deploy("accounts", person, value=ETHER)
    salt = generator.randbytes(32)
    seed = lambda who: keccak(bytes(12) + bytes.fromhex(who.address[2:]) + salt)
    key = contract_key(address, b"AUTH", seed(person))
    bench.equal(bench.read(address, "addressOf(address,bytes32)(bytes32)", person.address, salt), bytes(key), "the address")
    opening = "open(bytes32,uint64,uint64,bytes32)"
    bench.send(person, address, calldata(opening, (salt, 10**6, 1000, bytes(TOKEN))), fails="Program 111")
    bench.equal(bench.account(key), None, "what was not opened")
    rent = bench.node.call("getMinimumBalanceForRentExemption", 1000)
    before = int(bench.node.call("eth_getBalance", address, "latest"), 16)
    receipt = bench.send(person, address, calldata(opening, (salt, rent, 1000, bytes(TOKEN))))
    bench.equal(bench.account(key), (rent, TOKEN, bytes(1000)), "what was opened")
    bench.equal(before - int(bench.node.call("eth_getBalance", address, "latest"), 16), rent * 10**9, "its price")
    bench.equal(len(receipt["logs"]), 1, "Opened")
    bench.send(person, address, calldata(opening, (salt, rent, 1000, bytes(TOKEN))), fails="Program 111")
    # Another's is another one, and pays out.
    theirs, target = contract_key(address, b"AUTH", seed(other)), Pubkey(generator.randbytes(32))
    bench.send(other, address, calldata(opening, (salt, 5 * 10**6, 0, bytes(32))))
    paying = "pay(bytes32,bytes32,uint64)"
    bench.send(other, address, calldata(paying, (salt, bytes(target), 2 * 10**6)))
    bench.equal(bench.account(theirs)[0], 3 * 10**6, "what is left")
    bench.equal(bench.account(target)[0], 2 * 10**6, "what was paid")
    bench.equal(bench.read(address, "lamportsOf(address,bytes32)(uint64)", other.address, salt), 3 * 10**6, "lamportsOf")
    bench.send(other, address, calldata(paying, (salt, bytes(target), 4 * 10**6)), fails="custom program error: 0x1")


def swap(bench, generator, program):
    """The C program that swaps through a contract's pool."""
    owner = PEOPLE[6]
    types = ["string", "string", "uint8", "uint256"]
    tokens = [bench.deploy("erc20", owner, types, [name, name[:3], 18, 10**24]) for name in ("First", "Second")]
    pool = bench.deploy("pool", owner, ["address", "address"], tokens)
    send = lambda to, signature, *arguments: bench.send(owner, to, calldata(signature, arguments))
    for address in tokens:
        send(address, "approve(address,uint256)", pool, 10**23)
    send(pool, "provide(uint256,uint256)", 4 * 10**20, 9 * 10**20)
    trader = Keypair.from_seed(generator.randbytes(32))
    me = address_of(trader.pubkey())
    bench.airdrop(trader.pubkey(), SOL)
    send(tokens[0], "transfer(address,uint256)", me, 10**18)
    balances = lambda: [bench.read(address, "balanceOf(address)(uint256)", me) for address in tokens]
    paid = 10**17 * 997
    out = paid * 9 * 10**20 // (4 * 10**20 * 1000 + paid)

    def instruction(amount, least):
        data = bytes.fromhex(tokens[0][2:]) + bytes.fromhex(pool[2:]) + b"\1" + word(amount) + word(least)
        return Instruction(program, data, [AccountMeta(trader.pubkey(), True, True), AccountMeta(EVM, False, False)])

    bench.submit([instruction(10**17, out + 1)], trader, fails="price has moved")
    bench.equal(balances(), [10**18, 0], "after a swap that failed")
    done = bench.submit([instruction(10**17, out)], trader)
    bench.equal(balances(), [9 * 10**17, out], "after a swap")
    data = done["meta"]["returnData"]
    bench.equal(base64.b64decode(data["data"][0]), word(out), "what the program returns")
    bench.submit([instruction(10**18, 0)], trader, fails="balance too small")
    bench.equal(balances(), [9 * 10**17, out], "after a swap of more than there is")
    return done["meta"]["computeUnitsConsumed"]


def build(name, folder):
    """A program of Programs/, compiled and linked."""
    source, object_file, elf = program_path(name, "c"), os.path.join(folder, f"{name}.o"), os.path.join(folder, f"{name}.so")
    subprocess.run(
        [clang(), "-target", "bpf", "-mcpu=v3", "-O2", "-mllvm", "-bpf-stack-size=4096", "-c", source, "-o", object_file],
        check=True)
    subprocess.run([binary(), "link", object_file, "-o", elf], check=True, capture_output=True)
    return elf


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--moves", type=int, default=60)
    options = arguments.parse_args()
    check_bytecode(options.write)
    generator = random.Random(options.seed)
    programs = os.environ.get("ESTUARY_PROGRAMS") or os.path.join(ROOT, ".build-test", "programs")
    token_elf = os.path.join(programs, "earlier-token.so")
    with tempfile.TemporaryDirectory() as folder:
        swap_id = Pubkey(generator.randbytes(32))
        flags = ["--instant", "--program", str(TOKEN), token_elf, "--program", str(swap_id), build("swap", folder)]
        with Node(os.path.join(folder, "ledger"), *flags) as node:
            bench = Bench(node)
            contract = Interfaces(bench, folder)
            looks(bench, contract, generator)
            moves_lamports(bench, contract, generator)
            tally = moves_tokens(bench, contract, open(token_elf, "rb").read(), generator, options.moves)
            missing = [f.signature for f in contract.functions if (f.number, f.signature) not in contract.used]
            bench.expect(not missing, "functions that were not called:", missing)
            print(f"interfaces: {len(contract.functions)} functions, Vyper's bytes are eth_abi's; {sum(tally.values())} moves of"
                  f" tokens as in LiteSVM: {tally}")
            gas, plain = spl20(bench, generator)
            accounts(bench, generator)
            units = swap(bench, generator, swap_id)
            print(f"examples: a transfer of spl20 takes {gas} gas (a plain one of the token program {plain} compute units),"
                  f" a swap by a program {units} compute units")
            print(f"{bench.checks} checks passed")


if __name__ == "__main__":
    main()
