// Accounts after any block whose state is known, and proofs of them
// (https://github.com/ethereum/execution-apis, src/eth/state.yaml).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// A block that a request is about.
struct EthereumPlace: Sendable {
  let block: EthereumArchive.StoredHeader
  /// Of the ledger's block whose state is the one after it.
  let height: UInt64
  /// Where the block that would come behind it is meant: what it follows from.
  var pending: Head?

  var isPending: Bool { pending != nil }
}

extension EthereumRPC {
  static let stateMethods: [String: Method] = [
    "eth_getBalance": { (rpc, parameters) throws(RPCError) in
      let (address, place) = try rpc.account(parameters, 2)
      return answer(
        try rpc.read(place) { state throws(EVMStateError) in try state.account(address) }?.balance ?? .zero)
    },
    "eth_getTransactionCount": { (rpc, parameters) throws(RPCError) in
      let (address, place) = try rpc.account(parameters, 2)
      return answer(try rpc.nonce(of: address, at: place))
    },
    "eth_getCode": { (rpc, parameters) throws(RPCError) in
      let (address, place) = try rpc.account(parameters, 2)
      return answer(
        data: try rpc.read(place) { state throws(EVMStateError) in try code(of: address, in: state) })
    },
    "eth_getStorageAt": { (rpc, parameters) throws(RPCError) in
      let address = try parameters.address(0)
      let text = try parameters.value(1, EthereumForm.string)
      let place = try rpc.place(try parameters.blockOrLatest(2))
      try parameters.expect(atMost: 3)
      let slot = try storageKey(text).slot
      let value = try rpc.read(place) { state throws(EVMStateError) in
        guard let account = try state.account(address) else { return UInt256.zero }
        return try state.storage(address, incarnation: account.incarnation, slot: slot)
      }
      return answer { $0.value(EthereumForm.word(value)) }
    },
    "eth_getStorageValues": { (rpc, parameters) throws(RPCError) in
      let requests = try parameters.value(0) { value throws(EthereumFormError) in
        var requests: [(address: Address, slots: [Hash])] = []
        for member in try EthereumForm.object(value, "map[common.Address][]common.Hash").members {
          guard let list = member.value.array else {
            throw EthereumFormError.kind(member.value, "[]common.Hash")
          }
          var slots: [Hash] = []
          for key in list { slots.append(try EthereumForm.hash(key)) }
          requests.append((try EthereumForm.address(.string(member.name)), slots))
        }
        return requests
      }
      let place = try rpc.place(try parameters.blockOrLatest(1))
      try parameters.expect(atMost: 2)
      let count = requests.reduce(0) { $0 + $1.slots.count }
      if count == 0 { throw .invalidParameters("empty request") }
      guard count <= proofKeyLimit else { throw .invalidParameters("too many slots (max \(proofKeyLimit))") }
      return try rpc.storageValues(requests, place)
    },
    "eth_getProof": { (rpc, parameters) async throws(RPCError) in
      let address = try parameters.address(0)
      let keys = try parameters.value(1) { value throws(EthereumFormError) in
        guard let list = value.array else { throw EthereumFormError.kind(value, "[]string") }
        var keys: [String] = []
        for key in list { keys.append(try EthereumForm.string(key)) }
        return keys
      }
      let place = try rpc.place(try parameters.blockOrLatest(2))
      try parameters.expect(atMost: 3)
      guard keys.count <= proofKeyLimit else {
        throw .invalidParameters("too many keys: \(keys.count) (max \(proofKeyLimit))")
      }
      var slots: [StorageKey] = []
      for key in keys { slots.append(try storageKey(key)) }
      return try await rpc.working { [slots] () throws(RPCError) in try rpc.proof(of: address, slots, place) }
    },
  ]

  private static let proofKeyLimit = 1024

  /// Address and block at the beginning of a request's parameters.
  private func account(_ parameters: EthereumParameters, _ count: Int) throws(RPCError) -> (
    Address, EthereumPlace
  ) {
    let address = try parameters.address(0)
    let place = try place(try parameters.blockOrLatest(1))
    try parameters.expect(atMost: count)
    return (address, place)
  }

  private func storageValues(
    _ requests: [(address: Address, slots: [Hash])], _ place: EthereumPlace
  ) throws(RPCError) -> [UInt8] {
    var answers: [(address: Address, values: [UInt256])] = []
    for request in requests {
      let values = try read(place) { state throws(EVMStateError) in
        let account = try state.account(request.address)
        var values: [UInt256] = []
        for slot in request.slots {
          values.append(
            try account.map { (account) throws(EVMStateError) in
              try state.storage(request.address, incarnation: account.incarnation, slot: UInt256(slot))
            } ?? .zero)
        }
        return values
      }
      answers.append((request.address, values))
    }
    return Self.answer { [answers] writer in
      writer.object { writer in
        for answer in answers {
          writer.key(answer.address.description)
          writer.array { writer in for value in answer.values { writer.value(EthereumForm.word(value)) } }
        }
      }
    }
  }

  // MARK: Blocks

  /// The block that `reference` names; an error where there is none, or its state is not known.
  func place(_ reference: EthereumBlockReference) throws(RPCError) -> EthereumPlace {
    guard let place = try knownPlace(reference) else {
      if case .hash = reference { throw .ethereum("header for hash not found") }
      throw .ethereum("header not found")
    }
    return place
  }

