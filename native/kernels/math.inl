// Activations on one vector of an instruction set, from IEEE add, multiply, fma and divide alone, so that every
// instruction set gives the same bits. Included by generic.inl.
//
// Let z = n ln 2 + r with n whole and |r| <= ln 2 / 2; then e^z = 2^n (c + r) / (c − r) with c = r coth(r / 2), which
// is even: 2 + r² (c1 + c2 r²), with the coefficients that minimise its relative error over that interval (2.2e-9), c1
// rounded to float32 before c2 was fitted. So sigmoid and tanh are quotients, and two of them that are multiplied take
// one division. With ln 2 in one float32, e^z is off by n 1.9e-9 of itself: where n is large, the activations no longer
// show it.

template <class V>
struct Quotient {
  typename V::Float above, below;
};

template <class V>
struct Exponential {
  typename V::Float power, c, r;  // power: 2^n
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
  const Float c = V::fma(V::fma(V::set(-0x1.6aa362p-9f), r2, V::set(0x1.55551ep-3f)), r2, V::set(2.0f));
  return {V::power_of_two(shifted), c, r};
}

// The bounds keep the products of two quotients' parts finite. A NaN passes every clamp.

// 1 / (1 + e^−x), no less than e^−most.
template <class V>
PACKED_RNN_INLINE Quotient<V> sigmoid_quotient(typename V::Float x, float most = 60.0f) {
  const Exponential<V> e = exponential<V>(V::at_least(-87.0f, V::at_most(most, V::sub(V::set(0.0f), x))));
  const typename V::Float above = V::sub(e.c, e.r);
  return {above, V::fma(e.power, V::add(e.c, e.r), above)};
}

// (e^2x − 1) / (e^2x + 1), which is 1 in float32 from x = 10 on. Arranged so that what is above is 2r where n is 0, and
// is nowhere rounded to more than what is below.
template <class V>
PACKED_RNN_INLINE Quotient<V> tanh_quotient(typename V::Float x) {
  const Exponential<V> e = exponential<V>(V::at_least(-20.0f, V::at_most(20.0f, V::add(x, x))));
  const typename V::Float less = V::sub(e.power, V::set(1.0f)), more = V::add(e.power, V::set(1.0f));
  return {V::fma(less, e.c, V::mul(more, e.r)), V::fma(more, e.c, V::mul(less, e.r))};
}

// Down to an exact zero, so that a closed gate times an infinite state is the NaN that it should be.
template <class V>
PACKED_RNN_INLINE typename V::Float sigmoid(typename V::Float x) {
  const Quotient<V> s = sigmoid_quotient<V>(x, 87.0f);
  return V::zero_if_less(V::div(s.above, s.below), x, -87.0f);
}

template <class V>
PACKED_RNN_INLINE typename V::Float tanh(typename V::Float x) {
  const Quotient<V> t = tanh_quotient<V>(x);
  return V::div(t.above, t.below);
}

// A gate is nowhere quite closed here: of a tanh it lets 1e-26 pass, which no sum shows.
template <class V>
PACKED_RNN_INLINE typename V::Float sigmoid_times_tanh(typename V::Float x, typename V::Float y) {
  const Quotient<V> s = sigmoid_quotient<V>(x), t = tanh_quotient<V>(y);
  return V::div(V::mul(s.above, t.above), V::mul(s.below, t.below));
}
