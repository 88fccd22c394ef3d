// A ledger on which Solana's transactions call contracts: what CrossCallRig has, and signers with lamports and script
// programs. A list of transactions of both families is executed by every executor and has to come out the same.

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

struct ProgramCallRig {
  typealias Base = CrossCallRig

  static let payers = (1...3).map { Ed25519.KeyPair(seed: SHA256.hash([0xe7, UInt8($0)])) }
  /// Script programs.
  static let programs = (1...3).map { Pubkey(word0: 800 + $0, word1: 8, word2: 8, word3: 8) }
  static let lamports: UInt64 = 900_000_000

  var base = Base()

  init() throws {
    for payer in Self.payers {
      base.accounts.append((payer.pubkey, Account(lamports: Self.lamports, owner: ProgramID.system)))
    }
    for program in Self.programs { base.accounts += try ScriptProgram.accounts(program) }
  }

  enum Line {
    /// Signed by the first of `payers` that is asked for, and by the others as they are needed.
    case solana([Instruction], units: UInt32? = nil)
    case ethereum(Base.Sent)
  }

  struct Outcome {
    var receipts: [Receipt]
    var chain: Chain

    var solana: [TransactionResult] { receipts.solana }
    var ethereum: [EthereumTransactionResult] { receipts.ethereum }
    func lamports(_ key: Pubkey) throws -> UInt64 { try chain.account(key)?.lamports ?? 0 }
    func wei(_ address: Address) throws -> UInt256 { try chain.ethereumAccount(address)?.balance ?? .zero }
    func slot(_ number: UInt64, of address: Address = Base.contracts[0]) throws -> UInt256 {
      try chain.ethereumStorage(of: address, slot: UInt256(number))
    }
  }

  func lines(_ sent: [Line], _ genesis: Genesis) throws -> [TransactionLine] {
    var wires = base.wires(sent.compactMap { if case .ethereum(let sent) = $0 { sent } else { nil } })
      .makeIterator()
    return try sent.enumerated().map { index, line in
      switch line {
      case .ethereum:
        let wire = wires.next()
        return .success(.ethereum(try #require(wire)))
      case .solana(let instructions, let units):
        // The price tells transactions apart that are the same otherwise.
        var price = ByteWriter(capacity: 9)
        price.write(3 as UInt8)
        price.write(UInt64(index))
        let budget = Instruction(programID: ProgramID.computeBudget, accounts: [], data: price.bytes)
        let limit = ComputeBudgetProgram.setComputeUnitLimit(units ?? 1_400_000)
        let builder = TransactionBuilder(
          payer: Self.payers[0].pubkey, recentBlockhash: genesis.blockhash,
          instructions: [limit, budget] + instructions)
        return .success(.solana(try builder.signed(by: Self.payers).bytes))
      }
    }
  }

  /// - Parameter blockSize: entries a block; 0 for one block.
  @discardableResult func run(
    _ sent: [Line], blockSize: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let genesis = try base.genesis()
    let lines = try lines(sent, genesis)
    func run(_ executor: any BlockExecutor, isTimed: Bool = false) throws -> Replay.Outcome {
      var replay = Replay(genesis: genesis, transactions: BlockTransactions(lines))
      (replay.verifiesSignatures, replay.recordsTimeline, replay.blockSize) = (false, isTimed, blockSize)
      return try replay.run(executor: executor)
    }
    let expected = try run(SerialExecutor())
    for executor in try Base.executors() {
      for isTimed in [false, true] where executor.name != "scheduler" || !isTimed {
        let outcome = try run(executor, isTimed: isTimed)
        let place: Comment = "\(executor.name), \(executor.workerCount) workers, \(executor.engine)"
        #expect(outcome.receipts == expected.receipts, place, sourceLocation: sourceLocation)
        #expect(outcome.stateHash == expected.stateHash, place, sourceLocation: sourceLocation)
      }
    }
    return Outcome(receipts: expected.receipts, chain: expected.chain)
  }

  // MARK: Instructions

  /// An instruction of a script program whose script, too long for a transaction, lies in an account that is added.
  mutating func stored(
    _ program: Pubkey = programs[0], _ slots: [ScriptProgram.Slot], _ steps: [ScriptProgram.Step]
  ) -> Instruction {
    let key = Pubkey(word0: 9_000 + UInt64(base.accounts.count), word1: 1, word2: 2, word3: 3)
    let all = slots + [.init(key)]
    let made = ScriptProgram.instruction(program, all, scriptIn: slots.count, steps)
    base.accounts.append((key, Account(lamports: 1_000_000_000, data: made.script, owner: key)))
    return made.instruction
  }

  /// An instruction of the EVM program.
  static func ethereum(
    _ instruction: EthereumInstruction, by signer: Pubkey = payers[0].pubkey, _ more: [AccountMeta] = []
  ) -> Instruction {
    Instruction(
      programID: ProgramID.ethereum, accounts: [AccountMeta(signer, signer: true, writable: true)] + more,
      data: instruction.encode())
  }

  /// A call of a script contract.
  static func call(
    _ steps: [ScriptContract.Step], of contract: Address = Base.contracts[0], value: UInt256 = .zero,
    gas: UInt64 = .max, isStatic: Bool = false, catches: Bool = false
  ) -> EthereumInstruction {
    .run(
      .init(
        isStatic ? .staticCall(contract) : .call(contract), value: value, gas: gas,
        input: ScriptContract.script(steps)), catches: catches)
  }

  static func address(_ payer: Int = 0) -> Address { SignerIdentity.address(of: payers[payer].pubkey) }
}
