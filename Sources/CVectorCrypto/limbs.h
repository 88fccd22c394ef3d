// An element of a prime field in limbs, one element a lane: what does not depend on the modulus. The radix
// file has defined `fe`, FE_LIMBS, FE_BITS (bits of a limb) and FE_OFFSET (its weight's logarithm).
#ifndef ESTUARY_LIMBS_H
#define ESTUARY_LIMBS_H

VECTOR_BEGIN

// Wide = wide + wide, as far as the sum fits.
INLINE void fe_wide_add(fe *o, const fe *a, const fe *b) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_add(a->v[i], b->v[i]);
}
// b where the mask is set, a elsewhere.
INLINE void fe_select(fe *o, vec mask, const fe *a, const fe *b) {
  for (int i = 0; i < FE_LIMBS; i++) o->v[i] = v_select(mask, a->v[i], b->v[i]);
}

// A number below 2^26 in every lane.
INLINE void fe_small(fe *o, uint64_t number) {
  o->v[0] = v_set(number);
  for (int i = 1; i < FE_LIMBS; i++) o->v[i] = v_zero();
}

// The low 255 bits of four little-endian words; of 2^256 - 2^32 - 977, all 256.
INLINE void fe_from_words(fe *o, const vec words[4]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < FE_LIMBS; i++) {
    int word = FE_OFFSET(i) / 64, shift = FE_OFFSET(i) % 64;
    vec limb = v_shr(words[word], shift);
    if (shift + FE_BITS(i) > 64) limb = v_or(limb, v_shl(words[word < 3 ? word + 1 : 3], 64 - shift));
    o->v[i] = v_and(limb, v_set((1ULL << FE_BITS(i)) - 1));
  }
}
INLINE void fe_constant(fe *o, const uint64_t words[4]) {
  vec all[4];
  for (int i = 0; i < 4; i++) all[i] = v_set(words[i]);
  fe_from_words(o, all);
}
// Four little-endian words of a canonical element.
INLINE void fe_to_words(vec words[4], const fe *a) {
  for (int i = 0; i < 4; i++) words[i] = v_zero();
#pragma clang loop unroll(full)
  for (int i = 0; i < FE_LIMBS; i++) {
    int word = FE_OFFSET(i) / 64, shift = FE_OFFSET(i) % 64;
    words[word] = v_or(words[word], v_shl(a->v[i], shift));
    if (shift + FE_BITS(i) > 64 && word < 3)
      words[word + 1] = v_or(words[word + 1], v_shr(a->v[i], 64 - shift));
  }
}

VECTOR_END

#endif
