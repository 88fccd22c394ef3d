// Why something that was asked of a chain was not done. Whatever the case, the chain stands where it stood.

import Contracts
import EVM
import Ledger
import Primitives

/// Why a request to a chain failed; the text says what helps.
public enum RequestError: Error, Sendable {
  /// The ledger cannot be read, or not be written on.
  case chain(ChainError)
  /// A file of the caller's cannot be read.
  case unreadable(path: String, detail: String)
  /// The file is no artefact of a compiler's, or none of one contract.
  case artefact(path: String, ArtefactError)
  /// The transaction cannot be formed: a signer is missing, or it is too long.
  case building(TransactionBuildingError)
  /// A transaction of Solana's needs one signer at least, who pays.
  case noPayer
  /// The program cannot be deployed; the text says why.
  case deployment(String)
  /// The faucet has not what was asked for, or the ledger has none.
  case faucet(TransactionError?)
  /// An argument does not fit its parameter, or a result is not what the interface says.
  case abi(ABIError)
  /// The contract's interface has no function of that name.
  case noFunction(String)
  /// The name is that of several functions; their signatures.
  case ambiguousFunction(String, [String])
  /// The ledger has no Ethereum side.
  case noEthereum
  /// A block may not hold the transaction: what is wrong with it.
  case refused(String)
  /// The call or the creation fails: the reason as its interface has it, and the output.
  case reverted(reason: String, output: [UInt8])
}

extension RequestError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .chain(let error): error.description
    case .unreadable(let path, let detail): "'\(path)' cannot be read: \(detail)"
    case .artefact(let path, let error): "'\(path)' \(error)"
    case .building(let error): error.description
    case .noPayer: "a transaction needs a payer: the first of its signers"
    case .deployment(let text): text
    case .faucet(let error): "the faucet cannot pay: \(error?.text ?? "the ledger has none")"
    case .abi(let error): error.description
    case .noFunction(let name):
      "the interface has no function '\(name)': write its signature out, as in transfer(address,uint256)"
    case .ambiguousFunction(let name, let signatures):
      "'\(name)' is several functions, write out which: \(signatures.joined(separator: ", "))"
    case .noEthereum: "the ledger has no Ethereum side: its genesis has no ethereum section"
    case .refused(let text): "a block would refuse the transaction: \(text)"
    case .reverted(let reason, _): reason
    }
  }
}

extension RequestError {
  init(_ error: SubmissionError) {
    switch error {
    case .noPayer: self = .noPayer
    case .building(let error): self = .building(error)
    case .chain(let error): self = .chain(error)
    case .node(let error): self = .refused(error.description)
    }
  }

  init(_ error: EmulationError) {
    switch error {
    case .refused(let error): self = .refused(error.description)
    case .gasAboveCap: self = .refused(error.description)
    case .state(let error): self = .chain(ChainError(error))
    }
  }

  /// What `body` throws, as a request's.
  static func onChain<Value>(_ body: () throws(ChainError) -> Value) throws(RequestError) -> Value {
    do throws(ChainError) { return try body() } catch { throw .chain(error) }
  }

  static func emulating<Value>(_ body: () throws(EmulationError) -> Value) throws(RequestError) -> Value {
    do throws(EmulationError) { return try body() } catch { throw RequestError(error) }
  }

  static func coding<Value>(_ body: () throws(ABIError) -> Value) throws(RequestError) -> Value {
    do throws(ABIError) { return try body() } catch { throw .abi(error) }
  }
}
