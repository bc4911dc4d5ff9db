// The sums of a tile, and their epilogue. A part of generic.inl.
//
// A tile is `rows` rows times `streams` streams of weights. Its sums stay in registers while k runs:
//
//            stream 0           stream 1
//          v0   v1   v2       v0   v1   v2        one k: a vector of weights for each column,
//   row 0  sum  sum  sum      sum  sum  sum       one broadcast for each row,
//   row 1  sum  sum  sum      sum  sum  sum       one fma for each sum
//
// then pass through a scratch of a tile's size to the epilogue, which needs all gates of a unit at once.
#pragma once

#include "kernels/cells.inl"
#include "kernels/products.inl"

constexpr std::size_t power_of_two_at_most(std::size_t n) {
  std::size_t power = 1;
  while (2 * power <= n) power *= 2;
  return power;
}

// Two fma units with a latency of four cycles need so many sums at once.
constexpr std::size_t enough_sums = 8;

template <class V, class Form>
struct Tile {
  static constexpr std::size_t max_rows = V::accumulators / Form::vectors;
  // With few rows, more streams at once keep the fma units and the memory busy.
  static constexpr std::size_t most_streams =
      Form::streams > enough_sums / Form::vectors ? Form::streams : enough_sums / Form::vectors;
  static constexpr std::size_t streams(std::size_t rows) {
    const std::size_t fit = V::accumulators / (rows * Form::vectors);
    return power_of_two_at_most(fit < most_streams ? fit : most_streams);
  }
  // A group is what the epilogue takes at once: whole panels, at least one.
  static constexpr std::size_t panels(std::size_t streams) {
    return streams > Form::streams ? streams / Form::streams : 1;
  }
  static constexpr std::size_t group_floats =
      (V::accumulators > max_rows * Form::gates ? V::accumulators : max_rows * Form::gates) * V::lanes;
};

struct Work;

// An epilogue: of `panels` panels from one on, for some rows.
using Epilogue = void(const Work& work, std::size_t row, std::size_t rows, std::size_t panel, std::size_t panels,
                      float* sums, const float* parked);

// What a tile works on.
struct Work {
  const Panels* panels;
  const Step* step;
  Epilogue* epilogue = nullptr;       // of a step whose form several cells share
  float* const* projected = nullptr;  // where `project` writes; null for a step
  std::size_t last_panel = 0;         // past the last of a step
  Ahead ahead = {};
  mutable bool waits = false;  // for the rest of h(t−1)
  bool halved = false;         // fma units of half a vector's width

  PACKED_RNN_INLINE std::size_t ready() const { return waits ? step->ready : panels->hidden_size; }
  void await() const {
    step->await(step->awaited);
    waits = false;
  }
};

// What a step's sums begin with where its x has been projected.
template <class V, class Form, std::size_t rows, std::size_t columns>
PACKED_RNN_INLINE void load_start(Sums<V, rows, columns>& sum, const Work& work, std::size_t row, std::size_t stream) {
  PACKED_RNN_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    const float* const start = work.step->start[row + r] + stream * Form::vectors * V::lanes;
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < columns; ++c) sum[r][c] = V::load(start + c * V::lanes);
  }
}

// Between x and h, for a cell that keeps their last sums apart.
template <class V, class Form, std::size_t rows, std::size_t columns>
PACKED_RNN_INLINE void park([[maybe_unused]] Sums<V, rows, columns>& sum, [[maybe_unused]] const Panels& panels,
                            [[maybe_unused]] std::size_t stream, [[maybe_unused]] float* parked,
                            [[maybe_unused]] std::size_t row_stride) {
  if constexpr (Form::parks) {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t s = 0; s < columns / Form::vectors; ++s) {
        const std::size_t last = (s + 1) * Form::vectors - 1;
        V::store(parked + r * row_stride + s * Form::vectors * V::lanes, sum[r][last]);
        sum[r][last] = V::load(panels.hidden_bias + (stream + s) * V::lanes);
      }
    }
  }
}

