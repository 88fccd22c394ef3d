// Deploying, upgrading and extending programs under the upgradeable loader: the instructions that verify an
// ELF and change what the program cache holds. Checks, their order, errors and log texts are Agave 4.1's.

import Ledger
import Primitives

extension UpgradeableLoader {
  private static let bufferOffset = UpgradeableLoaderState.bufferMetadataByteCount
  private static let elfOffset = UpgradeableLoaderState.programDataMetadataByteCount

  /// Smallest extension in bytes, unless it reaches the largest account (SIMD-0431).
  package static let minimumExtensionByteCount: UInt32 = 10_240

  // MARK: Deployment

  static func deploy(maximumByteCount: UInt64, _ invoke: InvokeContext) throws(InstructionError) {
    let frame = try invoke.instructionContext
    try frame.checkAccountCount(4)
    try invoke.checkSysvar(SysvarID.rent, at: 4)
    try invoke.checkSysvar(SysvarID.clock, at: 5)
    try frame.checkAccountCount(8)
    let authority = try invoke.account(at: 7)
    let program = try invoke.account(at: 2)
    try checkNewProgram(program, invoke)
    let buffer = try invoke.account(at: 3)
    try checkBuffer(buffer, authority: authority, invoke)
    let elfByteCount = try elfByteCount(ofBuffer: buffer, invoke)
    if maximumByteCount < UInt64(elfByteCount) {
      invoke.log("Max data length is too small to hold Buffer data")
      throw .accountDataTooSmall
    }
    let (needed, overflow) = maximumByteCount.addingReportingOverflow(UInt64(elfOffset))
    if overflow || needed > UInt64(Account.maximumDataByteCount) {
      invoke.log("Max data length is too large")
      throw .invalidArgument
    }
    try createProgramData(byteCount: Int(needed), program: program.key, buffer: buffer, invoke)
    try verify(buffer, from: bufferOffset, as: program.key, invoke)

    let programData = try invoke.account(at: 1)
    let slot = invoke.environment.sysvars.clock.slot
    try programData.setState(
      UpgradeableLoaderState.programData(slot: slot, authority: authority.key).encode())
    try copyELF(from: buffer, to: programData)
    try buffer.setDataByteCount(bufferOffset)
    try program.setState(UpgradeableLoaderState.program(programData: programData.key).encode())
    try program.setExecutable(true)
    invoke.log("Deployed program \(program.key)")
  }

  private static func checkNewProgram(_ program: BorrowedAccount, _ invoke: InvokeContext)
    throws(InstructionError)
  {
    if try program.upgradeableLoaderState() != .uninitialized {
      invoke.log("Program account already initialized")
      throw .accountAlreadyInitialized
    }
    if program.dataByteCount < UpgradeableLoaderState.programByteCount {
      invoke.log("Program account too small")
      throw .accountDataTooSmall
    }
    if program.lamports < invoke.minimumBalance(dataByteCount: program.dataByteCount) {
      invoke.log("Program account not rent-exempt")
      throw .executableAccountNotRentExempt
    }
  }

  /// Throws unless `buffer` is a buffer of `authority`, which signed.
  private static func checkBuffer(
    _ buffer: BorrowedAccount, authority: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard case .buffer(let bufferAuthority) = try buffer.upgradeableLoaderState() else {
      invoke.log("Invalid Buffer account")
      throw .invalidArgument
    }
    if bufferAuthority != authority.key {
      invoke.log("Buffer and upgrade authority don't match")
      throw .incorrectAuthority
    }
    if !authority.isSigner {
      invoke.log("Upgrade authority did not sign")
      throw .missingRequiredSignature
    }
  }

  private static func elfByteCount(
    ofBuffer buffer: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) -> Int {
    let count = buffer.dataByteCount - bufferOffset
    if count <= 0 {
      invoke.log("Buffer account too small")
      throw .invalidAccountData
    }
    return count
  }

