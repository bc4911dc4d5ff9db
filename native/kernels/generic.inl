// Every kernel, written once against V, a vector of an instruction set. An ISA file defines its V, includes this inside
// its region, and fills a Kernels with make_kernels<V>.
//
// A tile is `rows` rows times `streams` streams of weights. Its sums stay in registers while k runs:
//
//            stream 0           stream 1
//          v0   v1   v2       v0   v1   v2        one k: a vector of weights for each column,
//   row 0  sum  sum  sum      sum  sum  sum       one broadcast for each row,
//   row 1  sum  sum  sum      sum  sum  sum       one fma for each sum
//
// then pass through a scratch of a tile's size to the epilogue, which needs all gates of a unit at once.

#include "kernels/math.inl"

#if !defined(PACKED_RNN_UNROLL_STEPS)
#define PACKED_RNN_UNROLL_STEPS
#endif

template <class V>
using Float = typename V::Float;
// A number for every lane of an fma.
template <class V>
using Broadcast = typename V::Broadcast;

constexpr std::size_t power_of_two_at_most(std::size_t n) {
  std::size_t power = 1;
  while (2 * power <= n) power *= 2;
  return power;
}

// ---- cells: how many vectors, and what becomes of their sums ----

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

// An epilogue of two halves begins with what its end waits for, and leaves that in place of a sum.

// c' = f c + i g, h' = o tanh c'. The products share their divisions: i g and o tanh c' take one each.
template <class V>
struct Lstm {
  static constexpr std::size_t gates = 4, vectors = V::lstm_vectors, streams = gates / vectors, units = V::lanes;
  static constexpr bool parks = false, halves = true;

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
  static constexpr std::size_t gates = 3, vectors = 3, streams = 1, units = V::lanes;
  static constexpr bool parks = true, halves = true;

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
template <class V, class Activation>
struct Single {
  static constexpr std::size_t gates = 1, vectors = 2, streams = 1, units = 2 * V::lanes;
  static constexpr bool parks = false, halves = false;

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

// ---- tiles ----

// Two fma units with a latency of four cycles need so many sums at once.
constexpr std::size_t enough_sums = 8;

template <class V, class Cell>
struct Tile {
  static constexpr std::size_t max_rows = V::accumulators / Cell::vectors;
  // With few rows, more streams at once keep the fma units and the memory busy.
  static constexpr std::size_t most_streams =
      Cell::streams > enough_sums / Cell::vectors ? Cell::streams : enough_sums / Cell::vectors;
  static constexpr std::size_t streams(std::size_t rows) {
    const std::size_t fit = V::accumulators / (rows * Cell::vectors);
    return power_of_two_at_most(fit < most_streams ? fit : most_streams);
  }
  // A group is what the epilogue takes at once: whole panels, at least one.
  static constexpr std::size_t panels(std::size_t streams) {
    return streams > Cell::streams ? streams / Cell::streams : 1;
  }
  static constexpr std::size_t group_floats =
      (V::accumulators > max_rows * Cell::gates ? V::accumulators : max_rows * Cell::gates) * V::lanes;
};

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

// What a tile works on.
struct Work {
  const Panels* panels;
  const Step* step;
  float* const* projected = nullptr;  // where `project` writes; null for a step
  std::size_t last_panel = 0;         // past the last of a step
  std::ptrdiff_t ahead = 0;           // from the weights in use to those to be fetched, in floats; 0: none
  mutable bool waits = false;         // for the rest of h(t−1)
  bool halved = false;                // fma units of half a vector's width

  PACKED_RNN_INLINE std::size_t ready() const { return waits ? step->ready : panels->hidden_size; }
  void await() const {
    step->await(step->awaited);
    waits = false;
  }
};

// What a step's sums begin with where its x has been projected.
template <class V, class Cell, std::size_t rows, std::size_t columns>
PACKED_RNN_INLINE void load_start(Sums<V, rows, columns>& sum, const Work& work, std::size_t row, std::size_t stream) {
  PACKED_RNN_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    const float* const start = work.step->start[row + r] + stream * Cell::vectors * V::lanes;
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < columns; ++c) sum[r][c] = V::load(start + c * V::lanes);
  }
}

