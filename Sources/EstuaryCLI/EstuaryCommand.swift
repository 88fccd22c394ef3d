// The command line: one file a verb under Verbs/. Results go to standard output, errors to standard error with an exit
// code other than 0; every verb prints for people and, with --json, for machines.

import ArgumentParser
import Primitives

public struct EstuaryCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "estuary",
    abstract: "A parallel runtime for smart-contract programs.",
    discussion: """
      Deploy ELF programs to a ledger on disk, send transactions, and replay blocks of them in parallel lanes with \
      the result that running them one by one would give.
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Programs", subcommands: [RunVerb.self, InspectVerb.self, DisassembleVerb.self, LinkVerb.self]),
      CommandGroup(
        name: "Ethereum", subcommands: [EVMVerb.self]),
      CommandGroup(
        name: "A ledger on disk, or a node (--url)",
        subcommands: [
          KeygenVerb.self, AirdropVerb.self, TransferVerb.self, BalanceVerb.self, AccountVerb.self,
          CreateAccountVerb.self, DeployVerb.self, ProgramVerb.self, InvokeVerb.self, TraceVerb.self,
          LedgerVerb.self,
          FeatureVerb.self,
        ]),
      CommandGroup(
        name: "A node",
        subcommands: [
          NodeVerb.self, SetupVerb.self, LogsVerb.self, ConfirmVerb.self, BlockVerb.self, SlotVerb.self,
          EpochInfoVerb.self,
        ]),
      CommandGroup(
        name: "Blocks",
        subcommands: [ReplayVerb.self, WorkloadVerb.self, BenchVerb.self, ConformanceVerb.self]),
    ])

  public init() {}

  /// Runs the command line of this process.
  public static func start() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let complaint = VectorUnit.complaint ?? Arguments.complaint ?? UnknownVerb.complaint(about: arguments)
      ?? ValidatorFlags.complaint(about: arguments)
    {
      Terminal.note(complaint)
      exit(withError: ExitCode.validationFailure)
    }
    main(Arguments.arranged(arguments))
  }
}
