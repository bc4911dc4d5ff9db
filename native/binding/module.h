// Weights in native memory, owned by a JavaScript value: reported to V8, and freed with it.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "binding/convert.h"

namespace packed_rnn::binding {

struct Handle {
  virtual ~Handle() = default;
};

template <class Module>
struct HandleOf final : Handle {
  template <class... Args>
  explicit HandleOf(Args&&... args) : module(std::forward<Args>(args)...) {}
  const Module module;
};

template <class Module, class... Args>
Napi::Value make_module(Napi::Env env, Args&&... args) {
  auto handle = std::make_unique<HandleOf<Module>>(std::forward<Args>(args)...);
  const auto bytes = static_cast<std::int64_t>(handle->module.bytes());
  const auto external = Napi::External<Handle>::New(env, handle.get(), [bytes](Napi::Env owner, Handle* owned) {
    delete owned;
    Napi::MemoryManagement::AdjustExternalMemory(owner, -bytes);
  });
  handle.release();
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  return external;
}

template <class Module>
const Module& module_of(Napi::Value value) {
  void* data = nullptr;  // and remains so if the value is of another kind
  napi_get_value_external(value.Env(), value, &data);
  const auto* handle = dynamic_cast<const HandleOf<Module>*>(static_cast<Handle*>(data));
  if (!handle) throw_type(value.Env(), "Expected the handle of another module");
  return handle->module;
}

}  // namespace packed_rnn::binding
