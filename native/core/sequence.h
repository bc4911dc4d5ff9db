// Packed sequences: the steps of many sequences in one array, time by time, without padding.
//
//   three sequences   a b          sorted by length   d e f         packed rows   d a c | e b | f
//                     c                               a b           batch_sizes   3       2     1
//                     d e f                           c             order         2 0 1
//
// Every function moves rows, opaque runs of row_bytes bytes; none cares for the element type. Memory is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/view.h"

namespace packed_rnn {

// The structure of a batch of packed sequences.
struct Packing {
  View<const std::int32_t> batch_sizes;  // [t]: how many sequences are longer than t; at least 1, never growing
  View<const std::int32_t> order;  // [i]: the sequence, in the caller's order, that is i-th by length; empty: i itself
  std::size_t batch = 0;           // sequences, those without steps included

  std::size_t steps() const { return batch_sizes.size; }
  std::size_t active() const { return steps() == 0 ? 0 : static_cast<std::size_t>(batch_sizes[0]); }  // with steps
  std::size_t sequence(std::size_t i) const { return order.size == 0 ? i : static_cast<std::size_t>(order[i]); }
};

// The steps of each of the `batch` sequences, longest first.
std::vector<std::size_t> lengths(const Packing& packing);

// A batch of sequences padded to one length: rows [steps][batch], or [batch][steps] if batch_first.
template <class Byte>
struct Padded {
  Byte* data = nullptr;
  std::size_t batch = 0;
  std::size_t steps = 0;
  bool batch_first = false;
};

// One sequence on its own, its steps one after the other.
template <class Byte>
struct Sequence {
  Byte* data = nullptr;
  std::size_t steps = 0;
};

// What stands where no step does: one element of 1, 2, 4 or 8 bytes, repeated.
struct Fill {
  const std::byte* element = nullptr;
  std::size_t size = 0;
};

// Between padded and packed rows. padded.steps may exceed packing.steps().
void pack_padded(Padded<const std::byte> padded, const Packing& packing, std::size_t row_bytes, std::byte* rows);
void pad_packed(const std::byte* rows, const Packing& packing, std::size_t row_bytes, Padded<std::byte> padded,
                Fill fill);

// Between separate sequences, in the caller's order and with the lengths that the packing gives them, and packed rows.
void pack_sequences(View<const Sequence<const std::byte>> sequences, const Packing& packing, std::size_t row_bytes,
                    std::byte* rows);
void unpack_sequences(const std::byte* rows, const Packing& packing, std::size_t row_bytes,
                      View<const Sequence<std::byte>> sequences);

// Between separate sequences and the rows of a padded batch: at the start of each row, or, when padding on the left, at
// its end.
enum class Side { left, right };
void pad_sequences(View<const Sequence<const std::byte>> sequences, std::size_t row_bytes, Padded<std::byte> padded,
                   Side side, Fill fill);
void unpad_sequences(Padded<const std::byte> padded, std::size_t row_bytes, View<const Sequence<std::byte>> sequences);

// The last step of every sequence, in the caller's order; zeros for a sequence without steps. The last reverse_bytes of
// a row are those of the first step: a reverse direction ends there.
void last_steps(const std::byte* rows, const Packing& packing, std::size_t row_bytes, std::size_t reverse_bytes,
                std::byte* last);

}  // namespace packed_rnn
