// eth_config (EIP-7910): the rules of the last block, of the next fork and of the last one that is planned.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let configurationMethods: [String: Method] = [
    "eth_config": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return try rpc.configuration()
    }
  ]

  private func configuration() throws(RPCError) -> [UInt8] {
    let head = try head()
    guard let genesis = try block(.tag(.earliest)) else { throw .ethereum("the first block is not there") }
    let times = forkTimes(genesis.header)
    let now = head.header.timestamp
    let current = times.last { $0.time <= now }
    let next = times.first { $0.time > now }
    return Self.answer { writer in
      writer.object { writer in
        for (name, step) in [("current", current), ("next", next), ("last", next == nil ? nil : times.last)] {
          writer.key(name)
          if let step { write(step.fork, from: step.time, genesis, to: &writer) } else { writer.null() }
        }
      }
    }
  }

  /// Forks that begin by time, each with its own; a chain that begins with one has it from its first block on.
  private func forkTimes(_ genesis: EthereumHeader) -> [(fork: Fork, time: UInt64)] {
    var times: [(fork: Fork, time: UInt64)] = []
    for step in ledger.configuration.steps {
      switch step.activation {
      case .time(let time): times.append((step.fork, time))
      // A development ledger has the latest fork from block 0 on.
      case .block(0) where step.fork >= .shanghai: times.append((step.fork, 0))
      case .block, .totalDifficulty: break
      }
    }
    return times.sorted { ($0.time, $0.fork) < ($1.time, $1.fork) }
  }

  private func write(
    _ fork: Fork, from time: UInt64, _ genesis: EthereumArchive.StoredHeader, to writer: inout JSONWriter
  ) {
    let parameters = ledger.configuration.blobParameters(fork)
    let identifier = ledger.configuration.forkIdentifier(
      genesisHash: genesis.hash, genesisTime: genesis.header.timestamp, upTo: time)
    writer.object { writer in
      writer.member("activationTime", time <= genesis.header.timestamp ? 0 : time)
      writer.key("blobSchedule")
      if fork >= .cancun {
        writer.object { writer in
          writer.member("target", parameters.targetCount)
          writer.member("max", parameters.maximumCount)
          writer.member("baseFeeUpdateFraction", parameters.baseFeeUpdateFraction)
        }
      } else {
        writer.null()
      }
      writer.quantity("chainId", ledger.chainID)
      writer.data("forkId", identifier)
      writer.key("precompiles")
      writer.object { writer in
        let all = Precompile.addresses(fork: fork).compactMap { number in
          Precompile.active(address: number, fork: fork).map { ($0.function.configurationName, number) }
        }
        for (name, number) in all.sorted(by: { $0.0 < $1.0 }) {
          writer.address(name, Address(UInt256(UInt64(number))))
        }
      }
      writer.key("systemContracts")
      writer.object { writer in
        for (name, address) in systemContracts(fork) { writer.address(name, address) }
      }
    }
  }

  private func systemContracts(_ fork: Fork) -> [(String, Address)] {
    var contracts: [(String, Address)] = []
    if fork >= .cancun { contracts.append(("BEACON_ROOTS_ADDRESS", EVMBlockProcessor.beaconRoots)) }
    if fork >= .prague {
      contracts += [
        ("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", EVMBlockProcessor.consolidationRequests),
        ("DEPOSIT_CONTRACT_ADDRESS", ledger.configuration.depositContract),
        ("HISTORY_STORAGE_ADDRESS", EVMBlockProcessor.history),
        ("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", EVMBlockProcessor.withdrawalRequests),
      ]
    }
    return contracts
  }
}

extension Precompile.Function {
  /// EIP-7910's name.
  fileprivate var configurationName: String {
    switch self {
    case .ecrecover: "ECREC"
    case .sha256: "SHA256"
    case .ripemd160: "RIPEMD160"
    case .identity: "ID"
    case .modexp: "MODEXP"
    case .bn254Add: "BN254_ADD"
    case .bn254Multiply: "BN254_MUL"
    case .bn254Pairing: "BN254_PAIRING"
    case .blake2f: "BLAKE2F"
    case .pointEvaluation: "KZG_POINT_EVALUATION"
    case .bls12381AddG1: "BLS12_G1ADD"
    case .bls12381MultiScalarG1: "BLS12_G1MSM"
    case .bls12381AddG2: "BLS12_G2ADD"
    case .bls12381MultiScalarG2: "BLS12_G2MSM"
    case .bls12381Pairing: "BLS12_PAIRING_CHECK"
    case .bls12381MapToG1: "BLS12_MAP_FP_TO_G1"
    case .bls12381MapToG2: "BLS12_MAP_FP2_TO_G2"
    case .p256Verify: "P256VERIFY"
    }
  }
}
