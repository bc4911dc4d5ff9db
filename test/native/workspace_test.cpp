// Memory that is kept from call to call.
#include "core/workspace.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

namespace packed_rnn::test {
namespace {

constexpr std::size_t kib = 1024 / sizeof(float), mib = 1024 * kib;

class KeptWorkspace : public ::testing::Test {
 protected:
  KeptWorkspace() { release_workspaces(); }
  ~KeptWorkspace() override { release_workspaces(); }

  static float* address(std::size_t size) { return Workspace(size).data(); }
};

TEST_F(KeptWorkspace, IsHadAgain) {
  float* const first = address(100 * kib);
  EXPECT_EQ(address(100 * kib), first);
  EXPECT_EQ(address(60 * kib), first);
}

TEST_F(KeptWorkspace, IsNobodyElsesMeanwhile) {
  address(100 * kib);
  const Workspace one(100 * kib), two(100 * kib);
  EXPECT_NE(one.data(), two.data());
}

TEST_F(KeptWorkspace, IsHadInTheOrderInWhichItWasGivenBack) {
  float *given_last, *given_first;
  {
    const Workspace a(100 * kib), b(100 * kib);
    given_last = a.data();
    given_first = b.data();
  }
  const Workspace one(100 * kib), two(100 * kib);
  EXPECT_EQ(one.data(), given_first);
  EXPECT_EQ(two.data(), given_last);
}

TEST_F(KeptWorkspace, IsNotMuchLargerThanWasAskedFor) {
  const Workspace held(40 * kib);
  float* const large = address(100 * kib);
  const Workspace small(40 * kib);
  EXPECT_NE(small.data(), large);
  EXPECT_EQ(address(100 * kib), large);
}

TEST_F(KeptWorkspace, TakesTheSmallestThatIsLargeEnough) {
  float *large, *small;
  {
    const Workspace a(100 * kib), b(80 * kib);
    large = a.data();
    small = b.data();
  }
  EXPECT_EQ(address(70 * kib), small);
  EXPECT_EQ(address(90 * kib), large);
}

TEST_F(KeptWorkspace, CanBeMoved) {
  Workspace one(100 * kib);
  float* const data = one.data();
  {
    const Workspace other = std::move(one);
    EXPECT_EQ(other.data(), data);
  }
  EXPECT_EQ(address(100 * kib), data);
}

// 8 MiB are kept: of six blocks of 1.5 MiB the five that were given back last.
TEST_F(KeptWorkspace, MakesRoomForOthers) {
  std::deque<Workspace> blocks;
  for (int i = 0; i < 6; ++i) blocks.emplace_back(3 * mib / 2);
  std::vector<float*> last;
  for (std::size_t i = 1; i < blocks.size(); ++i) last.push_back(blocks[i].data());
  while (!blocks.empty()) blocks.pop_front();
  for (float* const data : last) EXPECT_EQ(blocks.emplace_back(3 * mib / 2).data(), data);
}

// As many as there may be at a time, and then those that were given back last.
TEST_F(KeptWorkspace, MakesRoomForManyOthers) {
  std::deque<Workspace> blocks;
  for (int i = 0; i < 200; ++i) blocks.emplace_back(16 * kib);
  std::vector<float*> last;
  for (std::size_t i = blocks.size() - 32; i < blocks.size(); ++i) last.push_back(blocks[i].data());
  while (!blocks.empty()) blocks.pop_front();
  for (float* const data : last) EXPECT_EQ(blocks.emplace_back(16 * kib).data(), data);
}

TEST_F(KeptWorkspace, IsNotKeptIfItIsLargerThanAllThatIs) {
  float* const kept = address(100 * kib);
  address(9 * mib);
  EXPECT_EQ(address(100 * kib), kept);
}

TEST_F(KeptWorkspace, OfAnySizeCanBeWritten) {
  for (const std::size_t size : {std::size_t(0), std::size_t(1), 3 * kib, 4 * kib, 100 * kib, 3 * mib}) {
    for (int i = 0; i < 2; ++i) {
      const Workspace workspace(size);
      for (std::size_t k = 0; k < size; ++k) workspace.data()[k] = 1;
    }
  }
}

TEST_F(KeptWorkspace, IsSharedByThreads) {
  const auto body = [] {
    for (std::size_t i = 0; i < 2000; ++i) {
      const Workspace workspace((4 + i % 97) * kib);
      float* const data = workspace.data();
      data[0] = data[4 * kib - 1] = static_cast<float>(i);
      EXPECT_EQ(data[0], static_cast<float>(i));
    }
  };
  std::thread other(body);
  body();
  other.join();
}

}  // namespace
}  // namespace packed_rnn::test
