// Programs in transactions: where their code comes from, what their results and faults mean, and what they
// may do to their accounts.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct ProgramExecutionTests {
  private let program = TransactionRig.key(7)
  private let owned = TransactionRig.key(8)

  private func run(
    _ assembly: String, accounts: [AccountMeta] = [], data: [UInt8] = [],
    before: (inout TransactionRig) -> Void = { _ in }
  ) throws -> (TransactionOutcome, TransactionRig) {
    var rig = try TransactionRig()
    try rig.install("entrypoint:\n" + assembly, at: program)
    before(&rig)
    let outcome = try rig.run([Instruction(programID: program, accounts: accounts, data: data)])
    return (outcome, rig)
  }

  private static let results: [(UInt64, InstructionError)] = [
    (1, .custom(1)), (0xffff_ffff, .custom(0xffff_ffff)), (0x1_0000_0000, .custom(0)),
    (0x2_0000_0000, .invalidArgument), (0xb_0000_0000, .notEnoughAccountKeys),
    (0x14_0000_0000, .invalidRealloc),
    (0x1a_0000_0000, .incorrectAuthority), (0x1b_0000_0000, .invalidError), (0x2_0000_0001, .invalidError),
    (0x8000_0000_0000_0000, .invalidError),
  ]

  @Test func resultsAreErrors() throws {
    for (result, error) in Self.results {
      let (outcome, _) = try run("lddw r0, 0x\(String(result, radix: 16))\nexit")
      let expected: TransactionError = .instructionError(index: 0, error)
      #expect(outcome.error == expected)
      let line = "Program \(program) failed: \(error)"
      #expect(outcome.logs.lines.last == line)
    }
  }

  @Test func logsSayWhatWasConsumed() throws {
    let (outcome, _) = try run("mov64 r0, 0\nexit")
    #expect(
      outcome.logs.lines == [
        "Program \(program) invoke [1]", "Program \(program) consumed 2 of 200000 compute units",
        "Program \(program) success",
      ])
    #expect(outcome.computeUnits == 2)
  }

  @Test func faultsCostEverything() throws {
    let (outcome, _) = try run("mov64 r1, 0\nldxdw r0, [r1+0]\nexit")
    #expect(outcome.error == .instructionError(index: 0, .programFailedToComplete))
    #expect(outcome.computeUnits == 200_000)
    #expect(outcome.logs.lines.last?.hasPrefix("Program \(program) failed: Access violation") == true)
  }

  @Test func instructionDataIsInTheSecondRegister() throws {
    let (outcome, _) = try run(
      "ldxb r0, [r2+1]\nldxdw r3, [r2-8]\nlsh64 r3, 8\nor64 r0, r3\nexit", data: [9, 42])
    #expect(outcome.error == .instructionError(index: 0, .custom(0x22a)))
  }

  /// Adds one to the first byte of the first account's data.
  private static let increment = "ldxb r3, [r1+96]\nadd64 r3, 1\nstxb [r1+96], r3\nmov64 r0, 0\nexit"

  @Test func ownersChangeData() throws {
    let (outcome, rig) = try run(Self.increment, accounts: [meta(owned, writes: true)]) { rig in
      rig.accounts[owned] = Account(lamports: 1_000_000, data: [41], owner: program)
    }
    #expect(outcome.error == nil)
    #expect(rig.accounts[owned]?.data == [42])
  }

  @Test func othersDoNot() throws {
    let (readonly, _) = try run(Self.increment, accounts: [meta(owned)]) { rig in
      rig.accounts[owned] = Account(lamports: 1_000_000, data: [41], owner: program)
    }
    #expect(readonly.error == .instructionError(index: 0, .readonlyDataModified))
    let (external, _) = try run(Self.increment, accounts: [meta(owned, writes: true)]) { rig in
      rig.accounts[owned] = Account(lamports: 1_000_000, data: [41], owner: ProgramID.system)
    }
    #expect(external.error == .instructionError(index: 0, .externalAccountDataModified))
  }

  private static let growths: [(UInt64, InstructionError?)] = [
    (10_240, nil), (10_241, .invalidRealloc), (.max, .invalidRealloc), (0, nil),
  ]

  @Test func dataGrowsByTenKibibytes() throws {
    for (byteCount, error) in Self.growths {
      let data = withUnsafeBytes(of: byteCount.littleEndian) { Array($0) }
      let (outcome, rig) = try run(
        "ldxdw r3, [r2+0]\nstxdw [r1+88], r3\nmov64 r0, 0\nexit", accounts: [meta(owned, writes: true)],
        data: data
      ) { rig in
        rig.accounts[owned] = Account(lamports: 1_000_000_000, owner: program)
      }
      var expected: TransactionError?
      if let error { expected = .instructionError(index: 0, error) }
      #expect(outcome.error == expected)
      let count = error == nil ? Int(byteCount) : 0
      #expect(rig.accounts[owned]?.data.count == count)
    }
  }

  @Test func lamportsAreNotMade() throws {
    let (outcome, _) = try run(
      "ldxdw r3, [r1+80]\nadd64 r3, 1\nstxdw [r1+80], r3\nmov64 r0, 0\nexit",
      accounts: [meta(owned, writes: true)]
    ) { rig in
      rig.accounts[owned] = Account(lamports: 1_000_000, owner: program)
    }
    #expect(outcome.error == .instructionError(index: 0, .unbalancedInstruction))
  }

  @Test func upgradeableProgramsRunFromTheirData() throws {
    var rig = try TransactionRig()
    let elf = try TransactionRig.elf("entrypoint:\nmov64 r0, 7\nexit")
    let accounts = UpgradeableProgram.accounts(programID: program, elf: elf, rent: Rent())
    rig.accounts[program] = accounts.program
    rig.accounts[accounts.programData.key] = accounts.programData.account
    let call = Instruction(programID: program, accounts: [], data: [])
    #expect(try rig.run([call]).error == .instructionError(index: 0, .custom(7)))
    let balance = rig.lamports(rig.payer.pubkey)
    let undeclared = try rig.run([call], lendsPrograms: false)
    #expect(undeclared.status == .undeclaredAccess(accounts.programData.key))
    #expect(undeclared.changes.isEmpty)
    #expect(rig.lamports(rig.payer.pubkey) == balance)
    rig.accounts[accounts.programData.key] = nil
    let closed = try rig.run([call])
    #expect(closed.error == .instructionError(index: 0, .unsupportedProgramId))
    #expect(closed.logs.lines.contains("Program is not deployed"))
  }

  @Test func brokenFilesAreNotDeployed() throws {
    for data in [[], [1, 2, 3], [UInt8](repeating: 0x7f, count: 4096)] as [[UInt8]] {
      var rig = try TransactionRig()
      rig.accounts[program] = Account(
        lamports: 1_000_000_000, data: data, owner: ProgramID.bpfLoader2, executable: true)
      let outcome = try rig.run([Instruction(programID: program, accounts: [], data: [])])
      #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId))
      #expect(
        outcome.logs.lines == [
          "Program \(program) invoke [1]", "Program is not deployed",
          "Program \(program) failed: Unsupported program id",
        ])
    }
  }

  @Test func equalFilesShareAnExecutable() throws {
    let cache = ProgramCache()
    let table = ProgramTable()
    let elf = try TransactionRig.elf("entrypoint:\nexit")
    let copy = elf + []
    let first = table.entry(ProgramSource(data: elf, elfOffset: 0), cache: cache)
    #expect(table.entry(ProgramSource(data: Array(copy), elfOffset: 0), cache: cache) === first)
    #expect(ProgramTable().entry(ProgramSource(data: [0] + elf, elfOffset: 1), cache: cache) === first)
    let other = try TransactionRig.elf("entrypoint:\nmov64 r0, 1\nexit")
    #expect(table.entry(ProgramSource(data: other, elfOffset: 0), cache: cache) !== first)
    for index in 0..<200 {
      let elf = try TransactionRig.elf("entrypoint:\nmov64 r0, \(index)\nexit")
      _ = table.entry(ProgramSource(data: elf, elfOffset: 0), cache: cache)
    }
    #expect(table.entry(ProgramSource(data: elf, elfOffset: 0), cache: cache) === first)
  }

  private func source(_ number: Int) throws -> ProgramSource {
    ProgramSource(data: try TransactionRig.elf("entrypoint:\nmov64 r0, \(number)\nexit"), elfOffset: 0)
  }

  /// Runs of blocks, each the programs it uses, and the programs that a cache of two keeps then.
  @Test(arguments: [
    ([[1], [2], [3]], [2, 3]),
    ([[1, 2], [1], [3]], [1, 3]),
    ([[1, 2], [3], [2], [4]], [2, 4]),
    ([[1, 2, 3, 4]], [3, 4]),
    ([[1], [2], [], []], [1, 2]),
  ])
  func theLeastRecentlyUsedProgramsAreEvicted(blocks: [[Int]], kept: [Int]) throws {
    let cache = ProgramCache(
      limits: ProgramCache.Limits(programCount: 2, byteCount: .max))
    let tables = [ProgramTable(), ProgramTable()]
    let sources = try (1...4).map(source)
    var first: [Int: ProgramEntry] = [:]
    for (index, block) in blocks.enumerated() {
      for number in block {
        let entry = tables[index % 2].entry(sources[number - 1], cache: cache)
        if first[number] == nil { first[number] = entry }
      }
      cache.finishBlock()
    }
    #expect(cache.programCount == 2)
    for number in kept { #expect(tables[0].entry(sources[number - 1], cache: cache) === first[number]) }
    for (number, entry) in first where !kept.contains(number) {
      #expect(entry.isEvicted)
      // Both tables have forgotten it, and agree about the new one.
      let again = tables[0].entry(sources[number - 1], cache: cache)
      #expect(again !== entry && tables[1].entry(sources[number - 1], cache: cache) === again)
    }
  }

  @Test func memoryIsLimited() throws {
    let cache = ProgramCache(
      limits: ProgramCache.Limits(programCount: 100, byteCount: 1))
    let table = ProgramTable()
    weak var gone: ProgramEntry?
    do {
      let entry = table.entry(try source(1), cache: cache)
      guard case .executable(let executable) = entry.state else {
        Issue.record("refused")
        return
      }
      executable.prepare(for: .fastest)
      #expect(entry.byteCount >= executable.machineCodeByteCount && entry.byteCount > 1)
      gone = entry
    }
    cache.finishBlock()
    #expect(cache.programCount == 0 && gone != nil)
    // The worker's next look lets go of it.
    _ = table.entry(try source(2), cache: cache)
    #expect(gone == nil)
  }

  @Test func oneBlockCannotFillTheCacheWithoutEnd() throws {
    let cache = ProgramCache(
      limits: ProgramCache.Limits(programCount: 4, byteCount: .max))
    let table = ProgramTable()
    for number in 1...40 { _ = table.entry(try source(number), cache: cache) }
    #expect(cache.programCount <= 8)
  }

  @Test func norMemory() throws {
    let entry = ProgramTable().entry(try source(1), cache: ProgramCache())
    let cache = ProgramCache(
      limits: ProgramCache.Limits(programCount: 100, byteCount: 4 * entry.byteCount))
    let table = ProgramTable()
    for number in 1...40 { _ = table.entry(try source(number), cache: cache) }
    #expect(cache.programCount > 2 && cache.programCount <= 10)
  }

  /// An account whose data is written gets another array, of the same program here.
  @Test func dataThatWasReplacedIsLetGoOf() throws {
    let (cache, table) = (ProgramCache(), ProgramTable())
    let data = try TransactionRig.elf("entrypoint:\nexit") + [UInt8](repeating: 0, count: 8 << 20)
    var first: ProgramEntry?
    for number in 1...40 {
      var copy = data
      copy.reserveCapacity(data.count + number)
      let entry = table.entry(ProgramSource(data: copy, elfOffset: 0), cache: cache)
      #expect(entry === first ?? entry)
      first = entry
      #expect(table.heldByteCount <= ProgramTable.heldByteLimit + data.count)
    }
    #expect(table.heldByteCount < 40 * data.count)
  }
}
