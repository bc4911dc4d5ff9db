// Waiting in a loop for what another thread is about to do.
#pragma once

#include <thread>

namespace packed_rnn {

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
    if (spins_ == patient) return std::this_thread::yield();
    ++spins_;
    relax();
  }

  // Whether it has waited, and without letting go of the processor.
  bool has_held_on() const { return spins_ > 0 && spins_ < patient; }

 private:
  static constexpr int patient = 1000;
  int spins_ = 0;
};

}  // namespace packed_rnn
