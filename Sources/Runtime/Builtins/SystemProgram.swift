// The system program: it alone creates accounts, gives unowned ones away and moves lamports between them
// (https://docs.rs/solana-system-interface). Order of checks, log texts and errors are Agave 4.1's; durable
// nonces are in SystemProgram+Nonce.swift.

import Ledger
import Primitives

package enum SystemProgram {
  /// Compute units of every instruction.
  package static let computeUnits: UInt64 = 150

  package static let process: BuiltinFunction = { (invoke) throws(InstructionError) in
    let frame = try invoke.instructionContext
    // Most instructions are transfers, which need not take the way of the others.
    if let lamports = SystemInstruction.lamportsOfTransfer(frame.data) {
      try frame.checkAccountCount(2)
      return try transfer(from: 0, to: 1, lamports: lamports, invoke)
    }
    let instruction = try frame.data.decodeInstruction { (reader) throws(CodecError) in
      try SystemInstruction.decode(&reader)
    }
    try run(instruction, invoke)
  }

  private static func run(_ instruction: SystemInstruction, _ invoke: InvokeContext) throws(InstructionError)
  {
    let frame = try invoke.instructionContext
    switch instruction {
    case .createAccount(let lamports, let space, let owner):
      try frame.checkAccountCount(2)
      let target = ClaimedAddress(address: try invoke.key(at: 1))
      try createAccount(target, lamports: lamports, space: space, owner: owner, invoke)
    case .createAccountWithSeed(let base, let seed, let lamports, let space, let owner):
      try frame.checkAccountCount(2)
      let target = try ClaimedAddress(index: 1, base: base, seed: seed, owner: owner, invoke)
      try createAccount(target, lamports: lamports, space: space, owner: owner, invoke)
    case .createAccountAllowPrefund(let lamports, let space, let owner):
      try frame.checkAccountCount(lamports > 0 ? 2 : 1)
      let target = ClaimedAddress(address: try invoke.key(at: 0))
      let account = try invoke.account(at: 0)
      try allocate(account, target, space: space, invoke)
      try assign(account, target, owner: owner, invoke)
      if lamports > 0 { try transfer(from: 1, to: 0, lamports: lamports, invoke) }
    case .assign(let owner):
      try frame.checkAccountCount(1)
      let target = ClaimedAddress(address: try invoke.key(at: 0))
      try assign(try invoke.account(at: 0), target, owner: owner, invoke)
    case .assignWithSeed(let base, let seed, let owner):
      try frame.checkAccountCount(1)
      let target = try ClaimedAddress(index: 0, base: base, seed: seed, owner: owner, invoke)
      try assign(try invoke.account(at: 0), target, owner: owner, invoke)
    case .allocate(let space):
      try frame.checkAccountCount(1)
      let target = ClaimedAddress(address: try invoke.key(at: 0))
      try allocate(try invoke.account(at: 0), target, space: space, invoke)
    case .allocateWithSeed(let base, let seed, let space, let owner):
      try frame.checkAccountCount(1)
      let account = try invoke.account(at: 0)
      let target = try ClaimedAddress(index: 0, base: base, seed: seed, owner: owner, invoke)
      try allocate(account, target, space: space, invoke)
      try assign(account, target, owner: owner, invoke)
    case .transfer(let lamports):
      try frame.checkAccountCount(2)
      try transfer(from: 0, to: 1, lamports: lamports, invoke)
    case .transferWithSeed(let lamports, let seed, let owner):
      try frame.checkAccountCount(3)
      try transferWithSeed(lamports: lamports, seed: seed, owner: owner, invoke)
    case .advanceNonceAccount: try advanceNonce(invoke)
    case .withdrawNonceAccount(let lamports): try withdrawNonce(lamports: lamports, invoke)
    case .initializeNonceAccount(let authority): try initializeNonce(authority: authority, invoke)
    case .authorizeNonceAccount(let authority): try authorizeNonce(authority: authority, invoke)
    case .upgradeNonceAccount: try upgradeNonce(invoke)
    }
  }

  private static func createAccount(
    _ target: ClaimedAddress, lamports: UInt64, space: UInt64, owner: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let account = try invoke.account(at: 1)
    if account.lamports > 0 {
      invoke.log("Create Account: account \(target) already in use")
      throw SystemError.accountAlreadyInUse.instructionError
    }
    try allocate(account, target, space: space, invoke)
    try assign(account, target, owner: owner, invoke)
    try transfer(from: 0, to: 1, lamports: lamports, invoke)
  }

  private static func allocate(
    _ account: BorrowedAccount, _ target: ClaimedAddress, space: UInt64, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if !invoke.isSigner(target.signer) {
      invoke.log("Allocate: 'to' account \(target) must sign")
      throw .missingRequiredSignature
    }
    if account.dataByteCount > 0 || account.owner != ProgramID.system {
      invoke.log("Allocate: account \(target) already in use")
      throw SystemError.accountAlreadyInUse.instructionError
    }
    let limit = UInt64(Account.maximumDataByteCount)
    if space > limit {
      invoke.log("Allocate: requested \(space), max allowed \(limit)")
      throw SystemError.invalidAccountDataLength.instructionError
    }
    try account.setDataByteCount(Int(space))
  }

  private static func assign(
    _ account: BorrowedAccount, _ target: ClaimedAddress, owner: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if account.owner == owner { return }
    if !invoke.isSigner(target.signer) {
      invoke.log("Assign: account \(target) must sign")
      throw .missingRequiredSignature
    }
    try account.setOwner(owner)
  }

  private static func transfer(
    from: Int, to: Int, lamports: UInt64, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let source = try invoke.account(at: from)
    if !source.isSigner {
      invoke.log("Transfer: `from` account \(source.key) must sign")
      throw .missingRequiredSignature
    }
    try move(from: source, to: to, lamports: lamports, invoke)
  }

  private static func transferWithSeed(
    lamports: UInt64, seed: [UInt8], owner: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let base = try invoke.account(at: 1)
    if !base.isSigner {
      invoke.log("Transfer: 'from' account \(base.key) must sign")
      throw .missingRequiredSignature
    }
    let derived = try ProgramAddress.derived(base: base.key, seed: seed, owner: owner)
    let source = try invoke.key(at: 0)
    if source != derived {
      invoke.log("Transfer: 'from' address \(source) does not match derived address \(derived)")
      throw SystemError.addressWithSeedMismatch.instructionError
    }
    try move(from: try invoke.account(at: 0), to: 2, lamports: lamports, invoke)
  }

  /// Moves lamports once the right to do so has been proved.
  private static func move(
    from source: BorrowedAccount, to: Int, lamports: UInt64, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if source.dataByteCount > 0 {
      invoke.log("Transfer: `from` must not carry data")
      throw .invalidArgument
    }
    if lamports > source.lamports {
      invoke.log("Transfer: insufficient lamports \(source.lamports), need \(lamports)")
      throw SystemError.resultWithNegativeLamports.instructionError
    }
    try source.subtractLamports(lamports)
    try invoke.account(at: to).addLamports(lamports)
  }
}

/// An address that an instruction creates or gives away: it signs itself, or the base that it derives from
/// signs.
struct ClaimedAddress: CustomStringConvertible {
  let address: Pubkey
  let base: Pubkey?

  init(address: Pubkey) {
    self.address = address
    base = nil
  }

  /// The key at `index`, which must be the address derived from `base`, `seed` and `owner`.
  init(
    index: Int, base: Pubkey, seed: [UInt8], owner: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    address = try invoke.key(at: index)
    let derived = try ProgramAddress.derived(base: base, seed: seed, owner: owner)
    if address != derived {
      invoke.log("Create: address \(address) does not match derived address \(derived)")
      throw SystemError.addressWithSeedMismatch.instructionError
    }
    self.base = base
  }

  var signer: Pubkey { base ?? address }

  /// As Agave's logs print it.
  var description: String {
    let origin = base.map { "Some(\($0))" } ?? "None"
    return "Address { address: \(address), base: \(origin) }"
  }
}
