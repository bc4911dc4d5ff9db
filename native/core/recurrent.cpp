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

// A place in time, moving forwards or backwards, and the row of sequence 0 there.
class Cursor {
 public:
  Cursor(const Layout& layout, bool reverse) : layout_(layout), reverse_(reverse), left_(layout.steps()) {
    if (!reverse || left_ == 0) return;
    t_ = left_ - 1;
    row_ = layout.last_step_row();
  }

  bool done() const { return left_ == 0; }
  std::size_t active() const { return layout_.active(t_); }
  std::size_t row() const { return row_; }
  void advance() {
    if (--left_ == 0) return;
    if (reverse_) {
      row_ -= layout_.step_stride(--t_);
    } else {
      row_ += layout_.step_stride(t_++);
    }
  }

 private:
  const Layout& layout_;
  bool reverse_;
  std::size_t left_;
  std::size_t t_ = 0;
  std::size_t row_ = 0;
};

// Some sequences of a batch: first, first + every, first + 2 * every … An interleaved share of sequences sorted by
// length is a fair share of the steps, whatever the lengths.
struct Share {
  std::size_t first = 0;
  std::size_t every = 1;

  std::size_t of(std::size_t count) const { return count > first ? (count - first + every - 1) / every : 0; }
};

}  // namespace

// One direction of one layer, over a share of the sequences.
class Recurrent::Pass {
 public:
  Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, Share share,
       const float* input, float* output, Team& team);

  void run();

 private:
  // x of so many rows is multiplied at once when a step alone has too few to use the weights well.
  static constexpr std::size_t start_bytes = 256 << 10, most_chunk_rows = 48;

  void start_states();
  void finish_states();
  // The steps from the cursor on whose rows fit a chunk; gathers their inputs.
  std::size_t gather_chunk(Cursor cursor, std::size_t& steps);
  void step(const Cursor& cursor, std::size_t rows, const float* const* start);
  // body(first, last) over all panels of some weights, for so many rows, by the whole team.
  template <class Body>
  void over_panels(const Weights& weights, std::size_t rows, const Body& body);

  const float* input_row(const Cursor& cursor, std::size_t j) const {
    return input_ + row_number(cursor, j) * input_size_;
  }
  float* output_row(const Cursor& cursor, std::size_t j) const {
    return output_ + row_number(cursor, j) * output_stride_;
  }
  std::size_t row_number(const Cursor& cursor, std::size_t j) const {
    return cursor.row() + (share_.first + j * share_.every) * layout_.sequence_stride();
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
  const bool reverse_;
  const Share share_;
  Team& team_;

  const float* const input_;
  float* const output_;
  const std::size_t input_size_, output_stride_;
  const std::size_t sequences_;   // in the share
  const std::size_t chunk_rows_;  // at most

  bool backwards_ = false;  // the next step's way through the panels

  // For each sequence of the share, h(t−1), c(t−1) → c(t), h(t), and h(t) before the projection; and for each row of a
  // chunk its x and what `project` makes of it.
  std::vector<const float*> hidden_;
  std::vector<float*> cell_, output_rows_, unprojected_;
  std::vector<const float*> inputs_;
  std::vector<float*> starts_;
  Floats start_memory_, unprojected_memory_;
};

Recurrent::Pass::Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, Share share,
                      const float* input, float* output, Team& team)
    : module_(module),
      options_(module.options_),
      kernels_(module.kernels_.*module.options_.cell->kernels),
      direction_(module.directions_[layer * options_.num_directions + direction]),
      run_(run),
      layout_(run.layout),
      state_(layer * options_.num_directions + direction),
      reverse_(direction == 1),
      share_(share),
      team_(team),
      input_(input),
      output_(output + direction * options_.output_size()),
      input_size_(options_.layer_input_size(layer)),
      output_stride_(options_.num_directions * options_.output_size()),
      sequences_(share.of(run.layout.batch())),
      chunk_rows_(std::min({most_chunk_rows, layout_.rows(),
                            std::max(kernels_.tile_rows, start_bytes / (direction_.weights.start_size() * sizeof(float)))})) {
  hidden_.resize(sequences_);
  output_rows_.resize(sequences_);
  if (options_.cell->has_cell_state) cell_.resize(sequences_);
  inputs_.resize(std::max(sequences_, chunk_rows_));
  if (options_.proj_size) {
    unprojected_memory_ = Floats(sequences_ * options_.hidden_size);
    unprojected_.resize(sequences_);
    for (std::size_t j = 0; j < sequences_; ++j) unprojected_[j] = unprojected_memory_.data() + j * options_.hidden_size;
  }
}

