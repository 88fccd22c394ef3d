// The curve −x² + y² = 1 + d x² y² over GF(2^255 − 19), one point a lane, in extended coordinates (Hisil,
// Wong, Carter, Dawson, Twisted Edwards Curves Revisited, https://eprint.iacr.org/2008/522, sections 3.1 and
// 3.3). The formulas are complete on this curve: no pair of points is an exception, so lanes never part ways
// and Z is never zero.
#ifndef ESTUARY_EDWARDS25519_H
#define ESTUARY_EDWARDS25519_H

#include "tables.h"

VECTOR_BEGIN

static const uint64_t edwards_d[4] = {
  0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73};
static const uint64_t edwards_2d[4] = {
  0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7};
static const uint64_t root_of_minus_one[4] = {
  0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b};
static const uint64_t base_x[4] = {
  0xc9562d608f25d51a, 0x692cc7609525a7b2, 0xc0a4e231fdd6dc5c, 0x216936d3cd6e53fe};
static const uint64_t base_y[4] = {
  0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666};
// The y of the points of small order, canonical: orders 4, 1, 8, 8 and 2 (RFC 7748's curve has cofactor 8).
static const uint64_t small_order_y[5][4] = {
  {0, 0, 0, 0},
  {1, 0, 0, 0},
  {0xb027b2c28f95e826, 0xf098eff289f4c345, 0x3933c6d305acdfd5, 0x05fc536d880238b1},
  {0x4fd84d3d706a17c7, 0x0f67100d760b3cba, 0xc6cc392cfa53202a, 0x7a03ac9277fdc74e},
  {0xffffffffffffffec, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff},
};

// A point whose T = X Y / Z is E · H, a product that is left undone until an addition wants it. All reduced.
typedef struct { fe x, y, z, e, h; } point;
// What an addition reads of its second operand: Y + X, Y − X, 2 Z and 2 d T; operands.
typedef struct { fe sum, difference, twice_z, twice_dt; } cached_point;

// n doublings. Products come in the order in which each has most of the others between it and what it waits for.
NOINLINE void point_double(point *p, int n) {
  fe x = p->x, y = p->y, z = p->z, e, f, g, h;
  do {
    fe xx, yy, zz, sum, square;
    fe_add(&sum, &x, &y);
    fe_square_raised(&yy, &y);
    fe_square_wide(&xx, &x);
    fe_wide_add(&h, &xx, &yy);
    fe_reduce(&h, &h);
    fe_raised_subtract(&g, &yy, &xx);
    fe_reduce(&g, &g);
    fe_square_raised(&square, &sum);
    fe_raised_subtract(&e, &square, &h);
    fe_reduce(&e, &e);
    fe_square_raised(&zz, &z);
    fe_wide_add(&zz, &zz, &zz);
    fe_raised_subtract(&f, &zz, &g);
    fe_reduce(&f, &f);
    fe_multiply(&y, &g, &h);
    fe_multiply(&x, &e, &f);
    fe_multiply(&z, &f, &g);
  } while (--n > 0);
  p->x = x, p->y = y, p->z = z, p->e = e, p->h = h;
}

INLINE void point_add_any(point *p, const cached_point *q, int is_affine) {
  fe difference, sum, t, a, b, c, d, e, f, g, h;
  fe_subtract(&difference, &p->y, &p->x);
  fe_add(&sum, &p->y, &p->x);
  fe_multiply(&t, &p->e, &p->h);
  fe_multiply_wide(&a, &difference, &q->difference);
  fe_multiply_raised(&b, &sum, &q->sum);
  fe_multiply_wide(&c, &t, &q->twice_dt);
  if (is_affine) {
    fe_wide_add(&d, &p->z, &p->z);
    fe_wide_subtract(&f, &d, &c);
  } else {
    fe_multiply_raised(&d, &p->z, &q->twice_z);
    fe_raised_subtract(&f, &d, &c);
  }
  fe_raised_subtract(&e, &b, &a);
  fe_wide_add(&h, &b, &a);
  fe_wide_add(&g, &d, &c);
  fe_reduce(&p->e, &e);
  fe_reduce(&p->h, &h);
  fe_reduce(&f, &f);
  fe_reduce(&g, &g);
  fe_multiply(&p->x, &p->e, &f);
  fe_multiply(&p->y, &g, &p->h);
  fe_multiply(&p->z, &f, &g);
}
NOINLINE void point_add(point *p, const cached_point *q) { point_add_any(p, q, 0); }
// Where q's Z is 1: its `twice_z` is not read.
NOINLINE void point_add_affine(point *p, const cached_point *q) { point_add_any(p, q, 1); }

