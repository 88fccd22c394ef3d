// Nothing is minted and nothing lost by what crosses: random transactions of both families that pay, deposit, withdraw, call
// each other, fail and self-destruct (to an heir, so that nothing but the base fee is burned). After each block all lamports
// and all wei are counted.

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

@Suite(.serialized) struct ConservationTests {
  typealias Rig = ProgramCallRig
  typealias Base = CrossCallRig
  typealias Step = ScriptContract.Step

  private static let weiPerLamport = UInt256(Vault.weiPerLamport)
  private static let strangers = (0..<5).map { Pubkey(word0: 4_000 + $0, word1: 1, word2: 2, word3: 3) }

  /// Initcode that destroys the new contract.
  private static let destroying: [UInt8] = [0x73] + Address(0xdead).bytes + [0xff]

  private struct Sums: Equatable {
    var lamports: UInt64 = 0
    var vault: UInt64 = 0
    var wei = UInt256.zero
  }

  private static func sums(_ store: any AccountStore) throws -> Sums {
    var sums = Sums()
    try store.forEachAccount(in: .all) { key, account in
      sums.lamports += account.lamports
      if key == Vault.key { sums.vault = account.lamports }
      if case .account = EVMKey.kind(of: key),
        case .account(let held)? = EVMRecord.decodeAccount(account.data)
      {
        sums.wei = sums.wei &+ held.balance
      }
      return true
    }
    return sums
  }

  private struct Generator {
    var random: SplitMix64
    var signature: UInt64 = 0
    var counts: [String: Int] = [:]

    mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    mutating func pick<T>(_ all: [T]) -> T { all[below(all.count)] }

    mutating func key() -> Pubkey {
      pick(
        ConservationTests.strangers + Rig.payers.map(\.pubkey)
          + Base.contracts.map { Base.key(.contract, $0) })
    }
    mutating func address() -> Address {
      pick(Base.contracts + [Base.sender] + (0..<3).map { Rig.address($0) })
    }
    mutating func lamports() -> UInt64 {
      pick([0, 1, 890_880, UInt64(below(5_000_000)), 1_000_000_000_000_000, .max])
    }
    mutating func wei() -> UInt256 {
      pick([
        0, 1, 1_000_000_000, UInt256(UInt64(below(4_000_000))) &* ConservationTests.weiPerLamport,
        UInt256(low: 0, high: 1),
      ])
    }

    mutating func step() throws -> Step {
      let op: ScriptContract.Op = below(3) == 0 ? .mustCall : .call
      switch below(6) {
      case 0: return Step(op, Base.nativeToken, value: wei(), try Base.data("withdraw(bytes32)", .key(key())))
      case 1, 2:
        let from = Base.key(.contract, pick(Base.contracts))
        return try CrossCallTests.execute(CrossCallTests.transfer(lamports(), from: from, to: key()), op)
      case 3:
        return Step(
          op, Base.callSolana,
          try Base.data(
            "createResource(bytes32,uint64,uint64,bytes32)", .key(Base.salt(UInt64(below(1_000)))),
            .number(UInt256(UInt64(below(64)))), .number(0), .key(ConservationTests.strangers[0])))
      case 4: return Step(op, address(), value: wei())
      default: return Step(.create, value: wei(), ConservationTests.destroying)
      }
    }

    mutating func steps(_ count: Int) throws -> [Step] {
      var steps: [Step] = []
      for _ in 0..<count { steps.append(try step()) }
      if below(5) == 0 { steps.append(Step(.revert)) }
      return steps
    }

    mutating func solana(_ genesis: Genesis) throws -> TransactionLine {
      while true {
        // Some are longer than a packet.
        do { return try anySolana(genesis) } catch TransactionBuildingError.undecodable(.tooLong) { continue }
      }
    }

