# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token of ERC-20 whose balances are accounts of the SPL Token program
@notice Each address has a token account: what wallets of Ethereum see as its balance is what wallets of Solana see there.
        The account of an address is the contract's own until its owner, a signer of Solana's who calls through the EVM
        program, names one of its own; that one is moved by this contract as far as its owner has approved `authority` as
        the delegate. Anybody of Solana's pays an address with a plain transfer to `holdingOf`.
@dev Amounts are those of SPL tokens, 64 bits. Accounts are made when they first receive something; the contract's program
     address, its wei or the transaction's sender pay for them (docs/crosscalls.md).
"""
from ethereum.ercs import IERC20

implements: IERC20

struct Mint:
    supply: uint64
    decimals: uint8
    isInitialized: bool
    freezeAuthority: bytes32
    mintAuthority: bytes32

struct Holding:
    mint: bytes32
    owner: bytes32
    amount: uint64
    delegate: bytes32
    delegatedAmount: uint64
    closeAuthority: bytes32
    state: uint8

interface SPLToken:
    def initializeMint(seed: bytes32, decimals: uint8) -> bytes32: nonpayable
    def initializeAccount(seed: bytes32, mint: bytes32) -> bytes32: nonpayable
    def mintTo(mint: bytes32, holding: bytes32, amount: uint64): nonpayable
    def transfer(source: bytes32, target: bytes32, amount: uint64): nonpayable
    def findAccount(seed: bytes32) -> bytes32: view
    def isSystemAccount(account: bytes32) -> bool: view
    def getAccount(account: bytes32) -> Holding: view
    def getMint(mint: bytes32) -> Mint: view

interface CallSolana:
    def getNeonAddress(contract: address) -> bytes32: view

interface SolanaNative:
    def solanaAddress(signer: address) -> bytes32: view

event Bound:
    owner: indexed(address)
    holding: bytes32

TOKEN: constant(SPLToken) = SPLToken(0xFf00000000000000000000000000000000000004)
CALL: constant(CallSolana) = CallSolana(0xFF00000000000000000000000000000000000006)
NATIVE: constant(SolanaNative) = SolanaNative(0xfF00000000000000000000000000000000000007)

name: public(String[32])
symbol: public(String[8])
owner: public(address)
mintKey: public(bytes32)
# The program address of this contract, which signs for it.
authority: public(bytes32)
allowance: public(HashMap[address, HashMap[address, uint256]])
# Accounts that signers of Solana's have named for their addresses.
bound: public(HashMap[address, bytes32])


@payable
@deploy
def __init__(name: String[32], symbol: String[8], mint: bytes32, decimals: uint8, supply: uint64):
    """
    @notice The value pays for token accounts, before the wei of those who need them do.
    @param mint The token's mint; 0: a new one is made, of which the deployer gets `supply` and alone makes more.
    """
    self.name = name
    self.symbol = symbol
    self.owner = msg.sender
    self.authority = staticcall CALL.getNeonAddress(self)
    if mint != empty(bytes32):
        known: Mint = staticcall TOKEN.getMint(mint)
        assert known.isInitialized and supply == 0, "no mint of others'"
        self.mintKey = mint
    else:
        self.mintKey = extcall TOKEN.initializeMint(empty(bytes32), decimals)
        self._mint(msg.sender, convert(supply, uint256))


@view
@external
def decimals() -> uint8:
    known: Mint = staticcall TOKEN.getMint(self.mintKey)
    return known.decimals


@view
@external
def totalSupply() -> uint256:
    """
    @return The mint's supply: what wallets of Solana hold in other accounts is in it.
    """
    known: Mint = staticcall TOKEN.getMint(self.mintKey)
    return convert(known.supply, uint256)


@view
@external
def balanceOf(who: address) -> uint256:
    held: Holding = staticcall TOKEN.getAccount(self._holding(who))
    return convert(held.amount, uint256)


@view
@external
def holdingOf(who: address) -> bytes32:
    """
    @return The token account of `who`, whether or not it is there yet.
    """
    return self._holding(who)


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


@external
def open(who: address) -> bytes32:
    """
    @notice Makes the token account of `who`, so that wallets of Solana can pay to it.
    """
    return self._open(who)


@external
def bind(holding: bytes32):
    """
    @notice A signer of Solana's makes a token account of its own that of its address; what the old one has goes there.
    """
    signer: bytes32 = staticcall NATIVE.solanaAddress(msg.sender)
    assert signer != empty(bytes32), "no signer of Solana's"
    held: Holding = staticcall TOKEN.getAccount(holding)
    assert held.mint == self.mintKey and held.owner == signer, "not a token account of the signer"
    old: bytes32 = self._holding(msg.sender)
    before: Holding = staticcall TOKEN.getAccount(old)
    if before.owner == self.authority and before.amount > 0:
        extcall TOKEN.transfer(old, holding, before.amount)
    self.bound[msg.sender] = holding
    log Bound(owner=msg.sender, holding=holding)


@external
def withdraw(holding: bytes32, amount: uint256):
    """
    @notice Pays out of the sender's account to any token account of the mint; for wallets of Ethereum it is a burn.
    """
    extcall TOKEN.transfer(self._holding(msg.sender), holding, self._amount(amount))
    log IERC20.Transfer(sender=msg.sender, receiver=empty(address), value=amount)


@view
@internal
def _holding(who: address) -> bytes32:
    named: bytes32 = self.bound[who]
    if named != empty(bytes32):
        return named
    return staticcall TOKEN.findAccount(convert(who, bytes32))


@internal
def _open(who: address) -> bytes32:
    assert who != empty(address), "no recipient"
    holding: bytes32 = self._holding(who)
    if staticcall TOKEN.isSystemAccount(holding):
        return extcall TOKEN.initializeAccount(convert(who, bytes32), self.mintKey)
    return holding


@pure
@internal
def _amount(amount: uint256) -> uint64:
    assert amount <= convert(max_value(uint64), uint256), "more than 64 bits"
    return convert(amount, uint64)


@internal
def _mint(to: address, amount: uint256):
    extcall TOKEN.mintTo(self.mintKey, self._open(to), self._amount(amount))
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@internal
def _move(sender: address, to: address, amount: uint256):
    source: bytes32 = self._holding(sender)
    held: Holding = staticcall TOKEN.getAccount(source)
    assert convert(held.amount, uint256) >= amount, "balance too small"
    extcall TOKEN.transfer(source, self._open(to), self._amount(amount))
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)
