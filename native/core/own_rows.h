// Rows of a thread's own, apart from what other threads write. In the caller's arrays the rows of several threads lie
// side by side, or the parts of one row, and a line that another thread has must be got back from it.
#pragma once

#include <cstddef>
#include <vector>

#include "core/memory.h"

namespace packed_rnn {

class OwnRows {
 public:
  OwnRows(std::size_t count, std::size_t size) : memory_(margin + count * row_stride(size) + margin) {
    rows_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) rows_.push_back(memory_.data() + margin + i * row_stride(size));
  }

  std::size_t count() const { return rows_.size(); }
  float* const* data() const { return rows_.data(); }

 private:
  static constexpr std::size_t margin = apart / sizeof(float);

  Floats memory_;
  std::vector<float*> rows_;
};

}  // namespace packed_rnn
