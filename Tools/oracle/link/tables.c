/* What -fPIC, -fdata-sections and clang's own ideas make of plain C: tables of texts and of tables (32-bit distances
 * under -fPIC), switches that become tables, loops that become strlen and memcmp, and the functions that an optimiser
 * calls by itself. The same source runs natively and, linked for each SBPF version, in the validator's machine. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define NOINLINE __attribute__((noinline))

NOINLINE static u64 mix(u64 state, u64 value) {
  state ^= value + 0x9e3779b97f4a7c15ull + (state << 6) + (state >> 2);
  return state * 0xff51afd7ed558ccdull;
}

NOINLINE static const char *unit(u64 index) {
  static const char *const units[] = {"lamport", "sol", "kilo", "mega", "giga", "", "a longer name than the others"};
  return units[index % 7];
}

/* Written after the table in the same section of texts, and longer than the table. */
NOINLINE static const char *message(u64 index) {
  switch (index & 7) {
  case 0: return "a message that is long enough to make the section of texts longer than the table before it";
  case 1: return "one";
  case 2: return "two";
  case 3: return "three";
  case 4: return "four and more";
  case 5: return "five";
  case 6: return "six";
  default: return "sol"; /* shared with the table */
  }
}

static const u32 primes[] = {2, 3, 5, 7, 11, 13, 17}, squares[] = {1, 4, 9, 16, 25, 36, 49}, cubes[] = {1, 8, 27, 64, 125};
NOINLINE static const u32 *row(u64 index) {
  static const u32 *const rows[] = {primes, squares, cubes, squares + 2, primes + 3};
  return rows[index % 5];
}

NOINLINE static u64 length(const char *text) {
  u64 count = 0;
  while (text[count]) count++;
  return count;
}

NOINLINE static int same(const u8 *left, const u8 *right, u64 count) { return __builtin_memcmp(left, right, count); }

NOINLINE static u64 sign(int value) { return value < 0 ? 1 : value > 0 ? 2 : 3; }

#ifdef PLAIN_MEMORY /* with -fno-builtin these are calls; native code has the C library's */
extern void *memcpy(void *, const void *, unsigned long);
extern void *memmove(void *, const void *, unsigned long);
extern void *memset(void *, int, unsigned long);
NOINLINE static u64 memory(u64 state, const u8 *data, u64 count) {
  u8 buffer[128];
  if (count > 96) count = 96;
  if (memset(buffer, (int)(0x100 | (count & 0xff)), 128) != buffer) return 0;
  if (memcpy(buffer + 8, data, count) != buffer + 8) return 0;
  if (memmove(buffer + 3, buffer + 8, count) != buffer + 3) return 0;
  memmove(buffer + 20, buffer + 3, count);
  for (u64 i = 0; i < 128; i++) state = mix(state, buffer[i]);
  return state;
}
#else
#define memory(state, data, count) (state)
#endif

#ifdef PART
/* The other object of a program in two parts. */
u64 other_part(u64 state, u64 value);
__attribute__((weak)) u64 weak_part(u64 value) { return value + 1; }
#else
#define other_part mix
#define weak_part(value) ((value) + 2)
#endif

u64 compute(const u8 *data, u64 count) {
  u64 state = count;
  for (u64 i = 0; i + 8 <= count; i += 8) {
    u64 value = *(const u64 *)(data + i);
    const char *name = unit(value), *text = message(value >> 8);
    u64 size = length(name), more = length(text);
    state = mix(state, size << 32 | more);
    for (u64 j = 0; j < size; j++) state = mix(state, (u8)name[j]);
    for (u64 j = 0; j < more; j++) state = mix(state, (u8)text[j]);
    state = mix(state, row(value >> 16)[(value >> 24) % 2]);
    state = mix(state, sign(same(data, data + i, 8)));
    state = mix(state, sign(same((const u8 *)name, (const u8 *)text, size < more ? size : more)));
    state = other_part(state, weak_part(value));
  }
  return memory(state, data, count);
}

#ifdef __bpf__
extern void sol_set_return_data(const u8 *data, u64 count);
extern void sol_log_(const char *message, u64 count);

u64 entrypoint(const u8 *input, const u8 *data) {
  u64 result = compute(data, *(const u64 *)(data - 8));
  if (result == 0x7261702121ull) __builtin_trap();
  sol_log_("computed", 8);
  sol_set_return_data((const u8 *)&result, 8);
  return 0;
}
#endif
