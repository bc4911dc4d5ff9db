// The export table. Every function is described in lib/binding.ts.
#include "binding/exports.h"

namespace packed_rnn::binding {
namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  export_runtime(env, exports);
  export_sequence(env, exports);
  export_recurrent(env, exports);
  export_layers(env, exports);
  return exports;
}

}  // namespace
}  // namespace packed_rnn::binding

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  return packed_rnn::binding::init(env, exports);
}

NODE_API_MODULE(packed_rnn, init)
