// Which table: asked of the processor, and of the environment, once.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernels/tables.h"

#if PACKED_RNN_X64 && defined(_MSC_VER)
#include <intrin.h>
#elif PACKED_RNN_X64
#include <cpuid.h>
#endif

namespace packed_rnn {
namespace {

struct Cpu {
  bool avx2 = false;
  bool avx512 = false;
  bool avx512_halved = false;   // with fma units of half the width, which a vector passes through in two halves: Zen 4
  std::size_t before_slow = 0;  // bytes of the cache before one that is slow; 0: there is none
};

#if PACKED_RNN_X64

struct Registers {
  std::uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  Registers r = {};
#if defined(_MSC_VER) && !defined(__clang__)
  int info[4];
  __cpuidex(info, static_cast<int>(leaf), static_cast<int>(subleaf));
  std::memcpy(&r, info, sizeof r);
#else
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

// Which register states the operating system saves: a processor that has AVX is of no use under one that loses it.
// (macOS begins to save those of AVX-512 when a program first uses them, and so stays with AVX2.)
std::uint64_t xcr0() {
#if defined(_MSC_VER) && !defined(__clang__)
  return _xgetbv(0);
#else
  std::uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

// One of AMD's family 25 that has AVX-512.
bool is_zen4(const Registers& vendor, std::uint32_t signature) {
  const bool amd = vendor.ebx == 0x68747541 && vendor.edx == 0x69746e65 && vendor.ecx == 0x444d4163;  // AuthenticAMD
  return amd && (signature >> 8 & 15) + (signature >> 20 & 255) == 25;
}

// Of Intel's processors, those with a large second-level cache: their third one spans the chip, and gives a core an
// eighth of what the second does.
std::size_t before_slow(const Registers& vendor) {
  const bool intel = vendor.ebx == 0x756e6547 && vendor.edx == 0x49656e69 && vendor.ecx == 0x6c65746e;  // GenuineIntel
  // A hypervisor may have no end of caches.
  for (std::uint32_t i = 0; intel && i < 16; ++i) {
    const Registers cache = cpuid(4, i);
    const std::uint32_t type = cache.eax & 31, level = cache.eax >> 5 & 7;
    if (type == 0) break;
    const std::size_t ways = (cache.ebx >> 22) + 1, partitions = (cache.ebx >> 12 & 1023) + 1,
                      line = (cache.ebx & 4095) + 1, bytes = ways * partitions * line * (cache.ecx + std::size_t(1));
    if (level == 2) return bytes < 1 << 20 ? 0 : bytes;
  }
  return 0;
}

Cpu detect() {
  Cpu cpu;
  const Registers vendor = cpuid(0);
  if (vendor.eax < 7) return cpu;
  const Registers model = cpuid(1);
  const std::uint32_t features = model.ecx, extended = cpuid(7).ebx;
  const bool osxsave = features >> 27 & 1, avx = features >> 28 & 1, fma = features >> 12 & 1;
  if (!osxsave || !avx) return cpu;
  const std::uint64_t saved = xcr0(), ymm = 0x06, zmm = 0xe6;
  cpu.avx2 = fma && (extended >> 5 & 1) && (saved & ymm) == ymm;
  const bool avx512 = cpu.avx2 && (extended >> 16 & 1) && (saved & zmm) == zmm;
  cpu.avx512_halved = avx512 && is_zen4(vendor, model.eax);
  cpu.avx512 = avx512 && !cpu.avx512_halved;
  cpu.before_slow = before_slow(vendor);
  return cpu;
}

#else

Cpu detect() {
  return {};
}

#endif

struct List {
  Kernels kernels[4] = {};
  const Kernels* tables[4] = {};
  std::size_t count = 0;

  List() {
    const Cpu cpu = detect();
#define PACKED_RNN_ISA(name, supported) \
  if (supported) kernels[count++] = name##_kernels;
#include "kernels/isa.inc"
#undef PACKED_RNN_ISA
    for (std::size_t i = 0; i < count; ++i) {
      constexpr std::size_t fused_rows = 20;  // on an Emerald Rapids
      if (cpu.before_slow > 0) kernels[i].caches = {cpu.before_slow, cpu.before_slow, fused_rows};
      tables[i] = &kernels[i];
    }
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
};

}  // namespace

Supported supported_kernels() {
  static const List list;
  return {list.tables, list.count};
}

const char* forced_isa() {
  const char* const name = std::getenv("PACKED_RNN_ISA");
  return name && *name ? name : nullptr;
}

const Kernels* select_kernels(const char* isa) {
  const Supported supported = supported_kernels();
  if (!isa) return supported.tables[0];
  for (std::size_t i = 0; i < supported.count; ++i) {
    if (std::strcmp(supported.tables[i]->isa, isa) == 0) return supported.tables[i];
  }
  return nullptr;
}

}  // namespace packed_rnn
