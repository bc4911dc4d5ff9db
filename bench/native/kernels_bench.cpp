// Every kernel on its own, without the core around it: one step of one direction, for each cell, instruction set,
// hidden size and number of rows, and the linear kernel. GFLOP/s counts the products alone.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/cell.h"
#include "core/weights.h"

namespace packed_rnn {
namespace {

struct Pointers {
  std::vector<float> values;
  std::vector<float*> rows;

  Pointers(std::size_t count, std::size_t size) : values(count * size, 0.1f), rows(count) {
    for (std::size_t i = 0; i < count; ++i) rows[i] = values.data() + i * size;
  }
};

void step(benchmark::State& state, const Kernels& kernels, const CellKernels& cell, std::size_t gates,
          bool separate_hidden_bias) {
  const auto units = static_cast<std::size_t>(state.range(0)), rows = static_cast<std::size_t>(state.range(1));
  const bool recurs = &cell != &kernels.linear;
  const std::vector<float> matrix(gates * units * units, 0.01f);
  Parameters p;
  p.input_size = p.units = units;
  p.hidden_size = recurs ? units : 0;
  p.weight_ih = {matrix.data(), matrix.size()};
  if (recurs) p.weight_hh = p.weight_ih;
  const Weights weights(kernels, cell, p, separate_hidden_bias);
  Pointers input(rows, units), hidden(rows, units), cells(rows, units), output(rows, units);
  Step step;
  step.rows = rows;
  step.input = input.rows.data();
  step.hidden = hidden.rows.data();
  step.cell = cells.rows.data();
  step.output = output.rows.data();
  for (auto _ : state) {
    cell.step(weights.panels(), step, 0, weights.panel_count());
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * gates * units * (p.input_size + p.hidden_size) * rows;
  state.counters["FLOP/s"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void add(const Kernels& kernels, const char* name, const CellKernels& cell, std::size_t gates,
         bool separate_hidden_bias) {
  const auto body = [&kernels, &cell, gates, separate_hidden_bias](benchmark::State& state) {
    step(state, kernels, cell, gates, separate_hidden_bias);
  };
  benchmark::RegisterBenchmark((std::string(kernels.isa) + "/" + name).c_str(), body)
      ->ArgNames({"units", "rows"})
      ->ArgsProduct({{64, 256, 512}, {1, 2, 6, 32}})
      ->Unit(benchmark::kMicrosecond);
}

const bool registered = [] {
  const Supported supported = supported_kernels();
  for (std::size_t i = 0; i < supported.count; ++i) {
    const Kernels& kernels = *supported.tables[i];
    for (const Cell& cell : cells) {
      add(kernels, cell.name, kernels.*cell.kernels, cell.gates, cell.separate_hidden_bias);
    }
    add(kernels, "linear", kernels.linear, 1, false);
  }
  return true;
}();

}  // namespace
}  // namespace packed_rnn
