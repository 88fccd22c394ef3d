// What is wrong with a transaction's own form: its header, keys, signatures, blockhash and lookup tables.

import Ledger
import Primitives

extension FailedTransaction {
  /// Keys that lookup tables give included.
  var accountCount: Int {
    message.staticKeyCount + message.addressTableLookups.reduce(0) { $0 + $1.count }
  }

  /// What an error of the form means; `nil` where it says everything.
  var formExplanation: String? {
    switch error {
    case .blockhashNotFound:
      "it names the blockhash \(message.recentBlockhash); the one that counts is \(chain.blockhash)"
    case .alreadyProcessed:
      transaction.signatureCount > 0
        ? "a transaction with its signature \(transaction.signature(at: 0)) came before" : nil
    case .signatureFailure: signatureExplanation
    case .accountLoadedTwice: repeatedKey.map { "it names account \($0) twice" }
    case .addressLookupTableNotFound:
      lookupTable { $0 == nil }.map { "there \(isPast ? "was" : "is") no lookup table at \($0)" }
    case .invalidAddressLookupTableOwner:
      lookupTable { $0?.owner != ProgramID.addressLookupTable }.map {
        "account \($0) is no lookup table: another program owns it"
      }
    case .invalidAddressLookupTableData, .invalidAddressLookupTableIndex:
      "one of its lookup tables lacks an entry that it names: "
        + message.addressTableLookups.map { "\($0.tableKey)" }.joined(separator: ", ")
    default: nil
    }
  }

  /// The first signature that is not its signer's.
  private var signatureExplanation: String? {
    message.messageBytes.withUnsafeBytes { signed in
      for index in 0..<min(transaction.signatureCount, message.staticKeyCount) {
        let key = message.staticKey(at: index)
        if !Ed25519.verify(transaction.signature(at: index), of: signed, by: key) {
          return "signature \(index + 1) of \(transaction.signatureCount) is not \(key)'s over this message"
        }
      }
      return nil
    }
  }

  private var repeatedKey: Pubkey? {
    var seen: Set<Pubkey> = []
    return message.staticKeys.first { !seen.insert($0).inserted }
  }

  private func lookupTable(where holds: (Account?) -> Bool) -> Pubkey? {
    message.addressTableLookups.map(\.tableKey).first { key in
      guard let account = try? chain.account(key) else { return holds(nil) }
      return holds(account)
    }
  }

  /// Which of the checks that need nothing but the message it does not pass (`Transaction.sanitize`).
  var sanityExplanation: String? {
    let header = message.header
    if transaction.signatureCount != signerCount {
      return "it has \(transaction.signatureCount) signatures, and \(signerCount) of its accounts must sign"
    }
    if header.readonlySignedCount >= header.requiredSignatureCount {
      return "it has no writable signer to pay"
    }
    if signerCount + Int(header.readonlyUnsignedCount) > message.staticKeyCount {
      return "its header speaks of more accounts than the \(message.staticKeyCount) that it names"
    }
    if message.addressTableLookups.contains(where: { $0.count == 0 }) {
      return "it names a lookup table and no entry of it"
    }
    if message.instructionCount > Transaction.maximumInstructionCount {
      return
        "it has \(message.instructionCount) instructions; \(Transaction.maximumInstructionCount) are allowed"
    }
    return (0..<message.instructionCount).lazy.compactMap { instructionSanity($0) }.first
  }

  private func instructionSanity(_ index: Int) -> String? {
    let instruction = message.instruction(at: index)
    if instruction.programIndex == 0 { return "instruction \(index) calls the payer" }
    if Int(instruction.programIndex) >= message.staticKeyCount {
      return "instruction \(index) calls account \(instruction.programIndex) of \(message.staticKeyCount)"
    }
    let accounts = message.accountIndices(of: instruction)
    if accounts.count > Transaction.maximumInstructionAccountCount {
      return "instruction \(index) lists \(accounts.count) accounts; "
        + "\(Transaction.maximumInstructionAccountCount) are allowed"
    }
    return accounts.first { Int($0) >= accountCount }.map {
      "instruction \(index) lists account \($0) of \(accountCount)"
    }
  }
}
