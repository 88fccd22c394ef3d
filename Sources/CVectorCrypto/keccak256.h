// Keccak-256 (FIPS 202 with the original padding 0x01), one message a lane. A lane that has ended its message
// takes the next one, so that messages of any lengths fill the lanes. Included once for each instruction set,
// after its vector header.

#include <string.h>

#include "include/CVectorCrypto.h"

VECTOR_BEGIN

enum { KECCAK_RATE = 136, KECCAK_RATE_WORDS = 17 };

static const uint64_t keccak_round_constants[24] = {
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
  0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
  0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
  0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

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

// Not inlined, so that the states stay in memory and the compiler keeps few of their 50 vectors in registers.
static __attribute__((noinline)) void keccak_permute(vec *state, vec *scratch) {
  for (int round = 0; round < 24; round += 2) {
    keccak_round(state, scratch, keccak_round_constants[round]);
    keccak_round(scratch, state, keccak_round_constants[round + 1]);
  }
}

// A lane at work: the message's index and what is left of it.
typedef struct {
  const uint8_t *next;
  size_t left, index;
  int is_ending, is_idle;
} keccak_lane;

// XORs a lane's next block into the state, with the padding where it is the last.
static void keccak_absorb(keccak_lane *lane, uint64_t *words) {
  uint64_t block[KECCAK_RATE_WORDS];
  if (lane->left >= KECCAK_RATE) {
    memcpy(block, lane->next, KECCAK_RATE);
    lane->next += KECCAK_RATE;
    lane->left -= KECCAK_RATE;
  } else {
    memset(block, 0, sizeof block);
    if (lane->left > 0) memcpy(block, lane->next, lane->left);
    ((uint8_t *)block)[lane->left] = 0x01;
    ((uint8_t *)block)[KECCAK_RATE - 1] |= 0x80;
    lane->is_ending = 1;
  }
  for (int word = 0; word < KECCAK_RATE_WORDS; word++) words[word * LANES] ^= block[word];
}

void VECTOR_NAME(vc_keccak256)(const vc_bytes *messages, size_t count, uint8_t *digests) {
  vec state[25], scratch[25];
  uint64_t *words = (uint64_t *)state;  // word w of lane l is words[w * LANES + l]
  keccak_lane lanes[LANES];
  size_t started = 0, ended = 0;
  memset(state, 0, sizeof state);
  for (int l = 0; l < LANES; l++) lanes[l] = (keccak_lane){.is_idle = 1};
  while (ended < count) {
    for (int l = 0; l < LANES; l++) {
      if (lanes[l].is_idle && started < count) {
        const vc_bytes *message = &messages[started];
        lanes[l] = (keccak_lane){.next = message->start, .left = message->count, .index = started++};
      }
      if (!lanes[l].is_idle) keccak_absorb(&lanes[l], words + l);
    }
    keccak_permute(state, scratch);
    for (int l = 0; l < LANES; l++) {
      if (!lanes[l].is_ending) continue;
      for (int word = 0; word < 4; word++)
        memcpy(digests + 32 * lanes[l].index + 8 * word, &words[word * LANES + l], 8);
      for (int word = 0; word < 25; word++) words[word * LANES + l] = 0;
      lanes[l] = (keccak_lane){.is_idle = 1};
      ended++;
    }
  }
}

VECTOR_END
