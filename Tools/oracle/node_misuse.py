"""Clients of a node that misbehave, for node_clients.py: garbage, half requests, too much of everything, spoilt parameters."""

import asyncio
import base64
import json
import random
import socket
import time

import websockets
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

# Keys of what every node has: programs, a sysvar.
KNOWN = """11111111111111111111111111111111 SysvarC1ock11111111111111111111111111111111
TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr""".split()


async def misbehaviour(bench):
    """Clients that send garbage, too much, too little or nothing, beside others that are served."""
    node = bench.node

    def raw(data, read=True):
        with socket.create_connection(node.address, timeout=10) as connection:
            connection.sendall(data)
            return connection.recv(65536) if read else b""

    idle = [socket.create_connection(node.address) for _ in range(50)]
    for number, connection in enumerate(idle):
        if number % 2:
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"[: 1 + number])
    generator = random.Random(7)
    for _ in range(100):
        garbage = bytes(generator.randrange(256) for _ in range(generator.randrange(1, 2000)))
        try:
            raw(garbage, read=generator.random() < 0.2 and b"\n" in garbage)
        except OSError:
            pass
    answer = raw(b"GARBAGE\r\n\r\n")
    bench.expect(answer.startswith(b"HTTP/1.1 400"), "no HTTP", answer[:100])
    status, body = node.post(b"x" * (2 << 20))
    bench.equal(status, 413, "a body that is too long")
    answer = raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    bench.expect(b" 413 " in answer[:30], "a length that is too large", answer[:100])
    bench.equal(node.post("{}", {"Content-Type": "text/plain"})[0], 415, "not declared as JSON")
    bench.equal(node.post("{}", {"Content-Type": "application/json; charset=utf-8"})[0], 200, "with a character set")
    bench.equal(node.post("{}", {"Host": "evil.example"})[0], 403, "another host's name")
    bench.equal(node.get("/metrics", {"Host": "evil.example:8899"})[0], 403, "another host's name")
    bench.equal(node.get("/nothing")[0], 405, "nothing to get")
    status, text = node.get("/health")
    bench.equal((status, text), (200, "ok"), "/health")
    status, text = node.get("/metrics")
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    bench.expect({"estuary_slot", "estuary_transactions_total", "estuary_request_seconds_count"} <= names, "/metrics", names)
    for text, code in ((b"{", -32700), (b"[]", -32600), (b'{"method":"x"}', -32601), (b"[" * 5000, -32700), (b"\xff", -32700)):
        status, body = node.post(text)
        if body:
            bench.equal((status, json.loads(body)["error"]["code"]), (200, code), f"{text[:20]}")
    batch = [{"jsonrpc": "2.0", "id": n, "method": "getSlot"} for n in range(256)]
    answers = json.loads(node.post(json.dumps(batch))[1])
    bench.equal([a["id"] for a in answers], list(range(256)), "a batch")
    # Two requests at once on one connection are answered in order.
    request = b'POST / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n'
    bench.expect(b" 403 " in raw(request)[:30], "two hosts")
    one = b'{"jsonrpc":"2.0","id":%d,"method":"getHealth"}'
    pipelined = b"".join(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (len(one % n), one % n) for n in (1, 2)
    )  # fmt: skip
    with socket.create_connection(node.address, timeout=10) as connection:
        connection.sendall(pipelined)
        got = b""
        while got.count(b'"id":') < 2:
            part = connection.recv(65536)
            if not part:
                break
            got += part
    bench.expect(got.index(b'"id":1') < got.index(b'"id":2'), "pipelined requests", got)
    start = time.monotonic()
    bench.expect(node.call("getSlot") > 0 and time.monotonic() - start < 1, "the others are served")
    for connection in idle:
        connection.close()


