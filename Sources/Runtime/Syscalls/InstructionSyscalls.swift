// What a program may ask about its call: return data set and read, stack height, units left, and the
// instructions of the same level that ran before it (sol_get_processed_sibling_instruction).

import Ledger
import Primitives
import SBPF

enum InstructionSyscalls {
  static let setReturnData: SyscallFunction = { vm, address, byteCount, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(byteCount / ComputeCosts.bytesPerUnit + ComputeCosts.syscallBase)
      if byteCount > UInt64(TransactionContext.maximumReturnDataByteCount) {
        throw .returnDataTooLarge(byteCount: byteCount)
      }
      let data = try machine.slice(address, count: byteCount)
      let program = try SyscallFailure.wrapping { () throws(InstructionError) in try invoke.programID }
      invoke.transaction.setReturnData(program: program, UnsafeRawBufferPointer(data))
      return 0
    }
  }

  /// Copies up to `byteCount` bytes of the return data, and the key of the program that set it; returns the
  /// data's whole length.
  static let returnData: SyscallFunction = { vm, address, byteCount, program, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.syscallBase)
      let data = invoke.transaction.returnData
      let count = min(byteCount, UInt64(data.count))
      if count != 0 {
        try machine.consume((count + 32) / ComputeCosts.bytesPerUnit)
        let target = try machine.slice(address, count: count, access: .store)
        let programTarget = UnsafeMutableRawBufferPointer(
          start: try machine.map(program, 32, .store), count: 32)
        if target.overlaps(programTarget) { throw .copyOverlapping }
        data.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
        withUnsafeBytes(of: invoke.transaction.returnDataProgram) { programTarget.copyMemory(from: $0) }
      }
      return UInt64(data.count)
    }
  }

  static let stackHeight: SyscallFunction = { vm, _, _, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.syscallBase)
      return UInt64(invoke.transaction.stackHeight)
    }
  }

  static let remainingUnits: SyscallFunction = { vm, _, _, _, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.getRemainingUnits)
      return UInt64(bitPattern: machine.pointee.remainingUnits)
    }
  }

  // MARK: Processed siblings

  /// Bytes of `{u64 data length, u64 account count}` and of an account's `{key, is signer, is writable}`.
  private static let headerByteCount: UInt64 = 16
  private static let accountByteCount: UInt64 = 34

  /// The instruction `index` places before the running one (0: the last) at its level and under the same
  /// caller.
  ///
  /// Where the lengths at `header` are the instruction's, its program, data and accounts are written;
  /// otherwise the lengths. Returns 1, or 0 where there is no such instruction.
  static let processedSibling: SyscallFunction = { vm, index, header, program, data, accounts in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.syscallBase)
      guard let sibling = sibling(invoke.transaction, index) else { return 0 }
      let checkAligned = invoke.checksAlignment
      let lengths = try machine.value(
        header, byteCount: headerByteCount, alignment: 8, access: .store, checkAligned: checkAligned)
      let (dataCount, accountCount) = (UInt64(sibling.data.count), UInt64(sibling.accountCount))
      guard lengths.loadUnaligned(as: UInt64.self) == dataCount,
        lengths.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == accountCount
      else {
        lengths.storeBytes(of: dataCount, as: UInt64.self)
        lengths.storeBytes(of: accountCount, toByteOffset: 8, as: UInt64.self)
        return 1
      }
      let targets = [
        UnsafeMutableRawBufferPointer(start: try machine.map(program, 32, .store), count: 32),
        try machine.slice(data, count: dataCount, access: .store),
        try machine.slice(accounts, count: accountCount, stride: accountByteCount, access: .store),
        UnsafeMutableRawBufferPointer(start: lengths, count: Int(headerByteCount)),
      ]
      for (position, target) in targets.enumerated() {
        for later in targets[(position + 1)...] where target.overlaps(later) { throw .copyOverlapping }
      }
      let key = invoke.transaction.keys[sibling.programIndex]
      withUnsafeBytes(of: key) { targets[0].copyMemory(from: $0) }
      targets[1].copyMemory(from: sibling.data)
      write(sibling.accounts, of: invoke.transaction, to: targets[2])
      return 1
    }
  }

  private static func sibling(_ transaction: TransactionContext, _ index: UInt64) -> InstructionContext? {
    let height = transaction.stackHeight
    var distance: UInt64 = 0  // 0: the running instruction itself
    for position in (0..<transaction.traceLength).reversed() {
      let frame = transaction.trace[position]
      if frame.stackHeight < height { return nil }
      if frame.stackHeight == height {
        if distance > index { return frame }
        distance += 1
      }
    }
    return nil
  }

  private static func write(
    _ accounts: UnsafeMutableBufferPointer<InstructionAccount>, of transaction: TransactionContext,
    to target: UnsafeMutableRawBufferPointer
  ) {
    guard var next = target.baseAddress else { return }
    for account in accounts {
      transaction.keys[account.indexInTransaction].write(to: next)
      next.storeBytes(of: account.isSigner ? 1 : 0, toByteOffset: 32, as: UInt8.self)
      next.storeBytes(of: account.isWritable ? 1 : 0, toByteOffset: 33, as: UInt8.self)
      next += Int(accountByteCount)
    }
  }
}
