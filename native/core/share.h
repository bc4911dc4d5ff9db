// A batch dealt out to threads that each take some of its sequences.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace packed_rnn {

// Some sequences of a batch, which has them sorted by length.
class Share {
 public:
  Share() = default;  // all of them
  // Those of these numbers, in ascending order; at least one.
  explicit Share(std::vector<std::size_t> sequences) : sequences_(std::move(sequences)) {}

  // How many of the first `count` sequences it has.
  std::size_t of(std::size_t count) const {
    if (sequences_.empty()) return count;
    const auto past = std::lower_bound(sequences_.begin(), sequences_.end(), count);
    return static_cast<std::size_t>(past - sequences_.begin());
  }
  // The number of its sequence j in the batch.
  std::size_t sequence(std::size_t j) const { return sequences_.empty() ? j : sequences_[j]; }

 private:
  std::vector<std::size_t> sequences_;
};

// So many shares, no more than there are sequences, with nearly the same number of steps.
std::vector<Share> deal(const std::vector<std::size_t>& lengths, std::size_t shares);

}  // namespace packed_rnn
