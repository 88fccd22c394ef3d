# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A pool of two ERC-20 tokens at a constant product
@notice reserve0 * reserve1 never falls by a swap; 3 of 1000 of what comes in stays with the pool, that is with those
        who provided its reserves. Reserves are counted here: tokens that are merely sent to the pool are nobody's.
"""
from ethereum.ercs import IERC20

event Swap:
    sender: indexed(address)
    receiver: indexed(address)
    zeroForOne: bool
    amountIn: uint256
    amountOut: uint256

event Provide:
    sender: indexed(address)
    amount0: uint256
    amount1: uint256
    shares: uint256

event Withdraw:
    sender: indexed(address)
    amount0: uint256
    amount1: uint256
    shares: uint256

token0: public(IERC20)
token1: public(IERC20)
reserve0: public(uint256)
reserve1: public(uint256)
totalShares: public(uint256)
sharesOf: public(HashMap[address, uint256])


@deploy
def __init__(token0: IERC20, token1: IERC20):
    assert token0 != token1, "one token"
    self.token0 = token0
    self.token1 = token1


@view
@external
def quote(zeroForOne: bool, amountIn: uint256) -> uint256:
    """
    @return What a swap of `amountIn` would pay out now.
    """
    if zeroForOne:
        return self._out(amountIn, self.reserve0, self.reserve1)
    return self._out(amountIn, self.reserve1, self.reserve0)


@nonreentrant
@external
def swap(zeroForOne: bool, amountIn: uint256, minimumOut: uint256, receiver: address) -> uint256:
    """
    @param zeroForOne Whether token0 comes in and token1 goes out, or the other way round.
    @return What was paid to `receiver`.
    """
    tokenIn: IERC20 = self.token0
    tokenOut: IERC20 = self.token1
    reserveIn: uint256 = self.reserve0
    reserveOut: uint256 = self.reserve1
    if not zeroForOne:
        tokenIn = self.token1
        tokenOut = self.token0
        reserveIn = self.reserve1
        reserveOut = self.reserve0
    amountOut: uint256 = self._out(amountIn, reserveIn, reserveOut)
    assert amountOut >= minimumOut, "price has moved"
    reserveIn += amountIn
    reserveOut -= amountOut
    if zeroForOne:
        self.reserve0 = reserveIn
        self.reserve1 = reserveOut
    else:
        self.reserve1 = reserveIn
        self.reserve0 = reserveOut
    assert extcall tokenIn.transferFrom(msg.sender, self, amountIn, default_return_value=True)
    assert extcall tokenOut.transfer(receiver, amountOut, default_return_value=True)
    log Swap(
        sender=msg.sender, receiver=receiver, zeroForOne=zeroForOne, amountIn=amountIn, amountOut=amountOut
    )
    return amountOut


@nonreentrant
@external
def provide(amount0: uint256, amount1: uint256) -> uint256:
    """
    @notice The first provider sets the price; later ones should keep to it, what exceeds it is a gift.
    @return The shares that the sender got.
    """
    total: uint256 = self.totalShares
    shares: uint256 = 0
    if total == 0:
        shares = isqrt(amount0 * amount1)
    else:
        shares = min(amount0 * total // self.reserve0, amount1 * total // self.reserve1)
    assert shares > 0, "too little"
    self.reserve0 += amount0
    self.reserve1 += amount1
    self.totalShares = total + shares
    self.sharesOf[msg.sender] += shares
    assert extcall self.token0.transferFrom(msg.sender, self, amount0, default_return_value=True)
    assert extcall self.token1.transferFrom(msg.sender, self, amount1, default_return_value=True)
    log Provide(sender=msg.sender, amount0=amount0, amount1=amount1, shares=shares)
    return shares


@nonreentrant
@external
def withdraw(shares: uint256) -> (uint256, uint256):
    """
    @return The amounts of both tokens that the sender got.
    """
    total: uint256 = self.totalShares
    amount0: uint256 = shares * self.reserve0 // total
    amount1: uint256 = shares * self.reserve1 // total
    self.sharesOf[msg.sender] -= shares
    self.totalShares = total - shares
    self.reserve0 -= amount0
    self.reserve1 -= amount1
    assert extcall self.token0.transfer(msg.sender, amount0, default_return_value=True)
    assert extcall self.token1.transfer(msg.sender, amount1, default_return_value=True)
    log Withdraw(sender=msg.sender, amount0=amount0, amount1=amount1, shares=shares)
    return amount0, amount1


@pure
@internal
def _out(amountIn: uint256, reserveIn: uint256, reserveOut: uint256) -> uint256:
    paid: uint256 = amountIn * 997
    return paid * reserveOut // (reserveIn * 1000 + paid)
