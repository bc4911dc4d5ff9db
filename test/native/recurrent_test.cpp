// Modules against the mathematics in double, and the same bits however the work is split.
#include "core/recurrent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <filesystem>
#include <iterator>
#include <limits>
#include <optional>
#include <thread>
#include <vector>

#include "core/layers.h"
#include "core/threads.h"
#include "every_table.h"
#include "random.h"

namespace packed_rnn::test {
namespace {

const Kernels& best() {
  return *supported_kernels().tables[0];
}

// Runs each sequence on its own through the layers, in double.
void expect_close(const Module& module, const Batch& batch, const Result& result) {
  const RecurrentOptions& o = module.options;
  const std::size_t size = o.output_size(), width = o.num_directions * size,
                    per_direction = module.parameters.size() / (o.num_layers * o.num_directions);
  for (std::size_t i = 0; i < batch.batch; ++i) {
    std::vector<std::size_t> rows;
    for (std::size_t t = 0, row = 0; t < batch.batch_sizes.size(); row += batch.batch_sizes[t++]) {
      if (static_cast<std::size_t>(batch.batch_sizes[t]) > i) rows.push_back(row + i);
    }
    std::vector<std::vector<double>> x;
    for (const std::size_t row : rows) {
      x.emplace_back(&batch.input[row * o.input_size], &batch.input[row * o.input_size] + o.input_size);
    }
    for (std::size_t l = 0; l < o.num_layers; ++l) {
      std::vector<std::vector<double>> y(rows.size(), std::vector<double>(width));
      for (std::size_t d = 0; d < o.num_directions; ++d) {
        const std::size_t state = l * o.num_directions + d, at = state * batch.batch + i;
        std::vector<double> h(&batch.hidden[at * size], &batch.hidden[at * size] + size);
        std::vector<double> c(&batch.cell[at * o.hidden_size], &batch.cell[at * o.hidden_size] + o.hidden_size);
        for (std::size_t s = 0; s < rows.size(); ++s) {
          const std::size_t t = d ? rows.size() - 1 - s : s;
          reference_step(o, &module.parameters[state * per_direction], x[t], h, c);
          std::copy(h.begin(), h.end(), y[t].begin() + static_cast<std::ptrdiff_t>(d * size));
        }
        for (std::size_t u = 0; u < size; ++u) EXPECT_NEAR(result.hidden[at * size + u], h[u], 2e-6);
        for (std::size_t u = 0; u < o.hidden_size && o.cell->has_cell_state; ++u) {
          EXPECT_NEAR(result.cell[at * o.hidden_size + u], c[u], 4e-6);
        }
      }
      x = y;
    }
    for (std::size_t t = 0; t < rows.size(); ++t) {
      for (std::size_t u = 0; u < width; ++u) EXPECT_NEAR(result.output[rows[t] * width + u], x[t][u], 2e-6);
    }
  }
}

TEST(Recurrent, FollowsTheEquations) {
  std::mt19937 random(1);
  for (const Cell& cell : cells) {
    for (const std::size_t layers : {1, 3}) {
      for (const std::size_t directions : {1, 2}) {
        const std::size_t projections = cell.has_cell_state ? 2 : 1;
        for (std::size_t p = 0; p < projections; ++p) {
          const Module module(random,
                              options_of(cell, 7, 21, layers, directions, p * 5, (layers + directions) % 2 == 0));
          const Batch batch(random, module.options, {11, 9, 9, 8, 5, 4, 4, 3, 2, 1, 0});
          SCOPED_TRACE(cell.name);
          expect_close(module, batch, forward(module.build(best()), batch));
        }
      }
    }
  }
}

TEST(Recurrent, UnpacksTheMatricesThatItWasGiven) {
  std::mt19937 random(6);
  for (const Cell& cell : cells) {
    for (const std::size_t units : {15, 16, 17, 35}) {
      const Module module(random, options_of(cell, 3, units, 2, 2, cell.has_cell_state && units > 2 ? 2 : 0));
      std::vector<std::vector<float>> matrices;
      const std::size_t rows = cell.gates * units;
      for (const std::vector<float>& p : module.parameters) {
        if (p.size() != rows) matrices.emplace_back(p.size());
      }
      std::vector<float*> pointers;
      for (std::vector<float>& matrix : matrices) pointers.push_back(matrix.data());
      module.build(best()).unpack(pointers);
      auto matrix = matrices.begin();
      for (const std::vector<float>& p : module.parameters) {
        if (p.size() == rows) continue;  // a bias
        EXPECT_EQ(*matrix++, p) << cell.name << ", " << units << " units";
      }
    }
  }
}

// What -ffast-math sets for the thread that loads a library: subnormals are zeros. Not on every processor.
class Flushing {
 public:
#if defined(__GNUC__) && defined(__x86_64__)
  Flushing() { __builtin_ia32_ldmxcsr(before_ | 0x8040); }
  ~Flushing() { __builtin_ia32_ldmxcsr(before_); }
  static bool lasts() { return (__builtin_ia32_stmxcsr() & 0x8040) == 0x8040; }

