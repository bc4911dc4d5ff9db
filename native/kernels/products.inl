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

constexpr std::size_t line = 64 / sizeof(float);

constexpr std::size_t lines_of(std::size_t floats) {
  return (floats + line - 1) / line;
}

template <int cache = 2>
PACKED_RNN_INLINE void fetch([[maybe_unused]] const float* a) {
#if defined(__GNUC__)
  __builtin_prefetch(a, 0, 4 - cache);
#endif
}

PACKED_RNN_INLINE void fetch_lines(const float* a, std::size_t first, std::size_t last) {
  PACKED_RNN_UNROLL
  for (std::size_t l = first; l < last; ++l) fetch(a + l * line);
}

// While a block of rows uses a panel, far weights of the panel after it are on their way to the second-level cache, or
// the first block to use them would wait. Beside the first and the last panel that may be other memory, or none; a
// fetch never faults. Near weights are faster without.
//
// Of the weights that lie so far after those in use, in floats, a block fetches one of some equal parts. Blocks share a
// fetch, since the units that load have little time beside what the fmas need, and the caches deliver only so much
// while one block runs.
struct Ahead {
  std::ptrdiff_t distance = 0;
  std::size_t parts = 0, part = 0;  // of no parts: nothing is fetched
};

// Whether less than a line can be fetched beside each k.
template <class V>
constexpr bool shares_fetches = V::turn > 1;

// What a block fetches that has so many after it, of so many in all: the last three share. Where they cannot, the last
// two fetch everything, for by one of them alone it comes late.
template <class V>
PACKED_RNN_INLINE Ahead ahead_of(std::ptrdiff_t distance, [[maybe_unused]] std::size_t blocks, std::size_t after) {
  if constexpr (shares_fetches<V>) {
    const std::size_t parts = blocks < 3 ? blocks : 3;
    return {distance, after < parts ? parts : 0, parts - 1 - after};
  } else {
    return {distance, after < 2 ? std::size_t(1) : 0, 0};
  }
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

// sum[r][·] += stream[·][k] * input[r][k].
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors>
PACKED_RNN_INLINE void accumulate_one(Sums<V, rows, streams * vectors>& sum, const float* const (&input)[rows],
                                      const float* const (&stream)[streams], std::size_t k) {
  constexpr std::size_t columns = streams * vectors;
  using B = Broadcasts<V, rows, columns>;
  const auto weight = [&](std::size_t c) { return stream[c / vectors] + (k * vectors + c % vectors) * V::lanes; };
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

// `turn` k at once, while so many are left, and so many lines are fetched beside them. Then the pointers move: an
// address without an index is part of an fma, one with an index an instruction beside it.
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors, std::size_t lines, std::size_t turn>
PACKED_RNN_INLINE void accumulate_turns(Sums<V, rows, streams * vectors>& sum, const float* (&input)[rows],
                                        const float* (&stream)[streams], const float* (&next)[1], std::size_t& left) {
  PACKED_RNN_UNROLL_BY(1)
  for (; left >= turn; left -= turn) {
    PACKED_RNN_UNROLL
    for (std::size_t k = 0; k < turn; ++k) {
      fetch_lines(next[0], k * lines / turn, (k + 1) * lines / turn);
      accumulate_one<V, rows, streams, vectors>(sum, input, stream, k);
    }
    move(input, turn);
    move(stream, turn * vectors * V::lanes);
    if constexpr (lines > 0) move(next, lines * line);
  }
}

// sum[r][·] += weights[k][·] * input[r][k] for k from `first` to `last` in order. One row waits for its weights, not
// for instructions.
template <class V, std::size_t rows, std::size_t streams, std::size_t vectors, std::size_t parts>
PACKED_RNN_INLINE void accumulate_fetching(Sums<V, rows, streams * vectors>& sum, const float* const* inputs,
                                           std::size_t first, std::size_t last, const float* weights,
                                           std::size_t stream_size, const Ahead& ahead) {
  constexpr std::size_t width = vectors * V::lanes;
  const float *input[rows], *stream[streams];
  PACKED_RNN_UNROLL
  for (std::size_t r = 0; r < rows; ++r) input[r] = inputs[r] + first;
  PACKED_RNN_UNROLL
  for (std::size_t s = 0; s < streams; ++s) stream[s] = weights + first * width + s * stream_size;
  std::size_t left = last - first;
  const float* next[1] = {stream[0] + ahead.distance};
  if constexpr (parts > 1) next[0] += left * width / parts * ahead.part;
  if constexpr (V::turn > 1 && rows > 1) {
    constexpr std::size_t lines = parts > 0 ? lines_of((V::turn * width + parts - 1) / parts) : 0;
    accumulate_turns<V, rows, streams, vectors, lines, V::turn>(sum, input, stream, next, left);
    accumulate_turns<V, rows, streams, vectors, 0, 1>(sum, input, stream, next, left);
  } else {
    static_assert(parts <= 1);
    PACKED_RNN_UNROLL_STEPS
    for (std::size_t k = 0; k < left; ++k) {
      if constexpr (parts > 0) fetch_lines(next[0] + k * width, 0, lines_of(width));
      accumulate_one<V, rows, streams, vectors>(sum, input, stream, k);
    }
  }
}

template <class V, std::size_t rows, std::size_t streams, std::size_t vectors>
PACKED_RNN_INLINE void accumulate(Sums<V, rows, streams * vectors>& sum, const float* const* inputs, std::size_t first,
                                  std::size_t last, const float* weights, std::size_t stream_size, const Ahead& ahead) {
  if constexpr (streams == 1) {
    // Fewer rows are hardly ever one of several blocks.
    if constexpr (shares_fetches<V> && 2 * rows * vectors >= V::accumulators) {
      if (ahead.parts == 2) {
        return accumulate_fetching<V, rows, streams, vectors, 2>(sum, inputs, first, last, weights, stream_size, ahead);
      }
      if (ahead.parts == 3) {
        return accumulate_fetching<V, rows, streams, vectors, 3>(sum, inputs, first, last, weights, stream_size, ahead);
      }
    }
    if (ahead.parts > 0) {
      return accumulate_fetching<V, rows, streams, vectors, 1>(sum, inputs, first, last, weights, stream_size, ahead);
    }
  }
  accumulate_fetching<V, rows, streams, vectors, 0>(sum, inputs, first, last, weights, stream_size, ahead);
}
