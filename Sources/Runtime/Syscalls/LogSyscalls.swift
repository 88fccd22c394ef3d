// sol_log_, sol_log_64_, sol_log_pubkey, sol_log_compute_units_, sol_log_data; abort and sol_panic_. The
// lines are those of Agave's stable_log (https://github.com/anza-xyz/agave, program-runtime), which clients
// parse. Lines are built as bytes in the collector's own buffer.

import Primitives
import SBPF

enum LogSyscalls {
  static let abort: SyscallFunction = { vm, _, _, _, _, _ in
    withInvoke(vm) { (_, _) throws(SyscallFailure) in throw .abort }
  }

  /// The file's name (address, byte count), line and column.
  static let panic: SyscallFunction = { vm, file, byteCount, line, column, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(byteCount)
      let name = String(decoding: try text(machine, file, byteCount), as: UTF8.self)
      throw .panic(file: name, line: line, column: column)
    }
  }

  static let log: SyscallFunction = { vm, address, byteCount, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(max(ComputeCosts.syscallBase, byteCount))
      let message = try text(machine, address, byteCount)
      invoke.logs.line { line in
        line.append("Program log: " as StaticString)
        line.append(message)
      }
      return 0
    }
  }

  /// Five integers, in hexadecimal.
  static let log64: SyscallFunction = { vm, first, second, third, fourth, fifth in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.log64)
      func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
      invoke.log("Program log: \(hex(first)), \(hex(second)), \(hex(third)), \(hex(fourth)), \(hex(fifth))")
      return 0
    }
  }

  static let logPubkey: SyscallFunction = { vm, address, _, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.logPubkey)
      let key = Pubkey(reading: try machine.map(address, 32, .load))
      invoke.log("Program log: \(key)")
      return 0
    }
  }

  static let logComputeUnits: SyscallFunction = { vm, _, _, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.syscallBase)
      invoke.log("Program consumption: \(machine.pointee.remainingUnits) units remaining")
      return 0
    }
  }

  /// An array of slices, each logged in base64.
  static let logData: SyscallFunction = { vm, address, count, _, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.syscallBase)
      let fields = try machine.slice(
        address, count: count, stride: GuestSlice.byteCount, alignment: GuestSlice.alignment,
        checkAligned: invoke.checksAlignment)
      try machine.consume(ComputeCosts.syscallBase * count)  // the fields are mapped, so `count` is small
      var total: UInt64 = 0
      for index in 0..<Int(count) {
        let sum = total.addingReportingOverflow(fields.guestSlice(at: index).count)
        total = sum.overflow ? .max : sum.partialValue
      }
      try machine.consume(total)
      for index in 0..<Int(count) { _ = try machine.bytes(fields.guestSlice(at: index)) }
      invoke.logs.line { line in
        line.append("Program data: " as StaticString)
        for index in 0..<Int(count) {
          if index > 0 { line.append(" " as StaticString) }
          guard let field = try? machine.bytes(fields.guestSlice(at: index)) else { continue }
          line.append(Base64.encode(field))
        }
      }
      return 0
    }
  }

  /// Bytes that are UTF-8.
  private static func text(
    _ machine: Machine, _ address: UInt64, _ byteCount: UInt64
  ) throws(SyscallFailure) -> UnsafeRawBufferPointer {
    let bytes = UnsafeRawBufferPointer(try machine.slice(address, count: byteCount))
    if let defect = UTF8Defect.first(in: bytes) { throw .invalidString(defect, bytes: Array(bytes)) }
    return bytes
  }
}
