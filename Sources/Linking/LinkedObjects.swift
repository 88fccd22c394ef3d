// Several relocatable objects as one: sections one after the other, names resolved between them. A symbol that one
// object defines strongly wins over weak ones; what none defines is one of the functions that clang calls by itself
// (`SupportFunction`) or a syscall.
import SBPF

struct LinkedObjects {
  private(set) var code: [RelocatableObject.Section] = []
  private(set) var data: [RelocatableObject.Section] = []
  /// By section, then offset.
  private(set) var functions: [RelocatableObject.Function] = []
  private(set) var entry: RelocatableObject.Function
  /// By section of code and of data, the object it comes from.
  private var codeOrigins: [Int] = []
  private var dataOrigins: [Int] = []
  private var names: [String?] = []
  private var lines: [LineTable?] = []

  private struct Definition {
    var target: RelocatableObject.Target
    var isWeak: Bool
    var origin: Int
  }

  /// - Parameters:
  ///   - objects: with the names that errors call them by.
  ///   - isSyscall: whether calls of an undefined function may be left to the loader.
  init(
    _ objects: [(name: String?, object: RelocatableObject)], isSyscall: (String) -> Bool
  ) throws(LinkError) {
    guard !objects.isEmpty else { throw LinkError(.noObjects) }
    entry = RelocatableObject.Function(name: "", section: 0, byteOffset: 0, byteCount: 0, isGlobal: true)
    var definitions: [String: Definition] = [:]
    for (name, object) in objects { try add(object, named: name, to: &definitions) }
    for name in undefinedNames(definitions).sorted() where !isSyscall(name) {
      if let object = SupportFunction.object(named: name) { try add(object, named: nil, to: &definitions) }
    }
    func resolve(_ target: RelocatableObject.Target) -> RelocatableObject.Target {
      guard case .named(let name) = target else { return target }
      return definitions[name]?.target ?? .named(SupportFunction.syscallNames[name] ?? name)
    }
    for section in code.indices {
      for index in code[section].relocations.indices {
        code[section].relocations[index].target = resolve(code[section].relocations[index].target)
      }
    }
    for section in data.indices {
      for index in data[section].relocations.indices {
        data[section].relocations[index].target = resolve(data[section].relocations[index].target)
      }
    }
    entry = try entrypoint(definitions)
  }

  private mutating func add(
    _ object: RelocatableObject, named name: String?, to definitions: inout [String: Definition]
  ) throws(LinkError) {
    let origin = names.count
    names.append(name)
    lines.append(object.lines)
    let (codeBase, dataBase) = (code.count, data.count)
    func moved(_ target: RelocatableObject.Target) -> RelocatableObject.Target {
      switch target {
      case .code(let section, let offset): .code(section: codeBase + section, byteOffset: offset)
      case .data(let section, let offset): .data(section: dataBase + section, byteOffset: offset)
      case .named: target
      }
    }
    func moved(_ section: RelocatableObject.Section) -> RelocatableObject.Section {
      var section = section
      for index in section.relocations.indices {
        section.relocations[index].target = moved(section.relocations[index].target)
      }
      return section
    }
    code += object.code.map { moved($0) }
    data += object.data.map { moved($0) }
    codeOrigins += object.code.map { _ in origin }
    dataOrigins += object.data.map { _ in origin }
    functions += object.functions.map {
      var function = $0
      function.section += codeBase
      return function
    }
    for global in object.globals {
      let definition = Definition(target: moved(global.target), isWeak: global.isWeak, origin: origin)
      if let earlier = definitions[global.name] {
        if global.isWeak { continue }
        if !earlier.isWeak {
          throw LinkError(.duplicateSymbol(global.name, first: names[earlier.origin], second: name))
        }
      }
      definitions[global.name] = definition
    }
  }

  private func undefinedNames(_ definitions: [String: Definition]) -> Set<String> {
    var undefined: Set<String> = []
    for relocation in code.lazy.flatMap(\.relocations) + data.lazy.flatMap(\.relocations) {
      if case .named(let name) = relocation.target, definitions[name] == nil { undefined.insert(name) }
    }
    return undefined
  }

  private func entrypoint(
    _ definitions: [String: Definition]
  ) throws(LinkError) -> RelocatableObject.Function {
    let name = "entrypoint"
    switch definitions[name]?.target {
    case .code(let section, let offset)?:
      let found = functions.first { ($0.name, $0.section, $0.byteOffset) == (name, section, offset) }
      guard let found else { throw LinkError(.entrypointNotFunction, in: origin(definitions[name])) }
      return found
    case .data?, .named?: throw LinkError(.entrypointNotFunction, in: origin(definitions[name]))
    case nil:
      if functions.contains(where: { $0.name == name }) { throw LinkError(.staticEntrypoint) }
      throw LinkError(.noEntrypoint(functions: functions.filter(\.isGlobal).map(\.name)))
    }
  }

  private func origin(_ definition: Definition?) -> String? { definition.flatMap { names[$0.origin] } }

  // MARK: Places, for error messages

  /// Whether a function's symbol covers the place.
  func hasFunction(code section: Int, byteOffset: UInt64) -> Bool {
    function(code: section, byteOffset: byteOffset) != nil
  }

  private func function(code section: Int, byteOffset: UInt64) -> RelocatableObject.Function? {
    functions.last {
      $0.section == section && $0.byteOffset <= byteOffset
        && ($0.byteCount == 0 || byteOffset - $0.byteOffset < $0.byteCount)
    }
  }

  /// An error about `offset` of a code section.
  func error(_ reason: LinkError.Reason, code section: Int, offset: UInt64) -> LinkError {
    let name = code[section].name
    let function = function(code: section, byteOffset: offset)
    let origin = codeOrigins[section]
    return LinkError(
      reason,
      at: LinkError.Place(
        section: name, offset: offset, function: function?.name,
        line: lines[origin]?.line(section: name, offset: offset)), in: names[origin])
  }

  /// An error about `offset` of a data section.
  func error(_ reason: LinkError.Reason, data section: Int, offset: UInt64) -> LinkError {
    LinkError(
      reason, at: LinkError.Place(section: data[section].name, offset: offset),
      in: names[dataOrigins[section]])
  }
}
