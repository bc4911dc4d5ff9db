// Packing and padding: each function checks that its arrays are as long as its sizes say, and hands their bytes to the
// core.
#include "core/sequence.h"

#include <algorithm>
#include <string>
#include <vector>

#include "binding/exports.h"
#include "binding/packing.h"

namespace packed_rnn::binding {
namespace {

void check_batch_sizes(Napi::Env env, View<const std::int32_t> batch_sizes, std::size_t batch, std::size_t rows) {
  std::size_t previous = batch;
  std::size_t sum = 0;
  for (const std::int32_t batch_size : batch_sizes) {
    if (batch_size < 1 || static_cast<std::size_t>(batch_size) > previous) {
      throw_packing(env, "Expected batch sizes from 1 to " + std::to_string(previous) +
                             " for batchSizes but received " + std::to_string(batch_size));
    }
    previous = static_cast<std::size_t>(batch_size);
    sum += previous;
  }
  if (sum == rows) return;
  throw_packing(env, "Expected batch sizes that sum to the " + std::to_string(rows) +
                         " rows of data for batchSizes but received a sum of " + std::to_string(sum));
}

void check_order(Napi::Env env, View<const std::int32_t> order, std::size_t batch) {
  bool sound = order.size == batch;
  std::vector<char> seen(sound ? batch : 0);
  for (std::size_t i = 0; sound && i < batch; ++i) {
    const auto sequence = static_cast<std::size_t>(order[i]);  // a negative one is larger than any batch
    sound = sequence < batch && !seen[sequence];
    if (sound) seen[sequence] = 1;
  }
  if (!sound) throw_packing(env, "Expected each of 0 to " + std::to_string(batch - 1) + " once for sortedIndices");
}

// Packed rows and their structure.
struct Packed {
  Array data;
  std::size_t row_bytes = 0;
  OwnPacking own;  // left empty if rows have no elements: then nothing is to be moved

  Packing packing() const { return own.view(); }

