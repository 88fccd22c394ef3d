// GF(2^256 − 2^32 − 977), the field of secp256k1, over whichever limbs the radix file gives. Two classes of
// limbs:
//   reduced   what multiplications take, and what `fe_carry`, multiplications and `fe_from_words` give
//   wide      sums, differences and small multiples of reduced ones; `fe_carry` takes them
#ifndef ESTUARY_FIELD256K1_H
#define ESTUARY_FIELD256K1_H

#include "limbs.h"

VECTOR_BEGIN

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
// a b + c d, reduced once.
FE_FUNCTION void fe_multiply_two(fe *o, const fe *a, const fe *b, const fe *c, const fe *d) {
  fe_columns sum;
  fe_columns_multiply(&sum, a, b);
  fe_columns_add(&sum, c, d);
  fe_columns_reduce(o, &sum);
}

// Wide = a − b + 2^k p, for b below 2^k p in every limb.
INLINE void fe_wide_subtract(fe *o, const fe *a, const fe *b, int k) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_add(v_sub(a->v[i], b->v[i]), v_set(FE_MULTIPLE_OF_P(k, i)));
}
INLINE void fe_wide_times3(fe *o, const fe *a) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_add(v_add(a->v[i], a->v[i]), a->v[i]);
}
INLINE void fe_wide_times8(fe *o, const fe *a) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_shl(a->v[i], 3);
}
INLINE void fe_wide_times21(fe *o, const fe *a) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_add(v_add(v_shl(a->v[i], 4), v_shl(a->v[i], 2)), a->v[i]);
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

// `count` squarings.
static __attribute__((noinline)) void fe_square_times(fe *o, const fe *a, int count) {
  fe x = *a;
  for (int i = 0; i < count; i++) fe_square(&x, &x);
  *o = x;
}

// a^(2^223 − 1), a^(2^22 − 1) and a^3, with which both exponents below begin (libsecp256k1 has the same
// chain).
static __attribute__((noinline)) void fe_power(fe *x223, fe *x22, fe *x2, const fe *a) {
  fe x3, x6, x11, x44, x88, t;
  fe_square(&t, a);
  fe_multiply(x2, &t, a);
  fe_square(&t, x2);
  fe_multiply(&x3, &t, a);
  fe_square_times(&t, &x3, 3);
  fe_multiply(&x6, &t, &x3);
  fe_square_times(&t, &x6, 3);
  fe_multiply(&t, &t, &x3);  // 2^9 − 1
  fe_square_times(&t, &t, 2);
  fe_multiply(&x11, &t, x2);
  fe_square_times(&t, &x11, 11);
  fe_multiply(x22, &t, &x11);
  fe_square_times(&t, x22, 22);
  fe_multiply(&x44, &t, x22);
  fe_square_times(&t, &x44, 44);
  fe_multiply(&x88, &t, &x44);
  fe_square_times(&t, &x88, 88);
  fe_multiply(&t, &t, &x88);  // 2^176 − 1
  fe_square_times(&t, &t, 44);
  fe_multiply(&t, &t, &x44);  // 2^220 − 1
  fe_square_times(&t, &t, 3);
  fe_multiply(x223, &t, &x3);
}

// a^((p + 1)/4), a root of a where it has one.
INLINE void fe_root(fe *o, const fe *a) {
  fe x223, x22, x2, t;
  fe_power(&x223, &x22, &x2, a);
  fe_square_times(&t, &x223, 23);
  fe_multiply(&t, &t, &x22);
  fe_square_times(&t, &t, 6);
  fe_multiply(&t, &t, &x2);
  fe_square_times(o, &t, 2);
}

// a^(p − 2) = 1/a; 0 of 0.
INLINE void fe_invert(fe *o, const fe *a) {
  fe x223, x22, x2, t;
  fe_power(&x223, &x22, &x2, a);
  fe_square_times(&t, &x223, 23);
  fe_multiply(&t, &t, &x22);
  fe_square_times(&t, &t, 5);
  fe_multiply(&t, &t, a);
  fe_square_times(&t, &t, 3);
  fe_multiply(&t, &t, &x2);
  fe_square_times(&t, &t, 2);
  fe_multiply(o, &t, a);
}

VECTOR_END

#endif
