"""Where Agave does more than LiteSVM with a transaction: `send` runs one in LiteSVM and adds what Agave's bank and loader do.

- Sanitising refuses more than 64 instructions (SIMD-0160) and more than 255 accounts in one (SIMD-0406).
- What fails to load pays its fee (SIMD-0082): programs that are missing or none, more data than the limit (SIMD-0186).
- A failure, of loading or of running, uses the durable nonce up.
- What a loader owns may be called, flagged as executable or not; whether there is code shows when it runs (SIMD-0162).
"""

import hashlib
import re

from solders.account import Account
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
# Whose instructions get 3,000 compute units each where no limit is asked for (SIMD-0170).
CHEAP = {
    Pubkey.from_string(key)
    for key in (
        "11111111111111111111111111111111", "ComputeBudget111111111111111111111111111111",
        "BPFLoader1111111111111111111111111111111111", "BPFLoader2111111111111111111111111111111111",
        "BPFLoaderUpgradeab1e11111111111111111111111", "KeccakSecp256k11111111111111111111111111111",
        "Ed25519SigVerify111111111111111111111111111",
    )
}  # fmt: skip
NATIVE_LOADER = Pubkey.from_string("NativeLoader1111111111111111111111111111111")
LOADER_V3 = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
LOADERS = [LOADER_V3] + [
    Pubkey.from_string(text)
    for text in ("BPFLoader2111111111111111111111111111111111", "BPFLoader1111111111111111111111111111111111")
]
INSTRUCTIONS = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
LARGEST = 64 << 20


def send(svm, transaction, result_of):
    """The result, as `result_of` spells LiteSVM's, with the accounts left as Agave leaves them."""
    message = transaction.message
    if len(message.instructions) > 64 or any(len(each.accounts) > 255 for each in message.instructions):
        return {**empty_result(), "error": "SanitizeFailure"}
    keys = all_keys(svm, message)
    nonce = used_nonce(svm, message)
    limit = loaded_limit(message, keys)
    too_large = limit is not None and loaded_size(svm, message, keys) > limit
    trial = result_of(svm.simulate_transaction(transaction) if too_large else svm.send_transaction(transaction))
    fails_to_load = trial["error"] == "InvalidProgramForExecution"
    turned_away = trial["error"] is not None and not trial["logs"] and not fails_to_load
    if too_large and turned_away:
        return result_of(svm.send_transaction(transaction))
    if too_large or fails_to_load:
        fee = fee_of(message, keys)
        error = "MaxLoadedAccountsDataSizeExceeded" if too_large else program_error(svm, message, keys)
        result = not_deployed(svm, transaction, keys, result_of) if error is None else {**empty_result(), "error": error}
        payer = svm.get_account(keys[0])
        change(svm, keys[0], payer.lamports - fee, payer.data)
        use_up(svm, nonce, message)
        return {**result, "fee": fee}
    if trial["error"] is not None and trial["signature"] is not None:
        use_up(svm, nonce, message)
    return trial


def empty_result():
    return {"signature": None, "error": None, "computeUnits": 0, "fee": 0, "logs": [], "returnData": None}


def all_keys(svm, message):
    """Static keys, then looked-up writable ones, then looked-up read-only ones; without those where a table is none."""
    keys = list(message.account_keys)
    lookups = getattr(message, "address_table_lookups", [])
    for member in ("writable_indexes", "readonly_indexes"):
        for lookup in lookups:
            table = svm.get_account(lookup.account_key)
            held = bytes(table.data)[56:] if table is not None else b""
            places = [held[32 * index : 32 * index + 32] for index in getattr(lookup, member)]
            keys += [Pubkey.from_bytes(place) for place in places if len(place) == 32]
    return keys


def budget_values(message, keys):
    """The last value of each kind of compute budget instruction."""
    values = {}
    for instruction in message.instructions:
        data = bytes(instruction.data)
        if keys[instruction.program_id_index] == COMPUTE_BUDGET and data:
            values[data[0]] = int.from_bytes(data[1 : 9 if data[0] == 3 else 5], "little")
    return values


def loaded_limit(message, keys):
    limit = budget_values(message, keys).get(4, LARGEST)
    return min(limit, LARGEST) if limit else None


def loaded_size(svm, message, keys):
    """SIMD-0186: each account and 64 bytes, code that no key names too; 8,248 for each lookup table."""
    size = 8248 * len(getattr(message, "address_table_lookups", []))
    counted = set(keys)
    for position, key in enumerate(keys):
        account = svm.get_account(key)
        if key == INSTRUCTIONS or account is None or (account.lamports == 0 and position > 0):
            continue
        data = bytes(account.data)
        size += 64 + len(data)
        if account.owner == LOADER_V3 and len(data) >= 36 and data[:4] == b"\2\0\0\0":
            code = Pubkey.from_bytes(data[4:36])
            held = svm.get_account(code)
            if code not in counted and held is not None and held.lamports:
                size += 64 + len(held.data)
                counted.add(code)
    return size


