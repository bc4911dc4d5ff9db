// From JavaScript values to views of their memory. The checks here are of memory and kind alone: what a value means has
// been checked in TypeScript.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "core/memory.h"
#include "core/view.h"

namespace packed_rnn::binding {

// A JavaScript error with one of the codes of lib/errors.ts.
inline Napi::Error coded(Napi::Error error, const char* code) {
  error.Set("code", Napi::String::New(error.Env(), code));
  return error;
}

[[noreturn]] inline void throw_type(Napi::Env env, const std::string& message) {
  throw coded(Napi::TypeError::New(env, message), "ERR_ARG_TYPE");
}

[[noreturn]] inline void throw_range(Napi::Env env, const char* code, const std::string& message) {
  throw coded(Napi::RangeError::New(env, message), code);
}

// A typed array of any type. A detached or empty one has no data.
struct Array {
  std::byte* data = nullptr;
  std::size_t size = 0;          // in elements
  std::size_t element_size = 0;  // in bytes
  napi_typedarray_type type = napi_uint8_array;
};

inline std::size_t element_size(napi_typedarray_type type) {
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 1;
  }
}

inline Array array(Napi::Value value, const char* argument) {
  Array result;
  void* data = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, &result.type, &result.size, &data, nullptr, nullptr) != napi_ok) {
    throw_type(value.Env(), std::string("Expected a typed array for ") + argument);
  }
  result.data = static_cast<std::byte*>(data);
  result.element_size = element_size(result.type);
  return result;
}

template <class T>
inline constexpr napi_typedarray_type type_of = napi_float32_array;
template <>
inline constexpr napi_typedarray_type type_of<std::int32_t> = napi_int32_array;

// A typed array of T (float or int32).
template <class T>
View<T> view(Napi::Value value, const char* argument) {
  const Array found = array(value, argument);
  if (found.type != type_of<T>)
    throw_type(value.Env(), std::string("Another typed array was expected for ") + argument);
  return {reinterpret_cast<T*>(found.data), found.size};
}

// An output that the core is about to write all over.
inline void prefault(const Array& output) {
  packed_rnn::prefault(output.data, output.size * output.element_size);
}
inline void prefault(View<float> output) {
  packed_rnn::prefault(output.data, output.size * sizeof(float));
}

inline bool is_null(Napi::Value value) {
  const napi_valuetype type = value.Type();
  return type == napi_null || type == napi_undefined;
}

// As view, or an empty view for null.
template <class T>
View<T> optional_view(Napi::Value value, const char* argument) {
  return is_null(value) ? View<T>() : view<T>(value, argument);
}

// A count: a whole number from 0 to 2^53.
inline std::size_t count(Napi::Value value, const char* argument) {
  double number = -1;
  napi_get_value_double(value.Env(), value, &number);
  if (!(number >= 0 && number <= 9007199254740992.0 && number == std::floor(number))) {
    throw_type(value.Env(), std::string("Expected a count for ") + argument);
  }
  return static_cast<std::size_t>(number);
}

inline bool flag(Napi::Value value, const char* argument) {
  bool result = false;
  if (napi_get_value_bool(value.Env(), value, &result) != napi_ok) {
    throw_type(value.Env(), std::string("Expected a boolean for ") + argument);
  }
  return result;
}

// a * b, or an error: no size is used before it is known not to have wrapped.
inline std::size_t product(Napi::Env env, std::size_t a, std::size_t b) {
  if (b != 0 && a > SIZE_MAX / b)
    throw_range(env, "ERR_SHAPE", "The sizes are too large for the memory of any machine");
  return a * b;
}

inline void expect_size(Napi::Env env, std::size_t size, std::size_t expected, const char* argument) {
  if (size == expected) return;
  throw_range(env, "ERR_SHAPE",
              "Expected " + std::to_string(expected) + " elements for " + argument + " but received " +
                  std::to_string(size) + ": was its memory detached, or its structure written to?");
}

inline std::size_t rows_of(Napi::Env env, std::size_t size, std::size_t width, const char* argument) {
  const std::size_t rows = width == 0 ? 0 : size / width;
  expect_size(env, size, rows * width, argument);
  return rows;
}

}  // namespace packed_rnn::binding
