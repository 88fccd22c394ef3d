// GF(2^255 − 19), one element a lane, in ten limbs of 26 and 25 bits by turns (Bernstein, Curve25519, section
// 4): multiplication by AVX2's products of 32-bit numbers.
//
// Limb ranges, even and odd (field25519.h says what the three classes are for):
//   reduced   < 2^26 and < 2^25 + 2^19
//   operand   < 1.5 · 2^27 and < 1.5 · 2^26 + 2^20: a sum of reduced ones, or a difference with 2p added
//   wide      < 2^64 − 2^40
// Factors of a product stay below 2^32: 19 · 1.5 · 2^27 = 28.5 · 2^27, and for odd limbs 38 · (1.5 · 2^26 +
// 2^20) < 58 · 2^26. With reduced limbs, column 0 is a0 b0 (2^52), four even pairs times 19 (304 · 2^50) and
// five odd pairs times 38 (190 · 2^50): below 2^59, and no other even column is larger; column 1, the largest
// odd one, is 2 · 2^51 and eight pairs times 19, below 2^58.3. Operands have limbs up to three times as
// large, so u, v reduced, sum and difference give: u·v < 2^59, sum · sum < 2^61, sum · difference < 2^61.6,
// difference · difference < 2^62.2 (odd: 2^61.5).
#ifndef ESTUARY_FIELD25519_RADIX_H
#define ESTUARY_FIELD25519_RADIX_H

VECTOR_BEGIN

#define FE_LIMBS 10
#define FE_BITS(limb) ((limb) % 2 == 0 ? 26 : 25)
#define FE_OFFSET(limb) (25 * (limb) + ((limb) + 1) / 2)
typedef struct { vec v[FE_LIMBS]; } fe;

// k · p, limb by limb, which keeps a difference from going below zero.
#define FE_MULTIPLE_OF_P(k, limb) \
  ((uint64_t)(k) * ((limb) == 0 ? (1ULL << 26) - 19 : (1ULL << FE_BITS(limb)) - 1))
// For wide subtrahends: limbs of 2^62.58 and 2^61.58, above the largest product of two operands.
#define FE_WIDE_BIAS (3ULL << 35)

INLINE vec fe_times19(vec a) { return v_add(v_add(v_shl(a, 4), v_shl(a, 1)), a); }

INLINE void fe_carry_step(vec *from, vec *to, int bits) {
  *to = v_add(*to, v_shr(*from, bits));
  *from = v_and(*from, v_set((1ULL << bits) - 1));
}

// Two chains of carries side by side, 0 to 5 and 5 to 1. The carry out of limb 9 is below 2^39, times 19
// below 2^43.3, so limb 1 ends below 2^25 + 2^17.4; limb 5 ends below 2^25 + 2^14.
INLINE void fe_reduce(fe *o, const fe *a) {
  fe x = *a;
  fe_carry_step(&x.v[0], &x.v[1], 26);
  fe_carry_step(&x.v[4], &x.v[5], 26);
  fe_carry_step(&x.v[1], &x.v[2], 25);
  fe_carry_step(&x.v[5], &x.v[6], 25);
  fe_carry_step(&x.v[2], &x.v[3], 26);
  fe_carry_step(&x.v[6], &x.v[7], 26);
  fe_carry_step(&x.v[3], &x.v[4], 25);
  fe_carry_step(&x.v[7], &x.v[8], 25);
  fe_carry_step(&x.v[4], &x.v[5], 26);
  fe_carry_step(&x.v[8], &x.v[9], 26);
  x.v[0] = v_add(x.v[0], fe_times19(v_shr(x.v[9], 25)));
  x.v[9] = v_and(x.v[9], v_set((1ULL << 25) - 1));
  fe_carry_step(&x.v[0], &x.v[1], 26);
  *o = x;
}

// Wide = operand · operand; `o` is neither. A pair of odd limbs counts twice (its weight is half a bit more
// at either limb), a pair that passes 2^255 nineteen times. Not inlined: operands lie in memory anyway with
// sixteen registers, and one copy of the code stays in the cache of decoded instructions.
static __attribute__((noinline)) void fe_multiply_wide(fe *o, const fe *a, const fe *b) {
  vec twice[10], times19[10];
  for (int i = 1; i < 10; i += 2) twice[i] = v_add(a->v[i], a->v[i]);
  for (int j = 1; j < 10; j++) times19[j] = v_multiply32(b->v[j], v_set(19));
#pragma clang loop unroll(full)
  for (int k = 0; k < 10; k++) {
    vec column = v_multiply32(a->v[0], b->v[k]);
#pragma clang loop unroll(full)
    for (int i = 1; i < 10; i++) {
      int j = i <= k ? k - i : k + 10 - i;
      vec left = (i & j & 1) ? twice[i] : a->v[i];
      column = v_add(column, v_multiply32(left, i <= k ? b->v[j] : times19[j]));
    }
    o->v[k] = column;
  }
}

// Wide = operand²; `o` is another.
static __attribute__((noinline)) void fe_square_wide(fe *o, const fe *a) {
  vec twice[10], times19[10];  // an odd limb 38 times
  for (int i = 0; i < 10; i++) twice[i] = v_add(a->v[i], a->v[i]);
  for (int j = 5; j < 10; j++) times19[j] = v_multiply32(a->v[j], v_set(j % 2 == 0 ? 19 : 38));
#pragma clang loop unroll(full)
  for (int k = 0; k < 10; k++) {
    vec column = v_zero();
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++) {
      int j = i <= k ? k - i : k + 10 - i;
      if (j < i) continue;
      // Once where i = j, else twice; twice again where both are odd; 19 times where the pair passes 2^255.
      vec left = i == j ? a->v[i] : twice[i];
      vec product;
      if (i <= k) {
        product = v_multiply32(left, (i & j & 1) ? twice[j] : a->v[j]);
      } else if (i % 2 == 0 && j % 2 == 1) {
        product = v_multiply32(a->v[i], times19[j]);  // 2 · 19 = 38
      } else {
        product = v_multiply32(left, times19[j]);
      }
      column = v_add(column, product);
    }
    o->v[k] = column;
  }
}

// Operand = reduced ± reduced. Nothing need be carried.
INLINE void fe_add(fe *o, const fe *a, const fe *b) {
  for (int i = 0; i < 10; i++) o->v[i] = v_add(a->v[i], b->v[i]);
}
INLINE void fe_subtract(fe *o, const fe *a, const fe *b) {
  for (int i = 0; i < 10; i++)
    o->v[i] = v_add(v_sub(a->v[i], b->v[i]), v_set(FE_MULTIPLE_OF_P(2, i)));
}

// Subtractions add what keeps them from going below zero: two such multiples of p would not fit.
#define FE_IS_RAISED 0
INLINE void fe_multiply_raised(fe *o, const fe *a, const fe *b) { fe_multiply_wide(o, a, b); }
INLINE void fe_square_raised(fe *o, const fe *a) { fe_square_wide(o, a); }

VECTOR_END

#endif
