// Files mapped into memory: tensors that read a checkpoint without copying it.
#include "dtypes.h"
#include "handles.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/empty.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace medr1 {
namespace {

// MAP_PRIVATE: a tensor may be written in place, the file never changes.
class Mapping {
 public:
  explicit Mapping(const std::string& path) : path_(path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("open");
    struct stat facts {};
    const bool known = ::fstat(file, &facts) == 0;
    size_ = known ? static_cast<size_t>(facts.st_size) : 0;
    if (size_) data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
    const int reason = errno;
    ::close(file);
    errno = reason;
    if (!known) fail("stat");
    if (data_ == MAP_FAILED) fail("map");
  }
  ~Mapping() {
    if (size_) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* at(size_t offset, size_t bytes) const {
    if (offset > size_ || bytes > size_ - offset)
      throw Failure(kBadFile, path_ + ": bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) +
                                  " lie outside the file of " + std::to_string(size_) + " bytes");
    return static_cast<char*>(data_) + offset;
  }

 private:
  [[noreturn]] void fail(const char* action) const {
    throw Failure(kBadFile, path_ + ": cannot " + action + ": " + std::strerror(errno));
  }
  std::string path_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

// mapFile(path) -> an external that keeps the mapping
napi_value mapFile(const Args& args) {
  auto* held = new std::shared_ptr<Mapping>(std::make_shared<Mapping>(args.string(0)));
  napi_value out;
  check(args.env(), napi_create_external(
                        args.env(), held,
                        [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Mapping>*>(data); }, nullptr,
                        &out));
  return out;
}

// mapTensor(mapping, offset, dtype, shape) -> id. The tensor keeps the mapping alive. Copies only where the offset is
// not aligned to the dtype's size, which safetensors allows.
napi_value mapTensor(const Args& args) {
  void* held;
  check(args.env(), napi_get_value_external(args.env(), args.value(0), &held));
  std::shared_ptr<Mapping> mapping = *static_cast<std::shared_ptr<Mapping>*>(held);
  const auto dtype = dtypeByName(args.string(2));
  if (!dtype) throw Failure(kBadArguments, "unknown dtype '" + args.string(2) + "'");
  const std::vector<int64_t> shape = args.ints(3);
  const auto options = at::TensorOptions().dtype(*dtype);
  const size_t itemSize = c10::elementSize(*dtype);
  size_t bytes = itemSize;
  for (const int64_t n : shape) bytes *= static_cast<size_t>(n);
  if (bytes == 0) return integer(args.env(), handles().add(at::empty(shape, options)));
  const auto offset = static_cast<size_t>(args.i64(1));
  char* data = mapping->at(offset, bytes);
  if (offset % itemSize != 0) {
    at::Tensor copy = at::empty(shape, options);
    std::memcpy(copy.mutable_data_ptr(), data, bytes);
    return integer(args.env(), handles().add(std::move(copy)));
  }
  return integer(args.env(), handles().add(at::from_blob(data, shape, [mapping](void*) {}, options)));
}

}  // namespace

std::vector<Export> fileExports() { return {{"mapFile", entry<mapFile>}, {"mapTensor", entry<mapTensor>}}; }

}  // namespace medr1
