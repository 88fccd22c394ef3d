// What the ledger's tests share: seeded randomness, random nouns, a temporary directory.

import Foundation
import Primitives
import Testing

@testable import Ledger

extension SplitMix64 {
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

  mutating func pubkey() -> Pubkey {
    Pubkey(word0: next() | 0x80, word1: next(), word2: next(), word3: next())
  }

  mutating func hash() -> Hash { Hash(word0: next(), word1: next(), word2: next(), word3: next()) }

  mutating func keyPair() -> Ed25519.KeyPair { Ed25519.KeyPair(seed: hash()) }

  mutating func account() -> Account {
    let owner = next() % 2 == 0 ? ProgramID.system : pubkey()
    let size = [0, 1, 165, 1000, 20_000].randomElement(using: &self)!
    return Account(
      lamports: next() >> UInt64(next() % 60) | 1, data: bytes(size), owner: owner,
      executable: next() % 4 == 0,
      rentEpoch: next() % 2 == 0 ? .max : next())
  }
}

extension Pubkey {
  /// From base58, in tests.
  init(text: String) { self = Pubkey(Base58.decode(text)!)! }
}

extension Hash {
  init(text: String) { self = Hash(Base58.decode(text)!)! }
}

/// A directory that goes away with the value.
final class TemporaryDirectory {
  let path: String

  init(in parent: String? = nil) {
    let parent = parent.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
    path = parent.appendingPathComponent("ledger-" + UUID().uuidString).path
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) -> String { write(Array(text.utf8), to: name) }

  func write(_ bytes: [UInt8], to name: String) -> String {
    let file = path + "/" + name
    #expect(FileManager.default.createFile(atPath: file, contents: Data(bytes)))
    return file
  }
}

/// A transfer's instruction data.
func transferData(_ lamports: UInt64) -> [UInt8] { [2, 0, 0, 0] + SysvarWriter.uint64(lamports) }

/// Parts of a message that need not fit together; what a builder would not make.
struct RawMessage {
  var version = MessageVersion.legacy
  var header: [UInt8] = [1, 0, 1]
  var keys: [Pubkey]
  var blockhash = Hash.zero
  var instructions: [(program: UInt8, accounts: [UInt8], data: [UInt8])]
  var lookups: [(key: Pubkey, writable: [UInt8], readonly: [UInt8])] = []

  func transaction(signatureCount: Int? = nil) throws(TransactionDecodingError) -> Transaction {
    var writer = ByteWriter()
    let count = signatureCount ?? Int(header[0])
    writer.writeCompactU16(UInt16(count))
    writer.writeZeroes(count: count * 64)
    if version == .v0 { writer.write(0x80 as UInt8) }
    writer.write(header)
    writer.writeCompactU16(UInt16(keys.count))
    for key in keys { writer.write(key) }
    writer.write(blockhash)
    func list(_ bytes: [UInt8]) {
      writer.writeCompactU16(UInt16(bytes.count))
      writer.write(bytes)
    }
    writer.writeCompactU16(UInt16(instructions.count))
    for instruction in instructions {
      writer.write(instruction.program)
      list(instruction.accounts)
      list(instruction.data)
    }
    if version == .v0 {
      writer.writeCompactU16(UInt16(lookups.count))
      for lookup in lookups {
        writer.write(lookup.key)
        list(lookup.writable)
        list(lookup.readonly)
      }
    }
    return try Transaction.decode(writer.bytes)
  }
}
