// What Ethereum's transactions of a block reach of Solana's side when contracts call programs (docs/crosscalls.md): the
// table of Solana's accounts, on which their changes are published like those of Solana's own transactions.
//
// Solana's and Ethereum's transactions of a block run apart from each other as long as they do not meet, which is known of
// a contract's call only when it is made. So beside Solana's transactions a call of a program is refused
// (`EVMStateError.crossing`), and the executor runs the block in order.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

/// Of one block. Changed by the thread that settles what workers did, or by the one that executes in order.
final class ProgramSide: @unchecked Sendable {
  // Sendable: the table orders what workers do with it; the rest is touched while no worker runs.
  let table: AccountTable
  let environment: ExecutionEnvironment
  /// Whether Solana's transactions run beside, so that no contract may call a program.
  let refusesCrossing: Bool
  private var noted: [AccountTable.FirstChange] = []
  private var taken: [[AccountTable.FirstChange]] = []

  init(_ table: AccountTable, _ environment: ExecutionEnvironment, refusesCrossing: Bool) {
    (self.table, self.environment, self.refusesCrossing) = (table, environment, refusesCrossing)
  }

  /// The account at `key`; no worker runs.
  ///
  /// - Parameter isAlone: whether no other transaction can meet with the one that asks.
  func account(_ key: Pubkey, isAlone: Bool = false) throws(EVMStateError) -> Account {
    if refusesCrossing && !isAlone { throw .crossing(key: key) }
    return table[try intern(key)]
  }

  /// Replaces the account at `key`; no worker runs.
  func publish(_ account: Account?, at key: Pubkey) throws(EVMStateError) {
    var account = account ?? .empty
    let index = try intern(key)
    let mayChangeProgram = table.mayChangeProgramData(&account, at: index)
    table.publish(from: &account, at: index, noting: &noted)
    if mayChangeProgram { table.noteBarrier([index]) }
  }

  private func intern(_ key: Pubkey) throws(EVMStateError) -> AccountIndex {
    do throws(StoreError) { return try table.intern(key) } catch { throw .store(error) }
  }

  /// Takes over changes that a worker noted.
  func add(firstChanges changes: consuming [AccountTable.FirstChange]) {
    if !changes.isEmpty { taken.append(changes) }
  }

  /// Hands over what was noted of changes.
  func takeFirstChanges() -> [[AccountTable.FirstChange]] {
    defer { (noted, taken) = ([], []) }
    return noted.isEmpty ? taken : taken + [noted]
  }
}

/// One thread's way from contracts to programs, for transactions that are executed one after the other.
final class ProgramReach: ProgramAccountSource {
  let session: CrossCallSession
  private let side: ProgramSide
  private var isAlone = false

  init(_ side: ProgramSide, _ session: CrossCallSession) {
    (self.side, self.session) = (side, session)
    session.beginBlock(side.environment)
    session.release()
  }

  func begin(_ transaction: borrowing EthereumTransaction) {
    isAlone = false
    session.begin(reading: self, gasLimit: transaction.gasLimit)
  }

  /// Starts a transaction of Solana's, beside which nothing runs.
  func beginSolana(on host: EVMHost) {
    isAlone = true
    session.beginSolana(reading: self, on: host.beyond)
  }

  /// Not lent: the table may grow before the transaction ends.
  func programAccount(_ key: Pubkey) throws(EVMStateError) -> LoadedAccount {
    .owned(try side.account(key, isAlone: isAlone))
  }

  /// Makes what the transaction changed the state, but for the accounts that `isPublished` knows to be so.
  func publish(except isPublished: (Pubkey) -> Bool = { _ in false }) throws(EVMStateError) {
    try session.forEachChange { (key, account) throws(EVMStateError) in
      if !isPublished(key) { try side.publish(account, at: key) }
    }
  }
}

/// One worker's way from contracts to programs in a wave: accounts of programs are claimed like those of Ethereum's.
final class WaveProgramReach: WaveView, ProgramAccountSource {
  let session: CrossCallSession
  private let refusesCrossing: Bool
  /// Accounts whose changes may make or unmake programs, of which the table hears when the wave is over.
  private var programChanges: [AccountIndex] = []

  /// - Parameter transactionCount: about as many as the worker will run.
  init(_ side: ProgramSide, _ session: CrossCallSession, worker: WorkerIndex, transactionCount: Int) {
    self.session = session
    refusesCrossing = side.refusesCrossing
    super.init(side.table, worker: worker, changeCount: 2 * transactionCount)
    session.beginBlock(side.environment)
    session.release()
  }

  func begin(_ transaction: borrowing EthereumTransaction, at position: UInt32) {
    begin(at: position)
    session.begin(reading: self, gasLimit: transaction.gasLimit)
  }

  /// Lent: nobody changes what this worker has claimed, and the table has room for all keys of the wave.
  func programAccount(_ key: Pubkey) throws(EVMStateError) -> LoadedAccount {
    if refusesCrossing { throw fail(key, claimant.position) }
    let index = try index(of: key)
    try claimRead(key, at: index)
    return .lent(UnsafePointer(table.account(at: index)))
  }

  /// Makes what the transaction changed the state, as far as nobody else uses it.
  func publish() throws(EVMStateError) {
    try session.forEachChange { (key, account) throws(EVMStateError) in
      let index = try write(key, account)
      if account?.owner == ProgramID.bpfLoaderUpgradeable || owner.hasProgramData(index) {
        programChanges.append(index)
      }
    }
  }

  /// Tells the table, while no worker runs, of the programs that the wave made or unmade, whether or not that was taken
  /// back.
  func noteBarrier() {
    if programChanges.isEmpty { return }
    owner.noteBarrier(programChanges)
    programChanges.removeAll(keepingCapacity: true)
  }
}
