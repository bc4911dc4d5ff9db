#include "core/recurrent.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/threads.h"

namespace packed_rnn {

Layout Layout::packed(const Packing& packing, std::size_t rows) {
  Layout layout;
  layout.packing_ = packing;
  layout.steps_ = packing.steps();
  layout.rows_ = rows;
  return layout;
}

Layout Layout::padded(std::size_t batch, std::size_t steps, bool batch_first) {
  Layout layout;
  layout.packing_.batch = batch;
  layout.steps_ = steps;
  layout.rows_ = batch * steps;
  layout.step_stride_ = batch_first ? 1 : batch;
  layout.sequence_stride_ = batch_first ? steps : 1;
  return layout;
}

namespace {

// A place in time, moving forwards or backwards, and the row of sequence 0 there: in the caller's arrays, and in an
// array where steps follow each other without gaps.
class Cursor {
 public:
  Cursor(const Layout& layout, bool reverse) : layout_(layout), reverse_(reverse) {
    if (!reverse || layout.steps() == 0) return;
    t_ = layout.steps() - 1;
    row_ = layout.last_step_row();
    time_row_ = layout.rows() - layout.active(t_);
  }

  std::size_t active() const { return layout_.active(t_); }
  std::size_t row() const { return row_; }
  std::size_t time_row() const { return time_row_; }
  // Past the last step there is nothing to be asked any more.
  void advance() {
    if (reverse_) {
      if (t_-- == 0) return;
      row_ -= layout_.step_stride(t_);
      time_row_ -= active();
    } else {
      row_ += layout_.step_stride(t_);
      time_row_ += active();
      ++t_;
    }
  }

 private:
  const Layout& layout_;
  const bool reverse_;
  std::size_t t_ = 0, row_ = 0, time_row_ = 0;
};

// Some sequences of a batch: first, first + every, first + 2 * every … An interleaved share of sequences sorted by
// length is a fair share of the steps, whatever the lengths.
struct Share {
  std::size_t first = 0;
  std::size_t every = 1;

  std::size_t of(std::size_t count) const { return count > first ? (count - first + every - 1) / every : 0; }
};

// How many rows a span has between layers: enough to use the weights well, few enough to stay in the cache.
constexpr std::size_t span_rows = 512;

// Work of some 20 microseconds, below which a helper comes too late, and of some 400.
constexpr double least_shared_fmas = 1e6, brief_fmas = 2e7;

// Where a layer finds its input or leaves its output: the caller's array, or one between layers, which holds the steps
// of one span and begins with its first.
template <class Float>
struct Place {
  Float* data;
  bool between;
};

}  // namespace

// One direction of one layer, over a share of the sequences, span by span.
class Recurrent::Pass {
 public:
  Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, Share share,
       Place<const float> input, Place<float> output);

  // The next so many steps; first_row is that of the first of them in time. Between spans the hidden state is in the
  // caller's final_hidden.
  void run(std::size_t steps, std::size_t first_row, Team& team);

 private:
  // x of so many rows is multiplied at once when a step alone has too few to use the weights well.
  static constexpr std::size_t start_bytes = 256 << 10, most_chunk_rows = 60;

  void start_states();
  void finish_states();
  // Gathers the inputs of the steps from the cursor on, `most` at most, whose rows fit a chunk.
  std::size_t gather_chunk(std::size_t most, std::size_t& steps);
  void step(std::size_t rows, const float* const* start);
  // body(first, last) over all panels of some weights, for so many rows, by the whole team.
  template <class Body>
  void over_panels(const Weights& weights, std::size_t rows, const Body& body);

  template <class Float>
  Float* row(const Place<Float>& place, const Cursor& cursor, std::size_t j, std::size_t stride) const {
    const std::size_t i = share_.first + j * share_.every;
    const std::size_t row =
        place.between ? cursor.time_row() - span_row_ + i : cursor.row() + i * layout_.sequence_stride();
    return place.data + row * stride;
  }
  std::size_t state_row(std::size_t j) const {
    return state_ * layout_.batch() + layout_.sequence(share_.first + j * share_.every);
  }

