// What each part of the binding adds to the module.
#pragma once

#include <napi.h>

#include "binding/convert.h"

namespace packed_rnn::binding {

void export_runtime(Napi::Env env, Napi::Object exports);    // the instruction set, threads
void export_sequence(Napi::Env env, Napi::Object exports);   // packing
void export_recurrent(Napi::Env env, Napi::Object exports);  // recurrent modules
void export_layers(Napi::Env env, Napi::Object exports);     // linear, embed

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(env, name));
}

}  // namespace packed_rnn::binding
