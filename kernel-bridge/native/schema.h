// Operators as the dispatcher knows them: overloads of a base name with the kinds of their arguments worked out once.
#pragma once

#include "common.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>

namespace medr1 {

enum class Kind : uint8_t {
  Tensor, Scalar, Int, Float, Bool, String, Dtype, Device, Layout, MemoryFormat, Generator,
  Unsupported,  // Storage, Stream, Dimname, ...: no JavaScript value stands for these
};

struct Formal {
  Kind kind;
  bool optional = false;         // T?
  bool list = false;             // T[] or T[N]
  bool optionalElement = false;  // T?[]
  bool keywordOnly = false;
  int32_t size = 0;              // N of T[N]: a single value stands for N copies
  int32_t name = 0;              // interned
  std::optional<c10::IValue> fallback;
};

struct Overload {
  c10::OperatorHandle op;
  std::vector<Formal> formals;
  size_t required = 0;       // positional formals without default, at the front
  int32_t aliased = -1;      // the formal that the single return is (add_ returns self)
  bool supported = true;     // no formal of kind Unsupported
  bool dtypeResult = false;  // returns a dtype (result_type, promote_types)
};

struct Packet {
  std::string name;
  bool compiled = false;
  std::vector<Overload> overloads;  // in registration order
};

// Every base name of the aten namespace, sorted; the index is what JavaScript passes.
std::vector<Packet>& packets();
const std::vector<Overload>& overloadsOf(Packet& packet);
std::string schemaText(const Overload& overload);

}  // namespace medr1
