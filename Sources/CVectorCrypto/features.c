#include "include/CVectorCrypto.h"

unsigned vc_features(void) {
  unsigned features = 0;
#if defined(__x86_64__)
  // Looks at CPUID and at XCR0: registers that the system does not save do not count.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
    features |= VC_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512ifma"))
    features |= VC_AVX512_IFMA;
#endif
  return features;
}
