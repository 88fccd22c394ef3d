// The nouns of the floors below that a program which embeds Estuary meets, under this module's name.

import Contracts
import Execution
import Ledger
import Primitives
import WideIntegers

// Keys, hashes, numbers.
public typealias Pubkey = Primitives.Pubkey
public typealias Hash = Primitives.Hash
public typealias Signature = Primitives.Signature
public typealias Address = Primitives.Address
public typealias UInt256 = WideIntegers.UInt256
/// A key pair of Solana's.
public typealias KeyPair = Primitives.Ed25519.KeyPair
/// A key of Ethereum's.
public typealias PrivateKey = Primitives.PrivateKey
public typealias KeyError = Contracts.KeyError

// State and what may touch it.
public typealias Account = Ledger.Account
public typealias AccessSet = Ledger.AccessSet
public typealias KeyValueStore = Ledger.KeyValueStore
public typealias StoreError = Ledger.StoreError

// Transactions.
public typealias Instruction = Ledger.Instruction
public typealias AccountMeta = Ledger.AccountMeta
public typealias TransactionError = Ledger.TransactionError
public typealias InstructionError = Ledger.InstructionError
public typealias TransactionBuildingError = Ledger.TransactionBuildingError

// Blocks.
public typealias Receipt = Execution.Receipt
public typealias TransactionResult = Execution.TransactionResult
public typealias EthereumTransactionResult = Execution.EthereumTransactionResult
public typealias TransactionLineError = Ledger.TransactionLineError
public typealias BlockScheduler = Execution.BlockScheduler
public typealias BlockPart = Execution.BlockPart

// Contracts.
public typealias ABIValue = Contracts.ABIValue
public typealias ABIError = Contracts.ABIError
public typealias ContractABI = Contracts.ContractABI
public typealias ContractArtefact = Contracts.ContractArtefact
public typealias ArtefactError = Contracts.ArtefactError
public typealias DecodedEvent = Contracts.DecodedEvent

extension UInt256 {
  /// Wei of a whole number of ether.
  public static func ether(_ count: UInt64) -> UInt256 { UInt256(count) &* 1_000_000_000_000_000_000 }

  /// Wei of a whole number of gwei.
  public static func gwei(_ count: UInt64) -> UInt256 { UInt256(count) &* 1_000_000_000 }

  /// Digits without leading zeros.
  public var decimal: String { decimalText }
}

extension PrivateKey {
  /// The key of a development account, which everybody knows: account `index` of the mnemonic `test test … junk`. New
  /// ledgers give the first ten 10,000 ether each.
  ///
  /// - Parameter index: `[0, 2^31)`.
  public static func development(_ index: UInt32) -> PrivateKey { DevelopmentAccounts.key(index) }
}

extension ContractArtefact {
  /// Reads what a compiler wrote: hex text, combined or standard JSON of Vyper and solc, artefacts of Hardhat and Foundry.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - choice: the contract's name, where the file holds several.
  public init(file path: String, choosing choice: String? = nil) throws(RequestError) {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.read(path, limit: 1 << 28) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    do throws(ArtefactError) { try self.init(reading: bytes, choosing: choice) } catch {
      throw .artefact(path: path, error)
    }
  }
}
