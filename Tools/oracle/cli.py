"""What the command line does with wrong flags, broken files and damaged ledgers.

    cli.py [--seed N] [--mutations N]

Every misuse in `MISUSES` must end within seconds with an exit code above 0 and an error on standard error that says
what is wrong and where; nothing may crash. Seeded mutations of genesis, transactions, programs, key pairs and of every
file of a ledger directory must end with an error that names the file, or with the result the mutation leaves: a damaged
ledger with its old state hash, never with another one.
"""

import argparse
import base64
import fcntl
import glob
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

import oracle
from assemble import Assembler
from native_programs import smallest_elf

SECONDS = 20
KEY = "SysvarC1ock11111111111111111111111111111112"
NOBODY = 65534
CRASHES = ("Fatal error", "Stack dump", "*** ", "Backtrace", "Swift/", "Segmentation")

# Reverts with Error("no").
REVERTING = (
    "7f08c379a0" + "00" * 28 + "600052" "6020600452" "6002602452" "7f6e6f" + "00" * 30 + "604452" "60646000fd"
)
# Accounts for `evm run --state`.
HOLDER = "0x" + "11" * 20
ALLOC = {"alloc": {HOLDER: {"balance": "0x64", "nonce": 3, "code": "0x00", "storage": {"0x01": "0x02"}}}}

# Arguments and what the error must hold. Names in braces are files of the folder; see `Folder`.
MISUSES = [
    ("frobnicate", "frobnicate"),
    ("depoly", "did you mean 'deploy'?"),
    ("repaly {genesis}", "did you mean 'replay'?"),
    ("evm rnu", "did you mean 'run'?"),
    ("replay", "genesis.json"),
    ("replay {genesis}", "transactions.jsonl"),
    ("replay {genesis} {lines} extra", "extra"),
    ("replay {genesis} {lines} --frobnicate", "--frobnicate"),
    ("replay {genesis} {lines} --executor optimistic", "--executor"),
    ("replay {genesis} {lines} --engine abacus", "--engine"),
    ("replay {genesis} {lines} --workers 0", "--workers"),
    ("replay {genesis} {lines} --workers -1", "--workers must be from 1 to"),
    ("replay {genesis} {lines} --workers=-1", "--workers must be from 1 to"),
    ("replay {genesis} {lines} --workers 1000000", "--workers"),
    ("replay {genesis} {lines} --workers many", "--workers"),
    ("replay {genesis} {lines} --workers 99999999999999999999", "--workers"),
    ("replay {genesis} {lines} --executor serial --workers 2", "--workers"),
    ("replay {genesis} {lines} --block-size 0", "--block-size"),
    ("replay {genesis} {lines} --block-size=-5", "--block-size must be at least 1"),
    ("replay {genesis} {lines} --block-size -5", "--block-size must be at least 1"),
    ("replay {genesis} {lines} --repeat -1", "--repeat must be at least 1"),
    ("replay {genesis} {lines} --block-size 1.5", "--block-size"),
    ("replay {genesis} {lines} --repeat 0", "--repeat"),
    ("replay {genesis} {lines} --ledger {fresh} --repeat 2", "--repeat"),
    ("replay {missing} {lines}", "{missing}"),
    ("replay {folder} {lines}", "{folder}"),
    ("replay {empty} {lines}", "{empty}"),
    ("replay {elf} {lines}", "{elf}"),
    ("replay {genesis} {missing}", "{missing}"),
    ("replay {genesis} {folder}", "{folder}"),
    ("replay {genesis} {lines} --trace {missing}/trace", "{missing}/trace"),
    ("replay {genesis} {lines} --trace {folder}", "{folder}"),
    ("replay {genesis} {lines} --trace /dev/full", "/dev/full"),
    ("replay {genesis} {lines} --dump-accounts {missing}/dump", "'{missing}/dump' cannot be written"),
    ("replay {genesis} {lines} --dump-accounts {folder}", "{folder}"),
    ("replay {genesis} {lines} --dump-accounts /dev/full", "No space left"),
    ("replay {genesis} {lines} --ledger {elf}", "{elf}"),
    ("replay {genesis} {lines} --ledger {foreign}", "{foreign}"),
    ("replay {genesis} {lines} --ledger {ledger}", "another genesis"),
    ("replay {genesis} {lines} --ledger /proc/ledger", "/proc/ledger"),
    ("run", "program"),
    ("run {missing}", "{missing}"),
    ("run {folder}", "{folder}"),
    ("run {empty}", "{empty}"),
    ("run {genesis}", "it is JSON text, no program for SBPF"),
    ("run /dev/zero", "/dev/zero"),
    ("run {broken}", "{broken}"),
    ("run {elf} --data 0", "hexadecimal"),
    ("run {elf} --data zz", "hexadecimal"),
    ("run {elf} --repeat 0", "--repeat"),
    ("run {elf} --compute-limit=-1", "'-1' is invalid for '--compute-limit"),
    ("run {elf} --compute-limit -1", "from 0 to 2^63 - 1"),
    ("run {elf} --compute-limit 9223372036854775808", "--compute-limit"),
    ("run {elf} --compute-limit 0", "exceeded CUs"),
    ("run {elf} --engine abacus", "--engine"),
    ("inspect {missing}", "{missing}"),
    ("disassemble {missing}", "{missing}"),
    ("disassemble {genesis}", "it is JSON text, no program for SBPF"),
    ("link {genesis} -o {fresh}", "{genesis}"),
    ("link {elf} -o {fresh}", "linked already"),
    ("link {missing} -o {fresh}", "{missing}"),
    ("link {elf}", "-o"),
    ("link {elf} -o {fresh} --sbpf-version v9", "--sbpf-version"),
    ("keygen -o {pair}", "--force"),
    ("keygen -o {elf}/pair.json", "{elf}"),
    ("keygen -o /dev/full", "/dev/full"),
    ("keygen -o /proc/none/id.json", "the folder '/proc/none' cannot be made: No such file or directory"),
    ("keygen -o {elf}/deep/id.json", "the folder '{elf}/deep' cannot be made: Not a directory"),
    ("airdrop 1 --ledger {foreign} -k {pair}", "{foreign}"),
    ("airdrop 1 --ledger {fresh} -k {missing}", "{missing}"),
    ("airdrop x --ledger {ledger} -k {pair}", "SOL"),
    ("airdrop 1e3 --ledger {ledger} -k {pair}", "SOL"),
    ("airdrop -1 --ledger {ledger} -k {pair}", "'-1' is no amount of SOL"),
    ("airdrop --ledger {ledger} -k {pair} -- -1", "'-1' is no amount of SOL"),
    ("transfer {key} -0.5 --ledger {ledger} -k {pair}", "'-0.5' is no amount of SOL"),
    ("transfer -5 {key} -- -6 --ledger {ledger}", "argument"),
    ("airdrop 0.0000000001 --ledger {ledger} -k {pair}", "SOL"),
    ("airdrop 99999999999999999999 --ledger {ledger} -k {pair}", "SOL"),
    ("airdrop 600000000 --ledger {ledger} -k {pair}", "insufficient lamports"),
    ("airdrop 1 nobody --ledger {ledger} -k {pair}", "'nobody'"),
    ("transfer nobody 1 --ledger {ledger} -k {pair}", "'nobody'"),
    ("transfer {key} 99 --ledger {ledger} -k {pair}", "insufficient lamports"),
    ("transfer {key} 99 --ledger {ledger} -k {pair}",
     "instruction 0 of 1, a call of the system program: the account has fewer lamports than are to leave it"),
    ("transfer {key} 0.0001 --ledger {ledger} -k {pair}",
     "the new account {key} would be left with less than 0.00089088 SOL"),
    ("transfer {key} 9.9995 --ledger {ledger} -k {pair}", "the payer {payer} would be left with less than 0.00089088 SOL"),
    ("transfer {key} 1 --ledger {ledger} -k {poor}",
     "the payer {poorKey} has no account on this ledger: `estuary airdrop 1 {poorKey}`"),
    ("transfer {key} 1 --ledger {ledger} -k {missing}", "{missing}"),
    ("transfer {key} 1 --ledger {missing} -k {pair}", "{missing}"),
    ("transfer {key} 1 --ledger {ledger} -k {empty}", "{empty}"),
    ("transfer {key} 1 --ledger {ledger} -k {genesis}", "{genesis}"),
    ("transfer {key} 1 --ledger {ledger} -k {odd}", "{odd}"),
    ("transfer {key} 1 --ledger {ledger} -k /dev/zero", "/dev/zero"),
    ("account nobody --ledger {ledger}", "'nobody'"),
    ("account {key} --ledger {ledger}", "{key}"),
    ("account {key} --ledger {missing}", "{missing}"),
    ("account {key} --ledger {ledger} --output yaml", "--output"),
    ("deploy {missing} --ledger {ledger} -k {pair}", "{missing}"),
    ("deploy {genesis} --ledger {ledger} -k {pair}", "it is JSON text, no program for SBPF"),
    ("deploy {broken} --ledger {ledger} -k {pair}", "{broken}"),
    ("deploy {huge} --ledger {ledger} -k {pair}", "more than an account may hold"),
    ("deploy {elf} --ledger {ledger} -k {pair} --program-id {odd}", "{odd}"),
    ("deploy {elf} --ledger {missing} -k {pair}", "{missing}"),
    ("invoke {key} --ledger {ledger} -k {pair}", "instruction 0 calls {key}, where there is no account"),
    ("invoke SysvarRent111111111111111111111111111111111 --ledger {ledger} -k {pair}",
     "which is no program but an account of Sysvar1111111111111111111111111111111111111"),
    ("invoke 11111111111111111111111111111111 --data ffffffff --ledger {ledger} -k {pair}",
     "instruction 0 of 1, a call of the system program: invalid instruction data"),
    ("invoke {key} --data " + "00" * 1300 + " --ledger {ledger} -k {pair}", "more than the 1232 that a transaction may have"),
    ("invoke {pair} --ledger {ledger} -k {pair}", "instruction 0 calls the payer"),
    ("invoke nobody --ledger {ledger} -k {pair}", "'nobody'"),
    ("invoke {key} --data 0g --ledger {ledger} -k {pair}", "hexadecimal"),
    ("invoke {key} --account {key}:s --ledger {ledger} -k {pair}", "{key}"),
    ("invoke {key} --account {key}:x --ledger {ledger} -k {pair}", "{key}:x"),
    ("invoke {key} --account : --ledger {ledger} -k {pair}", "':'"),
    ("invoke {key} --compute-limit=-1 --ledger {ledger} -k {pair}", "--compute-limit"),
    ("invoke {key} --with-compute-unit-limit 5000000000 --ledger {ledger} -k {pair}", "--with-compute-unit-limit"),
    ("transfer {key} 1 --with-compute-unit-price many --ledger {ledger} -k {pair}", "--with-compute-unit-price"),
    ("slot --url ftp://localhost", "https://HOST[:PORT][/PATH]"),
    ("slot --url https://", "is no URL of a node"),
    ("node --ledger {fresh} --clone {key}", "name it with --url"),
    ("node --ledger {fresh} --ticks-per-slot 8", "--slot-ms"),
    ("ledger create {fresh} --genesis {genesis} --faucet-sol 5", "--faucet-sol"),
    ("workload counter {fresh} --ledger {ledger}", "--program"),
    ("workload counter {fresh} --ledger {ledger} --program {key}", "{key}"),
    ("workload transfer {fresh} --ledger {ledger} --contention 101", "--contention"),
    ("workload transfer {fresh} --ledger {ledger} --contention -1", "--contention is a percentage from 0 to 100"),
    ("workload transfer {fresh} --ledger {ledger} --seed -1", "from 0 to 2^64 - 1"),
    ("workload transfer {fresh} --ledger {ledger} --count=-1", "--count"),
    ("workload transfer {fresh} --ledger {ledger} --access", "--access is for Ethereum's transactions"),
    ("workload mixed {fresh} --ledger {ledger}", "'mixed' needs --program"),
    ("workload erc20 {fresh} --ledger {missing}", "{missing}"),
    ("workload swaps {elf}/x --ledger {ledger} --count 1", "{elf}"),
    ("workload transfer {elf}/x --ledger {ledger} --count 1", "{elf}"),
    ("bench frobnicate", "frobnicate"),
    ("bench vm --kernels {missing}", "{missing}"),
    ("bench vm --rounds 0", "--rounds"),
    ("conformance instr {missing}", "{missing}"),
    ("conformance bpf {missing}", "{missing}"),
    ("conformance bpf", "paths"),
    ("evm frobnicate", "frobnicate"),
    ("evm run", "--code"),
    ("evm run --code zz", "neither hexadecimal bytecode nor a file"),
    ("evm run --code {missing}", "neither hexadecimal bytecode nor a file"),
    ("evm run --code {folder}", "{folder}"),
    ("evm run --code {genesis}", "not hexadecimal"),
    ("evm run --code {elf}", "{elf}"),
    ("evm run --code {wide} --fork Cancun", "translated for Osaka"),
    ("evm run --code /dev/zero", "/dev/zero"),
    ("evm run --code 00 --fork Atlantis", "--fork"),
    ("evm run --code 00 --gas 9223372036854775808", "--gas"),
    ("evm run --code 00 --gas=-1", "--gas"),
    ("evm run --code 00 --gas -1", "'-1' is invalid for '--gas"),
    ("evm run --code 00 --value -1", "--value '-1' is no amount"),
    ("evm run --code 00 --input 0", "hexadecimal"),
    ("evm run --code 00 --repeat 0", "--repeat"),
    ("evm run --code 00 --engine abacus", "--engine"),
    ("evm run --code fe", "invalid opcode"),
    ("evm run --code 600160ff1b51", "out of gas"),
    ("evm run --code " + REVERTING, "execution reverted: no"),
    ("evm run --code 00 --from 0x12", "--from '0x12' is no address"),
    ("evm run --code 00 --value 1parsec", "--value '1parsec' is no amount"),
    ("evm run --code 00 --state {missing}", "{missing}"),
    ("evm run --code 00 --state {empty}", "{empty}"),
    ("evm run --code 00 --state {genesis}", "slot"),
    ("evm run --code 00 --state {alloc} --value 1", "balance too low"),
    ("evm translate --code 00", "-o"),
    ("evm translate -o {fresh}", "one program"),
    ("evm translate 00 --code 00 -o {fresh}", "one program"),
    ("evm translate {genesis} -o {fresh}", "not hexadecimal"),
    ("evm translate 00 -o {missing}/program.so", "{missing}"),
    ("evm translate 00 -o /dev/full", "/dev/full"),
    ("evm disassemble", "one program"),
    ("evm disassemble {elf}", "{elf}"),
    ("evm statetest", "paths"),
    ("evm statetest {missing}", "{missing}"),
    ("evm statetest {foreign}", "{foreign}"),
    ("evm statetest {empty}", "1 cases failed"),
    ("evm statetest {genesis}", "5 cases failed"),
    ("evm statetest {statetest}", "1 cases failed"),
    ("evm statetest {statetest} --fork Berlin", "no case"),
    ("evm statetest {statetest} --case sub", "no case"),
    ("evm statetest {statetest} --fork Atlantis", "--fork"),
    ("evm statetest {statetest} --workers 0", "--workers"),
    ("evm statetest {statetest} --trace --workers 2", "--trace"),
    ("evm blocktest", "paths"),
    ("evm blocktest {missing}", "{missing}"),
    ("evm blocktest {empty}", "1 cases failed"),
    ("evm blocktest {genesis}", "5 cases failed"),
    ("evm blocktest {statetest}", "1 cases failed"),
    ("evm blocktest {statetest} --case nothing", "no case"),
    ("evm blocktest {statetest} --executor fast", "--executor"),
    ("evm blocktest {statetest} --workers 0", "--workers"),
    ("evm transactiontest", "paths"),
    ("evm transactiontest {missing}", "{missing}"),
    ("evm transactiontest {statetest}", "1 cases failed"),
    ("run {wide}", "translated EVM code"),
    ("deploy {wide} --ledger {ledger} -k {pair}", "translated EVM code"),
]

