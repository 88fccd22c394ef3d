// The accounts of a program under the upgradeable loader (loader v3,
// https://docs.rs/solana-loader-v3-interface): a small program account that points at a second one with the
// ELF.
//
//   program      u32 tag 2 · programdata key
//   programdata  u32 tag 3 · u64 deployment slot · u8 + 32 upgrade authority · ELF from byte 45

import Primitives

package enum UpgradeableProgram {
  package static let programByteCount = 36
  package static let programDataHeaderByteCount = 45

  /// The `e_flags` of translated EVM code (docs/vm.md, "Wide instructions").
  package static let translatedCodeFlags: UInt32 = 0x4556_4d00

  /// Whether an ELF file says that it is translated EVM code, which no loader takes.
  package static func isTranslatedCode(_ elf: [UInt8]) -> Bool {
    guard elf.count >= 52 else { return false }
    return elf[48..<52].reversed().reduce(0) { $0 << 8 | UInt32($1) } == translatedCodeFlags
  }

  /// Where the ELF of the program at `programID` lies.
  package static func programDataAddress(of programID: Pubkey) -> Pubkey? {
    try? ProgramAddress.find(seeds: [programID.bytes], program: ProgramID.bpfLoaderUpgradeable).address
  }

  /// Both accounts, rent-exempt. Without an authority the program can never be upgraded.
  package static func accounts(
    programID: Pubkey, elf: [UInt8], rent: Rent, slot: UInt64 = 0, authority: Pubkey? = nil
  ) -> (program: Account, programData: (key: Pubkey, account: Account)) {
    // A program address exists for every key but with a chance of 2^-255.
    let dataKey = programDataAddress(of: programID) ?? .zero
    var program = ByteWriter(capacity: programByteCount)
    program.write(2 as UInt32)
    program.write(dataKey)
    var data = ByteWriter(capacity: programDataHeaderByteCount + elf.count)
    data.write(3 as UInt32)
    data.write(slot)
    data.writeOption(authority) { $0.write($1) }
    data.writeZeroes(count: programDataHeaderByteCount - data.bytes.count)
    data.write(elf)
    func account(_ bytes: [UInt8], executable: Bool) -> Account {
      Account(
        lamports: max(1, rent.minimumBalance(dataByteCount: bytes.count)), data: bytes,
        owner: ProgramID.bpfLoaderUpgradeable, executable: executable)
    }
    return (account(program.bytes, executable: true), (dataKey, account(data.bytes, executable: false)))
  }
}
