// One pool of threads for the process, and the teams that calls borrow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/account.h"
#include "core/clock.h"

namespace packed_rnn {

// The threads that one call may use, the calling one included. New calls see a change.
void set_num_threads(std::size_t count);
std::size_t get_num_threads();

// Takes threads for near each other, or for far, whatever helpers see, so that both can be tested; with nothing, as
// they see it. New calls see a change.
void assume_near(std::optional<bool> near);

// Ends the pool's threads, when the teams of other threads have given them back; the calling one may have no team. The
// next team starts new ones.
void stop_threads();

// The calling thread and the helpers it could borrow: those that another call holds are left to it, and none are lent
// while as many threads are at work as there shall be. What they run must not throw.
class Team {
 public:
  // `most` threads at most; with 1 no helper is asked. The account of calls of this kind, if any, says whether to ask,
  // and is told how long so much work took; the pool's lock guards it.
  explicit Team(std::size_t most, Account* account = nullptr, double work = 0);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return size_; }
  // Whether the helpers are near the calling thread, by how soon they have seen of late what they waited for.
  bool is_near() const { return near_; }

  // body(0) on the calling thread, and meanwhile body(i), for different i below size(), on every helper that comes
  // before one of them has returned; for work that threads can join at any time. Returns when all of them have. Helpers
  // have the i of the order in which they come.
  template <class Body>
  void run(const Body& body) {
    if (size_ == 1) return body(0);
    run_shared(invoke<Body>, &body);
  }

  using Call = void (*)(const void* context, std::size_t i);
  struct Job;

 private:
  template <class Body>
  static void invoke(const void* body, std::size_t i) noexcept {
    (*static_cast<const Body*>(body))(i);
  }
  void run_shared(Call call, const void* context);

  const bool leased_;
  Account* account_;
  const double work_;
  Clock::time_point started_;
  Job* job_ = nullptr;
  std::size_t size_ = 1;
  bool near_ = true;
};

}  // namespace packed_rnn
