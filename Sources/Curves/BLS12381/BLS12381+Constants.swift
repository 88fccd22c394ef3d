// Constants of BLS12-381's tower, curve and twist in Montgomery form. Each is checked by what defines it in
// the tests.

extension BLS12381.Fp {
  static let frobenius1 = FrobeniusFactors(
    w1: Fp2(
      Self(
        0x0708_9552_b319_d465, 0xc669_5f92_b50a_8313, 0x97e8_3ccc_d117_228f, 0xa35b_aeca_b2dc_29ee,
        0x1ce3_93ea_5daa_ce4d, 0x08f2_220f_b0fb_66eb),
      Self(
        0xb2f6_6aad_4ce5_d646, 0x5842_a06b_fc49_7cec, 0xcf48_95d4_2599_d394, 0xc11b_9cba_40a8_e8d0,
        0x2e38_13cb_e5a0_de89, 0x110e_efda_8884_7faf)),
    w2: Fp2(
      Self(
        0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000,
        0x0000_0000_0000_0000, 0x0000_0000_0000_0000),
      Self(
        0xcd03_c9e4_8671_f071, 0x5dab_2246_1fcd_a5d2, 0x5870_42af_d385_1b95, 0x8eb6_0ebe_01ba_cb9e,
        0x03f9_7d6e_83d0_50d2, 0x18f0_2065_5463_8741)),
    w3: Fp2(
      Self(
        0x7bcf_a7a2_5aa3_0fda, 0xdc17_dec1_2a92_7e7c, 0x2f08_8dd8_6b4e_bef1, 0xd1ca_2087_da74_d4a7,
        0x2da2_5966_96ce_bc1d, 0x0e2b_7eed_bbfd_87d2),
      Self(
        0x7bcf_a7a2_5aa3_0fda, 0xdc17_dec1_2a92_7e7c, 0x2f08_8dd8_6b4e_bef1, 0xd1ca_2087_da74_d4a7,
        0x2da2_5966_96ce_bc1d, 0x0e2b_7eed_bbfd_87d2)),
    w4: Fp2(
      Self(
        0x890d_c9e4_8675_45c3, 0x2af3_2253_3285_a5d5, 0x5088_0866_309b_7e2c, 0xa20d_1b8c_7e88_1024,
        0x14e4_f04f_e2db_9068, 0x14e5_6d3f_1564_853a),
      Self(
        0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000,
        0x0000_0000_0000_0000, 0x0000_0000_0000_0000)),
    w5: Fp2(
      Self(
        0x82d8_3cf5_0dbc_e43f, 0xa281_3e53_df9d_018f, 0xc6f0_caa5_3c65_e181, 0x7525_cf52_8d50_fe95,
        0x4a85_ed50_f479_8a6b, 0x171d_a0fd_6cf8_eebd),
      Self(
        0x3726_c30a_f242_c66c, 0x7c2a_c1aa_d1b6_fe70, 0xa040_07fb_ba4b_14a2, 0xef51_7c32_6634_1429,
        0x0095_ba65_4ed2_226b, 0x02e3_70ec_cc86_f7dd)))

  static let frobenius2 = FrobeniusFactors(
    w1: Self(
      0xecfb_361b_798d_ba3a, 0xc100_ddb8_9186_5a2c, 0x0ec0_8ff1_232b_da8e, 0xd5c1_3cc6_f1ca_4721,
      0x4722_2a47_bf7b_5c04, 0x0110_f184_e51c_5f59),
    w2: Self(
      0x30f1_361b_798a_64e8, 0xf3b8_ddab_7ece_5a2a, 0x16a8_ca3a_c615_77f7, 0xc26a_2ff8_74fd_029b,
      0x3636_b766_6070_1c6e, 0x051b_a4ab_241b_6160),
    w3: Self(
      0x43f5_ffff_fffc_aaae, 0x32b7_fff2_ed47_fffd, 0x07e8_3a49_a2e9_9d69, 0xeca8_f331_8332_bb7a,
      0xef14_8d1e_a0f4_c069, 0x040a_b326_3eff_0206),
    w4: Self(
      0xcd03_c9e4_8671_f071, 0x5dab_2246_1fcd_a5d2, 0x5870_42af_d385_1b95, 0x8eb6_0ebe_01ba_cb9e,
      0x03f9_7d6e_83d0_50d2, 0x18f0_2065_5463_8741),
    w5: Self(
      0x890d_c9e4_8675_45c3, 0x2af3_2253_3285_a5d5, 0x5088_0866_309b_7e2c, 0xa20d_1b8c_7e88_1024,
      0x14e4_f04f_e2db_9068, 0x14e5_6d3f_1564_853a))
}