// Between x and h, for a cell that keeps their last sums apart.
template <class V, class Cell, std::size_t rows, std::size_t columns>
PACKED_RNN_INLINE void park([[maybe_unused]] Sums<V, rows, columns>& sum, [[maybe_unused]] const Panels& panels,
                            [[maybe_unused]] std::size_t stream, [[maybe_unused]] float* parked,
                            [[maybe_unused]] std::size_t row_stride) {
  if constexpr (Cell::parks) {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t s = 0; s < columns / Cell::vectors; ++s) {
        const std::size_t last = (s + 1) * Cell::vectors - 1;
        V::store(parked + r * row_stride + s * Cell::vectors * V::lanes, sum[r][last]);
        sum[r][last] = V::load(panels.hidden_bias + (stream + s) * V::lanes);
      }
    }
  }
}

// The sums of one tile. A projection stops after x, and leaves the sums in its rows' starts; a step leaves them in
// `sums`, rows `row_stride` apart.
template <class V, class Cell, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_INLINE void tile(const Work& work, std::size_t row, std::size_t stream, float* sums, std::size_t row_stride,
                            float* parked) {
  constexpr std::size_t columns = streams * Cell::vectors, stream_width = Cell::vectors * V::lanes;
  const Panels& panels = *work.panels;
  const std::size_t stream_size = (panels.input_size + panels.hidden_size) * stream_width;
  const float* const weights = panels.weights + stream * stream_size;
  Sums<V, rows, columns> sum;
  if (!projects && work.step->start) {
    load_start<V, Cell, rows, columns>(sum, work, row, stream);
  } else {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < columns; ++c) sum[r][c] = V::load(panels.bias + stream * stream_width + c * V::lanes);
    }
    accumulate<V, rows, streams, Cell::vectors>(sum, work.step->input + row, 0, panels.input_size, weights, stream_size,
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
  park<V, Cell, rows, columns>(sum, panels, stream, parked, row_stride);
  for (std::size_t k = 0;;) {
    const std::size_t ready = work.ready();
    accumulate<V, rows, streams, Cell::vectors>(sum, work.step->hidden + row, k, ready,
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

// ---- a projection beside a step ----

// The tile of a step's one row, as narrow as keeps the fma units busy, and the rows of x that find room beside it.
// While one k of theirs is multiplied, `pace` of the step's are: a projection of as many rows as there are steps to
// carry it on, with an input as long as the state, then ends a little before the last of them.
template <class V, class Cell>
struct Beside {
  static constexpr std::size_t streams = Cell::vectors < 4 ? 4 / Cell::vectors : 1;
  static constexpr std::size_t columns = streams * Cell::vectors;
  static constexpr std::size_t rows = (V::accumulators - columns) / Cell::vectors;
  static constexpr std::size_t pace = rows > 2 * streams ? rows / streams - 1 : 1;
};

// Rows of a projection and one stream, from where it has come. Between times its sums are in the rows' starts. Past the
// last row the last is taken again.
template <class V, class Cell>
struct Carried {
  static constexpr std::size_t rows = Beside<V, Cell>::rows, vectors = Cell::vectors, width = vectors * V::lanes;

  const float* input[rows];
  float* start[rows];
  const float* weights;
  Sums<V, rows, vectors> sum;

  PACKED_RNN_INLINE void take_up(const Panels& panels, const Projection& projection, const Progress& at) {
    weights = panels.weights + (at.stream * (panels.input_size + panels.hidden_size) + at.k) * width;
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t row = at.row + r < projection.rows ? at.row + r : projection.rows - 1;
      input[r] = projection.input[row] + at.k;
      start[r] = projection.start[row] + at.stream * width;
      const float* const from = at.k == 0 ? panels.bias + at.stream * width : start[r];
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < vectors; ++c) sum[r][c] = V::load(from + c * V::lanes);
    }
  }
  PACKED_RNN_INLINE void multiply(std::size_t k) {
    Float<V> w[vectors];
    PACKED_RNN_UNROLL
    for (std::size_t c = 0; c < vectors; ++c) w[c] = V::load(weights + k * width + c * V::lanes);
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      const Broadcast<V> x = V::broadcast(input[r] + k);
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < vectors; ++c) {
        V::multiply_add(sum[r][c], w[c], x);
      }
    }
  }
  PACKED_RNN_INLINE void put_down(const Panels& panels, const Projection& projection, Progress& at, std::size_t k) {
    PACKED_RNN_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      PACKED_RNN_UNROLL
      for (std::size_t c = 0; c < vectors; ++c) V::store(start[r] + c * V::lanes, sum[r][c]);
    }
    at.k += k;
    if (at.k < panels.input_size) return;
    at.k = 0;
    at.row += rows;
    if (at.row < projection.rows) return;
    at.row = 0;
    ++at.stream;
  }
};

