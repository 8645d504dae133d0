// Process groups of torch.distributed. Opened here; their collectives are operators of the dispatcher (_c10d_functional::*).
#include "../common.h"
#include "routes.h"

#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace medr1 {
namespace {

using std::chrono::milliseconds;
using c10d::ProcessGroup;
using c10d::ProcessGroupGloo;

// The registry holds a group by a weak pointer; never destroyed, for threads of a lost group may still run when the process ends.
auto& groups = *new std::map<std::string, c10::intrusive_ptr<ProcessGroup>>;

using Clock = std::chrono::steady_clock;

// How long a member is waited for before a line says so, and from one such line to the next.
constexpr milliseconds FIRST_LINE(5000), NEXT_LINE(60000);

// Members wait this much longer for rank 0's word than rank 0 for theirs, so that all of them hear who did not come.
constexpr milliseconds LONGER(2000);

// What that member wrote. A line on stderr, which is the run's log, says that it is waited for: WORLD_SIZE may be more than there are processes.
std::string fromMember(c10d::Store& store, const std::string& key, int member, int size, milliseconds timeout) {
  const auto begin = Clock::now();
  for (milliseconds patience = FIRST_LINE;; patience = NEXT_LINE) {
    const auto asked = Clock::now();
    const auto left = timeout - std::chrono::duration_cast<milliseconds>(asked - begin);
    const auto wait = std::clamp(left, milliseconds(1), patience);
    try {
      store.wait({key}, wait);
      return store.get_to_str(key);
    } catch (const c10::Error&) {
      if (Clock::now() - asked < wait) throw;  // it did not wait: the store is gone
    }
    const std::string who = "rank " + std::to_string(member) + " of " + std::to_string(size);
    TORCH_CHECK(left > patience, who, " did not come");
    std::cerr << "waits for " + who + ": is it started, and is " + std::to_string(size) + " (WORLD_SIZE) the number of processes?\n";
  }
}

// Throws on all members where one was told another number of them, or does not come.
void agreeOnSize(c10d::Store& store, int rank, int size, milliseconds timeout) {
  auto sizeOf = [](int member) { return "size/" + std::to_string(member); };
  store.set(sizeOf(rank), std::to_string(size));
  if (rank == 0) {
    std::string differs, told;
    for (int member = 1; member < size && differs.empty(); member++) {
      try {
        told = fromMember(store, sizeOf(member), member, size, timeout);
      } catch (const c10::Error& error) {
        store.set("sizes", error.what_without_backtrace());
        throw;
      }
      if (told != std::to_string(size))
        differs = "WORLD_SIZE is " + told + " for rank " + std::to_string(member) + " and " + std::to_string(size) + " for rank 0";
    }
    store.set("sizes", differs.empty() ? "agree" : differs);
  }
  store.wait({"sizes"}, timeout + LONGER);
  const auto seen = store.get_to_str("sizes");
  TORCH_CHECK(seen == "agree", seen);
  TORCH_CHECK(store.get_to_str(sizeOf(0)) == std::to_string(size), "WORLD_SIZE is ", size, " for rank ", rank, " and ",
              store.get_to_str(sizeOf(0)), " for rank 0");
}

// The address by which the others reach this process. A machine's own name is often that of its loopback (Debian's /etc/hosts), and a machine may have
// several networks: so the others tell rank 0 at which address they see it, and each takes the address of its own on the way there.
std::string meetingAddress(c10d::Store& store, int rank, int size, const std::string& master) {
  auto routeOf = [](int member) { return "route/" + std::to_string(member); };
  if (rank > 0) store.set(routeOf(rank), routeTo(master).to);
  if (rank == 0) {
    std::string address;
    for (int member = 1; member < size; member++) {
      const auto seen = store.get_to_str(routeOf(member));
      if (address.empty() || isLoopback(address)) address = seen;  // who is on the same machine may see it by the loopback
    }
    store.set("address", address);
  }
  return routeTo(store.get_to_str("address")).from;
}

using Devices = std::vector<std::shared_ptr<::gloo::transport::Device>>;

// The networks that the user named in GLOO_SOCKET_IFNAME, as for PyTorch; empty without it.
Devices namedInterfaces() {
  Devices out;
  const char* names = std::getenv("GLOO_SOCKET_IFNAME");
  std::istringstream list(names == nullptr ? "" : names);
  for (std::string name; std::getline(list, name, ',');)
    if (!name.empty()) out.push_back(ProcessGroupGloo::createDeviceForInterface(name));
  return out;
}

template <class Backend>
void limit(Backend& backend, milliseconds timeout) {
  // an older PyTorch keeps the timeout that the group was opened with
  if constexpr (requires { backend.setTimeout(timeout); }) backend.setTimeout(timeout);
}

// `host`: an address of this process that all others reach; empty where they are to find one on the way to `master`.
void open(const std::string& name, int rank, int size, milliseconds timeout, const std::string& host, const std::string& master,
          const c10::intrusive_ptr<c10d::Store>& store) {
  store->setTimeout(timeout);
  auto prefixed = c10::make_intrusive<c10d::PrefixStore>(name, store);
  agreeOnSize(*prefixed, rank, size, timeout);
  auto options = ProcessGroupGloo::Options::create(timeout);
  const auto address = host.empty() ? meetingAddress(*prefixed, rank, size, master) : host;
  options->devices = namedInterfaces();
  if (options->devices.empty()) options->devices = {ProcessGroupGloo::createDeviceForHostname(address)};
  auto gloo = c10::make_intrusive<ProcessGroupGloo>(prefixed, rank, size, options);
  auto group = c10::make_intrusive<ProcessGroup>(prefixed, rank, size);
  group->setBackend(c10::DeviceType::CPU, ProcessGroup::BackendType::GLOO, gloo);
  group->setDefaultBackend(ProcessGroup::BackendType::GLOO);
  group->setGroupName(name);
  c10d::register_process_group(name, group);
  groups[name] = std::move(group);
}

// openByFile(name, rank, size, timeout in ms, file, host of this process's address)
napi_value openByFile(const Args& args) {
  const int size = args.i32(2);
  open(args.string(0), args.i32(1), size, milliseconds(args.i64(3)), args.string(5), "",
       c10::make_intrusive<c10d::FileStore>(args.string(4), size));
  return undefined(args.env());
}

// openByTcp(name, rank, size, timeout in ms, address, port, whether this process holds the store)
napi_value openByTcp(const Args& args) {
  const int size = args.i32(2);
  const milliseconds timeout(args.i64(3));
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(args.i32(5));
  options.isServer = args.boolean(6);
  options.numWorkers = size;
  options.multiTenant = options.isServer;
  options.waitWorkers = false;  // agreeOnSize does, and sees when they do not agree on their number
  options.timeout = timeout;
  open(args.string(0), args.i32(1), size, timeout, "", args.string(4), c10::make_intrusive<c10d::TCPStore>(args.string(4), options));
  return undefined(args.env());
}

// limitGroup(name, timeout in ms): for the collectives from now on
napi_value limitGroup(const Args& args) {
  limit(*static_cast<ProcessGroupGloo*>(groups.at(args.string(0))->getBackend(ProcessGroup::BackendType::GLOO).get()),
        milliseconds(args.i64(1)));
  return undefined(args.env());
}

napi_value closeGroup(const Args& args) {
  const std::string name = args.string(0);
  if (groups.erase(name) > 0) c10d::unregister_process_group(name);
  return undefined(args.env());
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() {
  medr1::exportAll(env, exports, medr1::errorExports());
  medr1::exportAll(env, exports,
                   {{"openByFile", medr1::entry<medr1::openByFile>},
                    {"openByTcp", medr1::entry<medr1::openByTcp>},
                    {"limitGroup", medr1::entry<medr1::limitGroup>},
                    {"closeGroup", medr1::entry<medr1::closeGroup>}});
  return exports;
}
