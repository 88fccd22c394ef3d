"""Writes the real program ELFs that LiteSVM carries into a folder: `export_programs.py FOLDER PREFIX`.

Two generations are wanted: the current one and, from an older solders, the earlier SPL Token, Token-2022 and memo.
The files are test input and are never committed.
"""

import os
import sys

from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey

PROGRAMS = {
    "stake": "Stake11111111111111111111111111111111111111",
    "address-lookup-table": "AddressLookupTab1e1111111111111111111111111",
    "token": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "token-2022": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
    "memo": "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    "memo-v1": "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo",
    "associated-token-account": "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
}


def elf(svm, identifier):
    """The ELF of a deployed program, without its loader's header; `None` where there is none."""
    account = svm.get_account(Pubkey.from_string(identifier))
    if account is None or not account.executable:
        return None
    data = bytes(account.data)
    if len(data) == 36 and data[0] == 2:
        programdata = svm.get_account(Pubkey.from_bytes(data[4:36]))
        data = bytes(programdata.data)[45:]
    return data if data[:4] == b"\x7fELF" else None


def main():
    folder, prefix = sys.argv[1], sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    svm = LiteSVM()
    for name, identifier in PROGRAMS.items():
        data = elf(svm, identifier)
        if data is not None:
            with open(os.path.join(folder, f"{prefix}{name}.so"), "wb") as file:
                file.write(data)
            print(f"{prefix}{name}.so: {len(data)} bytes")


main()
