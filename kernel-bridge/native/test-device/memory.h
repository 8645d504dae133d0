// The memory of the device for tests: pages that are mapped twice. At the device's address the host can not touch them, so that whoever takes a
// tensor's address there for the host's ends at once with a signal, as with a GPU's. At the other address the CPU's kernels work on them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace medr1 {

class DeviceMemory {
 public:
  DeviceMemory() {
    const int file = ::memfd_create("medr1-device", MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, kBytes) != 0) throw std::runtime_error("no memory for the device: memfd_create failed");
    device_ = static_cast<char*>(::mmap(nullptr, kBytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0));
    host_ = static_cast<char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0));
    file_ = file;
    if (device_ == MAP_FAILED || host_ == MAP_FAILED) throw std::runtime_error("no memory for the device: mmap failed");
    free_.emplace(0, kBytes);
  }

  // Null for no bytes, as CUDA gives it.
  void* allocate(size_t bytes) {
    if (bytes == 0) return nullptr;
    const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard lock(mutex_);
    for (auto place = free_.begin(); place != free_.end(); ++place) {
      if (place->second < size) continue;
      const size_t offset = place->first, left = place->second - size;
      free_.erase(place);
      if (left) free_.emplace(offset + size, left);
      used_.emplace(offset, size);
      inUse_ += size;
      peak_ = std::max(peak_, inUse_);
      return device_ + offset;
    }
    throw std::bad_alloc();
  }

  void release(void* data) {
    if (data == nullptr) return;
    const std::lock_guard lock(mutex_);
    const auto known = used_.find(static_cast<char*>(data) - device_);
    const size_t offset = known->first, size = known->second;
    used_.erase(known);
    inUse_ -= size;
    auto place = free_.emplace(offset, size).first;
    const auto next = std::next(place);
    if (next != free_.end() && next->first == offset + size) {
      place->second += next->second;
      free_.erase(next);
    }
    if (place != free_.begin()) {
      const auto before = std::prev(place);
      if (before->first + before->second == offset) {
        before->second += place->second;
        free_.erase(place);
      }
    }
  }

  void* seenByHost(void* data) const { return data == nullptr ? nullptr : host_ + (static_cast<char*>(data) - device_); }

  std::pair<size_t, size_t> inUse() {
    const std::lock_guard lock(mutex_);
    return {inUse_, peak_};
  }
  void resetPeak() {
    const std::lock_guard lock(mutex_);
    peak_ = inUse_;
  }

 private:
  static constexpr size_t kBytes = size_t{1} << 34;  // of addresses; a page is there once it is touched
  static constexpr size_t kAlignment = 512;          // as CUDA's

  std::mutex mutex_;
  std::map<size_t, size_t> free_;  // offset, bytes
  std::map<size_t, size_t> used_;
  size_t inUse_ = 0, peak_ = 0;
  char* device_;
  char* host_;
  int file_;
};

// Never destroyed: tensors may outlive everything else.
inline DeviceMemory& deviceMemory() {
  static auto* memory = new DeviceMemory;
  return *memory;
}

}  // namespace medr1
