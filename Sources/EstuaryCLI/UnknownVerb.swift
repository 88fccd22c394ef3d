// What to say of a verb that there is none of: the parser suggests flags, but no verbs.

import ArgumentParser

enum UnknownVerb {
  /// The error for `arguments`, which may name verbs of verbs (`evm rnu`); `nil` where every verb is known.
  static func complaint(about arguments: [String]) -> String? {
    var command: any ParsableCommand.Type = EstuaryCommand.self
    var path = "estuary"
    for argument in arguments {
      let verbs = command.configuration.subcommands
      if verbs.isEmpty || argument.hasPrefix("-") || argument == "help" { return nil }
      guard let verb = verbs.first(where: { $0.configuration.commandName == argument }) else {
        let names = verbs.compactMap { $0.configuration.commandName }
        let guess = nearest(to: argument, among: names)
        return "Error: '\(path)' has no verb '\(argument)'"
          + (guess.map { "; did you mean '\($0)'?" } ?? ": it has \(names.joined(separator: ", "))")
          + "\nUsage: \(path) <subcommand>\n  See '\(path) --help' for more information."
      }
      command = verb
      path += " " + argument
    }
    return nil
  }

  /// The name that fewest slips of the finger lead away from, the first of several; `nil` where all are far.
  private static func nearest(to text: String, among names: [String]) -> String? {
    let ranked = names.map { (name: $0, distance: distance(Array(text.lowercased()), Array($0))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, min(text.count, best.name.count) / 3) ? best.name : nil
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two texts.
  private static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var rows = [Array(0...right.count)]
    for i in 0..<left.count {
      var row = [i + 1]
      for j in 0..<right.count {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          best = min(best, rows[i - 1][j - 1] + 1)
        }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[left.count][right.count]
  }
}