INLINE void point_identity(point *p) {
  fe_small(&p->x, 0);
  fe_small(&p->y, 1);
  fe_small(&p->z, 1);
  fe_small(&p->e, 0);
  fe_small(&p->h, 1);
}
// From affine coordinates, reduced.
INLINE void point_from_affine(point *p, const fe *x, const fe *y) {
  p->x = p->e = *x, p->y = p->h = *y;
  fe_small(&p->z, 1);
}

INLINE void point_cache(cached_point *c, const point *p) {
  fe twice_d, t;
  fe_constant(&twice_d, edwards_2d);
  fe_multiply(&t, &p->e, &p->h);
  fe_multiply(&c->twice_dt, &t, &twice_d);
  fe_add(&c->sum, &p->y, &p->x);
  fe_subtract(&c->difference, &p->y, &p->x);
  fe_add(&c->twice_z, &p->z, &p->z);
}

// The negative where the mask is set; `twice_dt` must be reduced, as in a table.
INLINE void cached_negate(cached_point *c, vec mask) {
  fe sum, negative;
  fe_select(&sum, mask, &c->sum, &c->difference);
  fe_select(&c->difference, mask, &c->difference, &c->sum);
  c->sum = sum;
  fe_negate(&negative, &c->twice_dt);
  fe_select(&c->twice_dt, mask, &c->twice_dt, &negative);
}

// MARK: Tables

enum {
  A_DIGIT_BITS = 5,
  A_DIGITS = 51,
  A_MULTIPLES = 16,
  A_WORDS = ROWS(4 * FE_LIMBS),
  BASE_DIGIT_BITS = BASE_DIGIT_BITS_FOR(FE_LIMBS, 13),
  BASE_DIGITS = 253 / BASE_DIGIT_BITS + 1,
  BASE_MULTIPLES = 1 << (BASE_DIGIT_BITS - 1),
  BASE_WORDS = ROWS(3 * FE_LIMBS),
};

// 0 to 16 times each lane's point.
typedef struct { uint64_t words[LANES][A_MULTIPLES + 1][A_WORDS]; } point_table;
// 0 to 4096 times the base point (512 with ten limbs), affine: Y + X, Y − X and 2 d X Y; and what makes the digits of
// scalars signed. Both are computed by `VECTOR_NAME(vc_ed25519_prepare)`.
static uint64_t base_table[BASE_MULTIPLES + 1][BASE_WORDS] __attribute__((aligned(64)));
static uint64_t base_offset[5];

NOINLINE void table_build(point_table *table, const fe *x, const fe *y) {
  point p;
  cached_point entry, one;
  point_from_affine(&p, x, y);
  for (int multiple = 0; multiple <= A_MULTIPLES; multiple++) {
    if (multiple == 0) {
      fe_small(&entry.sum, 1);
      fe_small(&entry.difference, 1);
      fe_small(&entry.twice_z, 2);
      fe_small(&entry.twice_dt, 0);
    } else {
      if (multiple == 2) point_double(&p, 1);
      if (multiple > 2) point_add(&p, &one);
      point_cache(&entry, &p);
      if (multiple == 1) one = entry;
    }
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = table->words[l][multiple];
    store_rows(places, (const vec *)&entry, 4 * FE_LIMBS);
  }
}

INLINE void table_look_up(cached_point *c, const point_table *table, vec digit) {
  uint64_t absolute[LANES];
  vec negative = digit_split(digit, absolute);
  const uint64_t *places[LANES];
  for (int l = 0; l < LANES; l++) places[l] = table->words[l][absolute[l]];
  load_rows((vec *)c, places, 4 * FE_LIMBS);
  cached_negate(c, negative);
}

