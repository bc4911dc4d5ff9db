// The structure of a packed batch, read from JavaScript and checked: the contents of a typed array can't be frozen, so
// that a structure which was sound when its PackedSequence was made need not be so now.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/sequence.h"

namespace packed_rnn::binding {

// A structure that is nobody else's: the memory of a typed array may be shared with a thread that writes to it.
struct OwnPacking {
  std::vector<std::int32_t> batch_sizes, order;
  std::size_t batch = 0;

  Packing view() const { return {batch_sizes, order, batch}; }
};

// A copy of batch_sizes and order (null: the caller's order). Throws ERR_PACKED_SEQUENCE unless the batch sizes are
// from 1 to batch, never grow and sum to rows, and order holds each of 0 … batch - 1 once.
OwnPacking packing(Napi::Env env, Napi::Value batch_sizes, Napi::Value order, std::size_t batch, std::size_t rows);

}  // namespace packed_rnn::binding
