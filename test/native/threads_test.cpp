#include "core/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace packed_rnn::test {
namespace {

TEST(Team, DoesEverythingOnce) {
  set_num_threads(4);
  Team team(4);
  for (std::size_t round = 0; round < 2000; ++round) {
    std::vector<std::atomic<int>> times(round % 37);
    team.run(times.size(), [&](std::size_t i) { ++times[i]; });
    for (const std::atomic<int>& t : times) ASSERT_EQ(t, 1);
  }
}

TEST(Team, TakesNoMoreThreadsThanThereAre) {
  set_num_threads(3);
  Team first(8);
  EXPECT_EQ(first.size(), 3u);
  Team second(8);
  EXPECT_EQ(second.size(), 1u);
}

TEST(Team, OfOneAsksNobody) {
  set_num_threads(3);
  Team alone(1);
  EXPECT_EQ(alone.size(), 1u);
  Team rest(8);
  EXPECT_EQ(rest.size(), 3u);
}

TEST(Team, ManyCallersShareThePool) {
  set_num_threads(3);
  std::atomic<std::size_t> done{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        Team team(3);
        for (int run = 0; run < 5; ++run) team.run(9, [&](std::size_t) { ++done; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 6u * 300 * 5 * 9);
}

TEST(Threads, StartAgainAfterAStop) {
  set_num_threads(2);
  for (int round = 0; round < 20; ++round) {
    {
      Team team(2);
      std::atomic<int> done{0};
      team.run(100, [&](std::size_t) { ++done; });
      EXPECT_EQ(done, 100);
    }
    stop_threads();
  }
}

TEST(Threads, AreAsManyAsTheMachineGrantsUntilSet) {
  EXPECT_GE(get_num_threads(), 1u);
}

}  // namespace
}  // namespace packed_rnn::test
