#include "core/recurrent.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/rounds.h"
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

// Work of some 20 microseconds, below which a helper comes too late; and of some 8 milliseconds, from where helpers are
// asked in any case: what a wait for one can cost is no more than that, and to try without would cost as much.
constexpr double least_shared_fmas = 1e6, always_shared_fmas = 4e8;

// Of a step, shared among threads, each has at least half of this: less is done sooner than it is shared.
constexpr std::size_t part_fmas = 1 << 15;

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

  // The next so many steps, by the whole team; first_row is that of the first of them in time. Between spans the hidden
  // state is in the caller's final_hidden.
  void run(std::size_t steps, std::size_t first_row, Team& team);

 private:
  // x of so many rows is multiplied at once when a step alone has too few to use the weights well.
  static constexpr std::size_t start_bytes = 256 << 10, most_chunk_rows = 60;

  // Steps of one row wait for weights, and so carry on the projection of the next chunk meanwhile, if the weights are
  // no smaller or larger than this: of smaller ones half are still in the closest cache from the step before, and
  // larger ones lose more by weight_ih being read for each chunk.
  static constexpr std::size_t least_carried_bytes = 256 << 10, most_carried_bytes = 16 << 20;

  // Steps whose x is projected at once.
  struct Chunk {
    std::size_t steps = 0;
    bool carries = false;  // every step has one row, and can carry on a projection
    bool carried = false;  // the steps of the chunk before have carried on its projection
    Projection x;
  };
  struct Present {
    Step step;
    const Chunk* begins = nullptr;  // the chunk that it is the first of, if that carries
  };
  // The way of one thread through the steps. Of several threads each knows its way by itself, so that nothing passes
  // between them but the states, and that they have been computed.
  class Walk {
   public:
    explicit Walk(const Pass& pass);

    // `member` is null for a thread on its own.
    void run(std::size_t steps, Rounds::Member* member);
    void set_span(std::size_t first_row) { span_row_ = first_row; }

    // h(t−1) for each sequence of the share.
    const float** hidden() { return read_.data(); }

   private:
    // x for each row of a chunk. Chunks that can carry on the next one's projection have two places in turn.
    const float** inputs() { return read_.data() + pass_.sequences_; }
    // The steps from a place in time on, `most` at most, whose rows fit a chunk.
    Chunk gather_chunk(Cursor cursor, std::size_t most, std::size_t place);
    // The chunk so many steps ahead, if steps of one row can carry on its projection.
    Chunk gather_carried(std::size_t ahead, std::size_t most, std::size_t place);
    // The step at the cursor, which moves on, and its rows. It may be the first of a chunk that carries, and may carry
    // on a projection.
    std::size_t step(const float* const* start, const Chunk* begins, const Projection* beside);
    void compute(const Present& present, std::size_t part, std::size_t parts) const;
    void compute_others(Present present, std::size_t part, std::size_t parts) const;
    // The present step, as one of a team. Parts of other members are left open: the next step begins with the states
    // that are there.
    void compute_together();
    // What is open of a step, of parts [first, last).
    void close(const Present& present, std::size_t first, std::size_t last) const;
    void close();
    std::size_t parts(const Weights& weights, std::size_t rows) const;
    // body(part, first, last) over all panels of some weights, for so many rows.
    template <class Body>
    void over_panels(const Weights& weights, std::size_t rows, const Body& body);

    template <class Float>
    Float* row(const Place<Float>& place, const Cursor& cursor, std::size_t j, std::size_t stride) const {
      const std::size_t i = pass_.share_.first + j * pass_.share_.every;
      const std::size_t row =
          place.between ? cursor.time_row() - span_row_ + i : cursor.row() + i * pass_.layout_.sequence_stride();
      return place.data + row * stride;
    }

    const Pass& pass_;
    Cursor cursor_;
    std::size_t span_row_ = 0;
    bool backwards_;
    Rounds::Member* member_ = nullptr;
    std::vector<const float*> read_;  // hidden(), inputs(), and of the steps below x(t) and h(t−1)
    std::vector<float*> outputs_;     // of the steps below
    Chunk chunks_[2];                 // in their places
    // The present step and the one before, in turn.
    Present steps_[2];
    std::size_t now_ = 0;
    // Of the last step, whether other members' parts are open, and how many parts it has.
    bool open_ = false;
    std::size_t open_parts_ = 0;
  };

  void start_states();
  void finish_states();
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
  const std::size_t sequences_;    // in the share
  const std::size_t chunk_rows_;   // at most; 0 if no step has few enough rows
  const std::size_t single_rows_;  // of them in a chunk that carries; 0 if none does
  const std::size_t start_rows_;   // of all chunks that are there at a time

  // For each sequence of the share c(t−1) → c(t), and h(t) before the projection; and for each row of a chunk what
  // `project` makes of its x.
  std::vector<float*> written_;
  float **cell_, **unprojected_, **starts_;
  Floats start_memory_, unprojected_memory_;
  mutable std::vector<Progress> progress_;  // with the next chunk's projection, of each part of the panels
  Walk walk_;
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
      chunk_rows_(layout_.steps() < 2 || share.of(layout_.active(layout_.steps() - 1)) >= kernels_.tile_rows
                      ? 0
                      : std::min({most_chunk_rows, layout_.rows(),
                                  std::max(kernels_.tile_rows,
                                           start_bytes / (direction_.weights.start_size() * sizeof(float)))})),
      single_rows_(chunk_rows_ > 0 && direction_.weights.bytes() >= least_carried_bytes &&
                           direction_.weights.bytes() <= most_carried_bytes
                       ? kernels_.beside_rows
                       : 0),
      start_rows_(std::max(chunk_rows_, 2 * single_rows_)),
      written_(2 * sequences_ + start_rows_),
      cell_(written_.data()),
      unprojected_(cell_ + sequences_),
      starts_(unprojected_ + sequences_),
      start_memory_(start_rows_ * direction_.weights.start_size()),
      unprojected_memory_(options_.proj_size ? sequences_ * options_.hidden_size : 0),
      walk_(*this) {
  for (std::size_t r = 0; r < start_rows_; ++r) starts_[r] = start_memory_.data() + r * direction_.weights.start_size();
  if (options_.proj_size) {
    for (std::size_t j = 0; j < sequences_; ++j) {
      unprojected_[j] = unprojected_memory_.data() + j * options_.hidden_size;
    }
  }
  start_states();
}

