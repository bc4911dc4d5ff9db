// Memory that a call works in. It is kept for calls to come: malloc may give what is freed to the system, page by page,
// which interrupts every processor that the process runs on; then a call may take longer for new pages than for its
// work.
#pragma once

#include <cstddef>
#include <utility>

#include "core/memory.h"

namespace packed_rnn {

class Workspace {
 public:
  // So many floats, of any value.
  explicit Workspace(std::size_t size) : memory_(size < least_kept ? Floats(size) : take(size)) {}
  ~Workspace() {
    if (memory_.size() >= least_kept) give(std::move(memory_));
  }
  Workspace(Workspace&&) noexcept = default;

  float* data() const { return memory_.data(); }

 private:
  // Less is had from malloc soon, and goes back to it whole: single steps should not pay for more.
  static constexpr std::size_t least_kept = (16 << 10) / sizeof(float);

  static Floats take(std::size_t size);
  static void give(Floats memory);

  Floats memory_;
};

// Frees what is kept.
void release_workspaces();

}  // namespace packed_rnn
