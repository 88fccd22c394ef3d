// Deploying an ELF file through the upgradeable loader, as `solana program deploy` does: a buffer account is written in
// pieces that fit a packet, then becomes the program, or replaces the one that is there. A plan is made and paid for in
// mind before anything is sent; each step is a block of its own, so that a deployment that stops goes on where it
// stopped: pieces that the buffer holds already are not written again.
//
// The buffer's key follows from the authority's secret, the program's id and the file, unless one is given. So the same
// command finds the same buffer again, and nobody else can foresee or sign for it.

import Ledger
import Primitives
import Runtime

package struct ProgramDeployment {
  /// An address and, where it is at hand, the pair that signs for it.
  package struct Party: Sendable {
    package let key: Pubkey
    package let pair: Ed25519.KeyPair?

    package init(_ pair: Ed25519.KeyPair) {
      key = pair.pubkey
      self.pair = pair
    }

    package init(_ key: Pubkey) {
      self.key = key
      pair = nil
    }
  }

  package enum Action: String, Sendable {
    case deployed, upgraded
    /// A buffer, and nothing else.
    case written
  }

  /// What is to be done, and what it takes.
  package struct Plan: Sendable {
    package let action: Action
    package let buffer: Pubkey
    package let programData: Pubkey
    /// Bytes by which the program's account grows; 0 where it need not.
    package let extensionByteCount: UInt32
    let createsBuffer: Bool
    /// Offsets of the pieces that the buffer does not hold yet.
    let pieces: [Int]
    package var transactionCount: Int {
      (createsBuffer ? 1 : 0) + pieces.count + (extensionByteCount > 0 ? 1 : 0) + (action == .written ? 0 : 1)
    }
  }

  package struct Outcome: Sendable {
    package let signature: Signature?
    package let transactionCount: Int
    package let feeLamports: UInt64
    /// What left the payer's account, fees included; below 0 where more came back from a buffer.
    package let costLamports: Int64
  }

  package let elf: [UInt8]
  /// `nil`: only a buffer is written.
  package let program: Party?
  package let payer: Ed25519.KeyPair
  /// May upgrade the program, now and later.
  package let authority: Ed25519.KeyPair
  package let buffer: Party
  /// Bytes that the program's account has room for, at least.
  private let roomByteCount: Int
  /// Of each transaction.
  private let budget: RequestedBudget

  /// - Parameters:
  ///   - buffer: nil: one that follows from the authority, the program and the file.
  ///   - room: bytes of code that the program's account shall take, for later versions; nil: those of `elf`.
  package init(
    elf: [UInt8], program: Party?, payer: Ed25519.KeyPair, authority: Ed25519.KeyPair, buffer: Party? = nil,
    room: Int? = nil, budget: RequestedBudget = RequestedBudget()
  ) {
    self.elf = elf
    self.budget = budget
    roomByteCount = room ?? elf.count
    self.program = program
    self.payer = payer
    self.authority = authority
    if let buffer {
      self.buffer = buffer
    } else {
      let name = (program?.key ?? authority.pubkey).bytes
      let secret = Array("estuary buffer".utf8) + authority.bytes + name + SHA256.hash(elf).bytes
      self.buffer = Party(Ed25519.KeyPair(seed: SHA256.hash(secret)))
    }
  }

  /// Bytes of ELF a write transaction carries; the rest of the packet is signatures, keys and headers, and a second
  /// signer takes 96 bytes of it, and a budget up to 52.
  private var pieceByteCount: Int {
    (authority.pubkey == payer.pubkey ? 1000 : 900) - (budget.byteCount > 0 ? 60 : 0)
  }
  /// Write transactions in a block.
  private static let blockTransactionCount = 1000

  /// Bytes of the largest program.
  package static let byteCountLimit =
    Account.maximumDataByteCount - UpgradeableProgram.programDataHeaderByteCount

  // MARK: Planning

  /// Looks at the accounts and the payer's balance; sends nothing.
  package func plan(on chain: some ProgramHost) throws(DeploymentError) -> Plan {
    if elf.count > Self.byteCountLimit { throw .tooLarge(byteCount: elf.count) }
    guard (elf.count...Self.byteCountLimit).contains(roomByteCount) else {
      throw .room(byteCount: roomByteCount, program: elf.count)
    }
    let target = try target(on: chain)
    let held = try heldPieces(on: chain)
    let plan = Plan(
      action: target.action, buffer: buffer.key, programData: target.programData,
      extensionByteCount: target.extensionByteCount, createsBuffer: held == nil,
      pieces: stride(from: 0, to: elf.count, by: pieceByteCount).filter { held?.contains($0) != true })
    try checkFunds(plan, on: chain)
    return plan
  }

  private func target(
    on chain: some ProgramHost
  ) throws(DeploymentError) -> (action: Action, programData: Pubkey, extensionByteCount: UInt32) {
    guard let program else { return (.written, .zero, 0) }
    let state = try read(chain) { try $0.programState(at: program.key) }
    switch state {
    case .none:
      guard program.pair != nil else { throw .needsKeyPair(program.key, role: "program") }
      return (.deployed, UpgradeableProgram.programDataAddress(of: program.key) ?? .zero, 0)
    case .program(let existing):
      guard let owner = existing.authority else { throw .final(program.key) }
      if owner != authority.pubkey {
        throw .wrongAuthority(of: program.key, role: "upgrade authority", is: owner, given: authority.pubkey)
      }
      let growth = ProgramExtension.byteCount(from: existing.capacity, to: roomByteCount)
      return (.upgraded, existing.programData, growth)
    case .closed: throw .closed(program.key)
    case .buffer, .programData, .fixedProgram, .other: throw .notUpgradeable(program.key, state)
    }
  }

  /// Offsets of the pieces that the buffer holds already; nil where there is no buffer.
  private func heldPieces(on chain: some ProgramHost) throws(DeploymentError) -> Set<Int>? {
    let state = try read(chain) { try $0.programState(at: buffer.key) }
    guard case .buffer(let existing) = state else {
      if state != .none { throw .notBuffer(buffer.key, state) }
      if buffer.pair == nil { throw .needsKeyPair(buffer.key, role: "buffer") }
      return nil
    }
    if let owner = existing.authority, owner != authority.pubkey {
      throw .wrongAuthority(of: buffer.key, role: "authority", is: owner, given: authority.pubkey)
    }
    if existing.byteCount != elf.count {
      throw .bufferSize(buffer.key, byteCount: existing.byteCount, needed: elf.count)
    }
    let held = try read(chain) { try $0.programFile(at: buffer.key) } ?? []
    return Set(
      stride(from: 0, to: elf.count, by: pieceByteCount).filter {
        let range = $0..<min($0 + pieceByteCount, elf.count)
        return held.count >= range.upperBound && held[range] == elf[range]
      })
  }

  private func checkFunds(_ plan: Plan, on chain: some ProgramHost) throws(DeploymentError) {
    let fees = (0..<plan.transactionCount).map { fee(ofStep: $0, plan) }.saturatedSum
    let bufferRent =
      plan.createsBuffer ? try rent(UpgradeableLoaderState.bufferMetadataByteCount + elf.count, chain) : 0
    let existing = try read(chain) { try $0.account(buffer.key) }?.lamports ?? 0
    var parts: [(name: String, lamports: UInt64)] = []
    switch plan.action {
    case .deployed:
      // The buffer's rent comes back when the program's data is created.
      let dataRent = try rent(UpgradeableLoaderState.programDataMetadataByteCount + roomByteCount, chain)
      let held = max(bufferRent, dataRent - min(dataRent, plan.createsBuffer ? 0 : existing))
      parts = [("for the program's data", held), ("for the program's account", try programRent(chain))]
    case .written: parts = [("for the buffer", bufferRent)]
    case .upgraded:
      let data = try read(chain) { try $0.account(plan.programData) }
      let grown = try rent((data?.data.count ?? 0) + Int(plan.extensionByteCount), chain)
      let missing = plan.extensionByteCount > 0 ? grown - min(grown, data?.lamports ?? 0) : 0
      parts = [
        ("for the buffer, which comes back", bufferRent),
        ("for \(plan.extensionByteCount) more bytes of program", missing),
      ]
    }
    parts += [
      ("of fees for \(plan.transactionCount) transactions", fees),
      ("that an account keeps", try rent(0, chain)),
    ]
    let need = parts.map(\.lamports).saturatedSum
    let have = try read(chain) { try $0.account(payer.pubkey) }?.lamports ?? 0
    if have < need { throw .insufficientFunds(payer: payer.pubkey, have: have, need: need, parts: parts) }
  }

  private func rent(_ byteCount: Int, _ chain: some ProgramHost) throws(DeploymentError) -> UInt64 {
    try read(chain) { try $0.minimumBalance(dataByteCount: byteCount) }
  }

  private func programRent(_ chain: some ProgramHost) throws(DeploymentError) -> UInt64 {
    try rent(UpgradeableLoaderState.programByteCount, chain)
  }

  private static let lamportsPerSignature: UInt64 = 5000

  /// The first step creates the buffer, the last one deploys.
  private func fee(ofStep index: Int, _ plan: Plan) -> UInt64 {
    var signers: Set<Pubkey> = [payer.pubkey]
    var programs = [ProgramID.bpfLoaderUpgradeable]
    if index == 0 && plan.createsBuffer {
      signers.insert(buffer.key)
      programs.append(ProgramID.system)
    } else if index < plan.pieces.count + (plan.createsBuffer ? 1 : 0) {
      signers.insert(authority.pubkey)
    } else if index == plan.transactionCount - 1 && plan.action != .written {
      signers.insert(authority.pubkey)
      if plan.action == .deployed, let program {
        signers.insert(program.key)
        programs.append(ProgramID.system)
      }
    }
    return [UInt64(signers.count) * Self.lamportsPerSignature, budget.priorityFee(ofCalling: programs)].saturatedSum
  }

  // MARK: Running

  /// Sends what the plan says.
  ///
  /// - Parameter progress: called with the bytes written so far.
  package func run(
    _ plan: Plan, on chain: some ProgramHost, progress: (Int) -> Void = { _ in }
  ) throws(DeploymentError) -> Outcome {
    let before = try balance(chain)
    var fees: UInt64 = 0
    var written = elf.count - plan.pieces.reduce(0) { $0 + pieceRange($1).count }
    var isWriting = false
    var signature: Signature?
    func send(
      _ steps: [TransactionDraft], _ name: String, progress: (Int) -> Void = { _ in }
    ) throws(DeploymentError) {
      let steps = steps.map { (instructions: $0.instructions + budget.instructions, signers: $0.signers) }
      let results: [TransactionResult]
      do throws(SubmissionError) { results = try chain.send(transactions: steps, progress: progress) } catch {
        throw isWriting ? .interrupted(error, buffer: (buffer.key, written, elf.count)) : .submission(error)
      }
      fees += results.reduce(0) { $0 + $1.fee }
      signature = results.last?.signature
      for (result, step) in zip(results, steps) {
        let failed = FailedTransaction(result, of: step.instructions, signers: step.signers, on: chain)
        guard let failed else { continue }
        throw .transactionFailed(step: name, text: failed.text, buffer: (buffer.key, written, elf.count))
      }
    }
    if plan.createsBuffer { try send([try bufferCreation(chain)], "creating buffer \(buffer.key)") }
    isWriting = true
    for start in stride(from: 0, to: plan.pieces.count, by: Self.blockTransactionCount) {
      progress(written)
      let offsets = plan.pieces[start..<min(start + Self.blockTransactionCount, plan.pieces.count)]
      let before = written
      try send(offsets.map(writing), "writing to buffer \(buffer.key)") { count in
        written = min(before + count * pieceByteCount, elf.count)
        progress(written)
      }
      written = before + offsets.reduce(0) { $0 + pieceRange($1).count }
    }
    isWriting = false
    progress(written)
    if plan.extensionByteCount > 0, let program {
      let instruction = UpgradeableLoaderProgram.extend(
        program.key, programData: plan.programData, by: plan.extensionByteCount, payer: payer.pubkey)
      try send([([instruction], [payer])], "extending program \(program.key)")
    }
    switch (plan.action, program) {
    case (.deployed, let program?):
      try send([try deployment(plan, of: program, chain)], "deploying program \(program.key)")
    case (.upgraded, let program?):
      try send([upgrade(plan, of: program)], "upgrading program \(program.key)")
    case (.written, _), (_, nil): break
    }
    let after = try balance(chain)
    return Outcome(
      signature: signature, transactionCount: plan.transactionCount, feeLamports: fees,
      costLamports: Int64(clamping: before) - Int64(clamping: after))
  }

  private func balance(_ chain: some ProgramHost) throws(DeploymentError) -> UInt64 {
    try read(chain) { try $0.account(payer.pubkey) }?.lamports ?? 0
  }

  private func pieceRange(_ offset: Int) -> Range<Int> {
    offset..<min(offset + pieceByteCount, elf.count)
  }

  private func bufferCreation(_ chain: some ProgramHost) throws(DeploymentError) -> TransactionDraft {
    let byteCount = UpgradeableLoaderState.bufferMetadataByteCount + elf.count
    return (
      [
        System.createAccount(
          from: payer.pubkey, to: buffer.key, lamports: try rent(byteCount, chain), space: UInt64(byteCount),
          owner: ProgramID.bpfLoaderUpgradeable),
        UpgradeableLoaderProgram.initializeBuffer(buffer.key, authority: authority.pubkey),
      ], [payer] + (buffer.pair.map { [$0] } ?? [])
    )
  }

  private func writing(at offset: Int) -> TransactionDraft {
    let piece = Array(elf[pieceRange(offset)])
    let instruction = UpgradeableLoaderProgram.write(
      piece, at: offset, to: buffer.key, authority: authority.pubkey)
    return ([instruction], [payer, authority])
  }

  private func deployment(
    _ plan: Plan, of program: Party, _ chain: some ProgramHost
  ) throws(DeploymentError) -> TransactionDraft {
    (
      [
        System.createAccount(
          from: payer.pubkey, to: program.key, lamports: try programRent(chain),
          space: UInt64(UpgradeableLoaderState.programByteCount), owner: ProgramID.bpfLoaderUpgradeable),
        UpgradeableLoaderProgram.deploy(
          program.key, programData: plan.programData, buffer: buffer.key, maximumByteCount: roomByteCount,
          payer: payer.pubkey, authority: authority.pubkey),
      ], [payer, authority] + (program.pair.map { [$0] } ?? [])
    )
  }

  private func upgrade(_ plan: Plan, of program: Party) -> TransactionDraft {
    let instruction = UpgradeableLoaderProgram.upgrade(
      program.key, programData: plan.programData, buffer: buffer.key, spill: payer.pubkey,
      authority: authority.pubkey)
    return ([instruction], [payer, authority])
  }

  private func read<Host: ProgramHost, Value>(
    _ chain: Host, _ body: (Host) throws -> Value
  ) throws(DeploymentError) -> Value {
    do { return try body(chain) } catch { throw .host(error) }
  }
}