// The sums of one tile. A projection stops after x, and leaves the sums in its rows' starts; a step leaves them in
// `sums`, rows `row_stride` apart.
template <class V, class Form, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_INLINE void tile(const Work& work, std::size_t row, std::size_t stream, float* sums, std::size_t row_stride,
                            float* parked) {
  constexpr std::size_t columns = streams * Form::vectors, stream_width = Form::vectors * V::lanes;
  const Panels& panels = *work.panels;
  const std::size_t stream_size = (panels.input_size + panels.hidden_size) * stream_width;
  const float* const weights = panels.weights + stream * stream_size;
  Sums<V, rows, columns> sum;
  if (!projects && work.step->start) {
    load_start<V, Form, rows, columns>(sum, work, row, stream);
  } else {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < columns; ++c) sum[r][c] = V::load(panels.bias + stream * stream_width + c * V::lanes);
    }
    accumulate<V, rows, streams, Form::vectors>(sum, work.step->input + row, 0, panels.input_size, weights, stream_size,
                                                work.ahead);
  }
  if (projects) {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < columns; ++c) {
        V::store(work.projected[row + r] + stream * stream_width + c * V::lanes, sum[r][c]);
      }
    }
    return;
  }
  park<V, Form, rows, columns>(sum, panels, stream, parked, row_stride);
  for (std::size_t k = 0;;) {
    const std::size_t ready = work.ready();
    accumulate<V, rows, streams, Form::vectors>(sum, work.step->hidden + row, k, ready,
                                                weights + panels.input_size * stream_width, stream_size, work.ahead);
    if (PACKED_RNN_LIKELY(!work.waits)) break;
    work.await();
    k = ready;
  }
  PACKED_RNN_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < columns; ++c) V::store(sums + r * row_stride + c * V::lanes, sum[r][c]);
  }
}

// What an epilogue takes, one by one in the order of the sums: row by row, and for each all units of some panels.
// `whole`: every vector of units is full.
template <class V, class Cell, bool whole>
struct Ones {
  float* sums;
  const float* parked;
  std::size_t row, first, last, units;  // units: as many as there are in all
  std::size_t unit = first;

  PACKED_RNN_INLINE One<V> next() {
    const std::size_t left = whole ? V::lanes : unit < units ? units - unit : 0;
    const One<V> one = {sums, parked, row, unit, left < V::lanes ? left : V::lanes};
    sums += Cell::gates * V::lanes;
    if (Cell::parks) parked += Cell::gates * V::lanes;
    unit += V::lanes;
    if (unit == last) {
      ++row;
      unit = first;
    }
    return one;
  }
};

template <class Cell, bool begins, class At>
PACKED_RNN_INLINE void half_of(const At& at, const Step& step) {
  if constexpr (begins) {
    Cell::begin(at, step);
  } else {
    Cell::finish(at, step);
  }
}

template <bool begins, class V, class Cell, bool whole>
PACKED_RNN_INLINE void half_of_all(Ones<V, Cell, whole> ones, std::size_t left, const Step& step) {
  // Of two long ones 16 registers hold too little: there a processor does better to overlap single ones by itself.
  constexpr bool in_pairs = !Cell::halves || V::accumulators > 16;
  for (; in_pairs && left > 1; left -= 2) {
    const One<V> one = ones.next();
    half_of<Cell, begins>(Two<V>{one, ones.next()}, step);
  }
  for (; left > 0; --left) half_of<Cell, begins>(ones.next(), step);
}

template <class V, class Cell, bool whole>
PACKED_RNN_INLINE void finish_all(const Ones<V, Cell, whole>& ones, std::size_t count, const Step& step) {
  if constexpr (Cell::halves) half_of_all<true>(ones, count, step);
  half_of_all<false>(ones, count, step);
}

// The epilogue of a tile. A function of its own, or its many constants would take the registers of the sums. Each half
// is a loop of its own: a processor looks ahead far enough to have several pairs under way, but not several whole ones.
template <class V, class Cell>
PACKED_RNN_NOINLINE void finish_tile(const Work& work, std::size_t row, std::size_t rows, std::size_t panel,
                                     std::size_t panels, float* sums, const float* parked) {
  const std::size_t first = panel * Cell::units, last = first + panels * Cell::units, units = work.panels->units;
  const std::size_t count = rows * (last - first) / V::lanes;
  if (last <= units) {
    finish_all(Ones<V, Cell, true>{sums, parked, row, first, last, units}, count, *work.step);
  } else {
    finish_all(Ones<V, Cell, false>{sums, parked, row, first, last, units}, count, *work.step);
  }
}

// The epilogue of a step's cell. Where the compiler knows which one it is, it makes one of its own for a single row.
template <class V, class Form>
PACKED_RNN_INLINE void epilogue(const Work& work, std::size_t row, std::size_t rows, std::size_t panel,
                                std::size_t panels, float* sums, const float* parked) {
  if constexpr (Form::shared) {
    work.epilogue(work, row, rows, panel, panels, sums, parked);
  } else {
    finish_tile<V, Form>(work, row, rows, panel, panels, sums, parked);
  }
}
