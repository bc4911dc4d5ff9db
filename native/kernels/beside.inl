// A projection beside a step of one row. A part of generic.inl.
#pragma once

#include "kernels/tiles.inl"

// The tile of a step's one row, as narrow as keeps the fma units busy, and the rows of x that find room beside it.
// While one k of theirs is multiplied, `pace` of the step's are: a projection of as many rows as there are steps to
// carry it on, with an input as long as the state, then ends a little before the last of them.
template <class V, class Form>
struct Beside {
  static constexpr std::size_t streams = Form::vectors < 4 ? 4 / Form::vectors : 1;
  static constexpr std::size_t columns = streams * Form::vectors;
  static constexpr std::size_t rows = (V::accumulators - columns) / Form::vectors;
  static constexpr std::size_t pace = rows > 2 * streams ? rows / streams - 1 : 1;
};

// Rows of a projection and one stream, from where it has come. Between times its sums are in the rows' starts. Past the
// last row the last is taken again.
template <class V, class Form>
struct Carried {
  static constexpr std::size_t rows = Beside<V, Form>::rows, vectors = Form::vectors, width = vectors * V::lanes;

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
template <class V, class Form>
PACKED_RNN_NOINLINE void tile_beside(const Work& work, std::size_t stream, std::size_t last_stream, float* sums,
                                     float* parked) {
  using B = Beside<V, Form>;
  constexpr std::size_t width = Form::vectors * V::lanes;
  const Panels& panels = *work.panels;
  const std::size_t stream_size = (panels.input_size + panels.hidden_size) * width;
  const Projection& projection = *work.step->beside;
  Progress at = *work.step->progress;
  Sums<V, 1, B::columns> sum;
  load_start<V, Form, 1, B::columns>(sum, work, 0, stream);
  park<V, Form, 1, B::columns>(sum, panels, stream, parked, 0);
  const float* hidden = *work.step->hidden;
  const float* weights = panels.weights + stream * stream_size + panels.input_size * width;
  for (std::size_t left = work.ready();;) {
    while (left >= B::pace && at.stream < last_stream) {
      Carried<V, Form> carried;
      carried.take_up(panels, projection, at);
      const std::size_t can = left / B::pace, all = panels.input_size - at.k, count = can < all ? can : all;
      for (std::size_t k = 0; k < count; ++k) {
        PACKED_RNN_UNROLL
        for (std::size_t j = 0; j < B::pace; ++j) {
          const Broadcast<V> h = V::broadcast(hidden + j);
          PACKED_RNN_UNROLL
          for (std::size_t c = 0; c < B::columns; ++c) {
            const float* const w = weights + j * width + c / Form::vectors * stream_size + c % Form::vectors * V::lanes;
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
    accumulate<V, 1, B::streams, Form::vectors>(sum, &hidden, 0, left, weights, stream_size, {});
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
