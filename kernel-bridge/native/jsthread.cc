#include "jsthread.h"

#include "common.h"

#include <ATen/Context.h>
#include <ATen/ThreadLocalState.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace medr1 {
namespace {

// Work for another thread, and how it ended.
struct Job {
  std::function<void()> work;
  std::exception_ptr error;
  bool done = false;

  void run() {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
  }
};

// A thread that waits for its callback; until it is done it may be given a nested backward to run.
struct Visit {
  Job callback;
  at::ThreadLocalState locals;  // grad mode and the like, as on the visiting thread
  Job* nested = nullptr;
};

// Never destroyed: the helper thread waits here until the process ends.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Visit*> visits;
  Job* forHelper = nullptr;
  bool helperStarted = false;
};
Shared& shared() {
  static auto* all = new Shared;
  return *all;
}

std::thread::id jsThread;
std::vector<Visit*> hosts;  // JavaScript thread only: the callbacks it is inside of
int serving = 0;            // runEngine calls under way; guarded by the mutex

// Serves callbacks until `job` is done.
void serve(std::unique_lock<std::mutex>& lock, const Job& job) {
  auto& all = shared();
  ++serving;
  while (true) {
    all.changed.wait(lock, [&] { return job.done || !all.visits.empty(); });
    if (all.visits.empty()) break;
    Visit* visit = all.visits.front();
    all.visits.pop_front();
    lock.unlock();
    hosts.push_back(visit);
    {
      at::ThreadLocalStateGuard guard(visit->locals);
      visit->callback.run();
    }
    hosts.pop_back();
    lock.lock();
    visit->callback.done = true;
    all.changed.notify_all();
  }
  --serving;
}

void helperLoop() {
  auto& all = shared();
  std::unique_lock lock(all.mutex);
  while (true) {
    all.changed.wait(lock, [&] { return all.forHelper != nullptr; });
    Job* job = all.forHelper;
    all.forHelper = nullptr;
    lock.unlock();
    job->run();
    lock.lock();
    job->done = true;
    all.changed.notify_all();
  }
}

// The backward with the JavaScript thread's settings and CUDA stream.
std::function<void()> withLocals(const std::function<void()>& work) {
  std::optional<c10::Stream> stream;
  if (at::globalContext().hasCUDA()) {
    const c10::impl::VirtualGuardImpl cuda(c10::kCUDA);
    stream = cuda.getStream(cuda.getDevice());
  }
  return [&work, stream, locals = at::ThreadLocalState()] {
    at::ThreadLocalStateGuard guard(locals);
    if (stream) c10::impl::VirtualGuardImpl(c10::kCUDA).exchangeStream(*stream);
    work();
  };
}

}  // namespace

bool adoptJsThread() {
  if (jsThread != std::thread::id() && !onJsThread()) return false;
  jsThread = std::this_thread::get_id();
  return true;
}
bool onJsThread() { return std::this_thread::get_id() == jsThread; }

void runEngine(bool threaded, const std::function<void()>& work) {
  if (!threaded) return work();
  auto& all = shared();
  Job job{withLocals(work)};
  {
    std::unique_lock lock(all.mutex);
    if (hosts.empty()) {
      if (!all.helperStarted) std::thread(helperLoop).detach();
      all.helperStarted = true;
      all.forHelper = &job;
    } else {
      hosts.back()->nested = &job;
    }
    all.changed.notify_all();
    serve(lock, job);
  }
  if (job.error) std::rethrow_exception(job.error);
}

void callOnJsThread(const std::function<void()>& callback) {
  if (onJsThread()) return callback();
  auto& all = shared();
  Visit visit{{callback}};
  {
    std::unique_lock lock(all.mutex);
    if (serving == 0) throw Failure(kOperatorFailed, "a JavaScript backward was reached while JavaScript was not waiting for it");
    all.visits.push_back(&visit);
    all.changed.notify_all();
    while (true) {
      all.changed.wait(lock, [&] { return visit.callback.done || visit.nested; });
      if (visit.callback.done) break;
      Job* nested = visit.nested;
      visit.nested = nullptr;
      lock.unlock();
      nested->run();
      lock.lock();
      nested->done = true;
      all.changed.notify_all();
    }
  }
  if (visit.callback.error) std::rethrow_exception(visit.callback.error);
}

}  // namespace medr1
