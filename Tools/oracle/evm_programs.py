"""Random EVM code with a structure: expressions over interesting values, memory, storage, loops, branches, subroutines,
calls of every kind, creations, logs; now and then something invalid. Noise alone would stop at the first opcode.

The stack height is known while code is made, so most code runs to its end; what is on the stack then goes into memory,
is logged mostly, and returned, so that every value counts.
"""

FORKS = [
    "frontier", "homestead", "tangerine_whistle", "spurious_dragon", "byzantium", "constantinople", "istanbul", "berlin",
    "london", "paris", "shanghai", "cancun", "prague", "osaka", "bpo1", "bpo2",
]

STOP, ADD, MUL, SUB, DIV, SDIV, MOD, SMOD, ADDMOD, MULMOD, EXP, SIGNEXTEND = range(0x00, 0x0C)
LT, GT, SLT, SGT, EQ, ISZERO, AND, OR, XOR, NOT, BYTE, SHL, SHR, SAR, CLZ = range(0x10, 0x1F)
KECCAK256 = 0x20
ADDRESS, BALANCE, ORIGIN, CALLER, CALLVALUE, CALLDATALOAD, CALLDATASIZE, CALLDATACOPY = range(0x30, 0x38)
CODESIZE, CODECOPY, GASPRICE, EXTCODESIZE, EXTCODECOPY, RETURNDATASIZE, RETURNDATACOPY, EXTCODEHASH = range(0x38, 0x40)
BLOCKHASH, COINBASE, TIMESTAMP, NUMBER, PREVRANDAO, GASLIMIT, CHAINID, SELFBALANCE = range(0x40, 0x48)
BASEFEE, BLOBHASH, BLOBBASEFEE = range(0x48, 0x4B)
POP, MLOAD, MSTORE, MSTORE8, SLOAD, SSTORE, JUMP, JUMPI, PC, MSIZE, GAS, JUMPDEST = range(0x50, 0x5C)
TLOAD, TSTORE, MCOPY, PUSH0, PUSH1 = 0x5C, 0x5D, 0x5E, 0x5F, 0x60
DUP1, SWAP1, LOG0 = 0x80, 0x90, 0xA0
CREATE, CALL, CALLCODE, RETURN, DELEGATECALL, CREATE2 = 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5
STATICCALL, REVERT, INVALID, SELFDESTRUCT = 0xFA, 0xFD, 0xFE, 0xFF

# Opcode: the fork that brought it; all others are Frontier's.
SINCE = {
    DELEGATECALL: "homestead", REVERT: "byzantium", STATICCALL: "byzantium", RETURNDATASIZE: "byzantium",
    RETURNDATACOPY: "byzantium", SHL: "constantinople", SHR: "constantinople", SAR: "constantinople",
    CREATE2: "constantinople", EXTCODEHASH: "constantinople", CHAINID: "istanbul", SELFBALANCE: "istanbul",
    BASEFEE: "london", PUSH0: "shanghai", TLOAD: "cancun", TSTORE: "cancun", MCOPY: "cancun", BLOBHASH: "cancun",
    BLOBBASEFEE: "cancun", CLZ: "osaka",
}

PRECOMPILES = {"frontier": 4, "byzantium": 8, "istanbul": 9, "cancun": 10, "prague": 17}


def has(fork, opcode):
    return FORKS.index(fork) >= FORKS.index(SINCE.get(opcode, "frontier"))


def precompile_count(fork):
    return max(n for name, n in PRECOMPILES.items() if FORKS.index(name) <= FORKS.index(fork))


