// Batches of 0 to 17 items over inputs at odd addresses, for AddressSanitizer and as a check of its own.

import Primitives

/// Bytes in an allocation of their own, at an address that is `shift` more than a multiple of 16, which ends with them.
private struct Placed {
  let base: UnsafeMutableRawPointer
  let bytes: UnsafeRawBufferPointer

  init(_ contents: [UInt8], shift: Int) {
    let start = UnsafeMutableRawPointer.allocate(byteCount: shift + contents.count, alignment: 16)
    let place = UnsafeMutableRawBufferPointer(start: start + shift, count: contents.count)
    place.copyBytes(from: contents)
    (base, bytes) = (start, UnsafeRawBufferPointer(place))
  }

  func free() { base.deallocate() }
}

/// Message lengths about the ends of the blocks of SHA-512 (128 bytes, 64 of them R and A, 17 padding at the least) and
/// of Keccak-256 (136 bytes).
private let lengths = [
  0, 1, 7, 8, 46, 47, 48, 63, 64, 65, 110, 111, 112, 127, 128, 129, 134, 135, 136, 137, 174, 175, 176, 191,
  192, 193, 271,
  272, 273, 303, 304, 305, 1000,
]

/// Whether every call gave what the library gives of each item alone.
func checkEverySize(_ seed: SplitMix64) -> Bool {
  var random = seed
  var isRight = true
  for unit in VectorUnit.available {
    for count in 0...17 {
      for round in 0..<max(1, lengths.count / max(1, count)) {
        let shifts = (0..<count).map { _ in random.below(16) }
        let messages = (0..<count).map {
          Placed(random.bytes(lengths[(round * count + $0) % lengths.count]), shift: shifts[$0])
        }
        isRight = checkSignatures(messages, unit, &random) && isRight
        isRight = checkHashes(messages, unit) && isRight
        for message in messages { message.free() }
        isRight = checkRecoveries(count, unit, &random) && isRight
      }
    }
  }
  return isRight
}

private func checkSignatures(_ messages: [Placed], _ unit: VectorUnit, _ random: inout SplitMix64) -> Bool {
  let pair = Ed25519.KeyPair(seed: Hash(random.bytes(32))!)
  var batch = Ed25519.Batch(unit: unit)
  var places: [Placed] = []
  var expected: [Bool] = []
  for (index, message) in messages.enumerated() {
    var signature = pair.sign(message.bytes).bytes
    var key = pair.pubkey.bytes
    switch random.below(4) {
    case 0: random.flip(&signature)
    case 1: random.flip(&key)
    default: break
    }
    expected.append(Ed25519.verify(Signature(signature)!, of: message.bytes, by: Pubkey(key)!))
    places.append(Placed(signature, shift: random.below(16)))
    places.append(Placed(key, shift: random.below(16)))
    batch.add(
      signature: places[2 * index].bytes.baseAddress!, message: message.bytes,
      key: places[2 * index + 1].bytes.baseAddress!, owner: index)
  }
  var verdicts = [Bool](repeating: true, count: messages.count)
  batch.verify { verdicts[$0] = false }
  for place in places { place.free() }
  if verdicts != expected {
    print("Ed25519 on \(unit.rawValue), \(messages.count): \(verdicts), library \(expected)")
  }
  return verdicts == expected
}

private func checkHashes(_ messages: [Placed], _ unit: VectorUnit) -> Bool {
  var batch = Keccak256.Batch(unit: unit)
  for message in messages { batch.add(message.bytes) }
  let expected = messages.map { Keccak256.hash($0.bytes) }
  let found = batch.hashes()
  if found != expected { print("Keccak-256 on \(unit.rawValue), \(messages.count)") }
  var (together, alone) = (LatticeHash.identity, LatticeHash.identity)
  func account(_ message: Placed) -> LatticeHash.Account {
    LatticeHash.Account(
      key: .zero, owner: .zero, lamports: 1, isExecutable: false, data: message.bytes)
  }
  together.update { updates in for message in messages { updates.add(account(message)) } }
  for message in messages.reversed() { alone.update { $0.add(account(message)) } }
  if together != alone { print("lattice hash of \(messages.count)") }
  return found == expected && together == alone
}

private func checkRecoveries(_ count: Int, _ unit: VectorUnit, _ random: inout SplitMix64) -> Bool {
  var batch = Secp256k1.Batch(unit: unit)
  var expected: [[UInt8]?] = []
  for _ in 0..<count {
    let (hash, r, s, id) = (Hash(random.bytes(32))!, random.bytes(32), random.bytes(32), random.next() % 5)
    batch.add(hash: hash, recoveryID: id, r: r, s: s)
    expected.append(try? Secp256k1.recover(hash: hash, recoveryID: id, signature: r + s))
  }
  let found = batch.keys()
  if found != expected { print("secp256k1 on \(unit.rawValue), \(count)") }
  return found == expected
}
