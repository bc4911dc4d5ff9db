// The transpose of a small square of elements, in as many zips as it has bits of width:
//
//   a0 a1 a2 a3       a0 c0 a1 c1       a0 b0 c0 d0
//   b0 b1 b2 b3   →   a2 c2 a3 c3   →   a1 b1 c1 d1
//   c0 c1 c2 c3       b0 d0 b1 d1       a2 b2 c2 d2
//   d0 d1 d2 d3       b2 d2 b3 d3       a3 b3 c3 d3
//
// A zip is one or two instructions of every SIMD unit there is, and the language of gcc and clang can say it without
// naming one. Plain C++ can't, so that the vectorisers find it sometimes, and at other times lose a factor of ten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace packed_rnn {

// The bytes of a vector, and so the side of the square.
constexpr std::size_t vector_bytes = 16;

template <std::size_t size>
using Element = std::conditional_t<
    size == 1, std::uint8_t,
    std::conditional_t<size == 2, std::uint16_t, std::conditional_t<size == 4, std::uint32_t, std::uint64_t>>>;

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define PACKED_RNN_HAS_SHUFFLE
#endif
#endif

#ifdef PACKED_RNN_HAS_SHUFFLE

template <std::size_t size>
struct Vector {
  typedef Element<size> type __attribute__((vector_size(vector_bytes)));
};

template <class V, std::size_t... i>
[[gnu::always_inline]] inline void zip(V a, V b, V& low, V& high, std::index_sequence<i...>) {
  constexpr int n = sizeof...(i);
  low = __builtin_shufflevector(a, b, (static_cast<int>(i) / 2 + static_cast<int>(i) % 2 * n)...);
  high = __builtin_shufflevector(a, b, ((static_cast<int>(i) + n) / 2 + static_cast<int>(i) % 2 * n)...);
}

// Zips the first half of the vectors with the second, until every element has come to its place.
template <std::size_t zips, class V, std::size_t n>
[[gnu::always_inline]] inline void zip_halves(const V (&from)[n], V (&to)[n]) {
  V zipped[n];
  for (std::size_t i = 0; i < n / 2; ++i) {
    zip(from[i], from[i + n / 2], zipped[2 * i], zipped[2 * i + 1], std::make_index_sequence<n>());
  }
  if constexpr (zips * 2 == n) {
    for (std::size_t i = 0; i < n; ++i) to[i] = zipped[i];
  } else {
    zip_halves<zips * 2>(zipped, to);
  }
}

// Line j of `to` becomes what the lines of `from` hold at j, for a square of elements of `size` bytes, vector_bytes a
// side; from(i) and to(j) say where lines are.
template <std::size_t size, class From, class To>
[[gnu::always_inline]] inline void transpose(From from, To to) {
  constexpr std::size_t n = vector_bytes / size;
  typename Vector<size>::type lines[n];
  for (std::size_t i = 0; i < n; ++i) std::memcpy(&lines[i], from(i), vector_bytes);
  zip_halves<1>(lines, lines);
  for (std::size_t j = 0; j < n; ++j) std::memcpy(to(j), &lines[j], vector_bytes);
}

#else

template <std::size_t size, class From, class To>
void transpose(From from, To to) {
  constexpr std::size_t n = vector_bytes / size;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) std::memcpy(to(j) + i * size, from(i) + j * size, size);
  }
}

#endif

}  // namespace packed_rnn