 private:
  const unsigned before_ = __builtin_ia32_stmxcsr();
#else
  static bool lasts() { return true; }
#endif
};

TEST(Recurrent, GivesTheSameBitsHoweverTheCallersThreadRounds) {
  std::mt19937 random(12);
  for (const Cell& cell : cells) {
    // Enough work for two threads; and sums that are subnormal.
    Module module(random, options_of(cell, 40, 200));
    for (std::vector<float>& p : module.parameters) {
      for (float& value : p) value *= 1e-20f;
    }
    Batch batch(random, module.options, std::vector<int>(8, 20));
    for (float& value : batch.input) value *= 1e-19f;
    for (float& value : batch.hidden) value *= 1e-19f;
    set_num_threads(1);
    const Result expected = forward(module.build(best()), batch);
    for (const std::size_t threads : {1, 2}) {
      set_num_threads(threads);
      stop_threads();  // helpers shall be started by who rounds otherwise
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(forward(module.build(best()), batch) == expected) << cell.name;
      stop_threads();
      {
        const Flushing flushing;
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(forward(module.build(best()), batch) == expected) << cell.name;
        EXPECT_TRUE(flushing.lasts());
      }
      stop_threads();
      ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(forward(module.build(best()), batch) == expected) << cell.name;
      EXPECT_EQ(std::fegetround(), FE_UPWARD);
      std::fesetround(FE_TONEAREST);
    }
  }
  set_num_threads(0);
}

TEST(Linear, GivesTheSameBitsHoweverTheCallersThreadRounds) {
  std::mt19937 random(16);
  std::vector<float> weight = random_floats(random, 40 * 35, 1), input = random_floats(random, 7 * 40, 1);
  for (const float scale : {1.0f, 1e-20f}) {
    for (float& value : weight) value *= scale;
    for (float& value : input) value *= scale;
    const auto output = [&] {
      std::vector<float> values(7 * 35);
      Linear(best(), 40, 35, weight, {}).forward(input.data(), 7, values.data());
      return values;
    };
    const std::vector<float> expected = output();
    {
      const Flushing flushing;
      EXPECT_EQ(output(), expected) << scale;
      EXPECT_TRUE(flushing.lasts());
    }
    ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
    EXPECT_EQ(output(), expected) << scale;
    EXPECT_EQ(std::fegetround(), FE_UPWARD);
    std::fesetround(FE_TONEAREST);
  }
}

TEST(Recurrent, SequencesWithoutStepsKeepTheirState) {
  std::mt19937 random(2);
  for (const Cell& cell : cells) {
    const Module module(random, options_of(cell, 3, 5, 2, 2));
    Batch batch(random, module.options, {0, 0});
    const Result result = forward(module.build(best()), batch);
    EXPECT_EQ(result.hidden, batch.hidden);
    if (cell.has_cell_state) {
      EXPECT_EQ(result.cell, batch.cell);
    }
  }
}

// Longer than a span, so that the layers take turns.
TEST(Recurrent, LayersTakeTurnsOverLongSequences) {
  std::mt19937 random(4);
  for (const Cell& cell : cells) {
    const Module module(random, options_of(cell, 5, 12, 3, 1, cell.has_cell_state ? 7 : 0));
    const Batch batch(random, module.options, {1100, 700, 513, 2, 0});
    SCOPED_TRACE(cell.name);
    expect_close(module, batch, forward(module.build(best()), batch));
  }
}

// Rows that lie step by step, or sequence by sequence, give the bits of the packed ones.
TEST(Recurrent, PaddedRowsGiveTheBitsOfPackedOnes) {
  std::mt19937 random(5);
  const std::size_t batch_size = 3, steps = 700;
  for (const std::size_t directions : {1, 2}) {
    const Module module(random, options_of(cells[0], 4, 9, 2, directions));
    const RecurrentOptions& o = module.options;
    const Batch batch(random, o, std::vector<int>(batch_size, static_cast<int>(steps)));
    const Recurrent built = module.build(best());
    const Result packed = forward(built, batch);
    for (const bool batch_first : {false, true}) {
      const std::size_t width = directions * o.output_size();
      const auto place = [&](std::size_t t, std::size_t i) { return batch_first ? i * steps + t : t * batch_size + i; };
      std::vector<float> input(batch.input.size()), output(packed.output.size());
      for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t i = 0; i < batch_size; ++i) {
          std::copy_n(&batch.input[(t * batch_size + i) * o.input_size], o.input_size,
                      &input[place(t, i) * o.input_size]);
        }
      }
      Result padded = packed;
      packed_rnn::Run run;
      run.layout = Layout::padded(batch_size, steps, batch_first);
      run.input = input.data();
      run.initial_hidden = batch.hidden.data();
      run.initial_cell = batch.cell.data();
      run.output = output.data();
      run.final_hidden = padded.hidden.data();
      run.final_cell = padded.cell.data();
      built.forward(run);
      for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t i = 0; i < batch_size; ++i) {
          std::copy_n(&output[place(t, i) * width], width, &padded.output[(t * batch_size + i) * width]);
        }
      }
      EXPECT_TRUE(padded == packed) << directions << " directions, batch first: " << batch_first;
    }
  }
}

