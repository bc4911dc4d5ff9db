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
  // Two cache lines: those who wait look at the second alone, so that the first is still at hand when its member takes the
  // next round.
  class Part {
   public:
    bool is_done(std::uint64_t round) const { return done_.load(std::memory_order_acquire) > round; }
    bool take(std::uint64_t round) {
      std::uint64_t taken = taken_.load(std::memory_order_relaxed);
      return taken <= round && taken_.compare_exchange_strong(taken, round + 1, std::memory_order_acquire);
    }
    void finish(std::uint64_t round) { done_.store(round + 1, std::memory_order_release); }

   private:
    // How many rounds it has been taken in, counting those that it had no part in, and how many it is done with.
    alignas(64) std::atomic<std::uint64_t> taken_{0};
    alignas(64) std::atomic<std::uint64_t> done_{0};
  };

  std::vector<Part> parts_;
};

}  // namespace packed_rnn
