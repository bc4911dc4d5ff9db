// Every function of core/sequence.h against a step-by-step reference, over random shapes.
#include "core/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace packed_rnn {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::byte untouched{0xEE};
constexpr std::size_t margin = 64;

// Memory with a margin on either side that nothing may write to.
class Guarded {
 public:
  explicit Guarded(std::size_t size) : bytes_(size + 2 * margin, untouched) {}
  std::byte* data() { return bytes_.data() + margin; }
  Bytes contents() const { return Bytes(bytes_.begin() + margin, bytes_.end() - margin); }
  bool margins_intact() const {
    const auto intact = [](std::byte byte) { return byte == untouched; };
    return std::all_of(bytes_.begin(), bytes_.begin() + margin, intact) &&
           std::all_of(bytes_.end() - margin, bytes_.end(), intact);
  }

 private:
  Bytes bytes_;
};

// Some sequences, and all that can be known of them without the code under test.
struct Case {
  std::size_t row_bytes;
  std::vector<Bytes> sequences;  // in the caller's order
  std::vector<std::int32_t> order;
  std::vector<std::int32_t> batch_sizes;
  Bytes rows;  // packed

  std::size_t batch() const { return sequences.size(); }
  std::size_t steps(std::size_t sequence) const { return sequences[sequence].size() / row_bytes; }
  std::size_t longest() const { return batch_sizes.size(); }
  Packing packing(bool ordered = true) const {
    return {View<const std::int32_t>(batch_sizes),
            ordered ? View<const std::int32_t>(order) : View<const std::int32_t>(), batch()};
  }

  Bytes padded(std::size_t steps_padded, bool batch_first, Side side, const Bytes& fill) const {
    Bytes result(batch() * steps_padded * row_bytes);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = fill[i % fill.size()];
    for (std::size_t s = 0; s < batch(); ++s) {
      const std::size_t begin = side == Side::left ? steps_padded - steps(s) : 0;
      for (std::size_t t = 0; t < steps(s); ++t) {
        const std::size_t row = batch_first ? s * steps_padded + begin + t : (begin + t) * batch() + s;
        std::copy_n(sequences[s].data() + t * row_bytes, row_bytes, result.data() + row * row_bytes);
      }
    }
    return result;
  }
};

Case make_case(std::mt19937& random, std::size_t row_bytes, std::size_t batch, std::size_t longest, bool sorted,
               std::size_t shortest = 0) {
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  Case made;
  made.row_bytes = row_bytes;
  for (std::size_t s = 0; s < batch; ++s) {
    made.sequences.emplace_back((shortest + below(longest - shortest + 1)) * row_bytes);
    for (std::byte& byte : made.sequences.back()) byte = static_cast<std::byte>(below(256));
  }
  const auto longer = [](const Bytes& a, const Bytes& b) { return a.size() > b.size(); };
  if (sorted) std::stable_sort(made.sequences.begin(), made.sequences.end(), longer);
  made.order.resize(batch);
  std::iota(made.order.begin(), made.order.end(), 0);
  std::stable_sort(made.order.begin(), made.order.end(), [&](std::int32_t a, std::int32_t b) {
    return longer(made.sequences[static_cast<std::size_t>(a)], made.sequences[static_cast<std::size_t>(b)]);
  });
  for (std::size_t t = 0;; ++t) {
    std::int32_t active = 0;
    for (const std::int32_t s : made.order) {
      const auto sequence = static_cast<std::size_t>(s);
      if (made.steps(sequence) <= t) continue;
      ++active;
      const auto step = made.sequences[sequence].begin() + static_cast<std::ptrdiff_t>(t * row_bytes);
      made.rows.insert(made.rows.end(), step, step + static_cast<std::ptrdiff_t>(row_bytes));
    }
    if (active == 0) return made;
    made.batch_sizes.push_back(active);
  }
}

template <class Byte, class Container>
std::vector<Sequence<Byte>> views(Container& sequences, std::size_t row_bytes) {
  std::vector<Sequence<Byte>> result;
  for (auto& sequence : sequences) result.push_back({sequence.data(), sequence.size() / row_bytes});
  return result;
}

void expect_filled(Guarded& memory, const Bytes& expected, const std::string& what) {
  EXPECT_TRUE(memory.margins_intact()) << what;
  EXPECT_EQ(memory.contents(), expected) << what;
}

