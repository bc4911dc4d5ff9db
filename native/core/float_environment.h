// How a thread's processor rounds, and whether it takes subnormals for zeros. Results must not depend on the caller's:
// other code of the process may have changed it, as a library linked with -ffast-math does, for the thread that loads
// it and for those that this one starts.
#pragma once

#include <cstdint>

#if defined(_MSC_VER) && !defined(__GNUC__)
#include <float.h>
#endif

namespace packed_rnn {

// To nearest, with subnormals taken for zeros, for as long as it lives; then what was before. Intel's processors
// compute with subnormals in microcode: a step from a state that has decayed to them took 80 times as long. What is
// computed meanwhile must come from memory and go there: that is all that keeps a compiler from computing it before or
// after.
class FloatEnvironment {
 public:
  FloatEnvironment() {
    if (differs(before_)) write(ours);
  }
  ~FloatEnvironment() {
    if (differs(before_)) write(before_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__GNUC__) && defined(__x86_64__)
  // MXCSR: no exception traps, FTZ and DAZ; its low bits say which exceptions have occurred.
  using Control = std::uint32_t;
  static constexpr Control ours = 0x1f80 | 0x8040, occurred = 0x3f;
  static Control read() {
    Control control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    return control;
  }
  static void write(Control control) { __asm__ volatile("ldmxcsr %0" : : "m"(control) : "memory"); }
#elif defined(__GNUC__) && defined(__aarch64__)
  using Control = std::uint64_t;  // FPCR: FZ
  static constexpr Control ours = 1 << 24, occurred = 0;
  static Control read() {
    Control control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void write(Control control) { __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
#elif defined(_MSC_VER)
  using Control = unsigned;
  static constexpr Control ours = _RC_NEAR | _DN_FLUSH, occurred = ~Control(_MCW_RC | _MCW_DN);
  static Control read() {
    Control control;
    _controlfp_s(&control, 0, 0);
    return control;
  }
  static void write(Control control) { _controlfp_s(&control, control, ~occurred); }
#else
  using Control = int;
  static constexpr Control ours = 0, occurred = 0;
  static Control read() { return ours; }
  static void write(Control) {}
#endif
  static bool differs(Control control) { return (control & ~occurred) != ours; }

  const Control before_ = read();
};

}  // namespace packed_rnn
