// The curve y² = x³ + 7 over GF(2^256 − 2^32 − 977), one point a lane, in Jacobian coordinates: x = X/Z², y = Y/Z³.
//
// The formulas are not complete. The group's order is odd, so a doubling has no exception but the point at infinity; an addition
// of affine points has P = ±Q and infinity. Each exception gives Z = 0, and of Z = 0 each formula makes Z = 0 again. So
// where a sum's Z is not zero, no exception was met on the way and the sum is right; where it is zero, nothing is known of it.
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

static const uint64_t root_of_one_squared[4] = {
  0x3ec693d68e6afa40, 0x630fb68aed0a766a, 0x919bb86153cbcb16, 0x851695d49a83f8ef};

// Trimmed.
typedef struct { fe x, y, z; } point;

// n doublings, which give (−2)^n times the point: with A = 6 X², D = −8 Y² and T = X D, X' = A² + 4 T, −Y' = A (X' + 2 T) + D²
// and Z' = 4 Y Z are the usual formulas (dbl-2009-l of the Explicit-Formulas Database) with X, Y and Z times 4, 8 and 2, which is the
// same point. Nothing is subtracted but D. The order of the products is the fastest of some that were measured.
//
// With five limbs, last limbs in units of 2^48 (and less than 2^11 more that their neighbours carry): products 1, A 6, Z' 4, X' 5, X' + 2 T
// 7. So what is carried narrowly may be, and X', Y' and Z' are trimmed; A and X' + 2 T are below 2^259, and D, of which all above 2^256 is
// folded, is anyway. With ten limbs no limb here is above 2^31.
NOINLINE void point_double(point *p, int n) {
  fe x = p->x, y = p->y, z = p->z;
  do {
    fe a, d, t, f, sum;
    fe_square_wide(&a, &x);
    fe_wide_shift(&t, &a, 1);
    fe_wide_add(&a, &t, &a);
    fe_wide_shift(&a, &a, 1);
    fe_carry_narrow(&a, &a);
    fe_square_wide(&d, &y);
    fe_square_wide(&f, &a);
    fe_wide_shift(&d, &d, 3);
    fe_wide_negate(&d, &d, FE_PRODUCT_BITS + 3);
    fe_carry_factor(&d, &d);
    fe_multiply_wide(&t, &x, &d);
    fe_multiply_wide(&z, &y, &z);
    fe_wide_shift(&z, &z, 2);
    fe_carry_narrow(&z, &z);
    fe_wide_shift(&t, &t, 1);
    fe_wide_add(&sum, &t, &t);
    fe_wide_add(&x, &f, &sum);
    fe_wide_add(&sum, &x, &t);
    fe_carry_narrow(&x, &x);
    fe_carry_narrow(&sum, &sum);
    fe_multiply_add_square_wide(&y, &a, &sum, &d);
    fe_carry_narrow(&y, &y);
  } while (--n > 0);
  fe_trim(&x), fe_trim(&y), fe_trim(&z);
  p->x = x, p->y = y, p->z = z;
}

