// An Ethereum account as the state holds it (Yellow Paper section 4.1), without the storage root: storage lives under
// keys of its own and the root is computed off the execution path. The *incarnation* tells the storage of an
// account from that of one destroyed earlier at the same address.

import Ledger
import Primitives
import WideIntegers

package struct EVMAccount: Equatable, Sendable {
  /// Wei.
  package var balance: UInt256
  package var nonce: UInt64
  /// Keccak-256 of the code; `emptyCodeHash` where there is none.
  package var codeHash: Hash
  /// Counts the storages that were wiped at this address.
  package var incarnation: UInt64
  /// Storage exists though there is neither code nor nonce, which bars the address to creations (EIP-7610).
  package var hasOrphanStorage: Bool

  package init(
    balance: UInt256 = .zero, nonce: UInt64 = 0, codeHash: Hash = EVMAccount.emptyCodeHash,
    incarnation: UInt64 = 0, hasOrphanStorage: Bool = false
  ) {
    self.balance = balance
    self.nonce = nonce
    self.codeHash = codeHash
    self.incarnation = incarnation
    self.hasOrphanStorage = hasOrphanStorage
  }

  /// Keccak-256 of no bytes: c5d24601 86f7233c 927e7db2 dcc703c0 e500b653 ca82273b 7bfad804 5d85a470.
  package static let emptyCodeHash = Hash(
    UInt256(0x7bfa_d804_5d85_a470, 0xe500_b653_ca82_273b, 0x927e_7db2_dcc7_03c0, 0xc5d2_4601_86f7_233c))

  /// EIP-161: no balance, no nonce, no code.
  package var isEmpty: Bool { balance.isZero && nonce == 0 && codeHash == Self.emptyCodeHash }
}

/// Why state cannot be read: always the host's trouble, never a program's.
package enum EVMStateError: Error, Equatable, Sendable {
  /// The record under `key` is not what this runtime writes.
  case damagedRecord(key: Pubkey)
  /// An account refers to code that is not there.
  case missingCode(Address)
  /// The transaction may not touch `key`: it was not declared.
  case undeclared(key: Pubkey)
  case store(StoreError)
  /// Transactions run side by side, and another one uses the account under `key`: this one is to run later.
  case claimed(key: Pubkey)
  /// The transaction looks at an account of programs, `key`, while Solana's transactions run beside it: the block is to
  /// run in order.
  case crossing(key: Pubkey)
  /// The state of an earlier block is asked for and no longer kept.
  case pastState(detail: String)
  /// Whoever traces the execution has had enough.
  case interrupted
  /// The program that code translates to is refused by the virtual machine.
  case program(codeHash: Hash, detail: String)
  /// An instruction calls a hook that there is none of, which no translation does.
  case unknownHook(pc: Int)
}

extension EVMStateError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .damagedRecord(let key): "the record under \(key) is damaged"
    case .interrupted: "the execution was interrupted"
    case .missingCode(let address): "the code of \(address) is not there"
    case .undeclared(let key): "the account \(key) was not declared"
    case .store(let error): error.description
    case .claimed(let key): "the account \(key) is used by another transaction"
    case .crossing(let key): "a contract looks at the account \(key) of programs beside Solana's transactions"
    case .pastState(let detail): "the state before the transaction's block is no longer kept (\(detail))"
    case .program(let hash, let detail):
      "the translation of the code with hash 0x\(Hex.encode(hash.bytes)) is refused: \(detail)"
    case .unknownHook(let pc): "instruction \(pc) calls a hook that there is none of"
    }
  }
}
