"""A small SBPF assembler for the oracle: programs of a few instructions as ELF files of version 0 or 3.

Version 0 files name syscalls by relocations against dynamic symbols (the lenient loader), version 3 files by their
hash in the instruction (the strict loader).
"""

import struct

PROGRAM, STACK, HEAP, INPUT = (index << 32 for index in range(1, 5))


def murmur3(data):
    def rotate(x, r):
        return (x << r | x >> 32 - r) & 0xFFFFFFFF

    def scramble(block):
        return rotate(block * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF

    state, whole = 0, len(data) // 4 * 4
    for at in range(0, whole, 4):
        state = rotate(state ^ scramble(int.from_bytes(data[at : at + 4], "little")), 13)
        state = state * 5 + 0xE6546B64 & 0xFFFFFFFF
    if whole < len(data):
        state ^= scramble(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return state ^ state >> 16


class Assembler:
    """Appends instructions; `elf()` gives the file. `rodata_address` is where the program finds its constants."""

    def __init__(self, version, rodata=b""):
        self.version = version
        self.rodata = rodata + bytes(-len(rodata) % 8)
        self.rodata_address = 0 if version == 3 else PROGRAM + 64
        self.code = []  # 8-byte instructions
        self.calls = []  # (position, syscall name)

    def insn(self, opcode, dst=0, src=0, offset=0, imm=0):
        self.code.append(struct.pack("<BBhI", opcode, dst | src << 4, offset, imm & 0xFFFFFFFF))
        return self

    def load(self, register, value):
        self.insn(0x18, register, 0, 0, value)
        return self.insn(0, 0, 0, 0, value >> 32)

    def move(self, dst, src):
        return self.insn(0xBF, dst, src)

    def store(self, dst, offset, src):
        return self.insn(0x7B, dst, src, offset)

    def syscall(self, name, *arguments):
        for index, value in enumerate(arguments):
            if value is not None:
                self.load(index + 1, value % 2**64)
        self.calls.append((len(self.code), name))
        return self.insn(0x85, 0, 0, 0, -1)

    def exit(self):
        return self.insn(0x95)

    def elf(self):
        return self.strict() if self.version == 3 else self.lenient()

    def strict(self):
        code = list(self.code)
        for position, name in self.calls:
            code[position] = struct.pack("<BBhI", 0x85, 0, 0, murmur3(name.encode()))
        text = b"".join(code)
        parts = [(4, 0, self.rodata)] if self.rodata else []
        parts.append((1, PROGRAM, text))
        offset, segments, body = 64 + 56 * len(parts), b"", b""
        for flags, address, data in parts:
            place = offset + len(body)
            segments += struct.pack("<IIQQQQQQ", 1, flags, place, address, address, len(data), len(data), 4096)
            body += data
        return header(3, PROGRAM, 64, 0, len(parts), 0, 0) + segments + body

    def lenient(self):
        text = b"".join(self.code)
        names = sorted({name for _, name in self.calls})
        strings, at = b"\0", {}
        for name in names:
            at[name] = len(strings)
            strings += name.encode() + b"\0"
        symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", at[name], 0x10, 0, 0, 0, 0) for name in names)
        start, entry = 64, 64 + len(self.rodata)
        relocations = b"".join(
            struct.pack("<QQ", entry + position * 8, (names.index(name) + 1) << 32 | 10) for position, name in self.calls
        )
        pieces = [
            (".rodata", 1, 2, self.rodata), (".text", 1, 6, text), (".dynamic", 6, 3, b""), (".dynsym", 11, 2, symbols), (".dynstr", 3, 2, strings),
            (".rel.dyn", 9, 2, relocations), (".shstrtab", 3, 0, b""),
        ]
        titles, places = b"\0", {}
        for name, *_ in pieces:
            places[name] = len(titles)
            titles += name.encode() + b"\0"
        sizes = [len(data) for *_, data in pieces]
        sizes[2], sizes[6] = 6 * 16, len(titles)
        offsets, end = [], start
        for size in sizes:
            end += -end % 8
            offsets.append(end)
            end += size
        dynamic = [(17, offsets[5]), (18, sizes[5]), (19, 16), (6, offsets[3]), (5, offsets[4]), (0, 0)]
        contents = [
            self.rodata, text, b"".join(struct.pack("<QQ", *entry) for entry in dynamic), symbols, strings, relocations,
            titles,
        ]
        body = b""
        table = bytes(64)
        for (name, kind, flags, _), offset, data in zip(pieces, offsets, contents):
            body += bytes(offset - start - len(body)) + data
            address = offset if flags & 2 else 0
            link = 5 if kind == 11 else 4 if kind == 9 else 0
            size = 24 if kind == 11 else 16 if kind in (6, 9) else 0
            table += struct.pack("<IIQQQQIIQQ", places[name], kind, flags, address, offset, len(data), link, 0, 8, size)
        body += bytes(-(start + len(body)) % 8)
        return header(0, entry, 0, start + len(body), 0, 8, 7) + body + table


def header(flags, entry, program_headers, section_headers, segments, sections, names):
    kind = b"\x7fELF\x02\x01\x01" + bytes(9)
    fields = struct.pack(
        "<HHIQQQIHHHHHH", 3, 247, 1, entry, program_headers, section_headers, flags, 64, 56, segments, 64, sections, names
    )
    return kind + fields
