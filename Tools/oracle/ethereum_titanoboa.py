"""titanoboa's network mode on `estuary node`: deploy, call, send, a revert's reason, a snapshot that is taken back."""

import os
import sys
import tempfile
import warnings

import boa
from eth_account import Account

from node import Node

SOURCE = """
# pragma version ~=0.4
count: public(uint256)

@deploy
def __init__(start: uint256):
    self.count = start

@external
def add(amount: uint256) -> uint256:
    assert amount < 1000, "too much"
    self.count += amount
    return self.count
"""


def main():
    # It asks for the trace of a transaction that no node has, and takes the refusal for a node without traces.
    warnings.simplefilter("ignore")
    problems = []

    def equal(found, wanted, what):
        if found != wanted:
            problems.append(f"{what}: {found!r} is not {wanted!r}")

    with tempfile.TemporaryDirectory() as folder, Node(os.path.join(folder, "ledger"), "--instant") as node:
        boa.set_network_env(node.announcement["ethereumURL"])
        boa.env.add_account(Account.from_key(node.announcement["ethereum"][0]["privateKey"]))
        contract = boa.loads(SOURCE, 40)
        equal(contract.count(), 40, "a contract's state")
        equal(contract.add(2), 42, "what a transaction returned")
        equal(contract.count(), 42, "its effect")
        try:
            contract.add(1000)
            problems.append("a revert passes")
        except boa.BoaError as error:
            if "too much" not in str(error):
                problems.append(f"a revert's reason: {error}")
        with boa.env.anchor():
            contract.add(5)
            equal(contract.count(), 47, "in an anchor")
        equal(contract.count(), 42, "after it")
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    print(f"titanoboa: {6 - len(problems)} of 6 as it should be")
    sys.exit(1 if problems else 0)


main()
