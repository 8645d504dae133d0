// A device for tests that is not the CPU and needs no hardware: PyTorch's PrivateUse1, here named `testing`. It is as strict as a GPU. The host can
// not read its memory, tensors of two devices do not meet in one operator, and what crosses to or from the host is counted. Its kernels are the
// CPU's, so results can be held to the CPU's. Loading this library registers it; it must come before PyTorch is first asked for its devices.
#include "../common.h"
#include "links.h"
#include "memory.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceType.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace medr1 {
namespace {

using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::IValue;

constexpr auto kDevice = c10::DeviceType::PrivateUse1;
const Device kOnly(kDevice, 0);

// ---- what is counted -----------------------------------------------------------------------------------------------

struct Counts {
  std::atomic<int64_t> toDevice{0};  // copies of the host's tensors
  std::atomic<int64_t> toHost{0};    // copies to the host, each of which waits
  std::atomic<int64_t> values{0};    // single values that the host asked for: item() and operators whose shape depends on values
  std::atomic<int64_t> kernels{0};
};
Counts counts;

// Operators that make CUDA wait, for the shape of the result depends on values.
const std::unordered_set<std::string> kWaiting = {
    "aten::nonzero",     "aten::nonzero_numpy",   "aten::masked_select", "aten::_unique",  "aten::_unique2",
    "aten::unique_dim",  "aten::unique_consecutive", "aten::equal",      "aten::bincount", "aten::is_nonzero",
};

// ---- memory --------------------------------------------------------------------------------------------------------

class Allocator final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = deviceMemory().allocate(bytes);
    return {data, data, &free, kOnly};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(deviceMemory().seenByHost(to), deviceMemory().seenByHost(const_cast<void*>(from)), bytes);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(DeviceIndex) override {
    c10::CachingDeviceAllocator::DeviceStats out;
    const auto [current, peak] = deviceMemory().inUse();
    out.allocated_bytes[0].current = out.reserved_bytes[0].current = static_cast<int64_t>(current);
    out.allocated_bytes[0].peak = out.reserved_bytes[0].peak = static_cast<int64_t>(peak);
    return out;
  }
  void resetAccumulatedStats(DeviceIndex) override {}
  void resetPeakStats(DeviceIndex) override { deviceMemory().resetPeak(); }

 private:
  static void free(void* data) { deviceMemory().release(data); }
};
Allocator allocator;

c10::Storage newStorage(size_t bytes) {
  return c10::Storage(c10::Storage::use_byte_size_t(), bytes, allocator.allocate(bytes), &allocator, true);
}

Tensor over(c10::Storage storage, const Tensor& geometry) {
  auto out = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                                      geometry.dtype());
  out.unsafeGetTensorImpl()->set_sizes_and_strides(geometry.sizes(), geometry.strides(), geometry.storage_offset());
  return out;
}

// ---- tensors lent to the CPU's kernels -----------------------------------------------------------------------------