// tile() for one row of a step, and beside it the projection.
template <class V, class Cell>
PACKED_RNN_NOINLINE void tile_beside(const Work& work, std::size_t stream, std::size_t last_stream, float* sums,
                                     float* parked) {
  using B = Beside<V, Cell>;
  constexpr std::size_t width = Cell::vectors * V::lanes;
  const Panels& panels = *work.panels;
  const std::size_t stream_size = (panels.input_size + panels.hidden_size) * width;
  const Projection& projection = *work.step->beside;
  Progress at = *work.step->progress;
  Sums<V, 1, B::columns> sum;
  load_start<V, Cell, 1, B::columns>(sum, work, 0, stream);
  park<V, Cell, 1, B::columns>(sum, panels, stream, parked, 0);
  const float* hidden = *work.step->hidden;
  const float* weights = panels.weights + stream * stream_size + panels.input_size * width;
  for (std::size_t left = work.ready();;) {
    while (left >= B::pace && at.stream < last_stream) {
      Carried<V, Cell> carried;
      carried.take_up(panels, projection, at);
      const std::size_t can = left / B::pace, all = panels.input_size - at.k, count = can < all ? can : all;
      for (std::size_t k = 0; k < count; ++k) {
        PACKED_RNN_UNROLL
        for (std::size_t j = 0; j < B::pace; ++j) {
          const Broadcast<V> h = V::broadcast(hidden + j);
          PACKED_RNN_UNROLL
          for (std::size_t c = 0; c < B::columns; ++c) {
            const float* const w = weights + j * width + c / Cell::vectors * stream_size + c % Cell::vectors * V::lanes;
            sum[0][c] = V::fma(V::load(w), h, sum[0][c]);
          }
        }
        hidden += B::pace;
        weights += B::pace * width;
        carried.multiply(k);
      }
      left -= count * B::pace;
      carried.put_down(panels, projection, at, count);
    }
    accumulate<V, 1, B::streams, Cell::vectors>(sum, &hidden, 0, left, weights, stream_size, 0);
    if (PACKED_RNN_LIKELY(!work.waits)) break;
    hidden += left;
    weights += left * width;
    left = panels.hidden_size - work.step->ready;
    work.await();
  }
  *work.step->progress = at;
  PACKED_RNN_UNROLL
  for (std::size_t c = 0; c < B::columns; ++c) V::store(sums + c * V::lanes, sum[0][c]);
}

// ---- from tiles to a step ----

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

// One row reads several streams of an LSTM at once, and at the beginning of a group waits for lines that no processor
// has foreseen. So the first few of the next group are fetched before the epilogue of this one. Other cells do not gain
// by it; and fma units of half a vector's width have not been measured.
template <class V, class Cell, std::size_t panels>
PACKED_RNN_INLINE void fetch_beginnings(const Work& work, std::size_t panel) {
  constexpr std::size_t width = Cell::vectors * V::lanes, few = 4;
  const std::size_t next = work.step->backwards ? panel - panels : panel + panels;
  const bool is_last = work.step->backwards ? panel < panels : (next + panels) * Cell::units > work.panels->units;
  if (work.halved || is_last) return;
  const std::size_t input_size = work.panels->input_size, stream_size = (input_size + work.panels->hidden_size) * width;
  const float* weights = work.panels->weights + next * Cell::streams * stream_size;
  if (work.step->start) weights += input_size * width;
  PACKED_RNN_UNROLL
  for (std::size_t k = 0; k < few; ++k) {
    PACKED_RNN_UNROLL
    for (std::size_t s = 0; s < panels * Cell::streams; ++s) {
      PACKED_RNN_UNROLL
      for (std::size_t l = 0; l < width; l += line) fetch<1>(weights + s * stream_size + k * width + l);
    }
  }
}

