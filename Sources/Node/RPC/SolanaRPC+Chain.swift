// Methods about the chain itself: slots, epochs, blockhashes, who the node is.

import Estuary
import Ledger
import Primitives
import Runtime

extension SolanaRPC {
  static let chainMethods: [String: Method] = [
    "getHealth": { (rpc, _) throws(RPCError) in
      if rpc.producer.problem != nil { throw .stopping }
      return answer { $0.value("ok") }
    },
    "getVersion": { (_, _) throws(RPCError) in
      answer { writer in
        writer.object { writer in
          writer.member("feature-set", UInt64(featureSet))
          writer.member("solana-core", agaveVersion)
        }
      }
    },
    "getIdentity": { (rpc, _) throws(RPCError) in
      answer { $0.object { $0.member("identity", rpc.identity.description) } }
    },
    "getGenesisHash": { (rpc, _) throws(RPCError) in
      answer { $0.value(rpc.producer.head.genesisHash.description) }
    },
    "getSlot": { (rpc, parameters) throws(RPCError) in
      let head = try rpc.head(parameters, 0)
      return answer { $0.value(head.slot) }
    },
    "getBlockHeight": { (rpc, parameters) throws(RPCError) in
      let head = try rpc.head(parameters, 0)
      return answer { $0.value(head.height) }
    },
    "getTransactionCount": { (rpc, parameters) throws(RPCError) in
      let head = try rpc.head(parameters, 0)
      return answer { $0.value(head.transactionCount) }
    },
    "getSlotLeader": { (rpc, parameters) throws(RPCError) in
      _ = try rpc.head(parameters, 0)
      return answer { $0.value(rpc.identity.description) }
    },
    "getSlotLeaders": { (rpc, parameters) throws(RPCError) in try rpc.slotLeaders(parameters) },
    "getEpochInfo": { (rpc, parameters) throws(RPCError) in
      epochInfo(try rpc.head(parameters, 0))
    },
    "getEpochSchedule": { (rpc, _) throws(RPCError) in
      let schedule = rpc.producer.head.epochSchedule
      return answer { writer in
        writer.object { writer in
          writer.member("firstNormalEpoch", schedule.firstNormalEpoch)
          writer.member("firstNormalSlot", schedule.firstNormalSlot)
          writer.member("leaderScheduleSlotOffset", schedule.leaderScheduleSlotOffset)
          writer.member("slotsPerEpoch", schedule.slotsPerEpoch)
          writer.member("warmup", schedule.hasWarmup)
        }
      }
    },
    "getClusterNodes": { (_, _) throws(RPCError) in answer { $0.array { _ in } } },
    "getHighestSnapshotSlot": { (_, _) throws(RPCError) in throw .noSnapshot },
    "getLatestBlockhash": { (rpc, parameters) throws(RPCError) in
      let head = try rpc.head(parameters, 0)
      return answer(at: head.slot) { writer in
        writer.object { writer in
          writer.member("blockhash", head.blockhash.description)
          writer.member("lastValidBlockHeight", head.height + RecentBlocks.maximumAge)
        }
      }
    },
    "isBlockhashValid": { (rpc, parameters) throws(RPCError) in
      let blockhash = try Parameters.hash(parameters.string(0))
      let head = try rpc.head(parameters, 1)
      return answer(at: head.slot) { $0.value(head.recentBlocks.lastValidBlockHeight(of: blockhash) != nil) }
    },
    "getFeeForMessage": { (rpc, parameters) throws(RPCError) in try rpc.feeForMessage(parameters) },
    "getMinimumBalanceForRentExemption": { (rpc, parameters) throws(RPCError) in
      let byteCount = try parameters.integer(0)
      let head = try rpc.head(parameters, 1)
      guard byteCount <= accountByteLimit else { throw .invalidRequest }
      let lamports = head.rent.minimumBalance(dataByteCount: Int(byteCount))
      return answer { $0.value(lamports) }
    },
  ]

  /// Bytes of data that an account has at most.
  private static let accountByteLimit: UInt64 = 10 << 20

  /// Tells this runtime's features from other releases'; clients want a number.
  private static let featureSet = SHA256.hash(Array("estuary \(agaveVersion)".utf8)).bytes.prefix(4)
    .reduce(UInt32(0)) { $0 << 8 | UInt32($1) }

  /// The last block, as the options at `index` ask for it.
  func head(_ parameters: Parameters, _ index: Int) throws(RPCError) -> Head {
    let head = producer.head
    try parameters.options(index).check(head)
    return head
  }

  /// Slots that one request for leaders may ask for.
  private static let slotLeaderLimit: UInt64 = 5000

  private func slotLeaders(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    var slot = try parameters.integer(0)
    let limit = try parameters.integer(1)
    guard limit <= Self.slotLeaderLimit else {
      throw .invalidParameters("Invalid limit; max \(Self.slotLeaderLimit)")
    }
    // Schedules are known up to the next epoch's.
    let (head, schedule) = (producer.head, producer.head.epochSchedule)
    let lastEpoch = schedule.epoch(ofSlot: head.slot) + 1
    var missing = limit
    while missing > 0 {
      let epoch = schedule.epoch(ofSlot: slot)
      guard epoch <= lastEpoch else {
        throw .invalidParameters(
          "Invalid slot range: leader schedule for epoch \(epoch) is unavailable")
      }
      let end = schedule.firstSlot(ofEpoch: epoch) + schedule.slotCount(ofEpoch: epoch)
      missing -= min(missing, end - slot)
      slot = end
    }
    let identity = identity.description
    return Self.answer { writer in writer.array { writer in for _ in 0..<limit { writer.value(identity) } } }
  }

  static func epochInfo(_ head: Head) -> [UInt8] {
    let schedule = head.epochSchedule
    let epoch = schedule.epoch(ofSlot: head.slot)
    return answer { writer in
      writer.object { writer in
        writer.member("absoluteSlot", head.slot)
        writer.member("blockHeight", head.height)
        writer.member("epoch", epoch)
        writer.member("slotIndex", head.slot - schedule.firstSlot(ofEpoch: epoch))
        writer.member("slotsInEpoch", schedule.slotCount(ofEpoch: epoch))
        writer.member("transactionCount", head.transactionCount)
      }
    }
  }

  private func feeForMessage(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let text = try parameters.string(0)
    let head = try head(parameters, 1)
    let message = try TransactionText.message(text)
    let fee = try fee(of: message, head)
    return Self.answer(at: head.slot) { writer in
      if let fee { writer.value(fee) } else { writer.null() }
    }
  }

  /// Lamports that a message costs; `nil` where its blockhash does not hold and is no durable nonce.
  private func fee(of message: Message, _ head: Head) throws(RPCError) -> UInt64? {
    if head.recentBlocks.lastValidBlockHeight(of: message.recentBlockhash) == nil {
      guard let key = TransactionText.nonceAccount(of: message), let account = try account(key),
        account.owner == ProgramID.system,
        NonceState(account)?.contents?.durableNonce == message.recentBlockhash
      else { return nil }
    }
    // A budget that cannot be read costs what an empty one does: the transaction fails before it pays.
    let budget = (try? ComputeBudget(message)) ?? ComputeBudget(unitLimit: 0)
    return TransactionFee.lamports(message, budget: budget, lamportsPerSignature: 5000)
  }
}
