"""Subscriptions of a node, for node_clients.py: every kind, through solana-py's typed notifications, and clients that misuse
their connection."""

import asyncio
import base64
import json
import os
import socket
import struct
from urllib.parse import urlparse

from solana.rpc.jsonrpc import SolanaJsonRpcError
from solana.rpc.websocket_api import SolanaWsClient
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.rpc.config import RpcBlockSubscribeFilterMentions, RpcTransactionLogsFilterMentions
from solders.rpc.responses import parse_websocket_message
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import Transaction, VersionedTransaction

SOL = 1_000_000_000


def pay(source, target, lamports):
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target, lamports=lamports))


async def until(socket, wanted, what, bench, seconds=10):
    """The next notification of a subscription."""
    async def next_one():
        while True:
            notification = await socket.recv()
            if notification.subscription == wanted.subscription_id:
                return notification.result

    try:
        return await asyncio.wait_for(next_one(), seconds)
    except asyncio.TimeoutError:
        bench.expect(False, f"a notification of {what}")


async def subscriptions(bench):
    alice, bob, owner = Keypair(), Keypair(), Pubkey.new_unique()
    await bench.fund(alice)
    for url in (bench.node.announcement["webSocketURL"], bench.node.url.replace("http", "ws")):
        async with SolanaWsClient(url) as ws:
            await kinds(bench, ws, alice, bob.pubkey(), owner)
    await untyped(bench, alice, bob.pubkey())
    await misuse(bench)


async def untyped(bench, alice, bob):
    """What solana-py cannot ask for, or solders cannot read."""
    plain, told = Plain(bench.node), []

    def call(method, *parameters):
        plain.frame(1, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode())
        while True:
            answer = json.loads(text := plain.receive()[1])
            if "id" in answer:
                return answer
            told.append((answer["params"], text.decode()))

    def notification(number):
        """The next one of a subscription, as text and its result."""
        while True:
            for parameters, text in told:
                if parameters["subscription"] == number:
                    told.remove((parameters, text))
                    return text, parameters["result"]
            text = plain.receive()[1].decode()
            told.append((json.loads(text)["params"], text))

    # Blocks: base64 without rewards unless it is asked for otherwise; what the client cannot read is an error.
    every, some = call("blockSubscribe", "all")["result"], call("blockSubscribe", {"mentionsAccountOrProgram": str(bob)})["result"]
    sent = await bench.send([pay(alice, bob, SOL)], alice)
    block = notification(some)[1]["value"]["block"]
    (only,) = block["transactions"]
    bench.equal((only["transaction"][1], bytes(sent) in base64.b64decode(only["transaction"][0]), "rewards" in block), ("base64", True, False), "a block's defaults")
    transaction = VersionedTransaction(MessageV0.try_compile(alice.pubkey(), [pay(alice, bob, SOL)], [], await bench.blockhash()), [alice])
    signature = (await bench.client.send_transaction(transaction)).value
    slot = (await bench.confirm(signature)).slot
    text, result = notification(some)
    error = {"UnsupportedTransactionVersion": 0}
    bench.equal(result["value"], {"slot": slot, "block": None, "err": error}, "a block that the client cannot read")
    bench.expect("UnsupportedTransactionVersion" in str(parse_websocket_message(text)), "the same by solders", text)
    while (value := notification(every)[1]["value"])["slot"] < slot:
        bench.equal(value["err"], None, "blocks that the client can read")
    bench.equal(value["err"], error, "all of such a block")
    for number in (every, some):
        call("blockUnsubscribe", number)

    # A transaction that has come in, and then that a block has it.
    for tries in range(5):
        message = Message.new_with_blockhash([pay(alice, bob, SOL + tries)], alice.pubkey(), await bench.blockhash())
        transaction = Transaction([alice], message, message.recent_blockhash)
        send = lambda: call("sendTransaction", base64.b64encode(bytes(transaction)).decode(), {"encoding": "base64", "skipPreflight": True})
        subscribe = lambda wants=True: call("signatureSubscribe", str(transaction.signatures[0]), {"enableReceivedNotification": wants})["result"]
        if tries == 0:
            with_it, without = subscribe(), subscribe(False)
            send()
            bench.equal([notification(with_it)[1]["value"] for _ in range(2)], ["receivedSignature", {"err": None}], "received, then processed")
            bench.equal(notification(without)[1]["value"], {"err": None}, "processed alone")
            continue
        send()
        late = subscribe()
        if notification(late)[1]["value"] == "receivedSignature":
            bench.equal(notification(late)[1]["value"], {"err": None}, "one that waited already")
            break
    else:
        bench.expect(False, "a transaction that waits when it is asked for")

    # Accounts that are set have subscribers, too.
    owner = Keypair().pubkey()
    account, program = call("accountSubscribe", str(bob), {"encoding": "base64"})["result"], call("programSubscribe", str(owner), {"encoding": "base64"})["result"]
    call("surfnet_setAccount", str(bob), {"lamports": 77, "owner": str(owner), "data": "0102"})
    one, other = notification(account)[1], notification(program)[1]
    bench.equal((one["value"]["lamports"], one["value"]["data"][0], other["value"]["pubkey"]), (77, "AQI=", str(bob)), "an account that was set")
    bench.equal(other["value"]["account"], one["value"], "the same of its program")
    call("surfnet_resetAccount", str(bob))
    bench.equal(notification(account)[1]["value"]["lamports"], 0, "an account that was taken away")

    for words, method, *parameters in (
        ("Invalid Request: Invalid pubkey provided", "accountSubscribe", "x"), ("Invalid Request: Invalid pubkey provided", "programSubscribe", "x"),
        ("Invalid Request: Invalid mentions provided", "logsSubscribe", {"mentions": ["x"]}), ("Invalid Request: Invalid signature provided", "signatureSubscribe", "x"),
        ("Invalid Request: Invalid mentions_account_or_program provided", "blockSubscribe", {"mentionsAccountOrProgram": "x"}),
        ("expected a boolean", "signatureSubscribe", str(Signature.default()), {"enableReceivedNotification": 1}),
        ("`params` should have at least 1 argument(s)", "accountSubscribe"), ("No parameters were expected", "slotSubscribe", {}),
        ("Expected from 1 to 1 parameters.", "slotUnsubscribe", 1, 2),
    ):  # fmt: skip
        error = call(method, *parameters)["error"]
        bench.expect(error["code"] == -32602 and words in error["message"], f"{method} {parameters}", error)


