// GF(2^255 − 19) over whichever limbs the radix file gives. Its functions keep three classes of limbs apart,
// whose ranges stand there:
//   reduced   what `fe_reduce`, `fe_multiply`, `fe_square`, `fe_canonical` and `fe_from_words` give
//   operand   what a multiplication takes: reduced ones, and what `fe_add`, `fe_subtract`, `fe_negate` give
//   wide      what `fe_reduce` and `fe_canonical` take: products not yet carried, their sums and differences
#ifndef ESTUARY_FIELD25519_H
#define ESTUARY_FIELD25519_H

#include "limbs.h"

VECTOR_BEGIN

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

// `count` squarings of two reduced elements, interleaved because each waits for the one before.
INLINE void fe_square_pair(fe o[2], const fe a[2], int count) {
  fe first = a[0], second = a[1];
  for (int i = 0; i < count; i++) {
    fe_square(&first, &first);
    fe_square(&second, &second);
  }
  o[0] = first, o[1] = second;
}
INLINE void fe_multiply_pair(fe o[2], const fe a[2], const fe b[2]) {
  fe_multiply(&o[0], &a[0], &b[0]);
  fe_multiply(&o[1], &a[1], &b[1]);
}

// z^(2^250 − 1) and z^11 of two elements: 249 squarings and 10 multiplications.
static __attribute__((noinline)) void fe_power_pair(fe power[2], fe eleven[2], const fe z[2]) {
  fe a[2], b[2], c[2];
  fe_square_pair(a, z, 1);
  fe_square_pair(b, a, 2);
  fe_multiply_pair(b, z, b);  // 9
  fe_multiply_pair(a, a, b);  // 11
  eleven[0] = a[0], eleven[1] = a[1];
  fe_square_pair(c, a, 1);
  fe_multiply_pair(b, b, c);  // 2^5 − 1
  fe_square_pair(c, b, 5);
  fe_multiply_pair(b, c, b);  // 2^10 − 1
  fe_square_pair(c, b, 10);
  fe_multiply_pair(c, c, b);  // 2^20 − 1
  fe_square_pair(a, c, 20);
  fe_multiply_pair(c, a, c);  // 2^40 − 1
  fe_square_pair(c, c, 10);
  fe_multiply_pair(b, c, b);  // 2^50 − 1
  fe_square_pair(c, b, 50);
  fe_multiply_pair(c, c, b);  // 2^100 − 1
  fe_square_pair(a, c, 100);
  fe_multiply_pair(c, a, c);  // 2^200 − 1
  fe_square_pair(c, c, 50);
  fe_multiply_pair(power, c, b);  // 2^250 − 1
}

// 1/z = z^(p − 2), p − 2 = 32 · (2^250 − 1) + 11; 0 of 0. Of two elements, as above.
INLINE void fe_invert_pair(fe o[2], const fe z[2]) {
  fe power[2], eleven[2];
  fe_power_pair(power, eleven, z);
  fe_square_pair(power, power, 5);
  fe_multiply_pair(o, power, eleven);
}

VECTOR_END

#endif
