// Binary data of known layout as members of a JSON object: instructions' data, sysvars, states of accounts.

import Ledger
import Primitives

/// A field, little-endian.
indirect enum DataField: Sendable {
  case uint8(String)
  case uint16(String)
  case uint32(String)
  case uint64(String)
  case int16(String)
  case int64(String)
  case float64(String)
  /// The same as text, without a fraction where it is whole.
  case float64Text(String)
  case bool(String)
  /// A number of tokens, as text.
  case amount(String)
  /// The same in 16 bytes.
  case amount128(String)
  /// A number of tokens and, in the byte behind it, the decimals of their mint.
  case tokenAmount(String)
  case key(String)
  /// A byte 0, or 1 and a key; missing where there is none.
  case optionalKey(String)
  /// The same; null where there is none.
  case nullableKey(String)
  /// A key; null where it is all zero.
  case nonzeroKey(String)
  /// So many bytes, in base64.
  case base64(String, Int)
  /// The same; null where they are all zero.
  case nonzeroBase64(String, Int)
  /// Length in 4 bytes, then UTF-8.
  case shortText(String)
  /// Their number in 4 bytes, then pairs of such texts.
  case textPairs(String)
  /// Length in 8 bytes, then UTF-8.
  case text(String)
  /// UTF-8 to the end.
  case textToEnd(String)
  /// Length in 8 bytes, then bytes; in base64.
  case bytes(String)
  /// Length in 8 bytes, then keys.
  case keys(String)
  /// A number of this many bytes that stands for one of the words.
  case word(String, [String], byteCount: Int)
  /// Numbers of 2 bytes to the end that stand for words, as a list; missing where there are none.
  case wordsToEnd(String, [String])
  /// Fields in an object of their own.
  case group(String, [DataField])
  /// A byte 0, or 1 and the field; missing where there is none.
  case optional(DataField)
  /// Takes no bytes.
  case null(String)

  /// Reads it and writes its member.
  func write(from data: inout ByteReader, to writer: inout JSONWriter) throws(CodecError) {
    switch self {
    case .uint8(let name): writer.member(name, Int(try data.readUInt8()))
    case .uint16(let name): writer.member(name, Int(try data.readUInt16()))
    case .int16(let name): writer.member(name, Int(Int16(bitPattern: try data.readUInt16())))
    case .uint32(let name): writer.member(name, UInt64(try data.readUInt32()))
    case .uint64(let name): writer.member(name, try data.readUInt64())
    case .int64(let name): writer.member(name, try data.readInt64())
    case .float64(let name): writer.member(name, try data.readDouble())
    case .float64Text(let name):
      let text = String(try data.readDouble())
      writer.member(name, text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    case .nonzeroKey(let name):
      let key = try data.readPubkey()
      writer.member(name, key == .zero ? nil : key)
    case .base64(let name, let count):
      writer.member(name, Base64.encode(Array(try data.read(byteCount: count))))
    case .nonzeroBase64(let name, let count):
      let bytes = Array(try data.read(byteCount: count))
      if bytes.allSatisfy({ $0 == 0 }) {
        writer.memberNull(name)
      } else {
        writer.member(name, Base64.encode(bytes))
      }
    case .shortText(let name): writer.member(name, try Self.shortText(&data))
    case .textPairs(let name):
      writer.key(name)
      writer.beginArray()
      for _ in 0..<(try data.readUInt32()) {
        let pair = (try Self.shortText(&data), try Self.shortText(&data))
        writer.array { writer in
          writer.value(pair.0)
          writer.value(pair.1)
        }
      }
      writer.endArray()
    case .bool(let name): writer.member(name, try data.readBool())
    case .amount(let name): writer.member(name, String(try data.readUInt64()))
    case .amount128(let name):
      let low = try data.readUInt64()
      writer.member(name, String(UInt128(try data.readUInt64()) << 64 | UInt128(low)))
    case .tokenAmount(let name):
      let amount = try data.readUInt64()
      let decimals = try data.readUInt8()
      writer.key(name)
      TokenAmount(amount, decimals: decimals).write(to: &writer)
    case .key(let name): writer.member(name, try data.readPubkey().description)
    case .optionalKey(let name): if let key = try Self.option(&data) { writer.member(name, key.description) }
    case .nullableKey(let name): writer.member(name, try Self.option(&data))
    case .text(let name): writer.member(name, try data.readString())
    case .textToEnd(let name):
      let offset = data.offset
      guard let text = String(validating: try data.read(byteCount: data.remaining), as: UTF8.self) else {
        throw .invalidUTF8(offset: offset)
      }
      writer.member(name, text)
    case .bytes(let name): writer.member(name, Base64.encode(Array(try data.readVector())))
    case .keys(let name):
      let offset = data.offset
      let count = try data.readUInt64()
      guard count <= UInt64(data.remaining / 32) else {
        throw .lengthExceedsInput(offset: offset, length: count)
      }
      var keys: [Pubkey] = []
      for _ in 0..<count { keys.append(try data.readPubkey()) }
      writer.member(name, keys)
    case .word(let name, let words, let byteCount):
      let offset = data.offset
      let number = byteCount == 1 ? UInt32(try data.readUInt8()) : try data.readUInt32()
      guard number < words.count else {
        throw .invalidTag(offset: offset, value: UInt8(truncatingIfNeeded: number))
      }
      writer.member(name, words[Int(number)])
    case .wordsToEnd(let name, let words):
      var found: [String] = []
      while data.remaining > 0 {
        let offset = data.offset
        let number = Int(try data.readUInt16())
        guard number < words.count else {
          throw .invalidTag(offset: offset, value: UInt8(truncatingIfNeeded: number))
        }
        found.append(words[number])
      }
      if found.isEmpty { return }
      writer.key(name)
      writer.array { writer in for word in found { writer.value(word) } }
    case .group(let name, let fields):
      writer.key(name)
      writer.beginObject()
      for field in fields { try field.write(from: &data, to: &writer) }
      writer.endObject()
    case .null(let name): writer.memberNull(name)
    case .optional(let field):
      if try data.readBool() { try field.write(from: &data, to: &writer) }
    }
  }

  private static func shortText(_ data: inout ByteReader) throws(CodecError) -> String {
    let byteCount = Int(try data.readUInt32())
    let offset = data.offset
    guard let text = String(validating: try data.read(byteCount: byteCount), as: UTF8.self) else {
      throw .invalidUTF8(offset: offset)
    }
    return text
  }

  private static func option(_ data: inout ByteReader) throws(CodecError) -> Pubkey? {
    try data.readOption { (reader) throws(CodecError) in try reader.readPubkey() }
  }
}

extension JSONWriter {
  mutating func member(_ name: String, _ keys: [Pubkey]) {
    key(name)
    array { writer in for key in keys { writer.value(key.description) } }
  }
}
