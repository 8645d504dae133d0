// The handle table: JavaScript holds small integers, this table holds the tensors.
#pragma once

#include "common.h"

#include <ATen/core/Generator.h>

namespace medr1 {

// Slots are reused; -1 stands for "no tensor". JavaScript forgets an id when it disposes it, so a stale id is a bug there.
class Handles {
 public:
  int32_t add(at::Tensor tensor) {
    if (free_.empty()) {
      slots_.push_back(std::move(tensor));
      return static_cast<int32_t>(slots_.size() - 1);
    }
    const int32_t id = free_.back();
    free_.pop_back();
    slots_[id] = std::move(tensor);
    return id;
  }
  int32_t addOrNone(at::Tensor tensor) { return tensor.defined() ? add(std::move(tensor)) : -1; }

  const at::Tensor& get(int64_t id) const {
    if (id < 0 || id >= static_cast<int64_t>(slots_.size()) || !slots_[id].defined())
      throw Failure(kBadArguments, "tensor handle " + std::to_string(id) + " is not alive");
    return slots_[id];
  }
  // Moves the tensor out first: its destructor may run JavaScript-visible code (autograd nodes) that adds handles.
  void remove(int64_t id) {
    get(id);
    at::Tensor dying = std::move(slots_[id]);
    slots_[id] = at::Tensor();
    free_.push_back(static_cast<int32_t>(id));
  }
  const std::vector<at::Tensor>& slots() const { return slots_; }
  size_t live() const { return slots_.size() - free_.size(); }

 private:
  std::vector<at::Tensor> slots_;
  std::vector<int32_t> free_;
};

Handles& handles();

// A run makes a generator a step; a finaliser of JavaScript's object gives its place back (releaseGenerator in random.cc).
int32_t addGenerator(at::Generator generator);
const at::Generator& generatorAt(int64_t id);

}  // namespace medr1
