// Collectives on tensors of the device for tests, from device to device as NCCL's are: the group's own backend for the host works on the same bytes at
// the address that the host may use, so nothing is copied to or from the host.
#include "../common.h"
#include "links.h"
#include "memory.h"

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace medr1 {
namespace {

using at::Tensor;
using c10d::Work;

Tensor onHost(const Tensor& tensor) {
  const c10::Storage& memory = tensor.storage();
  c10::DataPtr address(deviceMemory().seenByHost(memory.mutable_data()), c10::kCPU);
  c10::Storage host(c10::Storage::use_byte_size_t(), memory.nbytes(), std::move(address), nullptr, false);
  auto out = at::detail::make_tensor<c10::TensorImpl>(std::move(host), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
  out.unsafeGetTensorImpl()->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return out;
}

class Links final : public c10d::Backend {
 public:
  explicit Links(c10::intrusive_ptr<c10d::Backend> host) : c10d::Backend(host->getRank(), host->getSize()), host_(std::move(host)) {}

  const std::string getBackendName() const override { return "testing"; }

  c10::intrusive_ptr<Work> allgather_into_tensor_coalesced(std::vector<Tensor>& outputs, std::vector<Tensor>& inputs,
                                                           const c10d::AllgatherOptions& options) override {
    std::vector<Tensor> to, from;
    for (const Tensor& tensor : outputs) to.push_back(onHost(tensor));
    for (const Tensor& tensor : inputs) from.push_back(onHost(tensor));
    return done(host_->allgather_into_tensor_coalesced(to, from, options));
  }

  c10::intrusive_ptr<Work> _allgather_base(Tensor& output, Tensor& input, const c10d::AllgatherOptions& options) override {
    Tensor to = onHost(output), from = onHost(input);
    return done(host_->_allgather_base(to, from, options));
  }

  c10::intrusive_ptr<Work> alltoall_base(Tensor& output, Tensor& input, std::vector<int64_t>& outputSplits, std::vector<int64_t>& inputSplits,
                                         const c10d::AllToAllOptions& options) override {
    Tensor to = onHost(output), from = onHost(input);
    return done(host_->alltoall_base(to, from, outputSplits, inputSplits, options));
  }

 private:
  // The tensors of the host are gone when this returns.
  static c10::intrusive_ptr<Work> done(c10::intrusive_ptr<Work> work) {
    work->wait();
    return work;
  }

  c10::intrusive_ptr<c10d::Backend> host_;
};

}  // namespace

napi_value openLinks(const Args& args) {
  const auto group = c10d::resolve_process_group(args.string(0));
  auto links = c10::make_intrusive<Links>(group->getBackend(c10::DeviceType::CPU));
  group->setBackend(c10::DeviceType::PrivateUse1, c10d::ProcessGroup::BackendType::CUSTOM, std::move(links));
  return undefined(args.env());
}

}  // namespace medr1
