// sol_poseidon: the hash of up to twelve elements of BN254's scalar field, each a slice of 32 bytes in one of two byte
// orders. A result of 1 means that there was none to hash, or that a slice is no element.

import Curves
import SBPF

enum PoseidonSyscall {
  static let hash: SyscallFunction = { vm, parameters, endianness, slices, count, result in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      guard parameters == 0 else { throw .invalidPoseidonParameters }
      guard endianness <= 1 else { throw .invalidPoseidonEndianness }
      let isLittleEndian = endianness == 1
      if count > Poseidon.maximumCount {
        invoke.log("Poseidon hashing \(count) sequences is not supported")
        throw .invalidLength
      }
      try machine.consume(ComputeCosts.poseidon(count: count))
      let target = try machine.map(result, UInt64(Poseidon.byteCount), .store)
      let values = try machine.slice(
        slices, count: count, stride: GuestSlice.byteCount, alignment: GuestSlice.alignment,
        checkAligned: invoke.checksAlignment)
      var inputs: [[UInt8]] = []
      for index in 0..<Int(count) {
        let bytes = try machine.bytes(values.guestSlice(at: index))
        // Longer ones are refused for their length alone; they need not be copied for that.
        let input = Array(bytes.prefix(Poseidon.byteCount + 1))
        inputs.append(isLittleEndian ? input.reversed() : input)
      }
      guard var hash = try? Poseidon.hash(inputs) else { return 1 }
      if isLittleEndian { hash.reverse() }
      hash.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(start: target, count: $0.count).copyMemory(from: $0)
      }
      return 0
    }
  }
}
