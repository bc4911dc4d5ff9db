// States in memory of a thread's own, for a pass beside those of other threads. In the caller's arrays rows of several
// threads lie side by side; there c goes at the end, and h at every step as well as here.
#pragma once

#include <cstddef>
#include <vector>

#include "core/memory.h"

namespace packed_rnn {

class OwnStates {
 public:
  // Of so many sequences that have c, and so many that keep h here as well; 0 of those that do not.
  OwnStates(std::size_t cells, std::size_t cell_size, std::size_t hidden, std::size_t hidden_size)
      : memory_(margin + cells * row_stride(cell_size) + 2 * hidden * row_stride(hidden_size) + margin) {
    float* next = memory_.data() + margin;
    const auto add = [&](std::vector<float*>& rows, std::size_t count, std::size_t size) {
      for (; count > 0; --count, next += row_stride(size)) rows.push_back(next);
    };
    add(cells_, cells, cell_size);
    for (std::vector<float*>& rows : hidden_) add(rows, hidden, hidden_size);
  }

  float* cell(std::size_t j) const { return cells_[j]; }
  // h(t) of steps in turn: of the last one it is read while that of the next is written. Null if it is not kept.
  float* const* hidden(std::size_t turn) const { return hidden_[turn].empty() ? nullptr : hidden_[turn].data(); }

 private:
  static constexpr std::size_t margin = apart / sizeof(float);

  Floats memory_;
  std::vector<float*> cells_, hidden_[2];
};

}  // namespace packed_rnn
