// A chain's configuration as bytes, for the settings of a ledger: an RLP list, its first item the version of the form.
//
//   [1, chain id, [[fork, kind, value]…], [DAO fork block]?, [[block, delay]…], deposit contract,
//    [[fork, target, maximum, fraction]…], merge netsplit block?]      kind 0: a block, 1: total difficulty, 2: a time

import Primitives
import WideIntegers

extension ChainConfiguration {
  private static let version: UInt64 = 1

  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: 256)
    writer.writeList { writer in
      writer.write(Self.version)
      writer.write(chainID)
      writer.writeList { writer in
        for step in steps {
          writer.writeList { writer in
            writer.write(Array(step.fork.name.utf8))
            let (kind, value): (UInt64, UInt256) =
              switch step.activation {
              case .block(let first): (0, UInt256(first))
              case .totalDifficulty(let terminal): (1, terminal)
              case .time(let first): (2, UInt256(first))
              }
            writer.write(kind)
            writer.write(value)
          }
        }
      }
      writer.writeList { writer in if let daoForkBlock { writer.write(daoForkBlock) } }
      writer.writeList { writer in
        for delay in bombDelays {
          writer.writeList { writer in
            writer.write(delay.block)
            writer.write(delay.delay)
          }
        }
      }
      writer.write(depositContract)
      writer.writeList { writer in
        for step in blobSchedule {
          writer.writeList { writer in
            writer.write(Array(step.fork.name.utf8))
            writer.write(step.parameters.targetCount)
            writer.write(step.parameters.maximumCount)
            writer.write(step.parameters.baseFeeUpdateFraction)
          }
        }
      }
      if let mergeNetsplitBlock { writer.write(mergeNetsplitBlock) }
    }
    return writer.bytes
  }

  /// What `encoded` wrote; `nil` for other bytes.
  package init?(decoding bytes: [UInt8]) {
    let read = try? bytes.withUnsafeBytes { bytes in
      var reader = RLPReader(bytes)
      let configuration = try Self.read(&reader)
      try reader.expectEnd()
      return configuration
    }
    guard let read else { return nil }
    self = read
  }

  private struct Malformed: Error {}

  private static func read(_ reader: inout RLPReader) throws -> ChainConfiguration {
    var fields = try reader.readList()
    guard try fields.readUInt64() == version else { throw Malformed() }
    var configuration = ChainConfiguration(chainID: try fields.readUInt64(), steps: [])
    var steps = try fields.readList()
    while !steps.isAtEnd {
      var step = try steps.readList()
      configuration.steps.append(Step(try fork(&step), try activation(&step)))
      try step.expectEnd()
    }
    var daoFork = try fields.readList()
    if !daoFork.isAtEnd { configuration.daoForkBlock = try daoFork.readUInt64() }
    var delays = try fields.readList()
    while !delays.isAtEnd {
      var delay = try delays.readList()
      configuration.bombDelays.append(BombDelay(block: try delay.readUInt64(), delay: try delay.readUInt64()))
    }
    configuration.depositContract = try fields.readAddress()
    var schedule = try fields.readList()
    while !schedule.isAtEnd {
      var step = try schedule.readList()
      let fork = try fork(&step)
      let counts = (try step.readUInt64(), try step.readUInt64(), try step.readUInt64())
      guard let parameters = BlobParameters.scheduled(fork, counts.0, counts.1, counts.2) else {
        throw Malformed()
      }
      configuration.blobSchedule.append(BlobStep(fork: fork, parameters: parameters))
    }
    if !fields.isAtEnd { configuration.mergeNetsplitBlock = try fields.readUInt64() }
    try fields.expectEnd()
    return configuration
  }

  private static func fork(_ reader: inout RLPReader) throws -> Fork {
    guard let fork = Fork(name: String(decoding: try reader.readBytes(), as: UTF8.self)) else {
      throw Malformed()
    }
    return fork
  }

  private static func activation(_ reader: inout RLPReader) throws -> Activation {
    let (kind, value) = (try reader.readUInt64(), try reader.readUInt256())
    switch (kind, value.uint64) {
    case (0, let first?): return .block(first)
    case (1, _): return .totalDifficulty(value)
    case (2, let first?): return .time(first)
    default: throw Malformed()
    }
  }
}
