// Reads one line of a file of transactions. Lines as programs write them, an object of plain strings in any order, are
// read where they stand, byte by byte; anything else goes to the JSON reader, which also finds the words for what is
// wrong.

import Glibc
import Primitives

enum TransactionLineScanner {
  typealias Line = UnsafeBufferPointer<UInt8>

  /// The transaction in `line`, which has no line feed and no white space at its ends.
  static func transaction(_ line: Line) throws(TransactionLineError.Reason) -> WireTransaction {
    if let members = PlainMembers(line), let transaction = transaction(members) { return transaction }
    return try slowTransaction(line)
  }

  // MARK: Plain lines

  /// The texts between the quotes.
  private struct PlainMembers {
    var solana: Line?
    var ethereum: Line?
    var from: Line?

    /// `nil` for what is not an object of the three, each once at most, whose values are strings without escapes.
    init?(_ line: Line) {
      var cursor = Cursor(line)
      guard cursor.skip("{") else { return nil }
      repeat {
        guard let name = cursor.string(), cursor.skip(":"), let value = cursor.string() else { return nil }
        if Self.equals(name, "solana"), solana == nil {
          solana = value
        } else if Self.equals(name, "ethereum"), ethereum == nil {
          ethereum = value
        } else if Self.equals(name, "from"), from == nil {
          from = value
        } else {
          return nil
        }
      } while cursor.skip(",")
      guard cursor.skip("}"), cursor.isAtEnd else { return nil }
    }

    private static func equals(_ text: Line, _ name: StaticString) -> Bool {
      guard text.count == name.utf8CodeUnitCount, let base = text.baseAddress else { return false }
      return memcmp(base, name.utf8Start, text.count) == 0
    }
  }

  private struct Cursor {
    private let line: Line
    private var offset = 0

    init(_ line: Line) { self.line = line }

    var isAtEnd: Bool { offset == line.count }

    /// Passes over `character` and the white space before it.
    @inline(__always) mutating func skip(_ character: Unicode.Scalar) -> Bool {
      while offset < line.count, line[offset] == 0x20 || line[offset] == 0x09 { offset += 1 }
      guard offset < line.count, line[offset] == UInt8(ascii: character) else { return false }
      offset += 1
      return true
    }

    /// The text of a string. What JSON forbids in one, or spells by escapes, is neither a name nor a digit that the caller
    /// takes.
    @inline(__always) mutating func string() -> Line? {
      guard skip("\""), let base = line.baseAddress,
        let end = memchr(base + offset, 0x22, line.count - offset)
      else { return nil }
      let start = offset
      let count = end.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(mutating: base) - start
      offset = start + count + 1
      return Line(rebasing: line[start..<start + count])
    }
  }

  /// `nil` where a value is wrong.
  private static func transaction(_ members: PlainMembers) -> WireTransaction? {
    if let solana = members.solana {
      guard members.ethereum == nil, members.from == nil else { return nil }
      return Base64.decode(solana).map { .solana($0) }
    }
    guard let ethereum = members.ethereum, let bytes = Hex.decode(ethereum) else { return nil }
    guard let from = members.from else { return .ethereum(EthereumWire(bytes)) }
    guard let name = Hex.decode(from), let sender = Address(name) else { return nil }
    return .ethereum(EthereumWire(bytes, sender: sender))
  }

  // MARK: Any lines

  /// As above, by the JSON reader alone.

  static func slowTransaction(_ line: Line) throws(TransactionLineError.Reason) -> WireTransaction {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(UnsafeRawBufferPointer(line)) } catch {
      throw .json(error)
    }
    guard let object = json.object else { throw .noObject }
    let (solana, ethereum) = (json["solana"], json["ethereum"])
    if solana != nil && ethereum != nil { throw .twoTransactions }
    if solana == nil && ethereum == nil { throw .unknownForm }
    let known = solana != nil ? ["solana"] : ["ethereum", "from", "access"]
    if let other = object.members.first(where: { !known.contains($0.name) }) {
      throw .unknownMember(other.name)
    }
    if let solana {
      guard let text = solana.string, let bytes = Base64.decode(text) else { throw .invalidBase64 }
      return .solana(bytes)
    }
    guard let text = ethereum?.string, let bytes = Hex.decode(text) else { throw .invalidHex }
    var wire = EthereumWire(bytes)
    if let from = json["from"] {
      guard let name = from.string, let sender = Address(hex: name) else { throw .invalidSender }
      wire.sender = sender
    }
    if let access = json["access"] {
      do throws(AccessSetError) { wire.access = try AccessSet(access) } catch { throw .invalidAccess(error) }
    }
    return .ethereum(wire)
  }
}
