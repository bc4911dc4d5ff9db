#include "core/threads.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "core/account.h"
#include "core/affinity.h"
#include "core/clock.h"
#include "core/distance.h"
#include "core/offer.h"
#include "core/processors.h"
#include "core/rounds.h"

namespace packed_rnn::test {
namespace {

// How long a call takes on average, of so many that follow the account: `alone`, or helped(i) when it is the i-th in a
// row that asks for helpers.
template <class Helped>
double mean_time(Account& account, int calls, double alone, const Helped& helped) {
  constexpr double work = 1e6;
  double sum = 0;
  for (int call = 0, i = 0; call < calls; ++call) {
    const bool asks = account.asks();
    i = asks ? i + 1 : 0;
    const double time = asks ? helped(i) : alone;
    asks ? account.add_helped(work, Account::Time(time)) : account.add_alone(work, Account::Time(time));
    sum += time;
  }
  return sum / calls;
}

TEST(Account, AsksHelpersThatSave) {
  Account account;
  EXPECT_TRUE(account.asks());
  EXPECT_LE(mean_time(account, 10000, 45, [](int) { return 33.0; }), 33 * 1.01);
}

TEST(Account, HardlyAsksHelpersThatCost) {
  Account account;
  for (const double time : {46.0, 90.0, 5000.0}) {
    EXPECT_LE(mean_time(account, 100000, 45, [&](int) { return time; }), 45 * 1.03) << time;
  }
}

TEST(Account, CountsRareStalls) {
  Account account;
  int calls = 0;
  EXPECT_LE(mean_time(account, 100000, 45, [&](int) { return ++calls % 100 == 0 ? 4000.0 : 33.0; }), 45 * 1.03);
  Account of_longer;
  EXPECT_LE(mean_time(of_longer, 10000, 450, [&](int) { return ++calls % 100 == 0 ? 4000.0 : 240.0; }), 300);
}

TEST(Account, WeighsStallsByTheLengthOfCalls) {
  int calls = 0;
  Account rare;
  EXPECT_LE(mean_time(rare, 2000, 70000, [&](int) { return ++calls % 20 == 0 ? 100000.0 : 38000.0; }), 43000);
  Account usual;
  EXPECT_LE(mean_time(usual, 2000, 70000, [](int) { return 110000.0; }), 70000 * 1.03);
}

TEST(Account, KeepsHelpersThroughStallsThatTheyHaveSavedBefore) {
  Account account;
  int calls = 0;
  EXPECT_LE(mean_time(account, 40, 13400, [&](int) { return ++calls == 12 ? 30000.0 : 7000.0; }), 7000 * 1.15);
  Account of_shorter;
  calls = 0;
  const auto five_stalls = [&](int) { return ++calls > 60 && calls <= 65 ? 6000.0 : 1400.0; };
  EXPECT_LE(mean_time(of_shorter, 200, 2700, five_stalls), 1400 * 1.15);
  // But not for long, if stalls become usual.
  EXPECT_LE(mean_time(account, 200, 13400, [](int) { return 30000.0; }), 13400 * 1.06);
}

TEST(Account, IsNotMisledByASlowBeginning) {
  Account account;
  const auto helped = [](int) { return 11600.0; };
  mean_time(account, 2, 18000, helped);
  EXPECT_LE(mean_time(account, 200, 9000, helped), 9000 * 1.05);
  // Nor by one stall in it.
  Account stalled;
  int calls = 0;
  EXPECT_LE(mean_time(stalled, 100, 9000, [&](int) { return ++calls == 3 ? 12000.0 : 5000.0; }), 5000 * 1.05);
}

TEST(Account, AsksAgainWhenHelpersSaveAfterAll) {
  Account account;
  mean_time(account, 10000, 45, [](int) { return 5000.0; });
  mean_time(account, 20000, 45, [](int) { return 33.0; });
  EXPECT_LE(mean_time(account, 1000, 45, [](int) { return 33.0; }), 34);
  mean_time(account, 1000, 45, [](int) { return 90.0; });
  EXPECT_LE(mean_time(account, 10000, 45, [](int) { return 90.0; }), 45 * 1.03);
}

// Attempts that cost little are not held against helpers: two processors may share a core for a while.
TEST(Account, IsSoonBackAfterManyCheapAttemptsInVain) {
  Account account;
  mean_time(account, 100000, 45, [](int) { return 46.0; });
  mean_time(account, 2500, 45, [](int) { return 33.0; });
  EXPECT_LE(mean_time(account, 1000, 45, [](int) { return 33.0; }), 34);
}

TEST(Account, GivesASleepingHelperTimeToWake) {
  Account account;
  mean_time(account, 1000, 45, [](int) { return 90.0; });
  EXPECT_LE(mean_time(account, 10000, 45, [](int i) { return i == 1 ? 60.0 : 33.0; }), 37);
}

TEST(Account, IsNotMisledByOneSlowCallWithoutHelpers) {
  Account account;
  mean_time(account, 10000, 45, [](int) { return 90.0; });
  account.add_alone(1e6, Account::Time(100000));
  EXPECT_LE(mean_time(account, 10000, 45, [](int) { return 90.0; }), 45 * 1.05);
}

TEST(Distance, IsNearUntilHelpersSeeWorkLate) {
  using std::chrono::nanoseconds;
  Distance distance;
  EXPECT_TRUE(distance.is_near());
  for (int i = 0; i < 1000; ++i) {
    distance.add(i % 8 == 7 ? nanoseconds(1000000) : nanoseconds(80));
    EXPECT_TRUE(distance.is_near()) << "a helper that sometimes loses its processor, " << i;
  }
  for (int i = 0; i < 16; ++i) distance.add(nanoseconds(300));
  EXPECT_FALSE(distance.is_near());
  for (int i = 0; i < 16; ++i) distance.add(nanoseconds(80));
  EXPECT_TRUE(distance.is_near());
  // A clock may be coarse.
  for (int i = 0; i < 100000; ++i) distance.add(nanoseconds(0));
  for (int i = 0; i < 16; ++i) distance.add(nanoseconds(300));
  EXPECT_FALSE(distance.is_near());
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
  std::atomic<bool> sound{true};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        Team team(3);
        for (int run = 0; run < 5; ++run) {
          std::atomic<int> next{0};
          std::array<std::atomic<int>, 9> times{};
          team.run([&](std::size_t) {
            for (std::size_t i; (i = next++) < times.size();) ++times[i];
          });
          for (const std::atomic<int>& t : times) {
            if (t != 1) sound = false;
          }
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_TRUE(sound);
}

TEST(Team, RunsOnceEach) {
  set_num_threads(4);
  Team team(4);
  for (int round = 0; round < 2000; ++round) {
    std::array<std::atomic<int>, 4> times{};
    team.run([&](std::size_t i) { ++times[i]; });
    EXPECT_EQ(times[0], 1);
    for (const std::atomic<int>& t : times) ASSERT_LE(t, 1);
  }
}

// Who comes back from work that all do together has seen it done: it has no use for a second index, nor have others who
// come then.
TEST(Team, RunsOnceAThread) {
  set_num_threads(4);
  Team team(4);
  static thread_local int last = -1;
  std::atomic<int> came{0};
  for (int round = 0; round < 200; ++round) {
    team.run([&](std::size_t i) {
      EXPECT_NE(last, round);
      last = round;
      if (i > 0) ++came;
      // Time enough for who has come to be back, and to take what is left.
      const Clock::time_point until = Clock::now() + std::chrono::microseconds(i == 0 ? 200 : 0);
      while (Clock::now() < until) std::this_thread::yield();
    });
  }
  EXPECT_GT(came, 0);
}

TEST(Team, LeavesRoomForWhoIsAtWorkAlready) {
  set_num_threads(3);
  Team first(2);
  EXPECT_EQ(first.size(), 2u);
  Team second(8);  // whose caller is the third
  EXPECT_EQ(second.size(), 1u);
}

// As environments of worker threads do, several of which may end at a time.
TEST(Team, IsStoppedBySeveral) {
  set_num_threads(3);
  std::atomic<std::size_t> runs{0};
  std::vector<std::thread> environments;
  for (int i = 0; i < 4; ++i) {
    environments.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        Team(3).run([&](std::size_t own) { runs += own == 0; });
        stop_threads();
      }
    });
  }
  for (std::thread& environment : environments) environment.join();
  EXPECT_EQ(runs, 1200u);
}

