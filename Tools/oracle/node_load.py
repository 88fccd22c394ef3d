"""A node under load that is killed, for node_clients.py."""

import base64
import json

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from node_checks import kill_rounds

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


def missing(node, confirmed):
    """What the node does not have of it."""
    gone, names = [], list(confirmed)
    for start in range(0, len(names), 256):
        part = names[start : start + 256]
        statuses = node.call("getSignatureStatuses", part, {"searchTransactionHistory": True})["value"]
        gone += [s for s, status in zip(part, statuses) if status is None or status["slot"] != confirmed[s]]
    return gone


def kills(folder, rounds):
    def loads(node):
        faucet = Keypair.from_base58_string(node.announcement["solana"]["secretKey"])
        return [lambda confirmed, stop: load(node, faucet, confirmed, stop)] * 3

    return kill_rounds(folder, rounds, 3, loads, missing, seconds=(0.3, 1.2))
