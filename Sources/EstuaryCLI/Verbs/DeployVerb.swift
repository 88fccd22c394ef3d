import ArgumentParser
import Estuary
import Foundation
import Ledger
import Primitives
import Runtime
import SBPF

struct DeployVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy",
    abstract: "Deploy an ELF program through the upgradeable loader, or upgrade the one that is there.",
    discussion: "PROGRAM is an SBPF executable (.so), or an object of stock clang, which is linked first.")

  @Argument(help: "The program's file.")
  var program: String

  @Option(
    name: .customLong("program-id"),
    help: ArgumentHelp(
      "Key pair of the program's address (default: PROGRAM-keypair.json beside the file).",
      valueName: "keypair"))
  var programID: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let authority = try ledger.payer()
    let elf = try ProgramFile.executable(at: program)
    let space = UpgradeableProgram.programDataHeaderByteCount + elf.count
    guard space <= Account.maximumDataByteCount else {
      throw CLIError.program(
        path: program,
        detail: "its \(elf.count) bytes are more than an account may hold (\(Account.maximumDataByteCount))")
    }
    if let objection = ProgramEntry.objection(toDeploying: elf) {
      throw CLIError.program(path: program, detail: objection.diagnosis)
    }
    let pair = try programKeyPair()
    let chain = try ledger.open()
    let deployment = ProgramDeployment(elf: elf, program: pair, authority: authority)
    let results = try chain.send(transactions: deployment.transactions(on: chain))
    if let failure = results.first(where: { $0.error != nil }) { throw CLIError.transactionFailed(failure) }
    output.print(
      text:
        "Program Id: \(pair.pubkey)\n\(elf.count) bytes in \(results.count) transactions, slot \(chain.slot)",
      json: { writer in
        writer.object {
          $0.member("programId", pair.pubkey.description)
          $0.member("signature", results.last?.signature?.description ?? "")
          $0.member("slot", chain.slot)
        }
      })
  }

  /// As the solana CLI: a fresh key pair is kept beside the program, so that the next deployment is an upgrade.
  private func programKeyPair() throws -> Ed25519.KeyPair {
    if let programID { return try KeyPairFile.read(programID) }
    let path = NSString(string: program).deletingPathExtension + "-keypair.json"
    if FileManager.default.fileExists(atPath: path) { return try KeyPairFile.read(path) }
    let pair = Ed25519.KeyPair.random()
    try KeyPairFile.write(pair, to: path)
    return pair
  }
}

/// A program's file as verbs take it: an executable, or an object of stock clang that is linked on the way.
enum ProgramFile {
  /// The bytes of an ELF file, of whatever kind.
  static func read(_ path: String) throws -> [UInt8] {
    let bytes = try WholeFile.read(path)
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
      throw CLIError.program(
        path: path, detail: "it is no ELF file: give an SBPF program or an object of clang")
    }
    return bytes
  }

  static func executable(at path: String) throws -> [UInt8] {
    let bytes = try read(path)
    guard ObjectLinker.isObject(bytes) else { return bytes }
    do throws(ELFError) {
      return try ObjectLinker.link(bytes, syscalls: SyscallTable.registry)
    } catch {
      throw CLIError.program(path: path, detail: error.diagnosis)
    }
  }
}
