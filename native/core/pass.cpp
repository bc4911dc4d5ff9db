#include "core/pass.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace packed_rnn {

Pass::Pass(const Recurrent& module, const Run& run, std::size_t layer, std::size_t direction, const Share& share,
           std::size_t threads, bool parted, Place<const float> input, Place<float> output)
    : module_(module),
      options_(module.options_),
      kernels_(module.kernels_.*module.options_.cell->kernels),
      direction_(module.directions_[layer * options_.num_directions + direction]),
      run_(run),
      layout_(run.layout),
      state_(layer * options_.num_directions + direction),
      share_(share),
      input_(input),
      output_({layout_.rows() == 0 ? nullptr : output.data + direction * options_.output_size(), output.between}),
      input_size_(options_.layer_input_size(layer)),
      output_stride_(options_.num_directions * options_.output_size()),
      sequences_(share.of(run.layout.batch())),
      chunking_(chunking(direction_.weights, threads, kernels_.tile_rows)),
      chunk_rows_(layout_.steps() < 2 || share.of(layout_.active(layout_.steps() - 1)) >= chunking_.fused_rows
                      ? 0
                      : std::min({chunking_.most_rows, layout_.rows(),
                                  std::max(kernels_.tile_rows,
                                           chunking_.most_bytes / (direction_.weights.start_size() * sizeof(float)))})),
      single_rows_(chunk_rows_ > 0 && direction_.weights.bytes() >= threads * least_carried_bytes &&
                           direction_.weights.bytes() <= most_carried_bytes
                       ? kernels_.beside_rows
                       : 0),
      start_rows_(std::max(chunk_rows_, 2 * single_rows_)),
      written_(2 * sequences_ + start_rows_),
      cell_(written_.data()),
      unprojected_(cell_ + sequences_),
      starts_(unprojected_ + sequences_),
      memory_(start_rows_ * row_stride(direction_.weights.start_size()) +
              (options_.proj_size ? sequences_ * row_stride(options_.hidden_size) : 0)),
      progress_(single_rows_ == 0 ? 0
                : parted          ? 2
                                  : threads),
      walk_(*this) {
  float* next = memory_.data();
  for (std::size_t r = 0; r < start_rows_; ++r, next += row_stride(direction_.weights.start_size())) starts_[r] = next;
  if (options_.proj_size) {
    for (std::size_t j = 0; j < sequences_; ++j, next += row_stride(options_.hidden_size)) unprojected_[j] = next;
  }
  if (parted) {
    parted_ = std::make_unique<Parted>();
    if (options_.cell->has_cell_state) parted_->cells = std::make_unique<OwnRows>(sequences_, options_.hidden_size);
    walk_.keep_hidden();
  }
  start_states();
}

Pass::Parted::~Parted() = default;

Pass::Company::Company(const Walk& own, std::size_t threads) : rounds(threads), others(threads - 1, own) {
  members.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) members.emplace_back(rounds, i);
  if (!own.keeps_hidden()) return;
  for (Walk& other : others) other.keep_hidden();
}

void Pass::run(std::size_t steps, std::size_t first_row, Team& team) {
  walk_.set_span(first_row);
  if (team.size() == 1) {
    walk_.run(steps, nullptr);
  } else {
    if (!team.is_near()) walk_.keep_hidden();
    Company company(walk_, team.size());
    team.run([&](std::size_t i) { (i == 0 ? walk_ : company.others[i - 1]).run(steps, &company.members[i]); });
  }
  finish_states();
}

void Pass::run_parted(std::size_t steps, std::size_t first_row) {
  if (!parted_->offer.begin()) return;
  walk_.set_span(first_row);
  const std::size_t left = walk_.run(steps, nullptr, &parted_->offer);
  if (left > 0 && gather_company()) {
    parted_->offer.accept();
    walk_.run(left, &parted_->company->members[0]);
    parted_->offer.await_end();
    parted_->company.reset();
  } else {
    walk_.run(left, nullptr);
    parted_->offer.end();
  }
  finish_states();
}

