// Merlin transcripts (https://merlin.cool/transcript/index.html), which make interactive proofs of knowledge
// non-interactive: what prover and verifier would have said goes in, challenges come out. They are a protocol over
// STROBE-128 (https://strobe.sourceforge.io/specs/), of which three operations are used: AD, meta-AD and PRF.
// A value type over its own state.

package struct MerlinTranscript {
  /// Bytes of the sponge that operations reach; the two behind them hold the padding.
  private static let rate = 166

  /// STROBE's flags: an operation's bytes go inbound (I), to the application (A), out of the cipher (C), or are
  /// framing (M).
  private enum Flags {
    static var associatedData: UInt8 { 0b0000_0010 }
    static var framing: UInt8 { 0b0001_0010 }
    static var challenge: UInt8 { 0b0000_0111 }
  }

  private var lanes = InlineArray<25, UInt64>(repeating: 0)
  /// Where the next byte goes, `[0, rate)`.
  private var position = 0
  /// One above the place where the operation under way began; 0 where that was in an earlier block.
  private var begin: UInt8 = 0

  package init(label: StaticString) {
    withState { state, lanes in
      let start = [1, UInt8(Self.rate + 2), 1, 0, 1, 96] + Array("STROBEv1.0.2".utf8)
      for (index, byte) in start.enumerated() {
        state[index] = byte
      }
      Keccak256.permute(lanes)
    }
    operate(Flags.framing)
    absorb("Merlin v1.0")
    append("dom-sep", label)
  }

  package mutating func append(_ label: StaticString, _ message: UnsafeRawBufferPointer) {
    frame(label, byteCount: message.count)
    operate(Flags.associatedData)
    absorb(message)
  }

  package mutating func append(_ label: StaticString, _ message: StaticString) {
    append(label, UnsafeRawBufferPointer(start: message.utf8Start, count: message.utf8CodeUnitCount))
  }

  package mutating func append(_ label: StaticString, _ message: Hash) {
    withUnsafeBytes(of: message) { append(label, $0) }
  }

  /// Appends eight little-endian bytes.
  package mutating func append(_ label: StaticString, _ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { append(label, $0) }
  }

  /// Depends on everything appended so far, and everything asked for.
  package mutating func challenge(_ label: StaticString, byteCount: Int) -> [UInt8] {
    frame(label, byteCount: byteCount)
    operate(Flags.challenge)
    return [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
      for index in 0..<byteCount {
        let place = position
        output[index] = withState { state, _ in
          defer { state[place] = 0 }
          return state[place]
        }
        advance()
      }
      count = byteCount
    }
  }

  /// 64 bytes of challenge, reduced.
  package mutating func challengeScalar(_ label: StaticString) -> Scalar25519 {
    Scalar25519(reducing: challenge(label, byteCount: 64))
  }

  private mutating func frame(_ label: StaticString, byteCount: Int) {
    operate(Flags.framing)
    absorb(label)
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: byteCount).littleEndian) { absorb($0) }
  }

  private mutating func operate(_ flags: UInt8) {
    let before = begin
    begin = UInt8(position + 1)
    withUnsafeBytes(of: (before, flags)) { absorb($0) }
    if flags == Flags.challenge && position > 0 { permute() }
  }

  private mutating func absorb(_ text: StaticString) {
    absorb(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      let place = position
      withState { state, _ in state[place] ^= byte }
      advance()
    }
  }

  private mutating func advance() {
    position += 1
    if position == Self.rate { permute() }
  }

  private mutating func permute() {
    let (position, begin) = (position, begin)
    withState { state, lanes in
      state[position] ^= begin
      state[position + 1] ^= 0x04
      state[Self.rate + 1] ^= 0x80
      Keccak256.permute(lanes)
    }
    (self.position, self.begin) = (0, 0)
  }

  /// The state as bytes and as lanes; both are the same 200 bytes (lanes are little-endian, as this machine is).
  @inline(__always) private mutating func withState<Result>(
    _ body: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt64>) -> Result
  ) -> Result {
    withUnsafeMutableBytes(of: &lanes) { raw in
      let base = raw.baseAddress.unsafelyUnwrapped  // 200 bytes, never empty
      return body(base.assumingMemoryBound(to: UInt8.self), base.assumingMemoryBound(to: UInt64.self))
    }
  }
}
