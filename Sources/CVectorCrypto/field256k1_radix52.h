// GF(p), p = 2^256 − 2^32 − 977, one element a lane, in five limbs of 52 bits, the last of 48: multiplication
// by AVX-512 IFMA, which reads exactly the 52 bits of a limb, so that everything is carried before it is
// multiplied.
//
// Limb ranges (field256k1.h says what the classes are for):
//   reduced   < 2^52, the last < 2^49
//   factor    the low 52 bits of each limb make a number below 2^260; above them may be anything
//   trimmed   < 2^52, the last < 2^51 − 2^3
//   product   < 14 · 2^52 (24 · 2^52 of two products), the last < 2^48
//   wide      < 2^62
// A column of a product: at most five low and five high halves below 2^52, of two products: below 20 · 2^52 <
// 2^57.
#ifndef ESTUARY_FIELD256K1_RADIX_H
#define ESTUARY_FIELD256K1_RADIX_H

VECTOR_BEGIN

#define FE_LIMBS 5
#define FE_BITS(limb) ((limb) == 4 ? 48 : 52)
#define FE_OFFSET(limb) (52 * (limb))
typedef struct { vec v[FE_LIMBS]; } fe;
typedef struct { vec v[2 * FE_LIMBS]; } fe_columns;

// What multiplies is inlined: thirty-two registers hold operands and columns.
#define FE_FUNCTION INLINE

#define FE_MASK ((1ULL << 52) - 1)
#define FE_TOP_MASK ((1ULL << 48) - 1)
// 2^k · p, limb by limb, which keeps a difference from going below zero.
#define FE_MULTIPLE_OF_P(k, limb) \
  (((limb) == 0 ? FE_MASK - 0x1000003d0ULL : (limb) == 4 ? FE_TOP_MASK : FE_MASK) << (k))

// 2^k · p exceeds a product of two factors in every limb.
#define FE_PRODUCT_BITS 4
// 2^k · p exceeds a trimmed element in every limb.
#define FE_TRIMMED_BITS 3

// x plus q · 2^256 for q below 2^18.
INLINE void fe_fold(fe *x, vec q) { x->v[0] = v_multiply52_low(x->v[0], q, v_set(0x1000003d1)); }

INLINE void fe_carry_up(fe *x) {
  const vec mask = v_set(FE_MASK);
  for (int i = 0; i < 4; i++) {
    x->v[i + 1] = v_add(x->v[i + 1], v_shr(x->v[i], 52));
    x->v[i] = v_and(x->v[i], mask);
  }
}

// Reduced from wide: what is above 2^256 is folded first, 2^14 at most, so the last limb receives only what
// its neighbour carries, below 2^11.
INLINE void fe_carry(fe *o, const fe *a) {
  fe x = *a;
  vec q = v_shr(x.v[4], 48);
  x.v[4] = v_and(x.v[4], v_set(FE_TOP_MASK));
  fe_fold(&x, q);
  fe_carry_up(&x);
  *o = x;
}
// A factor from a wide number whose last limb is below 2^52 − 2^10.
INLINE void fe_carry_narrow(fe *o, const fe *a) {
  fe x = *a;
  for (int i = 0; i < 4; i++) x.v[i + 1] = v_add(x.v[i + 1], v_shr(x.v[i], 52));
  *o = x;
}
// Trimmed from a factor that `fe_carry_narrow` gave of a number whose last limb was below 2^51 − 2^11.
INLINE void fe_trim(fe *x) {
  for (int i = 0; i < 4; i++) x->v[i] = v_and(x->v[i], v_set(FE_MASK));
}
// A factor from any wide number.
INLINE void fe_carry_factor(fe *o, const fe *a) {
  fe x = *a;
  vec q = v_shr(x.v[4], 48);
  x.v[4] = v_and(x.v[4], v_set(FE_TOP_MASK));
  fe_fold(&x, q);
  fe_carry_narrow(o, &x);
}

INLINE void fe_columns_add(fe_columns *c, const fe *a, const fe *b) {
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 5; j++) {
      c->v[i + j] = v_multiply52_low(c->v[i + j], a->v[i], b->v[j]);
      c->v[i + j + 1] = v_multiply52_high(c->v[i + j + 1], a->v[i], b->v[j]);
    }
}
INLINE void fe_columns_multiply(fe_columns *c, const fe *a, const fe *b) {
  for (int i = 0; i < 10; i++) c->v[i] = v_zero();
  fe_columns_add(c, a, b);
}
INLINE void fe_columns_square(fe_columns *c, const fe *a) {
  for (int i = 0; i < 10; i++) c->v[i] = v_zero();
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
#pragma clang loop unroll(full)
    for (int j = i + 1; j < 5; j++) {
      c->v[i + j] = v_multiply52_low(c->v[i + j], a->v[i], a->v[j]);
      c->v[i + j + 1] = v_multiply52_high(c->v[i + j + 1], a->v[i], a->v[j]);
    }
  for (int i = 1; i < 9; i++) c->v[i] = v_add(c->v[i], c->v[i]);
  for (int i = 0; i < 5; i++) {
    c->v[2 * i] = v_multiply52_low(c->v[2 * i], a->v[i], a->v[i]);
    c->v[2 * i + 1] = v_multiply52_high(c->v[2 * i + 1], a->v[i], a->v[i]);
  }
}

// A product from columns. Columns 5 to 9 are carried to 52 bits, of which multiplication reads no more, and
// folded with 2^260 ≡ 0x1000003d10. The last has no more: a product is below 2^520, and so is a sum of two, of which one factor
// each must be below 2^259. To the at most ten halves of a column, or twenty, come two from there and two from above 2^256.
INLINE void fe_columns_fold(fe *o, const fe_columns *c) {
  const vec factor = v_set(0x1000003d10);
  vec high[5];
  for (int i = 0; i < 5; i++) high[i] = c->v[5 + i];
  for (int i = 0; i < 4; i++) high[i + 1] = v_add(high[i + 1], v_shr(high[i], 52));
  fe x;
  for (int i = 0; i < 5; i++) x.v[i] = v_multiply52_low(c->v[i], high[i], factor);
  for (int i = 0; i < 4; i++) x.v[i + 1] = v_multiply52_high(x.v[i + 1], high[i], factor);
  // High halves of the last column have the weight 2^260; those of limb 4 above its 48 bits, 2^256.
  vec q = v_add(v_shr(x.v[4], 48), v_shl(v_multiply52_high(v_zero(), high[4], factor), 4));
  x.v[4] = v_and(x.v[4], v_set(FE_TOP_MASK));
  // q may have 42 bits: both halves of q · 0x1000003d1 count.
  x.v[0] = v_multiply52_low(x.v[0], q, v_set(0x1000003d1));
  x.v[1] = v_multiply52_high(x.v[1], q, v_set(0x1000003d1));
  *o = x;
}
// Reduced from columns.
INLINE void fe_columns_reduce(fe *o, const fe_columns *c) {
  fe_columns_fold(o, c);
  fe_carry_up(o);
}

VECTOR_END

#endif
