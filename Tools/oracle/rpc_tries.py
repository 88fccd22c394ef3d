"""Secure Merkle Patricia tries (Yellow Paper, appendix D) with proofs, and the root of a state of the specification's. Hashes and
nodes below are remembered: the states of cases differ little.
"""

import functools

from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp

EMPTY_TRIE, EMPTY_CODE = bytes(keccak256(b"\x80")), bytes(keccak256(b""))


def hx(data):
    return "0x" + bytes(data).hex()


@functools.lru_cache(1 << 16)
def keccak(data):
    return bytes(keccak256(data))


def nibbles(key):
    return [nibble for byte in key for nibble in (byte >> 4, byte & 15)]


def prefixed(path, is_leaf):
    odd = len(path) % 2
    flags = [2 * is_leaf + odd] + ([] if odd else [0])
    whole = flags + path
    return bytes(16 * whole[i] + whole[i + 1] for i in range(0, len(whole), 2))


def node(items, depth, proof=None, target=None):
    """A node over sorted (nibbles, value); the encodings on the way to `target` go to `proof`."""
    if not items:
        return b""
    if len(items) == 1:
        made = [prefixed(items[0][0][depth:], 1), items[0][1]]
    else:
        first, last = items[0][0], items[-1][0]
        end = depth
        while first[end] == last[end]:
            end += 1
        is_way = proof is not None and target[depth:end] == first[depth:end]
        inner = [] if is_way else None
        if end > depth:
            made = [prefixed(first[depth:end], 0), reference(node(items, end, inner, target))]
        else:
            made = []
            for nibble in range(16):
                goes = is_way and target[depth] == nibble
                made.append(reference(node([i for i in items if i[0][depth] == nibble], depth + 1, inner if goes else None, target)))
            made.append(b"")
        if inner:
            proof[:0] = inner
    if proof is not None and (depth == 0 or len(rlp.encode(made)) >= 32):
        proof.insert(0, hx(rlp.encode(made)))
    return made


def reference(made):
    encoded = rlp.encode(made)
    return made if len(encoded) < 32 else keccak(encoded)


def trie(entries, key=None):
    """The root of a secure trie and, where a key is given, its proof."""
    items = sorted((nibbles(keccak(k)), v) for k, v in entries.items())
    proof = []
    made = node(items, 0, proof, nibbles(keccak(key))) if key is not None else node(items, 0)
    return keccak(rlp.encode(made)), proof if items else []


@functools.lru_cache(4096)
def storage_root(slots):
    return trie({slot: rlp.encode(value) for slot, value in slots})[0]


def state_root(state):
    """Of the specification's `State`."""
    entries = {}
    for address, account in state._main_trie._data.items():
        slots = state._storage_tries[address]._data if address in state._storage_tries else {}
        storage = storage_root(tuple(sorted((bytes(slot), int(value).to_bytes(32, "big").lstrip(b"\0")) for slot, value in slots.items())))
        entries[bytes(address)] = rlp.encode([
            int(account.nonce).to_bytes(8, "big").lstrip(b"\0"), int(account.balance).to_bytes(32, "big").lstrip(b"\0"), storage, keccak(bytes(account.code))])  # fmt: skip
    return trie(entries)[0]
