/* Header only: the structures and numbers of the file format, for the loader of on-chain bytes, which links no
   library that reads files (docs/vm-loading.md). */
#include <elf.h>
