// Functions that return a promise. A job is made of the arguments, and says
//
//   module, run    what it runs
//   take_copies()  of what it reads, if that may be written to as soon as the function returns
//   compute()      on any thread
//   kept           the positions of the arguments that must live until it is done
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "binding/convert.h"
#include "binding/queue.h"

namespace packed_rnn::binding {

// All that a run can throw is that memory for its workspace is not to be had.
inline Napi::Value not_enough_memory(Napi::Env env) {
  return coded(Napi::RangeError::New(env, "Not enough memory"), "ERR_ALLOCATION").Value();
}

// Computes on a thread of libuv's pool. What it writes are arrays that nobody else has yet, held alive until then, as
// is the module.
template <class Job>
class Worker final : public Napi::AsyncWorker {
 public:
  Worker(const Napi::CallbackInfo& info, Job&& job)
      : AsyncWorker(info.Env(), "packed-rnn forward"), job_(std::move(job)) {
    Napi::Object kept = Napi::Object::New(info.Env());
    for (const std::uint32_t i : Job::kept) kept.Set(i, info[i]);
    kept_ = Napi::Persistent(kept);
  }

  Napi::Promise promise() { return deferred_.emplace(Napi::Promise::Deferred::New(Env())).Promise(); }

 private:
  void Execute() override { job_.compute(); }
  // In an environment that is being torn down these throw, and what waits behind is not started.
  void OnOK() override {
    deferred_->Resolve(Env().Undefined());
    Queue::of(Env()).finished();
  }
  void OnError(const Napi::Error&) override {
    deferred_->Reject(not_enough_memory(Env()));
    Queue::of(Env()).finished();
  }

  Job job_;
  Napi::ObjectReference kept_;
  std::optional<Napi::Promise::Deferred> deferred_;
};

// A promise that is settled already, made when all has been computed, since hooks of its making may do anything.
template <class Job>
Napi::Value compute_at_once(Napi::Env env, const Job& job) {
  bool enough_memory = true;
  try {
    job.compute();
  } catch (const std::bad_alloc&) {
    enough_memory = false;
  }
  const auto deferred = Napi::Promise::Deferred::New(env);
  if (enough_memory) {
    deferred.Resolve(env.Undefined());
  } else {
    deferred.Reject(not_enough_memory(env));
  }
  return deferred.Promise();
}

template <class Job>
Napi::Value asynchronous(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Job job(info);
  Queue& queue = Queue::of(env);
  if (queue.takes_at_once(job.module.work(job.run))) return compute_at_once(env, job);
  // Before the worker and the promise: hooks of their making (async_hooks) run there, and may do anything.
  job.take_copies();
  auto worker = std::make_unique<Worker<Job>>(info, std::move(job));
  const Napi::Promise promise = worker->promise();
  queue.push(std::move(worker));
  return promise;
}

}  // namespace packed_rnn::binding
