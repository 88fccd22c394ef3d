"""Objects of stock clang, linked for every SBPF version, run by LiteSVM and compared with the same C run natively.

    check_link.py [--inputs N] [--seed N] [--linker COMMAND]

Each object (three -mcpu levels, three optimisation levels) is linked as v0 to v3; objects with 32-bit comparisons
must be refused below v3 and nothing else may be. LiteSVM has to accept every file, give the native result as return
data and the same compute units each time; the programs of `Programs/` are linked and loaded, too. COMMAND is the
linker up to its operands, by default `estuary link`.
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
VERSIONS = ["v0", "v1", "v2", "v3"]
BPF_FLAGS = ["-target", "bpf", "-mllvm", "-bpf-stack-size=4096", "-c"]


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def native(folder):
    library = os.path.join(folder, "native.so")
    subprocess.run(["clang", "-O1", "-fwrapv", "-shared", "-fPIC", SOURCE, "-o", library], check=True)
    compute = ctypes.CDLL(library).compute
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


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=12)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--linker", default=f"{oracle.estuary_binary()} link")
    options = arguments.parse_args()
    generator = random.Random(options.seed)
    inputs = [generator.randbytes(16 + 8 * generator.randrange(8)) for _ in range(options.inputs)]
    inputs += [b"\xff" * 32, b"\0" * 32, struct.pack("<4Q", 2**63, 2**32 - 1, 2**31, 2**31 - 1)]
    problems, linked, refused = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        compute = native(folder)
        expected = [compute(data) for data in inputs]
        cases = [(SOURCE, cpu, level) for cpu in ("v1", "v2", "v3") for level in ("-O1", "-O2", "-Os")]
        programs = os.path.join(oracle.ROOT, "Programs")
        for name in sorted(os.listdir(programs)):
            source = os.path.join(programs, name, name + ".c")
            if os.path.exists(source):
                cases += [(source, "v2", "-O2"), (source, "v3", "-O2")]
        for source, cpu, level in cases:
            base = f"{os.path.basename(source)} -mcpu={cpu} {level}"
            target = os.path.join(folder, "object.o")
            include = ["-I", os.path.join(programs, "include")]
            subprocess.run(
                ["clang", *BPF_FLAGS, f"-mcpu={cpu}", level, *include, source, "-o", target], check=True)
            for version in VERSIONS:
                output = os.path.join(folder, "program.so")
                result = run([*shlex.split(options.linker), target, "-o", output, "--sbpf-version", version])
                if result.returncode != 0:
                    text = (result.stdout + result.stderr).strip()
                    if cpu == "v3" and version != "v3" and "JMP32" in text:
                        refused += 1
                    else:
                        problems.append(f"{base} as {version}: {text}")
                    continue
                linked += 1
                with open(output, "rb") as file:
                    elf = file.read()
                if source == SOURCE:
                    problems += check(f"{base} as {version}", elf, inputs, expected)
                else:
                    problems += check(f"{base} as {version}", elf, [], [])
    for problem in problems:
        print(problem)
    print(f"{linked} files linked and run, {refused} refused for JMP32, {len(problems)} problems, seed {options.seed}")
    return 1 if problems or linked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
