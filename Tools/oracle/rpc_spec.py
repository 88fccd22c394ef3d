"""Executions that no block keeps, by Ethereum's executable specification (Osaka): calls, the gas they need, what they access, their
call trees, and simulated blocks with their headers. Nothing here knows of Estuary.
"""

from ethereum.crypto.hash import keccak256
from ethereum.forks.osaka import fork as rules
from ethereum.forks.osaka import state as states
from ethereum.forks.osaka import transactions as kinds
from ethereum.forks.osaka import vm
from ethereum.forks.osaka.bloom import logs_bloom
from ethereum.forks.osaka.blocks import Log, Withdrawal
from ethereum.forks.osaka.fork_types import Account, Address, Authorization
from ethereum.forks.osaka.requests import compute_requests_hash
from ethereum.forks.osaka.state import State, TransientStorage
from ethereum.forks.osaka.trie import root, trie_set
from ethereum.forks.osaka.utils.message import prepare_message
from ethereum.forks.osaka.vm import interpreter
from ethereum.forks.osaka.vm.exceptions import Revert
from ethereum.forks.osaka.vm.instructions import Ops, op_implementation
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes0, Bytes32
from ethereum_types.numeric import U8, U64, U256, Uint

import rpc_chain
import rpc_tries
from evm_blocks import number
from evm_chains import unhex

GAS_CAP = 50_000_000
ETHER = bytes([0xEE]) * 20
TRANSFER = bytes(keccak256(b"Transfer(address,address,uint256)"))


def address_of(text):
    return Address(unhex(text))


def state_of(alloc):
    state = State()
    for text, account in alloc.items():
        address = address_of(text)
        states.set_account(state, address, Account(
            nonce=Uint(int(account["nonce"], 16)), balance=U256(int(account["balance"], 16)), code=Bytes(unhex(account["code"]))))  # fmt: skip
        for slot, value in account["storage"].items():
            states.set_storage(state, address, Bytes32(int(slot, 16).to_bytes(32, "big")), U256(int(value, 16)))
    return state


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class Recorder:
    """Looks over the specification's shoulder: the tree of calls, and value that moves as logs."""

    def __init__(self):
        self.active, self.transfers = False, False
        self.stack, self.root = [], None
        self.evm = None
        process, create = interpreter.process_message, interpreter.process_create_message
        destroy = op_implementation[Ops.SELFDESTRUCT]

        def process_message(message):
            if not self.active:
                return process(message)
            is_inner = bool(self.stack) and self.stack[-1].get("creating", False)
            frame = self.stack[-1] if is_inner else self.begin(message, self.kind(message))
            if is_inner:
                frame["creating"] = False
            evm = process(message)
            if self.transfers and message.should_transfer_value and message.value != 0:
                evm.logs = (self.transfer(message.caller, message.current_target, message.value), *evm.logs)
            if not is_inner:
                self.end(frame, message, evm)
            self.evm = evm
            return evm

        def process_create_message(message):
            if not self.active:
                return create(message)
            frame = self.begin(message, "CREATE")
            frame["creating"] = True
            evm = create(message)
            self.end(frame, message, evm)
            self.evm = evm
            return evm

        def selfdestruct(evm):
            if not self.active:
                return destroy(evm)
            account = evm.message.current_target
            heir = bytes(evm.stack[-1].to_be_bytes32()[12:]) if evm.stack else bytes(20)
            balance = states.get_account(evm.message.block_env.state, account).balance
            result = destroy(evm)
            if self.transfers and balance:
                evm.logs += (self.transfer(account, heir, balance),)
            if self.stack:
                self.stack[-1]["calls"].append({
                    "type": "SELFDESTRUCT", "from": hx(account), "to": hx(heir), "gas": "0x0", "gasUsed": "0x0", "input": "0x",
                    "value": hex(int(balance))})  # fmt: skip
            return result

        interpreter.process_message = process_message
        interpreter.process_create_message = process_create_message
        op_implementation[Ops.SELFDESTRUCT] = selfdestruct

    @staticmethod
    def transfer(source, target, value):
        return Log(Address(ETHER), (Bytes32(TRANSFER), Bytes32(bytes(12) + bytes(source)), Bytes32(bytes(12) + bytes(target))),
                   Bytes(int(value).to_bytes(32, "big")))  # fmt: skip

    @staticmethod
    def kind(message):
        if message.depth == 0:
            return "CALL"
        if not message.should_transfer_value:
            return "DELEGATECALL"
        if message.is_static and not message.parent_evm.message.is_static:
            return "STATICCALL"
        return "CALL"

    def begin(self, message, kind):
        frame = {"type": kind, "calls": [], "gas": hex(int(message.gas))}
        if self.stack:
            self.stack[-1]["calls"].append(frame)
        else:
            self.root = frame
        self.stack.append(frame)
        return frame

    def end(self, frame, message, evm):
        self.stack.pop()
        frame.pop("creating", None)
        is_creation = frame["type"] == "CREATE"
        # A delegation is of the account whose code it names.
        target = message.current_target if is_creation or message.depth == 0 else message.code_address
        frame.update({
            "from": hx(message.caller if frame["type"] != "DELEGATECALL" else message.current_target), "to": hx(target),
            "gasUsed": hex(int(message.gas) - int(evm.gas_left)), "input": hx(message.code if is_creation else message.data),
        })  # fmt: skip
        output = evm.output if not is_creation or evm.error else states.get_account(message.block_env.state, message.current_target).code
        if output:
            frame["output"] = hx(output)
        if frame["type"] != "STATICCALL":
            frame["value"] = hex(int(message.value))
        if evm.error:
            frame["error"] = words(evm.error)
            reason = revert_reason(bytes(evm.output)) if isinstance(evm.error, Revert) else None
            if reason is not None:
                frame["revertReason"] = reason
            if is_creation:
                frame.pop("to")
        if not frame["calls"]:
            frame.pop("calls")


