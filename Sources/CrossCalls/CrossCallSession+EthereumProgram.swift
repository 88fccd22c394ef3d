// Programs call contracts (docs/crosscalls.md): the EVM program, which a program calls like any other and a transaction of
// Solana's calls by its instructions. A call of a contract is a frame of the transaction's EVM below the one that the border
// answers, so that one journal has all: what the programs that wait have changed is taken over into it before, and what
// contracts changed of their accounts is handed back to them after.
//
// A program's copy of an account lies in its memory. So what a program around the contract holds may be changed below only if
// it was passed on to the EVM program for writing, which brings the copy up to date.

import EVM
import Ledger
import Primitives
import Runtime
import WideIntegers

extension CrossCallSession: EthereumProgram {
  package func process(_ invoke: InvokeContext) throws(InstructionError) {
    guard let host, let frame = invoke.transaction.current else { throw .unsupportedProgramId }
    let instruction: EthereumInstruction
    do throws(EthereumInstructionError) { instruction = try EthereumInstruction(decoding: frame.data) } catch
    {
      invoke.log("Program log: \(error)")
      throw .invalidInstructionData
    }
    let signer = try invoke.account(at: 0)
    guard signer.isSigner else { throw .missingRequiredSignature }
    let call = ProgramCall(
      invoke: invoke, host: host, signer: signer.key, address: address(of: signer.key))
    note(user: call.address, call.signer)
    contexts.append(invoke)
    defer { contexts.removeLast() }
    do throws(ProgramCallError) {
      try takeOver(invoke.transaction)
      let mark = journal.mark
      switch instruction {
      case .run(let run, let catches): try self.run(run, catches: catches, call)
      case .deposit(let lamports, let address): try deposit(lamports, to: address, call)
      case .withdraw(let lamports): try withdraw(lamports, call)
      }
      handBack(since: mark, to: invoke.transaction)
    } catch {
      switch error {
      case .instruction(let error): throw error
      case .state(let error):
        failure = failure ?? error
        throw .programFailedToComplete
      case .refused(let text, let number):
        invoke.log("Program log: \(text)")
        throw .custom(number.rawValue)
      }
    }
  }

  /// An instruction of the EVM program.
  private struct ProgramCall {
    let invoke: InvokeContext
    let host: BorderHost
    let signer: Pubkey
    /// The signer's.
    let address: Address

    func consume(_ units: UInt64) throws(ProgramCallError) {
      do throws(InstructionError) { try invoke.consume(units) } catch { throw .instruction(error) }
    }

    /// What an access to `address` costs, which is warm from now on, and the creation of one that is not there.
    func consumeAccess(to address: Address, mayCreate: Bool) throws(ProgramCallError) {
      let gas: UInt64
      do throws(EVMStateError) { gas = try host.accessGas(of: address, mayCreate: mayCreate) } catch {
        throw .state(error)
      }
      try consume(gas)
    }
  }

  private enum ProgramCallError: Error {
    case instruction(InstructionError)
    case state(EVMStateError)
    case refused(String, EthereumProgramError)
  }

  /// Does what contracts' calls share.
  private func sharing<Value>(
    as number: EthereumProgramError = .refused, _ body: () throws(CrossCallError) -> Value
  ) throws(ProgramCallError) -> Value {
    do throws(CrossCallError) { return try body() } catch {
      switch error {
      case .state(let error): throw .state(error)
      case .refused(let text): throw .refused(text, number)
      case .outOfGas: throw .instruction(.computationalBudgetExceeded)
      }
    }
  }

  // MARK: One journal

  private func takeOver(_ context: TransactionContext) throws(ProgramCallError) {
    try sharing { () throws(CrossCallError) in
      for index in 0..<context.accountCount where context.touched[index] {
        let position = try position(of: context.keys[index])
        if journal.account(position).pointee != context.accounts[index] {
          journal.set(context.accounts[index], at: position)
        }
      }
    }
    journal.addGrowth(context.resizeDelta - journal.growth)
  }

  private func handBack(since mark: UInt64, to context: TransactionContext) {
    journal.forEachChange(since: mark) { key, account in
      guard let index = context.index(of: key), context.accounts[index] != account else { return }
      context.replace(index, with: account)
    }
    context.setResizeDelta(journal.growth)
  }

  /// Throws where a program that waits has a copy of the account at `key` which would become stale.
  func checkMayChange(_ key: Pubkey) throws(CrossCallError) {
    for invoke in contexts {
      let held = invoke.holds(key)
      if held.current && held.isWritable { continue }
      // The vault has no other way of changing than this one.
      if held.others || held.current && key != Vault.key {
        throw .refused(
          "\(key) is an account of a program that waits, which has not passed it on to \(ProgramID.ethereum) for writing"
        )
      }
    }
  }

  /// Programs that run around a call of a contract's, the EVM program left out.
  var waitingPrograms: [Pubkey] {
    contexts.flatMap { $0.runningPrograms.filter { $0 != ProgramID.ethereum } }
  }

