// Four lanes of 64 bits in AVX2 registers. The operations are those of vector_portable.h, which defines their
// meaning.
#ifndef ESTUARY_VECTOR_H
#define ESTUARY_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 4
#define VECTOR_REGISTERS 16
#define VECTOR_NAME(name) name##_avx2
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)

typedef __m256i vec;

INLINE vec v_set(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
INLINE vec v_zero(void) { return _mm256_setzero_si256(); }
INLINE vec v_load(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void v_store(uint64_t *p, vec a) { _mm256_storeu_si256((__m256i *)p, a); }
INLINE vec v_add(vec a, vec b) { return _mm256_add_epi64(a, b); }
INLINE vec v_sub(vec a, vec b) { return _mm256_sub_epi64(a, b); }
INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
INLINE vec v_or(vec a, vec b) { return _mm256_or_si256(a, b); }
INLINE vec v_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
INLINE vec v_shl(vec a, int count) { return _mm256_slli_epi64(a, count); }
INLINE vec v_shr(vec a, int count) { return _mm256_srli_epi64(a, count); }
INLINE vec v_rotl(vec a, int count) { return v_or(v_shl(a, count), v_shr(a, 64 - count)); }
INLINE vec v_xor3(vec a, vec b, vec c) { return v_xor(v_xor(a, b), c); }
INLINE vec v_chi(vec a, vec b, vec c) { return v_xor(a, _mm256_andnot_si256(b, c)); }
INLINE vec v_choose(vec a, vec b, vec c) { return v_xor(v_and(a, v_xor(b, c)), c); }
INLINE vec v_majority(vec a, vec b, vec c) { return v_or(v_and(a, b), v_and(c, v_or(a, b))); }
INLINE vec v_equal(vec a, vec b) { return _mm256_cmpeq_epi64(a, b); }
INLINE vec v_select(vec mask, vec a, vec b) { return _mm256_blendv_epi8(a, b, mask); }
INLINE unsigned v_mask_bits(vec mask) { return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(mask)); }
INLINE vec v_multiply32(vec a, vec b) { return _mm256_mul_epu32(a, b); }

INLINE vec v_exchange(vec a, int distance) {
  return distance == 1 ? _mm256_permute4x64_epi64(a, 0xb1) : _mm256_permute4x64_epi64(a, 0x4e);
}

INLINE void v_transpose(vec r[LANES]) {
  vec a0 = _mm256_unpacklo_epi64(r[0], r[1]), a1 = _mm256_unpackhi_epi64(r[0], r[1]);
  vec a2 = _mm256_unpacklo_epi64(r[2], r[3]), a3 = _mm256_unpackhi_epi64(r[2], r[3]);
  r[0] = _mm256_permute2x128_si256(a0, a2, 0x20);
  r[1] = _mm256_permute2x128_si256(a1, a3, 0x20);
  r[2] = _mm256_permute2x128_si256(a0, a2, 0x31);
  r[3] = _mm256_permute2x128_si256(a1, a3, 0x31);
}

#pragma clang attribute pop

// What stands between these two is compiled for the lanes' instruction set.
#define VECTOR_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,bmi,bmi2\"))), apply_to = function)")
#define VECTOR_END _Pragma("clang attribute pop")

#endif
