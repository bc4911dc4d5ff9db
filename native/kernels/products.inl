// The inner loops: products of rows and weights, added to sums in registers. A part of generic.inl.
#pragma once

#include "kernels/math.inl"

#if !defined(PACKED_RNN_UNROLL_STEPS)
#define PACKED_RNN_UNROLL_STEPS
#endif

// A number for every lane of an fma.
template <class V>
using Broadcast = typename V::Broadcast;

template <class V, std::size_t rows, std::size_t columns>
using Sums = Float<V>[rows][columns];

// While a block of rows uses a panel, far weights of the panel after it are on their way to the second-level cache, or
// the first block to use them would wait. Beside the first and the last panel that may be other memory, or none; a
// fetch never faults. Near weights are faster without.
constexpr std::size_t line = 64 / sizeof(float);

template <int cache = 2>
PACKED_RNN_INLINE void fetch([[maybe_unused]] const float* a) {
#if defined(__GNUC__)
  __builtin_prefetch(a, 0, 4 - cache);
#endif
}

// Where an fma can broadcast, the x of some rows comes with it from memory: that saves the instruction of a broadcast,
// and costs a load for every column but one. As many rows as keep within 17 loads for 20 fmas: beside two fmas there
// can be two loads, and weights that come late need some of that room.
template <class V, std::size_t rows, std::size_t columns>
struct Broadcasts {
  static constexpr std::size_t room = rows * columns * 17 / 20, needed = rows + columns;
  static constexpr std::size_t by_fma = V::fma_broadcasts && rows >= columns && columns > 1 && room > needed
                                            ? (room - needed) / (columns - 1)
                                            : 0;
  // Spread evenly over the rows.
  static constexpr bool is_by_fma(std::size_t row) { return (row + 1) * by_fma / rows > row * by_fma / rows; }
};

// sum[r][·] += stream[·][k] * input[r][k], while so many lines are fetched.
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors, std::size_t lines>
PACKED_RNN_INLINE void accumulate_one(Sums<V, rows, streams * vectors>& sum, const float* const (&input)[rows],
                                      const float* const (&stream)[streams], [[maybe_unused]] const float* next,
                                      std::size_t k) {
  constexpr std::size_t columns = streams * vectors;
  using B = Broadcasts<V, rows, columns>;
  const auto weight = [&](std::size_t c) { return stream[c / vectors] + (k * vectors + c % vectors) * V::lanes; };
  PACKED_RNN_UNROLL
  for (std::size_t l = 0; l < lines; ++l) fetch(next + k * vectors * V::lanes + l * line);
  // Held are the rows or the columns, whichever are fewer, beside the sums; the others pass one by one.
  if constexpr (rows < columns) {
    Broadcast<V> x[rows];
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) x[r] = V::broadcast(input[r] + k);
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < columns; ++c) {
      if constexpr (rows == 1) {  // a load that one fma alone takes is part of it
        sum[0][c] = V::fma(V::load(weight(c)), x[0], sum[0][c]);
      } else {
        Float<V> w = V::load(weight(c));
        V::keep_loaded(w);
        PACKED_RNN_UNROLL
        for (std::size_t r = 0; r < rows; ++r) V::multiply_add(sum[r][c], w, x[r]);
      }
    }
  } else {
    Float<V> w[columns];
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < columns; ++c) {
      w[c] = V::load(weight(c));
      V::keep_loaded(w[c]);
    }
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      if constexpr (B::by_fma > 0) {
        if (B::is_by_fma(r)) {
          PACKED_RNN_UNROLL
          for (std::size_t c = 0; c < columns; ++c) V::multiply_add_broadcast(sum[r][c], w[c], input[r] + k);
          continue;
        }
      }
      const Broadcast<V> x = V::broadcast(input[r] + k);
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < columns; ++c) V::multiply_add(sum[r][c], w[c], x);
    }
  }
}

template <std::size_t count>
PACKED_RNN_INLINE void move(const float* (&pointers)[count], std::size_t by) {
  PACKED_RNN_UNROLL
  for (std::size_t i = 0; i < count; ++i) {
    pointers[i] += by;
    PACKED_RNN_KEEP_MOVING(pointers[i]);
  }
}

// `turn` k at once, while so many are left. Then the pointers move: an address without an index is part of an fma, one
// with an index an instruction beside it.
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors, std::size_t lines, std::size_t turn>
PACKED_RNN_INLINE void accumulate_turns(Sums<V, rows, streams * vectors>& sum, const float* (&input)[rows],
                                        const float* (&stream)[streams], const float* (&next)[1], std::size_t& left) {
  constexpr std::size_t width = vectors * V::lanes;
  PACKED_RNN_UNROLL_BY(1)
  for (; left >= turn; left -= turn) {
    PACKED_RNN_UNROLL
    for (std::size_t k = 0; k < turn; ++k) {
      accumulate_one<V, rows, streams, vectors, lines>(sum, input, stream, next[0], k);
    }
    move(input, turn);
    move(stream, turn * width);
    if constexpr (lines > 0) move(next, turn * width);
  }
}

// sum[r][·] += weights[k][·] * input[r][k] for k from `first` to `last` in order, fetching so many lines beside each.
// One row waits for its weights, not for instructions.
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors, std::size_t lines>
PACKED_RNN_INLINE void accumulate_fetching(Sums<V, rows, streams * vectors>& sum, const float* const* inputs,
                                           std::size_t first, std::size_t last, const float* weights,
                                           std::size_t stream_size, std::ptrdiff_t ahead) {
  const float *input[rows], *stream[streams];
  PACKED_RNN_UNROLL
  for (std::size_t r = 0; r < rows; ++r) input[r] = inputs[r] + first;
  PACKED_RNN_UNROLL
  for (std::size_t s = 0; s < streams; ++s) stream[s] = weights + first * vectors * V::lanes + s * stream_size;
  const float* next[1] = {stream[0] + ahead};
  std::size_t left = last - first;
  if constexpr (V::turn > 1 && rows > 1) {
    accumulate_turns<V, rows, streams, vectors, lines, V::turn>(sum, input, stream, next, left);
    accumulate_turns<V, rows, streams, vectors, lines, 1>(sum, input, stream, next, left);
  } else {
    PACKED_RNN_UNROLL_STEPS
    for (std::size_t k = 0; k < left; ++k) {
      accumulate_one<V, rows, streams, vectors, lines>(sum, input, stream, next[0], k);
    }
  }
}

template <class V, std::size_t rows, std::size_t streams, std::size_t vectors>
PACKED_RNN_INLINE void accumulate(Sums<V, rows, streams * vectors>& sum, const float* const* inputs, std::size_t first,
                                  std::size_t last, const float* weights, std::size_t stream_size,
                                  std::ptrdiff_t ahead) {
  constexpr std::size_t lines = (vectors * V::lanes + line - 1) / line;
  if (streams == 1 && ahead != 0) {
    accumulate_fetching<V, rows, streams, vectors, lines>(sum, inputs, first, last, weights, stream_size, ahead);
  } else {
    accumulate_fetching<V, rows, streams, vectors, 0>(sum, inputs, first, last, weights, stream_size, 0);
  }
}
