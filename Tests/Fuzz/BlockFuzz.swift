// libFuzzer target: any bytes as a block, a header, a receipt, or the nodes of a proof. Nothing may crash; what is
// accepted encodes to the same bytes. The first byte says which.
import Primitives
import WideIntegers

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  switch start[0] & 3 {
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
  default: prove(bytes)
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

private func expect(_ holds: Bool, _ what: String) {
  if !holds { fatalError("\(what) is accepted that encodes otherwise") }
}
