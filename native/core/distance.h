// How far a helper's processor is from its caller's: near where the two share a cache, which they do not on all
// machines, nor on a virtual one all the time.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/clock.h"

namespace packed_rnn {

class Distance {
 public:
  // A helper that waited saw so late what had been posted. One that has lost its processor sees it much later, which
  // must not count for much.
  void add(Clock::duration late) {
    const Time usual{usual_.load(std::memory_order_relaxed)};
    usual_.store((usual + (std::min(Time(late), most_counted) - usual) / 8).count(), std::memory_order_relaxed);
  }

  bool is_near() const { return Time(usual_.load(std::memory_order_relaxed)) < least_far; }

 private:
  using Time = std::chrono::duration<float, std::nano>;

  // Some 80 where two cores share a cache; where they do not, 300 (Zen 5).
  static constexpr Time at_first{100}, least_far{200}, most_counted{400};

  std::atomic<float> usual_{at_first.count()};
};

}  // namespace packed_rnn
