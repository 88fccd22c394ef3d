// What is done with the words of the command line before they are parsed. The parser takes whatever begins with a dash for
// a flag, so that `--workers -1` would lack a value and `-5` be no argument at all; and Swift makes text of bytes that are
// none, so that a file with such a name would not be found under the name that its user sees.

import ArgumentParser
import Glibc
import Primitives

/// A verb whose positional arguments may be any text: numbers below 0, empty strings, text that begins with a dash.
protocol TakesAnyText: ParsableCommand {}

enum Arguments {
  // MARK: Bytes that are no text

  /// The complaint about the first of this process' arguments or settings that is no UTF-8; `nil` where all are.
  static var complaint: String? {
    for index in 0..<Int(CommandLine.argc) {
      guard let bytes = CommandLine.unsafeArgv[index], String(validatingCString: bytes) == nil else {
        continue
      }
      return complaint(about: "argument \(index)", bytes)
    }
    for name in ["ESTUARY_LEDGER", "ESTUARY_KEYPAIR", "ESTUARY_CONFIG", "HOME"] {
      guard let bytes = getenv(name), String(validatingCString: bytes) == nil else { continue }
      return complaint(about: "$\(name)", bytes)
    }
    return nil
  }

  private static func complaint(about place: String, _ bytes: UnsafePointer<CChar>) -> String {
    var shown = ""
    for byte in UnsafeBufferPointer(start: bytes, count: strlen(bytes)).prefix(200).map({
      UInt8(bitPattern: $0)
    }) {
      shown += (0x20..<0x7f).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + Hex.encode([byte])
    }
    return
      "Error: \(place), '\(shown)', is no UTF-8: names and texts have to be; give the file another name, or a "
      + "link to it that has one"
  }

  // MARK: What begins with a dash

  /// The arguments so that the parser takes for values what are values: joined to their option by "=", or behind "--". That
  /// is numbers below 0, and with verbs that take any text whatever stands where an option's value or an argument may.
  static func arranged(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    var command: any ParsableCommand.Type = EstuaryCommand.self
    var words = arguments[..<end]
    var options: [String] = []
    while let word = words.first,
      let verb = command.configuration.subcommands.first(where: { $0.configuration.commandName == word })
    {
      command = verb
      options.append(words.removeFirst())
    }
    let takesAnyText = command is any TakesAnyText.Type
    guard takesAnyText || words.contains(where: isNegativeNumber) else { return arguments }
    func isValue(_ word: String) -> Bool {
      isNegativeNumber(word) || takesAnyText && (word.isEmpty || word.hasPrefix("-") && !word.hasPrefix("--"))
    }
    var positionals: [String] = []
    let strategies = valueStrategies(of: command)
    while let word = words.popFirst() {
      if let strategy = strategies[word] {
        options.append(word)
        if let value = words.first, isValue(value) {
          options[options.count - 1] += "=" + words.removeFirst()
        } else if let value = words.first, !takesAnyText || !value.hasPrefix("--") {
          options.append(words.removeFirst())
        }
        while strategy == "upToNextOption", let value = words.first, !value.hasPrefix("-") {
          options.append(words.removeFirst())
        }
      } else if word.hasPrefix("-") && word.utf8.count > 1 && !isNegativeNumber(word) {
        options.append(word)
      } else {
        positionals.append(word)
      }
    }
    positionals += arguments[end...].dropFirst()
    let needsMark = end < arguments.endIndex || takesAnyText || positionals.contains(where: isNegativeNumber)
    return needsMark && !positionals.isEmpty ? options + ["--"] + positionals : options + positionals
  }

  private static func isNegativeNumber(_ word: String) -> Bool {
    let digits = word.utf8.dropFirst(word.hasPrefix("-.") ? 2 : 1)
    return word.hasPrefix("-") && digits.first.map { (0x30...0x39).contains($0) } == true
  }

  /// How each option of `command` that takes a value finds it, by the option as it is written (`--workers`, `-k`).
  private static func valueStrategies(of command: any ParsableCommand.Type) -> [String: String] {
    guard let json = try? JSONValue.parse(Array(command._dumpHelp().utf8)) else { return [:] }
    var strategies: [String: String] = [:]
    for argument in json["command"]?["arguments"]?.array ?? [] where argument["kind"]?.string == "option" {
      for name in argument["names"]?.array ?? [] {
        guard let text = name["name"]?.string else { continue }
        strategies[(name["kind"]?.string == "long" ? "--" : "-") + text] =
          argument["parsingStrategy"]?.string ?? ""
      }
    }
    return strategies
  }
}
