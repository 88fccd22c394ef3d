// swift-tools-version: 6.1
// Programs that embed Estuary, each a file or two to begin with. `Tools/examples` builds and runs them.
import PackageDescription

let estuary: [Target.Dependency] = [.product(name: "Estuary", package: "estuary")]

let package = Package(
  name: "examples",
  dependencies: [.package(name: "estuary", path: "..")],
  targets: [
    // The README's library example, word for word.
    .executableTarget(name: "Embedding", dependencies: estuary),
    // A block explorer of the terminal over a ledger directory.
    .executableTarget(name: "Explorer", dependencies: estuary),
    // A fuzz harness over a contract: random calls against a model, from a fork each.
    .executableTarget(name: "FuzzContract", dependencies: estuary),
    // A precompile of one's own, and a contract that calls it.
    .executableTarget(name: "Precompile", dependencies: estuary),
    // An executor of one's own, which runs blocks in waves, and a store of one's own.
    .executableTarget(name: "Executor", dependencies: estuary),
  ]
)
