// Accelerators. libtorch_cuda is opened at run time, so that one addon serves machines with and without a GPU.
#include "handles.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include <dlfcn.h>

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
#include <c10/core/CachingDeviceAllocator.h>
#define MEDR1_HAS_DEVICE_ALLOCATOR 1
#endif

namespace medr1 {
namespace {

// open(path of a library) -> null, or why it cannot be opened. PyTorch asks once which devices there are and remembers:
// this must run before the first question, so src/torch/native.ts calls it right after loading the addon.
napi_value openLibrary(const Args& args) {
  if (::dlopen(args.string(0).c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    napi_value none;
    check(args.env(), napi_get_null(args.env(), &none));
    return none;
  }
  return text(args.env(), ::dlerror());
}

bool hasCuda() { return at::globalContext().hasCUDA(); }

napi_value cudaAvailable(const Args& args) { return boolean(args.env(), hasCuda()); }

// deviceCount(type: 'cuda', or the name of a backend that registered itself) -> number; 0 for what this PyTorch does not know
napi_value deviceCount(const Args& args) {
  std::optional<c10::DeviceType> type;
  try {
    type = c10::Device(args.string(0)).type();
  } catch (const c10::Error&) {
  }
  const bool there = type && c10::impl::hasDeviceGuardImpl(*type) && (*type != c10::kCUDA || hasCuda());
  return integer(args.env(), there ? c10::impl::VirtualGuardImpl(*type).deviceCount() : 0);
}

napi_value synchronize(const Args& args) {
  const c10::Device device(args.string(0));
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(std::max<c10::DeviceIndex>(device.index(), 0));
  return undefined(args.env());
}

// deviceMemory(device) -> [allocated, reserved, peak allocated] in bytes; empty where this PyTorch cannot tell
napi_value deviceMemory(const Args& args) {
  std::vector<double> out;
#ifdef MEDR1_HAS_DEVICE_ALLOCATOR
  const c10::Device device(args.string(0));
  auto* allocator = c10::getDeviceAllocator(device.type());
  if (allocator->initialized()) {
    const auto stats = allocator->getDeviceStats(std::max<c10::DeviceIndex>(device.index(), 0));
    out = {double(stats.allocated_bytes[0].current), double(stats.reserved_bytes[0].current),
           double(stats.allocated_bytes[0].peak)};
  } else {
    out = {0, 0, 0};
  }
#endif
  return intArray(args.env(), out);
}

napi_value emptyCache(const Args& args) {
#ifdef MEDR1_HAS_DEVICE_ALLOCATOR
  c10::getDeviceAllocator(c10::Device(args.string(0)).type())->emptyCache();
#endif
  return undefined(args.env());
}
napi_value resetPeak(const Args& args) {
#ifdef MEDR1_HAS_DEVICE_ALLOCATOR
  const c10::Device device(args.string(0));
  c10::getDeviceAllocator(device.type())->resetPeakStats(std::max<c10::DeviceIndex>(device.index(), 0));
#endif
  return undefined(args.env());
}

// versions() -> "built for" and the description of the libtorch that is loaded
napi_value builtFor(const Args& args) { return text(args.env(), TORCH_VERSION); }
napi_value config(const Args& args) { return text(args.env(), at::show_config()); }

}  // namespace

std::vector<Export> deviceExports() {
  return {{"openLibrary", entry<openLibrary>}, {"cudaAvailable", entry<cudaAvailable>},
          {"deviceCount", entry<deviceCount>}, {"synchronize", entry<synchronize>},
          {"deviceMemory", entry<deviceMemory>}, {"emptyCache", entry<emptyCache>},
          {"resetPeak", entry<resetPeak>},     {"builtFor", entry<builtFor>},
          {"config", entry<config>}};
}

}  // namespace medr1
