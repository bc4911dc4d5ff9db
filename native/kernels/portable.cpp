// Plain C++, for any processor: what the others are tested against, and what runs where they can't.
#include "kernels/tables.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace packed_rnn {
namespace {

#if defined(__FMA__) || defined(PACKED_RNN_ARM64)
#define PACKED_RNN_FUSED PACKED_RNN_INLINE
#else
#define PACKED_RNN_FUSED PACKED_RNN_NOINLINE  // too long to stand in every unrolled loop
#endif

// a * b + c, rounded once. Processors without an fma instruction get it in double: the product is exact there, and a
// sum rounded to odd (a lost part sets the last bit) rounds to float as the exact sum would.
PACKED_RNN_INLINE float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(PACKED_RNN_ARM64)
  return std::fma(a, b, c);
#else
  const double product = static_cast<double>(a) * static_cast<double>(b), addend = c;
  const double sum = product + addend;
  const double part = sum - product;
  const double lost = (product - (sum - part)) + (addend - part);
  std::uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  // Nothing is lost of an infinity, although the difference then is NaN.
  const bool inexact = lost < 0 || lost > 0;
  if (inexact && !(bits & 1)) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  double odd;
  std::memcpy(&odd, &bits, sizeof odd);
  return static_cast<float>(odd);
#endif
}

struct Portable {
  static constexpr std::size_t lanes = 4, accumulators = 8, lstm_vectors = 4;
  struct Float {
    float lane[lanes];
  };

  template <float (*function)(float, float)>
  static PACKED_RNN_INLINE Float each(Float a, Float b) {
    Float result;
    for (std::size_t i = 0; i < lanes; ++i) result.lane[i] = function(a.lane[i], b.lane[i]);
    return result;
  }
  static float sum_of(float a, float b) { return a + b; }
  static float difference_of(float a, float b) { return a - b; }
  static float product_of(float a, float b) { return a * b; }
  static float quotient_of(float a, float b) { return a / b; }
  static float greater_of(float a, float b) { return a > b ? a : b; }
  static float lesser_of(float a, float b) { return a < b ? a : b; }

  static PACKED_RNN_INLINE Float set(float a) { return {{a, a, a, a}}; }
  static PACKED_RNN_INLINE Float broadcast(const float* a) { return set(*a); }
  static PACKED_RNN_INLINE Float load(const float* a) { return load_some(a, lanes); }
  static PACKED_RNN_INLINE void store(float* a, Float b) { store_some(a, b, lanes); }
  static PACKED_RNN_INLINE Float load_some(const float* a, std::size_t count) {
    Float result = {};
    std::memcpy(result.lane, a, count * sizeof(float));
    return result;
  }
  static PACKED_RNN_INLINE void store_some(float* a, Float b, std::size_t count) {
    std::memcpy(a, b.lane, count * sizeof(float));
  }
  static PACKED_RNN_INLINE void keep_order(Float&) {}
  static PACKED_RNN_INLINE Float add(Float a, Float b) { return each<sum_of>(a, b); }
  static PACKED_RNN_INLINE Float sub(Float a, Float b) { return each<difference_of>(a, b); }
  static PACKED_RNN_INLINE Float mul(Float a, Float b) { return each<product_of>(a, b); }
  static PACKED_RNN_INLINE Float div(Float a, Float b) { return each<quotient_of>(a, b); }
  static PACKED_RNN_FUSED Float fma(Float a, Float b, Float c) {
    Float result;
    for (std::size_t i = 0; i < lanes; ++i) result.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
    return result;
  }
  static PACKED_RNN_INLINE Float at_least(float a, Float b) { return each<greater_of>(set(a), b); }
  static PACKED_RNN_INLINE Float at_most(float a, Float b) { return each<lesser_of>(set(a), b); }
  static PACKED_RNN_INLINE Float zero_if_less(Float a, Float b, float limit) {
    Float result;
    for (std::size_t i = 0; i < lanes; ++i) result.lane[i] = b.lane[i] < limit ? 0.0f : a.lane[i];
    return result;
  }
  static PACKED_RNN_INLINE Float power_of_two(Float a) {
    std::uint32_t bits[lanes];
    std::memcpy(bits, a.lane, sizeof bits);
    for (std::uint32_t& lane : bits) lane <<= 23;
    Float result;
    std::memcpy(result.lane, bits, sizeof bits);
    return result;
  }
};

#include "kernels/generic.inl"

}  // namespace

constexpr Kernels portable_kernels = make_kernels<Portable>("portable");

}  // namespace packed_rnn
