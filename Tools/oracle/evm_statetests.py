#!/usr/bin/env python3
"""State tests as other people have them, given to the built `estuary evm statetest`.

Every case of some state tests is run twice: as the file is, and with `txbytes` taken out, so that the transaction has to
be made of the test's fields. Both must have the same verdict. Then forms that clients' fuzzers write: a byte order mark,
`sender` in place of `secretKey`, null access lists, earlier exception names, and what --json tells of each case.

    ESTUARY=path/to/estuary evm_statetests.py FOLDER [--every N]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ESTUARY = os.environ.get("ESTUARY", "estuary")
EARLIER = {
    "INSUFFICIENT_ACCOUNT_FUNDS": "TR_NoFunds",
    "INTRINSIC_GAS_TOO_LOW": "TR_IntrinsicGas",
    "SENDER_NOT_EOA": "SenderNotEOA",
    "INSUFFICIENT_MAX_FEE_PER_GAS": "TR_FeeCapLessThanBlocks",
    "GAS_ALLOWANCE_EXCEEDED": "TR_GasLimitReached",
    "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS": "TR_TipGtFeeCap",
    "NONCE_IS_MAX": "TR_NonceHasMaxValue",
    "INITCODE_SIZE_EXCEEDED": "TR_InitCodeLimitExceeded",
    "TYPE_3_TX_ZERO_BLOBS": "TR_EMPTYBLOB",
}
GAS_PRICE_CASE = {
    "case": {
        "env": {
            "currentCoinbase": "0xb94f5374fce5edbc8e2a8697c15331677e6ebf0b",
            "currentRandom": "0x0000000000000000000000000000000000000000000000000000000000000002",
            "currentGasLimit": "0x26e1f476fe1e22", "currentNumber": "0x1", "currentTimestamp": "0x3e8",
            "currentBaseFee": "0x10", "currentExcessBlobGas": "0x0",
        },
        "pre": {
            "0x00000000000000000000000000000000000000f1": {
                "code": "0x6001600055", "storage": {}, "balance": "0x0", "nonce": "0x0"},
            "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b": {
                "code": "0x", "storage": {}, "balance": "0xffffffffff", "nonce": "0x0"},
        },
        "transaction": {
            "gasPrice": "0x10", "nonce": "0x0", "to": "0x00000000000000000000000000000000000000f1",
            "data": ["0x"], "gasLimit": ["0x7a1200"], "value": ["0x0"],
            "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8",
        },
        "post": {"Cancun": [{"hash": "0x" + "00" * 32, "logs": "0x" + "00" * 32,
                             "indexes": {"data": 0, "gas": 0, "value": 0}}]},
    }
}


def run(*arguments):
    done = subprocess.run([ESTUARY, "evm", "statetest", *arguments], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"exit code {done.returncode}: {done.stderr[-2000:]}")
    return done


def verdicts(folder):
    report = json.loads(run(folder, "--json", "--workers", "2").stdout)
    return {(os.path.basename(c["file"]), c["name"]): (c["outcome"], c.get("reason")) for c in report["cases"]}


def without_bytes(folder, every, target):
    count = 0
    paths = sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names if f.endswith(".json"))
    for number, path in enumerate(paths[::every]):
        with open(path) as file:
            tests = json.load(file)
        original, changed = (os.path.join(target, name) for name in ("original", "changed"))
        name = f"{number}-{os.path.basename(path)}"
        with open(os.path.join(original, name), "w") as file:
            json.dump(tests, file)
        for test in tests.values():
            for posts in test["post"].values():
                for post in posts:
                    post.pop("txbytes", None)
                    if "expectException" in post:
                        names = [n.split(".")[-1] for n in post["expectException"].split("|")]
                        post["expectException"] = "|".join(EARLIER.get(n, n) for n in names)
                    count += 1
        with open(os.path.join(changed, name), "w") as file:
            json.dump(tests, file)
    return count


def check_forms(target):
    def write(name, test, prefix=b""):
        path = os.path.join(target, name)
        with open(path, "wb") as file:
            file.write(prefix + json.dumps(test).encode())
        return path

    def root(path):
        done = run(path, "--json")
        lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"name"')]
        assert len(lines) == 1 and lines[0]["fork"] == "Cancun" and lines[0]["pass"] is False, done.stderr
        assert lines[0]["name"].startswith("case") and "should be" in lines[0]["error"], lines
        case = json.loads(done.stdout)["cases"][0]
        assert case["outcome"] == "failed" and lines[0]["stateRoot"] in case["reason"], case
        return lines[0]["stateRoot"]

    def changed(change):
        test = json.loads(json.dumps(GAS_PRICE_CASE))
        change(test["case"])
        return test

    expected = root(write("base.json", GAS_PRICE_CASE))
    assert root(write("bom.json", GAS_PRICE_CASE, b"\xef\xbb\xbf")) == expected

    def sender(case):
        del case["transaction"]["secretKey"]
        case["transaction"]["sender"] = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"
    assert root(write("sender.json", changed(sender))) == expected
    assert root(write("null.json", changed(lambda c: c["transaction"].update(accessLists=[None])))) == expected

    def dynamic(case):
        del case["transaction"]["gasPrice"]
        case["transaction"].update(maxFeePerGas="0x10", maxPriorityFeePerGas="0x0")
    assert root(write("dynamic.json", changed(dynamic))) == expected

    def passing(case):
        case["post"]["Cancun"][0].update(
            hash=expected, logs="0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
    done = run(write("passing.json", changed(passing)), "--json", "--trace")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["opName"] for line in lines if "opName" in line] == ["PUSH1", "PUSH1", "SSTORE", "STOP"], lines
    assert lines[-1]["pass"] is True and lines[-1]["stateRoot"] == expected, lines
    assert done.returncode == 0 and json.loads(done.stdout)["passed"] == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--every", type=int, default=8, help="one file of so many (8)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as target:
        check_forms(target)
        for name in ("original", "changed"):
            os.mkdir(os.path.join(target, name))
        count = without_bytes(arguments.folder, arguments.every, target)
        before = verdicts(os.path.join(target, "original"))
        after = verdicts(os.path.join(target, "changed"))
        different = [(case, before[case], after.get(case)) for case in before if before[case] != after.get(case)]
        for one in different[:20]:
            print("DIFFERENT", *one)
        passed = sum(outcome == "passed" for outcome, _ in before.values())
        print(f"{count} cases with and without txbytes: {len(different)} differ, {passed} pass")
        assert passed > 0 and count >= len(before)
        sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
