// Every sequence in one share, and no share much longer than another.
#include "core/share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace packed_rnn {
namespace {

using Lengths = std::vector<std::size_t>;

std::vector<Lengths> numbers(const std::vector<Share>& shares, std::size_t batch) {
  std::vector<Lengths> result;
  for (const Share& share : shares) {
    result.emplace_back();
    for (std::size_t j = 0; j < share.of(batch); ++j) result.back().push_back(share.sequence(j));
  }
  return result;
}

TEST(Share, HasEverySequenceOnceAndAFairPartOfTheSteps) {
  for (std::size_t shares = 1; shares <= 5; ++shares) {
    for (std::size_t batch = shares; batch <= 70; ++batch) {
      Lengths equal(batch, 100), falling(batch), steep(batch), some_empty(batch);
      for (std::size_t i = 0; i < batch; ++i) {
        falling[i] = batch - i;
        steep[i] = static_cast<std::size_t>(1000 * std::exp(-10.0 * static_cast<double>(i) / 70));
        some_empty[i] = i < shares ? 50 : 0;
      }
      for (const Lengths& lengths : {equal, falling, steep, some_empty}) {
        const std::vector<Share> dealt = deal(lengths, shares);
        ASSERT_EQ(dealt.size(), shares);
        std::size_t most = 0;
        Lengths taken(batch);
        for (const Share& share : dealt) {
          std::size_t steps = 0;
          for (std::size_t j = 0; j < share.of(batch); ++j) {
            const std::size_t sequence = share.sequence(j);
            ASSERT_LT(sequence, batch);
            EXPECT_EQ(share.of(sequence), j);
            EXPECT_EQ(share.of(sequence + 1), j + 1);
            ++taken[sequence];
            steps += lengths[sequence];
          }
          most = std::max(most, steps);
        }
        EXPECT_EQ(taken, Lengths(batch, 1));
        const std::size_t all = std::accumulate(lengths.begin(), lengths.end(), std::size_t(0));
        EXPECT_LE(static_cast<double>(most), 1.02 * static_cast<double>(all / shares + lengths[0]))
            << shares << " shares of " << batch;
      }
    }
  }
}

TEST(Share, HasNeighboursWhereThatIsFair) {
  EXPECT_EQ(numbers(deal(Lengths(8, 10), 2), 8), (std::vector<Lengths>{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(numbers(deal(Lengths(10, 10), 4), 10), (std::vector<Lengths>{{0, 1, 2}, {3, 4}, {5, 6, 7}, {8, 9}}));
  // Not where two of them are most of the work.
  EXPECT_EQ(numbers(deal(Lengths{80, 70, 10, 9, 8, 7, 2, 1}, 2), 8),
            (std::vector<Lengths>{{0, 5, 6}, {1, 2, 3, 4, 7}}));
}

// 202 rows each would be fair, if the first share did not have to go through 100 steps, the second through 72.
TEST(Share, HasFewerRowsWhereItHasMoreSteps) {
  EXPECT_EQ(numbers(deal(Lengths{100, 86, 72, 58, 43, 29, 15, 1}, 2), 8),
            (std::vector<Lengths>{{0, 1}, {2, 3, 4, 5, 6, 7}}));
}

TEST(Share, IsNeverEmpty) {
  EXPECT_EQ(numbers(deal(Lengths{1000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 3), 12),
            (std::vector<Lengths>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}}));
}

TEST(Share, IsAllIfNotDealt) {
  EXPECT_EQ(Share().of(2), 2u);
  EXPECT_EQ(Share().sequence(2), 2u);
}

}  // namespace
}  // namespace packed_rnn
