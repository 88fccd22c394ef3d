// Strict verification of Ed25519 signatures (RFC 8032 section 5.1.7 without the cofactor, and what
// `verify_strict` of ed25519-dalek adds), one signature a lane, each with the verdict that it would get
// alone:
//
//   s is below the order; A is a point of the curve and not of small order; the encoding of s B − k A equals
//   R's bytes, k being SHA-512 of R, A and the message modulo the order; R is not of small order.
//
// Bytes that equal an encoding are canonical and a point's, so R itself is not decoded. As in dalek, A's y
// may be given as y + p; nobody knows the logarithm of such a point, so no signature by it can be made.
//
// A pass takes several vectors of signatures: two share an exponentiation, whose steps wait for each other,
// and all share one inversion (Montgomery's trick, across vectors and lanes: Z is never zero, so no signature can
// touch another's).

#include <string.h>

#include "include/CVectorCrypto.h"
//
#include "field25519.h"
//
#include "lane_inverse.h"
//
#include "edwards25519.h"
//
#include "scalar25519.h"
//
#include "sha512.h"

VECTOR_BEGIN

enum { PASS_VECTORS = 8, PASS_COUNT = PASS_VECTORS * LANES };

// Four little-endian words of each lane's 32 bytes.
static void load_bytes(vec words[4], const uint8_t *const places[LANES]) {
  uint64_t lanes[4][LANES];
  for (int l = 0; l < LANES; l++) {
    uint64_t own[4];
    memcpy(own, places[l], sizeof own);
    for (int i = 0; i < 4; i++) lanes[i][l] = own[i];
  }
  for (int i = 0; i < 4; i++) words[i] = v_load(lanes[i]);
}

// Where a canonical y is a point's of small order.
static vec is_of_small_order(const vec y[4]) {
  vec any = v_zero();
  for (int k = 0; k < 5; k++) {
    vec same = v_equal(y[0], v_set(small_order_y[k][0]));
    for (int i = 1; i < 4; i++) same = v_and(same, v_equal(y[i], v_set(small_order_y[k][i])));
    any = v_or(any, same);
  }
  return any;
}

// −A of two vectors of signatures, and where A is a point and not of small order; other lanes go on with the
// identity. x = u v³ (u v⁷)^((p − 5)/8), or that times √−1, is a root of u/v where there is one (RFC 8032
// section 5.1.3).
NOINLINE void decode_keys(fe x[2], fe y[2], vec is_good[2], const vc_ed25519_item *items) {
  fe u[2], v[2], v3[2], power[2], uv7[2], one, zero, d, root;
  vec sign[2];
  fe_small(&one, 1);
  fe_small(&zero, 0);
  fe_constant(&d, edwards_d);
  fe_constant(&root, root_of_minus_one);
  for (int k = 0; k < 2; k++) {
    const uint8_t *places[LANES];
    vec words[4];
    fe square;
    for (int l = 0; l < LANES; l++) places[l] = items[k * LANES + l].key;
    load_bytes(words, places);
    sign[k] = v_shr(words[3], 63);
    fe_from_words(&y[k], words);
    fe_square(&square, &y[k]);
    fe_subtract(&u[k], &square, &one);
    fe_reduce(&u[k], &u[k]);
    fe_multiply(&v[k], &square, &d);
    fe_add(&v[k], &v[k], &one);
    fe_square(&square, &v[k]);
    fe_multiply(&v3[k], &square, &v[k]);
    fe_square(&square, &v3[k]);
    fe_multiply(&square, &square, &v[k]);
    fe_multiply(&uv7[k], &square, &u[k]);
  }
  fe_root_power_pair(power, uv7);
  for (int k = 0; k < 2; k++) {
    fe root_x, other, vxx, difference, sum;
    vec words[4];
    fe_multiply(&root_x, &u[k], &v3[k]);
    fe_multiply(&root_x, &root_x, &power[k]);
    fe_square(&vxx, &root_x);
    fe_multiply(&vxx, &vxx, &v[k]);
    fe_subtract(&difference, &vxx, &u[k]);
    fe_add(&sum, &vxx, &u[k]);
    vec is_root = fe_is_zero(&difference), is_other = fe_is_zero(&sum);
    fe_multiply(&other, &root_x, &root);
    fe_select(&root_x, is_root, &other, &root_x);
    fe_canonical(&root_x, &root_x);
    // −A: the other root where x has the parity that the key asks for.
    vec is_asked_for = v_equal(v_and(root_x.v[0], v_set(1)), sign[k]);
    fe_negate(&other, &root_x);
    fe_reduce(&other, &other);
    fe_select(&x[k], is_asked_for, &root_x, &other);
    fe_canonical(&other, &y[k]);
    fe_to_words(words, &other);
    vec is_point = v_or(is_root, is_other);
    is_good[k] = v_and(is_point, v_xor(is_of_small_order(words), v_set(~0ULL)));
    fe_select(&x[k], is_point, &zero, &x[k]);
    fe_select(&y[k], is_point, &one, &y[k]);
  }
}

