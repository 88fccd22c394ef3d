// What gas costs: of the last blocks, and what to offer for the next one
// (https://github.com/ethereum/execution-apis, src/eth/fee_market.yaml; go-ethereum's eth/gasprice).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let feeMethods: [String: Method] = [
    "eth_gasPrice": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      // The next block's price, which may be an eighth above the last one's.
      let base = try rpc.nextBaseFee(try rpc.head())
      return answer((base ?? .zero).addingSaturated(try rpc.suggestedTip()))
    },
    "eth_maxPriorityFeePerGas": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer(try rpc.suggestedTip())
    },
    "eth_blobBaseFee": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      let head = try rpc.head()
      guard head.header.excessBlobGas != nil else { return null }
      return answer(rpc.ledger.environment(of: head).blobBaseFee)
    },
    "eth_feeHistory": { (rpc, parameters) async throws(RPCError) in
      let count = try parameters.value(0, decimalOrHex)
      let newest = try parameters.blockNumber(1)
      let percentiles = try parameters.optional(2, percentiles) ?? []
      try parameters.expect(atMost: 3)
      return try await rpc.working { () throws(RPCError) in
        try rpc.feeHistory(count, newest, percentiles)
      }
    },
  ]

  private static let (feeHistoryLimit, percentileLimit): (UInt64, Int) = (1024, 100)

  private static func decimalOrHex(_ value: JSONValue) throws(EthereumFormError) -> UInt64 {
    switch value {
    case .unsigned(let number): return number
    case .string(let text):
      let isHex = text.hasPrefix("0x") || text.hasPrefix("0X")
      if let number = isHex ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text) { return number }
      throw EthereumFormError("invalid hex or decimal integer \"\(text.prefix(100))\"")
    default: throw .kind(value, "math.HexOrDecimal64")
    }
  }

  private static func percentiles(_ value: JSONValue) throws(EthereumFormError) -> [Double] {
    guard let list = value.array else { throw .kind(value, "[]float64") }
    var percentiles: [Double] = []
    for element in list {
      guard let number = element.double else { throw .kind(element, "float64") }
      percentiles.append(number)
    }
    return percentiles
  }

  /// Of the block behind one, in wei; `nil` where its fork knows none. Somebody may have set it
  /// (hardhat_setNextBlockBaseFeePerGas).
  private func nextBaseFee(_ block: EthereumArchive.StoredHeader) throws(RPCError) -> UInt256? {
    let header = block.header
    let head = producer.head
    if let last = head.ethereum?.header.number, header.number < last {
      return try self.block(.number(header.number + 1))?.header.baseFeePerGas
    }
    if let next = head.nextEthereum { return next.fork >= .london ? next.baseFeePerGas : nil }
    let fork = ledger.configuration.fork(
      number: header.number + 1, timestamp: header.timestamp + 1, totalDifficulty: block.totalDifficulty)
    guard fork >= .london else { return nil }
    return HeaderRules.baseFee(after: header)
  }

  // MARK: Suggestions

  /// 1 gwei; the most that is suggested.
  private static let (usualTip, highestTip): (UInt256, UInt256) = (1_000_000_000, 500_000_000_000)
  /// Blocks that are looked at, the lowest tips of each that count, and which of all these is suggested.
  private static let (tipBlocks, tipsOfBlock, tipPercentile): (UInt64, Int, Int) = (20, 3, 60)

  /// What the last blocks took: geth's oracle. The pool takes it whatever somebody has set as the least.
  private func suggestedTip() throws(RPCError) -> UInt256 {
    var number = try head().header.number
    var tips: [UInt256] = []
    for _ in 0..<Self.tipBlocks {
      let records = try records(number)
      let taken = records.filter { $0.sender != $0.block.header.coinbase }.map(\.tip).filter { $0 > 1 }
      tips += taken.sorted().prefix(Self.tipsOfBlock)
      if number == 0 { break }
      number -= 1
    }
    guard !tips.isEmpty else { return max(Self.usualTip, producer.leastTip) }
    let usual = min(tips.sorted()[(tips.count - 1) * Self.tipPercentile / 100], Self.highestTip)
    return max(usual, producer.leastTip)
  }

  // MARK: History

  private func feeHistory(
    _ count: UInt64, _ newest: EthereumBlockReference, _ percentiles: [Double]
  ) throws(RPCError) -> [UInt8] {
    if count == 0 { return Array(#"{"oldestBlock":"0x0","gasUsedRatio":null}"#.utf8) }
    try check(percentiles)
    let head = try head().header.number
    if case .number(let number) = newest, number > head {
      throw .ethereum("request beyond head block: requested \(number), head \(head)")
    }
    guard let last = try block(newest)?.header.number else { throw .ethereum("header not found") }
    let first = try stored { () throws(StoreError) in try ledger.firstNumber() ?? 0 }
    let oldest = max(first, last + 1 - min(min(count, Self.feeHistoryLimit), last + 1))
    var blocks: [EthereumArchive.StoredHeader] = []
    for number in oldest...last {
      guard let block = try block(.number(number)) else { throw .ethereum("header not found") }
      blocks.append(block)
    }
    var rewards: [[UInt256]] = []
    if !percentiles.isEmpty {
      for block in blocks { rewards.append(try self.rewards(of: block, percentiles)) }
    }
    let next = try nextFees(blocks[blocks.count - 1])
    return Self.answer { writer in
      writer.object { writer in
        writer.quantity("oldestBlock", oldest)
        if !percentiles.isEmpty {
          writer.key("reward")
          writer.array { writer in
            for reward in rewards {
              writer.array { writer in for tip in reward { writer.value(tip.description) } }
            }
          }
        }
        func list(_ name: String, _ numbers: [UInt256]) {
          writer.key(name)
          writer.array { writer in for number in numbers { writer.value(number.description) } }
        }
        func list(_ name: String, _ ratios: [Double]) {
          writer.key(name)
          writer.array { writer in
            // Whole numbers without a fraction, as Go writes them.
            for ratio in ratios {
              if let whole = Int(exactly: ratio) { writer.value(whole) } else { writer.value(ratio) }
            }
          }
        }
        list("baseFeePerGas", blocks.map { $0.header.baseFeePerGas ?? .zero } + [next.base])
        list("gasUsedRatio", blocks.map { Self.ratio($0.header.gasUsed, $0.header.gasLimit) })
        list("baseFeePerBlobGas", blocks.map { ledger.environment(of: $0).blobBaseFee } + [next.blob])
        list(
          "blobGasUsedRatio",
          blocks.map {
            Self.ratio($0.header.blobGasUsed ?? 0, ledger.environment(of: $0).blobParameters.maximumGas)
          })
      }
    }
  }

  private static func ratio(_ used: UInt64, _ limit: UInt64) -> Double {
    limit == 0 ? 0 : Double(used) / Double(limit)
  }

  private func check(_ percentiles: [Double]) throws(RPCError) {
    guard percentiles.count <= Self.percentileLimit else {
      throw .ethereum("invalid reward percentile: over the query limit \(Self.percentileLimit)")
    }
    for (index, percentile) in percentiles.enumerated() {
      guard (0...100).contains(percentile) else {
        throw .ethereum("invalid reward percentile: \(percentile)")
      }
      if index > 0, percentile <= percentiles[index - 1] {
        throw .ethereum(
          "invalid reward percentile: #\(index - 1):\(percentiles[index - 1]) >= #\(index):\(percentile)")
      }
    }
  }

  /// The tips at each percentile of a block's gas.
  private func rewards(
    of block: EthereumArchive.StoredHeader, _ percentiles: [Double]
  ) throws(RPCError) -> [UInt256] {
    let records = try records(block.header.number).sorted { $0.tip < $1.tip }
    guard let first = records.first else { return percentiles.map { _ in .zero } }
    var (place, gas) = (0, first.gasUsed)
    return percentiles.map { percentile in
      let threshold = UInt64(Double(block.header.gasUsed) * percentile / 100)
      while gas < threshold, place < records.count - 1 {
        place += 1
        gas += records[place].gasUsed
      }
      return records[place].tip
    }
  }

  /// Prices of the block behind one.
  private func nextFees(_ block: EthereumArchive.StoredHeader) throws(RPCError) -> (
    base: UInt256, blob: UInt256
  ) {
    let header = block.header
    let base = try nextBaseFee(block) ?? .zero
    let fork = ledger.configuration.fork(
      number: header.number + 1, timestamp: header.timestamp + 1, totalDifficulty: block.totalDifficulty)
    guard fork >= .cancun else { return (base, .zero) }
    let parameters = ledger.configuration.blobParameters(fork)
    return (
      base,
      parameters.baseFee(
        excessBlobGas: HeaderRules.excessBlobGas(after: header, fork: fork, parameters))
    )
  }
}

extension EthereumTransactionRecord {
  /// What the fee recipient gets for a unit of gas, in wei.
  fileprivate var tip: UInt256 { effectiveGasPrice &- (block.header.baseFeePerGas ?? .zero) }
}
