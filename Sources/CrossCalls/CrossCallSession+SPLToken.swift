// FF00…0004, SPLToken: tokens of the SPL Token program under a contract's own authority. Each function runs the program's
// instruction, so what it leaves is what the same instruction of a transaction would leave.

import EVM
import Ledger
import Primitives
import WideIntegers

extension CrossCallSession {
  func splToken(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    let selector = try selectorOfOwnCall(&frame)
    if let output = try tokenView(selector, frame) { return output }
    guard Self.writes.contains(selector) else { throw frame.unknown(selector) }
    try frame.refuseStatic("a change of tokens")
    try frame.charge(CrossCallCosts.call - CrossCallCosts.query)
    switch selector {
    case 0xb11e_cc50, 0xc3f3_f2f2: return try initializeMint(&frame, hasAuthorities: selector == 0xc3f3_f2f2)
    case 0xdaa1_2c5c, 0xfc86_b717: return try initializeAccount(&frame, hasOwner: selector == 0xfc86_b717)
    default:
      try change(selector, &frame)
      return []
    }
  }

  private static let writes: Set<UInt32> = [
    0xb11e_cc50, 0xc3f3_f2f2, 0xdaa1_2c5c, 0xfc86_b717, 0x5782_a043, 0xa9c1_5806, 0xb75c_7dc6, 0x7842_3bcf,
    0x7c0e_b810, 0xc9d0_e2fd, 0xc067_eebb, 0x44ef_3244, 0x3d71_8c9a,
  ]

  // MARK: Looking

  private func tokenView(_ selector: UInt32, _ frame: Frame) throws(CrossCallError) -> [UInt8]? {
    let arguments = frame.arguments
    switch selector {
    case 0xeb7d_a78c:  // findAccount(bytes32)
      return key(.resource, of: frame.caller, salt: try arguments.key(0, "the seed")).bytes
    case 0x6da9_de75:  // isSystemAccount(bytes32)
      return ReturnWords.truth(try account(try arguments.key(0, "the account")).owner == ProgramID.system)
    case 0xd1de_5011:  // getAccount(bytes32)
      let holding = try state(at: try arguments.key(0, "the account"), TokenHolding()) { TokenHolding($0) }
      var words = ReturnWords()
      words.append(holding.mint)
      words.append(holding.owner)
      words.append(holding.amount)
      words.append(holding.delegate)
      words.append(holding.delegatedAmount)
      words.append(holding.closeAuthority)
      words.append(UInt64(holding.state))
      return words.bytes
    case 0xa2ce_9c1f:  // getMint(bytes32)
      let mint = try state(at: try arguments.key(0, "the mint"), TokenMint()) { TokenMint($0) }
      var words = ReturnWords()
      words.append(mint.supply)
      words.append(UInt64(mint.decimals))
      words.append(mint.isInitialized)
      words.append(mint.freezeAuthority)
      words.append(mint.mintAuthority)
      return words.bytes
    default: return nil
    }
  }

  /// - Parameter none: what an account that the system program owns, as one that is not there does, reads as.
  private func state<State>(
    at key: Pubkey, _ none: State, _ decode: ([UInt8]) -> State?
  ) throws(CrossCallError) -> State {
    let account = try account(key)
    if account.owner == ProgramID.system { return none }
    guard account.owner == TokenProgram.id else {
      throw .refused("\(key) is owned by \(account.owner), not by the token program \(TokenProgram.id)")
    }
    guard let state = decode(account.data) else {
      throw .refused("\(key) is not initialised, or of another kind")
    }
    return state
  }

  // MARK: Making

  /// initializeMint(bytes32 seed, uint8 decimals[, bytes32 mintAuthority, bytes32 freezeAuthority])
  private func initializeMint(_ frame: inout Frame, hasAuthorities: Bool) throws(CrossCallError) -> [UInt8] {
    let arguments = frame.arguments
    let mint = key(.resource, of: frame.caller, salt: try arguments.key(0, "the seed"))
    let decimals = try arguments.uint8(1, "decimals")
    let own = key(.contract, of: frame.caller)
    let mintAuthority = hasAuthorities ? try arguments.key(2, "the mint authority") : own
    let freezeAuthority = hasAuthorities ? try arguments.key(3, "the freeze authority") : own
    try create(mint, space: TokenMint.byteCount, owner: TokenProgram.id, &frame)
    try run(
      TokenProgram.instruction(
        .initializeMint2, [decimals] + mintAuthority.bytes + [1] + freezeAuthority.bytes, [.writable(mint)]),
      signers: Signers(), &frame)
    return mint.bytes
  }

