// NEON: 4 lanes, 32 registers, 24 of them sums. Part of every arm64 processor, so it needs no region.
#include "kernels/tables.h"

#if PACKED_RNN_ARM64

#include <arm_neon.h>

#include <cstring>

namespace packed_rnn {
namespace {

struct Neon {
  using Float = float32x4_t;
  using Broadcast = float;
  static constexpr std::size_t lanes = 4, accumulators = 24, turn = 1, lstm_vectors = 4;
  static constexpr double fma_cost = 1;
  static constexpr bool fma_broadcasts = false, may_be_halved = false, small_caches = false, fetches_beginnings = false;

  static PACKED_RNN_INLINE Float set(float a) { return vdupq_n_f32(a); }
  static PACKED_RNN_INLINE Broadcast broadcast(const float* a) { return *a; }
  static PACKED_RNN_INLINE Float load(const float* a) { return vld1q_f32(a); }
  static PACKED_RNN_INLINE void store(float* a, Float b) { vst1q_f32(a, b); }
  static PACKED_RNN_INLINE Float load_some(const float* a, std::size_t count) {
    if (count == lanes) return load(a);
    float some[lanes] = {};
    std::memcpy(some, a, count * sizeof(float));
    return load(some);
  }
  static PACKED_RNN_INLINE void store_some(float* a, Float b, std::size_t count) {
    if (count == lanes) return store(a, b);
    float some[lanes];
    store(some, b);
    std::memcpy(a, some, count * sizeof(float));
  }
  static PACKED_RNN_INLINE void keep_loaded(Float&) {}
  static PACKED_RNN_INLINE Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static PACKED_RNN_INLINE Float sub(Float a, Float b) { return vsubq_f32(a, b); }
  static PACKED_RNN_INLINE Float mul(Float a, Float b) { return vmulq_f32(a, b); }
  static PACKED_RNN_INLINE Float div(Float a, Float b) { return vdivq_f32(a, b); }
  static PACKED_RNN_INLINE Float fma(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
#if defined(__GNUC__)
  // As an instruction, which takes one lane for all: compilers would else fill a register with that number now and then
  // (ld1r), and to fill one takes time of an fma unit. In its place: GCC would else load more rows' numbers at once
  // than there are registers for.
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Broadcast b) {
    __asm__ volatile("fmla %0.4s, %1.4s, %2.s[0]" : "+w"(sum) : "w"(a), "w"(b));
  }
#else
  static PACKED_RNN_INLINE void multiply_add(Float& sum, Float a, Broadcast b) { sum = fma(a, set(b), sum); }
#endif
  static PACKED_RNN_INLINE Float fma(Float a, Broadcast b, Float c) {
    multiply_add(c, a, b);
    return c;
  }
  // By comparison, not by the maximum instruction, so that NaN and the sign of zero are as on x86.
  static PACKED_RNN_INLINE Float at_least(float a, Float b) { return vbslq_f32(vcgtq_f32(set(a), b), set(a), b); }
  static PACKED_RNN_INLINE Float at_most(float a, Float b) { return vbslq_f32(vcltq_f32(set(a), b), set(a), b); }
  static PACKED_RNN_INLINE Float power_of_two(Float a) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(a), 23));
  }
};

#include "kernels/generic.inl"

}  // namespace

constexpr Kernels neon_kernels = make_kernels<Neon>("neon", "neon");

}  // namespace packed_rnn

#endif
