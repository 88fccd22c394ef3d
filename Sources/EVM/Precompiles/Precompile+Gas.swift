// What the precompiles cost: Yellow Paper, appendix E; EIP-1108 for BN254 from Istanbul on; EIP-152;
// EIP-4844; EIP-2537; EIP-7951. In units of gas, saturating.

extension Precompile {
  /// What a call is charged before it runs. For inputs that `run` refuses by their length, any part of it
  /// may be missing: the call loses all its gas.
  package func gasCost(input: UnsafeRawBufferPointer) -> UInt64 {
    let byteCount = UInt64(input.count)
    let wordCount = (byteCount + 31) / 32
    switch function {
    case .ecrecover: return 3000
    case .sha256: return 60 + 12 * wordCount
    case .ripemd160: return 600 + 120 * wordCount
    case .identity: return 15 + 3 * wordCount
    case .modexp: return modularPowerGas(input)
    case .bn254Add: return fork >= .istanbul ? 150 : 500
    case .bn254Multiply: return fork >= .istanbul ? 6000 : 40_000
    case .bn254Pairing:
      return fork >= .istanbul ? 45_000 + 34_000 * (byteCount / 192) : 100_000 + 80_000 * (byteCount / 192)
    case .blake2f:
      return input.count == 213 ? UInt64(UInt32(bigEndian: input.loadUnaligned(as: UInt32.self))) : 0
    case .pointEvaluation: return 50_000
    case .bls12381AddG1: return 375
    case .bls12381MultiScalarG1:
      return Self.multiScalarGas(byteCount / 160, perTerm: 12_000, discounts: Self.discountsG1)
    case .bls12381AddG2: return 600
    case .bls12381MultiScalarG2:
      return Self.multiScalarGas(byteCount / 288, perTerm: 22_500, discounts: Self.discountsG2)
    case .bls12381Pairing: return 37_700 + 32_600 * (byteCount / 384)
    case .bls12381MapToG1: return 5500
    case .bls12381MapToG2: return 23_800
    case .p256Verify: return 6900
    }
  }

  /// `discounts[k - 1]` is what each of k terms costs, in thousandths; the last one holds for more terms too.
  private static func multiScalarGas(_ termCount: UInt64, perTerm: UInt64, discounts: [UInt64]) -> UInt64 {
    if termCount == 0 { return 0 }
    return termCount * perTerm * discounts[Int(min(termCount, 128)) - 1] / 1000
  }

  private static let discountsG1: [UInt64] = [
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661,
    658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611,
    609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581,
    580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
    558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544, 543, 542, 541, 540,
    540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529, 528, 528, 527, 526, 525, 525,
    524, 523, 522, 522, 521, 520, 520, 519,
  ]

  private static let discountsG2: [UInt64] = [
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699, 693,
    688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629, 627, 624,
    622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587,
    586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
    561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547, 546, 545, 545, 544,
    543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533, 532, 532, 531, 530, 530, 529,
    528, 528, 527, 526, 526, 525, 524, 524,
  ]
}
