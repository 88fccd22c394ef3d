// GF(2^256 − 2^32 − 977), the field of secp256k1, over whichever limbs the radix file gives. Classes of
// limbs:
//   reduced   what `fe_carry`, multiplications and `fe_from_words` give
//   factor    what multiplications take: reduced ones, and what `fe_carry_factor` and `fe_carry_narrow` give, which is good for nothing
//             else
//   trimmed   factors of `fe_carry_narrow` after `fe_trim`: good in sums and differences too
//   product   what multiplications whose names end in `_wide` give
//   wide      products, sums, differences and small multiples of reduced ones and products; `fe_carry` takes them
#ifndef ESTUARY_FIELD256K1_H
#define ESTUARY_FIELD256K1_H

#include "limbs.h"

VECTOR_BEGIN

// p
static const uint64_t field_modulus[4] = {
  0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff};

FE_FUNCTION void fe_multiply(fe *o, const fe *a, const fe *b) {
  fe_columns c;
  fe_columns_multiply(&c, a, b);
  fe_columns_reduce(o, &c);
}
FE_FUNCTION void fe_square(fe *o, const fe *a) {
  fe_columns c;
  fe_columns_square(&c, a);
  fe_columns_reduce(o, &c);
}
FE_FUNCTION void fe_multiply_wide(fe *o, const fe *a, const fe *b) {
  fe_columns c;
  fe_columns_multiply(&c, a, b);
  fe_columns_fold(o, &c);
}
FE_FUNCTION void fe_square_wide(fe *o, const fe *a) {
  fe_columns c;
  fe_columns_square(&c, a);
  fe_columns_fold(o, &c);
}
// a b + c d, reduced once.
FE_FUNCTION void fe_multiply_two(fe *o, const fe *a, const fe *b, const fe *c, const fe *d) {
  fe_columns sum;
  fe_columns_multiply(&sum, a, b);
  fe_columns_add(&sum, c, d);
  fe_columns_reduce(o, &sum);
}
// a b + c², a product.
FE_FUNCTION void fe_multiply_add_square_wide(fe *o, const fe *a, const fe *b, const fe *c) {
  fe_columns sum;
  fe_columns_square(&sum, c);
  fe_columns_add(&sum, a, b);
  fe_columns_fold(o, &sum);
}

// Wide = a − b + 2^k p, for b below 2^k p in every limb.
INLINE void fe_wide_subtract(fe *o, const fe *a, const fe *b, int k) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_add(v_sub(a->v[i], b->v[i]), v_set(FE_MULTIPLE_OF_P(k, i)));
}
// Wide = 2^k p − b, for b as above.
INLINE void fe_wide_negate(fe *o, const fe *b, int k) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_sub(v_set(FE_MULTIPLE_OF_P(k, i)), b->v[i]);
}
// Wide = 2^k a, as far as it fits.
INLINE void fe_wide_shift(fe *o, const fe *a, int k) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_shl(a->v[i], k);
}
// Reduced sums and differences of reduced ones.
INLINE void fe_add(fe *o, const fe *a, const fe *b) {
  fe sum;
  fe_wide_add(&sum, a, b);
  fe_carry(o, &sum);
}
INLINE void fe_subtract(fe *o, const fe *a, const fe *b) {
  fe difference;
  fe_wide_subtract(&difference, a, b, 2);
  fe_carry(o, &difference);
}

// One chain of carries; what is above 2^256 remains.
INLINE vec fe_carry_chain(fe *x) {
  for (int i = 0; i + 1 < FE_LIMBS; i++) {
    x->v[i + 1] = v_add(x->v[i + 1], v_shr(x->v[i], FE_BITS(i)));
    x->v[i] = v_and(x->v[i], v_set((1ULL << FE_BITS(i)) - 1));
  }
  vec carry = v_shr(x->v[FE_LIMBS - 1], FE_BITS(FE_LIMBS - 1));
  x->v[FE_LIMBS - 1] = v_and(x->v[FE_LIMBS - 1], v_set((1ULL << FE_BITS(FE_LIMBS - 1)) - 1));
  return carry;
}

