// Work in rounds that the members of a team go through together, each in a loop of its own:
//
//   member 0   part 0 | part 0 | part 0 part 1 | part 0 | …
//   member 1   part 1 | part 1 |     (late)    | part 1 | …
//
// In every round each part is done once, and nobody finishes a part, or takes one over, before all parts of the last
// round are done. Part i is member i's; who waits for it takes it over unless it has been taken. So a member that comes
// late is not waited for: it passes through the rounds that are done, and joins in. Rounds of much work are dealt out
// in more parts, of which who is fast does more.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/memory.h"
#include "core/spin.h"

namespace packed_rnn {

class Rounds {
 public:
  explicit Rounds(std::size_t members) : parts_(members), hands_(members) {}

  class Member {
   public:
    Member(Rounds& rounds, std::size_t index) : rounds_(rounds), index_(index), absent_(rounds.parts_.size(), true) {}

    std::size_t count() const { return rounds_.parts_.size(); }
    std::size_t index() const { return index_; }

    // The next round: body(i) for every i below parts, of which there are no more than members. All members call it
    // with the same numbers of parts, one after the other.
    template <class Body>
    void run(std::size_t parts, const Body& body) {
      if (run_open(parts, body)) close(0, parts, body);
    }

    // The next round, left open as soon as the member has done its own part: the body of the round after closes the
    // other parts, all of them before it ends. False if another took the member's part over; then nothing is left open.
    template <class Body>
    bool run_open(std::size_t parts, const Body& body) {
      const std::uint64_t round = round_++;
      if (index_ < parts && take_own(round)) {
        perform(index_, round, body);
        open_round_ = round;
        return true;
      }
      for (std::size_t i = 0; i < parts; ++i) await(i, round, body);
      return false;
    }
    // Parts [first, last) of the open round, with the body that it had.
    template <class Body>
    void close(std::size_t first, std::size_t last, const Body& body) {
      for (std::size_t i = first; i < last; ++i) await(i, open_round_, body);
    }

    // The next round, dealt out: body(i) for every i below parts, which may be more than members, and fewer than 2^16.
    // Each member has a run of them, which it goes through from one end (backwards: the other). Who has done its own
    // takes from the far end of another's, so that one whose processor is slower does fewer. All are done in the end.
    template <class Body>
    void deal(std::size_t parts, bool backwards, const Body& body) {
      assert(parts <= UINT16_MAX);
      ++dealt_rounds_;
      dealt_parts_ += parts;
      const std::size_t members = count();
      std::size_t done = 0;
      for (std::size_t k = 0; k < members; ++k) {
        const std::size_t owner = (index_ + k) % members;
        const auto first = [&](std::size_t member) { return static_cast<std::uint16_t>(parts * member / members); };
        const Dealt all = {dealt_rounds_, first(owner), first(owner + 1)};
        while (const std::optional<std::size_t> i = rounds_.hands_[owner].take(all, (k == 0) != backwards)) {
          body(*i);
          ++done;
        }
      }
      if (done > 0) rounds_.dealt_done_.fetch_add(done, std::memory_order_release);
      for (Spin spin; rounds_.dealt_done_.load(std::memory_order_acquire) < dealt_parts_;) spin.wait();
    }

   private:
    bool take_own(std::uint64_t round) {
      if (round < reserved_) return true;
      if (!rounds_.parts_[index_].take(round, reservation)) return false;
      reserved_ = round + reservation;
      return true;
    }

    template <class Body>
    void perform(std::size_t i, std::uint64_t round, const Body& body) {
      body(i);
      rounds_.parts_[i].finish(round);
    }

    // Takes the part over at once if its member did not come to the last round either; else gives it some time. None is
    // left behind: before a member takes one over, all parts of the round before are done, since it has awaited them,
    // or they have been closed in its own part of this one.
    template <class Body>
    void await(std::size_t i, std::uint64_t round, const Body& body) {
      Part& part = rounds_.parts_[i];
      Spin spin;
      for (int patience = absent_[i] ? 0 : usual_lateness; !part.is_done(round);) {
        if (patience > 0) {
          --patience;
        } else if (part.take(round, 1)) {
          absent_[i] = true;
          return perform(i, round, body);
        }
        spin.wait();
      }
      if (absent_[i]) absent_[i] = false;
    }

    static constexpr int usual_lateness = 50;  // in pauses: about a microsecond
    // Rounds in which a member takes its part at once: to take one is an exchange, which waits until all that was
    // written before has got through. A member that loses its processor meanwhile is waited for, as one amid a part is.
    static constexpr std::uint64_t reservation = 16;

    Rounds& rounds_;
    const std::size_t index_;
    std::uint64_t round_ = 0, open_round_ = 0;
    std::uint64_t reserved_ = 0;  // its own part is its own in all rounds before
    std::uint32_t dealt_rounds_ = 0;
    std::uint64_t dealt_parts_ = 0;  // of all these rounds
    std::vector<bool> absent_;
  };

 private:
  // Two cache lines: those who wait look at the second alone, as long as they are patient, so that the first is still
  // at hand when its member takes the next round.
  class Part {
   public:
    bool is_done(std::uint64_t round) const { return done_.load(std::memory_order_acquire) > round; }
    // For so many rounds.
    bool take(std::uint64_t round, std::uint64_t count) {
      std::uint64_t taken = taken_.load(std::memory_order_relaxed);
      return taken <= round && taken_.compare_exchange_strong(taken, round + count, std::memory_order_acquire);
    }
    void finish(std::uint64_t round) { done_.store(round + 1, std::memory_order_release); }

   private:
    // The first round in which it has not been taken, nor in one after it; and the first in which it is not done.
    alignas(64) std::atomic<std::uint64_t> taken_{0};
    alignas(64) std::atomic<std::uint64_t> done_{0};
  };

  // Of a member's parts in a round that was dealt out, those that nobody has taken.
  struct Dealt {
    std::uint32_t round;
    std::uint16_t first, last;
  };
  class alignas(apart) Hand {
   public:
    // The first or the last that is left; of all, if nobody has come to this round before.
    std::optional<std::size_t> take(Dealt all, bool first) {
      Dealt found = left_.load(std::memory_order_relaxed);
      for (;;) {
        if (found.round > all.round) return std::nullopt;
        Dealt left = found.round < all.round ? all : found;
        if (left.first == left.last) return std::nullopt;
        const std::size_t taken = first ? left.first++ : --left.last;
        if (left_.compare_exchange_weak(found, left, std::memory_order_relaxed)) return taken;
      }
    }

   private:
    std::atomic<Dealt> left_{Dealt{0, 0, 0}};
    static_assert(std::atomic<Dealt>::is_always_lock_free);
  };

  std::vector<Part> parts_;
  std::vector<Hand> hands_;
  alignas(apart) std::atomic<std::uint64_t> dealt_done_{0};  // parts, of all rounds that were dealt out
};

}  // namespace packed_rnn
