// Runs one module, for callgrind to count the instructions of (scripts/check-instructions.js). The argument names
// the shape; PACKED_RNN_ISA the instruction set. Exits with 2 if this machine does not have it.
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/recurrent.h"
#include "core/threads.h"

namespace packed_rnn {
namespace {

struct Shape {
  const char* name;
  std::size_t hidden_size;
  std::vector<std::int32_t> batch_sizes;
  int calls;
};

// One sequence, bound by memory; a packed batch whose steps take every number of rows up to eight; and single steps so
// small that they are mostly what a call costs beside the kernels.
const Shape shapes[] = {
    {"single", 128, std::vector<std::int32_t>(16, 1), 1},
    {"batch", 128, {8, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1}, 1},
    {"step", 4, {1}, 100},
};

int run(const Kernels& kernels, const Shape& shape) {
  RecurrentOptions options;
  options.cell = &cells[0];
  options.input_size = options.hidden_size = shape.hidden_size;
  const std::size_t gate_rows = options.cell->gates * shape.hidden_size;
  std::vector<float> weights(gate_rows * shape.hidden_size), biases(gate_rows, 0.1f);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
  const std::vector<View<const float>> parameters = {weights, weights, biases, biases};
  const Recurrent module(kernels, options, parameters);

  Packing packing;
  packing.batch_sizes = {shape.batch_sizes.data(), shape.batch_sizes.size()};
  packing.batch = static_cast<std::size_t>(shape.batch_sizes[0]);
  std::size_t rows = 0;
  for (const std::int32_t size : shape.batch_sizes) rows += static_cast<std::size_t>(size);
  std::vector<float> input(rows * shape.hidden_size, 0.5f), output(input.size());
  std::vector<float> hidden(packing.batch * shape.hidden_size), cell(hidden.size());
  Run run;
  run.layout = Layout::packed(packing, rows);
  run.input = input.data();
  run.output = output.data();
  run.final_hidden = hidden.data();
  run.final_cell = cell.data();
  for (int call = 0; call < shape.calls; ++call) module.forward(run);
  return 0;
}

}  // namespace
}  // namespace packed_rnn

int main(int count, char** arguments) {
  packed_rnn::set_num_threads(1);
  const packed_rnn::Kernels* kernels = packed_rnn::select_kernels(packed_rnn::forced_isa());
  if (!kernels) return 2;
  for (const packed_rnn::Shape& shape : packed_rnn::shapes) {
    if (count == 2 && std::strcmp(arguments[1], shape.name) == 0) return packed_rnn::run(*kernels, shape);
  }
  return 1;
}
