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

extension Chain {
  package func programState(at key: Pubkey) throws(ChainError) -> ProgramState {
    guard let account = try account(key) else { return .none }
    guard account.owner == ProgramID.bpfLoaderUpgradeable else {
      let isProgram = [ProgramID.bpfLoader1, ProgramID.bpfLoader2, ProgramID.nativeLoader].contains(
        account.owner)
      return isProgram
        ? .fixedProgram(loader: account.owner, byteCount: account.data.count) : .other(owner: account.owner)
    }
    switch UpgradeableLoaderState(of: account) {
    case .program(let programData)?:
      guard let data = try self.account(programData), data.owner == ProgramID.bpfLoaderUpgradeable,
        case .programData(let slot, let authority)? = UpgradeableLoaderState(of: data)
      else { return .closed(programData: programData) }
      let capacity = max(0, data.data.count - UpgradeableLoaderState.programDataMetadataByteCount)
      return .program(
        ProgramState.Program(
          programData: programData, slot: slot, authority: authority, capacity: capacity,
          lamports: data.lamports))
    case .buffer(let authority)?:
      let byteCount = max(0, account.data.count - UpgradeableLoaderState.bufferMetadataByteCount)
      return .buffer(
        ProgramState.Buffer(authority: authority, byteCount: byteCount, lamports: account.lamports))
    case .programData?: return .programData
    case .uninitialized?, nil: return .other(owner: account.owner)
    }
  }

  /// The file at a program's id or in a buffer, with the zero bytes up to its account's end; nil where there is none.
  package func programFile(at key: Pubkey) throws(ChainError) -> [UInt8]? {
    switch try programState(at: key) {
    case .program(let program):
      return try account(program.programData).map {
        Array($0.data.dropFirst(UpgradeableLoaderState.programDataMetadataByteCount))
      }
    case .buffer:
      return try account(key).map { Array($0.data.dropFirst(UpgradeableLoaderState.bufferMetadataByteCount)) }
    case .fixedProgram(let loader, _):
      return loader == ProgramID.nativeLoader ? nil : try account(key)?.data
    case .none, .closed, .programData, .other: return nil
    }
  }

  /// The programs and buffers that `authority` may change, or all, in the order of their keys.
  package func deployments(
    of authority: Pubkey?
  ) throws(ChainError) -> (
    programs: [(Pubkey, ProgramState.Program)], buffers: [(Pubkey, ProgramState.Buffer)]
  ) {
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
  fileprivate init?(of account: Account) {
    let state = account.data.withUnsafeBytes { bytes -> UpgradeableLoaderState? in
      var reader = ByteReader(bytes)
      return try? Self.decode(&reader)
    }
    guard let state else { return nil }
    self = state
  }
}
