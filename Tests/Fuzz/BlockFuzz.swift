// libFuzzer target: any bytes as a block, a header, a receipt, or the nodes of a proof; and receipts and proofs that are
// right but for a few bytes, which hashes in them hide from mutation. Nothing may crash; what is accepted encodes to the
// same bytes, and no damaged proof proves another value. The first byte says which.
import Primitives
import WideIntegers

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  switch start[0] % 6 {
  case 0:
    if let block = try? EthereumBlock(decoding: bytes) {
      expect(block.encoded == bytes, "a block")
      let again = try? EthereumBlock(header: block.header, body: block.encodedBody)
      expect(again == block, "a body")
    }
  case 1:
    if let header = try? EthereumHeader(decoding: bytes) { expect(header.encoded == bytes, "a header") }
  case 2:
    if let receipt = try? EthereumReceipt(decoding: bytes) { expect(receipt.encoded == bytes, "a receipt") }
  case 3: prove(bytes)
  case 4: damageReceipt(bytes)
  default: damageProof(bytes)
  }
  return 0
}

/// A key of 32 bytes, then nodes, each behind a byte pair with its length; the first is the root.
private func prove(_ bytes: [UInt8]) {
  guard bytes.count > 32, let key = Hash(Array(bytes[..<32])) else { return }
  var nodes: [[UInt8]] = []
  var rest = bytes[32...]
  while rest.count >= 2 {
    let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
    rest = rest.dropFirst(2)
    nodes.append(Array(rest.prefix(size)))
    rest = rest.dropFirst(size)
  }
  guard let root = nodes.first.map({ Keccak256.hash($0) }) else { return }
  guard let value = try? TrieProof(nodes).value(of: key, root: root) else { return }
  _ = TrieAccount(decoding: value)
  // A value that is proven stays proven when more nodes are there.
  expect((try? TrieProof(nodes + [[0x80]]).value(of: key, root: root)) == value, "a proof")
}

/// Hands out bytes, zeros behind the last one.
private struct Source {
  var rest: ArraySlice<UInt8>

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
  mutating func hash() -> Hash { Hash(bytes(32)) ?? .zero }
}

/// A receipt with logs, bits of which are changed.
private func damageReceipt(_ bytes: [UInt8]) {
  var source = Source(rest: bytes[...])
  let flags = source.byte()
  let kinds: [EthereumTransaction.Kind] = [.legacy, .accessList, .dynamicFee, .blob, .setCode]
  let logs = (0..<Int(flags >> 3 & 3)).map { _ in
    let shape = source.byte()
    return EVMLog(
      address: Address(source.bytes(20)) ?? .zero, topics: (0..<Int(shape % 5)).map { _ in source.hash() },
      data: source.bytes(Int(shape >> 3)))
  }
  let receipt = EthereumReceipt(
    kind: kinds[Int(flags & 7) % kinds.count],
    outcome: flags & 0x80 != 0 ? .stateRoot(source.hash()) : .status(isSuccess: flags & 0x40 != 0),
    cumulativeGasUsed: UInt64(source.byte()) << UInt64(source.byte() & 63), logs: logs)
  var encoded = receipt.encoded
  expect((try? EthereumReceipt(decoding: encoded)) == receipt, "a receipt")
  damage(&encoded, &source)
  if let other = try? EthereumReceipt(decoding: encoded) { expect(other.encoded == encoded, "a receipt") }
}

/// A trie and a proof from it, bits of which are changed: it proves the trie's value, or nothing.
private func damageProof(_ bytes: [UInt8]) {
  var source = Source(rest: bytes[...])
  var changes: [TrieChange] = []
  for _ in 0..<Int(source.byte() % 48) {
    // Keys that share up to 31 bytes.
    var key = [UInt8](repeating: 0x11, count: 32)
    for _ in 0..<Int(source.byte() % 3) { key[Int(source.byte() & 31)] = source.byte() }
    let value = source.bytes(1 + Int(source.byte() % 70))
    if let key = Hash(key) { changes.append(TrieChange(key: key, value: value)) }
  }
  var trie = IncrementalTrie(source: TrieProof([]))
  guard (try? trie.apply(changes)) != nil else { return }
  let key = changes.isEmpty ? source.hash() : changes[Int(source.byte()) % changes.count].key
  guard let value = try? trie.value(of: key), var proof = try? trie.proof(of: key) else { return }
  expect((try? TrieProof(proof).value(of: key, root: trie.root)) == value, "a proof")
  guard !proof.isEmpty else { return }
  for _ in 0..<4 { damage(&proof[Int(source.byte()) % proof.count], &source) }
  if let other = try? TrieProof(proof).value(of: key, root: trie.root) { expect(other == value, "a proof") }
}

private func damage(_ bytes: inout [UInt8], _ source: inout Source) {
  guard !bytes.isEmpty else { return }
  for _ in 0..<Int(source.byte() & 3) {
    let place = Int(source.byte()) << 8 | Int(source.byte())
    bytes[place % bytes.count] ^= source.byte()
  }
}

private func expect(_ holds: Bool, _ what: String) {
  if !holds { fatalError("\(what) is accepted that encodes otherwise") }
}