  /// initializeAccount(bytes32 seed, bytes32 mint[, bytes32 owner])
  private func initializeAccount(_ frame: inout Frame, hasOwner: Bool) throws(CrossCallError) -> [UInt8] {
    let arguments = frame.arguments
    let holding = key(.resource, of: frame.caller, salt: try arguments.key(0, "the seed"))
    let mint = try arguments.key(1, "the mint")
    let owner = hasOwner ? try arguments.key(2, "the owner") : key(.contract, of: frame.caller)
    try create(holding, space: TokenHolding.byteCount, owner: TokenProgram.id, &frame)
    try run(
      TokenProgram.instruction(.initializeAccount3, owner.bytes, [.writable(holding), .readOnly(mint)]),
      signers: Signers(), &frame)
    return holding.bytes
  }

  // MARK: Changing

  private func change(_ selector: UInt32, _ frame: inout Frame) throws(CrossCallError) {
    let arguments = frame.arguments
    let own = key(.contract, of: frame.caller)
    let first = try arguments.key(0, "the first account")
    func second() throws(CrossCallError) -> Pubkey { try arguments.key(1, "the second account") }
    func amount(_ index: Int) throws(CrossCallError) -> UInt64 { try arguments.uint64(index, "the amount") }
    switch selector {
    case 0x5782_a043:  // closeAccount(bytes32): its lamports go to the contract's program address
      try runToken(.closeAccount, [], [.writable(first), .writable(own)], by: own, &frame)
    case 0xa9c1_5806:  // approve(bytes32,bytes32,uint64)
      let bytes = try amount(2).littleEndianBytes
      try runToken(.approve, bytes, [.writable(first), .readOnly(try second())], by: own, &frame)
    case 0xb75c_7dc6:  // revoke(bytes32)
      try runToken(.revoke, [], [.writable(first)], by: own, &frame)
    case 0x7842_3bcf:  // transfer(bytes32,bytes32,uint64)
      try transfer(first, try second(), try amount(2), by: own, &frame)
    case 0x7c0e_b810:  // transferWithSeed(bytes32,bytes32,bytes32,uint64): the seed comes first
      let authority = key(.authority, of: frame.caller, salt: first)
      try transfer(
        try second(), try arguments.key(2, "the target"), try amount(3), by: authority, &frame)
    case 0xc9d0_e2fd:  // mintTo(bytes32,bytes32,uint64)
      let (holding, amount) = (try second(), try amount(2))
      if amount == 0 { return }
      try runToken(
        .mintTo, amount.littleEndianBytes, [.writable(first), .writable(holding)], by: own, &frame)
    case 0xc067_eebb:  // burn(bytes32,bytes32,uint64): the mint comes first
      let (holding, amount) = (try second(), try amount(2))
      if amount == 0 { return }
      try runToken(.burn, amount.littleEndianBytes, [.writable(holding), .writable(first)], by: own, &frame)
    case 0x44ef_3244, 0x3d71_8c9a:  // freeze(bytes32,bytes32), thaw(bytes32,bytes32): the mint comes first
      let tag = selector == 0x44ef_3244 ? TokenProgram.Tag.freezeAccount : .thawAccount
      try runToken(tag, [], [.writable(try second()), .readOnly(first)], by: own, &frame)
    default: throw frame.unknown(selector)
    }
  }

  private func transfer(
    _ source: Pubkey, _ target: Pubkey, _ amount: UInt64, by authority: Pubkey, _ frame: inout Frame
  ) throws(CrossCallError) {
    if source == target || amount == 0 { return }
    try runToken(
      .transfer, amount.littleEndianBytes, [.writable(source), .writable(target)], by: authority, &frame)
  }

  private func runToken(
    _ tag: TokenProgram.Tag, _ data: [UInt8], _ accounts: [AccountMeta], by authority: Pubkey,
    _ frame: inout Frame
  ) throws(CrossCallError) {
    try run(
      TokenProgram.instruction(
        tag, data, accounts + [AccountMeta(key: authority, isSigner: true, isWritable: false)]),
      signers: Signers(authority), &frame)
  }
}

extension AccountMeta {
  fileprivate static func writable(_ key: Pubkey) -> AccountMeta {
    AccountMeta(key: key, isSigner: false, isWritable: true)
  }

  fileprivate static func readOnly(_ key: Pubkey) -> AccountMeta {
    AccountMeta(key: key, isSigner: false, isWritable: false)
  }
}

extension UInt64 {
  fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
