// The second half of a call's arguments: the account infos through which the caller hands its accounts on.
// Each must point at the very places where the runtime serialised the account, and keep its own bookkeeping
// (reference cells, lengths) outside of the input region, where a callee could not have it changed.

import Ledger
import Primitives
import SBPF

extension CrossProgramCall {
  /// Notes the accounts of the callee's prepared frame, each once, with the places of the caller's copies.
  ///
  /// - Parameter level: the caller's, which has them then.
  func shareAccounts(
    infos: UInt64, infoCount: UInt64, caller: InstructionContext, _ level: InvocationLevel
  ) throws(SyscallFailure) {
    try readInfoKeys(infos: infos, count: infoCount)
    let callee = invoke.nextFrame
    if !level.sharedAccounts.isEmpty { level.sharedAccounts.removeAll(keepingCapacity: true) }
    for (index, named) in callee.accounts.enumerated() where callee.firstDuplicate(of: index) == nil {
      guard let indexInCaller = caller.firstIndex(inTransaction: named.indexInTransaction) else {
        throw .instruction(.missingAccount)
      }
      let state = invoke.transaction.accounts + named.indexInTransaction
      if state.pointee.executable {
        try machine.consume(UInt64(state.pointee.data.count) / ComputeCosts.bytesPerUnit)
        continue
      }
      let key = invoke.transaction.keys[named.indexInTransaction]
      guard let info = invoke.infoKeys.firstIndex(of: key) else {
        invoke.log("Instruction references an unknown account \(key)")
        throw .instruction(.missingAccount)
      }
      let address = infos &+ UInt64(info) * layout.accountInfoByteCount
      let place = level.input.accounts[indexInCaller]
      var account = try layout == .c ? accountC(at: address, place) : accountRust(at: address, place)
      account.indexInCaller = indexInCaller
      account.isWritable = named.isWritable
      try machine.consume(account.byteCount / ComputeCosts.bytesPerUnit)
      level.sharedAccounts.append(account)
    }
  }

  private func readInfoKeys(infos: UInt64, count: UInt64) throws(SyscallFailure) {
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: layout.accountInfoByteCount)
    let (end, wraps) = infos.addingReportingOverflow(overflow ? .max : byteCount)
    if wraps || end >= GuestMemory.inputStart { throw .invalidPointer }
    let bytes = try machine.slice(
      infos, count: count, stride: layout.accountInfoByteCount, alignment: 8, checkAligned: checkAligned)
    if count > CrossProgramInvocation.maximumAccountInfoCount {
      throw .maxInstructionAccountInfosExceeded(
        count: count, limit: CrossProgramInvocation.maximumAccountInfoCount)
    }
    try machine.consume(count * CrossProgramInvocation.accountInfoByteCount / ComputeCosts.bytesPerUnit)
    if !invoke.infoKeys.isEmpty { invoke.infoKeys.removeAll(keepingCapacity: true) }
    for index in 0..<Int(count) {
      guard let info = bytes.baseAddress else { break }
      // Both layouts begin with the pointer to the key.
      let pointer = info + index * Int(layout.accountInfoByteCount)
      invoke.infoKeys.append(try key(at: pointer.loadUnaligned(as: UInt64.self)))
    }
  }

  /// u64 key, lamports, data length, data, owner, rent epoch; then three flags.
  private func accountC(at address: UInt64, _ place: SerializedAccount) throws(SyscallFailure)
    -> SharedAccount
  {
    let fields = UnsafeRawPointer(
      try machine.value(address, byteCount: 56, alignment: 8, checkAligned: checkAligned))
    try check(word(fields, 0), place.keyAddress, "key")
    try check(word(fields, 4), place.ownerAddress, "owner")
    try check(word(fields, 1), place.lamportsAddress, "lamports")
    try check(word(fields, 3), place.dataAddress, "data")
    _ = try writable(word(fields, 1), byteCount: 8, alignment: 8)
    _ = try writable(word(fields, 4), byteCount: 32)
    let lengthAddress = address &+ 16
    if lengthAddress >= GuestMemory.inputStart { throw .invalidPointer }
    return try account(place, lengthAddress: lengthAddress)
  }

  /// u64 key, lamports cell, data cell, owner, rent epoch; then three flags. A cell is a reference-counted
  /// box: two counts and a borrow flag before the pointer it holds.
  private func accountRust(at address: UInt64, _ place: SerializedAccount) throws(SyscallFailure)
    -> SharedAccount
  {
    let fields = UnsafeRawPointer(
      try machine.value(address, byteCount: 48, alignment: 8, checkAligned: checkAligned))
    try check(word(fields, 0), place.keyAddress, "key")
    try check(word(fields, 3), place.ownerAddress, "owner")
    let lamportsCell = word(fields, 1) &+ 24
    let dataCell = word(fields, 2) &+ 24
    let ownerAddress = word(fields, 3)
    let lamports = try machine.value(lamportsCell, byteCount: 8, alignment: 8, checkAligned: checkAligned)
    if lamportsCell >= GuestMemory.inputStart { throw .invalidPointer }
    let lamportsAddress = lamports.loadUnaligned(as: UInt64.self)
    try check(lamportsAddress, place.lamportsAddress, "lamports")
    _ = try writable(lamportsAddress, byteCount: 8, alignment: 8)
    _ = try writable(ownerAddress, byteCount: 32)
    if dataCell >= GuestMemory.inputStart { throw .invalidPointer }
    let data = try machine.value(dataCell, byteCount: 16, alignment: 8, checkAligned: checkAligned)
    try check(data.loadUnaligned(as: UInt64.self), place.dataAddress, "data")
    let lengthAddress = dataCell &+ 8
    if lengthAddress >= GuestMemory.inputStart { throw .invalidPointer }
    return try account(place, lengthAddress: lengthAddress)
  }

  private func account(_ place: SerializedAccount, lengthAddress: UInt64) throws(SyscallFailure)
    -> SharedAccount
  {
    let length = try machine.map(lengthAddress, 8, .store).loadUnaligned(as: UInt64.self)
    _ = try data(at: place.dataAddress, byteCount: length, originalByteCount: place.originalByteCount)
    return SharedAccount(
      indexInCaller: 0, isWritable: false, lamportsAddress: place.lamportsAddress,
      ownerAddress: place.ownerAddress,
      dataAddress: place.dataAddress, lengthAddress: lengthAddress, byteCount: length,
      originalByteCount: place.originalByteCount)
  }

  private func check(_ address: UInt64, _ expected: UInt64, _ field: StaticString) throws(SyscallFailure) {
    if address == expected { return }
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    invoke.log("Invalid account info pointer `\(field)': \(hex(address)) != \(hex(expected))")
    throw .invalidPointer
  }

  private func writable(
    _ address: UInt64, byteCount: UInt64, alignment: UInt64 = 1
  ) throws(SyscallFailure) -> UnsafeMutableRawPointer {
    try machine.value(
      address, byteCount: byteCount, alignment: alignment, access: .store, checkAligned: checkAligned)
  }

  /// The caller's memory for `byteCount` bytes of an account's data, which must fit what was set aside for
  /// it.
  private func data(
    at address: UInt64, byteCount: UInt64, originalByteCount: Int
  ) throws(SyscallFailure) -> UnsafeMutableRawBufferPointer {
    let reserved = originalByteCount + (checkAligned ? InputBuffer.maximumGrowth : 0)
    if byteCount > UInt64(reserved) { throw .instruction(.invalidRealloc) }
    return try machine.slice(address, count: byteCount, access: .store)
  }
}

