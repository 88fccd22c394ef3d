// `estuary evm …`: contracts on a ledger or a node, EVM bytecode, Ethereum's tests.

import ArgumentParser
import EVM
import FoundationEssentials
import Primitives
import SBPF
import WideIntegers

struct EVMVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evm", abstract: "Deploy and call contracts; translate, run and test EVM bytecode.",
    groupedSubcommands: [
      CommandGroup(
        name: "Contracts on a ledger, or a node (--url)",
        subcommands: [
          EVMAccountsVerb.self, EVMDeployVerb.self, EVMSendVerb.self, EVMEstimateVerb.self,
          EVMCallVerb.self, EVMReceiptVerb.self, EVMBalanceVerb.self,
          EVMNonceVerb.self, EVMCodeVerb.self, EVMStorageVerb.self, EVMAccessListVerb.self,
          EVMTraceVerb.self, EVMImportVerb.self, EVMAddressVerb.self,
        ]),
      CommandGroup(
        name: "Bytecode", subcommands: [EVMRunVerb.self, EVMTranslateVerb.self, EVMDisassembleVerb.self]),
      CommandGroup(
        name: "Ethereum's tests",
        subcommands: [EVMStateTestVerb.self, EVMBlockTestVerb.self, EVMTransactionTestVerb.self]),
    ])
}

extension Fork: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
  public var defaultValueDescription: String { name }
  public static var allValueStrings: [String] { allCases.map(\.name) }
  // Names say enough.
  public static var allValueDescriptions: [String: String] { [:] }
}

/// A program, with or without `--code` before it.
struct EVMProgramOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Bytecode, or a file with it, or what 'evm translate' wrote.", valueName: "hex|file"))
  var program: String?

  @Option(help: ArgumentHelp("The same.", valueName: "hex|file"))
  var code: String?

  func validate() throws {
    if (program == nil) == (code == nil) { throw ValidationError("name one program") }
  }

  func read() throws -> EVMProgramFile.Program { try EVMProgramFile.read(program ?? code ?? "") }
}

/// Bytecode from the command line: hex digits, or a file that holds hex digits, plain bytes or a translated program.
enum EVMProgramFile {
  enum Program {
    case bytecode([UInt8])
    case translated(ProgramImage)

    /// The EVM's code, in either form.
    var bytecode: [UInt8] {
      switch self {
      case .bytecode(let bytes): bytes
      case .translated(let image): image.wide?.bytecode ?? []
      }
    }

    /// The fork to run it under: the one that is asked for, which may not be another than a file was translated for.
    ///
    /// - Parameter path: of the file, for errors.
    func fork(_ asked: Fork?, path: String) throws(CLIError) -> Fork {
      guard case .translated(let image) = self else { return asked ?? .latest }
      let rules = image.wide?.rules ?? ""
      if rules.isEmpty { return asked ?? .latest }
      guard let fork = Fork(name: rules) else {
        throw .program(path: path, detail: "translated for '\(rules)', which is no fork: translate it again")
      }
      if let asked, asked != fork {
        throw .program(
          path: path,
          detail: "translated for \(fork.name): 'evm translate --fork \(asked.name)' makes another")
      }
      return fork
    }
  }

  private static let elfMagic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

  static func read(_ text: String) throws -> Program {
    if let bytes = Hex.decode(text) { return .bytecode(bytes) }
    guard FileManager.default.fileExists(atPath: text) else { throw CLIError.noBytecode(text) }
    var bytes = try WholeFile.read(text)
    if bytes.starts(with: elfMagic) {
      do throws(ELFError) {
        return .translated(try ELFLoader.load(bytes, syscalls: SyscallRegistry(), options: .wide))
      } catch {
        throw CLIError.program(path: text, detail: error.diagnosis)
      }
    }
    // Neither does code begin as a marked text does: EF is no opcode (EIP-3541), and every other byte is no STOP.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
    if bytes.count > 2, bytes.starts(with: [0xff, 0xfe]),
      bytes.indices.allSatisfy({ $0 % 2 == 0 || $0 == 1 || bytes[$0] == 0 })
    {
      throw CLIError.program(path: text, detail: "it is text in UTF-16: save it as UTF-8")
    }
    // Raw bytecode is no text: it has bytes that no printable file has.
    let isText = bytes.allSatisfy { (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) }
    if !isText { return .bytecode(bytes) }
    guard let code = Hex.decode(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }) else {
      throw CLIError.program(path: text, detail: "text that is not hexadecimal")
    }
    return .bytecode(code)
  }
}
