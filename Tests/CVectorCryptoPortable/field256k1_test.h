// One operation on elements in memory, for the tests of the field's bounds.

static void field_operation(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result) {
  fe x, y, z;
  for (int i = 0; i < FE_LIMBS; i++) x.v[i] = v_load(a + LANES * i), y.v[i] = v_load(b + LANES * i);
  switch (operation) {
    case VC_MULTIPLY: fe_multiply(&z, &x, &y); break;
    case VC_SQUARE: fe_square(&z, &x); break;
    case VC_ADD: fe_add(&z, &x, &y); break;
    case VC_SUBTRACT: fe_subtract(&z, &x, &y); break;
    case VC_NEGATE:
      fe_small(&z, 0);
      fe_subtract(&z, &z, &x);
      break;
    case VC_CANONICAL: fe_canonical(&z, &x); break;
    case VC_WIDE: fe_carry(&z, &x); break;
    case VC_INVERT: fe_invert(&z, &x); break;
    case VC_MULTIPLY_TWO: fe_multiply_two(&z, &x, &y, &x, &y); break;
    case VC_MULTIPLY_WIDE: fe_multiply_wide(&z, &x, &y); break;
    case VC_SQUARE_WIDE: fe_square_wide(&z, &x); break;
    case VC_FACTOR:
    case VC_NARROW_FACTOR:
      if (operation == VC_FACTOR) fe_carry_factor(&z, &x);
      else fe_carry_narrow(&z, &x);
      break;
    case VC_MULTIPLY_ADD_SQUARE_WIDE: fe_multiply_add_square_wide(&z, &x, &y, &x); break;
    case VC_NEGATE_PRODUCT:
      fe_wide_shift(&z, &x, 3);
      fe_wide_negate(&z, &z, FE_PRODUCT_BITS + 3);
      fe_carry_factor(&z, &z);
      break;
    case VC_SUBTRACT_TRIMMED:
      fe_wide_subtract(&z, &x, &y, FE_TRIMMED_BITS);
      fe_carry_factor(&z, &z);
      break;
    case VC_TRIM:
      fe_carry_narrow(&z, &x);
      fe_trim(&z);
      break;
    default: return;  // the other field's
  }
  int is_factor = operation == VC_FACTOR || operation == VC_NARROW_FACTOR || operation == VC_NEGATE_PRODUCT
    || operation == VC_SUBTRACT_TRIMMED;
  if (FE_LIMBS == 5 && is_factor)
    for (int i = 0; i < FE_LIMBS; i++) z.v[i] = v_and(z.v[i], v_set((1ULL << 52) - 1));
  for (int i = 0; i < FE_LIMBS; i++) v_store(result + LANES * i, z.v[i]);
}
