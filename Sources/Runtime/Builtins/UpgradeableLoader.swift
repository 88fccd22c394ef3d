// The upgradeable BPF loader (v3): programs are small accounts that point at a program-data account, which
// holds the ELF and names who may replace it (https://docs.rs/solana-loader-v3-interface). Checks, their
// order, errors and log texts are Agave 4.1's. Deployment, upgrade and extension are in
// UpgradeableLoader+Deployment.swift.

import Ledger
import Primitives

package enum UpgradeableLoader {
  /// Compute units of every management instruction.
  package static let computeUnits: UInt64 = 2370

  package static let process: BuiltinFunction = { (invoke) throws(InstructionError) in
    let data = try invoke.instructionContext.data
    let instruction = try data.decodeInstruction { (reader) throws(CodecError) in
      try UpgradeableLoaderInstruction.decode(&reader)
    }
    switch instruction {
    case .initializeBuffer: try initializeBuffer(invoke)
    case .write(let offset, let bytes): try write(bytes, at: offset, invoke)
    case .deployWithMaxDataLength(let length): try deploy(maximumByteCount: length, invoke)
    case .upgrade: try upgrade(invoke)
    case .setAuthority: try setAuthority(invoke)
    case .setAuthorityChecked: try setAuthorityChecked(invoke)
    case .close: try close(invoke)
    case .extendProgram(let count): try extendProgram(by: count, invoke)
    }
  }

  private static func initializeBuffer(_ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(2)
    let buffer = try invoke.account(at: 0)
    if try buffer.upgradeableLoaderState() != .uninitialized {
      invoke.log("Buffer account already initialized")
      throw .accountAlreadyInitialized
    }
    try buffer.setState(UpgradeableLoaderState.buffer(authority: try invoke.key(at: 1)).encode())
  }

  private static func write(_ bytes: [UInt8], at offset: UInt32, _ invoke: InvokeContext)
    throws(InstructionError)
  {
    try invoke.instructionContext.checkAccountCount(2)
    let buffer = try invoke.account(at: 0)
    guard case .buffer(let authority) = try buffer.upgradeableLoaderState() else {
      invoke.log("Invalid Buffer account")
      throw .invalidAccountData
    }
    try checkAuthority(authority, at: 1, .buffer, invoke)
    let start = UpgradeableLoaderState.bufferMetadataByteCount + Int(offset)
    let end = start + bytes.count
    try buffer.withMutableData { (data) throws(InstructionError) in
      guard data.count >= end else {
        invoke.log("Write overflow: \(data.count) < \(end)")
        throw .accountDataTooSmall
      }
      UnsafeMutableRawBufferPointer(rebasing: data[start..<end]).copyBytes(from: bytes)
    }
  }

  // MARK: Authorities

  /// What an authority is over; only the log texts differ.
  enum Authority {
    case buffer, programData

    var immutable: String { self == .buffer ? "Buffer is immutable" : "Program not upgradeable" }
    var incorrect: String {
      self == .buffer ? "Incorrect buffer authority provided" : "Incorrect upgrade authority provided"
    }
    var unsigned: String {
      self == .buffer ? "Buffer authority did not sign" : "Upgrade authority did not sign"
    }
  }

  /// Throws unless `authority` exists and is the key at `index`, which signed.
  static func checkAuthority(
    _ authority: Pubkey?, at index: Int, _ kind: Authority, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard let authority else {
      invoke.log(kind.immutable)
      throw .immutable
    }
    let provided = try invoke.account(at: index)
    if provided.key != authority {
      invoke.log(kind.incorrect)
      throw .incorrectAuthority
    }
    if !provided.isSigner {
      invoke.log(kind.unsigned)
      throw .missingRequiredSignature
    }
  }

  private static func setAuthority(_ invoke: InvokeContext) throws(InstructionError) {
    let frame = try invoke.instructionContext
    try frame.checkAccountCount(2)
    let account = try invoke.account(at: 0)
    let successor: Pubkey? = frame.accountCount > 2 ? try invoke.key(at: 2) : nil
    switch try account.upgradeableLoaderState() {
    case .buffer(let authority):
      if successor == nil {
        invoke.log("Buffer authority is not optional")
        throw .incorrectAuthority
      }
      try checkAuthority(authority, at: 1, .buffer, invoke)
      try account.setState(UpgradeableLoaderState.buffer(authority: successor).encode())
    case .programData(let slot, let authority):
      try checkAuthority(authority, at: 1, .programData, invoke)
      try account.setState(UpgradeableLoaderState.programData(slot: slot, authority: successor).encode())
    case .uninitialized, .program:
      invoke.log("Account does not support authorities")
      throw .invalidArgument
    }
    invoke.log("New authority \(successor.map { "Some(\($0))" } ?? "None")")
  }

  private static func setAuthorityChecked(_ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(3)
    let account = try invoke.account(at: 0)
    let successor = try invoke.account(at: 2)
    let successorState: UpgradeableLoaderState
    switch try account.upgradeableLoaderState() {
    case .buffer(let authority):
      try checkAuthority(authority, at: 1, .buffer, invoke)
      successorState = .buffer(authority: successor.key)
    case .programData(let slot, let authority):
      try checkAuthority(authority, at: 1, .programData, invoke)
      successorState = .programData(slot: slot, authority: successor.key)
    case .uninitialized, .program:
      invoke.log("Account does not support authorities")
      throw .invalidArgument
    }
    if !successor.isSigner {
      invoke.log("New authority did not sign")
      throw .missingRequiredSignature
    }
    try account.setState(successorState.encode())
    invoke.log("New authority \(successor.key)")
  }

  // MARK: Closing

  private static func close(_ invoke: InvokeContext) throws(InstructionError) {
    let frame = try invoke.instructionContext
    try frame.checkAccountCount(2)
    let account = try invoke.account(at: 0)
    let recipient = try invoke.account(at: 1)
    if account.indexInTransaction == recipient.indexInTransaction {
      invoke.log("Recipient is the same as the account being closed")
      throw .invalidArgument
    }
    let state = try account.upgradeableLoaderState()
    try account.setDataByteCount(UpgradeableLoaderState.uninitializedByteCount)
    switch state {
    case .uninitialized:
      try recipient.addLamports(account.lamports)
      try account.setLamports(0)
      invoke.log("Closed Uninitialized \(account.key)")
    case .buffer(let authority):
      try frame.checkAccountCount(3)
      try drain(account, to: recipient, authority: authority, invoke)
      invoke.log("Closed Buffer \(account.key)")
    case .programData(let slot, let authority):
      try frame.checkAccountCount(4)
      try closeProgram(programData: account, recipient: recipient, slot: slot, authority: authority, invoke)
    case .program:
      invoke.log("Account does not support closing")
      throw .invalidArgument
    }
  }

  private static func closeProgram(
    programData: BorrowedAccount, recipient: BorrowedAccount, slot: UInt64, authority: Pubkey?,
    _ invoke: InvokeContext
  ) throws(InstructionError) {
    let program = try invoke.account(at: 3)
    if !program.isWritable {
      invoke.log("Program account is not writable")
      throw .invalidArgument
    }
    if !program.isOwnedByCurrentProgram {
      invoke.log("Program account not owned by loader")
      throw .incorrectProgramId
    }
    if invoke.environment.sysvars.clock.slot == slot {
      invoke.log("Program was deployed in this block already")
      throw .invalidArgument
    }
    guard case .program(let pointer) = try program.upgradeableLoaderState() else {
      invoke.log("Invalid Program account")
      throw .invalidArgument
    }
    if pointer != programData.key {
      invoke.log("ProgramData account does not match ProgramData account")
      throw .invalidArgument
    }
    try drain(programData, to: recipient, authority: authority, invoke)
    invoke.closeProgram(program.key)
    invoke.log("Closed Program \(program.key)")
  }

  /// Empties an account on behalf of its authority, which is the instruction's account 2.
  private static func drain(
    _ account: BorrowedAccount, to recipient: BorrowedAccount, authority: Pubkey?, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard let authority else {
      invoke.log("Account is immutable")
      throw .immutable
    }
    let provided = try invoke.account(at: 2)
    if provided.key != authority {
      invoke.log("Incorrect authority provided")
      throw .incorrectAuthority
    }
    if !provided.isSigner {
      invoke.log("Authority did not sign")
      throw .missingRequiredSignature
    }
    try recipient.addLamports(account.lamports)
    try account.setLamports(0)
    try account.setState(UpgradeableLoaderState.uninitialized.encode())
  }
}
