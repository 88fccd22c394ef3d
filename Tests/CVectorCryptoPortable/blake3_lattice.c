#include "vector_portable.h"
//
#include "blake3_lattice.h"