  const Recurrent& module_;
  const RecurrentOptions& options_;
  const CellKernels& kernels_;
  const Direction& direction_;
  const Run& run_;
  const Layout& layout_;
  const std::size_t state_;  // layer * directions + direction
  const Share share_;
  const Place<const float> input_;
  const Place<float> output_;
  const std::size_t input_size_, output_stride_;
  const std::size_t sequences_;   // in the share
  const std::size_t chunk_rows_;  // at most

  Cursor cursor_;
  std::size_t span_row_ = 0;
  bool backwards_;
  Team* team_ = nullptr;

  // For each sequence of the share, h(t−1), c(t−1) → c(t), h(t), and h(t) before the projection; and for each row of a
  // chunk its x and what `project` makes of it. The first five lie in two blocks: a single step should cost no more
  // allocations than it must.
  std::vector<const float*> read_;
  std::vector<float*> written_;
  const float **hidden_, **inputs_;
  float **output_rows_, **cell_, **unprojected_;
  std::vector<float*> starts_;
  Floats start_memory_, unprojected_memory_;
};

Recurrent::Pass::Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, Share share,
                      Place<const float> input, Place<float> output)
    : module_(module),
      options_(module.options_),
      kernels_(module.kernels_.*module.options_.cell->kernels),
      direction_(module.directions_[layer * options_.num_directions + direction]),
      run_(run),
      layout_(run.layout),
      state_(layer * options_.num_directions + direction),
      share_(share),
      input_(input),
      output_({output.data + direction * options_.output_size(), output.between}),
      input_size_(options_.layer_input_size(layer)),
      output_stride_(options_.num_directions * options_.output_size()),
      sequences_(share.of(run.layout.batch())),
      chunk_rows_(
          std::min({most_chunk_rows, layout_.rows(),
                    std::max(kernels_.tile_rows, start_bytes / (direction_.weights.start_size() * sizeof(float)))})),
      cursor_(layout_, direction == 1),
      backwards_(module.backwards_.load(std::memory_order_relaxed)) {
  read_.resize(sequences_ + std::max(sequences_, chunk_rows_));
  hidden_ = read_.data();
  inputs_ = hidden_ + sequences_;
  written_.resize(3 * sequences_);
  output_rows_ = written_.data();
  cell_ = output_rows_ + sequences_;
  unprojected_ = cell_ + sequences_;
  if (options_.proj_size) {
    unprojected_memory_ = Floats(sequences_ * options_.hidden_size);
    for (std::size_t j = 0; j < sequences_; ++j) {
      unprojected_[j] = unprojected_memory_.data() + j * options_.hidden_size;
    }
  }
  start_states();
}

void Recurrent::Pass::run(std::size_t left, std::size_t first_row, Team& team) {
  team_ = &team;
  span_row_ = first_row;
  while (left > 0) {
    std::size_t steps = 0;
    const std::size_t chunk = gather_chunk(left, steps);
    if (steps < 2) {
      const std::size_t rows = share_.of(cursor_.active());
      for (std::size_t j = 0; j < rows; ++j) inputs_[j] = row(input_, cursor_, j, input_size_);
      step(rows, nullptr);
      --left;
      continue;
    }
    over_panels(direction_.weights, chunk, [&](std::size_t first, std::size_t last) {
      kernels_.project(direction_.weights.panels(), chunk, inputs_, starts_.data(), first, last);
    });
    left -= steps;
    for (const float* const* start = starts_.data(); steps > 0; --steps) {
      const std::size_t rows = share_.of(cursor_.active());
      step(rows, start);
      start += rows;
    }
  }
  module_.backwards_.store(backwards_, std::memory_order_relaxed);
  finish_states();
}

