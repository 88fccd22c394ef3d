#if defined(__x86_64__)
#include "vector_avx2.h"
//
#include "field256k1_radix26.h"
//
#include "recovery256k1.h"
#endif
