// What stands around a recurrent module: the linear layer and the embedding table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/view.h"
#include "core/weights.h"

namespace packed_rnn {

// y = W x + b (torch.nn.Linear); W [out_features, in_features] row-major, b may be empty.
class Linear {
 public:
  Linear(const Kernels& kernels, std::size_t in_features, std::size_t out_features, View<const float> weight,
         View<const float> bias);

  // rows of in_features floats → rows of out_features floats
  void forward(const float* input, std::size_t rows, float* output) const;

  std::size_t in_features() const { return weights_.panels().input_size; }
  std::size_t out_features() const { return weights_.panels().units; }
  std::size_t bytes() const { return weights_.bytes(); }

 private:
  const Kernels& kernels_;
  Weights weights_;
};

// output[i] = table[ids[i]], rows of `width` floats. Returns the position of the first id that is no row of the table,
// having stopped there, or ids.size.
template <class Id>
std::size_t embed(View<const float> table, std::size_t width, View<const Id> ids, float* output);

extern template std::size_t embed(View<const float>, std::size_t, View<const std::uint8_t>, float*);
extern template std::size_t embed(View<const float>, std::size_t, View<const std::int32_t>, float*);
extern template std::size_t embed(View<const float>, std::size_t, View<const std::int64_t>, float*);

}  // namespace packed_rnn