def fee_of(message, keys):
    values = budget_values(message, keys)
    # Every load failure of these tests has default units for its instructions, or asks for some.
    builtin = [str(keys[each.program_id_index]) for each in message.instructions]
    units = values.get(2, sum(3000 if name in BUILTINS else 200_000 for name in builtin))
    precompiled = sum(
        bytes(each.data)[0]
        for each in message.instructions
        if str(keys[each.program_id_index]) in PRECOMPILES and len(each.data)
    )
    signatures = message.header.num_required_signatures + precompiled
    return 5000 * signatures + -(-values.get(3, 0) * min(units, 1_400_000) // 10**6)


PRECOMPILES = """Ed25519SigVerify111111111111111111111111111 KeccakSecp256k11111111111111111111111111111
Secp256r1SigVerify1111111111111111111111111""".split()
BUILTINS = PRECOMPILES + """11111111111111111111111111111111 ComputeBudget111111111111111111111111111111
BPFLoaderUpgradeab1e11111111111111111111111 BPFLoader2111111111111111111111111111111111
BPFLoader1111111111111111111111111111111111 Vote111111111111111111111111111111111111111""".split()


def program_error(svm, message, keys):
    for instruction in message.instructions:
        program = svm.get_account(keys[instruction.program_id_index])
        if program is None or program.lamports == 0:
            return "ProgramAccountNotFound"
        if program.owner not in [NATIVE_LOADER] + LOADERS:
            return "InvalidProgramForExecution"
    return None


def not_deployed(svm, transaction, keys, result_of):
    """The result of a transaction that calls what is no program: of the instructions before, then that call's."""
    message = transaction.message
    called = [keys[each.program_id_index] for each in message.instructions]
    place = next(index for index, key in enumerate(called) if not svm.get_account(key).executable)
    program, before = called[place], empty_result()
    if place:
        header, parts = message.header, (message.account_keys, message.recent_blockhash, message.instructions[:place])
        if isinstance(message, MessageV0):
            shorter = MessageV0(header, *parts, message.address_table_lookups)
        else:
            shorter = Message.new_with_compiled_instructions(
                header.num_required_signatures, header.num_readonly_signed_accounts,
                header.num_readonly_unsigned_accounts, *parts)  # fmt: skip
        unsigned = VersionedTransaction.populate(shorter, transaction.signatures)
        before = result_of(svm.simulate_transaction(unsigned))
        if before["error"] == "SignatureFailure":
            before = result_of(svm.with_sigverify(False).simulate_transaction(unsigned))
            svm.with_sigverify(True)
    before["signature"] = str(transaction.signatures[0])
    # What was left out counts towards the compute limit, of which each program's log line tells what is left.
    missing = compute_limit(message, message.instructions) - compute_limit(message, message.instructions[:place])
    before["logs"] = [
        re.sub(r"(?<=consumed )(\d+) of (\d+)(?= compute units$)", lambda line: f"{line[1]} of {int(line[2]) + missing}", each)
        for each in before["logs"]
    ]  # fmt: skip
    # Rent is looked at when all have run, which this call keeps from happening.
    if before["error"] is not None and "InsufficientFundsForRent" not in before["error"]:
        return before
    logs = [f"Program {program} invoke [1]", "Program is not deployed", f"Program {program} failed: Unsupported program id"]
    error = {"InstructionError": [place, "UnsupportedProgramId"]}
    return {**before, "error": error, "logs": before["logs"] + logs, "returnData": None}


def compute_limit(message, instructions):
    """Of a message's compute units with these instructions alone: as asked for, or by their programs."""
    keys, limit = message.account_keys, 0
    for instruction in instructions:
        program = keys[instruction.program_id_index]
        data = bytes(instruction.data)
        if program == COMPUTE_BUDGET and len(data) >= 5 and data[0] == 2:
            return min(int.from_bytes(data[1:5], "little"), 1_400_000)
        limit += 3_000 if program in CHEAP else 200_000
    return min(limit, 1_400_000)


def used_nonce(svm, message):
    """The account whose durable nonce stands in for the blockhash; None where the blockhash is recent."""
    if message.recent_blockhash == svm.latest_blockhash() or not message.instructions:
        return None
    first = message.instructions[0]
    is_advance = message.account_keys[first.program_id_index] == Pubkey.default() and bytes(first.data)[:4] == b"\4\0\0\0"
    return message.account_keys[first.accounts[0]] if is_advance and len(first.accounts) else None


def use_up(svm, nonce, message):
    if nonce is None:
        return
    account = svm.get_account(nonce)
    following = hashlib.sha256(b"DURABLE_NONCE" + bytes(message.recent_blockhash)).digest()
    data = bytes(account.data)
    change(svm, nonce, account.lamports, data[:40] + following + (5000).to_bytes(8, "little") + data[80:])


def change(svm, key, lamports, data):
    held = svm.get_account(key)
    svm.set_account(key, Account(lamports, bytes(data), held.owner, held.executable, held.rent_epoch))