async def fuzzing(bench, seconds):
    """Requests made from the methods' names with wrong, odd and huge parameters: always an answer that is JSON-RPC."""
    node, generator = bench.node, random.Random(11)
    methods = """getBalance getAccountInfo getMultipleAccounts getProgramAccounts getBlock getBlocks getBlocksWithLimit
        getBlockTime getTransaction getSignatureStatuses getSignaturesForAddress isBlockhashValid getFeeForMessage
        getMinimumBalanceForRentExemption getSlotLeaders requestAirdrop sendTransaction simulateTransaction
        getTokenAccountBalance getTokenAccountsByOwner getTokenAccountsByDelegate getTokenLargestAccounts getTokenSupply
        getRecentPrioritizationFees getEpochInfo getLatestBlockhash getSupply getLargestAccounts getBlockCommitment
        estuary_traceTransaction estuary_profileTransaction estuary_blockParallelism estuary_timeTravel surfnet_setAccount
        surfnet_setSupply surfnet_registerIdl surfnet_getActiveIdl surfnet_getProfileResultsByTag surfnet_getTransactionProfile
        surfnet_getLocalSignatures surfnet_writeProgram estuary_setTokenAccount estuary_setProgramAuthority estuary_exportAccounts estuary_importAccounts""".split()
    keys = [node.announcement["solana"]["pubkey"], *KNOWN]
    wire = base64.b64encode(bytes(Transaction.new_unsigned(Message([transfer(TransferParams(from_pubkey=Keypair().pubkey(), to_pubkey=Pubkey.new_unique(), lamports=1))], Pubkey.new_unique())))).decode()
    names = """commitment minContextSlot encoding dataSlice offset length filters memcmp bytes dataSize withContext limit before until
        mint programId sigVerify replaceRecentBlockhash accounts addresses innerInstructions transactionDetails rewards
        maxSupportedTransactionVersion searchTransactionHistory skipPreflight recentBlockhash absoluteSlot absoluteEpoch
        absoluteTimestamp text depth filter""".split()

    def value(depth=0):
        choice = generator.randrange(12 if depth < 3 else 9)
        if choice < 2:
            return generator.choice(keys)
        if choice == 2:
            return generator.choice([0, 1, -1, 2**63, 2**64 - 1, 2**64, 1.5, 1e300, 7, 128])
        if choice == 3:
            return generator.choice(["", "processed", "base64", "base58", "jsonParsed", "base64+zstd", "confirmed", "none", "é" * 9])
        if choice == 4:
            text = list(wire)
            text[generator.randrange(len(text))] = generator.choice("ABCabc019+/=")
            return "".join(text)
        if choice == 5:
            return generator.choice([None, True, False])
        if choice == 6:
            return "1" * generator.choice([43, 44, 87, 88, 3000])
        if choice == 7:
            return str(Signature.new_unique())
        if choice == 8:
            return wire
        if choice == 9:
            return [value(depth + 1) for _ in range(generator.randrange(5))]
        return {generator.choice(names): value(depth + 1) for _ in range(generator.randrange(5))}

    end, count, socket = time.monotonic() + seconds, 0, None
    while time.monotonic() < end:
        request = {"jsonrpc": "2.0", "id": count, "method": generator.choice(methods), "params": [value() for _ in range(generator.randrange(4))]}
        text = json.dumps(request).encode()
        if generator.random() < 0.2:
            spoilt = bytearray(text)
            for _ in range(generator.randrange(1, 4)):
                spoilt[generator.randrange(len(spoilt))] = generator.randrange(256)
            text = bytes(spoilt)
        if generator.random() < 0.3:
            # The same over a WebSocket, spoilt ones as the text that their bytes are in another encoding. One without an id
            # has no answer, so what is waited for is that of a request behind it.
            socket = socket or await websockets.connect(node.url.replace("http", "ws"), max_size=None, ping_timeout=None)
            await socket.send(text.decode("latin-1"))
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": f"behind {count}", "method": "getHealth"}))
            status, body = 200, b""
            while True:
                message = json.loads(await asyncio.wait_for(socket.recv(), 180))
                if message.get("id") == f"behind {count}":
                    break
                body = json.dumps(message).encode()
        else:
            status, body = node.post(text)
        answer = json.loads(body) if body else {"result": None}
        sound = status == 200 and ("result" in answer) != ("error" in answer)
        bench.expect(sound, "an answer to a spoilt request", (text, status, body[:300]))
        if "error" in answer:
            bench.expect(answer["error"]["code"] != -32603, "no internal error", (text, body[:300]))
        count += 1
    if socket:
        await socket.close()
    print(f"fuzzing: {count} requests in {seconds} s")
