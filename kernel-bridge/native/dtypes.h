// PyTorch's names of dtypes, as Python prints them after "torch.".
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string_view>

namespace medr1 {

std::optional<c10::ScalarType> dtypeByName(std::string_view name);
std::string_view dtypeName(c10::ScalarType dtype);

}  // namespace medr1