// MARK: - Keeping both sides equal

extension CrossProgramCall {
  /// What the caller has changed in its memory becomes the account's state, under the caller's rights.
  func updateCallee(_ shared: SharedAccount, caller: InstructionContext) throws(SyscallFailure) {
    let account = borrow(shared, caller: caller)
    let lamports = try machine.map(shared.lamportsAddress, 8, .load).loadUnaligned(as: UInt64.self)
    let owner = Pubkey(reading: try machine.map(shared.ownerAddress, 32, .load))
    let data = try data(
      at: shared.dataAddress, byteCount: shared.byteCount, originalByteCount: shared.originalByteCount)
    try SyscallFailure.wrapping { () throws(InstructionError) in
      if account.lamports != lamports { try account.setLamports(lamports) }
      try account.takeOver(UnsafeRawBufferPointer(data))
      if account.owner != owner { try account.setOwner(owner) }
    }
  }

  /// What the callee has changed becomes visible in the caller's memory.
  func updateCaller(_ shared: SharedAccount, caller: InstructionContext) throws(SyscallFailure) {
    let account = borrow(shared, caller: caller)
    try machine.map(shared.lamportsAddress, 8, .store).storeBytes(of: account.lamports, as: UInt64.self)
    account.owner.write(to: try machine.map(shared.ownerAddress, 32, .store))
    let length = try machine.map(shared.lengthAddress, 8, .store)
    let before = length.loadUnaligned(as: UInt64.self)
    let after = account.dataByteCount
    let growth = checkAligned ? InputBuffer.maximumGrowth : 0
    if after > shared.originalByteCount + growth {
      invoke.log("Account data size realloc limited to \(growth) in inner instructions")
      throw .instruction(.invalidRealloc)
    }
    var memory = try data(
      at: shared.dataAddress, byteCount: shared.byteCount, originalByteCount: shared.originalByteCount)
    if before != UInt64(after) {
      if UInt64(after) < before {
        guard after <= memory.count else { throw .instruction(.accountDataTooSmall) }
        for index in after..<memory.count { memory[index] = 0 }
      }
      memory = try data(
        at: shared.dataAddress, byteCount: UInt64(after), originalByteCount: shared.originalByteCount)
      length.storeBytes(of: UInt64(after), as: UInt64.self)
      // The length in the serialised input; unaligned only in the first loader's layout.
      try writable(shared.dataAddress - 8, byteCount: 8, alignment: 8).storeBytes(
        of: UInt64(after), as: UInt64.self)
    }
    if memory.count != after { throw .instruction(.accountDataTooSmall) }
    invoke.transaction.accounts[caller.accounts[shared.indexInCaller].indexInTransaction].data.withUnsafeBytes
    {
      memory.copyMemory(from: $0)
    }
  }
}
