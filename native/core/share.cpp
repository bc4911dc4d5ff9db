#include "core/share.h"

#include <cassert>
#include <iterator>
#include <numeric>

namespace packed_rnn {
namespace {

using Numbers = std::vector<std::size_t>;

// In so many blocks of neighbours, dealt out to and fro: of eight blocks, the first of two shares gets 0 3 4 7.
std::vector<Numbers> to_and_fro(std::size_t batch, std::size_t shares, std::size_t blocks) {
  std::vector<Numbers> dealt(shares);
  for (std::size_t block = 0, i = 0; block < blocks; ++block) {
    const std::size_t place = block % (2 * shares), end = (batch * (block + 1) + blocks - 1) / blocks;
    for (; i < end; ++i) dealt[place < shares ? place : 2 * shares - 1 - place].push_back(i);
  }
  return dealt;
}

std::size_t most_steps(const std::vector<Numbers>& dealt, const Numbers& lengths) {
  std::size_t most = 0;
  for (const Numbers& numbers : dealt) {
    const auto add = [&](std::size_t sum, std::size_t i) { return sum + lengths[i]; };
    most = std::max(most, std::accumulate(numbers.begin(), numbers.end(), std::size_t(0), add));
  }
  return most;
}

}  // namespace

// One by one, sequences sorted by length make fair shares, whatever the lengths. But rows of neighbours lie side by
// side, and where they are of two threads, each has the other's cache lines fetched beside its own. So blocks are as
// large as can be without making a share longer by more than a fiftieth.
std::vector<Share> deal(const Numbers& lengths, std::size_t shares) {
  assert(shares <= lengths.size());
  std::vector<Numbers> dealt = to_and_fro(lengths.size(), shares, lengths.size());
  const std::size_t most = most_steps(dealt, lengths);
  for (std::size_t blocks = 2 * shares; blocks < lengths.size(); blocks *= 2) {
    std::vector<Numbers> larger = to_and_fro(lengths.size(), shares, blocks);
    if (50 * most_steps(larger, lengths) > 51 * most) continue;
    dealt = std::move(larger);
    break;
  }
  return std::vector<Share>(std::make_move_iterator(dealt.begin()), std::make_move_iterator(dealt.end()));
}

}  // namespace packed_rnn
