#include "core/layers.h"

#include <algorithm>
#include <cstring>

#include "core/float_environment.h"

namespace packed_rnn {

Linear::Linear(const Kernels& kernels, std::size_t in_features, std::size_t out_features, View<const float> weight,
               View<const float> bias)
    : kernels_(kernels) {
  Parameters parameters;
  parameters.input_size = in_features;
  parameters.units = out_features;
  parameters.weight_ih = weight;
  parameters.bias_ih = bias;
  weights_ = Weights(kernels, kernels.linear, parameters, false);
}

void Linear::forward(const float* input, std::size_t rows, float* output) const {
  const FloatEnvironment environment;
  constexpr std::size_t most = 256;
  const float* inputs[most];
  float* outputs[most];
  for (std::size_t row = 0; row < rows; row += most) {
    const std::size_t count = std::min(most, rows - row);
    for (std::size_t r = 0; r < count; ++r) {
      inputs[r] = input + (row + r) * in_features();
      outputs[r] = output + (row + r) * out_features();
    }
    Step step;
    step.rows = count;
    step.input = inputs;
    step.hidden = inputs;  // of no elements, but the pointers are read
    step.output = outputs;
    kernels_.linear.step(weights_.panels(), step, 0, weights_.panel_count());
  }
}

template <class Id>
std::size_t embed(View<const float> table, std::size_t width, View<const Id> ids, float* output) {
  const std::uint64_t rows = table.size / width;
  for (std::size_t i = 0; i < ids.size; ++i) {
    const std::uint64_t id = static_cast<std::uint64_t>(ids[i]);  // a negative id becomes one past any table
    if (id >= rows) return i;
    std::memcpy(output + i * width, table.data + id * width, width * sizeof(float));
  }
  return ids.size;
}

template std::size_t embed(View<const float>, std::size_t, View<const std::uint8_t>, float*);
template std::size_t embed(View<const float>, std::size_t, View<const std::int32_t>, float*);
template std::size_t embed(View<const float>, std::size_t, View<const std::int64_t>, float*);

}  // namespace packed_rnn
