import Ledger
import Primitives
import Testing

@testable import Estuary

@Suite struct TransactionLabelTests {
  private static let payer = Ed25519.KeyPair(seed: Hash(word0: 1, word1: 2, word2: 3, word3: 4))
  private static let program = Pubkey(word0: 11, word1: 12, word2: 13, word3: 14)

  private static func label(_ instructions: [Instruction]) throws -> String {
    let builder = TransactionBuilder(payer: payer.pubkey, recentBlockhash: .zero, instructions: instructions)
    return TransactionLabel.text(of: try builder.signed(by: [payer]).bytes)
  }

  @Test func namesTheFirstInstruction() throws {
    let transfer = System.transfer(from: Self.payer.pubkey, to: Self.program, lamports: 1)
    let call = Instruction(programID: Self.program, accounts: [], data: [0xa7, 1])
    let budget = Instruction(programID: ProgramID.computeBudget, accounts: [], data: [2, 1, 0, 0, 0])
    let short = String(Self.program.description.prefix(8))
    #expect(try Self.label([transfer]) == "system transfer")
    #expect(try Self.label([budget, transfer]) == "system transfer")
    #expect(try Self.label([call]) == "\(short) a7")
    #expect(try Self.label([call, transfer, call]) == "\(short) a7 +2")
    #expect(try Self.label([Instruction(programID: Self.program, accounts: [], data: [])]) == short)
    #expect(
      try Self.label([Instruction(programID: ProgramID.system, accounts: [], data: [99])])
        == "system instruction")
    #expect(try Self.label([]) == "no instruction")
    #expect(TransactionLabel.text(of: [1, 2, 3]) == "undecodable")
    #expect(TransactionLabel.text(of: []) == "undecodable")
  }
}
