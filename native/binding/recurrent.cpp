#include "core/recurrent.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/exports.h"
#include "binding/module.h"
#include "binding/packing.h"
#include "binding/queue.h"
#include "binding/runtime.h"
#include "core/sequence.h"
#include "core/workspace.h"

namespace packed_rnn::binding {
namespace {

const Cell* cell_of(Napi::Value value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  for (const Cell& cell : cells) {
    if (name == cell.name) return &cell;
  }
  throw_type(value.Env(), "Expected the name of a cell");
}

// The sizes of all parameters in the order in which Recurrent reads them, or of the matrices among them.
std::vector<std::size_t> parameter_sizes(Napi::Env env, const RecurrentOptions& o, bool biases) {
  std::vector<std::size_t> sizes;
  const std::size_t gate_rows = product(env, o.cell->gates, o.hidden_size);
  for (std::size_t i = 0; i < o.num_layers * o.num_directions; ++i) {
    sizes.push_back(product(env, gate_rows, o.layer_input_size(i / o.num_directions)));
    sizes.push_back(product(env, gate_rows, o.output_size()));
    if (biases) sizes.insert(sizes.end(), 2, gate_rows);
    if (o.proj_size) sizes.push_back(product(env, o.proj_size, o.hidden_size));
  }
  return sizes;
}

// An array of Float32Arrays of the sizes given.
std::vector<View<float>> arrays_of(Napi::Env env, Napi::Value value, const std::vector<std::size_t>& sizes) {
  if (!value.IsArray()) throw_type(env, "Expected an array for parameters");
  const Napi::Array list = value.As<Napi::Array>();
  expect_size(env, list.Length(), sizes.size(), "parameters");
  std::vector<View<float>> arrays;
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    arrays.push_back(view<float>(list.Get(i), "parameters"));
    expect_size(env, arrays[i].size, sizes[i], ("parameters[" + std::to_string(i) + "]").c_str());
  }
  return arrays;
}

Napi::Value create_recurrent(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RecurrentOptions options;
  options.cell = cell_of(info[0]);
  options.input_size = count(info[1], "inputSize");
  options.hidden_size = count(info[2], "hiddenSize");
  options.proj_size = count(info[3], "projSize");
  options.num_layers = count(info[4], "numLayers");
  options.num_directions = count(info[5], "numDirections");
  options.bias = flag(info[6], "bias");
  if (!options.input_size || !options.hidden_size || !options.num_layers || options.num_directions - 1 > 1) {
    throw_range(env, "ERR_SHAPE", "Expected positive sizes, and one or two directions");
  }
  const std::vector<View<float>> arrays = arrays_of(env, info[7], parameter_sizes(env, options, options.bias));
  const std::vector<View<const float>> parameters(arrays.begin(), arrays.end());
  return make_module<Recurrent>(env, kernels(), options, parameters);
}

Napi::Value unpack_weights(const Napi::CallbackInfo& info) {
  const Recurrent& module = module_of<Recurrent>(info[0]);
  const std::vector<std::size_t> sizes = parameter_sizes(info.Env(), module.options(), false);
  std::vector<float*> matrices;
  for (const View<float> array : arrays_of(info.Env(), info[1], sizes)) matrices.push_back(array.data);
  module.unpack(matrices);
  return info.Env().Undefined();
}

std::size_t packed_rows(Napi::Env env, View<float> input, const RecurrentOptions& options) {
  const std::size_t rows = input.size / options.input_size;
  expect_size(env, input.size, rows * options.input_size, "input");
  return rows;
}

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

// The arguments of forward and forwardSync, in their order.
struct Arguments {
  const Recurrent& module;
  OwnPacking packing;  // of packed input
  View<float> input, initial_hidden, initial_cell, output, final_hidden, final_cell;
  Run run;

  explicit Arguments(const Napi::CallbackInfo& info) : module(module_of<Recurrent>(info[0])) {
    const Napi::Env env = info.Env();
    const RecurrentOptions& options = module.options();
    input = view<float>(info[1], "input");
    const std::size_t batch = count(info[4], "batch");
    if (is_null(info[2])) {
      const std::size_t steps = count(info[5], "steps");
      expect_size(env, input.size, product(env, product(env, batch, steps), options.input_size), "input");
      run.layout = Layout::padded(batch, steps, flag(info[6], "batchFirst"));
    } else {
      const std::size_t rows = packed_rows(env, input, options);
      packing = binding::packing(env, info[2], info[3], batch, rows);
      run.layout = Layout::packed(packing.view(), rows);
    }
    states(info, batch);
    output = view<float>(info[9], "output");
    expect_size(env, output.size, product(env, run.layout.rows(), options.num_directions * options.output_size()),
                "output");
    connect();
  }

  void compute() const {
    prefault(output);
    module.forward(run);
  }

  // Lets the run read and write where the views now are.
  void connect() {
    run.input = input.data;
    run.initial_hidden = initial_hidden.data;
    run.initial_cell = initial_cell.data;
    run.output = output.data;
    run.final_hidden = final_hidden.data;
    run.final_cell = final_cell.data;
  }

