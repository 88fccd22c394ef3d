// Keccak-f[1600] (FIPS 202 section 3.3) of one state a lane, over the operations of the vector header that is included
// before it; where there are 32 registers, keccak_permutation_avx512.h has it instead.

#include <stdint.h>

static const uint64_t keccak_round_constants[24] = {
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
  0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
  0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
  0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#if VECTOR_REGISTERS >= 32
#include "keccak_permutation_avx512.h"
#else

VECTOR_BEGIN

// One plane of the next state: theta's sum, rho and pi are in what goes in; chi here.
#define KECCAK_PLANE(y, i0, d0, r0, i1, d1, r1, i2, d2, r2, i3, d3, r3, i4, d4, r4) \
  do { \
    vec b0 = v_xor(a[i0], d0), b1 = v_xor(a[i1], d1), b2 = v_xor(a[i2], d2), b3 = v_xor(a[i3], d3); \
    vec b4 = v_xor(a[i4], d4); \
    if (r0) b0 = v_rotl(b0, r0 ? r0 : 1); \
    b1 = v_rotl(b1, r1), b2 = v_rotl(b2, r2), b3 = v_rotl(b3, r3), b4 = v_rotl(b4, r4); \
    e[5 * y] = v_chi(b0, b1, b2), e[5 * y + 1] = v_chi(b1, b2, b3), e[5 * y + 2] = v_chi(b2, b3, b4); \
    e[5 * y + 3] = v_chi(b3, b4, b0), e[5 * y + 4] = v_chi(b4, b0, b1); \
  } while (0)

// From the state at `a` to that at `e`, plane by plane, as few vectors as possible alive.
INLINE void keccak_round(const vec *a, vec *e, uint64_t constant) {
  vec c0 = v_xor3(v_xor3(a[0], a[5], a[10]), a[15], a[20]);
  vec c1 = v_xor3(v_xor3(a[1], a[6], a[11]), a[16], a[21]);
  vec c2 = v_xor3(v_xor3(a[2], a[7], a[12]), a[17], a[22]);
  vec c3 = v_xor3(v_xor3(a[3], a[8], a[13]), a[18], a[23]);
  vec c4 = v_xor3(v_xor3(a[4], a[9], a[14]), a[19], a[24]);
  vec d0 = v_xor(c4, v_rotl(c1, 1)), d1 = v_xor(c0, v_rotl(c2, 1)), d2 = v_xor(c1, v_rotl(c3, 1));
  vec d3 = v_xor(c2, v_rotl(c4, 1)), d4 = v_xor(c3, v_rotl(c0, 1));
  KECCAK_PLANE(0, 0, d0, 0, 6, d1, 44, 12, d2, 43, 18, d3, 21, 24, d4, 14);
  e[0] = v_xor(e[0], v_set(constant));
  KECCAK_PLANE(1, 3, d3, 28, 9, d4, 20, 10, d0, 3, 16, d1, 45, 22, d2, 61);
  KECCAK_PLANE(2, 1, d1, 1, 7, d2, 6, 13, d3, 25, 19, d4, 8, 20, d0, 18);
  KECCAK_PLANE(3, 4, d4, 27, 5, d0, 36, 11, d1, 10, 17, d2, 15, 23, d3, 56);
  KECCAK_PLANE(4, 2, d2, 62, 8, d3, 55, 14, d4, 39, 15, d0, 41, 21, d1, 2);
}

// Both states stay in memory, and since this is not inlined the compiler keeps few of their 50 vectors in registers.
static __attribute__((noinline)) void keccak_rounds(vec state[25], vec scratch[25]) {
  for (int round = 0; round < 24; round += 2) {
    keccak_round(state, scratch, keccak_round_constants[round]);
    keccak_round(scratch, state, keccak_round_constants[round + 1]);
  }
}

VECTOR_END

#endif