  /// Has the payer, refunded by the buffer's lamports, create the program-data account.
  private static func createProgramData(
    byteCount: Int, program: Pubkey, buffer: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let loader = try invoke.programID
    let payer = try invoke.account(at: 0)
    let address = try invoke.key(at: 1)
    guard let derived = try? ProgramAddress.find(seeds: [program.bytes], program: loader),
      derived.address == address
    else {
      invoke.log("ProgramData address is not derived")
      throw .invalidArgument
    }
    try invoke.checkDistinct(buffer, payer)
    try payer.addLamports(buffer.lamports)
    try buffer.setLamports(0)
    let creation = SystemInstruction.createAccount(
      lamports: max(1, invoke.minimumBalance(dataByteCount: byteCount)), space: UInt64(byteCount),
      owner: loader)
    // The buffer rides along so that the callee's frame sees the lamports it gave up.
    try invoke.nativeInvoke(
      Instruction(
        programID: ProgramID.system,
        accounts: [
          AccountMeta(key: payer.key, isSigner: true, isWritable: true),
          AccountMeta(key: address, isSigner: true, isWritable: true),
          AccountMeta(key: buffer.key, isSigner: false, isWritable: true),
        ], data: creation.encode()),
      signers: [address])
  }

  /// Verifies the ELF in `account` and makes it what `program` runs from the next transaction on.
  private static func verify(
    _ account: BorrowedAccount, from offset: Int, as program: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    try account.withData { (data) throws(InstructionError) in
      guard offset <= data.count else { throw .accountDataTooSmall }
      try invoke.deployProgram(program, elf: UnsafeRawBufferPointer(rebasing: data[offset...]))
    }
  }

  private static func copyELF(from buffer: BorrowedAccount, to programData: BorrowedAccount)
    throws(InstructionError)
  {
    let source = buffer.data
    let end = elfOffset + source.count - bufferOffset
    try programData.withMutableData { (data) throws(InstructionError) in
      guard end <= data.count else { throw .accountDataTooSmall }
      UnsafeMutableRawBufferPointer(rebasing: data[elfOffset..<end]).copyBytes(from: source[bufferOffset...])
    }
  }

  // MARK: Upgrade

  static func upgrade(_ invoke: InvokeContext) throws(InstructionError) {
    let frame = try invoke.instructionContext
    try frame.checkAccountCount(3)
    try invoke.checkSysvar(SysvarID.rent, at: 4)
    try invoke.checkSysvar(SysvarID.clock, at: 5)
    try frame.checkAccountCount(7)
    let programData = try invoke.account(at: 0)
    let program = try invoke.account(at: 1)
    let buffer = try invoke.account(at: 2)
    let authority = try invoke.account(at: 6)
    try checkUpgradedProgram(program, programData: programData.key, invoke)
    try checkBuffer(buffer, authority: authority, invoke)
    let elfByteCount = try elfByteCount(ofBuffer: buffer, invoke)
    let bufferLamports = buffer.lamports
    let reserve = max(1, invoke.minimumBalance(dataByteCount: programData.dataByteCount))
    try checkUpgradedProgramData(
      programData, elfByteCount: elfByteCount, lamports: bufferLamports, reserve: reserve, invoke)
    try verify(buffer, from: bufferOffset, as: program.key, invoke)

    let slot = invoke.environment.sysvars.clock.slot
    try programData.setState(
      UpgradeableLoaderState.programData(slot: slot, authority: authority.key).encode())
    try invoke.checkDistinct(programData, buffer)
    try copyELF(from: buffer, to: programData)
    try programData.withMutableData { (data) throws(InstructionError) in
      for index in (elfOffset + elfByteCount)..<data.count { data[index] = 0 }
    }
    let spill = try invoke.account(at: 3)
    try invoke.checkDistinct(programData, spill)
    try invoke.checkDistinct(buffer, spill)
    // What program data needs stays there; the rest of both balances spills over.
    let (total, overflow) = programData.lamports.addingReportingOverflow(bufferLamports)
    let surplus = (overflow ? .max : total).subtractingReportingOverflow(reserve)
    try spill.addLamports(surplus.overflow ? 0 : surplus.partialValue)
    try buffer.setLamports(0)
    try programData.setLamports(reserve)
    try buffer.setDataByteCount(bufferOffset)
    invoke.log("Upgraded program \(program.key)")
  }

  private static func checkUpgradedProgram(
    _ program: BorrowedAccount, programData: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if !program.isWritable {
      invoke.log("Program account not writeable")
      throw .invalidArgument
    }
    if !program.isOwnedByCurrentProgram {
      invoke.log("Program account not owned by loader")
      throw .incorrectProgramId
    }
    guard case .program(let pointer) = try program.upgradeableLoaderState() else {
      invoke.log("Invalid Program account")
      throw .invalidAccountData
    }
    if pointer != programData {
      invoke.log("Program and ProgramData account mismatch")
      throw .invalidArgument
    }
  }

