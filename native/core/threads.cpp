#include "core/threads.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "core/affinity.h"
#include "core/distance.h"
#include "core/float_environment.h"
#include "core/processors.h"
#include "core/spin.h"

namespace packed_rnn {

// What a team shares. A job is used again when its last helper has left, and freed when all helpers have ended, so that
// one which comes late finds it closed, not gone.
struct Team::Job {
  // The present run in one word, so that taking an index is one exchange, and in one cache line with what to call, so
  // that a helper that waits for it has all at once. From the lowest bits up: the last index still to be taken, of
  // those from 1 on, and how many have been done, and taken, 16 bits each. An exchange that comes too late for its run
  // fails, or takes an index of the next run, which is as good.
  alignas(64) std::atomic<std::uint64_t> state{closed};
  Call call = nullptr;
  const void* context = nullptr;
  Clock::time_point begun;

  alignas(64) std::atomic<std::size_t> helpers{0};

  static constexpr std::uint64_t bits = 16, mask = (1 << bits) - 1;
  static constexpr std::uint64_t one_last = 1, one_done = one_last << bits, one_taken = one_done << bits;
  static constexpr std::uint64_t closed = ~mask;  // nothing to be taken, whoever finds it amid an exchange

  static constexpr std::uint64_t last(std::uint64_t state) { return state & mask; }
  static constexpr std::uint64_t done(std::uint64_t state) { return state >> bits & mask; }
  static constexpr std::uint64_t taken(std::uint64_t state) { return state >> 2 * bits & mask; }

  void begin(std::size_t count, Call of, const void* with) {
    assert(count <= mask);
    call = of;
    context = with;
    begun = Clock::now();
    state.store((count - 1) * one_last, std::memory_order_release);
  }
  bool take(std::uint64_t now, std::size_t& i) {
    while (last(now) > 0) {
      if (state.compare_exchange_weak(now, now - one_last + one_taken, std::memory_order_acq_rel)) {
        return i = last(now), true;
      }
    }
    return false;
  }
  // Leaves nothing to be taken: who has done an index leaves nothing to do for others.
  void withdraw() {
    std::uint64_t now = state.load(std::memory_order_relaxed);
    while (last(now) > 0 && !state.compare_exchange_weak(now, now - last(now), std::memory_order_acq_rel)) {
    }
  }
};
static_assert(Team::Job::last(Team::Job::closed) == 0);

namespace {

// How long a helper without work stays awake. Waking it takes longer than brief work does: one that has come too late
// should still be there for the next.
constexpr auto patience = std::chrono::microseconds(500);

class Helper {
 public:
  Helper() : thread_([this] { main(); }) {}
  ~Helper() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  // To whom the pool has lent it; the pool's lock guards this. A helper that was given back may still be on its way out
  // of the last job: it finds the next one in its mailbox.
  const Team::Job* lent_to = nullptr;

  bool is_near() const { return distance_.is_near(); }

  void give(Team::Job& job) {
    job.helpers.fetch_add(1, std::memory_order_relaxed);
    bool asleep;
    Team::Job* missed;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      missed = mailbox_.exchange(&job, std::memory_order_acq_rel);
      asleep = asleep_;
      if (asleep) detour_.begin(thread_);
    }
    if (missed) missed->helpers.fetch_sub(1, std::memory_order_release);
    if (asleep) wake_.notify_one();
  }

 private:
  void main() {
    const FloatEnvironment environment;
    while (Team::Job* const job = next()) {
      serve(*job);
      job->helpers.fetch_sub(1, std::memory_order_release);
    }
  }

  Team::Job* next() {
    const Clock::time_point until = Clock::now() + patience;
    do {
      for (int i = 0; i < 50; ++i) {
        if (mailbox_.load(std::memory_order_relaxed)) {
          if (Team::Job* const job = mailbox_.exchange(nullptr, std::memory_order_acq_rel)) return job;
        }
        relax();
      }
    } while (Clock::now() < until);
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_ = true;
    wake_.wait(lock, [this] { return stop_ || mailbox_.load(std::memory_order_relaxed); });
    asleep_ = false;
    detour_.end();
    return mailbox_.exchange(nullptr, std::memory_order_acq_rel);
  }

  void serve(Team::Job& job) {
    Spin spin;
    for (;;) {
      const std::uint64_t now = job.state.load(std::memory_order_acquire);
      if (now == Team::Job::closed) return;
      std::size_t i;
      if (job.take(now, i)) {
        if (spin.has_held_on()) distance_.add(Clock::now() - job.begun);
        job.call(job.context, i);
        job.withdraw();
        job.state.fetch_add(Team::Job::one_done, std::memory_order_acq_rel);
        spin = Spin();
      } else {
        spin.wait();
      }
    }
  }

