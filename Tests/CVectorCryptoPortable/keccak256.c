#include "vector_portable.h"
//
#include "keccak256.h"
