# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Accounts of Solana's at program addresses, made through the system program
@notice Each person and salt has one address, for which this contract alone signs (`executeWithSeed`). `open` creates the
        account with what the contract's payer lends it; `pay` moves lamports out of one that has no data.
"""

struct AccountMeta:
    key: bytes32
    isSigner: bool
    isWritable: bool

struct Instruction:
    program: bytes32
    accounts: DynArray[AccountMeta, 4]
    data: Bytes[64]

struct Info:
    key: bytes32
    lamports: uint64
    owner: bytes32
    executable: bool
    rentEpoch: uint64

interface CallSolana:
    def getPayer() -> bytes32: view
    def getExtAuthority(salt: bytes32) -> bytes32: view
    def executeWithSeed(lamports: uint64, salt: bytes32, instruction: Instruction) -> Bytes[1024]: nonpayable

interface QueryAccount:
    def info(key: bytes32) -> Info: view
    def length(key: bytes32) -> uint256: view

event Opened:
    owner: indexed(address)
    salt: indexed(bytes32)
    key: bytes32

event Paid:
    owner: indexed(address)
    salt: indexed(bytes32)
    to: bytes32
    lamports: uint64

CALL: constant(CallSolana) = CallSolana(0xFF00000000000000000000000000000000000006)
QUERY: constant(QueryAccount) = QueryAccount(0xff00000000000000000000000000000000000002)
SYSTEM: constant(bytes32) = empty(bytes32)


@payable
@deploy
def __init__():
    """
    @notice The value pays for accounts, before the wei of whoever opens them do.
    """
    pass


@payable
@external
def __default__():
    pass


@view
@external
def addressOf(who: address, salt: bytes32) -> bytes32:
    return staticcall CALL.getExtAuthority(self._seed(who, salt))


@view
@external
def lamportsOf(who: address, salt: bytes32) -> uint64:
    found: Info = staticcall QUERY.info(staticcall CALL.getExtAuthority(self._seed(who, salt)))
    return found.lamports


@external
def open(salt: bytes32, lamports: uint64, space: uint64, owner: bytes32) -> bytes32:
    """
    @notice Creates the sender's account of that salt: `lamports` have to exempt `space` bytes from rent.
    @param owner The program that owns it; 0, the system program, for one that `pay` is to pay out of.
    """
    seed: bytes32 = self._seed(msg.sender, salt)
    payer: bytes32 = staticcall CALL.getPayer()
    key: bytes32 = staticcall CALL.getExtAuthority(seed)
    # CreateAccount of the system program.
    data: Bytes[64] = concat(0x00000000, self._le(lamports), self._le(space), owner)
    instruction: Instruction = Instruction(
        program=SYSTEM,
        accounts=[
            AccountMeta(key=payer, isSigner=True, isWritable=True),
            AccountMeta(key=key, isSigner=True, isWritable=True),
        ],
        data=data,
    )
    extcall CALL.executeWithSeed(lamports, seed, instruction)
    log Opened(owner=msg.sender, salt=salt, key=key)
    return key


@external
def pay(salt: bytes32, to: bytes32, lamports: uint64):
    """
    @notice Pays out of the sender's account of that salt.
    """
    seed: bytes32 = self._seed(msg.sender, salt)
    # Transfer of the system program.
    data: Bytes[64] = concat(0x02000000, self._le(lamports))
    instruction: Instruction = Instruction(
        program=SYSTEM,
        accounts=[
            AccountMeta(key=staticcall CALL.getExtAuthority(seed), isSigner=True, isWritable=True),
            AccountMeta(key=to, isSigner=False, isWritable=True),
        ],
        data=data,
    )
    extcall CALL.executeWithSeed(0, seed, instruction)
    log Paid(owner=msg.sender, salt=salt, to=to, lamports=lamports)


@pure
@internal
def _seed(who: address, salt: bytes32) -> bytes32:
    return keccak256(concat(convert(who, bytes32), salt))


@pure
@internal
def _le(number: uint64) -> bytes8:
    """
    @return The bytes of a number, the least significant first.
    """
    rest: uint256 = convert(number, uint256)
    result: uint256 = 0
    for i: uint256 in range(8):
        result = (result << 8) | (rest & 255)
        rest = rest >> 8
    return convert(convert(result, uint64), bytes8)
