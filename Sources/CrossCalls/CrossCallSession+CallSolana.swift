// FF00…0006, CallSolana: a contract runs an instruction of any program and sees what it did at once. Also FF00…0007, who
// of Solana's is behind an address, and FF00…0005, Metaplex.

import EVM
import Ledger
import Primitives
import Runtime
import WideIntegers

extension CrossCallSession {
  func callSolana(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    let selector = try selectorOfOwnCall(&frame)
    let arguments = frame.arguments
    switch selector {
    case 0x154d_4aa5:  // getNeonAddress(address)
      return key(.contract, of: try arguments.address(0, "the address")).bytes
    case 0x59e4_ad63:  // getResourceAddress(bytes32)
      return key(.resource, of: frame.caller, salt: try arguments.key(0, "the salt")).bytes
    case 0xcd2d_1a3a:  // getExtAuthority(bytes32)
      return key(.authority, of: frame.caller, salt: try arguments.key(0, "the salt")).bytes
    case 0x30aa_81c6:  // getPayer()
      return key(.payer, of: frame.caller).bytes
    case 0x4a89_0f31:  // getSolanaPDA(bytes32,bytes)
      return try programAddress(arguments).bytes
    case 0xcff5_c1a5:  // getReturnData()
      var words = ReturnWords()
      words.append(journal.returnData.program)
      words.append(bytes: journal.returnData.data)
      return words.bytes
    case 0xcfd5_1d32:  // createResource(bytes32,uint64,uint64,bytes32)
      try frame.refuseStatic("createResource")
      try frame.charge(CrossCallCosts.call - CrossCallCosts.query)
      return try createResource(arguments, &frame)
    default:
      guard let function = ExecuteFunction(selector) else { throw frame.unknown(selector) }
      try frame.refuseStatic("execute")
      try frame.charge(CrossCallCosts.call - CrossCallCosts.query)
      return try execute(function, arguments, &frame)
    }
  }

  /// The checks that calls of FF00…0004, 5 and 6 begin with, and the cost of a query.
  func selectorOfOwnCall(_ frame: inout Frame) throws(CrossCallError) -> UInt32 {
    try frame.charge(CrossCallCosts.query)
    try frame.refuseValue()
    try frame.refuseDelegation()
    return try frame.selector()
  }

  /// Seeds are one string of bytes, cut every 32.
  private func programAddress(_ arguments: Calldata) throws(CrossCallError) -> Pubkey {
    let program = try arguments.key(0, "the program")
    let bytes = try arguments.bytes(1, "the seeds")
    guard bytes.count <= ProgramAddress.maximumSeedByteCount * (ProgramAddress.maximumSeedCount - 1) else {
      throw .refused("\(bytes.count) bytes are more than \(ProgramAddress.maximumSeedCount - 1) seeds of 32")
    }
    let seeds = stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<min($0 + 32, bytes.count)]) }
    do throws(ProgramAddressError) {
      return try ProgramAddress.find(seeds: seeds, program: program).address
    } catch {
      throw .refused("no address of program \(program) has these seeds")
    }
  }

  /// Makes the caller's resource account at a salt.
  private func createResource(_ arguments: Calldata, _ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    let key = key(.resource, of: frame.caller, salt: try arguments.key(0, "the salt"))
    let space = try arguments.uint64(1, "space")
    let lamports = try arguments.uint64(2, "lamports")
    let owner = try arguments.key(3, "the owner")
    guard space <= UInt64(Account.maximumDataByteCount) else {
      throw .refused("\(space) bytes are more than an account holds")
    }
    try create(key, space: Int(space), owner: owner, lamports: lamports, &frame)
    return key.bytes
  }

  /// Makes an account of the caller's at `key`, exempt from rent, with `lamports` at least.
  func create(
    _ key: Pubkey, space: Int, owner: Pubkey, lamports: UInt64 = 0, _ frame: inout Frame
  ) throws(CrossCallError) {
    let account = try account(key)
    guard account.owner == ProgramID.system, account.data.isEmpty else {
      throw .refused("the account \(key) is there already")
    }
    try fund(key, with: max(minimumBalance(dataByteCount: space), lamports), &frame)
    let metas = [AccountMeta(key: key, isSigner: true, isWritable: true)]
    for instruction in [SystemInstruction.allocate(space: UInt64(space)), .assign(owner: owner)] {
      try run(
        Instruction(programID: ProgramID.system, accounts: metas, data: instruction.encode()), signers: Signers(key),
        &frame)
    }
  }

  // MARK: execute

  private struct ExecuteFunction {
    var hasLamports: Bool
    var hasSalt: Bool
    var isEncoded: Bool

    init?(_ selector: UInt32) {
      switch selector {
      case 0xc549_a7af: (hasLamports, hasSalt, isEncoded) = (true, false, true)
      case 0xaeed_7f1e: (hasLamports, hasSalt, isEncoded) = (true, false, false)
      case 0x3260_7450: (hasLamports, hasSalt, isEncoded) = (true, true, true)
      case 0xadd3_78af: (hasLamports, hasSalt, isEncoded) = (true, true, false)
      case 0x09c5_eabe: (hasLamports, hasSalt, isEncoded) = (false, false, true)
      case 0xa575_4fda: (hasLamports, hasSalt, isEncoded) = (false, false, false)
      case 0x260e_40bc: (hasLamports, hasSalt, isEncoded) = (false, true, true)
      case 0x8ea4_6ee8: (hasLamports, hasSalt, isEncoded) = (false, true, false)
      default: return nil
      }
    }
  }

  private func execute(
    _ function: ExecuteFunction, _ arguments: Calldata, _ frame: inout Frame
  ) throws(CrossCallError) -> [UInt8] {
    let lamports = function.hasLamports ? try arguments.uint64(0, "lamports") : nil
    var place = function.hasLamports ? 1 : 0
    let signer: Pubkey
    if function.hasSalt {
      signer = key(.authority, of: frame.caller, salt: try arguments.key(place, "the salt"))
      place += 1
    } else {
      signer = key(.contract, of: frame.caller)
    }
    var signers = Signers(signer)
    let instruction =
      function.isEncoded
      ? try Instruction(encoded: try arguments.bytes(place, "the instruction"))
      : try Instruction(try arguments.tuple(place, "the instruction"))
    journal.setReturnData(.zero, [])
    if let payer = instruction.accounts.isEmpty ? nil : key(.payer, of: frame.caller),
      instruction.accounts.contains(where: { $0.key == payer })
    {
      signers.second = payer
      // A call that is refused for itself moves no lamports.
      let loan = try lend(lamports, to: payer, &frame)
      try run(instruction, signers: signers, exemptingFromRent: payer, &frame)
      try takeBack(loan, from: payer, frame)
    } else {
      try run(instruction, signers: signers, &frame)
    }
    let data = journal.returnData
    if data.program != instruction.programID || data.data.isEmpty { return noBytes }
    return ReturnWords.encoded(bytes: data.data)
  }

  // MARK: FF00…0007 and FF00…0005

  func solanaNative(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    try frame.charge(CrossCallCosts.query)
    try frame.refuseValue()
    let selector = try frame.selector()
    // Signers that have called contracts in this transaction; who signs one of Ethereum's is none of them.
    switch selector {
    case 0x5131_b14f:  // isSolanaUser(address)
      return ReturnWords.truth(user(at: try frame.arguments.address(0, "the address")) != nil)
    case 0xb2ae_be3c:  // solanaAddress(address)
      return (user(at: try frame.arguments.address(0, "the address")) ?? .zero).bytes
    default: throw frame.unknown(selector)
    }
  }

  private static let metaplexProgram =
    Base58.decode("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s").flatMap { Pubkey($0) } ?? .zero

  func metaplex(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    let selector = try selectorOfOwnCall(&frame)
    guard
      [0xc573_50c6, 0x4ae8_b66b, 0xf7b6_37bb, 0x235b_2b94, 0x9ed1_9ddb, 0x691f_3431, 0x6baa_0330].contains(
        selector)
    else { throw frame.unknown(selector) }
    if try account(Self.metaplexProgram).lamports == 0 {
      throw .refused("Program \(Self.metaplexProgram) (Metaplex token metadata) is not on this ledger")
    }
    throw .refused("Program \(Self.metaplexProgram) (Metaplex token metadata) is to be called by execute")
  }
}

