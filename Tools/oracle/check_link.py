"""Objects of stock clang, linked for every SBPF version, run by LiteSVM and compared with the same C run natively.

    check_link.py [--inputs N] [--seed N] [--linker COMMAND]

Each object (three -mcpu levels, three optimisation levels; tables.c also with -fPIC, -fdata-sections and without
builtins, alone and as one of two objects) is linked as v0 to v3; objects with 32-bit comparisons must be refused below v3
and nothing else may be. LiteSVM has to accept every file, give the native result as return data and the same compute
units each time; the programs of `Programs/` are linked and loaded, too. Traps of every kind must abort, and what cannot
be linked is refused by its name, function and line. COMMAND is the linker up to its operands, by default `estuary link`.
"""

import argparse
import ctypes
import os
import random
import shlex
import struct
import subprocess
import sys
import tempfile

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "link", "arithmetic.c")
TABLES = os.path.join(HERE, "link", "tables.c")
PART = os.path.join(HERE, "link", "part.c")
VERSIONS = ["v0", "v1", "v2", "v3"]
BPF_FLAGS = ["-target", "bpf", "-mllvm", "-bpf-stack-size=4096", "-c"]


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def native(folder, sources, *flags):
    library = os.path.join(folder, "native.so")
    if os.path.exists(library):
        os.unlink(library)
    command = [oracle.clang(), "-O1", "-fwrapv", "-shared", "-fPIC", *flags, *sources, "-o", library]
    subprocess.run(command, check=True)
    unique = os.path.join(folder, f"native-{len(os.listdir(folder))}.so")
    os.rename(library, unique)
    compute = ctypes.CDLL(unique).compute
    compute.restype = ctypes.c_uint64
    compute.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
    return lambda data: compute(data, len(data))


class Machine:
    def __init__(self, elf):
        self.payer = Keypair()
        self.program = Pubkey.new_unique()
        self.svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self.svm.airdrop(self.payer.pubkey(), 10**12)
        self.svm.add_program(self.program, elf)

    def call(self, data):
        message = Message([Instruction(self.program, data, [])], self.payer.pubkey())
        result = self.svm.send_transaction(Transaction([self.payer], message, self.svm.latest_blockhash()))
        if isinstance(result, FailedTransactionMetadata):
            return None, result.meta().compute_units_consumed(), result.meta().logs()
        return bytes(result.return_data().data), result.compute_units_consumed(), result.logs()


def check(name, elf, inputs, expected):
    try:
        machine = Machine(elf)
    except BaseException as error:  # the binding raises its own type
        return [f"{name}: LiteSVM refuses the file: {error}"]
    problems = []
    for data, value in zip(inputs, expected):
        result, units, logs = machine.call(data)
        if result is None or result.ljust(8, b"\0") != struct.pack("<Q", value):
            problems.append(f"{name}: input {data.hex()[:32]}… gives {result and result.hex()}, not {value:016x}: {logs}")
            break
        if machine.call(data)[1] != units or "Program log: computed" not in logs:
            problems.append(f"{name}: units or logs differ between two runs")
    return problems


def compile_object(source, target, *flags):
    subprocess.run([oracle.clang(), *BPF_FLAGS, *flags, source, "-o", target], check=True)


class Links:
    """Every object linked for every version; what went wrong."""

    def __init__(self, folder, linker, inputs):
        self.folder, self.linker, self.inputs = folder, shlex.split(linker), inputs
        self.problems, self.linked, self.refused = [], 0, 0

    def each(self, name, cpu, objects, expected):
        for version in VERSIONS:
            output = os.path.join(self.folder, "program.so")
            result = run([*self.linker, *objects, "-o", output, "--sbpf-version", version])
            if result.returncode != 0:
                text = (result.stdout + result.stderr).strip()
                if cpu == "v3" and version != "v3" and "JMP32" in text:
                    self.refused += 1
                else:
                    self.problems.append(f"{name} as {version}: {text}")
                continue
            self.linked += 1
            with open(output, "rb") as file:
                elf = file.read()
            self.problems += check(f"{name} as {version}", elf, self.inputs if expected else [], expected)

    def expect(self, holds, text):
        if not holds:
            self.problems.append(text)


