// `estuary feature`: switches of the runtime, kept in a ledger as Agave keeps them (Runtime/Features.swift).

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
      switched on for a ledger; it counts from the next block.
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
    let chain = try ledger.open()
    let known = try chain.account(feature.key)
    let slot = known.flatMap(Feature.activationSlot)
    if active != (slot != nil) {
      var account = known ?? Account(lamports: 0, owner: ProgramID.feature)
      account.data = Feature.data(activatedAt: active ? chain.slot : nil)
      account.owner = ProgramID.feature
      account.lamports = max(account.lamports, chain.minimumBalance(dataByteCount: account.data.count))
      try chain.override(solana: [(feature.key, account)])
    }
    output.print(
      text: "\(feature.name) is \(active ? "active since slot \(slot ?? chain.slot)" : "not active")"
    ) { writer in
      writer.object { Self.write(feature, activationSlot: active ? slot ?? chain.slot : nil, to: &$0) }
    }
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
    let chain = try ledger.openForReading()
    let slots = try chosen.map { try chain.account($0.key).flatMap(Feature.activationSlot) }
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
