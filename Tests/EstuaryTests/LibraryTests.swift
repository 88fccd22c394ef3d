// The library as an embedding program uses it: both families on one chain, trying out, forks, observers, natives.

import Contracts
import Estuary
import Foundation
import Linking
import Primitives
import SBPF
import Testing

@Suite struct LibraryTests {
  private let alice = KeyPair(seed: Hash(word0: 1, word1: 2, word2: 3, word3: 4))
  private let bob = KeyPair(seed: Hash(word0: 5, word1: 6, word2: 7, word3: 8)).pubkey
  private let owner = PrivateKey.development(0)
  private let other = PrivateKey.development(1)

  private func funded(workers: Int = 1, options: Chain.Options = .init()) throws -> Chain {
    let chain = try Chain(workers: workers, options: options)
    try chain.airdrop(10 * Chain.lamportsPerSOL, to: alice.pubkey)
    return chain
  }

  private func program(_ text: String, _ syscalls: [String] = []) throws -> [UInt8] {
    let image = try Assembler.assemble(text, version: .v3)
    return try ObjectLinker.executable(
      ProgramImage(
        version: .v3, text: image.text, rodata: [UInt8](repeating: 7, count: 8), rodataAddress: 0, entryPC: 0)
    )
  }

  private func transfer(_ lamports: UInt64, on chain: Chain) throws -> SignedTransaction {
    try chain.transaction(
      [.transfer(from: alice.pubkey, to: bob, lamports: lamports)], signedBy: [alice])
  }

  // MARK: Blocks

  @Test(arguments: [1, 2, 4]) func runsBothFamiliesInOneBlock(_ workers: Int) throws {
    let chain = try funded(workers: workers)
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    let nonce = try chain.nonce(of: other.address)
    let block = try chain.execute(
      [
        try transfer(2_000_000, on: chain),
        try counter.transaction("add", [7], signedBy: owner),
        try counter.transaction("add(uint256)", [8], signedBy: other, nonce: nonce, gasLimit: 100_000),
        try counter.transaction("add", [101], signedBy: other, nonce: nonce + 1, gasLimit: 100_000),
        .solana([1, 2, 3]),
        try transfer(7, on: chain),
      ], recordsSchedule: true)
    #expect(block.receipts.map(\.isSuccess) == [true, true, true, false, false, true])
    #expect(try chain.account(bob)?.lamports == 2_000_007)
    #expect(try counter.call("count") == [15])
    #expect(try chain.storage(of: counter.address, slot: 0) == 15)
    let events = counter.events(in: block.receipts.ethereum.flatMap(\.logs))
    #expect(events.map { $0["value"] } == [7, 8])
    #expect(events.map { $0["who"] } == [.address(owner.address), .address(other.address)])
    #expect(block.schedule.count == 6)
    #expect(block.schedule.allSatisfy { $0.worker < workers && $0.startNanoseconds <= $0.endNanoseconds })
  }

  @Test func givesTheSameWithAnyWorkers() throws {
    var results: [([Bool], UInt256?)] = []
    for workers in [1, 3] {
      let chain = try funded(workers: workers)
      let counter = try chain.deploy(CounterContract.artefact(), from: owner)
      let first = try chain.nonce(of: owner.address)
      let block = try chain.execute(
        try (0..<20).map { index in
          try counter.transaction(
            "add", [.uint(UInt256(UInt64(index * 9)))], signedBy: owner, nonce: first + UInt64(index),
            gasLimit: 90_000)
        })
      results.append((block.receipts.map(\.isSuccess), try chain.storage(of: counter.address, slot: 0)))
    }
    #expect(results[0].0 == results[1].0 && results[0].1 == results[1].1)
    #expect(results[0].0.contains(false) && results[0].0.contains(true))
  }

  @Test func goesOnInADirectory() throws {
    let directory =
      FileManager.default.temporaryDirectory.path + "/estuary-library-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let address: Address
    do {
      let chain = try Chain(directory: directory)
      address = try chain.deploy(CounterContract.artefact(), from: owner).address
      try Contract(at: address, on: chain).send("add(uint256)", [3], from: owner)
    }
    let chain = try Chain(directory: directory, workers: 2)
    #expect(try Contract(at: address, on: chain).call("count()(uint256)") == [3])
    #expect(throws: ChainError.self) { try Chain(directory: directory) }
  }

  // MARK: Programs

