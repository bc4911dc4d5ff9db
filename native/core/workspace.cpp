#include "core/workspace.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>

namespace packed_rnn {
namespace {

constexpr std::size_t most_kept = (8 << 20) / sizeof(float), most_blocks = 32;

// The blocks that nobody uses, in the order in which they were given back: the threads of a call then have those that
// they had in the last.
class Kept {
 public:
  // The smallest that is large enough, but not by far; or none.
  Floats take(std::size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::size_t best = count_;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t found = blocks_[i].size();
      if (found >= size && found <= 2 * size && (best == count_ || found < blocks_[best].size())) best = i;
    }
    return best == count_ ? Floats() : remove(best);
  }

  // Those that were given back longest ago make room.
  void give(Floats block) {
    if (block.size() > most_kept) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    while (count_ == most_blocks || size_ + block.size() > most_kept) remove(0);
    size_ += block.size();
    blocks_[count_++] = std::move(block);
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (count_ > 0) remove(count_ - 1);
  }

 private:
  Floats remove(std::size_t i) {
    Floats block = std::move(blocks_[i]);
    size_ -= block.size();
    std::move(blocks_.begin() + i + 1, blocks_.begin() + count_, blocks_.begin() + i);
    --count_;
    return block;
  }

  std::mutex mutex_;
  std::array<Floats, most_blocks> blocks_;
  std::size_t count_ = 0, size_ = 0;  // in floats
};

Kept& kept() {
  // Never destroyed, like the pool of threads.
  alignas(Kept) static unsigned char memory[sizeof(Kept)];
  static Kept* const kept = new (memory) Kept();
  return *kept;
}

}  // namespace

Floats Workspace::take(std::size_t size) {
  Floats found = kept().take(size);
  return found.size() > 0 ? std::move(found) : Floats(size);
}

void Workspace::give(Floats memory) {
  kept().give(std::move(memory));
}

void release_workspaces() {
  kept().clear();
}

}  // namespace packed_rnn