// Threads that are still being started when the call is over have nothing left to join, not even what is there no more.
TEST(Team, IsNotJoinedWhenTheCallIsOver) {
  set_num_threads(4);
  for (int round = 0; round < 100; ++round) {
    stop_threads();
    Team team(4);
    std::atomic<int> late{0};
    std::atomic<bool> over{false};
    team.run([&](std::size_t) { late += over; });
    over = true;
    const Clock::time_point until = Clock::now() + std::chrono::microseconds(300);
    while (Clock::now() < until) std::this_thread::yield();
    ASSERT_EQ(late, 0) << round;
  }
}

// go(member) for each of so many members, the later ones of which begin later.
template <class Go>
void run_members(std::size_t count, const Go& go) {
  Rounds rounds(count);
  const auto begin = [&](std::size_t index) {
    for (std::size_t i = 0; i < 100 * index; ++i) std::this_thread::yield();
    Rounds::Member member(rounds, index);
    go(member);
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < count; ++i) others.emplace_back(begin, i);
  begin(0);
  for (std::thread& other : others) other.join();
}

// Every part once a round, never before the last round is done, by members who begin late, or rest amid the work.
TEST(Rounds, FollowEachOther) {
  constexpr std::size_t count = 4, rounds = 3000;
  for (int run = 0; run < 10; ++run) {
    std::vector<std::atomic<std::size_t>> done(rounds);
    std::atomic<bool> sound{true};
    const auto parts_of = [](std::size_t round) { return 1 + round * 7 % count; };
    run_members(count, [&](Rounds::Member& member) {
      for (std::size_t round = 0; round < rounds; ++round) {
        member.run(parts_of(round), [&](std::size_t) {
          if (round > 0 && done[round - 1] != parts_of(round - 1)) sound = false;
          if (round % 100 == 10 * member.index()) std::this_thread::yield();
          ++done[round];
        });
        if (done[round] != parts_of(round)) sound = false;
      }
    });
    EXPECT_TRUE(sound);
  }
}

