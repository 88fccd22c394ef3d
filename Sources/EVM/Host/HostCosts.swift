// Gas that depends on more than the opcode, by fork. What every execution of an opcode pays is in the opcode table
// and charged by translated code; here is the rest. Sources: Yellow Paper appendix G, EIP-150, 160, 1283, 1884, 2200,
// 2929, 3529, 3651, 3860.

/// The rules of SSTORE.
enum StoreRules: UInt8, BitwiseCopyable {
  /// Looks at the present value only: Frontier to Byzantium, and Petersburg.
  case plain
  /// EIP-1283, 2200, 2929: looks at the value before the transaction as well.
  case net
}

struct HostCosts: BitwiseCopyable {
  /// EIP-2929: first access of an account or slot; 0 where the opcode table has it all.
  let coldAccount: UInt64
  let warmAccess: UInt64
  let coldSlot: UInt64
  let hasAccessCosts: Bool
  let storeRules: StoreRules
  /// A store that changes nothing, or not for the first time.
  let storeWarm: UInt64
  /// A first store to a slot that was not 0, without cold access.
  let storeReset: UInt64
  let storeClearRefund: Int64
  /// EIP-2200: a store needs more gas left than this.
  let storeSentry: UInt64
  let exponentByte: UInt64
  let destructRefund: Int64

  static let storeSet: UInt64 = 20_000
  static let callValue: UInt64 = 9_000
  static let callStipend: UInt64 = 2_300
  static let newAccount: UInt64 = 25_000
  static let copyWord: UInt64 = 3
  static let keccakWord: UInt64 = 6
  static let logByte: UInt64 = 8
  static let codeByte: UInt64 = 200
  /// From Berlin on; earlier forks have it in the opcode table.
  static let selfDestruct: UInt64 = 5_000
  static let initcodeWord: UInt64 = 2
  static let codeLimit = 24_576
  static let initcodeLimit = 49_152

  init(_ fork: Fork) {
    hasAccessCosts = fork >= .berlin
    coldAccount = fork >= .berlin ? 2_600 : 0
    warmAccess = fork >= .berlin ? 100 : 0
    coldSlot = fork >= .berlin ? 2_100 : 0
    storeRules = fork >= .istanbul || fork == .constantinople ? .net : .plain
    storeWarm = fork >= .berlin ? 100 : fork >= .istanbul ? 800 : 200
    storeReset = fork >= .berlin ? 2_900 : 5_000
    storeClearRefund = fork >= .london ? 4_800 : 15_000
    storeSentry = fork >= .istanbul ? 2_300 : 0
    exponentByte = fork >= .spuriousDragon ? 50 : 10
    destructRefund = fork >= .london ? 0 : 24_000
  }
}
