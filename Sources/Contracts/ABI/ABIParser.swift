// Types and signatures as people write them: canonical (`transfer(address,uint256)`), with results behind
// (`balanceOf(address)(uint256)`), or as Solidity declares them (`function f(uint a, bytes calldata b) external view
// returns (uint256)`, `event Transfer(address indexed from, address indexed to, uint256 value)`). Widths left out are
// Solidity's (`uint` is `uint256`); `tuple(…)` is `(…)`.

/// A recursive-descent parser over one signature. `offset` stays in `[0, text.count]`.
struct ABIParser {
  private let source: String
  private let text: [UInt8]
  private var offset = 0

  init(_ source: String) {
    self.source = source
    text = Array(source.utf8)
  }

  // MARK: Signatures

  mutating func signature(kind expected: ABIItem.Kind?) throws(ABIError) -> ABIItem {
    var kind = expected ?? .function
    let start = offset
    var name = word()
    if let keyword = ABIItem.Kind(rawValue: name), keyword != .constructor, peek() != UInt8(ascii: "(") {
      kind = keyword
      name = word()
    }
    if name == ABIItem.Kind.constructor.rawValue {
      (kind, name) = (.constructor, "")
    } else if name.isEmpty {
      offset = start
      throw failure(.expected("a name, as in transfer(address,uint256)"))
    }
    var item = ABIItem(kind: kind, name: name, inputs: try parameters(of: kind))
    try modifiers(of: &item)
    skipSpace()
    if offset < text.count { throw failure(.expected("the end")) }
    let topics = item.inputs.count { $0.isIndexed }
    if topics > (item.isAnonymous ? 4 : 3) { throw failure(.tooManyTopics(topics)) }
    return item
  }

  /// What Solidity allows between the arguments and the end, and the results.
  private mutating func modifiers(of item: inout ABIItem) throws(ABIError) {
    while true {
      skipSpace()
      if peek() == UInt8(ascii: "("), item.kind == .function, item.outputs == nil {
        item.outputs = try parameters(of: .function)
        continue
      }
      let start = offset
      switch word() {
      case "returns" where item.kind == .function && item.outputs == nil:
        item.outputs = try parameters(of: .function)
      case "external", "public", "internal", "private", "view", "pure", "nonpayable", "virtual", "override":
        break
      case "payable": item.isPayable = true
      case "anonymous" where item.kind == .event: item.isAnonymous = true
      default:
        offset = start
        if peek() == UInt8(ascii: ";") { offset += 1 }
        return
      }
    }
  }

  private mutating func parameters(of kind: ABIItem.Kind) throws(ABIError) -> [ABIParameter] {
    let list = try list(depth: 0, isEvent: kind == .event)
    if list.reduce(0, { $0 + $1.type.headWordCount }) > ABIType.wordLimit { throw failure(.tooLarge) }
    return list
  }

  /// `(type [indexed] [name], …)`
  private mutating func list(depth: Int, isEvent: Bool) throws(ABIError) -> [ABIParameter] {
    skipSpace()
    try expect(UInt8(ascii: "("))
    skipSpace()
    var list: [ABIParameter] = []
    if take(UInt8(ascii: ")")) { return list }
    while true {
      var parameter = ABIParameter(type: try type(depth: depth))
      names: while true {
        let start = offset
        switch word() {
        case "": break names
        case "indexed":
          guard isEvent else {
            offset = start
            throw failure(.notIndexable)
          }
          parameter.isIndexed = true
        case "memory", "calldata", "storage": break
        case "payable" where parameter.type == .address: break
        case let name:
          parameter.name = name
          break names
        }
      }
      list.append(parameter)
      skipSpace()
      if take(UInt8(ascii: ")")) { return list }
      guard take(UInt8(ascii: ",")) else { throw failure(.expected("',' or ')'")) }
    }
  }

  // MARK: Types

  /// A type and nothing else.
  mutating func onlyType() throws(ABIError) -> ABIType {
    let type = try type(depth: 0)
    skipSpace()
    if offset < text.count { throw failure(.expected("the end")) }
    return type
  }

  private mutating func type(depth: Int) throws(ABIError) -> ABIType {
    if depth >= ABIType.depthLimit { throw failure(.tooDeep) }
    skipSpace()
    var type: ABIType
    if peek() == UInt8(ascii: "(") {
      type = .tuple(try list(depth: depth + 1, isEvent: false))
    } else {
      let start = offset
      let name = word()
      if name == "tuple", peek() == UInt8(ascii: "(") {
        type = .tuple(try list(depth: depth + 1, isEvent: false))
      } else {
        do throws(ABIError) { type = try ABIParser.elementary(name) { failure($0, at: start) } } catch {
          throw error
        }
      }
    }
    return try suffixes(of: type, depth: depth)
  }