// One group of panels.
template <class V, class Cell, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_INLINE void group_of(const Work& work, std::size_t row, std::size_t panel) {
  constexpr std::size_t panels = Tile<V, Cell>::panels(streams), width = Cell::vectors * V::lanes;
  alignas(64) float sums[Tile<V, Cell>::group_floats];
  alignas(64) float parked[Cell::parks ? Tile<V, Cell>::group_floats : 1];
  if constexpr (V::may_be_halved && !projects && rows == 1 && Beside<V, Cell>::streams <= panels * Cell::streams) {
    if (work.step->beside) {
      for (std::size_t stream = 0; stream < panels * Cell::streams; stream += Beside<V, Cell>::streams) {
        tile_beside<V, Cell>(work, panel * Cell::streams + stream, work.last_panel * Cell::streams,
                             sums + stream * width, parked + (Cell::parks ? stream * width : 0));
      }
      return finish_tile<V, Cell>(work, row, rows, panel, panels, sums, parked);
    }
  }
  for (std::size_t stream = 0; stream < panels * Cell::streams; stream += streams) {
    tile<V, Cell, rows, streams, projects>(work, row, panel * Cell::streams + stream, sums + stream * width,
                                           panels * Cell::streams * width, parked);
  }
  if constexpr (V::fetches_beginnings && Cell::streams > 1 && rows == 1 && !projects) {
    fetch_beginnings<V, Cell, panels>(work, panel);
  }
  if (!projects) finish_tile<V, Cell>(work, row, rows, panel, panels, sums, parked);
}

// Panels [first, last) for `rows` rows: groups of as many panels as a tile takes streams of; what is left over at the
// end with half as many streams.
template <class V, class Cell, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_NOINLINE void panels_of(const Work& work, std::size_t row, std::size_t first, std::size_t last) {
  constexpr std::size_t group = Tile<V, Cell>::panels(streams);
  const std::size_t groups = (last - first) / group, rest = first + groups * group;
  const bool backwards = work.step->backwards;
  if constexpr (group > 1) {
    if (backwards && rest < last) panels_of<V, Cell, rows, streams / 2, projects>(work, row, rest, last);
  }
  for (std::size_t g = 0; g < groups; ++g) {
    group_of<V, Cell, rows, streams, projects>(work, row, first + (backwards ? groups - 1 - g : g) * group);
  }
  if constexpr (group > 1) {
    if (!backwards && rest < last) panels_of<V, Cell, rows, streams / 2, projects>(work, row, rest, last);
  }
}

// Whether one row is faster with so few streams at once, on units of half a vector's width, for which half as many sums
// are enough. If the closest cache can hold their weights, but not those of all panels, a step that turns round finds
// more of what the one before has read last.
template <class V, class Cell, std::size_t streams>
PACKED_RNN_INLINE bool turns_in_closest(const Panels& panels, std::size_t count) {
  constexpr std::size_t closest_bytes = 32 << 10;
  const std::size_t bytes = panels.hidden_size * Cell::vectors * V::lanes * sizeof(float);  // of a stream
  return streams * Cell::vectors >= enough_sums / 2 && bytes * streams <= closest_bytes &&
         bytes * Cell::streams * count > closest_bytes;
}

// From a number of rows to the tile that is made for it.
template <class V, class Cell, bool projects, std::size_t most = Tile<V, Cell>::max_rows>
PACKED_RNN_INLINE void block(const Work& work, std::size_t row, std::size_t rows, std::size_t first, std::size_t last) {
  if (rows == most) {
    constexpr std::size_t streams = Tile<V, Cell>::streams(most);
    if constexpr (V::may_be_halved && most == 1 && !projects) {
      if (work.halved && turns_in_closest<V, Cell, streams / 2>(*work.panels, last - first)) {
        return panels_of<V, Cell, most, streams / 2, projects>(work, row, first, last);
      }
    }
    panels_of<V, Cell, most, streams, projects>(work, row, first, last);
  } else if constexpr (most > 1) {
    block<V, Cell, projects, most - 1>(work, row, rows, first, last);
  }
}

