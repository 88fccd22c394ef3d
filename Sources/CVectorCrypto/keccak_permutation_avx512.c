#if defined(__x86_64__)
#include "vector_single.h"
//
#include "include/CVectorCrypto.h"
//
#include "keccak_permutation.h"

VECTOR_BEGIN

void vc_keccak_permute_avx512(uint64_t words[25]) {
  vec state[25], scratch[25];
  for (int i = 0; i < 25; i++) state[i] = v_load(words + i);
  keccak_rounds(state, scratch);
  for (int i = 0; i < 25; i++) v_store(words + i, state[i]);
}

VECTOR_END
#endif
