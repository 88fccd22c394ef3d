// The vote program: accounts in which validators keep the slots they have voted for, and who may vote and withdraw
// (https://docs.rs/solana-vote-program). Checks, their order and the errors are Agave 4.1's with what mainnet has
// switched on: states of version 4 (SIMD-0185), commissions that take effect an epoch later and in hundredths of a
// percent (SIMD-0249, SIMD-0291), BLS keys (SIMD-0387). The older instructions of voting still work (SIMD-0138 is off).
// Votes themselves are in VoteProgram+Voting.swift.

import Ledger
import Primitives

package enum VoteProgram {
  /// Compute units of every instruction.
  package static let computeUnits: UInt64 = 2100
  /// Those of checking that a BLS key's owner has it.
  private static let proofOfPossessionUnits: UInt64 = 34_500

  package static let process: BuiltinFunction = { (invoke) throws(InstructionError) in
    let account = try invoke.account(at: 0)
    if account.owner != ProgramID.vote { throw .invalidAccountOwner }
    let instruction = try invoke.instructionContext.data.decodeInstruction { (reader) throws(CodecError) in
      try VoteInstruction.decode(&reader)
    }
    try run(instruction, account, invoke)
  }

  private static func run(
    _ instruction: VoteInstruction, _ account: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let frame = try invoke.instructionContext
    switch instruction {
    case .initializeAccount(let initialization):
      try invoke.checkSysvar(SysvarID.rent, at: 1)
      if !account.isRentExempt(atDataByteCount: account.dataByteCount) { throw .insufficientFunds }
      try invoke.checkSysvar(SysvarID.clock, at: 2)
      try initialize(account, initialization, invoke)
    case .authorize(let key, let authority):
      try invoke.checkSysvar(SysvarID.clock, at: 1)
      try authorize(account, key, authority, invoke) { invoke.isSigner($0) }
    case .authorizeChecked(let authority):
      try authorizeChecked(account, authority, invoke) { () throws(InstructionError) in
        try invoke.checkSysvar(SysvarID.clock, at: 1)
        return { invoke.isSigner($0) }
      }
    case .authorizeWithSeed(let authority, let derived, let key):
      try frame.checkAccountCount(3)
      let isSigner = try derivedSigner(derived, invoke)
      try authorize(account, key, authority, invoke, isSigner: isSigner)
    case .authorizeCheckedWithSeed(let authority, let derived):
      try authorizeChecked(account, authority, invoke) { () throws(InstructionError) in
        try derivedSigner(derived, invoke)
      }
    case .updateValidatorIdentity:
      try frame.checkAccountCount(2)
      try updateIdentity(account, try invoke.key(at: 1), invoke)
    case .updateCommission(let percent):
      try update(account, invoke) { $0.inflationRewardsCommission = UInt16(percent) * 100 }
    case .updateCommissionBps(let commission, let kind):
      try updateCommission(account, commission, kind, invoke)
    case .updateCommissionCollector(let kind): try updateCollector(account, kind, invoke)
    case .withdraw(let lamports):
      try frame.checkAccountCount(2)
      try withdraw(lamports, from: account, invoke)
    case .depositDelegatorRewards(let lamports): try deposit(lamports, into: account, invoke)
    case .initializeAccountV2(let initialization): try initializeV2(account, initialization, invoke)
    case .vote(let vote, _):
      if features(invoke).contains(.noLegacyVotes) { throw .invalidInstructionData }
      try invoke.checkSysvar(SysvarID.slotHashes, at: 1)
      try invoke.checkSysvar(SysvarID.clock, at: 2)
      try cast(account, invoke) { (state, block) throws(VoteError) in try state.process(vote, block) }
    case .updateTower(let tower, let form, _):
      if form == .whole || form == .compact, features(invoke).contains(.noLegacyVotes) {
        throw .invalidInstructionData
      }
      try cast(account, invoke) { (state, block) throws(VoteError) in try state.process(tower, block) }
    }
  }

  private static func features(_ invoke: InvokeContext) -> Features { invoke.environment.programs.features }
}

// MARK: - States of accounts

