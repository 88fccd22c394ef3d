// The EVM's border: addresses FF00…0002 to FF00…0007, where contracts call what is not Ethereum's. What stands behind
// them is injected (`EVMHost.border`); without it they are addresses like any other. A call across gets a frame and a
// checkpoint like any call, so that a failure takes back that frame and nothing else; what is changed beyond the border
// is taken back with it, because the journal's undo log has an entry for it (`BorderHost.note`).

import Primitives
import SBPF
import WideIntegers

/// What stands behind the border. Used by the thread of its host alone.
package protocol EVMBorder: AnyObject {
  /// Answers a call of an address of the border.
  ///
  /// - Throws: when the state cannot be read.
  func answer(_ call: BorderCall, on host: BorderHost) throws(EVMStateError) -> BorderAnswer

  /// Takes back what has changed since it gave this mark to `BorderHost.note`.
  func rollBack(to mark: UInt64)
}

package enum BorderAddress {
  /// The first eight bytes of every address of the border, as `Address` keeps them.
  static let word0: UInt64 = 0xff

  /// The last byte of an address of the border, `[2, 7]`; `nil` for other addresses.
  @inline(__always) package static func number(of address: Address) -> UInt8? {
    guard address.word0 == word0, address.word1 == 0 else { return nil }
    let last = UInt32(bigEndian: address.word2)
    return last >= 2 && last <= 7 ? UInt8(truncatingIfNeeded: last) : nil
  }

  package static func address(_ number: UInt8) -> Address {
    Address(word0: word0, word1: 0, word2: UInt32(number).bigEndian)
  }
}

/// A call of an address of the border, as its frame has it.
package struct BorderCall {
  /// `BorderAddress.number` of the address whose code was called.
  package let number: UInt8
  /// ADDRESS of the frame: another one than the border's under CALLCODE and DELEGATECALL.
  package let address: Address
  package let caller: Address
  /// Wei that the frame has, or has inherited.
  package let value: UInt256
  package let isStatic: Bool
  /// Valid until the call is answered.
  package let input: UnsafeRawBufferPointer
  package let gas: UInt64
}

package struct BorderAnswer {
  /// Taken from the frame whatever comes of the call; where it is more than the frame has, the frame is out of gas.
  package var gasUsed: UInt64
  package var isSuccess: Bool
  /// Returned, or reverted with.
  package var output: [UInt8]

  package init(gasUsed: UInt64, isSuccess: Bool, output: [UInt8]) {
    (self.gasUsed, self.isSuccess, self.output) = (gasUsed, isSuccess, output)
  }
}

/// What those beyond the border may do on Ethereum's side: an answer in the frame of its call, a transaction of Solana's
/// outside of any frame.
package struct BorderHost {
  let state: UnsafeMutablePointer<HostState>

  /// Who sent the transaction.
  package var origin: Address { state.pointee.message.origin }

  /// Makes a rollback of the frame, or of one around it, take what lies beyond the border back to `mark`.
  package func note(_ mark: UInt64) { state.pointee.journal.noteBorder(mark) }

  package func balance(of address: Address) throws(EVMStateError) -> UInt256 {
    let position = state.pointee.journal.position(of: address)
    try state.pointee.journal.use(.balance, at: position)
    return state.pointee.journal.accounts.base[position].balance
  }

  /// Takes wei out of Ethereum's side, which the caller knows `address` to have.
  package func take(_ wei: UInt256, from address: Address) throws(EVMStateError) {
    let position = state.pointee.journal.position(of: address)
    try state.pointee.journal.use([], at: position)
    state.pointee.journal.debit(wei, from: position)
  }

  /// Brings wei into Ethereum's side.
  package func give(_ wei: UInt256, to address: Address) throws(EVMStateError) {
    let position = state.pointee.journal.position(of: address)
    try state.pointee.journal.use([], at: position)
    state.pointee.journal.credit(wei, to: position, fork: state.pointee.fork)
  }
}

enum BorderFrame {
  /// Lets the border answer the prepared frame `child`.
  @inline(never)
  static func run(_ border: any EVMBorder, _ number: UInt8, _ child: FramePointer) -> FrameStatus {
    let host = child.host
    host.pointee.returnByteCount = 0
    let call = BorderCall(
      number: number, address: Address(child.pointee.address), caller: Address(child.pointee.caller),
      value: child.pointee.value, isStatic: child.pointee.isStatic,
      input: UnsafeRawBufferPointer(
        start: child.pointee.context.input, count: Int(child.pointee.context.inputByteCount)),
      gas: UInt64(bitPattern: child.pointee.context.gas))
    let depth = host.pointee.borderDepth
    host.pointee.borderDepth = child.pointee.depth
    defer { host.pointee.borderDepth = depth }
    do throws(EVMStateError) {
      let answer = try border.answer(call, on: BorderHost(state: host))
      guard child.charge(answer.gasUsed) else { return .failure }
      answer.output.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { host.pointee.setReturnData(start, bytes.count) }
      }
      return answer.isSuccess ? .success : .revert
    } catch {
      host.pointee.failure = error
      return .hostFault
    }
  }
}