# A state test whose transaction is no transaction; the fixture says that it is refused for another reason.
STATE_TEST = {
    "add": {
        "env": {
            "currentCoinbase": "0x" + "2a" * 20, "currentGasLimit": "0x989680", "currentNumber": "0x01",
            "currentTimestamp": "0x03e8",
        },
        "pre": {"0x" + "62" * 20: {"balance": "0x00", "code": "0x00", "nonce": "0x01", "storage": {"0x01": "0x02"}}},
        "post": {
            "Cancun": [
                {
                    "hash": "0x" + "6d" * 32, "indexes": {"data": 0, "gas": 1, "value": 2}, "logs": "0x" + "1d" * 32,
                    "txbytes": "0xc0", "expectException": "TransactionException.NONCE_IS_MAX",
                }
            ]
        },
    }
}  # fmt: skip

def ethereum(**members):
    """An `ethereum` section with these members beside those that it needs."""
    return {"chainId": 1, "baseFeePerGas": "0x0", "coinbase": "0x" + "cc" * 20, **members}


# Members of the genesis replaced, and what the error must hold.
BROKEN_GENESES = [
    (lambda g: g.pop("slot"), "slot"),
    (lambda g: g.update(slot=-1), "slot"),
    (lambda g: g.update(slot=2**64), "slot"),
    (lambda g: g.update(slot="1"), "slot"),
    (lambda g: g.update(slot=2**64 - 1), "slot"),
    (lambda g: g.update(slot=2**64 - 3), "slot"),
    (lambda g: g.update(unixTimestamp=-(2**63)), "unixTimestamp"),
    (lambda g: g.update(unixTimestamp=-1, ethereum=ethereum()), "unixTimestamp"),
    (lambda g: g.update(ethereum={**ethereum(), "baseFeePerGas": hex(2**128)}), "ethereum.baseFeePerGas"),
    (lambda g: g.update(slot=1.5), "slot"),
    (lambda g: g.update(unixTimestamp=2**63), "unixTimestamp"),
    (lambda g: g.update(unixTimestamp=None), "unixTimestamp"),
    (lambda g: g.update(blockhash="0" * 32), "blockhash"),
    (lambda g: g.update(blockhash="1" * 33), "blockhash"),
    (lambda g: g.update(blockhash="z" * 10**6), "blockhash"),
    (lambda g: g.update(accounts={}), "accounts"),
    (lambda g: g.update(accounts=[7]), "accounts[0]"),
    (lambda g: g["accounts"].append(g["accounts"][0]), "twice"),
    (lambda g: g["accounts"][1].pop("pubkey"), "accounts[1].pubkey"),
    (lambda g: g["accounts"][1].pop("account"), "accounts[1].account"),
    (lambda g: g["accounts"][1]["account"].update(lamports=2**64), "accounts[1].account.lamports"),
    (lambda g: g["accounts"][1]["account"].update(lamports=1e30), "accounts[1].account.lamports"),
    (lambda g: g["accounts"][1]["account"].update(lamports=True), "accounts[1].account.lamports"),
    (lambda g: g["accounts"][1]["account"].update(data="AA=="), "accounts[1].account.data"),
    (lambda g: g["accounts"][1]["account"].update(data=["AA==", "base58"]), "accounts[1].account.data"),
    (lambda g: g["accounts"][1]["account"].update(data=["A", "base64"]), "accounts[1].account.data"),
    (lambda g: g["accounts"][1]["account"].update(data=["AAAA" * (7 << 20), "base64"]), "accounts[1].account.data"),
    (lambda g: g["accounts"][1]["account"].update(owner=KEY[:-4]), "accounts[1].account.owner"),
    (lambda g: g["accounts"][1]["account"].update(executable=1), "accounts[1].account.executable"),
    (lambda g: g["accounts"][1]["account"].update(rentEpoch=-1), "accounts[1].account.rentEpoch"),
    (lambda g: g["accounts"].append(sysvar("SysvarC1ock11111111111111111111111111111111")), "SysvarC1ock"),
    (lambda g: g["accounts"].append(sysvar("SysvarRent111111111111111111111111111111111")), "SysvarRent"),
    (lambda g: g.update(programs=[{}]), "programs[0]"),
    (lambda g: g.update(programs=[{"programId": KEY}]), "programs[0].path"),
    (lambda g: g.update(programs=[{"programId": KEY, "path": 7}]), "programs[0].path"),
    (lambda g: g.update(programs=[{"programId": KEY, "path": "no such file.so"}]), "no such file.so"),
    (lambda g: g.update(programs=[{"programId": KEY, "path": "/dev/zero"}]), "/dev/zero"),
    (lambda g: g.update(programs=[{"programId": KEY, "path": "program.so"}] * 2), "programs[1]"),
    (lambda g: g.update(ethereum={"chainId": 1}), "ethereum.coinbase"),
    (lambda g: g.update(ethereum=[]), "ethereum"),
    (lambda g: g.update(ethereum=ethereum(fork="Atlantis")), "Atlantis"),
    (lambda g: g.update(ethereum=ethereum(alloc={"0x12": {}})), "ethereum.alloc.0x12"),
    (lambda g: g.update(ethereum=ethereum(alloc={"0x" + "11" * 20: {"code": "zz"}})), ".code"),
]

