// Weights repacked, once, into the panels that the kernels read (kernels.h has the picture).
#pragma once

#include <cstddef>

#include "core/memory.h"
#include "core/view.h"
#include "kernels/kernels.h"

namespace packed_rnn {

// Of one layer and direction, in PyTorch's layout: row-major, gate by gate. Biases may be empty.
struct Parameters {
  std::size_t input_size = 0;
  std::size_t hidden_size = 0;
  std::size_t units = 0;
  View<const float> weight_ih;  // [gates * units, input_size]
  View<const float> weight_hh;  // [gates * units, hidden_size]
  View<const float> bias_ih;    // [gates * units]
  View<const float> bias_hh;
};

class Weights {
 public:
  Weights() = default;
  // With separate_hidden_bias the last gate's bias_hh is kept apart from its bias_ih.
  Weights(const Kernels& kernels, const CellKernels& cell, const Parameters& parameters, bool separate_hidden_bias);

  // The inverse: weight_ih and weight_hh as they were given.
  void unpack(float* weight_ih, float* weight_hh) const;

  const Panels& panels() const { return panels_; }
  std::size_t panel_count() const { return panel_count_; }
  std::size_t start_size() const { return start_size_; }  // floats that a row's projection takes
  std::size_t stream_bytes() const {
    return (panels_.input_size + panels_.hidden_size) * vectors_ * lanes_ * sizeof(float);
  }
  std::size_t bytes() const { return (weights_.size() + bias_.size() + hidden_bias_.size()) * sizeof(float); }

 private:
  // visit(place, row, k) for every weight: where it is in the panels, its row in PyTorch's matrices, and its column,
  // counted through weight_ih and on through weight_hh.
  template <class Visit>
  void each_weight(const Visit& visit) const;
  template <class Visit>
  void each_bias(const Visit& visit) const;  // visit(place, row)
  // Of a lane of a column, a vector counted through the panel's streams; false where there is no such unit.
  bool row_of(std::size_t panel, std::size_t column, std::size_t lane, std::size_t& row) const;

  std::size_t lanes_ = 0, streams_ = 0, vectors_ = 0, panel_units_ = 0, gates_ = 0;
  Floats weights_, bias_, hidden_bias_;
  Panels panels_;
  std::size_t panel_count_ = 0;
  std::size_t start_size_ = 0;
};

}  // namespace packed_rnn
