// Cells: how many vectors of sums each has, and what becomes of them. A part of generic.inl.
#pragma once

#include "kernels/math.inl"

// What an epilogue takes at once: a vector of each gate, for one row.
template <class V>
struct One {
  using Math = V;

  float* sums;
  const float* parked;
  std::size_t row, unit, count;

  PACKED_RNN_INLINE Float<V> sum(std::size_t gate) const { return V::load(sums + gate * V::lanes); }
  PACKED_RNN_INLINE void replace_sum(std::size_t gate, Float<V> a) const { V::store(sums + gate * V::lanes, a); }
  PACKED_RNN_INLINE Float<V> aside() const { return V::load(parked); }
  PACKED_RNN_INLINE Float<V> load(const float* const* rows) const { return V::load_some(rows[row] + unit, count); }
  PACKED_RNN_INLINE void store(float* const* rows, Float<V> a) const { V::store_some(rows[row] + unit, a, count); }
};

// Two of them, instruction by instruction: an epilogue is one long chain, and two of them take hardly longer.
template <class V>
struct Two {
  struct Math {
    struct Float {
      typename V::Float first, second;
    };
    static PACKED_RNN_INLINE Float set(float a) { return {V::set(a), V::set(a)}; }
    static PACKED_RNN_INLINE Float add(Float a, Float b) {
      return {V::add(a.first, b.first), V::add(a.second, b.second)};
    }
    static PACKED_RNN_INLINE Float sub(Float a, Float b) {
      return {V::sub(a.first, b.first), V::sub(a.second, b.second)};
    }
    static PACKED_RNN_INLINE Float mul(Float a, Float b) {
      return {V::mul(a.first, b.first), V::mul(a.second, b.second)};
    }
    static PACKED_RNN_INLINE Float div(Float a, Float b) {
      return {V::div(a.first, b.first), V::div(a.second, b.second)};
    }
    static PACKED_RNN_INLINE Float fma(Float a, Float b, Float c) {
      return {V::fma(a.first, b.first, c.first), V::fma(a.second, b.second, c.second)};
    }
    static PACKED_RNN_INLINE Float at_least(float a, Float b) {
      return {V::at_least(a, b.first), V::at_least(a, b.second)};
    }
    static PACKED_RNN_INLINE Float at_most(float a, Float b) {
      return {V::at_most(a, b.first), V::at_most(a, b.second)};
    }
    static PACKED_RNN_INLINE Float power_of_two(Float a) {
      return {V::power_of_two(a.first), V::power_of_two(a.second)};
    }
  };

  One<V> first, second;

  PACKED_RNN_INLINE Float<Math> sum(std::size_t gate) const { return {first.sum(gate), second.sum(gate)}; }
  PACKED_RNN_INLINE void replace_sum(std::size_t gate, Float<Math> a) const {
    first.replace_sum(gate, a.first);
    second.replace_sum(gate, a.second);
  }
  PACKED_RNN_INLINE Float<Math> aside() const { return {first.aside(), second.aside()}; }
  PACKED_RNN_INLINE Float<Math> load(const float* const* rows) const { return {first.load(rows), second.load(rows)}; }
  PACKED_RNN_INLINE void store(float* const* rows, Float<Math> a) const {
    first.store(rows, a.first);
    second.store(rows, a.second);
  }
};

template <class At, class M = typename At::Math>
PACKED_RNN_INLINE void store_output(const At& at, const Step& step, Float<M> h) {
  at.store(step.output, h);
  if (step.copy) at.store(step.copy, h);
}

// A cell's form is what its tiles depend on, which cells may share: their epilogues are all that tells them apart. An
// epilogue of two halves begins with what its end waits for, and leaves that in place of a sum.

// c' = f c + i g, h' = o tanh c'. The products share their divisions: i g and o tanh c' take one each.
template <class V>
struct Lstm {
  using Form = Lstm;
  static constexpr std::size_t gates = 4, vectors = V::lstm_vectors, streams = gates / vectors, units = V::lanes;
  static constexpr bool parks = false, halves = true, shared = false;

  template <class At, class M = typename At::Math>
  static PACKED_RNN_INLINE void begin(const At& at, const Step& step) {
    const Float<M> i = at.sum(0), f = at.sum(1), g = at.sum(2);
    const Float<M> c = M::fma(sigmoid<M>(f), at.load(step.cell), sigmoid_times_tanh<M>(i, g));
    at.store(step.cell, c);
    at.replace_sum(1, c);
  }
  template <class At, class M = typename At::Math>
  static PACKED_RNN_INLINE void finish(const At& at, const Step& step) {
    const Float<M> c = at.sum(1), o = at.sum(3);
    store_output(at, step, sigmoid_times_tanh<M>(o, c));
  }
};

// n = tanh(n_x + r n_h), h' = n + z (h − n). The chains of n over x and over h stay apart: n_x is parked while the
// third sum goes on as n_h.
template <class V>
struct Gru {
  using Form = Gru;
  static constexpr std::size_t gates = 3, vectors = 3, streams = 1, units = V::lanes;
  static constexpr bool parks = true, halves = true, shared = false;

  template <class At, class M = typename At::Math>
  static PACKED_RNN_INLINE void begin(const At& at, const Step&) {
    const Float<M> r = sigmoid<M>(at.sum(0));
    at.replace_sum(2, M::fma(r, at.sum(2), at.aside()));
  }
  template <class At, class M = typename At::Math>
  static PACKED_RNN_INLINE void finish(const At& at, const Step& step) {
    const Float<M> z = sigmoid<M>(at.sum(1)), n = tanh<M>(at.sum(2));
    store_output(at, step, M::fma(z, M::sub(at.load(step.hidden), n), n));
  }
};

// One gate: a panel is two vectors of units, so that a row's broadcast is used twice.
template <class V>
struct OneGate {
  static constexpr std::size_t gates = 1, vectors = 2, streams = 1, units = 2 * V::lanes;
  static constexpr bool parks = false, halves = false, shared = true;
};

template <class V, class Activation>
struct Single : OneGate<V> {
  using Form = OneGate<V>;

  template <class At, class M = typename At::Math>
  static PACKED_RNN_INLINE void finish(const At& at, const Step& step) {
    store_output(at, step, Activation::template of<M>(at.sum(0)));
  }
};

struct Tanh {
  template <class M>
  static PACKED_RNN_INLINE Float<M> of(Float<M> x) {
    return tanh<M>(x);
  }
};

struct Relu {
  template <class M>
  static PACKED_RNN_INLINE Float<M> of(Float<M> x) {
    return M::at_least(0.0f, x);
  }
};

struct Identity {
  template <class M>
  static PACKED_RNN_INLINE Float<M> of(Float<M> x) {
    return x;
  }
};
