// Work in rounds that the members of a team go through together, each in a loop of its own:
//
//   member 0   part 0 | part 0 | part 0 part 1 | part 0 | …
//   member 1   part 1 | part 1 |     (late)    | part 1 | …
//
// In every round each part is done once, and nobody begins a round before all parts of the last are done. Part i is
// member i's; who waits for it takes it over unless it has been begun. So a member that comes late, or loses its
// processor between two rounds, is not waited for: it passes through the rounds that are done, and joins in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/spin.h"

namespace packed_rnn {

class Rounds {
 public:
  explicit Rounds(std::size_t members) : parts_(members) {}

  class Member {
   public:
    Member(Rounds& rounds, std::size_t index) : rounds_(rounds), index_(index), absent_(rounds.parts_.size(), true) {}

    std::size_t count() const { return rounds_.parts_.size(); }

    // The next round: body(i) for every i below parts, of which there are no more than members. All members call it
    // with the same numbers of parts, one after the other.
    template <class Body>
    void run(std::size_t parts, const Body& body) {
      const std::uint64_t round = round_++;
      if (index_ < parts && rounds_.parts_[index_].take(round)) perform(index_, round, body);
      for (std::size_t i = 0; i < parts; ++i) await(i, round, body);
    }

   private:
    template <class Body>
    void perform(std::size_t i, std::uint64_t round, const Body& body) {
      body(i);
      rounds_.parts_[i].finish(round);
    }

    // Takes the part over at once if its member did not come to the last round either; else gives it some time.
    template <class Body>
    void await(std::size_t i, std::uint64_t round, const Body& body) {
      Part& part = rounds_.parts_[i];
      Spin spin;
      for (int patience = absent_[i] ? 0 : usual_lateness; !part.is_done(round);) {
        if (patience > 0) {
          --patience;
        } else if (part.take(round)) {
          absent_[i] = true;
          return perform(i, round, body);
        }
        spin.wait();
      }
      absent_[i] = false;
    }

    static constexpr int usual_lateness = 50;  // in pauses: about a microsecond

    Rounds& rounds_;
    const std::size_t index_;
    std::uint64_t round_ = 0;
    std::vector<bool> absent_;
  };

 private:
  // In round r its state is at most 2 r while it is still to be taken, 2 r + 1 when it is taken, 2 r + 2 or more when
  // it is done. Each has a cache line of its own, which only goes to another core when something has happened.
  class alignas(64) Part {
   public:
    bool is_done(std::uint64_t round) const { return state_.load(std::memory_order_acquire) >= 2 * round + 2; }
    bool take(std::uint64_t round) {
      std::uint64_t state = state_.load(std::memory_order_relaxed);
      return state <= 2 * round && state_.compare_exchange_strong(state, 2 * round + 1, std::memory_order_acquire);
    }
    void finish(std::uint64_t round) { state_.store(2 * round + 2, std::memory_order_release); }

   private:
    std::atomic<std::uint64_t> state_{0};
  };

  std::vector<Part> parts_;
};

}  // namespace packed_rnn