def check_arithmetic(links):
    compute = native(links.folder, [SOURCE])
    expected = [compute(data) for data in links.inputs]
    cases = [(SOURCE, cpu, level) for cpu in ("v1", "v2", "v3") for level in ("-O1", "-O2", "-Os")]
    programs = os.path.join(oracle.ROOT, "Programs")
    for name in sorted(os.listdir(programs)):
        source = os.path.join(programs, name, name + ".c")
        if os.path.exists(source):
            cases += [(source, "v2", "-O2"), (source, "v3", "-O2")]
    target = os.path.join(links.folder, "object.o")
    for source, cpu, level in cases:
        compile_object(source, target, f"-mcpu={cpu}", level, "-I", os.path.join(programs, "include"))
        links.each(
            f"{os.path.basename(source)} -mcpu={cpu} {level}", cpu, [target], expected if source == SOURCE else [])


def check_tables(links):
    shapes = [(), ("-fPIC",), ("-fPIC", "-fdata-sections"), ("-fdata-sections", "-ffunction-sections")]
    target, part = os.path.join(links.folder, "object.o"), os.path.join(links.folder, "part.o")
    for flags in ((), ("-fno-builtin", "-DPLAIN_MEMORY")):
        compute = native(links.folder, [TABLES], *flags)
        expected = [compute(data) for data in links.inputs]
        for level in ("-O1", "-O2", "-Os"):
            for shape in shapes if not flags else shapes[:2]:
                compile_object(TABLES, target, "-mcpu=v2", level, *shape, *flags)
                links.each(f"tables.c {' '.join((level, *shape, *flags))}", "v2", [target], expected)
    compute = native(links.folder, [TABLES, PART], "-DPART")
    expected = [compute(data) for data in links.inputs]
    for shape in shapes[:2]:
        compile_object(TABLES, target, "-mcpu=v2", "-O2", *shape, "-DPART")
        compile_object(PART, part, "-mcpu=v2", "-Os", *shape)
        for objects in ([target, part], [part, target]):
            names = " ".join(os.path.basename(path) for path in objects)
            links.each(f"{names} {' '.join(shape)}", "v2", objects, expected)


START = "typedef unsigned long long u64; extern void sol_log_(const char *, u64); extern u64 value(u64);\n"
ENTRY = "u64 entrypoint(const unsigned char *input, const unsigned char *data) "
TRAPS = [
    ("__builtin_trap", "", "{ if (data[0] == 1) __builtin_trap(); return 0; }"),
    ("-ftrapv", "-ftrapv", "{ int one = data[0] == 1 ? 0x7fffffff : 5; return (u64)(one + data[1]) == 7; }"),
    ("unreachable default", "-fsanitize=unreachable -fsanitize-trap=all",
     "{ switch (data[0]) { case 0: return 0; case 2: return 2; default: __builtin_unreachable(); } }"),
    ("sanitiser", "-fsanitize=undefined -fsanitize-trap=all", "{ u64 zero = data[0] == 1 ? 0 : 1; return 0 * (8 / zero); }"),
]  # fmt: skip
# Sources that cannot be linked, and what the error says.
REFUSALS = [
    ("extern u64 sprintf(char *, const char *, ...);\nu64 helper(u64 x) {\n  return sprintf((char *)x, 0); }\n"
     + ENTRY + "{ return helper(data[0]); }", ["case.c:4: in helper (.text+0x", "undefined function sprintf", "-fno-builtin"]),
    ("extern void sol_log(const char *, u64);\n" + ENTRY + "{ sol_log(0, 0); return 0; }", ["sol_log", "did you mean sol_log_?"]),
    ("u64 count;\n" + ENTRY + "{ return count++; }", ["writable global count", ".bss"]),
    ("struct { int (*type)[2]; } states __attribute__((section(\".maps\"), used));\n" + ENTRY + "{ return (u64)&states; }",
     ["map states", ".maps", "accounts"]),
    ("char terms[] __attribute__((section(\"license\"), used)) = \"GPL\";\n" + ENTRY + "{ return 0; }", ["terms", "license"]),
    ("__attribute__((constructor)) void setup(void) { sol_log_(0, 0); }\n" + ENTRY + "{ return 0; }", ["setup", "entrypoint"]),
    ("u64 one(u64 x) { return x + 1; }\nu64 two(u64 x) { return x + 2; }\nu64 (*const table[])(u64) = {one, two};\n"
     + ENTRY + "{\n  return table[data[0] & 1](data[1]); }", ["case.c:6: in entrypoint", "-fno-sanitize=function"]),
    ("__attribute__((used)) static " + ENTRY + "{ return 0; }", ["entrypoint is static"]),
    ("u64 begin(void) { return 0; }\nu64 second(void) { return 1; }", ["no function named entrypoint", "begin, second"]),
    ("long divide(long a, long b);\n" + ENTRY + "{\n  u64 *p = (u64 *)input;\n  return __sync_fetch_and_add(p, 1); }",
     ["case.c:5: in entrypoint", "atomic operation"]),
]  # fmt: skip


