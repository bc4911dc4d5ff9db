// Activations on one vector of an instruction set, from IEEE add, multiply, fma and divide alone, so that every
// instruction set gives the same bits. Included by generic.inl.
//
// Let z = n ln 2 + r with n whole and |r| <= ln 2 / 2; then e^z = 2^n (1 + p) with p = e^r − 1 = r + r² q(r). The
// coefficients of q minimise the relative error of p over that interval (1.6e-8, a quarter of an ulp), each rounded to
// float32 before the next was fitted. With ln 2 in one float32, e^z is off by n 1.9e-9 of itself: where n is large, the
// activations no longer show it.

template <class V>
struct Exponential {
  typename V::Float power;   // 2^n
  typename V::Float excess;  // p
};

// z in [−87, 88].
template <class V>
PACKED_RNN_INLINE Exponential<V> exponential(typename V::Float z) {
  using Float = typename V::Float;
  // Adding 1.5 * 2^23 rounds to a whole number; the 127 beside it is the exponent's bias, which leaves 2^n in the low
  // bits, to be shifted into place.
  const Float magic = V::set(12582912.0f + 127.0f);
  const Float shifted = V::fma(z, V::set(1.44269502f), magic);
  const Float n = V::sub(shifted, magic);
  const Float r = V::fma(n, V::set(-0.693147182f), z), r2 = V::mul(r, r);
  const Float q43 = V::fma(V::set(0x1.6d995ap-10f), r, V::set(0x1.122838p-7f));
  const Float q21 = V::fma(V::set(0x1.555486p-5f), r, V::set(0x1.5554bp-3f));
  const Float q = V::fma(V::fma(q43, r2, q21), r, V::set(0.5f));
  return {V::power_of_two(shifted), V::fma(r2, q, r)};
}

// The bounds keep the products of two of the results below finite. A NaN passes every clamp.

// 1 + e^−x, at most 1 + e^60: the sigmoid's denominator, for a sigmoid that multiplies something finite.
template <class V>
PACKED_RNN_INLINE typename V::Float one_plus_exp_minus(typename V::Float x, float most = 60.0f) {
  const typename V::Float z = V::at_least(-87.0f, V::at_most(most, V::sub(V::set(0.0f), x)));
  const Exponential<V> e = exponential<V>(z);
  return V::fma(e.power, e.excess, V::add(e.power, V::set(1.0f)));
}

// 1 / (1 + e^−x), down to an exact zero, so that a closed gate times an infinite state is the NaN that it should be.
template <class V>
PACKED_RNN_INLINE typename V::Float sigmoid(typename V::Float x) {
  const typename V::Float value = V::div(V::set(1.0f), one_plus_exp_minus<V>(x, 87.0f));
  return V::zero_if_less(value, x, -87.0f);
}

// e^2x − 1; tanh x = e / (e + 2), which is 1 in float32 from x = 10 on.
template <class V>
PACKED_RNN_INLINE typename V::Float expm1_twice(typename V::Float x) {
  const typename V::Float z = V::at_least(-20.0f, V::at_most(20.0f, V::add(x, x)));
  const Exponential<V> e = exponential<V>(z);
  return V::fma(e.power, e.excess, V::sub(e.power, V::set(1.0f)));
}

// With one division for both.
template <class V>
PACKED_RNN_INLINE typename V::Float sigmoid_times_tanh(typename V::Float x, typename V::Float y) {
  const typename V::Float e = expm1_twice<V>(y);
  return V::div(e, V::mul(one_plus_exp_minus<V>(x), V::add(e, V::set(2.0f))));
}

template <class V>
PACKED_RNN_INLINE typename V::Float tanh(typename V::Float x) {
  const typename V::Float e = expm1_twice<V>(x);
  return V::div(e, V::add(e, V::set(2.0f)));
}
