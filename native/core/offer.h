// Work that one thread goes through step by step, and that another, which has nothing left to do, offers to share:
//
//   its owner    begin … set_left … set_left, is_made: accept   ── together ──   await_end
//   the other                  make …………………………………………………………………   ── together ──   end
//
// or, where the owner has too little left by then, and of what is done: end.
//
// The owner looks for an offer between steps only, so without one it costs next to nothing.
#pragma once

#include <atomic>
#include <cstddef>

#include "core/memory.h"
#include "core/spin.h"

namespace packed_rnn {

class alignas(apart) Offer {
 public:
  // Work that nobody has begun; not while others may come to it.
  void reset() {
    left_.store(0, std::memory_order_relaxed);
    state_.store(State::waiting, std::memory_order_relaxed);
  }

  // By anyone: whoever gets true is the owner.
  bool begin() { return change(State::waiting, State::alone); }

  // By the owner, now and then: how much it has before it that can be shared. An offer, once made, stands until accept
  // or end.
  void set_left(std::size_t left) { left_.store(left, std::memory_order_relaxed); }
  bool is_made() const { return state_.load(std::memory_order_relaxed) == State::made; }
  void accept() { state_.store(State::accepted, std::memory_order_release); }
  void await_end() const {
    for (Spin spin; state_.load(std::memory_order_acquire) != State::done;) spin.wait();
  }

  // By anyone else: how much the owner has before it that can be shared. And how much there is to share when it has
  // accepted, or 0 if it has not.
  std::size_t left() const {
    return state_.load(std::memory_order_relaxed) == State::alone ? left_.load(std::memory_order_relaxed) : 0;
  }
  std::size_t make() {
    if (!change(State::alone, State::made)) return 0;
    State state;
    for (Spin spin; (state = state_.load(std::memory_order_acquire)) == State::made;) spin.wait();
    return state == State::accepted ? left_.load(std::memory_order_relaxed) : 0;
  }

  // All is done, or will be by the owner alone: by the owner, or, if it has accepted, by the other.
  void end() { state_.store(State::done, std::memory_order_release); }

 private:
  enum class State : unsigned char { waiting, alone, made, accepted, done };

  bool change(State from, State to) {
    if (state_.load(std::memory_order_relaxed) != from) return false;  // without taking the line from the owner
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_relaxed);
  }

  std::atomic<State> state_{State::done};
  std::atomic<std::size_t> left_{0};
};

}  // namespace packed_rnn
