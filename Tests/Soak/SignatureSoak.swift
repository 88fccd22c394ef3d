// Random valid and damaged signatures through `Ed25519.Batch` and `Secp256k1.Batch`, each verdict and key against the
// library's of it alone (`Tools/signatures`). The arguments are COUNT, how many of each kind; SEED; and THREADS, which
// share the work. Calls of all sizes; every class of damage is counted, with how many of it were accepted. After that,
// calls of 0 to 17 items over inputs at odd addresses, each an allocation of its own that ends with its last byte, with
// messages about the hashes' block bounds: what AddressSanitizer is for.

import Glibc
import Primitives

/// How many of a class were made and how many of those the library accepts.
struct Tally: Sendable {
  var made: [Int]
  var accepted: [Int]
  var differences = 0
  /// Calls by the number of items left for the last vector of eight.
  var callsByRest = [Int](repeating: 0, count: 8)

  init(classCount: Int) {
    made = [Int](repeating: 0, count: classCount)
    accepted = made
  }

  mutating func add(_ other: Tally) {
    for index in made.indices {
      made[index] += other.made[index]
      accepted[index] += other.accepted[index]
    }
    for index in callsByRest.indices { callsByRest[index] += other.callsByRest[index] }
    differences += other.differences
  }

  func report(_ title: String, _ names: [String]) {
    print(
      "\(title): \(made.reduce(0, +)), of them valid \(accepted.reduce(0, +)), differences \(differences)")
    for (index, name) in names.enumerated() {
      print("  \(name): \(made[index]), valid \(accepted[index])")
    }
    print("  calls by what is left for the last vector, 0 to 7: \(callsByRest)")
  }
}

/// One thread's part.
struct Part: Sendable {
  var seed: UInt64
  var count: Int
  var ed25519 = Tally(classCount: Ed25519Damage.allCases.count)
  var secp256k1 = Tally(classCount: Secp256k1Damage.allCases.count)

  mutating func run() {
    var random = SplitMix64(seed: seed)
    var signer = Ed25519Signer(&random)
    var batch = Ed25519.Batch()
    var left = count
    while left > 0 {
      let size = min(left, 1 + Int(random.next() % 70))
      left -= size
      ed25519.callsByRest[size % 8] += 1
      signer.check(size, &batch, &random, &ed25519)
    }
    var recoverer = Secp256k1Signer(&random)
    var recoveries = Secp256k1.Batch()
    left = count
    while left > 0 {
      let size = min(left, 1 + Int(random.next() % 70))
      left -= size
      secp256k1.callsByRest[size % 8] += 1
      recoverer.check(size, &recoveries, &random, &secp256k1)
    }
  }
}

extension SplitMix64 {
  mutating func bytes(_ count: Int) -> [UInt8] {
    if count == 0 { return [] }  // the empty array's storage is all threads'
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
      var at = 0
      while at < count {
        let word = next()
        for shift in 0..<min(8, count - at) {
          bytes[at + shift] = UInt8(truncatingIfNeeded: word >> (8 * shift))
        }
        at += 8
      }
      initialized = count
    }
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// Changes one bit of `bytes`, which are not empty.
  mutating func flip(_ bytes: inout [UInt8]) {
    let bit = below(bytes.count * 8)
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
  }
}

/// A thread's part, where the thread finds it and leaves its result; the one who joined it reads that.
private final class Box: @unchecked Sendable {
  var part: Part
  init(_ part: Part) { self.part = part }
}

/// What a thread does; the argument is its box, which the main thread keeps.
private nonisolated func runPart(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<Box>.fromOpaque(argument.unsafelyUnwrapped).takeUnretainedValue().part.run()
  return nil
}

@main struct SignatureSoak {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) ?? 0 }
    guard arguments.count == 3, arguments[0] > 0, arguments[2] > 0, arguments[2] <= 256 else {
      print("usage: COUNT SEED THREADS")
      exit(2)
    }
    let (count, seed, threadCount) = (Int(arguments[0]), arguments[1], Int(arguments[2]))
    print("kernel \(VectorUnit.forSignatures.rawValue), seed \(seed), \(threadCount) threads")
    var seeds = SplitMix64(seed: seed)
    let boxes = (0..<threadCount).map { index in
      Box(Part(seed: seeds.next(), count: count / threadCount + (index < count % threadCount ? 1 : 0)))
    }
    let threads = boxes.map { box in
      var thread = pthread_t()
      let status = pthread_create(&thread, nil, runPart, Unmanaged.passUnretained(box).toOpaque())
      guard status == 0 else { fatalError("no thread: \(status)") }
      return thread
    }
    for thread in threads { pthread_join(thread, nil) }
    // Behind them: the first use of a kernel's tables is several threads' at once.
    if !checkEverySize(SplitMix64(seed: seed)) { exit(1) }
    print("calls of 0 to 17 items at odd addresses: as the libraries say")
    var (ed25519, secp256k1) = (boxes[0].part.ed25519, boxes[0].part.secp256k1)
    for box in boxes[1...] {
      ed25519.add(box.part.ed25519)
      secp256k1.add(box.part.secp256k1)
    }
    ed25519.report("Ed25519", Ed25519Damage.allCases.map(\.rawValue))
    secp256k1.report("secp256k1 recovery", Secp256k1Damage.allCases.map(\.rawValue))
    exit(ed25519.differences + secp256k1.differences == 0 ? 0 : 1)
  }
}
