// Where the steps of a batch lie, and a way through them.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/sequence.h"

namespace packed_rnn {

// Where the steps of a batch lie among the rows of its input and output. Sequences are counted by length, longest
// first.
class Layout {
 public:
  // Step t of sequence i is row batch_sizes[0] + … + batch_sizes[t − 1] + i.
  static Layout packed(const Packing& packing, std::size_t rows);
  // All sequences have `steps` steps; step t of sequence i is row t * batch + i, or i * steps + t.
  static Layout padded(std::size_t batch, std::size_t steps, bool batch_first);

  // Of packed rows, those of the steps before t, and those from t on.
  std::pair<Layout, Layout> split(std::size_t t) const;

  std::size_t batch() const { return packing_.batch; }
  std::size_t steps() const { return steps_; }
  std::size_t rows() const { return rows_; }
  std::size_t sequence_stride() const { return sequence_stride_; }
  // The rows that a step takes, and the sequences that have that step.
  std::size_t step_stride(std::size_t t) const { return is_packed() ? active(t) : step_stride_; }
  std::size_t active(std::size_t t) const {
    return is_packed() ? static_cast<std::size_t>(packing_.batch_sizes[t]) : packing_.batch;
  }
  // The row of sequence 0 at the last step.
  std::size_t last_step_row() const { return is_packed() ? rows_ - active(steps_ - 1) : (steps_ - 1) * step_stride_; }
  // The steps of each sequence.
  std::vector<std::size_t> lengths() const;
  // The caller's number of sequence i.
  std::size_t sequence(std::size_t i) const { return packing_.sequence(i); }

 private:
  bool is_packed() const { return packing_.batch_sizes.size != 0; }

  Packing packing_;
  std::size_t steps_ = 0;
  std::size_t rows_ = 0;
  std::size_t step_stride_ = 0;
  std::size_t sequence_stride_ = 1;
};

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

}  // namespace packed_rnn
