// The recurrent cells as data. W x + b stands for the rows of a gate in weight_ih and bias_ih, U h + b for those in
// weight_hh and bias_hh; s is the logistic function, * goes element by element. (torch.nn.LSTM, GRU, RNN)
//
//   LSTM  i = s(W x + U h + b)   f = s(…)   g = tanh(…)   o = s(…)        gates in the order i, f, g, o
//         c' = f * c + i * g     h' = o * tanh c'                         with a projection h' = W_hr (o * tanh c')
//   GRU   r = s(W x + U h + b)   z = s(…)                                 gates in the order r, z, n
//         n = tanh(W x + b_in + r * (U h + b_hn))
//         h' = (1 − z) * n + z * h
//   RNN   h' = tanh(W x + U h + b), or relu
#pragma once

#include <cstddef>

#include "kernels/kernels.h"

namespace packed_rnn {

struct Cell {
  const char* name;
  std::size_t gates;
  bool has_cell_state;
  bool separate_hidden_bias;  // b_hn cannot be added to b_in beforehand
  CellKernels Kernels::* kernels;
};

inline constexpr Cell cells[] = {
    {"lstm", 4, true, false, &Kernels::lstm},
    {"gru", 3, false, true, &Kernels::gru},
    {"rnn_tanh", 1, false, false, &Kernels::rnn_tanh},
    {"rnn_relu", 1, false, false, &Kernels::rnn_relu},
};

}  // namespace packed_rnn
