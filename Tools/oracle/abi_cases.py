"""Writes seeded cases of the contract ABI's coding, as eth_abi codes them, for Tests/ContractsTests/ABICaseTests.swift.

    python Tools/oracle/abi_cases.py OUTPUT [--seed N] [--values N] [--malformed N]

A line is a case of four columns between tabs: "value" or "malformed", the types in parentheses, JSON, hex. Of a value the
JSON is [arguments, values]: arguments as texts in one of the forms that `cast` reads, values in the one that it prints;
the hex is the encoding. Of a malformed case the hex is a damaged encoding and the JSON the values that eth_abi reads from
it nevertheless, or null where it refuses it.
"""
import argparse
import json
import random

from eth_abi import decode, encode
from eth_abi import decoding
from eth_utils import to_checksum_address
from eth_abi.exceptions import DecodingError

ELEMENTARY = ["uint", "int", "address", "bool", "bytesN", "bytes", "string", "function", "fixed"]
TEXTS = ["", "a", "hello", "it's", 'say "x"', "back\\slash", "tab\tnew\nline", "grüße", "河流", "🌊🌊", "[1, 2]", "0x12",
         "a, b)", " spaces ", "\x01\x7f", "x" * 40]


def head_words(decoder):
    """Words that a decoder reads in the head: exact where eth_abi counts a nested tuple or list as one."""
    if getattr(decoder, "is_dynamic", False):
        return 1
    if isinstance(decoder, decoding.TupleDecoder):
        return sum(map(head_words, decoder.decoders))
    if isinstance(decoder, decoding.SizedArrayDecoder):
        return decoder.array_size * head_words(decoder.item_decoder)
    return 1


def validate_pointers(self, stream):
    start, size = stream.tell(), len(stream.getbuffer())
    end = start + 32 * sum(map(head_words, self.decoders))
    for decoder in self.decoders:
        if isinstance(decoder, decoding.HeadTailDecoder):
            target = start + decoding.decode_uint_256(stream)
            if target < end or target >= size:
                raise decoding.InvalidPointer("outside")
        else:
            decoder(stream)
    stream.seek(start)


decoding.TupleDecoder.validate_pointers = validate_pointers


class Type:
    """An elementary type by kind and width, an array of `parts[0]`, or a tuple of `parts`."""

    def __init__(self, kind, width=0, parts=(), decimals=0):
        self.kind, self.width, self.parts, self.decimals = kind, width, parts, decimals

    def __str__(self):
        if self.kind == "array":
            return f"{self.parts[0]}[{self.width or ''}]"
        if self.kind == "tuple":
            return "(" + ",".join(map(str, self.parts)) + ")"
        if self.kind in ("uint", "int"):
            return f"{self.kind}{self.width}"
        if self.kind in ("fixed", "ufixed"):
            return f"{self.kind}{self.width}x{self.decimals}"
        return f"bytes{self.width}" if self.kind == "bytesN" else self.kind


def random_type(rng, depth):
    if depth > 0 and rng.random() < 0.4:
        if rng.random() < 0.5:
            return Type("tuple", parts=[random_type(rng, depth - 1) for _ in range(rng.randint(1, 4))])
        return Type("array", rng.choice([0, 0, 1, 2, 3]), [random_type(rng, depth - 1)])
    kind = rng.choice(ELEMENTARY)
    if kind == "bytesN":
        return Type(kind, rng.randint(1, 32))
    if kind == "fixed":
        return Type(rng.choice(["fixed", "ufixed"]), 8 * rng.randint(1, 32), decimals=rng.randint(1, 30))
    return Type(kind, 8 * rng.randint(1, 32))


