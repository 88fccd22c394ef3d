// Methods about a cluster, for which one node answers: it leads every slot, nobody has stake and nothing inflates.

import Estuary
import Ledger
import Primitives
import Runtime

extension SolanaRPC {
  static let clusterMethods: [String: Method] = [
    "getVoteAccounts": { (rpc, parameters) throws(RPCError) in try await rpc.voteAccounts(parameters) },
    "getLeaderSchedule": { (rpc, parameters) throws(RPCError) in try rpc.leaderSchedule(parameters) },
    "getBlockProduction": { (rpc, parameters) throws(RPCError) in
      try await rpc.blockProduction(parameters)
    },
    "getRecentPerformanceSamples": { (rpc, parameters) throws(RPCError) in
      try rpc.performanceSamples(parameters)
    },
    "getInflationGovernor": { (rpc, parameters) throws(RPCError) in
      _ = try rpc.head(parameters, 0)
      return answer { writer in
        writer.object { writer in
          for name in ["foundation", "foundationTerm", "initial", "taper", "terminal"] {
            writer.member(name, 0.0)
          }
        }
      }
    },
    "getInflationRate": { (rpc, _) throws(RPCError) in
      let head = rpc.producer.head
      return answer { writer in
        writer.object { writer in
          writer.member("epoch", head.epochSchedule.epoch(ofSlot: head.slot))
          for name in ["foundation", "total", "validator"] { writer.member(name, 0.0) }
        }
      }
    },
    "getInflationReward": { (rpc, parameters) throws(RPCError) in
      let addresses = try parameters.list(0)
      for value in addresses { _ = try Parameters.pubkey(Parameters.string(value)) }
      _ = try rpc.head(parameters, 1)
      return answer { writer in writer.array { writer in for _ in addresses { writer.null() } } }
    },
    "getStakeMinimumDelegation": { (rpc, parameters) throws(RPCError) in
      let head = try rpc.head(parameters, 0)
      return answer(at: head.slot) { $0.value(1 as UInt64) }
    },
    "getMaxRetransmitSlot": { (rpc, _) throws(RPCError) in answer { $0.value(rpc.producer.head.slot) } },
    "getMaxShredInsertSlot": { (rpc, _) throws(RPCError) in answer { $0.value(rpc.producer.head.slot) } },
  ]

  /// The slots of the epoch that `slot` is in, all of them this node's; null for epochs beyond the next one.
  private func leaderSchedule(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    // The slot may be left out, and the options come first then.
    let hasOptionsFirst = parameters.optional(0)?.object != nil
    let slot = hasOptionsFirst || parameters.optional(0) == nil ? nil : try parameters.integer(0)
    let options = try parameters.options(hasOptionsFirst ? 0 : 1)
    let head = producer.head
    try options.check(head)
    let only = try options.string("identity").map { (text) throws(RPCError) in try Parameters.pubkey(text) }
    let schedule = head.epochSchedule
    let epoch = schedule.epoch(ofSlot: slot ?? head.slot)
    guard epoch <= schedule.epoch(ofSlot: head.slot) + 1 else { return Self.answer { $0.null() } }
    let count = schedule.slotCount(ofEpoch: epoch)
    return Self.answer { writer in
      writer.object { writer in
        guard only == nil || only == identity else { return }
        writer.key(identity.description)
        writer.array { writer in for index in 0..<count { writer.value(index) } }
      }
    }
  }

  /// How many slots of a range had a block.
  private func blockProduction(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let head = try head(parameters, 0)
    let options = try parameters.options(0)
    let only = try options.string("identity").map { (text) throws(RPCError) in try Parameters.pubkey(text) }
    let schedule = head.epochSchedule
    var (first, last) = (schedule.firstSlot(ofEpoch: schedule.epoch(ofSlot: head.slot)), head.slot)
    if let value = options["range"] {
      guard let object = value.object else {
        throw .invalidParameters(
          "Invalid params: invalid type: \(Parameters.kind(of: value)), expected an object.")
      }
      let range = Options(object: object)
      guard let start = try range.integer("firstSlot") else {
        throw .invalidParameters("Invalid params: missing field `firstSlot`.")
      }
      let end = try range.integer("lastSlot") ?? head.slot
      guard end <= head.slot else {
        throw .invalidParameters("lastSlot, \(end), is too large; max \(head.slot)")
      }
      guard start <= end else {
        throw .invalidParameters("lastSlot, \(end), cannot be less than firstSlot, \(start)")
      }
      (first, last) = (start, end)
    }
    let (history, range) = (producer.history, first...last)
    // Heights would count settings of accounts, which have no slots. An epoch of blocks takes a while.
    let outcome = await background.run { () -> Result<Int, StoreError> in
      Result { () throws(StoreError) in
        try history.slots(from: range.lowerBound, through: range.upperBound, limit: .max).count
      }
    }
    let blockCount = try stored { () throws(StoreError) in try outcome.get() }
    return Self.answer(at: head.slot) { writer in
      writer.object { writer in
        writer.key("byIdentity")
        writer.object { writer in
          guard only == nil || only == identity else { return }
          writer.key(identity.description)
          writer.array { writer in
            writer.value(last - first + 1)
            writer.value(blockCount)
          }
        }
        writer.key("range")
        writer.object { writer in
          writer.member("firstSlot", first)
          writer.member("lastSlot", last)
        }
      }
    }
  }

