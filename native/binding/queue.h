// Asynchronous runs, as many at a time as there are threads to compute with; the others wait here, in the order in
// which they came. Without this a burst of runs would take all of libuv's threads, and file reads would wait behind
// them.
#pragma once

#include <napi.h>

#include <cstddef>
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
    while (!waiting_.empty() && running_ <= get_num_threads()) {
      waiting_.front()->Queue();
      waiting_.front().release();  // it deletes itself
      waiting_.pop_front();
      ++running_;
    }
  }

  std::deque<std::unique_ptr<Napi::AsyncWorker>> waiting_;
  std::size_t running_ = 0;
};

}  // namespace packed_rnn::binding
