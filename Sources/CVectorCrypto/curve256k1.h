// The curve y² = x³ + 7 over GF(2^256 − 2^32 − 977), one point a lane, in homogeneous coordinates: x = X/Z, y
// = Y/Z, the point at infinity (0 : 1 : 0). The formulas are those of Renes, Costello and Batina for a = 0
// (https://eprint.iacr.org/2015/1060, algorithms 7 to 9, b3 = 21): complete, so lanes never part ways.
#ifndef ESTUARY_CURVE256K1_H
#define ESTUARY_CURVE256K1_H

#include "tables.h"

VECTOR_BEGIN

static const uint64_t base_x[4] = {
  0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac};
static const uint64_t base_y[4] = {
  0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465};
// 2^128 times the base point.
static const uint64_t far_base_x[4] = {
  0x1b7b444c9ec4c0da, 0xe88c5678723ea335, 0x9239c1ad981f162e, 0x8f68b9d2f63b5f33};
static const uint64_t far_base_y[4] = {
  0xf23cbf79501fff82, 0xbbea2cfe95510bfd, 0xde1d90c2b6be215d, 0x662a9f2dba063986};
// β, a cube root of one: (β x, y) is λ times the point (x, y) (scalar256k1.h).
static const uint64_t root_of_one[4] = {
  0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710};

// All reduced.
typedef struct { fe x, y, z; } point;

// n doublings (algorithm 9).
NOINLINE void point_double(point *p, int n) {
  do {
    fe yy, eight, yz, zz, xy, sum, t;
    fe_square_wide(&zz, &p->z);
    fe_square_wide(&yy, &p->y);
    fe_multiply(&yz, &p->y, &p->z);
    fe_multiply(&xy, &p->x, &p->y);
    fe_wide_times21(&zz, &zz);
    fe_carry(&zz, &zz);
    fe_wide_times8(&eight, &yy);
    fe_carry_narrow(&eight, &eight);
    fe_wide_add(&sum, &yy, &zz);
    fe_carry_narrow(&sum, &sum);
    fe_wide_times3(&t, &zz);
    fe_wide_subtract(&t, &yy, &t, 3);
    fe_carry_narrow(&t, &t);
    fe_multiply_two(&p->y, &zz, &eight, &t, &sum);
    fe_multiply(&p->z, &yz, &eight);
    fe_multiply_wide(&xy, &t, &xy);
    fe_add(&p->x, &xy, &xy);
  } while (--n > 0);
}

// The end that algorithms 7 and 8 share: xx = X1 X2, yy = Y1 Y2, xy = X1 Y2 + X2 Y1, yz = Y1 Z2 + Y2 Z1,
// factors; xz = X1 Z2 + X2 Z1, wide, and zz = 21 Z1 Z2, 21 times a product; xx and yy are products.
INLINE void point_add_end(point *o, fe *xx, fe *yy, const fe *xy, const fe *yz, fe *xz, const fe *zz) {
  fe sum, negative, zero;
  fe_wide_times3(xx, xx);
  fe_carry_narrow(xx, xx);
  fe_wide_add(&sum, yy, zz);
  fe_carry_factor(&sum, &sum);
  fe_wide_subtract(yy, yy, zz, FE_PRODUCT21_BITS);
  fe_carry_factor(yy, yy);
  fe_wide_times21(xz, xz);
  fe_carry_factor(xz, xz);
  fe_small(&zero, 0);
  fe_wide_subtract(&negative, &zero, yz, 2);
  fe_carry_narrow(&negative, &negative);
  fe_multiply_two(&o->x, xy, yy, &negative, xz);
  fe_multiply_two(&o->y, yy, &sum, xz, xx);
  fe_multiply_two(&o->z, &sum, yz, xx, xy);
}

// a1 b2 + a2 b1 as (a1 + b1)(a2 + b2) less both products, aa and bb; wide.
INLINE void cross_product(
  fe *o, const fe *a1, const fe *b1, const fe *a2, const fe *b2, const fe *aa, const fe *bb) {
  fe left, right, both;
  fe_wide_add(&left, a1, b1);
  fe_carry_narrow(&left, &left);
  fe_wide_add(&right, a2, b2);
  fe_carry_narrow(&right, &right);
  fe_multiply_wide(o, &left, &right);
  fe_wide_add(&both, aa, bb);
  fe_wide_subtract(o, o, &both, FE_PRODUCT_BITS + 1);
}

