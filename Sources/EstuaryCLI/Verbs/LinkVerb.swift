import ArgumentParser
import Primitives
import SBPF

struct LinkVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Make an SBPF executable from objects of stock clang.",
    discussion: """
      Compile with: clang -target bpf -mcpu=v3 -O2 -mllvm -bpf-stack-size=4096 -c PROGRAM.c
      (-mcpu=v2 for --sbpf-version v0, v1 or v2). With -g, errors name source lines. What clang calls by itself is \
      linked in: memcpy, memmove, memset, memcmp, bcmp, strlen; __builtin_trap aborts.
      """)

  @Argument(help: ArgumentHelp("The objects; one of them defines entrypoint.", valueName: "object.o"))
  var objects: [String]

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The executable.", valueName: "program.so"))
  var outputPath: String

  @Option(help: ArgumentHelp("SBPF version of the executable.", valueName: "v0|v1|v2|v3"))
  var sbpfVersion: VersionName = .v3

  @OptionGroup var output: OutputOptions

  enum VersionName: String, ExpressibleByArgument, CaseIterable {
    case v0, v1, v2, v3

    var version: SBPFVersion {
      switch self {
      case .v0: .v0
      case .v1: .v1
      case .v2: .v2
      case .v3: .v3
      }
    }
  }

  func run() throws {
    let executable = try ProgramFile.executable(ofObjectsAt: objects, version: sbpfVersion.version)
    try WholeFile.write(executable, to: outputPath)
    output.print(
      text: "wrote \(outputPath): \(executable.count) bytes, SBPF \(sbpfVersion.rawValue)",
      json: { writer in
        writer.object {
          $0.member("path", outputPath)
          $0.member("byteCount", executable.count)
          $0.member("version", sbpfVersion.rawValue)
        }
      })
  }
}
