// Why a program cannot be deployed, upgraded or changed: which account, in which role, and what helps.

import Execution
import Ledger
import Primitives

package enum DeploymentError: Error, Sendable {
  /// `need` lamports beside what the payer has to keep; `have` is its balance.
  case insufficientFunds(payer: Pubkey, have: UInt64, need: UInt64, parts: [(name: String, lamports: UInt64)])
  case closed(Pubkey)
  case notUpgradeable(Pubkey, ProgramState)
  case final(Pubkey)
  case wrongAuthority(of: Pubkey, role: String, is: Pubkey, given: Pubkey)
  /// A new program's or buffer's address has to sign once.
  case needsKeyPair(Pubkey, role: String)
  case notBuffer(Pubkey, ProgramState)
  case bufferSize(Pubkey, byteCount: Int, needed: Int)
  /// The room asked for is less than the program's bytes, or more than an account holds.
  case room(byteCount: Int, program: Int)
  case tooLarge(byteCount: Int)
  case extensionTooSmall(byteCount: UInt32, minimum: UInt32, toMaximum: Int)
  /// `text` is that of the `FailedTransaction`.
  case transactionFailed(step: String, text: String, buffer: (key: Pubkey, written: Int, of: Int)?)
  case submission(SubmissionError)
  /// While a buffer was written.
  case interrupted(SubmissionError, buffer: (key: Pubkey, written: Int, of: Int))
  /// The chain or the node cannot be read.
  case host(any Error)
}

extension DeploymentError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .insufficientFunds(let payer, let have, let need, let parts):
      "the payer \(payer) has \(Lamports.text(have)) and needs \(Lamports.text(need)): "
        + parts.filter { $0.lamports > 0 }.map { "\(Lamports.text($0.lamports)) \($0.name)" }
        .joined(separator: ", ")
        + ". Nothing was sent; `estuary airdrop \(Lamports.number(need > have ? need - have : 0)) \(payer)` "
        + "gives what is missing"
    case .closed(let key):
      "program \(key) was closed, and a closed program's id can never be used again: deploy under another "
        + "(--program-id with a new key pair)"
    case .notUpgradeable(let key, let state): "\(key) cannot be upgraded: \(state.text)"
    case .final(let key):
      "program \(key) is final: it has no upgrade authority, so nobody can change or close it; deploy under "
        + "another --program-id"
    case .wrongAuthority(let key, let role, let authority, let given):
      "the \(role) of \(key) is \(authority), not \(given): give its key pair"
    case .needsKeyPair(let key, let role):
      "there is no account at \(key) yet, and a new \(role) has to sign: give its key pair file, not its address"
    case .notBuffer(let key, let state): "\(key) is no buffer: \(state.text)"
    case .bufferSize(let key, let byteCount, let needed):
      "buffer \(key) takes \(byteCount) bytes and the program has \(needed): name another --buffer, or close it "
        + "(`estuary program close \(key)`)"
    case .room(let byteCount, let program):
      "--max-len \(byteCount): the program has \(program) bytes, and \(ProgramDeployment.byteCountLimit) are the "
        + "most: give a number from one to the other"
    case .tooLarge(let byteCount):
      "its \(byteCount) bytes are more than an account may hold of a program "
        + "(\(ProgramDeployment.byteCountLimit))"
    case .extensionTooSmall(let byteCount, let minimum, let toMaximum):
      "a program is extended by at least \(minimum) bytes or to its maximum (\(toMaximum) more), not by "
        + "\(byteCount)"
    case .transactionFailed(let step, let text, let buffer): DeploymentError.failure(step, text, buffer)
    case .submission(let error): error.description
    case .interrupted(let error, let buffer):
      DeploymentError.failure("writing to buffer \(buffer.key)", error.description, buffer)
    case .host(let error): "\(error)"
    }
  }

  private static func failure(
    _ step: String, _ text: String, _ buffer: (key: Pubkey, written: Int, of: Int)?
  ) -> String {
    var lines = ["\(step): \(text)"]
    if let buffer {
      lines.append(
        "Buffer \(buffer.key) holds \(buffer.written) of \(buffer.of) bytes: the same command goes on from there, "
          + "`estuary program close \(buffer.key)` gives its SOL back")
    }
    return lines.joined(separator: "\n")
  }
}

extension TransactionResult {
  /// The error as JSON-RPC spells it.
  package var errorText: String { error?.text ?? "no error" }
}

extension TransactionError {
  /// As JSON-RPC spells it.
  package var text: String {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.text
  }
}

extension ProgramState {
  /// What stands there, in words.
  package var text: String {
    switch self {
    case .none: "there is no account"
    case .program: "it is a program"
    case .closed: "it is a program that was closed"
    case .buffer: "it is a buffer"
    case .programData: "it is the data of a program, which has a key of its own"
    case .fixedProgram(let loader, _) where loader == ProgramID.nativeLoader:
      "it is a program of the runtime itself"
    case .fixedProgram(let loader, _): "it is a program of loader \(loader), which never changes one"
    case .other(let owner) where owner == ProgramID.system: "it is an account that holds SOL, no program"
    case .other(let owner): "it is an account of program \(owner)"
    }
  }
}

/// Lamports in words.
package enum Lamports {
  /// SOL without trailing zeros: "1.5".
  package static func number(_ lamports: UInt64) -> String {
    let fraction = String(lamports % 1_000_000_000)
    var digits = String(repeating: "0", count: 9 - fraction.count) + fraction
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(lamports / 1_000_000_000)" + (digits.isEmpty ? "" : "." + digits)
  }

  package static func text(_ lamports: UInt64) -> String { number(lamports) + " SOL" }
}
