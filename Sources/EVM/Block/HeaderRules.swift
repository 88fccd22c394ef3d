// What a header has to be, given its parent's: numbers, times, gas limit, base fee (EIP-1559), blob gas (EIP-4844),
// difficulty (Yellow Paper section 4.3.4 with the bombs of EIP-649 and its successors), and which fields there are.

import Primitives
import WideIntegers

/// What a block's fork sets besides what transactions can see.
package enum HeaderRules {
  package static let initialBaseFee = UInt256(1_000_000_000)
  package static let minimumGasLimit: UInt64 = 5_000
  package static let maximumGasLimit = UInt64(Int64.max)
  package static let maximumExtraDataByteCount = 32
  /// EIP-7934: 10 MiB less 2 MiB for the consensus layer's part.
  package static let maximumBlockByteCount = 8_388_608
  private static let minimumDifficulty = UInt256(131_072)

  /// EIP-1559: the base fee of the block after `parent`, which is of `parentFork`. Wei.
  package static func baseFee(after parent: EthereumHeader) -> UInt256 {
    guard let fee = parent.baseFeePerGas else { return initialBaseFee }
    let target = parent.gasLimit / 2
    if parent.gasUsed == target || target == 0 { return fee }
    let distance = parent.gasUsed > target ? parent.gasUsed - target : target - parent.gasUsed
    // A fee is far below 2^192 on any chain that follows this rule; the product wraps where it is not.
    let change = (fee &* UInt256(distance)).divided(by: UInt256(target)).divided(by: 8)
    return parent.gasUsed > target ? fee.addingSaturated(max(change, .one)) : fee &- change
  }

  /// The excess blob gas of a block of `fork` after `parent`.
  package static func excessBlobGas(
    after parent: EthereumHeader, fork: Fork, _ parameters: BlobParameters
  ) -> UInt64 {
    parameters.excessBlobGas(
      fork: fork, parentExcess: parent.excessBlobGas ?? 0, parentUsed: parent.blobGasUsed ?? 0,
      parentBaseFeePerGas: parent.baseFeePerGas ?? .zero)
  }

  /// The difficulty of a block before the merge.
  package static func difficulty(
    number: UInt64, timestamp: UInt64, after parent: EthereumHeader, fork: Fork, bombDelay: UInt64
  ) -> UInt256 {
    let step = parent.difficulty >> 11
    let seconds = timestamp &- parent.timestamp
    let factor: Int64
    if fork < .homestead {
      factor = seconds < 13 ? 1 : -1
    } else {
      let (bonus, period): (Int64, UInt64) =
        fork < .byzantium ? (1, 10) : (parent.ommersHash == EthereumHeader.emptyOmmersHash ? 1 : 2, 9)
      factor = max(bonus - Int64(clamping: min(seconds / period, 1 << 32)), -99)
    }
    let change = step &* UInt256(factor.magnitude)
    var difficulty = factor < 0 ? parent.difficulty &- change : parent.difficulty.addingSaturated(change)
    difficulty = max(difficulty, minimumDifficulty)
    let period = (number > bombDelay ? number - bombDelay : 0) / 100_000
    return period < 2 ? difficulty : difficulty.addingSaturated(UInt256.one << (period - 2))
  }
}

extension EthereumHeader {
  /// Checks everything about a header that its parent and the configuration decide.
  package func validate(
    after parent: EthereumHeader, fork: Fork, configuration: ChainConfiguration
  ) throws(BlockValidityError) {
    if number != parent.number &+ 1 { throw .wrongNumber(number, expected: parent.number &+ 1) }
    if timestamp <= parent.timestamp {
      throw .timestampNotAfterParent(timestamp, parent: parent.timestamp)
    }
    if extraData.count > HeaderRules.maximumExtraDataByteCount {
      throw .extraDataTooLong(byteCount: extraData.count)
    }
    if configuration.isDAOMarked(number), extraData != DAOFork.extraData { throw .missingDAOMark }
    try validateDifficulty(after: parent, fork: fork, configuration: configuration)
    try validateFields(fork)
    try validateGas(after: parent, fork: fork)
    try validateBlobGas(after: parent, fork: fork, configuration.blobParameters(fork))
  }

  private func validateDifficulty(
    after parent: EthereumHeader, fork: Fork, configuration: ChainConfiguration
  ) throws(BlockValidityError) {
    if fork >= .paris {
      if !difficulty.isZero { throw .difficultyAfterMerge(difficulty) }
      if nonce != 0 { throw .nonceAfterMerge(nonce) }
      if ommersHash != Self.emptyOmmersHash { throw .ommersAfterMerge }
      return
    }
    if difficulty.isZero { throw .zeroDifficultyBeforeMerge }
    let expected = HeaderRules.difficulty(
      number: number, timestamp: timestamp, after: parent, fork: fork,
      bombDelay: configuration.bombDelay(number: number))
    if difficulty != expected { throw .wrongDifficulty(difficulty, expected: expected) }
  }

