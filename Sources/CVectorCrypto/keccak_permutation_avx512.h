// Keccak-f[1600] in the 32 registers of AVX-512: a lane of one state in each (LANES = 1), or the same lane of eight
// states. In assembly, because the order of its instructions is worth a fifth of its time, and because the state, the
// five sums of theta and the two temporaries that chi needs take all 32 registers: the compiler, which orders by
// register pressure and copies or spills 40 times a round, makes 223 ns for one state on Zen 4 of what takes 188 here.
//
// At the start of a round register n has lane n = x + 5 y. Theta and rho happen where the lane is, so a plane of pi's
// result is five registers anywhere in the file; chi puts two lanes of the plane into the temporaries and three into
// registers of the plane, and leaves two registers of the plane free: the temporaries of the next one. At the end of
// the round all lanes go to their own registers, which costs nothing but decoding: a register is renamed, not copied.
//
// 95 instructions of a round need one of four vector pipes (29 of them, the rotations, one of two): 24 cycles at least,
// 29 in fact. What the order is for:
// - A vpternlogq whose destination was ready before its other operands takes two issue slots on Zen 4 (two instead of
//   four a cycle were measured), so the destination is the operand that is made last, a copy of it where it is needed
//   again.
// - Theta needs the whole state, so every round ends in a chain of dependent instructions. A plane's chi comes after
//   theta and rho of the next plane, which do not wait for it.
//
// Included where LANES and `vec` (the same lane of all states) are defined.

#if LANES == 1
#define KECCAK_VECTOR "xmm"
#define KECCAK_LOAD "vmovq "
#define KECCAK_LANE_BYTES "8"
#define KECCAK_BROADCAST "%{1to2%}"
#else
#define KECCAK_VECTOR "zmm"
#define KECCAK_LOAD "vmovdqu64 "
#define KECCAK_LANE_BYTES "64"
#define KECCAK_BROADCAST "%{1to8%}"
#endif

#define REGISTER(n) "%%" KECCAK_VECTOR #n
#define LANE_IN_MEMORY(n) #n "*" KECCAK_LANE_BYTES "(%[state])"
#define LOAD(n) KECCAK_LOAD LANE_IN_MEMORY(n) ", " REGISTER(n) "\n\t"
#define STORE(n) KECCAK_LOAD REGISTER(n) ", " LANE_IN_MEMORY(n) "\n\t"
#define EVERY_LANE(F) \
  F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) \
  F(13) F(14) F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23) F(24)

// b = a
#define COPY(b, a) "vmovdqa64 " REGISTER(a) ", " REGISTER(b) "\n\t"
// a ^= b
#define XOR(a, b) "vpxorq " REGISTER(b) ", " REGISTER(a) ", " REGISTER(a) "\n\t"
// b = a rotated
#define ROTATE(b, a, count) "vprolq $" #count ", " REGISTER(a) ", " REGISTER(b) "\n\t"
// a = what the table says of the bits of a, b and c
#define LOGIC(table, a, b, c) \
  "vpternlogq $" #table ", " REGISTER(c) ", " REGISTER(b) ", " REGISTER(a) "\n\t"
// a ^= b ^ c
#define XOR3(a, b, c) LOGIC(0x96, a, b, c)

// The sum of a column's first three lanes, in a copy of the third.
#define SUM3(c, a0, a1, a2) COPY(c, a2) XOR3(c, a0, a1)

#define THETA(a0, d0, a1, d1, a2, d2, a3, d3, a4, d4) XOR(a0, d0) XOR(a1, d1) XOR(a2, d2) XOR(a3, d3) XOR(a4, d4)
#define RHO(a, count) ROTATE(a, a, count)

