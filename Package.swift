// swift-tools-version: 6.1
// The floors of Estuary, lowest first; a target imports only targets above it in this file (docs/architecture.md).
import PackageDescription

let core: [SwiftSetting] = [.swiftLanguageMode(.v6)]

let package = Package(
  name: "estuary",
  products: [
    .library(name: "Estuary", targets: ["Estuary"]),
    .executable(name: "estuary", targets: ["estuary"]),
  ],
  dependencies: [
    // The CLI's flags and help.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    // `swift package generate-documentation`; programs that embed the library do not get it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    // The node's connections and its log.
    .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
  ],
  targets: [
    // Floor 0: module maps of Debian's -dev packages.
    .systemLibrary(name: "CElf", pkgConfig: "libelf", providers: [.apt(["libelf-dev"])]),
    .systemLibrary(name: "CElfTypes"),  // header only: the structures of <elf.h>
    .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CSecp256k1", pkgConfig: "libsecp256k1", providers: [.apt(["libsecp256k1-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // TLS for the command line's connections. Debian's libssl, whose libcrypto is linked already: swift-nio-ssl would compile
    // BoringSSL beside it, half as much again as everything else.
    .systemLibrary(name: "CTLS", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CGMP", pkgConfig: "gmp", providers: [.apt(["libgmp-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CThreads"),  // header only: spin hint and CPU mask

    // 256-bit words for the VM's wide instructions and for Ethereum's values; imports nothing.
    .target(name: "WideIntegers", swiftSettings: core),

    // Pairing-friendly curves, for the precompiles and Solana's alt_bn128 syscalls; imports nothing.
    .target(name: "Curves", swiftSettings: core),

    // Hashes and signatures side by side in the lanes of the processor's vectors; C, because Swift compiles no function
    // for another instruction set than the whole. Imports nothing.
    .target(name: "CVectorCrypto"),

    // Floor 1: values and hashes; bytes to a verified executable to a run; concurrency over integer indices.
    .target(
      name: "Primitives",
      dependencies: ["WideIntegers", "CVectorCrypto", "CSodium", "CSecp256k1", "CCrypto", "CGMP"],
      swiftSettings: core),
    // x86-64 instructions as bytes, and the pages that hold them; imports nothing.
    .target(name: "MachineCode", swiftSettings: core),
    .target(name: "SBPF", dependencies: ["WideIntegers", "MachineCode", "CElfTypes"], swiftSettings: core),
    // The machine of 256-bit words beside SBPF's of 64 bits, over the same executables.
    .target(name: "WideVM", dependencies: ["WideIntegers", "MachineCode", "SBPF"], swiftSettings: core),
    .target(name: "Scheduling", dependencies: ["CThreads"], swiftSettings: core),

    // Objects of clang to executables, and what any file is: libelf's, so that the loader stays free of it.
    .target(name: "Linking", dependencies: ["SBPF", "CElf"], swiftSettings: core),

    // Floor 2: nouns and storage.
    .target(name: "Ledger", dependencies: ["WideIntegers", "Primitives", "CRocksDB"], swiftSettings: core),

    // What goes in and out of contracts as people and compilers write it: the ABI, artefacts, keys.
    .target(name: "Contracts", dependencies: ["WideIntegers", "Primitives"], swiftSettings: core),

    // Floor 3: executes one transaction.
    .target(name: "Runtime", dependencies: ["Curves", "Primitives", "SBPF", "Ledger"], swiftSettings: core),

    // Floor 4: Ethereum's virtual machine, values and rules.
    .target(
      name: "EVM", dependencies: ["CThreads", "WideIntegers", "Curves", "Primitives", "SBPF", "WideVM", "Ledger"],
      swiftSettings: core),

    // Floor 4½: where the worlds meet: contracts call programs.
    .target(
      name: "CrossCalls", dependencies: ["WideIntegers", "Primitives", "SBPF", "Ledger", "Runtime", "EVM"],
      swiftSettings: core),

    // Floor 5: executes one block.
    .target(
      name: "Execution",
      dependencies: [
        "CThreads", "WideIntegers", "Primitives", "SBPF", "WideVM", "Scheduling", "Ledger", "Runtime", "EVM",
        "CrossCalls",
      ],
      swiftSettings: core),

    // Floor 6: the embeddable product.
    .target(
      name: "Estuary",
      dependencies: [
        "WideIntegers", "Primitives", "SBPF", "WideVM", "Linking", "Scheduling", "Ledger", "Contracts",
        "Runtime", "EVM", "CrossCalls", "Execution",
      ],
      swiftSettings: core),

    // Floor 7: the network.
    .target(
      name: "RPCClient",
      dependencies: [
        "CTLS", "Primitives",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ], swiftSettings: core),
    .target(
      name: "Node",
      dependencies: [
        "CZstd", "WideIntegers", "Primitives", "Curves", "SBPF", "Scheduling", "Ledger", "Contracts", "Runtime", "EVM",
        "Execution", "Estuary",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ],
      // The page, as bytes of the binary: there is nothing beside it to install or to lose.
      resources: [.embedInCode("Page/page.html")], swiftSettings: core),

    // Floor 8: the command line.
    .target(name: "Conformance", dependencies: ["SBPF"], swiftSettings: core),
    .target(
      name: "EVMConformance",
      dependencies: [
        "WideIntegers", "Primitives", "SBPF", "WideVM", "Scheduling", "Ledger", "EVM", "Execution", "Estuary",
        "Conformance",
      ], swiftSettings: core),
    .target(
      name: "EstuaryCLI",
      dependencies: [
        "WideIntegers", "Primitives", "SBPF", "WideVM", "Linking", "Scheduling", "Ledger", "Contracts", "Runtime",
        "EVM", "Execution", "CrossCalls", "Estuary", "RPCClient", "Node", "Conformance", "EVMConformance",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: core),
    .executableTarget(name: "estuary", dependencies: ["EstuaryCLI"], swiftSettings: core),

    .testTarget(
      name: "WideIntegersTests", dependencies: ["WideIntegers", "Primitives"], swiftSettings: core),
    .testTarget(name: "CurvesTests", dependencies: ["Primitives", "Curves"], swiftSettings: core),
    // CVectorCrypto's code for AVX-512 over plain C, for machines without it.
    .target(
      name: "CVectorCryptoPortable", dependencies: ["CVectorCrypto"], path: "Tests/CVectorCryptoPortable",
      cSettings: [.headerSearchPath("../../Sources/CVectorCrypto")]),
    .testTarget(
      name: "PrimitivesTests",
      dependencies: ["WideIntegers", "Primitives", "CVectorCrypto", "CVectorCryptoPortable", "CSodium"],
      swiftSettings: core),
    .testTarget(
      name: "SBPFTests",
      dependencies: ["WideIntegers", "Primitives", "MachineCode", "SBPF", "WideVM", "Linking", "Conformance"],
      swiftSettings: core),
    .testTarget(name: "SchedulingTests", dependencies: ["Scheduling"], swiftSettings: core),
    .testTarget(
      name: "ContractsTests", dependencies: ["WideIntegers", "Primitives", "Contracts"], swiftSettings: core),
    .testTarget(
      name: "LedgerTests", dependencies: ["WideIntegers", "Primitives", "Ledger"], swiftSettings: core),
    .testTarget(
      name: "RuntimeTests", dependencies: ["Primitives", "SBPF", "Linking", "Ledger", "Runtime"],
      swiftSettings: core),
    .testTarget(
      name: "CrossCallsTests", dependencies: ["WideIntegers", "Primitives", "Ledger", "EVM", "CrossCalls"],
      swiftSettings: core),
    .testTarget(
      name: "NodeTests",
      dependencies: [
        "WideIntegers", "Primitives", "Ledger", "EVM", "Execution", "Estuary", "Node",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: core),
    // Random EVM programs, for the tests of the EVM and those of blocks.
    .target(
      name: "RandomPrograms", dependencies: ["WideIntegers", "Primitives", "EVM"],
      path: "Tests/RandomPrograms",
      swiftSettings: core),
    .testTarget(
      name: "EVMTests",
      dependencies: [
        "EVM", "WideIntegers", "Primitives", "SBPF", "WideVM", "Scheduling", "Ledger", "RandomPrograms",
      ], swiftSettings: core),
    .testTarget(
      name: "EVMConformanceTests",
      dependencies: ["WideIntegers", "Primitives", "SBPF", "EVM", "Conformance", "EVMConformance"],
      swiftSettings: core),
    .testTarget(
      name: "EstuaryTests",
      dependencies: [
        "WideIntegers", "Primitives", "SBPF", "Linking", "Scheduling", "Ledger", "Contracts", "Runtime",
        "EVM", "CrossCalls", "Execution", "Estuary", "RandomPrograms",
      ], swiftSettings: core),
  ]
)
