import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallInstructionTests {
  @Test func returnDataIsSetAndRead() throws {
    let rig = try SyscallRig()
    rig.write(Array(1...200), at: heap)
    #expect(try rig.call("sol_set_return_data", heap, 200) == .ok(units: 100))
    #expect(try rig.call("sol_get_return_data", heap + 1000, 5, heap + 2000) == .ok(200, units: 100))
    #expect(rig.read(heap + 1000, 6) == [1, 2, 3, 4, 5, 0])
    #expect(rig.read(heap + 2000, 32) == SyscallRig.programKey.bytes)
    #expect(try rig.call("sol_get_return_data", heap + 1000, 1000, heap + 2000) == .ok(200, units: 100))
    #expect(try rig.call("sol_get_return_data", 0, 0, 0) == .ok(200, units: 100))
    #expect(try rig.call("sol_set_return_data", 0, 0) == .ok(units: 100))
    #expect(try rig.call("sol_get_return_data", 0, 1000, 0) == .ok(0, units: 100))
  }

  @Test func returnDataIsPaidByTheByte() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_set_return_data", heap, 1024) == .ok(units: 104))
    #expect(try rig.call("sol_set_return_data", heap, 1024, units: 103) == .failed(.outOfUnits, units: 103))
    #expect(try rig.call("sol_get_return_data", heap, 1024, stack) == .ok(1024, units: 104))
    #expect(try rig.call("sol_get_return_data", heap, 218, stack) == .ok(1024, units: 101))
    #expect(try rig.call("sol_get_return_data", heap, 217, stack) == .ok(1024, units: 100))
    #expect(
      try rig.call("sol_get_return_data", heap, 1024, stack, units: 103) == .failed(.outOfUnits, units: 103))
    #expect(
      try rig.call("sol_get_return_data", heap, 1024, stack, units: 99) == .failed(.outOfUnits, units: 99))
  }

  @Test func returnDataArgumentsAreChecked() throws {
    let rig = try SyscallRig()
    let tooLarge = SyscallFailure.returnDataTooLarge(byteCount: 1025)
    #expect(try rig.call("sol_set_return_data", 0, 1025) == .failed(tooLarge, units: 104))
    #expect(try rig.call("sol_set_return_data", 0, 8) == .failed(.load(0, 8), units: 100))
    #expect(try rig.call("sol_set_return_data", 0, .max) == .failed(.outOfUnits, units: 1_000_000))
    #expect(try rig.call("sol_set_return_data", heap, 64) == .ok(units: 100))
    let get = "sol_get_return_data"
    #expect(try rig.call(get, heap, 64, heap + 63) == .failed(.copyOverlapping, units: 100))
    #expect(try rig.call(get, heap, 64, heap + 64) == .ok(64, units: 100))
    #expect(try rig.call(get, heap + 32, 64, heap + 1) == .failed(.copyOverlapping, units: 100))
    #expect(try rig.call(get, heap + 32, 64, heap) == .ok(64, units: 100))
    #expect(try rig.call(get, program, 64, 0) == .failed(.store(program, 64), units: 100))
    #expect(try rig.call(get, heap, 64, 0) == .failed(.store(0, 32), units: 100))
  }

  @Test func heightAndUnits() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_get_stack_height") == .ok(1, units: 100))
    rig.push()
    #expect(try rig.call("sol_get_stack_height") == .ok(2, units: 100))
    #expect(try rig.call("sol_get_stack_height", units: 99) == .failed(.outOfUnits, units: 99))
    #expect(try rig.call("sol_remaining_compute_units", units: 500) == .ok(400, units: 100))
    #expect(try rig.call("sol_remaining_compute_units", units: 99) == .failed(.outOfUnits, units: 99))
  }

  static let sibling = "sol_get_processed_sibling_instruction"
  static let accounts = [
    InstructionAccount(indexInTransaction: 1, isSigner: true, isWritable: false),
    InstructionAccount(indexInTransaction: 2, isSigner: false, isWritable: true),
  ]

  @Test func siblingsAreCountedBackwardsOnOneLevel() throws {
    let rig = try SyscallRig()
    rig.pop()
    rig.push(data: [1])
    rig.push(data: [1, 1])  // called by the second
    rig.pop()
    rig.pop()
    rig.push(data: [1, 1, 1], accounts: Self.accounts)
    func dataCount(_ index: UInt64) throws -> UInt64? {
      rig.write(99, 99, at: heap)
      let outcome = try rig.call(Self.sibling, index, heap, 0, 0, 0)
      #expect(outcome.failure == nil && outcome.unitsUsed == 100)
      return outcome.result == 1 ? rig.word(heap) : nil
    }
    #expect(try dataCount(0) == 1)
    #expect(try dataCount(1) == 0)
    #expect(try dataCount(2) == nil)
    #expect(try dataCount(.max) == nil)
    rig.push(data: [7])
    #expect(try dataCount(0) == nil)  // the call of another instruction is no sibling
    rig.pop()
    rig.push(data: [8])
    #expect(try dataCount(0) == 1)
    #expect(try dataCount(1) == nil)
  }

  @Test func aSiblingIsWrittenWhereTheLengthsMatch() throws {
    let rig = try SyscallRig()
    rig.pop()
    rig.push(data: [5, 6, 7], accounts: Self.accounts)
    rig.pop()
    rig.push()
    let (header, key, data, accounts) = (heap, heap + 64, heap + 128, heap + 200)
    #expect(try rig.call(Self.sibling, 0, header, key, data, accounts) == .ok(1, units: 100))
    #expect((rig.word(header), rig.word(header + 8)) == (3, 2))
    #expect(rig.read(key, 200).allSatisfy { $0 == 0 })
    #expect(try rig.call(Self.sibling, 0, header, key, data, accounts) == .ok(1, units: 100))
    #expect(rig.read(key, 32) == SyscallRig.programKey.bytes)
    #expect(rig.read(data, 4) == [5, 6, 7, 0])
    let ones = [UInt8](repeating: 1, count: 32)
    let twos = [UInt8](repeating: 2, count: 32)
    #expect(rig.read(accounts, 68) == ones + [1, 0] + twos + [0, 1])
  }

  @Test func siblingArgumentsAreChecked() throws {
    let rig = try SyscallRig()
    rig.pop()
    rig.push(data: [5, 6, 7], accounts: Self.accounts)
    rig.pop()
    rig.push()
    let (header, key, data, accounts) = (heap, heap + 64, heap + 128, heap + 200)
    func failure(_ header: UInt64, _ key: UInt64, _ data: UInt64, _ accounts: UInt64) throws
      -> SyscallFailure?
    {
      try rig.call(Self.sibling, 0, header, key, data, accounts).failure
    }
    #expect(try failure(0, key, data, accounts) == .store(0, 16))
    #expect(try failure(header + 4, key, data, accounts) == .unalignedPointer)
    rig.write(3, 2, at: header)
    #expect(try failure(header, program, 0, 0) == .store(program, 32))
    #expect(try failure(header, key, 0, 0) == .store(0, 3))
    #expect(try failure(header, key, data, 0) == .store(0, 68))
    #expect(try failure(header, key, key + 31, accounts) == .copyOverlapping)
    #expect(try failure(header, key, data, data + 2) == .copyOverlapping)
    #expect(try failure(header, key, header + 15, accounts) == .copyOverlapping)
    #expect(try failure(header, header + 16, data, accounts) == nil)
    #expect(try rig.call(Self.sibling, 9, 0, 0, 0, 0) == .ok(0, units: 100))
    #expect(
      try rig.call(Self.sibling, 0, header, key, data, accounts, units: 99) == .failed(.outOfUnits, units: 99)
    )
  }
}
