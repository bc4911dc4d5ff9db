// Asynchronous runs, one more at a time than there are threads to compute with, so that none of these waits for the
// event loop to start the next; the others wait here, in the order in which they came. One of libuv's threads is always
// left: a burst of runs would take all of them, and file reads would wait behind it.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <memory>

#include "core/threads.h"

namespace packed_rnn::binding {

class Queue {
 public:
  // The queue of an environment, made with it.
  static Queue& of(Napi::Env env) { return *env.GetInstanceData<Queue>(); }

  void push(std::unique_ptr<Napi::AsyncWorker> worker) {
    waiting_.push_back(std::move(worker));
    start();
  }

  // One that was started has ended.
  void finished() {
    --running_;
    start();
  }

 private:
  void start() {
    const std::size_t most = std::clamp<std::size_t>(libuv_threads() - 1, 1, get_num_threads() + 1);
    while (!waiting_.empty() && running_ < most) {
      waiting_.front()->Queue();
      waiting_.front().release();  // it deletes itself
      waiting_.pop_front();
      ++running_;
    }
  }

  // As libuv counts them.
  static std::size_t libuv_threads() {
    const char* const size = std::getenv("UV_THREADPOOL_SIZE");
    return size ? static_cast<std::size_t>(std::clamp(std::atoi(size), 1, 1024)) : 4;
  }

  std::deque<std::unique_ptr<Napi::AsyncWorker>> waiting_;
  std::size_t running_ = 0;
};

}  // namespace packed_rnn::binding