def words(error):
    """geth's, of what these cases meet."""
    return {
        "Revert": "execution reverted", "OutOfGasError": "out of gas", "InvalidOpcode": "invalid opcode: INVALID",
        "StackUnderflowError": "stack underflow", "InvalidJumpDestError": "invalid jump destination",
        "WriteInStaticContext": "write protection", "AddressCollision": "contract address collision",
    }[type(error).__name__]  # fmt: skip


def revert_reason(output):
    if output[:4] == bytes.fromhex("08c379a0") and len(output) >= 68:
        size = int.from_bytes(output[36:68], "big")
        return output[68 : 68 + size].decode()
    if output[:4] == bytes.fromhex("4e487b71") and len(output) == 36:
        return {1: "assert(false)", 17: "arithmetic underflow or overflow", 18: "division or modulo by zero"}[int.from_bytes(output[4:], "big")]
    return None


def hx(data):
    return "0x" + bytes(data).hex()


RECORDER = Recorder()


class Request:
    """A call's fields, as JSON has them, read."""

    def __init__(self, fields, nonce=0, gas=None):
        def read(name, default=0):
            return int(fields[name], 16) if fields.get(name) is not None else default

        self.sender = address_of(fields.get("from") or hx(bytes(20)))
        self.to = address_of(fields["to"]) if fields.get("to") else Bytes0(b"")
        self.nonce, self.gas, self.value = read("nonce", nonce), min(read("gas", gas), gas), read("value")
        self.data = Bytes(unhex(fields.get("input") or fields.get("data") or "0x"))
        self.price, self.fee, self.tip = read("gasPrice", None), read("maxFeePerGas"), read("maxPriorityFeePerGas")
        if self.price is not None:
            self.fee = self.tip = self.price
        self.access = tuple(
            kinds.Access(address_of(entry["address"]), tuple(Bytes32(unhex(key)) for key in entry["storageKeys"]))
            for entry in fields.get("accessList") or [])  # fmt: skip
        self.has_access = fields.get("accessList") is not None
        self.blobs = tuple(Bytes32(unhex(blob)) for blob in fields.get("blobVersionedHashes") or [])
        self.blob_fee = read("maxFeePerBlobGas")
        self.authorizations = tuple(
            Authorization(U256(int(a["chainId"], 16)), address_of(a["address"]), U64(int(a["nonce"], 16)), U8(int(a["yParity"], 16)),
                          U256(int(a["r"], 16)), U256(int(a["s"], 16)))
            for a in fields.get("authorizationList") or [])  # fmt: skip

    def transaction(self, is_told=False):
        """Without a signature. With a gas price it is told as a legacy one, though it executes with its list."""
        zero = U256(0)
        common = (U64(1), U256(self.nonce), Uint(self.tip), Uint(self.fee), Uint(self.gas), self.to, U256(self.value), self.data)
        if self.price is not None and (is_told or not self.access):
            return kinds.LegacyTransaction(U256(self.nonce), Uint(self.price), Uint(self.gas), self.to, U256(self.value), self.data, zero, zero, zero)
        if self.authorizations:
            common = (common[0], U64(self.nonce), *common[2:])
            return kinds.SetCodeTransaction(*common, self.access, self.authorizations, zero, zero, zero)
        if self.blobs:
            return kinds.BlobTransaction(*common, self.access, U256(self.blob_fee), self.blobs, zero, zero, zero)
        return kinds.FeeMarketTransaction(*common, self.access, zero, zero, zero)

    def encoded(self):
        encoded = kinds.encode_transaction(self.transaction(is_told=True))
        return encoded if isinstance(encoded, bytes) else rlp.encode(encoded)


