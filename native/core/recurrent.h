// Recurrent modules: layers x directions x steps of a cell, over a packed or a padded batch.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <vector>

#include "core/account.h"
#include "core/cell.h"
#include "core/layout.h"
#include "core/view.h"
#include "core/weights.h"

namespace packed_rnn {

struct RecurrentOptions {
  const Cell* cell = nullptr;
  std::size_t input_size = 0;
  std::size_t hidden_size = 0;
  std::size_t proj_size = 0;  // 0: no projection
  std::size_t num_layers = 1;
  std::size_t num_directions = 1;
  bool bias = true;

  std::size_t output_size() const { return proj_size ? proj_size : hidden_size; }
  std::size_t layer_input_size(std::size_t layer) const {
    return layer == 0 ? input_size : num_directions * output_size();
  }
};

// The caller's arrays, row-major. States are [layers * directions][batch][size] in the caller's order of sequences.
struct Run {
  Layout layout;
  const float* input = nullptr;           // [rows][input_size]
  const float* initial_hidden = nullptr;  // null: zeros; may be final_hidden
  const float* initial_cell = nullptr;    // null: zeros; may be final_cell
  float* output = nullptr;                // [rows][directions * output_size]
  float* final_hidden = nullptr;
  float* final_cell = nullptr;  // for cells that have one
};

class Pass;
class Share;
class Team;

class Recurrent {
 public:
  // `parameters` as PyTorch orders them: for each layer and direction weight_ih, weight_hh, bias_ih and bias_hh if
  // bias, weight_hr if proj_size. They are copied.
  Recurrent(const Kernels& kernels, const RecurrentOptions& options, View<const View<const float>> parameters);

  void forward(const Run& run) const;

  // About how many multiplications by AVX2 a run takes as long as, on one thread.
  double work(const Run& run) const;

  // The matrices as they were given: of each layer and direction weight_ih, weight_hh, and weight_hr if proj_size.
  void unpack(View<float* const> matrices) const;

  const RecurrentOptions& options() const { return options_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Direction {
    Weights weights;
    Weights projection;
  };
  friend class Pass;

  void run_spans(const Run& run, std::size_t shares, Team& team) const;
  void run_parted(View<Pass> passes, std::size_t steps, std::size_t first_row, Team& team) const;
  std::size_t least_parted(std::size_t threads, bool near) const;
  std::size_t shares(std::size_t sequences, std::size_t threads, bool near) const;
  std::size_t parted_steps(const Layout& layout, const Team& team) const;
  std::size_t useful_threads(const Run& run, double fmas) const;
  Account& account(const Run& run) const;
  std::vector<Pass> passes(const Run& run, View<const Share> shares, std::size_t threads, bool parted,
                           float* const (&between)[2]) const;

  const Kernels& kernels_;
  RecurrentOptions options_;
  std::vector<Direction> directions_;  // [layer * num_directions + direction]
  std::size_t bytes_ = 0;              // of their weights
  std::vector<float> zeros_;           // the hidden state before the first step, where none is given
  // The next step's way through the panels (Step::backwards). From call to call, so that a stream of single steps turns
  // round as well; it is only about speed, and calls that run at the same time may take it as they find it.
  mutable std::atomic<bool> backwards_{false};
  // For batches from 1, 2, 4 … 32 sequences on.
  mutable std::array<Account, 6> step_accounts_, sequence_accounts_;
};

}  // namespace packed_rnn
