// Keccak-256 (FIPS 202 with the original padding 0x01), one message a lane. A lane that has ended its message
// takes the next one, so that messages of any lengths fill the lanes. Included once for each instruction set,
// after its vector header.

#include <string.h>

#include "include/CVectorCrypto.h"
//
#include "keccak_permutation.h"

VECTOR_BEGIN

enum {
  KECCAK_RATE = 136,
  KECCAK_RATE_WORDS = 17,
  // So many that whole vectors hold them.
  KECCAK_BLOCK_WORDS = (KECCAK_RATE_WORDS + LANES - 1) / LANES * LANES,
};

// A lane at work: the message's index and what is left of it.
typedef struct {
  const uint8_t *next;
  size_t left, index;
  int is_ending, is_idle;
} keccak_lane;

// A lane's next block, with the padding where it is the last.
static void keccak_block(keccak_lane *lane, uint8_t *block) {
  if (lane->left >= KECCAK_RATE) {
    memcpy(block, lane->next, KECCAK_RATE);
    lane->next += KECCAK_RATE;
    lane->left -= KECCAK_RATE;
  } else {
    memset(block, 0, KECCAK_RATE);
    if (lane->left > 0) memcpy(block, lane->next, lane->left);
    block[lane->left] = 0x01;
    block[KECCAK_RATE - 1] |= 0x80;
    lane->is_ending = 1;
  }
}

void VECTOR_NAME(vc_keccak256)(const vc_bytes *messages, size_t count, uint8_t *digests) {
  vec state[25];
#if VECTOR_REGISTERS < 32
  vec scratch[25];
#endif
  uint64_t blocks[LANES][KECCAK_BLOCK_WORDS], is_open[LANES], words[4][LANES];
  keccak_lane lanes[LANES];
  size_t started = 0, ended = 0;
  memset(state, 0, sizeof state);
  memset(blocks, 0, sizeof blocks);
  for (int l = 0; l < LANES; l++) lanes[l] = (keccak_lane){.is_idle = 1};
  while (ended < count) {
    for (int l = 0; l < LANES; l++) {
      if (lanes[l].is_idle && started < count) {
        const vc_bytes *message = &messages[started];
        lanes[l] = (keccak_lane){.next = message->start, .left = message->count, .index = started++};
      }
      if (!lanes[l].is_idle) keccak_block(&lanes[l], (uint8_t *)blocks[l]);
    }
#pragma clang loop unroll(full)
    for (int first = 0; first < KECCAK_BLOCK_WORDS; first += LANES) {
      vec rows[LANES];
      for (int l = 0; l < LANES; l++) rows[l] = v_load(blocks[l] + first);
      v_transpose(rows);
      for (int i = 0; i < LANES && first + i < KECCAK_RATE_WORDS; i++)
        state[first + i] = v_xor(state[first + i], rows[i]);
    }
#if VECTOR_REGISTERS >= 32
    keccak_permute(state);
#else
    keccak_rounds(state, scratch);
#endif
    for (int word = 0; word < 4; word++) v_store(words[word], state[word]);
    for (int l = 0; l < LANES; l++) {
      is_open[l] = lanes[l].is_ending ? 0 : ~0ULL;
      if (!lanes[l].is_ending) continue;
      for (int word = 0; word < 4; word++)
        memcpy(digests + 32 * lanes[l].index + 8 * word, &words[word][l], 8);
      lanes[l] = (keccak_lane){.is_idle = 1};
      ended++;
    }
    const vec open = v_load(is_open);
    for (int word = 0; word < 25; word++) state[word] = v_and(state[word], open);
  }
}

VECTOR_END