/// How far a program's account grows at once (SIMD-0431): by at least 10,240 bytes, or to an account's maximum.
package enum ProgramExtension {
  /// Bytes by which to extend an account of `capacity` bytes of code for `needed`, at most the largest program; 0 if
  /// they fit.
  package static func byteCount(from capacity: Int, to needed: Int) -> UInt32 {
    if needed <= capacity { return 0 }
    let growth = max(needed - capacity, Int(UpgradeableLoader.minimumExtensionByteCount))
    return UInt32(clamping: min(growth, room(beyond: capacity)))
  }

  /// Bytes that an account of `capacity` bytes of code may still grow by.
  package static func room(beyond capacity: Int) -> Int {
    max(0, Account.maximumDataByteCount - UpgradeableLoaderState.programDataMetadataByteCount - capacity)
  }

  /// Throws unless the loader takes an extension by `byteCount`.
  package static func check(_ byteCount: UInt32, of capacity: Int) throws(DeploymentError) {
    let minimum = UpgradeableLoader.minimumExtensionByteCount
    let room = room(beyond: capacity)
    guard Int(byteCount) == room || byteCount >= minimum && Int(byteCount) <= room else {
      throw .extensionTooSmall(byteCount: byteCount, minimum: minimum, toMaximum: room)
    }
  }
}
