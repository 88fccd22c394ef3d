// Constants of BN254's tower, curve and twist in Montgomery form. Each is checked by what defines it in the
// tests.

extension BN254.Fp {
  static let frobenius1 = FrobeniusFactors(
    w1: Fp2(
      Self(
        0xaf9b_a696_3314_4907, 0xca6b_1d73_87af_b78a, 0x11bd_ed5e_f08a_2087, 0x02f3_4d75_1a1f_3a7c),
      Self(
        0xa222_ae23_4c49_2d72, 0xd00f_02a4_565d_e15b, 0xdc2f_f3a2_53df_c926, 0x10a7_5716_b389_9551)),
    w2: Fp2(
      Self(
        0xb577_3b10_4563_ab30, 0x347f_91c8_a9aa_6454, 0x7a00_7127_242e_0991, 0x1956_bcd8_1182_14ec),
      Self(
        0x6e84_9f1e_a0aa_4757, 0xaa1c_7b6d_89f8_9141, 0xb6e7_13cd_fae0_ca3a, 0x2669_4fbb_4e82_ebc3)),
    w3: Fp2(
      Self(
        0xe4bb_dd0c_2936_b629, 0xbb30_f162_e133_bacb, 0x31a9_d1b6_f964_5366, 0x2535_70be_a500_f8dd),
      Self(
        0xa1d7_7ce4_5ffe_77c7, 0x07af_fd11_7826_d1db, 0x6d16_bd27_bb7e_dc6b, 0x2c87_2002_85de_fecc)),
    w4: Fp2(
      Self(
        0x7361_d77f_843a_be92, 0xa5bb_2bd3_2734_11fb, 0x9c94_1f31_4b3e_2399, 0x15df_9cdd_bb9f_d3ec),
      Self(
        0x5ddd_fd15_4bd8_c949, 0x62cb_29a5_a444_5b60, 0x37bc_870a_0c7d_d2b9, 0x2483_0a9d_3171_f0fd)),
    w5: Fp2(
      Self(
        0xc970_692f_4169_0fe7, 0xe240_3421_2769_4b0b, 0x32be_e66b_83c4_59e8, 0x12aa_bced_0ab0_8841),
      Self(
        0x0d48_5d23_40ae_bfa9, 0x0519_3418_ab2f_cc57, 0xd3b0_a40b_8a49_10f5, 0x2f21_ebb5_35d2_925a)))

  static let frobenius2 = FrobeniusFactors(
    w1: Self(
      0xca8d_8005_00fa_1bf2, 0xf0c5_d614_68b3_9769, 0x0e20_1271_ad0d_4418, 0x0429_0f65_bad8_56e6),
    w2: Self(
      0x3350_c88e_13e8_0b9c, 0x7dce_557c_db5e_56b9, 0x6001_b4b8_b615_564a, 0x2682_e617_0202_17e0),
    w3: Self(
      0x68c3_4889_12ed_efaa, 0x8d08_7f68_72aa_bf4f, 0x51e1_a247_0908_1231, 0x2259_d6b1_4729_c0fa),
    w4: Self(
      0x7193_0c11_d782_e155, 0xa6bb_947c_ffbe_3323, 0xaa30_3344_d474_1444, 0x2c3b_3f0d_2659_4943),
    w5: Self(
      0x08cf_c388_c494_f1ab, 0x19b3_1514_8d13_73d4, 0x584e_90fd_cb6c_0213, 0x09e1_685b_df2f_8849))
}

extension BN254 {
  /// b of G1's equation y^2 = x^3 + b.
  static let b = Fp(
    0x7a17_caa9_50ad_28d7, 0x1f6a_c17a_e155_21b9, 0x334b_ea4e_696b_d284, 0x2a1f_6744_ce17_9d8e)

  /// b of the twist's.
  static let twistB = Fp2(
    Fp(
      0x3bf9_38e3_77b8_02a8, 0x020b_1b27_3633_535d, 0x26b7_edf0_4975_5260, 0x2514_c632_4384_a86d),
    Fp(
      0x38e7_eccc_d1dc_ff67, 0x65f0_b37d_93ce_0d3e, 0xd749_d0dd_22ac_00aa, 0x0141_b9ce_4a68_8d4d))

  /// A cube root of one; (x, y) to (beta x, y) multiplies G1 by `lambda` of `split`.
  static let beta = Fp(
    0x7193_0c11_d782_e155, 0xa6bb_947c_ffbe_3323, 0xaa30_3344_d474_1444, 0x2c3b_3f0d_2659_4943)

  /// What the endomorphism psi (untwist, Frobenius, twist) multiplies the conjugates of x and y with.
  static let psiX = Fp.frobenius1.w2
  static let psiY = Fp.frobenius1.w3

  static let generator1 = AffinePoint(
    Fp(
      0xd35d_438d_c58f_0d9d, 0x0a78_eb28_f5c7_0b3d, 0x666e_a36f_7879_462c, 0x0e0a_77c1_9a07_df2f),
    Fp(
      0xa6ba_871b_8b1e_1b3a, 0x14f1_d651_eb8e_167b, 0xccdd_46de_f0f2_8c58, 0x1c14_ef83_340f_be5e))

  static let generator2 = AffinePoint(
    Fp2(
      Fp(
        0x8e83_b5d1_02bc_2026, 0xdceb_1935_497b_0172, 0xfbb8_2647_9781_1adf, 0x1957_3841_af96_503b),
      Fp(
        0xafb4_737d_a84c_6140, 0x6043_dd5a_5802_d8c4, 0x09e9_50fc_52a0_2f86, 0x14fe_f083_3aea_7b6b)),
    Fp2(
      Fp(
        0x619d_fa9d_886b_e9f6, 0xfe7f_d297_f59e_9b78, 0xff9e_1a62_231b_7dfe, 0x28fd_7eeb_ae9e_4206),
      Fp(
        0x6409_5b56_c718_56ee, 0xdc57_f922_327d_3cbb, 0x55f9_35be_3335_1076, 0x0da4_a0e6_93fd_6482)))
}
