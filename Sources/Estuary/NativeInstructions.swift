// Instructions of native programs, for building transactions.

import Ledger
import Primitives
import Runtime

/// Instructions of the system program.
package enum System {
  package static func transfer(from source: Pubkey, to target: Pubkey, lamports: UInt64) -> Instruction {
    Instruction(
      programID: ProgramID.system,
      accounts: [
        AccountMeta(key: source, isSigner: true, isWritable: true),
        AccountMeta(key: target, isSigner: false, isWritable: true),
      ], data: SystemInstruction.transfer(lamports: lamports).encode())
  }

  package static func createAccount(
    from source: Pubkey, to target: Pubkey, lamports: UInt64, space: UInt64, owner: Pubkey
  ) -> Instruction {
    Instruction(
      programID: ProgramID.system,
      accounts: [
        AccountMeta(key: source, isSigner: true, isWritable: true),
        AccountMeta(key: target, isSigner: true, isWritable: true),
      ], data: SystemInstruction.createAccount(lamports: lamports, space: space, owner: owner).encode())
  }
}

/// Instructions of the compute budget program.
package enum ComputeBudgetProgram {
  package static func setComputeUnitLimit(_ units: UInt32) -> Instruction {
    var writer = ByteWriter(capacity: 5)
    writer.write(2 as UInt8)
    writer.write(units)
    return Instruction(programID: ProgramID.computeBudget, accounts: [], data: writer.bytes)
  }

  /// - Parameter price: micro-lamports a unit.
  package static func setComputeUnitPrice(_ price: UInt64) -> Instruction {
    var writer = ByteWriter(capacity: 9)
    writer.write(3 as UInt8)
    writer.write(price)
    return Instruction(programID: ProgramID.computeBudget, accounts: [], data: writer.bytes)
  }
}