// A step on its own projects its x itself; in a long sequence, the steps before may have.
TEST(Recurrent, ALongSequenceGivesTheBitsOfItsSteps) {
  std::mt19937 random(8);
  for (const Kernels* const kernels : every_table()) {
    for (const Cell& cell : cells) {
      for (const auto& [inputs, units] : {std::pair{3, 300}, {300, 130}, {1000, 97}, {131, 400}, {2000, 1000}}) {
        SCOPED_TRACE(std::string(cell.name) + ", " + std::to_string(inputs) + " inputs, " + std::to_string(units) +
                     " units, " + kernels->name);
        const Module module(random,
                            options_of(cell, static_cast<std::size_t>(inputs), static_cast<std::size_t>(units)));
        // 38 steps of one row: no whole number of blocks. Weights of many megabytes let larger steps project as well.
        const std::vector<int> lengths = units == 1000 ? std::vector{9, 8, 8, 8, 7, 1} : std::vector{41, 3};
        const Batch batch(random, module.options, lengths);
        const Recurrent built = module.build(*kernels);
        Batch step = batch;
        Result steps;
        std::size_t row = 0;
        for (const int rows : batch.batch_sizes) {
          step.batch_sizes = {rows};
          step.rows = static_cast<std::size_t>(rows);
          step.input.assign(&batch.input[row * module.options.input_size],
                            &batch.input[row * module.options.input_size] + rows * module.options.input_size);
          row += static_cast<std::size_t>(rows);
          const Result result = forward(built, step);
          steps.output.insert(steps.output.end(), result.output.begin(), result.output.end());
          step.hidden = steps.hidden = result.hidden;
          step.cell = steps.cell = result.cell;
        }
        for (const std::size_t threads : {1, 2}) {
          set_num_threads(threads);
          EXPECT_TRUE(forward(module.build(*kernels), batch) == steps) << threads << " threads";
        }
      }
    }
  }
  set_num_threads(0);
}

// Whether a run gives this result, where its threads are near each other and where they are far: they share the work in
// different ways. The first call of a module asks for helpers.
testing::AssertionResult near_and_far(const Module& module, const Kernels& kernels, const Batch& batch,
                                      const Result& expected) {
  auto same = testing::AssertionSuccess();
  for (const bool near : {true, false}) {
    assume_near(near);
    if (!(forward(module.build(kernels), batch) == expected)) {
      same = testing::AssertionFailure() << (near ? "near" : "far");
    }
  }
  assume_near(std::nullopt);
  return same;
}

