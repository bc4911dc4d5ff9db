#include "core/recurrent.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "core/float_environment.h"
#include "core/pass.h"
#include "core/threads.h"
#include "core/workspace.h"

namespace packed_rnn {

namespace {

// How many rows a span has between layers: enough to use the weights well, few enough to stay in the cache.
constexpr std::size_t span_rows = 512;

// Work of some 10 microseconds for each thread, below which a helper comes too late; and of some 400 milliseconds, from
// where helpers are asked in any case: there may be few calls of this kind, and one without, to compare, would cost as
// much again.
constexpr double least_fmas_each = 5e5, always_shared_fmas = 2e10;

// A step of one sequence through a cell, however small, takes as long as so many multiplications: 80 to 100 ns.
constexpr double least_fmas_a_step = 4096;

// From how many sequences a thread on it has a share of its own, where threads are near each other (Team::is_near) and
// where they are far, for weights of a layer and direction of so many bytes at most. Below, reading all weights for so
// few rows costs more than meeting at every step. Weights of 64 KiB are mostly in the closest cache (LSTM of 45 units),
// 320 KiB in the closest two (100 units), 640 KiB and 1 MiB in the second level (140 and 180 units). Of larger ones, a
// half may still be, which is what a thread reads that shares every step; but only beyond 2.25 MiB (270 units) is that
// worth being held up by whichever processor is slower, unless the panels divide so unevenly that some threads rest for
// more than a twentieth of each step (17 panels on two). The first that fits counts.
struct Parting {
  std::size_t most_bytes, least_near, least_far;
  bool if_uneven = false;
};
constexpr Parting partings[] = {{64 << 10, 2, 1}, {320 << 10, 4, 1}, {640 << 10, 4, 3},
                                {1 << 20, 4, 4},  {9 << 18, 8, 8},   {4 << 20, 8, 8, true}};
constexpr std::size_t most_rest = 20;

// Threads with shares of their own go on together, when too few sequences are left, if each can have so many panels,
// and if so many steps are left that it pays to begin anew.
constexpr std::size_t least_rejoined_panels = 2, least_rejoined_steps = 32;
// Of weights of so many bytes at most, threads that have parted stay apart: a step takes no longer than to meet.
constexpr std::size_t most_parted_bytes = 320 << 10;

}  // namespace

Recurrent::Recurrent(const Kernels& kernels, const RecurrentOptions& options, View<const View<const float>> parameters)
    : kernels_(kernels), options_(options), zeros_(options.output_size()) {
  const std::size_t count = options.num_layers * options.num_directions;
  directions_.reserve(count);
  const View<const float>* next = parameters.begin();
  for (std::size_t i = 0; i < count; ++i) {
    Parameters cell;
    cell.input_size = options.layer_input_size(i / options.num_directions);
    cell.hidden_size = options.output_size();
    cell.units = options.hidden_size;
    cell.weight_ih = *next++;
    cell.weight_hh = *next++;
    if (options.bias) {
      cell.bias_ih = *next++;
      cell.bias_hh = *next++;
    }
    Direction direction;
    direction.weights = Weights(kernels, kernels.*options.cell->kernels, cell, options.cell->separate_hidden_bias);
    if (options.proj_size) {
      Parameters projection;
      projection.input_size = options.hidden_size;
      projection.units = options.proj_size;
      projection.weight_ih = *next++;
      direction.projection = Weights(kernels, kernels.linear, projection, false);
    }
    bytes_ += direction.weights.bytes() + direction.projection.bytes();
    directions_.push_back(std::move(direction));
  }
  assert(next == parameters.end());
}

void Recurrent::unpack(View<float* const> matrices) const {
  float* const* next = matrices.begin();
  for (const Direction& direction : directions_) {
    direction.weights.unpack(next[0], next[1]);
    next += 2;
    if (options_.proj_size) direction.projection.unpack(*next++, nullptr);
  }
  assert(next == matrices.end());
}

// From how many sequences on threads part; 0 if for no number.
std::size_t Recurrent::least_parted(std::size_t threads, bool near) const {
  const std::size_t panels = directions_[0].weights.panel_count(), rest = (threads - panels % threads) % threads;
  for (const auto& [most_bytes, least_near, least_far, if_uneven] : partings) {
    if (bytes() / directions_.size() > most_bytes || (if_uneven && most_rest * rest <= panels)) continue;
    return near ? least_near : least_far;
  }
  return 0;
}

// So many sequences at a step, directions and shares of them are independent, and split without any meeting. Where
// shares would not pay, all threads go through the steps together, each with its part of the panels.
std::size_t Recurrent::shares(std::size_t sequences, std::size_t threads, bool near) const {
  if (options_.num_directions >= threads) return 1;
  const std::size_t least = least_parted(threads, near), most = least == 0 ? 1 : std::min(sequences / least, threads);
  return most * options_.num_directions < threads ? 1 : most;
}

// As many threads as can each have a direction or a share of the sequences; or as many as can have a part of the
// panels, if so many more that they are done sooner, although they meet at every step. And each with so much to do that
// a helper comes in time. Shares are as if threads were near: where they are far, they part from fewer sequences on.
std::size_t Recurrent::useful_threads(const Run& run, double fmas) const {
  if (fmas < 2 * least_fmas_each) return 1;
  const auto most = static_cast<std::size_t>(fmas / least_fmas_each);
  const std::size_t threads = std::min(most, get_num_threads()), batch = run.layout.batch();
  const std::size_t least = least_parted(threads, true), shares = least == 0 ? 0 : batch / least;
  const std::size_t parted = std::min(threads, options_.num_directions * std::max<std::size_t>(shares, 1));
  const std::size_t together = std::min(threads, Pass::parts(directions_[0].weights, batch));
  const std::size_t step_fmas = Pass::fmas(directions_[0].weights, batch);
  return step_fmas / together + Pass::least_part_fmas <= step_fmas / parted ? together : parted;
}

// How long so many multiplications take depends on how many sequences share the weights, and a step of a stream has a
// helper's wake to bear alone.
Account& Recurrent::account(const Run& run) const {
  auto& accounts = run.layout.steps() > 1 ? sequence_accounts_ : step_accounts_;
  std::size_t i = 0;
  for (std::size_t batch = run.layout.batch(); batch > 1 && i + 1 < accounts.size(); batch /= 2) ++i;
  return accounts[i];
}

// One for every layer, direction and share, in this order; so many threads go through each, or through several side by
// side. Layers pass their outputs through two buffers in turn.
std::vector<Pass> Recurrent::passes(const Run& run, View<const Share> shares, std::size_t threads, bool parted,
                                    float* const (&between)[2]) const {
  std::vector<Pass> passes;
  const std::size_t layers = options_.num_layers, directions = options_.num_directions;
  passes.reserve(layers * directions * shares.size);  // a pass must stay where it is: its walk refers to it
  for (std::size_t l = 0; l < layers; ++l) {
    const Place<const float> input = {l ? between[(l - 1) % 2] : run.input, l > 0};
    const Place<float> output = {l + 1 < layers ? between[l % 2] : run.output, l + 1 < layers};
    for (std::size_t i = 0; i < directions * shares.size; ++i) {
      passes.emplace_back(*this, run, l, i % directions, shares[i / directions], threads, parted, input, output);
    }
  }
  return passes;
}

// The steps, from the first on, that threads with shares of their own go through: where they are near each other, those
// with sequences enough to part; where they are far, those with one for each, for of one long sequence among many short
// ones, one thread would have all the rest for itself. Of two directions, one begins with what is the other's rest:
// they keep their shares.
std::size_t Recurrent::parted_steps(const Layout& layout, const Team& team) const {
  std::size_t t = layout.steps();
  if (options_.num_directions > 1 || bytes() / directions_.size() <= most_parted_bytes ||
      directions_[0].weights.panel_count() < least_rejoined_panels * team.size()) {
    return t;
  }
  const std::size_t least = team.is_near() ? least_parted(team.size(), true) : 1;
  while (layout.active(t - 1) < least * team.size()) --t;
  return layout.steps() - t < least_rejoined_steps ? layout.steps() : t;
}

double Recurrent::work(const Run& run) const {
  const double cells = static_cast<double>(directions_.size());
  return kernels_.fma_cost * static_cast<double>(run.layout.rows()) *
         (static_cast<double>(bytes() / sizeof(float)) + least_fmas_a_step * cells);
}

void Recurrent::forward(const Run& run) const {
  const FloatEnvironment environment;  // helpers have their own
  const Layout& layout = run.layout;
  const double fmas = static_cast<double>(bytes() / sizeof(float)) * static_cast<double>(layout.rows());
  Team team(useful_threads(run, fmas), fmas < always_shared_fmas ? &account(run) : nullptr, fmas);
  const std::size_t shares = team.size() == 1 ? 1 : this->shares(layout.active(0), team.size(), team.is_near());
  const std::size_t parted = shares == 1 ? layout.steps() : parted_steps(layout, team);
  if (parted == layout.steps()) return run_spans(run, shares, team);
  Run first = run, rest = run;
  std::tie(first.layout, rest.layout) = layout.split(parted);
  rest.input += first.layout.rows() * options_.input_size;
  rest.output += first.layout.rows() * options_.output_size();
  rest.initial_hidden = run.final_hidden;
  rest.initial_cell = run.final_cell;
  run_spans(first, shares, team);
  run_spans(rest, 1, team);
}

// Each thread takes a pass of its own, and then what nobody has begun; who finds nothing of the kind goes on together
// with the one that has most left, whose processor may be slower.
void Recurrent::run_parted(View<Pass> passes, std::size_t steps, std::size_t first_row, Team& team) const {
  for (Pass& pass : passes) pass.prepare();
  team.run([&](std::size_t own) {
    for (std::size_t i = 0; i < passes.size; ++i) {
      passes[(own + i) % passes.size].run_parted(steps, first_row);
    }
    const auto has_less = [](const Pass& a, const Pass& b) { return a.left() < b.left(); };
    for (;;) {
      Pass& most = *std::max_element(passes.begin(), passes.end(), has_less);
      if (most.left() == 0) break;
      most.join();
    }
  });
}

// Layers follow each other span by span, so that what passes between them does not grow with time:
//
//   layer 1          span 0      span 1 …
//   layer 0    span 0      span 1
//
// But a reverse direction begins at the end: of two directions the whole time is one span.
void Recurrent::run_spans(const Run& run, std::size_t shares, Team& team) const {
  const Layout& layout = run.layout;
  const bool spans = options_.num_layers > 1 && options_.num_directions == 1;
  const std::size_t all = layout.rows() == 0 ? 0 : layout.steps(), most_active = all == 0 ? 0 : layout.active(0);
  const std::size_t span = all && spans ? std::max<std::size_t>(1, span_rows / most_active) : all;
  const std::size_t between_size =
      std::min(span * most_active, layout.rows()) * options_.num_directions * options_.output_size();
  const Workspace memory(std::min<std::size_t>(options_.num_layers - 1, 2) * between_size);
  float* const between[2] = {memory.data(), options_.num_layers > 2 ? memory.data() + between_size : nullptr};
  const std::size_t tasks = shares * options_.num_directions;
  const bool together = team.size() == 1 || tasks < team.size();
  const Share whole;
  const std::vector<Share> dealt = shares == 1 ? std::vector<Share>() : deal(layout.lengths(), shares);
  const View<const Share> parts = shares == 1 ? View<const Share>(&whole, 1) : View<const Share>(dealt);
  std::vector<Pass> passes = this->passes(run, parts, together ? team.size() : 1, !together, between);

  std::size_t t = 0, row = 0;
  do {
    const std::size_t steps = std::min(span, all - t);
    for (std::size_t i = 0; i < passes.size(); i += tasks) {
      const View<Pass> layer(&passes[i], tasks);
      if (together) {
        for (Pass& pass : layer) pass.run(steps, row, team);
      } else {
        run_parted(layer, steps, row, team);
      }
    }
    for (const std::size_t next = t + steps; t < next; ++t) row += layout.active(t);
  } while (t < all);
}

}  // namespace packed_rnn
