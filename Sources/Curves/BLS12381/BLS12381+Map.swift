// Elements of Fp and Fp2 to points of G1 and G2 (EIP-2537; RFC 9380, sections 6.6.3 and 8.8): the
// simplified map of Shallue, van de Woestijne and Ulas to an isogenous curve, its isogeny, and a multiple
// that lies in the subgroup.

extension BLS12381 {
  static func mapToG1(_ element: Fp) -> G1 {
    let isogenous = simplifiedMap(
      element, a: isogenousA1, b: isogenousB1, z: mapZ1, root: { $0.squareRoot() }, isOdd: { $0.isOdd })
    let point = isogeny(
      isogenous, xNumerator: isogeny11XNumerator, xDenominator: isogeny11XDenominator,
      yNumerator: isogeny11YNumerator, yDenominator: isogeny11YDenominator)
    return (point.multiplied(byDigits: uDigits) + point).affine
  }

  static func mapToG2(_ element: Fp2<Fp>) -> G2 {
    let isogenous = simplifiedMap(
      element, a: isogenousA2, b: isogenousB2, z: mapZ2, root: { $0.squareRoot() }, isOdd: { $0.isOdd })
    let point = isogeny(
      isogenous, xNumerator: isogeny3XNumerator, xDenominator: isogeny3XDenominator,
      yNumerator: isogeny3YNumerator, yDenominator: isogeny3YDenominator)
    return clearedCofactor(point).affine
  }

  /// [u^2 - u - 1]P + [u - 1]psi(P) + psi^2([2]P), which is in G2 (Budroni and Pintore,
  /// https://eprint.iacr.org/2017/419), and what RFC 9380's multiplication by h_eff gives.
  private static func clearedCofactor(_ point: JacobianPoint<Fp2<Fp>>) -> JacobianPoint<Fp2<Fp>> {
    let multiple = point.multiplied(byDigits: uDigits)  // [-u]P
    let first = (multiple + point).multiplied(byDigits: uDigits)  // [u^2 - u]P
    let second = psi(multiple + point)  // [1 - u]psi(P)
    return first + -point + -second + psi(psi(point.doubled()))
  }

  /// A point of y^2 = x^3 + a x + b (RFC 9380, section 6.6.2). One of the two candidates for x always has a
  /// y, as z is no square.
  private static func simplifiedMap<F: Field>(
    _ u: F, a: F, b: F, z: F, root: (F) -> F?, isOdd: (F) -> Bool
  ) -> AffinePoint<F> {
    let zSquare = z * u.squared()
    let sum = zSquare.squared() + zSquare
    let x1 = sum.isZero ? b * (z * a).inverted() : -b * (sum + .one) * (a * sum).inverted()
    var x = x1
    var y = root((x.squared() + a) * x + b)
    if y == nil {
      x = zSquare * x1
      y = root((x.squared() + a) * x + b)
    }
    guard let y else { return .infinity }
    return AffinePoint(x, isOdd(u) == isOdd(y) ? y : -y)
  }

  /// The image under an isogeny (x, y) to (xn(x) / xd(x), y yn(x) / yd(x)).
  private static func isogeny<F: Field>(
    _ point: AffinePoint<F>, xNumerator: [F], xDenominator: [F], yNumerator: [F], yDenominator: [F]
  ) -> JacobianPoint<F> {
    func value(_ coefficients: [F]) -> F {
      coefficients.reversed().reduce(.zero) { $0 * point.x + $1 }
    }
    let (xn, xd, yn, yd) = (
      value(xNumerator), value(xDenominator), value(yNumerator), value(yDenominator)
    )
    let z = xd * yd
    let square = z.squared()
    return JacobianPoint(xn * yd * z, point.y * yn * xd * square, z)
  }
}
