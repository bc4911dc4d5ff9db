// New pages for large outputs: asked for at once, and nothing else is touched.
#include "core/memory.h"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace packed_rnn {
namespace {

const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

// Pages that nobody has touched yet.
class NewPages {
 public:
  explicit NewPages(std::size_t count) : bytes_(count * page) {
    void* const data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(data);
    // A huge page would bring in the neighbours.
    madvise(data_, bytes_, MADV_NOHUGEPAGE);
  }
  NewPages(const NewPages&) = delete;
  NewPages& operator=(const NewPages&) = delete;
  ~NewPages() { munmap(data_, bytes_); }

  std::byte* data() const { return data_; }
  // How many of the pages [first, last) are in memory.
  std::ptrdiff_t present(std::size_t first, std::size_t last) const {
    std::vector<unsigned char> flags(last - first);
    if (mincore(data_ + first * page, (last - first) * page, flags.data()) != 0) throw std::bad_alloc();
    return std::count_if(flags.begin(), flags.end(), [](unsigned char flag) { return flag & 1; });
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_;
};

// Whether the kernel, Linux 5.14 or newer, can be asked for pages at once (MADV_POPULATE_WRITE).
bool populates() {
  const NewPages pages(1);
  return madvise(pages.data(), page, 23) == 0;
}

TEST(Prefault, GetsThePagesOfALargeBlockAndNoOthers) {
  if (!populates()) GTEST_SKIP() << "this kernel cannot be asked";
  const NewPages pages(1026);
  prefault(pages.data() + page + 4, 1024 * page - 8);
  EXPECT_EQ(pages.present(0, 2), 0);  // the page before it, and one that it has not for itself
  EXPECT_EQ(pages.present(2, 1024), 1022);
  EXPECT_EQ(pages.present(1024, 1026), 0);
}

TEST(Prefault, KeepsWhatIsThere) {
  const NewPages pages(1024);
  std::fill_n(pages.data(), 512 * page, std::byte(7));
  prefault(pages.data(), 1024 * page);
  EXPECT_EQ(std::count(pages.data(), pages.data() + 1024 * page, std::byte(7)),
            static_cast<std::ptrdiff_t>(512 * page));
}

TEST(Prefault, LeavesSmallBlocksAlone) {
  const NewPages pages(1);
  prefault(pages.data(), page);
  prefault(nullptr, 0);
  EXPECT_EQ(pages.present(0, 1), 0);
}

}  // namespace
}  // namespace packed_rnn
#endif
