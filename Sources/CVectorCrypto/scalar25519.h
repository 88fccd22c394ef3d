// Scalars modulo the order l = 2^252 + 27742317777372353535851937790883648493 of Ed25519's base point, one at
// a time: their work is a hundredth of a signature's.
#ifndef ESTUARY_SCALAR25519_H
#define ESTUARY_SCALAR25519_H

#include <string.h>

typedef unsigned __int128 scalar_wide;

static const uint64_t order[5] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000, 0};
// ⌊2^512 / l⌋
static const uint64_t order_reciprocal[5] = {
  0xed9ce5a30a2c131b, 0x2106215d086329a7, 0xffffffffffffffeb, 0xffffffffffffffff, 0xf};
// 16 · (1 + 2^5 + … + 2^250): what makes digits signed (tables.h).
static const uint64_t five_bit_offset[4] = {
  0x0842108421084210, 0x1084210842108421, 0x2108421084210842, 0x4210842108421084};

// a − b over `count` words; the borrow.
static int words_subtract(uint64_t *o, const uint64_t *a, const uint64_t *b, int count) {
  int borrow = 0;
  for (int i = 0; i < count; i++) {
    scalar_wide difference = (scalar_wide)a[i] - b[i] - (unsigned)borrow;
    o[i] = (uint64_t)difference;
    borrow = (int)(difference >> 64) & 1;
  }
  return borrow;
}

static int scalar_is_canonical(const uint64_t s[4]) {
  uint64_t scratch[4];
  return words_subtract(scratch, s, order, 4);
}

// x modulo l for any x below 2^512 (Barrett; Menezes et al., Handbook of Applied Cryptography, algorithm
// 14.42, b = 2^64, k = 4): the estimate of the quotient is at most two too small, so two subtractions are
// enough.
static void scalar_reduce(uint64_t o[4], const uint64_t x[8]) {
  uint64_t quotient[10] = {0}, product[5] = {0}, rest[5], less[5];
  for (int i = 0; i < 5; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < 5; j++) {
      scalar_wide t = (scalar_wide)x[3 + i] * order_reciprocal[j] + quotient[i + j] + carry;
      quotient[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
    quotient[i + 5] = carry;
  }
  for (int i = 0; i < 5; i++) {
    uint64_t carry = 0;
    for (int j = 0; i + j < 5; j++) {
      scalar_wide t = (scalar_wide)quotient[5 + i] * order[j] + product[i + j] + carry;
      product[i + j] = (uint64_t)t;
      carry = (uint64_t)(t >> 64);
    }
  }
  (void)words_subtract(rest, x, product, 5);
  for (int i = 0; i < 2; i++)
    if (!words_subtract(less, rest, order, 5)) memcpy(rest, less, sizeof rest);
  memcpy(o, rest, 32);
}

// The low `count` words of a + b; a has four words.
static void words_add(uint64_t *o, const uint64_t a[4], const uint64_t *b, int count) {
  scalar_wide sum = 0;
  for (int i = 0; i < count; i++) {
    sum += (scalar_wide)(i < 4 ? a[i] : 0) + b[i];
    o[i] = (uint64_t)sum;
    sum >>= 64;
  }
}

#endif