  /// Slots after its last vote at which an account is delinquent, unless a client says otherwise.
  private static let delinquentDistance: UInt64 = 128
  private static let epochCreditsLimit = 5

  /// The accounts of the vote program with somebody who may vote. None has stake: those that do not vote are left out, unless
  /// they are asked for.
  private func voteAccounts(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let options = try parameters.options(0)
    let head = try head(parameters, 0)
    let only = try options.string("votePubkey").map { (text) throws(RPCError) in try Parameters.pubkey(text) }
    let distance = try options.integer("delinquentSlotDistance") ?? Self.delinquentDistance
    let keepsDelinquent = try options.bool("keepUnstakedDelinquents") ?? false
    var (current, delinquent): ([(key: Pubkey, state: VoteState)], [(key: Pubkey, state: VoteState)]) = (
      [], []
    )
    for (key, account) in try await accounts(of: ProgramID.vote, []) where only == nil || only == key {
      guard let state = VoteState.stored(account, at: key), !state.authorizedVoters.isEmpty else { continue }
      let oldest = head.slot >= distance ? head.slot - distance : 0
      if let last = state.votes.last, last.slot > oldest {
        current.append((key, state))
      } else if keepsDelinquent {
        delinquent.append((key, state))
      }
    }
    return Self.answer { writer in
      writer.object { writer in
        for (name, list) in [("current", current), ("delinquent", delinquent)] {
          writer.key(name)
          writer.array { writer in for (key, state) in list { Self.write(state, at: key, to: &writer) } }
        }
      }
    }
  }

  private static func write(_ state: VoteState, at key: Pubkey, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("activatedStake", 0 as UInt64)
      writer.member("commission", Int(state.commission))
      writer.key("epochCredits")
      writer.array { writer in
        for credits in state.epochCredits.suffix(epochCreditsLimit) {
          writer.array { writer in
            writer.value(credits.epoch)
            writer.value(credits.credits)
            writer.value(credits.previousCredits)
          }
        }
      }
      writer.member("epochVoteAccount", false)
      writer.member("lastVote", state.votes.last?.slot ?? 0)
      writer.member("nodePubkey", state.node.description)
      writer.member("rootSlot", state.rootSlot ?? 0)
      writer.member("votePubkey", key.description)
    }
  }

  private static let sampleLimit: UInt64 = 720
  private static let sampleSeconds: Int64 = 60

  /// What passed in each of the last minutes, the newest first; minutes without a block are left out.
  private func performanceSamples(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let limit = parameters.optional(0) == nil ? Self.sampleLimit : try parameters.integer(0)
    guard limit <= Self.sampleLimit else {
      throw .invalidParameters("Invalid limit; max \(Self.sampleLimit)")
    }
    let head = producer.head
    let history = producer.history
    let samples = try stored { () throws(StoreError) -> [(later: BlockRecord, earlier: BlockRecord)] in
      var samples: [(later: BlockRecord, earlier: BlockRecord)] = []
      guard var later = try history.block(head.height) else { return [] }
      var end = later.unixTimestamp
      while samples.count < limit, later.height > 0 {
        // The last block that is a minute old: times never go back.
        var (low, high) = (UInt64(0), later.height - 1)
        while low < high {
          let middle = low + (high - low + 1) / 2
          guard let record = try history.block(middle) else { return samples }
          if record.unixTimestamp <= end - Self.sampleSeconds { low = middle } else { high = middle - 1 }
        }
        guard let earlier = try history.block(low), earlier.unixTimestamp <= end - Self.sampleSeconds else {
          break
        }
        samples.append((later, earlier))
        (later, end) = (earlier, earlier.unixTimestamp)
      }
      return samples
    }
    return Self.answer { writer in
      writer.array { writer in
        for (later, earlier) in samples {
          let transactionCount =
            later.transactionCount - min(earlier.transactionCount, later.transactionCount)
          writer.object { writer in
            writer.member("numNonVoteTransactions", transactionCount)
            writer.member("numSlots", later.slot - earlier.slot)
            writer.member("numTransactions", transactionCount)
            writer.member("samplePeriodSecs", Int(Self.sampleSeconds))
            writer.member("slot", later.slot)
          }
        }
      }
    }
  }
}
