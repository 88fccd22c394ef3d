// Signatures and messages that the bytes name, by the kernels for vectors that the machine has, against libsodium and
// libsecp256k1, each alone: the same verdicts and keys, and nothing read beyond what belongs to a message (each has
// an allocation of its own). An input is a seed of valid signatures, then five bytes for each of up to 40: which
// byte of signature, key or message changes, by what, the message's length, and the recovery id.

#include <secp256k1_recovery.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "CVectorCrypto.h"

enum { LARGEST_COUNT = 40, ENTRY_BYTES = 5 };

static secp256k1_context *context;

static uint8_t *copy(const uint8_t *bytes, size_t count) {
  uint8_t *own = malloc(count ? count : 1);
  if (count) memcpy(own, bytes, count);
  return own;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  if (sodium_init() < 0) abort();
  context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  if (vc_features() & VC_AVX2) vc_ed25519_prepare_avx2(), vc_secp256k1_prepare_avx2();
  if (vc_features() & VC_AVX512_IFMA) vc_ed25519_prepare_avx512(), vc_secp256k1_prepare_avx512();
  return 0;
}

static void expect_verdicts(const vc_ed25519_item *items, size_t count, const uint8_t *verdicts) {
  for (size_t i = 0; i < count; i++) {
    const vc_ed25519_item *item = &items[i];
    int is_valid = crypto_sign_verify_detached(
      item->signature, item->message.start, item->message.count, item->key) == 0;
    if (verdicts[i] != is_valid) abort();
  }
}

// Of signatures as they were made a kernel leaves one in 65,536 to the library.
static void expect_few_unknown(const uint8_t *data, size_t count, const uint8_t *verdicts) {
  size_t unknown = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *entry = data + 1 + ENTRY_BYTES * i;
    if ((entry[0] % 6 == 0 || entry[0] % 6 == 3) && verdicts[i] == VC_UNKNOWN) unknown++;
  }
  // The same bytes may come again and again.
  if (unknown > 2 && unknown > count / 2) abort();
}

static void expect_keys(
  const vc_secp256k1_item *items, size_t count, const uint8_t *keys, const uint8_t *verdicts) {
  for (size_t i = 0; i < count; i++) {
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    int is_valid = items[i].recovery_id < 4
      && secp256k1_ecdsa_recoverable_signature_parse_compact(
        context, &signature, items[i].signature, (int)items[i].recovery_id)
      && secp256k1_ecdsa_recover(context, &key, &signature, items[i].hash);
    if (verdicts[i] == VC_UNKNOWN) continue;  // r = s, say: it would go to the library
    if (verdicts[i] != is_valid) abort();
    if (!is_valid) continue;
    uint8_t bytes[65];
    size_t byte_count = sizeof bytes;
    secp256k1_ec_pubkey_serialize(context, bytes, &byte_count, &key, SECP256K1_EC_UNCOMPRESSED);
    if (memcmp(bytes + 1, keys + 64 * i, 64)) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 + ENTRY_BYTES) return -1;
  size_t count = (size - 1) / ENTRY_BYTES;
  if (count > LARGEST_COUNT) count = LARGEST_COUNT;

  uint8_t seed[32] = {data[0], 1}, public[32], secret[64], text[256];
  crypto_sign_seed_keypair(public, secret, seed);
  for (int i = 0; i < 256; i++) text[i] = (uint8_t)(i * data[0]);

  vc_ed25519_item signatures[LARGEST_COUNT];
  vc_secp256k1_item recoverable[LARGEST_COUNT];
  vc_bytes messages[LARGEST_COUNT];
  for (size_t i = 0; i < count; i++) {
    const uint8_t *entry = data + 1 + ENTRY_BYTES * i;
    uint8_t signature[64], compact[64], key[32], hash[32], message[256];
    int recovery_id;
    secp256k1_ecdsa_recoverable_signature made;
    memcpy(key, public, 32);
    memcpy(message, text, 256);
    crypto_sign_detached(signature, NULL, message, entry[3], secret);
    crypto_hash_sha256(hash, message, entry[3]);
    if (!secp256k1_ecdsa_sign_recoverable(context, &made, hash, seed, NULL, NULL)) abort();
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context, compact, &recovery_id, &made);
    switch (entry[0] % 6) {
      case 1: signature[entry[1] % 64] ^= entry[2], compact[entry[1] % 64] ^= entry[2]; break;
      case 2: key[entry[1] % 32] ^= entry[2], hash[entry[1] % 32] ^= entry[2]; break;
      case 3: message[entry[1]] ^= entry[2]; break;
      case 4: memset(signature + entry[1] % 64, entry[2], 64 - entry[1] % 64); break;
      case 5: memset(compact + entry[1] % 64, entry[2], 64 - entry[1] % 64); break;
    }
    messages[i] = (vc_bytes){copy(message, entry[3]), entry[3]};
    signatures[i] = (vc_ed25519_item){copy(signature, 64), copy(key, 32), messages[i]};
    recoverable[i] = (vc_secp256k1_item){copy(compact, 64), copy(hash, 32), (uint64_t)recovery_id ^ entry[4] % 8};
  }

  uint8_t verdicts[LARGEST_COUNT], keys[64 * LARGEST_COUNT];
  uint8_t digests[32 * LARGEST_COUNT], others[32 * LARGEST_COUNT];
  if (vc_features() & VC_AVX2) {
    vc_ed25519_verify_avx2(signatures, count, verdicts);
    expect_verdicts(signatures, count, verdicts);
    vc_secp256k1_recover_avx2(recoverable, count, keys, verdicts);
    expect_keys(recoverable, count, keys, verdicts);
    expect_few_unknown(data, count, verdicts);
    vc_keccak256_avx2(messages, count, digests);
  }
  if (vc_features() & VC_AVX512_IFMA) {
    vc_ed25519_verify_avx512(signatures, count, verdicts);
    expect_verdicts(signatures, count, verdicts);
    vc_secp256k1_recover_avx512(recoverable, count, keys, verdicts);
    expect_keys(recoverable, count, keys, verdicts);
    expect_few_unknown(data, count, verdicts);
    vc_keccak256_avx512(messages, count, others);
    if (memcmp(digests, others, 32 * count)) abort();
  }

  for (size_t i = 0; i < count; i++) {
    free((void *)messages[i].start);
    free((void *)signatures[i].signature);
    free((void *)signatures[i].key);
    free((void *)recoverable[i].signature);
    free((void *)recoverable[i].hash);
  }
  return 0;
}
