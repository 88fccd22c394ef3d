// Scalars modulo the order n of secp256k1, one at a time: their work is a small part of a signature's.
#ifndef ESTUARY_SCALAR256K1_H
#define ESTUARY_SCALAR256K1_H

#include <string.h>

typedef unsigned __int128 scalar_wide;

static const uint64_t order[4] = {
  0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff};
// 2^256 − n
static const uint64_t order_complement[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};
// p − n: R's x may be r + n where r is below it.
static const uint64_t field_excess[4] = {0x402da1722fc9baee, 0x4551231950b75fc4, 1, 0};

// What splits a scalar k into k1 + k2 λ, λ being a cube root of one modulo n (Gallant, Lambert and Vanstone, Faster point
// multiplication on elliptic curves with efficient endomorphisms; the numbers are those of libsecp256k1). The lattice of (x, y)
// with x + y λ ≡ 0 has the basis (a, −b) and (a + b, a); c1 = round(k a / n) and c2 = round(k b / n) come from
// g1 = round(2^384 a / n) and g2 = round(2^384 b / n).
static const uint64_t split_g1[4] = {
  0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd};
static const uint64_t split_g2[4] = {
  0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828};
static const uint64_t split_a[2] = {0xe86c90e49284eb15, 0x3086d221a7d46bcd};
static const uint64_t split_b[2] = {0x6f547fa90abfe4c3, 0xe4437ed6010e8828};

// a − b over four words; the borrow.
static int scalar_words_subtract(uint64_t *o, const uint64_t *a, const uint64_t *b) {
  int borrow = 0;
  for (int i = 0; i < 4; i++) {
    scalar_wide difference = (scalar_wide)a[i] - b[i] - (unsigned)borrow;
    o[i] = (uint64_t)difference;
    borrow = (int)(difference >> 64) & 1;
  }
  return borrow;
}
static int scalar_is_below(const uint64_t a[4], const uint64_t b[4]) {
  uint64_t scratch[4];
  return scalar_words_subtract(scratch, a, b);
}
static int scalar_is_zero(const uint64_t a[4]) { return (a[0] | a[1] | a[2] | a[3]) == 0; }

// a below 2^256 becomes a modulo n.
static void scalar_reduce_once(uint64_t a[4]) {
  uint64_t less[4];
  if (!scalar_words_subtract(less, a, order)) memcpy(a, less, sizeof less);
}

static void scalar_product(uint64_t o[8], const uint64_t a[4], const uint64_t b[4]) {
  for (int i = 0; i < 4; i++) o[i] = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    uint64_t carry = 0;
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      scalar_wide t = (scalar_wide)a[i] * b[j] + o[i + j] + carry;
      o[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    o[i + 4] = carry;
  }
}

// Adds high · (2^256 − n) to x: `count` words to as many and three more, where the sum fits.
static inline __attribute__((always_inline)) void scalar_fold(uint64_t *x, const uint64_t *high, int count) {
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i++) {
    uint64_t carry = 0;
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) {
      scalar_wide t = (scalar_wide)high[i] * order_complement[j] + x[i + j] + carry;
      x[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
#pragma clang loop unroll(full)
    for (int j = i + 3; j < count + 3; j++) {
      scalar_wide t = (scalar_wide)x[j] + carry;
      x[j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
  }
}

// a b modulo n: what is above 2^256 is folded with 2^256 ≡ 2^256 − n, of 129 bits: 512 bits become 386, then 260, then 256
// and perhaps one more, and what is left after that is small.
static void scalar_multiply(uint64_t o[4], const uint64_t a[4], const uint64_t b[4]) {
  uint64_t product[8], first[7] = {0}, second[6] = {0}, third[5] = {0};
  scalar_product(product, a, b);
  memcpy(first, product, 32);
  scalar_fold(first, product + 4, 4);
  memcpy(second, first, 32);
  scalar_fold(second, first + 4, 3);
  memcpy(third, second, 32);
  scalar_fold(third, second + 4, 2);
  if (third[4]) {
    uint64_t fourth[4];
    memcpy(fourth, third, 32);
    scalar_fold(fourth, third + 4, 1);
    memcpy(third, fourth, 32);
  }
  scalar_reduce_once(third);
  memcpy(o, third, 32);
}

static void scalar_negate(uint64_t o[4], const uint64_t a[4]) {
  if (scalar_is_zero(a)) memset(o, 0, 32);
  else (void)scalar_words_subtract(o, order, a);
}

// round(a b / 2^384), below 2^128.
static void scalar_quotient(uint64_t o[2], const uint64_t a[4], const uint64_t b[4]) {
  uint64_t x[8];
  scalar_product(x, a, b);
  scalar_wide rounded = ((scalar_wide)x[7] << 64 | x[6]) + (x[5] >> 63);
  o[0] = (uint64_t)rounded, o[1] = (uint64_t)(rounded >> 64);
}

// o ± a b modulo 2^192.
static void scalar_add_product(uint64_t o[3], const uint64_t a[2], const uint64_t b[2], int subtracts) {
  scalar_wide low = (scalar_wide)a[0] * b[0], middle = (scalar_wide)a[0] * b[1] + (uint64_t)(low >> 64);
  scalar_wide other = (scalar_wide)a[1] * b[0] + (uint64_t)middle;
  uint64_t words[3] = {
    (uint64_t)low, (uint64_t)other, a[1] * b[1] + (uint64_t)(middle >> 64) + (uint64_t)(other >> 64)};
  // −x = ~x + 1.
  scalar_wide sum = subtracts ? 1 : 0;
  for (int i = 0; i < 3; i++) {
    sum += (scalar_wide)o[i] + (subtracts ? ~words[i] : words[i]);
    o[i] = (uint64_t)sum;
    sum >>= 64;
  }
}

// k as k1 + k2 λ modulo n, in two's complement of 192 bits, which k1 = k − c1 a − c2 (a + b) and k2 = c1 b − c2 a modulo 2^192
// tell, since their absolute values are below 2^128. What is left of the division lies in the parallelogram that half the basis
// spans; it has an angle of 60° in Z[ω] and sides of sqrt(n), so k1 + k2 ω has an absolute value below sqrt(3/4) · 2^128.
static void scalar_split(uint64_t parts[2][3], const uint64_t k[4]) {
  uint64_t c1[2], c2[2];
  scalar_quotient(c1, k, split_g1);
  scalar_quotient(c2, k, split_g2);
  for (int i = 0; i < 3; i++) parts[0][i] = k[i], parts[1][i] = 0;
  scalar_add_product(parts[0], c1, split_a, 1);
  scalar_add_product(parts[0], c2, split_a, 1);
  scalar_add_product(parts[0], c2, split_b, 1);
  scalar_add_product(parts[1], c1, split_b, 0);
  scalar_add_product(parts[1], c2, split_a, 1);
}

// The three words of a + b, a below 2^128.
static void scalar_offset(uint64_t o[3], const uint64_t a[2], const uint64_t b[3]) {
  scalar_wide sum = (scalar_wide)a[0] + b[0];
  o[0] = (uint64_t)sum;
  sum = (sum >> 64) + a[1] + b[1];
  o[1] = (uint64_t)sum;
  o[2] = (uint64_t)(sum >> 64) + b[2];
}

#endif
