// Why a call across the border failed: a contract sees `Error(string)` with the text, and can catch it.

import EVM
import Ledger
import Primitives
import Runtime
import WideIntegers

enum CrossCallError: Error {
  /// Everything that a contract may catch; the text names its subject.
  case refused(String)
  /// The frame has not the gas that the call costs.
  case outOfGas
  /// The state cannot be read: the host's trouble.
  case state(EVMStateError)
}

extension CrossCallError {
  static func program(_ program: Pubkey, _ error: InstructionError) -> CrossCallError {
    .refused("Program \(program) failed: \(error)")
  }
}

enum ErrorText {
  /// Keccak-256 of `Error(string)` begins with it.
  private static let selector: [UInt8] = [0x08, 0xc3, 0x79, 0xa0]

  static func encode(_ text: String) -> [UInt8] {
    var words = ReturnWords()
    words.append(bytes: Array(text.utf8))
    return selector + words.bytes
  }

  /// The text of an `Error(string)`; `nil` for other bytes.
  static func decode(_ output: [UInt8]) -> String? {
    guard output.starts(with: selector) else { return nil }
    return output.withUnsafeBytes { bytes in
      let arguments = Calldata(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(4)))
      do throws(CrossCallError) { return String(decoding: try arguments.bytes(0, "the text"), as: UTF8.self) } catch {
        return nil
      }
    }
  }
}
