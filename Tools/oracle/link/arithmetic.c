/* Arithmetic, memory, calls and data of every kind, folded into one number. The same source runs natively and, linked
 * for each SBPF version, in the validator's machine: both must come to the same result. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;
typedef short i16;
typedef signed char i8;
typedef unsigned long long u64;
typedef long long i64;

#define NOINLINE __attribute__((noinline))

static const char *const words[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"};
static const u32 table[] = {0x80000000u, 1, 0xffffffffu, 0x7fffffffu, 12345, 0, 0xdeadbeefu, 3};
static const u8 letters[] __attribute__((aligned(64))) = "the quick brown fox";

NOINLINE static u64 mix(u64 state, u64 value) {
  state ^= value + 0x9e3779b97f4a7c15ull + (state << 6) + (state >> 2);
  return state * 0xff51afd7ed558ccdull;
}

NOINLINE static u64 words32(u64 state, u32 a, u32 b) {
  u32 sum = a + b, difference = a - b, product = a * b;
  state = mix(state, sum);
  state = mix(state, (u64)difference);
  state = mix(state, product);
  state = mix(state, (u64)(i64)(i32)sum);
  state = mix(state, (u64)sum / 3);
  state = mix(state, (u64)(a + 0x7fffffff) >> 1);
  state = mix(state, (u64)(a * 0x80000001u));
  state = mix(state, (u64)(a - 5) << 1);
  state = mix(state, -a);
  state = mix(state, ~a);
  state = mix(state, a / (b | 1));
  state = mix(state, a % (b | 1));
  state = mix(state, a << (b & 31));
  state = mix(state, a >> (b & 31));
  state = mix(state, (u32)((i32)a >> (b & 31)));
  state = mix(state, (u64)(i64)((i32)a >> 3));
  state = mix(state, a > b ? sum : difference);
  state = mix(state, (i32)a > (i32)b ? sum : product);
  return state;
}

NOINLINE static u64 words64(u64 state, u64 a, u64 b) {
  state = mix(state, a + b);
  state = mix(state, a - b);
  state = mix(state, a * b);
  state = mix(state, a / (b | 1));
  state = mix(state, a % (b | 1));
  state = mix(state, a / 10);
  state = mix(state, a % 1000000007);
  state = mix(state, a / 0xfffffffffffffff0ull);
  state = mix(state, a % 0xffffffff80000001ull);
  state = mix(state, a * 0xffffffff80000000ull);
  state = mix(state, a / 0xfffffffful);
  state = mix(state, -a);
  state = mix(state, a << (b & 63));
  state = mix(state, a >> (b & 63));
  state = mix(state, (u64)((i64)a >> (b & 63)));
  state = mix(state, __builtin_bswap16((u16)a));
  state = mix(state, __builtin_bswap32((u32)a));
  state = mix(state, __builtin_bswap64(a));
  state = mix(state, (u64)(i64)(i8)a);
  state = mix(state, (u64)(i64)(i16)a);
  state = mix(state, a > b);
  state = mix(state, (i64)a > (i64)b);
  state = mix(state, (i64)a <= -2147483648ll);
  state = mix(state, a & 0x8000000000000000ull ? 7 : 8);
  state = mix(state, a | 0xffffffff00000000ull);
  return state;
}

NOINLINE static u64 twice(u64 x) { return x * 2 + 1; }
NOINLINE static u64 square(u64 x) { return x * x; }
__attribute__((section(".text.apart"), noinline)) u64 apart(u64 x) { return twice(x) ^ square(x); }
typedef u64 (*function)(u64);
static const function functions[] = {twice, square, apart};

NOINLINE static u64 ackermann(u64 m, u64 n) {
  volatile u64 kept[8];
  for (int i = 0; i < 8; i++) kept[i] = m * 31 + n + i;
  u64 result = m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
  u64 check = 0;
  for (int i = 0; i < 8; i++) check += kept[i];
  return check == 8 * (m * 31 + n) + 28 ? result : ~0ull;
}

NOINLINE static u64 frames(u64 state, const u8 *data, u64 count) {
  u8 bytes[1500];
  u64 lanes[64];
  for (u64 i = 0; i < sizeof bytes; i++) bytes[i] = (u8)(data[i % count] + i);
  for (u64 i = 0; i < 64; i++) lanes[i] = bytes[i * 7] * 0x0101010101010101ull;
  for (u64 i = 0; i < 64; i++) state = mix(state, lanes[63 - i]);
  *(volatile u16 *)(bytes + 10) = 0xabcd;
  *(volatile u32 *)(bytes + 12) = 0x12345678;
  *(volatile u64 *)(bytes + 16) = ~0ull;
  for (u64 i = 8; i < 40; i++) state = mix(state, bytes[i]);
  return state;
}

u64 compute(const u8 *data, u64 count) {
  u64 state = count;
  for (u64 i = 0; i + 16 <= count; i += 8) {
    u64 a = *(const u64 *)(data + i), b = *(const u64 *)(data + i + 8);
    state = words64(state, a, b);
    state = words32(state, (u32)a, (u32)(b >> 32));
    state = words32(state, table[a & 7], table[b & 7]);
    const char *word = words[a % 7];
    while (word && *word) state = mix(state, (u8)*word++);
    state = mix(state, letters[b % 19]);
    state = mix(state, functions[(a >> 8) % 3](b));
    const volatile function *pointer = &functions[b % 3];
    state = mix(state, (*pointer)(a));
  }
  state = mix(state, ackermann(2, count & 3));
  return frames(state, data, count);
}

#ifdef __bpf__
extern void sol_set_return_data(const u8 *data, u64 count);
extern void sol_log_(const char *message, u64 count);

__attribute__((section(".text.entry"))) u64 entrypoint(const u8 *input, const u8 *data) {
  u64 result = compute(data, *(const u64 *)(data - 8));
  sol_log_("computed", 8);
  sol_set_return_data((const u8 *)&result, 8);
  return 0;
}
#endif
