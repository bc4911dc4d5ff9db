// Whether helpers pay for calls of one kind, which nobody knows beforehand: it depends on whether the processors are
// cores of their own, on who else uses them, and on how soon calls follow each other. So what helpers save is measured.
//
// Calls ask for helpers while the balance of what they have saved is positive. A call that waits for a helper that has
// lost its processor takes milliseconds longer, so the sum decides, not what they mostly do. Without them, calls save a
// little of their time up for the next attempt: that is the most that attempts in vain can cost. For comparison, a few
// calls do without helpers in any case.
#pragma once

#include <algorithm>
#include <chrono>

namespace packed_rnn {

using Clock = std::chrono::steady_clock;

class Account {
 public:
  using Time = std::chrono::duration<double, std::micro>;

  // Whether the next call is to ask for helpers.
  bool asks() { return helpers_pay_ && ++calls_ % compared_every != 0; }

  // So much work took so long, without helpers and with.
  void add_alone(double work, Time time) {
    const Time usual = pace_ * work;
    if (usual == Time::zero()) {
      pace_ = time / work;
    } else {
      // Many things slow a call down, few speed one up.
      pace_ += (time < usual ? (time - usual) / 2 : std::min(time - usual, usual) / 8) / work;
    }
    add(time / attempt_share);
  }
  void add_helped(double work, Time time) {
    if (pace_ == Time::zero()) return;
    balance_ -= balance_ / memory;
    add(pace_ * work - time);
  }

 private:
  void add(Time time) {
    balance_ = std::clamp(balance_ + time, -most_price, most_saved);
    if (helpers_pay_ && balance_ < Time::zero()) {
      helpers_pay_ = false;
      balance_ = -price_;
      price_ = std::min(2 * price_, most_price);
    } else if (balance_ >= stake) {
      helpers_pay_ = true;
    }
    if (balance_ >= earned) price_ = least_price;
  }

  static constexpr unsigned compared_every = 128;
  static constexpr double attempt_share = 64, memory = 256;  // in calls
  // An attempt can lose so much: a helper may sleep, and wake too late for the first of several brief calls.
  static constexpr Time stake{200};
  // Savings, which pay for some waits for a processor; and what calls without helpers save up beside the stake, more
  // after each attempt in vain, until helpers have earned something: from some hundredths of a second to a half.
  static constexpr Time most_saved{8000}, earned{2000}, least_price{500}, most_price{8000};

  bool helpers_pay_ = true;
  unsigned calls_ = compared_every - 2;
  Time pace_{};  // without helpers, for a unit of work
  Time balance_ = stake, price_ = least_price;
};

}  // namespace packed_rnn
