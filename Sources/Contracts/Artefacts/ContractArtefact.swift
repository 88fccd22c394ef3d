// What compilers write, read for deployment: initcode and interface. Known are hex text (`vyper -f bytecode`, `solc
// -o`), Vyper's and solc's combined JSON, the standard JSON output of both, and the artefacts of Hardhat and Foundry
// (https://docs.soliditylang.org/en/latest/using-the-compiler.html,
// https://docs.vyperlang.org/en/stable/compiling-a-contract.html,
// https://hardhat.org/hardhat-runner/docs/advanced/artifacts). One contract is chosen: the only one that has code, or
// the one that is named.

import Primitives

/// A contract that can be deployed.
public struct ContractArtefact: Equatable, Sendable {
  /// `Token`, or `contracts/Token.sol:Token` where the artefact says the file; empty for hex text.
  public var name: String
  /// The code that a creating transaction runs; the constructor's arguments follow it.
  public var initcode: [UInt8]
  /// `nil` where the artefact holds none.
  public var abi: ContractABI?

  public init(name: String = "", initcode: [UInt8], abi: ContractABI? = nil) {
    (self.name, self.initcode, self.abi) = (name, initcode, abi)
  }
}

/// Why nothing can be deployed from an artefact.
public enum ArtefactError: Error, Equatable, Sendable {
  case empty
  /// Neither JSON of a known shape nor hex text; what it looks like.
  case unknown(String)
  case json(JSONError)
  /// Contracts in it, none of which has code; their names.
  case noCode([String])
  /// More than one contract to choose from.
  case several([String])
  /// The contract asked for is not among these.
  case notFound(String, among: [String])
  /// Code with places for libraries' addresses that nobody filled in.
  case unlinked(contract: String, libraries: [String])
  case notHex(contract: String, offset: Int)
  case abi(contract: String, ABIError)
}

extension ContractArtefact {
  /// Reads an artefact.
  ///
  /// - Parameter choice: the contract's name, alone or with its file before a colon.
  public init(reading bytes: [UInt8], choosing choice: String? = nil) throws(ArtefactError) {
    var bytes = bytes[...]
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }  // a byte-order mark
    guard let first = bytes.first(where: { !ContractArtefact.isSpace($0) }) else { throw .empty }
    let candidates: [Candidate]
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""):
      let json: JSONValue
      do throws(JSONError) { json = try JSONValue.parse(Array(bytes)) } catch { throw .json(error) }
      candidates = try Candidate.all(in: json)
    default: candidates = try Candidate.all(inText: bytes)
    }
    self = try ContractArtefact.choose(candidates, choice).artefact()
  }

  private static func choose(_ candidates: [Candidate], _ choice: String?) throws(ArtefactError) -> Candidate
  {
    let names = candidates.map(\.name)
    var chosen = candidates
    if let choice {
      chosen = candidates.filter { $0.name == choice || $0.shortName == choice }
      if chosen.isEmpty { throw .notFound(choice, among: names) }
    }
    let deployable = chosen.filter { !$0.code.isEmpty }
    if deployable.isEmpty { throw .noCode(chosen.map(\.name)) }
    guard deployable.count == 1 else { throw .several(deployable.map(\.name)) }
    return deployable[0]
  }

  static func isSpace(_ character: UInt8) -> Bool {
    character == 0x20 || (0x09...0x0d).contains(character)
  }
}

/// A contract as it is found, before it is known to be the one.
struct Candidate {
  var name: String
  /// Hex digits with or without 0x, possibly with places for libraries.
  var code: String
  var abi: JSONValue?
  /// Names of libraries that the artefact itself lists as missing.
  var libraries: [String] = []

  init(name: String, code: String, abi: JSONValue?, libraries: [String] = []) {
    (self.name, self.abi, self.libraries) = (name, abi, libraries)
    self.code = code.hasPrefix("0x") ? String(code.dropFirst(2)) : code
  }

  /// The name behind the file's.
  var shortName: String { name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name }

  func artefact() throws(ArtefactError) -> ContractArtefact {
    let unlinked = libraries + Candidate.unlinkedLibraries(in: code)
    if !unlinked.isEmpty {
      var named: [String] = []
      for library in unlinked where !named.contains(library) { named.append(library) }
      throw .unlinked(contract: name, libraries: named)
    }
    guard let initcode = Hex.decode(code) else {
      let offset = code.utf8.enumerated().first { !Character(Unicode.Scalar($0.element)).isHexDigit }?.offset
      throw .notHex(contract: name, offset: offset ?? code.utf8.count)
    }
    var interface: ContractABI?
    if let abi, !abi.isNull {
      do throws(ABIError) {
        // Older compilers write the interface as text.
        if let text = abi.string {
          interface = try ContractABI(json: Array(text.utf8))
        } else {
          interface = try ContractABI(json: abi)
        }
      } catch { throw .abi(contract: name, error) }
    }
    return ContractArtefact(name: name, initcode: initcode, abi: interface)
  }

  /// What stands where a library's address is missing, 40 characters each: `__$…34 digits of a hash…$__`, or
  /// `__File.sol:Library____` of older compilers.
  private static func unlinkedLibraries(in code: String) -> [String] {
    var (found, rest) = ([String](), code[...])
    while let start = rest.firstRange(of: "__")?.lowerBound {
      let place = rest[start...].prefix(40)
      rest = rest[place.endIndex...]
      found.append(String(place.drop { $0 == "_" }.reversed().drop { $0 == "_" }.reversed()))
    }
    return found
  }
}