// What a team runs must not throw: without the memory, it is done without company.
bool Pass::gather_company() {
  try {
    parted_->company = std::make_unique<Company>(walk_, 2);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

bool Pass::join() {
  const std::size_t left = parted_->offer.make();
  if (left == 0) return false;
  parted_->company->others[0].run(left, &parted_->company->members[1]);
  parted_->offer.end();
  return true;
}

Pass::Walk::Walk(const Pass& pass)
    : pass_(pass),
      cursor_(pass.layout_, pass.state_ % pass.options_.num_directions == 1),
      backwards_(pass.module_.backwards_.load(std::memory_order_relaxed)),
      read_(5 * pass.sequences_ + pass.start_rows_),
      outputs_(2 * pass.sequences_) {}

void Pass::Walk::keep_hidden() {
  const std::size_t rows = pass_.layout_.rows() == 0 ? 0 : pass_.share_.of(pass_.layout_.active(0));
  const std::size_t size = pass_.options_.output_size();
  if (rows > pass_.kernels_.tile_rows || rows * size * sizeof(float) > most_own_hidden_bytes) return;
  own_hidden_ = std::make_shared<OwnRows>(2 * rows, size);
}

std::size_t Pass::Walk::run(std::size_t left, Rounds::Member* member, Offer* offer) {
  member_ = member;
  const Weights& weights = pass_.direction_.weights;
  chunks_[0] = Chunk();
  for (std::size_t place = 0; left > 0; place = 1 - place) {
    Chunk &chunk = chunks_[place], &next = chunks_[1 - place];
    const bool ends = offer && is_to_be_shared(*offer, left);
    if (ends && !chunk.carried) break;
    if (!chunk.carried) chunk = pass_.chunk_rows_ > 0 ? gather_chunk(cursor_, left, place) : Chunk();
    next = Chunk();
    if (chunk.steps < 2 && !chunk.carried) {
      step(nullptr, nullptr, nullptr);
      --left;
      continue;
    }
    left -= chunk.steps;
    if (chunk.carries) {
      if (left > 0 && !ends) next = gather_carried(chunk.steps, left, 1 - place);
    } else {
      over_panels(weights, chunk.x.rows, false, [&](std::size_t first, std::size_t last) {
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
  return left;
}

bool Pass::Walk::is_to_be_shared(Offer& offer, std::size_t steps) const {
  const bool pays = steps >= least_joined_steps &&
                    fmas(pass_.direction_.weights, pass_.share_.of(cursor_.active())) >= least_joined_fmas;
  offer.set_left(pays ? steps : 0);
  if (!offer.is_made()) return false;
  if (!pays) offer.end();
  return pays;
}

Pass::Chunk Pass::Walk::gather_chunk(Cursor cursor, std::size_t most, std::size_t place) {
  Chunk chunk;
  const auto can_carry = [this](std::size_t rows) { return rows == 1 && pass_.single_rows_ > 0; };
  chunk.carries = can_carry(pass_.share_.of(cursor.active()));
  const std::size_t room = chunk.carries ? pass_.single_rows_ : pass_.chunk_rows_;
  const std::size_t first = chunk.carries ? place * pass_.single_rows_ : 0;
  chunk.x.input = inputs() + first;
  chunk.x.start = pass_.starts_ + first;
  for (; chunk.steps < most; cursor.advance(), ++chunk.steps) {
    const std::size_t more = pass_.share_.of(cursor.active());
    if (more >= pass_.chunking_.fused_rows || chunk.x.rows + more > room || can_carry(more) != chunk.carries) break;
    for (std::size_t j = 0; j < more; ++j) {
      inputs()[first + chunk.x.rows + j] = row(pass_.input_, cursor, j, pass_.input_size_);
    }
    chunk.x.rows += more;
  }
  return chunk;
}

Pass::Chunk Pass::Walk::gather_carried(std::size_t ahead, std::size_t most, std::size_t place) {
  Cursor cursor = cursor_;
  for (; ahead > 0; --ahead) cursor.advance();
  if (pass_.share_.of(cursor.active()) != 1) return Chunk();
  Chunk chunk = gather_chunk(cursor, most, place);
  chunk.carried = true;
  return chunk;
}

std::size_t Pass::Walk::step(const float* const* start, const Chunk* begins, const Projection* beside) {
  const std::size_t rows = pass_.share_.of(cursor_.active());
  if (rows == 0) {
    cursor_.advance();
    return 0;
  }
  if (open_ && steps_[now_].step.rows != rows) close();
  now_ = 1 - now_;
  const float** const last = hidden();
  const float** const x = inputs() + pass_.start_rows_ + now_ * 2 * pass_.sequences_;
  const float** const h = x + pass_.sequences_;
  float** const outputs = outputs_.data() + now_ * pass_.sequences_;
  float* const* const copies = own_hidden_ ? own_hidden_->data() + now_ * (own_hidden_->count() / 2) : nullptr;
  for (std::size_t j = 0; j < rows; ++j) {
    if (!start) x[j] = row(pass_.input_, cursor_, j, pass_.input_size_);
    h[j] = last[j];
    outputs[j] = row(pass_.output_, cursor_, j, pass_.output_stride_);
    last[j] = copies ? copies[j] : outputs[j];
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
  step.copy = pass_.options_.proj_size ? nullptr : copies;
  step.backwards = backwards_;
  step.beside = beside;
  step.await = nullptr;
  backwards_ = !backwards_;
  if (member_) {
    compute_together();
  } else {
    step.progress = pass_.progress_.data();
    compute(steps_[now_], 0, 0, pass_.direction_.weights.panel_count());
  }
  if (!pass_.options_.proj_size) return rows;
  Step projection;
  projection.rows = rows;
  projection.input = pass_.unprojected_;
  projection.hidden = pass_.unprojected_;  // of no elements, but the pointers are read
  projection.output = outputs;
  projection.copy = copies;
  over_panels(pass_.direction_.projection, rows, false, [&](std::size_t first, std::size_t last) {
    pass_.module_.kernels_.linear.step(pass_.direction_.projection.panels(), projection, first, last);
  });
  if (member_ && copies) keep_units(projection, 0, pass_.options_.proj_size);
  return rows;
}

void Pass::Walk::compute(const Present& present, std::size_t part, std::size_t first, std::size_t last) const {
  const Panels panels = pass_.direction_.weights.panels();
  if (const Chunk* const chunk = present.begins) {
    const std::size_t streams = pass_.kernels_.streams;
    Progress& progress = pass_.progress_[part];
    const std::size_t rest = chunk->carried ? progress.stream / streams : first;
    if (rest < last) pass_.kernels_.project(panels, chunk->x, rest, last);
    progress = Progress{first * streams};
  }
  pass_.kernels_.step(panels, present.step, first, last);
}

void Pass::Walk::compute_others(Present present, std::size_t part, std::size_t parts) const {
  if (present.step.beside) present.step.progress = &pass_.progress_[part];
  present.step.await = nullptr;
  const Weights& weights = pass_.direction_.weights;
  compute(present, part, first_panel(weights, part, parts), first_panel(weights, part + 1, parts));
}

// Part i of step t, when other parts of step t − 1 may still be open:
//
//   close parts before i of t − 1 │ x(t), h(t − 1) of parts up to i │ close parts after i │ the rest of h(t − 1) │
//   c(t), h(t)
//
// So nothing is written before all of t − 1 is done, and nobody reads any more what is written over: c(t − 1), and
// where h(t − 2) was kept.
void Pass::Walk::compute_together() {
  Present &present = steps_[now_], &before = steps_[1 - now_];
  Step& step = present.step;
  const Weights& weights = pass_.direction_.weights;
  if (dealt_parts(weights, step.rows) > 0) {
    assert(!present.begins && !step.beside && !open_);  // a step of other rows before it has been closed
    over_panels(weights, step.rows, step.backwards,
                [&](std::size_t first, std::size_t last) { pass_.kernels_.step(weights.panels(), step, first, last); });
    if (step.copy) keep_units(step, 0, pass_.options_.hidden_size);
    return;
  }
  const std::size_t own = member_->index(), parts = this->parts(weights, step.rows);
  const std::size_t first = first_panel(weights, own, parts), last = first_panel(weights, own + 1, parts);
  const bool open = open_;
  assert(!open || parts == open_parts_);
  open_parts_ = parts;
  if (step.beside) step.progress = &pass_.progress_[own];
  if (open && own + 1 < parts) {
    step.ready = last * pass_.kernels_.panel_units;
    step.awaited = this;
    step.await = [](const void* awaited) {
      const Walk& walk = *static_cast<const Walk*>(awaited);
      walk.close(walk.steps_[1 - walk.now_], walk.member_->index() + 1, walk.open_parts_);
    };
  }
  const auto body = [&](std::size_t part) {
    // Of the step before this member has computed its own part itself.
    if (open) close(before, 0, part == own ? part : parts);
    part == own ? compute(present, own, first, last) : compute_others(present, part, parts);
  };
  // A projection needs all of the state.
  if (pass_.options_.proj_size) {
    member_->run(parts, body);
  } else {
    open_ = member_->run_open(parts, body);
    if (!open_) keep(step, 0, parts);
  }
}

void Pass::Walk::close(const Present& present, std::size_t first, std::size_t last) const {
  member_->close(first, last, [&](std::size_t part) { compute_others(present, part, open_parts_); });
  keep(present.step, first, last);
}

void Pass::Walk::keep(const Step& step, std::size_t first, std::size_t last) const {
  if (!step.copy) return;
  const auto unit = [this](std::size_t part) {
    const std::size_t panel = first_panel(pass_.direction_.weights, part, open_parts_);
    return std::min(panel * pass_.kernels_.panel_units, pass_.options_.hidden_size);
  };
  keep_units(step, unit(first), unit(last));
}

void Pass::Walk::keep_units(const Step& step, std::size_t first, std::size_t last) {
  for (std::size_t j = 0; j < step.rows; ++j) {
    std::memcpy(step.copy[j] + first, step.output[j] + first, (last - first) * sizeof(float));
  }
}

void Pass::Walk::close() {
  if (open_) close(steps_[now_], 0, open_parts_);
  open_ = false;
}

std::size_t Pass::fmas(const Weights& weights, std::size_t rows) {
  return weights.bytes() / sizeof(float) * rows;
}

std::size_t Pass::parts(const Weights& weights, std::size_t rows) {
  return std::min(weights.panel_count(), 1 + fmas(weights, rows) / (2 * least_part_fmas));
}

std::size_t Pass::Walk::dealt_parts(const Weights& weights, std::size_t rows) const {
  if (rows == 1 && pass_.single_rows_ > 0) return 0;  // it may carry on a projection
  const Dealing dealing = pass_.parted_                        ? dealing_joined
                          : are_far(weights, member_->count()) ? dealing_far
                                                               : dealing_near;
  const std::size_t fmas = Pass::fmas(weights, rows);
  if (fmas / member_->count() < dealing.least_fmas) return 0;
  return std::min({weights.panel_count(), most_dealt_parts, fmas / dealing.least_part_fmas});
}

std::size_t Pass::Walk::parts(const Weights& weights, std::size_t rows) const {
  return std::min(Pass::parts(weights, rows), member_->count());
}

template <class Body>
void Pass::Walk::over_panels(const Weights& weights, std::size_t rows, bool backwards, const Body& body) {
  close();
  if (!member_) return body(0, weights.panel_count());
  if (const std::size_t parts = dealt_parts(weights, rows)) {
    return member_->deal(parts, backwards, [&](std::size_t part) {
      body(first_panel(weights, part, parts), first_panel(weights, part + 1, parts));
    });
  }
  const std::size_t parts = this->parts(weights, rows);
  member_->run(
      parts, [&](std::size_t part) { body(first_panel(weights, part, parts), first_panel(weights, part + 1, parts)); });
}

void Pass::start_states() {
  const std::size_t size = options_.output_size(), units = options_.hidden_size;
  const float** const hidden = walk_.hidden();
  const OwnRows* const cells = parted_ ? parted_->cells.get() : nullptr;
  for (std::size_t j = 0; j < sequences_; ++j) {
    const std::size_t row = state_row(j);
    hidden[j] = run_.initial_hidden ? run_.initial_hidden + row * size : module_.zeros_.data();
    if (!options_.cell->has_cell_state) continue;
    cell_[j] = cells ? cells->data()[j] : run_.final_cell + row * units;
    if (!run_.initial_cell) {
      std::fill_n(cell_[j], units, 0.0f);
    } else if (run_.initial_cell + row * units != cell_[j]) {
      std::memcpy(cell_[j], run_.initial_cell + row * units, units * sizeof(float));
    }
  }
}

void Pass::finish_states() {
  const std::size_t size = options_.output_size();
  const float** const hidden = walk_.hidden();
  for (std::size_t j = 0; j < sequences_; ++j) {
    float* const last = run_.final_hidden + state_row(j) * size;
    if (hidden[j] != last) std::memcpy(last, hidden[j], size * sizeof(float));
    hidden[j] = last;
  }
  if (!parted_ || !parted_->cells) return;
  const std::size_t units = options_.hidden_size;
  for (std::size_t j = 0; j < sequences_; ++j) {
    std::memcpy(run_.final_cell + state_row(j) * units, cell_[j], units * sizeof(float));
  }
}

}  // namespace packed_rnn