  /// The same; `nil` where there is no such block.
  func knownPlace(_ reference: EthereumBlockReference) throws(RPCError) -> EthereumPlace? {
    let published = producer.head
    guard let head = published.ethereum else { return nil }
    guard let block = try block(reference, head) else { return nil }
    if block.header.number == head.header.number {
      return EthereumPlace(
        block: block, height: published.height, pending: reference == .tag(.pending) ? published : nil)
    }
    let height = try stored { () throws(StoreError) -> UInt64? in
      guard
        let height = try ledger.height(before: block.header.number + 1, through: published.height),
        try ledger.knowsState(at: height)
      else { return nil }
      return height
    }
    guard let height else {
      throw .ethereum("historical state \(EthereumForm.hash(block.header.stateRoot)) is not available")
    }
    return EthereumPlace(block: block, height: height)
  }

  /// The header that `reference` names; `nil` where there is none.
  func block(_ reference: EthereumBlockReference) throws(RPCError) -> EthereumArchive.StoredHeader? {
    guard let head = producer.head.ethereum else { return nil }
    return try block(reference, head)
  }

  private func block(
    _ reference: EthereumBlockReference, _ head: EthereumArchive.StoredHeader
  ) throws(RPCError) -> EthereumArchive.StoredHeader? {
    let number: UInt64
    switch reference {
    case .tag(.latest), .tag(.safe), .tag(.finalized), .tag(.pending): return head
    case .tag(.earliest):
      number = try stored { () throws(StoreError) in try ledger.firstNumber() ?? head.header.number }
    case .number(let wanted): number = wanted
    case .hash(let hash):
      guard let found = try stored({ () throws(StoreError) in try ledger.archive.number(of: hash) }) else {
        return nil
      }
      number = found
    }
    // What is being published is told of when it is.
    if number > head.header.number { return nil }
    if number == head.header.number { return head }
    return try stored { () throws(StoreError) in try ledger.archive.header(number) }
  }

  // MARK: State

  /// What `body` reads of the state at `place`.
  func read<Value>(
    _ place: EthereumPlace, _ body: (EVMLedgerState) throws(EVMStateError) -> Value
  ) throws(RPCError) -> Value {
    do throws(EVMStateError) { return try body(ledger.state(at: place.height)) } catch {
      throw RPCError(error)
    }
  }

  func nonce(of address: Address, at place: EthereumPlace) throws(RPCError) -> UInt64 {
    if place.isPending { return try pendingNonce(of: address) }
    return try read(place) { state throws(EVMStateError) in try state.account(address) }?.nonce ?? 0
  }

  static func code(of address: Address, in state: EVMLedgerState) throws(EVMStateError) -> [UInt8] {
    guard let account = try state.account(address), account.codeHash != EVMAccount.emptyCodeHash else {
      return []
    }
    return try state.code(address, account).array
  }

  typealias StorageKey = (slot: UInt256, byteCount: Int)

  /// Up to 32 bytes in hex, the prefix and a first digit 0 left out or not.
  static func storageKey(_ text: String) throws(RPCError) -> StorageKey {
    func failure(_ problem: String) -> RPCError {
      .invalidParameters("unable to decode storage key: \(problem)")
    }
    var digits = text[...]
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") { digits = digits.dropFirst(2) }
    let padded = digits.utf8.count % 2 == 0 ? String(digits) : "0" + digits
    if padded.utf8.count > 64 { throw failure("hex string too long, want at most 32 bytes") }
    guard let bytes = Hex.decode("0x" + padded) else { throw failure("hex string invalid") }
    return (UInt256(bigEndian: bytes) ?? .zero, bytes.count)
  }

  private func proof(
    of address: Address, _ keys: [StorageKey], _ place: EthereumPlace
  ) throws(RPCError) -> [UInt8] {
    let proof: StateProof
    do throws(TrieError) {
      proof = try ledger.proof(of: address, slots: keys.map(\.slot), in: place.block)
    } catch {
      // Nodes are kept for the last blocks alone, whatever is known of accounts.
      throw .ethereum(
        "the trie of block \(place.block.header.number) is not available: nodes of the last "
          + "\(EthereumArchive.keptStates) blocks are kept")
    }
    return Self.answer { writer in
      writer.object { writer in
        writer.address("address", address)
        Self.write("accountProof", proof.nodes, to: &writer)
        writer.quantity("balance", proof.account?.balance ?? .zero)
        writer.hash("codeHash", proof.account?.codeHash ?? EVMAccount.emptyCodeHash)
        writer.quantity("nonce", proof.account?.nonce ?? 0)
        writer.hash("storageHash", proof.account?.storageRoot ?? MerklePatriciaTrie.emptyRoot)
        writer.key("storageProof")
        writer.array { writer in
          for (key, slot) in zip(keys, proof.slots) {
            writer.object { writer in
              // A key of 32 bytes is given back as it came, others as numbers.
              writer.member(
                "key", key.byteCount == 32 ? EthereumForm.word(key.slot) : EthereumForm.quantity(key.slot))
              writer.quantity("value", slot.value)
              Self.write("proof", slot.nodes, to: &writer)
            }
          }
        }
      }
    }
  }

  private static func write(_ name: String, _ nodes: [[UInt8]], to writer: inout JSONWriter) {
    writer.key(name)
    writer.array { writer in for node in nodes { writer.value(EthereumForm.data(node)) } }
  }
}