extension VoteProgram {
  private static func stored(_ account: BorrowedAccount) throws(InstructionError) -> VoteState.Stored {
    let key = account.key
    return try account.data.decodeAccountState { (reader) throws(CodecError) in
      try VoteState.decode(&reader, at: key)
    }
  }

  private static func state(of account: BorrowedAccount) throws(InstructionError) -> VoteState {
    switch try stored(account) {
    case .unwritten: throw .invalidAccountData
    case .uninitialized: throw .uninitializedAccount
    case .state(let state): return state
    }
  }

  /// Writes the state, in an account that is made long enough for every state where it can pay for that.
  private static func setState(_ state: VoteState, of account: BorrowedAccount) throws(InstructionError) {
    if account.dataByteCount < VoteState.byteCount {
      guard account.isRentExempt(atDataByteCount: VoteState.byteCount) else { throw .accountNotRentExempt }
      do throws(InstructionError) {
        try account.setDataByteCount(VoteState.byteCount)
      } catch {
        throw .accountNotRentExempt
      }
    }
    try account.setState(state.encode())
  }

  /// Changes the state, which only its withdrawer may.
  private static func update(
    _ account: BorrowedAccount, _ invoke: InvokeContext,
    _ change: (inout VoteState) throws(InstructionError) -> Void
  ) throws(InstructionError) {
    var state = try state(of: account)
    try require(invoke.isSigner(state.authorizedWithdrawer))
    try change(&state)
    try setState(state, of: account)
  }

  private static func require(_ isSigner: Bool) throws(InstructionError) {
    if !isSigner { throw .missingRequiredSignature }
  }

  /// Throws unless a state may be put into the account.
  private static func checkNew(_ account: BorrowedAccount) throws(InstructionError) {
    if account.dataByteCount != VoteState.byteCount { throw .invalidAccountData }
    if case .state = try stored(account) { throw .accountAlreadyInitialized }
  }

  private static func initialize(
    _ account: BorrowedAccount, _ initialization: VoteInstruction.Initialization, _ invoke: InvokeContext
  ) throws(InstructionError) {
    try checkNew(account)
    try require(invoke.isSigner(initialization.node))
    let state = VoteState(
      node: initialization.node,
      authorizedVoter: VoteState.AuthorizedVoter(
        epoch: invoke.environment.sysvars.clock.epoch, key: initialization.authorizedVoter),
      authorizedWithdrawer: initialization.authorizedWithdrawer, inflationRewardsCollector: account.key,
      blockRevenueCollector: initialization.node,
      inflationRewardsCommission: UInt16(initialization.commission) * 100)
    try setState(state, of: account)
  }

  private static func initializeV2(
    _ account: BorrowedAccount, _ initialization: VoteInstruction.InitializationV2, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard features(invoke).isSuperset(of: [.initializeVoteV2, .commissionCollectors, .blockRevenueSharing])
    else {
      throw .invalidInstructionData
    }
    try invoke.instructionContext.checkAccountCount(4)
    if try invoke.key(at: 2) != account.key {
      try invoke.checkDistinct(try invoke.account(at: 2), try invoke.account(at: 3))
    }
    try checkNew(account)
    try require(invoke.isSigner(initialization.node))
    let inflation = try collector(at: 2, of: account, invoke)
    let block = try collector(at: 3, of: account, invoke)
    try checkPossession(of: initialization.blsKey, account, invoke)
    var state = VoteState(
      node: initialization.node,
      authorizedVoter: VoteState.AuthorizedVoter(
        epoch: invoke.environment.sysvars.clock.epoch, key: initialization.authorizedVoter),
      authorizedWithdrawer: initialization.authorizedWithdrawer, inflationRewardsCollector: inflation,
      blockRevenueCollector: block, inflationRewardsCommission: initialization.inflationRewardsCommission)
    state.blockRevenueCommission = initialization.blockRevenueCommission
    state.blsKey = initialization.blsKey.bytes
    try setState(state, of: account)
  }
}

// MARK: - Authorities

extension VoteProgram {
  private typealias SignerCheck = (Pubkey) -> Bool