class Execution:
    pass


def execute(env, request, checks_fees=False, transfers=False):
    """One transaction whose sender need not have signed; what it pays follows from its prices. Changes the state."""
    tx = request.transaction()
    # The floor of EIP-7623 is a limit as well.
    intrinsic, floor = (int(part) for part in kinds.calculate_intrinsic_cost(tx))
    supplied = f"(supplied gas {request.gas})"
    base = int(env.base_fee_per_gas)
    name = checksummed(request.sender)
    if checks_fees and request.fee < base:
        raise Refused(-38012, f"err: max fee per gas less than block base fee: address {name}, maxFeePerGas: {request.fee}, baseFee: {base} {supplied}")
    price = request.fee if request.price is not None else min(request.fee, base + request.tip)
    if not request.fee:
        price = 0
    account = states.get_account(env.state, request.sender)
    blob_price = int(vm.gas.calculate_blob_gas_price(env.excess_blob_gas)) if request.blobs and checks_fees else 0
    blob_gas = len(request.blobs) << 17
    want = request.gas * request.fee + request.value + blob_gas * request.blob_fee
    if want > int(account.balance):
        raise Refused(-38014, f"err: insufficient funds for gas * price + value: address {name} have {account.balance} want {want} {supplied}")
    if request.gas < intrinsic:
        raise Refused(-38013, f"err: intrinsic gas too low: have {request.gas}, want {intrinsic} {supplied}")
    if request.gas < floor:
        raise Refused(-38013, f"err: insufficient gas for floor data gas cost: have {request.gas}, want {floor} {supplied}")
    nonce = (int(account.nonce) + 1) % 2**64
    upfront = request.gas * price + blob_gas * blob_price
    states.set_account(env.state, request.sender, Account(Uint(nonce), U256(int(account.balance) - upfront), account.code))
    tx_env = vm.TransactionEnvironment(
        origin=request.sender, gas_price=Uint(price), gas=Uint(request.gas - intrinsic),
        access_list_addresses={env.coinbase} | {entry.account for entry in request.access},
        access_list_storage_keys={(entry.account, slot) for entry in request.access for slot in entry.slots},
        transient_storage=TransientStorage(), blob_versioned_hashes=request.blobs, authorizations=request.authorizations,
        index_in_block=Uint(0), tx_hash=None,
    )  # fmt: skip
    message = prepare_message(env, tx_env, tx)
    RECORDER.active, RECORDER.transfers, RECORDER.stack, RECORDER.root, RECORDER.evm = True, transfers, [], None, None
    try:
        output = interpreter.process_message_call(message)
    finally:
        RECORDER.active = False
    done = Execution()
    done.tree, done.evm, done.message = RECORDER.root, RECORDER.evm, message
    spent = request.gas - int(output.gas_left)
    refund = min(spent // 5, int(output.refund_counter))
    done.used = max(spent - refund, floor)
    done.most = max(spent, floor)
    back = states.get_account(env.state, request.sender)
    states.set_account_balance(env.state, request.sender, U256(int(back.balance) + (request.gas - done.used) * price))
    tip = done.used * max(price - base, 0)
    if tip:
        coinbase = states.get_account(env.state, env.coinbase)
        states.set_account_balance(env.state, env.coinbase, U256(int(coinbase.balance) + tip))
    for address in output.accounts_to_delete:
        states.destroy_account(env.state, address)
    done.error, done.output, done.logs, done.intrinsic, done.price = output.error, bytes(output.return_data), output.logs, intrinsic, price
    if request.to == Bytes0(b"") and output.error is None:
        done.output = bytes(states.get_account(env.state, message.current_target).code)
    done.tx = request.transaction(is_told=True)
    done.request, done.blob_gas = request, blob_gas
    return done


def checksummed(address):
    text = bytes(address).hex()
    digits = keccak256(text.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(text, digits))


class Place:
    """The end of a block of Osaka's: where calls are tried out."""

    def __init__(self, chain, block=None):
        self.chain = chain
        self.number = len(chain.blocks) - 1 if block is None else block
        self.block = chain.blocks[self.number]

    def environment(self, base_fee=None, state=None):
        header = self.block["header"]
        return vm.BlockEnvironment(
            chain_id=U64(1), state=state or state_of(self.block["alloc"]), block_gas_limit=Uint(rpc_chain.GAS_LIMIT * 2),
            block_hashes=list(self.chain.hashes[: self.number]), coinbase=Address(header["coinbase"]), number=Uint(self.number),
            base_fee_per_gas=Uint(int.from_bytes(header["baseFeePerGas"], "big") if base_fee is None else base_fee),
            time=U256(int.from_bytes(header["timestamp"], "big")), prev_randao=Bytes32(header["mixHash"]),
            excess_blob_gas=U64(int.from_bytes(header["excessBlobGas"], "big")),
            parent_beacon_block_root=Bytes32(header["parentBeaconBlockRoot"]),
        )  # fmt: skip

    def call(self, fields, overrides=None, gas=None):
        env = self.environment(None if any(int(fields.get(n) or "0x0", 16) for n in ("gasPrice", "maxFeePerGas")) else 0)
        override(env.state, overrides or {})
        fields = {**fields, **({"gas": hex(gas)} if gas else {})}
        return execute(env, Request(fields, gas=GAS_CAP))

    def estimate(self, fields):
        """The smallest limit that succeeds, where less never does."""
        low, high = 20_999, min(int(fields.get("gas", hex(rpc_chain.GAS_LIMIT * 2)), 16), 1 << 24)
        if self.call(fields, gas=high).error is not None:
            return self.call(fields, gas=high)
        while low + 1 < high:
            middle = (low + high) // 2
            try:
                succeeds = self.call(fields, gas=middle).error is None
            except Refused:
                succeeds = False
            low, high = (low, middle) if succeeds else (middle, high)
        return high

    def access_list(self, fields):
        """What a call accesses, as a list; its gas with that list."""
        listed = fields.get("accessList") or []
        while True:
            done = self.call({**fields, "accessList": listed})
            warm = set(done.message.tx_env.access_list_addresses) - {Address(self.block["header"]["coinbase"])}
            slots = {(bytes(a), bytes(k)) for a, k in done.evm.accessed_storage_keys}
            left_out = {bytes(done.request.sender), bytes(done.message.current_target)}
            accounts = {bytes(a) for a in done.evm.accessed_addresses} | {bytes(a) for a in warm}
            accounts = {a for a in accounts if a not in left_out and int.from_bytes(a, "big") not in (*range(1, 18), 0x100)}
            accounts.discard(bytes(self.block["header"]["coinbase"]))
            accounts |= {a for a, _ in slots}
            found = [{"address": hx(a), "storageKeys": [hx(k) for k in sorted(k for b, k in slots if a == b)]} for a in sorted(accounts)]
            if found == listed:
                return found, done
            listed = found


def override(state, accounts):
    for text, fields in accounts.items():
        address = address_of(text)
        known = states.get_account(state, address)
        states.set_account(state, address, Account(
            Uint(int(fields["nonce"], 16)) if "nonce" in fields else known.nonce,
            U256(int(fields["balance"], 16)) if "balance" in fields else known.balance,
            Bytes(unhex(fields["code"])) if "code" in fields else known.code))  # fmt: skip
        if "state" in fields:
            states.destroy_storage(state, address)
        for slot, value in {**fields.get("state", {}), **fields.get("stateDiff", {})}.items():
            states.set_storage(state, address, Bytes32(unhex(slot)), U256(int(value, 16)))


# Simulated blocks


class Simulator:
    """eth_simulateV1, by its specification and go-ethereum's reading of it."""

    def __init__(self, chain, options, block=None):
        self.chain, self.options = chain, options
        self.place = Place(chain, block)
        self.parent = dict(self.place.block["header"])
        self.state = state_of(self.place.block["alloc"])
        self.hashes = list(chain.hashes[: self.place.number + 1])
        self.left = GAS_CAP
        self.validates = options.get("validation", False)

    def run(self):
        return [self.make(block) for block in self.sanitized()]

    def sanitized(self):
        block, time = self.place.number, int.from_bytes(self.parent["timestamp"], "big")
        blocks = []
        if not self.options["blockStateCalls"]:
            raise Refused(-32602, "empty input")
        for entry in self.options["blockStateCalls"]:
            overrides = dict(entry.get("blockOverrides", {}))
            wanted = int(overrides["number"], 16) if "number" in overrides else block + 1
            if wanted <= block:
                raise Refused(-38020, f"block numbers must be in order: {wanted} <= {block}")
            if wanted - self.place.number > 256:
                raise Refused(-38026, "too many blocks")
            for gap in range(block + 1, wanted):
                time += 12
                blocks.append({"blockOverrides": {"number": hex(gap), "time": hex(time)}})
            block = wanted
            given = int(overrides["time"], 16) if "time" in overrides else time + 12
            if given <= time:
                raise Refused(-38021, f"block timestamps must be in order: {given} <= {time}")
            time = given
            blocks.append({**entry, "blockOverrides": {**overrides, "number": hex(block), "time": hex(time)}})
        return blocks

    def header(self, overrides):
        parent = self.parent
        fee = int(overrides["baseFeePerGas"], 16) if "baseFeePerGas" in overrides else (
            rpc_chain.Chain.next_base_fee(parent) if self.validates else 0)  # fmt: skip
        excess = int(rules.calculate_excess_blob_gas(_Parent(parent)))
        return {
            "parentHash": self.chain.hash(parent), "ommersHash": self.chain.blocks[0]["header"]["ommersHash"],
            "coinbase": unhex(overrides["feeRecipient"]) if "feeRecipient" in overrides else parent["coinbase"], "stateRoot": b"",
            "transactionsRoot": b"", "receiptsRoot": b"", "bloom": b"", "difficulty": b"", "number": number(int(overrides["number"], 16)),
            "gasLimit": number(int(overrides["gasLimit"], 16)) if "gasLimit" in overrides else parent["gasLimit"], "gasUsed": b"",
            "timestamp": number(int(overrides["time"], 16)), "extraData": b"",
            "mixHash": unhex(overrides["prevRandao"]) if "prevRandao" in overrides else bytes(32), "nonce": bytes(8),
            "baseFeePerGas": number(fee), "withdrawalsRoot": b"", "blobGasUsed": b"", "excessBlobGas": number(excess),
            "parentBeaconBlockRoot": unhex(overrides["beaconRoot"]) if "beaconRoot" in overrides else bytes(32), "requestsHash": b"",
        }  # fmt: skip

    def make(self, block):
        overrides = block["blockOverrides"]
        header = self.header(overrides)
        while len(self.hashes) < int.from_bytes(header["number"], "big"):
            self.hashes.append(header["parentHash"])
        read = {name: int.from_bytes(header[name], "big") for name in ("gasLimit", "number", "timestamp", "baseFeePerGas", "excessBlobGas")}
        override(self.state, block.get("stateOverrides", {}))
        env = vm.BlockEnvironment(
            chain_id=U64(1), state=self.state, block_gas_limit=Uint(read["gasLimit"]), block_hashes=self.hashes,
            coinbase=Address(header["coinbase"]), number=Uint(read["number"]), base_fee_per_gas=Uint(read["baseFeePerGas"]),
            time=U256(read["timestamp"]), prev_randao=Bytes32(header["mixHash"]), excess_blob_gas=U64(read["excessBlobGas"]),
            parent_beacon_block_root=Bytes32(header["parentBeaconBlockRoot"]),
        )  # fmt: skip
        rules.process_unchecked_system_transaction(env, rules.HISTORY_STORAGE_ADDRESS, header["parentHash"])
        rules.process_unchecked_system_transaction(env, rules.BEACON_ROOTS_ADDRESS, env.parent_beacon_block_root)
        output = vm.BlockOutput()
        executed, used, blob_gas, logs = [], 0, 0, ()
        for index, fields in enumerate(block.get("calls", [])):
            done = self.call(env, fields, read["gasLimit"] - used)
            used += done.used
            blob_gas += done.blob_gas
            real = tuple(log for log in done.logs if bytes(log.address) != ETHER)
            logs += real
            receipt = rules.make_receipt(done.tx, done.error, Uint(used), real)
            trie_set(output.receipts_trie, rlp.encode(Uint(index)), receipt)
            trie_set(output.transactions_trie, rlp.encode(Uint(index)), kinds.encode_transaction(done.tx))
            executed.append(done)
        output.block_logs = logs
        withdrawals = tuple(
            Withdrawal(U64(int(w["index"], 16)), U64(int(w["validatorIndex"], 16)), address_of(w["address"]), U256(int(w["amount"], 16)))
            for w in overrides.get("withdrawals", []))  # fmt: skip
        rules.process_withdrawals(env, output, withdrawals)
        rules.process_general_purpose_requests(env, output)
        header.update({
            "stateRoot": rpc_tries.state_root(self.state), "transactionsRoot": bytes(root(output.transactions_trie)),
            "receiptsRoot": bytes(root(output.receipts_trie)), "bloom": bytes(logs_bloom(logs)), "gasUsed": number(used),
            "withdrawalsRoot": bytes(root(output.withdrawals_trie)), "blobGasUsed": number(blob_gas),
            "requestsHash": bytes(compute_requests_hash(output.requests)),
        })  # fmt: skip
        self.parent = header
        return header, executed, overrides.get("withdrawals", [])

    def call(self, env, fields, remaining):
        sender = address_of(fields.get("from") or hx(bytes(20)))
        nonce = int(states.get_account(self.state, sender).nonce)
        gas = int(fields["gas"], 16) if fields.get("gas") is not None else remaining
        if gas > remaining:
            raise Refused(-38015, f"block gas limit reached: remaining: {remaining}, required: {gas}")
        gas = min(gas, self.left)
        request = Request({**fields, "gas": hex(gas)}, nonce=nonce, gas=gas)
        if self.validates:
            supplied, name = f"(supplied gas {gas})", checksummed(sender)
            if request.nonce == 2**64 - 1:
                raise Refused(-32603, f"err: nonce has max value: address {name}, nonce: {request.nonce} {supplied}")
            if request.nonce != nonce:
                low = request.nonce < nonce
                raise Refused(-38010 if low else -38011, f"err: nonce too {'low' if low else 'high'}: address {name}, tx: {request.nonce} state: {nonce} {supplied}")
        base = env.base_fee_per_gas
        if not self.validates and not request.fee:
            env.base_fee_per_gas = Uint(0)
        done = execute(env, request, checks_fees=self.validates, transfers=self.options.get("traceTransfers", False))
        env.base_fee_per_gas = base
        self.left -= done.used
        return done


class _Parent:
    """A header as the specification's functions ask for it."""

    def __init__(self, header):
        self.excess_blob_gas = U64(int.from_bytes(header["excessBlobGas"], "big"))
        self.blob_gas_used = U64(int.from_bytes(header["blobGasUsed"], "big"))
        self.base_fee_per_gas = Uint(int.from_bytes(header["baseFeePerGas"], "big"))
