#include "core/recurrent.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/asynchronous.h"
#include "binding/exports.h"
#include "binding/module.h"
#include "binding/packing.h"
#include "binding/runtime.h"

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
      const std::size_t rows = rows_of(env, input.size, options.input_size, "input");
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

}  // namespace

void export_recurrent(Napi::Env env, Napi::Object exports) {
  export_function<create_recurrent>(env, exports, "createRecurrent");
  export_function<unpack_weights>(env, exports, "unpackWeights");
  export_function<forward_sync>(env, exports, "forwardSync");
  export_function<asynchronous<Forward>>(env, exports, "forward");
}

}  // namespace packed_rnn::binding