// Adds the affine point (x, y), factors; where `stays` is set, nothing. With a `scale` the point is on the curve itself, and `p`, as
// before, on the isomorphic one where it has the Z of Z · scale.
//   H = x Z² − X, R = Y − y Z³, V = −X H², X' = R² − H³ + 2 V, Y' = R (X' + V) − Y H³, Z' = Z H
// Last limbs as above: H 9, since 8 p is added to it, X' 4, X' + V 5, Z' 1.
INLINE void point_add_any(point *p, const fe *x, const fe *y, vec stays, const fe *scale) {
  fe z = p->z, square, cube, h, r, hh, hhh, v, sum, o;
  if (scale) {
    fe_multiply_wide(&z, &z, scale);
    fe_carry_narrow(&z, &z);
  }
  fe_square_wide(&square, &z);
  fe_carry_narrow(&square, &square);
  fe_multiply_wide(&h, x, &square);
  fe_wide_subtract(&h, &h, &p->x, FE_TRIMMED_BITS);
  fe_carry_narrow(&h, &h);
  fe_multiply_wide(&cube, &z, &square);
  fe_carry_narrow(&cube, &cube);
  fe_multiply_wide(&r, y, &cube);
  fe_wide_subtract(&r, &p->y, &r, FE_PRODUCT_BITS);
  fe_carry_factor(&r, &r);
  fe_square_wide(&hh, &h);
  fe_wide_negate(&hh, &hh, FE_PRODUCT_BITS);
  fe_carry_factor(&hh, &hh);
  fe_multiply_wide(&v, &p->x, &hh);
  fe_multiply_wide(&o, &p->z, &h);
  fe_carry_narrow(&o, &o);
  fe_trim(&o);
  fe_select(&p->z, stays, &o, &p->z);
  fe_multiply_wide(&hhh, &h, &hh);
  fe_square_wide(&sum, &r);
  fe_wide_add(&sum, &sum, &hhh);
  fe_wide_shift(&o, &v, 1);
  fe_wide_add(&o, &sum, &o);
  fe_wide_add(&sum, &o, &v);
  fe_carry_narrow(&sum, &sum);
  fe_carry_narrow(&o, &o);
  fe_trim(&o);
  fe_select(&p->x, stays, &o, &p->x);
  fe_carry_narrow(&hhh, &hhh);
  fe_multiply_two(&o, &r, &sum, &p->y, &hhh);
  fe_select(&p->y, stays, &o, &p->y);
}
NOINLINE void point_add(point *p, const fe *x, const fe *y, vec stays) { point_add_any(p, x, y, stays, 0); }
NOINLINE void point_add_scaled(point *p, const fe *x, const fe *y, vec stays, const fe *scale) {
  point_add_any(p, x, y, stays, scale);
}

// The factor −y where the mask is set.
INLINE void negate_where(fe *y, vec mask) {
  fe negative;
  fe_wide_negate(&negative, y, 2);
  fe_carry_narrow(&negative, &negative);
  fe_select(y, mask, y, &negative);
}

// MARK: Digits
//
// A scalar k1 + k2 λ is a number of Z[ω], ω² + ω + 1 = 0. Its digits to the base 8 are residues modulo 8 of which
// each stands for the multiple by one of the six units ±1, ±ω, ±ω² of one of eleven numbers, or for zero: that is what a
// table of eleven points is enough for, since a unit's multiple of a point costs nothing but an x times β or β².

enum {
  DIGIT_BITS = 3,
  // Low digits of a scalar; what is left above them is the highest one, of both signs.
  DIGITS = 42,
  MULTIPLES = 11,
  // x, y of a point, of its multiple by ω and of that by ω².
  ENTRY_WORDS = 6 * FE_LIMBS,
  BASE_DIGIT_BITS = 13,
  BASE_DIGITS = 128 / BASE_DIGIT_BITS + 1,
  BASE_MULTIPLES = 1 << (BASE_DIGIT_BITS - 1),
};

// Each multiple is the one before plus a unit: ω^power, or −ω^power. Norms are 1, 4, 9, 16, 13, 7, 3, 7, 13, 19 and 12.
static const struct { int power, is_negative; } table_steps[MULTIPLES - 1] = {
  {0, 0}, {0, 0}, {0, 0}, {1, 0}, {0, 1}, {0, 1}, {2, 1}, {2, 1}, {0, 0}, {2, 0}};

// A digit: where a table has its multiple, in words, from bit 8 on; whether it is negative, bit 63; whether it is zero, bit 62. Bits 6
// and 7 are what it carries to the next digits of k1 and k2.
static uint64_t digit_of[4][8][8];
// The highest digit, k1 and k2 in [−4, 4].
static uint64_t highest_digit[9][9];

