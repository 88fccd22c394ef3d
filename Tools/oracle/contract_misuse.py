"""What the verbs for contracts do with wrong types, keys, passwords, artefacts, amounts and ledgers: an exit code above 0
and an error that says what is wrong; the ledger stays as it is, and no key is shown."""

import json
import os
import subprocess

from eth_account import Account
from eth_utils import keccak

import contracts

HEX = "6005600c60003960056000f3600160005500"  # deploys PUSH1 1 PUSH1 0 SSTORE
SECRET = "11" * 32


def files(folder, artefacts):
    named = {name: os.path.join(folder, name) for name in ("key", "pbkdf", "password", "wrong", "broken", "two", "none", "unlinked", "text")}
    for name, kdf in (("key", "scrypt"), ("pbkdf", "pbkdf2")):
        with open(named[name], "w") as file:
            json.dump(Account.encrypt(contracts.PEOPLE[2].key, "open sesame", kdf=kdf, iterations=2 if kdf == "scrypt" else 1000), file)
    with open(artefacts["erc20"]) as file:
        token = next(c for key, c in json.load(file).items() if key != "version")
    contents = {
        "password": "open sesame\n", "wrong": "open barley\n", "broken": '{"bytecode": "0x60', "none": '{"contracts": {}}',
        "two": json.dumps({"contracts": {"a.sol:A": {"bin": HEX, "abi": []}, "b.sol:B": {"bin": HEX, "abi": []}}}),
        "unlinked": json.dumps({"abi": [], "bytecode": "0x60__$0123456789012345678901234567890123$__"}),
        "text": "no code at all", "erc20": json.dumps({"abi": token["abi"], "bytecode": token["bytecode"]}),
    }  # fmt: skip
    for name, content in contents.items():
        named.setdefault(name, os.path.join(folder, name))
        with open(named[name], "w") as file:
            file.write(content)
    return named


