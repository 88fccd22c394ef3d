// Deployments on a chain in memory: what is planned, what is sent, what goes on after a failure, and what is refused.
import Ledger
import Linking
import Primitives
import Runtime
import SBPF
import Testing

@testable import Estuary
@testable import Execution

@Suite struct ProgramDeploymentTests {
  private let payer = Ed25519.KeyPair(seed: SHA256.hash([1]))
  private let program = Ed25519.KeyPair(seed: SHA256.hash([2]))
  private let other = Ed25519.KeyPair(seed: SHA256.hash([3]))

  private func chain(lamports: UInt64 = 200_000_000_000) throws -> Chain {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 100, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [
        (payer.pubkey, Account(lamports: lamports, owner: ProgramID.system)),
        (other.pubkey, Account(lamports: 10_000_000_000, owner: ProgramID.system)),
      ])
    return try Chain(store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .advancing)
  }

  /// A program that returns 0 and carries `byteCount` bytes of data, the last of them `mark`.
  private func elf(_ byteCount: Int, mark: UInt8 = 1) throws -> [UInt8] {
    var image = try Assembler.assemble("entrypoint:\nmov64 r0, 0\nexit", version: .v3)
    let data = [UInt8](repeating: 7, count: byteCount / 8 * 8 + 7) + [mark]
    image = ProgramImage(version: .v3, text: image.text, rodata: data, rodataAddress: 0, entryPC: 0)
    return try ObjectLinker.executable(image)
  }

  private func deployment(
    _ elf: [UInt8], authority: Ed25519.KeyPair? = nil, buffer: ProgramDeployment.Party? = nil
  ) -> ProgramDeployment {
    ProgramDeployment(
      elf: elf, program: ProgramDeployment.Party(program), payer: payer, authority: authority ?? payer,
      buffer: buffer)
  }

  @discardableResult
  private func deploy(
    _ deployment: ProgramDeployment, on chain: Chain
  ) throws -> (plan: ProgramDeployment.Plan, outcome: ProgramDeployment.Outcome) {
    let plan = try deployment.plan(on: chain)
    return (plan, try deployment.run(plan, on: chain))
  }

  private func capacity(_ chain: Chain) throws -> Int? {
    guard case .program(let state) = try chain.programState(at: program.pubkey) else { return nil }
    return state.capacity
  }

  private func balance(_ chain: Chain) throws -> UInt64 { try chain.account(payer.pubkey)?.lamports ?? 0 }

  @Test func upgradesOfAnySize() throws {
    let chain = try chain()
    let sizes = [100, 108, 2000, 50_000, 40, 50_100, 400_000]
    var first = 0
    for (index, size) in sizes.enumerated() {
      let file = try elf(size, mark: UInt8(index))
      let before = try (balance(chain), capacity(chain))
      let (plan, outcome) = try deploy(deployment(file), on: chain)
      #expect(plan.action == (index == 0 ? .deployed : .upgraded))
      #expect(try chain.programFile(at: program.pubkey)?.starts(with: file) == true, "size \(size)")
      #expect(Int64(before.0) - Int64(try balance(chain)) == outcome.costLamports)
      // Nothing stays behind in a buffer.
      #expect(try chain.account(plan.buffer) == nil)
      if index == 0 { first = file.count }
      let room = try #require(try capacity(chain))
      let grown = room - (before.1 ?? first)
      #expect(grown == Int(plan.extensionByteCount) && (grown == 0 || grown >= 10_240))
    }
  }

  @Test func howFarAProgramGrows() {
    let most = ProgramDeployment.byteCountLimit
    let cases: [(capacity: Int, needed: Int, growth: Int)] = [
      (100, 100, 0), (100, 99, 0), (100, 101, 10_240), (100, 10_340, 10_240), (100, 10_341, 10_241),
      (100, most, most - 100), (most - 1, most, 1), (most - 10_240, most - 10_239, 10_240),
      (most - 10_239, most - 10_238, 10_239), (most, most, 0),
    ]
    for test in cases {
      #expect(Int(ProgramExtension.byteCount(from: test.capacity, to: test.needed)) == test.growth, "\(test)")
      if test.growth > 0 {
        #expect(throws: Never.self) { try ProgramExtension.check(UInt32(test.growth), of: test.capacity) }
      }
    }
    for (bytes, capacity) in [(0, 100), (10_239, 100), (most, 100), (2, most - 1), (1, most)] {
      #expect(throws: DeploymentError.self) { try ProgramExtension.check(UInt32(bytes), of: capacity) }
    }
  }

  /// The amount that the error names is enough, and one lamport less is not.
  @Test(arguments: [false, true]) func fundsAreCheckedFirst(upgrades: Bool) throws {
    func need(_ chain: Chain, _ deployment: ProgramDeployment) throws -> UInt64? {
      do { _ = try deployment.plan(on: chain) } catch DeploymentError.insufficientFunds(_, _, let need, _) {
        return need
      }
      return nil
    }
    let (small, large) = (try elf(64), try elf(60_000))
    var spent: UInt64 = 0
    if upgrades {
      let chain = try chain()
      let before = try balance(chain)
      try deploy(deployment(small), on: chain)
      spent = before - (try balance(chain))
    }
    func poor(_ lamports: UInt64) throws -> Chain {
      let chain = try chain(lamports: lamports + spent + (upgrades ? 10_000_000_000 : 0))
      if !upgrades { return chain }
      try deploy(deployment(small), on: chain)
      let rest = System.transfer(from: payer.pubkey, to: other.pubkey, lamports: 10_000_000_000 - 5000)
      #expect(try chain.send([rest], signers: [payer]).error == nil)
      return chain
    }
    let asked = try #require(try need(poor(2_000_000), deployment(large)))
    let short = try poor(asked - 1)
    let slot = short.slot
    #expect(throws: DeploymentError.self) { try deployment(large).plan(on: short) }
    let left = try balance(short)
    #expect(short.slot == slot && left == asked - 1)
    let enough = try poor(asked)
    #expect(throws: Never.self) { try deploy(deployment(large), on: enough) }
  }

  @Test func goesOnWhereItStopped() throws {
    let chain = try chain()
    let file = try elf(20_000)
    // Written, but no program: the last step fails and names the buffer.
    var broken = file
    broken[18] = 62
    do {
      try deploy(deployment(broken), on: chain)
      Issue.record("a broken file was deployed")
    } catch let error as DeploymentError {
      #expect(error.description.contains("holds \(broken.count) of \(broken.count) bytes"), "\(error)")
    }
    let again = try deployment(broken).plan(on: chain)
    #expect(!again.createsBuffer && again.pieces.isEmpty && again.transactionCount == 1)
    // The same buffer for the right file: only the piece that differs is written.
    let buffer = ProgramDeployment.Party(again.buffer)
    let (plan, _) = try deploy(deployment(file, buffer: buffer), on: chain)
    #expect(plan.pieces == [0] && plan.transactionCount == 2 && plan.buffer == again.buffer)
    #expect(try chain.programFile(at: program.pubkey) == file)
  }

  @Test func whatCannotBeDone() throws {
    let chain = try chain()
    let file = try elf(500)
    func error(_ deployment: ProgramDeployment) -> String {
      do { _ = try deployment.plan(on: chain) } catch { return "\(error)" }
      return "ok"
    }
    let fresh = ProgramDeployment(
      elf: file, program: ProgramDeployment.Party(program.pubkey), payer: payer, authority: payer)
    #expect(error(fresh).contains("a new program has to sign"))
    let missing = ProgramDeployment.Party(other.pubkey)
    #expect(
      error(deployment(file, buffer: missing)).contains("\(other.pubkey) is no buffer: it is an account"))
    #expect(
      error(deployment([UInt8](repeating: 0, count: 10 << 20))).contains("more than an account may hold"))
    try deploy(deployment(file), on: chain)
    // By its address alone an upgrade will do.
    #expect(error(fresh) == "ok")
    let thief = error(deployment(file, authority: other))
    #expect(thief.contains("upgrade authority of \(program.pubkey) is \(payer.pubkey), not \(other.pubkey)"))
    guard case .program(let state) = try chain.programState(at: program.pubkey) else {
      Issue.record("no program")
      return
    }
    let handing = UpgradeableLoaderProgram.setAuthority(
      of: state.programData, authority: payer.pubkey, successor: other.pubkey, successorSigns: true)
    #expect(try chain.send([handing], signers: [payer, other]).error == nil)
    #expect(error(deployment(file, authority: other)) == "ok")
    #expect(try chain.deployments(of: other.pubkey).programs.map(\.0) == [program.pubkey])
    #expect(try chain.deployments(of: payer.pubkey).programs.isEmpty)
    let closing = UpgradeableLoaderProgram.close(
      state.programData, recipient: payer.pubkey, authority: other.pubkey, program: program.pubkey)
    #expect(try chain.send([closing], signers: [payer, other]).error == nil)
    #expect(try chain.programState(at: program.pubkey) == .closed(programData: state.programData))
    #expect(error(deployment(file)).contains("a closed program's id can never be used again"))
  }

  @Test func finalPrograms() throws {
    let chain = try chain()
    try deploy(deployment(try elf(64)), on: chain)
    let programData = try #require(UpgradeableProgram.programDataAddress(of: program.pubkey))
    let ending = UpgradeableLoaderProgram.setAuthority(
      of: programData, authority: payer.pubkey, successor: nil, successorSigns: false)
    #expect(try chain.send([ending], signers: [payer]).error == nil)
    #expect(throws: DeploymentError.self) { try deployment(try elf(80)).plan(on: chain) }
  }
}
