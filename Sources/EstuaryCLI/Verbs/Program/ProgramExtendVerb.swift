import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProgramExtendVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extend", abstract: "Make room in a program's account for a larger version.",
    discussion:
      "`deploy` extends a program by itself where an upgrade needs it. The loader takes 10,240 bytes at least."
  )

  @Argument(help: ArgumentHelp("The program's address or key pair file.", valueName: "program-id"))
  var programID: String

  @Argument(help: ArgumentHelp("Bytes to add, from 1 to 2^32 - 1.", valueName: "additional-bytes"))
  var additionalBytes: UInt32

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let payer = try ledger.payer()
    let key = try LedgerOptions.key(programID)
    let chain = try ledger.host()
    let state = try chain.programState(at: key)
    guard case .program(let program) = state else {
      if case .closed = state { throw DeploymentError.closed(key) }
      throw DeploymentError.notUpgradeable(key, state)
    }
    if program.authority == nil { throw DeploymentError.final(key) }
    try ProgramExtension.check(additionalBytes, of: program.capacity)
    let capacity = program.capacity + Int(additionalBytes)
    let rent = try chain.minimumBalance(
      dataByteCount: capacity + UpgradeableProgram.programDataHeaderByteCount)
    let missing = rent - min(rent, program.lamports)
    let have = try chain.account(payer.pubkey)?.lamports ?? 0
    let parts = [
      ("for \(additionalBytes) more bytes", missing),
      ("of fees", LoaderTransaction.fee(signatureCount: 1, budget.requested)),
      ("that an account keeps", try chain.minimumBalance(dataByteCount: 0)),
    ]
    let need = parts.map(\.1).saturatedSum
    if have < need {
      throw DeploymentError.insufficientFunds(
        payer: payer.pubkey, have: have, need: need, parts: parts.map { (name: $0.0, lamports: $0.1) })
    }
    let result = try LoaderTransaction.send(
      UpgradeableLoaderProgram.extend(
        key, programData: program.programData, by: additionalBytes, payer: payer.pubkey),
      payer: payer, signers: [], budget: budget.requested, on: chain, step: "extending program \(key)")
    output.print(
      text:
        "Extended Program Id \(key) by \(additionalBytes) bytes to \(capacity); it cost \(SOL.text(missing))",
      json: {
        $0.object {
          $0.member("programId", key.description)
          $0.member("additionalBytes", UInt64(additionalBytes))
          $0.member("dataLen", capacity)
          $0.member("signature", result.signature?.description ?? "")
        }
      })
  }
}