// One stream for a block of rows; its sums are left to a later epilogue.
template <class V, class Cell, std::size_t rows, bool projects>
PACKED_RNN_NOINLINE void stream_of(const Work& work, std::size_t row, std::size_t stream, float* sums) {
  tile<V, Cell, rows, 1, projects>(work, row, stream, sums, Cell::gates * V::lanes, nullptr);
}

template <class V, class Cell, bool projects, std::size_t most = Tile<V, Cell>::max_rows>
PACKED_RNN_INLINE void stream_block(const Work& work, std::size_t row, std::size_t rows, std::size_t stream,
                                    float* sums) {
  if (rows == most) {
    stream_of<V, Cell, most, projects>(work, row, stream, sums);
  } else if constexpr (most > 1) {
    stream_block<V, Cell, projects, most - 1>(work, row, rows, stream, sums);
  }
}

// Rows so far apart fall into one set of the closest cache, which on processors with fma units of half a vector's width
// has room for eight lines: more rows would push each other out from one k to the next. With units of the full width
// (Zen 5) it has room for twelve.
constexpr std::size_t set_stride = 4096, most_rows_in_a_set = 8;

inline bool share_a_set(const float* const* rows) {
  return (reinterpret_cast<std::uintptr_t>(rows[1]) - reinterpret_cast<std::uintptr_t>(rows[0])) % set_stride == 0;
}

// How many rows a block of a step has at most.
template <class V, class Cell>
PACKED_RNN_INLINE std::size_t most_rows(const Work& work) {
  constexpr std::size_t most = Tile<V, Cell>::max_rows;
  if (!work.halved || most <= most_rows_in_a_set || work.step->rows <= most_rows_in_a_set) return most;
  const bool reads_x = !work.step->start, reads_h = !work.projected && work.panels->hidden_size > 0;
  return (reads_x && share_a_set(work.step->input)) || (reads_h && share_a_set(work.step->hidden)) ? most_rows_in_a_set
                                                                                                   : most;
}

// How many of some rows the first of `count` blocks takes. They are of nearly equal size, for a small last one would
// use the weights badly. But where the sums of one stream hardly hide the latency of an fma unless the tile is full, as
// many blocks as can be are full, and the last ones small enough for both streams.
template <class V, class Cell>
PACKED_RNN_INLINE std::size_t first_of(std::size_t rows, std::size_t count) {
  using T = Tile<V, Cell>;
  constexpr std::size_t few = enough_sums / Cell::vectors;
  constexpr bool uneven = Cell::streams > 1 && few < T::max_rows && T::streams(few) == 1 && T::streams(few - 1) > 1;
  if (!uneven) return rows / count;
  const std::size_t most = rows - (count - 1) * (few - 1);
  return most < T::max_rows ? most : T::max_rows;
}

// Larger panels are gone through stream by stream: the second-level cache would not hold two of them, the one in use
// and the one that is fetched. Smaller ones would lose a little by it: the sums of up to so many rows wait for the
// epilogue.
constexpr std::size_t most_panel_bytes = 256 << 10, most_waiting_rows = 96;

// One panel for some rows in `count` blocks, `fetching` the next stream beside the last so many of them.
template <class V, class Cell, bool projects>
PACKED_RNN_NOINLINE void panel_by_streams(Work& work, std::size_t first_row, std::size_t rows, std::size_t count,
                                          std::size_t panel, std::size_t fetching) {
  constexpr std::size_t width = Cell::vectors * V::lanes, row_stride = Cell::gates * V::lanes;
  alignas(64) float sums[projects ? 1 : most_waiting_rows * row_stride];
  const bool backwards = work.step->backwards;
  const auto stream_size = static_cast<std::ptrdiff_t>((work.panels->input_size + work.panels->hidden_size) * width);
  const std::ptrdiff_t next = backwards ? -stream_size : stream_size;
  for (std::size_t i = 0; i < Cell::streams; ++i) {
    const std::size_t stream = backwards ? Cell::streams - 1 - i : i;
    std::size_t row = 0;
    for (std::size_t b = count; b > 0; --b) {
      const std::size_t size = (rows - row) / b;
      work.ahead = b > fetching ? 0 : next;
      stream_block<V, Cell, projects>(work, first_row + row, size, panel * Cell::streams + stream,
                                      projects ? sums : sums + row * row_stride + stream * width);
      row += size;
    }
  }
  if (!projects) finish_tile<V, Cell>(work, first_row, rows, panel, 1, sums, nullptr);
}