// b0 ^ (~b1 & b2) and so on, into t0, t1, b2, b3, b4; b0 and b1 are free after it. Tables: 0xd2 for a ^ (~b & c) as
// (a, b, c), 0x9c for the same as (c, a, b).
#define CHI(t0, t1, b0, b1, b2, b3, b4) \
  COPY(t0, b2) LOGIC(0x9c, t0, b0, b1) COPY(t1, b3) LOGIC(0x9c, t1, b1, b2) \
  LOGIC(0xd2, b2, b3, b4) LOGIC(0xd2, b3, b4, b0) LOGIC(0xd2, b4, b0, b1)

#define KECCAK_ROUND \
  SUM3(27, 1, 6, 11) SUM3(25, 4, 9, 14) SUM3(28, 2, 7, 12) SUM3(26, 0, 5, 10) SUM3(29, 3, 8, 13) \
  XOR3(27, 16, 21) XOR3(25, 19, 24) XOR3(28, 17, 22) XOR3(26, 15, 20) XOR3(29, 18, 23) \
  /* Registers 25 to 29 have the sums of columns 4, 0, 1, 2, 3. To each comes the rotated sum of the column two \
     further: what is then in 25 + x is added to column x. */ \
  ROTATE(30, 27, 1) ROTATE(31, 25, 1) XOR(25, 30) ROTATE(30, 28, 1) XOR(28, 31) \
  ROTATE(31, 26, 1) XOR(26, 30) ROTATE(30, 29, 1) XOR(29, 31) XOR(27, 30) \
  THETA(0, 25, 6, 26, 12, 27, 18, 28, 24, 29) RHO(6, 44) RHO(12, 43) RHO(18, 21) RHO(24, 14) \
  THETA(3, 28, 9, 29, 10, 25, 16, 26, 22, 27) RHO(3, 28) RHO(9, 20) RHO(10, 3) RHO(16, 45) RHO(22, 61) \
  CHI(30, 31, 0, 6, 12, 18, 24) \
  "vpxorq (%[constant])" KECCAK_BROADCAST ", " REGISTER(30) ", " REGISTER(30) "\n\t" \
  THETA(1, 26, 7, 27, 13, 28, 19, 29, 20, 25) RHO(1, 1) RHO(7, 6) RHO(13, 25) RHO(19, 8) RHO(20, 18) \
  CHI(0, 6, 3, 9, 10, 16, 22) \
  THETA(4, 29, 5, 25, 11, 26, 17, 27, 23, 28) RHO(4, 27) RHO(5, 36) RHO(11, 10) RHO(17, 15) RHO(23, 56) \
  CHI(3, 9, 1, 7, 13, 19, 20) \
  THETA(2, 27, 8, 28, 14, 29, 15, 25, 21, 26) RHO(2, 62) RHO(8, 55) RHO(14, 39) RHO(15, 41) RHO(21, 2) \
  CHI(1, 7, 4, 5, 11, 17, 23) \
  CHI(4, 5, 2, 8, 14, 15, 21) \
  /* The lanes go home in two chains, each move into a register that the one before has left; 6 is at home. */ \
  COPY(2, 12) COPY(12, 13) COPY(13, 19) COPY(19, 23) COPY(23, 15) COPY(15, 1) COPY(1, 31) \
  COPY(8, 16) COPY(16, 7) COPY(7, 10) COPY(10, 3) COPY(3, 18) COPY(18, 17) COPY(17, 11) COPY(11, 9) COPY(9, 22) \
  COPY(22, 14) COPY(14, 20) COPY(20, 4) COPY(4, 24) COPY(24, 21) COPY(21, 5) COPY(5, 0) COPY(0, 30)

VECTOR_BEGIN

static void keccak_permute(vec state[25]) {
  const uint64_t *constant = keccak_round_constants, *const end = keccak_round_constants + 24;
  __asm__ volatile(
      EVERY_LANE(LOAD)
      ".p2align 6\n"
      "1:\n\t" KECCAK_ROUND
      "add $8, %[constant]\n\t"
      "cmp %[end], %[constant]\n\t"
      "jne 1b\n\t"
      EVERY_LANE(STORE)
      : [constant] "+r"(constant)
      : [state] "r"(state), [end] "r"(end)
      : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
        "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

VECTOR_END
