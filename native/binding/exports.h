// What each part of the binding adds to the module.
#pragma once

#include <napi.h>

#include <exception>

#include "binding/convert.h"

namespace packed_rnn::binding {

void export_runtime(Napi::Env env, Napi::Object exports);    // the instruction set, threads
void export_sequence(Napi::Env env, Napi::Object exports);   // packing
void export_recurrent(Napi::Env env, Napi::Object exports);  // recurrent modules
void export_stream(Napi::Env env, Napi::Object exports);     // streams
void export_layers(Napi::Env env, Napi::Object exports);     // linear, embed

// What body() returns, or a JavaScript exception. No C++ exception leaves this, and none is turned into JavaScript's by
// what asks for memory itself.
template <class Body>
napi_value guarded(napi_env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::exception&) {
    // The standard library throws here only when it cannot have memory.
    napi_throw_range_error(env, "ERR_ALLOCATION", "Not enough memory");
  }
  return nullptr;
}

// A function as Node calls it. To read more than six arguments asks for memory, too.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
napi_value entry(napi_env env, napi_callback_info raw) {
  return guarded(env, [&] { return function(Napi::CallbackInfo(env, raw)); });
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  napi_value value = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, entry<function>, nullptr, &value) != napi_ok) {
    throw Napi::Error::New(env);
  }
  exports.Set(name, value);
}

}  // namespace packed_rnn::binding
