// One direction of one layer over time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "core/layout.h"
#include "core/memory.h"
#include "core/offer.h"
#include "core/own_rows.h"
#include "core/recurrent.h"
#include "core/rounds.h"
#include "core/share.h"
#include "core/small_array.h"
#include "core/threads.h"
#include "core/workspace.h"

namespace packed_rnn {

// Where a layer finds its input or leaves its output: the caller's array, or one between layers, which holds the steps
// of one span and begins with its first.
template <class Float>
struct Place {
  Float* data;
  bool between;
};

// One direction of one layer, over a share of the sequences, span by span.
class Pass {
 public:
  // A part of a step has at least so much to do: less is done sooner than threads meet.
  static constexpr std::size_t least_part_fmas = 1 << 14;
  // The multiplications of a step of so many rows.
  static std::size_t fmas(const Weights& weights, std::size_t rows);
  // How many parts the panels can be in for such a step.
  static std::size_t parts(const Weights& weights, std::size_t rows);

  // `threads` will go through its steps together; or, if they are `parted`, one will, beside others with passes of
  // their own.
  Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, const Share& share,
       std::size_t threads, bool parted, Place<const float> input, Place<float> output);

  // The next so many steps, by the whole team; first_row is that of the first of them in time. Between spans the hidden
  // state is in the caller's final_hidden.
  void run(std::size_t steps, std::size_t first_row, Team& team);

  // Or, beside other passes, by the first thread that comes after `prepare`, which is for the caller alone. Another
  // that has nothing left to do may join it: `left` is how many steps are worth that, and join says whether it has
  // shared them.
  void prepare() { parted_->offer.reset(); }
  void run_parted(std::size_t steps, std::size_t first_row);
  std::size_t left() const { return parted_->offer.left(); }
  bool join();

 private:
  // x of several steps is multiplied at once when a step alone has too few rows, fewer than fused_rows, to use the
  // weights well: of so many rows at most, in so much memory. Where a thread's part of the weights is far, steps need
  // not read those of x as well, unless they have rows enough to wait for neither; but that takes more memory. Of long
  // streams the second-level cache does not hold two: the one in use, and the one that is fetched.
  static constexpr std::size_t long_stream_bytes = 256 << 10;
  struct Chunking {
    std::size_t fused_rows, most_rows, most_bytes;
  };
  // Whether a thread's part of some weights does not stay in its cache.
  static bool are_far(const Weights& weights, std::size_t threads) {
    return weights.bytes() / threads > weights.panels().caches.near_for_many_rows;
  }
  static Chunking chunking(const Weights& weights, std::size_t threads, std::size_t tile_rows) {
    if (are_far(weights, threads)) {
      const bool long_streams = weights.stream_bytes() > long_stream_bytes;
      return {long_streams ? Caches::many_rows : weights.panels().caches.fused_rows, 256, 4 << 20};
    }
    return {std::min<std::size_t>(4, tile_rows), 60, 256 << 10};
  }

  // Steps of one row wait for weights, and so carry on the projection of the next chunk meanwhile, if a thread's part
  // of the weights is no smaller than the first of these, and all of them no larger than the second: smaller parts are
  // mostly still in the closest cache from the step before, and larger weights lose more by weight_ih being read for
  // each chunk.
  static constexpr std::size_t least_carried_bytes = 100 << 10, most_carried_bytes = 13 << 20;

  // Steps whose x is projected at once.
  struct Chunk {
    std::size_t steps = 0;
    bool carries = false;  // every step has one row, and can carry on a projection
    bool carried = false;  // the steps of the chunk before have carried on its projection
    Projection x;
  };
  // A step that may still be open when the next one begins, and so keeps what belongs to it.
  struct Present {
    Step step;
    const Chunk* begins = nullptr;  // the chunk that it is the first of, if that carries
  };
  // The way of one thread through the steps. Of several threads each knows its way by itself, so that nothing passes
  // between them but the states, and that they have been computed.
  class Walk {
   public:
    explicit Walk(const Pass& pass);

    // `member` is null for a thread on its own. One that has an offer stops when it is made, if that pays. Returns how
    // many steps are left.
    std::size_t run(std::size_t steps, Rounds::Member* member, Offer* offer = nullptr);
    void set_span(std::size_t first_row) { span_row_ = first_row; }

    // Has h in memory of the thread's own as well from now on, if there are few rows of it: it is read from there.
    void keep_hidden();
    bool keeps_hidden() const { return own_hidden_ != nullptr; }

    // h(t−1) for each sequence of the share.
    const float** hidden() { return read_.data(); }

   private:
    // Whether the offer is made, and so many steps are worth sharing. One that comes too late for that is ended.
    bool is_to_be_shared(Offer& offer, std::size_t steps) const;

