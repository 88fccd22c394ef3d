// GF(2^255 − 19), one element a lane, in five limbs of 51 bits: multiplication by AVX-512 IFMA, which reads
// the low 52 bits of its operands and adds the low or the high 52 bits of the product to 64 bits.
//
// Limb ranges (field25519.h says what the three classes are for):
//   reduced   < 2^51 + 2^17
//   operand   < 2^52
//   wide      < 2^63
// A column of a product of operands: five low halves below 2^52, and twice five high halves below 2^52, since
// a high half has the weight 2^52 where the next limb has 2^51; together 15 · 2^52 < 2^56. Columns 5 to 9 are
// folded into 0 to 4 with the factor 19: 20 · 15 · 2^52 < 2^60.3, and raised by less than 2^61 < 2^61.7; twice that
// is wide.
#ifndef ESTUARY_FIELD25519_RADIX_H
#define ESTUARY_FIELD25519_RADIX_H

VECTOR_BEGIN

#define FE_LIMBS 5
#define FE_BITS(limb) 51
#define FE_OFFSET(limb) (51 * (limb))
typedef struct { vec v[FE_LIMBS]; } fe;

#define FE_LOW_MASK ((1ULL << 51) - 1)
// k · p, limb by limb, which keeps a difference from going below zero.
#define FE_MULTIPLE_OF_P(k, limb) ((uint64_t)(k) * ((limb) == 0 ? FE_LOW_MASK - 18 : FE_LOW_MASK))
// For wide subtrahends: 2^10 · p has limbs of 2^61 − 2^15, above 2^60.3.
#define FE_WIDE_BIAS (1ULL << 10)

INLINE vec fe_times19(vec a) { return v_multiply64(a, v_set(19)); }

// One pass, all limbs at once: what limb 4 loses is below 2^12, times 19 below 2^17.
INLINE void fe_reduce(fe *o, const fe *a) {
  const vec mask = v_set(FE_LOW_MASK);
  vec carry[5];
  for (int i = 0; i < 5; i++) carry[i] = v_shr(a->v[i], 51);
  o->v[0] = v_multiply52_low(v_and(a->v[0], mask), carry[4], v_set(19));
  for (int i = 1; i < 5; i++) o->v[i] = v_add(v_and(a->v[i], mask), carry[i - 1]);
}

// Columns 9 down to 0, a column being the sum of the low halves of its products and twice the high halves of the
// column's below, since those come first and are doubled before low halves join them. Column k + 5 is folded into
// k with the factor 19 on the way.
//
// A column may begin with its limb of a multiple of p in place of zero: that saves a subtraction the addition of it.
INLINE vec fe_start(int k, uint64_t multiple, int doublings) {
  return k < 5 ? v_set(FE_MULTIPLE_OF_P(multiple, k) >> doublings) : v_zero();
}

// Wide = operand · operand + multiple · p, a multiple of 4; `o` is neither.
INLINE void fe_multiply_from(fe *o, const fe *a, const fe *b, uint64_t multiple) {
  vec column[10];
#pragma clang loop unroll(full)
  for (int k = 9; k >= 0; k--) {
    vec sum = fe_start(k, multiple, 1);
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
      if (k - 1 - i >= 0 && k - 1 - i < 5) sum = v_multiply52_high(sum, a->v[i], b->v[k - 1 - i]);
    sum = v_add(sum, sum);
    if (k < 5) sum = v_add(sum, fe_times19(column[k + 5]));
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
      if (k - i >= 0 && k - i < 5) sum = v_multiply52_low(sum, a->v[i], b->v[k - i]);
    column[k] = sum;
  }
  for (int i = 0; i < 5; i++) o->v[i] = column[i];
}

// Wide = operand² + multiple · p, `o` being another; products of different limbs are made once and doubled.
INLINE void fe_square_from(fe *o, const fe *a, uint64_t multiple) {
  vec column[10];
#pragma clang loop unroll(full)
  for (int k = 9; k >= 0; k--) {
    vec sum = fe_start(k, multiple, k > 1 ? 2 : 1);
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
      if (k - 1 - i > i && k - 1 - i < 5) sum = v_multiply52_high(sum, a->v[i], a->v[k - 1 - i]);
    if (k > 1 && k < 9) sum = v_add(sum, sum);
#pragma clang loop unroll(full)
    for (int i = 0; i < 5; i++)
      if (k - i > i && k - i < 5) sum = v_multiply52_low(sum, a->v[i], a->v[k - i]);
    if (k & 1) sum = v_multiply52_high(sum, a->v[k / 2], a->v[k / 2]);
    sum = v_add(sum, sum);
    if (k < 5) sum = v_add(sum, fe_times19(column[k + 5]));
    if (!(k & 1)) sum = v_multiply52_low(sum, a->v[k / 2], a->v[k / 2]);
    column[k] = sum;
  }
  for (int i = 0; i < 5; i++) o->v[i] = column[i];
}

INLINE void fe_multiply_wide(fe *o, const fe *a, const fe *b) { fe_multiply_from(o, a, b, 0); }
INLINE void fe_square_wide(fe *o, const fe *a) { fe_square_from(o, a, 0); }
// Raised: wide, and so much above that a wide number can be taken away.
#define FE_IS_RAISED 1
INLINE void fe_multiply_raised(fe *o, const fe *a, const fe *b) { fe_multiply_from(o, a, b, FE_WIDE_BIAS); }
INLINE void fe_square_raised(fe *o, const fe *a) { fe_square_from(o, a, FE_WIDE_BIAS); }

// Operand = reduced ± reduced. What is above 51 bits must be carried, because a multiplication would not read
// it.
INLINE void fe_add(fe *o, const fe *a, const fe *b) {
  fe sum;
  for (int i = 0; i < 5; i++) sum.v[i] = v_add(a->v[i], b->v[i]);
  fe_reduce(o, &sum);
}
INLINE void fe_subtract(fe *o, const fe *a, const fe *b) {
  fe difference;
  for (int i = 0; i < 5; i++)
    difference.v[i] = v_add(v_sub(a->v[i], b->v[i]), v_set(FE_MULTIPLE_OF_P(2, i)));
  fe_reduce(o, &difference);
}

VECTOR_END

#endif