void Recurrent::Pass::run() {
  start_states();
  Cursor cursor(layout_, reverse_);
  while (!cursor.done()) {
    std::size_t steps = 0;
    const std::size_t chunk = gather_chunk(cursor, steps);
    if (steps < 2) {
      const std::size_t rows = share_.of(cursor.active());
      for (std::size_t j = 0; j < rows; ++j) inputs_[j] = input_row(cursor, j);
      step(cursor, rows, nullptr);
      cursor.advance();
      continue;
    }
    over_panels(direction_.weights, chunk, [&](std::size_t first, std::size_t last) {
      kernels_.project(direction_.weights.panels(), chunk, inputs_.data(), starts_.data(), first, last);
    });
    for (const float* const* start = starts_.data(); steps > 0; --steps, cursor.advance()) {
      const std::size_t rows = share_.of(cursor.active());
      step(cursor, rows, start);
      start += rows;
    }
  }
  finish_states();
}

std::size_t Recurrent::Pass::gather_chunk(Cursor cursor, std::size_t& steps) {
  std::size_t rows = 0;
  for (; !cursor.done(); cursor.advance(), ++steps) {
    const std::size_t more = share_.of(cursor.active());
    if (more >= kernels_.tile_rows || rows + more > chunk_rows_) break;
    for (std::size_t j = 0; j < more; ++j) inputs_[rows + j] = input_row(cursor, j);
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

void Recurrent::Pass::step(const Cursor& cursor, std::size_t rows, const float* const* start) {
  if (rows == 0) return;
  for (std::size_t j = 0; j < rows; ++j) output_rows_[j] = output_row(cursor, j);
  Step step;
  step.rows = rows;
  step.input = inputs_.data();
  step.start = start;
  step.hidden = hidden_.data();
  step.cell = cell_.data();
  step.backwards = backwards_;
  backwards_ = !backwards_;
  step.output = options_.proj_size ? unprojected_.data() : output_rows_.data();
  over_panels(direction_.weights, rows, [&](std::size_t first, std::size_t last) {
    kernels_.step(direction_.weights.panels(), step, first, last);
  });
  if (options_.proj_size) {
    Step projection;
    projection.rows = rows;
    projection.input = unprojected_.data();
    projection.hidden = unprojected_.data();
    projection.output = output_rows_.data();
    over_panels(direction_.projection, rows, [&](std::size_t first, std::size_t last) {
      module_.kernels_.linear.step(direction_.projection.panels(), projection, first, last);
    });
  }
  for (std::size_t j = 0; j < rows; ++j) hidden_[j] = output_rows_[j];
}

template <class Body>
void Recurrent::Pass::over_panels(const Weights& weights, std::size_t rows, const Body& body) {
  const std::size_t panels = weights.panel_count(), threads = team_.size();
  if (threads == 1) return body(0, panels);
  // Small parts even out threads of unequal speed; but taking one costs as much as a few thousand fmas.
  const std::size_t fmas = weights.bytes() / sizeof(float) * rows, grain = std::size_t(1) << 17;
  const std::size_t parts = std::min(panels, std::clamp(fmas / grain, threads, 4 * threads));
  team_.run(parts, [&](std::size_t i) { body(panels * i / parts, panels * (i + 1) / parts); });
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

std::size_t Recurrent::bytes() const {
  std::size_t bytes = 0;
  for (const Direction& direction : directions_) bytes += direction.weights.bytes() + direction.projection.bytes();
  return bytes;
}

void Recurrent::forward(const Run& run) const {
  Team team(useful_threads(run));
  const std::size_t width = options_.num_directions * options_.output_size();
  // Between layers the outputs pass through two buffers in turn; the last layer writes to the caller's.
  Floats between[2];
  const std::size_t buffers = std::min<std::size_t>(options_.num_layers - 1, 2);
  for (std::size_t i = 0; i < buffers; ++i) between[i] = Floats(run.layout.rows() * width);
  const float* input = run.input;
  for (std::size_t l = 0; l < options_.num_layers; ++l) {
    float* const output = l + 1 == options_.num_layers ? run.output : between[l % 2].data();
    layer(run, l, input, output, team);
    input = output;
  }
}

// Below about 20 microseconds of work a helper comes too late.
std::size_t Recurrent::useful_threads(const Run& run) const {
  const double fmas = static_cast<double>(bytes() / sizeof(float)) * static_cast<double>(run.layout.rows());
  return fmas < 1e6 ? 1 : get_num_threads();
}

// Directions and shares of the sequences are independent, and split without any meeting as long as every share has rows
// enough for a tile. Else all threads go through the steps together, each with its part of the panels.
void Recurrent::layer(const Run& run, std::size_t layer, const float* input, float* output, Team& team) const {
  const std::size_t tile_rows = (kernels_.*options_.cell->kernels).tile_rows;
  const std::size_t shares = std::max<std::size_t>(1, std::min(run.layout.batch() / tile_rows, team.size()));
  const std::size_t tasks = shares * options_.num_directions;
  if (tasks < team.size()) {
    for (std::size_t d = 0; d < options_.num_directions; ++d) {
      Pass(*this, run, layer, d, Share(), input, output, team).run();
    }
    return;
  }
  team.run(tasks, [&](std::size_t i) {
    Team alone(1);
    const Share share = {i / options_.num_directions, shares};
    Pass(*this, run, layer, i % options_.num_directions, share, input, output, alone).run();
  });
}

}  // namespace packed_rnn
