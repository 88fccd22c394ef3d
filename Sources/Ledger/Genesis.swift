// The state a ledger begins with, from a JSON file: slot, time, the one recent blockhash, accounts in the
// form that `solana account --output json` prints, and programs given as ELF files.
//
// Accounts that the file does not give follow: the sysvars from slot, time and blockhash, the builtin
// programs' accounts from the runtime. An account of zero lamports is no account.

import Primitives

/// Immutable; every account once, sorted by key.
package struct Genesis: Sendable {
  package let slot: UInt64
  /// Unix seconds.
  package let unixTimestamp: Int64
  /// The one recent blockhash.
  package let blockhash: Hash
  /// Accounts given, programs, sysvars and builtins; ascending keys.
  package let accounts: [(key: Pubkey, account: Account)]
  package let sysvars: Sysvars
  /// Ethereum's side, where the ledger has one; its accounts are not among `accounts`.
  package let ethereum: EthereumGenesis?

  /// - Parameter given: accounts that hold as they are; keys must be distinct.
  package init(
    slot: UInt64, unixTimestamp: Int64, blockhash: Hash,
    accounts given: [(key: Pubkey, account: Account)] = [], ethereum: EthereumGenesis? = nil
  ) throws(SysvarError) {
    self.ethereum = ethereum
    self.slot = slot
    self.unixTimestamp = unixTimestamp
    self.blockhash = blockhash
    var byKey: [Pubkey: Account] = [:]
    for (key, account) in given where account.lamports > 0 { byKey[key] = account }
    sysvars = try Sysvars(slot: slot, unixTimestamp: unixTimestamp, blockhash: blockhash, overriding: byKey)
    for (key, account) in sysvars.accounts { byKey[key] = account }
    for (key, account) in BuiltinAccounts.all where byKey[key] == nil { byKey[key] = account }
    accounts = byKey.sorted { $0.key < $1.key }.map { (key: $0.key, account: $0.value) }
  }

  /// The whole genesis as changes to an empty state.
  package var changes: [AccountChange] {
    accounts.map { AccountChange(key: $0.key, old: nil, new: $0.account) }
  }

  /// Tells one genesis from another; independent of how its file is written.
  ///
  /// - Parameter stateHash: the hash of `accounts` and of Ethereum's.
  package func identity(stateHash: Hash) -> Hash {
    var writer = ByteWriter(capacity: 80)
    writer.write(slot)
    writer.write(unixTimestamp)
    writer.write(blockhash)
    writer.write(stateHash)
    if let ethereum { writer.write(ethereum.environmentBytes) }
    return SHA256.hash(writer.bytes)
  }
}

/// Why a genesis file was refused.
public enum GenesisError: Error, Equatable, Sendable {
  /// The file, or one that it names, cannot be read.
  case unreadable(path: String, detail: String)
  /// The text is no JSON.
  case json(path: String, JSONError)
  /// The value at `location`, a path as in `accounts[3].account.data`, is not what belongs there.
  case invalid(path: String, location: String, Problem)

  public enum Problem: Equatable, Sendable {
    case missing
    case expected(Expectation)
    case duplicateAccount(Pubkey)
    /// A program file or account data longer than an account may be.
    case tooLong(byteCount: Int)
    /// A program file of translated EVM code, whose checks no ledger can trust.
    case translatedCode
    /// The account's bytes are no value of the sysvar at its key.
    case malformedSysvar(Pubkey)
    case duplicateAddress(Address)
    /// Nothing that can be passed over: the chain would be another one.
    case notSupported
    /// A storage slot, as text, that occurs twice.
    case duplicateSlot(String)
  }

  public enum Expectation: String, Sendable {
    case object, array, text
    case boolean = "true or false"
    case unsigned = "a whole number from 0 to 2^64-1"
    case counted = "a whole number from 0 to 2^62: blocks count on from it"
    case time = "seconds from -2^62 to 2^62"
    case ethereumTime = "seconds from 0 to 2^62 where there is an Ethereum side"
    case price = "a price below 2^128"
    case key = "a base58 key of 32 bytes"
    case hash = "a base58 hash of 32 bytes"
    case encodedData = "[TEXT, \"base64\"]"
    case quantity = "a whole number below 2^256, as text like \"0x2a\""
    case address = "an address of 40 hex digits"
    case word = "64 hex digits"
    case hex = "bytes as hex digits"
  }
}

extension GenesisError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let detail): "'\(path)' cannot be read: \(detail)"
    case .json(let path, let error): "genesis '\(path)' is no JSON: \(error)"
    case .invalid(let path, let location, let problem):
      "genesis '\(path)', \(location.isEmpty ? "top level" : location): \(problem.text)"
    }
  }
}

extension GenesisError.Problem {
  package var text: String {
    switch self {
    case .missing: "this member is missing"
    case .expected(let expectation): "expected \(expectation.rawValue)"
    case .duplicateAccount(let key): "account \(key) is given twice"
    case .tooLong(let count):
      "\(count) bytes are more than an account may hold (\(Account.maximumDataByteCount))"
    case .translatedCode:
      "this is translated EVM code, which a ledger does not take; give the contract's own code"
    case .malformedSysvar(let key): "the data of \(key) is not this sysvar's"
    case .notSupported: "this is not supported"
    case .duplicateAddress(let address): "account \(address) is given twice"
    case .duplicateSlot(let slot): "slot \(slot) is given twice"
    }
  }
}
