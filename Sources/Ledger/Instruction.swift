// An instruction before it is compiled into a message, or as a program hands it to the runtime: keys, not
// indices (https://docs.rs/solana-instruction).

import Primitives

public struct AccountMeta: Equatable, Sendable {
  public var key: Pubkey
  public var isSigner: Bool
  public var isWritable: Bool

  public init(key: Pubkey, isSigner: Bool, isWritable: Bool) {
    self.key = key
    self.isSigner = isSigner
    self.isWritable = isWritable
  }
}

public struct Instruction: Equatable, Sendable {
  public var programID: Pubkey
  public var accounts: [AccountMeta]
  public var data: [UInt8]

  public init(programID: Pubkey, accounts: [AccountMeta], data: [UInt8]) {
    self.programID = programID
    self.accounts = accounts
    self.data = data
  }
}
