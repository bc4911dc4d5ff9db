// The structure of a packed batch, read from JavaScript and checked: the contents of a typed array can't be frozen, so
// that a structure which was sound when its PackedSequence was made need not be so now.
#pragma once

#include <napi.h>

#include <cstddef>

#include "core/sequence.h"

namespace packed_rnn::binding {

// A view of batch_sizes and order (null: the caller's order). Throws ERR_PACKED_SEQUENCE unless the batch sizes are
// from 1 to batch, never grow and sum to rows, and order holds each of 0 … batch - 1 once. The views live as long as
// the values, and hold as long as no JavaScript runs.
Packing packing(Napi::Env env, Napi::Value batch_sizes, Napi::Value order, std::size_t batch, std::size_t rows);

}  // namespace packed_rnn::binding
