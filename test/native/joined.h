// A run of one layer in which another thread joins.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "core/pass.h"
#include "random.h"

namespace packed_rnn::test {

// So many times as long, so that the other thread comes in time even where the two have one processor.
inline std::vector<int> longer(std::vector<int> lengths, int times) {
  for (int& length : lengths) length *= times;
  return lengths;
}
constexpr int most_times = 1024;

// All directions, one after the other, each by this thread until another joins; of a single one the first steps are a
// span of their own, by this thread alone. `joined` says whether that happened to all of them: the other may be late.
inline Result forward_joined(const Recurrent& module, const Batch& batch, bool& joined) {
  const std::size_t directions = module.options().num_directions;
  Result result = empty_result(module, batch);
  const Run run = run_into(result, batch);
  const Share all;
  const std::size_t steps = run.layout.steps(), alone = directions == 1 ? steps / 4 : 0;
  joined = true;
  for (std::size_t direction = 0; direction < directions; ++direction) {
    Pass pass(module, run, 0, direction, all, 1, true, {run.input, false}, {run.output, false});
    pass.prepare();
    pass.run_parted(alone, 0);
    pass.prepare();
    std::atomic<bool> ready{false}, over{false};
    std::thread other([&] {
      ready = true;
      while (pass.left() == 0 && !over) std::this_thread::yield();
      if (!pass.join()) joined = false;
    });
    while (!ready) std::this_thread::yield();
    pass.run_parted(steps - alone, 0);
    over = true;
    other.join();
  }
  return result;
}

}  // namespace packed_rnn::test
