// What this machine can do: answers one command per line of standard input with one line of standard output, so that a
// benchmark can measure the limit in between the runs that it compares with it. A negative number says that this
// machine lacks what was asked for.
//
//   table                    the name of the table of kernels that is taken here
//   fma ISA THREADS          GFLOP/s of fused multiply-adds on float, all threads together
//   read ISA BYTES THREADS   GB/s of reading BYTES over and over, each thread its own
//   distance                 ns that a cache line takes from one thread to another and back
//   step ISA UNITS ROWS      µs of the kernel alone for one step of ROWS sequences through an LSTM of UNITS units
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/cell.h"
#include "core/memory.h"
#include "core/weights.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace packed_rnn {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds warm_up(2e-3), window(3e-3), turn(5e-3);
constexpr int windows = 3;

// ---- the loops that set the limits, one pair an instruction set ------------------------------------------------

// Enough chains to hide the latency of an fma, few enough to stay in registers. None starts where it would stay, which
// a compiler could see.
#if defined(__aarch64__)
constexpr std::size_t chains = 16;
#else
constexpr std::size_t chains = 12;
#endif
constexpr std::size_t fma_rounds = 2000;

struct Loops {
  const char* isa;
  double flops_per_round;
  float (*fma)(std::size_t rounds);
  std::uint64_t (*read)(const float* data, std::size_t size);  // size: a multiple of 128
};

#if defined(__x86_64__)

__attribute__((target("avx512f"))) float fma_avx512(std::size_t rounds) {
  __m512 sum[chains];
  for (std::size_t i = 0; i < chains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i + 2));
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
  while (rounds--) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < chains; ++i) sum[i] = _mm512_fmadd_ps(sum[i], a, b);
  }
  float total = 0;
  for (const __m512& s : sum) total += _mm512_cvtss_f32(s);
  return total;
}

__attribute__((target("avx512f"))) std::uint64_t read_avx512(const float* data, std::size_t size) {
  __m512i seen[8];
  for (__m512i& s : seen) s = _mm512_setzero_si512();
  for (std::size_t i = 0; i < size; i += 128) {
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j) seen[j] = _mm512_or_si512(seen[j], _mm512_load_si512(data + i + 16 * j));
  }
  std::uint64_t total = 0;
  for (const __m512i& s : seen) total |= static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(s)));
  return total;
}

__attribute__((target("avx2,fma"))) float fma_avx2(std::size_t rounds) {
  __m256 sum[chains];
  for (std::size_t i = 0; i < chains; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i + 2));
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
  while (rounds--) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < chains; ++i) sum[i] = _mm256_fmadd_ps(sum[i], a, b);
  }
  float total = 0;
  for (const __m256& s : sum) total += _mm256_cvtss_f32(s);
  return total;
}

__attribute__((target("avx2"))) std::uint64_t read_avx2(const float* data, std::size_t size) {
  __m256i seen[8];
  for (__m256i& s : seen) s = _mm256_setzero_si256();
  for (std::size_t i = 0; i < size; i += 64) {
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j) {
      seen[j] = _mm256_or_si256(seen[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(data + i + 8 * j)));
    }
  }
  std::uint64_t total = 0;
  for (const __m256i& s : seen) total |= static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm256_castsi256_si128(s)));
  return total;
}

const Loops loops[] = {{"avx512", chains * 16 * 2.0, fma_avx512, read_avx512},
                       {"avx2", chains * 8 * 2.0, fma_avx2, read_avx2}};

#elif defined(__aarch64__)

float fma_neon(std::size_t rounds) {
  float32x4_t sum[chains];
  for (std::size_t i = 0; i < chains; ++i) sum[i] = vdupq_n_f32(static_cast<float>(i + 2));
  const float32x4_t a = vdupq_n_f32(0.999f), b = vdupq_n_f32(0.001f);
  while (rounds--) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < chains; ++i) sum[i] = vfmaq_f32(sum[i], a, b);  // the other order takes a move more
  }
  float total = 0;
  for (const float32x4_t& s : sum) total += vgetq_lane_f32(s, 0);
  return total;
}

std::uint64_t read_neon(const float* data, std::size_t size) {
  uint32x4_t seen[8];
  for (uint32x4_t& s : seen) s = vdupq_n_u32(0);
  for (std::size_t i = 0; i < size; i += 32) {
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j) {
      seen[j] = vorrq_u32(seen[j], vld1q_u32(reinterpret_cast<const std::uint32_t*>(data + i + 4 * j)));
    }
  }
  std::uint64_t total = 0;
  for (const uint32x4_t& s : seen) total |= vgetq_lane_u32(s, 0);
  return total;
}

const Loops loops[] = {{"neon", chains * 4 * 2.0, fma_neon, read_neon}};

#else

const Loops loops[] = {{"portable", 0, nullptr, nullptr}};

#endif

// ---- measuring -------------------------------------------------------------------------------------------------

// A result that the optimiser has to believe in.
std::atomic<std::uint64_t> sink;

// How often per second `once` runs, for so long.
double rate_over(Seconds duration, const std::function<void()>& once) {
  const Clock::time_point start = Clock::now();
  Seconds passed(0);
  for (std::size_t count = 1;; ++count) {
    once();
    passed = Clock::now() - start;
    if (passed >= duration) return count / passed.count();
  }
}

// The same at best: a limit is what the machine does when nothing else is in the way.
double rate(const std::function<void()>& once) {
  rate_over(warm_up, once);
  double best = 0;
  for (int i = 0; i < windows; ++i) best = std::max(best, rate_over(window, once));
  return best;
}