def misuses(token, named):
    people = [p.address for p in contracts.PEOPLE]
    transfer, poor = [token, "transfer(address,uint256)"], Account.from_key("0x" + SECRET)
    plain, name = ["send", people[1], "--value", "1"], ["call", token, "name()(string)"]
    return [
        (["send", token, "transfer(address,uint256)", people[1]], "takes 2 arguments, 1 given"),
        (["send", *transfer, people[1], "-1"], "argument 2 (uint256): -1 is out of range"),
        (["send", *transfer, "--", people[1], "-5"], "argument 2 (uint256): -5 is out of range"),
        (["send", *transfer, people[1], "seven"], "argument 2 (uint256): 'seven' is not a number"),
        (["send", *transfer, people[1], ""], "argument 2 (uint256)"),
        (["send", *transfer, people[1][:-1] + ("a" if people[1][-1] != "a" else "b"), "1"], "checksum"),
        (["send", *transfer, "0x12", "1"], "argument 1 (address)"),
        (["send", token, "transfer(adress,uint256)", people[1], "1"], "unknown type 'adress'"),
        (["send", token, "transfer(address", people[1], "1"], "the signature"),
        (["send", token, "transfer", people[1], "1"], "--abi"),
        (["send", token, "transfer(address,uint256)", "--data", "0x00"], "--data, or a signature"),
        (["send", "0xnothing", "f()"], "is no address"),
        (["send", token, "--data", "0x0"], "--data '0x0' is no hexadecimal"),
        ([*plain[:-1], "1.5wei"], "no whole number of wei"),
        ([*plain[:-1], "lots"], "--value 'lots'"),
        ([*plain[:-1], "-1"], "--value '-1'"),
        ([*plain[:-1], "20000ether"], "too little for the value"),
        ([*plain, "--gas-price", "0"], "below the block's base fee"),
        ([*plain, "--gas-price", "1"], "below the block's base fee"),
        ([*plain, "--gas-price", "10gwei", "--priority-gas-price", "11gwei"], "is above the gas price"),
        ([*plain, "--gas-price", "100000ether"], "too little"),
        ([*plain, "--nonce", "100000"], "ahead of"),
        ([*plain, "--nonce", "0"], "is used already"),
        ([*plain, "--nonce", "-1"], "--nonce '-1'"),
        ([*plain, "--gas-limit", "20999"], "the transaction alone takes 21000"),
        ([*plain, "--gas-limit", "99999999999999999999"], "--gas-limit"),
        ([*plain, "--force"], "--force needs --gas-limit"),
        ([*plain, "--account", "10"], "0 to 9"),
        ([*plain, "--account", "-1"], "--account '-1'"),
        ([*plain, "--account", "1", "--private-key", SECRET], "one of --private-key, --keyfile and --account"),
        ([*plain, "--private-key", SECRET[:-1]], "64 hex digits"),
        ([*plain, "--private-key", "00" * 32], "a number from 1 up"),
        ([*plain, "--private-key", "ff" * 32], "a number from 1 up"),
        ([*plain, "--private-key", SECRET], "0 wei, too little"),
        ([*plain, "--private-key", SECRET, "--from", people[1]], "but the key is that of " + poor.address),
        ([*plain, "--private-keyy", SECRET], "--private-keyy"),
        ([*plain, "--frobnicate", SECRET], "--frobnicate"),
        ([*plain, "--from", poor.address], "there is no key for"),
        ([*plain, "--keyfile", named["key"], "--password-file", named["wrong"]], "the password is wrong"),
        ([*plain, "--keyfile", named["key"]], "give --password-file"),
        ([*plain, "--keyfile", named["text"], "--password-file", named["password"]], "no key file"),
        ([*plain, "--keyfile", named["key"] + "x", "--password-file", named["password"]], "cannot be read"),
        ([*plain, "--password-file", named["password"]], "--password-file needs --keyfile"),
        (["deploy", named["broken"]], "is no JSON"),
        (["deploy", named["two"]], "a.sol:A, b.sol:B"),
        (["deploy", named["two"], "--contract", "C"], "no contract 'C'"),
        (["deploy", named["none"]], "holds"),
        (["deploy", named["unlinked"]], "is not linked"),
        (["deploy", named["text"]], "artefact"),
        (["deploy", "/dev/zero"], "/dev/zero"),
        (["deploy", named["text"] + "x"], "neither a file nor"),
        (["deploy", HEX, "7"], "give --constructor"),
        (["deploy", HEX, "--constructor", "constructor(uint256)"], "takes 1 argument, 0 given"),
        (["deploy", named["erc20"], "Ocean"], "takes 4 arguments, 1 given"),
        (["deploy", named["erc20"], "Ocean", "OCN", "256", "1"], "argument 3 'decimals' (uint8): 256 is out of range"),
        (["deploy", named["erc20"], "much longer than twenty-five characters", "OCN", "6", "1"], "not sent"),
        (["deploy", "60006000fd"], "would fail: reverted without a reason"),
        (["deploy", "fe"], "would fail: invalid opcode"),
        (["call", token, "balanceOf(address)(bool)", people[0]], "neither 0 nor 1"),
        (["call", people[9], "name()(string)"], "cannot be decoded"),
        (["call", token, "name()(strin)"], "unknown type"),
        (["call", token, "decimals()(uint8)", "--gas-limit", "1"], "the transaction alone takes"),
        ([*name, "--block.number", "-1"], "--block.number"),
        ([*name, "--block.time", str(2**64)], "is not below 2^64"),
        ([*name, "--block.coinbase", "me"], "--block.coinbase 'me' is no address"),
        ([*name, "--block.base-fee", "0.5wei"], "--block.base-fee"),
        ([*name, "--override-balance", token], "is not of the form address:value"),
        ([*name, "--override-balance", f"{token}:1:2"], "is not of the form address:value"),
        ([*name, "--override-balance", "7:7"], "--override-balance '7' is no address"),
        ([*name, "--override-nonce", f"{token}:{2**64}"], "is not below 2^64"),
        ([*name, "--override-code", f"{token}:0x0"], "no hexadecimal"),
        ([*name, "--override-state", f"{token}:1"], "is not of the form address:slot:value"),
        ([*name, "--override-state", f"{token}:1:1", "--override-state-diff", f"{token}:2:1"], "give one of"),
        (["trace", "0x" + "11" * 32, "--block.number", "1"], "overrides are for calls"),
        (["send", people[1], "--block.number", "1"], "--block.number"),
        (["balance", "0x1"], "is no address"),
        (["storage", token, "-1"], "no storage slot"),
        (["storage", token, "2" * 90], "no storage slot"),
        (["nonce"], "address"),
        (["code", token, "more"], "more"),
        (["access-list", "--transaction", "0x02"], "Error"),
        (["access-list"], "name a contract"),
        (["trace", token, "transfer(address,uint256)", people[1], "1" + "0" * 40], "the call failed"),
    ]  # fmt: skip