// The device's tensors of one call as the CPU sees them: the same bytes at the address that the host may use.
class Lent {
 public:
  Tensor toHost(const Tensor& tensor) {
    const auto known = hostOf_.find(tensor.unsafeGetTensorImpl());
    if (known != hostOf_.end()) return known->second;
    const c10::Storage storage = hostStorage(tensor.storage());
    auto out = at::detail::make_tensor<c10::TensorImpl>(c10::Storage(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
    out.unsafeGetTensorImpl()->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
    hostOf_.emplace(tensor.unsafeGetTensorImpl(), out);
    deviceOf_.emplace(out.unsafeGetTensorImpl(), tensor);
    return out;
  }

  // An operator may have changed the shape of a tensor in place, or have taken more memory for it.
  void giveBack() {
    for (auto& [device, host] : storages_) {
      auto* memory = device.unsafeGetStorageImpl();
      if (host.data() == lentAddress_.at(memory) && host.nbytes() == device.nbytes()) continue;
      c10::DataPtr grown = allocator.allocate(host.nbytes());
      if (host.nbytes()) std::memcpy(deviceMemory().seenByHost(grown.get()), host.data(), host.nbytes());
      memory->set_data_ptr_noswap(std::move(grown));
      memory->set_nbytes(host.nbytes());
    }
    for (auto& [host, device] : deviceOf_) {
      auto* impl = device.unsafeGetTensorImpl();
      if (impl->sizes() != host->sizes() || impl->strides() != host->strides() || impl->storage_offset() != host->storage_offset())
        impl->set_sizes_and_strides(host->sizes(), host->strides(), host->storage_offset());
    }
  }

  // The device's tensor for what a kernel returned: what was lent, a view of it, or something new.
  Tensor toDevice(const Tensor& result) {
    if (!result.defined() || !result.device().is_cpu()) return result;
    const auto lent = deviceOf_.find(result.unsafeGetTensorImpl());
    if (lent != deviceOf_.end()) return lent->second;
    const auto* memory = result.storage().unsafeGetStorageImpl();
    for (const auto& [device, host] : storages_)
      if (host.unsafeGetStorageImpl() == memory) return over(device, result);
    auto made = made_.find(memory);
    if (made == made_.end()) {
      c10::Storage storage = newStorage(result.storage().nbytes());
      if (storage.nbytes()) std::memcpy(deviceMemory().seenByHost(storage.mutable_data()), result.storage().data(), storage.nbytes());
      made = made_.emplace(memory, std::move(storage)).first;
    }
    return over(made->second, result);
  }

 private:
  c10::Storage hostStorage(const c10::Storage& device) {
    for (const auto& [known, host] : storages_)
      if (known.unsafeGetStorageImpl() == device.unsafeGetStorageImpl()) return host;
    void* address = deviceMemory().seenByHost(device.mutable_data());
    c10::Storage host(c10::Storage::use_byte_size_t(), device.nbytes(), c10::DataPtr(address, c10::kCPU), c10::GetAllocator(c10::kCPU), true);
    storages_.emplace_back(device, host);
    lentAddress_.emplace(device.unsafeGetStorageImpl(), address);
    return host;
  }

  std::vector<std::pair<c10::Storage, c10::Storage>> storages_;  // device, host
  std::unordered_map<const c10::StorageImpl*, const void*> lentAddress_;
  std::unordered_map<const c10::TensorImpl*, Tensor> hostOf_;
  std::unordered_map<const c10::TensorImpl*, Tensor> deviceOf_;
  std::unordered_map<const c10::StorageImpl*, c10::Storage> made_;
};

// ---- random numbers ------------------------------------------------------------------------------------------------

// Gives the CPU's numbers of the same seed. A GPU's generator gives others: only where a draw takes place is held by these tests.
struct Generator final : c10::GeneratorImpl {
  at::Generator inner;

  explicit Generator(at::Generator numbers)
      : c10::GeneratorImpl(kOnly, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1)), inner(std::move(numbers)) {}
  void set_current_seed(uint64_t seed) override { inner.set_current_seed(seed); }
  void set_offset(uint64_t offset) override { inner.set_offset(offset); }
  uint64_t get_offset() const override { return inner.get_offset(); }
  uint64_t current_seed() const override { return inner.current_seed(); }
  uint64_t seed() override { return inner.seed(); }
  void set_state(const c10::TensorImpl& state) override { inner.unsafeGetGeneratorImpl()->set_state(state); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return inner.unsafeGetGeneratorImpl()->get_state(); }
  Generator* clone_impl() const override { return new Generator(inner.clone()); }
};

at::Generator newGenerator() { return at::make_generator<Generator>(at::detail::createCPUGenerator()); }
const at::Generator& defaultGenerator() {
  static const at::Generator generator = newGenerator();
  return generator;
}

// ---- operators -----------------------------------------------------------------------------------------------------

[[noreturn]] void refuseTwoDevices(const char* op, const Tensor& found) {
  TORCH_CHECK(false, op, ": Expected all tensors to be on the same device, but found at least two devices, ", kOnly, " and ",
              found.device(), "!");
}

// One argument as the CPU's kernel takes it. A scalar of the host may stand beside tensors of the device, as on CUDA.
IValue lend(const char* op, const IValue& value, Lent& lent, bool onDevice) {
  const auto one = [&](const Tensor& tensor) -> Tensor {
    if (!tensor.defined()) return tensor;
    if (tensor.device().type() == kDevice) return lent.toHost(tensor);
    if (onDevice && !(tensor.is_cpu() && tensor.dim() == 0)) refuseTwoDevices(op, tensor);
    return tensor;
  };
  if (value.isTensor()) return one(value.toTensor());
  if (value.isTensorList()) {
    c10::List<Tensor> out;
    for (const Tensor& tensor : value.toTensorVector()) out.push_back(one(tensor));
    return out;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> out;
    for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector())
      out.push_back(tensor ? std::make_optional(one(*tensor)) : std::nullopt);
    return out;
  }
  if (value.isDevice()) return Device(c10::kCPU);
  if (value.isGenerator()) {
    auto* generator = dynamic_cast<Generator*>(value.toGenerator().unsafeGetGeneratorImpl());
    TORCH_CHECK(generator, op, ": Expected a '", kOnly, "' device type for generator but found '", value.toGenerator().device(), "'");
    return generator->inner;
  }
  return value;
}

