// Recovery of secp256k1 public keys from ECDSA signatures (SEC 1 version 2, section 4.1.6), one signature a
// lane, each with the result that libsecp256k1 gives of it alone: r and s in [1, n), s high or low, the
// recovery id in [0, 4) (bit 0 the parity of R's y, bit 1 that R's x is r + n).
//
//   Q = (s R − z G) / r
// Where a sum met a case that the curve's formulas do not cover, the verdict says so.
//
// A pass takes several vectors; all its signatures share one inversion modulo n and one modulo p, of numbers that are not
// zero, and two vectors an exponentiation, whose steps wait for each other.

#include <string.h>

#include "include/CVectorCrypto.h"
//
#include "field256k1.h"
//
#include "lane_inverse.h"
//
#include "curve256k1.h"
//
#include "scalar256k1.h"

VECTOR_BEGIN

enum { PASS_VECTORS = 8, PASS_COUNT = PASS_VECTORS * LANES };

// What is known of a signature before any point is.
typedef struct {
  uint64_t r[4], s[4], z[4], x[4], inverse[4];
  int is_good;
} recovery;

static void load_big_endian(uint64_t words[4], const uint8_t *bytes) {
  for (int i = 0; i < 4; i++) {
    memcpy(&words[3 - i], bytes + 8 * i, 8);
    words[3 - i] = __builtin_bswap64(words[3 - i]);
  }
}

// Reads a signature; where it cannot be one, r and s of another that can.
static void recovery_read(recovery *o, const vc_secp256k1_item *item) {
  static const uint64_t one[4] = {1, 0, 0, 0};
  load_big_endian(o->r, item->signature);
  load_big_endian(o->s, item->signature + 32);
  load_big_endian(o->z, item->hash);
  scalar_reduce_once(o->z);
  o->is_good = item->recovery_id < 4 && scalar_is_below(o->r, order) && scalar_is_below(o->s, order)
    && !scalar_is_zero(o->r) && !scalar_is_zero(o->s);
  if (!o->is_good) {
    memcpy(o->r, one, sizeof one);
    memcpy(o->s, one, sizeof one);
  }
  memcpy(o->x, o->r, sizeof o->x);
  if (item->recovery_id & 2) {
    if (scalar_is_below(o->r, field_excess)) {
      scalar_wide sum = 0;
      for (int i = 0; i < 4; i++) {
        sum += (scalar_wide)o->r[i] + order[i];
        o->x[i] = (uint64_t)sum;
        sum >>= 64;
      }
    } else {
      o->is_good = 0;
    }
  }
}

// 1/r of all (Montgomery's trick); no r is zero.
static void recovery_invert(recovery *all, int count) {
  uint64_t before[PASS_COUNT][4], inverse[4];
  memcpy(before[0], all[0].r, 32);
  for (int i = 1; i < count; i++) scalar_multiply(before[i], before[i - 1], all[i].r);
  inverse_modulo(inverse, before[count - 1], order);
  for (int i = count - 1; i > 0; i--) {
    scalar_multiply(all[i].inverse, inverse, before[i - 1]);
    scalar_multiply(inverse, inverse, all[i].r);
  }
  memcpy(all[0].inverse, inverse, 32);
}

static void recovery_scalars(lane_scalars *o, const recovery lanes[LANES]) {
  uint64_t base_words[2][3][LANES];
  for (int l = 0; l < LANES; l++) {
    uint64_t u1[4], u2[4], parts[2][3], words[3];
    scalar_multiply(u2, lanes[l].s, lanes[l].inverse);
    scalar_multiply(u1, lanes[l].z, lanes[l].inverse);
    scalar_negate(u1, u1);
    scalar_split(parts, u2);
    scalar_digits(o->digits, l, parts);
    for (int half = 0; half < 2; half++) {
      scalar_offset(words, u1 + 2 * half, base_offset);
      for (int i = 0; i < 3; i++) base_words[half][i][l] = words[i];
    }
  }
  for (int half = 0; half < 2; half++)
    for (int i = 0; i < 3; i++) o->base_words[half][i] = v_load(base_words[half][i]);
}

