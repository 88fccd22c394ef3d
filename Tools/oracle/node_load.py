"""A node under load that is killed, for node_clients.py."""

import base64
import json
import os
import random
import subprocess
import threading
import time

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from node import Node, binary

SOL = 1_000_000_000


def pay(source, target, lamports):
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target, lamports=lamports))


def load(node, faucet, confirmed, stop):
    """Sends transfers and notes those that the node reported, until it goes away."""
    sent = []
    try:
        while not stop.is_set():
            blockhash = Hash.from_string(node.call("getLatestBlockhash")["value"]["blockhash"])
            for _ in range(20):
                message = Message.new_with_blockhash([pay(faucet, Pubkey.new_unique(), SOL)], faucet.pubkey(), blockhash)
                wire = base64.b64encode(bytes(Transaction([faucet], message, blockhash))).decode()
                sent.append(node.call("sendTransaction", wire, {"encoding": "base64", "skipPreflight": True}))
            recent = sent[-100:]
            for signature, status in zip(recent, node.call("getSignatureStatuses", recent)["value"]):
                if status is not None:
                    confirmed[signature] = status["slot"]
    except (OSError, AssertionError, json.JSONDecodeError, ConnectionError):
        pass
    except Exception as error:  # http.client's own
        if "http" not in type(error).__module__:
            raise


def kills(folder, rounds):
    """`kill -9` under load, again and again: what was reported is there."""
    ledger, confirmed, problems = os.path.join(folder, "killed"), {}, []
    generator = random.Random(3)
    slowest = 0
    for number in range(rounds):
        node = Node(ledger, *(["--instant"] if number % 2 else ["--slot-ms", "20"]))
        slowest = max(slowest, node.seconds_to_answer)
        faucet = Keypair.from_base58_string(node.announcement["solana"]["secretKey"])
        missing = []
        names = list(confirmed)
        for start in range(0, len(names), 256):
            part = names[start : start + 256]
            statuses = node.call("getSignatureStatuses", part, {"searchTransactionHistory": True})["value"]
            missing += [s for s, status in zip(part, statuses) if status is None or status["slot"] != confirmed[s]]
        if missing:
            problems.append(f"round {number}: {len(missing)} confirmed transactions are gone, the first is {missing[0]}")
        stop = threading.Event()
        threads = [threading.Thread(target=load, args=(node, faucet, confirmed, stop)) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(generator.uniform(0.3, 1.2))
        node.kill()
        stop.set()
        for thread in threads:
            thread.join()
        node.log.close()
    if rounds == 0:
        return problems
    check = subprocess.run([binary(), "ledger", "verify", ledger], capture_output=True, text=True)
    if check.returncode != 0:
        problems.append(f"the ledger after the kills: {check.stderr}")
    print(f"kills: {check.stdout.strip()}")
    print(f"kills: {rounds} rounds, {len(confirmed)} confirmed transactions, slowest start to answer {slowest * 1000:.0f} ms")
    return problems
