// An array whose elements, if they are few, lie in the object itself: a single step of one sequence should not have to
// ask for memory. Many lie apart from what other threads have.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "core/memory.h"

namespace packed_rnn {

template <class T, std::size_t few>
class SmallArray {
 public:
  // All of them T().
  explicit SmallArray(std::size_t size) : many_(size > few ? size + 2 * margin : 0) {}

  T* data() { return many_.empty() ? few_.data() : many_.data() + margin; }

 private:
  static constexpr std::size_t margin = apart / sizeof(T);

  std::array<T, few> few_{};
  std::vector<T> many_;
};

}  // namespace packed_rnn