extension Instruction {
  /// Program (32 bytes), number of accounts (u64), each a key and a signer and a writable byte, length of the data (u64),
  /// data; integers little-endian.
  fileprivate init(encoded bytes: UnsafeRawBufferPointer) throws(CrossCallError) {
    let decoded: Instruction?
    do throws(CodecError) { decoded = try Self.decode(bytes) } catch { decoded = nil }
    guard let decoded else { throw .refused("the bytes are no encoded instruction") }
    self = decoded
  }

  /// `nil` where a flag or a count cannot be.
  private static func decode(_ bytes: UnsafeRawBufferPointer) throws(CodecError) -> Instruction? {
    var reader = ByteReader(bytes)
    let program = try reader.readPubkey()
    let count = try reader.readUInt64()
    // A longer list does not fit into the bytes.
    guard count <= UInt64(bytes.count / 34) else { return nil }
    var accounts: [AccountMeta] = []
    accounts.reserveCapacity(Int(count))
    for _ in 0..<count {
      let key = try reader.readPubkey()
      let (isSigner, isWritable) = (try reader.readUInt8(), try reader.readUInt8())
      guard isSigner < 2, isWritable < 2 else { return nil }
      accounts.append(AccountMeta(key: key, isSigner: isSigner == 1, isWritable: isWritable == 1))
    }
    let byteCount = try reader.readUInt64()
    guard byteCount <= UInt64(bytes.count) else { return nil }
    return Instruction(
      programID: program, accounts: accounts, data: Array(try reader.read(byteCount: Int(byteCount))))
  }
  /// (bytes32 program, (bytes32 key, bool isSigner, bool isWritable)[] accounts, bytes data)
  fileprivate init(_ tuple: Calldata) throws(CrossCallError) {
    let program = try tuple.key(0, "the program")
    let (count, words) = try tuple.array(1, "the accounts", wordCount: 3)
    var accounts: [AccountMeta] = []
    accounts.reserveCapacity(count)
    for index in 0..<count {
      accounts.append(
        AccountMeta(
          key: try words.key(3 * index, "an account's key"),
          isSigner: try words.bool(3 * index + 1, "an account's signer flag"),
          isWritable: try words.bool(3 * index + 2, "an account's writable flag")))
    }
    self.init(programID: program, accounts: accounts, data: Array(try tuple.bytes(2, "the data")))
  }
}
