// The structure of a packed batch, and separate sequences, read from JavaScript and checked: the contents of a typed
// array can't be frozen, so that a structure which was sound when its PackedSequence was made need not be so now.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "binding/convert.h"
#include "core/sequence.h"

namespace packed_rnn::binding {

[[noreturn]] inline void throw_packing(Napi::Env env, const std::string& message) {
  throw_range(env, "ERR_PACKED_SEQUENCE", message + ": was the PackedSequence written to?");
}

inline void expect_type(Napi::Env env, const Array& found, napi_typedarray_type type, const char* argument) {
  if (found.type != type) throw_type(env, std::string("Expected arrays of one type for ") + argument);
}

// A structure that is nobody else's: the memory of a typed array may be shared with a thread that writes to it.
struct OwnPacking {
  std::vector<std::int32_t> batch_sizes, order;
  std::size_t batch = 0;

  Packing view() const { return {batch_sizes, order, batch}; }
};

// A copy of batch_sizes and order (null: the caller's order). Throws ERR_PACKED_SEQUENCE unless the batch sizes are
// from 1 to batch, never grow and sum to rows, and order holds each of 0 … batch - 1 once.
OwnPacking packing(Napi::Env env, Napi::Value batch_sizes, Napi::Value order, std::size_t batch, std::size_t rows);

// Separate sequences, of rows of `width` elements.
template <class Byte>
std::vector<Sequence<Byte>> sequences_of(Napi::Value value, napi_typedarray_type type, std::size_t width) {
  const Napi::Env env = value.Env();
  if (!value.IsArray()) throw_type(env, "Expected an array of typed arrays for sequences");
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<Sequence<Byte>> result(list.Length());
  constexpr std::size_t together = 64;  // a scope costs as much as reading an array
  for (std::size_t i = 0; i < result.size();) {
    const Napi::HandleScope scope(env);
    for (const std::size_t end = std::min(i + together, result.size()); i < end; ++i) {
      const Array found = array(list.Get(static_cast<std::uint32_t>(i)), "sequences");
      expect_type(env, found, type, "sequences");
      result[i] = {found.data, rows_of(env, found.size, width, "sequences")};
    }
  }
  return result;
}

template <class Byte>
void expect_lengths(Napi::Env env, const std::vector<Sequence<Byte>>& sequences, const Packing& packing) {
  const std::vector<std::size_t> steps = lengths(packing);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sequences[packing.sequence(i)].steps != steps[i])
      throw_packing(env, "Expected the lengths of sequences for batchSizes");
  }
}

}  // namespace packed_rnn::binding
