// A chain's beginning as geth writes it (https://geth.ethereum.org/docs/fundamentals/private-network): fork schedule,
// accounts, and the first header, with the hash that geth gives it. What would be passed over and lead to another chain
// is refused: forks that are not known here, proof of authority.

import Ledger
import Primitives
import WideIntegers

package struct GethGenesis: Sendable {
  package var configuration: ChainConfiguration
  /// Its state root is that of no accounts: who has the accounts puts the right one in.
  package var header: EthereumHeader
  /// In ascending order of addresses.
  package var alloc: [EthereumGenesis.Account]

  /// More than any genesis of a network has.
  private static let byteCountLimit = 1 << 30

  package static func read(_ path: String) throws(GenesisError) -> GethGenesis {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.read(path, limit: byteCountLimit) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    return try parse(bytes, path: path)
  }

  /// - Parameter path: for errors.
  package static func parse(_ bytes: [UInt8], path: String) throws(GenesisError) -> GethGenesis {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .json(path: path, error) }
    return try Reader(fields: EthereumReader(path: path, section: "", takesDecimals: true)).genesis(json)
  }

  /// The root of the state that the chain begins with.
  package var stateRoot: Hash {
    MerklePatriciaTrie.stateRoot(
      alloc.map { entry in
        let slots = entry.storage.map { (slot: $0.key, value: $0.value) }
        let account = TrieAccount(
          nonce: entry.nonce, balance: entry.balance, storageRoot: MerklePatriciaTrie.storageRoot(slots),
          codeHash: Keccak256.hash(entry.code))
        return (address: entry.address, account: account)
      })
  }

  /// What a ledger keeps of it.
  package var ledgerGenesis: EthereumGenesis {
    let fork = configuration.fork(
      number: header.number, timestamp: header.timestamp, totalDifficulty: header.difficulty)
    var genesis = EthereumGenesis(
      chainID: configuration.chainID, fork: fork.name, baseFeePerGas: header.baseFeePerGas ?? .zero,
      coinbase: header.coinbase)
    genesis.gasLimit = header.gasLimit
    genesis.prevRandao = UInt256(header.mixHash)
    genesis.difficulty = header.difficulty
    genesis.excessBlobGas = header.excessBlobGas ?? 0
    genesis.number = header.number
    genesis.configuration = configuration.encoded
    genesis.header = header.encoded
    genesis.alloc = alloc
    return genesis
  }

  private struct Reader {
    let fields: EthereumReader

    /// geth's own defaults.
    private static let gasLimit: UInt64 = 4_712_388
    private static let difficulty = UInt256(131_072)

    func genesis(_ json: JSONValue) throws(GenesisError) -> GethGenesis {
      guard json.object != nil else { throw fields.invalid("", .expected(.object)) }
      guard let config = json["config"] else { throw fields.invalid("config", .missing) }
      guard config.object != nil else { throw fields.invalid("config", .expected(.object)) }
      guard let alloc = json["alloc"] else { throw fields.invalid("alloc", .missing) }
      let configuration = try configuration(config)
      return GethGenesis(
        configuration: configuration, header: try header(json, config, configuration),
        alloc: try fields.alloc(alloc))
    }

    // MARK: Header

    private func header(
      _ json: JSONValue, _ config: JSONValue, _ configuration: ChainConfiguration
    ) throws(GenesisError) -> EthereumHeader {
      var header = EthereumHeader()
      header.number = try fields.unsigned(json, "number", in: "") ?? 0
      header.nonce = try fields.unsigned(json, "nonce", in: "") ?? 0
      header.timestamp = try fields.unsigned(json, "timestamp", in: "") ?? 0
      header.gasLimit = try fields.unsigned(json, "gasLimit", in: "") ?? 0
      if header.gasLimit == 0 { header.gasLimit = Self.gasLimit }
      header.gasUsed = try fields.unsigned(json, "gasUsed", in: "") ?? 0
      header.parentHash = try fields.hash(json["parentHash"], at: "parentHash") ?? .zero
      header.mixHash = try fields.hash(json["mixHash"] ?? json["mixhash"], at: "mixHash") ?? .zero
      header.coinbase = try fields.address(json, "coinbase", in: "") ?? .zero
      header.extraData = try fields.bytes(json, "extraData", in: "") ?? []
      if let difficulty = try fields.word(json, "difficulty", in: "") {
        header.difficulty = difficulty
      } else if config["ethash"] != nil, header.mixHash == .zero {
        header.difficulty = Self.difficulty
      }
      for name in ["number", "timestamp"] {
        guard max(header.number, header.timestamp) <= BlockRecord.countLimit else {
          throw fields.invalid(name, .expected(.counted))
        }
      }
      let fork = configuration.fork(
        number: header.number, timestamp: header.timestamp, totalDifficulty: header.difficulty)
      // geth asks for London at block 0, whatever the genesis' number.
      let first = configuration.fork(
        number: 0, timestamp: header.timestamp, totalDifficulty: header.difficulty)
      if first >= .london {
        header.baseFeePerGas = try fields.word(json, "baseFeePerGas", in: "") ?? HeaderRules.initialBaseFee
      }
      if fork >= .shanghai { header.withdrawalsRoot = MerklePatriciaTrie.emptyRoot }
      if fork >= .cancun {
        header.parentBeaconBlockRoot = .zero
        header.excessBlobGas = try fields.unsigned(json, "excessBlobGas", in: "") ?? 0
        header.blobGasUsed = try fields.unsigned(json, "blobGasUsed", in: "") ?? 0
      }
      if fork >= .prague { header.requestsHash = DepositRequests.hash(of: []) }
      return header
    }

    // MARK: Configuration

    private static let blockForks: [(name: String, fork: Fork)] = [
      ("homesteadBlock", .homestead), ("eip150Block", .tangerineWhistle), ("eip158Block", .spuriousDragon),
      ("byzantiumBlock", .byzantium), ("constantinopleBlock", .constantinople),
      ("petersburgBlock", .petersburg), ("istanbulBlock", .istanbul), ("berlinBlock", .berlin),
      ("londonBlock", .london),
    ]
    private static let timeForks: [(name: String, fork: Fork)] = [
      ("shanghaiTime", .shanghai), ("cancunTime", .cancun), ("pragueTime", .prague), ("osakaTime", .osaka),
      ("bpo1Time", .bpo1), ("bpo2Time", .bpo2),
    ]
    /// Members that would change the chain in ways that are not known here.
    private static let unknown = [
      "clique", "bpo3Time", "bpo4Time", "bpo5Time", "amsterdamTime", "verkleTime", "ubtTime",
      "enableVerkleAtGenesis",
    ]
    /// Blocks from which the difficulty bomb counts so many blocks fewer.
    private static let bombs: [(name: String, delay: UInt64)] = [
      ("byzantiumBlock", 3_000_000), ("constantinopleBlock", 5_000_000), ("muirGlacierBlock", 9_000_000),
      ("londonBlock", 9_700_000), ("arrowGlacierBlock", 10_700_000), ("grayGlacierBlock", 11_400_000),
    ]

    private func configuration(_ config: JSONValue) throws(GenesisError) -> ChainConfiguration {
      for name in Self.unknown {
        guard let value = config[name], !value.isNull, value.bool != false else { continue }
        throw fields.invalid("config." + name, .notSupported)
      }
      guard let chainID = try fields.unsigned(config, "chainId", in: "config") else {
        throw fields.invalid("config.chainId", .missing)
      }
      var configuration = ChainConfiguration(chainID: chainID, steps: try steps(config))
      if config["daoForkSupport"]?.bool == true {
        configuration.daoForkBlock = try fields.unsigned(config, "daoForkBlock", in: "config")
      }
      for bomb in Self.bombs {
        guard let block = try fields.unsigned(config, bomb.name, in: "config") else { continue }
        configuration.bombDelays.append(.init(block: block, delay: bomb.delay))
      }
      configuration.bombDelays.sort { ($0.block, $0.delay) < ($1.block, $1.delay) }
      if let contract = try fields.address(config, "depositContractAddress", in: "config") {
        configuration.depositContract = contract
      }
      configuration.blobSchedule = try blobSchedule(config)
      configuration.mergeNetsplitBlock = try fields.unsigned(config, "mergeNetsplitBlock", in: "config")
      return configuration
    }

    private func steps(_ config: JSONValue) throws(GenesisError) -> [ChainConfiguration.Step] {
      // EIP-155 and EIP-158 are one fork on every network.
      let replayProtection = try fields.unsigned(config, "eip155Block", in: "config")
      if replayProtection != (try fields.unsigned(config, "eip158Block", in: "config")) {
        throw fields.invalid("config.eip155Block", .notSupported)
      }
      var steps: [ChainConfiguration.Step] = []
      let petersburg = try fields.unsigned(config, "petersburgBlock", in: "config")
      for (name, fork) in Self.blockForks {
        guard let block = try fields.unsigned(config, name, in: "config") else { continue }
        // Without a block of its own, Petersburg comes with Constantinople.
        let isBoth = fork == .constantinople && petersburg == nil
        steps.append(.init(isBoth ? .petersburg : fork, .block(block)))
      }
      if let terminal = try fields.word(config, "terminalTotalDifficulty", in: "config") {
        steps.append(.init(.paris, .totalDifficulty(terminal)))
      }
      for (name, fork) in Self.timeForks {
        guard let time = try fields.unsigned(config, name, in: "config") else { continue }
        steps.append(.init(fork, .time(time)))
      }
      return steps
    }

    private func blobSchedule(_ config: JSONValue) throws(GenesisError) -> [ChainConfiguration.BlobStep] {
      guard let schedule = config["blobSchedule"], !schedule.isNull else { return [] }
      guard let members = schedule.object?.members else {
        throw fields.invalid("config.blobSchedule", .expected(.object))
      }
      var steps: [ChainConfiguration.BlobStep] = []
      for member in members where !member.value.isNull {
        let place = "config.blobSchedule." + member.name
        guard let fork = Fork(name: member.name), fork >= .cancun else {
          throw fields.invalid(place, .notSupported)
        }
        guard let target = try fields.unsigned(member.value, "target", in: place),
          let maximum = try fields.unsigned(member.value, "max", in: place),
          let fraction = try fields.unsigned(member.value, "baseFeeUpdateFraction", in: place)
        else { throw fields.invalid(place, .missing) }
        guard let parameters = BlobParameters.scheduled(fork, target, maximum, fraction) else {
          throw fields.invalid(place, .notSupported)
        }
        steps.append(.init(fork: fork, parameters: parameters))
      }
      return steps.sorted { $0.fork < $1.fork }
    }
  }
}
