// `estuary program`: what becomes of deployed programs and of buffers, spelled as the solana CLI spells it.

import ArgumentParser
import Estuary
import Execution
import Ledger
import Primitives

struct ProgramVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "program",
    abstract: "Deploy programs; show, save, extend, close and hand over deployed ones and buffers.",
    subcommands: [
      DeployVerb.self, ProgramShowVerb.self, ProgramDumpVerb.self, ProgramExtendVerb.self,
      ProgramCloseVerb.self,
      ProgramSetAuthorityVerb.self, WriteBufferVerb.self,
    ])
}

/// One transaction of the upgradeable loader.
enum LoaderTransaction {
  /// Sends it and gives its result and what the payer has left; one that fails is the verb's error.
  static func send(
    _ instruction: Instruction, payer: Ed25519.KeyPair, signers: [Ed25519.KeyPair], budget: RequestedBudget,
    on chain: any ProgramHost, step: String
  ) throws -> TransactionResult {
    let fee = fee(signatureCount: Set(([payer] + signers).map(\.pubkey)).count, budget)
    let have = try chain.account(payer.pubkey)?.lamports ?? 0
    if have < fee {
      throw DeploymentError.insufficientFunds(
        payer: payer.pubkey, have: have, need: fee, parts: [("of fees", fee)])
    }
    let instructions = [instruction] + budget.instructions
    let result = try chain.send(instructions, signers: [payer] + signers)
    if let failed = FailedTransaction(result, of: instructions, signers: [payer] + signers, on: chain) {
      throw DeploymentError.transactionFailed(step: step, text: failed.text, buffer: nil)
    }
    return result
  }

  static func fee(signatureCount: Int, _ budget: RequestedBudget) -> UInt64 {
    [UInt64(signatureCount) * 5000, budget.priorityFee(ofCalling: [ProgramID.bpfLoaderUpgradeable])].saturatedSum
  }
}

extension ProgramState.Program {
  /// Throws unless `authority` may change the program.
  func check(_ key: Pubkey, authority given: Pubkey) throws {
    guard let authority else { throw DeploymentError.final(key) }
    if authority != given {
      throw DeploymentError.wrongAuthority(of: key, role: "upgrade authority", is: authority, given: given)
    }
  }
}

extension ProgramState.Buffer {
  func check(_ key: Pubkey, authority given: Pubkey) throws {
    if authority != given {
      throw DeploymentError.wrongAuthority(
        of: key, role: "buffer authority", is: authority ?? .zero, given: given)
    }
  }
}