// Whether a step of some rows is faster if weights of so many bytes are fetched. One of few rows takes them as fast as
// they come, fetched or not, from near caches.
template <class V, class Cell>
constexpr bool fetch_pays(const NearBytes& near_bytes, std::size_t bytes, std::size_t rows) {
  if (V::small_caches) return bytes > 4 << 20 && bytes * rows > 60 << 20;
  const bool few = 4 * rows < 3 * Tile<V, Cell>::max_rows;
  return bytes > (few ? near_bytes.for_few_rows : near_bytes.for_many_rows);
}

// All rows of a step, panel by panel, so that a panel's weights are fetched once for all blocks.
template <class V, class Cell, bool projects>
PACKED_RNN_INLINE void blocks(Work work, std::size_t first, std::size_t last) {
  const std::size_t most = most_rows<V, Cell>(work);
  const std::size_t rows = work.step->rows, count = (rows + most - 1) / most;
  const bool backwards = work.step->backwards;
  const std::size_t panel_size =
      (work.panels->input_size + work.panels->hidden_size) * Cell::streams * Cell::vectors * V::lanes;
  const auto next = static_cast<std::ptrdiff_t>(panel_size) * (backwards ? -1 : 1);
  // Beside how many of the last blocks the next weights are fetched: by one of the two alone they come later.
  const std::size_t fetching =
      fetch_pays<V, Cell>(work.panels->near_bytes, work.panels->units / Cell::units * panel_size * sizeof(float), rows)
          ? 2
          : 0;
  if (count == 1) {
    work.ahead = fetching > 0 ? next : 0;
    return block<V, Cell, projects>(work, 0, rows, first, last);
  }
  // How many blocks share a turn through the streams; 1: each takes all streams by itself.
  const std::size_t together =
      Cell::streams > 1 && panel_size * sizeof(float) > most_panel_bytes ? most_waiting_rows / most : 1;
  for (std::size_t i = 0; i < last - first; ++i) {
    const std::size_t panel = backwards ? last - 1 - i : first + i;
    std::size_t row = 0;
    for (std::size_t b = count, now; b > 0; b -= now) {
      now = b < together ? b : together;
      const std::size_t size = now > 1 ? (rows - row) * now / b : first_of<V, Cell>(rows - row, b);
      if (together == 1) {
        work.ahead = b > fetching ? 0 : next;
        block<V, Cell, projects>(work, row, size, panel, panel + 1);
      } else if constexpr (Cell::streams > 1) {
        panel_by_streams<V, Cell, projects>(work, row, size, now, panel, fetching);
      }
      row += size;
    }
  }
}

template <class V, class Cell, bool halved>
void step(const Panels& panels, const Step& step, std::size_t first, std::size_t last) {
  blocks<V, Cell, false>({&panels, &step, nullptr, last, 0, step.await != nullptr, halved}, first, last);
}

template <class V, class Cell, bool halved>
void project(const Panels& panels, const Projection& projection, std::size_t first, std::size_t last) {
  Step step;
  step.rows = projection.rows;
  step.input = projection.input;
  blocks<V, Cell, true>({&panels, &step, projection.start, 0, 0, false, halved}, first, last);
}

template <class V, class Cell>
constexpr CellKernels make_cell(bool halved) {
  return {Cell::units,
          Cell::streams,
          Cell::vectors,
          Tile<V, Cell>::max_rows,
          halved && V::may_be_halved ? Beside<V, Cell>::rows : 0,
          halved ? step<V, Cell, V::may_be_halved> : step<V, Cell, false>,
          halved ? project<V, Cell, V::may_be_halved> : project<V, Cell, false>};
}

// `halved`: for fma units of half a vector's width, whose steps carry on projections; V::may_be_halved says whether the
// code for that is there.
template <class V>
constexpr Kernels make_kernels(const char* name, const char* isa, bool halved = false) {
  return {name,
          isa,
          V::lanes,
          make_cell<V, Lstm<V>>(halved),
          make_cell<V, Gru<V>>(halved),
          make_cell<V, Single<V, Tanh>>(halved),
          make_cell<V, Single<V, Relu>>(halved),
          make_cell<V, Single<V, Identity>>(halved),
          V::fma_cost};
}
