#include "core/weights.h"

namespace packed_rnn {
namespace {

// Where a lane of a panel's column comes from. Columns are vectors, counted through the streams of the panel.
struct Source {
  std::size_t gate;
  std::size_t unit;
};

Source source(std::size_t panel, std::size_t panel_units, std::size_t lanes, std::size_t gates, std::size_t column,
              std::size_t lane) {
  if (gates == 1) return {0, panel * panel_units + column * lanes + lane};
  return {column, panel * panel_units + lane};
}

float at(View<const float> values, std::size_t i) {
  return values ? values[i] : 0.0f;
}

}  // namespace

Weights::Weights(const CellKernels& kernels, std::size_t lanes, const Parameters& p, bool separate_hidden_bias)
    : panel_count_((p.units + kernels.panel_units - 1) / kernels.panel_units),
      start_size_(panel_count_ * kernels.streams * kernels.vectors * lanes) {
  const std::size_t columns = kernels.streams * kernels.vectors, gates = columns * lanes / kernels.panel_units;
  const std::size_t depth = p.input_size + p.hidden_size;
  weights_ = Floats(start_size_ * depth);
  bias_ = Floats(start_size_);
  if (separate_hidden_bias) hidden_bias_ = Floats(panel_count_ * lanes);

  float* weight = weights_.data();
  float* bias = bias_.data();
  for (std::size_t panel = 0; panel < panel_count_; ++panel) {
    for (std::size_t stream = 0; stream < kernels.streams; ++stream) {
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t vector = 0; vector < kernels.vectors; ++vector) {
          for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Source from =
                source(panel, kernels.panel_units, lanes, gates, stream * kernels.vectors + vector, lane);
            const std::size_t row = from.gate * p.units + from.unit;
            if (from.unit >= p.units) {
              *weight++ = 0.0f;
            } else if (k < p.input_size) {
              *weight++ = p.weight_ih[row * p.input_size + k];
            } else {
              *weight++ = p.weight_hh[row * p.hidden_size + (k - p.input_size)];
            }
          }
        }
      }
      for (std::size_t vector = 0; vector < kernels.vectors; ++vector) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const std::size_t column = stream * kernels.vectors + vector;
          const Source from = source(panel, kernels.panel_units, lanes, gates, column, lane);
          const std::size_t row = from.gate * p.units + from.unit;
          const bool inside = from.unit < p.units, apart = separate_hidden_bias && from.gate == gates - 1;
          const float hidden_bias = inside ? at(p.bias_hh, row) : 0.0f;
          *bias++ = inside ? at(p.bias_ih, row) + (apart ? 0.0f : hidden_bias) : 0.0f;
          if (apart) hidden_bias_.data()[panel * lanes + lane] = hidden_bias;
        }
      }
    }
  }
  panels_ = {weights_.data(), bias_.data(), hidden_bias_.data(), p.input_size, p.hidden_size, p.units};
}

}  // namespace packed_rnn
