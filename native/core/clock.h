// What time is measured with.
#pragma once

#include <chrono>

namespace packed_rnn {

using Clock = std::chrono::steady_clock;

}  // namespace packed_rnn
