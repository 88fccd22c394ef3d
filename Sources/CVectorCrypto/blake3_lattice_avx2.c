#if defined(__x86_64__)
#include "vector_avx2.h"
//
#include "blake3_lattice.h"
#endif
