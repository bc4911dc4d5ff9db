// Between sequences, each in one piece, and rows of one step each. It is a transpose: what one side has together, the
// other has far apart.
//
//             columns                       rows
//   sequence  0: a b c d        step   0: a e g
//             1: e f                   1: b f h
//             2: g h i                 2: c . i      . : no such place in packed rows, where longer sequences come
//                                      3: d . .          first; a place to fill in padded ones
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/row.h"
#include "core/transpose.h"
#include "core/view.h"

namespace packed_rnn {

// A sequence that has steps from `begin` to `end`, the first of them at data.
template <class Byte>
struct Column {
  Byte* data;
  std::size_t begin;
  std::size_t end;
};

// Rows of many steps: as many as batch_sizes says, or, without it, `batch` a step.
template <class Byte>
struct Rows {
  Byte* data;
  std::size_t steps;
  const std::int32_t* batch_sizes;
  std::size_t batch;

  std::size_t count(std::size_t step) const {
    return batch_sizes ? static_cast<std::size_t>(batch_sizes[step]) : batch;
  }
};

// A few steps at a time, so that their rows stay in the cache while every column adds its part, and so that such a part
// is a few whole cache lines.
constexpr std::size_t cache_line = 64;
constexpr std::size_t part_bytes = 4 * cache_line;

template <class Byte>
struct Line {
  Byte* data;
  std::size_t count;  // rows
};

template <class Byte>
struct Part {
  std::size_t begin;  // the first step
  std::size_t steps;
  Line<Byte> lines[part_bytes];
};

// Fills in the next part and returns where the one after it starts.
template <class Byte>
Byte* next_part(const Rows<Byte>& rows, Byte* data, std::size_t begin, std::size_t row_bytes, Part<Byte>& part) {
  part.begin = begin;
  part.steps = std::min(std::max<std::size_t>(1, part_bytes / row_bytes), rows.steps - begin);
  for (std::size_t i = 0; i < part.steps; ++i) {
    part.lines[i] = {data, rows.count(begin + i)};
    data += part.lines[i].count * row_bytes;
  }
  return data;
}

// The steps of a column that fall on `steps` steps from `begin` on, counted from there.
struct Span {
  std::size_t begin;
  std::size_t end;
};

template <class Byte>
Span overlap(const Column<Byte>& column, std::size_t begin, std::size_t steps) {
  const auto within = [=](std::size_t step) { return step <= begin ? 0 : std::min(step - begin, steps); };
  return {within(column.begin), within(column.end)};
}

class ByRow {
 public:
  template <class Row, class A, class B>
  void operator()(Row row, const Part<A>& part, View<const Column<B>> columns, const Filler* filler) const {
    for (std::size_t c = 0; c < columns.size; ++c) {
      const Column<B>& column = columns[c];
      const Span span = overlap(column, part.begin, part.steps);
      const auto place = [&](std::size_t i) { return part.lines[i].data + c * row.size; };
      if constexpr (!std::is_const_v<A>) {
        if (filler) {
          for (std::size_t i = 0; i < span.begin; ++i) filler->row(row, place(i));
          for (std::size_t i = span.end; i < part.steps; ++i) filler->row(row, place(i));
        }
      }
      if (span.begin == span.end) continue;
      B* step = column.data + (part.begin + span.begin - column.begin) * row.size;
      for (std::size_t i = span.begin; i < span.end; ++i, step += row.size) move(row, place(i), step);
    }
  }
};

// Rows of a size that can be transposed go by tiles of a cache line each way, from the memory of the columns to local
// memory, or back, and on to the rows a whole line at a time: at the stride of a power of two, a few lines fill their
// cache set. Columns that end within a tile go through local memory on their side too.
template <std::size_t size>
class ByTile {
 public:
  template <class A, class B>
  void operator()(Exactly<size>, const Part<A>& part, View<const Column<B>> columns, const Filler* filler) {
    for (std::size_t c = 0; c < columns.size; c += side) {
      const View<const Column<B>> some = {columns.data + c, std::min(side, columns.size - c)};
      for (std::size_t i = 0; i < part.steps; i += side) {
        move_tile(part.lines + i, part.begin + i, std::min(side, part.steps - i), c, some, filler);
      }
    }
  }