void Recurrent::Pass::run(std::size_t steps, std::size_t first_row, Team& team) {
  walk_.set_span(first_row);
  if (single_rows_ > 0) progress_.resize(team.size());
  if (team.size() == 1) {
    walk_.run(steps, nullptr);
  } else {
    Rounds rounds(team.size());
    std::vector<Rounds::Member> members;
    members.reserve(team.size());
    for (std::size_t i = 0; i < team.size(); ++i) members.emplace_back(rounds, i);
    std::vector<Walk> others(team.size() - 1, walk_);
    team.run_together([&](std::size_t i) { (i == 0 ? walk_ : others[i - 1]).run(steps, &members[i]); });
  }
  finish_states();
}

Recurrent::Pass::Walk::Walk(const Pass& pass)
    : pass_(pass),
      cursor_(pass.layout_, pass.state_ % pass.options_.num_directions == 1),
      backwards_(pass.module_.backwards_.load(std::memory_order_relaxed)),
      read_(5 * pass.sequences_ + pass.start_rows_),
      outputs_(2 * pass.sequences_) {}

void Recurrent::Pass::Walk::run(std::size_t left, Rounds::Member* member) {
  member_ = member;
  const Weights& weights = pass_.direction_.weights;
  chunks_[0] = Chunk();
  for (std::size_t place = 0; left > 0; place = 1 - place) {
    Chunk &chunk = chunks_[place], &next = chunks_[1 - place];
    if (!chunk.carried) chunk = gather_chunk(cursor_, left, place);
    next = Chunk();
    if (chunk.steps < 2 && !chunk.carried) {
      step(nullptr, nullptr, nullptr);
      --left;
      continue;
    }
    left -= chunk.steps;
    if (chunk.carries) {
      if (left > 0) next = gather_carried(chunk.steps, left, 1 - place);
    } else {
      over_panels(weights, chunk.x.rows, [&](std::size_t, std::size_t first, std::size_t last) {
        pass_.kernels_.project(weights.panels(), chunk.x, first, last);
      });
    }
    const float* const* start = chunk.x.start;
    for (std::size_t t = 0; t < chunk.steps; ++t) {
      start += step(start, chunk.carries && t == 0 ? &chunk : nullptr, next.carried ? &next.x : nullptr);
    }
    if (chunk.steps == 1) close();  // its first step must not be open any more when its place is taken again
  }
  close();
  pass_.module_.backwards_.store(backwards_, std::memory_order_relaxed);
}

