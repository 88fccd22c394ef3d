// Polynomial commitments of Kate, Zaverucha and Goldberg over BLS12-381, as blobs have them: verification
// that a committed polynomial has a value at a point (EIP-4844's verify_kzg_proof,
// https://eips.ethereum.org/EIPS/eip-4844).

package enum KZG {
  /// Whether the polynomial that `commitment` stands for has value `y` at `z`, as `proof` shows: whether
  /// e(commitment - [y]G1 + [z]proof, G2) = e(proof, [tau]G2).
  ///
  /// - Parameters:
  ///   - commitment: 48 bytes, a compressed point of G1. `proof` too.
  ///   - z: 32 bytes, big-endian, below the order of the group. `y` too.
  package static func verify(
    commitment: UnsafeRawBufferPointer, z: UnsafeRawBufferPointer, y: UnsafeRawBufferPointer,
    proof: UnsafeRawBufferPointer
  ) throws(CurveError) -> Bool {
    guard z.count == 32, y.count == 32, let zBytes = z.baseAddress, let yBytes = y.baseAddress else {
      throw .invalidLength
    }
    let (point, value) = (Scalar(reading: zBytes), Scalar(reading: yBytes))
    guard point < BLS12381.order, value < BLS12381.order else { throw .invalidScalar }
    let committed = try ZcashEncoding<BLS12381.Fp>.decompress(commitment)
    let quotient = try ZcashEncoding<BLS12381.Fp>.decompress(proof)
    var terms: [Term<BLS12381.Fp>] = []
    BLS12381.split(value, -BLS12381.generator1, into: &terms)
    BLS12381.split(point, quotient, into: &terms)
    let remainder = (MultiScalar.sum(terms) + committed).affine
    return Pairing.productIsOne([(remainder, -BLS12381.generator2), (quotient, tauG2)])
  }

  /// [tau]G2 of the ceremony's trusted setup (https://github.com/ethereum/kzg-ceremony), in Montgomery form.
  static let tauG2 = BLS12381.G2(
    Fp2(
      BLS12381.Fp(
        0x6120_a209_9b03_79f9, 0xa2df_815c_b821_0e4e, 0xcb57_be55_77bd_3d4f, 0x62da_0ea8_9a0c_93f8,
        0x02e0_ee16_968e_150d, 0x171f_09ae_a833_acd5),
      BLS12381.Fp(
        0x11a3_6707_49df_d455, 0x0499_1d7b_3abf_fadc, 0x8544_6a8e_1443_7f41, 0x2717_4e7b_4e76_e3f2,
        0x7bfa_6dd3_97f6_0a20, 0x02fc_c329_ac07_080f)),
    Fp2(
      BLS12381.Fp(
        0xaa13_0838_793b_2317, 0xe236_dd22_0f89_1637, 0x6502_7829_2576_0980, 0xd05c_25f6_0557_ec89,
        0x6095_767a_4406_4474, 0x1856_9391_7080_d405),
      BLS12381.Fp(
        0x549f_9e17_5b03_dc0a, 0x32c0_c95a_7710_6cfe, 0x64a7_4eae_5705_d080, 0x53de_eaf5_6659_ed9e,
        0x09a1_d368_508a_fb93, 0x12cf_3a45_25b5_e9bd)))
}
