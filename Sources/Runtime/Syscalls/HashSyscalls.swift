// sol_sha256, sol_keccak256 and sol_blake3: the hash of an array of slices. Each slice pays one unit for two
// bytes, at least the base of a memory operation, before it is absorbed.

import Primitives
import SBPF

protocol SyscallHasher {
  static var name: StaticString { get }
  init()
  mutating func update(_ bytes: UnsafeRawBufferPointer)
  mutating func finalize() -> Hash
}

extension SHA256: SyscallHasher { static var name: StaticString { "Sha256" } }
extension Keccak256: SyscallHasher { static var name: StaticString { "Keccak256" } }
extension BLAKE3: SyscallHasher { static var name: StaticString { "Blake3" } }

enum HashSyscalls {
  static let sha256: SyscallFunction = { vm, slices, count, result, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try hash(SHA256(), machine, invoke, slices, count, result)
    }
  }

  static let keccak256: SyscallFunction = { vm, slices, count, result, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try hash(Keccak256(), machine, invoke, slices, count, result)
    }
  }

  static let blake3: SyscallFunction = { vm, slices, count, result, _, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try hash(BLAKE3(), machine, invoke, slices, count, result)
    }
  }

  @inline(__always)
  private static func hash<Hasher: SyscallHasher>(
    _ initial: Hasher, _ machine: Machine, _ invoke: InvokeContext, _ slices: UInt64, _ count: UInt64,
    _ result: UInt64
  ) throws(SyscallFailure) -> UInt64 {
    let limit = ComputeCosts.maximumHashSliceCount
    if count > limit {
      invoke.log("\(Hasher.name) Hashing \(count) sequences in one syscall is over the limit \(limit)")
      throw .tooManySlices
    }
    try machine.consume(ComputeCosts.hashBase)
    let target = try machine.map(result, 32, .store)
    var hasher = initial
    let values = try machine.slice(
      slices, count: count, stride: GuestSlice.byteCount, alignment: GuestSlice.alignment,
      checkAligned: invoke.checksAlignment)
    for index in 0..<Int(count) {
      let value = values.guestSlice(at: index)
      let bytes = try machine.bytes(value)
      try machine.consume(
        max(ComputeCosts.memoryOperationBase, ComputeCosts.hashBytePair * (value.count / 2)))
      hasher.update(bytes)
    }
    hasher.finalize().write(to: target)
    return 0
  }
}