// The same of rounds that are left open: what is read of the round before has been closed, and every part is done once.
TEST(Rounds, AreClosedByTheNext) {
  constexpr std::size_t count = 3, rounds = 3000;
  for (int run = 0; run < 10; ++run) {
    std::vector<std::array<std::atomic<int>, count>> done(rounds);
    std::atomic<bool> sound{true};
    const auto check = [&](std::size_t round, std::size_t first, std::size_t last) {
      for (std::size_t part = first; part < last; ++part) {
        if (done[round][part] != 1) sound = false;
      }
    };
    run_members(count, [&](Rounds::Member& member) {
      const auto finish = [&](std::size_t round, std::size_t part) {
        if (round > 0) check(round - 1, 0, count);
        if (round % 100 == 10 * member.index()) std::this_thread::yield();
        ++done[round][part];
      };
      bool open = false;
      for (std::size_t round = 0; round < rounds; ++round) {
        const auto close = [&](std::size_t first, std::size_t last) {
          if (open) member.close(first, last, [&](std::size_t part) { finish(round - 1, part); });
          if (round > 0) check(round - 1, first, last);
        };
        const bool own = member.run_open(count, [&](std::size_t part) {
          close(0, part == member.index() ? part : count);
          if (part == member.index()) close(part, count);
          finish(round, part);
        });
        if (!own) check(round, 0, count);
        open = own;
      }
      if (open) member.close(0, count, [&](std::size_t part) { finish(rounds - 1, part); });
      check(rounds - 1, 0, count);
    });
    EXPECT_TRUE(sound);
  }
}

