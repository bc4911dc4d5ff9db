#include "core/layers.h"

#include "binding/exports.h"
#include "binding/module.h"
#include "binding/runtime.h"

namespace packed_rnn::binding {
namespace {

Napi::Value create_linear(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t in_features = count(info[0], "inFeatures"), out_features = count(info[1], "outFeatures");
  const View<float> weight = view<float>(info[2], "weight"), bias = optional_view<float>(info[3], "bias");
  if (in_features == 0 || out_features == 0) throw_range(env, "ERR_SHAPE", "A linear layer needs features");
  expect_size(env, weight.size, product(env, in_features, out_features), "weight");
  if (!is_null(info[3])) expect_size(env, bias.size, out_features, "bias");
  return make_module<Linear>(env, kernels(), in_features, out_features, weight, bias);
}

Napi::Value linear(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Linear& module = module_of<Linear>(info[0]);
  const View<float> input = view<float>(info[1], "input"), output = view<float>(info[2], "output");
  const std::size_t rows = rows_of(env, input.size, module.in_features(), "input");
  expect_size(env, output.size, product(env, rows, module.out_features()), "output");
  prefault(output);
  module.forward(input.data, rows, output.data);
  return env.Undefined();
}

template <class Id>
double embed_ids(View<float> table, std::size_t width, const Array& ids, float* output) {
  const std::size_t stopped =
      packed_rnn::embed<Id>(table, width, View<const Id>(reinterpret_cast<const Id*>(ids.data), ids.size), output);
  return stopped == ids.size ? -1.0 : static_cast<double>(stopped);
}

Napi::Value embed(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const View<float> weight = view<float>(info[0], "weight");
  const std::size_t width = count(info[1], "width");
  const Array ids = array(info[2], "ids");
  const View<float> output = view<float>(info[3], "output");
  if (width == 0) throw_range(env, "ERR_SHAPE", "An embedding needs a width");
  expect_size(env, output.size, product(env, ids.size, width), "output");
  prefault(output);
  switch (ids.type) {
    case napi_uint8_array:
      return Napi::Number::New(env, embed_ids<std::uint8_t>(weight, width, ids, output.data));
    case napi_int32_array:
      return Napi::Number::New(env, embed_ids<std::int32_t>(weight, width, ids, output.data));
    case napi_bigint64_array:
      return Napi::Number::New(env, embed_ids<std::int64_t>(weight, width, ids, output.data));
    default:
      throw_type(env, "Expected a Uint8Array, an Int32Array or a BigInt64Array for ids");
  }
}

}  // namespace

void export_layers(Napi::Env env, Napi::Object exports) {
  export_function<create_linear>(env, exports, "createLinear");
  export_function<linear>(env, exports, "linear");
  export_function<embed>(env, exports, "embed");
}

}  // namespace packed_rnn::binding
