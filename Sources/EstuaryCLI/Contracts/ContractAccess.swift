// The accounts and slots that an emulated transaction used, as `access-list` prints them: the set that binds a line of a
// replay, and the list that a transaction can carry (EIP-2930).

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct ContractAccess {
  /// Whose accesses are wanted.
  enum Subject {
    case call(ContractMessage)
    case signed(EthereumTransaction)
  }

  /// What an execution used.
  struct Use {
    let execution: ContractExecution
    /// `nil` where it is not to be known.
    let set: AccessSet?
    let list: [AccessListEntry]

    init(of execution: ContractExecution, set: AccessSet? = nil, list: [AccessListEntry]) {
      (self.execution, self.set, self.list) = (execution, set, list)
    }

    /// With the list that the set gives.
    init(of execution: ContractExecution, from sender: Address, to target: Address?, set: AccessSet) {
      // Sender and target are warm in any case, and cost nothing.
      var keys: [Address: [Hash]] = [:]
      for account in set.accounts where account.key != sender && account.key != target {
        keys[account.key] = []
      }
      for slot in set.slots { keys[slot.key.address, default: []].append(Hash(slot.key.slot)) }
      let list = keys.sorted { $0.key < $1.key }.map {
        AccessListEntry(address: $0.key, storageKeys: $0.value)
      }
      self.init(of: execution, set: set, list: list)
    }
  }

  private let use: Use
  /// Why it fails; `nil` where it does not.
  let failure: String?

  init(_ use: Use, abi: ContractABI) { (self.use, failure) = (use, abi.failure(of: use.execution)) }

  /// One line.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("access")
    if let set = use.set { set.write(to: &writer) } else { writer.null() }
    writer.key("accessList")
    EthereumForm.write(use.list, to: &writer)
    writer.member("status", use.execution.failure == nil ? 1 : 0)
    if let gasUsed = use.execution.gasUsed {
      writer.member("gasUsed", gasUsed)
    } else {
      writer.memberNull("gasUsed")
    }
    writer.member("error", orNull: failure)
    writer.member("output", EthereumText.hex(use.execution.output))
    writer.endObject()
    writer.newline()
    return writer.bytes
  }

  var text: String {
    var lines =
      use.set.map(Self.lines)
      ?? use.list.flatMap { entry in
        [entry.address.checksummed] + entry.storageKeys.map { "  \(EthereumText.hex($0.bytes))" }
      }
    if let gasUsed = use.execution.gasUsed { lines.append("\(gasUsed) gas") }
    return lines.joined(separator: "\n")
  }

  private static func lines(_ set: AccessSet) -> [String] {
    let slots = Dictionary(grouping: set.slots) { $0.key.address }
    let addresses = Set(set.accounts.map(\.key)).union(slots.keys).sorted()
    var lines: [String] = []
    for address in addresses {
      let account = set.accounts.first { $0.key == address }
      let use = account.map { $0.isWritable ? "  written" : "  read" } ?? ""
      lines.append(address.checksummed + use)
      for slot in slots[address] ?? [] {
        lines.append("  \(EthereumText.word(slot.key.slot))  \(slot.isWritable ? "written" : "read")")
      }
    }
    return lines
  }
}