Recurrent::Pass::Chunk Recurrent::Pass::Walk::gather_chunk(Cursor cursor, std::size_t most, std::size_t place) {
  Chunk chunk;
  const auto can_carry = [this](std::size_t rows) { return rows == 1 && pass_.single_rows_ > 0; };
  chunk.carries = can_carry(pass_.share_.of(cursor.active()));
  const std::size_t room = chunk.carries ? pass_.single_rows_ : pass_.chunk_rows_;
  const std::size_t first = chunk.carries ? place * pass_.single_rows_ : 0;
  chunk.x.input = inputs() + first;
  chunk.x.start = pass_.starts_ + first;
  for (; chunk.steps < most; cursor.advance(), ++chunk.steps) {
    const std::size_t more = pass_.share_.of(cursor.active());
    if (more >= pass_.kernels_.tile_rows || chunk.x.rows + more > room || can_carry(more) != chunk.carries) break;
    for (std::size_t j = 0; j < more; ++j) {
      inputs()[first + chunk.x.rows + j] = row(pass_.input_, cursor, j, pass_.input_size_);
    }
    chunk.x.rows += more;
  }
  return chunk;
}

Recurrent::Pass::Chunk Recurrent::Pass::Walk::gather_carried(std::size_t ahead, std::size_t most, std::size_t place) {
  Cursor cursor = cursor_;
  for (; ahead > 0; --ahead) cursor.advance();
  if (pass_.share_.of(cursor.active()) != 1) return Chunk();
  Chunk chunk = gather_chunk(cursor, most, place);
  chunk.carried = true;
  return chunk;
}

std::size_t Recurrent::Pass::Walk::step(const float* const* start, const Chunk* begins, const Projection* beside) {
  const std::size_t rows = pass_.share_.of(cursor_.active());
  if (rows == 0) {
    cursor_.advance();
    return 0;
  }
  if (open_ && steps_[now_].step.rows != rows) close();
  now_ = 1 - now_;
  const float** const x = inputs() + pass_.start_rows_ + now_ * 2 * pass_.sequences_;
  const float** const h = x + pass_.sequences_;
  float** const outputs = outputs_.data() + now_ * pass_.sequences_;
  for (std::size_t j = 0; j < rows; ++j) {
    if (!start) x[j] = row(pass_.input_, cursor_, j, pass_.input_size_);
    h[j] = hidden()[j];
    hidden()[j] = outputs[j] = row(pass_.output_, cursor_, j, pass_.output_stride_);
  }
  cursor_.advance();
  steps_[now_].begins = begins;
  Step& step = steps_[now_].step;
  step.rows = rows;
  step.input = x;
  step.start = start;
  step.hidden = h;
  step.cell = pass_.cell_;
  step.output = pass_.options_.proj_size ? pass_.unprojected_ : outputs;
  step.backwards = backwards_;
  step.beside = beside;
  step.await = nullptr;
  backwards_ = !backwards_;
  if (member_) {
    compute_together();
  } else {
    step.progress = pass_.progress_.data();
    compute(steps_[now_], 0, 1);
  }
  if (!pass_.options_.proj_size) return rows;
  Step projection;
  projection.rows = rows;
  projection.input = pass_.unprojected_;
  projection.hidden = pass_.unprojected_;
  projection.output = outputs;
  over_panels(pass_.direction_.projection, rows, [&](std::size_t, std::size_t first, std::size_t last) {
    pass_.module_.kernels_.linear.step(pass_.direction_.projection.panels(), projection, first, last);
  });
  return rows;
}

void Recurrent::Pass::Walk::compute(const Present& present, std::size_t part, std::size_t parts) const {
  const Panels panels = pass_.direction_.weights.panels();
  const std::size_t count = pass_.direction_.weights.panel_count();
  const std::size_t first = count * part / parts, last = count * (part + 1) / parts;
  if (const Chunk* const chunk = present.begins) {
    const std::size_t streams = pass_.kernels_.streams;
    Progress& progress = pass_.progress_[part];
    const std::size_t rest = chunk->carried ? progress.stream / streams : first;
    if (rest < last) pass_.kernels_.project(panels, chunk->x, rest, last);
    progress = Progress{first * streams};
  }
  pass_.kernels_.step(panels, present.step, first, last);
}

void Recurrent::Pass::Walk::compute_others(Present present, std::size_t part, std::size_t parts) const {
  if (present.step.beside) present.step.progress = &pass_.progress_[part];
  present.step.await = nullptr;
  compute(present, part, parts);
}

void Recurrent::Pass::Walk::compute_together() {
  Present &present = steps_[now_], &before = steps_[1 - now_];
  Step& step = present.step;
  const std::size_t own = member_->index(), parts = this->parts(pass_.direction_.weights, step.rows);
  const bool open = open_;
  assert(!open || parts == open_parts_);
  open_parts_ = parts;
  if (step.beside) step.progress = &pass_.progress_[own];
  if (open && own + 1 < parts) {
    step.ready = pass_.direction_.weights.panel_count() * (own + 1) / parts * pass_.kernels_.panel_units;
    step.awaited = this;
    step.await = [](const void* awaited) {
      const Walk& walk = *static_cast<const Walk*>(awaited);
      walk.close(walk.steps_[1 - walk.now_], walk.member_->index() + 1, walk.open_parts_);
    };
  }
  const auto body = [&](std::size_t part) {
    // Of the step before this member has computed its own part itself.
    if (open) close(before, 0, part == own ? part : parts);
    part == own ? compute(present, part, parts) : compute_others(present, part, parts);
  };
  // A projection needs all of the state.
  if (pass_.options_.proj_size) {
    member_->run(parts, body);
  } else {
    open_ = member_->run_open(parts, body);
  }
}

