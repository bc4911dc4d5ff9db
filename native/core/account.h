// Whether helpers pay for calls of one kind, which nobody knows beforehand: it depends on whether the processors are
// cores of their own, on who else uses them, and on how soon calls follow each other. So what helpers save is measured.
//
// Calls ask for helpers while the balance of what they have saved is positive. A call that waits for a helper that has
// lost its processor takes milliseconds longer, so the sum decides, not what they mostly do. Without them, calls save a
// little of their time up until what the last attempt has cost is paid, and the next one can be: so much is the most
// that attempts in vain can cost. For comparison, a few calls do without helpers in any case: at first more, since the
// first calls of a process are often slow.
#pragma once

#include <algorithm>
#include <chrono>

namespace packed_rnn {

class Account {
 public:
  using Time = std::chrono::duration<double, std::micro>;

  // Whether the next call is to ask for helpers.
  bool asks() {
    if (!helpers_pay_) return false;
    if (++calls_ < next_compared_) return true;
    calls_ = 0;
    next_compared_ = std::min(8 * next_compared_, compared_every);
    return false;
  }

  // So much work took so long, without helpers and with.
  void add_alone(double work, Time time) {
    const Time usual = pace_ * work;
    if (usual == Time::zero()) {
      pace_ = time / work;
    } else {
      // Many things slow a call down, few speed one up; and a pace that is too slow would not be noticed soon, since it
      // keeps the helpers.
      pace_ += (time < usual ? time - usual : std::min(time - usual, usual) / 8) / work;
    }
    add(time / attempt_share, time);
  }
  void add_helped(double work, Time time) {
    if (pace_ == Time::zero()) return;
    balance_ -= balance_ / memory;
    const Time alone = pace_ * work;
    add(alone - time, alone);
  }

 private:
  // From a call that takes, or would take, so long alone.
  void add(Time time, Time alone) {
    balance_ = std::clamp(balance_ + time, -std::max(most_debt, alone / 2), std::max(most_saved, 2 * alone));
    if (helpers_pay_ && balance_ < Time::zero()) {
      helpers_pay_ = false;
      balance_ -= pause;
    } else if (balance_ >= stake) {
      helpers_pay_ = true;
    }
  }

  static constexpr unsigned compared_every = 128;
  static constexpr double attempt_share = 64, memory = 256;  // in calls
  // An attempt can lose so much: a helper may sleep, and wake too late for the first of several brief calls.
  static constexpr Time stake{200};
  // Savings, which pay for some waits for a processor, be they as long as a call; the most that is paid back, by a
  // quarter of a second without helpers; both are more where calls are longer. And what is saved up beside the stake in
  // any case, by a thirtieth of one.
  static constexpr Time most_saved{24000}, most_debt{4000}, pause{500};

  bool helpers_pay_ = true;
  unsigned calls_ = 0, next_compared_ = 2;
  Time pace_{};               // without helpers, for a unit of work
  Time balance_ = most_debt;  // a stall in the first calls says little of the others
};

}  // namespace packed_rnn
