// The contract between the core and the arithmetic. A Kernels is a table of functions compiled for one instruction set;
// the core is handed one and calls through it. Every table gives the same bits: each output element is one chain of
// fused multiply-adds over k in order, starting at the bias, and the activations use only add, multiply, fma and
// divide.
#pragma once

#include <cstddef>

namespace packed_rnn {

// What a processor's caches mean for weights.
struct Caches {
  // Weights of more bytes are far: not all of them stay, from one step to the next, in caches that keep up with the fma
  // units, or in those that keep up with steps of few rows.
  std::size_t near_for_many_rows = 10 << 20, near_for_few_rows = 30 << 20;
  // From so many rows on, a step multiplies both x and h, though their weights are far: of streams of any length, and
  // of those of which the second-level cache holds two.
  static constexpr std::size_t many_rows = 64;
  std::size_t fused_rows = many_rows;
};

// Weights as the kernels read them. Hidden units are taken in panels; a panel is one or more streams, each stored as
// [k][vectors][lanes] with k running over the input first, then over the hidden state:
//
//   stream 0: k=0 [gate 0: lane 0 … lane L−1][gate 1: …] …   k=1 […] …
//   stream 1: …
//
// so that a kernel that follows a stream sees all that it needs of some units in one run of memory. Units past the last
// are zeros. bias is [panel][stream][vectors][lanes]; hidden_bias, for the GRU alone, is b_hn as [panel][lanes].
struct Panels {
  const float* weights = nullptr;
  const float* bias = nullptr;
  const float* hidden_bias = nullptr;
  std::size_t input_size = 0;
  std::size_t hidden_size = 0;  // of the state that is multiplied; with a projection it is not `units`
  std::size_t units = 0;
  Caches caches;
};

// The chains of x alone, for a later step to go on from: of each row, start[panels…].
struct Projection {
  std::size_t rows = 0;
  const float* const* input = nullptr;  // x(t): input_size floats
  float* const* start = nullptr;
};

// How far a projection has come that steps carry on: all streams before `stream` are done, and of it the rows before
// `row`, and of the rows from there on the first k of the input. A cache line each: threads that share a step have
// their own.
struct alignas(64) Progress {
  std::size_t stream = 0, row = 0, k = 0;
};

// One step of one direction, for some rows. Every pointer array has `rows` entries; a row may lie anywhere.
struct Step {
  std::size_t rows = 0;
  const float* const* input = nullptr;   // x(t): input_size floats
  const float* const* start = nullptr;   // what a projection left for x(t); when given, input is not read
  const float* const* hidden = nullptr;  // h(t−1): hidden_size floats
  // If given, called once, before anything else is read of h(t−1) than the first `ready` floats of every row.
  void (*await)(const void* awaited) = nullptr;
  const void* awaited = nullptr;
  std::size_t ready = 0;
  float* const* cell = nullptr;    // c(t−1) → c(t): units floats (LSTM)
  float* const* output = nullptr;  // h(t): units floats
  float* const* copy = nullptr;    // if given, where h(t) goes as well
  // Panels from the last to the first. A caller that turns round at every step finds in the cache what the step before
  // used last; going round in one direction it would find nothing of weights larger than the cache.
  bool backwards = false;
  // A projection of the same panels to be carried on, as far as it gets, beside a step of one row with a start: its
  // product waits for weights half of the time, which is time for the multiplications of a projection.
  const Projection* beside = nullptr;
  Progress* progress = nullptr;
};

struct CellKernels {
  // Of one panel: hidden units, streams, and vectors of a stream. A panel's start is streams * vectors * lanes floats.
  std::size_t panel_units;
  std::size_t streams;
  std::size_t vectors;
  // As many rows as one pass over the weights can feed; and as many of a projection as have room beside a step, 0 if
  // steps carry on none.
  std::size_t tile_rows;
  std::size_t beside_rows;
  // h(t) of the units in panels [first, last).
  void (*step)(const Panels&, const Step&, std::size_t first, std::size_t last);
  void (*project)(const Panels&, const Projection&, std::size_t first, std::size_t last);
};

struct Kernels {
  const char* name;
  const char* isa;  // which several tables may share
  std::size_t lanes;
  CellKernels lstm;
  CellKernels gru;
  CellKernels rnn_tanh;
  CellKernels rnn_relu;
  CellKernels linear;  // y = W x + b, one gate, no hidden state
  double fma_cost;     // about how many fmas of AVX2 one of these takes as long as
  Caches caches = {};  // of the processor
};

// The tables that this processor can run, the best first, and how many they are.
struct Supported {
  const Kernels* const* tables;
  std::size_t count;
};
Supported supported_kernels();

// What the environment variable PACKED_RNN_ISA names; null if it is not set, or empty.
const char* forced_isa();

// The table of that name, or the best for null; null if it is none of the supported.
const Kernels* select_kernels(const char* isa);

}  // namespace packed_rnn
