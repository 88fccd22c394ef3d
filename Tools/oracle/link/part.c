/* The other half of tables.c: a function and data of its own, and a strong definition in place of a weak one. */
typedef unsigned char u8;
typedef unsigned long long u64;

static const u8 *const pieces[] = {(const u8 *)"left", (const u8 *)"right"};

__attribute__((noinline)) static u64 mix(u64 state, u64 value) {
  state ^= value + 0x9e3779b97f4a7c15ull + (state << 6) + (state >> 2);
  return state * 0xff51afd7ed558ccdull;
}

u64 weak_part(u64 value) { return value + 2; }

u64 other_part(u64 state, u64 value) { return mix(mix(state, pieces[value & 1][value & 3]), value); }
