"""LiteSVM (Agave's runtime; agave.py adds what it leaves out) and `estuary replay` on the same genesis and transactions, compared field by field.

`Case` collects the genesis; `litesvm()` and `estuary()` run it; `differences()` lists what is not equal. Everything
that follows from a seed is reproducible: a reported difference names the transaction, and `--keep` leaves the two
input files behind.
"""

import base64
import json
import os
import subprocess
import tempfile

from solders.account import Account
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo

import agave
from toolchain import clang as clang

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SYSVARS = """SysvarC1ock11111111111111111111111111111111
SysvarRent111111111111111111111111111111111 SysvarEpochSchedu1e111111111111111111111111
SysvarS1otHashes111111111111111111111111111 SysvarRecentB1ockHashes11111111111111111111
SysvarStakeHistory1111111111111111111111111 SysvarEpochRewards1111111111111111111111111
SysvarLastRestartS1ot1111111111111111111111 SysvarFees111111111111111111111111111111111
SysvarS1otHistory11111111111111111111111111""".split()

# Programs LiteSVM carries as real mainnet ELFs.
PROGRAMS = {
    "stake": "Stake11111111111111111111111111111111111111",
    "address-lookup-table": "AddressLookupTab1e1111111111111111111111111",
    "p-token": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "token-2022": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
    "memo": "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    "memo-v1": "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo",
    "associated-token-account": "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
}


def estuary_binary():
    """The optimised build; Tools/test says where it put it."""
    return os.environ.get("ESTUARY", os.path.join(ROOT, ".build", "release", "estuary"))


def account_json(key, account):
    return {
        "pubkey": str(key),
        "account": {
            "lamports": account.lamports,
            "data": [base64.b64encode(bytes(account.data)).decode(), "base64"],
            "owner": str(account.owner),
            "executable": account.executable,
            "rentEpoch": account.rent_epoch,
        },
    }


class Case:
    """One genesis, shared by both runtimes."""

    def __init__(self, sigverify=True, programs=PROGRAMS, svm=None):
        self.sigverify = sigverify
        self.svm = (svm or LiteSVM()).with_sigverify(sigverify)
        self.accounts = {}
        self.watched = set()
        for identifier in SYSVARS + list(programs.values()):
            self.adopt(Pubkey.from_string(identifier))

    def adopt(self, key):
        """Takes an account LiteSVM already has into the genesis (with its programdata)."""
        account = self.svm.get_account(key)
        if account is None:
            return
        self.accounts[key] = account
        if account.executable and len(account.data) == 36 and account.data[0] == 2:
            self.adopt(Pubkey.from_bytes(bytes(account.data[4:36])))

    def put(self, key, account):
        self.svm.set_account(key, account)
        self.accounts[key] = self.svm.get_account(key) or account
        self.watched.add(key)

    def fund(self, key, lamports):
        self.put(key, Account(lamports, b"", Pubkey.default(), False, 2**64 - 1))

    def genesis(self):
        clock = self.svm.get_clock()
        return {
            "slot": clock.slot,
            "unixTimestamp": clock.unix_timestamp,
            "blockhash": str(self.svm.latest_blockhash()),
            "accounts": [account_json(k, a) for k, a in self.accounts.items()],
            "programs": [],
        }

    def litesvm(self, transactions):
        """Results as `replay --json` spells them, and the post-accounts of every key that a transaction names."""
        results = []
        for wire, transaction in transactions:
            if transaction is None:
                results.append(None)
                continue
            for key in transaction.message.account_keys:
                self.watched.add(key)
            results.append(agave.send(self.svm, transaction, litesvm_result))
            self.forget_empty(transaction.message.account_keys[0])
        accounts = {}
        for key in self.watched | set(self.accounts):
            account = self.svm.get_account(key)
            if account is not None and account.lamports > 0:
                accounts[str(key)] = account_json(key, account)["account"]
        return results, accounts

    def forget_empty(self, payer):
        """LiteSVM keeps a payer whom the fee of a failed transaction left with nothing; in Agave that is no account,
        and one that is funded again starts at rent epoch 0."""
        account = self.svm.get_account(payer)
        if account is not None and account.lamports == 0:
            self.svm.set_account(payer, Account(0, b"", Pubkey.default(), False, 0))

    def estuary(self, transactions, *flags, keep=None):
        directory = keep or tempfile.mkdtemp(prefix="estuary-oracle-")
        os.makedirs(directory, exist_ok=True)
        genesis = os.path.join(directory, "genesis.json")
        lines = os.path.join(directory, "transactions.jsonl")
        dump = os.path.join(directory, "accounts.json")
        with open(genesis, "w") as file:
            json.dump(self.genesis(), file)
        with open(lines, "w") as file:
            for wire, _ in transactions:
                file.write(json.dumps({"solana": base64.b64encode(wire).decode()}) + "\n")
        command = [estuary_binary(), "replay", genesis, lines, "--json", "--dump-accounts", dump, *flags]
        if not self.sigverify:
            command.append("--no-sigverify")
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {run.returncode}: {run.stderr[-2000:]}")
        output = json.loads(run.stdout)
        with open(dump) as file:
            accounts = {entry["pubkey"]: entry["account"] for entry in json.load(file)["accounts"]}
        if keep is None:
            for name in (genesis, lines, dump):
                os.unlink(name)
            os.rmdir(directory)
        return output, accounts


