// What stands at a key, as people who deploy programs tell accounts apart.

import Ledger
import Primitives
import Runtime

/// An account as a deployer sees it.
package enum ProgramState: Sendable, Equatable {
  /// A program of the upgradeable loader and the account that holds its code.
  package struct Program: Sendable, Equatable {
    package var programData: Pubkey
    /// Of the last deployment, upgrade or extension.
    package var slot: UInt64
    /// Who may upgrade it; nil: nobody, it is final.
    package var authority: Pubkey?
    /// Bytes that code may take, the header left out.
    package var capacity: Int
    /// Of the program data.
    package var lamports: UInt64
  }

  package struct Buffer: Sendable, Equatable {
    package var authority: Pubkey?
    /// Without the header.
    package var byteCount: Int
    package var lamports: UInt64
  }

  case none
  case program(Program)
  /// A program whose data was closed; its id is spent.
  case closed(programData: Pubkey)
  case buffer(Buffer)
  /// The data of a program, which is named by another key.
  case programData
  /// A program of a loader that never changes one.
  case fixedProgram(loader: Pubkey, byteCount: Int)
  case other(owner: Pubkey)
}

extension ProgramState {
  /// What `account` is.
  ///
  /// - Parameter other: gives the account that holds a program's code.
  package init<Failure>(
    of account: Account, _ other: (Pubkey) throws(Failure) -> Account?
  ) throws(Failure) {
    guard account.owner == ProgramID.bpfLoaderUpgradeable else {
      let isProgram = [ProgramID.bpfLoader1, ProgramID.bpfLoader2, ProgramID.nativeLoader].contains(
        account.owner)
      self =
        isProgram
        ? .fixedProgram(loader: account.owner, byteCount: account.data.count) : .other(owner: account.owner)
      return
    }
    switch UpgradeableLoaderState(of: account) {
    case .program(let programData)?:
      guard let data = try other(programData), data.owner == ProgramID.bpfLoaderUpgradeable,
        let program = Program(at: programData, lamports: data.lamports, data.data, byteCount: data.data.count)
      else {
        self = .closed(programData: programData)
        return
      }
      self = .program(program)
    case .buffer(let authority)?:
      self = .buffer(
        Buffer(authority: authority, accountByteCount: account.data.count, lamports: account.lamports))
    case .programData?: self = .programData
    case .uninitialized?, nil: self = .other(owner: account.owner)
    }
  }
}

extension ProgramState.Program {
  /// - Parameters:
  ///   - header: the beginning of the program data, or all of it.
  ///   - byteCount: of all of it.
  /// - Returns: `nil` where it is no program data.
  package init?(at programData: Pubkey, lamports: UInt64, _ header: [UInt8], byteCount: Int) {
    guard case .programData(let slot, let authority)? = UpgradeableLoaderState(of: header) else { return nil }
    self.init(
      programData: programData, slot: slot, authority: authority,
      capacity: max(0, byteCount - UpgradeableLoaderState.programDataMetadataByteCount), lamports: lamports)
  }
}

extension ProgramState.Buffer {
  package init(authority: Pubkey?, accountByteCount: Int, lamports: UInt64) {
    self.init(
      authority: authority,
      byteCount: max(0, accountByteCount - UpgradeableLoaderState.bufferMetadataByteCount),
      lamports: lamports)
  }
}

extension Chain {
  /// The programs and buffers that `authority` may change, or all, in the order of their keys.
  package func deployments(
    of authority: Pubkey?
  ) throws(ChainError) -> Deployments {
    var keys: [Pubkey] = []
    do throws(StoreError) {
      try store.forEachAccount { (key, account) throws(StoreError) in
        if account.owner == ProgramID.bpfLoaderUpgradeable { keys.append(key) }
      }
    } catch {
      throw .store(error)
    }
    var programs: [(Pubkey, ProgramState.Program)] = []
    var buffers: [(Pubkey, ProgramState.Buffer)] = []
    for key in keys {
      switch try programState(at: key) {
      case .program(let program) where authority == nil || program.authority == authority:
        programs.append((key, program))
      case .buffer(let buffer) where authority == nil || buffer.authority == authority:
        buffers.append((key, buffer))
      default: continue
      }
    }
    return (programs, buffers)
  }
}

extension UpgradeableLoaderState {
  /// Nil where the bytes are no state.
  package init?(of data: [UInt8]) {
    let state = data.withUnsafeBytes { bytes -> UpgradeableLoaderState? in
      var reader = ByteReader(bytes)
      return try? Self.decode(&reader)
    }
    guard let state else { return nil }
    self = state
  }

  fileprivate init?(of account: Account) { self.init(of: account.data) }
}
