#include "vector_portable.h"
//
#include "field256k1_radix26.h"
//
#include "field256k1.h"
//
#include "lane_inverse.h"
//
#include "CVectorCryptoPortable.h"
//
#include "field256k1_test.h"

void vc_field256k1_radix26(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result) {
  field_operation(operation, a, b, result);
}
