// Random modules and batches, and the mathematics in double, in plain loops.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "core/recurrent.h"

namespace packed_rnn::test {

inline std::vector<float> random_floats(std::mt19937& random, std::size_t size, float most) {
  std::uniform_real_distribution<float> uniform(-most, most);
  std::vector<float> values(size);
  for (float& value : values) value = uniform(random);
  return values;
}

inline RecurrentOptions options_of(const Cell& cell, std::size_t inputs, std::size_t units, std::size_t layers = 1,
                                   std::size_t directions = 1, std::size_t projection = 0, bool bias = true) {
  RecurrentOptions options;
  options.cell = &cell;
  options.input_size = inputs;
  options.hidden_size = units;
  options.num_layers = layers;
  options.num_directions = directions;
  options.proj_size = projection;
  options.bias = bias;
  return options;
}

struct Module {
  RecurrentOptions options;
  std::vector<std::vector<float>> parameters;

  Module(std::mt19937& random, const RecurrentOptions& o) : options(o) {
    const float most = 1 / std::sqrt(static_cast<float>(o.hidden_size));
    const std::size_t rows = o.cell->gates * o.hidden_size;
    for (std::size_t i = 0; i < o.num_layers * o.num_directions; ++i) {
      parameters.push_back(random_floats(random, rows * o.layer_input_size(i / o.num_directions), most));
      parameters.push_back(random_floats(random, rows * o.output_size(), most));
      if (o.bias) parameters.push_back(random_floats(random, rows, most));
      if (o.bias) parameters.push_back(random_floats(random, rows, most));
      if (o.proj_size) parameters.push_back(random_floats(random, o.proj_size * o.hidden_size, most));
    }
  }

  Recurrent build(const Kernels& kernels) const {
    std::vector<View<const float>> views;
    for (const std::vector<float>& p : parameters) views.emplace_back(p.data(), p.size());
    return Recurrent(kernels, options, views);
  }
};

// A packed batch with its states. Lengths descend; the last may be 0.
struct Batch {
  std::vector<std::int32_t> batch_sizes;
  std::size_t batch = 0, rows = 0;
  std::vector<float> input, hidden, cell;

  Batch(std::mt19937& random, const RecurrentOptions& o, const std::vector<int>& lengths) : batch(lengths.size()) {
    for (int t = 0; t < lengths[0]; ++t) {
      std::int32_t active = 0;
      while (static_cast<std::size_t>(active) < batch && lengths[active] > t) ++active;
      batch_sizes.push_back(active);
      rows += active;
    }
    const std::size_t states = o.num_layers * o.num_directions * batch;
    input = random_floats(random, rows * o.input_size, 2);
    hidden = random_floats(random, states * o.output_size(), 1);
    cell = random_floats(random, states * o.hidden_size, 2);
  }

  Packing packing() const {
    Packing packing;
    packing.batch_sizes = {batch_sizes.data(), batch_sizes.size()};
    packing.batch = batch;
    return packing;
  }
};

struct Result {
  std::vector<float> output, hidden, cell;

  bool operator==(const Result& other) const {
    const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
      return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    };
    return same(output, other.output) && same(hidden, other.hidden) && same(cell, other.cell);
  }
};

// With room for what a run gives, and such a run.
inline Result empty_result(const Recurrent& module, const Batch& batch) {
  const RecurrentOptions& o = module.options();
  Result result;
  result.output.resize(batch.rows * o.num_directions * o.output_size());
  result.hidden.resize(batch.hidden.size());
  result.cell.resize(batch.cell.size());
  return result;
}

inline Run run_into(Result& result, const Batch& batch) {
  Run run;
  run.layout = Layout::packed(batch.packing(), batch.rows);
  run.input = batch.input.data();
  run.initial_hidden = batch.hidden.data();
  run.initial_cell = batch.cell.data();
  run.output = result.output.data();
  run.final_hidden = result.hidden.data();
  run.final_cell = result.cell.data();
  return run;
}

inline Result forward(const Recurrent& module, const Batch& batch) {
  Result result = empty_result(module, batch);
  module.forward(run_into(result, batch));
  return result;
}

// One step of one row in double, by the equations of core/cell.h; x and h are float inputs widened.
inline void reference_step(const RecurrentOptions& o, const std::vector<float>* p, const std::vector<double>& x,
                           std::vector<double>& h, std::vector<double>& c) {
  const std::size_t units = o.hidden_size, gates = o.cell->gates;
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const auto product = [&](const std::vector<float>& w, const std::vector<float>* b, std::size_t row,
                           const std::vector<double>& v) {
    double sum = b ? (*b)[row] : 0;
    for (std::size_t k = 0; k < v.size(); ++k) sum += static_cast<double>(w[row * v.size() + k]) * v[k];
    return sum;
  };
  std::vector<double> next(units);
  for (std::size_t u = 0; u < units; ++u) {
    double from_x[4], from_h[4];
    for (std::size_t g = 0; g < gates; ++g) {
      from_x[g] = product(p[0], o.bias ? &p[2] : nullptr, g * units + u, x);
      from_h[g] = product(p[1], o.bias ? &p[3] : nullptr, g * units + u, h);
    }
    const auto sum = [&](std::size_t g) { return from_x[g] + from_h[g]; };
    if (gates == 4) {
      c[u] = sigmoid(sum(1)) * c[u] + sigmoid(sum(0)) * std::tanh(sum(2));
      next[u] = sigmoid(sum(3)) * std::tanh(c[u]);
    } else if (gates == 3) {
      const double z = sigmoid(sum(1)), n = std::tanh(from_x[2] + sigmoid(sum(0)) * from_h[2]);
      next[u] = (1 - z) * n + z * h[u];
    } else {
      next[u] = std::strcmp(o.cell->name, "rnn_tanh") == 0 ? std::tanh(sum(0)) : std::fmax(sum(0), 0.0);
    }
  }
  if (o.proj_size) {
    std::vector<double> projected(o.proj_size);
    const std::vector<float>& w = p[o.bias ? 4 : 2];
    for (std::size_t r = 0; r < o.proj_size; ++r) projected[r] = product(w, nullptr, r, next);
    next = projected;
  }
  h = next;
}

}  // namespace packed_rnn::test
