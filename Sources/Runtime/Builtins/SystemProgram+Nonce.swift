// Durable nonces: accounts whose stored hash stands in for a recent blockhash, so that a transaction signed
// today can run next year, once (https://docs.rs/solana-nonce). Checks, their order and the log texts are
// Agave 4.1's.

import Ledger
import Primitives

extension SystemProgram {
  static func advanceNonce(_ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(1)
    let account = try invoke.account(at: 0)
    try requireRecentBlockhashes(at: 1, "Advance nonce account", invoke)
    try requireWritable(account, "Advance nonce account", invoke)
    guard let contents = try nonceState(of: account).contents else {
      invoke.log("Advance nonce account: Account \(account.key) state is invalid")
      throw .invalidAccountData
    }
    if !invoke.isSigner(contents.authority) {
      invoke.log("Advance nonce account: Account \(contents.authority) must be a signer")
      throw .missingRequiredSignature
    }
    let next = NonceState.durableNonce(from: invoke.blockhash)
    if contents.durableNonce == next {
      invoke.log("Advance nonce account: nonce can only advance once per slot")
      throw SystemError.nonceBlockhashNotExpired.instructionError
    }
    try account.setState(NonceState.fresh(authority: contents.authority, invoke).encode())
  }

  static func withdrawNonce(lamports: UInt64, _ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(2)
    try invoke.checkSysvar(SysvarID.recentBlockhashes, at: 2)
    try invoke.checkSysvar(SysvarID.rent, at: 3)
    let source = try invoke.account(at: 0)
    try requireWritable(source, "Withdraw nonce account", invoke)
    let signer: Pubkey
    if let contents = try nonceState(of: source).contents {
      if lamports == source.lamports {
        if contents.durableNonce == NonceState.durableNonce(from: invoke.blockhash) {
          invoke.log("Withdraw nonce account: nonce can only advance once per slot")
          throw SystemError.nonceBlockhashNotExpired.instructionError
        }
        try source.setState(NonceState(contents: nil).encode())
      } else {
        let reserve = invoke.minimumBalance(dataByteCount: source.dataByteCount)
        let (needed, overflow) = lamports.addingReportingOverflow(reserve)
        if overflow { throw .insufficientFunds }
        try requireLamports(source, needed, "Withdraw nonce account", invoke)
      }
      signer = contents.authority
    } else {
      try requireLamports(source, lamports, "Withdraw nonce account", invoke)
      signer = source.key
    }
    if !invoke.isSigner(signer) {
      invoke.log("Withdraw nonce account: Account \(signer) must sign")
      throw .missingRequiredSignature
    }
    try source.subtractLamports(lamports)
    try invoke.account(at: 1).addLamports(lamports)
  }

  static func initializeNonce(authority: Pubkey, _ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(1)
    let account = try invoke.account(at: 0)
    try requireRecentBlockhashes(at: 1, "Initialize nonce account", invoke)
    try invoke.checkSysvar(SysvarID.rent, at: 2)
    try requireWritable(account, "Initialize nonce account", invoke)
    if try nonceState(of: account).contents != nil {
      invoke.log("Initialize nonce account: Account \(account.key) state is invalid")
      throw .invalidAccountData
    }
    let reserve = invoke.minimumBalance(dataByteCount: account.dataByteCount)
    try requireLamports(account, reserve, "Initialize nonce account", invoke)
    try account.setState(NonceState.fresh(authority: authority, invoke).encode())
  }

  static func authorizeNonce(authority: Pubkey, _ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(1)
    let account = try invoke.account(at: 0)
    try requireWritable(account, "Authorize nonce account", invoke)
    var state = try nonceState(of: account)
    guard let contents = state.contents else {
      invoke.log("Authorize nonce account: Account \(account.key) state is invalid")
      throw .invalidAccountData
    }
    if !invoke.isSigner(contents.authority) {
      invoke.log("Authorize nonce account: Account \(contents.authority) must sign")
      throw .missingRequiredSignature
    }
    state.contents?.authority = authority
    try account.setState(state.encode())
  }

  static func upgradeNonce(_ invoke: InvokeContext) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(1)
    let account = try invoke.account(at: 0)
    if account.owner != ProgramID.system { throw .invalidAccountOwner }
    if !account.isWritable { throw .invalidArgument }
    let state = try nonceState(of: account)
    guard state.version == .legacy, var contents = state.contents else { throw .invalidArgument }
    contents.durableNonce = NonceState.durableNonce(from: contents.durableNonce)
    try account.setState(NonceState(contents: contents).encode())
  }

  private static func nonceState(of account: BorrowedAccount) throws(InstructionError) -> NonceState {
    try account.data.decodeAccountState { (reader) throws(CodecError) in try NonceState.decode(&reader) }
  }

  private static func requireRecentBlockhashes(
    at index: Int, _ name: String, _ invoke: InvokeContext
  ) throws(InstructionError) {
    try invoke.checkSysvar(SysvarID.recentBlockhashes, at: index)
    if invoke.environment.sysvars.recentBlockhashes.isEmpty {
      invoke.log("\(name): recent blockhash list is empty")
      throw SystemError.nonceNoRecentBlockhashes.instructionError
    }
  }

  private static func requireWritable(
    _ account: BorrowedAccount, _ name: String, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if account.isWritable { return }
    invoke.log("\(name): Account \(account.key) must be writeable")
    throw .invalidArgument
  }

  private static func requireLamports(
    _ account: BorrowedAccount, _ needed: UInt64, _ name: String, _ invoke: InvokeContext
  ) throws(InstructionError) {
    if account.lamports >= needed { return }
    invoke.log("\(name): insufficient lamports \(account.lamports), need \(needed)")
    throw .insufficientFunds
  }
}

extension NonceState {
  /// What a nonce account of `authority` holds once it has been advanced in the transaction that `invoke` runs.
  static func fresh(authority: Pubkey, _ invoke: InvokeContext) -> NonceState {
    NonceState(
      contents: Contents(
        authority: authority, durableNonce: durableNonce(from: invoke.blockhash),
        lamportsPerSignature: invoke.environment.lamportsPerSignature))
  }
}
