// The export table. Every function is described in lib/binding.ts.
#include <atomic>

#include "binding/exports.h"
#include "binding/queue.h"
#include "core/threads.h"
#include "core/workspace.h"

namespace packed_rnn::binding {
namespace {

// The environments, one a worker thread, that have loaded the addon. The last to go ends the pool's threads and frees
// what is kept: after it the library may be unloaded, and no thread may be in it then.
std::atomic<int> environments{0};

Napi::Value init(Napi::Env env, Napi::Object exports) {
  env.AddCleanupHook([] {
    if (--environments > 0) return;
    stop_threads();
    release_workspaces();
  });
  ++environments;
  env.SetInstanceData(new Queue(env));
  export_runtime(env, exports);
  export_sequence(env, exports);
  export_recurrent(env, exports);
  export_stream(env, exports);
  export_layers(env, exports);
  return exports;
}

}  // namespace
}  // namespace packed_rnn::binding

NAPI_MODULE_INIT() {
  using namespace packed_rnn::binding;
  return guarded(env, [&] { return init(env, Napi::Object(env, exports)); });
}
