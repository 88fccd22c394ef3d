// Inverses modulo an odd number below 2^256, one number at a time: Bernstein and Yang, Fast constant-time gcd computation
// and modular inversion (https://eprint.iacr.org/2019/266), 62 division steps at a time, of which those that only halve
// are taken together; signatures are no secrets. It takes a third of the time of a power with the exponent p − 2.
#ifndef ESTUARY_INVERSE_H
#define ESTUARY_INVERSE_H

#include <stdint.h>
#include <string.h>

typedef __int128 inverse_wide;

// Σ v[i] 2^(62 i): limbs 0 to 3 in [0, 2^62), the last one has the sign.
typedef struct { int64_t v[5]; } inverse_number;
// 2^62 times what 62 division steps do to (f, g): f' = (u f + v g)/2^62, g' = (q f + r g)/2^62. Absolute values of a row sum
// up to 2^62 at most.
typedef struct { int64_t u, v, q, r; } inverse_steps;

enum { INVERSE_BITS = 62 };
static const uint64_t inverse_mask = (1ULL << INVERSE_BITS) - 1;

static void inverse_read(inverse_number *o, const uint64_t a[4]) {
  o->v[0] = (int64_t)(a[0] & inverse_mask);
  for (int i = 1; i < 4; i++)
    o->v[i] = (int64_t)((a[i - 1] >> (64 - 2 * i) | a[i] << (2 * i)) & inverse_mask);
  o->v[4] = (int64_t)(a[3] >> 56);
}

// Division steps decide by the low bits alone. A step makes (f, g) of an odd g and a positive delta (g, (g − f)/2), with 1 −
// delta; otherwise (f, (g + f)/2) or (f, g/2), with 1 + delta. The new delta.
static int64_t inverse_advance(inverse_steps *o, int64_t delta, uint64_t f, uint64_t g) {
  uint64_t u = 1, v = 0, q = 0, r = 1;
  int left = INVERSE_BITS;
  for (;;) {
    int zeros = __builtin_ctzll(g | 1ULL << left);
    g >>= zeros, u <<= zeros, v <<= zeros;
    delta += zeros;
    left -= zeros;
    if (left == 0) break;
    if (delta > 0) {
      uint64_t t = f;
      f = g, g = 0 - t;
      t = u, u = q, q = 0 - t;
      t = v, v = r, r = 0 - t;
      delta = -delta;
    }
    // As long as delta is not positive, steps add f or nothing: as many as clear up to six bits of g at once. f (2 − f²) is
    // 1/f modulo 64, since f² is 1 modulo 8.
    int count = delta > -5 ? (int)(1 - delta) : 6;
    if (count > left) count = left;
    uint64_t multiple = (g * f * (f * f - 2)) & ((1ULL << count) - 1);
    g += multiple * f, q += multiple * u, r += multiple * v;
  }
  *o = (inverse_steps){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
  return delta;
}

// (x f + y g)/2^62, which is whole.
static void inverse_combine(inverse_number *o, int64_t x, int64_t y, const inverse_number *f, const inverse_number *g) {
  inverse_wide sum = (inverse_wide)x * f->v[0] + (inverse_wide)y * g->v[0];
  for (int i = 1; i < 5; i++) {
    sum = (sum >> INVERSE_BITS) + (inverse_wide)x * f->v[i] + (inverse_wide)y * g->v[i];
    o->v[i - 1] = (int64_t)((uint64_t)sum & inverse_mask);
  }
  o->v[4] = (int64_t)(sum >> INVERSE_BITS);
}

// (x d + y e)/2^62 modulo m, for d and e above −2 m and below m, and so is the result: m is added to what is negative, so that
// the absolute value of the sum is below 2^62 m, and then less than 2^62 times m is taken away to make it divisible.
static void inverse_combine_modulo(
  inverse_number *o, int64_t x, int64_t y, const inverse_number *d, const inverse_number *e, const inverse_number *m,
  uint64_t m_inverse) {
  int64_t multiple = (x & (d->v[4] >> 63)) + (y & (e->v[4] >> 63));
  inverse_wide sum = (inverse_wide)x * d->v[0] + (inverse_wide)y * e->v[0];
  multiple -= (int64_t)((m_inverse * (uint64_t)sum + (uint64_t)multiple) & inverse_mask);
  sum += (inverse_wide)multiple * m->v[0];
  for (int i = 1; i < 5; i++) {
    sum = (sum >> INVERSE_BITS) + (inverse_wide)x * d->v[i] + (inverse_wide)y * e->v[i] + (inverse_wide)multiple * m->v[i];
    o->v[i - 1] = (int64_t)((uint64_t)sum & inverse_mask);
  }
  o->v[4] = (int64_t)(sum >> INVERSE_BITS);
}

// x, or −x, and m more where that is below zero.
static void inverse_normalize(inverse_number *x, int negates, const inverse_number *m) {
  int64_t sign = negates ? -1 : 1, adds = (x->v[4] < 0) != (negates != 0);
  inverse_wide sum = 0;
  for (int i = 0; i < 5; i++) {
    sum += (inverse_wide)sign * x->v[i] + (adds ? m->v[i] : 0);
    x->v[i] = i < 4 ? (int64_t)((uint64_t)sum & inverse_mask) : (int64_t)sum;
    sum >>= INVERSE_BITS;
  }
}

// 1/a modulo m, for a below m, which is odd and has no divisor with it in common; 0 of 0. Each step keeps f odd and d a ≡ f, e a
// ≡ g; at the end g is 0, f ±1 and d ± 1/a. For numbers of 256 bits 741 steps are enough (theorem 11.2).
static void inverse_modulo(uint64_t o[4], const uint64_t a[4], const uint64_t modulus[4]) {
  inverse_number m, f, g, d = {{0}}, e = {{1}}, t;
  uint64_t m_inverse = modulus[0];  // three bits are right, and twice as many after each step
  for (int i = 0; i < 5; i++) m_inverse *= 2 - modulus[0] * m_inverse;
  inverse_read(&m, modulus);
  inverse_read(&g, a);
  f = m;
  int64_t delta = 1;
  while (g.v[0] | g.v[1] | g.v[2] | g.v[3] | g.v[4]) {
    inverse_steps s;
    delta = inverse_advance(
      &s, delta, (uint64_t)f.v[0] | (uint64_t)f.v[1] << INVERSE_BITS, (uint64_t)g.v[0] | (uint64_t)g.v[1] << INVERSE_BITS);
    inverse_combine_modulo(&t, s.u, s.v, &d, &e, &m, m_inverse);
    inverse_combine_modulo(&e, s.q, s.r, &d, &e, &m, m_inverse);
    d = t;
    inverse_combine(&t, s.u, s.v, &f, &g);
    inverse_combine(&g, s.q, s.r, &f, &g);
    f = t;
  }
  inverse_normalize(&d, 0, &m);  // above −m, as −f is at the end
  inverse_normalize(&d, f.v[4] < 0, &m);
  for (int i = 0; i < 4; i++) o[i] = (uint64_t)d.v[i] >> (2 * i) | (uint64_t)d.v[i + 1] << (62 - 2 * i);
}

#endif
