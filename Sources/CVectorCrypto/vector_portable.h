// Eight lanes of 64 bits in plain C (with the vector types of clang and gcc): what each operation means, for
// any processor. It is the double against which the code written for AVX-512 is tested where there is none;
// too slow for anything else.
#ifndef ESTUARY_VECTOR_H
#define ESTUARY_VECTOR_H

#include <stdint.h>

#define LANES 8
// How many vectors the registers hold.
#define VECTOR_REGISTERS 16
#define VECTOR_NAME(name) name##_portable
// Inlined as the compiler sees fit: all of it would take minutes to compile.
#define INLINE static inline
#define VECTOR_BEGIN
#define VECTOR_END

// Nothing here crosses a border of compilation.
#pragma clang diagnostic ignored "-Wpsabi"
typedef uint64_t vec __attribute__((vector_size(64)));

// The same number in every lane.
INLINE vec v_set(uint64_t x) { return (vec){x, x, x, x, x, x, x, x}; }
INLINE vec v_zero(void) { return v_set(0); }
// Lane i is word i in memory, of any alignment that words have.
INLINE vec v_load(const uint64_t *p) { return (vec){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]}; }
INLINE void v_store(uint64_t *p, vec a) {
  for (int i = 0; i < LANES; i++) p[i] = a[i];
}
// Modulo 2^64.
INLINE vec v_add(vec a, vec b) { return a + b; }
INLINE vec v_sub(vec a, vec b) { return a - b; }
INLINE vec v_and(vec a, vec b) { return a & b; }
INLINE vec v_or(vec a, vec b) { return a | b; }
INLINE vec v_xor(vec a, vec b) { return a ^ b; }
// Counts are constants in [0, 63]; of a rotation in [1, 63].
INLINE vec v_shl(vec a, int count) { return a << (uint64_t)count; }
INLINE vec v_shr(vec a, int count) { return a >> (uint64_t)count; }
INLINE vec v_rotl(vec a, int count) { return a << (uint64_t)count | a >> (uint64_t)(64 - count); }
INLINE vec v_xor3(vec a, vec b, vec c) { return a ^ b ^ c; }
// Keccak's chi: a ^ (~b & c).
INLINE vec v_chi(vec a, vec b, vec c) { return a ^ (~b & c); }
// SHA-2's Ch and Maj.
INLINE vec v_choose(vec a, vec b, vec c) { return (a & b) | (~a & c); }
INLINE vec v_majority(vec a, vec b, vec c) { return (a & b) | (a & c) | (b & c); }
// All ones or all zeros a lane: a mask.
INLINE vec v_equal(vec a, vec b) { return (vec)(a == b); }
// b where the mask is set, a elsewhere.
INLINE vec v_select(vec mask, vec a, vec b) { return (mask & b) | (~mask & a); }
// Bit i is lane i's mask.
INLINE unsigned v_mask_bits(vec mask) {
  unsigned bits = 0;
  for (int i = 0; i < LANES; i++) bits |= (unsigned)(mask[i] >> 63) << i;
  return bits;
}
// The low and the high 52 bits of the 104-bit product of the operands' low 52 bits, added to a 64-bit sum.
static __attribute__((noinline, unused)) vec v_multiply52_low(vec sum, vec a, vec b) {
  const uint64_t mask = (1ULL << 52) - 1;
  for (int i = 0; i < LANES; i++)
    sum[i] += (uint64_t)((unsigned __int128)(a[i] & mask) * (b[i] & mask)) & mask;
  return sum;
}
static __attribute__((noinline, unused)) vec v_multiply52_high(vec sum, vec a, vec b) {
  const uint64_t mask = (1ULL << 52) - 1;
  for (int i = 0; i < LANES; i++)
    sum[i] += (uint64_t)((unsigned __int128)(a[i] & mask) * (b[i] & mask) >> 52);
  return sum;
}
// Modulo 2^64; AVX2 has no such instruction.
INLINE vec v_multiply64(vec a, vec b) { return a * b; }
// The 64-bit product of the operands' low 32 bits.
INLINE vec v_multiply32(vec a, vec b) { return (a & 0xffffffff) * (b & 0xffffffff); }
// Lane i takes lane i ^ distance; a distance is a power of two below LANES.
INLINE vec v_exchange(vec a, int distance) {
  vec o;
  for (int i = 0; i < LANES; i++) o[i] = a[i ^ distance];
  return o;
}
// Lane j of vector i becomes lane i of vector j.
INLINE void v_transpose(vec r[LANES]) {
  vec t[LANES];
  for (int i = 0; i < LANES; i++)
    for (int j = 0; j < LANES; j++) t[j][i] = r[i][j];
  for (int i = 0; i < LANES; i++) r[i] = t[i];
}

#endif
