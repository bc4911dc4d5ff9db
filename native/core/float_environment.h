// How a thread's processor rounds, and whether it takes subnormals for zeros. Results must not depend on that, and
// other code of the process may have changed it: a library linked with -ffast-math does, for the thread that loads it
// and for those that this one starts.
#pragma once

#include <cstdint>

#if defined(_MSC_VER) && !defined(__GNUC__)
#include <float.h>
#endif

namespace packed_rnn {

// IEEE's default for as long as it lives; then what was before. What is computed meanwhile must come from memory and go
// there: that is all that keeps a compiler from computing it before or after.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() {
    if (!is_default(before_)) write(by_default);
  }
  ~DefaultFloatEnvironment() {
    if (!is_default(before_)) write(before_);
  }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
#if defined(__GNUC__) && defined(__x86_64__)
  using Control = std::uint32_t;  // MXCSR: no exception traps; its low bits say which have occurred
  static constexpr Control by_default = 0x1f80, occurred = 0x3f;
  static Control read() {
    Control control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    return control;
  }
  static void write(Control control) { __asm__ volatile("ldmxcsr %0" : : "m"(control) : "memory"); }
#elif defined(__GNUC__) && defined(__aarch64__)
  using Control = std::uint64_t;  // FPCR
  static constexpr Control by_default = 0, occurred = 0;
  static Control read() {
    Control control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void write(Control control) { __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
#elif defined(_MSC_VER)
  using Control = unsigned;
  static constexpr Control by_default = _RC_NEAR | _DN_SAVE, occurred = ~Control(_MCW_RC | _MCW_DN);
  static Control read() {
    Control control;
    _controlfp_s(&control, 0, 0);
    return control;
  }
  static void write(Control control) { _controlfp_s(&control, control, ~occurred); }
#else
  using Control = int;
  static constexpr Control by_default = 0, occurred = 0;
  static Control read() { return by_default; }
  static void write(Control) {}
#endif
  static bool is_default(Control control) { return (control & ~occurred) == by_default; }

  const Control before_ = read();
};

}  // namespace packed_rnn
