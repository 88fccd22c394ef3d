#if defined(__x86_64__)
#include "vector_avx2.h"
//
#include "field25519_radix25.h"
//
#include "ed25519.h"
#endif
