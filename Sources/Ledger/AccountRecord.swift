// How a store keeps an account: one record under the account's 32-byte key. Reading checks every byte, so a
// damaged record is an error and never an account.
//
//   u8 version = 1 · u8 flags · lamports (LEB128) · owner, unless flagged · u64 rent epoch, unless flagged ·
//   data
//   flags: 1 executable · 2 owned by the system program · 4 rent epoch is 2^64−1

import Primitives

package enum AccountRecord {
  private static let version: UInt8 = 1
  private static let executable: UInt8 = 1
  private static let systemOwned: UInt8 = 2
  private static let rentExempt: UInt8 = 4

  package static func encode(_ account: Account) -> [UInt8] {
    var flags: UInt8 = account.executable ? executable : 0
    if account.owner == ProgramID.system { flags |= systemOwned }
    if account.rentEpoch == .max { flags |= rentExempt }
    var writer = ByteWriter(capacity: 52 + account.data.count)
    writer.write(version)
    writer.write(flags)
    var lamports = account.lamports
    while lamports >= 0x80 {
      writer.write(UInt8(truncatingIfNeeded: lamports) | 0x80)
      lamports >>= 7
    }
    writer.write(UInt8(truncatingIfNeeded: lamports))
    if flags & systemOwned == 0 { writer.write(account.owner) }
    if flags & rentExempt == 0 { writer.write(account.rentEpoch) }
    writer.write(account.data)
    return writer.bytes
  }

  /// `nil` where `bytes` are not exactly what `encode` writes.
  package static func decode(_ bytes: UnsafeRawBufferPointer) -> Account? {
    var reader = ByteReader(bytes)
    do throws(CodecError) {
      guard try reader.readUInt8() == version else { return nil }
      let flags = try reader.readUInt8()
      guard flags & ~(executable | systemOwned | rentExempt) == 0 else { return nil }
      guard let lamports = try lamports(&reader) else { return nil }
      let owner = flags & systemOwned != 0 ? ProgramID.system : try reader.readPubkey()
      let rentEpoch = flags & rentExempt != 0 ? UInt64.max : try reader.readUInt64()
      guard flags & systemOwned != 0 || owner != ProgramID.system,
        flags & rentExempt != 0 || rentEpoch != .max,
        reader.remaining <= Account.maximumDataByteCount
      else { return nil }
      let data = [UInt8](try reader.read(byteCount: reader.remaining))
      return Account(
        lamports: lamports, data: data, owner: owner, executable: flags & executable != 0,
        rentEpoch: rentEpoch)
    } catch {
      return nil
    }
  }

  private static func lamports(_ reader: inout ByteReader) throws(CodecError) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0 as UInt64, through: 63, by: 7) {
      let byte = try reader.readUInt8()
      if shift == 63 && byte > 1 { return nil }
      if byte == 0 && shift > 0 { return nil }  // longer than the value needs
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}