    private mutating func anySolana(_ genesis: Genesis) throws -> TransactionLine {
      let signer = pick(Rig.payers).pubkey
      let instruction: Instruction
      switch below(6) {
      case 0: instruction = Rig.ethereum(.deposit(lamports: lamports(), to: address()), by: signer)
      case 1:
        instruction = Rig.ethereum(
          .withdraw(lamports: lamports()), by: signer, [AccountMeta(key(), writable: true)])
      case 2:
        instruction = Rig.ethereum(
          Rig.call(try steps(1), of: pick(Base.contracts), value: wei(), catches: below(2) == 0), by: signer)
      case 3:
        instruction = ScriptProgram.instruction(
          pick(Rig.programs), [.init(signer, signer: true, writable: true), .init(ProgramID.ethereum)],
          [
            .invoke(
              Rig.ethereum(
                Rig.call(try steps(1), of: pick(Base.contracts), catches: below(2) == 0), by: signer))
          ]
            + (below(4) == 0 ? [.fail(3)] : []))
      case 4:
        instruction = Rig.ethereum(
          .run(.init(.create, value: wei(), input: ConservationTests.destroying), catches: below(2) == 0),
          by: signer)
      default: instruction = System.transfer(from: signer, to: key(), lamports: lamports())
      }
      var builder = TransactionBuilder(
        payer: pick(Rig.payers).pubkey, recentBlockhash: genesis.blockhash,
        instructions: [ComputeBudgetProgram.setComputeUnitLimit(1_400_000), instruction])
      if builder.payer != signer && below(2) == 0 { builder.payer = signer }
      let count = builder.payer == signer ? 1 : 2
      signature += 1
      let signatures = (0..<count).map {
        Signature(Array(SHA256.hash(Base.word(signature * 2 + UInt64($0))).bytes + SHA256.hash([1]).bytes))
      }
      return .success(
        .solana(
          try TransactionBuilder.transaction(
            signatures: signatures.compactMap { $0 }, messageBytes: builder.messageBytes()
          ).bytes))
    }
  }

  @Test func nothingIsMintedOrLost() throws {
    let total = Int(Environment.variable("ESTUARY_CONSERVATION") ?? "") ?? 3_000
    let perBlock = 300
    var rig = try Rig()
    for index in rig.base.accounts.indices
    where Rig.payers.map(\.pubkey).contains(rig.base.accounts[index].key) {
      rig.base.accounts[index].account.lamports = 1_000_000_000_000
    }
    for contract in Base.contracts {
      rig.base.accounts.append(
        (Base.key(.contract, contract), Account(lamports: 5_000_000_000, owner: ProgramID.system)))
    }
    rig.base.gasLimit = 3_000_000
    let genesis = try rig.base.genesis()
    let store = MemoryStore()
    let chain = try Chain(
      store: store, genesis: genesis, executor: LockExecutor(workerCount: 2), progress: .fixed)
    var generator = Generator(random: SplitMix64(seed: 0x5eed))
    var sums = try Self.sums(store)
    var nonce: UInt64 = 0
    var made = 0
    while made < total {
      var lines: [TransactionLine] = []
      for _ in 0..<min(perBlock, total - made) {
        if generator.below(3) > 0 {
          lines.append(try generator.solana(genesis))
          continue
        }
        let transaction = EthereumTransaction(
          kind: .dynamicFee, chainID: 1337, nonce: nonce, maxPriorityFeePerGas: 2, maxFeePerGas: 20,
          gasLimit: 3_000_000,
          to: generator.below(4) == 0 ? nil : generator.pick(Base.contracts),
          value: UInt256(UInt64(generator.below(1_000))),
          data: ScriptContract.script(try generator.steps(1 + generator.below(3))))
        nonce += 1
        lines.append(.success(.ethereum(EthereumWire(transaction.encoded, sender: Base.sender))))
      }
      made += lines.count
      let block = try chain.execute(BlockTransactions(lines), verifiesSignatures: false)
      let after = try Self.sums(store)
      let fees = block.receipts.solana.reduce(0) { $0 + $1.fee }
      #expect(after.lamports + fees == sums.lamports, "after \(made) transactions")
      let gas = block.receipts.ethereum.reduce(0) { $0 + $1.gasUsed }
      // Wei before and lamports that came into the vault are wei after, lamports that left it, and the base fee.
      #expect(
        sums.wei &+ UInt256(after.vault) &* Self.weiPerLamport
          == after.wei &+ UInt256(sums.vault) &* Self.weiPerLamport &+ UInt256(gas) &* 7,
        "after \(made) transactions")
      for receipt in block.receipts {
        generator.counts[receipt.isSuccess ? "succeeded" : "failed", default: 0] += 1
      }
      generator.counts["moved through the vault", default: 0] += after.vault == sums.vault ? 0 : 1
      sums = after
    }
    RandomBlocks.report("\(made) transactions: \(generator.counts)")
    #expect(
      generator.counts["succeeded", default: 0] > total / 5
        && generator.counts["failed", default: 0] > total / 5)
    #expect(generator.counts["moved through the vault", default: 0] > 0)
  }
}
