"""Compilers that tests call; imports nothing of the virtual environments."""

import os
import shutil


def clang():
    """The Swift tool chain's clang, which has the options for SBPF; ESTUARY_CLANG names another."""
    beside_swift = os.path.join(os.path.dirname(os.path.realpath(shutil.which("swift") or "")), "clang")
    return os.environ.get("ESTUARY_CLANG") or (beside_swift if os.path.exists(beside_swift) else "clang")