INLINE void base_look_up(cached_point *c, vec digit) {
  uint64_t absolute[LANES];
  vec negative = digit_split(digit, absolute);
  const uint64_t *places[LANES];
  for (int l = 0; l < LANES; l++) places[l] = base_table[absolute[l]];
  fe entry[3];
  load_rows((vec *)entry, places, 3 * FE_LIMBS);
  c->sum = entry[0], c->difference = entry[1], c->twice_dt = entry[2];
  cached_negate(c, negative);
}

// Lane l's points are B, 2 B … LANES · B at first; each step adds LANES · B to all.
void VECTOR_NAME(vc_ed25519_prepare)(void) {
  point p;
  cached_point one, stride;
  fe x, y, lanes[2];
  digit_offset(base_offset, 5, BASE_DIGIT_BITS, BASE_DIGITS);
  fe_constant(&x, base_x);
  fe_constant(&y, base_y);
  point_from_affine(&p, &x, &y);
  point_cache(&one, &p);
  fe first_x = x, first_y = y, z;
  for (int l = 1; l < LANES; l++) {
    point_add(&p, &one);
    fe inverse;
    fe_invert(&inverse, &p.z);
    fe_multiply(&lanes[0], &p.x, &inverse);
    fe_multiply(&lanes[1], &p.y, &inverse);
    for (int i = 0; i < FE_LIMBS; i++) {
      ((uint64_t *)&first_x.v[i])[l] = ((uint64_t *)&lanes[0].v[i])[l];
      ((uint64_t *)&first_y.v[i])[l] = ((uint64_t *)&lanes[1].v[i])[l];
    }
  }
  point_cache(&stride, &p);  // LANES · B
  point_from_affine(&p, &first_x, &first_y);
  fe_constant(&z, edwards_2d);
  for (int limb = 0; limb < FE_LIMBS; limb++)
    for (int part = 0; part < 2; part++) base_table[0][part * FE_LIMBS + limb] = limb == 0;
  for (int row = 1; row <= BASE_MULTIPLES; row += LANES) {
    fe inverse, entry[3], product;
    fe_invert(&inverse, &p.z);
    fe_multiply(&x, &p.x, &inverse);
    fe_multiply(&y, &p.y, &inverse);
    fe_add(&entry[0], &y, &x);
    fe_subtract(&entry[1], &y, &x);
    fe_multiply(&product, &x, &y);
    fe_multiply(&entry[2], &product, &z);
    for (int part = 0; part < 3; part++) fe_canonical(&entry[part], &entry[part]);
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = base_table[row + l];
    store_rows(places, (const vec *)entry, 3 * FE_LIMBS);
    point_add(&p, &stride);
  }
}

// MARK: k · A + s · B
//
// Scalars come as words to which the offset has been added that makes their digits signed.

NOINLINE void double_multiply(
  point *p, const fe *x, const fe *y, const vec a_scalar[4], const vec base_scalar[5]) {
  point_table table;
  table_build(&table, x, y);
  point_identity(p);
  for (int i = A_DIGITS - 1; i >= 0; i--) {
    cached_point c;
    int position = A_DIGIT_BITS * i, above = position + A_DIGIT_BITS;
    // Where the base point's next digit begins: here, between this digit's places, or later.
    int base_position = (above - 1) / BASE_DIGIT_BITS * BASE_DIGIT_BITS;
    if (base_position >= position) {
      if (i != A_DIGITS - 1) point_double(p, above - base_position);
      base_look_up(
        &c, v_sub(scalar_bits(base_scalar, 5, base_position, BASE_DIGIT_BITS), v_set(BASE_MULTIPLES)));
      point_add_affine(p, &c);
      above = base_position;
    }
    if (above > position && (i != A_DIGITS - 1 || above == base_position)) point_double(p, above - position);
    table_look_up(&c, &table, v_sub(scalar_bits(a_scalar, 4, position, A_DIGIT_BITS), v_set(A_MULTIPLES)));
    point_add(p, &c);
  }
}

VECTOR_END

#endif
