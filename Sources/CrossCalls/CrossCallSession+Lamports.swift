// Lamports and wei: FF00…0003, and who pays for what a contract's calls create.
//
// 1 lamport is 10^9 wei. The vault holds the lamports behind what crosses: lamports leave it when as much wei is taken out
// of Ethereum's side, and come back when wei is given. Nothing is minted; where the vault has not enough, the call fails.
//
// A contract pays for rent, in this order: with the lamports of its own program address; with its wei; with the wei of the
// transaction's sender, who agrees to as many lamports as the transaction's gas limit counts gas (on Neon one gas is one
// lamport that the operator spends). What is left over of a loan to the payer goes back the same way.

import EVM
import Ledger
import Primitives
import WideIntegers

extension CrossCallSession {
  /// Lamports lent to an account, by where they came from.
  struct Loan {
    /// What the account had before.
    var before: UInt64 = 0
    /// From the contract's program address.
    var own: UInt64 = 0
    /// For the contract's wei.
    var contract: UInt64 = 0
    /// For the sender's wei.
    var sender: UInt64 = 0

    var total: UInt64 { own + contract + sender }
  }

  // MARK: FF00…0003

  /// `withdraw(bytes32)`: the value becomes lamports of the account named.
  func nativeToken(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    try frame.charge(CrossCallCosts.call)
    try frame.refuseDelegation()
    let selector = try frame.selector()
    guard selector == 0x8e19_899e else { throw frame.unknown(selector) }
    try frame.refuseStatic("withdraw")
    let key = try frame.arguments.key(0, "the account")
    let lamports = try wholeLamports(frame.call.value)
    guard !ReservedKeys.contains(key), key != Vault.key, key != ProgramID.ethereum else {
      throw .refused("\(key) is reserved and takes no lamports")
    }
    let target = try account(key)
    let (sum, overflow) = target.lamports.addingReportingOverflow(lamports)
    if overflow { throw .refused("\(key) cannot hold \(lamports) lamports more") }
    let minimum = minimumBalance(dataByteCount: target.data.count)
    if sum < minimum {
      throw .refused("\(key) would have \(sum) lamports, less than the \(minimum) that its size needs")
    }
    try onHost { () throws(EVMStateError) in
      try frame.host.take(frame.call.value, from: BorderAddress.address(frame.call.number))
    }
    try takeFromVault(lamports)
    try setLamports(sum, of: key)
    return ReturnWords.truth(true)
  }

  private func wholeLamports(_ wei: UInt256) throws(CrossCallError) -> UInt64 {
    if wei.isZero { throw .refused("withdraw needs a value") }
    let (lamports, rest) = wei.quotientAndRemainder(
      dividingBy: UInt256(Vault.weiPerLamport))
    guard rest.isZero else { throw .refused("\(wei) wei are no whole number of lamports, of 10^9 wei each") }
    guard lamports.fitsUInt64 else { throw .refused("\(wei) wei are more lamports than an account can hold") }
    return lamports.limb0
  }

  func setLamports(_ lamports: UInt64, of key: Pubkey) throws(CrossCallError) {
    try checkMayChange(key)
    let position = try position(of: key)
    var account = journal.account(position).pointee
    account.lamports = lamports
    journal.set(account, at: position)
  }

  func takeFromVault(_ lamports: UInt64) throws(CrossCallError) {
    let held = try account(Vault.key).lamports
    guard held >= lamports else {
      throw .refused("the vault \(Vault.key) has \(held) lamports, not the \(lamports) that are asked for")
    }
    try setLamports(held - lamports, of: Vault.key)
  }

  // MARK: Paying

  /// Raises the lamports of `key`, which the caller creates, to `minimum`.
  func fund(_ key: Pubkey, with minimum: UInt64, _ frame: inout Frame) throws(CrossCallError) {
    let held = try account(key).lamports
    if held >= minimum { return }
    let loan = try draw(minimum - held, least: minimum - held, frame)
    try setLamports(held + loan.total, of: key)
  }

  /// Raises the lamports of the caller's payer to `lamports`; to as many as can be had where none are named.
  func lend(_ lamports: UInt64?, to payer: Pubkey, _ frame: inout Frame) throws(CrossCallError) -> Loan {
    let held = try account(payer).lamports
    let wanted = lamports.map { $0 > held ? $0 - held : 0 } ?? .max - held
    var loan = try draw(wanted, least: lamports == nil ? 0 : wanted, frame)
    loan.before = held
    if loan.total > 0 { try setLamports(held + loan.total, of: payer) }
    return loan
  }