static void prepare_digits(void) {
  int multiples[MULTIPLES][2] = {{1, 0}};
  for (int i = 0; i + 1 < MULTIPLES; i++) {
    static const int powers[3][2] = {{1, 0}, {0, 1}, {-1, -1}};
    int sign = table_steps[i].is_negative ? -1 : 1;
    for (int half = 0; half < 2; half++)
      multiples[i + 1][half] = multiples[i][half] + sign * powers[table_steps[i].power][half];
  }
  uint64_t zero = 1ULL << 62;
  for (int carries = 0; carries < 4; carries++)
    for (int both = 0; both < 64; both++) {
      int k1 = (both & 7) + (carries & 1), k2 = (both >> 3) + (carries >> 1);
      if (k1 % 8 == 0 && k2 % 8 == 0)
        digit_of[carries][both >> 3][both & 7] = zero | (uint64_t)(k1 / 8) << 6 | (uint64_t)(k2 / 8) << 7;
    }
  for (int i = 0; i < 81; i++) highest_digit[i / 9][i % 9] = zero;
  for (int i = MULTIPLES - 1; i >= 0; i--) {
    int a = multiples[i][0], b = multiples[i][1];
    for (int unit = 0; unit < 6; unit++) {
      // The table begins with the last multiple.
      uint64_t digit = (uint64_t)(ENTRY_WORDS * (MULTIPLES - 1 - i) + 2 * FE_LIMBS * (unit % 3)) << 8;
      if (unit >= 3) digit |= 1ULL << 63;
      if (a >= -4 && a <= 4 && b >= -4 && b <= 4) highest_digit[b + 4][a + 4] = digit;
      for (int carries = 0; carries < 4; carries++)
        for (int both = 0; both < 64; both++) {
          int k1 = (both & 7) + (carries & 1) - a, k2 = (both >> 3) + (carries >> 1) - b;
          if (k1 % 8 == 0 && k2 % 8 == 0)
            digit_of[carries][both >> 3][both & 7] = digit | (uint64_t)(k1 / 8) << 6 | (uint64_t)(k2 / 8) << 7;
        }
      // (a + b ω) ω = −b + (a − b) ω; after three of them, the negatives.
      int next = a - b;
      a = -b, b = next;
      if (unit == 2) a = -a, b = -b;
    }
  }
}

// The digits of k1 + k2 λ of lane `l`.
INLINE void scalar_digits(uint64_t digits[DIGITS + 1][LANES], int l, const uint64_t parts[2][3]) {
  const uint64_t *flat = &digit_of[0][0][0];
  uint64_t digit = 0;
  for (int half = 0; half < 2; half++) {
    uint64_t k1 = parts[0][half] << half, k2 = parts[1][half] << half;
    if (half) k1 |= parts[0][0] >> 63, k2 |= parts[1][0] >> 63;
    for (int i = 0; i < DIGITS / 2; i++) {
      digit = flat[(digit & 0xc0) | (k2 & 7) << 3 | (k1 & 7)];
      digits[DIGITS / 2 * half + i][l] = digit;
      k1 >>= 3, k2 >>= 3;
    }
  }
  // 2^126 is what is left's unit.
  int64_t k1 = (int64_t)(parts[0][1] >> 62 | parts[0][2] << 2), k2 = (int64_t)(parts[1][1] >> 62 | parts[1][2] << 2);
  digits[DIGITS][l] = highest_digit[k2 + 4 + (int64_t)(digit >> 7 & 1)][k1 + 4 + (int64_t)(digit >> 6 & 1)];
}

// MARK: Tables

// The multiples of each lane's point, the last one first, and room to read it by whole vectors.
typedef struct { uint64_t words[LANES][ROWS(MULTIPLES * ENTRY_WORDS + LANES)]; } point_table;
// 1 to 4096 times the base point and 2^128 times it, affine: x and y in four words each; and what makes the digits of scalars
// signed. All are computed by `VECTOR_NAME(vc_secp256k1_prepare)`.
static uint64_t base_tables[2][BASE_MULTIPLES][8] __attribute__((aligned(64)));
static uint64_t base_offset[3];

