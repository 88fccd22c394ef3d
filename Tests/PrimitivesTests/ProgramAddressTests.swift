import Primitives
import Testing

/// Expected values by solders.
@Suite struct ProgramAddressTests {
  private let base = Pubkey(Array(0..<32))!
  private let owner = Pubkey(Array(32..<64))!

  @Test func findsWhatSoldersFinds() throws {
    var random = SplitMix64(seed: 13)
    var all: [UInt8] = []
    for _ in 0..<300 {
      let program = random.pubkey()
      let count = Int(random.next() % 16)
      let seeds = (0..<count).map { _ in
        let length = Int(random.next() % 33)
        return random.bytes(length)
      }
      let (address, bump) = try ProgramAddress.find(seeds: seeds, program: program)
      all += address.bytes + [bump]
      #expect(try ProgramAddress.create(seeds: seeds + [[bump]], program: program) == address)
      for refused in stride(from: UInt8(255), to: bump, by: -1) {
        #expect(throws: ProgramAddressError.invalidSeeds) {
          try ProgramAddress.create(seeds: seeds + [[refused]], program: program)
        }
      }
    }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "2a453b9504ee5c7c4e4013508911d5f6b4e1bf9b06879f558106a85795afb56e"
    )
  }

  @Test func createsWhatSoldersCreates() {
    var random = SplitMix64(seed: 17)
    var all: [UInt8] = []
    for _ in 0..<300 {
      let program = random.pubkey()
      let count = Int(random.next() % 17)
      let seeds = (0..<count).map { _ in
        let length = Int(random.next() % 33)
        return random.bytes(length)
      }
      all += (try? ProgramAddress.create(seeds: seeds, program: program))?.bytes ?? Array("x".utf8)
    }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "88c77ec8fa3bdc3f8fb8042238c28b171853d4baadc3acd54222b3502cdb92bd"
    )
  }

  @Test(arguments: [
    [[UInt8]](repeating: [], count: 17), [[UInt8](repeating: 97, count: 33)],
    [[1], [UInt8](repeating: 0, count: 1000)],
  ])
  func tooMuchSeed(seeds: [[UInt8]]) {
    #expect(throws: ProgramAddressError.maxSeedLengthExceeded) {
      try ProgramAddress.create(seeds: seeds, program: owner)
    }
    #expect(throws: ProgramAddressError.maxSeedLengthExceeded) {
      try ProgramAddress.find(seeds: seeds, program: owner)
    }
  }

  @Test func theBumpTakesASeed() throws {
    let sixteen = [[UInt8]](repeating: [1], count: 16)
    #expect(throws: ProgramAddressError.maxSeedLengthExceeded) {
      try ProgramAddress.find(seeds: sixteen, program: owner)
    }
    _ = try ProgramAddress.find(seeds: sixteen.dropLast(), program: owner)
    #expect(throws: ProgramAddressError.invalidSeeds) {
      try ProgramAddress.create(
        seeds: [[UInt8]](repeating: [UInt8](repeating: 97, count: 32), count: 16), program: owner)
    }
  }

  @Test func withSeed() throws {
    #expect(
      try ProgramAddress.createWithSeed(base: base, seed: Array("limber chicken: 4/45".utf8), owner: owner)
        == Pubkey(base58: "7dpFMZvgJ1df6CvSK2Bv7xng3swgV7aRNnaFdN7AoZd7"))
    #expect(
      try ProgramAddress.createWithSeed(base: base, seed: [], owner: owner)
        == Pubkey(base58: "J6BjubuphvEyLvkuM4nh86SgoWGiS7aAKcFynwGiJkiT"))
    #expect(throws: ProgramAddressError.maxSeedLengthExceeded) {
      try ProgramAddress.createWithSeed(base: base, seed: pattern(33), owner: owner)
    }
    let marked = Pubkey(pattern(11) + Array("ProgramDerivedAddress".utf8))!
    #expect(throws: ProgramAddressError.illegalOwner) {
      try ProgramAddress.createWithSeed(base: base, seed: [1], owner: marked)
    }
    #expect(throws: ProgramAddressError.maxSeedLengthExceeded) {
      try ProgramAddress.createWithSeed(base: base, seed: pattern(33), owner: marked)
    }
    let almost = Pubkey(Array("ProgramDerivedAddress".utf8) + pattern(11))!
    _ = try ProgramAddress.createWithSeed(base: base, seed: [1], owner: almost)
  }
}
