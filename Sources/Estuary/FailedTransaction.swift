// What a transaction's error means for the transaction at hand: the account, program or instruction that it is
// about, the amounts that count, and what would help. The error itself stays as JSON-RPC spells it, which clients
// compare.

import Execution
import Ledger
import Primitives
import Runtime

package struct FailedTransaction {
  let error: TransactionError
  private let logLines: [String]
  let transaction: Transaction
  let chain: any ProgramHost
  /// Whether other transactions came after it, so that the accounts are not as it left them.
  let isPast: Bool

  /// What `result` says of the transaction with these instructions, on the chain as it is after it; `nil` where it
  /// succeeded.
  ///
  /// - Parameter signers: the payer first.
  package init?(
    _ result: TransactionResult, of instructions: [Instruction], signers: [Ed25519.KeyPair],
    on chain: any ProgramHost
  ) {
    guard let error = result.error, let payer = signers.first else { return nil }
    let builder = TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: chain.blockhash, instructions: instructions)
    guard let transaction = try? builder.signed(by: signers) else { return nil }
    self.error = error
    logLines = result.logLines
    (self.transaction, self.chain, isPast) = (transaction, chain, false)
  }

  /// What `error` means for Solana's transaction in `wire`, some time before `chain` came to where it is.
  ///
  /// - Returns: `nil` where the error says everything.
  package static func explanation(of error: TransactionError, wire: [UInt8], on chain: any ProgramHost)
    -> String?
  {
    do throws(TransactionDecodingError) {
      return FailedTransaction(error, of: try Transaction.decode(wire), on: chain).explanation
    } catch {
      return "its bytes are no transaction: \(error)"
    }
  }

  private init(_ error: TransactionError, of transaction: Transaction, on chain: any ProgramHost) {
    (self.error, self.transaction, self.chain, isPast, logLines) = (error, transaction, chain, true, [])
  }

  /// The error, what it means, and the log.
  package var text: String {
    let headline = "the transaction failed: \(error.text)"
    return ([headline] + ([explanation].compactMap { $0 } + logLines).map { "  " + $0 })
      .joined(separator: "\n")
  }

  var message: Message { transaction.message }
  private var payer: Pubkey { message.staticKey(at: 0) }
  var signerCount: Int { Int(message.header.requiredSignatureCount) }

  /// What the error means; `nil` where it says everything.
  var explanation: String? {
    if case .sanitizeFailure = error { return sanityExplanation }
    // Whatever else fails has a payer.
    return message.staticKeyCount > 0 ? try? accountExplanation() : nil
  }

  private func accountExplanation() throws -> String? {
    switch error {
    case .accountNotFound where isPast:
      return "its payer \(payer) had no account: give it SOL in the genesis, or earlier in the file"
    case .accountNotFound:
      return "the payer \(payer) has no account on this ledger: `estuary airdrop 1 \(payer)` makes one"
    case .insufficientFundsForFee:
      let have = try chain.account(payer)?.lamports ?? 0
      return
        "the payer \(payer) has \(Lamports.text(have))\(isPast ? " by now" : ""), too little for the fee: "
        + "\(Lamports.text(5000)) for each of \(signerCount) signatures and what the priority fee comes to"
        + (isPast ? "" : "; `estuary airdrop 1 \(payer)` helps")
    case .invalidAccountForFee:
      let owner = try chain.account(payer)?.owner ?? .zero
      return "the payer \(payer) is owned by \(Self.name(of: owner)) or holds data: only a wallet can pay"
    case .insufficientFundsForRent(let index): return try rentExplanation(of: Int(index))
    case .programAccountNotFound:
      let missing = try firstProgram { try chain.account($0) == nil }
      return missing.map {
        "instruction \($0.index) calls \($0.key), where there is no account: deploy the program, or give the "
          + "right id"
      }
    case .invalidProgramForExecution:
      let wrong = try firstProgram {
        if case .other = try chain.programState(at: $0) { true } else { false }
      }
      return try wrong.map {
        let owner = try chain.account($0.key)?.owner ?? .zero
        return "instruction \($0.index) calls \($0.key), which is no program but an account of "
          + "\(Self.name(of: owner)): give a program's id"
      }
    case .instructionError(let index, let error):
      return try instructionExplanation(Int(index), error)
    case .tooManyAccountLocks:
      return
        "it names \(accountCount) accounts; a transaction may name \(ResolvedTransaction.maximumLockCount)"
    case .maxLoadedAccountsDataSizeExceeded:
      return "its accounts and programs hold more data than the limit on loaded accounts data, 64 MiB at most"
    default: return formExplanation
    }
  }

  private func rentExplanation(of index: Int) throws -> String? {
    guard index < message.staticKeyCount else { return nil }
    let key = message.staticKey(at: index)
    let account = try chain.account(key)
    let byteCount = account?.data.count ?? 0
    let minimum = try chain.minimumBalance(dataByteCount: byteCount)
    let role = index == 0 ? "the payer" : account == nil ? "the new account" : "the account"
    return
      "\(role) \(key) would be left with less than \(Lamports.text(minimum)), the least that an account of "
      + "\(byteCount) bytes must hold (rent exemption): leave that much"
      + (account == nil ? "" : ", or nothing at all")
  }

  private func firstProgram(where holds: (Pubkey) throws -> Bool) throws -> (index: Int, key: Pubkey)? {
    for index in 0..<message.instructionCount {
      let key = message.programID(of: message.instruction(at: index))
      if try holds(key) { return (index, key) }
    }
    return nil
  }

  private func instructionExplanation(_ index: Int, _ error: InstructionError) throws -> String? {
    guard index < message.instructionCount else { return nil }
    let program = message.programID(of: message.instruction(at: index))
    var meaning = error.description
    if case .custom(let code) = error, program == ProgramID.system,
      let own = SystemError(rawValue: code)
    {
      meaning = Self.meaning(of: own)
    } else if error == .unsupportedProgramId, let state = try nonprogram(at: program) {
      meaning = state
    }
    return
      "instruction \(index) of \(message.instructionCount), a call of \(Self.name(of: program)): \(meaning)"
  }

  /// Why nothing runs at `key`; `nil` where it is a program whose code is another matter.
  private func nonprogram(at key: Pubkey) throws -> String? {
    let state = try chain.programState(at: key)
    switch state {
    case .closed: return "the program was closed, and its id can never be used again"
    case .buffer, .programData, .other: return "\(state.text), which cannot be called"
    case .none, .program, .fixedProgram: return nil
    }
  }

  /// A native program in words, any other by its key.
  static func name(of program: Pubkey) -> String {
    switch program {
    case ProgramID.system: "the system program"
    case ProgramID.computeBudget: "the compute budget program"
    case ProgramID.bpfLoaderUpgradeable: "the upgradeable loader"
    default: "\(program)"
    }
  }

  private static func meaning(of error: SystemError) -> String {
    switch error {
    case .accountAlreadyInUse: "an account with that address is there already"
    case .resultWithNegativeLamports: "the account has fewer lamports than are to leave it"
    case .invalidProgramId: "no account can be assigned to that program"
    case .invalidAccountDataLength: "an account cannot hold that much data"
    case .maxSeedLengthExceeded: "the seed is too long"
    case .addressWithSeedMismatch: "the address does not follow from base, seed and owner"
    case .nonceNoRecentBlockhashes: "there are no recent blockhashes"
    case .nonceBlockhashNotExpired: "the nonce was advanced in this slot already"
    case .nonceUnexpectedBlockhashValue: "the nonce is not the one expected"
    }
  }
}
