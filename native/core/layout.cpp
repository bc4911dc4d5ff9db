#include "core/layout.h"

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

}  // namespace packed_rnn