extension BLS12381 {
  /// b of G1's equation y^2 = x^3 + b.
  static let b = Fp(
    0xaa27_0000_000c_fff3, 0x53cc_0032_fc34_000a, 0x478f_e97a_6b0a_807f, 0xb1d3_7ebe_e6ba_24d7,
    0x8ec9_733b_bf78_ab2f, 0x09d6_4551_3d83_de7e)

  /// b of the twist's.
  static let twistB = Fp2(
    Fp(
      0xaa27_0000_000c_fff3, 0x53cc_0032_fc34_000a, 0x478f_e97a_6b0a_807f, 0xb1d3_7ebe_e6ba_24d7,
      0x8ec9_733b_bf78_ab2f, 0x09d6_4551_3d83_de7e),
    Fp(
      0xaa27_0000_000c_fff3, 0x53cc_0032_fc34_000a, 0x478f_e97a_6b0a_807f, 0xb1d3_7ebe_e6ba_24d7,
      0x8ec9_733b_bf78_ab2f, 0x09d6_4551_3d83_de7e))

  /// A cube root of one; (x, y) to (beta x, y) multiplies G1 by -u^2.
  static let beta = Fp(
    0x30f1_361b_798a_64e8, 0xf3b8_ddab_7ece_5a2a, 0x16a8_ca3a_c615_77f7, 0xc26a_2ff8_74fd_029b,
    0x3636_b766_6070_1c6e, 0x051b_a4ab_241b_6160)

  /// What the endomorphism psi (untwist, Frobenius, twist) multiplies the conjugates of x and y with.
  static let psiX = Fp2(
    Fp(
      0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000,
      0x0000_0000_0000_0000, 0x0000_0000_0000_0000),
    Fp(
      0x890d_c9e4_8675_45c3, 0x2af3_2253_3285_a5d5, 0x5088_0866_309b_7e2c, 0xa20d_1b8c_7e88_1024,
      0x14e4_f04f_e2db_9068, 0x14e5_6d3f_1564_853a))

  static let psiY = Fp2(
    Fp(
      0x3e2f_585d_a55c_9ad1, 0x4294_213d_86c1_8183, 0x3828_44c8_8b62_3732, 0x92ad_2afd_1910_3e18,
      0x1d79_4e4f_ac7c_f0b9, 0x0bd5_92fc_7d82_5ec8),
    Fp(
      0x7bcf_a7a2_5aa3_0fda, 0xdc17_dec1_2a92_7e7c, 0x2f08_8dd8_6b4e_bef1, 0xd1ca_2087_da74_d4a7,
      0x2da2_5966_96ce_bc1d, 0x0e2b_7eed_bbfd_87d2))

  static let generator1 = AffinePoint(
    Fp(
      0x5cb3_8790_fd53_0c16, 0x7817_fc67_9976_fff5, 0x154f_95c7_143b_a1c1, 0xf0ae_6acd_f3d0_e747,
      0xedce_6ecc_21db_f440, 0x1201_7741_9e0b_fb75),
    Fp(
      0xbaac_93d5_0ce7_2271, 0x8c22_631a_7918_fd8e, 0xdd59_5f13_5707_25ce, 0x51ac_5829_5040_5194,
      0x0e1c_8c3f_ad00_59c0, 0x0bbc_3efc_5008_a26a))

  static let generator2 = AffinePoint(
    Fp2(
      Fp(
        0xf5f2_8fa2_0294_0a10, 0xb3f5_fb26_87b4_961a, 0xa1a8_93b5_3e2a_e580, 0x9894_999d_1a3c_aee9,
        0x6f67_b763_1863_366b, 0x0581_9192_4350_bcd7),
      Fp(
        0xa5a9_c075_9e23_f606, 0xaaa0_c59d_bccd_60c3, 0x3bb1_7e18_e286_7806, 0x1b1a_b6cc_8541_b367,
        0xc2b6_ed0e_f215_8547, 0x1192_2a09_7360_edf3)),
    Fp2(
      Fp(
        0x4c73_0af8_6049_4c4a, 0x597c_fa1f_5e36_9c5a, 0xe7e6_856c_aa0a_635a, 0xbbef_b5e9_6e0d_495f,
        0x07d3_a975_f0ef_25a2, 0x0083_fd8e_7e80_dae5),
      Fp(
        0xadc0_fc92_df64_b05d, 0x18aa_270a_2b14_61dc, 0x86ad_ac6a_3be4_eba0, 0x7949_5c4e_c93d_a33a,
        0xe717_5850_a43c_caed, 0x0b2b_c2a1_63de_1bf2)))
}
