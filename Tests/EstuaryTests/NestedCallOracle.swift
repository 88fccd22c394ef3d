// What random chains of calls between contracts and programs have to come to, by copies: before each call the whole world is
// copied, and put back where the call fails. It shares no code with the runtime and knows no journal.

import WideIntegers

/// Chains of calls as trees.
enum NestedCall {
  /// What a contract does, one after the other.
  indirect enum Action {
    /// A nested frame of a contract.
    case frame(ScriptContract.Op, contract: Int, wei: UInt64, [Action])
    /// A program is called, which is given the accounts at `keys` beside the contract's own.
    case program(must: Bool, program: Int, keys: [Int], [ProgramAction])
    case pay(must: Bool, from: Int, to: Int, UInt64)
    case look(Int)
    case withdraw(to: Int, wei: UInt64)
    case store(slot: UInt64, UInt64)
    case log(UInt8)
    case revert
    /// Ends the frame and its gas.
    case invalid
  }

  /// What a program does, for the key that signs for it.
  indirect enum ProgramAction {
    /// - Parameters:
    ///   - hands: whether it passes its accounts on for writing, or its signer's alone.
    ///   - gas: for the frame at most; `nil`: all there is.
    case call(contract: Int, wei: UInt64, isStatic: Bool, catches: Bool, hands: Bool, gas: UInt64?, [Action])
    case pay(from: Int, to: Int, UInt64)
    case deposit(UInt64)
    case withdraw(to: Int, UInt64)
    case fail
    /// Uses up the units.
    case burn
  }

  /// What a call came to, as far as a contract can tell, without the texts of errors.
  indirect enum Result: Equatable {
    case failed
    case succeeded([Result])
    case word(UInt64)
    /// A program's return data: of each of its calls, what its hash is over.
    case program([[UInt8]])
    case empty
  }
}

struct NestedCallOracle {
  typealias Action = NestedCall.Action
  typealias ProgramAction = NestedCall.ProgramAction
  typealias Result = NestedCall.Result

  static let rentExempt: UInt64 = 890_880
  static let weiPerLamport = UInt256(1_000_000_000)

  struct World: Equatable {
    /// Program addresses of the three contracts, three strangers, the payer.
    var lamports: [UInt64]
    var vault: UInt64
    /// Of the contracts.
    var wei: [UInt256]
    /// Of the addresses that keys have as signers.
    var signerWei: [UInt256]
    var slots: [[UInt64: UInt64]]
    var logs: [UInt8] = []
  }

  /// A program that has called a contract and waits.
  struct Waiting {
    var program: Int
    /// Accounts that it holds and has not passed on.
    var locked: Set<Int>
  }

  /// Why a program's call of a contract ended; 0 is success.
  private enum Status: UInt8 { case success, reverted, failed }

  var world: World
  var counts: [String: Int] = [:]
  /// Calls of contracts by programs that may wait for each other.
  static let nestingLimit = 8

  mutating func count(_ name: String) { counts[name, default: 0] += 1 }

  // MARK: Contracts

  /// - Returns: `nil` where the frame reverts; how, is in `endedByHalt`.
  mutating func run(
    _ actions: [Action], as contract: Int, isStatic: Bool, depth: Int, below waiting: [Waiting]
  ) -> [Result]? {
    var results: [Result] = []
    endedByHalt = false
    for action in actions {
      switch action {
      case .frame(let op, let target, let wei, let inner):
        let result = frame(op, target, UInt256(wei), inner, contract, isStatic, depth, waiting)
        if result == nil && op == .mustCall {
          endedByHalt = false
          return nil
        }
        results.append(result.map { .succeeded($0) } ?? .failed)
      case .program(let must, let program, let keys, let inner):
        let result = execute(program, keys, inner, by: contract, isStatic, depth, waiting)
        if result == nil && must {
          endedByHalt = false
          return nil
        }
        results.append(result.map { .program($0) } ?? .failed)
      case .pay(let must, let from, let to, let amount):
        let succeeded = pay(from, to, amount, by: contract, isStatic, waiting)
        count("pay \(succeeded ? "succeeded" : "failed") below \(waiting.count)")
        if !succeeded && must {
          endedByHalt = false
          return nil
        }
        results.append(succeeded ? .empty : .failed)
      case .look(let key): results.append(.word(world.lamports[key]))
      case .withdraw(let key, let wei):
        let succeeded = withdraw(UInt256(wei), to: key, by: contract, isStatic, waiting)
        count(succeeded ? "withdrawn" : "withdrawal refused")
        results.append(succeeded ? .word(1) : .failed)
      case .store(let slot, let value): world.slots[contract][slot] = value
      case .log(let byte): world.logs.append(byte)
      case .revert:
        endedByHalt = false
        return nil
      case .invalid:
        endedByHalt = true
        return nil
      }
    }
    endedByHalt = false
    return results
  }