def random_number(rng, bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    choice = rng.random()
    if choice < 0.2:
        return rng.choice([low, high, 0, min(1, high)])
    if choice < 0.5:
        return max(low, min(high, rng.randint(-300, 300) if signed else rng.randint(0, 300)))
    return rng.randint(low, high)


def quoted(text):
    out = ""
    for character in text:
        code = ord(character)
        if character in '"\\':
            out += "\\" + character
        elif character in "\n\r\t":
            out += {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
        elif code < 0x20 or code == 0x7F:
            out += "\\u{%x}" % code
        else:
            out += character
    return f'"{out}"'


def number_text(rng, number):
    """One of the ways to write a number."""
    sign, size = ("-" if number < 0 else ""), abs(number)
    choice = rng.random()
    if choice < 0.2:
        return f"{sign}0x{size:x}"
    for exponent, unit in ((18, "ether"), (9, "gwei"), (9, " gwei")):
        if choice < 0.6 and size and size % 10 ** (exponent - 3) == 0:
            whole, part = divmod(size, 10**exponent)
            return f"{sign}{whole}.{part // 10 ** (exponent - 3):03}{unit}" if part else f"{sign}{whole}{unit}"
    return str(number)


def decimal_text(number, decimals):
    digits = str(abs(number)).rjust(decimals + 1, "0")
    return ("-" if number < 0 else "") + digits[:-decimals] + "." + digits[-decimals:]


def value(rng, type):
    """A random value: what eth_abi takes, the text as an argument, the text as it is printed, both inside a list."""
    from decimal import Decimal
    kind = type.kind
    if kind == "array":
        parts = [value(rng, type.parts[0]) for _ in range(type.width or rng.randint(0, 3))]
        shown = "[" + ", ".join(p[2] for p in parts) + "]"
        return [p[0] for p in parts], "[" + rng.choice([",", ", ", " , "]).join(p[1] for p in parts) + "]", shown
    if kind == "tuple":
        parts = [value(rng, part) for part in type.parts]
        shown = "(" + ", ".join(p[2] for p in parts) + ")"
        return tuple(p[0] for p in parts), "(" + ",".join(p[1] for p in parts) + ")", shown
    if kind in ("uint", "int"):
        number = random_number(rng, type.width, kind == "int")
        return number, number_text(rng, number), str(number)
    if kind in ("fixed", "ufixed"):
        number = random_number(rng, type.width, kind == "fixed")
        text = decimal_text(number, type.decimals)
        return Decimal(text), text, text
    if kind == "bool":
        flag = rng.random() < 0.5
        return flag, str(flag).lower(), str(flag).lower()
    if kind == "address":
        address = "0x" + rng.randbytes(20).hex()
        return address, rng.choice([address, to_checksum_address(address), address[2:]]), to_checksum_address(address)
    if kind == "string":
        text = rng.choice(TEXTS) if rng.random() < 0.7 else "".join(chr(rng.randint(0x20, 0x2FF)) for _ in range(rng.randint(0, 70)))
        return text, quoted(text), quoted(text)
    count = {"bytes": rng.choice([0, 1, 31, 32, 33, rng.randint(0, 100)]), "function": 24}.get(kind, type.width)
    data = rng.randbytes(count)
    return data, "0x" + data.hex(), "0x" + data.hex()


def shown(type, decoded, top=True):
    """What eth_abi has decoded, as it is printed."""
    if type.kind in ("array", "tuple"):
        parts = type.parts if type.kind == "tuple" else [type.parts[0]] * len(decoded)
        text = ", ".join(shown(part, item, False) for part, item in zip(parts, decoded))
        return f"({text})" if type.kind == "tuple" else f"[{text}]"
    if type.kind in ("fixed", "ufixed"):
        sign, digits, exponent = decoded.as_tuple()
        number = int("".join(map(str, digits))) * 10 ** (exponent + type.decimals)
        return decimal_text(-number if sign else number, type.decimals)
    if type.kind == "bool":
        return str(decoded).lower()
    if type.kind == "address":
        return to_checksum_address(decoded)
    if type.kind == "string":
        return decoded if top else quoted(decoded)
    return str(decoded) if isinstance(decoded, int) else "0x" + decoded.hex()


def value_case(rng):
    types = [random_type(rng, 3) for _ in range(rng.randint(1, 4))]
    values = [value(rng, type) for type in types]
    encoded = encode(list(map(str, types)), [v[0] for v in values])
    arguments, printed = [], []
    for type, (raw, argument, text) in zip(types, values):
        if type.kind == "string":
            arguments.append(raw if raw[:1] not in ("'", '"') and rng.random() < 0.8 else argument)
            printed.append(raw)
        else:
            arguments.append(argument)
            printed.append(text)
    return types, arguments, printed, encoded


def damaged(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        choice = rng.random()
        word = 32 * rng.randrange(max(1, len(data) // 32))
        if choice < 0.2:
            del data[rng.randrange(len(data) + 1):]
        elif choice < 0.45 and data:
            data[min(len(data) - 1, word + 31)] ^= 1 << rng.randrange(8)
        elif choice < 0.6 and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif choice < 0.75:
            data[word:word + 32] = rng.choice([bytes(32), b"\xff" * 32, (len(data)).to_bytes(32, "big"), rng.randbytes(32)])
        elif choice < 0.9:
            data[word:word + 32] = (32 * rng.randrange(len(data) // 32 + 2)).to_bytes(32, "big")
        else:
            other = 32 * rng.randrange(max(1, len(data) // 32))
            data[word:word + 32], data[other:other + 32] = data[other:other + 32], data[word:word + 32]
    return bytes(data)


def malformed_case(rng):
    while True:
        types, _, _, encoded = value_case(rng)
        data = damaged(rng, encoded)
        if data == encoded or not data:
            continue
        try:
            decoded = decode(list(map(str, types)), data)
        except (DecodingError, UnicodeDecodeError, OverflowError):
            return types, None, data
        return types, [shown(type, item) for type, item in zip(types, decoded)], data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", type=int, default=20_000)
    parser.add_argument("--malformed", type=int, default=2_000)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with open(options.output, "w") as file:
        for _ in range(options.values):
            types, arguments, printed, encoded = value_case(rng)
            file.write(f"value\t({','.join(map(str, types))})\t{json.dumps([arguments, printed])}\t{encoded.hex()}\n")
        refused = 0
        for _ in range(options.malformed):
            types, printed, data = malformed_case(rng)
            refused += printed is None
            file.write(f"malformed\t({','.join(map(str, types))})\t{json.dumps(printed)}\t{data.hex()}\n")
    print(f"{options.values} values, {options.malformed} damaged encodings ({refused} refused), seed {options.seed}")


main()
