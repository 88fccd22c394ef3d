// One lane of 64 bits in the low half of a 128-bit register, for what uses the three-operand logic, the rotations and
// the 32 registers of AVX-512 on a single message. Only the operations of vector_portable.h that Keccak needs.

#include <immintrin.h>
#include <stdint.h>

#define LANES 1
#define VECTOR_REGISTERS 32
#define VECTOR_NAME(name) name##_avx512
#define INLINE static inline __attribute__((always_inline))
#define VECTOR_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512vl\"))), apply_to = function)")
#define VECTOR_END _Pragma("clang attribute pop")

VECTOR_BEGIN

typedef __m128i vec;

INLINE vec v_set(uint64_t x) { return _mm_cvtsi64_si128((long long)x); }
INLINE vec v_load(const uint64_t *p) { return _mm_loadl_epi64((const __m128i *)p); }
INLINE void v_store(uint64_t *p, vec a) { _mm_storel_epi64((__m128i *)p, a); }
INLINE vec v_xor(vec a, vec b) { return _mm_xor_si128(a, b); }
INLINE vec v_rotl(vec a, int count) { return _mm_rolv_epi64(a, _mm_set1_epi64x(count)); }
INLINE vec v_xor3(vec a, vec b, vec c) { return _mm_ternarylogic_epi64(a, b, c, 0x96); }
INLINE vec v_chi(vec a, vec b, vec c) { return _mm_ternarylogic_epi64(a, b, c, 0xd2); }

VECTOR_END