std::size_t Recurrent::Pass::gather_chunk(std::size_t most, std::size_t& steps) {
  std::size_t rows = 0;
  for (Cursor cursor = cursor_; steps < most; cursor.advance(), ++steps) {
    const std::size_t more = share_.of(cursor.active());
    if (more >= kernels_.tile_rows || rows + more > chunk_rows_) break;
    for (std::size_t j = 0; j < more; ++j) inputs_[rows + j] = row(input_, cursor, j, input_size_);
    rows += more;
  }
  if (steps > 1 && starts_.empty()) {
    const std::size_t size = direction_.weights.start_size();
    start_memory_ = Floats(chunk_rows_ * size);
    starts_.resize(chunk_rows_);
    for (std::size_t r = 0; r < chunk_rows_; ++r) starts_[r] = start_memory_.data() + r * size;
  }
  return rows;
}

// The step at the cursor, which moves on.
void Recurrent::Pass::step(std::size_t rows, const float* const* start) {
  for (std::size_t j = 0; j < rows; ++j) output_rows_[j] = row(output_, cursor_, j, output_stride_);
  cursor_.advance();
  if (rows == 0) return;
  Step step;
  step.rows = rows;
  step.input = inputs_;
  step.start = start;
  step.hidden = hidden_;
  step.cell = cell_;
  step.output = options_.proj_size ? unprojected_ : output_rows_;
  step.backwards = backwards_;
  backwards_ = !backwards_;
  over_panels(direction_.weights, rows, [&](std::size_t first, std::size_t last) {
    kernels_.step(direction_.weights.panels(), step, first, last);
  });
  if (options_.proj_size) {
    Step projection;
    projection.rows = rows;
    projection.input = unprojected_;
    projection.hidden = unprojected_;
    projection.output = output_rows_;
    over_panels(direction_.projection, rows, [&](std::size_t first, std::size_t last) {
      module_.kernels_.linear.step(direction_.projection.panels(), projection, first, last);
    });
  }
  for (std::size_t j = 0; j < rows; ++j) hidden_[j] = output_rows_[j];
}

template <class Body>
void Recurrent::Pass::over_panels(const Weights& weights, std::size_t rows, const Body& body) {
  const std::size_t panels = weights.panel_count(), threads = team_->size();
  if (threads == 1) return body(0, panels);
  // Small parts even out threads of unequal speed; but taking one costs as much as a few thousand fmas.
  const std::size_t fmas = weights.bytes() / sizeof(float) * rows, grain = std::size_t(1) << 17;
  const std::size_t parts = std::min(panels, std::clamp(fmas / grain, threads, 4 * threads));
  team_->run(parts, [&](std::size_t i) { body(panels * i / parts, panels * (i + 1) / parts); });
}

void Recurrent::Pass::start_states() {
  const std::size_t size = options_.output_size(), units = options_.hidden_size;
  for (std::size_t j = 0; j < sequences_; ++j) {
    const std::size_t row = state_row(j);
    hidden_[j] = run_.initial_hidden ? run_.initial_hidden + row * size : module_.zeros_.data();
    if (!options_.cell->has_cell_state) continue;
    cell_[j] = run_.final_cell + row * units;
    if (!run_.initial_cell) {
      std::fill_n(cell_[j], units, 0.0f);
    } else if (run_.initial_cell != run_.final_cell) {
      std::memcpy(cell_[j], run_.initial_cell + row * units, units * sizeof(float));
    }
  }
}

void Recurrent::Pass::finish_states() {
  const std::size_t size = options_.output_size();
  for (std::size_t j = 0; j < sequences_; ++j) {
    float* const last = run_.final_hidden + state_row(j) * size;
    if (hidden_[j] != last) std::memcpy(last, hidden_[j], size * sizeof(float));
    hidden_[j] = last;
  }
}

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
    direction.weights =
        Weights(kernels.*options.cell->kernels, kernels.lanes, cell, options.cell->separate_hidden_bias);
    if (options.proj_size) {
      Parameters projection;
      projection.input_size = options.hidden_size;
      projection.units = options.proj_size;
      projection.weight_ih = *next++;
      direction.projection = Weights(kernels.linear, kernels.lanes, projection, false);
    }
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

