// GF(p), p = 2^256 − 2^32 − 977, one element a lane, in ten limbs of 26 bits, the last of 22: multiplication
// by AVX2's products of 32-bit numbers.
//
// Limb ranges (field256k1.h says what the two classes are for):
//   reduced   < 2^26 + 2^20, the last < 2^22 + 2^10
//   wide      < 2^34, the last < 2^31
// A column of a product has at most ten products below 2^52.1, of two products twenty: below 2^56.4.
#ifndef ESTUARY_FIELD256K1_RADIX_H
#define ESTUARY_FIELD256K1_RADIX_H

VECTOR_BEGIN

#define FE_LIMBS 10
#define FE_BITS(limb) ((limb) == 9 ? 22 : 26)
#define FE_OFFSET(limb) (26 * (limb))
typedef struct { vec v[FE_LIMBS]; } fe;
typedef struct { vec v[2 * FE_LIMBS - 1]; } fe_columns;

// What multiplies is called: operands and columns lie in memory anyway with sixteen registers.
#define FE_FUNCTION static __attribute__((noinline))

#define FE_MASK ((1ULL << 26) - 1)
#define FE_TOP_MASK ((1ULL << 22) - 1)
// 2^k · p, limb by limb, which keeps a difference from going below zero.
#define FE_MULTIPLE_OF_P(k, limb) \
  (((limb) == 0 ? FE_MASK - 976 : (limb) == 1 ? FE_MASK - 64 : (limb) == 9 ? FE_TOP_MASK : FE_MASK) << (k))

// 2^k · p exceeds a product in every limb.
#define FE_PRODUCT_BITS 2
// 2^k · p exceeds a trimmed element in every limb.
#define FE_TRIMMED_BITS 2

// x plus q · 2^256 for q below 2^20: 2^256 ≡ 2^32 + 977.
INLINE void fe_fold(fe *x, vec q) {
  x->v[0] = v_add(x->v[0], v_multiply32(q, v_set(977)));
  x->v[1] = v_add(x->v[1], v_shl(q, 6));
}

// Each limb gives what is above its bits to the next, all at once; the last one's is returned.
INLINE vec fe_carry_pass(fe *x) {
  const vec mask = v_set(FE_MASK);
  vec carry[10];
  for (int i = 0; i < 10; i++) carry[i] = v_shr(x->v[i], FE_BITS(i));
  x->v[0] = v_and(x->v[0], mask);
  for (int i = 1; i < 10; i++)
    x->v[i] = v_add(v_and(x->v[i], i == 9 ? v_set(FE_TOP_MASK) : mask), carry[i - 1]);
  return carry[9];
}

// Reduced from wide: limbs lose less than 2^8, the last one less than 2^9, times 977 below 2^19.
INLINE void fe_carry(fe *o, const fe *a) {
  fe x = *a;
  fe_fold(&x, fe_carry_pass(&x));
  *o = x;
}
// Factors are reduced ones here: multiplication reads 32 bits.
INLINE void fe_carry_factor(fe *o, const fe *a) { fe_carry(o, a); }
INLINE void fe_carry_narrow(fe *o, const fe *a) { fe_carry(o, a); }
INLINE void fe_trim(fe *x) { (void)x; }

// Column k of a product, added to `sum` if there is one.
INLINE vec fe_column(const fe *a, const fe *b, int k, const vec *sum) {
  int first = k < 10 ? 0 : k - 9, last = k < 10 ? k : 9;
  vec column = v_multiply32(a->v[first], b->v[k - first]);
  if (sum) column = v_add(column, *sum);
#pragma clang loop unroll(full)
  for (int i = 0; i < 10; i++)
    if (i > first && i <= last) column = v_add(column, v_multiply32(a->v[i], b->v[k - i]));
  return column;
}
INLINE void fe_columns_multiply(fe_columns *c, const fe *a, const fe *b) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 19; k++) c->v[k] = fe_column(a, b, k, 0);
}
INLINE void fe_columns_add(fe_columns *c, const fe *a, const fe *b) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 19; k++) c->v[k] = fe_column(a, b, k, &c->v[k]);
}
INLINE void fe_columns_square(fe_columns *c, const fe *a) {
  vec twice[10];
  for (int i = 0; i < 10; i++) twice[i] = v_add(a->v[i], a->v[i]);
#pragma clang loop unroll(full)
  for (int k = 0; k < 19; k++) {
    vec column = k % 2 == 0 ? v_multiply32(a->v[k / 2], a->v[k / 2]) : v_zero();
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++)
      if (k - i > i && k - i < 10) column = v_add(column, v_multiply32(twice[i], a->v[k - i]));
    c->v[k] = column;
  }
}

// Passes over all limbs at once instead of chains, which would be waited for. Columns 10 to 18, one pass
// later limbs below 2^31, the nineteenth what is left, are folded with 2^260 ≡ 2^36 + 0x3d10. Columns below
// 2^57 become limbs below 2^31.1 in the first pass, limb 0 below 2^45.1 and limb 1 below 2^41.2; in the
// second, limb 0 is below 2^26 + 2^19.2, since what the last limb loses is below 2^9.2, and limb 1 below 2^26
// + 2^19.3.
INLINE void fe_columns_reduce(fe *o, const fe_columns *c) {
  const vec mask = v_set(FE_MASK), factor = v_set(0x3d10);
  vec high[10];
  for (int i = 0; i < 10; i++) {
    vec own = i < 9 ? v_and(c->v[10 + i < 18 ? 10 + i : 18], mask) : v_zero();
    high[i] = i > 0 ? v_add(own, v_shr(c->v[9 + i], 26)) : own;
  }
  fe x;
  for (int i = 0; i < 10; i++) x.v[i] = v_add(c->v[i], v_multiply32(high[i], factor));
  for (int i = 0; i < 9; i++) x.v[i + 1] = v_add(x.v[i + 1], v_shl(high[i], 10));
  // high[9] · 2^36 at limb 9 is high[9] · 2^10 at limb 10, which is folded once more.
  x.v[0] = v_add(x.v[0], v_multiply32(high[9], v_set(0x3d10 << 10)));
  x.v[1] = v_add(x.v[1], v_shl(high[9], 20));
  // 977 = 2^10 − 2^5 − 2^4 + 1; what is above 2^256 has 36 bits, too many for a 32-bit factor.
  vec q = fe_carry_pass(&x);
  x.v[0] = v_add(x.v[0], v_sub(v_add(v_shl(q, 10), q), v_add(v_shl(q, 5), v_shl(q, 4))));
  x.v[1] = v_add(x.v[1], v_shl(q, 6));
  fe_fold(&x, fe_carry_pass(&x));
  *o = x;
}
// Products are reduced ones here.
INLINE void fe_columns_fold(fe *o, const fe_columns *c) { fe_columns_reduce(o, c); }

VECTOR_END

#endif
