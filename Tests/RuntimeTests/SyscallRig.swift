// A machine with memory in every region and an invoke context behind it, for calling syscalls one at a time.
// Regions: 4 KiB of program (read-only), the stack of 64 frames, 32 KiB of heap, 4 KiB of input. Programs of
// a few instructions, to call them as a program does, are assembled by `SyscallProgram`.

import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

let program: UInt64 = GuestMemory.programStart
let stack: UInt64 = GuestMemory.stackStart
let heap: UInt64 = GuestMemory.heapStart
let input: UInt64 = GuestMemory.inputStart
let heapByteCount: UInt64 = 32 * 1024

final class SyscallRig {
  struct Outcome: Equatable {
    var result: UInt64
    var failure: SyscallFailure?
    var unitsUsed: Int64
  }

  let invoke: InvokeContext
  private let machine: UnsafeMutablePointer<VMContext>
  private let virtualMachine = VirtualMachine(engine: .plain)
  private let memory: [UnsafeMutableRawPointer]

  static let programKey = Pubkey((0..<32).map { UInt8($0) })!

  init(loader: Pubkey = ProgramID.bpfLoader2, version: SBPFVersion = .v3, sysvars: Sysvars? = nil) throws {
    let sysvars = try sysvars ?? Sysvars(slot: 7, unixTimestamp: 1_700_000_000, blockhash: .zero)
    invoke = InvokeContext(environment: Self.environment(sysvars))
    machine = virtualMachine.context
    let sizes = [16, 4096, Int(GuestMemory.stackByteCount), Int(heapByteCount), 4096]
    memory = sizes.map { size in
      let pointer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
      pointer.initializeMemory(as: UInt8.self, repeating: 0, count: size)
      return pointer
    }
    let gaps = version.hasStackFrameGaps
    machine.pointee.hasStackGaps = gaps
    let regions = machine.pointee.regions
    regions[1] = MemoryRegion(host: memory[1], readableByteCount: 4096, writableByteCount: 0)
    let stackBytes = GuestMemory.stackByteCount
    regions[2] = MemoryRegion(
      host: memory[2], readableByteCount: gaps ? 0 : stackBytes, writableByteCount: 0,
      exactByteCount: stackBytes)
    regions[3] = MemoryRegion(
      host: memory[3], readableByteCount: heapByteCount, writableByteCount: heapByteCount)
    regions[4] = MemoryRegion(host: memory[4], readableByteCount: 4096, writableByteCount: 4096)
    machine.pointee.host = Unmanaged.passUnretained(invoke).toOpaque()
    begin(loader: loader)
  }

  deinit { for pointer in memory { pointer.deallocate() } }

  private static func environment(_ sysvars: Sysvars) -> ExecutionEnvironment {
    ExecutionEnvironment(slot: 7, blockhash: .zero, sysvars: sysvars)
  }

  /// One frame, whose program belongs to `loader`.
  private func begin(loader: Pubkey) {
    let transaction = invoke.transaction
    transaction.reset(accountCount: 3, rent: Rent())
    transaction.keys[0] = Self.programKey
    transaction.accounts[0] = Account(lamports: 1, owner: loader, executable: true)
    for index in 1..<3 { transaction.keys[index] = Pubkey([UInt8](repeating: UInt8(index), count: 32))! }
    push()
  }

  /// Begins a frame, a sibling of the last one where that has been popped.
  func push(data: [UInt8] = [], accounts: [InstructionAccount] = []) {
    let frame = invoke.transaction.trace[invoke.transaction.traceLength]
    frame.programIndex = 0
    data.withUnsafeBytes { frame.setData($0) }
    frame.setAccounts(accounts)
    #expect(throws: Never.self) { try invoke.transaction.push() }
  }

  func pop() { #expect(throws: Never.self) { try invoke.transaction.pop() } }

  func call(_ name: String, _ arguments: UInt64..., units: Int64 = 1_000_000) throws -> Outcome {
    let registry = SyscallTable.registry(.all)
    let index = try #require(registry.index(ofKey: Murmur3.hash(Array(name.utf8))))
    var padded = arguments
    while padded.count < 5 { padded.append(0) }
    machine.pointee.remainingUnits = units
    machine.pointee.fault = .none
    invoke.pendingSyscallError = nil
    let function = registry.entries[index].function
    let result = function(machine, padded[0], padded[1], padded[2], padded[3], padded[4])
    let failure = invoke.pendingSyscallError
    #expect((machine.pointee.fault == .syscallError) == (failure != nil))
    return Outcome(result: result, failure: failure, unitsUsed: units - machine.pointee.remainingUnits)
  }

  // MARK: Memory, past every check

  private func host(_ address: UInt64) -> UnsafeMutableRawPointer {
    memory[Int(address >> 32)] + Int(address & 0xffff_ffff)
  }

  func write(_ bytes: [UInt8], at address: UInt64) {
    host(address).copyMemory(from: bytes, byteCount: bytes.count)
  }

  func write(_ words: UInt64..., at address: UInt64) {
    for (index, word) in words.enumerated() {
      host(address).storeBytes(of: word, toByteOffset: index * 8, as: UInt64.self)
    }
  }

  func read(_ address: UInt64, _ count: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: host(address), count: count))
  }

  func word(_ address: UInt64) -> UInt64 { host(address).loadUnaligned(as: UInt64.self) }
}

extension SyscallRig.Outcome {
  static func ok(_ result: UInt64 = 0, units: Int64) -> Self {
    Self(result: result, failure: nil, unitsUsed: units)
  }
  static func failed(_ failure: SyscallFailure, units: Int64) -> Self {
    Self(result: 0, failure: failure, unitsUsed: units)
  }
}

extension SyscallFailure {
  static func load(_ address: UInt64, _ byteCount: UInt64) -> SyscallFailure {
    .accessViolation(AccessViolation(access: .load, address: address, byteCount: byteCount))
  }
  static func store(_ address: UInt64, _ byteCount: UInt64) -> SyscallFailure {
    .accessViolation(AccessViolation(access: .store, address: address, byteCount: byteCount))
  }
}

func hex(_ text: String) -> [UInt8] { Hex.decode(text)! }