  @Test func deploysAndCallsAProgram() throws {
    let chain = try funded()
    let pair = KeyPair.random()
    let key = try chain.deploy(program: program("entrypoint:\nmov64 r0, 0\nexit"), as: pair, payer: alice)
    let call = Instruction(programID: key, accounts: [], data: [])
    let receipt = try chain.send(chain.transaction([.computeUnitLimit(1000), call], signedBy: [alice]))
    #expect(receipt.isSuccess)
    // Upgraded to one that fails.
    try chain.deploy(program: program("entrypoint:\nmov64 r0, 7\nexit"), as: pair, payer: alice)
    guard case .solana(let result) = try chain.send(chain.transaction([call], signedBy: [alice])) else {
      return
    }
    #expect(result.error == .instructionError(index: 0, .custom(7)))
    #expect(throws: RequestError.self) { try chain.deploy(program: [1, 2, 3], payer: alice) }
  }

  // MARK: Trying out

  @Test func simulatesWithoutAnEffect() throws {
    let chain = try funded()
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    let before = [chain.stateHash, chain.blockhash, try chain.stateRoot()]
    let trial = try chain.simulate([
      try transfer(5 * 890_880, on: chain), try counter.transaction("add", [7], signedBy: owner),
    ])
    #expect(trial.receipts.map(\.isSuccess) == [true, true])
    let change = try #require(trial.changes.first { $0.key == bob })
    #expect(change.before == nil && change.after?.lamports == 5 * 890_880)
    let after = [chain.stateHash, chain.blockhash, try chain.stateRoot()]
    #expect(after == before)
    #expect(try counter.call("count") == [0])
    #expect(try chain.account(bob) == nil)
    // It may be executed all the same.
    let sent = try chain.send(counter.transaction("add", [9], signedBy: owner))
    #expect(sent.isSuccess)
    #expect(try counter.call("count") == [9])
  }

  @Test func callsTellAccessesAndReasons() throws {
    let chain = try funded()
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    let result = try chain.call(counter.message("add", [1]), from: owner.address)
    #expect(result.isSuccess && result.output.last == 1 && result.logs.count == 1)
    #expect(result.access.slots.map(\.key.slot) == [0])
    #expect(result.access.slots.map(\.isWritable) == [true])
    // Bound to that set a transaction does the same; bound to less it does nothing.
    let transaction = try counter.transaction("add", [1], signedBy: owner)
    let access = try chain.call(counter.message("add", [1]), from: owner.address).access
    let bound = transaction.bound(to: access.union(.sender(owner.address)))
    #expect(try chain.simulate([bound]).receipts[0].isSuccess)
    let refused = try chain.simulate([transaction.bound(to: .sender(owner.address))]).receipts.ethereum[0]
    #expect(refused.errorText?.hasPrefix("undeclared access") == true)

    #expect(throws: RequestError.self) { try counter.call("add", [101]) }
    do throws(RequestError) {
      try counter.send("add", [200], from: owner)
      Issue.record("more than the limit was added")
    } catch {
      #expect(error.description == "TooMuch(100)")
    }
  }

