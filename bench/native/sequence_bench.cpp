// Packing and padding beside one memcpy of as many bytes as they write, the two taking turns in one run.
//
//   <function>/<layout>/<order>/<lengths>/row bytes/sequences/KiB written     →  ratio: median time, in memcpys
#include "core/sequence.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace packed_rnn {
namespace {

using Bytes = std::vector<std::byte>;

enum class Function { pack, pad };

struct Shape {
  Function function;
  bool batch_first;
  bool sorted;
  bool full;  // all sequences of one length; else lengths from 1 to the longest, evenly spread
  std::size_t row_bytes;
  std::size_t batch;
  std::size_t kib;  // about as many are written

  std::string name() const {
    return std::string(function == Function::pack ? "pack" : "pad") + (batch_first ? "/batch-first" : "/time-first") +
           (sorted ? "/sorted" : "/unsorted") + (full ? "/full" : "/var") + "/" + std::to_string(row_bytes) + "/" +
           std::to_string(batch) + "/" + std::to_string(kib);
  }
};

struct Workload {
  std::vector<std::int32_t> order, batch_sizes;
  std::size_t steps, rows = 0;

  explicit Workload(const Shape& shape) {
    const std::size_t rows_wanted = std::max<std::size_t>(shape.kib * 1024 / shape.row_bytes, 1);
    const bool half = !shape.full && shape.function == Function::pack;
    steps = std::max<std::size_t>(1, rows_wanted * (half ? 2 : 1) / shape.batch);
    for (std::size_t t = 0; t < steps; ++t) {
      const std::size_t active = shape.full ? shape.batch : std::max<std::size_t>(1, shape.batch * (steps - t) / steps);
      batch_sizes.push_back(static_cast<std::int32_t>(active));
      rows += active;
    }
    if (shape.sorted) return;
    order.resize(shape.batch);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
  }
};

double median(std::vector<double>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

template <class Callable>
double seconds(Callable callable) {
  const auto start = std::chrono::steady_clock::now();
  callable();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run(benchmark::State& state, Shape shape) {
  const Workload work(shape);
  const Packing packing = {View<const std::int32_t>(work.batch_sizes), View<const std::int32_t>(work.order),
                           shape.batch};
  Bytes rows(work.rows * shape.row_bytes, std::byte{1});
  Bytes padded(shape.batch * work.steps * shape.row_bytes, std::byte{2});
  const std::size_t written = shape.function == Function::pack ? rows.size() : padded.size();
  Bytes from(written, std::byte{3}), to(written, std::byte{4});
  const std::byte zeros[4] = {};

  std::vector<double> times, copies;
  for (auto _ : state) {
    times.push_back(seconds([&] {
      if (shape.function == Function::pack) {
        pack_padded({padded.data(), shape.batch, work.steps, shape.batch_first}, packing, shape.row_bytes, rows.data());
      } else {
        pad_packed(rows.data(), packing, shape.row_bytes, {padded.data(), shape.batch, work.steps, shape.batch_first},
                   {zeros, std::min<std::size_t>(shape.row_bytes, 4)});
      }
    }));
    copies.push_back(seconds([&] { std::memcpy(to.data(), from.data(), written); }));
    state.SetIterationTime(times.back());
  }
  const double time = median(times), copy = median(copies);
  state.counters["GB/s"] = static_cast<double>(written) / time / 1e9;
  state.counters["memcpy GB/s"] = static_cast<double>(written) / copy / 1e9;
  state.counters["ratio"] = time / copy;
}

const bool registered = [] {
  for (const Function function : {Function::pack, Function::pad}) {
    for (const bool batch_first : {false, true}) {
      for (const bool sorted : {true, false}) {
        for (const bool full : {true, false}) {
          for (const std::size_t row_bytes : {1, 4, 12, 64, 512, 2048}) {
            for (const std::size_t batch : {8, 64, 1024}) {
              for (const std::size_t kib : {256, 4096, 65536}) {
                const Shape shape = {function, batch_first, sorted, full, row_bytes, batch, kib};
                benchmark::RegisterBenchmark(shape.name().c_str(), run, shape)->UseManualTime();
              }
            }
          }
        }
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace packed_rnn