  private static func checkUpgradedProgramData(
    _ programData: BorrowedAccount, elfByteCount: Int, lamports: UInt64, reserve: UInt64,
    _ invoke: InvokeContext
  ) throws(InstructionError) {
    if programData.dataByteCount < elfOffset + elfByteCount {
      invoke.log("ProgramData account not large enough")
      throw .accountDataTooSmall
    }
    let (total, overflow) = programData.lamports.addingReportingOverflow(lamports)
    if !overflow && total < reserve {
      invoke.log("Buffer account balance too low to fund upgrade")
      throw .insufficientFunds
    }
    guard case .programData(let slot, let authority) = try programData.upgradeableLoaderState() else {
      invoke.log("Invalid ProgramData account")
      throw .invalidAccountData
    }
    if invoke.environment.sysvars.clock.slot == slot {
      invoke.log("Program was deployed in this block already")
      throw .invalidArgument
    }
    try checkAuthority(authority, at: 6, .programData, invoke)
  }

  // MARK: Extension

  static func extendProgram(by additionalByteCount: UInt32, _ invoke: InvokeContext) throws(InstructionError)
  {
    if additionalByteCount == 0 {
      invoke.log("Additional bytes must be greater than 0")
      throw .invalidInstructionData
    }
    let programData = try invoke.account(at: 0)
    let program = try extendedProgram(of: programData, invoke)
    let byteCount = programData.dataByteCount + Int(additionalByteCount)
    try checkExtension(of: programData.dataByteCount, by: additionalByteCount, invoke)
    let authority = try authorityOfExtended(programData, invoke)

    let reserve = max(1, invoke.minimumBalance(dataByteCount: byteCount))
    if reserve > programData.lamports {
      let payer = try invoke.key(at: 3)
      try invoke.nativeInvoke(
        Instruction(
          programID: ProgramID.system,
          accounts: [
            AccountMeta(key: payer, isSigner: true, isWritable: true),
            AccountMeta(key: programData.key, isSigner: false, isWritable: true),
          ], data: SystemInstruction.transfer(lamports: reserve - programData.lamports).encode()))
    }
    try programData.setDataByteCount(byteCount)
    try verify(programData, from: elfOffset, as: program, invoke)
    let slot = invoke.environment.sysvars.clock.slot
    try programData.setState(UpgradeableLoaderState.programData(slot: slot, authority: authority).encode())
    invoke.log("Extended ProgramData account by \(additionalByteCount) bytes")
  }

  /// Throws unless both accounts may be changed and belong together.
  private static func extendedProgram(
    of programData: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) -> Pubkey {
    if !programData.isOwnedByCurrentProgram {
      invoke.log("ProgramData owner is invalid")
      throw .invalidAccountOwner
    }
    if !programData.isWritable {
      invoke.log("ProgramData is not writable")
      throw .invalidArgument
    }
    let program = try invoke.account(at: 1)
    try invoke.checkDistinct(programData, program)
    if !program.isWritable {
      invoke.log("Program account is not writable")
      throw .invalidArgument
    }
    if !program.isOwnedByCurrentProgram {
      invoke.log("Program account not owned by loader")
      throw .invalidAccountOwner
    }
    guard case .program(let pointer) = try program.upgradeableLoaderState() else {
      invoke.log("Invalid Program account")
      throw .invalidAccountData
    }
    if pointer != programData.key {
      invoke.log("Program account does not match ProgramData account")
      throw .invalidArgument
    }
    return program.key
  }

  private static func checkExtension(
    of byteCount: Int, by additionalByteCount: UInt32, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let limit = Account.maximumDataByteCount
    let extended = byteCount + Int(additionalByteCount)
    if extended > limit {
      invoke.log(
        "Extended ProgramData length of \(extended) bytes exceeds max account data length of \(limit) bytes")
      throw .invalidRealloc
    }
    if additionalByteCount < minimumExtensionByteCount && extended != limit {
      invoke.log(
        "ExtendProgram requires a minimum of \(minimumExtensionByteCount) additional bytes or to extend to "
          + "maximum size, but only \(additionalByteCount) were requested")
      throw .invalidArgument
    }
  }

  private static func authorityOfExtended(
    _ programData: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) -> Pubkey {
    guard case .programData(let slot, let authority) = try programData.upgradeableLoaderState() else {
      invoke.log("ProgramData state is invalid")
      throw .invalidAccountData
    }
    if invoke.environment.sysvars.clock.slot == slot {
      invoke.log("Program was extended in this block already")
      throw .invalidArgument
    }
    guard let authority else {
      invoke.log("Cannot extend ProgramData accounts that are not upgradeable")
      throw .immutable
    }
    return authority
  }
}
