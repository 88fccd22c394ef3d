// An instruction before it is compiled into a message, or as a program hands it to the runtime: keys, not
// indices (https://docs.rs/solana-instruction).

import Primitives

package struct AccountMeta: Equatable, Sendable {
  package var key: Pubkey
  package var isSigner: Bool
  package var isWritable: Bool

  package init(key: Pubkey, isSigner: Bool, isWritable: Bool) {
    self.key = key
    self.isSigner = isSigner
    self.isWritable = isWritable
  }
}

package struct Instruction: Equatable, Sendable {
  package var programID: Pubkey
  package var accounts: [AccountMeta]
  package var data: [UInt8]

  package init(programID: Pubkey, accounts: [AccountMeta], data: [UInt8]) {
    self.programID = programID
    self.accounts = accounts
    self.data = data
  }
}
