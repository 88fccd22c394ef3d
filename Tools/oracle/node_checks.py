"""What scripts share that drive a node: counting checks, and `kill -9` under load."""

import os
import random
import subprocess
import sys
import threading
import time

from node import Node, binary


class Checks:
    def __init__(self):
        self.passed, self.problems = 0, []

    def expect(self, condition, what, detail=""):
        if condition:
            self.passed += 1
        else:
            self.problems.append(f"{what}: {str(detail)[:600]}")
            print(f"FAILED {what}: {str(detail)[:600]}", file=sys.stderr)

    def equal(self, found, wanted, what):
        self.expect(found == wanted, what, f"{found!r} is not {wanted!r}")


def kill_rounds(folder, rounds, seed, loads, missing, seconds=(0.5, 1.5)):
    """A node that is killed under load, again and again; what was reported has to be there when it comes back.

    `loads(node)` are functions of `confirmed` and `stop`, each for a thread; they note in `confirmed` what the node has reported, and
    end when it goes away. `missing(node, confirmed)` is what the node does not have of that.
    """
    ledger, confirmed, problems = os.path.join(folder, "killed"), {}, []
    generator, slowest = random.Random(seed), 0
    for number in range(rounds):
        node = Node(ledger, *(["--instant"] if number % 2 else ["--slot-ms", "20"]))
        slowest = max(slowest, node.seconds_to_answer)
        gone = missing(node, confirmed)
        if gone:
            problems.append(f"round {number}: {len(gone)} confirmed transactions are gone, the first is {gone[0]}")
        stop = threading.Event()
        threads = [threading.Thread(target=load, args=(confirmed, stop)) for load in loads(node)]
        for thread in threads:
            thread.start()
        time.sleep(generator.uniform(*seconds))
        node.kill()
        stop.set()
        for thread in threads:
            thread.join()
        node.log.close()
    if rounds == 0:
        return problems
    check = subprocess.run([binary(), "ledger", "verify", "--replay", ledger], capture_output=True, text=True)
    if check.returncode != 0:
        problems.append(f"the ledger after the kills: {check.stderr}")
    ethereum = sum(name.startswith("0x") for name in confirmed)
    print(f"kills: {rounds} rounds, confirmed: {ethereum} of Ethereum's, {len(confirmed) - ethereum} of Solana's; "
          f"slowest start to answer {slowest * 1000:.0f} ms; {check.stdout.strip()}")  # fmt: skip
    return problems