// All multiples get the Z of the last one, `scale`, which is to say that they are affine on an isomorphic curve, y² = x³ + 7 scale^6,
// for which the formulas are the same. Until then each has the Z of the one before times its ratio, and so has the
// point that is added, as often as it is (Meloni, New point addition formulae for ECC applications). No addition meets ±1 times the other
// point, or infinity.
NOINLINE void table_build(point_table *table, fe *scale, const fe *x, const fe *y) {
  fe xs[MULTIPLES], ys[MULTIPLES], ratios[MULTIPLES], beta[2], one_x, one_y;
  fe_constant(&beta[0], root_of_one);
  fe_constant(&beta[1], root_of_one_squared);
  xs[0] = *x, ys[0] = *y;
  {
    // Twice the point, and the point with the same Z, 2 y: M = 3 x², X = M² − 2 S, Y = M (S − X) − 8 y⁴.
    fe m, yy, s, eight, t;
    fe_square_wide(&m, x);
    fe_wide_shift(&t, &m, 1);
    fe_wide_add(&m, &m, &t);
    fe_carry(&m, &m);
    fe_square_wide(&yy, y);
    fe_wide_shift(&yy, &yy, 1);
    fe_carry(&yy, &yy);
    fe_multiply_wide(&s, x, &yy);
    fe_wide_shift(&s, &s, 1);
    fe_carry(&one_x, &s);
    fe_square_wide(&eight, &yy);
    fe_wide_shift(&eight, &eight, 1);
    fe_carry(&one_y, &eight);
    fe_square(&xs[1], &m);
    fe_wide_add(&t, &one_x, &one_x);
    fe_wide_subtract(&t, &xs[1], &t, 3);
    fe_carry(&xs[1], &t);
    fe_subtract(&t, &one_x, &xs[1]);
    fe_multiply(&t, &m, &t);
    fe_subtract(&ys[1], &t, &one_y);
    fe_add(&ratios[1], y, y);
  }
  for (int i = 2; i < MULTIPLES; i++) {
    // C = (X1 − X2)², W1 = X1 C, W2 = X2 C, A = Y1 (W1 − W2), X = (Y1 − Y2)² − W1 − W2, Y = (Y1 − Y2) (W1 − X) − A.
    fe c, w, difference, zero, t;
    int turn = (table_steps[i - 1].power + 3 - table_steps[i - 2].power) % 3;
    if (turn) fe_multiply(&one_x, &one_x, &beta[turn - 1]);
    if (table_steps[i - 1].is_negative != table_steps[i - 2].is_negative) {
      fe_small(&zero, 0);
      fe_subtract(&one_y, &zero, &one_y);
    }
    fe_subtract(&ratios[i], &one_x, &xs[i - 1]);
    fe_square(&c, &ratios[i]);
    fe_subtract(&difference, &one_y, &ys[i - 1]);
    fe_multiply(&w, &xs[i - 1], &c);
    fe_multiply(&one_x, &one_x, &c);
    fe_square(&xs[i], &difference);
    fe_subtract(&t, &one_x, &w);
    fe_multiply(&one_y, &one_y, &t);
    fe_wide_add(&w, &one_x, &w);
    // w is a sum of two products, whose last limbs are below 2^48 + 2^5: 4 p has more in every limb.
    fe_wide_subtract(&t, &xs[i], &w, 2);
    fe_carry(&xs[i], &t);
    fe_subtract(&t, &one_x, &xs[i]);
    fe_multiply(&t, &difference, &t);
    fe_subtract(&ys[i], &t, &one_y);
  }
  for (int i = MULTIPLES - 1; i >= 0; i--) {
    fe entry[6], t;
    if (i == MULTIPLES - 1) {
      entry[0] = xs[i], entry[1] = ys[i];
    } else {
      fe square, cube;
      if (i == MULTIPLES - 2) *scale = ratios[i + 1];
      else fe_multiply(scale, scale, &ratios[i + 1]);
      fe_square(&square, scale);
      fe_multiply(&entry[0], &xs[i], &square);
      fe_multiply(&cube, &square, scale);
      fe_multiply(&entry[1], &ys[i], &cube);
    }
    fe_multiply(&entry[2], &entry[0], &beta[0]);
    fe_wide_add(&t, &entry[0], &entry[2]);
    fe_wide_negate(&t, &t, 3);
    fe_carry(&entry[4], &t);
    entry[3] = entry[5] = entry[1];
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = table->words[l] + ENTRY_WORDS * (MULTIPLES - 1 - i);
    store_rows(places, (const vec *)entry, 6 * FE_LIMBS);
  }
}

