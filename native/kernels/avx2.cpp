// AVX2 with FMA: 8 lanes, 16 registers, 12 of them sums. The four gates of an LSTM are two streams of two, since a tile
// of 6 rows x 2 vectors needs fewer loads for each fma than one of 3 x 4.
#include "kernels/tables.h"

#if PACKED_RNN_X64

#include <immintrin.h>

PACKED_RNN_REGION("avx2,fma")

namespace packed_rnn {
namespace {

struct Avx2 {
  using Float = __m256;
  using Broadcast = Float;
  static constexpr std::size_t lanes = 8, accumulators = 12, turn = 1, lstm_vectors = 2;
  static constexpr double fma_cost = 1;
  static constexpr bool fma_broadcasts = false, may_be_halved = false, fetches_beginnings = false;
  // Where there is no AVX-512, second-level caches mostly have 256 or 512 KiB.
  static constexpr bool small_caches = true;

  static PACKED_RNN_INLINE Float set(float a) { return _mm256_set1_ps(a); }
  static PACKED_RNN_INLINE Float broadcast(const float* a) { return _mm256_broadcast_ss(a); }
  static PACKED_RNN_INLINE Float load(const float* a) { return _mm256_loadu_ps(a); }
  static PACKED_RNN_INLINE void store(float* a, Float b) { _mm256_storeu_ps(a, b); }
  static PACKED_RNN_INLINE __m256i mask(std::size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static PACKED_RNN_INLINE Float load_some(const float* a, std::size_t count) {
    return count == lanes ? load(a) : _mm256_maskload_ps(a, mask(count));
  }
  // Whole vectors without a mask: a masked store is many operations on AMD processors.
  static PACKED_RNN_INLINE void store_some(float* a, Float b, std::size_t count) {
    if (count == lanes) return store(a, b);
    _mm256_maskstore_ps(a, mask(count), b);
  }
  static PACKED_RNN_INLINE void keep_loaded([[maybe_unused]] Float& a) { PACKED_RNN_KEEP_LOADED(a); }
  static PACKED_RNN_INLINE Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static PACKED_RNN_INLINE Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static PACKED_RNN_INLINE Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static PACKED_RNN_INLINE Float div(Float a, Float b) { return _mm256_div_ps(a, b); }
  static PACKED_RNN_INLINE Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Float b) {
    sum = fma(a, b, sum);
    PACKED_RNN_KEEP_ORDER(sum);
  }
  // The second operand is the one returned when either is NaN.
  static PACKED_RNN_INLINE Float at_least(float a, Float b) { return _mm256_max_ps(set(a), b); }
  static PACKED_RNN_INLINE Float at_most(float a, Float b) { return _mm256_min_ps(set(a), b); }
  static PACKED_RNN_INLINE Float power_of_two(Float a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 23));
  }
};

// A tile's k takes 12 fmas, in six cycles, and 8 loads: so few that the loop's own instructions show beside them, most
// of all where the core's other thread is at work.
#define PACKED_RNN_UNROLL_STEPS PACKED_RNN_UNROLL_BY(4)

#include "kernels/generic.inl"

}  // namespace

constexpr Kernels avx2_kernels = make_kernels<Avx2>("avx2", "avx2");

}  // namespace packed_rnn

PACKED_RNN_REGION_END

#endif
