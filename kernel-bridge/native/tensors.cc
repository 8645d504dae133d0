// Tensors in and out: from bytes, to bytes, their facts, their release.
#include "dtypes.h"
#include "handles.h"

#include <ATen/ATen.h>

#include <cstring>
#include <unordered_set>

namespace medr1 {

Handles& handles() {
  static Handles table;
  return table;
}

namespace {

struct Bytes {
  const void* data;
  size_t size;
};

// A TypedArray's bytes.
Bytes bytesOf(const Args& args, size_t i) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(args.env(), napi_get_typedarray_info(args.env(), args.value(i), &type, &length, &data, nullptr, nullptr));
  static constexpr size_t kSizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
  return {data, length * kSizes[type]};
}

// fromBytes(typed array, dtype, shape, device) -> id; copies
napi_value fromBytes(const Args& args) {
  const Bytes bytes = bytesOf(args, 0);
  const auto dtype = dtypeByName(args.string(1));
  if (!dtype) throw Failure(kBadArguments, "unknown dtype '" + args.string(1) + "'");
  at::Tensor out = at::empty(args.ints(2), at::TensorOptions().dtype(*dtype));
  if (out.nbytes() != bytes.size)
    throw Failure(kBadArguments, "the data holds " + std::to_string(bytes.size) + " bytes, the shape and dtype ask for " +
                                     std::to_string(out.nbytes()));
  if (bytes.size) std::memcpy(out.mutable_data_ptr(), bytes.data, bytes.size);
  const c10::Device device(args.string(3));
  return integer(args.env(), handles().add(device.is_cpu() ? out : out.to(device)));
}

// toBytes(id) -> ArrayBuffer, contiguous, from any device
napi_value toBytes(const Args& args) {
  const at::Tensor tensor = handles().get(args.i32(0)).detach().cpu().contiguous();
  void* data;
  napi_value out;
  check(args.env(), napi_create_arraybuffer(args.env(), tensor.nbytes(), &data, &out));
  if (tensor.nbytes()) std::memcpy(data, tensor.const_data_ptr(), tensor.nbytes());
  return out;
}

napi_value item(const Args& args) {
  const c10::Scalar value = handles().get(args.i32(0)).item();
  if (value.isBoolean()) return boolean(args.env(), value.toBool());
  if (value.isComplex()) throw Failure(kBadArguments, "a complex number has no JavaScript value: take torch.real first");
  return number(args.env(), value.toDouble());
}

napi_value sizes(const Args& args) { return intArray(args.env(), handles().get(args.i32(0)).sizes()); }
napi_value strides(const Args& args) { return intArray(args.env(), handles().get(args.i32(0)).strides()); }
napi_value dtype(const Args& args) { return text(args.env(), dtypeName(handles().get(args.i32(0)).scalar_type())); }
napi_value device(const Args& args) { return text(args.env(), handles().get(args.i32(0)).device().str()); }
napi_value numel(const Args& args) { return number(args.env(), double(handles().get(args.i32(0)).numel())); }

// release(Int32Array of ids, count)
napi_value release(const Args& args) {
  const Bytes bytes = bytesOf(args, 0);
  const auto* ids = static_cast<const int32_t*>(bytes.data);
  const auto count = static_cast<size_t>(args.i32(1));
  if (count * sizeof(int32_t) > bytes.size) throw Failure(kBadArguments, "release: more ids than the array holds");
  for (size_t i = 0; i < count; ++i) handles().remove(ids[i]);
  return undefined(args.env());
}

// alias(id) -> a second handle to the same tensor
napi_value alias(const Args& args) { return integer(args.env(), handles().add(handles().get(args.i32(0)))); }

// liveStats() -> [live handles, bytes of their distinct storages]
napi_value liveStats(const Args& args) {
  std::unordered_set<const void*> seen;
  size_t bytes = 0;
  for (const auto& tensor : handles().slots()) {
    if (!tensor.defined() || !tensor.has_storage()) continue;
    const auto& storage = tensor.storage();
    if (seen.insert(storage.unsafeGetStorageImpl()).second) bytes += storage.nbytes();
  }
  return intArray(args.env(), std::vector<double>{double(handles().live()), double(bytes)});
}

}  // namespace

std::vector<Export> tensorExports() {
  return {{"fromBytes", entry<fromBytes>}, {"toBytes", entry<toBytes>}, {"item", entry<item>},
          {"sizes", entry<sizes>},         {"strides", entry<strides>}, {"dtype", entry<dtype>},
          {"device", entry<device>},       {"numel", entry<numel>},     {"release", entry<release>},
          {"alias", entry<alias>},         {"liveStats", entry<liveStats>}};
}

}  // namespace medr1
