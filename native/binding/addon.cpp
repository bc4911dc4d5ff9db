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

Napi::Object init(Napi::Env env, Napi::Object exports) {
  ++environments;
  env.AddCleanupHook([] {
    if (--environments > 0) return;
    stop_threads();
    release_workspaces();
  });
  env.SetInstanceData(new Queue(env));
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
