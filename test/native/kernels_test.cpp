// Every instruction set against the portable one, bit by bit, at sizes around every lane count and tile; the
// activations against double.
#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/float_environment.h"
#include "core/layers.h"
#include "every_table.h"
#include "random.h"

namespace packed_rnn::test {
namespace {

const Kernels& portable() {
  return *every_table().back();
}

std::vector<std::size_t> sizes_around_lanes() {
  std::vector<std::size_t> sizes = {1, 2};
  for (const std::size_t lanes : {4, 8, 16}) {
    for (const std::size_t size : {lanes - 1, lanes, lanes + 1, 2 * lanes + 3}) sizes.push_back(size);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

TEST(Kernels, PortableIsAlwaysSupportedAndComesLast) {
  EXPECT_STREQ(portable().isa, "portable");
}

class EveryIsa : public testing::TestWithParam<const Kernels*> {};

TEST_P(EveryIsa, GivesTheBitsOfPortable) {
  std::mt19937 random(7);
  for (const Cell& cell : cells) {
    for (const std::size_t units : sizes_around_lanes()) {
      for (const std::size_t inputs : {std::size_t(1), units}) {
        RecurrentOptions options;
        options.cell = &cell;
        options.input_size = inputs;
        options.hidden_size = units;
        const Module module(random, options);
        // Every number of rows to beyond two tiles, in one batch.
        std::vector<int> lengths;
        for (int length = 27; length > 0; --length) lengths.push_back(length);
        const Batch batch(random, options, lengths);
        EXPECT_TRUE(forward(module.build(*GetParam()), batch) == forward(module.build(portable()), batch))
            << cell.name << ", " << inputs << " inputs, " << units << " units";
      }
    }
  }
}

// Panels too large for a cache, and up to more rows than wait for an epilogue together.
TEST_P(EveryIsa, GivesTheBitsOfPortableForLargePanels) {
  std::mt19937 random(12);
  for (const Cell& cell : cells) {
    const RecurrentOptions options = options_of(cell, 2500, 35);
    const Module module(random, options);
    // Those whose steps are projected in chunks, of one thread or of two.
    std::vector<int> lengths = {130, 130, 100, 100, 100};
    for (const int sequences : {90, 84, 11, 5, 8, 1, 3})
      lengths.insert(lengths.end(), sequences, lengths.back() > 9 ? 9 : lengths.back() - 1);
    const Batch batch(random, options, lengths);
    EXPECT_TRUE(forward(module.build(*GetParam()), batch) == forward(module.build(portable()), batch)) << cell.name;
  }
}

// Weights that no cache keeps, for few rows and for enough that the next panel is fetched.
TEST_P(EveryIsa, GivesTheBitsOfPortableForFarWeights) {
  std::mt19937 random(13);
  for (const Cell& cell : cells) {
    const RecurrentOptions options = options_of(cell, 4800 / cell.gates - 600, 600);
    const Module module(random, options);
    const Recurrent tested = module.build(*GetParam());
    ASSERT_GT(tested.bytes(), GetParam()->caches.near_for_many_rows);
    const Batch batch(random, options, {3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1});
    EXPECT_TRUE(forward(tested, batch) == forward(module.build(portable()), batch)) << cell.name;
  }
}

// A processor's caches decide what is fetched, and how much of x is projected at once; not what comes of it. By and by
// the rows are three blocks and more of any table's, two, and one, which share what they fetch in ways of their own.
TEST_P(EveryIsa, GivesTheBitsOfPortableWhateverIsNear) {
  std::mt19937 random(17);
  for (const Cell& cell : cells) {
    const RecurrentOptions options = options_of(cell, 40, 70);
    const Module module(random, options);
    std::vector<int> lengths = {50, 50, 40, 40, 30, 30, 20, 20, 10, 10, 9, 9, 8, 7};
    for (const int count : {6, 5, 4}) lengths.insert(lengths.end(), 9, count);
    const Batch batch(random, options, lengths);
    const Result expected = forward(module.build(portable()), batch);
    for (const std::size_t bytes : {std::size_t(0), std::numeric_limits<std::size_t>::max()}) {
      for (const std::size_t rows : {9, 64}) {
        Kernels kernels = *GetParam();
        kernels.caches = {bytes, bytes, rows};
        EXPECT_TRUE(forward(module.build(kernels), batch) == expected)
            << cell.name << ", " << bytes << " bytes are near, " << rows << " rows fused";
      }
    }
  }
}

// One row, with weights that the closest cache can just hold a part of, and with more and fewer.
TEST_P(EveryIsa, GivesTheBitsOfPortableForOneRow) {
  std::mt19937 random(15);
  for (const Cell& cell : cells) {
    for (const std::size_t units : {31, 47, 64, 100, 128, 145}) {
      const RecurrentOptions options = options_of(cell, 20, units);
      const Module module(random, options);
      const Batch batch(random, options, {33, 1});
      EXPECT_TRUE(forward(module.build(*GetParam()), batch) == forward(module.build(portable()), batch))
          << cell.name << ", " << units << " units";
    }
  }
}

// x and h of whole multiples of 4 KiB, which a step takes fewer rows of at once; with panels below and above what is
// gone through stream by stream.
TEST_P(EveryIsa, GivesTheBitsOfPortableForRowsInOneSet) {
  std::mt19937 random(14);
  for (const Cell& cell : cells) {
    for (const auto& [inputs, units] : {std::pair<std::size_t, std::size_t>(1024, 5), {3072, 35}, {3, 1024}}) {
      const RecurrentOptions options = options_of(cell, inputs, units);
      const Module module(random, options);
      std::vector<int> lengths(9, 4);
      lengths.insert(lengths.end(), 4, 3);
      lengths.insert(lengths.end(), 9, 2);
      if (inputs > units) lengths.insert(lengths.end(), 108, 1);
      const Batch batch(random, options, lengths);
      EXPECT_TRUE(forward(module.build(*GetParam()), batch) == forward(module.build(portable()), batch))
          << cell.name << ", " << inputs << " inputs, " << units << " units";
    }
  }
}

std::vector<float*> rows_of(std::vector<float>& values, std::size_t size) {
  std::vector<float*> rows;
  for (std::size_t i = 0; i < values.size(); i += size) rows.push_back(values.data() + i);
  return rows;
}

// What another thread is still computing of h(t−1) is NaN until it is awaited.
struct Late {
  std::vector<float>& hidden;
  std::vector<float> values;
  int times = 0;

  static void arrive(const void* awaited) {
    Late& late = *const_cast<Late*>(static_cast<const Late*>(awaited));
    std::copy(late.values.begin(), late.values.end(), late.hidden.begin());
    ++late.times;
  }
};

TEST_P(EveryIsa, BeginsAStepBeforeAllOfTheStateIsThere) {
  std::mt19937 random(11);
  const Kernels& kernels = *GetParam();
  for (const Cell& cell : cells) {
    const CellKernels& of_cell = kernels.*cell.kernels;
    for (const std::size_t units : {16, 40, 100}) {
      const std::vector<float> matrix = random_floats(random, cell.gates * units * units, 0.3f);
      Parameters parameters;
      parameters.input_size = parameters.hidden_size = parameters.units = units;
      parameters.weight_ih = parameters.weight_hh = matrix;
      const Weights weights(kernels, of_cell, parameters, cell.separate_hidden_bias);
      for (const std::size_t rows : {1, 2, 5, 6, 13}) {
        std::vector<float> input = random_floats(random, rows * units, 1),
                           hidden = random_floats(random, rows * units, 1);
        std::vector<float> start = random_floats(random, rows * weights.start_size(), 1), next_start = start;
        const std::vector<float> cells_before = random_floats(random, rows * units, 1);
        const std::vector<float*> x = rows_of(input, units), h = rows_of(hidden, units);
        const std::vector<float*> starts = rows_of(start, weights.start_size());
        const std::vector<float*> next_starts = rows_of(next_start, weights.start_size());
        const auto step = [&](bool carries, std::size_t ready, Late* late) {
          std::vector<float> output(rows * units), cells_after = cells_before;
          const std::vector<float*> outputs = rows_of(output, units), c = rows_of(cells_after, units);
          const Projection projection = {rows, x.data(), next_starts.data()};
          Progress progress;
          Step step;
          step.rows = rows;
          step.input = x.data();
          step.hidden = h.data();
          step.cell = c.data();
          step.output = outputs.data();
          if (carries) {
            step.start = starts.data();
            step.beside = &projection;
            step.progress = &progress;
          }
          if (late) {
            step.ready = ready;
            step.awaited = late;
            step.await = Late::arrive;
          }
          of_cell.step(weights.panels(), step, 0, weights.panel_count());
          output.insert(output.end(), cells_after.begin(), cells_after.end());
          return output;
        };
        for (const bool carries : {false, true}) {
          if (carries && (rows > 1 || of_cell.beside_rows == 0)) continue;
          const std::vector<float> expected = step(carries, 0, nullptr);
          for (const std::size_t ready : {std::size_t(0), std::size_t(7), units - 1}) {
            Late late{hidden, hidden};
            for (float* row : h) std::fill(row + ready, row + units, std::numeric_limits<float>::quiet_NaN());
            EXPECT_EQ(step(carries, ready, &late), expected)
                << cell.name << ", " << units << " units, " << rows << " rows, " << ready << " ready, " << carries;
            EXPECT_EQ(late.times, 1);
          }
        }
      }
    }
  }
}

TEST_P(EveryIsa, LinearGivesTheBitsOfPortable) {
  std::mt19937 random(8);
  for (const std::size_t out : sizes_around_lanes()) {
    for (const std::size_t rows : {1, 2, 5, 6, 7, 12, 13, 29, 300}) {
      const std::size_t in = 19;
      const std::vector<float> weight = random_floats(random, in * out, 1), bias = random_floats(random, out, 1),
                               input = random_floats(random, in * rows, 1);
      // Room behind the last row shows a store that reaches too far.
      std::vector<float> mine(rows * out + 16, 5.0f), theirs = mine;
      Linear(*GetParam(), in, out, weight, bias).forward(input.data(), rows, mine.data());
      Linear(portable(), in, out, weight, bias).forward(input.data(), rows, theirs.data());
      EXPECT_EQ(mine, theirs) << out << " outputs, " << rows << " rows";
      EXPECT_EQ(mine.back(), 5.0f);
    }
  }
}

TEST_P(EveryIsa, TakesSubnormalsForZeros) {
  const auto linear = [](float w, float x, float b) {
    float y;
    const std::vector<float> weight = {w}, bias = {b};
    Linear(*GetParam(), 1, 1, weight, bias).forward(&x, 1, &y);
    return y;
  };
  EXPECT_EQ(linear(1e-39f, 1e38f, 0), 0);
  EXPECT_EQ(linear(1e38f, -1e-39f, 0), 0);
  EXPECT_EQ(linear(1e-20f, 1e-20f, 0), 0);
  EXPECT_EQ(linear(0x1p-100f, -0x1p-26f, 0x1.8p-126f), 0);
  EXPECT_EQ(linear(0x1p-100f, 0x1p-26f, 0), 0x1p-126f);
}

// y = W x + b of one input is one fma each. Sums of any size, and some that lie so close to the middle between two
// floats that they round to it in double.
TEST_P(EveryIsa, RoundsAProductAndASumOnce) {
  std::mt19937 random(9);
  std::vector<float> weight, input, bias;
  const auto add = [&](float w, float x, float b) {
    weight.push_back(w);
    input.push_back(x);
    bias.push_back(b);
  };
  const auto any = [&] {
    const std::uint32_t bits = static_cast<std::uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return std::isfinite(value) ? value : 0.0f;
  };
  for (int i = 0; i < 2000; ++i) add(any(), any(), any());
  const float over = 1 + 0x1p-23f, under = 1 - 0x1p-23f;
  for (int exponent = -152; exponent <= 103; ++exponent) {
    for (int k = 0; k < 4; ++k) {
      for (const float sign : {1.0f, -1.0f}) {
        const float sum = std::ldexp(0x1p24f + 2 * static_cast<float>(k), exponent);
        const float power = sign * std::ldexp(1.0f, exponent / 2), rest = std::ldexp(1.0f, exponent - exponent / 2);
        add(over * power, under * rest, sum);
        add(over * power, over * rest, sum);
        add(power, rest, sum);
        add(power, 0, sum);
      }
    }
  }
  // Around what just rounds to the smallest normal float, and is zero below.
  const float cube = 1 + 0x1p-12f, above = 1 - 0x1p-12f + 0x1p-24f;  // their product is 1 + 2^-36
  for (const float sign : {1.0f, -1.0f}) {
    for (const float factor : {over, under, 1.0f}) add(over * 0x1p-75f, -sign * factor * 0x1p-76f, sign * 0x1p-126f);
    add(cube * 0x1p-75f, -sign * above * 0x1p-76f, sign * 0x1p-126f);
    add(0x1p-75f, -sign * 0x1p-76f, sign * 0x1p-126f);
  }
  const FloatEnvironment environment;  // for what is expected
  for (std::size_t i = 0; i < weight.size(); ++i) {
    // As many outputs as any instruction set has lanes, all alike but the first.
    std::vector<float> weights(17, weight[i]), biases(17, bias[i]), found(17);
    weights[0] = biases[0] = 1;
    Linear(*GetParam(), 1, 17, weights, biases).forward(&input[i], 1, found.data());
    const float expected = std::fma(weight[i], input[i], bias[i]);
    ASSERT_EQ(found[16], expected) << weight[i] << " * " << input[i] << " + " << bias[i];
    ASSERT_EQ(found[1], expected);
    ASSERT_EQ(found[0], std::fma(1.0f, input[i], 1.0f));
  }
}

// h' of a module of one unit, of as many gates as there are weights; U = 0, h = 1, and for an LSTM c.
std::vector<float> outputs(const Kernels& kernels, const CellKernels& cell, const std::vector<float>& weight_ih,
                           const std::vector<float>& x, const float c = 0) {
  const float one = 1;
  const std::vector<float> zeros(weight_ih.size());
  Parameters p;
  p.input_size = p.hidden_size = p.units = 1;
  p.weight_ih = weight_ih;
  p.weight_hh = zeros;
  const Weights weights(kernels, cell, p, &cell == &kernels.gru);
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float* input = &x[i];
    const float* hidden = &one;
    float state = c;
    float* const cell_state = &state;
    float* output = &y[i];
    Step step;
    step.rows = 1;
    step.input = &input;
    step.hidden = &hidden;
    step.cell = &cell_state;
    step.output = &output;
    cell.step(weights.panels(), step, 0, 1);
  }
  return y;
}

// With W = 1, the activation itself.
std::vector<float> activation(const Kernels& kernels, const CellKernels Kernels::* cell, const std::vector<float>& x) {
  return outputs(kernels, kernels.*cell, {1}, x);
}

// From zero to 12 on either side, evenly, and towards zero.
std::vector<float> line() {
  std::vector<float> x;
  for (int i = -60000; i <= 60000; ++i) x.push_back(static_cast<float>(i) * 2e-4f);
  for (float tiny = 1.0f; tiny > 0; tiny /= 3) x.push_back(tiny);
  return x;
}

void expect_within_three_ulp(const std::vector<float>& x, const std::vector<float>& y, double (*exact_of)(double)) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = exact_of(static_cast<double>(x[i]));
    const float rounded = std::fabs(static_cast<float>(exact));
    const double ulp = static_cast<double>(std::nextafter(rounded, 2.0f)) - rounded;
    worst = std::max(worst, std::fabs(y[i] - exact) / ulp);
    EXPECT_LE(std::fabs(y[i]), 1.0f);
  }
  EXPECT_LT(worst, 3.0);
}

TEST_P(EveryIsa, TanhIsWithinThreeUlp) {
  const std::vector<float> x = line();
  expect_within_three_ulp(x, activation(*GetParam(), &Kernels::rnn_tanh, x), std::tanh);
}

TEST_P(EveryIsa, TanhIsOdd) {
  std::vector<float> x = line();
  const std::vector<float> y = activation(*GetParam(), &Kernels::rnn_tanh, x);
  for (float& each : x) each = -each;
  const std::vector<float> negative = activation(*GetParam(), &Kernels::rnn_tanh, x);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(negative[i], -y[i]) << x[i];
}

// In a GRU with n = 0 and h = 1, h' is z.
TEST_P(EveryIsa, SigmoidIsWithinThreeUlp) {
  const std::vector<float> x = line();
  expect_within_three_ulp(x, outputs(*GetParam(), GetParam()->gru, {0, 1, 0}, x),
                          [](double each) { return 1 / (1 + std::exp(-each)); });
}

// Where it is nearly closed, too: what a gate lets through of a large state is in proportion.
TEST_P(EveryIsa, SigmoidIsPreciseDownToWhereItIsZero) {
  std::vector<float> x;
  for (int i = 0; i <= 7500; ++i) x.push_back(-12 - static_cast<float>(i) * 0.01f);
  const std::vector<float> y = outputs(*GetParam(), GetParam()->gru, {0, 1, 0}, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = 1 / (1 + std::exp(-static_cast<double>(x[i])));
    EXPECT_LT(std::fabs(y[i] / exact - 1), 1e-6) << x[i];
  }
}

TEST_P(EveryIsa, ActivationsAtTheEndsOfTheLine) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y =
      activation(*GetParam(), &Kernels::rnn_tanh, {infinity, -infinity, 1e30f, -1e30f, nan, 0});
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], -1.0f);
  EXPECT_EQ(y[2], 1.0f);
  EXPECT_EQ(y[3], -1.0f);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_EQ(y[5], 0.0f);
  const std::vector<float> r = activation(*GetParam(), &Kernels::rnn_relu, {infinity, -infinity, nan, 2, -2});
  EXPECT_EQ(r[0], infinity);
  EXPECT_EQ(r[1], 0.0f);
  EXPECT_TRUE(std::isnan(r[2]));
  EXPECT_EQ(r[3], 2.0f);
  EXPECT_EQ(r[4], 0.0f);
  const std::vector<float> z = outputs(*GetParam(), GetParam()->gru, {0, 1, 0}, {1e30f, -1e30f, nan, 0, -86, -89});
  EXPECT_EQ(z[0], 1.0f);
  EXPECT_EQ(z[1], 0.0f);
  EXPECT_TRUE(std::isnan(z[2]));
  EXPECT_EQ(z[3], 0.5f);
  EXPECT_GT(z[4], 0.0f);
  EXPECT_EQ(z[5], 0.0f);
}

// x is the forget gate's; i = o = 1/2, g = 0.
TEST_P(EveryIsa, AClosedGateTimesAnInfiniteStateIsNaN) {
  const std::vector<float> h = outputs(*GetParam(), GetParam()->lstm, {0, 1, 0, 0}, {-1e30f, -89, 0, 200},
                                       std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(h[0]));
  EXPECT_TRUE(std::isnan(h[1]));
  EXPECT_EQ(h[2], 0.5f);
  EXPECT_EQ(h[3], 0.5f);
}

INSTANTIATE_TEST_SUITE_P(, EveryIsa, testing::ValuesIn(every_table()),
                         [](const testing::TestParamInfo<const Kernels*>& table) { return table.param->name; });

}  // namespace
}  // namespace packed_rnn::test
