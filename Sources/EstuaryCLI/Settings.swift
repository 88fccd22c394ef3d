// Ledger, key pair and memory where no flag names them: from the environment, else from a file of settings, else the
// defaults.
//
//   {"ledger": "/srv/ledger", "keypair": "~/keys/payer.json", "cacheMB": 2048}

import FoundationEssentials
import Glibc
import Ledger
import Primitives

struct Settings {
  var ledger = "estuary-ledger"
  var keypair = Paths.defaultKeypair
  /// MiB of memory for what is read of a ledger; `nil`: a quarter of the machine's.
  var cacheMB: Int?

  static let defaultPath = "~/.config/estuary/config.json"
  private static let byteCountLimit = 64 << 10

  /// Read once; a broken file is an error of the verb that needs a setting.
  static let current = Result { () throws(CLIError) in try read() }

  /// What the help texts show as defaults.
  static var shown: Settings { (try? current.get()) ?? Settings() }

  private static func read() throws(CLIError) -> Settings {
    var settings = Settings()
    let environment = ProcessInfo.processInfo.environment
    let named = environment["ESTUARY_CONFIG"]
    let path = Paths.expand(named ?? defaultPath)
    if named != nil || FileManager.default.fileExists(atPath: path) { try settings.read(path) }
    if let ledger = environment["ESTUARY_LEDGER"], !ledger.isEmpty { settings.ledger = ledger }
    if let keypair = environment["ESTUARY_KEYPAIR"], !keypair.isEmpty { settings.keypair = keypair }
    if let size = environment["ESTUARY_CACHE_MB"], !size.isEmpty {
      guard let number = Int(size), CacheOptions.range.contains(number) else {
        throw .program(
          path: "$ESTUARY_CACHE_MB", detail: "'\(size)' is no number from \(CacheOptions.rangeText)")
      }
      settings.cacheMB = number
    }
    return settings
  }

  private mutating func read(_ path: String) throws(CLIError) {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.readText(path, limit: Self.byteCountLimit) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch {
      throw .program(path: path, detail: "\(error)")
    }
    guard let members = json.object?.members else {
      throw .program(
        path: path,
        detail: "settings are an object: {\"ledger\": PATH, \"keypair\": PATH, \"cacheMB\": NUMBER}")
    }
    for member in members {
      if member.name == "cacheMB" {
        guard let number = member.value.uint64.flatMap({ Int(exactly: $0) }),
          CacheOptions.range.contains(number)
        else { throw .program(path: path, detail: "'cacheMB' is no number from \(CacheOptions.rangeText)") }
        cacheMB = number
        continue
      }
      guard let text = member.value.string, !text.isEmpty else {
        throw .program(path: path, detail: "'\(member.name)' is no path")
      }
      switch member.name {
      case "ledger": ledger = Paths.expand(text)
      case "keypair": keypair = text
      default:
        throw .program(
          path: path, detail: "there is no setting '\(member.name)': ledger, keypair or cacheMB")
      }
    }
  }
}
