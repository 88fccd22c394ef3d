// The accounts and slots that an emulated transaction used, as `access-list` prints them: the set that binds a line of a
// replay, and the list that a transaction can carry (EIP-2930).

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct ContractAccess {
  private let emulation: Emulation
  private let set: AccessSet
  private let list: [AccessListEntry]
  /// Why it fails; `nil` where it does not.
  let failure: String?

  init(_ emulation: Emulation, from sender: Address, to target: Address?, abi: ContractABI) {
    self.emulation = emulation
    set = emulation.accessSet
    // Sender and target are warm in any case, and cost nothing.
    var keys: [Address: [Hash]] = [:]
    for account in set.accounts where account.key != sender && account.key != target {
      keys[account.key] = []
    }
    for slot in set.slots { keys[slot.key.address, default: []].append(Hash(slot.key.slot)) }
    list = keys.sorted { $0.key < $1.key }.map { AccessListEntry(address: $0.key, storageKeys: $0.value) }
    failure = abi.failure(of: emulation.receipt)
  }

  /// One line.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("access")
    set.write(to: &writer)
    writer.key("accessList")
    writer.array { writer in
      for entry in list {
        writer.object { writer in
          writer.member("address", entry.address.description)
          writer.key("storageKeys")
          writer.array { writer in for key in entry.storageKeys { writer.value(EthereumText.hex(key.bytes)) }
          }
        }
      }
    }
    writer.member("status", emulation.receipt.isSuccess ? 1 : 0)
    writer.member("gasUsed", emulation.receipt.gasUsed)
    writer.member("error", orNull: failure)
    writer.member("output", EthereumText.hex(emulation.receipt.output))
    writer.endObject()
    writer.newline()
    return writer.bytes
  }

  var text: String {
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
    lines.append("\(emulation.receipt.gasUsed) gas")
    return lines.joined(separator: "\n")
  }
}
