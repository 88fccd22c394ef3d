#if defined(__x86_64__)
#include "include/CVectorCrypto.h"

// One lane of one state in the low half of a 128-bit register.
#define LANES 1
#define VECTOR_REGISTERS 32
#define VECTOR_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512vl\"))), apply_to = function)")
#define VECTOR_END _Pragma("clang attribute pop")
typedef uint64_t vec;
//
#include "keccak_permutation.h"

VECTOR_BEGIN

void vc_keccak_permute_avx512(uint64_t words[25]) { keccak_permute(words); }

VECTOR_END
#endif