void Recurrent::Pass::Walk::close(const Present& present, std::size_t first, std::size_t last) const {
  member_->close(first, last, [&](std::size_t part) { compute_others(present, part, open_parts_); });
}

void Recurrent::Pass::Walk::close() {
  if (open_) close(steps_[now_], 0, open_parts_);
  open_ = false;
}

std::size_t Recurrent::Pass::Walk::parts(const Weights& weights, std::size_t rows) const {
  const std::size_t fmas = weights.bytes() / sizeof(float) * rows;
  return std::min({weights.panel_count(), 1 + fmas / part_fmas, member_->count()});
}

template <class Body>
void Recurrent::Pass::Walk::over_panels(const Weights& weights, std::size_t rows, const Body& body) {
  close();
  const std::size_t panels = weights.panel_count();
  if (!member_) return body(0, 0, panels);
  const std::size_t parts = this->parts(weights, rows);
  member_->run(parts, [&](std::size_t i) { body(i, panels * i / parts, panels * (i + 1) / parts); });
}

void Recurrent::Pass::start_states() {
  const std::size_t size = options_.output_size(), units = options_.hidden_size;
  for (std::size_t j = 0; j < sequences_; ++j) {
    const std::size_t row = state_row(j);
    walk_.hidden()[j] = run_.initial_hidden ? run_.initial_hidden + row * size : module_.zeros_.data();
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
    const float*& hidden = walk_.hidden()[j];
    float* const last = run_.final_hidden + state_row(j) * size;
    if (hidden != last) std::memcpy(last, hidden, size * sizeof(float));
    hidden = last;
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
std::size_t Recurrent::shares(const Run& run, std::size_t threads) const {
  const std::size_t tile_rows = (kernels_.*options_.cell->kernels).tile_rows;
  const std::size_t most = std::max<std::size_t>(1, std::min(run.layout.batch() / tile_rows, threads));
  return most * options_.num_directions < threads ? 1 : most;
}

// All threads, if there is so much to do that a helper comes in time, and some of it can be shared.
std::size_t Recurrent::useful_threads(const Run& run, double fmas) const {
  if (fmas < least_shared_fmas) return 1;
  const std::size_t threads = get_num_threads();
  const std::size_t step_fmas = bytes() / sizeof(float) / directions_.size() * run.layout.batch();
  const bool shared = shares(run, threads) * options_.num_directions > 1 || step_fmas >= part_fmas;
  return shared ? threads : 1;
}

// How long so many multiplications take depends on how many sequences share the weights, and a step of a stream has a
// helper's wake to bear alone.
Account& Recurrent::account(const Run& run) const {
  auto& accounts = run.layout.steps() > 1 ? sequence_accounts_ : step_accounts_;
  std::size_t i = 0;
  for (std::size_t batch = run.layout.batch(); batch > 1 && i + 1 < accounts.size(); batch /= 2) ++i;
  return accounts[i];
}

// One for every layer, direction and share, in this order. Layers pass their outputs through two buffers in turn.
std::vector<Recurrent::Pass> Recurrent::passes(const Run& run, std::size_t shares, const Floats (&between)[2]) const {
  std::vector<Pass> passes;
  const std::size_t layers = options_.num_layers, directions = options_.num_directions;
  passes.reserve(layers * directions * shares);  // a pass must stay where it is: its walk refers to it
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
  Team team(useful_threads(run, fmas), fmas < always_shared_fmas ? &account(run) : nullptr, fmas);
  const bool spans = options_.num_layers > 1 && options_.num_directions == 1;
  const std::size_t all = layout.rows() == 0 ? 0 : layout.steps();
  const std::size_t span = all && spans ? std::max<std::size_t>(1, span_rows / layout.batch()) : all;
  const std::size_t between_size =
      std::min(span * layout.batch(), layout.rows()) * options_.num_directions * options_.output_size();
  Floats between[2];
  for (std::size_t i = 0; i < std::min<std::size_t>(options_.num_layers - 1, 2); ++i) between[i] = Floats(between_size);
  const std::size_t tasks = shares(run, team.size()) * options_.num_directions;
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