def check_traps(links):
    source, target = os.path.join(links.folder, "case.c"), os.path.join(links.folder, "case.o")
    output = os.path.join(links.folder, "program.so")
    for name, flags, body in TRAPS:
        with open(source, "w") as file:
            file.write(START + ENTRY + body)
        compile_object(source, target, "-mcpu=v2", "-O1", *flags.split())
        for version in VERSIONS:
            result = run([*links.linker, target, "-o", output, "--sbpf-version", version])
            if result.returncode != 0:
                links.problems.append(f"{name} as {version}: {result.stderr}")
                continue
            links.linked += 1
            with open(output, "rb") as file:
                machine = Machine(file.read())
            sound, _, logs = machine.call(bytes([0, 1] + [0] * 14))
            links.expect(sound is not None, f"{name} as {version}: fails without a reason: {logs}")
            result, _, logs = machine.call(bytes([1, 1] + [0] * 14))
            aborted = result is None and any("SBF program panicked" in line for line in logs)
            links.expect(aborted, f"{name} as {version}: does not abort: {logs}")
    for body, expected in REFUSALS:
        with open(source, "w") as file:
            file.write(START + body)
        sanitiser = ["-fsanitize=function", "-fsanitize-trap=all"] if "-fno-sanitize" in expected[-1] else []
        compile_object(source, target, "-mcpu=v3", "-O1", "-g", "-w", *sanitiser)
        result = run([*links.linker, target, "-o", output])
        holds = result.returncode > 0 and all(text in result.stderr for text in expected)
        links.expect(holds, f"expected {expected} of {body!r}: {result.stderr}")


# Instruction data for programs found by trying, and the log lines that each has to write; None: it has to abort.
CASES = {
    "fpic-table.c": [(bytes([0, 1, 2, 3]), ["start", "lamport", "sol", "kilo", "mega"])],
    "length-loop.c": [(bytes([0]), ["one"]), (bytes([1]), ["twelve"]), (bytes([2]), ["six"])],
    "trap-assert.c": [(bytes(3), ["0x3, 0x7fffffd3, 0x0, 0x0, 0x0"]), (bytes(4), None)],
}


def check_cases(links):
    folder = os.path.join(oracle.ROOT, "../shared/cases")
    target, output = os.path.join(links.folder, "case.o"), os.path.join(links.folder, "program.so")
    include = ["-I", os.path.join(oracle.ROOT, "Programs/include")]
    for name, runs in CASES.items():
        source = os.path.join(folder, name)
        if not os.path.exists(source):
            print(f"{name}: skipped, no file {source}")
            continue
        for level in ("-O1", "-O2", "-Os"):
            for shape in ((), ("-fPIC",), ("-fPIC", "-fdata-sections"), ("-fsanitize=undefined", "-fsanitize-trap=all")):
                compile_object(source, target, "-mcpu=v2", level, *shape, *include)
                for version in ("v0", "v3"):
                    title = f"{name} {' '.join((level, *shape))} as {version}"
                    result = run([*links.linker, target, "-o", output, "--sbpf-version", version])
                    if result.returncode != 0:
                        links.problems.append(f"{title}: {result.stderr}")
                        continue
                    links.linked += 1
                    with open(output, "rb") as file:
                        machine = Machine(file.read())
                    for data, expected in runs:
                        logs = machine.call(data)[2]
                        lines = [line.removeprefix("Program log: ") for line in logs if line.startswith("Program log: ")]
                        aborted = any("SBF program panicked" in line for line in logs)
                        holds = aborted if expected is None else not aborted and lines[: len(expected)] == expected
                        links.expect(holds, f"{title}, {data.hex()}: {logs}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=12)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--linker", default=f"{oracle.estuary_binary()} link")
    options = arguments.parse_args()
    generator = random.Random(options.seed)
    inputs = [generator.randbytes(16 + 8 * generator.randrange(8)) for _ in range(options.inputs)]
    inputs += [b"\xff" * 32, b"\0" * 32, struct.pack("<4Q", 2**63, 2**32 - 1, 2**31, 2**31 - 1)]
    with tempfile.TemporaryDirectory() as folder:
        links = Links(folder, options.linker, inputs)
        check_arithmetic(links)
        check_tables(links)
        check_traps(links)
        check_cases(links)
    for problem in links.problems:
        print(problem)
    print(
        f"{links.linked} files linked and run, {links.refused} refused for JMP32, {len(links.problems)} problems, "
        f"seed {options.seed}")
    return 1 if links.problems or links.linked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
