// A pass that one thread begins, and another joins.
#include "core/pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "core/threads.h"
#include "every_table.h"
#include "joined.h"
#include "random.h"

namespace packed_rnn::test {
namespace {

// Steps of several rows, which are dealt out or not, with a projection and without; and of one row, which carry on the
// projection of the next chunk, even where a step of more rows would be dealt out.
TEST(Pass, GivesTheSameBitsWhereAnotherJoins) {
  struct Size {
    std::size_t units, directions, projection;
    std::vector<int> lengths;
  };
  const Size sizes[] = {
      {90, 2, 0, {200, 200, 200, 150, 150, 150, 90, 90, 90, 40}},
      {160, 2, 33, {120, 110, 100, 100, 80, 80, 50}},
      {260, 1, 0, {60, 60, 60, 60, 50, 50, 50, 40, 40, 40, 40, 40}},
      {260, 1, 133, {60, 60, 60, 60, 50, 50, 50, 40, 40, 40, 40, 40}},
      {400, 2, 0, {300}},
      {700, 1, 0, {100}},
  };
  std::mt19937 random(23);
  set_num_threads(1);
  for (const Kernels* const kernels : best_tables()) {
    for (const Cell& cell : cells) {
      for (const auto& [units, directions, projection, lengths] : sizes) {
        if (projection > 0 && !cell.has_cell_state) continue;
        const Recurrent module = Module(random, options_of(cell, 70, units, 1, directions, projection)).build(*kernels);
        bool joined = false;
        for (int times = 1; times <= most_times && !joined; times *= 4) {
          const Batch batch(random, module.options(), longer(lengths, times));
          EXPECT_TRUE(forward_joined(module, batch, joined) == forward(module, batch))
              << kernels->name << ", " << cell.name << ", " << units << " units, projection of " << projection;
        }
        EXPECT_TRUE(joined) << kernels->name << ", " << cell.name << ", " << units << " units";
      }
    }
  }
  set_num_threads(0);
}

// A step of one sequence is too small to be shared, one of seven is not.
TEST(Pass, IsLeftAloneWhenTooFewSequencesAreLeft) {
  const int longest = 20000, others = 50;
  std::mt19937 random(24);
  const Recurrent module = Module(random, options_of(cells[0], 40, 60, 1, 1, 0)).build(*best_tables()[0]);
  const Batch batch(random, module.options(), {longest, others, others, others, others, others, others});
  Result result = empty_result(module, batch);
  const packed_rnn::Run run = run_into(result, batch);
  const Share all;
  Pass pass(module, run, 0, 0, all, 1, true, {run.input, false}, {run.output, false});
  pass.prepare();
  std::atomic<bool> over{false};
  std::size_t least = longest;
  std::thread other([&] {
    while (!over) {
      if (const std::size_t left = pass.left()) least = std::min(least, left);
      std::this_thread::yield();
    }
  });
  pass.run_parted(longest, 0);
  over = true;
  other.join();
  EXPECT_GE(least, longest - others - 60u) << "of which a chunk has 60 rows at most";
  EXPECT_FALSE(pass.join());
}

}  // namespace
}  // namespace packed_rnn::test
