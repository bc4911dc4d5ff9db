// Memory for what the kernels read: aligned to a cache line, and large blocks to a huge page. And new pages for what
// they write.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace packed_rnn {

constexpr std::size_t cache_line = 64, huge_page = std::size_t(2) << 20;

// How far from each other two threads should write again and again: processors fetch lines in pairs, and who reads one
// row after another has the next lines fetched as well. A line of another thread that is fetched so must be got back
// from it, which takes as long as a small step where the two cores share no cache.
constexpr std::size_t apart = 4 * cache_line;

// From row to row of a block of our own, in floats: whole lines, and one more than it takes, for rows a power of two
// apart fall into few sets of the caches.
constexpr std::size_t row_stride(std::size_t size) {
  constexpr std::size_t line = cache_line / sizeof(float);
  return (size / line + 2) * line;
}

class Floats {
 public:
  Floats() = default;
  explicit Floats(std::size_t size)
      : size_(size), alignment_(size * sizeof(float) < huge_page ? cache_line : huge_page) {
    if (size == 0) return;
    data_ = static_cast<float*>(::operator new(size * sizeof(float), std::align_val_t(alignment_)));
#if defined(__linux__)
    // Advice only: weights of megabytes are read front to back at every step, and small pages cost look-ups.
    if (alignment_ == huge_page) madvise(data_, size * sizeof(float), MADV_HUGEPAGE);
#endif
  }
  Floats(Floats&& other) noexcept { *this = static_cast<Floats&&>(other); }
  Floats& operator=(Floats&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(alignment_, other.alignment_);
    return *this;
  }
  ~Floats() {
    if (data_) ::operator delete(data_, std::align_val_t(alignment_));
  }

  float* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  float* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t alignment_ = cache_line;
};

// Gets the pages of a block that is about to be written all over, where it is large and its pages are new. One request
// for all of them costs half of what a fault for each does, and next to nothing where huge pages fit in.
void prefault(void* data, std::size_t bytes);

}  // namespace packed_rnn
