import ArgumentParser
import Contracts
import EVM
import Estuary
import FoundationEssentials
import Primitives

struct EVMDeployVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "deploy", abstract: "Deploy a contract; creates the ledger if need be.",
    discussion: """
      The artefact is what a compiler writes: hex text, Vyper's or solc's combined JSON, standard JSON output, an \
      artefact of Hardhat or Foundry; or the code itself in hexadecimal digits. It is tried out first: one that would \
      fail is not sent, and it gets the smallest gas limit that does.
      """)

  @Argument(help: ArgumentHelp("The contract.", valueName: "artefact|hex"))
  var artefact: String

  @Argument(help: ArgumentHelp("The constructor's arguments.", valueName: "argument"))
  var arguments: [String] = []

  @Option(
    help: ArgumentHelp(
      "The constructor, where the artefact has no interface, as in \"constructor(uint256)\".",
      valueName: "signature"))
  var constructor: String?

  @Option(help: ArgumentHelp("Which contract of several in the artefact.", valueName: "name"))
  var contract: String?

  @OptionGroup var sending: ContractSending

  func run() throws {
    let artefact = try read()
    let initcode = artefact.initcode + (try encodedArguments(artefact))
    let request = try sending.request(to: nil, data: initcode, abi: artefact.abi ?? ContractABI())
    try sending.send(request, on: try sending.ledger.host(create: true))
  }

  private func read() throws -> ContractArtefact {
    if !FileManager.default.fileExists(atPath: artefact) {
      guard let code = Hex.decode(artefact), !code.isEmpty, contract == nil else {
        throw ContractError.noArtefact(artefact)
      }
      return ContractArtefact(initcode: code)
    }
    let bytes = try WholeFile.read(artefact)
    do throws(ArtefactError) { return try ContractArtefact(reading: bytes, choosing: contract) } catch {
      throw ContractError.artefact(path: artefact, error)
    }
  }

  private func encodedArguments(_ artefact: ContractArtefact) throws -> [UInt8] {
    let known = artefact.abi?.constructor
    if constructor == nil && known == nil {
      if arguments.isEmpty { return [] }
      throw ContractError.noConstructor(self.artefact)
    }
    do throws(ABIError) {
      let item = try constructor.map { text throws(ABIError) in
        try ABIItem(signature: text, kind: .constructor)
      }
      guard let item = item ?? known else { return [] }
      return try item.inputs.encode(try item.arguments(texts: arguments), signature: item.signature)
    } catch {
      throw ContractError.abi(error)
    }
  }
}
