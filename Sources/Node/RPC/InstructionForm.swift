// How an instruction of a known program is told by its fields (`jsonParsed`; Agave's transaction-status crate): a form names
// the accounts in their order and the fields of the data. InstructionForms.swift has the forms of each program.

import Ledger
import Primitives

struct InstructionForm: Sendable {
  /// An account that an instruction lists, in order.
  enum Role: Sendable {
    case named(String)
    /// May be missing, and then has no member.
    case optional(String)
    /// May be missing, and is then null.
    case nullable(String)
    /// Is there if the key at its place is this one, which newer clients leave out.
    case fixed(String, Pubkey)
    /// The others, as a list.
    case list(String)
    /// Who agrees, under the first name; with signers behind it a multisignature account, under the second, and `signers`.
    case authority(String, String)
  }

  let type: String
  let roles: [Role]
  let fields: [DataField]
  /// Accounts without which the instruction is told as one of an unknown program.
  let minimumAccountCount: Int
  /// Whether it is told without `info`.
  let isBare: Bool

  init(_ type: String, _ roles: [Role], _ fields: [DataField] = [], minimum: Int? = nil, isBare: Bool = false) {
    (self.type, self.roles, self.fields, self.isBare) = (type, roles, fields, isBare)
    let needed = roles.reduce(0) { count, role in
      switch role {
      case .named, .authority: count + 1
      case .optional, .nullable, .fixed, .list: count
      }
    }
    minimumAccountCount = minimum ?? needed
  }

  /// `{"info", "type"}` of the instruction with `accounts` and the data behind what tells instructions apart; `nil` where
  /// they do not fit.
  func write(_ accounts: [Pubkey], _ data: inout ByteReader) -> [UInt8]? {
    guard accounts.count >= minimumAccountCount else { return nil }
    var writer = JSONWriter()
    writer.beginObject()
    if !isBare {
      writer.key("info")
      writer.beginObject()
      do throws(CodecError) {
        for field in fields { try field.write(from: &data, to: &writer) }
      } catch {
        return nil
      }
      guard write(accounts, to: &writer) else { return nil }
      writer.endObject()
    }
    writer.member("type", type)
    writer.endObject()
    return writer.bytes
  }

  /// False where one is missing.
  private func write(_ accounts: [Pubkey], to writer: inout JSONWriter) -> Bool {
    var rest = accounts[...]
    for role in roles {
      switch role {
      case .named(let name):
        guard let key = rest.popFirst() else { return false }
        writer.member(name, key.description)
      case .optional(let name): if let key = rest.popFirst() { writer.member(name, key.description) }
      case .nullable(let name): writer.member(name, rest.popFirst())
      case .fixed(let name, let key):
        if rest.first == key {
          rest.removeFirst()
          writer.member(name, key.description)
        }
      case .list(let name):
        writer.member(name, Array(rest))
        rest = []
      case .authority(let single, let multiple):
        guard let key = rest.popFirst() else { return false }
        writer.member(rest.isEmpty ? single : multiple, key.description)
        if !rest.isEmpty { writer.member("signers", Array(rest)) }
        rest = []
      }
    }
    return true
  }
}