async def kinds(bench, ws, alice, bob, owner):
    account = await ws.account_subscribe(pubkey=bob, encoding="base64")
    program = await ws.program_subscribe(program_id=owner, encoding="base64")
    mine = await ws.logs_subscribe(filter_=RpcTransactionLogsFilterMentions(bob))
    every = await ws.logs_subscribe()
    slot, root = await ws.slot_subscribe(), await ws.root_subscribe()
    updates = await ws.slots_updates_subscribe()
    block = await ws.block_subscribe(filter_=RpcBlockSubscribeFilterMentions(bob), encoding="json", max_supported_transaction_version=0)
    numbers = [s.subscription_id for s in (account, program, mine, every, slot, root, updates, block)]
    bench.equal(len(set(numbers)), 8, "numbers of subscriptions")
    before = (await bench.client.get_balance(bob)).value
    signature = await bench.send([pay(alice, bob, SOL)], alice)
    once = await ws.signature_subscribe(signature=signature)
    # What comes is kept in order, whichever subscription it is of.
    seen = {}
    while not {account, mine, every, slot, root, updates, block, once} <= seen.keys():
        notification = await asyncio.wait_for(ws.recv(), 10)
        for subscription in (account, program, mine, every, slot, root, updates, block, once):
            if notification.subscription == subscription.subscription_id:
                seen.setdefault(subscription, []).append(notification.result)
    bench.equal(seen[once][0].value.err, None, "a signature")
    status = (await bench.client.get_signature_statuses([signature])).value[0]
    bench.equal(seen[once][0].context.slot, status.slot, "slot of a signature")
    told = seen[account][0]
    bench.equal((told.value.lamports, told.context.slot), (before + SOL, status.slot), "an account")
    bench.equal([log.value.signature for log in seen[mine]], [signature], "logs of an account")
    bench.expect(signature in [log.value.signature for log in seen[every]], "all logs")
    bench.equal(seen[mine][0].value.logs[-1], f"Program {Pubkey.default()} success", "lines of a log")
    bench.equal(seen[block][0].value.slot, status.slot, "a block")
    transactions = seen[block][0].value.block.transactions
    bench.equal([t.transaction.signatures for t in transactions], [[signature]], "the block's transactions that name it")
    slots = [s.slot for s in seen[slot]]
    bench.equal(slots, list(range(slots[0], slots[0] + len(slots))), "slots one after the other")
    bench.equal([s.parent for s in seen[slot]], [s - 1 for s in slots], "their parents")
    bench.expect(all(isinstance(r, int) for r in seen[root]), "roots", seen[root])
    bench.expect(len(seen[updates]) >= 4, "updates of slots", seen[updates])
    bench.expect(program not in seen, "nothing of the program yet")
    # One that has come already is told at once; a failed one with its error.
    late = await ws.signature_subscribe(signature=signature)
    bench.equal((await until(ws, late, "a signature that is there", bench)).value.err, None, "a signature that is there")
    wrong = await bench.send([Instruction(Pubkey.default(), b"\xff\0\0\0", [])], alice, skip_preflight=True)
    failed = await ws.signature_subscribe(signature=wrong)
    told = await until(ws, failed, "a failure", bench)
    bench.expect("InvalidInstructionData" in str(told.value.err), "a failed transaction", told)
    # solders cannot read a program's own error here, {"Custom": 1}, so it is looked at as text.
    poor = await bench.send([pay(alice, bob, 1000 * SOL)], alice, skip_preflight=True)
    await bench.confirm(poor)
    plain = Plain(bench.node)
    plain.frame(1, json.dumps({"jsonrpc": "2.0", "id": 1, "method": "signatureSubscribe", "params": [str(poor)]}).encode())
    answers = [json.loads(plain.receive()[1]) for _ in range(2)]
    bench.equal(answers[1]["params"]["subscription"], answers[0]["result"], "the number comes before what it tells")
    error = {"InstructionError": [0, {"Custom": 1}]}
    bench.equal(answers[1]["params"]["result"]["value"], {"err": error}, "a program's own error")
    # Accounts of a program.
    made = Keypair()
    rent = (await bench.client.get_minimum_balance_for_rent_exemption(10)).value
    await bench.send(
        [create_account(CreateAccountParams(from_pubkey=alice.pubkey(), to_pubkey=made.pubkey(), lamports=rent, space=10, owner=owner))],
        alice, made,
    )  # fmt: skip
    told = (await until(ws, program, "an account of a program", bench)).value
    bench.equal((told.pubkey, told.account.data, told.account.owner), (made.pubkey(), bytes(10), owner), "an account of a program")
    # Nothing comes after the end of a subscription.
    for subscription in (account, program, mine, every, updates, root, block):
        await ws.unsubscribe(subscription)
    ended = {s.subscription_id for s in (account, mine, every, updates, root, block)}
    last = (await bench.client.get_slot()).value
    while (await until(ws, slot, "a slot", bench)).slot <= last + 1:
        pass  # what came before lies in the client's queue
    await bench.run([pay(alice, bob, SOL)], alice)
    seen = [(await asyncio.wait_for(ws.recv(), 10)).subscription for _ in range(3)]
    bench.expect(not ended & set(seen), "nothing after the end", seen)