TEST(Rounds, WaitForAPartOfTheirOwnThatAnotherTookOver) {
  Rounds shared(2);
  std::atomic<bool> taken{false}, asked{false}, done{false};
  std::thread other([&] {
    Rounds::Member member(shared, 0);
    member.run(2, [&](std::size_t i) {
      if (i == 0) return;
      taken = true;
      while (!asked) std::this_thread::yield();
      for (int wait = 0; wait < 1000; ++wait) std::this_thread::yield();
      done = true;
    });
  });
  while (!taken) std::this_thread::yield();
  Rounds::Member late(shared, 1);
  asked = true;
  late.run(2, [](std::size_t) { ADD_FAILURE() << "nothing is left"; });
  EXPECT_TRUE(done);
  other.join();
}

TEST(Rounds, GoOnWithoutTheOtherMembers) {
  Rounds shared(3);
  Rounds::Member alone(shared, 0);
  std::vector<std::size_t> parts;
  for (int round = 0; round < 100; ++round) alone.run(3, [&](std::size_t i) { parts.push_back(i); });
  ASSERT_EQ(parts.size(), 300u);
  for (std::size_t i = 0; i < parts.size(); ++i) ASSERT_EQ(parts[i], i % 3);
}

// Every part once a round, never before the last round is done, whether that was dealt out or not.
TEST(Rounds, AreDealtOut) {
  constexpr std::size_t count = 4, rounds = 3000, most = 50;
  for (int run = 0; run < 10; ++run) {
    std::vector<std::array<std::atomic<int>, most>> done(rounds);
    std::atomic<bool> sound{true};
    const auto is_dealt = [](std::size_t round) { return round % 5 > 0; };
    const auto parts_of = [&](std::size_t round) { return 1 + round * 7 % (is_dealt(round) ? most : count); };
    const auto check = [&](std::size_t round) {
      for (std::size_t part = 0; part < most; ++part) {
        if (done[round][part] != (part < parts_of(round) ? 1 : 0)) sound = false;
      }
    };
    run_members(count, [&](Rounds::Member& member) {
      for (std::size_t round = 0; round < rounds; ++round) {
        const auto body = [&](std::size_t part) {
          if (round > 0) check(round - 1);
          if (round % 100 == 10 * member.index()) std::this_thread::yield();
          ++done[round][part];
        };
        if (is_dealt(round)) {
          member.deal(parts_of(round), round % 2 == 0, body);
        } else {
          member.run(parts_of(round), body);
        }
        check(round);
      }
    });
    EXPECT_TRUE(sound);
  }
}

TEST(Rounds, LeaveASlowMemberFewParts) {
  for (const bool backwards : {false, true}) {
    Rounds shared(2);
    std::atomic<std::size_t> fast{0};
    std::atomic<bool> begun{false};
    std::vector<std::size_t> slow;
    std::thread other([&] {
      Rounds::Member member(shared, 1);
      member.deal(10, backwards, [&](std::size_t i) {
        slow.push_back(i);
        begun = true;
        while (fast < 9) std::this_thread::yield();
      });
    });
    Rounds::Member member(shared, 0);
    std::vector<std::size_t> parts;
    member.deal(10, backwards, [&](std::size_t i) {
      parts.push_back(i);
      ++fast;
      // The other one comes to a part of its own before all are gone.
      while (!begun) std::this_thread::yield();
    });
    other.join();
    using Parts = std::vector<std::size_t>;
    EXPECT_EQ(slow, backwards ? Parts{9} : Parts{5});
    EXPECT_EQ(parts, backwards ? (Parts{4, 3, 2, 1, 0, 5, 6, 7, 8}) : (Parts{0, 1, 2, 3, 4, 9, 8, 7, 6}));
  }
}

TEST(Offer, IsForWorkThatHasBegun) {
  Offer offer;
  EXPECT_FALSE(offer.begin()) << "there is nothing yet";
  offer.reset();
  EXPECT_EQ(offer.make(), 0u);
  EXPECT_TRUE(offer.begin());
  EXPECT_FALSE(offer.begin()) << "by two";
  EXPECT_EQ(offer.left(), 0u) << "its owner has not said yet";
  offer.set_left(9);
  EXPECT_EQ(offer.left(), 9u);
  offer.end();
  EXPECT_EQ(offer.left(), 0u);
  EXPECT_EQ(offer.make(), 0u);
}

