// The first half of a call's arguments: the instruction and the seeds of the addresses that the caller signs
// for, in the memory layouts of C (`SolInstruction`, `SolAccountMeta`) and of Rust (`StableInstruction`,
// `AccountMeta`).

import Ledger
import Primitives
import SBPF

/// What a call names, besides its accounts (`InvokeContext.calledAccounts`).
struct CalledInstruction {
  var program: Pubkey
  /// In the caller's memory.
  var data: UnsafeRawBufferPointer
}

extension CrossProgramCall {
  /// Five u64: pointers to the program's key, to the account metas (with their count) and to the data (with
  /// its length). A meta is a pointer to a key, a writable and a signer byte, padded to 16 bytes.
  func instructionC(at address: UInt64) throws(SyscallFailure) -> CalledInstruction {
    let fields = UnsafeRawPointer(
      try machine.value(address, byteCount: 40, alignment: 8, checkAligned: checkAligned))
    let program = try key(at: word(fields, 0))
    let metaCount = word(fields, 2)
    let metas = try machine.slice(
      word(fields, 1), count: metaCount, stride: 16, alignment: 8, checkAligned: checkAligned)
    let data = try machine.slice(word(fields, 3), count: word(fields, 4), checkAligned: checkAligned)
    try checkSize(metaCount: metaCount, dataByteCount: UInt64(data.count))
    try consumeTranslation(metaCount: metaCount, dataByteCount: UInt64(data.count))
    if !invoke.calledAccounts.isEmpty { invoke.calledAccounts.removeAll(keepingCapacity: true) }
    for index in 0..<Int(metaCount) {
      guard let meta = metas.baseAddress.map({ $0 + index * 16 }) else { break }
      let (isWritable, isSigner) = try flags(UnsafeRawPointer(meta + 8))
      let key = try key(at: meta.loadUnaligned(as: UInt64.self))
      invoke.calledAccounts.append(AccountMeta(key: key, isSigner: isSigner, isWritable: isWritable))
    }
    return CalledInstruction(program: program, data: UnsafeRawBufferPointer(data))
  }

  /// Two vectors of (address, capacity, length), account metas and data, then the program's key. A meta is a
  /// key, a signer and a writable byte: 34 bytes.
  func instructionRust(at address: UInt64) throws(SyscallFailure) -> CalledInstruction {
    let fields = UnsafeRawPointer(
      try machine.value(address, byteCount: 80, alignment: 8, checkAligned: checkAligned))
    let metaCount = word(fields, 2)
    let metas = try machine.slice(word(fields, 0), count: metaCount, stride: 34, checkAligned: checkAligned)
    let data = try machine.slice(word(fields, 3), count: word(fields, 5), checkAligned: checkAligned)
    try checkSize(metaCount: metaCount, dataByteCount: UInt64(data.count))
    try consumeTranslation(metaCount: metaCount, dataByteCount: UInt64(data.count))
    if !invoke.calledAccounts.isEmpty { invoke.calledAccounts.removeAll(keepingCapacity: true) }
    for index in 0..<Int(metaCount) {
      guard let meta = metas.baseAddress.map({ UnsafeRawPointer($0 + index * 34) }) else { break }
      let (isSigner, isWritable) = try flags(meta + 32)
      invoke.calledAccounts.append(
        AccountMeta(key: Pubkey(reading: meta), isSigner: isSigner, isWritable: isWritable))
    }
    return CalledInstruction(program: Pubkey(reading: fields + 48), data: UnsafeRawBufferPointer(data))
  }

  /// The addresses that the caller's seeds derive: an array of arrays of (address, length), in both
  /// languages.
  func signers(at address: UInt64, count: UInt64, program: Pubkey) throws(SyscallFailure) -> [Pubkey] {
    if count == 0 { return [] }
    let signers = try machine.slice(
      address, count: count, stride: 16, alignment: 8, checkAligned: checkAligned)
    if count > UInt64(CrossProgramInvocation.maximumSignerCount) { throw .tooManySigners }
    var keys: [Pubkey] = []
    for index in 0..<Int(count) {
      let signer = signers.guestSlice(at: index)
      let seeds = try machine.slice(
        signer.address, count: signer.count, stride: 16, alignment: 8, checkAligned: checkAligned)
      if signer.count > UInt64(ProgramAddress.maximumSeedCount) { throw .instruction(.maxSeedLengthExceeded) }
      var slices: [UnsafeRawBufferPointer] = []
      for seed in 0..<Int(signer.count) { slices.append(try machine.bytes(seeds.guestSlice(at: seed))) }
      do throws(ProgramAddressError) {
        keys.append(try ProgramAddress.create(seeds: slices, program: program))
      } catch {
        throw .badSeeds(error)
      }
    }
    return keys
  }

  private func checkSize(metaCount: UInt64, dataByteCount: UInt64) throws(SyscallFailure) {
    if metaCount > CrossProgramInvocation.maximumAccountCount {
      throw .maxInstructionAccountsExceeded(
        count: metaCount, limit: CrossProgramInvocation.maximumAccountCount)
    }
    if dataByteCount > CrossProgramInvocation.maximumInstructionDataByteCount {
      throw .maxInstructionDataLengthExceeded(
        byteCount: dataByteCount, limit: CrossProgramInvocation.maximumInstructionDataByteCount)
    }
  }

  private func consumeTranslation(metaCount: UInt64, dataByteCount: UInt64) throws(SyscallFailure) {
    let metaUnits = metaCount * CrossProgramInvocation.accountMetaByteCount / ComputeCosts.bytesPerUnit
    try machine.consume(dataByteCount / ComputeCosts.bytesPerUnit + metaUnits)
  }

  /// Two bytes that must be 0 or 1.
  private func flags(_ pointer: UnsafeRawPointer) throws(SyscallFailure) -> (Bool, Bool) {
    let first = pointer.load(as: UInt8.self)
    let second = (pointer + 1).load(as: UInt8.self)
    if first > 1 || second > 1 { throw .instruction(.invalidArgument) }
    return (first == 1, second == 1)
  }

  func key(at address: UInt64) throws(SyscallFailure) -> Pubkey {
    Pubkey(reading: try machine.value(address, byteCount: 32, checkAligned: checkAligned))
  }

  func word(_ fields: UnsafeRawPointer, _ index: Int) -> UInt64 {
    fields.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
  }
}
