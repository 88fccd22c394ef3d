// One operation on elements in memory, for the tests of the field's bounds.

static void field_operation(
  vc_field_operation operation, const uint64_t *a, const uint64_t *b, uint64_t *result) {
  fe x, y, z, square;
  for (int i = 0; i < FE_LIMBS; i++) x.v[i] = v_load(a + LANES * i), y.v[i] = v_load(b + LANES * i);
  switch (operation) {
    case VC_MULTIPLY: fe_multiply(&z, &x, &y); break;
    case VC_SQUARE: fe_square(&z, &x); break;
    case VC_ADD: fe_add(&z, &x, &y); break;
    case VC_SUBTRACT: fe_subtract(&z, &x, &y); break;
    case VC_NEGATE: fe_negate(&z, &x); break;
    case VC_CANONICAL: fe_canonical(&z, &x); break;
    case VC_INVERT: fe_invert(&z, &x); break;
    case VC_MULTIPLY_RAISED:
    case VC_SQUARE_RAISED:
      if (operation == VC_MULTIPLY_RAISED) fe_multiply_raised(&z, &x, &y);
      else fe_square_raised(&z, &x);
      fe_square_wide(&square, &y);
      fe_raised_subtract(&z, &z, &square);
      fe_reduce(&z, &z);
      break;
    default: return;  // the other field's
    case VC_WIDE:
      fe_wide_add(&z, &x, &x);
      fe_wide_add(&z, &z, &y);
      fe_wide_subtract(&z, &z, &y);
      fe_reduce(&z, &z);
      break;
  }
  for (int i = 0; i < FE_LIMBS; i++) v_store(result + LANES * i, z.v[i]);
}
