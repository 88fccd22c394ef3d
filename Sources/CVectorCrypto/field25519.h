// GF(2^255 − 19) over whichever limbs the radix file gives. Its functions keep three classes of limbs apart,
// whose ranges stand there:
//   reduced   what `fe_reduce`, `fe_multiply`, `fe_square`, `fe_canonical` and `fe_from_words` give
//   operand   what a multiplication takes: reduced ones, and what `fe_add`, `fe_subtract`, `fe_negate` give
//   wide      what `fe_reduce` and `fe_canonical` take: products not yet carried, their sums and differences
#ifndef ESTUARY_FIELD25519_H
#define ESTUARY_FIELD25519_H

#include "limbs.h"

VECTOR_BEGIN

// p
static const uint64_t field_modulus[4] = {
  0xffffffffffffffed, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff};

INLINE void fe_multiply(fe *o, const fe *a, const fe *b) {
  fe product;
  fe_multiply_wide(&product, a, b);
  fe_reduce(o, &product);
}
INLINE void fe_square(fe *o, const fe *a) {
  fe product;
  fe_square_wide(&product, a);
  fe_reduce(o, &product);
}

// Wide = wide − a product or a sum below the bias.
INLINE void fe_wide_subtract(fe *o, const fe *a, const fe *b) {
  for (int i = 0; i < FE_LIMBS; i++)
    o->v[i] = v_add(v_sub(a->v[i], b->v[i]), v_set(FE_MULTIPLE_OF_P(FE_WIDE_BIAS, i)));
}
// Wide = raised − a product or a sum below the bias.
INLINE void fe_raised_subtract(fe *o, const fe *a, const fe *b) {
  if (FE_IS_RAISED)
    for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_sub(a->v[i], b->v[i]);
  else fe_wide_subtract(o, a, b);
}
// Operand = −reduced; 2p's limbs are below 2^52 and below an operand's.
INLINE void fe_negate(fe *o, const fe *a) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_sub(v_set(FE_MULTIPLE_OF_P(2, i)), a->v[i]);
}

// One chain of carries from limb 0 to the last; what the last loses comes back.
INLINE vec fe_carry_chain(fe *x) {
  for (int i = 0; i + 1 < FE_LIMBS; i++) {
    x->v[i + 1] = v_add(x->v[i + 1], v_shr(x->v[i], FE_BITS(i)));
    x->v[i] = v_and(x->v[i], v_set((1ULL << FE_BITS(i)) - 1));
  }
  vec carry = v_shr(x->v[FE_LIMBS - 1], FE_BITS(FE_LIMBS - 1));
  x->v[FE_LIMBS - 1] = v_and(x->v[FE_LIMBS - 1], v_set((1ULL << FE_BITS(FE_LIMBS - 1)) - 1));
  return carry;
}

// The representative in [0, p), every limb of its own bits. After `fe_reduce` the value is below 2p; after
// one chain with its carry folded back it is below 2^255 + 19; it is at least p exactly where adding 19
// reaches 2^255.
static void fe_canonical(fe *o, const fe *a) {
  fe x;
  fe_reduce(&x, a);
  x.v[0] = v_add(x.v[0], fe_times19(fe_carry_chain(&x)));
  vec quotient = v_shr(v_add(x.v[0], v_set(19)), FE_BITS(0));
  for (int i = 1; i < FE_LIMBS; i++) quotient = v_shr(v_add(x.v[i], quotient), FE_BITS(i));
  x.v[0] = v_add(x.v[0], fe_times19(quotient));
  (void)fe_carry_chain(&x);  // 2^255 · quotient goes
  *o = x;
}

// A mask of the lanes where a wide element is zero.
INLINE vec fe_is_zero(const fe *a) {
  fe x;
  fe_canonical(&x, a);
  vec all = x.v[0];
  for (int i = 1; i < FE_LIMBS; i++) all = v_or(all, x.v[i]);
  return v_equal(all, v_zero());
}

// `count` squarings of one or two reduced elements; of two they take turns, because each waits for the one before.
INLINE void fe_square_times(fe *o, const fe *a, int elements, int count) {
  fe x[2];
  for (int k = 0; k < elements; k++) x[k] = a[k];
  for (int i = 0; i < count; i++)
    for (int k = 0; k < elements; k++) fe_square(&x[k], &x[k]);
  for (int k = 0; k < elements; k++) o[k] = x[k];
}
INLINE void fe_multiply_each(fe *o, const fe *a, const fe *b, int elements) {
  for (int k = 0; k < elements; k++) fe_multiply(&o[k], &a[k], &b[k]);
}

// z^(2^250 − 1) and z^11: 249 squarings and 10 multiplications.
INLINE void fe_power(fe *power, fe *eleven, const fe *z, int elements) {
  fe a[2], b[2], c[2];
  fe_square_times(a, z, elements, 1);
  fe_square_times(b, a, elements, 2);
  fe_multiply_each(b, z, b, elements);       // 9
  fe_multiply_each(eleven, a, b, elements);  // 11
  fe_square_times(c, eleven, elements, 1);
  fe_multiply_each(b, b, c, elements);  // 2^5 − 1
  fe_square_times(c, b, elements, 5);
  fe_multiply_each(b, c, b, elements);  // 2^10 − 1
  fe_square_times(c, b, elements, 10);
  fe_multiply_each(c, c, b, elements);  // 2^20 − 1
  fe_square_times(a, c, elements, 20);
  fe_multiply_each(c, a, c, elements);  // 2^40 − 1
  fe_square_times(c, c, elements, 10);
  fe_multiply_each(b, c, b, elements);  // 2^50 − 1
  fe_square_times(c, b, elements, 50);
  fe_multiply_each(c, c, b, elements);  // 2^100 − 1
  fe_square_times(a, c, elements, 100);
  fe_multiply_each(c, a, c, elements);  // 2^200 − 1
  fe_square_times(c, c, elements, 50);
  fe_multiply_each(power, c, b, elements);  // 2^250 − 1
}

// z^((p − 5)/8), (p − 5)/8 = 4 · (2^250 − 1) + 1, of two elements.
static __attribute__((noinline)) void fe_root_power_pair(fe o[2], const fe z[2]) {
  fe power[2], eleven[2];
  fe_power(power, eleven, z, 2);
  fe_square_times(power, power, 2, 2);
  fe_multiply_each(o, power, z, 2);
}

VECTOR_END

#endif