  private static func authorize(
    _ account: BorrowedAccount, _ key: Pubkey, _ authority: VoteInstruction.Authority,
    _ invoke: InvokeContext,
    isSigner: SignerCheck
  ) throws(InstructionError) {
    var state = try state(of: account)
    switch authority {
    case .withdrawer:
      try require(isSigner(state.authorizedWithdrawer))
      state.authorizedWithdrawer = key
    case .voter:
      // Who has a BLS key has to name that of the next voter as well.
      if state.blsKey != nil { throw .invalidInstructionData }
      try setVoter(key, of: &state, invoke, isSigner: isSigner)
    case .voterWithBLS(let blsKey):
      try checkPossession(of: blsKey, account, invoke)
      try setVoter(key, of: &state, invoke, isSigner: isSigner)
      state.blsKey = blsKey.bytes
    }
    try setState(state, of: account)
  }

  /// The new authority is the fourth account, and has to agree.
  private static func authorizeChecked(
    _ account: BorrowedAccount, _ authority: VoteInstruction.Authority, _ invoke: InvokeContext,
    signer: () throws(InstructionError) -> SignerCheck
  ) throws(InstructionError) {
    try invoke.instructionContext.checkAccountCount(4)
    let new = try invoke.account(at: 3)
    try require(new.isSigner)
    let isSigner = try signer()
    try authorize(account, new.key, authority, invoke, isSigner: isSigner)
  }

  /// The one key that counts as a signer: that which derives from the third account, if that signed.
  private static func derivedSigner(
    _ derived: VoteInstruction.DerivedAuthority, _ invoke: InvokeContext
  ) throws(InstructionError) -> SignerCheck {
    try invoke.checkSysvar(SysvarID.clock, at: 1)
    let base = try invoke.account(at: 2)
    if !base.isSigner { return { _ in false } }
    let key = try ProgramAddress.derived(base: base.key, seed: derived.seed, owner: derived.owner)
    return { $0 == key }
  }

  /// From the epoch after the next one whose leaders are known.
  private static func setVoter(
    _ key: Pubkey, of state: inout VoteState, _ invoke: InvokeContext, isSigner: SignerCheck
  ) throws(InstructionError) {
    let clock = invoke.environment.sysvars.clock
    let (epoch, overflow) = clock.leaderScheduleEpoch.addingReportingOverflow(1)
    if overflow { throw .invalidAccountData }
    guard let voter = state.authorizedVoter(in: clock.epoch) else { throw .invalidAccountData }
    try require(isSigner(state.authorizedWithdrawer) || isSigner(voter))
    if state.hasVoter(from: epoch) { throw VoteError.tooSoonToReauthorize.instructionError }
    state.setVoter(key, from: epoch)
  }

  private static func updateIdentity(
    _ account: BorrowedAccount, _ node: Pubkey, _ invoke: InvokeContext
  ) throws(InstructionError) {
    try update(account, invoke) { (state) throws(InstructionError) in
      try require(invoke.isSigner(node))
      state.node = node
      if !features(invoke).contains(.commissionCollectors) { state.blockRevenueCollector = node }
    }
  }

  private static func checkPossession(
    of key: VoteInstruction.BLSKey, _ account: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    try invoke.consume(proofOfPossessionUnits)
    let message = Array("ALPENGLOW".utf8) + account.key.bytes + key.bytes
    guard ProofOfPossession.isValid(key.proofOfPossession, of: key.bytes, message: message) else {
      throw .invalidArgument
    }
  }
}

// MARK: - Lamports

extension VoteProgram {
  private static func updateCommission(
    _ account: BorrowedAccount, _ commission: UInt16, _ kind: VoteInstruction.CommissionKind,
    _ invoke: InvokeContext
  ) throws(InstructionError) {
    if kind == .blockRevenue, !features(invoke).contains(.blockRevenueSharing) {
      throw .invalidInstructionData
    }
    try update(account, invoke) { state in
      switch kind {
      case .inflationRewards: state.inflationRewardsCommission = commission
      case .blockRevenue: state.blockRevenueCommission = commission
      }
    }
  }

