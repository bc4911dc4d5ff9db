// Waiting in a loop for what another thread is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace packed_rnn {

using Clock = std::chrono::steady_clock;

inline void relax() {
#if defined(__GNUC__) && defined(__x86_64__)
  __asm__ volatile("pause");
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// At first without letting go of the processor, since it is mostly a matter of less than a microsecond; then letting
// others run, since the thread waited for may be one of them.
class Spin {
 public:
  void wait() {
    if (++spins_ < patient) return relax();
    if (spins_ == patient) since_ = Clock::now();
    std::this_thread::yield();
  }

  // How long it has been letting others run.
  Clock::duration stalled() const { return spins_ < patient ? Clock::duration::zero() : Clock::now() - since_; }

 private:
  static constexpr int patient = 1000;
  int spins_ = 0;
  Clock::time_point since_;
};

}  // namespace packed_rnn
