// Random trees of calls between contracts and programs, against an oracle that copies its whole world before each call and
// puts the copy back where the call fails: it has no journal. Every tree runs on every executor, derived and declared
// (CrossCallRig), and what crosses is conserved to the unit.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import Testing
import WideIntegers

@testable import Estuary

@Suite(.serialized) struct CrossCallChainTests {
  typealias Rig = CrossCallRig
  typealias Step = ScriptContract.Step

  /// What a frame does, one after the other.
  indirect enum Action {
    /// A nested frame of a contract; `op` is one of the four calls.
    case frame(ScriptContract.Op, contract: Int, wei: UInt64, [Action])
    case pay(must: Bool, from: Int, to: Int, UInt64)
    case look(Int)
    case withdraw(to: Int, wei: UInt64)
    case store(slot: UInt64, UInt64)
    case log(UInt8)
    case revert
  }

  /// Program addresses of the contracts, then accounts that nobody signs for.
  private static let keys: [Pubkey] =
    Rig.contracts.map { Rig.key(.contract, $0) }
    + (0..<3).map { Pubkey(word0: 700 + $0, word1: 1, word2: 2, word3: 3) }
  private static let rentExempt: UInt64 = 890_880
  private static let weiPerLamport = UInt256(1_000_000_000)

  // MARK: The oracle

  struct World: Equatable {
    var lamports: [UInt64]
    var vault: UInt64
    /// Of the contracts.
    var wei: [UInt256]
    var slots: [[UInt64: UInt64]]
    var logs: [UInt8] = []
  }

  /// What a call came to: as far as a contract can tell, without the texts of errors.
  indirect enum Result: Equatable {
    case failed
    case succeeded([Result])
    case word(UInt64)
    case empty
  }

  struct Oracle {
    var world: World
    var counts: [String: Int] = [:]

    mutating func count(_ name: String) { counts[name, default: 0] += 1 }

    /// - Returns: `nil` where the frame reverts.
    mutating func run(_ actions: [Action], as contract: Int, isStatic: Bool, depth: Int) -> [Result]? {
      var results: [Result] = []
      for action in actions {
        switch action {
        case .frame(let op, let target, let wei, let inner):
          let before = world
          let isDelegate = op == .delegateCall
          let payment = UInt256(wei)
          if !isDelegate && world.wei[contract] < payment {
            count("frame that cannot be paid")
            if op == .mustCall { return nil }
            results.append(.failed)
            continue
          }
          if !isDelegate {
            world.wei[contract] = world.wei[contract] &- payment
            world.wei[target] = world.wei[target] &+ payment
          }
          let result = run(
            inner, as: isDelegate ? contract : target, isStatic: isStatic || op == .staticCall,
            depth: depth + 1)
          count("\(op) \(result == nil ? "reverted" : "succeeded") at depth \(depth + 1)")
          if let result {
            results.append(.succeeded(result))
          } else {
            world = before
            if op == .mustCall { return nil }
            results.append(.failed)
          }
        case .pay(let must, let from, let to, let amount):
          let succeeded = pay(from, to, amount, by: contract, isStatic)
          if !succeeded && must { return nil }
          results.append(succeeded ? .empty : .failed)
        case .look(let key): results.append(.word(world.lamports[key]))
        case .withdraw(let key, let wei):
          let succeeded = withdraw(UInt256(wei), to: key, by: contract)
          count(succeeded ? "withdrawn" : "withdrawal refused")
          results.append(succeeded ? .word(1) : .failed)
        case .store(let slot, let value): world.slots[contract][slot] = value
        case .log(let byte): world.logs.append(byte)
        case .revert: return nil
        }
      }
      return results
    }

    private mutating func pay(_ from: Int, _ to: Int, _ amount: UInt64, by contract: Int, _ isStatic: Bool)
      -> Bool
    {
      if isStatic {
        count("program refused in a static frame")
        return false
      }
      if from != contract {
        count("signature of another")
        return false
      }
      if world.lamports[from] < amount {
        count("program error")
        return false
      }
      var lamports = world.lamports
      lamports[from] -= amount
      lamports[to] += amount
      for key in [from, to] where lamports[key] > 0 && lamports[key] < rentExempt {
        count("too little left")
        return false
      }
      world.lamports = lamports
      count("paid")
      return true
    }

