// Programs call contracts: every rule of docs/crosscalls.md, on every executor and both engines (ProgramCallRig).

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

@Suite(.serialized) struct ProgramCallTests {
  typealias Rig = ProgramCallRig
  typealias Base = CrossCallRig
  typealias Step = ScriptContract.Step

  private static let contract = Base.contracts[0]
  private static let payer = Rig.payers[0].pubkey
  private static let program = Rig.programs[0]
  private static let someone = Pubkey(word0: 91, word1: 92, word2: 93, word3: 94)

  /// What the steps of a script contract that succeeded came to.
  private static func results(_ result: TransactionResult) -> [ScriptContract.CallResult] {
    ScriptContract.results(result.returnData?.data ?? [])
  }

  private static func custom(_ error: EthereumProgramError, at index: UInt8 = 2) -> TransactionError {
    .instructionError(index: index, .custom(error.rawValue))
  }

  // MARK: Top-level instructions

  @Test func callsAndReturns() throws {
    let outcome = try Rig().run([
      .solana([
        Rig.ethereum(
          Rig.call([
            Step(.store, value: 3, Base.word(7)), Step(.log, [1, 2]), Step(.codeSize, Self.contract),
          ]))
      ])
    ])
    let result = outcome.solana[0]
    #expect(result.error == nil)
    #expect(try outcome.slot(3) == 7)
    #expect(Self.results(result).first?.output == Base.word(UInt64(ScriptContract.code.count)))
    #expect(result.returnData?.programID == ProgramID.ethereum)
    // EVM logs are in a receipt of their own, and in the log as sol_log_data writes them.
    #expect(result.contractLogs == [.init(address: Self.contract, topics: [], data: [1, 2])])
    #expect(
      result.logLines.contains("Program data: \(Base64.encode(Self.contract.bytes)) \(Base64.encode([1, 2]))")
    )
    // A new slot is most of it; no intrinsic gas.
    #expect(result.computeUnits > 22_100 && result.computeUnits < 55_000, "\(result.computeUnits)")
    #expect(try outcome.chain.ethereumAccount(Rig.address())?.nonce ?? 0 == 0)
  }

  @Test func callersAreTheirKeys() throws {
    // A contract that returns ORIGIN, CALLER, GASPRICE.
    let code: [UInt8] = [
      0x32, 0x60, 0, 0x52, 0x33, 0x60, 32, 0x52, 0x3a, 0x60, 64, 0x52, 0x60, 96, 0x60, 0, 0xf3,
    ]
    let initcode: [UInt8] = [0x60, UInt8(code.count), 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3] + code
    let made = Address.created(by: Rig.address(), nonce: 0)
    let (pda, bump) = try Self.signer()
    let outcome = try Rig().run([
      .solana([Rig.ethereum(.run(.init(.create, input: initcode), catches: false))]),
      .solana([Rig.ethereum(.run(.init(.call(made)), catches: false), by: Rig.payers[1].pubkey)]),
      .solana([
        ScriptProgram.instruction(
          Self.program, [.init(pda), .init(ProgramID.ethereum)],
          [
            .invoke(
              Instruction(
                programID: ProgramID.ethereum, accounts: [AccountMeta(pda, signer: true)],
                data: EthereumInstruction.run(.init(.staticCall(made)), catches: false).encode()),
              seeds: [Array("signer".utf8), [bump]], take: 96)
          ])
      ]),
      // Nobody signs for somebody else.
      .solana([
        ScriptProgram.instruction(
          Self.program, [.init(Rig.payers[1].pubkey), .init(ProgramID.ethereum)],
          [
            .invoke(
              Instruction(
                programID: ProgramID.ethereum, accounts: [AccountMeta(Rig.payers[1].pubkey, signer: true)],
                data: EthereumInstruction.run(.init(.staticCall(made)), catches: false).encode()))
          ])
      ]),
      .solana([
        Instruction(
          programID: ProgramID.ethereum, accounts: [AccountMeta(Rig.payers[1].pubkey)],
          data: EthereumInstruction.run(.init(.staticCall(made)), catches: false).encode())
      ]),
    ])
    #expect(outcome.solana[0].returnData?.data == made.bytes)
    #expect(try outcome.chain.ethereumAccount(Rig.address())?.nonce == 1)
    func words(_ origin: Address, _ caller: Address) -> [UInt8] {
      UInt256(origin).bigEndianBytes + UInt256(caller).bigEndianBytes + Base.word(0)
    }
    #expect(outcome.solana[1].returnData?.data == words(Rig.address(), Rig.address(1)))
    let derived = SignerIdentity.address(of: pda)
    #expect(outcome.solana[2].returnData?.data == ScriptProgram.hash([words(Rig.address(), derived)]))
    #expect(outcome.solana[3].error == .instructionError(index: 2, .privilegeEscalation))
    #expect(outcome.solana[4].error == .instructionError(index: 2, .missingRequiredSignature))
    #expect(Address(Keccak256.hash(Self.payer.bytes)) == Rig.address())
  }

  /// A program address that the first script program signs for.
  private static func signer() throws -> (key: Pubkey, bump: UInt8) {
    let found = try ProgramAddress.find(seeds: [Array("signer".utf8)], program: program)
    return (found.address, found.bump)
  }

  @Test func depositsAndWithdraws() throws {
    let lamports: UInt64 = 5_000_000
    let wei = UInt256(lamports) &* UInt256(Vault.weiPerLamport)
    let outcome = try Rig().run([
      .solana([Rig.ethereum(.deposit(lamports: lamports, to: Rig.address()))]),
      .solana([
        Rig.ethereum(Rig.call([Step(.store, value: 1, Base.word(1))], value: 9)),
        Rig.ethereum(.withdraw(lamports: 2_000_000), [AccountMeta(Self.someone, writable: true)]),
      ]),
      // More than there is, to nobody who signs, too little to live on.
      .solana([Rig.ethereum(.withdraw(lamports: 3_000_000), [AccountMeta(Self.someone, writable: true)])]),
      .solana([Rig.ethereum(.deposit(lamports: Rig.lamports, to: Rig.address()))]),
      .solana([Rig.ethereum(.withdraw(lamports: 1), [AccountMeta(Rig.payers[2].pubkey)])]),
      .solana([Rig.ethereum(.withdraw(lamports: 1), [AccountMeta(Vault.key, writable: true)])]),
      .solana([Rig.ethereum(.withdraw(lamports: 1))]),
      .solana([Rig.ethereum(.withdraw(lamports: 1), [AccountMeta(Base.key(.contract), writable: true)])]),
    ])
    let errors = outcome.solana.map(\.error)
    #expect(errors[0] == nil && errors[1] == nil)
    #expect(errors[2] == Self.custom(.insufficientBalance))
    #expect(errors[3] == .instructionError(index: 2, .insufficientFunds))
    #expect(errors[4] == Self.custom(.refused) && errors[5] == Self.custom(.refused))
    #expect(errors[6] == .instructionError(index: 2, .missingAccount))
    #expect(errors[7] == .insufficientFundsForRent(accountIndex: 1))
    #expect(try outcome.lamports(Self.someone) == 2_000_000)
    #expect(try outcome.lamports(Vault.key) == Base.vaultLamports + 3_000_000)
    #expect(try outcome.wei(Rig.address()) == wei &- UInt256(2_000_000) &* UInt256(Vault.weiPerLamport) &- 9)
    #expect(try outcome.wei(Self.contract) == Base.ether &+ 9)
    let fees = outcome.solana.reduce(0) { $0 + $1.fee }
    #expect(try outcome.lamports(Self.payer) == Rig.lamports - lamports - fees)
  }

  @Test func catchesWhatItIsAskedTo() throws {
    let reason = ErrorBytes.encode("no")
    let reverting = [Step(.store, value: 1, Base.word(1)), Step(.revert, reason)]
    let burning = [Step(.invalid)]
    let big = (0..<12).map { _ in Step(.codeSize, Self.contract) }
    let outcome = try Rig().run([
      .solana([
        Rig.ethereum(Rig.call(reverting)), Rig.ethereum(Rig.call([Step(.store, value: 2, Base.word(2))])),
      ]),
      .solana([
        Rig.ethereum(Rig.call([Step(.store, value: 2, Base.word(2))])),
        Rig.ethereum(Rig.call(reverting, catches: true)),
      ]),
      .solana([Rig.ethereum(Rig.call(burning))]),
      .solana([Rig.ethereum(Rig.call(burning, gas: 50_000, catches: true))]),
      .solana([Rig.ethereum(Rig.call([], value: 5, catches: true))]),
      .solana([Rig.ethereum(Rig.call([], value: 5))]),
      .solana([Rig.ethereum(Rig.call([Step(.store, value: 3, Base.word(3))], isStatic: true, catches: true))]
      ),
      .solana([Rig.ethereum(Rig.call(big))]),
      .solana([Rig.ethereum(Rig.call(big, catches: true))]),
      .solana([Rig.ethereum(Rig.call([]))], units: 5_000),
    ])
    let results = outcome.solana
    #expect(results[0].error == Self.custom(.reverted))
    #expect(results[0].logLines.contains("Program log: execution reverted: no"))
    #expect(try outcome.slot(1) == 0 && outcome.slot(2) == 2 && outcome.slot(3) == 0)
    #expect(results[1].error == nil)
    #expect(results[1].returnData?.data == [1, UInt8(reason.count), 0, 0, 0] + reason)
    #expect(results[2].error == Self.custom(.halted))
    #expect(results[3].error == nil && results[3].returnData?.data == [2, 0, 0, 0, 0])
    #expect(results[3].computeUnits >= 50_000 && results[3].computeUnits < 60_000)
    #expect(results[4].error == nil && results[4].returnData?.data == [2, 0, 0, 0, 0])
    #expect(results[5].error == Self.custom(.insufficientBalance))
    #expect(results[6].error == nil && results[6].returnData?.data.first == 2)
    // 12 × 96 bytes of output are more than return data hold.
    #expect(results[7].returnData?.data.count == 1024 && results[8].returnData?.data.count == 1024)
    #expect(Array(results[8].returnData?.data[0..<5] ?? []) == [0, 0x80, 0x04, 0, 0])
    #expect(results[8].returnData?.data.dropFirst(5) == results[7].returnData?.data.prefix(1019))
    // 3,000 for the instruction and 2,600 for the cold contract are more than 5,000 less what the budget's two cost.
    #expect(results[9].error == Self.custom(.outOfGas), "\(String(describing: results[9].error))")
  }

  /// A creation whose code costs more than there are units is out of gas.
  @Test func creates() throws {
    let salt = UInt256(0x5a17)
    let large: [UInt8] = [0x61, 0x60, 0x00, 0x60, 0, 0xf3]
    let made = Address.created(
      by: Rig.address(), salt: salt, initcodeHash: Keccak256.hash(ScriptContract.initcode))
    let create = EthereumInstruction.run(
      .init(.create2(salt: salt), input: ScriptContract.initcode), catches: false)
    let outcome = try Rig().run([
      .solana([Rig.ethereum(create)]), .solana([Rig.ethereum(create)]),
      .solana([Rig.ethereum(.run(.init(.create, input: large), catches: true))]),
      .solana([Rig.ethereum(.run(.init(.create, input: large), catches: false))]),
      .solana([Rig.ethereum(Rig.call([Step(.store, value: 1, Base.word(5))], of: made))]),
    ])
    let results = outcome.solana
    #expect(results[0].returnData?.data == made.bytes && results[0].error == nil)
    #expect(results[1].error == Self.custom(.halted))
    #expect(results[2].error == nil && results[2].returnData?.data.first == 2)
    #expect(results[3].error == Self.custom(.outOfGas) || results[3].error == Self.custom(.halted))
    #expect(try outcome.slot(1, of: made) == 5)
  }

  @Test func refusesWhatIsNoInstruction() throws {
    let datas: [[UInt8]] = [
      [], [0], [9, 0], [0, 2] + [UInt8](repeating: 0, count: 80), [4, 1] + [UInt8](repeating: 0, count: 28),
      [0, 0] + [UInt8](repeating: 0, count: 59), [4, 0] + [UInt8](repeating: 0, count: 27),
      [4, 0] + [UInt8](repeating: 0, count: 29), [5, 0, 1],
    ]
    let outcome = try Rig().run(
      datas.map { data in
        .solana([
          Instruction(
            programID: ProgramID.ethereum, accounts: [AccountMeta(Self.payer, signer: true, writable: true)],
            data: data)
        ])
      } + [.solana([Instruction(programID: ProgramID.ethereum, accounts: [], data: Rig.call([]).encode())])])
    for result in outcome.solana.dropLast() {
      #expect(result.error == .instructionError(index: 2, .invalidInstructionData))
    }
    #expect(outcome.solana.last?.error == .instructionError(index: 2, .missingAccount))
  }

  /// Warm accounts and slots and transient storage are the transaction's, not the instruction's.
  @Test func oneTransactionIsOneWarmSet() throws {
    let load = Rig.ethereum(Rig.call([Step(.codeSize, Base.contracts[1])]))
    let outcome = try Rig().run([.solana([load]), .solana([load, load]), .solana([load, load, load])])
    let units = outcome.solana.map(\.computeUnits)
    #expect(
      units[2] - units[1] < units[1] - units[0] + 10 && units[1] - units[0] + 4_900 < units[0], "\(units)")
  }

  // MARK: Programs between

  /// An instruction of a script program that calls a contract, with what the payer signs for.
  private static func script(
    _ rig: inout Rig, _ steps: [Step], catches: Bool = false, handing: [AccountMeta] = [],
    slots: [ScriptProgram.Slot] = [], take: Int = 0, then: [ScriptProgram.Step] = []
  ) -> Instruction {
    rig.stored(
      program, [.init(payer, signer: true, writable: true), .init(ProgramID.ethereum)] + slots,
      [.invoke(Rig.ethereum(Rig.call(steps, catches: catches), handing), take: take)] + then)
  }

  private static func rig() throws -> Rig {
    var rig = try Rig()
    rig.base.accounts.append((Base.key(.contract), Account(lamports: 50_000_000, owner: ProgramID.system)))
    return rig
  }

  /// Pays by the contract's program address.
  private static func pay(_ lamports: UInt64, _ op: ScriptContract.Op = .call) throws -> Step {
    try CrossCallTests.execute(
      CrossCallTests.transfer(lamports, from: Base.key(.contract), to: someone), op)
  }

  @Test func aProgramCallsAContractThatCallsAProgram() throws {
    let own = Base.key(.contract)
    var rig = try Self.rig()
    let sent: [Rig.Line] = try [
      // Paid although the transaction names neither of the accounts.
      .solana([Self.script(&rig, [try Self.pay(2_000_000), Step(.store, value: 1, Base.word(1))])]),
      // All of it goes, in both worlds, with what fails later.
      .solana([
        Self.script(&rig, [try Self.pay(1_000_000), Step(.store, value: 2, Base.word(1))], then: [.fail(77)])
      ]),
      .solana([
        Self.script(
          &rig, [try Self.pay(1_000_000), Step(.store, value: 2, Base.word(1)), Step(.revert)], catches: true,
          take: 5)
      ]),
      .solana([Self.script(&rig, [try Self.pay(90_000_000, .mustCall)])]),
    ]
    let outcome = try rig.run(sent)
    let results = outcome.solana
    #expect(results[0].error == nil, "\(results[0].logLines)")
    #expect(results[0].logLines.contains("Program 11111111111111111111111111111111 success"))
    #expect(results[1].error == .instructionError(index: 2, .custom(77)))
    #expect(results[2].error == nil && results[2].returnData?.data == ScriptProgram.hash([[1, 0, 0, 0, 0]]))
    #expect(results[3].error == Self.custom(.reverted))
    #expect(
      results[3].logLines.contains(
        "Program log: execution reverted: Program 11111111111111111111111111111111 failed: custom program error: 0x1"
      ))
    #expect(try outcome.lamports(Self.someone) == 2_000_000 && outcome.lamports(own) == 48_000_000)
    #expect(try outcome.slot(1) == 1 && outcome.slot(2) == 0)
  }

  /// What a program has done is seen by the contract that it calls, and the other way about; accounts that were passed on for
  /// writing come back as contracts left them.
  @Test func bothSeeEachOther() throws {
    let own = Base.key(.contract)
    let look = Step(.staticCall, Base.queryAccount, try Base.data("lamports(bytes32)", .key(own)))
    let transfer = Base.system(
      .transfer(lamports: 3_000_000),
      [AccountMeta(Self.payer, signer: true, writable: true), AccountMeta(own, writable: true)])
    var rig = try Self.rig()
    let sent: [Rig.Line] = try [
      .solana([
        rig.stored(
          Self.program,
          [
            .init(Self.payer, signer: true, writable: true), .init(own, writable: true),
            .init(ProgramID.ethereum), .system,
          ],
          [
            .invoke(transfer),
            .invoke(Rig.ethereum(Rig.call([look]), [AccountMeta(own, writable: true)]), take: 1024),
            .invoke(Rig.ethereum(Rig.call([try Self.pay(1_000_000)]), [AccountMeta(own, writable: true)])),
            .invoke(transfer),
          ])
      ]),
      // An account that the program holds and has not passed on, or passed on for reading, is not the contract's to change.
      .solana([
        Self.script(
          &rig, [try Self.pay(1_000_000)], catches: true, slots: [.init(own, writable: true)], take: 1024)
      ]),
      .solana([
        Self.script(
          &rig, [try Self.pay(1_000_000, .mustCall)], handing: [AccountMeta(own)],
          slots: [.init(own, writable: true)])
      ]),
      .solana([Rig.ethereum(Rig.call([try Self.pay(1_000_000, .mustCall)]), [AccountMeta(own)])]),
    ]
    let outcome = try rig.run(sent)
    let results = outcome.solana
    #expect(results[0].error == nil, "\(results[0].logLines)")
    #expect(
      results[0].returnData?.data
        == ScriptProgram.hash([[], Base.word(1) + Base.word(32) + Base.word(53_000_000), [], []]))
    #expect(results[1].error == nil)
    #expect(results[2].error == Self.custom(.reverted) && results[3].error == Self.custom(.reverted))
    #expect(
      results[3].logLines.contains {
        $0.hasSuffix(
          "\(own) is an account of a program that waits, which has not passed it on to \(ProgramID.ethereum) for writing"
        )
      })
    #expect(try outcome.lamports(own) == 55_000_000 && outcome.lamports(Self.someone) == 1_000_000)
  }

  @Test func contractsCallProgramsThatCallContracts() throws {
    let own = Base.key(.contract)
    func slots(_ more: [ScriptProgram.Slot] = []) -> [ScriptProgram.Slot] {
      [.init(own, signer: true, writable: true)] + more
    }
    // Nobody need name the EVM program: every program that a contract calls may call it.
    func call(_ steps: [Step], catches: Bool = false, gas: UInt64 = .max) -> ScriptProgram.Step {
      .invoke(
        Rig.ethereum(Rig.call(steps, of: Base.contracts[1], gas: gas, catches: catches), by: own), take: 5)
    }
    func execute(_ steps: [ScriptProgram.Step], _ op: ScriptContract.Op = .call) throws -> Step {
      try CrossCallTests.execute(ScriptProgram.instruction(Self.program, slots(), steps), op)
    }
    let store = Step(.store, value: 1, Base.word(1))
    let outcome = try Self.rig().run([
      .ethereum(.init([try execute([call([store, Step(.log, [9])])], .mustCall)])),
      .ethereum(.init([try execute([call([Step(.store, value: 2, Base.word(1))]), .fail(5)])])),
      .ethereum(
        .init([try execute([call([Step(.store, value: 2, Base.word(1)), Step(.revert)], catches: true)])])),
      .ethereum(.init([try execute([call([Step(.store, value: 2, Base.word(1)), Step(.revert)])])])),
      .ethereum(.init([try execute([call([Step(.invalid)], catches: true, gas: 30_000)])])),
      .ethereum(
        .init([Step(.staticCall, Base.contracts[0], ScriptContract.script([try execute([call([store])])]))])),
      .ethereum(.init([try execute([.burn])], gasLimit: 400_000)),
    ])
    let calls = outcome.ethereum.map { ScriptContract.results($0.output) }
    #expect(outcome.ethereum.allSatisfy { $0.isSuccess || $0.gasUsed == 400_000 })
    #expect(outcome.ethereum[0].logs == [.init(address: Base.contracts[1], topics: [], data: [9])])
    let words = Base.word(32) + Base.word(32)
    #expect(calls[0][0].output == words + ScriptProgram.hash([[]]))
    #expect(calls[1][0].reason == "Program \(Self.program) failed: custom program error: 0x5")
    #expect(calls[2][0].output == words + ScriptProgram.hash([[1, 0, 0, 0, 0]]))
    #expect(calls[3][0].reason == "Program \(Self.program) failed: custom program error: 0x1")
    #expect(calls[4][0].output == words + ScriptProgram.hash([[2, 0, 0, 0, 0]]))
    let inner = ScriptContract.results(calls[5][0].output)
    #expect(inner.first?.reason == "execute is not allowed in a static call")
    #expect(try outcome.slot(1, of: Base.contracts[1]) == 1 && outcome.slot(2, of: Base.contracts[1]) == 0)
  }

  /// A program may be called again by a contract that it has called itself, and by no other.
  @Test func reentrancyIsForDirectCallersAlone() throws {
    let own = Base.key(.contract)
    let (first, second) = (Rig.programs[0], Rig.programs[1])
    func nested(_ program: Pubkey, _ steps: [ScriptProgram.Step] = []) -> Instruction {
      ScriptProgram.instruction(program, [.init(own, signer: true, writable: true)], steps)
    }
    func execute(_ instruction: Instruction) throws -> Step {
      try CrossCallTests.execute(instruction, .mustCall)
    }
    func call(_ steps: [Step], _ contract: Int) -> ScriptProgram.Step {
      .invoke(Rig.ethereum(Rig.call(steps, of: Base.contracts[contract]), by: own))
    }
    let owns = Base.contracts.map { Base.key(.contract, $0) }
    let direct = try execute(
      nested(
        first,
        [
          call(
            [
              try CrossCallTests.execute(
                ScriptProgram.instruction(first, [.init(owns[1], signer: true)], []), .mustCall)
            ], 1)
        ]))
    let throughAnother = try execute(
      nested(
        first,
        [
          call(
            [
              try CrossCallTests.execute(
                ScriptProgram.instruction(
                  second, [.init(owns[1], signer: true)],
                  [
                    .invoke(
                      Rig.ethereum(
                        Rig.call(
                          [
                            try CrossCallTests.execute(
                              ScriptProgram.instruction(first, [.init(owns[2], signer: true)], []), .mustCall)
                          ], of: Base.contracts[2]), by: owns[1]))
                  ]), .mustCall)
            ], 1)
        ]))
    // The other program calls it itself.
    let byInvocation = try execute(
      nested(
        first,
        [
          call(
            [
              try CrossCallTests.execute(
                ScriptProgram.instruction(
                  second, [.init(owns[1], signer: true), .program(first)],
                  [.invoke(ScriptProgram.instruction(first, [.init(owns[1], signer: true)], []))]), .mustCall)
            ], 1)
        ]))
    let outcome = try Self.rig().run([
      .ethereum(.init([direct])), .ethereum(.init([throughAnother])), .ethereum(.init([byInvocation])),
    ])
    #expect(outcome.ethereum.map(\.isSuccess) == [true, false, false])
    #expect(
      ScriptContract.reason(outcome.ethereum[1].output)
        == "Program \(first) failed: custom program error: 0x1")
  }

  /// Contract and program call each other until the limit, which is an error like another.
  @Test func depthIsBounded() throws {
    let own = Base.key(.contract)
    func level(_ depth: Int) throws -> [Step] {
      if depth == 0 { return [Step(.store, value: 1, Base.word(1))] }
      let inner = EthereumInstruction.run(
        .init(.call(Base.contracts[0]), input: ScriptContract.script(try level(depth - 1))), catches: false)
      // Each level's instruction holds the next one's.
      return [
        try CrossCallTests.execute(
          ScriptProgram.instruction(
            Self.program, [.init(own, signer: true, writable: true)],
            [.invoke(Rig.ethereum(inner, by: own))]), .mustCall)
      ]
    }
    let outcome = try Self.rig().run([
      .ethereum(.init(try level(9), gasLimit: 200_000_000)),
      .ethereum(.init(try level(10), gasLimit: 200_000_000)),
    ])
    #expect(
      outcome.ethereum.map(\.isSuccess) == [true, false],
      "\(outcome.ethereum.map { ScriptContract.reason($0.output) ?? "" })")
    #expect(try outcome.slot(1) == 1)
  }

  @Test func signersAreKnownToContracts() throws {
    let steps = try [Rig.address(), Rig.address(1)].flatMap { address in
      [
        Step(.staticCall, Base.solanaNative, try Base.data("isSolanaUser(address)", .address(address))),
        Step(.staticCall, Base.solanaNative, try Base.data("solanaAddress(address)", .address(address))),
      ]
    }
    let outcome = try Rig().run([.solana([Rig.ethereum(Rig.call(steps))])])
    #expect(
      Self.results(outcome.solana[0]).map(\.output) == [
        Base.word(1), Self.payer.bytes, Base.word(0), Pubkey.zero.bytes,
      ])
  }

  // MARK: On a chain

  /// What Solana's transactions change of Ethereum's state is in a block of Ethereum's, and a trace shows both worlds.
  @Test func ownChainsMakeBlocksAndTraces() throws {
    let rig = try Self.rig()
    let chain = try Chain(
      store: MemoryStore(), genesis: rig.base.genesis(), executor: SerialExecutor(), progress: .advancing,
      keepsTransactions: true)
    let plain = try chain.send(
      [System.transfer(from: Self.payer, to: Self.someone, lamports: 1_000_000)], signers: [Rig.payers[0]])
    #expect(plain.error == nil && chain.ethereumHead == nil)
    let sent = try chain.send(
      [Rig.ethereum(Rig.call([try Self.pay(2_000_000), Step(.store, value: 1, Base.word(8))]))],
      signers: [Rig.payers[0]])
    #expect(sent.error == nil, "\(sent.logLines)")
    let head = try #require(chain.ethereumHead)
    #expect(try head.header.stateRoot == chain.ethereumStateRoot())
    #expect(head.header.transactionsRoot == MerklePatriciaTrie.emptyRoot)
    #expect(try chain.ethereumStorage(of: Self.contract, slot: 1) == 8)
    // What the contract emitted is kept with the transaction that called it.
    let emitting = try chain.send(
      [Rig.ethereum(Rig.call([Step(.log, [1, 2, 3])]))], signers: [Rig.payers[0]])
    #expect(emitting.contractLogs == [.init(address: Self.contract, topics: [], data: [1, 2, 3])])
    let stored = try #require(try SolanaHistory(of: chain.store).transactions(chain.head.height).first)
    #expect(stored.contractLogs == emitting.contractLogs && stored.logs == emitting.logLines)
    let trace = InstructionTrace()
    let signature = try #require(sent.signature)
    let retraced = try #require(try chain.retrace(signature, observer: trace))
    #expect(retraced.result == sent)
    let names = trace.calls.map { $0.contract?.code.description ?? $0.program.description }
    #expect(
      names == [
        ProgramID.ethereum.description, Self.contract.description, Base.callSolana.description,
        ProgramID.system.description,
      ])
    #expect(trace.roots == [0] && trace.calls[3].units == 150 && trace.calls[2].units == 10_150)
  }

  /// Blocks in which the worlds meet are executed again whole, in whatever order their transactions stand; and, where Solana's
  /// stand first, as a node packs them, each of Ethereum's on what those have changed of both worlds.
  @Test(arguments: [false, true]) func ownChainsExecuteMixedBlocksAgain(inTurns: Bool) throws {
    let own = Base.key(.contract)
    var rig = try Self.rig()
    var lines: [Rig.Line] = []
    for index in 0..<6 as Range<UInt64> {
      let word = Base.word(100 + index)
      let solana: [Rig.Line] = try [
        .solana([System.transfer(from: Self.payer, to: own, lamports: 30_000_000)]),
        .solana([
          Self.script(&rig, [try Self.pay(2_000_000), Step(.store, value: UInt256(10 + index), word)])
        ]),
        .solana([Rig.ethereum(Rig.call([Step(.store, value: UInt256(20 + index), word)]))]),
      ]
      // Costs what it does because the slots are not empty any more, and can be paid because of what came before.
      let ethereum: [Rig.Line] = try [
        .ethereum(
          .init([try Self.pay(33_000_000), Step(.store, value: UInt256(10 + index), Base.word(index + 1))])),
        .ethereum(
          .init([Step(.store, value: UInt256(20 + index), Base.word(index + 1)), Step(.log, [UInt8(index)])])),
      ]
      lines += inTurns ? [solana[0], solana[1], ethereum[0], solana[2], ethereum[1]] : solana + ethereum
    }
    let genesis = try rig.base.genesis()
    let all = try rig.lines(lines, genesis)
    let store = MemoryStore()
    let chain = try Chain(
      store: store, genesis: genesis, executor: try LockExecutor(workerCount: 2), progress: .advancing,
      keepsTransactions: true)
    var results: [EthereumTransactionResult] = []
    for (number, start) in stride(from: 0, to: all.count, by: 5).enumerated() {
      let block = try chain.execute(
        BlockTransactions(all[start..<start + 5]), verifiesSignatures: false,
        unixTimestamp: 2_000_000_000 + Int64(number), slots: UInt64(1 + number % 3))
      #expect(!block.receipts.contains { !$0.isSuccess })
      results += block.receipts.ethereum
    }
    for workers in [1, 2] {
      let again = try Chain.reexecute(store, workers: workers)
      #expect(again.solanaCount == 18 && again.ethereumCount == 12)
    }
    for result in results {
      let hash = try #require(result.hash)
      if inTurns {
        // What stands between them is not executed again: said, where it matters.
        _ = try? chain.retrace(hash, tracer: EVMTracer { _ in })
        continue
      }
      let again = try #require(try chain.retrace(hash, tracer: EVMTracer { _ in }))
      let execution = try #require(result.execution)
      #expect(
        again.emulation.receipt.gasUsed == execution.gasUsed && again.emulation.receipt.logs == execution.logs
      )
      #expect(again.emulation.programLogs == result.programLogLines)
    }
  }

  // MARK: In blocks

  /// Transactions of both families that pay out of one contract's address, in turns, and others that meet nobody.
  @Test func runsInBlockOrder() throws {
    let own = Base.key(.contract)
    var rig = try Self.rig()
    var lines: [Rig.Line] = []
    for index in 0..<24 {
      switch index % 6 {
      case 0:
        lines.append(
          .solana([
            Self.script(&rig, [try Self.pay(9_000_000), Step(.store, value: 1, Base.word(UInt64(index)))])
          ]))
      case 1: lines.append(.ethereum(.init([Step(.store, value: 1, Base.word(UInt64(index)))])))
      case 2: lines.append(.solana([System.transfer(from: Self.payer, to: own, lamports: 5_000_000)]))
      case 3:
        lines.append(.solana([Rig.ethereum(Rig.call([Step(.store, value: 2, Base.word(UInt64(index)))]))]))
      case 4: lines.append(.ethereum(.init([Step(.log, [UInt8(index)])])))
      default:
        lines.append(
          .solana([System.transfer(from: Self.payer, to: Rig.payers[1].pubkey, lamports: UInt64(index))]))
      }
    }
    for blockSize in [0, 5] {
      let outcome = try rig.run(lines, blockSize: blockSize)
      #expect(outcome.solana.allSatisfy { $0.error == nil } && outcome.ethereum.allSatisfy { $0.isSuccess })
      #expect(try outcome.lamports(own) == 50_000_000 + 4 * 5_000_000 - 4 * 9_000_000)
      #expect(try outcome.slot(1) == 19 && outcome.slot(2) == 21)
    }
  }
}

/// `Error(string)` as a contract reverts with it.
enum ErrorBytes {
  static func encode(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [0x08, 0xc3, 0x79, 0xa0] + CrossCallRig.word(32) + CrossCallRig.word(UInt64(bytes.count)) + bytes
      + [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
  }
}