// Wide enough, and long enough, for every way of splitting the work to be taken.
TEST(Recurrent, GivesTheSameBitsForAnyNumberOfThreads) {
  std::mt19937 random(3);
  std::vector<int> many;
  for (int i = 0; i < 40; ++i) many.push_back(60 - i);
  for (const Kernels* const kernels : best_tables()) {
    for (const Cell& cell : cells) {
      for (const std::size_t directions : {1, 2}) {
        for (const std::vector<int>& lengths : {many, {400, 300, 1}, {900}}) {
          const Module module(random, options_of(cell, 40, 90, 1, directions, cell.has_cell_state ? 33 : 0));
          const Batch batch(random, module.options, lengths);
          set_num_threads(1);
          const Result alone = forward(module.build(*kernels), batch);
          for (const std::size_t threads : {2, 3, 5}) {
            set_num_threads(threads);
            EXPECT_TRUE(near_and_far(module, *kernels, batch, alone))
                << kernels->name << ", " << cell.name << ", " << threads << " threads, " << directions
                << " directions, " << lengths.size() << " sequences";
          }
        }
      }
    }
  }
}

// Shares so small that a thread keeps its states apart, h as well; one has a sequence without steps, and layers meet
// between spans.
TEST(Recurrent, GivesTheSameBitsWhereThreadsKeepTheirStates) {
  std::mt19937 random(13);
  for (const Kernels* const kernels : best_tables()) {
    for (const Cell& cell : cells) {
      for (const std::size_t projection : {0, 33}) {
        if (projection && !cell.has_cell_state) continue;
        for (const std::size_t layers : {1, 2}) {
          const Module module(random, options_of(cell, 40, 70, layers, 1, projection));
          const Batch batch(random, module.options, {300, 290, 150, 70, 70, 3, 0});
          set_num_threads(1);
          const Result alone = forward(module.build(*kernels), batch);
          for (const std::size_t threads : {2, 3}) {
            set_num_threads(threads);
            EXPECT_TRUE(near_and_far(module, *kernels, batch, alone))
                << kernels->name << ", " << cell.name << ", " << layers << " layers, projection of " << projection
                << ", " << threads << " threads";
          }
        }
      }
    }
  }
  set_num_threads(0);
}

// Threads part for the first steps, and go through the others together.
TEST(Recurrent, GivesTheSameBitsWhereFewSequencesAreLonger) {
  std::mt19937 random(7);
  std::vector<int> lengths(39, 20);
  lengths.insert(lengths.begin(), {150, 90});
  lengths.push_back(0);
  for (const Kernels* const kernels : best_tables()) {
    for (const Cell& cell : cells) {
      for (const auto& [layers, directions] : {std::pair<std::size_t, std::size_t>(1, 1), {2, 1}, {1, 2}}) {
        const std::size_t units = cell.gates == 3 ? 160 : 300;
        const Module module(random, options_of(cell, 40, units, layers, directions, cell.has_cell_state ? 33 : 0));
        const Batch batch(random, module.options, lengths);
        set_num_threads(1);
        const Result alone = forward(module.build(*kernels), batch);
        // Two directions have shares if there are more threads than directions; they keep them to the end.
        for (const std::size_t threads : {2, 3, 4}) {
          set_num_threads(threads);
          EXPECT_TRUE(near_and_far(module, *kernels, batch, alone))
              << kernels->name << ", " << cell.name << ", " << layers << " layers, " << directions << " directions, "
              << threads << " threads";
        }
      }
    }
  }
  set_num_threads(0);
}

// Steps of so much work that they are dealt out: through all layers and directions, before others that are not, with a
// projection; and where threads keep h as well, of few units that read much.
TEST(Recurrent, GivesTheSameBitsWhereStepsAreDealtOut) {
  struct Size {
    std::size_t input, units, layers, directions, projection;
  };
  const Size sizes[] = {{40, 600, 2, 1, 0}, {40, 600, 1, 2, 333}, {700, 600, 1, 1, 333}, {40000, 25, 1, 1, 0}};
  std::mt19937 random(17);
  const std::vector<int> lengths = {7, 7, 6, 5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 1, 1, 0};
  for (const Kernels* const kernels : best_tables()) {
    for (const auto& [input, units, layers, directions, projection] : sizes) {
      const Module module(random, options_of(cells[0], input, units, layers, directions, projection));
      const Batch batch(random, module.options, input < 1000 ? lengths : std::vector<int>{4, 4, 4, 3, 3, 2, 2, 1});
      set_num_threads(1);
      const Result alone = forward(module.build(*kernels), batch);
      for (const std::size_t threads : {2, 3}) {
        set_num_threads(threads);
        EXPECT_TRUE(near_and_far(module, *kernels, batch, alone))
            << kernels->name << ", " << units << " units, " << threads << " threads";
      }
    }
  }
  set_num_threads(0);
}