class Plain:
    """A WebSocket without a client library, to send what none would."""

    def __init__(self, node, headers=""):
        self.socket = socket.create_connection(node.address, timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n{headers}\r\n".encode()
        )
        self.head, self.rest = b"", b""
        while b"\r\n\r\n" not in self.head:
            part = self.socket.recv(4096)
            if not part:
                break
            self.head += part
        self.head, _, self.rest = self.head.partition(b"\r\n\r\n")

    def frame(self, opcode, payload, fin=True, masked=True):
        head = bytes([opcode | (0x80 if fin else 0)])
        length, mask = len(payload), os.urandom(4)
        flag = 0x80 if masked else 0
        head += bytes([flag | length]) if length < 126 else bytes([flag | 127]) + struct.pack(">Q", length)
        if masked:
            head += mask
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + payload)

    def read(self, count):
        while len(self.rest) < count:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("closed")
            self.rest += part
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive(self):
        """Opcode and payload of the next frame."""
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.read(8))[0]
        return first & 0xF, self.read(length)


async def misuse(bench):
    node = bench.node
    bench.expect(b" 101 " in Plain(node).head, "an upgrade")
    bench.expect(b" 101 " in Plain(node, "Origin: http://localhost:3000\r\n").head, "a page of this machine")
    bench.expect(b" 403 " in Plain(node, "Origin: https://evil.example\r\n").head, "a page of another origin")
    bench.expect(b" 403 " in Plain(node, "Origin: null\r\n").head, "a page of no origin")
    plain = Plain(node)
    # In pieces, with a ping between.
    request = json.dumps({"jsonrpc": "2.0", "id": 5, "method": "getHealth"}).encode()
    plain.frame(1, request[:10], fin=False)
    plain.frame(9, b"ping")
    plain.frame(0, request[10:])
    answers = dict([plain.receive(), plain.receive()])
    bench.equal((answers[10], json.loads(answers[1])["result"]), (b"ping", "ok"), "pieces and a ping")
    for text, code in ((b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"2.0","id":1,"method":"voteSubscribe"}', -32601),
                       (b'{"jsonrpc":"2.0","id":1,"method":"accountSubscribe","params":["x"]}', -32602),
                       (b'{"jsonrpc":"2.0","id":1,"method":"slotUnsubscribe","params":[1]}', -32602),
                       (b'{"jsonrpc":"2.0","id":1,"method":"logsSubscribe","params":[{"mentions":[]}]}', -32602),
                       (b'{"jsonrpc":"2.0","id":1,"method":"accountUnsubscribe","params":[99999999]}', -32602)):  # fmt: skip
        plain.frame(1, text)
        bench.equal(json.loads(plain.receive()[1])["error"]["code"], code, f"{text}")
    for number in range(100):
        plain.frame(1, json.dumps({"jsonrpc": "2.0", "id": number, "method": "getSlot"}).encode())
    ids = [json.loads(plain.receive()[1])["id"] for _ in range(100)]
    bench.equal(ids, list(range(100)), "answers in order")
    for name, send in (
        ("a continuation of nothing", lambda c: c.frame(0, b"{}")),
        ("a message in a message", lambda c: (c.frame(1, b"{", fin=False), c.frame(1, b"}"))),
        ("an unknown opcode", lambda c: c.frame(3, b"")),
        ("an endless message", lambda c: [c.frame(1 if n == 0 else 0, b" " * 400_000, fin=False) for n in range(4)]),
        ("a frame that is too long", lambda c: c.socket.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 40) + bytes(4))),
        ("a polite end", lambda c: c.frame(8, struct.pack(">H", 1000))),
    ):
        broken = Plain(node)
        try:
            send(broken)
            while broken.receive()[0] != 8:
                pass
            closed = True
        except OSError:
            closed = True
        bench.expect(closed, name)
    # Those who go away without a word are forgotten.
    for _ in range(20):
        gone = Plain(node)
        gone.frame(1, b'{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}')
        gone.receive()
        gone.socket.close()
    for _ in range(100):
        text = node.get("/metrics")[1]
        left = int(next(line for line in text.splitlines() if line.startswith("estuary_subscriptions ")).split()[1])
        if left == 0:
            break
        await asyncio.sleep(0.05)
    bench.equal(left, 0, "subscriptions of connections that are gone")
    bench.expect(node.call("getSlot") > 0, "the others are served")