void check_padded(const Case& given, const Packing& packing, bool batch_first, std::size_t extra,
                  const Bytes& element) {
  const std::size_t steps = given.longest() + extra;
  const Bytes expected = given.padded(steps, batch_first, Side::right, element);
  Guarded rows(given.rows.size());
  pack_padded({expected.data(), given.batch(), steps, batch_first}, packing, given.row_bytes, rows.data());
  expect_filled(rows, given.rows, "pack_padded");

  Guarded padded(expected.size());
  pad_packed(given.rows.data(), packing, given.row_bytes, {padded.data(), given.batch(), steps, batch_first},
             {element.data(), element.size()});
  expect_filled(padded, expected, "pad_packed");
}

void check_sequences(const Case& given, const Packing& packing) {
  const auto sources = views<const std::byte>(given.sequences, given.row_bytes);
  Guarded rows(given.rows.size());
  pack_sequences(View<const Sequence<const std::byte>>(sources), packing, given.row_bytes, rows.data());
  expect_filled(rows, given.rows, "pack_sequences");

  std::vector<Guarded> unpacked;
  std::vector<Sequence<std::byte>> targets;
  for (const Bytes& sequence : given.sequences) unpacked.emplace_back(sequence.size());
  for (std::size_t s = 0; s < given.batch(); ++s) targets.push_back({unpacked[s].data(), given.steps(s)});
  unpack_sequences(given.rows.data(), packing, given.row_bytes, View<const Sequence<std::byte>>(targets));
  for (std::size_t s = 0; s < given.batch(); ++s) expect_filled(unpacked[s], given.sequences[s], "unpack_sequences");
}

void check_padding(const Case& given, bool batch_first, Side side, std::size_t extra, const Bytes& element) {
  const std::size_t steps = given.longest() + extra;
  const auto sources = views<const std::byte>(given.sequences, given.row_bytes);
  const Bytes expected = given.padded(steps, batch_first, side, element);
  Guarded padded(expected.size());
  pad_sequences(View<const Sequence<const std::byte>>(sources), given.row_bytes,
                {padded.data(), given.batch(), steps, batch_first}, side, {element.data(), element.size()});
  expect_filled(padded, expected, "pad_sequences");
  if (side == Side::left) return;

  std::vector<Guarded> unpadded;
  std::vector<Sequence<std::byte>> targets;
  for (const Bytes& sequence : given.sequences) unpadded.emplace_back(sequence.size());
  for (std::size_t s = 0; s < given.batch(); ++s) targets.push_back({unpadded[s].data(), given.steps(s)});
  unpad_sequences({expected.data(), given.batch(), steps, batch_first}, given.row_bytes,
                  View<const Sequence<std::byte>>(targets));
  for (std::size_t s = 0; s < given.batch(); ++s) expect_filled(unpadded[s], given.sequences[s], "unpad_sequences");
}

void check_last_steps(const Case& given, const Packing& packing) {
  for (const std::size_t reverse_bytes : {std::size_t(0), given.row_bytes / 2}) {
    const std::size_t forward_bytes = given.row_bytes - reverse_bytes;
    Bytes expected(given.batch() * given.row_bytes);
    for (std::size_t s = 0; s < given.batch(); ++s) {
      if (given.sequences[s].empty()) continue;
      const auto place = expected.begin() + static_cast<std::ptrdiff_t>(s * given.row_bytes);
      const auto first = given.sequences[s].begin();
      const auto last = given.sequences[s].end() - static_cast<std::ptrdiff_t>(given.row_bytes);
      std::copy_n(last, forward_bytes, place);
      std::copy_n(first + static_cast<std::ptrdiff_t>(forward_bytes), reverse_bytes,
                  place + static_cast<std::ptrdiff_t>(forward_bytes));
    }
    Guarded last(expected.size());
    last_steps(given.rows.data(), packing, given.row_bytes, reverse_bytes, last.data());
    expect_filled(last, expected, "last_steps");
  }
}

void check(const Case& given, bool sorted, const Bytes& element) {
  // Sorted sequences need no order; with one, which is then the identity, they take the path of unsorted ones.
  for (const bool ordered : {true, false}) {
    if (!ordered && !sorted) continue;
    const Packing packing = given.packing(ordered);
    for (const bool batch_first : {true, false}) {
      for (const std::size_t extra : {0, 3}) check_padded(given, packing, batch_first, extra, element);
    }
    check_sequences(given, packing);
    check_last_steps(given, packing);
  }
  for (const bool batch_first : {true, false}) {
    for (const Side side : {Side::left, Side::right}) {
      for (const std::size_t extra : {0, 3}) check_padding(given, batch_first, side, extra, element);
    }
  }
}

