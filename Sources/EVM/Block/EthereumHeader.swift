// A block's header (Yellow Paper section 4.3) with the fields that later forks put behind it: base fee (EIP-1559),
// withdrawals root (EIP-4895), blob gas and beacon root (EIP-4844, EIP-4788), requests hash (EIP-7685). Each brings all
// before it, so the number of fields says how far a header goes.

import Primitives
import WideIntegers

package struct EthereumHeader: Equatable, Sendable {
  package var parentHash: Hash
  package var ommersHash: Hash
  package var coinbase: Address
  package var stateRoot: Hash
  package var transactionsRoot: Hash
  package var receiptsRoot: Hash
  package var bloom: LogsBloom
  /// 0 from Paris on.
  package var difficulty: UInt256
  package var number: UInt64
  package var gasLimit: UInt64
  package var gasUsed: UInt64
  /// Seconds since 1970.
  package var timestamp: UInt64
  /// At most 32 bytes in a valid block.
  package var extraData: [UInt8]
  /// The proof of work's, from Paris on the beacon chain's randomness.
  package var mixHash: Hash
  /// Eight bytes, big-endian; 0 from Paris on.
  package var nonce: UInt64
  /// Wei; from London on.
  package var baseFeePerGas: UInt256?
  /// From Shanghai on.
  package var withdrawalsRoot: Hash?
  /// From Cancun on, as the two below.
  package var blobGasUsed: UInt64?
  package var excessBlobGas: UInt64?
  package var parentBeaconBlockRoot: Hash?
  /// From Prague on.
  package var requestsHash: Hash?

  /// Keccak-256 of the RLP of no ommers.
  package static let emptyOmmersHash = Keccak256.hash([RLP.emptyList])

  package init(
    parentHash: Hash = .zero, ommersHash: Hash = emptyOmmersHash, coinbase: Address = .zero,
    stateRoot: Hash = MerklePatriciaTrie.emptyRoot, transactionsRoot: Hash = MerklePatriciaTrie.emptyRoot,
    receiptsRoot: Hash = MerklePatriciaTrie.emptyRoot, bloom: LogsBloom = LogsBloom(),
    difficulty: UInt256 = .zero, number: UInt64 = 0, gasLimit: UInt64 = 0, gasUsed: UInt64 = 0,
    timestamp: UInt64 = 0, extraData: [UInt8] = [], mixHash: Hash = .zero, nonce: UInt64 = 0
  ) {
    (self.parentHash, self.ommersHash, self.coinbase) = (parentHash, ommersHash, coinbase)
    (self.stateRoot, self.transactionsRoot, self.receiptsRoot) = (stateRoot, transactionsRoot, receiptsRoot)
    (self.bloom, self.difficulty, self.number) = (bloom, difficulty, number)
    (self.gasLimit, self.gasUsed, self.timestamp) = (gasLimit, gasUsed, timestamp)
    (self.extraData, self.mixHash, self.nonce) = (extraData, mixHash, nonce)
  }

  /// Keccak-256 of the encoding: the block's identity.
  package var hash: Hash { Keccak256.hash(encoded) }

  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: 700)
    write(to: &writer)
    return writer.bytes
  }

  package func write(to writer: inout RLPWriter) {
    writer.writeList { writer in
      writer.write(parentHash)
      writer.write(ommersHash)
      writer.write(coinbase)
      writer.write(stateRoot)
      writer.write(transactionsRoot)
      writer.write(receiptsRoot)
      writer.write(bloom.bytes)
      writer.write(difficulty)
      writer.write(number)
      writer.write(gasLimit)
      writer.write(gasUsed)
      writer.write(timestamp)
      writer.write(extraData)
      writer.write(mixHash)
      withUnsafeBytes(of: nonce.bigEndian) { writer.write($0) }
      guard let baseFeePerGas else { return }
      writer.write(baseFeePerGas)
      guard let withdrawalsRoot else { return }
      writer.write(withdrawalsRoot)
      guard let blobGasUsed, let excessBlobGas, let parentBeaconBlockRoot else { return }
      writer.write(blobGasUsed)
      writer.write(excessBlobGas)
      writer.write(parentBeaconBlockRoot)
      guard let requestsHash else { return }
      writer.write(requestsHash)
    }
  }

  /// The one header that `bytes` are.
  package init(decoding bytes: [UInt8]) throws(BlockDecodingError) {
    self = try bytes.withUnsafeBufferPointer { bytes throws(BlockDecodingError) in
      var reader = RLPReader(UnsafeRawBufferPointer(bytes))
      let header = try EthereumHeader(reading: &reader)
      do throws(RLPError) { try reader.expectEnd() } catch { throw .rlp(error, part: .header, field: nil) }
      return header
    }
  }

  /// Reads the next item of `reader`. Fields are there from the first to any fork's last; nothing else is told apart.
  package init(reading reader: inout RLPReader) throws(BlockDecodingError) {
    var fields = try BlockReader(&reader, part: .header)
    self.init()
    parentHash = try fields.readHash("parentHash")
    ommersHash = try fields.readHash("ommersHash")
    coinbase = try fields.readAddress("coinbase")
    stateRoot = try fields.readHash("stateRoot")
    transactionsRoot = try fields.readHash("transactionsRoot")
    receiptsRoot = try fields.readHash("receiptsRoot")
    bloom = LogsBloom(bytes: try fields.readBytes("bloom", count: LogsBloom.byteCount))
    difficulty = try fields.readUInt256("difficulty")
    number = try fields.readUInt64("number")
    gasLimit = try fields.readUInt64("gasLimit")
    gasUsed = try fields.readUInt64("gasUsed")
    timestamp = try fields.readUInt64("timestamp")
    extraData = try fields.readBytes("extraData")
    mixHash = try fields.readHash("mixHash")
    nonce = try fields.readBytes("nonce", count: 8).reduce(0) { $0 << 8 | UInt64($1) }
    if !fields.isAtEnd { baseFeePerGas = try fields.readUInt256("baseFeePerGas") }
    if !fields.isAtEnd { withdrawalsRoot = try fields.readHash("withdrawalsRoot") }
    if !fields.isAtEnd {
      blobGasUsed = try fields.readUInt64("blobGasUsed")
      excessBlobGas = try fields.readUInt64("excessBlobGas")
      parentBeaconBlockRoot = try fields.readHash("parentBeaconBlockRoot")
    }
    if !fields.isAtEnd { requestsHash = try fields.readHash("requestsHash") }
    try fields.expectEnd()
  }
}
