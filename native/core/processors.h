// How many processors there are for this process: often fewer than the machine has.
#pragma once

#include <cstddef>
#include <string>

namespace packed_rnn {

// Those that the calling thread may run on, or fewer if its control groups are granted less time. At least 1.
std::size_t granted_processors();

// The whole processors' time that Linux grants the control groups which this process is in, be they of version 1 or 2;
// 1 if that is less than one, 0 if there is no limit. `root` comes before /proc and /sys: nothing, but in tests.
std::size_t group_quota(const std::string& root);

}  // namespace packed_rnn