    private mutating func withdraw(_ wei: UInt256, to key: Int, by contract: Int) -> Bool {
      if world.wei[contract] < wei || wei.isZero { return false }
      let (lamports, rest) = wei.quotientAndRemainder(dividingBy: weiPerLamport)
      if !rest.isZero || world.lamports[key] + lamports.limb0 < rentExempt { return false }
      world.wei[contract] = world.wei[contract] &- wei
      world.lamports[key] += lamports.limb0
      world.vault -= lamports.limb0
      return true
    }
  }

  // MARK: Random trees

  struct Generator {
    var random: SplitMix64

    mutating func below(_ count: UInt64) -> UInt64 { random.next() % count }

    mutating func actions(as contract: Int, depth: Int, isStatic: Bool) -> [Action] {
      var actions: [Action] = []
      for _ in 0..<1 + below(4) {
        switch below(12) {
        case 0...3 where depth < 4:
          let target = Int(below(3))
          let op: ScriptContract.Op = [.call, .call, .mustCall, .delegateCall, .staticCall][Int(below(5))]
          let isPaid = !isStatic && (op == .call || op == .mustCall) && below(3) == 0
          let wei: UInt64 = isPaid ? [1, 5_000_000, .max][Int(below(3))] : 0
          actions.append(
            .frame(
              op, contract: target, wei: wei,
              self.actions(
                as: op == .delegateCall ? contract : target, depth: depth + 1,
                isStatic: isStatic || op == .staticCall)))
        case 0...6:
          let from = below(5) == 0 ? Int(below(6)) : contract
          let amount: UInt64 = [0, 1, 900_000, 2_000_000, 900_000_000][Int(below(5))]
          actions.append(.pay(must: below(4) == 0, from: from, to: Int(below(6)), amount))
        case 7, 8: actions.append(.look(Int(below(6))))
        case 9 where !isStatic:
          let wei: UInt64 = [0, 1_000_000_001, 5_000_000_000, 900_000_000_000_000][Int(below(4))]
          actions.append(.withdraw(to: Int(below(6)), wei: wei))
        case 10 where !isStatic:
          if below(2) == 0 {
            actions.append(.store(slot: below(3), 1 + below(9)))
          } else {
            actions.append(.log(UInt8(below(256))))
          }
        case 11 where below(2) == 0:
          actions.append(.revert)
          return actions
        default: actions.append(.look(Int(below(6))))
        }
      }
      return actions
    }
  }

  private static func script(_ actions: [Action]) throws -> [Step] {
    try actions.map { action in
      switch action {
      case .frame(let op, let contract, let wei, let inner):
        Step(op, Rig.contracts[contract], value: UInt256(wei), ScriptContract.script(try script(inner)))
      case .pay(let must, let from, let to, let amount):
        try CrossCallTests.execute(
          CrossCallTests.transfer(amount, from: keys[from], to: keys[to]), must ? .mustCall : .call)
      case .look(let key):
        Step(.staticCall, Rig.queryAccount, try Rig.data("lamports(bytes32)", .key(keys[key])))
      case .withdraw(let key, let wei):
        Step(.call, Rig.nativeToken, value: UInt256(wei), try Rig.data("withdraw(bytes32)", .key(keys[key])))
      case .store(let slot, let value): Step(.store, value: UInt256(slot), Rig.word(value))
      case .log(let byte): Step(.log, [byte])
      case .revert: Step(.revert, [])
      }
    }
  }

  /// What the calls of a frame came to, by its output and what it did.
  private static func results(_ output: [UInt8], of actions: [Action]) -> [Result] {
    let calls = actions.filter {
      switch $0 {
      case .frame, .pay, .look, .withdraw: true
      case .store, .log, .revert: false
      }
    }
    return zip(calls, ScriptContract.results(output)).map { action, call in
      if !call.isSuccess { return .failed }
      switch action {
      case .frame(_, _, _, let inner): return .succeeded(results(call.output, of: inner))
      case .look, .withdraw: return .word(UInt256(bigEndian: call.output)?.limb0 ?? .max)
      default: return .empty
      }
    }
  }

