// The hook table: opcode to host function, one for all forks, because translated code of a fork holds only the
// opcodes that the fork has. 256 is the trace hook.

import SBPF
import WideVM

enum HookTable {
  static let trace = 256

  /// An id that translated code never uses.
  private static let missing: WideHook = { _, _, _, _ in HookResult.hostFault }

  /// `WideLimits.hookCount` entries that live as long as the process.
  nonisolated(unsafe) static let hooks: UnsafePointer<WideHook> = {
    let table = UnsafeMutablePointer<WideHook>.allocate(capacity: WideLimits.hookCount)
    table.initialize(repeating: missing, count: WideLimits.hookCount)
    for (id, hook) in entries { table[id] = hook }
    return UnsafePointer(table)
  }()

  private static var entries: [(Int, WideHook)] {
    [
      (0x00, MemoryHooks.stop), (0x0a, MemoryHooks.exp), (0x20, MemoryHooks.keccak),
      (0x30, EnvironmentHooks.address), (0x31, EnvironmentHooks.balance), (0x32, EnvironmentHooks.origin),
      (0x33, EnvironmentHooks.caller), (0x34, EnvironmentHooks.callValue), (0x37, MemoryHooks.callDataCopy),
      (0x38, EnvironmentHooks.codeSize), (0x39, MemoryHooks.codeCopy), (0x3a, EnvironmentHooks.gasPrice),
      (0x3b, EnvironmentHooks.extCodeSize), (0x3c, EnvironmentHooks.extCodeCopy),
      (0x3d, EnvironmentHooks.returnDataSize), (0x3e, MemoryHooks.returnDataCopy),
      (0x3f, EnvironmentHooks.extCodeHash), (0x40, EnvironmentHooks.blockHash),
      (0x41, EnvironmentHooks.coinbase), (0x42, EnvironmentHooks.timestamp), (0x43, EnvironmentHooks.number),
      (0x44, EnvironmentHooks.prevRandao), (0x45, EnvironmentHooks.gasLimit),
      (0x46, EnvironmentHooks.chainID),
      (0x47, EnvironmentHooks.selfBalance), (0x48, EnvironmentHooks.baseFee),
      (0x49, EnvironmentHooks.blobHash), (0x4a, EnvironmentHooks.blobBaseFee),
      (0x54, StorageHooks.load), (0x55, StorageHooks.store), (0x5c, StorageHooks.loadTransient),
      (0x5d, StorageHooks.storeTransient), (0x5e, MemoryHooks.mcopy), (0xa0, MemoryHooks.log0),
      (0xa1, MemoryHooks.log1), (0xa2, MemoryHooks.log2), (0xa3, MemoryHooks.log3), (0xa4, MemoryHooks.log4),
      (0xf0, CreationHooks.create), (0xf1, CallHooks.call), (0xf2, CallHooks.callCode),
      (0xf3, MemoryHooks.return), (0xf4, CallHooks.delegateCall), (0xf5, CreationHooks.create2),
      (0xfa, CallHooks.staticCall), (0xfd, MemoryHooks.revert), (0xff, CreationHooks.selfDestruct),
      (trace, TraceHook.step),
    ]
  }
}
