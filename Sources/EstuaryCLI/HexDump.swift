// Bytes for people: offset, sixteen bytes, their characters.

import Primitives

enum HexDump {
  static func text(_ bytes: [UInt8], limit: Int) -> String {
    var lines: [String] = []
    for start in stride(from: 0, to: min(bytes.count, limit), by: 16) {
      let row = bytes[start..<min(start + 16, bytes.count)]
      let offset = String(start, radix: 16)
      let hex = row.map { Hex.encode([$0]) }.joined(separator: " ")
      let characters = row.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
      lines.append(
        String(repeating: "0", count: max(0, 4 - offset.count)) + offset + ":   "
          + hex + String(repeating: " ", count: 48 - hex.count + 3) + characters)
    }
    if bytes.count > limit { lines.append("… \(bytes.count - limit) more bytes: --output json shows them") }
    return lines.joined(separator: "\n")
  }
}