  /// `[]`, `[3]`, as many as there are.
  private mutating func suffixes(of base: ABIType, depth: Int) throws(ABIError) -> ABIType {
    var (type, depth) = (base, depth)
    while true {
      let start = offset
      guard take(UInt8(ascii: "[")) else { return type }
      depth += 1
      if depth >= ABIType.depthLimit { throw failure(.tooDeep, at: start) }
      if type.headWordCount == 0 { throw failure(.emptyTupleInArray, at: start) }
      if take(UInt8(ascii: "]")) {
        type = .array(of: type)
        continue
      }
      guard let count = number() else { throw failure(.expected("']' or a number of elements")) }
      if count == 0 { throw failure(.emptyArray, at: start) }
      try expect(UInt8(ascii: "]"))
      let (words, overflow) = count.multipliedReportingOverflow(by: type.headWordCount)
      if overflow || words > ABIType.wordLimit { throw failure(.tooLarge, at: start) }
      type = .fixedArray(of: type, count: count)
    }
  }

  private static func elementary(
    _ name: String, _ failure: (ABISyntaxFault) -> ABIError
  ) throws(ABIError) -> ABIType {
    let letters = name.prefix { !$0.isNumber }
    let width = name.dropFirst(letters.count)
    switch (String(letters), width.isEmpty) {
    case ("address", true): return .address
    case ("bool", true): return .bool
    case ("string", true): return .string
    case ("bytes", true): return .bytes
    case ("byte", true): return .fixedBytes(count: 1)
    case ("function", true): return .function
    case ("uint", true): return .uint(bits: 256)
    case ("int", true): return .int(bits: 256)
    case ("fixed", true): return .fixed(bits: 128, decimals: 18, isSigned: true)
    case ("ufixed", true): return .fixed(bits: 128, decimals: 18, isSigned: false)
    case ("uint", false), ("int", false):
      guard let bits = bits(width) else {
        throw failure(.width(type: name, allowed: "widths are the multiples of 8 up to 256"))
      }
      return letters == "uint" ? .uint(bits: bits) : .int(bits: bits)
    case ("bytes", false):
      guard let count = Int(width), (1...32).contains(count), !width.hasPrefix("0") else {
        throw failure(.width(type: name, allowed: "there are bytes1 to bytes32"))
      }
      return .fixedBytes(count: count)
    case ("fixed", false), ("ufixed", false):
      let parts = width.split(separator: "x", omittingEmptySubsequences: false)
      guard parts.count == 2, let bits = bits(parts[0]), let decimals = Int(parts[1]),
        (1...80).contains(decimals), !parts[1].hasPrefix("0")
      else {
        throw failure(
          .width(type: name, allowed: "fixedMxN has a multiple of 8 up to 256 as M, 1 to 80 decimals"))
      }
      return .fixed(bits: bits, decimals: decimals, isSigned: letters == "fixed")
    default: throw failure(name.isEmpty ? .expected("a type") : .unknownType(name))
    }
  }

  private static func bits(_ text: Substring) -> Int? {
    guard let bits = Int(text), bits % 8 == 0, (8...256).contains(bits), !text.hasPrefix("0"),
      !text.hasPrefix("+")
    else { return nil }
    return bits
  }

  // MARK: Characters

  /// A name, `[A-Za-z0-9_$]*`, after white space.
  private mutating func word() -> String {
    skipSpace()
    let start = offset
    while let character = peek(), ABIParser.isName(character) { offset += 1 }
    return String(decoding: text[start..<offset], as: UTF8.self)
  }

  private static func isName(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
      true
    default: false
    }
  }

  private mutating func number() -> Int? {
    let start = offset
    while let character = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) { offset += 1 }
    // More digits than an Int has is more than the limit, too.
    return start == offset ? nil : Int(String(decoding: text[start..<offset], as: UTF8.self)) ?? .max
  }

  private func peek() -> UInt8? { offset < text.count ? text[offset] : nil }

  private mutating func take(_ character: UInt8) -> Bool {
    guard peek() == character else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: UInt8) throws(ABIError) {
    guard take(character) else { throw failure(.expected("'\(Character(Unicode.Scalar(character)))'")) }
  }

  private mutating func skipSpace() {
    while let character = peek(), character == 0x20 || (0x09...0x0d).contains(character) { offset += 1 }
  }

  private func failure(_ fault: ABISyntaxFault, at offset: Int? = nil) -> ABIError {
    .signature(source, offset: offset ?? self.offset, fault)
  }
}

extension ABIType {
  /// A type alone: `(uint256,bytes)[2]`.
  package init(_ text: String) throws(ABIError) {
    var parser = ABIParser(text)
    self = try parser.onlyType()
  }
}
