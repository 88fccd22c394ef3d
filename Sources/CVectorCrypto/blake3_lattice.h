// Long output of BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs, section 2.6), one block of output in each
// 32-bit lane, added to or taken from a lattice hash (SIMD-0215). Blocks differ in their counter alone, so the
// lanes are full whatever the input. Included once for each instruction set, after its vector header.

#include "include/CVectorCrypto.h"

VECTOR_BEGIN

// Two lanes of 32 bits for each of 64.
enum { BLAKE3_LANES = 2 * LANES, BLAKE3_OUTPUT_BLOCKS = 32, BLAKE3_ROOT = 8 };
typedef uint32_t words __attribute__((vector_size(8 * LANES)));
typedef uint16_t elements __attribute__((vector_size(8 * LANES)));
// What eight lanes are in memory, whatever the vectors' width, and the vectors' parts of that size.
typedef uint16_t eight_lanes __attribute__((vector_size(32), aligned(4)));
typedef union {
  elements all;
  eight_lanes part[LANES / 4];
} parts;

static const uint8_t blake3_schedule[7][16] = {
  {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
  {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
  {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
  {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
  {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
  {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
  {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};
static const uint32_t blake3_initial[4] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a};

INLINE words w_set(uint32_t x) { return (words){} + x; }
INLINE words w_rotate_right(words a, int count) { return a >> count | a << (32 - count); }

INLINE void blake3_mix(words *v, int a, int b, int c, int d, words x, words y) {
  v[a] += v[b] + x;
  v[d] = w_rotate_right(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = w_rotate_right(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = w_rotate_right(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = w_rotate_right(v[b] ^ v[c], 7);
}

// The seven rounds over the message words `m`.
INLINE void blake3_rounds(words v[16], const words *m) {
#pragma clang loop unroll(full)
  for (int round = 0; round < 7; round++) {
    const uint8_t *s = blake3_schedule[round];
    blake3_mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
    blake3_mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
    blake3_mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
    blake3_mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
    blake3_mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
    blake3_mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
    blake3_mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
    blake3_mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
}

// Adds word `word` of output blocks `first` and the next ones to the lattice, or takes it out, modulo 2^16.
INLINE void lattice_accumulate(uint16_t *lattice, int first, int word, words output, int subtracts) {
  parts sum = {(elements)output};
  for (int part = 0; part < LANES / 4; part++) {
    eight_lanes *held = (eight_lanes *)(lattice + (first / 8 + part) * 256 + word * 16);
    *held = subtracts ? *held - sum.part[part] : *held + sum.part[part];
  }
}

void VECTOR_NAME(vc_lattice)(
  const uint32_t value[8], const uint32_t block[16], uint32_t byte_count, uint32_t flags, int subtracts,
  uint16_t *lattice) {
  words m[16], lane = {};
  for (int i = 0; i < 16; i++) m[i] = w_set(block[i]);
  for (int i = 0; i < BLAKE3_LANES; i++) lane[i] = (uint32_t)i;
  for (int first = 0; first < BLAKE3_OUTPUT_BLOCKS; first += BLAKE3_LANES) {
    words v[16];
    for (int i = 0; i < 8; i++) v[i] = w_set(value[i]);
    for (int i = 0; i < 4; i++) v[8 + i] = w_set(blake3_initial[i]);
    v[12] = lane + (uint32_t)first, v[13] = w_set(0);
    v[14] = w_set(byte_count), v[15] = w_set(flags | BLAKE3_ROOT);
    blake3_rounds(v, m);
    for (int i = 0; i < 8; i++) {
      lattice_accumulate(lattice, first, i, v[i] ^ v[i + 8], subtracts);
      lattice_accumulate(lattice, first, i + 8, v[i + 8] ^ w_set(value[i]), subtracts);
    }
  }
}

VECTOR_END