IValue giveBack(const IValue& value, Lent& lent) {
  if (value.isTensor()) return lent.toDevice(value.toTensor());
  if (value.isTensorList()) {
    c10::List<Tensor> out;
    for (const Tensor& tensor : value.toTensorVector()) out.push_back(lent.toDevice(tensor));
    return out;
  }
  return value;
}

bool isMask(const IValue& value) {
  if (!value.isOptionalTensorList()) return false;
  for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector())
    if (tensor && tensor->defined() && (tensor->scalar_type() == at::kBool || tensor->scalar_type() == at::kByte)) return true;
  return false;
}

bool anyOnDevice(const IValue& value) {
  const auto is = [](const Tensor& tensor) { return tensor.defined() && tensor.device().type() == kDevice; };
  if (value.isTensor()) return is(value.toTensor());
  if (value.isTensorList()) {
    for (const Tensor& tensor : value.toTensorVector())
      if (is(tensor)) return true;
  } else if (value.isOptionalTensorList()) {
    for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector())
      if (tensor && is(*tensor)) return true;
  }
  return false;
}

// Any operator, by the CPU's kernel on the same bytes.
void onHost(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const size_t inputs = schema.arguments().size(), outputs = schema.returns().size();
  const char* name = schema.name().c_str();
  ++counts.kernels;
  Lent lent;
  const auto arguments = torch::jit::last(*stack, inputs);
  const bool onDevice = std::any_of(arguments.begin(), arguments.end(), anyOnDevice);
  if (kWaiting.count(schema.name()) || std::any_of(arguments.begin(), arguments.end(), isMask)) ++counts.values;
  for (size_t i = 0; i < inputs; ++i) {
    IValue& value = (*stack)[stack->size() - inputs + i];
    const bool generator = schema.arguments()[i].type()->str().find("Generator") != std::string::npos;
    if (generator && value.isNone()) {
      value = static_cast<Generator*>(defaultGenerator().unsafeGetGeneratorImpl())->inner;
      continue;
    }
    value = lend(name, value, lent, onDevice);
  }
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  lent.giveBack();
  for (size_t i = 0; i < outputs; ++i) {
    IValue& value = (*stack)[stack->size() - outputs + i];
    value = giveBack(value, lent);
  }
}

Tensor emptyMemoryFormat(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>, std::optional<Device>,
                         std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(dtype), format);
}
Tensor emptyStrided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                    std::optional<Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

Tensor copyFrom(const Tensor& from, const Tensor& to, bool) {
  if (from.device().type() != kDevice) ++counts.toDevice;
  if (to.device().type() != kDevice) ++counts.toHost;
  Lent lent;
  const auto host = [&](const Tensor& tensor) { return tensor.device().type() == kDevice ? lent.toHost(tensor) : tensor; };
  host(to).copy_(host(from));
  return to;
}
Tensor copyFromAndResize(const Tensor& from, const Tensor& to) {
  if (to.sizes() != from.sizes()) to.resize_(from.sizes());
  return copyFrom(from, to, false);
}

