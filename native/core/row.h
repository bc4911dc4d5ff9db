// Moving one row, and filling the place of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/memory.h"
#include "core/sequence.h"

namespace packed_rnn {

// Most rows are short, and a call of memcpy costs more than it copies. So the size of a row is a type: one that the
// compiler knows, one that two overlapping copies cover, or any.

template <std::size_t bytes>
struct Exactly {
  static constexpr std::size_t size = bytes;
  static constexpr std::size_t most = bytes;
  void copy(std::byte* to, const std::byte* from) const { std::memcpy(to, from, bytes); }
};

template <std::size_t half>  // half <= size <= 2 * half
struct Around {
  std::size_t size;
  static constexpr std::size_t most = 2 * half;
  void copy(std::byte* to, const std::byte* from) const {
    std::memcpy(to, from, half);
    std::memcpy(to + size - half, from + size - half, half);
  }
};

struct Any {
  std::size_t size;
  static constexpr std::size_t most = SIZE_MAX;
  void copy(std::byte* to, const std::byte* from) const { std::memcpy(to, from, size); }
};

template <class Function>
void with_row(std::size_t bytes, Function function) {
  switch (bytes) {
    case 1:
      return function(Exactly<1>());
    case 2:
      return function(Exactly<2>());
    case 4:
      return function(Exactly<4>());
    case 8:
      return function(Exactly<8>());
    case 16:
      return function(Exactly<16>());
  }
  if (bytes < 4) return function(Around<2>{bytes});
  if (bytes < 8) return function(Around<4>{bytes});
  if (bytes < 16) return function(Around<8>{bytes});
  if (bytes <= 32) return function(Around<16>{bytes});
  if (bytes <= 64) return function(Around<32>{bytes});
  if (bytes <= 128) return function(Around<64>{bytes});
  function(Any{bytes});
}

// Moves a row from a if that is const, else to a: packing and unpacking are one algorithm.
template <class Row, class A, class B>
void transfer(Row row, A* a, B* b) {
  if constexpr (std::is_const_v<A>) {
    row.copy(b, a);
  } else {
    row.copy(a, b);
  }
}

// A run of bytes, most often a short one.
inline void copy_run(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > 64) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 32) {
    Around<32>{bytes}.copy(to, from);
  } else if (bytes >= 16) {
    Around<16>{bytes}.copy(to, from);
  } else if (bytes >= 8) {
    Around<8>{bytes}.copy(to, from);
  } else if (bytes >= 4) {
    Around<4>{bytes}.copy(to, from);
  } else if (bytes >= 2) {
    Around<2>{bytes}.copy(to, from);
  } else if (bytes == 1) {
    *to = *from;
  }
}

template <class A, class B>
void transfer(std::size_t bytes, A* a, B* b) {
  if constexpr (std::is_const_v<A>) {
    copy_run(b, a, bytes);
  } else {
    copy_run(a, b, bytes);
  }
}

// Ask for memory that will be needed soon: in the closest cache, or in the one behind it what would crowd the closest.
// A store waits for the line it goes to, and the stores after it wait for the store; a load holds up nothing but what
// needs it. Always inlined: a function that only prefetches has no effect in the eyes of GCC, which drops its calls.
#if defined(__GNUC__)
template <int cache = 1>
[[gnu::always_inline]] inline void read_ahead(const std::byte* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(data + i, 0, 4 - cache);
}
[[gnu::always_inline]] inline void write_ahead(const std::byte* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(data + i, 1);
}
#else
template <int cache = 1>
void read_ahead(const std::byte*, std::size_t) {}
inline void write_ahead(const std::byte*, std::size_t) {}
#endif

class Filler {
 public:
  explicit Filler(Fill fill) {
    for (std::size_t i = 0; i < sizeof(pattern_); i += fill.size) std::memcpy(pattern_ + i, fill.element, fill.size);
  }

  void operator()(std::byte* to, std::size_t bytes) const {
    for (; bytes > sizeof(pattern_); to += sizeof(pattern_), bytes -= sizeof(pattern_)) {
      std::memcpy(to, pattern_, sizeof(pattern_));
    }
    copy_run(to, pattern_, bytes);
  }

  template <class Row>
  void row(Row row, std::byte* to) const {
    row.copy(to, pattern_);
  }
  void row(Any row, std::byte* to) const { (*this)(to, row.size); }

 private:
  std::byte pattern_[128];  // a whole number of elements, and no shorter than any row but Any's
};

}  // namespace packed_rnn
