"""Contracts over snekmate's modules, one each, as its README has them: what `contracts.py` compiles, deploys and calls."""

OWNED = """
from snekmate.auth import ownable
initializes: ownable
"""

ERC20 = OWNED + """
from snekmate.tokens import erc20
initializes: erc20[ownable := ownable]
exports: erc20.__interface__

@deploy
@payable
def __init__(name: String[25], symbol: String[5], decimals: uint8, supply: uint256):
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")
    erc20._mint(msg.sender, supply)
"""

ERC721 = OWNED + """
from snekmate.tokens import erc721
initializes: erc721[ownable := ownable]
exports: erc721.__interface__

@deploy
@payable
def __init__(name: String[25], symbol: String[5], base: String[80]):
    ownable.__init__()
    erc721.__init__(name, symbol, base, name, "1")
"""

ERC1155 = OWNED + """
from snekmate.tokens import erc1155
initializes: erc1155[ownable := ownable]
exports: erc1155.__interface__

@deploy
@payable
def __init__(base: String[80]):
    ownable.__init__()
    erc1155.__init__(base)
"""

ERC4626 = """
from ethereum.ercs import IERC20
from snekmate.extensions import erc4626
initializes: erc4626
exports: erc4626.__interface__

@deploy
@payable
def __init__(name: String[25], symbol: String[5], asset: address, offset: uint8):
    erc4626.__init__(name, symbol, IERC20(asset), offset, name, "1")
"""

TIMELOCK = """
from snekmate.auth import access_control
initializes: access_control
from snekmate.governance import timelock_controller
initializes: timelock_controller[access_control := access_control]
exports: timelock_controller.__interface__

@deploy
@payable
def __init__(delay: uint256, proposers: DynArray[address, 128], executors: DynArray[address, 128], admin: address):
    access_control.__init__()
    timelock_controller.__init__(delay, proposers, executors, admin)
"""

MULTICALL = """
from snekmate.utils import multicall

@external
def many(data: DynArray[multicall.Batch, 255]) -> DynArray[multicall.Result, 255]:
    return multicall._multicall(data)

@external
@payable
def many_paid(data: DynArray[multicall.BatchValue, 255]) -> DynArray[multicall.Result, 255]:
    return multicall._multicall_value(data)
"""

CREATE = """
from snekmate.utils import create2
from snekmate.utils import create3

event Made:
    at: indexed(address)
    salt: bytes32

@external
@payable
def deploy_create2(salt: bytes32, init_code: Bytes[8192]) -> address:
    made: address = create2._deploy_create2(salt, init_code)
    log Made(at=made, salt=salt)
    return made

@external
@payable
def deploy_create3(salt: bytes32, init_code: Bytes[8192]) -> address:
    made: address = create3._deploy_create3(salt, init_code)
    log Made(at=made, salt=salt)
    return made

@external
@view
def address_create2(salt: bytes32, hash: bytes32) -> address:
    return create2._compute_create2_address_self(salt, hash)

@external
@view
def address_create3(salt: bytes32) -> address:
    return create3._compute_create3_address_self(salt)
"""

P256 = """
from snekmate.utils import p256

@external
@view
def verify_sig(hash: bytes32, r: uint256, s: uint256, qx: uint256, qy: uint256) -> bool:
    return p256._verify_sig(hash, r, s, qx, qy)
"""

ECDSA = """
from snekmate.utils import ecdsa

@external
@pure
def recover_sig(hash: bytes32, signature: Bytes[65]) -> address:
    return ecdsa._recover_sig(hash, signature)
"""

MATH = """
from snekmate.utils import math

@external
@pure
def int256_average(x: int256, y: int256) -> int256:
    return math._int256_average(x, y)

@external
@pure
def ceil_div(x: uint256, y: uint256) -> uint256:
    return math._ceil_div(x, y)

@external
@pure
def mul_div(x: uint256, y: uint256, denominator: uint256, roundup: bool) -> uint256:
    return math._mul_div(x, y, denominator, roundup)

@external
@pure
def wad_exp(x: int256) -> int256:
    return math._wad_exp(x)

@external
@pure
def cbrt(x: uint256, roundup: bool) -> uint256:
    return math._cbrt(x, roundup)

@external
@pure
def log10(x: uint256, roundup: bool) -> uint256:
    return math._log10(x, roundup)
"""

SOURCES = {
    "erc20": ERC20, "erc721": ERC721, "erc1155": ERC1155, "erc4626": ERC4626, "timelock": TIMELOCK,
    "multicaller": MULTICALL, "creator": CREATE, "p256": P256, "ecdsa": ECDSA, "math": MATH,
}  # fmt: skip