  /// Takes what is left of `loan` back; what was on the payer before stays there.
  func takeBack(_ loan: Loan, from payer: Pubkey, _ frame: Frame) throws(CrossCallError) {
    let payerAccount = try account(payer)
    let held = payerAccount.lamports
    var rest = held > loan.before ? min(held - loan.before, loan.total) : 0
    let left = held - rest
    if left > 0 && left < minimumBalance(dataByteCount: payerAccount.data.count) {
      throw .refused("the payer \(payer) is left with \(left) lamports, too few for its size")
    }
    if rest == 0 { return }
    try setLamports(left, of: payer)
    let toSender = min(rest, loan.sender)
    rest -= toSender
    let toContract = min(rest, loan.contract)
    rest -= toContract
    if toSender > 0 {
      try sell(toSender, to: frame.host.origin, on: frame.host)
      journal.setDrawn(journal.drawn - toSender)
    }
    if toContract > 0 { try sell(toContract, to: frame.caller, on: frame.host) }
    if rest > 0 {
      let own = key(.contract, of: frame.caller)
      let (sum, overflow) = try account(own).lamports.addingReportingOverflow(rest)
      if overflow { throw .refused("\(own) cannot hold \(rest) lamports more") }
      try setLamports(sum, of: own)
    }
  }

  /// Takes up to `wanted` lamports from those who pay for the caller.
  private func draw(_ wanted: UInt64, least: UInt64, _ frame: Frame) throws(CrossCallError) -> Loan {
    var loan = Loan()
    if wanted == 0 { return loan }
    loan.own = try drawOwn(wanted, frame)
    if loan.total < wanted { loan.contract = try buy(wanted - loan.total, with: frame.caller, frame) }
    if loan.total < wanted {
      let room = drawLimit - min(drawLimit, journal.drawn)
      loan.sender = try buy(min(wanted - loan.total, room), with: frame.host.origin, frame)
      if loan.sender > 0 { journal.setDrawn(journal.drawn + loan.sender) }
    }
    guard loan.total >= least else {
      throw .refused(
        "\(least) lamports are needed for rent: neither \(key(.contract, of: frame.caller)), the contract's program address,"
          + " nor the wei of the contract and of the sender (up to one lamport for each gas of the gas limit) pay them,"
          + " or the vault \(Vault.key) has too few")
    }
    return loan
  }

  /// Takes lamports of the contract's program address, and leaves it none or enough for its size.
  private func drawOwn(_ wanted: UInt64, _ frame: Frame) throws(CrossCallError) -> UInt64 {
    let own = key(.contract, of: frame.caller)
    let account = try account(own)
    guard account.owner == ProgramID.system, account.data.isEmpty else { return 0 }
    let minimum = minimumBalance(dataByteCount: 0)
    let taken =
      wanted >= account.lamports
      ? account.lamports : min(wanted, account.lamports - min(account.lamports, minimum))
    if taken > 0 { try setLamports(account.lamports - taken, of: own) }
    return taken
  }

  /// Takes wei of `payer` and as many lamports out of the vault, as far as both have them.
  private func buy(_ wanted: UInt64, with payer: Address, _ frame: Frame) throws(CrossCallError) -> UInt64 {
    if wanted == 0 { return 0 }
    let balance = try onHost { () throws(EVMStateError) in try frame.host.balance(of: payer) }
    let affordable = balance.divided(by: UInt256(Vault.weiPerLamport)).saturatedUInt64
    if affordable == 0 { return 0 }
    let bought = min(wanted, affordable, try account(Vault.key).lamports)
    if bought == 0 { return 0 }
    try onHost { () throws(EVMStateError) in
      try frame.host.take(UInt256(bought) &* UInt256(Vault.weiPerLamport), from: payer)
    }
    try takeFromVault(bought)
    return bought
  }

  /// Brings lamports back into the vault and as much wei to `seller`.
  func sell(_ lamports: UInt64, to seller: Address, on host: BorderHost) throws(CrossCallError) {
    let (sum, overflow) = try account(Vault.key).lamports.addingReportingOverflow(lamports)
    if overflow { throw .refused("the vault \(Vault.key) cannot hold \(lamports) lamports more") }
    try setLamports(sum, of: Vault.key)
    try onHost { () throws(EVMStateError) in
      try host.give(UInt256(lamports) &* UInt256(Vault.weiPerLamport), to: seller)
    }
  }
}