  @Test func namesWhatIsWrong() throws {
    let chain = try Chain()
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    func message(_ body: () throws(RequestError) -> Void) -> String {
      do throws(RequestError) { try body() } catch { return error.description }
      return ""
    }
    let before = chain.stateHash
    #expect(
      message { () throws(RequestError) in _ = try counter.call("sub", [1]) }.contains("no function 'sub'"))
    #expect(
      message { () throws(RequestError) in _ = try counter.call("add", []) }.contains(
        "takes 1 argument, 0 given"))
    #expect(
      message { () throws(RequestError) in _ = try counter.call("add", ["much"]) }.contains(
        "argument 1 'value'"))
    #expect(
      message { () throws(RequestError) in _ = try counter.call("add", [-1]) }.contains("argument 1 'value'"))
    #expect(
      message { () throws(RequestError) in
        try counter.send("add", [1], from: PrivateKey([UInt8](repeating: 5, count: 32))!)
      }.contains("refuse"))
    #expect(
      message { () throws(RequestError) in _ = try chain.transaction([], signedBy: []) }.contains("payer"))
    #expect(
      message { () throws(RequestError) in _ = try ContractArtefact(file: "/nowhere/token.json") }
        .contains("/nowhere/token.json"))
    #expect(chain.stateHash == before)
    #expect(message { () throws(RequestError) in try chain.airdrop(.max, to: bob) }.contains("faucet"))
    #expect(throws: ChainError.self) { try Chain(workers: 0) }
    #expect("\(alice) \(owner)".contains("key pair of \(alice.pubkey)"))
    var dumped = ""
    dump(alice, to: &dumped)
    dump(owner, to: &dumped)
    #expect(dumped.contains("\(alice.pubkey)") && !dumped.contains("bytes") && !dumped.contains("secret"))
  }

  // MARK: Forks

  @Test func forksGoTheirOwnWay() throws {
    let chain = try funded()
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    try counter.send("add", [1], from: owner)
    let snapshot = try chain.fork(workers: 2)
    let hash = chain.stateHash
    #expect(snapshot.stateHash == hash)
    try counter.send("add", [10], from: owner)
    _ = try chain.send(transfer(Chain.lamportsPerSOL, on: chain))
    // The snapshot has not moved, and goes on from where it was made.
    #expect(snapshot.stateHash == hash)
    let there = Contract(at: counter.address, abi: counter.abi, on: snapshot)
    #expect(try there.call("count") == [1])
    #expect(try snapshot.account(bob) == nil)
    try there.send("add", [2], from: owner)
    let deeper = try snapshot.fork()
    try there.send("add", [4], from: owner)
    #expect(try Contract(at: counter.address, abi: counter.abi, on: deeper).call("count") == [3])
    #expect(try there.call("count") == [7])
    #expect(try counter.call("count") == [11])
    // The same blocks on a fork and on its origin lead to the same state root.
    let again = try chain.fork()
    try counter.send("add", [5], from: owner)
    try Contract(at: counter.address, abi: counter.abi, on: again).send("add", [5], from: owner)
    #expect(try again.stateRoot() == chain.stateRoot())
  }

  // MARK: Observers

  private final class Recorder: ExecutionObserver {
    let observesInstructions: Bool
    var lines: [String] = []
    var instructionCount = 0

    init(instructions: Bool) { observesInstructions = instructions }

    func willExecute(_ index: Int) { lines.append("transaction \(index)") }
    func didExecute(_ index: Int, _ receipt: Receipt) { lines.append("done \(index) \(receipt.isSuccess)") }
    func didBegin(_ call: ObservedCall) { lines.append("\(call.depth) begin \(call.callee)") }
    func didEnd(_ call: ObservedCall, _ outcome: ObservedCall.Outcome) {
      lines.append("\(call.depth) end \(outcome.failure ?? "")")
    }
    func didLog(_ log: EthereumTransactionResult.Log) { lines.append("log \(log.address.checksummed)") }
    func didStore(_ value: UInt256, at slot: UInt256, of address: Address, replacing old: UInt256) {
      lines.append("store \(slot.decimal) \(old.decimal) \(value.decimal)")
    }
    func willRun(_ instruction: ObservedInstruction) { instructionCount += 1 }
  }

  @Test(arguments: [false, true]) func observersSeeEverythingInOrder(_ instructions: Bool) throws {
    let chain = try funded(workers: 2)
    let program = try chain.deploy(program: program("entrypoint:\nmov64 r0, 0\nexit"), payer: alice)
    let counter = try chain.deploy(CounterContract.artefact(), from: owner)
    let forwarder = try chain.deploy(
      ContractArtefact(initcode: CounterContract.forwarder(to: counter.address)), from: owner)
    let nonce = try chain.nonce(of: owner.address)
    let transactions = [
      try chain.transaction([Instruction(programID: program, accounts: [], data: [1])], signedBy: [alice]),
      try Contract(at: forwarder.address, abi: counter.abi, on: chain)
        .transaction("add", [7], signedBy: owner),
      try Contract(at: forwarder.address, abi: counter.abi, on: chain)
        .transaction("add", [101], signedBy: owner, nonce: nonce + 1, gasLimit: 100_000),
    ]
    let recorder = Recorder(instructions: instructions)
    let fork = try chain.fork()
    let plain = try fork.execute(transactions)
    let trial = try chain.simulate(transactions, observer: recorder)
    let block = try chain.execute(transactions, observer: Recorder(instructions: instructions))
    #expect(trial.receipts == block.receipts && plain.receipts == block.receipts)
    #expect(try chain.stateRoot() == fork.stateRoot())
    let start = try #require(recorder.lines.firstIndex(of: "transaction 0"))
    #expect(
      Array(recorder.lines[start...].prefix(18)) == [
        "transaction 0", "0 begin \(program)", "0 end ", "done 0 true",
        "transaction 1", "0 begin \(forwarder.address.checksummed)",
        "1 begin \(counter.address.checksummed)", "store 0 0 7", "log \(counter.address.checksummed)",
        "1 end ", "0 end ", "done 1 true",
        "transaction 2", "0 begin \(forwarder.address.checksummed)",
        "1 begin \(counter.address.checksummed)", "1 end execution reverted", "0 end execution reverted",
        "done 2 false",
      ])
    #expect(instructions ? recorder.instructionCount > 60 : recorder.instructionCount == 0)
  }

  // MARK: Natives

  private static let treble = Address(hex: "0x00000000000000000000000000000000000e5700")!

  private func natives() -> Natives {
    var natives = Natives()
    natives.contracts = [
      NativeContract(
        at: Self.treble, gas: { UInt64(100 * $0.count) },
        run: { input in input.isEmpty ? nil : input.map { $0 &* 3 } })
    ]
    natives.syscalls = [
      NativeSyscall("host_sum_") { machine, a, b, _, _, _ in
        NativeSyscall.with(machine) { (caller) throws(NativeSyscall.Failure) in
          try caller.consume(50)
          caller.log("sum")
          return a &+ b
        }
      }
    ]
    natives.programs = [
      NativeProgram(bob, units: 300) { (call) throws(InstructionError) in
        guard call.accountCount == 1, call.data.count == 1 else { throw .invalidInstructionData }
        call.log("keeps \(call.data[0])")
        try call.setData(call.data, at: 0)
      }
    ]
    return natives
  }

  @Test(arguments: [1, 2]) func nativeContractsAreCalledAsContracts(_ workers: Int) throws {
    var options = Chain.Options()
    options.natives = natives()
    let chain = try funded(workers: workers, options: options)
    let direct = try chain.call(EthereumMessage(to: Self.treble, data: [1, 2]))
    #expect(direct.isSuccess && direct.output == [3, 6])
    #expect(try !chain.call(EthereumMessage(to: Self.treble)).isSuccess)
    #expect(try chain.code(at: Self.treble) == [0xfe])
    let forwarder = try chain.deploy(
      ContractArtefact(initcode: CounterContract.forwarder(to: Self.treble)), from: owner)
    let message = EthereumMessage(to: forwarder.address, data: [5])
    #expect(try chain.call(message).output == [15])
    #expect(try chain.fork().call(message).output == [15])
    let receipt = try chain.send(chain.transaction(message, signedBy: owner))
    #expect(receipt.isSuccess)
    guard case .ethereum(let result) = receipt else { return }
    #expect(result.output == [15])
    let dear = EthereumMessage(
      to: forwarder.address, data: [UInt8](repeating: 1, count: 600), gasLimit: 80_000)
    #expect(try !chain.call(dear).isSuccess)
  }

  @Test func nativeProgramsAndSyscalls() throws {
    var options = Chain.Options()
    options.natives = natives()
    let record = KeyPair.random()
    options.accounts[record.pubkey] = Account(lamports: 10_000_000, data: [0], owner: bob)
    let chain = try funded(options: options)
    func send(_ data: [UInt8]) throws -> TransactionResult? {
      let call = Instruction(
        programID: bob, accounts: [AccountMeta(key: record.pubkey, isSigner: false, isWritable: true)],
        data: data)
      guard case .solana(let result) = try chain.send(chain.transaction([call], signedBy: [alice])) else {
        return nil
      }
      return result
    }
    let result = try #require(try send([42]))
    #expect(result.error == nil && result.computeUnits == 300)
    #expect(result.logLines.contains("Program log: keeps 42"))
    #expect(try chain.account(record.pubkey)?.data == [42])
    #expect(try send([1, 2])?.error == .instructionError(index: 0, .invalidInstructionData))

    let elf = try program("entrypoint:\nmov64 r1, 3\nmov64 r2, 4\ncall host_sum_\nsub64 r0, 7\nexit")
    let key = try chain.deploy(program: elf, payer: alice)
    let call = Instruction(programID: key, accounts: [], data: [])
    guard case .solana(let sum) = try chain.send(chain.transaction([call], signedBy: [alice])) else { return }
    #expect(sum.error == nil && sum.computeUnits == 55 && sum.logLines.contains("Program log: sum"))
    // A chain without the syscall does not run the program.
    let plain = try funded()
    let there = Instruction(programID: try plain.deploy(program: elf, payer: alice), accounts: [], data: [])
    let receipt = try plain.send(plain.transaction([there], signedBy: [alice]))
    #expect(!receipt.isSuccess)
  }

  @Test func nativesDoNotTakeAPlaceTwice() throws {
    var options = Chain.Options()
    options.natives.contracts = [
      NativeContract(
        at: Address(hex: "0x" + String(repeating: "0", count: 39) + "1")!, gas: { _ in 0 }, run: { $0 })
    ]
    #expect(throws: ChainError.self) { try Chain(options: options) }
    options.natives = Natives()
    options.natives.syscalls = [NativeSyscall("sol_log_") { _, _, _, _, _, _ in 0 }]
    #expect(throws: ChainError.self) { try Chain(options: options) }
    options.natives = Natives()
    let program = NativeProgram(bob, units: 1) { _ in }
    options.natives.programs = [program, program]
    #expect(throws: ChainError.self) { try Chain(options: options) }
  }
}

extension AccessSet {
  fileprivate static func sender(_ address: Address) -> AccessSet {
    AccessSet(accounts: [.init(address, isWritable: true)])
  }
}
