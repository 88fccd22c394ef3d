// What the scheduler needs from Linux and the processor and Swift's Glibc module does not show: the spin-wait
// hint, the prefetch hint and the thread's CPU mask (sched_setaffinity(2), declared only under _GNU_SOURCE).
#ifndef ESTUARY_CTHREADS_SHIM_H
#define ESTUARY_CTHREADS_SHIM_H

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Tells the processor that the caller spins, so that a sibling hardware thread gets its turn.
static inline void estuary_spin_hint(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Asks for the cache line at `address`, to be written soon. Any address will do.
static inline void estuary_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Fills `words` with the calling thread's CPU mask; returns the number of bytes filled, or -1.
static inline long estuary_affinity_get(unsigned long *words, size_t byte_count) {
  return syscall(SYS_sched_getaffinity, 0, byte_count, words);
}

/// Sets the calling thread's CPU mask; returns 0, or -1 where the system forbids it.
static inline long estuary_affinity_set(const unsigned long *words, size_t byte_count) {
  return syscall(SYS_sched_setaffinity, 0, byte_count, words);
}

#endif
