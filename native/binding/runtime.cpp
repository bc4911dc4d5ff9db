#include "binding/runtime.h"

#include <atomic>
#include <string>

#include "binding/exports.h"
#include "core/threads.h"

namespace packed_rnn::binding {
namespace {

// Chosen once for the process; not if there is none of the name, for the next environment may ask for another.
std::atomic<const Kernels*> chosen{nullptr};

Napi::Value set_num_threads(const Napi::CallbackInfo& info) {
  packed_rnn::set_num_threads(count(info[0], "count"));
  return info.Env().Undefined();
}

Napi::Value get_num_threads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(packed_rnn::get_num_threads()));
}

}  // namespace

const Kernels& kernels() {
  return *chosen.load(std::memory_order_relaxed);
}

void export_runtime(Napi::Env env, Napi::Object exports) {
  const Supported supported = supported_kernels();
  Napi::Array names = Napi::Array::New(env, supported.count);
  std::string list;
  for (std::size_t i = 0; i < supported.count; ++i) {
    names.Set(static_cast<std::uint32_t>(i), supported.tables[i]->isa);
    list += (i ? ", " : "") + std::string(supported.tables[i]->isa);
  }
  if (!chosen) {
    const char* const forced = forced_isa();
    chosen = select_kernels(forced);
    if (!chosen) {
      throw_range(env, "ERR_ISA",
                  "Expected one of " + list + " for the environment variable PACKED_RNN_ISA but received \"" + forced +
                      "\": these are the instruction sets that this processor and this build have");
    }
  }
  exports.Set("isa", kernels().isa);
  exports.Set("supportedIsas", names);
  export_function<set_num_threads>(env, exports, "setNumThreads");
  export_function<get_num_threads>(env, exports, "getNumThreads");
}

}  // namespace packed_rnn::binding
