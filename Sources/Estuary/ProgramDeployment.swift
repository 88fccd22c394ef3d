// Deploying an ELF file through the upgradeable loader, as `solana program deploy` does: a buffer account is written in
// pieces that fit a packet, then becomes the program, or replaces the one that is there.

import Ledger
import Primitives
import Runtime

package struct ProgramDeployment {
  package let elf: [UInt8]
  package let program: Ed25519.KeyPair
  /// Pays, and may upgrade the program later.
  package let authority: Ed25519.KeyPair
  private let buffer = Ed25519.KeyPair.random()

  package init(elf: [UInt8], program: Ed25519.KeyPair, authority: Ed25519.KeyPair) {
    self.elf = elf
    self.program = program
    self.authority = authority
  }

  /// Bytes of ELF a write transaction carries; the rest of the packet is signature, keys and headers.
  private static let pieceByteCount = 1000

  /// Every transaction of the deployment, for one block.
  package func transactions(
    on chain: Chain
  ) throws(ChainError) -> [(instructions: [Instruction], signers: [Ed25519.KeyPair])] {
    let existing = try chain.account(program.pubkey)
    let bufferByteCount = UpgradeableLoaderState.bufferMetadataByteCount + elf.count
    var transactions: [(instructions: [Instruction], signers: [Ed25519.KeyPair])] = []
    transactions.append(
      (
        [
          System.createAccount(
            from: authority.pubkey, to: buffer.pubkey,
            lamports: chain.minimumBalance(dataByteCount: bufferByteCount),
            space: UInt64(bufferByteCount), owner: ProgramID.bpfLoaderUpgradeable),
          loader(.initializeBuffer, [(buffer.pubkey, "w"), (authority.pubkey, "")]),
        ], [authority, buffer]
      ))
    for offset in stride(from: 0, to: elf.count, by: Self.pieceByteCount) {
      let piece = Array(elf[offset..<min(offset + Self.pieceByteCount, elf.count)])
      let write = UpgradeableLoaderInstruction.write(offset: UInt32(offset), bytes: piece)
      transactions.append(([loader(write, [(buffer.pubkey, "w"), (authority.pubkey, "s")])], [authority]))
    }
    if existing == nil {
      transactions.append(deployment(on: chain))
    } else {
      transactions.append(try upgrade(on: chain))
    }
    return transactions
  }

  private func deployment(on chain: Chain) -> (instructions: [Instruction], signers: [Ed25519.KeyPair]) {
    let programByteCount = UpgradeableLoaderState.programByteCount
    return (
      [
        System.createAccount(
          from: authority.pubkey, to: program.pubkey,
          lamports: chain.minimumBalance(dataByteCount: programByteCount),
          space: UInt64(programByteCount), owner: ProgramID.bpfLoaderUpgradeable),
        loader(
          .deployWithMaxDataLength(UInt64(elf.count)),
          [
            (authority.pubkey, "sw"), (programData, "w"), (program.pubkey, "w"), (buffer.pubkey, "w"),
            (SysvarID.rent, ""), (SysvarID.clock, ""), (ProgramID.system, ""), (authority.pubkey, "s"),
          ]),
      ], [authority, program]
    )
  }

  private func upgrade(
    on chain: Chain
  ) throws(ChainError) -> (instructions: [Instruction], signers: [Ed25519.KeyPair]) {
    var instructions: [Instruction] = []
    let room =
      (try chain.account(programData)?.data.count ?? 0) - UpgradeableLoaderState.programDataMetadataByteCount
    if elf.count > room {
      let missing = UInt32(clamping: max(elf.count - room, 0))
      instructions.append(
        loader(
          .extendProgram(additionalByteCount: missing),
          [(programData, "w"), (program.pubkey, "w"), (ProgramID.system, ""), (authority.pubkey, "sw")]))
    }
    instructions.append(
      loader(
        .upgrade,
        [
          (programData, "w"), (program.pubkey, "w"), (buffer.pubkey, "w"), (authority.pubkey, "w"),
          (SysvarID.rent, ""), (SysvarID.clock, ""), (authority.pubkey, "s"),
        ]))
    return (instructions, [authority])
  }

  private var programData: Pubkey { UpgradeableProgram.programDataAddress(of: program.pubkey) ?? .zero }

  /// Accounts as (key, letters): s signs, w is writable.
  private func loader(_ instruction: UpgradeableLoaderInstruction, _ accounts: [(Pubkey, String)])
    -> Instruction
  {
    Instruction(
      programID: ProgramID.bpfLoaderUpgradeable,
      accounts: accounts.map {
        AccountMeta(key: $0.0, isSigner: $0.1.contains("s"), isWritable: $0.1.contains("w"))
      }, data: instruction.encode())
  }
}
