// Inverses of field elements, one of each lane, by one inversion of their product (Montgomery's trick within a vector):
// a number that a power would take 250 squarings for, each of which waits for the one before. After the field's headers.
#ifndef ESTUARY_LANE_INVERSE_H
#define ESTUARY_LANE_INVERSE_H

#include "inverse.h"

VECTOR_BEGIN

// 1/a, reduced, for a reduced; no lane's a is zero.
static __attribute__((noinline)) void fe_invert(fe *o, const fe *a) {
  // After k exchanges each lane has the product of its 2^k neighbours, and the product of the next 2^k in `others`.
  fe product = *a, others[3];
  vec words[4];
  uint64_t number[4];
  int levels = 0;
  for (int distance = 1; distance < LANES; distance *= 2) {
    fe *other = &others[levels++];
    for (int i = 0; i < FE_LIMBS; i++)
      other->v[i] = distance == 1 ? v_exchange(product.v[i], 1)
        : distance == 2           ? v_exchange(product.v[i], 2)
                                  : v_exchange(product.v[i], 4);
    fe_multiply(&product, &product, other);
  }
  fe_canonical(&product, &product);
  fe_to_words(words, &product);
  for (int i = 0; i < 4; i++) number[i] = ((const uint64_t *)&words[i])[0];
  inverse_modulo(number, number, field_modulus);
  fe_constant(&product, number);
  while (levels > 0) fe_multiply(&product, &product, &others[--levels]);
  *o = product;
}

VECTOR_END

#endif
