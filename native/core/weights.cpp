#include "core/weights.h"

#include <algorithm>

#include "core/float_environment.h"

namespace packed_rnn {

Weights::Weights(const Kernels& kernels, const CellKernels& cell, const Parameters& p, bool separate_hidden_bias)
    : lanes_(kernels.lanes),
      streams_(cell.streams),
      vectors_(cell.vectors),
      panel_units_(cell.panel_units),
      gates_(streams_ * vectors_ * lanes_ / panel_units_),
      panel_count_((p.units + panel_units_ - 1) / panel_units_),
      start_size_(panel_count_ * streams_ * vectors_ * lanes_) {
  weights_ = Floats(start_size_ * (p.input_size + p.hidden_size));
  bias_ = Floats(start_size_);
  if (separate_hidden_bias) hidden_bias_ = Floats(panel_count_ * lanes_);
  for (const Floats* zeros : {&weights_, &bias_, &hidden_bias_}) std::fill_n(zeros->data(), zeros->size(), 0.0f);
  panels_ = {weights_.data(), bias_.data(), hidden_bias_.data(), p.input_size, p.hidden_size, p.units, kernels.caches};

  each_weight([&](std::size_t place, std::size_t row, std::size_t k) {
    weights_.data()[place] =
        k < p.input_size ? p.weight_ih[row * p.input_size + k] : p.weight_hh[row * p.hidden_size + (k - p.input_size)];
  });
  const FloatEnvironment environment;
  const std::size_t apart = separate_hidden_bias ? (gates_ - 1) * p.units : gates_ * p.units;
  each_bias([&](std::size_t place, std::size_t row) {
    const float of_input = p.bias_ih ? p.bias_ih[row] : 0.0f, of_hidden = p.bias_hh ? p.bias_hh[row] : 0.0f;
    bias_.data()[place] = row < apart ? of_input + of_hidden : of_input;
    if (row >= apart) hidden_bias_.data()[row - apart] = of_hidden;
  });
}

void Weights::unpack(float* weight_ih, float* weight_hh) const {
  const std::size_t input_size = panels_.input_size, hidden_size = panels_.hidden_size;
  each_weight([&](std::size_t place, std::size_t row, std::size_t k) {
    float& weight = k < input_size ? weight_ih[row * input_size + k] : weight_hh[row * hidden_size + (k - input_size)];
    weight = weights_.data()[place];
  });
}

bool Weights::row_of(std::size_t panel, std::size_t column, std::size_t lane, std::size_t& row) const {
  const std::size_t gate = gates_ == 1 ? 0 : column;
  const std::size_t unit = panel * panel_units_ + (gates_ == 1 ? column * lanes_ : 0) + lane;
  row = gate * panels_.units + unit;
  return unit < panels_.units;
}

template <class Visit>
void Weights::each_weight(const Visit& visit) const {
  const std::size_t depth = panels_.input_size + panels_.hidden_size, width = vectors_ * lanes_;
  for (std::size_t panel = 0; panel < panel_count_; ++panel) {
    for (std::size_t column = 0; column < streams_ * vectors_; ++column) {
      const std::size_t stream = panel * streams_ + column / vectors_, vector = column % vectors_;
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        std::size_t row;
        if (!row_of(panel, column, lane, row)) continue;
        const std::size_t first = stream * depth * width + vector * lanes_ + lane;
        for (std::size_t k = 0; k < depth; ++k) visit(first + k * width, row, k);
      }
    }
  }
}

template <class Visit>
void Weights::each_bias(const Visit& visit) const {
  for (std::size_t panel = 0; panel < panel_count_; ++panel) {
    for (std::size_t column = 0; column < streams_ * vectors_; ++column) {
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        std::size_t row;
        if (row_of(panel, column, lane, row)) visit((panel * streams_ * vectors_ + column) * lanes_ + lane, row);
      }
    }
  }
}

}  // namespace packed_rnn