at::Scalar localScalarDense(const Tensor& tensor) {
  ++counts.values;
  Lent lent;
  return lent.toHost(tensor).item();
}

const Tensor& resize(const Tensor& tensor, c10::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  Lent lent;
  lent.toHost(tensor).resize_(size, format);
  lent.giveBack();
  return tensor;
}

Tensor& setSource(Tensor& tensor, at::Storage source, int64_t offset, c10::IntArrayRef size, c10::IntArrayRef stride) {
  auto* impl = tensor.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(std::move(source));
  impl->set_sizes_and_strides(size, stride, offset);
  return tensor;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", emptyMemoryFormat);
  library.impl("empty_strided", emptyStrided);
  library.impl("_copy_from", copyFrom);
  library.impl("_copy_from_and_resize", copyFromAndResize);
  library.impl("_local_scalar_dense", localScalarDense);
  library.impl("resize_", resize);
  library.impl("set_.source_Storage_storage_offset", setSource);
}

// Every operator that the CPU has a kernel of its own for, this device has too. Without this, those that PyTorch can also put together from others
// would be put together, and give other last bits than the CPU.
void registerAll() {
  static std::vector<std::unique_ptr<torch::Library>> libraries;
  static std::unordered_map<std::string, torch::Library*> byNamespace;
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const c10::OperatorName& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findSchema(name);
    if (!op || op->hasKernelForDispatchKey(c10::DispatchKey::PrivateUse1) || !op->hasKernelForDispatchKey(c10::DispatchKey::CPU)) continue;
    const auto space = name.getNamespace();
    if (!space || *space == "medr1") continue;  // kernels of our own are for the CPU alone
    auto& library = byNamespace[std::string(*space)];
    if (!library) {
      libraries.push_back(std::make_unique<torch::Library>(torch::Library::IMPL, std::string(*space), c10::DispatchKey::PrivateUse1,
                                                           __FILE__, __LINE__));
      library = libraries.back().get();
    }
    const std::string full = name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
    library->impl(full.c_str(), torch::CppFunction::makeFromBoxedFunction<&onHost>());
  }
}

// ---- the device ----------------------------------------------------------------------------------------------------

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kDevice; }
  Device exchangeDevice(Device) const override { return kOnly; }
  Device getDevice() const override { return kOnly; }
  void setDevice(Device device) const override { TORCH_CHECK(device.index() <= 0, "there is one device, not ", device); }
  void uncheckedSetDevice(Device) const noexcept override {}
  c10::Stream getStream(Device) const override { return c10::Stream(c10::Stream::DEFAULT, kOnly); }
  c10::Stream getDefaultStream(Device) const override { return c10::Stream(c10::Stream::DEFAULT, kOnly); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  DeviceIndex deviceCount() const noexcept override { return 1; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { ++counts.values; }
  void synchronizeDevice(DeviceIndex) const override { ++counts.values; }
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
  const at::Generator& getDefaultGenerator(DeviceIndex) const override { return defaultGenerator(); }
  at::Generator getNewGenerator(DeviceIndex) const override { return newGenerator(); }
};

// counts() -> [copies to the device, copies to the host, values the host waited for, kernels] since the last call
napi_value takeCounts(const Args& args) {
  return intArray(args.env(), std::vector<int64_t>{counts.toDevice.exchange(0), counts.toHost.exchange(0), counts.values.exchange(0),
                                                   counts.kernels.exchange(0)});
}

napi_value start(napi_env env, napi_value exports) {
  return guarded(env, [&] {
    static bool registered = false;
    if (!std::exchange(registered, true)) {
      static Hooks hooks;
      c10::register_privateuse1_backend("testing");
      c10::SetAllocator(kDevice, &allocator);
      at::RegisterPrivateUse1HooksInterface(&hooks);
      registerAll();
    }
    exportAll(env, exports, {{"takeCounts", entry<takeCounts>}, {"openLinks", entry<openLinks>}});
    return exports;
  });
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() { return medr1::start(env, exports); }