// Algorithm 7.
NOINLINE void point_add(point *p, const point *q) {
  fe xx, yy, zz, xy, yz, xz;
  fe_multiply_wide(&xx, &p->x, &q->x);
  fe_multiply_wide(&yy, &p->y, &q->y);
  fe_multiply_wide(&zz, &p->z, &q->z);
  cross_product(&xy, &p->x, &p->y, &q->x, &q->y, &xx, &yy);
  fe_carry_factor(&xy, &xy);
  cross_product(&yz, &p->y, &p->z, &q->y, &q->z, &yy, &zz);
  fe_carry(&yz, &yz);
  cross_product(&xz, &p->x, &p->z, &q->x, &q->z, &xx, &zz);
  fe_carry(&xz, &xz);
  fe_wide_times21(&zz, &zz);
  point_add_end(p, &xx, &yy, &xy, &yz, &xz, &zz);
}

// Algorithm 8: q's Z is 1; q is not infinity.
NOINLINE void point_add_affine(point *p, const fe *x, const fe *y) {
  fe xx, yy, zz, xy, yz, xz;
  fe_multiply_wide(&xx, &p->x, x);
  fe_multiply_wide(&yy, &p->y, y);
  cross_product(&xy, &p->x, &p->y, x, y, &xx, &yy);
  fe_carry_factor(&xy, &xy);
  fe_multiply_wide(&yz, y, &p->z);
  fe_add(&yz, &yz, &p->y);
  fe_multiply_wide(&xz, x, &p->z);
  fe_wide_add(&xz, &xz, &p->x);
  fe_wide_times21(&zz, &p->z);
  point_add_end(p, &xx, &yy, &xy, &yz, &xz, &zz);
}

INLINE void point_infinity(point *p) {
  fe_small(&p->x, 0);
  fe_small(&p->y, 1);
  fe_small(&p->z, 0);
}

// −y where the mask is set.
INLINE void negate_where(fe *y, vec mask) {
  fe zero, negative;
  fe_small(&zero, 0);
  fe_subtract(&negative, &zero, y);
  fe_select(y, mask, y, &negative);
}

// MARK: Tables

enum {
  DIGIT_BITS = 5,
  DIGITS = 26,
  MULTIPLES = 16,
  // X, Y, Z and β X, and room to read Y, Z and β X by whole vectors.
  ENTRY_WORDS = ROWS(4 * FE_LIMBS) + LANES,
  BASE_DIGIT_BITS = BASE_DIGIT_BITS_FOR(FE_LIMBS, 12),
  BASE_DIGITS = 128 / BASE_DIGIT_BITS + 1,
  BASE_MULTIPLES = 1 << (BASE_DIGIT_BITS - 1),
  BASE_WORDS = ROWS(2 * FE_LIMBS),
};

// 0 to 16 times each lane's point.
typedef struct { uint64_t words[LANES][MULTIPLES + 1][ENTRY_WORDS]; } point_table;
// 1 to 2048 times the base point (512 with ten limbs) and 2^128 times it, affine; and what makes the digits of scalars signed.
// All are computed by `VECTOR_NAME(vc_secp256k1_prepare)`.
static uint64_t base_tables[2][BASE_MULTIPLES + 1][BASE_WORDS] __attribute__((aligned(64)));
static uint64_t base_offset[3];

NOINLINE void table_build(point_table *table, const fe *x, const fe *y) {
  struct { point p; fe beta_x; } entry;
  point one = {.x = *x, .y = *y};
  fe beta;
  fe_small(&one.z, 1);
  fe_constant(&beta, root_of_one);
  point_infinity(&entry.p);
  for (int multiple = 0; multiple <= MULTIPLES; multiple++) {
    if (multiple == 1) entry.p = one;
    if (multiple == 2) point_double(&entry.p, 1);
    if (multiple > 2) point_add(&entry.p, &one);
    fe_multiply(&entry.beta_x, &entry.p.x, &beta);
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = table->words[l][multiple];
    store_rows(places, (const vec *)&entry, 4 * FE_LIMBS);
  }
}

// `digit` times the lanes' points, or of λ times those.
INLINE void look_up(point *q, const point_table *table, vec digit, int is_lambda) {
  uint64_t absolute[LANES];
  vec negative = digit_split(digit, absolute);
  const uint64_t *places[LANES];
  fe entry[3];
  for (int l = 0; l < LANES; l++) places[l] = table->words[l][absolute[l]] + (is_lambda ? FE_LIMBS : 0);
  load_rows((vec *)entry, places, 3 * FE_LIMBS);
  if (is_lambda) q->y = entry[0], q->z = entry[1], q->x = entry[2];
  else q->x = entry[0], q->y = entry[1], q->z = entry[2];
  negate_where(&q->y, negative);
}

