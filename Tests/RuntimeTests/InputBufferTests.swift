// The two layouts of a program's input, byte by byte.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct InputBufferTests {
  private let transaction = TransactionContext()
  private let frame = InstructionContext()
  private let keys = (1...3).map { TransactionRig.key(UInt8($0)) }

  init() {
    transaction.reset(accountCount: 3, rent: Rent())
    for (index, key) in keys.enumerated() { transaction.keys[index] = key }
    transaction.accounts[0] = Account(lamports: 1, owner: ProgramID.bpfLoader2, executable: true)
    transaction.accounts[1] = Account(lamports: 0x0102, data: [7, 8, 9], owner: keys[0], rentEpoch: 5)
    frame.programIndex = 0
    ([0xaa, 0xbb] as [UInt8]).withUnsafeBytes { frame.setData($0) }
    frame.setAccounts([
      InstructionAccount(indexInTransaction: 1, isSigner: true, isWritable: false),
      InstructionAccount(indexInTransaction: 1, isSigner: true, isWritable: false),
    ])
  }

  private func u64(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

  private func serialized(isUnaligned: Bool) throws -> (buffer: InputBuffer, bytes: [UInt8]) {
    let buffer = InputBuffer()
    try buffer.serialize(frame, of: transaction, isUnaligned: isUnaligned)
    return (buffer, Array(UnsafeRawBufferPointer(start: buffer.base, count: buffer.byteCount)))
  }

  @Test func alignedLayout() throws {
    let (buffer, bytes) = try serialized(isUnaligned: false)
    var expected = u64(2) + [0xff, 1, 0, 0, 0, 0, 0, 0]
    expected += keys[1].bytes + keys[0].bytes
    expected += u64(0x0102) + u64(3)
    expected += [7, 8, 9]
    expected += [UInt8](repeating: 0, count: 10_240 + 5) + u64(.max)
    expected += [0, 0, 0, 0, 0, 0, 0, 0] + u64(2)
    let dataOffset = expected.count
    expected += [0xaa, 0xbb] + keys[0].bytes
    #expect(bytes == expected)
    #expect(buffer.instructionDataAddress == 0x4_0000_0000 + UInt64(dataOffset))
  }

  @Test func unalignedLayout() throws {
    let (_, bytes) = try serialized(isUnaligned: true)
    var expected = u64(2) + [0xff, 1, 0] + keys[1].bytes
    expected += u64(0x0102) + u64(3) + [7, 8, 9]
    expected += keys[0].bytes + [0] + u64(.max)
    expected += [0] + u64(2) + [0xaa, 0xbb] + keys[0].bytes
    #expect(bytes == expected)
  }

  @Test func accountsAreLimited() {
    let account = frame.accounts[0]
    frame.setAccounts([InstructionAccount](repeating: account, count: 256))
    #expect(throws: InstructionError.maxAccountsExceeded) { try serialized(isUnaligned: false) }
    frame.setAccounts([InstructionAccount](repeating: account, count: 255))
    #expect(throws: Never.self) { try serialized(isUnaligned: true) }
  }

  @Test func unchangedDataStaysShared() throws {
    let before = transaction.accounts[1].data.withUnsafeBytes { $0.baseAddress }
    frame.accounts[0].isWritable = true
    let (buffer, _) = try serialized(isUnaligned: false)
    transaction.accounts[1].owner = keys[0]
    try buffer.deserialize(frame, of: transaction, isUnaligned: false)
    #expect(transaction.accounts[1].data.withUnsafeBytes { $0.baseAddress } == before)
  }
}
