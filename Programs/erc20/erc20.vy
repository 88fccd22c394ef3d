# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token of ERC-20 (https://eips.ethereum.org/EIPS/eip-20)
@notice Whoever deploys it is its owner and has the whole first supply; the owner alone mints.
"""
from ethereum.ercs import IERC20

implements: IERC20

name: public(String[32])
symbol: public(String[8])
decimals: public(uint8)
owner: public(address)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(name: String[32], symbol: String[8], decimals: uint8, supply: uint256):
    self.name = name
    self.symbol = symbol
    self.decimals = decimals
    self.owner = msg.sender
    self._mint(msg.sender, supply)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "allowance too small"
        self.allowance[sender][msg.sender] = allowed - amount
    self._move(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def mint(to: address, amount: uint256):
    assert msg.sender == self.owner, "not the owner"
    self._mint(to, amount)


@internal
def _mint(to: address, amount: uint256):
    assert to != empty(address), "no recipient"
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@internal
def _move(sender: address, to: address, amount: uint256):
    assert to != empty(address), "no recipient"
    held: uint256 = self.balanceOf[sender]
    assert held >= amount, "balance too small"
    self.balanceOf[sender] = held - amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)