// s and k in the form that `double_multiply` takes; where s is not below the order, 0 and no good.
static void prepare_scalars(
  vec a_scalar[4], vec base_scalar[5], vec *is_good, const vc_ed25519_item items[LANES]) {
  uint64_t digests[LANES][8], a_words[4][LANES], base_words[5][LANES], below[LANES];
  sha512_lanes(digests, items);
  for (int l = 0; l < LANES; l++) {
    uint64_t k[4], s[4], sum[5];
    scalar_reduce(k, digests[l]);
    memcpy(s, items[l].signature + 32, sizeof s);
    below[l] = scalar_is_canonical(s) ? ~0ULL : 0;
    if (!below[l]) memset(s, 0, sizeof s);
    words_add(sum, k, five_bit_offset, 4);
    for (int i = 0; i < 4; i++) a_words[i][l] = sum[i];
    words_add(sum, s, base_offset, 5);
    for (int i = 0; i < 5; i++) base_words[i][l] = sum[i];
  }
  *is_good = v_and(*is_good, v_load(below));
  for (int i = 0; i < 4; i++) a_scalar[i] = v_load(a_words[i]);
  for (int i = 0; i < 5; i++) base_scalar[i] = v_load(base_words[i]);
}

// Compares the encoding of (x, y) with the lanes' R.
static unsigned compare(fe *x, fe *y, vec is_good, const vc_ed25519_item items[LANES]) {
  const uint8_t *places[LANES];
  vec encoding[4], given[4];
  fe_canonical(x, x);
  fe_canonical(y, y);
  fe_to_words(encoding, y);
  is_good = v_and(is_good, v_xor(is_of_small_order(encoding), v_set(~0ULL)));
  encoding[3] = v_or(encoding[3], v_shl(x->v[0], 63));
  for (int l = 0; l < LANES; l++) places[l] = items[l].signature;
  load_bytes(given, places);
  for (int i = 0; i < 4; i++) is_good = v_and(is_good, v_equal(encoding[i], given[i]));
  return v_mask_bits(is_good);
}

// `vectors` vectors of signatures, 1 to 8; items fill up an even number of vectors.
static void verify_pass(const vc_ed25519_item *items, int vectors, uint8_t *verdicts) {
  fe x[PASS_VECTORS], y[PASS_VECTORS], before[PASS_VECTORS], inverse;
  vec is_good[PASS_VECTORS];
  point sums[PASS_VECTORS];
  for (int g = 0; g < vectors; g += 2) decode_keys(x + g, y + g, is_good + g, items + g * LANES);
  for (int g = 0; g < vectors; g++) {
    vec a_scalar[4], base_scalar[5];
    prepare_scalars(a_scalar, base_scalar, &is_good[g], items + g * LANES);
    double_multiply(&sums[g], &x[g], &y[g], a_scalar, base_scalar);
    if (g == 0) before[0] = sums[0].z;
    else fe_multiply(&before[g], &before[g - 1], &sums[g].z);
  }
  fe_invert(&inverse, &before[vectors - 1]);
  for (int g = vectors - 1; g >= 0; g--) {
    fe own = inverse;
    if (g > 0) {
      fe_multiply(&own, &inverse, &before[g - 1]);
      fe_multiply(&inverse, &inverse, &sums[g].z);
    }
    fe_multiply(&x[g], &sums[g].x, &own);
    fe_multiply(&y[g], &sums[g].y, &own);
    unsigned bits = compare(&x[g], &y[g], is_good[g], items + g * LANES);
    for (int l = 0; l < LANES; l++) verdicts[g * LANES + l] = bits >> l & 1;
  }
}

void VECTOR_NAME(vc_ed25519_verify)(const vc_ed25519_item *items, size_t count, uint8_t *verdicts) {
  for (size_t from = 0; from < count; from += PASS_COUNT) {
    if (count - from >= PASS_COUNT) {
      verify_pass(items + from, PASS_VECTORS, verdicts + from);
      continue;
    }
    // What is left, with copies of its first signature in the lanes that stay empty.
    vc_ed25519_item some[PASS_COUNT];
    uint8_t their[PASS_COUNT];
    size_t left = count - from;
    int vectors = (int)((left + LANES - 1) / LANES);
    for (size_t i = 0; i < PASS_COUNT; i++) some[i] = items[from + (i < left ? i : 0)];
    verify_pass(some, vectors, their);
    memcpy(verdicts + from, their, left);
  }
}

VECTOR_END