class Code:
    """Bytes under construction, with the stack height that they leave."""

    def __init__(self, random, fork, addresses):
        self.random, self.fork, self.addresses = random, fork, addresses
        self.bytes, self.height, self.depth = bytearray(), 0, 0

    # Parts

    def op(self, opcode, pops, pushes):
        self.bytes.append(opcode)
        self.height += pushes - pops

    def push(self, value, width=None):
        if value == 0 and width is None and has(self.fork, PUSH0) and self.random.random() < 0.7:
            self.op(PUSH0, 0, 1)
            return
        width = width or max(1, (value.bit_length() + 7) // 8)
        self.bytes += bytes([PUSH1 + width - 1]) + value.to_bytes(width, "big")
        self.height += 1

    def value(self):
        """Something that arithmetic finds interesting."""
        random = self.random
        kind = random.randrange(10)
        if kind < 3:
            return random.randrange(0, 40)
        if kind == 3:
            return 2 ** random.randrange(0, 256)
        if kind == 4:
            return 2 ** random.randrange(1, 257) - 1
        if kind == 5:
            return (2**256 - random.randrange(1, 40)) % 2**256
        if kind == 6:
            return 2**255 + random.randrange(-2, 3)
        if kind == 7:
            return random.getrandbits(random.choice([8, 16, 32, 63, 64, 65, 128, 129, 192, 255]))
        if kind == 8:
            return int.from_bytes(bytes(random.choice([0, 0xFF]) for _ in range(32)), "big")
        return random.getrandbits(256)

    def address(self):
        return int.from_bytes(self.random.choice(self.addresses), "big")

    def operand(self):
        """One more value on the stack, from wherever."""
        random = self.random
        choice = random.randrange(12)
        if self.height > 0 and choice < 3:
            self.op(DUP1 + random.randrange(min(self.height, 16)), 0, 1)
        elif choice == 3:
            self.simple()
        elif choice == 4:
            self.offset()
            self.op(random.choice([MLOAD, CALLDATALOAD]), 1, 1)
        elif choice == 5:
            self.slot()
            self.op(TLOAD if has(self.fork, TLOAD) and random.random() < 0.3 else SLOAD, 1, 1)
        else:
            self.push(self.value())

    def simple(self):
        opcodes = [
            ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATASIZE, CODESIZE, GASPRICE, RETURNDATASIZE, COINBASE, TIMESTAMP,
            NUMBER, PREVRANDAO, GASLIMIT, CHAINID, SELFBALANCE, BASEFEE, BLOBBASEFEE, PC, MSIZE, GAS,
        ]
        self.op(self.random.choice([o for o in opcodes if has(self.fork, o)]), 0, 1)

    def offset(self):
        """A place in memory: mostly near, rarely far, hardly ever absurd."""
        random = self.random
        roll = random.random()
        if roll < 0.9:
            self.push(random.randrange(0, 260))
        elif roll < 0.985:
            self.push(random.randrange(0, 20_000))
        else:
            self.push(random.choice([2**32, 2**63, 2**64 - 1, 2**64, 2**255, 2**256 - 1]))

    def size(self):
        roll = self.random.random()
        limit = 1 if roll < 0.15 else 70 if roll < 0.9 else 4000
        self.push(self.random.randrange(0, limit))

    def slot(self):
        self.push(self.random.randrange(0, 6) if self.random.random() < 0.9 else self.value())

    # Statements

    def arithmetic(self):
        random = self.random
        unary, binary, ternary = [ISZERO, NOT], [
            ADD, MUL, SUB, DIV, SDIV, MOD, SMOD, SIGNEXTEND, LT, GT, SLT, SGT, EQ, AND, OR, XOR, BYTE,
        ], [ADDMOD, MULMOD]
        if has(self.fork, SHL):
            binary += [SHL, SHR, SAR] * 2
        if has(self.fork, CLZ):
            unary += [CLZ]
        roll = random.random()
        if roll < 0.15:
            self.operand()
            self.op(random.choice(unary), 1, 1)
        elif roll < 0.3:
            for _ in range(3):
                self.operand()
            self.op(random.choice(ternary), 3, 1)
        elif roll < 0.36:
            self.push(self.value() if random.random() < 0.3 else random.randrange(0, 300))
            self.operand()
            self.op(EXP, 2, 1)
        else:
            self.operand()
            if random.random() < 0.3:
                self.push(random.randrange(0, 300))
            else:
                self.operand()
            self.op(random.choice(binary), 2, 1)

    def memory(self):
        random = self.random
        choice = random.randrange(8)
        if choice < 3:
            self.operand()
            self.offset()
            self.op(random.choice([MSTORE, MSTORE, MSTORE8]), 2, 0)
        elif choice == 3:
            self.size()
            self.offset()
            self.op(KECCAK256, 2, 1)
        elif choice == 4:
            copies = [CALLDATACOPY, CODECOPY] + [o for o in (MCOPY, RETURNDATACOPY) if has(self.fork, o)]
            opcode = random.choice(copies)
            if opcode == RETURNDATACOPY and random.random() < 0.85:
                self.op(RETURNDATASIZE, 0, 1)
                self.push(0)
            else:
                self.size()
                self.offset()
            self.offset()
            self.op(opcode, 3, 0)
        elif choice == 5:
            self.size()
            self.offset()
            self.offset()
            self.push(self.address())
            self.op(EXTCODECOPY, 4, 0)
        elif choice == 6:
            count = random.randrange(5)
            for _ in range(count):
                self.operand()
            self.size()
            self.offset()
            self.op(LOG0 + count, count + 2, 0)
        else:
            self.offset()
            self.op(MLOAD, 1, 1)

    def storage(self):
        self.operand()
        if self.random.random() < 0.4:
            self.push(self.random.randrange(0, 3))
        else:
            self.operand()
        self.op(SWAP1, 0, 0)
        self.op(POP, 1, 0)
        self.slot()
        self.op(TSTORE if has(self.fork, TSTORE) and self.random.random() < 0.25 else SSTORE, 2, 0)

    def environment(self):
        opcodes = [BALANCE, EXTCODESIZE] + [o for o in (EXTCODEHASH,) if has(self.fork, o)]
        roll = self.random.random()
        if roll < 0.6:
            self.push(self.address())
            self.op(self.random.choice(opcodes), 1, 1)
        elif roll < 0.8:
            self.push(self.random.choice([0, 1, 2, 255, 256, 998, 999, 1000, 2**64, 2**256 - 1]))
            self.op(BLOCKHASH, 1, 1)
        elif has(self.fork, BLOBHASH):
            self.push(self.random.randrange(0, 4))
            self.op(BLOBHASH, 1, 1)
        else:
            self.simple()

    def shuffle(self):
        random = self.random
        if self.height < 2 or random.random() < 0.3:
            if self.height and random.random() < 0.5:
                self.op(POP, 1, 0)
            else:
                self.operand()
        else:
            self.op(SWAP1 + random.randrange(min(self.height - 1, 16)), 0, 0)

    def call(self):
        random = self.random
        kinds = [CALL, CALL, CALLCODE] + [o for o in (DELEGATECALL, STATICCALL) if has(self.fork, o)]
        kind = random.choice(kinds)
        self.size()
        self.offset()
        self.size()
        self.offset()
        pops = 6
        if kind in (CALL, CALLCODE):
            self.push(0 if random.random() < 0.6 else random.choice([1, 3, 10**6, 10**21]))
            pops = 7
        if random.random() < 0.25:
            self.push(random.randrange(1, precompile_count(self.fork) + 2))
        else:
            self.push(self.address())
        roll = random.random()
        if roll < 0.5:
            self.op(GAS, 0, 1)
        else:
            self.push(random.choice([0, 1, 700, 2299, 2300, 5000, 9000, 25_000, 60_000, 200_000, 2**64, 2**256 - 1]))
        self.op(kind, pops, 1)

    def create(self):
        """A contract out of a few bytes of initcode."""
        random = self.random
        inner = Code(random, self.fork, self.addresses)
        inner.depth = self.depth + 2
        if random.random() < 0.5:
            runtime = bytes(random.choice([[STOP], [0xEF], [CALLER, SELFDESTRUCT], [PC, PC, SSTORE], []]))
            for index, byte in enumerate(runtime):
                inner.push(byte)
                inner.push(index)
                inner.op(MSTORE8, 2, 0)
            inner.push(len(runtime))
            inner.push(0)
            inner.op(RETURN, 2, 0)
        else:
            inner.block(random.randrange(1, 5))
            inner.finish()
        initcode = bytes(inner.bytes)[:600]
        for index in range(0, len(initcode), 32):
            self.push(int.from_bytes(initcode[index : index + 32].ljust(32, b"\0"), "big"))
            self.push(0x200 + index)
            self.op(MSTORE, 2, 0)
        two = has(self.fork, CREATE2) and random.random() < 0.5
        if two:
            self.push(random.randrange(0, 3))
        self.push(len(initcode))
        self.push(0x200)
        self.push(random.choice([0, 0, 0, 1, 10**21]))
        self.op(CREATE2 if two else CREATE, 4 if two else 3, 1)

    # Control flow. Every construct leaves the stack as high as it found it.

    def balanced(self, height):
        while self.height > height:
            self.op(POP, 1, 0)
        while self.height < height:
            self.push(self.value())

    def label(self):
        self.bytes += bytes([PUSH1 + 1, 0, 0])
        self.height += 1
        return len(self.bytes) - 2

    def land(self, label, mark=True):
        position = len(self.bytes)
        self.bytes[label : label + 2] = position.to_bytes(2, "big")
        if mark:
            self.op(JUMPDEST, 0, 0)

    def branch(self):
        self.operand()
        if self.random.random() < 0.5:
            self.operand()
            self.op(self.random.choice([LT, GT, SLT, SGT, EQ]), 2, 1)
        for _ in range(self.random.randrange(3)):
            self.op(ISZERO, 1, 1)
        label = self.label()
        self.op(JUMPI, 2, 0)
        height = self.height
        self.nested()
        self.balanced(height)
        if self.random.random() < 0.4:
            end = self.label()
            self.op(JUMP, 1, 0)
            self.height = height
            self.land(label)
            self.nested()
            self.balanced(height)
            self.land(end)
        else:
            self.land(label)

    def loop(self):
        self.push(self.random.randrange(1, 6))
        start = len(self.bytes)
        self.op(JUMPDEST, 0, 0)
        height = self.height
        self.nested()
        self.balanced(height)
        self.push(1)
        self.op(SWAP1, 0, 0)
        self.op(SUB, 2, 1)
        self.op(DUP1, 0, 1)
        self.push(start, 2)
        self.op(JUMPI, 2, 0)
        self.op(POP, 1, 0)

    def subroutine(self):
        """A call through a return address on the stack, from two heights."""
        over = self.label()
        self.op(JUMP, 1, 0)
        entry = len(self.bytes)
        self.height += 1  # the return address
        self.op(JUMPDEST, 0, 0)
        height = self.height
        self.nested()
        self.balanced(height)
        self.op(JUMP, 1, 0)
        self.land(over)
        for extra in range(self.random.randrange(1, 3)):
            for _ in range(extra):
                self.operand()
            back = self.label()
            self.push(entry, 2)
            self.op(JUMP, 2, 0)
            self.land(back)
            self.height += 0

    def nested(self):
        self.depth += 1
        self.block(self.random.randrange(1, 5))
        self.depth -= 1

    def strange(self):
        """What should not be there."""
        random = self.random
        roll = random.randrange(8)
        if roll == 0:
            self.bytes.append(random.randrange(256))
        elif roll == 1:
            self.bytes.append(INVALID)
        elif roll == 2:
            self.push(random.choice([0, 1, len(self.bytes), 2**64, 2**256 - 1]))
            self.op(JUMP, 1, 0)
        elif roll == 3:
            self.bytes.append(SWAP1 + 15)
        elif roll == 4:
            self.push(self.address())
            self.op(SELFDESTRUCT, 1, 0)
        elif roll == 5:
            self.bytes += bytes([STOP])
        else:
            self.size()
            self.offset()
            self.op(REVERT if has(self.fork, REVERT) else RETURN, 2, 0)

    def block(self, count):
        for _ in range(count):
            roll = self.random.random()
            if roll < 0.34:
                self.arithmetic()
            elif roll < 0.50:
                self.memory()
            elif roll < 0.58:
                self.storage()
            elif roll < 0.64:
                self.environment()
            elif roll < 0.74:
                self.shuffle()
            elif roll < 0.80 and self.depth < 3:
                self.call()
            elif roll < 0.82 and self.depth < 2:
                self.create()
            elif roll < 0.88 and self.depth < 3:
                self.branch()
            elif roll < 0.92 and self.depth < 2:
                self.loop()
            elif roll < 0.955 and self.depth < 3:
                self.subroutine()
            elif roll < 0.965:
                self.strange()
            else:
                self.operand()

    def finish(self):
        """Puts the stack into memory and returns it."""
        count = min(self.height, 12)
        for index in range(count):
            self.push(32 * index)
            self.op(MSTORE, 2, 0)
        if self.random.random() < 0.6:
            self.push(32 * count)
            self.push(0)
            self.op(LOG0, 2, 0)
        self.push(32 * count)
        self.push(0)
        self.op(RETURN, 2, 0)


def program(random, fork, addresses, statements=None):
    """Runtime code, at most 24,576 bytes."""
    code = Code(random, fork, addresses)
    code.block(statements or random.randrange(3, 30))
    code.finish()
    return bytes(code.bytes)[:24_576]
