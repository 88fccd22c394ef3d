#if defined(__x86_64__)
#include "vector_avx512.h"
//
#include "blake3_lattice.h"
#endif