// The point of `digits`, or its negative, and where there is none; there it is some other.
INLINE vec look_up(fe point[2], const point_table *table, const uint64_t digits[LANES], int is_negative) {
  const uint64_t *places[LANES];
  for (int l = 0; l < LANES; l++) places[l] = table->words[l] + (digits[l] >> 8 & 0xfff);
  load_rows((vec *)point, places, 2 * FE_LIMBS);
  vec digit = v_load(digits), sign = v_sub(v_zero(), v_shr(digit, 63));
  negate_where(&point[1], is_negative ? v_xor(sign, v_set(~0ULL)) : sign);
  return v_sub(v_zero(), v_and(v_shr(digit, 62), v_set(1)));
}

// Digits of u1's halves, and where the tables have their absolute values.
typedef struct {
  vec digit;
  const uint64_t *places[LANES];
} base_digit;

INLINE void base_digit_find(base_digit *o, const uint64_t table[][8], vec digit) {
  uint64_t absolute[LANES];
  (void)digit_split(digit, absolute);
  o->digit = digit;
  for (int l = 0; l < LANES; l++) {
    o->places[l] = table[absolute[l] == 0 ? 0 : absolute[l] - 1];
    __builtin_prefetch(o->places[l], 0, 2);
  }
}

// Adds a multiple of a base point, or takes it away.
INLINE void add_base_multiple(point *p, const base_digit *digit, int is_negative, const fe *scale) {
  vec words[8], sign = v_sub(v_zero(), v_shr(digit->digit, 63));
  fe x, y;
  load_rows(words, digit->places, 8);
  fe_from_words(&x, words);
  fe_from_words(&y, words + 4);
  negate_where(&y, is_negative ? v_xor(sign, v_set(~0ULL)) : sign);
  point_add_scaled(p, &x, &y, v_equal(digit->digit, v_zero()), scale);
}

// The sum of affine points of which none is the other's negative or infinity, nor the other itself, or twice one point. It takes an
// inversion; the tables of the base point are made so.
static void affine_add(fe *x, fe *y, const fe *other_x, const fe *other_y, int doubles) {
  fe slope, divisor, t;
  if (doubles) {
    fe_square(&slope, x);
    fe_wide_shift(&t, &slope, 1);
    fe_add(&slope, &slope, &t);
    fe_add(&divisor, y, y);
  } else {
    fe_subtract(&slope, other_y, y);
    fe_subtract(&divisor, other_x, x);
  }
  fe_invert(&divisor, &divisor);
  fe_multiply(&slope, &slope, &divisor);
  fe_square(&t, &slope);
  fe_subtract(&t, &t, x);
  fe_subtract(&t, &t, other_x);
  fe_subtract(x, x, &t);
  fe_multiply(&slope, &slope, x);
  *x = t;
  fe_subtract(y, &slope, y);
}

// Row k has LANES k + 1 to LANES (k + 1) times the point. The first two are made one after the other, the others from those before
// by adding LANES times the point.
static void prepare_base(uint64_t table[][8], const uint64_t x_words[4], const uint64_t y_words[4]) {
  fe one[2], multiple[2], rows[2][2], stride[2];
  fe_constant(&one[0], x_words);
  fe_constant(&one[1], y_words);
  for (int i = 0; i < 2 * LANES; i++) {
    if (i == 0) multiple[0] = one[0], multiple[1] = one[1];
    else affine_add(&multiple[0], &multiple[1], &one[0], &one[1], i == 1);
    if (i == LANES - 1) stride[0] = multiple[0], stride[1] = multiple[1];
    for (size_t word = 0; word < sizeof multiple / (sizeof(vec)); word++)
      ((uint64_t *)&((vec *)rows[i / LANES])[word])[i % LANES] = ((uint64_t *)&((vec *)multiple)[word])[0];
  }
  for (int row = 0; row < BASE_MULTIPLES / LANES; row++) {
    fe *at = rows[row == 0 ? 0 : 1];
    if (row > 1) affine_add(&at[0], &at[1], &stride[0], &stride[1], 0);
    vec words[8];
    for (int i = 0; i < 2; i++) {
      fe canonical;
      fe_canonical(&canonical, &at[i]);
      fe_to_words(words + 4 * i, &canonical);
    }
    uint64_t *places[LANES];
    for (int l = 0; l < LANES; l++) places[l] = table[LANES * row + l];
    store_rows(places, words, 8);
  }
}

