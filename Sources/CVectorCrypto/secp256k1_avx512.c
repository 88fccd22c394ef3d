#if defined(__x86_64__)
#include "vector_avx512.h"
//
#include "field256k1_radix52.h"
//
#include "recovery256k1.h"
#endif