def litesvm_result(outcome):
    failed = isinstance(outcome, FailedTransactionMetadata)
    simulated = isinstance(outcome, SimulatedTransactionInfo)
    meta = outcome.meta() if failed or simulated else outcome
    error = json.loads(outcome.to_json())["err"] if failed else None
    # LiteSVM names no signature, and a fee that nobody pays, where it turned a transaction away before running it.
    executed = meta.signature() != Signature.default()
    returned = meta.return_data()
    data = bytes(returned.data)
    return {
        "signature": str(meta.signature()) if executed else None,
        "error": error,
        "computeUnits": meta.compute_units_consumed(),
        "fee": meta.fee() if executed else 0,
        "logs": list(meta.logs()),
        "returnData": {
            "programId": str(returned.program_id),
            "data": [base64.b64encode(data).decode(), "base64"],
        }
        if data
        else None,
    }


def differences(expected, actual, expected_accounts, actual_accounts, ignored_fields=()):
    """Human-readable lines, one a difference; empty where the two agree."""
    lines = []
    for index, (theirs, ours) in enumerate(zip(expected, actual["transactions"])):
        if theirs is None:
            continue
        for field in ("error", "computeUnits", "fee", "logs", "returnData", "signature"):
            if field in ignored_fields or theirs[field] == ours.get(field):
                continue
            if field == "signature" and theirs[field] is None:
                continue
            if field == "logs":
                pairs = list(zip(theirs["logs"], ours["logs"]))
                at = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
                lines.append(
                    f"tx {index} log {at}: LiteSVM {theirs['logs'][at:at + 1]} Estuary {ours['logs'][at:at + 1]}"
                )
            else:
                lines.append(f"tx {index} {field}: LiteSVM {theirs[field]} Estuary {ours.get(field)}")
    if len(expected) != len(actual["transactions"]):
        lines.append(f"{len(expected)} transactions sent, {len(actual['transactions'])} answered")
    for key in sorted(set(expected_accounts) | set(actual_accounts)):
        theirs, ours = expected_accounts.get(key), actual_accounts.get(key)
        if theirs is None and key not in expected_accounts and ours is not None and is_builtin(ours):
            continue
        if theirs is None or ours is None:
            lines.append(f"account {key}: LiteSVM {brief(theirs)} Estuary {brief(ours)}")
            continue
        for field in ("lamports", "owner", "executable", "rentEpoch", "data"):
            if theirs[field] != ours[field]:
                lines.append(f"account {key} {field}: LiteSVM {brief(theirs[field])} Estuary {brief(ours[field])}")
    return lines


def is_builtin(account):
    return account["owner"] == "NativeLoader1111111111111111111111111111111"


def brief(value):
    text = json.dumps(value)
    return text if len(text) < 300 else text[:300] + "…"