// Adds `digit` times a base point; where the digit is 0, nothing.
INLINE void add_base_multiple(point *p, const uint64_t table[][BASE_WORDS], vec digit) {
  uint64_t absolute[LANES];
  vec negative = digit_split(digit, absolute);
  const uint64_t *places[LANES];
  fe entry[2];
  for (int l = 0; l < LANES; l++) places[l] = table[absolute[l] == 0 ? 1 : absolute[l]];
  load_rows((vec *)entry, places, 2 * FE_LIMBS);
  negate_where(&entry[1], negative);
  point sum = *p;
  point_add_affine(&sum, &entry[0], &entry[1]);
  vec is_zero = v_equal(digit, v_zero());
  fe_select(&p->x, is_zero, &sum.x, &p->x);
  fe_select(&p->y, is_zero, &sum.y, &p->y);
  fe_select(&p->z, is_zero, &sum.z, &p->z);
}

// Lane l's points are P, 2 P … LANES · P at first; each step adds LANES · P to all.
static void prepare_base(uint64_t table[][BASE_WORDS], const uint64_t x_words[4], const uint64_t y_words[4]) {
  point p, first, one, stride;
  fe inverse;
  fe_constant(&p.x, x_words);
  fe_constant(&p.y, y_words);
  fe_small(&p.z, 1);
  first = one = p;
  for (int l = 1; l < LANES; l++) {
    if (l == 1) point_double(&p, 1);
    else point_add(&p, &one);
    for (size_t i = 0; i < sizeof(point) / sizeof(vec); i++)
      ((uint64_t *)&((vec *)&first)[i])[l] = ((uint64_t *)&((vec *)&p)[i])[l];
  }
  stride = p;
  p = first;
  for (int row = 1; row <= BASE_MULTIPLES; row += LANES) {
    fe entry[2];
    fe_invert(&inverse, &p.z);
    fe_multiply(&entry[0], &p.x, &inverse);
    fe_multiply(&entry[1], &p.y, &inverse);
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = table[row + l];
    store_rows(places, (const vec *)entry, 2 * FE_LIMBS);
    point_add(&p, &stride);
  }
}

void VECTOR_NAME(vc_secp256k1_prepare)(void) {
  digit_offset(base_offset, 3, BASE_DIGIT_BITS, BASE_DIGITS);
  prepare_base(base_tables[0], base_x, base_y);
  prepare_base(base_tables[1], far_base_x, far_base_y);
}

// MARK: u1 · G + u2 · R

// u2 as k1 + k2 λ, absolute values with the offset that makes digits signed, and where each is negative; u1's
// halves with theirs.
typedef struct {
  vec point_words[2][3], is_negative[2], base_words[2][3];
} lane_scalars;

_Static_assert(BASE_DIGIT_BITS * (BASE_DIGITS - 1) < DIGIT_BITS * (DIGITS - 1), "the first digit is R's");

NOINLINE void double_multiply(point *p, const fe *x, const fe *y, const lane_scalars *s) {
  point_table table;
  table_build(&table, x, y);
  for (int i = DIGITS - 1; i >= 0; i--) {
    int position = DIGIT_BITS * i, above = position + DIGIT_BITS, is_first = i == DIGITS - 1;
    // Where the base points' next digits begin: here, between these digits' places, or later.
    int base_position = (above - 1) / BASE_DIGIT_BITS * BASE_DIGIT_BITS;
    if (base_position >= position) {
      point_double(p, above - base_position);
      for (int half = 0; half < 2; half++) {
        vec digit = scalar_bits(s->base_words[half], 3, base_position, BASE_DIGIT_BITS);
        add_base_multiple(p, base_tables[half], v_sub(digit, v_set(BASE_MULTIPLES)));
      }
      above = base_position;
    }
    if (above > position && !is_first) point_double(p, above - position);
    for (int half = 0; half < 2; half++) {
      point q;
      vec digit = v_sub(scalar_bits(s->point_words[half], 3, position, DIGIT_BITS), v_set(MULTIPLES));
      digit = v_sub(v_xor(digit, s->is_negative[half]), s->is_negative[half]);
      look_up(&q, &table, digit, half);
      if (is_first && half == 0) *p = q;
      else point_add(p, &q);
    }
  }
}

VECTOR_END

#endif