  /// Throws where `program` runs already, unless it has called the contract itself.
  func checkReentry(of program: Pubkey) throws(CrossCallError) {
    guard contexts.count <= CrossCallCosts.nestingLimit else {
      throw .refused(
        "Program \(program) would be nested in more than \(CrossCallCosts.nestingLimit) calls of contracts by programs"
      )
    }
    guard let last = contexts.last, waitingPrograms.contains(program) else { return }
    let running = last.runningPrograms
    let direct = running.count > 1 ? running[running.count - 2] : nil
    if direct != program {
      throw .refused(
        "Program \(program) runs already and may be called again by those alone that it calls itself")
    }
  }

  // MARK: Instructions

  private func run(_ run: EthereumInstruction.Run, catches: Bool, _ call: ProgramCall)
    throws(ProgramCallError)
  {
    let (lineEnd, logCount) = (journal.logs.end, call.host.logCount)
    var result = BorderResult(halt: nil, gasUsed: 0)
    var thrown: EVMStateError?
    run.input.withUnsafeBytes { input in
      do throws(EVMStateError) {
        result = try call.host.perform(
          BorderRequest(run.kind, from: call.address, value: run.value, gas: run.gas, input: input),
          available: min(call.invoke.remainingUnits, UInt64(Int64.max)))
      } catch { thrown = error }
    }
    if let thrown { throw .state(thrown) }
    try call.consume(result.gasUsed)
    if journal.logs.end > lineEnd {
      call.invoke.log(journal.logs, from: lineEnd)
      journal.removeLogs(from: lineEnd)
    }
    if isSolana && contexts.count == 1 {
      for log in call.host.logs(from: logCount) { call.invoke.log(log.programData) }
    }
    if let halt = result.halt {
      let reason = halt == .revert ? ErrorText.decode(result.output).map { ": \($0)" } ?? "" : ""
      call.invoke.log("Program log: \(halt)\(reason)")
      if !catches { throw .instruction(.custom(EthereumProgramError(halt).rawValue)) }
    }
    if !catches && result.created == nil && result.output.isEmpty {
      call.invoke.transaction.setReturnData(
        program: ProgramID.ethereum, UnsafeRawBufferPointer(start: nil, count: 0))
      return
    }
    let limit = TransactionContext.maximumReturnDataByteCount
    EthereumReturnData.encode(result, catches: catches, limit: limit).withUnsafeBytes {
      call.invoke.transaction.setReturnData(program: ProgramID.ethereum, $0)
    }
  }

  private func deposit(_ lamports: UInt64, to address: Address, _ call: ProgramCall) throws(ProgramCallError)
  {
    try call.consumeAccess(to: address, mayCreate: lamports > 0)
    let source = try sharing { () throws(CrossCallError) in try account(call.signer) }
    guard source.owner == ProgramID.system, source.data.isEmpty else {
      throw .refused(
        "\(call.signer) is no plain account of the system program's, which alone can deposit", .refused)
    }
    guard source.lamports >= lamports else { throw .instruction(.insufficientFunds) }
    if lamports == 0 { return }
    try sharing { () throws(CrossCallError) in try setLamports(source.lamports - lamports, of: call.signer) }
    try sharing(as: .vault) { () throws(CrossCallError) in try sell(lamports, to: address, on: call.host) }
  }

  private func withdraw(_ lamports: UInt64, _ call: ProgramCall) throws(ProgramCallError) {
    try call.consumeAccess(to: call.address, mayCreate: false)
    let target: Pubkey
    do throws(InstructionError) { target = try call.invoke.key(at: 1) } catch { throw .instruction(error) }
    let wei = UInt256(lamports) &* UInt256(Vault.weiPerLamport)
    try sharing { () throws(CrossCallError) in
      guard !ReservedKeys.contains(target) else {
        throw .refused("\(target) is reserved and takes no lamports")
      }
    }
    let balance: UInt256
    do throws(EVMStateError) { balance = try call.host.balance(of: call.address) } catch {
      throw .state(error)
    }
    guard balance >= wei else {
      throw .refused(
        "\(call.address), the address of \(call.signer), has \(balance) wei, not the \(wei) of \(lamports) lamports",
        .insufficientBalance)
    }
    if lamports == 0 { return }
    let held = try sharing { () throws(CrossCallError) in try account(target).lamports }
    let (sum, overflow) = held.addingReportingOverflow(lamports)
    if overflow { throw .refused("\(target) cannot hold \(lamports) lamports more", .refused) }
    do throws(EVMStateError) { try call.host.take(wei, from: call.address) } catch { throw .state(error) }
    try sharing(as: .vault) { () throws(CrossCallError) in try takeFromVault(lamports) }
    try sharing { () throws(CrossCallError) in try setLamports(sum, of: target) }
  }
}

extension EVMLog {
  /// As a log line of the form that `sol_log_data` has: address, topics, data.
  fileprivate var programData: String {
    let fields = [address.bytes] + topics.map(\.bytes) + [data]
    return "Program data: " + fields.map { Base64.encode($0) }.joined(separator: " ")
  }
}
