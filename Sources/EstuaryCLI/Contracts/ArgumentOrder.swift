// The arguments of verbs that call contracts are anybody's text: negative numbers, empty strings, text that begins with
// a dash. The parser would take them for flags or miss them, so they are put behind `--` before it sees them, and each
// option's value is tied to its name. What is an option is known by its spelling; `--` ends the options early.

import ArgumentParser

/// A verb whose positional arguments may be any text.
protocol TakesAnyText: ParsableCommand {
  /// Options without a value, besides those that all verbs have.
  static var flags: Set<String> { get }
}

extension TakesAnyText {
  static var flags: Set<String> { [] }
}

enum ArgumentOrder {
  private static let commonFlags: Set<String> = ["--json", "--help", "--version"]

  /// The same arguments, options first; those of other verbs as they are.
  static func arranged(_ arguments: [String]) -> [String] {
    var command: any ParsableCommand.Type = EstuaryCommand.self
    var path: [String] = []
    for argument in arguments {
      let verbs = command.configuration.subcommands
      guard let verb = verbs.first(where: { $0.configuration.commandName == argument }) else { break }
      command = verb
      path.append(argument)
    }
    guard let verb = command as? any TakesAnyText.Type else { return arguments }
    return path + arranged(arguments.dropFirst(path.count), flags: commonFlags.union(verb.flags))
  }

  private static func arranged(_ words: ArraySlice<String>, flags: Set<String>) -> [String] {
    var words = words
    var (options, others) = ([String](), [String]())
    while let word = words.popFirst() {
      if word == "--" {
        others += words
        break
      }
      guard isOption(word) else {
        others.append(word)
        continue
      }
      if word.hasPrefix("--"), !word.contains("="), !flags.contains(word), let value = words.first,
        !value.hasPrefix("--")
      {
        options.append("\(word)=\(value)")
        words = words.dropFirst()
      } else {
        options.append(word)
      }
    }
    return others.isEmpty ? options : options + ["--"] + others
  }

  /// A dash and a digit begin a number.
  private static func isOption(_ word: String) -> Bool {
    guard word.hasPrefix("-"), let next = word.dropFirst().first else { return false }
    return !(next.isNumber || next == ".")
  }
}
