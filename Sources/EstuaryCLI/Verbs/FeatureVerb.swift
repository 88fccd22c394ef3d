// `estuary feature`: switches of the runtime, kept in a ledger, or a node's, as Agave keeps them (Runtime/Features.swift).

import ArgumentParser
import Estuary
import Ledger
import Primitives
import Runtime

struct FeatureVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "feature", abstract: "List and set features of the runtime.",
    discussion: """
      A ledger begins with what mainnet has switched on. What is listed here is switched off there, and can be \
      switched on for a ledger; it counts from the next block. A node has it set by surfnet_setAccount.
      """,
    subcommands: [FeatureStatusVerb.self, FeatureActivateVerb.self, FeatureDeactivateVerb.self],
    defaultSubcommand: FeatureStatusVerb.self)

  /// The feature that `text` names, by its key or by its name.
  static func feature(_ text: String) throws -> Feature {
    guard let feature = Feature.all.first(where: { $0.key.description == text || $0.name == text }) else {
      throw CLIError.noFeature(text, known: Feature.all.map(\.name))
    }
    return feature
  }

  static func set(_ feature: Feature, active: Bool, _ ledger: LedgerOptions, _ output: OutputOptions) throws {
    let slot =
      if let client = try ledger.node.client() {
        try set(feature, active: active, on: RemoteLedger(client)) { (host, account) in
          try host.set(feature.key, account)
        }
      } else {
        try set(feature, active: active, on: try ledger.open()) { (host, account) in
          try host.override(solana: [(feature.key, account)])
        }
      }
    output.print(
      text: "\(feature.name) is \(slot.map { "active since slot \($0)" } ?? "not active")"
    ) { writer in
      writer.object { Self.write(feature, activationSlot: slot, to: &$0) }
    }
  }

  /// - Parameter override: makes an account the feature's.
  /// - Returns: the slot since which it is active; `nil` where it is not.
  private static func set<Host: ProgramHost>(
    _ feature: Feature, active: Bool, on host: Host, _ override: (Host, Account) throws -> Void
  ) throws -> UInt64? {
    let known = try host.account(feature.key)
    let slot = known.flatMap(Feature.activationSlot)
    if active == (slot != nil) { return slot }
    let now = active ? try host.currentSlot() : nil
    var account = known ?? Account(lamports: 0, owner: ProgramID.feature)
    account.data = Feature.data(activatedAt: now)
    account.owner = ProgramID.feature
    account.lamports = max(account.lamports, try host.minimumBalance(dataByteCount: account.data.count))
    try override(host, account)
    return now
  }

  static func write(_ feature: Feature, activationSlot: UInt64?, to writer: inout JSONWriter) {
    writer.member("id", feature.key.description)
    writer.member("name", feature.name)
    writer.member("description", feature.about)
    writer.member("status", activationSlot == nil ? "inactive" : "active")
    if let activationSlot { writer.member("sinceSlot", activationSlot) }
  }
}

struct FeatureStatusVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show which features are active.")

  @Argument(help: "Keys or names of features (default: all that can be set).")
  var features: [String] = []

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let chosen = features.isEmpty ? Feature.all : try features.map(FeatureVerb.feature)
    let host = try ledger.hostForReading()
    let slots = try chosen.map { try host.account($0.key).flatMap(Feature.activationSlot) }
    let lines = zip(chosen, slots).map { feature, slot in
      "\(feature.key)  \(slot.map { "active since slot \($0)" } ?? "inactive")  \(feature.name): \(feature.about)"
    }
    output.print(text: lines.joined(separator: "\n")) { writer in
      writer.object { writer in
        writer.key("features")
        writer.array { writer in
          for (feature, slot) in zip(chosen, slots) {
            writer.object { FeatureVerb.write(feature, activationSlot: slot, to: &$0) }
          }
        }
      }
    }
  }
}

struct FeatureActivateVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate", abstract: "Switch a feature on.")

  @Argument(help: "Key or name of the feature.")
  var feature: String

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws { try FeatureVerb.set(try FeatureVerb.feature(feature), active: true, ledger, output) }
}

struct FeatureDeactivateVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deactivate", abstract: "Switch a feature off again.")

  @Argument(help: "Key or name of the feature.")
  var feature: String

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws { try FeatureVerb.set(try FeatureVerb.feature(feature), active: false, ledger, output) }
}
