#include "core/processors.h"

#include <algorithm>
#include <thread>

#if defined(__linux__)
#include <sched.h>

#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#elif defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>

#include <bitset>
#include <climits>
#endif

namespace packed_rnn {
namespace {

#if defined(__linux__)

// glibc counts those of the machine (std::thread::hardware_concurrency), whatever a container or taskset leaves of
// them.
std::size_t allowed_processors() {
  cpu_set_t sets[16];  // the kernel refuses a set that is too small for the machine
  if (sched_getaffinity(0, sizeof(sets), sets) != 0) return 0;
  return static_cast<std::size_t>(CPU_COUNT_S(sizeof(sets), sets));
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open(const std::string& path) {
  return {std::fopen(path.c_str(), "r"), std::fclose};
}

// Processors' time for the same time on the clock.
constexpr double unlimited = std::numeric_limits<double>::infinity();

// What one group is granted of every period; version 2 has both in one file. A quota of "max" or −1 is none.
double own_quota(const std::string& group, bool is_version_2) {
  long long quota = 0, period = 0;
  const auto read = [&group](const char* name, const char* format, auto*... numbers) {
    const File file = open(group + name);
    return file ? std::fscanf(file.get(), format, numbers...) : 0;
  };
  if (is_version_2) {
    read("/cpu.max", "%lld %lld", &quota, &period);
  } else {
    read("/cpu.cfs_quota_us", "%lld", &quota);
    read("/cpu.cfs_period_us", "%lld", &period);
  }
  return quota > 0 && period > 0 ? static_cast<double>(quota) / static_cast<double>(period) : unlimited;
}

// The least of a group and those that it is in. In a container the path may be the host's, of which nothing is to be
// seen there but the container's own group, as the root.
double least_quota(const std::string& mount, std::string path, bool is_version_2) {
  double least = unlimited;
  for (;;) {
    least = std::min(least, own_quota(mount + path, is_version_2));
    const std::size_t last = path.rfind('/');
    if (last == std::string::npos) return least;
    path.resize(last);
  }
}

#elif defined(_WIN32)

// Zeros where the process has threads in several groups of processors.
std::size_t allowed_processors() {
  DWORD_PTR own = 0, all = 0;
  GetProcessAffinityMask(GetCurrentProcess(), &own, &all);
  return std::bitset<sizeof(own) * CHAR_BIT>(own).count();
}

#else

std::size_t allowed_processors() {
  return 0;
}

#endif

}  // namespace

#if defined(__linux__)

std::size_t group_quota(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  const File groups = open(root + "/proc/self/cgroup");
  double least = unlimited;
  // A line is number:controllers:path. Version 2 names no controllers, version 1 has a folder for each.
  char line[4096 + 256];
  while (groups && std::fgets(line, sizeof(line), groups.get())) {
    line[std::strcspn(line, "\n")] = '\0';
    const char* const number_end = std::strchr(line, ':');
    const char* const path = number_end ? std::strchr(number_end + 1, ':') : nullptr;
    if (!path) continue;
    const std::string controllers = "," + std::string(number_end + 1, path) + ",";
    if (controllers == ",,") {
      least = std::min(least, least_quota(mount, path + 1, true));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      least = std::min(least, least_quota(mount + "/cpu", path + 1, false));
    }
  }
  if (least == unlimited) return 0;
  return least < 1 ? 1 : static_cast<std::size_t>(least);
}

#else

std::size_t group_quota(const std::string&) {
  return 0;
}

#endif

std::size_t granted_processors() {
  std::size_t granted = allowed_processors();  // 0: not known
  if (granted == 0) granted = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t quota = group_quota("");
  return quota == 0 ? granted : std::min(granted, quota);
}

}  // namespace packed_rnn