  /// The fields that came with forks are there from theirs on and not before.
  private func validateFields(_ fork: Fork) throws(BlockValidityError) {
    let fields: [(name: String, isThere: Bool, since: Fork)] = [
      ("baseFeePerGas", baseFeePerGas != nil, .london),
      ("withdrawalsRoot", withdrawalsRoot != nil, .shanghai),
      ("blobGasUsed", blobGasUsed != nil, .cancun),
      ("requestsHash", requestsHash != nil, .prague),
    ]
    for field in fields {
      if fork >= field.since, !field.isThere { throw .missingField(field.name, fork) }
      if fork < field.since, field.isThere { throw .unexpectedField(field.name, fork) }
    }
  }

  private func validateGas(after parent: EthereumHeader, fork: Fork) throws(BlockValidityError) {
    // The first block of EIP-1559 doubles the limit, so that the target is what the limit was.
    let isFirst = fork >= .london && parent.baseFeePerGas == nil
    let (doubled, overflow) = parent.gasLimit.multipliedReportingOverflow(by: 2)
    let reference = isFirst ? (overflow ? .max : doubled) : parent.gasLimit
    let distance = gasLimit > reference ? gasLimit - reference : reference - gasLimit
    if distance >= reference / 1024 || gasLimit < HeaderRules.minimumGasLimit
      || gasLimit > HeaderRules.maximumGasLimit
    {
      throw .wrongGasLimit(gasLimit, parent: parent.gasLimit)
    }
    if gasUsed > gasLimit { throw .gasUsedAboveLimit(gasUsed, limit: gasLimit) }
    guard let baseFeePerGas else { return }
    let expected = HeaderRules.baseFee(after: parent)
    if baseFeePerGas != expected { throw .wrongBaseFee(baseFeePerGas, expected: expected) }
  }

  private func validateBlobGas(
    after parent: EthereumHeader, fork: Fork, _ parameters: BlobParameters
  ) throws(BlockValidityError) {
    guard let excessBlobGas, let blobGasUsed else { return }
    let expected = HeaderRules.excessBlobGas(after: parent, fork: fork, parameters)
    if excessBlobGas != expected { throw .wrongExcessBlobGas(excessBlobGas, expected: expected) }
    let limit = parameters.maximumGas
    if blobGasUsed > limit || blobGasUsed % BlobParameters.gasPerBlob != 0 {
      throw .blobGasAboveLimit(blobGasUsed, limit: limit)
    }
  }
}

/// The headers and ommers that a block's ommers are judged by.
package protocol EthereumAncestry {
  /// The block of that hash and the hashes of its ommers; `nil` where it is not known.
  func ancestor(_ hash: Hash) -> (header: EthereumHeader, ommers: [Hash])?
}

extension EthereumBlock {
  /// How many generations back an ommer's parent may be.
  package static let ommerGenerations = 7

  /// Checks everything but ommers, transactions and results.
  ///
  /// - Parameter byteCount: of the block's encoding.
  package func validate(
    after parent: EthereumHeader, byteCount: Int, fork: Fork, configuration: ChainConfiguration
  ) throws(BlockValidityError) {
    if fork >= .osaka, byteCount > HeaderRules.maximumBlockByteCount {
      throw .tooManyBytes(count: byteCount, maximum: HeaderRules.maximumBlockByteCount)
    }
    try header.validate(after: parent, fork: fork, configuration: configuration)
    try validateBody(fork: fork)
  }

  /// Checks what the body alone and the header decide, but for the root of the transactions: whether each of them may
  /// be in the block says more of what is wrong.
  package func validateBody(fork: Fork) throws(BlockValidityError) {
    if fork >= .paris, !ommers.isEmpty { throw .ommersAfterMerge }
    let hash = ommersHash
    if hash != header.ommersHash { throw .wrongOmmersHash(header.ommersHash, expected: hash) }
    if fork >= .shanghai {
      guard let root = withdrawalsRoot else { throw .missingField("withdrawals", fork) }
      let found = header.withdrawalsRoot ?? .zero
      if root != found { throw .wrongWithdrawalsRoot(found, expected: root) }
    } else if withdrawals != nil {
      throw .unexpectedField("withdrawals", fork)
    }
  }

  /// Checks the ommers, each a header that might have been in one of the last generations (Yellow Paper section 11.1).
  package func validateOmmers(
    in ancestry: some EthereumAncestry, fork: Fork, configuration: ChainConfiguration
  ) throws(BlockValidityError) {
    if ommers.isEmpty { return }
    if ommers.count > 2 { throw .tooManyOmmers(ommers.count) }
    var ancestors: [Hash: EthereumHeader] = [:]
    var used: Set<Hash> = []
    var next = header.parentHash
    for _ in 0..<Self.ommerGenerations {
      guard let block = ancestry.ancestor(next) else { break }
      ancestors[next] = block.header
      used.formUnion(block.ommers)
      next = block.header.parentHash
    }
    for ommer in ommers {
      let hash = ommer.hash
      if !used.insert(hash).inserted { throw .ommerUsedBefore(hash) }
      if ancestors[hash] != nil || hash == header.hash { throw .ommerIsAncestor(hash) }
      guard ommer.parentHash != header.parentHash, let parent = ancestors[ommer.parentHash] else {
        throw .ommerParent(hash)
      }
      let fork = min(
        fork, configuration.fork(number: ommer.number, timestamp: ommer.timestamp, totalDifficulty: .zero))
      do throws(BlockValidityError) {
        try ommer.validate(after: parent, fork: fork, configuration: configuration)
      } catch { throw .ommer(error) }
    }
  }
}