// The representative in [0, p), every limb of its own bits. Twice carried and folded, a reduced element is
// below 2^256; it is at least p exactly where adding 2^256 − p reaches 2^256.
static __attribute__((noinline)) void fe_canonical(fe *o, const fe *a) {
  fe x = *a, more;
  fe_fold(&x, fe_carry_chain(&x));
  fe_fold(&x, fe_carry_chain(&x));
  more = x;
  fe_fold(&more, v_set(1));
  vec is_large = v_sub(v_zero(), fe_carry_chain(&more));
  (void)fe_carry_chain(&x);
  fe_select(o, is_large, &x, &more);
}

// A mask of the lanes where a reduced element is zero.
INLINE vec fe_is_zero(const fe *a) {
  fe x;
  fe_canonical(&x, a);
  vec all = x.v[0];
  for (int i = 1; i < FE_LIMBS; i++) all = v_or(all, x.v[i]);
  return v_equal(all, v_zero());
}

// `count` squarings of one or two elements; of two they take turns, because each waits for the one before.
INLINE void fe_square_times(fe *o, const fe *a, int elements, int count) {
  fe x[2];
  for (int k = 0; k < elements; k++) x[k] = a[k];
  for (int i = 0; i < count; i++)
    for (int k = 0; k < elements; k++) fe_square(&x[k], &x[k]);
  for (int k = 0; k < elements; k++) o[k] = x[k];
}
static __attribute__((noinline)) void fe_square_pair_times(fe *o, const fe *a, int count) {
  fe_square_times(o, a, 2, count);
}
static __attribute__((noinline)) void fe_square_one_times(fe *o, const fe *a, int count) {
  fe_square_times(o, a, 1, count);
}
static void fe_square_each_times(fe *o, const fe *a, int elements, int count) {
  if (elements == 2) fe_square_pair_times(o, a, count);
  else fe_square_one_times(o, a, count);
}
static __attribute__((noinline)) void fe_multiply_each(fe *o, const fe *a, const fe *b, int elements) {
  for (int k = 0; k < elements; k++) fe_multiply(&o[k], &a[k], &b[k]);
}

// a^((p + 1)/4) of one or two elements, a root of each that has one: the exponent is 223 ones, a zero, 22 ones, four zeros, two
// ones and two zeros (libsecp256k1 has the same chain).
static __attribute__((noinline)) void fe_root(fe *o, const fe *a, int elements) {
  fe x2[2], x3[2], x11[2], x22[2], x44[2], x88[2], t[2];
  fe_square_each_times(t, a, elements, 1);
  fe_multiply_each(x2, t, a, elements);
  fe_square_each_times(t, x2, elements, 1);
  fe_multiply_each(x3, t, a, elements);
  fe_square_each_times(t, x3, elements, 3);
  fe_multiply_each(t, t, x3, elements);  // 2^6 − 1
  fe_square_each_times(t, t, elements, 3);
  fe_multiply_each(t, t, x3, elements);  // 2^9 − 1
  fe_square_each_times(t, t, elements, 2);
  fe_multiply_each(x11, t, x2, elements);
  fe_square_each_times(t, x11, elements, 11);
  fe_multiply_each(x22, t, x11, elements);
  fe_square_each_times(t, x22, elements, 22);
  fe_multiply_each(x44, t, x22, elements);
  fe_square_each_times(t, x44, elements, 44);
  fe_multiply_each(x88, t, x44, elements);
  fe_square_each_times(t, x88, elements, 88);
  fe_multiply_each(t, t, x88, elements);  // 2^176 − 1
  fe_square_each_times(t, t, elements, 44);
  fe_multiply_each(t, t, x44, elements);  // 2^220 − 1
  fe_square_each_times(t, t, elements, 3);
  fe_multiply_each(t, t, x3, elements);  // 2^223 − 1
  fe_square_each_times(t, t, elements, 23);
  fe_multiply_each(t, t, x22, elements);
  fe_square_each_times(t, t, elements, 6);
  fe_multiply_each(t, t, x2, elements);
  fe_square_each_times(o, t, elements, 2);
}

VECTOR_END

#endif