 private:
  static constexpr std::size_t side = cache_line / size;
  using Lines = std::byte[side][cache_line];

  // `steps` steps from `begin` on; the columns are those from `first` on.
  template <class A, class B>
  void move_tile(const Line<A>* lines, std::size_t begin, std::size_t steps, std::size_t first,
                 View<const Column<B>> columns, const Filler* filler) {
    B* at[side];
    for (std::size_t c = 0; c < side; ++c) at[c] = c < columns.size ? whole(columns[c], begin) : nullptr;
    if constexpr (std::is_const_v<B>) {
      move_ends(begin, steps, columns, at, filler);
      turn(at, columns.size, steps);
      move_rows(lines, steps, first, columns.size);
    } else {
      move_rows(lines, steps, first, columns.size);
      turn(at, columns.size, steps);
      move_ends(begin, steps, columns, at, filler);
    }
  }

  // Where a column is at a tile that it goes all through.
  template <class B>
  static B* whole(const Column<B>& column, std::size_t begin) {
    return column.begin <= begin && begin + side <= column.end ? column.data + (begin - column.begin) * size : nullptr;
  }

  template <class A>
  void move_rows(const Line<A>* lines, std::size_t steps, std::size_t first, std::size_t columns) {
    for (std::size_t i = 0; i < steps && lines[i].count > first; ++i) {
      move(UpTo64{std::min(columns, lines[i].count - first) * size}, lines[i].data + first * size, by_step_[i]);
    }
  }

  // The columns that don't go all through the tile.
  template <class B>
  void move_ends(std::size_t begin, std::size_t steps, View<const Column<B>> columns, B* const (&at)[side],
                 const Filler* filler) {
    for (std::size_t c = 0; c < columns.size; ++c) {
      if (at[c]) continue;
      const Column<B>& column = columns[c];
      const Span span = overlap(column, begin, steps);
      if (filler) {
        (*filler)(by_column_[c], span.begin * size);
        (*filler)(by_column_[c] + span.end * size, (steps - span.end) * size);
      }
      if (span.begin == span.end) continue;
      move(UpTo64{(span.end - span.begin) * size}, column.data + (begin + span.begin - column.begin) * size,
           by_column_[c] + span.begin * size);
    }
  }

  template <class B>
  void turn(B* const (&at)[side], std::size_t columns, std::size_t steps) {
    constexpr std::size_t square = vector_bytes / size;
    for (std::size_t c = 0; c < columns; c += square) {
      for (std::size_t i = 0; i < steps; i += square) {
        const auto column = [&](std::size_t k) { return (at[c + k] ? at[c + k] : by_column_[c + k]) + i * size; };
        const auto step = [&](std::size_t k) { return &by_step_[i + k][c * size]; };
        if constexpr (std::is_const_v<B>) {
          transpose<size>(column, step);
        } else {
          transpose<size>(step, column);
        }
      }
    }
  }

  alignas(cache_line) Lines by_column_ = {};
  alignas(cache_line) Lines by_step_ = {};
};

template <class Row>
struct WeaverOf {
  using type = ByRow;
};
template <std::size_t size>
struct WeaverOf<Exactly<size>> {
  using type = std::conditional_t<(size < vector_bytes), ByTile<size>, ByRow>;
};

template <class Row, class A, class B>
void weave_rows(Row row, Rows<A> rows, View<const Column<B>> columns, const Filler* filler) {
  typename WeaverOf<Row>::type weaver;
  Part<A> part;
  A* data = rows.data;
  for (std::size_t t = 0; t < rows.steps; t += part.steps) {
    if (rows.count(t) == 1) {  // from here on a single sequence, so in one piece on both sides
      return move((rows.steps - t) * row.size, data, columns[0].data + t * row.size);
    }
    data = next_part(rows, data, t, row.size, part);
    weaver(row, part, View<const Column<B>>{columns.data, part.lines[0].count}, filler);
  }
}

template <class A, class B>
void weave(std::size_t row_bytes, Rows<A> rows, View<const Column<B>> columns, const Filler* filler) {
  with_row(row_bytes, [&](auto row) { weave_rows(row, rows, columns, filler); });
}

}  // namespace packed_rnn
