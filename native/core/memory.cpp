#include "core/memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace packed_rnn {

#if defined(__linux__)
namespace {

#if !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23  // older headers; kernels before 5.14 refuse it, and pages come one by one as ever
#endif

// Less is brief to fault in, and to write where the pages are there.
constexpr std::size_t least_prefaulted = 128 << 10;

constexpr std::uintptr_t round_down(std::uintptr_t address, std::size_t unit) {
  return address / unit * unit;
}

}  // namespace

void prefault(void* data, std::size_t bytes) {
  if (bytes < least_prefaulted) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(data), end = begin + bytes;
  const auto advise = [&](std::size_t unit, int advice) {
    const std::uintptr_t first = round_down(begin + unit - 1, unit), last = round_down(end, unit);
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, advice);
  };
  // malloc hands out again what was freed from the front on: if the last page is there, so are the others.
  unsigned char present = 0;
  if (mincore(reinterpret_cast<void*>(round_down(end, page) - page), page, &present) != 0 || (present & 1)) return;
  advise(huge_page, MADV_HUGEPAGE);
  advise(page, MADV_POPULATE_WRITE);
}

#else

void prefault(void*, std::size_t) {}

#endif

}  // namespace packed_rnn
