// Scalars modulo the order n of secp256k1, one at a time: their work is a small part of a signature's.
#ifndef ESTUARY_SCALAR256K1_H
#define ESTUARY_SCALAR256K1_H

#include <string.h>

typedef unsigned __int128 scalar_wide;

static const uint64_t order[4] = {
  0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff};
static const uint64_t half_order[4] = {
  0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff};
// 2^256 − n
static const uint64_t order_complement[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};
// p − n: R's x may be r + n where r is below it.
static const uint64_t field_excess[4] = {0x402da1722fc9baee, 0x4551231950b75fc4, 1, 0};

// λ, a cube root of one modulo n, and what splits a scalar by it (Gallant, Lambert and Vanstone; the numbers
// are those of libsecp256k1): c1 = round(k g1 / 2^384), c2 = round(k g2 / 2^384), k2 = c1 (−b1) + c2 (−b2),
// k1 = k − k2 λ; both are below 2^128 in absolute value.
static const uint64_t lambda[4] = {
  0xdf02967c1b23bd72, 0x122e22ea20816678, 0xa5261c028812645a, 0x5363ad4cc05c30e0};
static const uint64_t split_g1[4] = {
  0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd};
static const uint64_t split_g2[4] = {
  0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828};
static const uint64_t split_minus_b1[4] = {0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0, 0};
static const uint64_t split_minus_b2[4] = {
  0xd765cda83db1562c, 0x8a280ac50774346d, 0xfffffffffffffffe, 0xffffffffffffffff};

// 16 · (1 + 2^5 + … + 2^125) and 512 · (1 + 2^10 + … + 2^120): what makes digits signed (curve256k1.h).
static const uint64_t five_bit_offset[3] = {0x0842108421084210, 0x1084210842108421, 0x2};
static const uint64_t ten_bit_offset[3] = {0x0802008020080200, 0x0080200802008020, 0x2};

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
  memset(o, 0, 8 * sizeof *o);
  for (int i = 0; i < 4; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < 4; j++) {
      scalar_wide t = (scalar_wide)a[i] * b[j] + o[i + j] + carry;
      o[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    o[i + 4] = carry;
  }
}

// a b modulo n: what is above 2^256 is folded with 2^256 ≡ 2^256 − n, of 129 bits, until nothing is: 512 bits
// become 386, then 260, then 256 and perhaps one more.
static void scalar_multiply(uint64_t o[4], const uint64_t a[4], const uint64_t b[4]) {
  uint64_t x[8];
  scalar_product(x, a, b);
  while (x[4] | x[5] | x[6] | x[7]) {
    uint64_t high[4] = {x[4], x[5], x[6], x[7]};
    memset(x + 4, 0, 4 * sizeof *x);
    for (int i = 0; i < 4; i++) {
      uint64_t carry = 0;
      for (int j = 0; j < 3; j++) {
        scalar_wide t = (scalar_wide)high[i] * order_complement[j] + x[i + j] + carry;
        x[i + j] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
      }
      for (int j = i + 3; j < 8 && carry; j++) {
        x[j] += carry;
        carry = x[j] < carry;
      }
    }
  }
  scalar_reduce_once(x);
  memcpy(o, x, 32);
}

static void scalar_negate(uint64_t o[4], const uint64_t a[4]) {
  if (scalar_is_zero(a)) memset(o, 0, 32);
  else (void)scalar_words_subtract(o, order, a);
}

// a + b modulo n, both below n.
static void scalar_add(uint64_t o[4], const uint64_t a[4], const uint64_t b[4]) {
  uint64_t negative[4];
  scalar_negate(negative, b);
  uint64_t difference[4];
  // a − (n − b), and n more where that is below zero; b = 0 changes nothing.
  if (scalar_is_zero(b)) memcpy(o, a, 32);
  else if (!scalar_words_subtract(difference, a, negative)) memcpy(o, difference, 32);
  else {
    scalar_words_subtract(negative, negative, a);
    scalar_negate(o, negative);
  }
}

// a^(n − 2) = 1/a, four bits at a time.
static void scalar_invert(uint64_t o[4], const uint64_t a[4]) {
  uint64_t powers[16][4], exponent[4], result[4] = {1, 0, 0, 0};
  static const uint64_t two[4] = {2, 0, 0, 0};
  scalar_words_subtract(exponent, order, two);
  memcpy(powers[0], result, 32);
  for (int i = 1; i < 16; i++) scalar_multiply(powers[i], powers[i - 1], a);
  for (int position = 252; position >= 0; position -= 4) {
    for (int i = 0; i < 4; i++) scalar_multiply(result, result, result);
    scalar_multiply(result, result, powers[exponent[position / 64] >> position % 64 & 15]);
  }
  memcpy(o, result, 32);
}

// round(a b / 2^384), below 2^128.
static void scalar_quotient(uint64_t o[4], const uint64_t a[4], const uint64_t b[4]) {
  uint64_t x[8];
  scalar_product(x, a, b);
  scalar_wide rounded = ((scalar_wide)x[7] << 64 | x[6]) + (x[5] >> 63);
  o[0] = (uint64_t)rounded, o[1] = (uint64_t)(rounded >> 64), o[2] = o[3] = 0;
}

// Where a is above n/2, n − a, and true: the absolute value of the number of least absolute value.
static int scalar_make_small(uint64_t a[4]) {
  if (!scalar_is_below(half_order, a)) return 0;
  scalar_negate(a, a);
  return 1;
}

// k as parts[0] + parts[1] λ, absolute values below 2^128; which of them are negative.
static void scalar_split(uint64_t parts[2][4], int is_negative[2], const uint64_t k[4]) {
  uint64_t c1[4], c2[4], t[4];
  scalar_quotient(c1, k, split_g1);
  scalar_quotient(c2, k, split_g2);
  scalar_multiply(c1, c1, split_minus_b1);
  scalar_multiply(c2, c2, split_minus_b2);
  scalar_add(parts[1], c1, c2);
  scalar_multiply(t, parts[1], lambda);
  scalar_negate(t, t);
  scalar_add(parts[0], k, t);
  for (int i = 0; i < 2; i++) is_negative[i] = scalar_make_small(parts[i]);
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
