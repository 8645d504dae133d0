// NCCL beside Gloo in a process group: collectives on tensors of a GPU go from GPU to GPU.
#include "../common.h"

#define USE_C10D_NCCL 1
#include <ATen/cuda/CUDAContextLight.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <chrono>
#include <cstdlib>

namespace medr1 {
namespace {

using c10d::ProcessGroup;
using c10d::ProcessGroupNCCL;

// identify(index) -> what no two GPUs, or slices of one, have in common
napi_value identify(const Args& args) {
  const auto* properties = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(args.i32(0)));
  std::string out;
  for (const char byte : properties->uuid.bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[(byte >> 4) & 15];
    out += kDigits[byte & 15];
  }
  return text(args.env(), out);
}

// open(group, timeout in ms): all members call it, each on a GPU of its own
napi_value open(const Args& args) {
  // The host waits in `wait_tensor`, and a member that is gone is an error there. Otherwise a thread of PyTorch ends the whole process.
  ::setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
  const auto group = c10d::resolve_process_group(args.string(0));
  auto options = ProcessGroupNCCL::Options::create();
  options->timeout = std::chrono::milliseconds(args.i64(1));
  options->group_name = args.string(0);
  auto store = c10::make_intrusive<c10d::PrefixStore>("cuda", group->getStore());
  auto nccl = c10::make_intrusive<ProcessGroupNCCL>(std::move(store), group->getRank(), group->getSize(), std::move(options));
  group->setBackend(c10::DeviceType::CUDA, ProcessGroup::BackendType::NCCL, nccl);
  return undefined(args.env());
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() {
  medr1::exportAll(env, exports, medr1::errorExports());
  medr1::exportAll(env, exports, {{"identify", medr1::entry<medr1::identify>}, {"open", medr1::entry<medr1::open>}});
  return exports;
}
