#pragma once

#include "../common.h"

namespace medr1 {

// openLinks(group): collectives of this group take tensors of the device
napi_value openLinks(const Args& args);

}  // namespace medr1