 private:
  void states(const Napi::CallbackInfo& info, std::size_t batch) {
    const Napi::Env env = info.Env();
    const RecurrentOptions& options = module.options();
    const std::size_t rows = product(env, batch, options.num_layers * options.num_directions);
    const std::size_t hidden_size = product(env, rows, options.output_size());
    initial_hidden = initial(info[7], hidden_size, "h0");
    final_hidden = view<float>(info[10], "hn");
    expect_size(env, final_hidden.size, hidden_size, "hn");
    if (!options.cell->has_cell_state) return;
    const std::size_t cell_size = product(env, rows, options.hidden_size);
    initial_cell = initial(info[8], cell_size, "c0");
    final_cell = view<float>(info[11], "cn");
    expect_size(env, final_cell.size, cell_size, "cn");
  }

  static View<float> initial(Napi::Value value, std::size_t size, const char* argument) {
    if (is_null(value)) return {};
    const View<float> found = view<float>(value, argument);
    expect_size(value.Env(), found.size, size, argument);
    return found;
  }
};

Napi::Value forward_sync(const Napi::CallbackInfo& info) {
  const Arguments arguments(info);
  arguments.compute();
  return info.Env().Undefined();
}

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

// A copy of a view's elements, and the view moved to it.
class Copy {
 public:
  void take(View<float>& view) {
    elements_.reserve(view.size);
    packed_rnn::prefault(elements_.data(), view.size * sizeof(float));
    elements_.assign(view.begin(), view.end());
    if (view) view = View<float>(elements_);
  }

 private:
  std::vector<float> elements_;
};

// forward, whose caller may overwrite meanwhile what it reads.
struct Forward : Arguments {
  static constexpr std::uint32_t kept[] = {0, 9, 10, 11};

  using Arguments::Arguments;

  void take_copies() {
    input_.take(input);
    initial_hidden_.take(initial_hidden);
    initial_cell_.take(initial_cell);
    connect();
  }

 private:
  Copy input_, initial_hidden_, initial_cell_;
};

// advanceEach: packed rows, and for each sequence arrays of its own that its state is read from and written to, and its
// output.
struct AdvanceEach {
  static constexpr std::uint32_t kept[] = {0, 1, 4, 5, 6};

  const Recurrent& module;
  const StateSizes state;
  OwnPacking packing;
  Run run;  // but for the states and the output, which are arrays of the run's only while it lasts
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
    const std::size_t rows = packed_rows(env, input, options);
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

// All that a run can throw is that memory for its workspace is not to be had.
Napi::Value not_enough_memory(Napi::Env env) {
  return coded(Napi::RangeError::New(env, "Not enough memory"), "ERR_ALLOCATION").Value();
}

// Computes on a thread of libuv's pool. What it writes are arrays that nobody else has yet, held alive until then, as
// is the module.
template <class Job>
class Worker final : public Napi::AsyncWorker {
 public:
  Worker(const Napi::CallbackInfo& info, Job&& job)
      : AsyncWorker(info.Env(), "packed-rnn forward"), job_(std::move(job)) {
    job_.take_copies();
    Napi::Object kept = Napi::Object::New(info.Env());
    for (const std::uint32_t i : Job::kept) kept.Set(i, info[i]);
    kept_ = Napi::Persistent(kept);
  }

  // Made when all has been copied: hooks of the making of promises (async_hooks) run here, and may do anything.
  Napi::Promise promise() { return deferred_.emplace(Napi::Promise::Deferred::New(Env())).Promise(); }

 private:
  void Execute() override { job_.compute(); }
  // In an environment that is being torn down these throw, and what waits behind is not started.
  void OnOK() override {
    deferred_->Resolve(Env().Undefined());
    Queue::of(Env()).finished();
  }
  void OnError(const Napi::Error&) override {
    deferred_->Reject(not_enough_memory(Env()));
    Queue::of(Env()).finished();
  }

  Job job_;
  Napi::ObjectReference kept_;
  std::optional<Napi::Promise::Deferred> deferred_;
};

// A promise that is settled already, made when all has been computed, for the reason that Worker::promise has.
template <class Job>
Napi::Value compute_at_once(Napi::Env env, const Job& job) {
  bool enough_memory = true;
  try {
    job.compute();
  } catch (const std::bad_alloc&) {
    enough_memory = false;
  }
  const auto deferred = Napi::Promise::Deferred::New(env);
  if (enough_memory) {
    deferred.Resolve(env.Undefined());
  } else {
    deferred.Reject(not_enough_memory(env));
  }
  return deferred.Promise();
}

template <class Job>
Napi::Value asynchronous(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Job job(info);
  Queue& queue = Queue::of(env);
  if (queue.takes_at_once(job.module.work(job.run))) return compute_at_once(env, job);
  auto worker = std::make_unique<Worker<Job>>(info, std::move(job));
  const Napi::Promise promise = worker->promise();
  queue.push(std::move(worker));
  return promise;
}

}  // namespace

void export_recurrent(Napi::Env env, Napi::Object exports) {
  export_function<create_recurrent>(env, exports, "createRecurrent");
  export_function<unpack_weights>(env, exports, "unpackWeights");
  export_function<forward_sync>(env, exports, "forwardSync");
  export_function<advance>(env, exports, "advance");
  export_function<asynchronous<Forward>>(env, exports, "forward");
  export_function<asynchronous<AdvanceEach>>(env, exports, "advanceEach");
}

}  // namespace packed_rnn::binding
