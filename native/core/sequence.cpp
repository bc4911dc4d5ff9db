#include "core/sequence.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "core/row.h"
#include "core/weave.h"

namespace packed_rnn {
namespace {

// ---- padded, time first ----
// Both sides have step after step; they differ by the order within a step, and by what is left out.

template <class A, class B>
void move_sorted(A* rows, const Packing& packing, std::size_t row_bytes, Padded<B> padded, const Filler* filler) {
  const std::size_t step_bytes = padded.batch * row_bytes;
  B* step = padded.data;
  std::size_t t = 0;
  while (t < packing.steps() && static_cast<std::size_t>(packing.batch_sizes[t]) == padded.batch) ++t;
  transfer(t * step_bytes, rows, step);
  rows += t * step_bytes;
  step += t * step_bytes;
  for (; t < packing.steps(); ++t, step += step_bytes) {
    const std::size_t bytes = static_cast<std::size_t>(packing.batch_sizes[t]) * row_bytes;
    transfer(bytes, rows, step);
    if constexpr (!std::is_const_v<B>) (*filler)(step + bytes, step_bytes - bytes);
    rows += bytes;
  }
}

// Rows are taken from all over a step, or put there, which no processor foresees; so the next step is asked for as this
// one is gone through, a cache line or more at a time.
template <class Row, class A, class B>
void move_unsorted(Row row, A* rows, const Packing& packing, Padded<B> padded, const Filler* filler) {
  constexpr std::size_t together = std::max<std::size_t>(1, cache_line / Row::most);
  const std::size_t step_bytes = padded.batch * row.size;
  const std::int32_t* const order = packing.order.data;
  B* step = padded.data;
  for (std::size_t t = 0; t < packing.steps(); ++t, step += step_bytes) {
    const auto active = static_cast<std::size_t>(packing.batch_sizes[t]);
    const B* const next = t + 1 < packing.steps() ? step + step_bytes : step;
    const auto place = [&](std::size_t i) { return step + static_cast<std::size_t>(order[i]) * row.size; };
    std::size_t i = 0;
    for (; i + together <= active; i += together) {
      read_ahead(next + i * row.size, together * row.size);
      for (std::size_t k = i; k < i + together; ++k, rows += row.size) transfer(row, rows, place(k));
    }
    for (; i < active; ++i, rows += row.size) transfer(row, rows, place(i));
    if constexpr (!std::is_const_v<B>) {
      for (; i < padded.batch; ++i) filler->row(row, place(i));
    }
  }
}

template <class A, class B>
void move_time_first(A* rows, const Packing& packing, std::size_t row_bytes, Padded<B> padded, const Filler* filler) {
  if (packing.order.size == 0) {
    move_sorted(rows, packing, row_bytes, padded, filler);
  } else {
    with_row(row_bytes, [&](auto row) { move_unsorted(row, rows, packing, padded, filler); });
  }
  if constexpr (!std::is_const_v<B>) {
    const std::size_t step_bytes = padded.batch * row_bytes;
    (*filler)(padded.data + packing.steps() * step_bytes, (padded.steps - packing.steps()) * step_bytes);
  }
}

// ---- padded, batch first, or separate sequences ----

// Calls assign(i, steps) for each sequence that has steps, longest first.
template <class Assign>
void each_length(const Packing& packing, Assign assign) {
  const std::size_t active = packing.active();
  std::size_t i = 0;
  for (std::size_t t = packing.steps(); i < active; --t) {
    while (i < static_cast<std::size_t>(packing.batch_sizes[t - 1])) assign(i++, t);
  }
}

// One column a sequence that has steps, longest first; data(s) is where sequence s, in the caller's order, starts.
template <class Data>
auto columns_of(const Packing& packing, Data data) {
  std::vector<Column<std::remove_pointer_t<decltype(data(0))>>> columns(packing.active());
  each_length(packing, [&](std::size_t i, std::size_t steps) { columns[i] = {data(packing.sequence(i)), 0, steps}; });
  return columns;
}

template <class A, class B>
void move_batch_first(A* rows, const Packing& packing, std::size_t row_bytes, Padded<B> padded) {
  const std::size_t stride = padded.steps * row_bytes;
  const auto columns = columns_of(packing, [&](std::size_t sequence) { return padded.data + sequence * stride; });
  weave(row_bytes, Rows<A>{rows, packing.steps(), packing.batch_sizes.data, 0}, View<const Column<B>>(columns),
        nullptr);
}

template <class A, class B>
void move_sequences(A* rows, const Packing& packing, std::size_t row_bytes, View<const Sequence<B>> sequences) {
  assert(sequences.size == packing.batch);
  const auto columns = columns_of(packing, [&](std::size_t sequence) { return sequences[sequence].data; });
  weave(row_bytes, Rows<A>{rows, packing.steps(), packing.batch_sizes.data, 0}, View<const Column<B>>(columns),
        nullptr);
}

}  // namespace

std::vector<std::size_t> lengths(const Packing& packing) {
  std::vector<std::size_t> result(packing.batch);
  each_length(packing, [&](std::size_t i, std::size_t steps) { result[i] = steps; });
  return result;
}

void pack_padded(Padded<const std::byte> padded, const Packing& packing, std::size_t row_bytes, std::byte* rows) {
  if (row_bytes == 0) return;
  assert(padded.batch == packing.batch && padded.steps >= packing.steps());
  if (padded.batch_first) {
    move_batch_first(rows, packing, row_bytes, padded);
  } else {
    move_time_first(rows, packing, row_bytes, padded, nullptr);
  }
}

void pad_packed(const std::byte* rows, const Packing& packing, std::size_t row_bytes, Padded<std::byte> padded,
                Fill fill) {
  if (row_bytes == 0) return;
  assert(padded.batch == packing.batch && padded.steps >= packing.steps());
  const Filler filler(fill);
  if (!padded.batch_first) return move_time_first(rows, packing, row_bytes, padded, &filler);
  const std::vector<std::size_t> steps = lengths(packing);
  for (std::size_t i = 0; i < packing.batch; ++i) {
    std::byte* const sequence = padded.data + packing.sequence(i) * padded.steps * row_bytes;
    filler(sequence + steps[i] * row_bytes, (padded.steps - steps[i]) * row_bytes);
  }
  move_batch_first(rows, packing, row_bytes, padded);
}

void pack_sequences(View<const Sequence<const std::byte>> sequences, const Packing& packing, std::size_t row_bytes,
                    std::byte* rows) {
  if (row_bytes > 0) move_sequences(rows, packing, row_bytes, sequences);
}

void unpack_sequences(const std::byte* rows, const Packing& packing, std::size_t row_bytes,
                      View<const Sequence<std::byte>> sequences) {
  if (row_bytes > 0) move_sequences(rows, packing, row_bytes, sequences);
}

void pad_sequences(View<const Sequence<const std::byte>> sequences, std::size_t row_bytes, Padded<std::byte> padded,
                   Side side, Fill fill) {
  if (row_bytes == 0) return;
  assert(sequences.size == padded.batch);
  const Filler filler(fill);
  std::vector<Column<const std::byte>> columns;
  columns.reserve(sequences.size);
  for (const auto& sequence : sequences) {
    const std::size_t begin = side == Side::left ? padded.steps - sequence.steps : 0;
    columns.push_back({sequence.data, begin, begin + sequence.steps});
  }
  if (!padded.batch_first && padded.batch > 1) {
    return weave(row_bytes, Rows<std::byte>{padded.data, padded.steps, nullptr, padded.batch},
                 View<const Column<const std::byte>>(columns), &filler);
  }
  std::byte* row = padded.data;
  for (const auto& column : columns) {
    filler(row, column.begin * row_bytes);
    transfer((column.end - column.begin) * row_bytes, row + column.begin * row_bytes, column.data);
    filler(row + column.end * row_bytes, (padded.steps - column.end) * row_bytes);
    row += padded.steps * row_bytes;
  }
}

void unpad_sequences(Padded<const std::byte> padded, std::size_t row_bytes, View<const Sequence<std::byte>> sequences) {
  if (row_bytes == 0) return;
  assert(sequences.size == padded.batch);
  std::vector<Column<std::byte>> columns;
  columns.reserve(sequences.size);
  for (const auto& sequence : sequences) columns.push_back({sequence.data, 0, sequence.steps});
  if (!padded.batch_first && padded.batch > 1) {
    return weave(row_bytes, Rows<const std::byte>{padded.data, padded.steps, nullptr, padded.batch},
                 View<const Column<std::byte>>(columns), nullptr);
  }
  const std::byte* row = padded.data;
  for (const auto& column : columns) {
    transfer(column.end * row_bytes, row, column.data);
    row += padded.steps * row_bytes;
  }
}

void last_steps(const std::byte* rows, const Packing& packing, std::size_t row_bytes, std::size_t reverse_bytes,
                std::byte* last) {
  if (row_bytes == 0) return;
  const std::byte* const first = rows;
  const std::size_t forward_bytes = row_bytes - reverse_bytes;
  std::size_t i = packing.batch;
  const auto place = [&] { return last + packing.sequence(--i) * row_bytes; };
  while (i > packing.active()) std::memset(place(), 0, row_bytes);
  for (std::size_t t = 0; t < packing.steps(); ++t) {
    const auto ongoing = t + 1 < packing.steps() ? static_cast<std::size_t>(packing.batch_sizes[t + 1]) : 0;
    const auto active = static_cast<std::size_t>(packing.batch_sizes[t]);
    while (i > ongoing) {
      std::byte* const to = place();
      std::memcpy(to, rows + i * row_bytes, forward_bytes);
      std::memcpy(to + forward_bytes, first + i * row_bytes + forward_bytes, reverse_bytes);
    }
    rows += active * row_bytes;
  }
}

}  // namespace packed_rnn
