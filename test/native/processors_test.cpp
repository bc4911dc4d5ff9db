// How many processors there are for the process: what it may run on, and what its control groups are granted.
#include "core/processors.h"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace packed_rnn::test {
namespace {

// The files of /proc and /sys that tell the quota, in a folder of their own.
class GroupQuota : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::ofstream(root_ + path) << text;
  }
  void version_2(const std::string& group, const std::string& quota) {
    write("/sys/fs/cgroup" + group + "/cpu.max", quota + "\n");
  }
  void version_1(const std::string& group, const std::string& quota, const std::string& period = "100000") {
    write("/sys/fs/cgroup/cpu" + group + "/cpu.cfs_quota_us", quota + "\n");
    write("/sys/fs/cgroup/cpu" + group + "/cpu.cfs_period_us", period + "\n");
  }
  void is_in(const std::string& groups) { write("/proc/self/cgroup", groups); }
  std::size_t quota() const { return group_quota(root_); }

  ~GroupQuota() override { std::filesystem::remove_all(root_); }

 private:
  const std::string root_ =
      ::testing::TempDir() + "packed_rnn_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(GroupQuota, IsNoneWhereNothingSaysSo) {
  EXPECT_EQ(quota(), 0u);
  is_in("0::/\n");
  EXPECT_EQ(quota(), 0u);
  version_2("", "max 100000");
  EXPECT_EQ(quota(), 0u);
}

TEST_F(GroupQuota, IsThatOfAContainer) {
  is_in("0::/\n");
  version_2("", "400000 100000");
  EXPECT_EQ(quota(), 4u);
}

TEST_F(GroupQuota, CountsWholeProcessors) {
  is_in("0::/\n");
  version_2("", "290000 100000");
  EXPECT_EQ(quota(), 2u);
  version_2("", "5000 10000");
  EXPECT_EQ(quota(), 1u);
}

TEST_F(GroupQuota, IsTheLeastOfAServiceAndOfWhatItIsIn) {
  is_in("0::/system.slice/a.service\n");
  version_2("/system.slice/a.service", "300000 100000");
  EXPECT_EQ(quota(), 3u);
  version_2("/system.slice", "200000 100000");
  EXPECT_EQ(quota(), 2u);
  version_2("", "800000 100000");
  EXPECT_EQ(quota(), 2u);
  version_2("/system.slice", "max 100000");
  EXPECT_EQ(quota(), 3u);
}

TEST_F(GroupQuota, IsNotThatOfAGroupBeside) {
  is_in("0::/a\n");
  version_2("/a", "max 100000");
  version_2("/ab", "100000 100000");
  EXPECT_EQ(quota(), 0u);
}

TEST_F(GroupQuota, IsKnownToVersion1) {
  is_in("12:memory:/docker/a\n4:cpuacct,cpu:/docker/a\n3:cpuset:/docker/a\n0::/\n");
  version_1("/docker/a", "-1");
  EXPECT_EQ(quota(), 0u);
  version_1("/docker/a", "150000", "50000");
  EXPECT_EQ(quota(), 3u);
}

TEST_F(GroupQuota, IsOfTheRootInAContainerThatNamesTheHostsGroup) {
  is_in("4:cpu,cpuacct:/docker/a\n");
  version_1("", "200000");
  EXPECT_EQ(quota(), 2u);
}

TEST_F(GroupQuota, IsNotReadFromAnotherController) {
  is_in("3:cpuset,cpuacct:/a\n");
  version_1("/a", "100000");
  EXPECT_EQ(quota(), 0u);
}

TEST_F(GroupQuota, IsNoneWhereTheFilesAreNotUnderstood) {
  is_in("\n:\nnothing\n0::\n7:cpu\n4:cpu:elsewhere\n0::/" + std::string(5000, 'a') + "\n0::/a");
  version_2("", "many 100000");
  version_2("/a", "100000");
  version_1("", "100000", "0");
  EXPECT_EQ(quota(), 0u);
}

TEST(GrantedProcessors, AreThoseThatTheThreadMayRunOn) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  const std::size_t before = granted_processors();
  EXPECT_LE(before, static_cast<std::size_t>(CPU_COUNT(&all)));
  std::size_t pinned = 0;
  std::thread([&pinned] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof(one), &one), 0);
    pinned = granted_processors();
  }).join();
  EXPECT_EQ(pinned, 1u);
  EXPECT_EQ(granted_processors(), before);
}

}  // namespace
}  // namespace packed_rnn::test

#endif
