// CUDA graphs: a library of its own, because PyTorch's header needs CUDA's. Loaded after libtorch_cuda.
#include "../common.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <memory>
#include <optional>

namespace medr1 {
namespace {

using at::cuda::CUDAGraph;

// Never shrinks, for a graph's index stays its own; never destroyed, for the driver is gone when the process ends.
auto& graphs = *new std::vector<std::unique_ptr<CUDAGraph>>;

CUDAGraph& graphAt(const Args& args) {
  const int32_t index = args.i32(0);
  if (index < 0 || index >= static_cast<int32_t>(graphs.size()) || !graphs[index])
    throw Failure(kBadArguments, "this CUDA graph was disposed");
  return *graphs[index];
}

napi_value newGraph(const Args& args) {
  graphs.push_back(std::make_unique<CUDAGraph>());
  return integer(args.env(), static_cast<int32_t>(graphs.size() - 1));
}

napi_value destroyGraph(const Args& args) {
  graphAt(args).reset();
  graphs[args.i32(0)] = nullptr;
  return undefined(args.env());
}

// A pool that several graphs share; they must then be replayed in the order of their capture.
napi_value newPool(const Args& args) {
  const auto [first, second] = at::cuda::graph_pool_handle();
  return intArray(args.env(), std::vector<double>{double(first), double(second)});
}

// Capture is not allowed on the default stream. One side stream of a device serves every warm-up and capture: memory of a pool, and the
// workspaces of CUDA's libraries, are kept by stream, and graphs that share a pool are to share those too.
c10::cuda::CUDAStream sideStream(c10::DeviceIndex device) {
  static auto& streams = *new std::map<c10::DeviceIndex, c10::cuda::CUDAStream>;
  auto found = streams.find(device);
  if (found == streams.end()) found = streams.emplace(device, c10::cuda::getStreamFromPool(false, device)).first;
  return found->second;
}
std::optional<c10::cuda::CUDAStream> outside;

napi_value enterStream(const Args& args) {
  if (outside) throw Failure(kBadArguments, "a CUDA graph is being captured already");
  const auto device = static_cast<c10::DeviceIndex>(args.i32(0));
  c10::cuda::device_synchronize();
  outside = c10::cuda::getCurrentCUDAStream(device);
  c10::cuda::setCurrentCUDAStream(sideStream(device));
  return undefined(args.env());
}
napi_value leaveStream(const Args& args) {
  if (outside) c10::cuda::setCurrentCUDAStream(*outside);
  outside.reset();  // also when an error of the work before comes out here
  c10::cuda::device_synchronize();
  return undefined(args.env());
}

// beginCapture(graph, [pool] | [])
napi_value beginCapture(const Args& args) {
  const auto pool = args.ints(1);
  const c10::MempoolId_t id = pool.size() == 2 ? c10::MempoolId_t(pool[0], pool[1]) : c10::MempoolId_t(0, 0);
  graphAt(args).capture_begin(id, cudaStreamCaptureModeThreadLocal);
  return undefined(args.env());
}
napi_value endCapture(const Args& args) {
  graphAt(args).capture_end();
  return undefined(args.env());
}
napi_value replay(const Args& args) {
  graphAt(args).replay();
  return undefined(args.env());
}

napi_value start(napi_env env, napi_value exports) {
  std::vector<Export> all = errorExports();
  for (const auto& item : std::vector<Export>{{"newGraph", entry<newGraph>},
                                              {"destroyGraph", entry<destroyGraph>},
                                              {"newPool", entry<newPool>},
                                              {"enterStream", entry<enterStream>},
                                              {"leaveStream", entry<leaveStream>},
                                              {"beginCapture", entry<beginCapture>},
                                              {"endCapture", entry<endCapture>},
                                              {"replay", entry<replay>}})
    all.push_back(item);
  exportAll(env, exports, all);
  return exports;
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() { return medr1::start(env, exports); }