  @Test func treesOfCallsAreWhatCopiesSay() throws {
    var counts: [String: Int] = [:]
    let treeCount = Int(Environment.variable("ESTUARY_CROSS_TREES") ?? "") ?? 120
    let perBlock = 12
    for seed in 0..<UInt64((treeCount + perBlock - 1) / perBlock) {
      var generator = Generator(random: SplitMix64(seed: 0xc0de + seed))
      var rig = Rig()
      rig.gasLimit = 100_000_000
      var oracle = Oracle(
        world: World(
          lamports: [0, 0, 0, 50_000_000, 0, 0], vault: Rig.vaultLamports, wei: [Rig.ether, .zero, .zero],
          slots: [[:], [:], [:]]))
      for index in 0..<3 {
        oracle.world.lamports[index] = 40_000_000
        rig.accounts.append((Self.keys[index], Account(lamports: 40_000_000, owner: ProgramID.system)))
      }
      rig.accounts.append((Self.keys[3], Account(lamports: 50_000_000, owner: ProgramID.system)))
      var trees: [(Int, [Action])] = []
      for _ in 0..<perBlock {
        let contract = Int(generator.below(3))
        trees.append((contract, generator.actions(as: contract, depth: 0, isStatic: false)))
      }
      let outcome = try rig.run(
        try trees.map { Rig.Sent(try Self.script($0.1), to: Rig.contracts[$0.0]) })
      var burned = UInt256.zero
      for (index, (contract, actions)) in trees.enumerated() {
        let before = oracle.world
        oracle.world.logs = []
        let expected = oracle.run(actions, as: contract, isStatic: false, depth: 0)
        let result = outcome.results[index]
        let place: Comment = "seed \(seed), tree \(index)"
        #expect(result.isSuccess == (expected != nil), place)
        if let expected {
          #expect(Self.results(result.output, of: actions) == expected, place)
          #expect(result.logs.map(\.data) == oracle.world.logs.map { [$0] }, place)
        } else {
          oracle.world = before
          #expect(result.logs.isEmpty, place)
        }
        burned = burned &+ UInt256(result.gasUsed) &* 7
        oracle.count(expected == nil ? "transaction reverted" : "transaction succeeded")
      }
      // The state, account by account.
      var lamports: UInt64 = 0
      for (index, key) in Self.keys.enumerated() {
        let held = try outcome.account(key)?.lamports ?? 0
        #expect(held == oracle.world.lamports[index], "seed \(seed), key \(index)")
        lamports += held
      }
      let vault = try outcome.account(Vault.key)?.lamports ?? 0
      #expect(vault == oracle.world.vault && lamports + vault == Rig.vaultLamports + 170_000_000)
      for (index, address) in Rig.contracts.enumerated() {
        #expect(try outcome.balance(address) == oracle.world.wei[index], "seed \(seed), contract \(index)")
        for slot in 0..<3 as Range<UInt64> {
          let value = try outcome.chain.ethereumStorage(of: address, slot: UInt256(slot))
          #expect(value == UInt256(oracle.world.slots[index][slot] ?? 0), "seed \(seed), contract \(index)")
        }
      }
      // Wei that left Ethereum's side are lamports that left the vault; fees are burned or the recipient's.
      var wei = try outcome.balance(Rig.sender) &+ outcome.balance(Address(0xfee))
      for address in Rig.contracts { wei = wei &+ (try outcome.balance(address)) }
      #expect(
        wei &+ burned &+ UInt256(Rig.vaultLamports - vault) &* Self.weiPerLamport == Rig.ether &* 101,
        "seed \(seed)")
      for (name, count) in oracle.counts { counts[name, default: 0] += count }
    }
    RandomBlocks.report(
      "\(treeCount) trees: \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
    for name in [
      "paid", "program error", "signature of another", "too little left", "program refused in a static frame",
      "withdrawn",
      "withdrawal refused", "frame that cannot be paid", "transaction reverted", "transaction succeeded",
    ] { #expect(counts[name, default: 0] > 0, "\(name) did not occur") }
    for op in [ScriptContract.Op.call, .mustCall, .delegateCall, .staticCall] {
      for end in ["reverted", "succeeded"] {
        #expect((1...4).contains { counts["\(op) \(end) at depth \($0)", default: 0] > 0 }, "\(op) \(end)")
      }
    }
  }
}
