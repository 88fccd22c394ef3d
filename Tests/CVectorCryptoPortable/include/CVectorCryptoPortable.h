// CVectorCrypto's code for AVX-512 over the plain C of vector_portable.h, so that its logic is tested on any
// machine.
#ifndef ESTUARY_CVECTORCRYPTOPORTABLE_H
#define ESTUARY_CVECTORCRYPTOPORTABLE_H

#include <CVectorCrypto.h>

void vc_keccak256_portable(const vc_bytes *messages, size_t count, uint8_t *digests);
void vc_lattice_portable(
  const uint32_t value[8], const uint32_t block[16], uint32_t byte_count, uint32_t flags, int subtracts,
  uint16_t *lattice);
void vc_ed25519_prepare_portable(void);
void vc_ed25519_verify_portable(const vc_ed25519_item *items, size_t count, uint8_t *verdicts);

typedef enum {
  VC_MULTIPLY, VC_SQUARE, VC_ADD, VC_SUBTRACT, VC_NEGATE, VC_CANONICAL,
  /// For 2^255 − 19 the sum of 2a and b less b, as wide numbers, reduced; for the other field a, a wide
  /// number, carried.
  VC_WIDE,
  /// 1/a; no lane's a is zero.
  VC_INVERT,
  /// Of 2^255 − 19: a b − b b and a a − b b, the first product raised.
  VC_MULTIPLY_RAISED, VC_SQUARE_RAISED,
  /// Of the other field: a b + a b; a b and a a as products not carried; a, wide, as a factor; a, of which the last limb is
  /// small, as a factor. What of a factor's limbs no multiplication reads is cleared.
  VC_MULTIPLY_TWO, VC_MULTIPLY_WIDE, VC_SQUARE_WIDE, VC_FACTOR, VC_NARROW_FACTOR,
  /// a b + a a, not carried; of a product a, −8 a as a factor; of trimmed ones, a − b as a factor; a, of which the last limb is
  /// small, trimmed.
  VC_MULTIPLY_ADD_SQUARE_WIDE, VC_NEGATE_PRODUCT, VC_SUBTRACT_TRIMMED, VC_TRIM,
} vc_field_operation;

void vc_secp256k1_prepare_portable(void);
void vc_secp256k1_recover_portable(
  const vc_secp256k1_item *items, size_t count, uint8_t *keys, uint8_t *verdicts);

/// Arithmetic of GF(2^255 − 19), eight elements at once: word 8 i + l is limb i of lane l. With five limbs
/// and with ten.
void vc_field25519_radix51(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result);
void vc_field25519_radix25(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result);
/// The same of secp256k1's field.
void vc_field256k1_radix52(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result);
void vc_field256k1_radix26(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result);

#endif
