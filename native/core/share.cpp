#include "core/share.h"

#include <algorithm>
#include <cassert>

namespace packed_rnn {
namespace {

using Numbers = std::vector<std::size_t>;

struct Hand {
  Numbers sequences;
  std::size_t cost = 0;

  // None stays empty while another gets sequences without steps.
  bool operator<(const Hand& other) const {
    return cost == other.cost ? sequences.size() < other.sequences.size() : cost < other.cost;
  }
};

// In so many blocks of neighbours, each to whoever has least to do, the longest sequences first. Each row costs one,
// and so does each step: it takes about as long as a row more than it has, since it reads the weights.
std::vector<Hand> hands(const Numbers& lengths, std::size_t shares, std::size_t blocks) {
  std::vector<Hand> dealt(shares);
  for (std::size_t block = 0, i = 0; block < blocks; ++block) {
    Hand& least = *std::min_element(dealt.begin(), dealt.end());
    if (least.sequences.empty()) least.cost = lengths[i];
    for (const std::size_t end = (lengths.size() * (block + 1) + blocks - 1) / blocks; i < end; ++i) {
      least.sequences.push_back(i);
      least.cost += lengths[i];
    }
  }
  return dealt;
}

std::size_t most_cost(const std::vector<Hand>& dealt) {
  return std::max_element(dealt.begin(), dealt.end())->cost;
}

}  // namespace

// Neighbours' rows lie side by side, and where they are of two threads, each has the other's cache lines fetched beside
// its own. So blocks are as large as can be without making the dearest share dearer by more than a fiftieth.
std::vector<Share> deal(const Numbers& lengths, std::size_t shares) {
  assert(shares <= lengths.size());
  std::vector<Hand> dealt = hands(lengths, shares, lengths.size());
  const std::size_t most = most_cost(dealt);
  for (std::size_t blocks = shares; blocks < lengths.size(); blocks *= 2) {
    std::vector<Hand> larger = hands(lengths, shares, blocks);
    if (50 * most_cost(larger) > 51 * most) continue;
    dealt = std::move(larger);
    break;
  }
  std::vector<Share> result;
  result.reserve(shares);
  for (Hand& hand : dealt) result.emplace_back(std::move(hand.sequences));
  return result;
}

}  // namespace packed_rnn
