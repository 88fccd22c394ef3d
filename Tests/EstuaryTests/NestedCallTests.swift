// Random chains of calls, contract → program → contract → …, begun by transactions of either family, against an oracle that
// copies its world before each call (NestedCallOracle), on every executor; Ethereum's also with binding access sets. The
// number of chains is ESTUARY_CROSS_CHAINS.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite(.serialized) struct NestedCallTests {
  typealias Rig = ProgramCallRig
  typealias Base = CrossCallRig
  typealias Oracle = NestedCallOracle
  typealias Action = NestedCall.Action
  typealias ProgramAction = NestedCall.ProgramAction
  typealias Result = NestedCall.Result
  typealias Step = ScriptContract.Step

  /// As the oracle numbers them.
  private static let keys: [Pubkey] =
    Base.contracts.map { Base.key(.contract, $0) }
    + (0..<3).map { Pubkey(word0: 700 + $0, word1: 1, word2: 2, word3: 3) } + [Rig.payers[0].pubkey]
  private static let payer = 6

  private enum Chain {
    case contract(Int, [Action])
    /// By a transaction of Solana's, whose payer signs for the program.
    case program(Int, keys: [Int], [ProgramAction])
  }

  // MARK: Random chains

  private struct Generator {
    var random: SplitMix64
    /// Calls across that come first at each level, so that deep chains occur as often as is wanted.
    var spine = 0
    /// Whether the chain is such a one, which has little else: instructions are only so long.
    var isDeep = false
    private var depthLimit: Int { isDeep ? 7 : 5 }

    mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    mutating func pick<T>(_ all: [T]) -> T { all[below(all.count)] }
    mutating func lamports() -> UInt64 { pick([0, 1, 900_000, 2_000_000, 2_000_000, 900_000_000]) }
    mutating func keys(without own: Int) -> [Int] { (0..<6).filter { $0 != own && below(3) > 0 } }

    mutating func actions(_ contract: Int, depth: Int, isStatic: Bool, programs: Int) -> [Action] {
      var actions: [Action] = []
      if spine > 0, depth < depthLimit {
        spine -= 1
        if below(3) == 0 {
          let target = below(3)
          actions.append(
            .frame(
              .call, contract: target, wei: 0,
              self.actions(target, depth: depth + 1, isStatic: isStatic, programs: programs)))
        } else {
          let keys = keys(without: contract)
          actions.append(
            .program(
              must: false, program: below(3), keys: keys,
              programActions(signer: contract, keys, depth: depth + 1, programs: programs + 1)))
        }
      }
      for _ in 0..<(isDeep ? below(2) : 1 + below(depth == 0 ? 4 : 3)) {
        switch below(12) {
        case 0...1 where depth < depthLimit:
          let op: ScriptContract.Op = pick([.call, .mustCall, .delegateCall, .staticCall])
          let target = below(3)
          let isPaid = !isStatic && (op == .call || op == .mustCall) && below(3) == 0
          actions.append(
            .frame(
              op, contract: target, wei: isPaid ? pick([1, 5_000_000, .max]) : 0,
              self.actions(
                op == .delegateCall ? contract : target, depth: depth + 1,
                isStatic: isStatic || op == .staticCall,
                programs: programs)))
        case 2...5 where depth < depthLimit:
          let keys = keys(without: contract)
          actions.append(
            .program(
              must: below(4) == 0, program: below(3), keys: keys,
              programActions(signer: contract, keys, depth: depth + 1, programs: programs + 1)))
        case 6:
          let from = below(5) == 0 ? below(6) : contract
          actions.append(.pay(must: below(4) == 0, from: from, to: below(6), lamports()))
        case 7 where !isStatic:
          actions.append(
            .withdraw(to: below(6), wei: pick([0, 1_000_000_001, 5_000_000_000, 900_000_000_000_000])))
        case 8 where !isStatic: actions.append(.store(slot: UInt64(below(3)), UInt64(1 + below(9))))
        case 9 where !isStatic: actions.append(.log(UInt8(below(256))))
        case 10 where below(2) == 0:
          actions.append(.revert)
          return actions
        default: actions.append(.look(below(6)))
        }
      }
      return actions
    }

    mutating func programActions(signer: Int, _ keys: [Int], depth: Int, programs: Int) -> [ProgramAction] {
      var actions: [ProgramAction] = []
      if spine > 0, depth < depthLimit {
        spine -= 1
        let contract = below(3)
        actions.append(
          .call(
            contract: contract, wei: 0, isStatic: false, catches: true, hands: true, gas: nil,
            self.actions(contract, depth: depth + 1, isStatic: false, programs: programs)))
      }
      for _ in 0..<(isDeep ? below(2) : 1 + below(3)) {
        switch below(12) {
        case 0...4 where depth < depthLimit:
          let (contract, isStatic) = (below(3), below(6) == 0)
          if below(6) == 0 {
            actions.append(
              .call(
                contract: contract, wei: 0, isStatic: isStatic, catches: below(4) > 0, hands: false,
                gas: 20_000,
                [.invalid]))
            continue
          }
          actions.append(
            .call(
              contract: contract, wei: !isStatic && below(4) == 0 ? pick([1, 3_000_000, .max]) : 0,
              isStatic: isStatic,
              catches: below(3) > 0, hands: below(3) > 0, gas: nil,
              self.actions(contract, depth: depth + 1, isStatic: isStatic, programs: programs)))
        case 5, 6:
          let all = keys + [signer]
          let isOdd = below(6) == 0
          let (from, to) = (isOdd ? below(6) : signer, isOdd ? below(6) : pick(all))
          actions.append(.pay(from: from, to: to, lamports()))
        case 7: actions.append(.deposit(pick([1, 1_000_000, 5_000_000_000_000])))
        case 8: actions.append(.withdraw(to: pick(keys + [signer]), pick([1, 500_000, 1_000_000])))
        case 9 where below(2) == 0:
          actions.append(.fail)
          return actions
        case 10 where programs == 1 && below(2) == 0:
          actions.append(.burn)
          return actions
        default: actions.append(.pay(from: signer, to: pick(keys + [signer]), 1_000_000))
        }
      }
      return actions
    }
  }

  // MARK: As transactions

  /// A chain whose scripts are longer than instructions may be.
  private struct TooLong: Error {}

  private static func fitting(_ instruction: Instruction) throws -> Instruction {
    if instruction.data.count > CrossCallCosts.dataByteLimit { throw TooLong() }
    return instruction
  }

  private static func slots(_ signer: Int, _ keys: [Int]) -> [ScriptProgram.Slot] {
    [.init(Self.keys[signer], signer: true, writable: true)]
      + keys.map { .init(Self.keys[$0], writable: true) }
      + [.system]
  }

  private static func steps(_ actions: [ProgramAction], signer: Int, _ keys: [Int]) throws -> [ScriptProgram
    .Step]
  {
    let own = Self.keys[signer]
    let others = keys.map { AccountMeta(Self.keys[$0], writable: true) }
    return try actions.map { action in
      switch action {
      case .call(let contract, let wei, let isStatic, let catches, let hands, let gas, let inner):
        .invoke(
          try fitting(
            Rig.ethereum(
              Rig.call(
                try script(inner, as: contract), of: Base.contracts[contract],
                value: isStatic ? .zero : UInt256(wei),
                gas: gas ?? .max, isStatic: isStatic, catches: catches), by: own, hands ? others : [])),
          take: catches ? 1 : 0)
      case .pay(let from, let to, let amount):
        .invoke(CrossCallTests.transfer(amount, from: Self.keys[from], to: Self.keys[to]))
      case .deposit(let amount):
        .invoke(Rig.ethereum(.deposit(lamports: amount, to: SignerIdentity.address(of: own)), by: own))
      case .withdraw(let key, let amount):
        .invoke(
          Rig.ethereum(.withdraw(lamports: amount), by: own, [AccountMeta(Self.keys[key], writable: true)]))
      case .fail: .fail(9)
      case .burn: .burn
      }
    }
  }

  private static func script(_ actions: [Action], as own: Int) throws -> [Step] {
    try actions.map { action in
      switch action {
      case .frame(let op, let contract, let wei, let inner):
        Step(
          op, Base.contracts[contract], value: UInt256(wei),
          ScriptContract.script(try script(inner, as: op == .delegateCall ? own : contract)))
      case .program(let must, let program, let keys, let inner):
        try CrossCallTests.execute(
          try fitting(
            ScriptProgram.instruction(
              Rig.programs[program], slots(own, keys), try steps(inner, signer: own, keys))),
          must ? .mustCall : .call)
      case .pay(let must, let from, let to, let amount):
        try CrossCallTests.execute(
          CrossCallTests.transfer(amount, from: keys[from], to: keys[to]), must ? .mustCall : .call)
      case .look(let key):
        Step(.staticCall, Base.queryAccount, try Base.data("lamports(bytes32)", .key(keys[key])))
      case .withdraw(let key, let wei):
        Step(
          .call, Base.nativeToken, value: UInt256(wei), try Base.data("withdraw(bytes32)", .key(keys[key])))
      case .store(let slot, let value): Step(.store, value: UInt256(slot), Base.word(value))
      case .log(let byte): Step(.log, [byte])
      case .revert: Step(.revert, [])
      case .invalid: Step(.invalid)
      }
    }
  }

  /// The instruction of a transaction of Solana's, whose script lies in an account at `key`.
  private static func instruction(
    _ program: Int, _ keys: [Int], _ actions: [ProgramAction], scriptAt key: Pubkey
  ) throws -> (instruction: Instruction, script: [UInt8]) {
    let slots = slots(payer, keys) + [.init(ProgramID.ethereum), .init(key)]
    return ScriptProgram.instruction(
      Rig.programs[program], slots, scriptIn: slots.count - 1, try steps(actions, signer: payer, keys))
  }

  /// What the calls of a frame came to, by its output and what it did.
  private static func results(_ output: [UInt8], of actions: [Action]) -> [Result] {
    let calls = actions.filter {
      switch $0 {
      case .frame, .program, .pay, .look, .withdraw: true
      case .store, .log, .revert, .invalid: false
      }
    }
    return zip(calls, ScriptContract.results(output)).map { action, call in
      if !call.isSuccess { return .failed }
      switch action {
      case .frame(_, _, _, let inner): return .succeeded(results(call.output, of: inner))
      // Offset and length of the bytes, and the hash.
      case .program: return .program([Array(call.output.dropFirst(64))])
      case .look, .withdraw: return .word(UInt256(bigEndian: call.output)?.limb0 ?? .max)
      default: return .empty
      }
    }
  }

  /// With the hashes that programs return in place of what they are over.
  private static func hashed(_ results: [Result]) -> [Result] {
    results.map { result in
      switch result {
      case .succeeded(let inner): .succeeded(hashed(inner))
      case .program(let parts): .program([ScriptProgram.hash(parts)])
      default: result
      }
    }
  }

  // MARK: The test

  @Test func chainsAreWhatCopiesSay() throws {
    let chainCount = Int(Environment.variable("ESTUARY_CROSS_CHAINS") ?? "") ?? 240
    let perBlock = 16
    var counts: [String: Int] = [:]
    for seed in 0..<UInt64((chainCount + perBlock - 1) / perBlock) {
      try check(seed, perBlock, counting: &counts)
    }
    RandomBlocks.report(
      "\(chainCount) chains: \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
    if chainCount < 240 { return }
    for name in [
      "paid", "program error", "signature of another", "too little left", "too little left by a program",
      "program refused in a static frame", "account of a program that waits", "program entered again",
      "withdrawn",
      "withdrawal refused", "frame that cannot be paid", "call that cannot be paid",
      "out of gas below a program",
      "account that a program does not hold", "privilege escalation", "deposit of too much", "deposited",
      "withdrawn by a program", "program's withdrawal refused", "units used up", "solana failed",
      "solana succeeded",
      "ethereum failed", "ethereum succeeded", "caught call success at depth 1",
      "caught call reverted at depth 1",
      "caught call failed at depth 1", "plain call success at depth 1", "plain call reverted at depth 1",
      "program failed by itself below 0", "program failed by itself below 1",
    ] { #expect(counts[name, default: 0] > 0, "\(name) did not occur") }
    for end in ["succeeded", "failed"] {
      let deep = chainCount < 2_000 ? [] : [(3, 2), (4, 1), (4, 2), (5, 2)]
      for (depth, waiting) in [(1, 0), (2, 0), (2, 1), (3, 1)] + deep {
        #expect(
          counts["program \(end) at depth \(depth) below \(waiting)", default: 0] > 0,
          "\(end) at \(depth), \(waiting)")
      }
    }
  }

  private func check(_ seed: UInt64, _ count: Int, counting counts: inout [String: Int]) throws {
    var generator = Generator(random: SplitMix64(seed: 0xc4a1 + seed))
    var rig = try Rig()
    rig.base.gasLimit = 100_000_000
    var oracle = Oracle(
      world: Oracle.World(
        lamports: [40_000_000, 40_000_000, 40_000_000, 50_000_000, 0, 0, Rig.lamports],
        vault: Base.vaultLamports,
        wei: [Base.ether, .zero, .zero], signerWei: Array(repeating: UInt256.zero, count: 7),
        slots: [[:], [:], [:]]))
    for (key, lamports) in zip(Self.keys, oracle.world.lamports).prefix(6) where lamports > 0 {
      rig.base.accounts.append((key, Account(lamports: lamports, owner: ProgramID.system)))
    }
    let isMixed = seed % 2 == 1
    var chains: [Chain] = []
    var lines: [Rig.Line] = []
    func add() throws {
      generator.isDeep = generator.below(8) == 0
      generator.spine = generator.isDeep ? 7 : 0
      guard isMixed && generator.below(2) == 0 else {
        let contract = generator.below(3)
        let actions = generator.actions(contract, depth: 0, isStatic: false, programs: 0)
        lines.append(.ethereum(.init(try Self.script(actions, as: contract), to: Base.contracts[contract])))
        chains.append(.contract(contract, actions))
        return
      }
      let (program, keys) = (generator.below(3), generator.keys(without: Self.payer))
      let actions = generator.programActions(signer: Self.payer, keys, depth: 0, programs: 1)
      let scriptKey = Pubkey(word0: 9_000 + UInt64(chains.count), word1: 1, word2: 2, word3: 3)
      let made = try Self.instruction(program, keys, actions, scriptAt: scriptKey)
      rig.base.accounts.append(
        (scriptKey, Account(lamports: 1_000_000_000, data: made.script, owner: Self.keys[3], rentEpoch: .max))
      )
      lines.append(.solana([made.instruction]))
      chains.append(.program(program, keys: keys, actions))
    }
    while chains.count < count { do { try add() } catch is TooLong { continue } }
    let outcome = try rig.run(lines)
    if !isMixed {
      let sent = lines.compactMap { if case .ethereum(let sent) = $0 { sent } else { nil } }
      let bound = try rig.base.run(sent)
      #expect(bound.results == outcome.ethereum, "seed \(seed)")
    }
    for (index, chain) in chains.enumerated() {
      compare(chain, outcome.receipts[index], &oracle, "seed \(seed), chain \(index)")
    }
    try compareState(outcome, oracle.world, "seed \(seed)")
    for (name, count) in oracle.counts { counts[name, default: 0] += count }
  }

  private func compare(_ chain: Chain, _ receipt: Receipt, _ oracle: inout Oracle, _ place: Comment) {
    let before = oracle.world
    oracle.world.logs = []
    switch (chain, receipt) {
    case (.contract(let contract, let actions), .ethereum(let result)):
      let expected = oracle.run(actions, as: contract, isStatic: false, depth: 0, below: [])
      oracle.count("ethereum \(expected == nil ? "failed" : "succeeded")")
      let reason = ScriptContract.reason(result.output) ?? ""
      #expect(result.isSuccess == (expected != nil), "\(place.rawValue): \(reason)")
      #expect(result.error == nil, place)
      if let expected {
        let reasons = ScriptContract.results(result.output).map { $0.reason ?? "\($0.isSuccess)" }
        #expect(
          Self.results(result.output, of: actions) == Self.hashed(expected), "\(place.rawValue): \(reasons)")
        #expect(result.logs.map(\.data) == oracle.world.logs.map { [$0] }, place)
      } else {
        #expect(result.logs.isEmpty, place)
        oracle.world = before
      }
    case (.program(let program, let keys, let actions), .solana(let result)):
      oracle.world.lamports[Self.payer] -= result.fee
      let charged = oracle.world.lamports
      let held = Set(keys + [Self.payer])
      let expected = oracle.run(actions, program, signer: Self.payer, held: held, 0, [])
      let isKept =
        expected != nil && oracle.isRentPaid(Array(held), before: charged, after: oracle.world.lamports)
      oracle.count("solana \(isKept ? "succeeded" : "failed")")
      #expect(
        (result.error == nil) == isKept,
        "\(place.rawValue): \(String(describing: result.error)) \(result.logLines)")
      if let expected, isKept {
        #expect(result.returnData?.data == ScriptProgram.hash(expected), place)
        #expect(result.contractLogs.map(\.data) == oracle.world.logs.map { [$0] }, place)
      } else {
        oracle.world = before
        oracle.world.lamports = before.lamports
        oracle.world.lamports[Self.payer] -= result.fee
      }
    default: Issue.record("a receipt of the other family: \(place.rawValue)")
    }
  }

  private func compareState(_ outcome: Rig.Outcome, _ world: Oracle.World, _ place: Comment) throws {
    for (index, key) in Self.keys.enumerated() {
      #expect(try outcome.lamports(key) == world.lamports[index], "\(place.rawValue), key \(index)")
      #expect(
        try outcome.wei(SignerIdentity.address(of: key)) == world.signerWei[index],
        "\(place.rawValue), signer \(index)")
    }
    #expect(try outcome.lamports(Vault.key) == world.vault, place)
    for (index, address) in Base.contracts.enumerated() {
      #expect(try outcome.wei(address) == world.wei[index], "\(place.rawValue), contract \(index)")
      for slot in 0..<3 as Range<UInt64> {
        #expect(
          try outcome.slot(slot, of: address) == UInt256(world.slots[index][slot] ?? 0),
          "\(place.rawValue), contract \(index), slot \(slot)")
      }
    }
  }
}
