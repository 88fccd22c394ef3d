"""Writes blocks and headers of Ethereum's block tests as seeds for `Tools/fuzz blocks`.

    block_seeds.py BLOCKTESTS.tar.zst FOLDER
"""

import json
import os
import subprocess
import sys
import tarfile

LIMIT = 200


def item(data, start):
    """Where the RLP item at `start` begins and ends, header left out."""
    first = data[start]
    if first < 0xF8:
        return start + 1, start + 1 + first - 0xC0
    size = first - 0xF7
    count = int.from_bytes(data[start + 1 : start + 1 + size], "big")
    return start + 1 + size, start + 1 + size + count


def main():
    archive, folder = sys.argv[1:3]
    unpacked = subprocess.Popen(["zstd", "-dcq", archive], stdout=subprocess.PIPE)
    written = 0
    with tarfile.open(fileobj=unpacked.stdout, mode="r|") as files:
        for member in files:
            if not member.name.endswith(".json") or "BlockchainTests" not in member.name or member.size > 1 << 20:
                continue
            for test in json.load(files.extractfile(member)).values():
                for block in test.get("blocks", [])[:1]:
                    data = bytes.fromhex(block["rlp"][2:])
                    if len(data) > 4000 or data[0] < 0xC0:
                        continue
                    start = item(data, 0)[0]
                    header = data[start : item(data, start)[1]]
                    for kind, text in ((0, data), (1, header)):
                        with open(os.path.join(folder, f"{written}-{kind}"), "wb") as file:
                            file.write(bytes([kind]) + text)
                    written += 1
            if written >= LIMIT:
                break
    unpacked.kill()


if __name__ == "__main__":
    main()