// The sum of the rates of `threads` threads that start together; make_once(), called on the thread, makes its `once`.
double rates(std::size_t threads, const std::function<std::function<void()>()>& make_once) {
  std::vector<double> each(threads);
  std::atomic<std::size_t> ready(0);
  const auto body = [&](std::size_t i) {
    const std::function<void()> once = make_once();
    for (++ready; ready < threads;) std::this_thread::yield();
    each[i] = rate(once);
  };
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(body, i);
  body(0);
  for (std::thread& helper : helpers) helper.join();
  double sum = 0;
  for (const double r : each) sum += r;
  return sum;
}

const Kernels* kernels_of(const std::string& isa) {
  const Supported supported = supported_kernels();
  const auto end = supported.tables + supported.count;
  const auto found = std::find_if(supported.tables, end, [&](const Kernels* k) { return isa == k->isa; });
  return found == end ? nullptr : *found;
}

const Loops* loops_of(const std::string& isa) {
  const auto found = std::find_if(std::begin(loops), std::end(loops), [&](const Loops& l) { return isa == l.isa; });
  return found == std::end(loops) || !found->fma || !kernels_of(isa) ? nullptr : found;
}

double fma(const Loops& of, std::size_t threads) {
  const auto once = [&] { sink += static_cast<std::uint64_t>(of.fma(fma_rounds)); };
  return rates(threads, [&] { return once; }) * of.flops_per_round * fma_rounds / 1e9;
}

double read(const Loops& of, std::size_t bytes, std::size_t threads) {
  const std::size_t size = std::max<std::size_t>(bytes / sizeof(float) / 128, 1) * 128;
  const std::size_t passes = std::max<std::size_t>((std::size_t(1) << 20) / bytes, 1);
  const auto make_once = [&] {
    const auto data = std::make_shared<Floats>(size);
    std::fill_n(data->data(), size, 1.0f);
    return [&of, data, size, passes] {
      std::uint64_t seen = 0;
      for (std::size_t i = 0; i < passes; ++i) seen |= of.read(data->data(), size);
      sink += seen;  // seldom: all threads write there
    };
  };
  return rates(threads, make_once) * passes * size * sizeof(float) / 1e9;
}

// Two threads that write to one line in turn. Where they share a processor, one lets the other run.
double distance() {
  constexpr int trips = 2000;
  alignas(cache_line) std::atomic<int> ball{0};
  const auto await = [&](int turn) {
    for (int spins = 0; ball.load(std::memory_order_acquire) != turn;) {
      if (++spins % 100000 == 0) std::this_thread::yield();
    }
  };
  std::thread other([&] {
    for (int i = 0; i < trips; ++i) {
      await(2 * i + 1);
      ball.store(2 * i + 2, std::memory_order_release);
    }
  });
  Clock::time_point start;
  for (int i = 0; i < trips; ++i) {
    if (i == trips / 2) start = Clock::now();  // by then the other has come
    ball.store(2 * i + 1, std::memory_order_release);
    await(2 * i + 2);
  }
  const Seconds passed = Clock::now() - start;
  other.join();
  return 1e9 * passed.count() / (trips - trips / 2);
}

// One array of `units` floats a row.
struct Rows {
  std::vector<float> values;
  std::vector<float*> at;

  Rows(std::size_t rows, std::size_t units) : values(rows * units, 0.1f) {
    for (std::size_t i = 0; i < rows; ++i) at.push_back(&values[i * units]);
  }
};

// No limit, but a part of what a call takes, and measured as calls are (measure.js): the mean of a turn, to and fro
// through the panels as the core goes, each step from what the one before has put out.
double step(const Kernels& kernels, std::size_t units, std::size_t rows) {
  const std::vector<float> values(4 * units * units, 0.01f);
  Parameters p;
  p.input_size = p.hidden_size = p.units = units;
  p.weight_ih = p.weight_hh = {values.data(), values.size()};
  const Weights weights(kernels, kernels.lstm, p, false);
  Rows input(rows, units), cell(rows, units), hidden(rows, units), output(rows, units);
  Step one;
  one.rows = rows;
  one.input = input.at.data();
  one.cell = cell.at.data();
  const std::size_t steps = std::max<std::size_t>(1, 16 / rows);  // for one look at the clock
  const auto once = [&] {
    for (std::size_t i = 0; i < steps; ++i) {
      one.hidden = hidden.at.data();
      one.output = output.at.data();
      kernels.lstm.step(weights.panels(), one, 0, weights.panel_count());
      one.backwards = !one.backwards;
      std::swap(hidden.at, output.at);
    }
  };
  rate_over(warm_up, once);
  return 1e6 / steps / rate_over(turn, once);
}

double answer(const std::string& name, std::istream& arguments) {
  if (name == "distance") return distance();
  std::string isa;
  std::size_t a = 1, b = 1;
  arguments >> isa >> a >> b;
  if (name == "step") {
    const Kernels* kernels = kernels_of(isa);
    return kernels ? step(*kernels, a, b) : -1;
  }
  const Loops* of = loops_of(isa);
  if (!of) return -1;
  return name == "fma" ? fma(*of, a) : name == "read" ? read(*of, a, b) : -1;
}

}  // namespace
}  // namespace packed_rnn

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream command(line);
    std::string name;
    command >> name;
    if (name == "table") {
      std::cout << packed_rnn::select_kernels(packed_rnn::forced_isa())->name << std::endl;
    } else {
      std::cout << packed_rnn::answer(name, command) << std::endl;
    }
  }
}
