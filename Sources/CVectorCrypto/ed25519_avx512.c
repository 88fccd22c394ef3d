#if defined(__x86_64__)
#include "vector_avx512.h"
//
#include "field25519_radix51.h"
//
#include "ed25519.h"
#endif
