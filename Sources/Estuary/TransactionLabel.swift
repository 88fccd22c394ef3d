// A transaction in a few words, for timelines: what its first instruction asks of which program.

import EVM
import Ledger
import Primitives

package enum TransactionLabel {
  /// As below, of either kind.
  package static func text(of line: TransactionLine) -> String {
    switch line {
    case .success(.solana(let wire)): text(of: wire)
    case .success(.ethereum(let wire)): text(of: wire)
    case .failure: "no transaction"
    }
  }

  /// "0xa9059cbb of 0x1234abcd" (the first four bytes of the data, by which contracts tell their functions apart, and the
  /// first of the address that is called); "transfer to 0x1234abcd" without data; "creation"; other bytes are
  /// "undecodable".
  package static func text(of wire: EthereumWire) -> String {
    guard let transaction = try? EthereumTransaction(decoding: wire.bytes) else { return "undecodable" }
    guard let target = transaction.to else { return "creation" }
    let name = target.description.prefix(10)
    if transaction.data.isEmpty { return "transfer to \(name)" }
    return "0x\(Hex.encode(Array(transaction.data.prefix(4)))) of \(name)"
  }

  /// "system transfer"; "4Nd1mYw7 02" (the first eight characters of a program's id and the first byte of the data, by
  /// which most programs tell their instructions apart); " +2" behind it where two more instructions follow. Instructions
  /// of the compute budget program count for nothing.
  ///
  /// - Parameter wire: a transaction in Solana's wire format; other bytes are "undecodable".
  package static func text(of wire: [UInt8]) -> String {
    guard let transaction = try? Transaction.decode(wire) else { return "undecodable" }
    let message = transaction.message
    var first: String?
    var furtherCount = 0
    for instruction in message.instructions {
      // A program may be an index that no key has: such a transaction is not sane.
      guard Int(instruction.programIndex) < message.staticKeyCount else { return "undecodable" }
      let program = message.programID(of: instruction)
      if program == ProgramID.computeBudget { continue }
      if first == nil {
        first = text(of: program, data: message.data(of: instruction))
      } else {
        furtherCount += 1
      }
    }
    return (first ?? "no instruction") + (furtherCount > 0 ? " +\(furtherCount)" : "")
  }

  private static func text(of program: Pubkey, data: ArraySlice<UInt8>) -> String {
    if program == ProgramID.system {
      let name = data.first.flatMap { $0 < systemInstructions.count ? systemInstructions[Int($0)] : nil }
      return "system " + (name ?? "instruction")
    }
    let name =
      switch program {
      case ProgramID.bpfLoaderUpgradeable: "upgradeable loader"
      case ProgramID.addressLookupTable: "lookup table"
      case ProgramID.ed25519: "ed25519"
      case ProgramID.secp256k1: "secp256k1"
      case ProgramID.secp256r1: "secp256r1"
      default: String(program.description.prefix(8))
      }
    return data.first.map { name + " " + Hex.encode([$0]) } ?? name
  }

  /// By the first byte of the data, a number of four bytes.
  private static let systemInstructions = [
    "create account", "assign", "transfer", "create account with seed", "advance nonce", "withdraw nonce",
    "initialize nonce", "authorize nonce", "allocate", "allocate with seed", "assign with seed",
    "transfer with seed", "upgrade nonce",
  ]
}