  private static func updateCollector(
    _ account: BorrowedAccount, _ kind: VoteInstruction.CommissionKind, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard features(invoke).contains(.commissionCollectors) else { throw .invalidInstructionData }
    try invoke.instructionContext.checkAccountCount(3)
    try update(account, invoke) { (state) throws(InstructionError) in
      let key = try collector(at: 1, of: account, invoke)
      switch kind {
      case .inflationRewards: state.inflationRewardsCollector = key
      case .blockRevenue: state.blockRevenueCollector = key
      }
    }
  }

  /// The key of an account that may collect: the vote account itself, or an account of the system program.
  private static func collector(
    at index: Int, of account: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) -> Pubkey {
    let collector = try invoke.account(at: index)
    if collector.key == account.key { return account.key }
    if collector.owner != ProgramID.system { throw .invalidAccountOwner }
    if !collector.isRentExempt(atDataByteCount: collector.dataByteCount) { throw .insufficientFunds }
    if !collector.isWritable { throw .invalidArgument }
    return collector.key
  }

  private static func withdraw(
    _ lamports: UInt64, from account: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let state = try state(of: account)
    try require(invoke.isSigner(state.authorizedWithdrawer))
    let (rest, overflow) = account.lamports.subtractingReportingOverflow(lamports)
    if overflow { throw .insufficientFunds }
    if rest == 0 {
      if state.pendingDelegatorRewards > 0 { throw .insufficientFunds }
      // Whoever earned credits in this epoch or the one before still takes part.
      let epoch = invoke.environment.sysvars.clock.epoch
      if let last = state.epochCredits.last, epoch < 2 || last.epoch > epoch - 2 {
        throw VoteError.activeVoteAccountClose.instructionError
      }
      try account.withMutableData { (data) throws(InstructionError) in
        _ = data.initializeMemory(as: UInt8.self, repeating: 0)
      }
    } else {
      let least = invoke.minimumBalance(dataByteCount: account.dataByteCount)
      let (needed, overflow) = least.addingReportingOverflow(state.pendingDelegatorRewards)
      if overflow { throw .arithmeticOverflow }
      if rest < needed { throw .insufficientFunds }
    }
    try account.subtractLamports(lamports)
    try invoke.account(at: 1).addLamports(lamports)
  }

  private static func deposit(
    _ lamports: UInt64, into account: BorrowedAccount, _ invoke: InvokeContext
  ) throws(InstructionError) {
    guard features(invoke).isSuperset(of: [.commissionCollectors, .blockRevenueSharing]) else {
      throw .invalidInstructionData
    }
    try invoke.instructionContext.checkAccountCount(2)
    let source = try invoke.account(at: 1)
    try require(source.isSigner)
    let isNewest = account.data.starts(with: [3, 0, 0, 0])
    guard case .state(var state) = try stored(account), isNewest else { throw .invalidAccountData }
    try invoke.nativeInvoke(
      Instruction(
        programID: ProgramID.system,
        accounts: [
          AccountMeta(key: source.key, isSigner: true, isWritable: true),
          AccountMeta(key: account.key, isSigner: false, isWritable: true),
        ], data: SystemInstruction.transfer(lamports: lamports).encode()))
    let (sum, overflow) = state.pendingDelegatorRewards.addingReportingOverflow(lamports)
    if overflow { throw .arithmeticOverflow }
    state.pendingDelegatorRewards = sum
    try setState(state, of: account)
  }
}

// MARK: - Votes

extension VoteProgram {
  /// Lets the voter of this epoch change the state.
  private static func cast(
    _ account: BorrowedAccount, _ invoke: InvokeContext,
    _ change: (inout VoteState, VotedBlock) throws(VoteError) -> Void
  ) throws(InstructionError) {
    var state = try state(of: account)
    let sysvars = invoke.environment.sysvars
    guard let voter = state.authorizedVoter(in: sysvars.clock.epoch) else { throw .invalidAccountData }
    try require(invoke.isSigner(voter))
    do throws(VoteError) {
      try change(&state, VotedBlock(clock: sysvars.clock, slotHashes: sysvars.slotHashes))
    } catch {
      throw error.instructionError
    }
    try setState(state, of: account)
  }
}