std::size_t Recurrent::bytes() const {
  std::size_t bytes = 0;
  for (const Direction& direction : directions_) bytes += direction.weights.bytes() + direction.projection.bytes();
  return bytes;
}

// Directions and shares of the sequences are independent, and split without any meeting as long as every share has rows
// enough for a tile. Else all threads go through the steps together, each with its part of the panels.
std::size_t Recurrent::shares(const Run& run, const Team& team) const {
  const std::size_t tile_rows = (kernels_.*options_.cell->kernels).tile_rows;
  const std::size_t most = std::max<std::size_t>(1, std::min(run.layout.batch() / tile_rows, team.size()));
  return most * options_.num_directions < team.size() ? 1 : most;
}

// One for every layer, direction and share, in this order. Layers pass their outputs through two buffers in turn.
std::vector<Recurrent::Pass> Recurrent::passes(const Run& run, std::size_t shares, const Floats (&between)[2]) const {
  std::vector<Pass> passes;
  const std::size_t layers = options_.num_layers, directions = options_.num_directions;
  passes.reserve(layers * directions * shares);
  for (std::size_t l = 0; l < layers; ++l) {
    const Place<const float> input = {l ? between[(l - 1) % 2].data() : run.input, l > 0};
    const Place<float> output = {l + 1 < layers ? between[l % 2].data() : run.output, l + 1 < layers};
    for (std::size_t i = 0; i < directions * shares; ++i) {
      passes.emplace_back(*this, run, l, i % directions, Share{i / directions, shares}, input, output);
    }
  }
  return passes;
}

// Layers follow each other span by span, so that what passes between them does not grow with time:
//
//   layer 1          span 0      span 1 …
//   layer 0    span 0      span 1
//
// But a reverse direction begins at the end: of two directions the whole time is one span.
void Recurrent::forward(const Run& run) const {
  const Layout& layout = run.layout;
  const double fmas = static_cast<double>(bytes() / sizeof(float)) * static_cast<double>(layout.rows());
  Team team(fmas < least_shared_fmas ? 1 : get_num_threads(), fmas < brief_fmas);
  const bool spans = options_.num_layers > 1 && options_.num_directions == 1;
  const std::size_t all = layout.rows() == 0 ? 0 : layout.steps();
  const std::size_t span = all && spans ? std::max<std::size_t>(1, span_rows / layout.batch()) : all;
  const std::size_t between_size =
      std::min(span * layout.batch(), layout.rows()) * options_.num_directions * options_.output_size();
  Floats between[2];
  for (std::size_t i = 0; i < std::min<std::size_t>(options_.num_layers - 1, 2); ++i) between[i] = Floats(between_size);
  const std::size_t tasks = shares(run, team) * options_.num_directions;
  std::vector<Pass> passes = this->passes(run, tasks / options_.num_directions, between);

  std::size_t t = 0, row = 0;
  do {
    const std::size_t steps = std::min(span, all - t);
    for (auto pass = passes.begin(); pass != passes.end(); pass += static_cast<std::ptrdiff_t>(tasks)) {
      if (tasks < team.size()) {
        for (std::size_t i = 0; i < tasks; ++i) pass[static_cast<std::ptrdiff_t>(i)].run(steps, row, team);
      } else {
        team.run(tasks, [&](std::size_t i) {
          Team alone(1);
          pass[static_cast<std::ptrdiff_t>(i)].run(steps, row, alone);
        });
      }
    }
    for (const std::size_t next = t + steps; t < next; ++t) row += layout.active(t);
  } while (t < all);
}

}  // namespace packed_rnn
