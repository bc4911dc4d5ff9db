#include "core/layout.h"

#include <numeric>

namespace packed_rnn {

Layout Layout::packed(const Packing& packing, std::size_t rows) {
  Layout layout;
  layout.packing_ = packing;
  layout.steps_ = packing.steps();
  layout.rows_ = rows;
  return layout;
}

Layout Layout::padded(std::size_t batch, std::size_t steps, bool batch_first) {
  Layout layout;
  layout.packing_.batch = batch;
  layout.steps_ = steps;
  layout.rows_ = batch * steps;
  layout.step_stride_ = batch_first ? 1 : batch;
  layout.sequence_stride_ = batch_first ? steps : 1;
  return layout;
}

std::vector<std::size_t> Layout::lengths() const {
  return is_packed() ? packed_rnn::lengths(packing_) : std::vector<std::size_t>(batch(), steps_);
}

std::pair<Layout, Layout> Layout::split(std::size_t t) const {
  Packing before = packing_, after = packing_;
  before.batch_sizes.size = t;
  after.batch_sizes.data += t;
  after.batch_sizes.size -= t;
  const std::size_t rows = std::accumulate(before.batch_sizes.begin(), before.batch_sizes.end(), std::size_t(0));
  return {packed(before, rows), packed(after, rows_ - rows)};
}

}  // namespace packed_rnn