# Texts that are no genesis.
BROKEN_TEXTS = [
    b"", b" ", b"null", b"[]", b"7", b'"', b"{", b'{"slot":1', b"{}", b"\xff\xfe\x00", b'{"slot":1,"slot":1}',
    b'{"sl\xffot":1}', b"[" * 100_000, b'{"a":' * 100_000, b'{"slot":1e400}', b'{"slot":' + b"9" * 100_000 + b"}",
    b"\x00" * 1000, b'{"slot":\\u0000}', b'{"a":"\\ud800"}', b'{"a":"\x01"}',
]  # fmt: skip


def sysvar(key):
    account = {"lamports": 1, "data": ["AAA=", "base64"], "owner": KEY, "executable": False, "rentEpoch": 0}
    return {"pubkey": key, "account": account}


class Folder:
    """A folder with everything the misuses name."""

    def __init__(self, path, seed):
        self.path = path
        self.generator = random.Random(seed)
        self.names = {"key": KEY, "folder": path}
        self.pairs = [Keypair.from_seed(self.generator.randbytes(32)) for _ in range(4)]
        for name in ("missing", "fresh"):
            self.names[name] = os.path.join(path, name)
        self.genesis = self.make_genesis()
        self.elf = smallest_elf()
        self.write("program.so", self.elf)
        self.lines = [self.line(index) for index in range(200)]
        for name, file, content in (
            ("genesis", "genesis.json", json.dumps(self.genesis).encode()),
            ("lines", "transactions.jsonl", b"".join(self.lines)),
            ("empty", "empty", b""),
            ("elf", "program.so", self.elf),
            ("broken", "broken.so", self.elf[:-8]),
            ("huge", "huge.so", self.elf + bytes(11 << 20)),
            ("pair", "pair.json", json.dumps(list(bytes(self.pairs[0]))).encode()),
            ("odd", "odd.json", json.dumps(list(bytes(self.pairs[0]))[:-1] + [7]).encode()),
            ("statetest", "statetest.json", json.dumps(STATE_TEST).encode()),
            ("alloc", "alloc.json", json.dumps(ALLOC).encode()),
            ("poor", "poor.json", json.dumps(list(bytes(self.pairs[1]))).encode()),
        ):
            self.names[name] = self.write(file, content)
        self.names["payer"], self.names["poorKey"] = (str(pair.pubkey()) for pair in self.pairs[:2])
        self.names["wide"] = os.path.join(path, "wide.so")
        code = "6001600201361561000f575b5f545f5260205ff3"
        subprocess.run(
            [oracle.estuary_binary(), "evm", "translate", code, "-o", self.names["wide"]], check=True, capture_output=True)
        self.names["foreign"] = os.path.join(path, "foreign")
        os.mkdir(self.names["foreign"])
        self.write("foreign/letter.txt", b"hello")
        self.names["ledger"] = os.path.join(path, "ledger")

    def write(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def make_genesis(self):
        account = lambda pair: {
            "pubkey": str(pair.pubkey()),
            "account": {
                "lamports": 10**12, "data": ["", "base64"], "owner": str(Pubkey.default()), "executable": False,
                "rentEpoch": 2**64 - 1, "space": 0,
            },
        }  # fmt: skip
        return {
            "slot": 7, "unixTimestamp": 1_700_000_000, "blockhash": str(Hash.hash(b"cli")),
            "accounts": [account(pair) for pair in self.pairs],
            "programs": [{"programId": KEY, "path": "program.so"}],
        }  # fmt: skip

    def line(self, index):
        source, target = self.pairs[index % 4], self.pairs[(index + 1) % 4]
        move = transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target.pubkey(), lamports=index + 1))
        signed = Transaction.new_signed_with_payer([move], source.pubkey(), [source], Hash.hash(b"cli"))
        return json.dumps({"solana": base64.b64encode(bytes(signed)).decode()}).encode() + b"\n"


