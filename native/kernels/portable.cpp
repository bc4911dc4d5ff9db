// For any processor: what the others are tested against, and what runs where they can't. Plain C++ but for the fma of
// x86 processors that have none, which uses what all of them have (SSE2).
#include "kernels/tables.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#if PACKED_RNN_X64 && !defined(__FMA__)
#include <emmintrin.h>
#define PACKED_RNN_SSE2_FMA 1
#endif

namespace packed_rnn {
namespace {

#if PACKED_RNN_SSE2_FMA

// a * b + c of two lanes in double, where the product is exact.
struct InDouble {
  __m128d product, addend, sum;

  PACKED_RNN_INLINE InDouble(__m128 a, __m128 b, __m128 c)
      : product(_mm_mul_pd(_mm_cvtps_pd(a), _mm_cvtps_pd(b))),
        addend(_mm_cvtps_pd(c)),
        sum(_mm_add_pd(product, addend)) {}

  // The sum, itself rounded, rounds to float as the exact one would, unless it now is the very middle between two
  // floats: a one and then zeros in the 29 bits that a float lacks. Nearly none is. That subnormal floats lack more
  // bits does not matter: they are taken for zeros.
  PACKED_RNN_INLINE __m128i may_round_twice() const {
    const __m128i lacking = _mm_and_si128(_mm_castpd_si128(sum), _mm_set1_epi64x(0x1fffffff));
    return _mm_cmpeq_epi32(lacking, _mm_set1_epi64x(static_cast<long long>(0xffffffff10000000)));
  }

  // The sum rounded to odd: a lost part sets the last bit, so that it is no middle.
  PACKED_RNN_INLINE __m128d odd() const {
    const __m128d part = _mm_sub_pd(sum, product), zero = _mm_setzero_pd();
    const __m128d lost = _mm_add_pd(_mm_sub_pd(product, _mm_sub_pd(sum, part)), _mm_sub_pd(addend, part));
    // Nothing is lost of an infinity, although the difference then is NaN.
    const __m128d inexact = _mm_or_pd(_mm_cmplt_pd(lost, zero), _mm_cmpgt_pd(lost, zero));
    const __m128i inwards = _mm_castpd_si128(_mm_xor_pd(_mm_cmpgt_pd(lost, zero), _mm_cmpgt_pd(sum, zero)));
    const __m128i bits = _mm_castpd_si128(sum), even = _mm_andnot_si128(bits, _mm_set1_epi64x(1));
    const __m128i one = _mm_and_si128(even, _mm_castpd_si128(inexact));
    return _mm_castsi128_pd(_mm_add_epi64(bits, _mm_sub_epi64(_mm_xor_si128(one, inwards), inwards)));
  }
};

PACKED_RNN_INLINE __m128 in_float(__m128d low, __m128d high) {
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}

PACKED_RNN_NOINLINE __m128 fused_by_odd(InDouble low, InDouble high) {
  return in_float(low.odd(), high.odd());
}

// a * b + c, rounded once.
PACKED_RNN_INLINE __m128 fused(__m128 a, __m128 b, __m128 c) {
  const InDouble low(a, b, c), high(_mm_movehl_ps(a, a), _mm_movehl_ps(b, b), _mm_movehl_ps(c, c));
  const __m128i delicate = _mm_or_si128(low.may_round_twice(), high.may_round_twice());
  return _mm_movemask_epi8(delicate) ? fused_by_odd(low, high) : in_float(low.sum, high.sum);
}

#endif

struct Portable {
  static constexpr std::size_t lanes = 4, accumulators = 8, turn = 1, lstm_vectors = 4;
  static constexpr double fma_cost = 32;
  static constexpr bool fma_broadcasts = false, may_be_halved = false, small_caches = false, fetches_beginnings = false;
  struct Float {
    float lane[lanes];
  };
  using Broadcast = Float;

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
  static PACKED_RNN_INLINE void keep_loaded(Float&) {}
  static PACKED_RNN_INLINE Float add(Float a, Float b) { return each<sum_of>(a, b); }
  static PACKED_RNN_INLINE Float sub(Float a, Float b) { return each<difference_of>(a, b); }
  static PACKED_RNN_INLINE Float mul(Float a, Float b) { return each<product_of>(a, b); }
  static PACKED_RNN_INLINE Float div(Float a, Float b) { return each<quotient_of>(a, b); }
  static PACKED_RNN_INLINE Float fma(Float a, Float b, Float c) {
    Float result;
#if PACKED_RNN_SSE2_FMA
    _mm_storeu_ps(result.lane, fused(_mm_loadu_ps(a.lane), _mm_loadu_ps(b.lane), _mm_loadu_ps(c.lane)));
#else
    for (std::size_t i = 0; i < lanes; ++i) result.lane[i] = std::fma(a.lane[i], b.lane[i], c.lane[i]);
#endif
    return result;
  }
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Float b) { sum = fma(a, b, sum); }
  static PACKED_RNN_INLINE Float at_least(float a, Float b) { return each<greater_of>(set(a), b); }
  static PACKED_RNN_INLINE Float at_most(float a, Float b) { return each<lesser_of>(set(a), b); }
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

constexpr Kernels portable_kernels = make_kernels<Portable>("portable", "portable");

}  // namespace packed_rnn