// Whatever the memory holds that the last states go to.
TEST(Recurrent, StatesThatAreNotGivenAreZeros) {
  std::mt19937 random(19);
  for (const Cell& cell : cells) {
    for (const std::size_t projection : {0, 33}) {
      if (projection && !cell.has_cell_state) continue;
      const Module module(random, options_of(cell, 40, 70, 2, 1, projection));
      Batch batch(random, module.options, {60, 60, 50, 40, 40, 3, 0});
      std::fill(batch.hidden.begin(), batch.hidden.end(), 0.0f);
      std::fill(batch.cell.begin(), batch.cell.end(), 0.0f);
      for (const std::size_t threads : {1, 2, 3}) {
        set_num_threads(threads);
        const Recurrent built = module.build(best());
        const Result expected = forward(built, batch);
        Result result = expected;
        for (auto* const values : {&result.output, &result.hidden, &result.cell}) {
          std::fill(values->begin(), values->end(), std::numeric_limits<float>::quiet_NaN());
        }
        packed_rnn::Run run;
        run.layout = Layout::packed(batch.packing(), batch.rows);
        run.input = batch.input.data();
        run.output = result.output.data();
        run.final_hidden = result.hidden.data();
        if (cell.has_cell_state) run.final_cell = result.cell.data();
        built.forward(run);
        if (!cell.has_cell_state) result.cell = expected.cell;
        EXPECT_TRUE(result == expected) << cell.name << ", projection of " << projection << ", " << threads
                                        << " threads";
      }
    }
  }
  set_num_threads(0);
}

// More than a span has rows: then it is a step.
TEST(Recurrent, LayersTakeTurnsOverManySequences) {
  std::mt19937 random(18);
  for (const std::size_t sequences : {511, 512, 513, 1030}) {
    const Module module(random, options_of(cells[0], 3, 5, 3));
    std::vector<int> lengths(sequences, 3);
    lengths.back() = 1;
    const Batch batch(random, module.options, lengths);
    expect_close(module, batch, forward(module.build(best()), batch));
  }
}

// Steps of one row whose chunks are small, since what is projected takes much room, but larger than those that come two
// at a time.
TEST(Recurrent, GivesTheSameBitsWhereChunksThatAreCarriedAreTheLargest) {
  std::mt19937 random(17);
  for (const Kernels* const kernels : best_tables()) {
    const Module module(random, options_of(cells[0], 10, 880));
    const Batch batch(random, module.options, {41, 3});
    set_num_threads(1);
    const Result alone = forward(module.build(*kernels), batch);
    set_num_threads(2);
    EXPECT_TRUE(near_and_far(module, *kernels, batch, alone)) << kernels->name;
  }
  set_num_threads(0);
}

#if defined(__linux__)

// The helpers that are started for the first run of an LSTM.
std::ptrdiff_t helpers_of(std::size_t threads, std::size_t units, std::size_t directions,
                          const std::vector<int>& lengths) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  std::mt19937 random(21);
  const Module module(random, options_of(cells[0], 32, units, 1, directions));
  const Batch batch(random, module.options, lengths);
  set_num_threads(threads);
  stop_threads();
  std::thread([] {}).join();  // a sanitizer may start one of its own beside the first
  const std::ptrdiff_t before = count();
  forward(module.build(best()), batch);
  const std::ptrdiff_t helpers = count() - before;
  set_num_threads(0);
  return helpers;
}

// With 64 units, a row takes 24576 multiplications.
TEST(Recurrent, AsksForNoMoreHelpersThanThereIsWorkFor) {
  EXPECT_EQ(helpers_of(8, 64, 1, std::vector<int>(64, 100)), 7);
  EXPECT_EQ(helpers_of(8, 64, 1, std::vector<int>(64, 1)), 2);  // three times half a million
  EXPECT_EQ(helpers_of(8, 64, 1, std::vector<int>(20, 1)), 0);
  EXPECT_EQ(helpers_of(8, 64, 1, {2000}), 0);  // there is enough to do, but not at a step
  EXPECT_EQ(helpers_of(8, 64, 2, {2000}), 1);  // a thread for each direction
  EXPECT_EQ(helpers_of(8, 64, 2, {2000, 2000, 2000}), 1);
}

TEST(Recurrent, AsksForHelpersBeyondSharesWhereStepsAreLarge) {
  EXPECT_EQ(helpers_of(3, 480, 1, std::vector<int>(32, 5)), 2);
  EXPECT_EQ(helpers_of(3, 480, 2, {50}), 2);
}

#endif

}  // namespace
}  // namespace packed_rnn::test
