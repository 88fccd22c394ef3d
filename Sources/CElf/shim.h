/* libelf: relocatable objects, foreign ELF files, written executables (Sources/Linking). */
#ifndef ESTUARY_CELF_SHIM_H
#define ESTUARY_CELF_SHIM_H

#include <gelf.h>
#include <libelf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libelf writes to a file: here is one without a name, or -1. */
static inline int estuary_memory_file(void) { return (int)syscall(SYS_memfd_create, "estuary-elf", 1u /* MFD_CLOEXEC */); }

#endif
