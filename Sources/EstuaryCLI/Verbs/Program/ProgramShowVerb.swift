import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProgramShowVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a program or a buffer, or list those of an authority.")

  @Argument(help: ArgumentHelp("A program's or buffer's address or key pair file.", valueName: "account"))
  var account: String?

  @Flag(help: "List programs.")
  var programs = false

  @Flag(help: "List buffers.")
  var buffers = false

  @Flag(help: "List those of every authority.")
  var all = false

  @Option(
    name: .customLong("buffer-authority"),
    help: ArgumentHelp("List those of this authority (default: the payer).", valueName: "key"))
  var bufferAuthority: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (account == nil) == !(programs || buffers) {
      throw ValidationError("name an account, or --programs or --buffers to list them")
    }
  }

  func run() throws {
    let chain = try ledger.hostForReading()
    guard let account else { return try list(chain) }
    let key = try LedgerOptions.key(account)
    let state = try chain.programState(at: key)
    switch state {
    case .program(let program): show(key, program)
    case .buffer(let buffer): show(key, buffer)
    case .fixedProgram(let loader, let byteCount): show(key, loader: loader, byteCount: byteCount)
    case .closed: throw DeploymentError.closed(key)
    case .none, .programData, .other: throw CLIError.noProgram(key, detail: state.text)
    }
  }

  private func show(_ key: Pubkey, _ program: ProgramState.Program) {
    output.print(
      text: """
        Program Id: \(key)
        Owner: \(ProgramID.bpfLoaderUpgradeable)
        ProgramData Address: \(program.programData)
        Authority: \(program.authority?.description ?? "none")
        Last Deployed In Slot: \(program.slot)
        Data Length: \(program.capacity) (0x\(String(program.capacity, radix: 16))) bytes
        Balance: \(SOL.text(program.lamports))
        """, json: { Self.write(key, program, to: &$0) })
  }

  private func show(_ key: Pubkey, _ buffer: ProgramState.Buffer) {
    output.print(
      text: """
        Buffer Address: \(key)
        Authority: \(buffer.authority?.description ?? "none")
        Balance: \(SOL.text(buffer.lamports))
        Data Length: \(buffer.byteCount) (0x\(String(buffer.byteCount, radix: 16))) bytes
        """, json: { Self.write(key, buffer, to: &$0) })
  }

  private func show(_ key: Pubkey, loader: Pubkey, byteCount: Int) {
    output.print(
      text: "Program Id: \(key)\nOwner: \(loader)\nData Length: \(byteCount) bytes",
      json: {
        $0.object {
          $0.member("programId", key.description)
          $0.member("owner", loader.description)
          $0.member("dataLen", byteCount)
        }
      })
  }

  private func list(_ chain: any ProgramHost) throws {
    let authority = all ? nil : try bufferAuthority.map(LedgerOptions.key) ?? ledger.payer().pubkey
    let found = try chain.deployments(of: authority)
    output.print(
      text: text(found.programs, found.buffers),
      json: { writer in
        writer.object { writer in
          if programs {
            writer.key("programs")
            writer.array { for (key, program) in found.programs { Self.write(key, program, to: &$0) } }
          }
          if buffers {
            writer.key("buffers")
            writer.array { for (key, buffer) in found.buffers { Self.write(key, buffer, to: &$0) } }
          }
        }
      })
  }

  private func text(
    _ programs: [(Pubkey, ProgramState.Program)], _ buffers: [(Pubkey, ProgramState.Buffer)]
  ) -> String {
    var lines: [String] = []
    if self.programs {
      lines += programs.map { key, program in
        "\(key)  program, slot \(program.slot), \(program.capacity) bytes, \(SOL.text(program.lamports)), "
          + "authority \(program.authority?.description ?? "none")"
      }
    }
    if self.buffers {
      lines += buffers.map { key, buffer in
        "\(key)  buffer, \(buffer.byteCount) bytes, \(SOL.text(buffer.lamports)), "
          + "authority \(buffer.authority?.description ?? "none")"
      }
    }
    return lines.isEmpty ? "none" : lines.joined(separator: "\n")
  }

  private static func write(_ key: Pubkey, _ program: ProgramState.Program, to writer: inout JSONWriter) {
    writer.object {
      $0.member("programId", key.description)
      $0.member("owner", ProgramID.bpfLoaderUpgradeable.description)
      $0.member("programdataAddress", program.programData.description)
      $0.member("authority", program.authority?.description ?? "none")
      $0.member("lastDeploySlot", program.slot)
      $0.member("dataLen", program.capacity)
      $0.member("lamports", program.lamports)
    }
  }

  private static func write(_ key: Pubkey, _ buffer: ProgramState.Buffer, to writer: inout JSONWriter) {
    writer.object {
      $0.member("address", key.description)
      $0.member("authority", buffer.authority?.description ?? "none")
      $0.member("dataLen", buffer.byteCount)
      $0.member("lamports", buffer.lamports)
    }
  }
}
