// Streams: runs between states that each sequence has to itself.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "binding/asynchronous.h"
#include "binding/exports.h"
#include "binding/module.h"
#include "binding/packing.h"
#include "core/recurrent.h"
#include "core/sequence.h"
#include "core/workspace.h"

namespace packed_rnn::binding {
namespace {

// The sizes of a sequence's state in one array, h and behind it c, which not every cell has.
struct StateSizes {
  std::size_t hidden, cell;

  StateSizes(Napi::Env env, const RecurrentOptions& o)
      : hidden(product(env, o.num_layers, o.output_size())),
        cell(o.cell->has_cell_state ? product(env, o.num_layers, o.hidden_size) : 0) {
    if (o.num_directions != 1) throw_range(env, "ERR_SHAPE", "Expected a module of one direction");
  }
  std::size_t both() const { return hidden + cell; }
};

Napi::Value advance(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Recurrent& module = module_of<Recurrent>(info[0]);
  const RecurrentOptions& options = module.options();
  const StateSizes state(env, options);
  const View<float> input = view<float>(info[1], "input"), output = view<float>(info[5], "output");
  const View<float> before = view<float>(info[3], "before"), after = view<float>(info[4], "after");
  const std::size_t steps = count(info[2], "steps");
  expect_size(env, input.size, product(env, steps, options.input_size), "input");
  expect_size(env, output.size, product(env, steps, options.output_size()), "output");
  expect_size(env, before.size, state.both(), "before");
  expect_size(env, after.size, state.both(), "after");
  Run run;
  run.layout = Layout::padded(1, steps, false);
  run.input = input.data;
  run.initial_hidden = before.data;
  run.final_hidden = after.data;
  if (state.cell > 0) {
    run.initial_cell = before.data + state.hidden;
    run.final_cell = after.data + state.hidden;
  }
  run.output = output.data;
  prefault(output);
  module.forward(run);
  return env.Undefined();
}

// advanceEach: packed rows, and for each sequence arrays of its own that its state is read from and written to, and its
// output.
struct AdvanceEach {
  static constexpr std::uint32_t kept[] = {0, 1, 4, 5, 6};

  const Recurrent& module;
  const StateSizes state;
  OwnPacking packing;
  Run run;  // to which compute() adds the states and the output
  std::vector<Sequence<const std::byte>> before;
  std::vector<Sequence<std::byte>> after, outputs;

  explicit AdvanceEach(const Napi::CallbackInfo& info)
      : module(module_of<Recurrent>(info[0])), state(info.Env(), module.options()) {
    const Napi::Env env = info.Env();
    const RecurrentOptions& options = module.options();
    const View<float> input = view<float>(info[1], "input");
    before = states_of<const std::byte>(info[4], "before");
    after = states_of<std::byte>(info[5], "after");
    outputs = sequences_of<std::byte>(info[6], napi_float32_array, options.output_size());
    expect_size(env, after.size(), before.size(), "after");
    expect_size(env, outputs.size(), before.size(), "outputs");
    const std::size_t rows = rows_of(env, input.size, options.input_size, "input");
    packing = binding::packing(env, info[2], info[3], before.size(), rows);
    expect_lengths(env, outputs, packing.view());
    run.layout = Layout::packed(packing.view(), rows);
    run.input = input.data;
  }

  // There is nothing to be copied: the rows are the call's own, and a stream's state changes by its own calls alone.
  void take_copies() {}

  void compute() const {
    const std::size_t batch = before.size(), output_size = module.options().output_size();
    const Workspace memory(batch * state.both() + run.layout.rows() * output_size);
    float* const states = memory.data();
    Run whole = run;
    whole.final_hidden = states;
    whole.final_cell = state.cell > 0 ? states + batch * state.hidden : nullptr;
    whole.initial_hidden = whole.final_hidden;
    whole.initial_cell = whole.final_cell;
    whole.output = states + batch * state.both();
    each_part(before, states, [](const auto& parts, auto block, std::size_t row_bytes) {
      const float zero = 0;
      const Fill fill = {reinterpret_cast<const std::byte*>(&zero), sizeof zero};
      pad_sequences(View<const Sequence<const std::byte>>(parts), row_bytes, block, Side::right, fill);
    });
    module.forward(whole);
    each_part(after, states, [](const auto& parts, auto block, std::size_t row_bytes) {
      unpad_sequences({block.data, block.batch, block.steps, false}, row_bytes, View<const Sequence<std::byte>>(parts));
    });
    unpack_sequences(reinterpret_cast<const std::byte*>(whole.output), packing.view(), output_size * sizeof(float),
                     View<const Sequence<std::byte>>(outputs));
  }

 private:
  template <class Byte>
  std::vector<Sequence<Byte>> states_of(Napi::Value value, const char* argument) const {
    std::vector<Sequence<Byte>> states = sequences_of<Byte>(value, napi_float32_array, 1);
    for (const auto& [data, size] : states) expect_size(value.Env(), size, state.both(), argument);
    return states;
  }

  // Calls move(parts, block, row_bytes) for h and for c: the part of each array and, for a run, all of them side by
  // side, [layers][batch][size]. A layer is to the functions of packing what elsewhere is a step.
  template <class Byte, class Move>
  void each_part(const std::vector<Sequence<Byte>>& arrays, float* block, Move move) const {
    const std::size_t layers = module.options().num_layers;
    std::vector<Sequence<Byte>> parts = arrays;
    for (auto& part : parts) part.steps = layers;
    for (const std::size_t size : {state.hidden, state.cell}) {
      const Padded<std::byte> padded = {reinterpret_cast<std::byte*>(block), arrays.size(), layers, false};
      if (size > 0) move(parts, padded, size / layers * sizeof(float));
      for (auto& part : parts) part.data += size * sizeof(float);
      block += arrays.size() * size;
    }
  }
};

}  // namespace

void export_stream(Napi::Env env, Napi::Object exports) {
  export_function<advance>(env, exports, "advance");
  export_function<asynchronous<AdvanceEach>>(env, exports, "advanceEach");
}

}  // namespace packed_rnn::binding