  std::atomic<Team::Job*> mailbox_{nullptr};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool asleep_ = false;
  Detour detour_;
  Distance distance_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses the others
};

class Pool {
 public:
  std::size_t limit() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return limited();
  }

  void set_limit(std::size_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    limit_ = limit;
  }

  void assume_near(std::optional<bool> near) {
    const std::lock_guard<std::mutex> lock(mutex_);
    assumed_near_ = near;
  }

  // A job with as many helpers as can be spared, or null if that is none, and the threads that share it.
  struct Lease {
    Team::Job* job = nullptr;
    std::size_t size = 1;
    bool near = true;
  };

  // `busy` counts the threads of teams. The account is set to null if the call will say nothing about helpers: it
  // wanted some, but others have them.
  Lease lease(std::size_t most, Account*& account) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Lease lease;
    if (account && !account->asks()) most = 1;
    for (std::size_t i = 0; lease.size < most && busy_ + lease.size < limited() && i + 1 < limited(); ++i) {
      if (i == helpers_.size() && !grow()) break;
      Helper& helper = *helpers_[i];
      if (helper.lent_to) continue;
      if (!lease.job) lease.job = open();
      helper.lent_to = lease.job;
      helper.give(*lease.job);
      lease.near = lease.near && assumed_near_.value_or(helper.is_near());
      ++lease.size;
    }
    busy_ += lease.size;
    if (most > 1 && lease.size == 1) account = nullptr;
    return lease;
  }

  void release(Team::Job* job, std::size_t size, Account* account, double work, Clock::duration time) {
    const std::lock_guard<std::mutex> lock(mutex_);
    busy_ -= size;
    if (account) size > 1 ? account->add_helped(work, time) : account->add_alone(work, time);
    if (!job) return;
    job->state.store(Team::Job::closed, std::memory_order_release);
    for (const auto& helper : helpers_) {
      if (helper->lent_to == job) helper->lent_to = nullptr;
    }
  }

  void stop() {
    std::vector<std::unique_ptr<Helper>> ending;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending.swap(helpers_);
      ++stopping_;
    }
    ending.clear();  // without the lock: who has borrowed one needs it to give it back
    const std::lock_guard<std::mutex> lock(mutex_);
    --stopping_;
    // Another environment may have begun meanwhile, or be ending its helpers, which still look at their jobs.
    if (stopping_ == 0 && busy_ == 0 && helpers_.empty()) std::vector<std::unique_ptr<Team::Job>>().swap(jobs_);
  }

 private:
  // One helper more, unless the system has no thread or memory to give: then the work is done without.
  bool grow() {
    try {
      helpers_.push_back(std::make_unique<Helper>());
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }

  std::size_t limited() {
    if (limit_ == 0) limit_ = granted_processors();
    return limit_;
  }

  // A job that no helper is in, with nothing to take yet.
  Team::Job* open() {
    Team::Job* free = nullptr;
    for (const auto& job : jobs_) {
      const bool unused = job->state.load(std::memory_order_relaxed) == Team::Job::closed &&
                          job->helpers.load(std::memory_order_acquire) == 0;
      if (unused) free = job.get();
    }
    if (!free) free = jobs_.emplace_back(std::make_unique<Team::Job>()).get();
    free->state.store(0, std::memory_order_release);
    return free;
  }

  std::mutex mutex_;
  std::size_t limit_ = 0;  // 0: not asked yet
  std::optional<bool> assumed_near_;
  std::size_t busy_ = 0, stopping_ = 0;
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::vector<std::unique_ptr<Team::Job>> jobs_;
};

Pool& pool() {
  // Never destroyed: at process exit a thread may still be in it. But it goes with the library, if that is unloaded.
  alignas(Pool) static unsigned char memory[sizeof(Pool)];
  static Pool* const pool = new (memory) Pool();
  return *pool;
}

}  // namespace

void set_num_threads(std::size_t count) {
  pool().set_limit(count);
}

std::size_t get_num_threads() {
  return pool().limit();
}

void assume_near(std::optional<bool> near) {
  pool().assume_near(near);
}

void stop_threads() {
  pool().stop();
}

Team::Team(std::size_t most, Account* account, double work) : leased_(most > 1), account_(account), work_(work) {
  if (!leased_) return;
  started_ = Clock::now();
  const Pool::Lease lease = pool().lease(most, account_);
  job_ = lease.job;
  size_ = lease.size;
  near_ = lease.near;
}

Team::~Team() {
  if (leased_) pool().release(job_, size_, account_, work_, Clock::now() - started_);
}

void Team::run_shared(Call call, const void* context) {
  Job& job = *job_;
  job.begin(size_, call, context);
  call(context, 0);
  job.withdraw();
  Spin spin;
  for (std::uint64_t now; now = job.state.load(std::memory_order_acquire), Job::done(now) < Job::taken(now);) {
    spin.wait();
  }
}

}  // namespace packed_rnn
