// FF00…0002, QueryAccount: what any account of programs is now, effects of the running transaction included.

import EVM
import Ledger
import Primitives
import WideIntegers

extension CrossCallSession {
  func queryAccount(_ frame: inout Frame) throws(CrossCallError) -> [UInt8] {
    try frame.charge(CrossCallCosts.query)
    try frame.refuseValue()
    let selector = try frame.selector()
    let arguments = frame.arguments
    func found() throws(CrossCallError) -> (key: Pubkey, account: Account) {
      let key = try arguments.key(0, "the key")
      return (key, try account(key))
    }
    // Of each two, the second is the older spelling with a uint256 in place of bytes32.
    switch selector {
    case 0x0257_1be3, 0xa123_c33e:  // owner(bytes32)
      return try found().account.owner.bytes
    case 0x6273_448f, 0x748f_2d8a:  // lamports(bytes32)
      return ReturnWords.word(try found().account.lamports)
    case 0xe6be_f488, 0xc219_a785:  // executable(bytes32)
      return ReturnWords.truth(try found().account.executable)
    case 0x8bb9_e6f4, 0xc4d3_69b5:  // rent_epoch(bytes32)
      return ReturnWords.word(try found().account.rentEpoch)
    case 0xa9db_af25, 0xaa8b_99d2:  // length(bytes32)
      return ReturnWords.word(UInt64(try found().account.data.count))
    case 0xb64a_097e:  // info(bytes32)
      let (key, account) = try found()
      var words = ReturnWords()
      words.append(key)
      words.append(account.lamports)
      words.append(account.owner)
      words.append(account.executable)
      words.append(account.rentEpoch)
      return words.bytes
    case 0x7dd6_c1a0, 0x43ca_5161:  // data(bytes32,uint64,uint64): the bytes as they are, not encoded
      let (key, account) = try found()
      let (offset, count) = (try arguments.uint64(1, "the offset"), try arguments.uint64(2, "the length"))
      let (end, overflow) = offset.addingReportingOverflow(count)
      guard count > 0 else { throw .refused("a length of 0 of the data of \(key)") }
      guard !overflow, end <= UInt64(account.data.count) else {
        throw .refused("bytes \(offset) to \(overflow ? .max : end) of the \(account.data.count) of \(key)")
      }
      // Copying costs what it costs in the EVM.
      try frame.charge((count + 31) / 32 * 3)
      return Array(account.data[Int(offset)..<Int(end)])
    case 0x2b3c_8322:  // cache(uint256,uint64,uint64), which does nothing any more
      return []
    default: throw frame.unknown(selector)
    }
  }
}
