// Hashes and signatures of many messages side by side, one in each lane of the processor's vectors. Each
// function comes once for every instruction set, named after it; a caller asks `vc_features` first. Nothing
// keeps state between calls but tables that are computed once (`vc_ed25519_prepare_*`), so any thread may
// call anything.
#ifndef ESTUARY_CVECTORCRYPTO_H
#define ESTUARY_CVECTORCRYPTO_H

#include <stddef.h>
#include <stdint.h>

/// Some bytes of the caller's.
typedef struct {
  const uint8_t *start;
  size_t count;
} vc_bytes;

enum {
  /// AVX2 with BMI2: the functions that end in `_avx2`.
  VC_AVX2 = 1,
  /// AVX-512 F, VL, DQ, BW and IFMA: the functions that end in `_avx512`.
  VC_AVX512_IFMA = 2,
};

/// What this processor and its operating system offer, a sum of the constants above.
unsigned vc_features(void);

/// Keccak-256 of `count` messages, 32 bytes each, in their order.
void vc_keccak256_avx2(const vc_bytes *messages, size_t count, uint8_t *digests);
void vc_keccak256_avx512(const vc_bytes *messages, size_t count, uint8_t *digests);

/// Keccak-f[1600] of one state, word x + 5 y of which is lane (x, y). It needs AVX-512 F and VL only.
void vc_keccak_permute_avx512(uint64_t words[25]);

/// Adds the first 2,048 bytes of a BLAKE3 output to a lattice hash of 1,024 elements, or takes them out, modulo
/// 2^16. The root is given by its chaining value, its message block, the block's bytes, and its flags without that
/// of the root. Elements are in the order in which eight output blocks come out side by side: half h of word w of
/// block 8 g + l is element 256 g + 16 w + 2 l + h.
void vc_lattice_avx2(
  const uint32_t value[8], const uint32_t block[16], uint32_t byte_count, uint32_t flags, int subtracts,
  uint16_t *lattice);
void vc_lattice_avx512(
  const uint32_t value[8], const uint32_t block[16], uint32_t byte_count, uint32_t flags, int subtracts,
  uint16_t *lattice);

/// An Ed25519 signature: 64 bytes R then s, the key's 32 bytes, and the message.
typedef struct {
  const uint8_t *signature, *key;
  vc_bytes message;
} vc_ed25519_item;

/// Computes the table of the base point; once, before the first verification, and by one thread.
void vc_ed25519_prepare_avx2(void);
void vc_ed25519_prepare_avx512(void);

/// One verdict for each signature, 1 or 0: that of strict verification (`verify_strict` of ed25519-dalek) of
/// it alone.
void vc_ed25519_verify_avx2(const vc_ed25519_item *items, size_t count, uint8_t *verdicts);
void vc_ed25519_verify_avx512(const vc_ed25519_item *items, size_t count, uint8_t *verdicts);

/// A recoverable secp256k1 signature: 64 bytes r then s, big-endian, the hash that it signs, 32 bytes, and
/// the recovery id.
typedef struct {
  const uint8_t *signature, *hash;
  uint64_t recovery_id;
} vc_secp256k1_item;

/// Computes the tables of the base point; once, before the first recovery, and by one thread.
void vc_secp256k1_prepare_avx2(void);
void vc_secp256k1_prepare_avx512(void);

enum {
  VC_NO_KEY = 0,
  VC_KEY = 1,
  /// An addition met a case that its formula does not cover: there may be a key or none. One signature in 65,536 has it by chance,
  /// others on purpose.
  VC_UNKNOWN = 2,
};

/// For each signature a verdict, and where it is `VC_KEY` the public key: 64 bytes x then y, big-endian; otherwise the key's
/// bytes say nothing. Recovery ids are in [0, 4), r and s in [1, n).
void vc_secp256k1_recover_avx2(
  const vc_secp256k1_item *items, size_t count, uint8_t *keys, uint8_t *verdicts);
void vc_secp256k1_recover_avx512(
  const vc_secp256k1_item *items, size_t count, uint8_t *keys, uint8_t *verdicts);

#endif
