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
constexpr std::size_t part_bytes = 256;
constexpr std::size_t most_part_steps = 64;

template <class Byte>
struct Line {
  Byte* data;
  std::size_t count;  // rows
};

template <class Byte>
struct Part {
  std::size_t begin;  // the first step
  std::size_t steps;
  Line<Byte> lines[most_part_steps];
};

// Fills in the next part and returns where the one after it starts.
template <class Byte>
Byte* next_part(const Rows<Byte>& rows, Byte* data, std::size_t begin, std::size_t row_bytes, Part<Byte>& part) {
  part.begin = begin;
  part.steps = std::min(std::clamp<std::size_t>(part_bytes / row_bytes, 1, most_part_steps), rows.steps - begin);
  for (std::size_t i = 0; i < part.steps; ++i) {
    part.lines[i] = {data, rows.count(begin + i)};
    data += part.lines[i].count * row_bytes;
  }
  return data;
}

// Steps of a part.
struct Span {
  std::size_t begin;
  std::size_t end;

  Span within(Span other) const {
    return {std::clamp(begin, other.begin, other.end), std::clamp(end, other.begin, other.end)};
  }
};

// The steps of a part that a column has.
template <class A, class B>
Span steps_of(const Column<B>& column, const Part<A>& part) {
  const auto from_begin = [&](std::size_t step) { return step - std::min(step, part.begin); };
  return Span{from_begin(column.begin), from_begin(column.end)}.within({0, part.steps});
}

template <class A, class B>
B* step_at(const Column<B>& column, const Part<A>& part, std::size_t i, std::size_t row_bytes) {
  return column.data + (part.begin + i - column.begin) * row_bytes;
}

// Column c of a part, row by row: some steps of it, those that the column does not have being filled.
template <class Row, class A, class B>
void weave_column(Row row, const Part<A>& part, std::size_t c, const Column<B>& column, Span steps,
                  const Filler* filler) {
  if (steps.begin == steps.end) return;
  const Span own = steps_of(column, part).within(steps);
  const auto place = [&](std::size_t i) { return part.lines[i].data + c * row.size; };
  if constexpr (!std::is_const_v<A>) {
    if (filler) {
      for (std::size_t i = steps.begin; i < own.begin; ++i) filler->row(row, place(i));
      for (std::size_t i = own.end; i < steps.end; ++i) filler->row(row, place(i));
    }
  }
  if (own.begin == own.end) return;
  B* step = step_at(column, part, own.begin, row.size);
  for (std::size_t i = own.begin; i < own.end; ++i, step += row.size) transfer(row, place(i), step);
}

// Where a column that is read goes on in the next part, if it has all steps of it; else null. No processor foresees
// that: other columns come in between.
template <class A, class B>
const std::byte* next_of(const Part<A>& part, const Column<B>& column, std::size_t row_bytes) {
  const std::size_t next = part.begin + part.steps;
  if (!std::is_const_v<B> || next < column.begin || next + part.steps > column.end) return nullptr;
  return step_at(column, part, part.steps, row_bytes);
}

// Narrow rows are written from all over a part, a place in many cache lines after the other, and one that is not in the
// closest cache would hold up all that follow. So lines are claimed two before they are written: as the first column of
// a line comes, and at the beginning of a part. Rows of less than that are claimed by those before them.
constexpr std::size_t claim_ahead = 2 * cache_line;

template <class A, class Row>
constexpr bool claims(Row row) {
  return !std::is_const_v<A> && row.size < cache_line;
}

template <class A>
[[gnu::always_inline]] inline void claim(const Part<A>& part, std::size_t from, std::size_t bytes) {
  for (std::size_t i = 0; i < part.steps; ++i) write_ahead(part.lines[i].data + from, bytes);
}

template <class Row, class A, class B>
void weave_columns(Row row, const Part<A>& part, View<const Column<B>> columns, const Filler* filler) {
  const std::size_t bytes = std::min(part_bytes, most_part_steps * row.size);
  for (std::size_t c = 0; c < columns.size; ++c) {
    if (claims<A>(row) && c * row.size % cache_line < row.size) claim(part, c * row.size + claim_ahead, 1);
    if (const std::byte* const next = next_of(part, columns[c], row.size)) read_ahead<2>(next, bytes);
    weave_column(row, part, c, columns[c], {0, part.steps}, filler);
  }
}

// The steps that all columns of a strip have, as far as they make whole squares, square by square.
template <std::size_t size, class A, class B>
[[gnu::always_inline]] inline Span weave_squares(const Part<A>& part, std::size_t c, const Column<B>* strip) {
  constexpr std::size_t square = vector_bytes / size, strips_in_line = cache_line / vector_bytes;
  Column<B> shared = strip[0];
  for (std::size_t k = 1; k < square; ++k) {
    shared.begin = std::max(shared.begin, strip[k].begin);
    shared.end = std::min(shared.end, strip[k].end);
  }
  Span common = steps_of(shared, part);
  if (common.end < common.begin + square) return {common.begin, common.begin};
  common.end -= (common.end - common.begin) % square;
  B* at[square];
  for (std::size_t k = 0; k < square; ++k) at[k] = step_at(strip[k], part, common.begin, size);
  // Each strip in a cache line claims its share of the rows; all at once they would wait for each other.
  constexpr std::size_t share = std::max<std::size_t>(1, square / strips_in_line);
  const std::size_t turn = c / square % strips_in_line, first = turn * share % square;
  const std::size_t claimed = c * size - turn * vector_bytes + claim_ahead;
  for (std::size_t i = common.begin; i < common.end; i += square) {
    const auto column = [&](std::size_t k) { return at[k] + (i - common.begin) * size; };
    const auto line = [&](std::size_t k) { return part.lines[i + k].data + c * size; };
    if constexpr (std::is_const_v<B>) {
      for (std::size_t k = first; k < first + share; ++k) write_ahead(part.lines[i + k].data + claimed, 1);
      transpose<size>(column, line);
    } else {
      transpose<size>(line, column);
    }
  }
  return common;
}