extension Candidate {
  /// Hex text: one contract a line.
  static func all(inText bytes: ArraySlice<UInt8>) throws(ArtefactError) -> [Candidate] {
    let looksLikeText = bytes.allSatisfy { (0x20...0x7e).contains($0) || ContractArtefact.isSpace($0) }
    guard looksLikeText else { throw .unknown("bytes that are no text") }
    let lines = bytes.split { $0 == 0x0a || $0 == 0x0d }.map { line in
      String(decoding: line.filter { !ContractArtefact.isSpace($0) }, as: UTF8.self)
    }.filter { !$0.isEmpty }
    let isCode = lines.allSatisfy { line in
      let digits = line.hasPrefix("0x") ? line.dropFirst(2) : line[...]
      // Places for libraries hold other characters, which are named later.
      return digits.firstRange(of: "__") != nil || digits.allSatisfy(\.isHexDigit)
    }
    guard isCode else { throw .unknown("text that begins with '\(lines.first?.prefix(40) ?? "")'") }
    // Long code may be broken into lines; a line that begins with 0x is a contract of its own.
    if lines.count > 1, lines.dropFirst().allSatisfy({ $0.hasPrefix("0x") }) {
      return lines.enumerated().map { Candidate(name: "line \($0 + 1)", code: $1, abi: nil) }
    }
    return [Candidate(name: "", code: lines.joined(), abi: nil)]
  }

  static func all(in json: JSONValue) throws(ArtefactError) -> [Candidate] {
    if let text = json.string { return try all(inText: Array(text.utf8)[...]) }
    guard let object = json.object else {
      throw .unknown("a JSON array, as an interface alone is: the artefact with the bytecode is needed")
    }
    // Foundry and Hardhat: one contract.
    if let code = json["bytecode"] { return [try single(json, code)] }
    if let contracts = json["contracts"]?.object {
      let found = contracts.members.flatMap { nested(in: $0) }
      if !found.isEmpty { return found }
      if let message = firstError(in: json) {
        throw .unknown("the compiler's report of an error: \(message)")
      }
      throw .noCode([])
    }
    if let message = firstError(in: json) { throw .unknown("the compiler's report of an error: \(message)") }
    // Vyper's combined JSON: a contract for each file, beside the version.
    let files = object.members.filter { $0.value["bytecode"]?.string != nil }
    if files.isEmpty {
      throw .unknown("JSON without 'bytecode' and 'contracts' (members: \(names(object)))")
    }
    return files.map {
      Candidate(name: $0.name, code: $0.value["bytecode"]?.string ?? "", abi: $0.value["abi"])
    }
  }

  private static func single(_ json: JSONValue, _ code: JSONValue) throws(ArtefactError) -> Candidate {
    guard let digits = code.string ?? code["object"]?.string else {
      throw .unknown("JSON whose 'bytecode' is neither text nor an object with 'object'")
    }
    let links = code["linkReferences"] ?? json["linkReferences"]
    return Candidate(
      name: json["contractName"]?.string ?? compilationTarget(json) ?? "", code: digits, abi: json["abi"],
      libraries: libraries(links))
  }

  /// A member of `contracts`: `file:Name` of combined JSON, or a file with its contracts of standard JSON.
  private static func nested(in member: JSONObject.Member) -> [Candidate] {
    if let code = member.value["bin"] {
      return [Candidate(name: member.name, code: code.string ?? "", abi: member.value["abi"])]
    }
    guard let contracts = member.value.object else { return [] }
    return contracts.members.compactMap { contract in
      guard contract.value.object != nil else { return nil }
      let code = contract.value["evm"]?["bytecode"]
      return Candidate(
        name: "\(member.name):\(contract.name)", code: code?["object"]?.string ?? "",
        abi: contract.value["abi"],
        libraries: libraries(code?["linkReferences"]))
    }
  }

  /// `{file: {library: [places]}}`
  private static func libraries(_ links: JSONValue?) -> [String] {
    (links?.object?.members ?? []).flatMap { file in
      (file.value.object?.members ?? []).map { "\(file.name):\($0.name)" }
    }
  }

  /// Foundry's artefact names the contract in its metadata alone.
  private static func compilationTarget(_ json: JSONValue) -> String? {
    json["metadata"]?["settings"]?["compilationTarget"]?.object?.members.first.flatMap {
      $0.value.string
    }
  }

  private static func firstError(in json: JSONValue) -> String? {
    let error = json["errors"]?.array?.first { $0["severity"]?.string == "error" }
    return (error?["formattedMessage"] ?? error?["message"])?.string
  }

  private static func names(_ object: JSONObject) -> String {
    object.members.prefix(8).map(\.name).joined(separator: ", ")
  }
}

extension ArtefactError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty: "is empty"
    case .unknown(let what):
      "is no artefact of a contract but \(what); known are hex text, and the JSON of vyper, solc, Hardhat and Foundry"
    case .json(let error): "is no JSON: \(error)"
    case .noCode(let names):
      names.isEmpty
        ? "holds no contract" : "holds no code to deploy: \(Self.list(names)) (an interface or abstract?)"
    case .several(let names): "holds several contracts, choose one with --contract: \(Self.list(names))"
    case .notFound(let name, let names): "holds no contract '\(name)' but \(Self.list(names))"
    case .unlinked(let contract, let libraries):
      "\(contract.isEmpty ? "the contract" : "'\(contract)'") is not linked, it needs the addresses of: "
        + Self.list(libraries) + " (deploy them, then compile with --libraries)"
    case .notHex(let contract, let offset):
      "the code\(contract.isEmpty ? "" : " of '\(contract)'") is no hexadecimal text of whole bytes, at character"
        + " \(offset + 1)"
    case .abi(let contract, let error):
      "the interface\(contract.isEmpty ? "" : " of '\(contract)'"): \(error)"
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { $0.isEmpty ? "(unnamed)" : $0 }.joined(separator: ", ")
    return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
  }
}
