// Eight lanes of 64 bits in AVX-512 registers, with the 52-bit multiplications of IFMA. The operations are
// those of vector_portable.h, which defines their meaning.
#ifndef ESTUARY_VECTOR_H
#define ESTUARY_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define VECTOR_REGISTERS 32
#define VECTOR_NAME(name) name##_avx512
#define INLINE static inline __attribute__((always_inline))

// What stands between these two is compiled for the lanes' instruction set, its instructions in an order that suits
// Zen: one percent of a signature's time there (Zen 4 is unknown to clang 14).
#define VECTOR_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512ifma,avx512vl,avx512dq,avx512bw,tune=znver3\"))), apply_to = function)")
#define VECTOR_END _Pragma("clang attribute pop")

VECTOR_BEGIN

typedef __m512i vec;

INLINE vec v_set(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE vec v_zero(void) { return _mm512_setzero_si512(); }
INLINE vec v_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
INLINE void v_store(uint64_t *p, vec a) { _mm512_storeu_si512(p, a); }
INLINE vec v_add(vec a, vec b) { return _mm512_add_epi64(a, b); }
INLINE vec v_sub(vec a, vec b) { return _mm512_sub_epi64(a, b); }
INLINE vec v_and(vec a, vec b) { return _mm512_and_si512(a, b); }
INLINE vec v_or(vec a, vec b) { return _mm512_or_si512(a, b); }
INLINE vec v_xor(vec a, vec b) { return _mm512_xor_si512(a, b); }
INLINE vec v_shl(vec a, int count) { return _mm512_slli_epi64(a, (unsigned)count); }
INLINE vec v_shr(vec a, int count) { return _mm512_srli_epi64(a, (unsigned)count); }
INLINE vec v_rotl(vec a, int count) { return _mm512_rolv_epi64(a, v_set((uint64_t)count)); }
INLINE vec v_xor3(vec a, vec b, vec c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
INLINE vec v_choose(vec a, vec b, vec c) { return _mm512_ternarylogic_epi64(a, b, c, 0xca); }
INLINE vec v_majority(vec a, vec b, vec c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }
INLINE vec v_equal(vec a, vec b) { return _mm512_movm_epi64(_mm512_cmpeq_epi64_mask(a, b)); }
INLINE vec v_select(vec mask, vec a, vec b) { return _mm512_ternarylogic_epi64(mask, a, b, 0xac); }
INLINE unsigned v_mask_bits(vec mask) { return _mm512_movepi64_mask(mask); }
INLINE vec v_multiply64(vec a, vec b) { return _mm512_mullo_epi64(a, b); }
INLINE vec v_multiply52_low(vec sum, vec a, vec b) { return _mm512_madd52lo_epu64(sum, a, b); }
INLINE vec v_multiply52_high(vec sum, vec a, vec b) { return _mm512_madd52hi_epu64(sum, a, b); }

INLINE vec v_exchange(vec a, int distance) {
  if (distance == 1) return _mm512_permutex_epi64(a, 0xb1);
  return distance == 2 ? _mm512_permutex_epi64(a, 0x4e) : _mm512_shuffle_i64x2(a, a, 0x4e);
}

INLINE void v_transpose(vec r[LANES]) {
  vec a0 = _mm512_unpacklo_epi64(r[0], r[1]), a1 = _mm512_unpackhi_epi64(r[0], r[1]);
  vec a2 = _mm512_unpacklo_epi64(r[2], r[3]), a3 = _mm512_unpackhi_epi64(r[2], r[3]);
  vec a4 = _mm512_unpacklo_epi64(r[4], r[5]), a5 = _mm512_unpackhi_epi64(r[4], r[5]);
  vec a6 = _mm512_unpacklo_epi64(r[6], r[7]), a7 = _mm512_unpackhi_epi64(r[6], r[7]);
  vec b0 = _mm512_shuffle_i64x2(a0, a2, 0x88), b1 = _mm512_shuffle_i64x2(a1, a3, 0x88);
  vec b2 = _mm512_shuffle_i64x2(a0, a2, 0xdd), b3 = _mm512_shuffle_i64x2(a1, a3, 0xdd);
  vec b4 = _mm512_shuffle_i64x2(a4, a6, 0x88), b5 = _mm512_shuffle_i64x2(a5, a7, 0x88);
  vec b6 = _mm512_shuffle_i64x2(a4, a6, 0xdd), b7 = _mm512_shuffle_i64x2(a5, a7, 0xdd);
  r[0] = _mm512_shuffle_i64x2(b0, b4, 0x88), r[1] = _mm512_shuffle_i64x2(b1, b5, 0x88);
  r[2] = _mm512_shuffle_i64x2(b2, b6, 0x88), r[3] = _mm512_shuffle_i64x2(b3, b7, 0x88);
  r[4] = _mm512_shuffle_i64x2(b0, b4, 0xdd), r[5] = _mm512_shuffle_i64x2(b1, b5, 0xdd);
  r[6] = _mm512_shuffle_i64x2(b2, b6, 0xdd), r[7] = _mm512_shuffle_i64x2(b3, b7, 0xdd);
}

VECTOR_END

#endif
