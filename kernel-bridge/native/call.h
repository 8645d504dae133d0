// One operator call: arguments arrive in a shared buffer of tagged doubles, results leave the same way.
#pragma once

#include "common.h"

namespace medr1 {

// Tags of the wire format; src/torch/wire.ts writes and reads the same ones.
// A value is [tag, payload]; List is [List, n, value x n]; BigInt's payload is the 64 bits of an int64.
enum class Tag : int32_t { None, Tensor, Int, Double, Bool, String, List, Generator, BigInt };

// Strings cross the border once each; afterwards an index stands for them.
int32_t intern(const std::string& value);
const std::string& interned(int64_t index);

}  // namespace medr1
