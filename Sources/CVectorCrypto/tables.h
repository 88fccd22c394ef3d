// Tables of points and digits of scalars, whatever the curve. Entries of one lane lie together, so that a
// look-up is whole loads from each lane's own entry and a transposition; a gather instruction takes several
// times as long.
#ifndef ESTUARY_TABLES_H
#define ESTUARY_TABLES_H

VECTOR_BEGIN

#define NOINLINE static __attribute__((noinline))

// So many words that whole vectors hold them.
#define ROWS(vectors) (((vectors) + LANES - 1) / LANES * LANES)

// `count` vectors from `from`, each lane's words to its own place.
INLINE void store_rows(uint64_t *const places[LANES], const vec *from, int count) {
  for (int first = 0; first < ROWS(count); first += LANES) {
    vec rows[LANES];
    for (int i = 0; i < LANES; i++) rows[i] = first + i < count ? from[first + i] : v_zero();
    v_transpose(rows);
    for (int l = 0; l < LANES; l++) v_store(places[l] + first, rows[l]);
  }
}
INLINE void load_rows(vec *to, const uint64_t *const places[LANES], int count) {
#pragma clang loop unroll(full)
  for (int first = 0; first < ROWS(count); first += LANES) {
    vec rows[LANES];
    for (int l = 0; l < LANES; l++) rows[l] = v_load(places[l] + first);
    v_transpose(rows);
    for (int i = 0; i < LANES; i++)
      if (first + i < count) to[first + i] = rows[i];
  }
}

// Splits digits in [−2^k, 2^k] into a mask of the negative ones and where the table has their absolute
// values.
INLINE vec digit_split(vec digit, uint64_t absolute[LANES]) {
  vec negative = v_sub(v_zero(), v_shr(digit, 63));  // all ones below zero
  v_store(absolute, v_sub(v_xor(digit, negative), negative));
  return negative;
}

// `count` bits from `position` on.
INLINE vec scalar_bits(const vec *words, int word_count, int position, int count) {
  int word = position / 64, shift = position % 64;
  vec bits = v_shr(words[word], shift);
  if (shift + count > 64 && word + 1 < word_count) bits = v_or(bits, v_shl(words[word + 1], 64 - shift));
  return v_and(bits, v_set((1ULL << count) - 1));
}

// 2^(bits − 1) · (1 + 2^bits + …), `digits` summands: added to a scalar, it makes every digit of so many bits, less 2^(bits − 1), one of a
// signed representation.
static void digit_offset(uint64_t *words, int word_count, int bits, int digits) {
  for (int i = 0; i < word_count; i++) words[i] = 0;
  for (int i = 0; i < digits; i++) {
    int position = bits * i + bits - 1;
    words[position / 64] |= 1ULL << position % 64;
  }
}

// The base points' digits are larger than the variable points', since their tables are computed once, as large as the caches
// like: at five limbs half a megabyte a curve.
#define BASE_DIGIT_BITS_FOR(limbs, bits) ((limbs) == 5 ? (bits) : 10)

VECTOR_END

#endif