// Rows of the sizes that can be transposed go down strips of as many columns as a vector holds: that leaves few cache
// lines in hand. What is no whole square goes row by row.
template <std::size_t size, class A, class B, class = std::enable_if_t<(size <= sizeof(std::uint64_t))>>
void weave_columns(Exactly<size> row, const Part<A>& part, View<const Column<B>> columns, const Filler* filler) {
  constexpr std::size_t square = vector_bytes / size, bytes = std::min(part_bytes, most_part_steps * size);
  std::size_t c = 0;
  for (; c + square <= columns.size; c += square) {
    for (std::size_t k = c; k < c + square; ++k) {
      if (const std::byte* const next = next_of(part, columns[k], size)) read_ahead<2>(next, bytes);
    }
    if constexpr (!std::is_const_v<B>) {  // the next strip; columns that are written begin at the first step
      for (std::size_t k = c + square; k < std::min(c + 2 * square, columns.size); ++k) {
        if (columns[k].end > part.begin) write_ahead(step_at(columns[k], part, 0, size), bytes);
      }
    }
    const Span squares = weave_squares<size>(part, c, columns.data + c);
    if (squares.end - squares.begin == part.steps) continue;
    for (std::size_t k = c; k < c + square; ++k) {
      weave_column(row, part, k, columns[k], {0, squares.begin}, filler);
      weave_column(row, part, k, columns[k], {squares.end, part.steps}, filler);
    }
  }
  for (; c < columns.size; ++c) weave_column(row, part, c, columns[c], {0, part.steps}, filler);
}

// At the stride of a power of two all lines of a part fall into the same few places of the cache, from which they would
// be driven before a line is full. Such a part goes by way of memory beside it, some columns at a time. Reading suffers
// less, for loads do not wait for each other.
class Aside {
 public:
  template <class Row, class A>
  static bool needed(Row row, const Part<A>& part) {
    constexpr std::size_t stride = std::is_const_v<A> ? 4096 : 1024;
    return row.size < cache_line && part.lines[0].count * row.size % stride == 0;
  }

  template <class Row, class A, class B>
  void weave(Row row, const Part<A>& part, View<const Column<B>> columns, const Filler* filler) {
    Part<A> beside;
    beside.begin = part.begin;
    beside.steps = part.steps;
    for (std::size_t i = 0; i < part.steps; ++i) beside.lines[i].data = memory_[i];
    const std::size_t together = part_bytes / row.size;
    for (std::size_t c = 0; c < columns.size; c += together) {
      const View<const Column<B>> some = {columns.data + c, std::min(together, columns.size - c)};
      if constexpr (std::is_const_v<A>) transfer_lines(part, c, some.size, row.size);
      weave_columns(row, beside, some, filler);
      if constexpr (!std::is_const_v<A>) transfer_lines(part, c, some.size, row.size);
    }
  }

 private:
  template <class A>
  void transfer_lines(const Part<A>& part, std::size_t first, std::size_t columns, std::size_t row_bytes) {
    for (std::size_t i = 0; i < part.steps && part.lines[i].count > first; ++i) {
      A* const line = part.lines[i].data + first * row_bytes;
      const std::size_t bytes = std::min(columns, part.lines[i].count - first) * row_bytes;
      if constexpr (std::is_const_v<A>) {
        read_ahead<2>(line + part_bytes, part_bytes);
      } else {
        write_ahead(line + part_bytes, part_bytes);
      }
      if (bytes == part_bytes) {
        transfer(Exactly<part_bytes>(), line, memory_[i]);
      } else {
        transfer(bytes, line, memory_[i]);
      }
    }
  }

  alignas(cache_line) std::byte memory_[most_part_steps][part_bytes];  // read only where it has been written
};

template <class Row, class A, class B>
void weave_rows(Row row, Rows<A> rows, View<const Column<B>> columns, const Filler* filler) {
  Aside aside;
  Part<A> part;
  A* data = rows.data;
  for (std::size_t t = 0; t < rows.steps; t += part.steps) {
    if (rows.count(t) == 1) {  // from here on a single sequence, so in one piece on both sides
      return transfer((rows.steps - t) * row.size, data, columns[0].data + t * row.size);
    }
    data = next_part(rows, data, t, row.size, part);
    if (claims<A>(row) && part.lines[0].count * row.size > claim_ahead) claim(part, 0, claim_ahead);
    const View<const Column<B>> present = {columns.data, part.lines[0].count};
    if (Aside::needed(row, part)) {
      aside.weave(row, part, present, filler);
    } else {
      weave_columns(row, part, present, filler);
    }
  }
}

template <class A, class B>
void weave(std::size_t row_bytes, Rows<A> rows, View<const Column<B>> columns, const Filler* filler) {
  with_row(row_bytes, [&](auto row) { weave_rows(row, rows, columns, filler); });
}

}  // namespace packed_rnn