class Checker:
    def __init__(self, folder):
        self.folder = folder
        self.passed = 0
        self.problems = []

    def run(self, arguments, **options):
        start = time.monotonic()
        try:
            done = subprocess.run(
                [oracle.estuary_binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
                cwd=self.folder.path, **options)
        except subprocess.TimeoutExpired:
            return None, "", f"still running after {time.monotonic() - start:.0f} s"
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def expect(self, holds, title, detail=""):
        if holds:
            self.passed += 1
        else:
            self.problems.append(f"{title}: {detail.strip()[:600]}")

    def refused(self, title, arguments, text, **options):
        """One error that holds `text`; usage lines may follow it."""
        code, _, errors = self.run(arguments, **options)
        sound = code is not None and code > 0 and not any(crash in errors for crash in CRASHES)
        error = errors.split("\nUsage:")[0]
        brief = "\n" not in error.strip() or "Help:" in error or "transaction failed" in error or code == 64
        self.expect(sound and brief and text in errors and len(errors) < 4000, title, f"exit {code}: {errors}")

    def survives(self, title, arguments, name):
        """Success, or one error that names `name`. Gives the output of a success."""
        code, output, errors = self.run(arguments)
        crashed = code is None or code < 0 or any(crash in errors for crash in CRASHES)
        self.expect(not crashed and (code == 0 or name in errors), title, f"exit {code}: {errors}")
        return output if code == 0 else None


def mutated(generator, content):
    """One seeded mutation: flipped bits, a cut, a repeated or dropped piece, other bytes."""
    data = bytearray(content)
    kind = generator.randrange(6)
    at = generator.randrange(len(data))
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(generator.choice((1, 1, 4, 30))):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    elif kind == 2:
        del data[at : at + generator.randrange(1, 30)]
    elif kind == 3:
        data[at:at] = data[at : at + generator.randrange(1, 200)]
    elif kind == 4:
        data[at : at + 8] = generator.randbytes(8)
    else:
        data[at:at] = generator.choice((b'"', b"{", b"[", b"\xff", b"\x00", b"-", b"99999999999999999999", b",", b"null"))
    return bytes(data)


def check_misuses(check):
    names = check.folder.names
    for text, expected in MISUSES:
        arguments = [part.format(**names) for part in text.split()]
        if "{fresh}" in text:
            shutil.rmtree(names["fresh"], ignore_errors=True)
        check.refused(text, arguments, expected.format(**names))


def check_geneses(check, count):
    folder = check.folder
    lines = folder.names["lines"]
    for index, (change, expected) in enumerate(BROKEN_GENESES):
        genesis = json.loads(json.dumps(folder.genesis))
        change(genesis)
        path = folder.write("changed.json", json.dumps(genesis).encode())
        check.refused(f"genesis change {index}", ["replay", path, lines], expected)
    for text in BROKEN_TEXTS:
        path = folder.write("changed.json", text)
        check.refused(f"genesis text {text[:20]}", ["replay", path, lines], "changed.json")
    original = json.dumps(folder.genesis).encode()
    for index in range(count):
        path = folder.write("changed.json", mutated(folder.generator, original))
        check.survives(f"genesis mutation {index}", ["replay", path, lines], "changed.json")


def check_transactions(check, count):
    """Broken lines are errors of their own transactions."""
    folder = check.folder
    broken = [
        b"{", b"7", b"null", b'{"solana":7}', b'{"solana":"*"}', b'{"solana":""}', b'{"solana":"AAAA"}', b"\xff\xfe",
        b'{"ethereum":"0x00"}', b'{"ethereum":7}', b'{"ethereum":"0x2"}', b'{"ethereum":"0x02","from":"0x1"}', b'{"other":"AAAA"}', b"[" * 5000, b'{"solana":"' + b"A" * 5000 + b'"}',
    ]  # fmt: skip
    lines = []
    for index, text in enumerate(broken):
        lines += [folder.lines[index], text + b"\n"]
    path = folder.write("changed.jsonl", b"\n".join(lines) + folder.lines[50].rstrip())
    code, output, errors = check.run(["replay", folder.names["genesis"], path, "--json"])
    results = json.loads(output)["transactions"] if code == 1 else []
    check.expect(len(results) == 2 * len(broken) + 1, "broken lines", f"exit {code}, {len(results)} results: {errors}")
    check.expect("line 3, byte 1" in errors and errors.count("\n") == 1, "the first stray line", errors)
    for index, result in enumerate(results):
        if index % 2 == 0:
            check.expect(result["error"] is None and result["fee"] == 5000, f"line {index}", str(result))
        else:
            nothing = {"signature": None, "fee": 0, "computeUnits": 0, "logs": [], "returnData": None}
            if b"ethereum" in broken[index // 2]:
                nothing = {"status": 0, "gasUsed": 0, "contractAddress": None, "logs": []}
            plain = {key: result[key] for key in nothing}
            check.expect(result["error"] and plain == nothing, f"line {index}", str(result))
            if b'"A' not in broken[index // 2] and b'""' not in broken[index // 2] and b"0x00" not in broken[index // 2]:
                number = 4 * (index // 2) + 3
                check.expect(result["error"].startswith(f"line {number}"), f"broken line {number}", str(result))
    original = b"".join(folder.lines[:20])
    for index in range(count):
        path = folder.write("changed.jsonl", mutated(folder.generator, original))
        output = check.survives(
            f"transactions mutation {index}", ["replay", folder.names["genesis"], path, "--json"], "changed.jsonl")
        if output is not None:
            check.expect(len(json.loads(output)["transactions"]) <= 60, f"transactions mutation {index}", output)


def check_replay_input(check):
    """Input without end or form, marks, pipes, progress, interruptions and traces of `replay`."""
    folder, names = check.folder, check.folder.names
    genesis, estuary = names["genesis"], oracle.estuary_binary()
    lines = b"".join(folder.lines[:60])
    plain = json.loads(check.run(["replay", genesis, folder.write("plain.jsonl", lines), "--json"])[1])

    # Endless and shapeless input ends soon, by name, in little memory.
    with open(os.path.join(folder.path, "long.jsonl"), "wb") as file:
        file.write(folder.lines[0])
        file.truncate(1 << 30)
    folder.write("table.csv", b"a,b\n" * 5000)
    for path, text in (
        ("/dev/zero", "line 1: it is longer than"), ("long.jsonl", "line 2: it is longer than"),
        ("/dev/urandom", "is no file of transactions"), ("table.csv", "its first 5000 lines hold none; line 1, byte 0"),
        (folder.path, "Is a directory"),
    ):  # fmt: skip
        for flags in ([], ["--block-size", "10"]):
            process = subprocess.Popen(
                [estuary, "replay", genesis, path, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, cwd=folder.path)
            errors = process.stderr.read().decode()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            sound = process.returncode == 1 and text in errors and usage.ru_maxrss < 400 << 10
            check.expect(sound, f"replay {path} {flags}", f"exit {process.returncode}, {usage.ru_maxrss} KiB: {errors}")
    check.refused("an endless genesis", ["replay", "/dev/zero", names["lines"]], "null bytes")

    # Byte order marks and line ends of other systems.
    mark = b"\xef\xbb\xbf"
    with open(genesis, "rb") as file:
        marked = folder.write("marked.json", mark + file.read().replace(b",", b",\r\n"))
    for name, text in (("marks", mark + lines), ("line ends", lines.replace(b"\n", b"\r\n")), ("no last line end", lines[:-1])):
        code, output, errors = check.run(["replay", marked, folder.write("marked.jsonl", text), "--json"])
        check.expect(code == 0 and json.loads(output)["stateHash"] == plain["stateHash"], name, errors)
    code, output, _ = check.run(["evm", "run", "--code", folder.write("marked.hex", mark + b"602a5f5260205ff3\r\n")])
    check.expect(code == 0 and "2a" in output, "code behind a mark", output)
    wide = folder.write("wide.hex", "\ufeff6001".encode("utf-16-le"))
    check.refused("code in UTF-16", ["evm", "run", "--code", wide], "UTF-16")
    check.refused("lines in UTF-16", ["replay", genesis, wide], "UTF-16")

    # A pipe gives what the file gives, in parts of any size.
    for flags in ([], ["--block-size", "1"], ["--block-size", "7"], ["--executor", "serial", "--block-size", "59"]):
        done = subprocess.run(
            [estuary, "replay", genesis, "/dev/stdin", "--json", *flags], input=lines, capture_output=True, cwd=folder.path)
        same = done.returncode == 0 and json.loads(done.stdout)["transactions"] == plain["transactions"]
        check.expect(same, f"a pipe of lines {flags}", done.stderr.decode())

    # Ctrl-C: what is committed stays, the same command goes on.
    ledger = os.path.join(folder.path, "interrupted")
    command = [estuary, "replay", genesis, "/dev/stdin", "--ledger", ledger, "--block-size", "1", "-v"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"".join(folder.lines[:3]))
    process.stdin.flush()
    while b"committed 2" not in (note := process.stderr.readline()) and note:
        pass
    process.send_signal(signal.SIGINT)
    # The input ends with the process: the third transaction waits for what follows it.
    text = process.stderr.read().decode()
    process.wait(timeout=SECONDS)
    check.expect(process.returncode == 130 and "2 transactions are in the ledger" in text, "Ctrl-C", f"{process.returncode}: {text}")
    done = subprocess.run([*command[:-1], "--json"], input=lines, capture_output=True)
    again = json.loads(done.stdout) if done.returncode == 0 else {}
    right = again.get("skippedTransactions") == 2 and again.get("stateHash") == plain["stateHash"]
    check.expect(right, "a replay that was interrupted goes on", done.stderr.decode())

    # Notes and progress on a terminal: every note has a line of its own.
    import pty

    leader, follower = pty.openpty()
    done = subprocess.run(
        [estuary, "replay", genesis, names["lines"], "--block-size", "50", "-v"], stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    notes = [line for line in shown.split("\n") if "committed" in line]
    apart = all(line.rsplit("\r\x1b[K", 1)[-1].startswith("committed") for line in notes)
    check.expect(len(notes) == 4 and apart and "reading" in shown, "notes and progress", repr(shown))

    # What is printed fits 80 columns, whatever goes wrong.
    bad = b"[]\n[]\n" + b'{"ethereum":"0x02","access":{"readSlots":[["0x12",1]]}}\n' + lines
    code, output, errors = check.run(["replay", genesis, folder.write("bad.jsonl", bad)])
    widest = max((len(line) for line in output.split("\n")), default=0)
    check.expect(code == 1 and widest <= 80 and "2 × no JSON object" in output, "80 columns", f"{widest}: {output}")

    # A trace of either executor: a slice for each transaction, and what a block does as a whole.
    trace = os.path.join(folder.path, "trace.json")
    for flags in (["--executor", "serial"], ["--workers", "2"], ["--workers", "2", "--block-size", "7"]):
        code, _, errors = check.run(["replay", genesis, names["lines"], "--trace", trace, *flags])
        with open(trace) as file:
            text = file.read()
        events = json.loads(text)["traceEvents"]
        slices = [event for event in events if event["ph"] == "X"]
        numbers = sorted(event["args"]["tx"] for event in slices if "args" in event)
        whole = {event["name"].rstrip("0123456789 ") for event in slices if event["tid"] == 0}
        phases = {"execute block", "publish changes", "state hash", "commit"}
        sound = code == 0 and numbers == list(range(200)) and whole == phases
        check.expect(sound, f"trace {flags}", f"{len(numbers)} transactions, {whole}: {errors}")
        small = len(text) < 320 * 200 + 16_000
        check.expect(small, f"size of a trace {flags}", f"{len(text)} bytes")


def check_replay_errors(check):
    """The summary of a replay's errors names accounts, programs and what helps."""
    folder = check.folder
    payer, target, stranger = folder.pairs[0], Keypair.from_seed(b"t" * 32).pubkey(), Keypair.from_seed(b"s" * 32)
    blockhash = Hash.hash(b"cli")

    def wire(instruction, signer=payer, blockhash=blockhash):
        return bytes(Transaction.new_signed_with_payer([instruction], signer.pubkey(), [signer], blockhash))

    def move(lamports, signer=payer):
        return transfer(TransferParams(from_pubkey=signer.pubkey(), to_pubkey=target, lamports=lamports))

    good = wire(move(10**9))
    program = Pubkey.from_string(KEY)
    cases = [
        (wire(move(1, stranger), stranger), f"its payer {stranger.pubkey()} had no account"),
        (wire(move(7)), f"the new account {target} would be left with less than 0.00089088 SOL"),
        (good[:1] + bytes(64) + good[65:], f"signature 1 of 1 is not {payer.pubkey()}'s over this message"),
        (wire(move(5), blockhash=Hash.hash(b"other")), f"it names the blockhash {Hash.hash(b'other')}"),
        (wire(Instruction(target, b"", [])), f"instruction 0 calls {target}, where there is no account"),
        (wire(Instruction(folder.pairs[1].pubkey(), b"", [])), f"instruction 0 calls {folder.pairs[1].pubkey()}, which is no program"),
        (wire(move(2**62)), "instruction 0 of 1, a call of the system program: the account has fewer lamports"),
        (bytes([1]) + bytes(1369), "its bytes are no transaction: it has 1370 bytes"),
        (bytes([2]) + bytes(64) + good[1:], "it has 2 signatures, and 1 of its accounts must sign"),
    ]  # fmt: skip
    for number, (one, text) in enumerate(cases):
        path = folder.write("one.jsonl", json.dumps({"solana": base64.b64encode(one).decode()}).encode())
        code, output, errors = check.run(["replay", folder.names["genesis"], path, "--executor", "serial"])
        plain = " ".join(output.split())
        check.expect(code == 0 and text in plain, f"replay's error {number}", output + errors)
    repeated = [{"solana": base64.b64encode(one).decode()} for one in (cases[0][0], good, good, cases[0][0])]
    path = folder.write("many.jsonl", b"\n".join(json.dumps(one).encode() for one in repeated))
    _, output, errors = check.run(["replay", folder.names["genesis"], path])
    plain = " ".join(output.split())
    first = f'2 × "AccountNotFound" first in transaction 1: its payer {stranger.pubkey()}'
    repeat = '1 × "AlreadyProcessed" transaction 3: a transaction with its signature'
    check.expect(first in plain and repeat in plain, "replay's errors by kind", output + errors)


def check_programs(check, count):
    folder = check.folder
    programs = [folder.elf]
    vectors = os.environ.get("ESTUARY_VECTORS", os.path.join(oracle.ROOT, "../shared/vectors"))
    for path in sorted(glob.glob(os.path.join(vectors, "sbpf/bench/*.so"))):
        with open(path, "rb") as file:
            programs.append(file.read())
    for index in range(count):
        path = folder.write("changed.so", mutated(folder.generator, folder.generator.choice(programs)))
        for verb in (["run", "--compute-limit", "10000"], ["inspect"], ["disassemble"], ["link", "-o", "linked.so"]):
            code, output, errors = check.run([*verb, path])
            crashed = code is None or code < 0 or any(crash in errors for crash in CRASHES)
            spoken = code == 0 or errors.strip() != ""
            check.expect(not crashed and spoken, f"{verb[0]} mutation {index}", f"exit {code}: {errors}")
    for index in range(count // 2):
        with open(folder.names["pair"], "rb") as file:
            path = folder.write("changed.json", mutated(folder.generator, file.read()))
        arguments = ["transfer", KEY, "0", "--ledger", folder.names["missing"], "-k", path]
        check.refused(f"key pair mutation {index}", arguments, "")


# Lines of Ethereum transactions that are none, and what their errors hold. Offsets count behind the type byte.
BROKEN_LINES = [
    ({"ethereum": "0x2"}, "hexadecimal"),
    ({"ethereum": 2}, "hexadecimal"),
    ({"ethereum": "0xc0", "from": "0x12"}, "address"),
    ({"ethereum": "0x"}, "no bytes"),
    ({"ethereum": "0xc0"}, "malformed nonce: the input ends at offset 1"),
    ({"ethereum": "0xc101"}, "malformed gasPrice: the input ends at offset 2"),
    ({"ethereum": "0x7f"}, "unknown transaction type 127"),
    ({"ethereum": "0x02c100"}, "malformed chainID: the integer at offset 1 begins with a zero byte"),
]


def check_evm(check, count):
    """Lines of Ethereum transactions that are none, mutated state tests and translated programs."""
    folder = check.folder
    genesis = folder.write("ethereum.json", json.dumps({**folder.genesis, "ethereum": ethereum()}).encode())
    lines = folder.write("ethereum.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line, _ in BROKEN_LINES))
    code, output, errors = check.run(["replay", genesis, lines, "--json", "--no-sigverify"])
    check.expect(code == 0, "replay of broken Ethereum lines", errors)
    found = json.loads(output)["transactions"] if code == 0 else []
    for (line, expected), entry in zip(BROKEN_LINES, found):
        check.expect(expected in str(entry["error"]), f"replay of {line}", str(entry))
    with open(folder.names["wide"], "rb") as file:
        wide = file.read()
    state_test = json.dumps(STATE_TEST).encode()
    for index in range(count):
        program = folder.write("changed.so", mutated(folder.generator, wide))
        tests = folder.write("changed.json", mutated(folder.generator, state_test))
        for arguments in (
            ["evm", "run", "--gas", "100000", "--code", program], ["inspect", program], ["disassemble", program],
            ["evm", "statetest", tests],
        ):  # fmt: skip
            code, _, errors = check.run(arguments)
            crashed = code is None or code < 0 or any(crash in errors for crash in CRASHES)
            spoken = code == 0 or errors.strip() != ""
            check.expect(not crashed and spoken, f"{' '.join(arguments[:2])} mutation {index}", f"exit {code}: {errors}")


def rlp(item):
    """RLP of bytes, of a number or of a list."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else prefixed(0x80, item)
    return prefixed(0xC0, b"".join(rlp(part) for part in item))


def prefixed(kind, content):
    if len(content) < 56:
        return bytes([kind + len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([kind + 55 + len(size)]) + size + content


def legacy_call(sender, nonce, target, gas_limit=60_000):
    """A line with a legacy transaction of `sender`; its signature is for runs that check none."""
    fields = [nonce, 1, gas_limit, bytes.fromhex(target[2:]), 0, b"", 27, 1, 1]
    return json.dumps({"ethereum": "0x" + rlp(fields).hex(), "from": sender}).encode() + b"\n"


# Counts in the slot of its caller's address.
COUNTER = "0x3354600101335500"


def check_mixed(check):
    """Both kinds in one file: results in its order, the same state whatever is committed at once and whoever runs it."""
    folder = check.folder
    counter = "0x" + "c0" * 20
    people = ["0x" + f"{number:040x}" for number in (0x1001, 0x1002, 0x1003)]
    alloc = {person: {"balance": hex(10**18)} for person in people}
    alloc[counter] = {"balance": "0x0", "code": COUNTER}
    withdrawals = [{"index": "0x1", "validatorIndex": "0x2", "address": people[0], "amount": "0x7"}]
    section = ethereum(alloc=alloc, gasLimit="0x100000", fork="Cancun", withdrawals=withdrawals)
    genesis = folder.write("mixed.json", json.dumps({**folder.genesis, "ethereum": section}).encode())
    lines, kinds = [], []
    for number, line in enumerate(folder.lines[:60]):
        lines.append(line)
        kinds.append("signature")
        for count in range(number % 3):
            lines.append(legacy_call(people[count], sum(1 for earlier in range(number) if earlier % 3 > count), counter))
            kinds.append("hash")
    path = folder.write("mixed.jsonl", b"".join(lines))
    runs = [["--executor", "serial"]]
    runs += [[*runs[0], "--block-size", size] for size in ("1", "7", "1000")]
    for executor in ("locks", "waves"):
        runs += [["--executor", executor, "--workers", workers] for workers in ("1", "3")]
        runs += [["--executor", executor, "--workers", "2", "--block-size", size] for size in ("1", "7", "1000")]
    first = None
    for flags in runs:
        code, output, errors = check.run(["replay", genesis, path, "--no-sigverify", "--json", *flags])
        check.expect(code == 0, f"mixed replay {flags}", errors)
        if code != 0:
            return
        found = json.loads(output)
        first = first or found
        for member in ("stateHash", "stateRoot", "transactions"):
            check.expect(found[member] == first[member], f"{member} of a mixed replay {flags}")
    entries = first["transactions"]
    check.expect([kind in entry for kind, entry in zip(kinds, entries)] == [True] * len(lines), "order of results")
    check.expect(first["ethereum"]["transactions"] == kinds.count("hash"), "Ethereum's transactions", str(first["ethereum"]))
    refused = [entry for entry in entries if "GAS_ALLOWANCE" in str(entry["error"])]
    check.expect(0 < len(refused) < kinds.count("hash"), "the block's gas limit", str(len(refused)))
    # A set that does not hold the slot, and one that does not hold the sender.
    entry = json.loads(legacy_call(people[0], 0, counter))
    for access, missing in (
        ({"readAccounts": [counter], "writeAccounts": [people[0]]}, "slot 0x" + "0" * 60 + "1001"),
        ({"readAccounts": [counter], "writeSlots": [[counter, people[0]]]}, people[0]),
        ({"readAccounts": [counter], "writeAccounts": [people[0]], "writeSlots": [[counter, 0x1001]]}, None),
    ):
        path_bound = folder.write("bound.jsonl", json.dumps({**entry, "access": access}).encode())
        code, output, errors = check.run(["replay", genesis, path_bound, "--no-sigverify", "--json"])
        check.expect(code == 0, f"bound replay {access}", errors)
        found = json.loads(output)["transactions"][0] if code == 0 else {}
        if missing is None:
            check.expect(found.get("status") == 1 and found["error"] is None, f"bound replay {access}", str(found))
        else:
            text = str(found.get("error"))
            nothing = (found.get("status"), found.get("gasUsed"), found.get("logs")) == (0, 0, [])
            named = text.startswith("undeclared access") and missing in text
            check.expect(named and nothing, f"bound replay {access}", str(found))
    for flags in (["--executor", "serial"], ["--workers", "2"]):
        trace = os.path.join(folder.path, "mixed-trace.json")
        code, output, errors = check.run(["replay", genesis, path, "--no-sigverify", "--json", "--trace", trace, *flags])
        check.expect(code == 0, f"trace of a mixed replay {flags}", errors)
        if code != 0:
            return
        with open(trace) as file:
            events = json.load(file)["traceEvents"]
        positions = sorted(event["args"]["tx"] for event in events if "tx" in event.get("args", {}))
        check.expect(positions == list(range(len(lines))), f"trace of a mixed replay {flags}", str(len(positions)))
        again = [event["args"] for event in events if "again" in event.get("args", {})]
        repeated = json.loads(output)["ethereum"]["repeated"]
        check.expect(len(again) == repeated, f"executions thrown away {flags}", f"{len(again)}, not {repeated}")
        check.expect(all(args.get("of", -1) < args["again"] for args in again), f"who is first {flags}", str(again[:3]))


def check_signatures(check):
    """Every set of vector instructions refuses the same signatures, whoever runs the block and how many are left over."""
    folder, generator = check.folder, random.Random(17)
    for count in (1, 3, 9, 61):
        lines, damaged = [], set()
        for position, line in enumerate(folder.lines[:count]):
            wire = bytearray(base64.b64decode(json.loads(line)["solana"]))
            if generator.random() < 0.3:
                damaged.add(position)
                wire[1 + generator.randrange(64)] ^= 1 << generator.randrange(8)
            lines.append(json.dumps({"solana": base64.b64encode(wire).decode()}).encode() + b"\n")
        path = folder.write("signed.jsonl", b"".join(lines))
        for unit in ("none", "avx2", "avx512"):
            for flags in (["--executor", "serial"], ["--workers", "1"], ["--workers", "3"]):
                code, output, errors = check.run(
                    ["replay", folder.names["genesis"], path, "--json", *flags], env={**os.environ, "ESTUARY_SIMD": unit})
                title = f"{count} signatures, {unit}, {flags}"
                check.expect(code == 0, title, errors)
                entries = json.loads(output)["transactions"] if code == 0 else []
                refused = {place for place, entry in enumerate(entries) if "ignature" in str(entry["error"])}
                check.expect(refused == damaged, title, f"refused {sorted(refused)}, damaged {sorted(damaged)}")
    for name in ("signatures", "hashes"):
        code, output, errors = check.run(["bench", name, "--rounds", "1", "--json"])
        check.expect(code == 0 and all(figure["value"] > 0 for figure in json.loads(output)), f"bench {name}", errors)


def check_ledgers(check, count):
    folder = check.folder
    names = folder.names
    intact = os.path.join(folder.path, "intact")
    half = folder.write("half.jsonl", b"".join(folder.lines[:100]))
    most = folder.write("most.jsonl", b"".join(folder.lines[:160]))
    replay = lambda lines, ledger: ["replay", names["genesis"], lines, "--ledger", ledger, "--block-size", "20", "--json"]
    # Opened twice, so that there are table files as well as a log.
    for lines in (half, most):
        code, _, errors = check.run(replay(lines, intact))
        check.expect(code == 0, "ledger", errors)
    code, output, errors = check.run(["replay", names["genesis"], names["lines"], "--json"])
    expected = json.loads(output)["stateHash"]
    held, damaged = os.listdir(intact), os.path.join(folder.path, "damaged")
    refused = 0
    for file in sorted(held):
        for index in range(count):
            shutil.rmtree(damaged, ignore_errors=True)
            shutil.copytree(intact, damaged)
            with open(os.path.join(intact, file), "rb") as stored:
                content = stored.read()
            if index == 0:
                os.unlink(os.path.join(damaged, file))
            elif not content:
                break
            else:
                with open(os.path.join(damaged, file), "wb") as stored:
                    stored.write(mutated(folder.generator, content))
            title = f"ledger mutation {index} of {file}"
            output = check.survives(title, replay(names["lines"], damaged), damaged)
            refused += output is None
            if output is not None:
                found = json.loads(output)["stateHash"]
                check.expect(found == expected, title, f"state hash {found}, expected {expected}")
    check.expect(refused > 0, "damaged ledgers", "none was refused")

    with open(os.path.join(intact, "LOCK"), "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        check.refused("locked ledger", replay(names["lines"], intact), "in use by another process")
    # A disk that is full, as far as a process can be made to see one.
    small = {"preexec_fn": lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)))}
    shutil.rmtree(names["fresh"], ignore_errors=True)
    check.refused("full disk", replay(names["lines"], names["fresh"]), names["fresh"], **small)
    output = check.survives("after a full disk", replay(names["lines"], names["fresh"]), names["fresh"])
    if output is not None:
        check.expect(json.loads(output)["stateHash"] == expected, "after a full disk", output[:200])
    check_permissions(check, replay, intact)


def check_permissions(check, replay, intact):
    if os.geteuid() != 0 or not os.access(oracle.estuary_binary(), os.X_OK):
        options = {}
    else:
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        probe = subprocess.run(["test", "-x", oracle.estuary_binary()], **options)
        if probe.returncode != 0:
            print("read-only ledgers: skipped, another user cannot run the binary")
            return
    for path, _, files in os.walk(intact):
        os.chmod(path, 0o555)
        for file in files:
            os.chmod(os.path.join(path, file), 0o444)
    check.refused("read-only ledger", replay(check.folder.names["lines"], intact), intact, **options)
    os.chmod(intact, 0o000)
    check.refused("unreadable ledger", replay(check.folder.names["lines"], intact), intact, **options)
    os.chmod(intact, 0o755)
    secret = check.folder.write("secret.json", b"{}")
    os.chmod(secret, 0)
    check.refused("unreadable genesis", ["replay", secret, check.folder.names["lines"]], "Permission denied", **options)


def check_pipes(check):
    names = check.folder.names
    command = [oracle.estuary_binary(), "replay", names["genesis"], names["lines"], "--json"]
    for stop in (0, 10, 5000):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda: (
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)))
        process.stdout.read(stop)
        process.stdout.close()
        errors = process.stderr.read().decode()
        code = process.wait(SECONDS)
        sound = code in (0, 1, -signal.SIGPIPE) and not any(crash in errors for crash in CRASHES)
        check.expect(sound, f"reader gone after {stop} bytes", f"exit {code}: {errors}")
    for arguments in (["--json"], []):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command[:-1] + arguments, stdout=full, stderr=subprocess.PIPE)
        check.expect(done.returncode > 0 and b"standard output" in done.stderr, "full output", f"{done}")


def check_evm_run(check):
    """Caller, value, state, logs and reasons of `evm run`."""
    names = check.folder.names

    def result(code, *flags):
        _, output, errors = check.run(["evm", "run", "--code", code, "--json", *flags])
        return json.loads(output) if output else {"errors": errors}

    word = lambda number: "0x" + number.to_bytes(32, "big").hex()
    # Returns the caller's balance, the call's value and the caller, in words.
    facts = result("33315f52" "34602052" "33604052" "60605ff3", "--from", HOLDER, "--value", "7", "--state", names["alloc"])
    check.expect(facts.get("output") == "0x" + "".join(word(n)[2:] for n in (93, 7, int(HOLDER, 16))), "evm run --from", str(facts))
    ether = result("345f5260205ff3", "--value", "1.5ether")
    check.expect(ether.get("output") == word(15 * 10**17), "evm run --value", str(ether))
    # LOG1 with the topic 7 and the word 42.
    logged = result("602a5f5260076020" "5fa100")
    log = {"topics": [word(7)], "data": word(42)}
    check.expect([{k: l[k] for k in log} for l in logged.get("logs", [])] == [log], "evm run logs", str(logged))
    _, output, _ = check.run(["evm", "run", "--code", "602a5f5260076020" "5fa100"])
    check.expect(word(42) in output and word(7) in output, "evm run prints logs", output)
    reverted = result(REVERTING)
    check.expect(reverted.get("revertReason") == "no", "evm run revert reason", str(reverted))
    panic = result("7f4e487b71" + "00" * 28 + "5f52" "6011600452" "60245ffd")
    check.expect(str(panic.get("revertReason")).startswith("Panic(0x11): arithmetic"), "evm run panic", str(panic))
    check.expect(logged.get("revertReason", 0) is None, "evm run without a revert", str(logged))


def check_settings(check):
    """Ledger and key pair from the environment and from a file; flags go first."""
    folder, names = check.folder, check.folder.names
    plain = {k: v for k, v in os.environ.items() if not k.startswith("ESTUARY_") or k == "ESTUARY_VECTORS"}
    plain["HOME"] = folder.path
    balance = ["account", names["payer"]]
    code, output, errors = check.run(balance, env={**plain, "ESTUARY_LEDGER": names["ledger"]})
    check.expect(code == 0 and names["payer"] in output, "$ESTUARY_LEDGER", output + errors)
    settings = folder.write("settings.json", json.dumps({"ledger": names["ledger"], "keypair": names["pair"]}).encode())
    code, output, errors = check.run(["airdrop", "1"], env={**plain, "ESTUARY_CONFIG": settings})
    check.expect(code == 0 and names["payer"] in output, "$ESTUARY_CONFIG", output + errors)
    os.makedirs(os.path.join(folder.path, ".config/estuary"), exist_ok=True)
    shutil.copy(settings, os.path.join(folder.path, ".config/estuary/config.json"))
    code, output, errors = check.run(["airdrop", "1"], env=plain)
    check.expect(code == 0 and names["payer"] in output, "config.json at home", output + errors)
    poor = {**plain, "ESTUARY_KEYPAIR": names["poor"]}
    check.refused("$ESTUARY_KEYPAIR before the file", ["transfer", KEY, "1"], names["poorKey"], env=poor)
    code, output, errors = check.run(["transfer", names["poorKey"], "0.001", "-k", names["pair"]], env=poor)
    check.expect(code == 0, "a flag before $ESTUARY_KEYPAIR", output + errors)
    for content, expected in ((b"{", "settings.json"), (b"[]", "settings"), (b'{"wallet":"x"}', "wallet"), (b'{"ledger":7}', "ledger"), (b'{"cacheMB":0}', "cacheMB")):
        folder.write("settings.json", content)
        check.refused(f"settings {content}", balance, expected, env={**plain, "ESTUARY_CONFIG": settings})
    for text in ("0", "many", "-1"):
        check.refused(f"$ESTUARY_CACHE_MB {text}", balance, "CACHE_MB", env={**plain, "ESTUARY_CACHE_MB": text})
        check.refused(f"--cache-mb {text}", [*balance, f"--cache-mb={text}"], "cache-mb", env=plain)
    code, output, errors = check.run(
        [*balance, "--cache-mb", "1"], env={**plain, "ESTUARY_LEDGER": names["ledger"], "ESTUARY_CACHE_MB": "7"})
    check.expect(code == 0 and names["payer"] in output, "--cache-mb", output + errors)
    check.refused("missing settings", balance, names["missing"], env={**plain, "ESTUARY_CONFIG": names["missing"]})
    shutil.rmtree(os.path.join(folder.path, ".config"))
    check.refused("no key pair", ["airdrop", "1"], "estuary keygen", env={**plain, "ESTUARY_LEDGER": names["ledger"]})
    blocked = {**plain, "HOME": names["elf"]}
    check.refused("keygen without a home", ["keygen"], "cannot be made: Not a directory", env=blocked)


def check_features(check):
    """Switches of the runtime: a program that imports what one of them brings is deployed when it is on, and only then."""
    folder, names = check.folder, check.folder.names
    ledger = ["--ledger", os.path.join(folder.path, "switched"), "-k", names["pair"]]
    assembler = Assembler(0, bytes(64))
    assembler.syscall("sol_remaining_compute_units").syscall("sol_log_64_", None, 0, 0, 0, 0).load(0, 0).exit()
    program = folder.write("remaining.so", assembler.elf())
    code, _, errors = check.run(["airdrop", "10", *ledger])
    check.expect(code == 0, "airdrop", errors)
    deploy = ["deploy", program, *ledger]
    check.refused("deploying without the feature", deploy, "sol_remaining_compute_units")
    name = "remaining_compute_units_syscall_enabled"

    def status(arguments):
        code, output, errors = check.run(["feature", *arguments, *ledger, "--json"])
        check.expect(code == 0, f"feature {arguments}", errors)
        return json.loads(output or "{}")

    check.expect([each["status"] for each in status(["status"])["features"]] == ["inactive"] * 8, "features at first")
    check.expect(status(["activate", name])["status"] == "active", "activated")
    check.expect(status(["status", name])["features"][0]["status"] == "active", "active in the list")
    check.expect(status(["activate", "5TuppMutoyzhUSfuYdhgzD47F92GL1g89KpCZQKqedxP"])["status"] == "active", "again")
    code, _, errors = check.run(deploy)
    check.expect(code == 0, "deploying with the feature", errors)
    code, output, errors = check.run(["invoke", os.path.join(folder.path, "remaining-keypair.json"), *ledger])
    check.expect(code == 0 and "success" in output + errors, "invoking with the feature", output + errors)
    check.expect(status(["deactivate", name])["status"] == "inactive", "deactivated")
    check.refused("invoking without the feature", ["invoke", os.path.join(folder.path, "remaining-keypair.json"), *ledger], "failed")
    check.refused("an unknown feature", ["feature", "activate", "frobnicate", *ledger], "enable_big_mod_exp_syscall")
    code, output, errors = check.run(["ledger", "verify", ledger[1]])
    check.expect(code == 0, "a ledger with features", output + errors)


def check_texts(check):
    """Arguments that are no text, or none at all; key pairs that cannot be written."""
    folder, names = check.folder, check.folder.names
    for arguments in (
        ["replay", b"caf\xe9.json", names["lines"]], ["run", b"\xff"], ["account", KEY, "--ledger", b"/tmp/\xfe"],
        [b"frob\xff"],
    ):  # fmt: skip
        check.refused(f"{arguments}", arguments, "is no UTF-8")
    check.refused("the name as it is", ["run", b"caf\xe9.so"], "argument 2, 'caf\\xe9.so', is no UTF-8")
    check.refused("a setting", ["account", KEY], "$ESTUARY_LEDGER, '\\xff'", env={**os.environb, b"ESTUARY_LEDGER": b"\xff"})
    accented = folder.write("caf\u00e9 \u6587.so", folder.elf)
    code, output, errors = check.run(["run", accented])
    check.expect(code == 0 and "result 0" in output, "a name beyond ASCII", output + errors)
    for arguments, text in (
        ([""], "has no verb ''"), (["run", ""], "'' cannot be read"), (["replay", "", ""], "''"),
        (["account", ""], "'' is neither"), (["account", KEY, "--ledger", ""], "no ledger at ''"),
        (["ledger", "create", ""], "its path is empty"), (["airdrop", "1", KEY, "--ledger", ""], "its path is empty"),
        (["keygen", "-o", ""], "''"), (["transfer", "", "1"], "'' is neither"), (["transfer", KEY, ""], "'' is no amount"),
        (["invoke", "", "--data", "", "-k", names["pair"], "--ledger", names["ledger"]], "'' is neither"),
    ):  # fmt: skip
        check.refused(f"empty text in {arguments}", [*arguments], text)
    # A key pair that did not fit leaves nothing behind, and the next attempt works.
    target = os.path.join(folder.path, "keys", "id.json")
    full = {"preexec_fn": lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)))}
    for _ in range(2):
        check.refused("keygen on a full disk", ["keygen", "-o", target], target, **full)
        check.expect(os.listdir(os.path.dirname(target)) == [], "a failed keygen leaves no file", os.listdir(os.path.dirname(target)))
    code, output, errors = check.run(["keygen", "-o", target])
    check.expect(code == 0 and len(json.load(open(target))) == 64, "keygen after a full disk", errors)
    if os.geteuid() == 0:
        home = os.path.join(folder.path, "home")
        os.makedirs(home, mode=0o555)
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": {**os.environ, "HOME": home}}
        if subprocess.run(["test", "-x", oracle.estuary_binary()], user=NOBODY, group=NOBODY).returncode == 0:
            check.refused("keygen in an unwritable home", ["keygen"], f"{home}/.config' cannot be made: Permission denied", **nobody)
            check.refused("keygen in an unwritable folder", ["keygen", "-o", home + "/id.json"], "Permission denied", **nobody)
            check.expect(os.listdir(home) == [], "an unwritable home stays empty", os.listdir(home))


def check_contract(check):
    """What other tools read from the output."""
    folder, names = check.folder, check.folder.names
    code, output, errors = check.run(["run", names["elf"], "--repeat", "3", "--json"])
    result = json.loads(output) if code == 0 else {}
    members = "result error computeUnits instructions logs engine loadNanoseconds elapsedNanoseconds".split()
    check.expect(list(result) == members, "run --json", f"{output} {errors}")
    check.expect(result["result"] == 0 and len(result["elapsedNanoseconds"]) == 3, "run --repeat", output)
    check.expect(errors == "", "progress is for terminals", errors)

    # A transaction, the same again, one that is badly signed, and one that fails.
    first = folder.lines[0]
    wire = base64.b64decode(json.loads(folder.lines[1])["solana"])
    forged = bytes([1]) + bytes([wire[1] ^ 1]) + wire[2:]
    poor = transfer(TransferParams(from_pubkey=folder.pairs[2].pubkey(), to_pubkey=folder.pairs[3].pubkey(), lamports=2**62))
    failing = Transaction.new_signed_with_payer([poor], folder.pairs[2].pubkey(), [folder.pairs[2]], Hash.hash(b"cli"))
    text = [json.dumps({"solana": base64.b64encode(bytes(one)).decode()}).encode() for one in (forged, failing)]
    lines = folder.write("contract.jsonl", b"\n".join([first.rstrip(), first.rstrip(), *text]))
    dump, again = os.path.join(folder.path, "dump.json"), os.path.join(folder.path, "again.json")
    run = lambda genesis, lines, *flags: json.loads(check.run(["replay", genesis, lines, "--json", *flags])[1])
    replayed = run(names["genesis"], lines, "--dump-accounts", dump, "--repeat", "2")
    for member in "stateHash stateRoot executor workers elapsedNanoseconds stateHashNanoseconds commitNanoseconds".split():
        check.expect(member in replayed, "replay --json", member)
    check.expect(len(replayed["elapsedNanoseconds"]) == 2, "replay --repeat", str(replayed["elapsedNanoseconds"]))
    results = replayed["transactions"]
    errors = [result["error"] for result in results]
    expected = [None, "AlreadyProcessed", "SignatureFailure", {"InstructionError": [0, {"Custom": 1}]}]
    check.expect(errors == expected, "errors", str(errors))
    check.expect([result["fee"] for result in results] == [5000, 0, 0, 5000], "fees", str(results))
    check.expect(results[0]["signature"] == results[1]["signature"], "signature of a repeat", str(results))
    for result in results[1:3]:
        nothing = (result["computeUnits"], result["logs"], result["returnData"])
        check.expect(nothing == (0, [], None) and result["signature"], "not executed", str(result))
    empty = names["empty"]
    check.expect(run(dump, empty, "--dump-accounts", again)["stateHash"] == replayed["stateHash"], "dump as genesis")
    with open(dump) as one, open(again) as other:
        first, second = one.read(), other.read()
    check.expect(first == second, "dump of a dump")
    keys = [bytes(Pubkey.from_string(entry["pubkey"])) for entry in json.loads(first)["accounts"]]
    check.expect(keys == sorted(keys), "the dump's order")
    serial = run(names["genesis"], names["lines"], "--executor", "serial")
    locks = run(names["genesis"], names["lines"], "--executor", "locks", "--workers", "4", "--block-size", "7")
    check.expect((serial["executor"], serial["workers"]) == ("serial", 1), "executor", str(serial["executor"]))
    check.expect((locks["executor"], locks["workers"]) == ("locks", 4), "executor", str(locks["executor"]))
    check.expect(serial["transactions"] == locks["transactions"], "executors agree")
    check.expect(serial["stateHash"] == locks["stateHash"], "executors agree")

    ledger = ["--ledger", names["ledger"], "--json"]
    payer = [*ledger, "-k", names["pair"]]
    deployed = json.loads(check.run(["deploy", names["elf"], *payer])[1])
    invoked = json.loads(check.run(["invoke", deployed["programId"], "--data", "0102", *payer])[1])
    check.expect(invoked["error"] is None, "deploy, then invoke", str(invoked))
    upgraded = json.loads(check.run(["deploy", names["elf"], *payer])[1])
    check.expect(upgraded["programId"] == deployed["programId"], "a second deploy upgrades", str(upgraded))
    check.expect(upgraded["slot"] > deployed["slot"], "each command moves the slot on", str(upgraded))
    shown = check.run(["account", deployed["programId"], "--output", "json", "--ledger", names["ledger"]])[1]
    account = json.loads(shown)
    members = ["lamports", "data", "owner", "executable", "rentEpoch", "space"]
    check.expect(list(account) == ["pubkey", "account"] and list(account["account"]) == members, "account", shown)
    for verb in "run inspect disassemble link keygen airdrop transfer account deploy invoke replay workload bench".split():
        code, output, errors = check.run([verb, "--help"])
        check.expect(code == 0 and f"estuary {verb}" in output and "--json" in output, f"{verb} --help", output + errors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutations", type=int, default=100)
    options = parser.parse_args()
    path = tempfile.mkdtemp(prefix="estuary-cli-")
    os.chmod(path, 0o755)
    try:
        folder = Folder(path, options.seed)
        check = Checker(folder)
        code, _, errors = check.run(["airdrop", "10", "--ledger", folder.names["ledger"], "-k", folder.names["pair"]])
        check.expect(code == 0, "airdrop", errors)
        check_misuses(check)
        check_geneses(check, options.mutations)
        check_transactions(check, options.mutations)
        check_replay_input(check)
        check_replay_errors(check)
        check_programs(check, options.mutations)
        check_evm(check, options.mutations)
        check_mixed(check)
        check_signatures(check)
        check_ledgers(check, max(2, options.mutations // 10))
        check_pipes(check)
        check_texts(check)
        check_contract(check)
        check_evm_run(check)
        check_settings(check)
        check_features(check)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    for problem in check.problems:
        print(problem)
    print(f"{check.passed} passed, {len(check.problems)} failed, seed {options.seed}")
    sys.exit(1 if check.problems else 0)


if __name__ == "__main__":
    main()
