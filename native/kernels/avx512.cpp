// AVX-512: 16 lanes, 32 registers, 24 of them sums. The four gates of an LSTM are two streams of two: a tile of 12 rows
// x 2 vectors reads half as many weights for each fma as one of 6 x 4, and two fma units of 512 bits would wait for
// those.
#include "kernels/tables.h"

#if PACKED_RNN_X64

#include <immintrin.h>

// From clang 18 to 20 a 512-bit region must say so; clang 16 and GCC do not know the word. GCC would keep row pointers
// for which it has no register in vector registers, and to fetch one from there takes time of an fma unit; tuned for
// Haswell it keeps them on the stack.
#if defined(__clang__) && __clang_major__ >= 18
PACKED_RNN_REGION("avx512f,evex512")
#elif defined(__clang__)
PACKED_RNN_REGION("avx512f")
#else
PACKED_RNN_REGION("avx512f,tune=haswell")
#endif

namespace packed_rnn {
namespace {

struct Avx512 {
  using Float = __m512;
  using Broadcast = Float;
  static constexpr std::size_t lanes = 16, accumulators = 24, turn = 4, lstm_vectors = 2;
  static constexpr double fma_cost = 1;
  static constexpr bool fma_broadcasts = true, may_be_halved = true, small_caches = false, fetches_beginnings = true;

  static PACKED_RNN_INLINE Float set(float a) { return _mm512_set1_ps(a); }
  static PACKED_RNN_INLINE Float broadcast(const float* a) { return _mm512_set1_ps(*a); }
  static PACKED_RNN_INLINE Float load(const float* a) { return _mm512_loadu_ps(a); }
  static PACKED_RNN_INLINE void store(float* a, Float b) { _mm512_storeu_ps(a, b); }
  static PACKED_RNN_INLINE __mmask16 mask(std::size_t count) { return static_cast<__mmask16>((1u << count) - 1); }
  static PACKED_RNN_INLINE Float load_some(const float* a, std::size_t count) {
    return _mm512_maskz_loadu_ps(mask(count), a);
  }
  static PACKED_RNN_INLINE void store_some(float* a, Float b, std::size_t count) {
    _mm512_mask_storeu_ps(a, mask(count), b);
  }
  static PACKED_RNN_INLINE void keep_loaded([[maybe_unused]] Float& a) { PACKED_RNN_KEEP_LOADED(a); }
  static PACKED_RNN_INLINE Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static PACKED_RNN_INLINE Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static PACKED_RNN_INLINE Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static PACKED_RNN_INLINE Float div(Float a, Float b) { return _mm512_div_ps(a, b); }
  static PACKED_RNN_INLINE Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
#if defined(__GNUC__)
  // As instructions, in the register of the sum: GCC would else take another for it now and then, and both would load
  // for two fmas what each can broadcast.
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Float b) {
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
  static PACKED_RNN_INLINE void multiply_add_broadcast(Float& sum, Float a, const float* b) {
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(a), "m"(*b));
  }
#else
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Float b) { sum = fma(a, b, sum); }
  static PACKED_RNN_INLINE void multiply_add_broadcast(Float& sum, Float a, const float* b) {
    sum = fma(a, broadcast(b), sum);
  }
#endif
  // The second operand is the one returned when either is NaN.
  static PACKED_RNN_INLINE Float at_least(float a, Float b) { return _mm512_max_ps(set(a), b); }
  static PACKED_RNN_INLINE Float at_most(float a, Float b) { return _mm512_min_ps(set(a), b); }
  static PACKED_RNN_INLINE Float power_of_two(Float a) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23));
  }
};

#include "kernels/generic.inl"

}  // namespace

// With fma units of 512 bits, multiplying x takes little beside waiting for weights; and steps that carry it on lose
// more of the closest cache to it than they gain. With units of half the width they gain.
constexpr Kernels avx512_kernels = make_kernels<Avx512>("avx512", "avx512");
constexpr Kernels avx512_halved_kernels = make_kernels<Avx512>("avx512_halved", "avx512", true);

}  // namespace packed_rnn

PACKED_RNN_REGION_END

#endif