  /// Whether the frame that failed last halted exceptionally.
  private var endedByHalt = false

  init(world: World) { self.world = world }

  private mutating func frame(
    _ op: ScriptContract.Op, _ target: Int, _ wei: UInt256, _ inner: [Action], _ contract: Int,
    _ isStatic: Bool,
    _ depth: Int, _ waiting: [Waiting]
  ) -> [Result]? {
    let before = world
    let isDelegate = op == .delegateCall
    if !isDelegate {
      if world.wei[contract] < wei {
        count("frame that cannot be paid")
        return nil
      }
      world.wei[contract] = world.wei[contract] &- wei
      world.wei[target] = world.wei[target] &+ wei
    }
    let result = run(
      inner, as: isDelegate ? contract : target, isStatic: isStatic || op == .staticCall, depth: depth + 1,
      below: waiting)
    count("\(op) \(result == nil ? "reverted" : "succeeded") at depth \(depth + 1)")
    if result == nil { world = before }
    return result
  }

  private func isLocked(_ keys: [Int], _ waiting: [Waiting]) -> Bool {
    waiting.contains { waiting in keys.contains { waiting.locked.contains($0) } }
  }

  private mutating func pay(
    _ from: Int, _ to: Int, _ amount: UInt64, by contract: Int, _ isStatic: Bool, _ waiting: [Waiting]
  ) -> Bool {
    if isStatic {
      count("program refused in a static frame")
      return false
    }
    if from != contract {
      count("signature of another")
      return false
    }
    if isLocked([from, to], waiting) {
      count("account of a program that waits")
      return false
    }
    guard world.lamports[from] >= amount else {
      count("program error")
      return false
    }
    var lamports = world.lamports
    lamports[from] -= amount
    lamports[to] += amount
    guard isRentPaid([from, to], before: world.lamports, after: lamports) else {
      count("too little left")
      return false
    }
    world.lamports = lamports
    count("paid")
    return true
  }

  /// Whether accounts whose lamports differ may be left so.
  func isRentPaid(_ keys: [Int], before: [UInt64], after: [UInt64]) -> Bool {
    keys.allSatisfy { key in
      let (old, new) = (before[key], after[key])
      if old == new || new == 0 || new >= Self.rentExempt { return true }
      return old > 0 && old < Self.rentExempt && new <= old
    }
  }

  private mutating func withdraw(
    _ wei: UInt256, to key: Int, by contract: Int, _ isStatic: Bool, _ waiting: [Waiting]
  ) -> Bool {
    if isStatic || world.wei[contract] < wei || wei.isZero { return false }
    let (lamports, rest) = wei.quotientAndRemainder(dividingBy: Self.weiPerLamport)
    if !rest.isZero || world.lamports[key] + lamports.limb0 < Self.rentExempt || isLocked([key], waiting) {
      return false
    }
    world.wei[contract] = world.wei[contract] &- wei
    world.lamports[key] += lamports.limb0
    world.vault -= lamports.limb0
    return true
  }

  // MARK: Programs