    // x for each row of a chunk. Chunks that can carry on the next one's projection have two places in turn.
    const float** inputs() { return read_.data() + pass_.sequences_; }
    // The steps from a place in time on, `most` at most, whose rows fit a chunk.
    Chunk gather_chunk(Cursor cursor, std::size_t most, std::size_t place);
    // The chunk so many steps ahead, if steps of one row can carry on its projection.
    Chunk gather_carried(std::size_t ahead, std::size_t most, std::size_t place);
    // The step at the cursor, which moves on, and its rows. It may be the first of a chunk that carries, and may carry
    // on a projection.
    std::size_t step(const float* const* start, const Chunk* begins, const Projection* beside);
    // A part of the panels: this thread's own, which are [first, last), or another's.
    void compute(const Present& present, std::size_t part, std::size_t first, std::size_t last) const;
    void compute_others(Present present, std::size_t part, std::size_t parts) const;
    // The present step, as one of a team. Parts of other members are left open: the next step begins with the states
    // that are there.
    void compute_together();
    // What is open of a step, of parts [first, last).
    void close(const Present& present, std::size_t first, std::size_t last) const;
    void close();
    // h(t) of such parts, or of units, which others may have computed, to where this thread keeps it.
    void keep(const Step& step, std::size_t first, std::size_t last) const;
    static void keep_units(const Step& step, std::size_t first, std::size_t last);
    // How many parts the panels are in for so many rows, a team being as large as it is.
    std::size_t parts(const Weights& weights, std::size_t rows) const;
    // In how many parts a team deals out the panels for so many rows, being as large as it is; 0 if it does not.
    std::size_t dealt_parts(const Weights& weights, std::size_t rows) const;
    static std::size_t first_panel(const Weights& weights, std::size_t part, std::size_t parts) {
      return weights.panel_count() * part / parts;
    }
    // body(first, last) over all panels of some weights, for so many rows, on this thread or by all of the team.
    template <class Body>
    void over_panels(const Weights& weights, std::size_t rows, bool backwards, const Body& body);

    template <class Float>
    Float* row(const Place<Float>& place, const Cursor& cursor, std::size_t j, std::size_t stride) const {
      const std::size_t i = pass_.share_.sequence(j);
      const std::size_t row =
          place.between ? cursor.time_row() - span_row_ + i : cursor.row() + i * pass_.layout_.sequence_stride();
      return place.data + row * stride;
    }

    const Pass& pass_;
    Cursor cursor_;
    std::size_t span_row_ = 0;
    bool backwards_;
    Rounds::Member* member_ = nullptr;
    SmallArray<const float*, 8> read_;           // hidden(), inputs(), and of the steps below x(t) and h(t−1)
    SmallArray<float*, 8> outputs_;              // of the steps below
    std::shared_ptr<const OwnRows> own_hidden_;  // h(t) of the steps below, if kept
    Chunk chunks_[2];                            // in their places
    // The present step and the one before, in turn.
    Present steps_[2];
    std::size_t now_ = 0;
    // Of the last step, whether other members' parts are open, and how many parts it has.
    bool open_ = false;
    std::size_t open_parts_ = 0;
  };

  // Threads that go through the same steps: the pass's own walk, and one for each of the others.
  struct Company {
    Company(const Walk& own, std::size_t threads);

    Rounds rounds;
    std::vector<Rounds::Member> members;
    std::vector<Walk> others;
  };

  // What a pass has where threads are parted.
  struct Parted {
    ~Parted();

    Offer offer;
    std::unique_ptr<Company> company;  // while the offer is accepted
    std::unique_ptr<OwnRows> cells;    // c
  };

  // Steps are shared with a thread that comes later, if there are so many, and each has so much to do.
  static constexpr std::size_t least_joined_steps = 16, least_joined_fmas = 100'000;

  // A step with so much to do for each thread is dealt out, in parts of so much at least, and so many at most. Threads
  // then meet at its end instead of going into the next one while the others finish; but one whose processor is slower,
  // which other work may make it, has less to do. Of near weights that costs more: parts that another takes are read
  // anew. Where a thread joins another, that is known to be slower, and less is worth it.
  struct Dealing {
    std::size_t least_fmas, least_part_fmas;
  };
  static constexpr Dealing dealing_far = {4'000'000, 1'000'000}, dealing_near = {10'000'000, 1'000'000},
                           dealing_joined = {1'000'000, 250'000};
  static constexpr std::size_t most_dealt_parts = 1 << 12;

  // Threads keep h where a step takes one block of rows, in so many bytes at most; for more it is not worth writing
  // twice.
  static constexpr std::size_t most_own_hidden_bytes = 4 << 10;

  bool gather_company();
  void start_states();
  void finish_states();
  std::size_t state_row(std::size_t j) const { return state_ * layout_.batch() + layout_.sequence(share_.sequence(j)); }

  const Recurrent& module_;
  const RecurrentOptions& options_;
  const CellKernels& kernels_;
  const Recurrent::Direction& direction_;
  const Run& run_;
  const Layout& layout_;
  const std::size_t state_;  // layer * directions + direction
  const Share& share_;
  const Place<const float> input_;
  const Place<float> output_;
  const std::size_t input_size_, output_stride_;
  const std::size_t sequences_;  // in the share
  const Chunking chunking_;
  const std::size_t chunk_rows_;   // at most; 0 if no step has few enough rows
  const std::size_t single_rows_;  // of them in a chunk that carries; 0 if none does
  const std::size_t start_rows_;   // of all chunks that are there at a time

  // For each sequence of the share c(t−1) → c(t), and h(t) before the projection; and for each row of a chunk what
  // `project` makes of its x.
  SmallArray<float*, 8> written_;
  float **cell_, **unprojected_, **starts_;
  Workspace memory_;                        // of the last two
  std::unique_ptr<Parted> parted_;          // null if there is none
  mutable std::vector<Progress> progress_;  // with the next chunk's projection, of each part of the panels
  Walk walk_;
  // What is written at every step shares no line with what another thread reads of its pass, the next in a vector.
  [[maybe_unused]] std::byte margin_[cache_line];
};

}  // namespace packed_rnn
