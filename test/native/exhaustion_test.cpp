// Memory that runs out at any point: an exception, and nothing that is broken, lost, or never ends. Threads that run
// out: less help. A program of its own, since it replaces how both are had.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "core/recurrent.h"
#include "core/threads.h"
#include "core/workspace.h"
#include "every_table.h"
#include "joined.h"
#include "random.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#endif

namespace {

// How many requests were made, on any thread, and which of them fails; none if that is 0.
std::atomic<int> requests{0}, failing{0};

void* allocate(std::size_t size, std::size_t alignment) {
  if (++requests == failing) throw std::bad_alloc();
  const std::size_t rounded = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#if defined(__linux__)
namespace {

// How many threads can be had; a system, or a container, grants only so many.
std::atomic<int> granted{1 << 20};

}  // namespace

extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*body)(void*), void* argument) {
  static const auto create = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return granted-- > 0 ? create(thread, attributes, body, argument) : EAGAIN;
}
#endif

namespace packed_rnn::test {
namespace {

// Has the n-th request of body() fail, for every n up to the number that it makes, and tells after() whether it threw.
template <class Body, class After>
void exhaust(const Body& body, const After& after) {
  for (int n = 1; n < 1000; ++n) {
    bool failed = false;
    requests = 0;
    failing = n;
    try {
      body();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    failing = 0;
    const bool reached = requests >= n;
    after(n, failed);
    if (!reached) return;
  }
  FAIL() << "There is no end of requests";
}

// The caller takes part in any case.
void run_once(Team& team) {
  std::atomic<int> done{0};
  team.run([&](std::size_t i) {
    if (i == 0) ++done;
  });
  EXPECT_EQ(done, 1);
}

TEST(Exhaustion, OfAGrowingPoolLeavesFewerHelpers) {
  set_num_threads(3);
  stop_threads();
  const auto take = [] {
    Team team(3);
    run_once(team);
  };
  exhaust(take, [&](int n, bool) {
    EXPECT_EQ(Team(3).size(), 3u) << n;
    stop_threads();
  });
}

#if defined(__linux__)
TEST(Exhaustion, OfThreadsLeavesFewerHelpers) {
  set_num_threads(4);
  for (const int most : {0, 1, 2}) {
    stop_threads();
    granted = most;
    for (int call = 0; call < 2; ++call) {
      Team team(4);
      EXPECT_EQ(team.size(), static_cast<std::size_t>(1 + most));
      run_once(team);
    }
    granted = 1 << 20;
    EXPECT_EQ(Team(4).size(), 4u) << "when there are threads again";
  }
}
#endif

TEST(Exhaustion, OfACallIsThrownAndTheNextCallIsWhole) {
  std::mt19937 random(1);
  set_num_threads(3);
  for (const Kernels* kernels : best_tables()) {
    for (const std::size_t directions : {1, 2}) {
      const std::size_t layers = directions;
      const RecurrentOptions options = options_of(cells[0], 72, 72, layers, directions);
      const Module parameters(random, options);
      for (const std::vector<int>& lengths : {std::vector<int>{40}, std::vector<int>{40, 39, 38, 21, 20, 7}}) {
        const Batch batch(random, options, lengths);
        const Recurrent module = parameters.build(*kernels);
        const Result expected = forward(module, batch);
        int failures = 0;
        exhaust([&] { EXPECT_EQ(forward(parameters.build(*kernels), batch), expected); },
                [&](int n, bool failed) {
                  failures += failed;
                  EXPECT_EQ(forward(module, batch), expected) << kernels->name << ", request " << n;
                  stop_threads();
                  release_workspaces();
                });
        EXPECT_GT(failures, 0);
      }
    }
  }
}

// Whoever fails to get what two threads need to go on together, which must not throw, goes on alone.
TEST(Exhaustion, LeavesAPassToItsThread) {
  std::mt19937 random(3);
  const Module parameters(random, options_of(cells[0], 72, 72));
  const Recurrent module = parameters.build(*supported_kernels().tables[0]);
  int joins = 0, refused = 0;
  for (int times = 1; times <= most_times && (joins == 0 || refused == 0); times *= 4) {
    const Batch batch(random, parameters.options, longer(std::vector<int>(8, 200), times));
    const Result expected = forward(module, batch);
    exhaust(
        [&] {
          bool joined;
          EXPECT_EQ(forward_joined(module, batch, joined), expected);
          joined ? ++joins : ++refused;
        },
        [](int, bool) {});
  }
  EXPECT_GT(joins, 0);
  EXPECT_GT(refused, 0);
}

// A helper may still be on its way out of a job when the next one begins; but jobs are used again.
TEST(Allocations, OfTeamsEnd) {
  set_num_threads(3);
  const auto take = [](int teams) {
    requests = 0;
    for (int i = 0; i < teams; ++i) {
      Team team(3);
      team.run([](std::size_t) {});
    }
    return requests.load();
  };
  take(10);
  EXPECT_LE(take(1000), 20);
}

TEST(Allocations, OfASingleStepAreOne) {
  std::mt19937 random(2);
  for (const Cell& cell : cells) {
    const Recurrent module = Module(random, options_of(cell, 20, 20)).build(*supported_kernels().tables[0]);
    std::vector<float> x(20), h(20), c(20), y(20);
    packed_rnn::Run run;  // Google Test has one, too
    run.layout = Layout::padded(1, 1, false);
    run.input = x.data();
    run.initial_hidden = run.final_hidden = h.data();
    run.initial_cell = run.final_cell = c.data();
    run.output = y.data();
    requests = 0;
    module.forward(run);
    EXPECT_EQ(requests, 1) << cell.name;
  }
}

}  // namespace
}  // namespace packed_rnn::test