TEST(Offer, IsAcceptedOrNot) {
  for (int round = 0; round < 1000; ++round) {
    const bool accepts = round % 2 == 0;
    Offer offer;
    offer.reset();
    ASSERT_TRUE(offer.begin());
    int shared = 0;
    std::size_t found = 0;
    std::thread other([&] {
      found = offer.make();
      if (found == 0) return;
      ++shared;
      offer.end();
    });
    while (!offer.is_made()) std::this_thread::yield();
    EXPECT_EQ(offer.left(), 0u) << "another cannot join as well";
    offer.set_left(5);
    if (accepts) {
      shared = 1;  // the other sees it
      offer.accept();
      offer.await_end();
      EXPECT_EQ(shared, 2);
    } else {
      offer.end();
    }
    other.join();
    EXPECT_EQ(found, accepts ? 5u : 0u);
  }
}

#if defined(__linux__)
TEST(Detour, WakesAThreadOnAnotherProcessor) {
  cpu_set_t all, here;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(all), &all), 0);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "there is only one";
  Detour detour;
  std::mutex mutex;
  std::condition_variable wake;
  bool asleep = false, awake = false;
  int woken_on = -1;
  std::thread sleeper([&] {
    std::unique_lock<std::mutex> lock(mutex);
    asleep = true;
    wake.wait(lock, [&] { return awake; });
    woken_on = sched_getcpu();
    detour.end();
  });
  const int processor = sched_getcpu();
  CPU_ZERO(&here);
  CPU_SET(static_cast<std::size_t>(processor), &here);
  ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof(here), &here), 0);
  for (bool ready = false; !ready; std::this_thread::yield()) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!asleep) continue;
    ready = awake = true;
    detour.begin(sleeper);
  }
  wake.notify_one();
  sleeper.join();
  EXPECT_NE(woken_on, -1);
  EXPECT_NE(woken_on, processor);
  EXPECT_EQ(pthread_setaffinity_np(pthread_self(), sizeof(all), &all), 0);
}

TEST(Detour, LeavesAThreadWhereItMayRunAfterwards) {
  cpu_set_t before, after;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(before), &before), 0);
  Detour detour;
  std::atomic<bool> begun{false};
  std::thread thread([&] {
    while (!begun) std::this_thread::yield();
    detour.end();
    pthread_getaffinity_np(pthread_self(), sizeof(after), &after);
  });
  detour.begin(thread);
  detour.begin(thread);  // by another caller, from wherever that is, before the thread has woken
  begun = true;
  thread.join();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(Threads, MayRunWhereverTheyCouldWhenTheyHaveBeenWoken) {
  cpu_set_t own;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(own), &own), 0);
  set_num_threads(2);
  stop_threads();
  int came = 0;
  for (int round = 0; round < 50; ++round) {
    // Time enough to fall asleep.
    const Clock::time_point asleep = Clock::now() + std::chrono::milliseconds(2);
    while (Clock::now() < asleep) std::this_thread::yield();
    Team team(2);
    team.run([&](std::size_t i) {
      cpu_set_t helpers;
      if (i > 0) {
        ++came;
        ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(helpers), &helpers), 0);
        EXPECT_TRUE(CPU_EQUAL(&helpers, &own));
      }
      const Clock::time_point until = Clock::now() + std::chrono::milliseconds(i == 0 ? 1 : 0);
      while (Clock::now() < until) std::this_thread::yield();
    });
  }
  EXPECT_GT(came, 0);
}
#endif

TEST(Threads, StartAgainAfterAStop) {
  set_num_threads(2);
  for (int round = 0; round < 20; ++round) {
    {
      Team team(2);
      std::atomic<bool> began{false};
      team.run([&](std::size_t i) {
        if (i == 0) began = true;
      });
      EXPECT_TRUE(began);
    }
    stop_threads();
  }
}

TEST(Threads, AreAsManyAsProcessorsUntilSet) {
  EXPECT_EQ(get_num_threads(), granted_processors());
}

}  // namespace
}  // namespace packed_rnn::test
