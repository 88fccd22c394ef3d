// The four versions of Solana's bytecode (e_flags 0–3). Code asks what a version can do, never which number it has.

package enum SBPFVersion: UInt32, Sendable, CaseIterable, CustomStringConvertible {
  case v0 = 0
  case v1 = 1
  case v2 = 2
  case v3 = 3

  package var description: String { "v\(rawValue)" }
}
