// Native programs against what LiteSVM did with the same instruction: error, compute units, every log line
// and every account afterwards.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct BuiltinsTests {
  @Test func theTableIsRead() {
    let cases = BuiltinCase.all
    #expect(cases.count > 300)
    #expect(cases.count { $0.error != nil } >= cases.count / 2)
    for program in [
      ProgramID.system, ProgramID.bpfLoaderUpgradeable, ProgramID.ed25519, ProgramID.secp256k1,
      ProgramID.vote,
      ProgramID.zkElGamalProof,
    ] {
      #expect(cases.contains { $0.program == program && $0.error == nil })
    }
  }

  @Test(arguments: BuiltinCase.all.filter { Precompile(id: $0.program) == nil })
  func instruction(_ test: BuiltinCase) throws {
    let stage = try BuiltinStage(test)
    #expect(stage.run() == test.error)
    #expect(stage.invoke.logs.lines == test.logs)
    #expect(BuiltinStage.units - stage.invoke.remainingUnits == test.computeUnits)
    for (key, expected) in test.post {
      let account = try #require(stage.account(key))
      guard let expected else {
        #expect(account.lamports == 0, "\(key) should be gone")
        continue
      }
      #expect(account.lamports == expected.lamports, "lamports of \(key)")
      #expect(account.owner == expected.owner, "owner of \(key)")
      #expect(account.executable == expected.executable, "executable of \(key)")
      // Sysvars' contents are tested where they are made.
      if account.owner != ProgramID.sysvar { #expect(account.data == expected.data, "data of \(key)") }
    }
  }

  @Test(arguments: BuiltinCase.all.filter { Precompile(id: $0.program) != nil })
  func precompile(_ test: BuiltinCase) throws {
    let precompile = try #require(Precompile(id: test.program))
    var error: InstructionError?
    do throws(PrecompileError) {
      try precompile.verify(test.data, instructions: [test.data])
    } catch let refusal {
      error = refusal.instructionError
    }
    #expect(error == test.error)
    #expect(test.logs.isEmpty && test.computeUnits == 0)
  }

  @Test func everyBuiltinHasAnAccount() {
    for builtin in Builtins.all {
      #expect(BuiltinAccounts.all.contains { $0.key == builtin.id })
      #expect(Builtins.function(for: builtin.id)?.cost == builtin.cost)
    }
    #expect(Builtins.function(for: ProgramID.stake) == nil)
    #expect(Builtins.function(for: ProgramID.ed25519) == nil)
  }

  @Test func unitsRunOut() throws {
    let test = try #require(BuiltinCase.all.first { $0.name == "system transfer" })
    let stage = try BuiltinStage(test)
    stage.invoke.remainingUnits = SystemProgram.computeUnits - 1
    #expect(stage.run() == .computationalBudgetExceeded)
    #expect(stage.invoke.remainingUnits == 0)
  }

  /// Measured: what an instruction adds to the limit of a transaction that sets none.
  @Test(
    arguments: [
      (ProgramID.system, 3_000), (ProgramID.computeBudget, 3_000), (ProgramID.bpfLoader1, 3_000),
      (ProgramID.bpfLoader2, 3_000), (ProgramID.bpfLoaderUpgradeable, 3_000), (ProgramID.ed25519, 3_000),
      (ProgramID.secp256k1, 3_000), (ProgramID.secp256r1, 200_000), (ProgramID.vote, 200_000),
      (ProgramID.stake, 200_000), (ProgramID.addressLookupTable, 200_000),
      (ProgramID.zkElGamalProof, 200_000),
    ] as [(Pubkey, UInt64)])
  func defaultUnits(_ program: Pubkey, _ units: UInt64) {
    #expect(Builtins.defaultComputeUnits(of: program) == units)
  }

  /// Damaged instruction data never crashes, and a refused instruction's lamports stay where they were.
  @Test func damagedInstructions() throws {
    let seed: UInt64 = 0x5eed_b17e
    var random = SplitMix64(seed: seed)
    for round in 0..<4_000 {
      let cases = BuiltinCase.all
      var test = cases[Int(random.next() % UInt64(cases.count))]
      var data = test.data
      for _ in 0..<(1 + random.next() % 4) where !data.isEmpty {
        switch random.next() % 3 {
        case 0: data[Int(random.next() % UInt64(data.count))] = UInt8(truncatingIfNeeded: random.next())
        case 1: data.removeLast(Int(random.next() % UInt64(data.count + 1)))
        default: data.append(UInt8(truncatingIfNeeded: random.next()))
        }
      }
      test = BuiltinCase(test, data: data)
      if let precompile = Precompile(id: test.program) {
        _ = try? precompile.verify(data, instructions: [data])
        continue
      }
      let stage = try BuiltinStage(test)
      let before = stage.totalLamports
      if stage.run() == nil {
        #expect(stage.totalLamports == before, "round \(round) of seed \(seed): \(test.name) made lamports")
      }
    }
  }
}
