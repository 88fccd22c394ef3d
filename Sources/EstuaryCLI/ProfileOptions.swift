// Where compute units or gas went, as a table and as a file for flame-graph tools.

import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProfileOptions: ParsableArguments {
  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp(
      "Print what each function used, and write folded stacks, which flame-graph tools read.",
      valueName: "file"))
  var file: String?

  var isWanted: Bool { file != nil }

  /// - Parameter unit: what is counted, in the plural.
  func report(_ profile: ExecutionProfile, of unit: String, _ output: OutputOptions) throws {
    if let file { try WholeFile.write(Array(profile.foldedStacks.utf8), to: file) }
    output.print(text: profile.table(of: unit)) { profile.write(to: &$0) }
  }
}
