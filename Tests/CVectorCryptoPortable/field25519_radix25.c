#include "vector_portable.h"
//
#include "field25519_radix25.h"
//
#include "field25519.h"
//
#include "lane_inverse.h"
//
#include "CVectorCryptoPortable.h"
//
#include "field25519_test.h"

void vc_field25519_radix25(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result) {
  field_operation(operation, a, b, result);
}