// R of each lane of one or two vectors, and where there is one; other lanes go on with the base point.
NOINLINE void decode_points(
  fe *x, fe *y, vec *is_good, const recovery *lanes, const vc_secp256k1_item *items, int elements) {
  fe cube[2], square, other, seven;
  fe_small(&seven, 7);
  for (int k = 0; k < elements; k++) {
    uint64_t words[4][LANES];
    vec x_words[4];
    for (int l = 0; l < LANES; l++)
      for (int i = 0; i < 4; i++) words[i][l] = lanes[k * LANES + l].x[i];
    for (int i = 0; i < 4; i++) x_words[i] = v_load(words[i]);
    fe_from_words(&x[k], x_words);
    fe_square(&cube[k], &x[k]);
    fe_multiply(&cube[k], &cube[k], &x[k]);
    fe_add(&cube[k], &cube[k], &seven);
  }
  fe_root(y, cube, elements);
  for (int k = 0; k < elements; k++) {
    uint64_t parity[LANES], good[LANES];
    for (int l = 0; l < LANES; l++) {
      parity[l] = items[k * LANES + l].recovery_id & 1;
      good[l] = lanes[k * LANES + l].is_good ? ~0ULL : 0;
    }
    fe_square(&square, &y[k]);
    fe_subtract(&square, &square, &cube[k]);
    vec is_point = fe_is_zero(&square);
    fe_canonical(&y[k], &y[k]);
    fe_small(&other, 0);
    fe_subtract(&other, &other, &y[k]);
    fe_select(&y[k], v_equal(v_and(y[k].v[0], v_set(1)), v_load(parity)), &other, &y[k]);
    fe_constant(&other, base_x);
    fe_select(&x[k], is_point, &other, &x[k]);
    fe_constant(&other, base_y);
    fe_select(&y[k], is_point, &other, &y[k]);
    is_good[k] = v_and(is_point, v_load(good));
  }
}

static void store_big_endian(uint8_t *const places[LANES], const fe *a) {
  fe x;
  vec words[4];
  fe_canonical(&x, a);
  fe_to_words(words, &x);
  for (int i = 0; i < 4; i++) {
    uint64_t lanes[LANES];
    v_store(lanes, words[i]);
    for (int l = 0; l < LANES; l++) {
      uint64_t word = __builtin_bswap64(lanes[l]);
      memcpy(places[l] + 8 * (3 - i), &word, 8);
    }
  }
}

// `vectors` vectors of signatures, 1 to 8.
static void recover_pass(const vc_secp256k1_item *items, int vectors, uint8_t *keys, uint8_t *verdicts) {
  recovery all[PASS_COUNT];
  point sums[PASS_VECTORS];
  fe x[PASS_VECTORS], y[PASS_VECTORS], before[PASS_VECTORS], inverse, one;
  vec is_good[PASS_VECTORS], is_unknown[PASS_VECTORS];
  for (int i = 0; i < vectors * LANES; i++) recovery_read(&all[i], &items[i]);
  recovery_invert(all, vectors * LANES);
  fe_small(&one, 1);
  for (int g = 0; g < vectors; g += 2)
    decode_points(x + g, y + g, is_good + g, all + g * LANES, items + g * LANES, vectors - g > 1 ? 2 : 1);
  for (int g = 0; g < vectors; g++) {
    lane_scalars scalars;
    recovery_scalars(&scalars, all + g * LANES);
    double_multiply(&sums[g], &x[g], &y[g], &scalars);
    vec is_zero = fe_is_zero(&sums[g].z);
    is_unknown[g] = v_and(is_good[g], is_zero);
    fe_select(&sums[g].z, is_zero, &sums[g].z, &one);
    if (g == 0) before[0] = sums[0].z;
    else fe_multiply(&before[g], &before[g - 1], &sums[g].z);
  }
  fe_invert(&inverse, &before[vectors - 1]);
  for (int g = vectors - 1; g >= 0; g--) {
    fe own = inverse, square, affine;
    uint8_t *places[LANES];
    if (g > 0) {
      fe_multiply(&own, &inverse, &before[g - 1]);
      fe_multiply(&inverse, &inverse, &sums[g].z);
    }
    for (int l = 0; l < LANES; l++) places[l] = keys + 64 * (g * LANES + l);
    fe_square(&square, &own);
    fe_multiply(&affine, &sums[g].x, &square);
    store_big_endian(places, &affine);
    for (int l = 0; l < LANES; l++) places[l] += 32;
    fe_multiply(&own, &own, &square);
    fe_multiply(&affine, &sums[g].y, &own);
    store_big_endian(places, &affine);
    unsigned good = v_mask_bits(is_good[g]), unknown = v_mask_bits(is_unknown[g]);
    for (int l = 0; l < LANES; l++)
      verdicts[g * LANES + l] = unknown >> l & 1 ? VC_UNKNOWN : good >> l & 1 ? VC_KEY : VC_NO_KEY;
  }
}

void VECTOR_NAME(vc_secp256k1_recover)(
  const vc_secp256k1_item *items, size_t count, uint8_t *keys, uint8_t *verdicts) {
  for (size_t from = 0; from < count; from += PASS_COUNT) {
    if (count - from >= PASS_COUNT) {
      recover_pass(items + from, PASS_VECTORS, keys + 64 * from, verdicts + from);
      continue;
    }
    // What is left, with copies of its first signature in the lanes that stay empty.
    vc_secp256k1_item some[PASS_COUNT];
    uint8_t their_keys[64 * PASS_COUNT], their[PASS_COUNT];
    size_t left = count - from;
    for (size_t i = 0; i < PASS_COUNT; i++) some[i] = items[from + (i < left ? i : 0)];
    recover_pass(some, (int)((left + LANES - 1) / LANES), their_keys, their);
    memcpy(keys + 64 * from, their_keys, 64 * left);
    memcpy(verdicts + from, their, left);
  }
}

VECTOR_END