def good(ledger, token, named, expect):
    """What may be written in odd ways works."""
    person = contracts.PEOPLE[2]
    for key in ("key", "pbkdf"):
        flags = ["--keyfile", named[key], "--password-file", named["password"]]
        code, answer = ledger.json("send", contracts.PEOPLE[1].address, "--value", "0.5gwei", *flags)
        expect(code == 0 and answer["status"] == 1, f"a transaction with a {key} file: {answer}")
    code, answer = ledger.json("send", "--from", person.address, "--value=1e-3ether", contracts.PEOPLE[1].address)
    expect(code == 0 and answer["status"] == 1, f"--from a development account: {answer}")
    artefact = ["--abi", named["erc20"]]
    code, answer = ledger.json("call", *artefact, token, "balanceOf", "--account", "1", person.address)
    expect(code == 0 and len(answer.get("values", [])) == 1, f"a function by its name: {answer}")
    done = ledger.run("send", token, "transfer", contracts.PEOPLE[1].address, "1", *artefact)
    expect("Transfer(sender: " in done.stdout, f"an event by the interface: {done.stdout} {done.stderr}")
    # Reverts with what follows its code.
    broke = keccak(b"Broke(uint256)")[:4].hex() + "00" * 31 + "07"
    done = ledger.run("deploy", "6024600c60003960246000fd" + broke)
    expect(broke in done.stderr, f"an error that nobody knows: {done.stderr}")
    maker = "6030600c60003960306000f3" + "6024600c60003960246000fd" + broke
    address = ledger.json("deploy", maker)[1]["contractAddress"]
    code, answer = ledger.json("call", address, "f()", "--abi", "error Broke(uint256)")
    expect(code == 1 and answer["revertReason"] == "Broke(7)", f"an error by its signature: {answer}")
    code, answer = ledger.json("deploy", HEX, "--value", "0", "--account", "3")
    expect(code == 0, f"hex text: {answer}")
    done = ledger.run("trace", token, "transfer", contracts.PEOPLE[1].address, "1", *artefact)
    expect("::transfer(" in done.stdout and "emit Transfer(" in done.stdout and "storage 0x" in done.stdout, f"a trace: {done.stdout}")
    done = ledger.run("trace", token, "transfer", contracts.PEOPLE[1].address, "1", *artefact, "--opcodes")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    expect(len(lines) > 50 and lines[0]["pc"] == 0 and lines[-1]["pass"], "opcodes")
    endless = ledger.json("deploy", "6004600c60003960046000f35b600056")[1]["contractAddress"]
    done = ledger.run("call", endless, "f()")
    expect(done.returncode == 1 and "out of gas" in done.stderr, f"endless code: {done.stderr}")


def missing(folder, token, expect):
    """Verbs other than `accounts` and `deploy` make no ledger."""
    path = os.path.join(folder, "missing")
    for words in (["call", token, "f()"], ["send", token], ["balance", token], ["nonce", token], ["code", token],
                  ["storage", token, "0"], ["access-list", token, "f()"], ["trace", token, "f()"], ["estimate", token]):  # fmt: skip
        done = subprocess.run([contracts.BINARY, "evm", *words, "--ledger", path], capture_output=True, text=True, timeout=60)
        expect(done.returncode != 0 and path in done.stderr, f"{words[0]} on a missing ledger: {done.stderr}")
        expect(not os.path.exists(path), f"{words[0]} makes {path}")
    done = subprocess.run([contracts.BINARY, "evm", "deploy", "zz", "--ledger", path], capture_output=True, text=True)
    expect(done.returncode != 0 and not os.path.exists(path), f"a broken artefact makes a ledger: {done.stderr}")


def run(journey, token, folder, expect):
    named = files(folder, journey.artefacts)
    good(journey.ledger, token, named, expect)
    shown = [contracts.BINARY, "ledger", "info", journey.ledger.folder, "--json"]

    def head():
        found = json.loads(subprocess.run(shown, capture_output=True, text=True).stdout)
        return {name: found[name] for name in ("height", "slot", "blockhash", "stateHash")}

    before = head()
    cases = misuses(token, named)
    for words, saying in cases:
        done = journey.ledger.run(*words, give="")
        what = " ".join(words)[:160]
        expect(done.returncode != 0, f"{what}: exit code 0")
        expect(saying in done.stderr, f"{what}: says '{done.stderr.strip()[:300]}', not '{saying}'")
        expect(SECRET not in done.stdout + done.stderr, f"{what}: shows the key")
    expect(before == head(), f"misuses wrote: {before} {head()}")
    missing(folder, token, expect)
    return len(cases)