  Packed(Napi::Value data_value, Napi::Value batch_sizes, Napi::Value order, std::size_t batch, std::size_t width)
      : data(array(data_value, "data")) {
    const Napi::Env env = data_value.Env();
    row_bytes = product(env, width, data.element_size);
    const std::size_t rows = rows_of(env, data.size, width, "data");
    if (width > 0) own = binding::packing(env, batch_sizes, order, batch, rows);
  }
};

template <class Byte>
Padded<Byte> padded_of(Napi::Env env, const Array& found, std::size_t batch, std::size_t steps, std::size_t width,
                       bool batch_first) {
  expect_size(env, found.size, product(env, product(env, batch, steps), width), "padded");
  return {found.data, batch, steps, batch_first};
}

// As padded_of, with the element type and the structure of packed rows.
template <class Byte>
Padded<Byte> padded_like(Napi::Env env, const Packed& packed, const Array& found, std::size_t batch, std::size_t steps,
                         std::size_t width, bool batch_first) {
  expect_type(env, found, packed.data.type, "padded");
  if (packed.packing().steps() > steps)
    throw_packing(env, "Expected no more batch sizes than there are steps for batchSizes");
  return padded_of<Byte>(env, found, batch, steps, width, batch_first);
}

Fill fill_of(Napi::Value value, const Array& padded) {
  const Array found = array(value, "fill");
  expect_type(value.Env(), found, padded.type, "fill");
  expect_size(value.Env(), found.size, 1, "fill");
  return {found.data, found.element_size};
}

template <class Byte>
void expect_at_most(Napi::Env env, const std::vector<Sequence<Byte>>& sequences, std::size_t steps) {
  for (const auto& sequence : sequences) {
    if (sequence.steps > steps) throw_range(env, "ERR_SHAPE", "Expected no more rows than steps for sequences");
  }
}

// ---- the functions, with the arguments that lib/binding.ts gives them ----

Napi::Value pack_padded(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t batch = count(info[4], "batch"), steps = count(info[5], "steps"), width = count(info[6], "width");
  const Packed packed(info[1], info[2], info[3], batch, width);
  const auto padded = padded_like<const std::byte>(env, packed, array(info[0], "padded"), batch, steps, width,
                                                   flag(info[7], "batchFirst"));
  prefault(packed.data);
  packed_rnn::pack_padded(padded, packed.packing(), packed.row_bytes, packed.data.data);
  return env.Undefined();
}

Napi::Value pad_packed(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t batch = count(info[4], "batch"), steps = count(info[5], "steps"), width = count(info[6], "width");
  const Packed packed(info[0], info[2], info[3], batch, width);
  const Array found = array(info[1], "padded");
  const auto padded = padded_like<std::byte>(env, packed, found, batch, steps, width, flag(info[7], "batchFirst"));
  prefault(found);
  packed_rnn::pad_packed(packed.data.data, packed.packing(), packed.row_bytes, padded, fill_of(info[8], packed.data));
  return env.Undefined();
}

Napi::Value pack_sequences(const Napi::CallbackInfo& info) {
  const std::size_t width = count(info[4], "width");
  const auto sequences = sequences_of<const std::byte>(info[0], array(info[1], "data").type, width);
  const Packed packed(info[1], info[2], info[3], sequences.size(), width);
  expect_lengths(info.Env(), sequences, packed.packing());
  prefault(packed.data);
  packed_rnn::pack_sequences(View<const Sequence<const std::byte>>(sequences), packed.packing(), packed.row_bytes,
                             packed.data.data);
  return info.Env().Undefined();
}

Napi::Value unpack_sequences(const Napi::CallbackInfo& info) {
  const std::size_t width = count(info[4], "width");
  const auto sequences = sequences_of<std::byte>(info[1], array(info[0], "data").type, width);
  const Packed packed(info[0], info[2], info[3], sequences.size(), width);
  expect_lengths(info.Env(), sequences, packed.packing());
  packed_rnn::unpack_sequences(packed.data.data, packed.packing(), packed.row_bytes,
                               View<const Sequence<std::byte>>(sequences));
  return info.Env().Undefined();
}

Napi::Value pad_sequences(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t steps = count(info[2], "steps"), width = count(info[3], "width");
  const Array found = array(info[1], "padded");
  const auto sequences = sequences_of<const std::byte>(info[0], found.type, width);
  expect_at_most(env, sequences, steps);
  const auto padded = padded_of<std::byte>(env, found, sequences.size(), steps, width, flag(info[4], "batchFirst"));
  prefault(found);
  packed_rnn::pad_sequences(View<const Sequence<const std::byte>>(sequences), product(env, width, found.element_size),
                            padded, flag(info[5], "left") ? Side::left : Side::right, fill_of(info[6], found));
  return env.Undefined();
}

Napi::Value unpad_sequences(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t steps = count(info[2], "steps"), width = count(info[3], "width");
  const Array found = array(info[0], "padded");
  const auto sequences = sequences_of<std::byte>(info[1], found.type, width);
  expect_at_most(env, sequences, steps);
  const auto padded =
      padded_of<const std::byte>(env, found, sequences.size(), steps, width, flag(info[4], "batchFirst"));
  packed_rnn::unpad_sequences(padded, product(env, width, found.element_size),
                              View<const Sequence<std::byte>>(sequences));
  return env.Undefined();
}

Napi::Value last_steps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t batch = count(info[4], "batch"), width = count(info[5], "width");
  const Packed packed(info[0], info[2], info[3], batch, width);
  const Array last = array(info[1], "last");
  expect_type(env, last, packed.data.type, "last");
  expect_size(env, last.size, product(env, batch, width), "last");
  const std::size_t reverse_bytes = flag(info[6], "bidirectional") ? width / 2 * last.element_size : 0;
  packed_rnn::last_steps(packed.data.data, packed.packing(), packed.row_bytes, reverse_bytes, last.data);
  return env.Undefined();
}

}  // namespace

OwnPacking packing(Napi::Env env, Napi::Value batch_sizes, Napi::Value order, std::size_t batch, std::size_t rows) {
  const auto copy = [](View<std::int32_t> view) { return std::vector<std::int32_t>(view.begin(), view.end()); };
  OwnPacking result = {copy(view<std::int32_t>(batch_sizes, "batchSizes")),
                       copy(optional_view<std::int32_t>(order, "sortedIndices")), batch};
  check_batch_sizes(env, result.batch_sizes, batch, rows);
  if (!is_null(order)) check_order(env, result.order, batch);
  return result;
}

void export_sequence(Napi::Env env, Napi::Object exports) {
  export_function<pack_padded>(env, exports, "packPadded");
  export_function<pad_packed>(env, exports, "padPacked");
  export_function<pack_sequences>(env, exports, "packSequences");
  export_function<unpack_sequences>(env, exports, "unpackSequences");
  export_function<pad_sequences>(env, exports, "padSequences");
  export_function<unpad_sequences>(env, exports, "unpadSequences");
  export_function<last_steps>(env, exports, "lastSteps");
}

}  // namespace packed_rnn::binding
