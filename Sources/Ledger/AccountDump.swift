// A ledger's accounts as JSON in the form of a genesis file, one account a line. Given in ascending order of
// keys, so that equal states give equal files; read back as a genesis, a dump gives the same state hash.

import Primitives

package struct AccountDump {
  /// What was written since `takeBytes`.
  package private(set) var bytes: [UInt8]
  private var isFirst = true

  /// Bytes worth gathering before they go to a file.
  package static let pieceByteCount = 1 << 20

  package init(slot: UInt64, unixTimestamp: Int64, blockhash: Hash) {
    bytes = Array(
      "{\"slot\":\(slot),\"unixTimestamp\":\(unixTimestamp),\"blockhash\":\"\(blockhash)\",\"accounts\":["
        .utf8)
  }

  /// Adds one account in the form that `solana account --output json` prints.
  package mutating func append(_ key: Pubkey, _ account: Account) {
    bytes += isFirst ? "\n".utf8 : ",\n".utf8
    isFirst = false
    bytes += "{\"pubkey\":\"\(key)\",\"account\":{\"lamports\":\(account.lamports),\"data\":[\"".utf8
    account.data.withUnsafeBytes { data in
      let start = bytes.count
      let count = Base64.encodedByteCount(data.count)
      bytes.append(contentsOf: repeatElement(0, count: count))
      bytes.withUnsafeMutableBufferPointer { buffer in
        _ = Base64.encode(data, into: UnsafeMutableBufferPointer(rebasing: buffer[start..<start + count]))
      }
    }
    bytes += "\",\"base64\"],\"owner\":\"\(account.owner)\",\"executable\":\(account.executable),".utf8
    bytes += "\"rentEpoch\":\(account.rentEpoch),\"space\":\(account.data.count)}}".utf8
  }

  /// Ends the dump; `ethereum` is that member's value, as JSON.
  package mutating func finish(ethereum: [UInt8]? = nil) {
    bytes += "\n]".utf8
    if let ethereum {
      bytes += ",\"ethereum\":".utf8
      bytes += ethereum
    }
    bytes += "}\n".utf8
  }

  /// Hands over what was written and forgets it.
  package mutating func takeBytes() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// Writes every account of `store` to a file at `path`; Ethereum's are in `ethereum`, as JSON, alone.
  package static func write(
    _ store: some AccountStore, slot: UInt64, unixTimestamp: Int64, blockhash: Hash, ethereum: [UInt8]? = nil,
    to path: String
  ) throws(StoreError) {
    var dump = AccountDump(slot: slot, unixTimestamp: unixTimestamp, blockhash: blockhash)
    func attempt(_ body: () throws(FileError) -> Void) throws(StoreError) {
      do throws(FileError) { try body() } catch { throw .unwritable(path: path, detail: error.detail) }
    }
    var writer: WholeFileWriter?
    try attempt { () throws(FileError) in writer = try WholeFileWriter(path) }
    func flush() throws(StoreError) {
      try attempt { () throws(FileError) in try writer?.write(dump.takeBytes()) }
    }
    try store.forEachAccount { (key, account) throws(StoreError) in
      if account.owner == ProgramID.ethereum { return }
      dump.append(key, account)
      if dump.bytes.count >= pieceByteCount { try flush() }
    }
    dump.finish(ethereum: ethereum)
    try flush()
    try attempt { () throws(FileError) in try writer?.finish() }
  }
}