  private mutating func execute(
    _ program: Int, _ keys: [Int], _ actions: [ProgramAction], by contract: Int, _ isStatic: Bool,
    _ depth: Int,
    _ waiting: [Waiting]
  ) -> [[UInt8]]? {
    if isStatic {
      count("program refused in a static frame")
      return nil
    }
    let held = Set(keys + [contract])
    if waiting.count > Self.nestingLimit {
      count("program nested too deep")
      return nil
    }
    if waiting.contains(where: { $0.program == program }) && waiting.last?.program != program {
      count("program entered again")
      return nil
    }
    if isLocked(Array(held), waiting) {
      count("account of a program that waits")
      return nil
    }
    let before = world
    let result = run(actions, program, signer: contract, held: held, depth, waiting)
    let isKept = result != nil && isRentPaid(Array(held), before: before.lamports, after: world.lamports)
    count("program \(isKept ? "succeeded" : "failed") at depth \(depth + 1) below \(waiting.count)")
    if result != nil && !isKept { count("too little left by a program") }
    if isKept { return result }
    world = before
    return nil
  }

  /// - Returns: what its calls returned; `nil` where it fails.
  mutating func run(
    _ actions: [ProgramAction], _ program: Int, signer: Int, held: Set<Int>, _ depth: Int,
    _ waiting: [Waiting]
  ) -> [[UInt8]]? {
    var returned: [[UInt8]] = []
    for action in actions {
      switch action {
      case .call(let contract, let wei, let isStatic, let catches, let hands, _, let inner):
        let locked = hands ? [] : held.subtracting([signer])
        let status = call(
          contract, isStatic ? .zero : UInt256(wei), isStatic, inner, signer, depth,
          waiting + [Waiting(program: program, locked: locked)])
        count("\(catches ? "caught" : "plain") call \(status) at depth \(depth + 1)")
        if status != .success && !catches { return nil }
        returned.append(catches ? [status.rawValue] : [])
      case .pay(let from, let to, let amount):
        guard held.contains(from), held.contains(to) else {
          count("account that a program does not hold")
          return nil
        }
        guard from == signer else {
          count("privilege escalation")
          return nil
        }
        guard world.lamports[from] >= amount else {
          count("program error")
          return nil
        }
        world.lamports[from] -= amount
        world.lamports[to] += amount
        returned.append([])
      case .deposit(let amount):
        guard world.lamports[signer] >= amount else {
          count("deposit of too much")
          return nil
        }
        guard !isLocked([signer], waiting) else { return nil }
        world.lamports[signer] -= amount
        world.vault += amount
        world.signerWei[signer] = world.signerWei[signer] &+ UInt256(amount) &* Self.weiPerLamport
        count("deposited")
        returned.append([])
      case .withdraw(let key, let amount):
        let wei = UInt256(amount) &* Self.weiPerLamport
        guard held.contains(key), world.signerWei[signer] >= wei, !isLocked([key], waiting) else {
          count("program's withdrawal refused")
          return nil
        }
        world.signerWei[signer] = world.signerWei[signer] &- wei
        world.vault -= amount
        world.lamports[key] += amount
        count("withdrawn by a program")
        returned.append([])
      case .fail:
        count("program failed by itself below \(waiting.count)")
        return nil
      case .burn:
        count("units used up")
        return nil
      }
    }
    return returned
  }

  private mutating func call(
    _ contract: Int, _ wei: UInt256, _ isStatic: Bool, _ inner: [Action], _ signer: Int, _ depth: Int,
    _ waiting: [Waiting]
  ) -> Status {
    if world.signerWei[signer] < wei {
      count("call that cannot be paid")
      return .failed
    }
    let before = world
    world.signerWei[signer] = world.signerWei[signer] &- wei
    world.wei[contract] = world.wei[contract] &+ wei
    let result = run(inner, as: contract, isStatic: isStatic, depth: depth + 1, below: waiting)
    if result != nil { return .success }
    world = before
    if endedByHalt { count("out of gas below a program") }
    return endedByHalt ? .failed : .reverted
  }
}
