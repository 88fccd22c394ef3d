// Instructions of the upgradeable loader, for building transactions (https://docs.rs/solana-loader-v3-interface).

import Ledger
import Primitives
import Runtime

package enum UpgradeableLoaderProgram {
  package static func initializeBuffer(_ buffer: Pubkey, authority: Pubkey) -> Instruction {
    instruction(.initializeBuffer, [(buffer, "w"), (authority, "")])
  }

  package static func write(_ bytes: [UInt8], at offset: Int, to buffer: Pubkey, authority: Pubkey)
    -> Instruction
  {
    instruction(
      .write(offset: UInt32(clamping: offset), bytes: bytes), [(buffer, "w"), (authority, "s")])
  }

  package static func deploy(
    _ program: Pubkey, programData: Pubkey, buffer: Pubkey, maximumByteCount: Int, payer: Pubkey,
    authority: Pubkey
  ) -> Instruction {
    instruction(
      .deployWithMaxDataLength(UInt64(maximumByteCount)),
      [
        (payer, "sw"), (programData, "w"), (program, "w"), (buffer, "w"), (SysvarID.rent, ""),
        (SysvarID.clock, ""), (ProgramID.system, ""), (authority, "s"),
      ])
  }

  /// - Parameter spill: gets what the buffer holds beyond the program's rent.
  package static func upgrade(
    _ program: Pubkey, programData: Pubkey, buffer: Pubkey, spill: Pubkey, authority: Pubkey
  ) -> Instruction {
    instruction(
      .upgrade,
      [
        (programData, "w"), (program, "w"), (buffer, "w"), (spill, "w"), (SysvarID.rent, ""),
        (SysvarID.clock, ""), (authority, "s"),
      ])
  }

  package static func extend(
    _ program: Pubkey, programData: Pubkey, by byteCount: UInt32, payer: Pubkey
  ) -> Instruction {
    instruction(
      .extendProgram(additionalByteCount: byteCount),
      [(programData, "w"), (program, "w"), (ProgramID.system, ""), (payer, "sw")])
  }

  /// Closes a buffer, or a program by its program data and, as `program`, its id.
  package static func close(
    _ account: Pubkey, recipient: Pubkey, authority: Pubkey, program: Pubkey? = nil
  ) -> Instruction {
    instruction(
      .close, [(account, "w"), (recipient, "w"), (authority, "s")] + (program.map { [($0, "w")] } ?? []))
  }

  /// - Parameters:
  ///   - account: a buffer or a program's data.
  ///   - successor: nil makes a program final.
  ///   - successorSigns: whether the new authority has to agree.
  package static func setAuthority(
    of account: Pubkey, authority: Pubkey, successor: Pubkey?, successorSigns: Bool
  ) -> Instruction {
    let kind: UpgradeableLoaderInstruction = successorSigns ? .setAuthorityChecked : .setAuthority
    return instruction(
      kind,
      [(account, "w"), (authority, "s")] + (successor.map { [($0, successorSigns ? "s" : "")] } ?? []))
  }

  /// Accounts as (key, letters): s signs, w is writable.
  private static func instruction(
    _ instruction: UpgradeableLoaderInstruction, _ accounts: [(Pubkey, String)]
  ) -> Instruction {
    Instruction(
      programID: ProgramID.bpfLoaderUpgradeable,
      accounts: accounts.map {
        AccountMeta(key: $0.0, isSigner: $0.1.contains("s"), isWritable: $0.1.contains("w"))
      }, data: instruction.encode())
  }
}
