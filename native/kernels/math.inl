// Activations on one vector of an instruction set, from IEEE add, multiply, fma and divide alone, so that every
// instruction set gives the same bits. A part of generic.inl.
//
// Let x = t − n ln 2 / a with n whole and |at| <= ln 2 / 2; then e^−ax = 2^n (c − t) / (c + t) with c = t coth(at / 2),
// which is even: a c = 2 + (at)² (c1 + c2 (at)²), with the coefficients that minimise its relative error over that
// interval (2.2e-9), c1 rounded to float32 before c2 was fitted. So sigmoid and tanh are quotients, and two of them
// that are multiplied take one division. With ln 2 in one float32, e^−ax is off by n 1.9e-9 of itself: where n is
// large, the activations no longer show it.
#pragma once

template <class V>
using Float = typename V::Float;

template <class V>
struct Quotient {
  Float<V> above, below;
};

template <class V>
struct Exponential {
  Float<V> power, c, t;  // power: 2^n
};

// a is a power of two, ax in [−89, 87].
template <class V>
PACKED_RNN_INLINE Exponential<V> exponential(Float<V> x, float a) {
  // Adding 1.5 * 2^23 rounds to a whole number; the 127 beside it is the exponent's bias, which leaves 2^n in the low
  // bits, to be shifted into place.
  const Float<V> magic = V::set(12582912.0f + 127.0f);
  const Float<V> shifted = V::fma(x, V::set(-1.44269502f * a), magic);
  const Float<V> n = V::sub(shifted, magic);
  const Float<V> t = V::fma(n, V::set(0.693147182f / a), x), t2 = V::mul(t, t);
  const Float<V> c1 = V::set(0x1.55551ep-3f * a), c2 = V::set(-0x1.6aa362p-9f * a * a * a);
  return {V::power_of_two(shifted), V::fma(V::fma(c2, t2, c1), t2, V::set(2.0f / a)), t};
}

// The bounds keep the products of two quotients' parts finite, or leave a sigmoid an infinity below a finite number. A
// NaN passes every clamp.

// 1 / (1 + e^−x). Down to an exact zero, for 2^128 is infinite: a closed gate times an infinite state is to be NaN.
template <class V>
PACKED_RNN_INLINE Quotient<V> sigmoid_quotient(Float<V> x) {
  const Exponential<V> e = exponential<V>(V::at_most(87.0f, V::at_least(-89.0f, x)), 1.0f);
  const Float<V> above = V::add(e.c, e.t);
  return {above, V::fma(e.power, V::sub(e.c, e.t), above)};
}

// (1 − e^−2x) / (1 + e^−2x), which is 1 in float32 from x = 10 on. Arranged so that what is above is 2t where n is 0,
// and is nowhere rounded to more than what is below.
template <class V>
PACKED_RNN_INLINE Quotient<V> tanh_quotient(Float<V> x) {
  const Exponential<V> e = exponential<V>(V::at_least(-10.0f, V::at_most(10.0f, x)), 2.0f);
  const Float<V> less = V::sub(V::set(1.0f), e.power), more = V::add(V::set(1.0f), e.power);
  return {V::fma(less, e.c, V::mul(more, e.t)), V::fma(more, e.c, V::mul(less, e.t))};
}

template <class V>
PACKED_RNN_INLINE Float<V> sigmoid(Float<V> x) {
  const Quotient<V> s = sigmoid_quotient<V>(x);
  return V::div(s.above, s.below);
}

template <class V>
PACKED_RNN_INLINE Float<V> tanh(Float<V> x) {
  const Quotient<V> t = tanh_quotient<V>(x);
  return V::div(t.above, t.below);
}

template <class V>
PACKED_RNN_INLINE Float<V> sigmoid_times_tanh(Float<V> x, Float<V> y) {
  const Quotient<V> s = sigmoid_quotient<V>(x), t = tanh_quotient<V>(y);
  return V::div(V::mul(s.above, t.above), V::mul(s.below, t.below));
}
