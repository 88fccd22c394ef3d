// SHA-512 (FIPS 180-4) of R, A and the message, one signature a lane; messages of any lengths.
#ifndef ESTUARY_SHA512_H
#define ESTUARY_SHA512_H

#include <string.h>

#include "include/CVectorCrypto.h"

VECTOR_BEGIN

static const uint64_t sha512_constants[80] = {
  0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
  0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
  0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
  0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
  0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
  0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
  0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
  0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
  0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
  0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
  0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
  0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
  0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
  0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
  0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
  0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
static const uint64_t sha512_start[8] = {
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
enum { SHA512_BLOCK = 128, SHA512_PREFIX = 64 };

INLINE vec sha512_rotr(vec a, int count) { return v_rotl(a, 64 - count); }

static __attribute__((noinline)) void sha512_compress(vec state[8], const vec block[16]) {
  vec w[16], s[8];
  for (int i = 0; i < 16; i++) w[i] = block[i];
  for (int i = 0; i < 8; i++) s[i] = state[i];
  for (int first = 0; first < 80; first += 16) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      if (first > 0) {
        vec before = w[(i + 1) % 16], after = w[(i + 14) % 16];
        vec sigma0 = v_xor3(sha512_rotr(before, 1), sha512_rotr(before, 8), v_shr(before, 7));
        vec sigma1 = v_xor3(sha512_rotr(after, 19), sha512_rotr(after, 61), v_shr(after, 6));
        w[i] = v_add(v_add(w[i], w[(i + 9) % 16]), v_add(sigma0, sigma1));
      }
      // Instead of moving eight variables a round, their roles move: variable r of round i is s[(r − i) mod
      // 8].
      vec a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7], e = s[(4 - i) & 7];
      vec f = s[(5 - i) & 7], g = s[(6 - i) & 7], h = s[(7 - i) & 7];
      vec sum1 = v_xor3(sha512_rotr(e, 14), sha512_rotr(e, 18), sha512_rotr(e, 41));
      vec sum0 = v_xor3(sha512_rotr(a, 28), sha512_rotr(a, 34), sha512_rotr(a, 39));
      vec t = v_add(v_add(h, w[i]), v_set(sha512_constants[first + i]));
      t = v_add(t, v_add(sum1, v_choose(e, f, g)));
      s[(3 - i) & 7] = v_add(s[(3 - i) & 7], t);
      s[(7 - i) & 7] = v_add(t, v_add(sum0, v_majority(a, b, c)));
    }
  }
  for (int i = 0; i < 8; i++) state[i] = v_add(state[i], s[i]);
}

// Blocks of R, A, the message and the padding.
static size_t sha512_block_count(const vc_ed25519_item *item) {
  return (SHA512_PREFIX + item->message.count + 17 + SHA512_BLOCK - 1) / SHA512_BLOCK;
}

static void sha512_block(const vc_ed25519_item *item, size_t number, uint64_t words[16]) {
  uint8_t *block = (uint8_t *)words;
  size_t from = number * SHA512_BLOCK, count = SHA512_PREFIX + item->message.count, at = 0;
  if (number == 0) {
    memcpy(block, item->signature, 32);
    memcpy(block + 32, item->key, 32);
    at = SHA512_PREFIX;
  }
  if (from + at < count) {
    size_t part = count - from - at < SHA512_BLOCK - at ? count - from - at : SHA512_BLOCK - at;
    memcpy(block + at, item->message.start + (from + at - SHA512_PREFIX), part);
    at += part;
  }
  memset(block + at, 0, SHA512_BLOCK - at);
  if (from + at == count && at < SHA512_BLOCK) block[at] = 0x80;
  for (int i = 0; i < 16; i++) words[i] = __builtin_bswap64(words[i]);
  if (number + 1 == sha512_block_count(item)) words[15] = (uint64_t)count * 8;
}

// Digests as little-endian numbers of eight words, the form in which Ed25519 reads them.
static void sha512_lanes(uint64_t digests[LANES][8], const vc_ed25519_item items[LANES]) {
  vec state[8], block[16];
  size_t block_counts[LANES], largest = 0;
  for (int l = 0; l < LANES; l++) {
    block_counts[l] = sha512_block_count(&items[l]);
    if (block_counts[l] > largest) largest = block_counts[l];
  }
  for (int i = 0; i < 8; i++) state[i] = v_set(sha512_start[i]);
  for (size_t number = 0; number < largest; number++) {
    uint64_t words[LANES][16];
    for (int l = 0; l < LANES; l++)
      if (number < block_counts[l]) sha512_block(&items[l], number, words[l]);
      else memset(words[l], 0, sizeof words[l]);
    for (int first = 0; first < 16; first += LANES) {
      vec rows[LANES];
      for (int l = 0; l < LANES; l++) rows[l] = v_load(words[l] + first);
      v_transpose(rows);
      for (int i = 0; i < LANES; i++) block[first + i] = rows[i];
    }
    sha512_compress(state, block);
    for (int l = 0; l < LANES; l++)
      if (number + 1 == block_counts[l])
        for (int i = 0; i < 8; i++) digests[l][i] = __builtin_bswap64(((const uint64_t *)&state[i])[l]);
  }
}

VECTOR_END

#endif
