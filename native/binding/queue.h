// Asynchronous runs of one environment, one more at a time than there are threads to compute with, so that none of
// these waits for the event loop to start the next; the others wait here, in the order in which they came. All of
// libuv's threads but one at most, if it has more than one: a burst of runs would take all of them, and file reads
// would wait behind it. (Runs of several worker threads may still take all, since what waits in one environment cannot
// be started from another.)
//
// To hand a run over, and to hear of its end, takes the event loop's thread longer than a brief run does: 23 µs for 3
// on a virtual machine (LSTM, 128 units, one step). Such a run is computed at once. But what awaits one after the other
// goes on without the event loop getting a turn, so before they add up, one is handed over all the same.
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
  explicit Queue(Napi::Env env) : spared_(spared(env)) {}

  // The queue of an environment, made with it.
  static Queue& of(Napi::Env env) { return *env.GetInstanceData<Queue>(); }

  void push(std::unique_ptr<Napi::AsyncWorker> worker) {
    waiting_.push_back(std::move(worker));
    start();
  }

  // One that was started has ended.
  void finished() {
    --running_;
    at_once_ = 0;
    start();
  }

  // Whether a run of so much work (Recurrent::work) is to be computed at once.
  bool takes_at_once(double work) {
    if (work > most_at_once || at_once_ + work > most_in_a_row) return false;
    at_once_ += work;
    return true;
  }

 private:
  // Some 10 microseconds, and 100.
  static constexpr double most_at_once = 5e5, most_in_a_row = 5e6;

  void start() {
    while (!waiting_.empty() && running_ < std::min(get_num_threads() + 1, spared_)) {
      waiting_.front()->Queue();
      waiting_.front().release();  // it deletes itself
      waiting_.pop_front();
      ++running_;
    }
  }

  // All of libuv's threads but one, which are 4, or UV_THREADPOOL_SIZE from 1 to 1024. Node guards the environment that
  // JavaScript writes to, and getenv does not.
  static std::size_t spared(Napi::Env env) {
    const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
    const Napi::Value size = process.Get("env").As<Napi::Object>().Get("UV_THREADPOOL_SIZE");
    const int threads = size.IsString() ? std::atoi(size.As<Napi::String>().Utf8Value().c_str()) : 4;
    return static_cast<std::size_t>(std::clamp(threads, 2, 1024) - 1);
  }

  const std::size_t spared_;
  std::deque<std::unique_ptr<Napi::AsyncWorker>> waiting_;
  std::size_t running_ = 0;
  double at_once_ = 0;  // since the event loop had its last turn, as far as is known here
};

}  // namespace packed_rnn::binding