void VECTOR_NAME(vc_secp256k1_prepare)(void) {
  prepare_digits();
  digit_offset(base_offset, 3, BASE_DIGIT_BITS, BASE_DIGITS);
  prepare_base(base_tables[0], base_x, base_y);
  prepare_base(base_tables[1], far_base_x, far_base_y);
}

// MARK: u1 · G + u2 · R

// u2's digits, and u1's halves with the offset that makes their digits signed.
typedef struct {
  uint64_t digits[DIGITS + 1][LANES];
  vec base_words[2][3];
} lane_scalars;

// Digits after the highest that may find no point yet; a lane that has none after them keeps Z = 0, one in 65,536.
enum { FIRST_WINDOWS = 2 };
_Static_assert(BASE_DIGIT_BITS * (BASE_DIGITS - 1) <= DIGIT_BITS * (DIGITS - FIRST_WINDOWS), "the first digits are R's");
_Static_assert(DIGITS % 2 == 0 && DIGIT_BITS * DIGITS % 2 == 0, "the first digit is added as it is");

// The sum, where its Z is not zero (see the top of the file).
NOINLINE void double_multiply(point *p, const fe *x, const fe *y, const lane_scalars *s) {
  point_table table;
  fe scale, q[2], one;
  base_digit base_digits[BASE_DIGITS][2];
  for (int i = BASE_DIGITS - 1; i >= 0; i--)
    for (int half = 0; half < 2; half++) {
      vec digit = scalar_bits(s->base_words[half], 3, BASE_DIGIT_BITS * i, BASE_DIGIT_BITS);
      base_digit_find(&base_digits[i][half], (const uint64_t(*)[8])base_tables[half], v_sub(digit, v_set(BASE_MULTIPLES)));
    }
  fe_small(&one, 1);
  table_build(&table, &scale, x, y);
  // The sum is (−1)^position times what it will be, since each doubling changes its sign.
  vec is_zero = look_up(q, &table, s->digits[DIGITS], 0);
  p->x = q[0], p->y = q[1];
  fe_trim(&p->y);
  fe_small(&p->z, 0);
  fe_select(&p->z, is_zero, &one, &p->z);
  vec is_infinity = is_zero;
  for (int i = DIGITS - 1; i >= 0; i--) {
    int position = DIGIT_BITS * i, above = position + DIGIT_BITS;
    // Where the base points' next digits begin: here, between these digits' places, or later.
    int base_position = (above - 1) / BASE_DIGIT_BITS * BASE_DIGIT_BITS;
    if (base_position >= position) {
      point_double(p, above - base_position);
      for (int half = 0; half < 2; half++)
        add_base_multiple(p, &base_digits[base_position / BASE_DIGIT_BITS][half], base_position % 2, &scale);
      above = base_position;
    }
    if (above > position) point_double(p, above - position);
    is_zero = look_up(q, &table, s->digits[i], position % 2);
    point_add(p, &q[0], &q[1], is_zero);
    if (i >= DIGITS - FIRST_WINDOWS) {
      fe_trim(&q[1]);
      vec begins = v_and(is_infinity, v_xor(is_zero, v_set(~0ULL)));
      fe_select(&p->x, begins, &p->x, &q[0]);
      fe_select(&p->y, begins, &p->y, &q[1]);
      fe_select(&p->z, begins, &p->z, &one);
      is_infinity = v_and(is_infinity, is_zero);
    }
  }
  fe_multiply(&p->z, &p->z, &scale);
}

VECTOR_END

#endif
