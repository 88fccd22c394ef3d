// Which forks a chain has, as four bytes that peers compare (EIP-2124, with times by EIP-6122).

import Primitives

extension ChainConfiguration {
  /// Blocks and times at which forks began or will begin, ascending, those that hold from the genesis on left out.
  private func forkPoints(genesisTime: UInt64) -> (blocks: [UInt64], times: [UInt64]) {
    var (blocks, times): (Set<UInt64>, Set<UInt64>) = ([], [])
    for step in steps {
      switch step.activation {
      case .block(let block): blocks.insert(block)
      case .time(let time): times.insert(time)
      case .totalDifficulty: break
      }
    }
    // Delays of the bomb are forks of their own.
    blocks.formUnion(bombDelays.map(\.block))
    if let daoForkBlock { blocks.insert(daoForkBlock) }
    if let mergeNetsplitBlock { blocks.insert(mergeNetsplitBlock) }
    return (blocks.filter { $0 > 0 }.sorted(), times.filter { $0 > genesisTime }.sorted())
  }

  /// The identifier of the forks up to a time, all that begin by block included.
  package func forkIdentifier(genesisHash: Hash, genesisTime: UInt64, upTo time: UInt64) -> [UInt8] {
    let points = forkPoints(genesisTime: genesisTime)
    var sum = CRC32()
    sum.update(genesisHash.bytes)
    for point in points.blocks + points.times.filter({ $0 <= time }) {
      sum.update(withUnsafeBytes(of: point.bigEndian) { Array($0) })
    }
    return withUnsafeBytes(of: sum.value.bigEndian) { Array($0) }
  }
}

/// The cyclic redundancy check of IEEE 802.3, bit by bit: for a few bytes now and then.
private struct CRC32 {
  private var state: UInt32 = .max

  var value: UInt32 { ~state }

  mutating func update(_ bytes: [UInt8]) {
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0xedb8_8320 : 0) }
    }
  }
}
