// Where a thread is woken. With two processors, Linux (6.18) mostly wakes it on that of the thread which wakes it, if
// both have been busy of late; there they take turns for some milliseconds, beside a processor that is idle.
#pragma once

#include <cstddef>
#include <thread>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace packed_rnn {

// Keeps a sleeping thread off the processor of the thread that is about to wake it.
class Detour {
 public:
#if defined(__linux__)
  void begin(std::thread& thread) {
    if (begun_) return;  // what it may run on now is not what it usually may
    const pthread_t sleeper = thread.native_handle();
    const int here = sched_getcpu();
    if (here < 0 || pthread_getaffinity_np(sleeper, sizeof(usual_), &usual_) != 0) return;
    cpu_set_t others = usual_;
    CPU_CLR(static_cast<std::size_t>(here), &others);
    begun_ = CPU_COUNT(&others) > 0 && pthread_setaffinity_np(sleeper, sizeof(others), &others) == 0;
  }
  // Called by the thread when it is awake: from then on it may run wherever it could before.
  void end() {
    if (begun_) pthread_setaffinity_np(pthread_self(), sizeof(usual_), &usual_);
    begun_ = false;
  }

 private:
  cpu_set_t usual_;
  bool begun_ = false;
#else
  void begin(std::thread&) {}
  void end() {}
#endif
};

}  // namespace packed_rnn