// Each size that has a path of its own, and its neighbours.
class RandomSequences : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomSequences, MoveAsTheReferenceMovesThem) {
  std::mt19937 random(20);
  const std::size_t row_bytes = GetParam();
  const Bytes pattern = {std::byte{0xA1}, std::byte{0xB2}, std::byte{0xC3}, std::byte{0xD4},
                         std::byte{0xE5}, std::byte{0xF6}, std::byte{0x07}, std::byte{0x18}};
  for (const std::size_t batch : {1, 2, 3, 5, 15, 16, 17, 35, 65, 129}) {
    for (const std::size_t longest : {0, 1, 2, 7, 16, 17, 33, 64, 130}) {
      if (batch * longest * row_bytes > 150'000) continue;
      for (const bool sorted : {true, false}) {
        const Case given = make_case(random, row_bytes, batch, longest, sorted);
        for (const std::size_t size : {1, 2, 4, 8}) {
          if (row_bytes % size != 0 || (size < 8 && row_bytes % (2 * size) == 0 && batch != 5)) continue;
          SCOPED_TRACE(testing::Message() << "batch " << batch << ", longest " << longest << ", sorted " << sorted
                                          << ", element " << size);
          check(given, sorted, Bytes(pattern.begin(), pattern.begin() + static_cast<std::ptrdiff_t>(size)));
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RowBytes, RandomSequences,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 32, 33, 48, 64, 65, 96, 127,
                                         128, 129, 200, 256, 260, 512, 1024));

// The stride at which rows go by way of memory beside them, read and written.
constexpr std::size_t stride = 4096;

// Full tiles of every kind.
TEST(Sequences, OfFullLengthAreWholeTiles) {
  std::mt19937 random(21);
  for (const std::size_t row_bytes : {1, 2, 4, 8, 16}) {
    for (const std::size_t batch : {std::size_t(130), stride / row_bytes}) {
      Case given = make_case(random, row_bytes, 0, 0, true);
      for (std::size_t s = 0; s < batch; ++s) {
        given.sequences.emplace_back(150 * row_bytes);
        for (std::byte& byte : given.sequences.back()) byte = static_cast<std::byte>(random());
        given.order.push_back(static_cast<std::int32_t>(s));
      }
      given.batch_sizes.assign(150, static_cast<std::int32_t>(batch));
      for (std::size_t t = 0; t < 150; ++t) {
        for (const Bytes& sequence : given.sequences) {
          const auto step = sequence.begin() + static_cast<std::ptrdiff_t>(t * row_bytes);
          given.rows.insert(given.rows.end(), step, step + static_cast<std::ptrdiff_t>(row_bytes));
        }
      }
      check(given, true, {std::byte{0}});
    }
  }
}

TEST(Sequences, OfManyLengthsAtTheStrideOfAPowerOfTwo) {
  std::mt19937 random(22);
  for (const std::size_t row_bytes : {1, 2, 4, 8, 32}) {
    for (const bool sorted : {true, false})
      check(make_case(random, row_bytes, stride / row_bytes, 90, sorted, 1), sorted, {std::byte{7}});
  }
}

TEST(Sequences, OfRowsWithoutBytesAreLeftAlone) {
  const std::vector<std::int32_t> batch_sizes = {2, 1};
  const Packing packing = {View<const std::int32_t>(batch_sizes), {}, 2};
  const std::byte zero{0};
  const Fill fill = {&zero, 1};
  const std::size_t endless = SIZE_MAX / 4;  // a loop over these steps would not return
  pack_padded({nullptr, 2, endless, false}, packing, 0, nullptr);
  pad_packed(nullptr, packing, 0, {nullptr, 2, endless, true}, fill);
  const std::vector<Sequence<const std::byte>> sources(2, {nullptr, endless});
  const std::vector<Sequence<std::byte>> targets(2, {nullptr, endless});
  pack_sequences(View<const Sequence<const std::byte>>(sources), packing, 0, nullptr);
  unpack_sequences(nullptr, packing, 0, View<const Sequence<std::byte>>(targets));
  pad_sequences(View<const Sequence<const std::byte>>(sources), 0, {nullptr, 2, endless, false}, Side::left, fill);
  unpad_sequences({nullptr, 2, endless, false}, 0, View<const Sequence<std::byte>>(targets));
  last_steps(nullptr, packing, 0, 0, nullptr);
}

TEST(Lengths, AreThoseOfTheBatchSizesLongestFirst) {
  const std::vector<std::int32_t> batch_sizes = {4, 2, 2, 1};
  EXPECT_EQ(lengths({View<const std::int32_t>(batch_sizes), {}, 6}), (std::vector<std::size_t>{4, 3, 1, 1, 0, 0}));
  EXPECT_EQ(lengths({{}, {}, 2}), (std::vector<std::size_t>{0, 0}));
}

}  // namespace
}  // namespace packed_rnn
