// SHA256_Init/Update/Final are called directly: they skip the provider fetch that costs more than a short hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/err.h>
#include <openssl/ripemd.h>
#include <openssl/sha.h>
