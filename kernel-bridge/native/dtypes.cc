#include "dtypes.h"

#include <array>
#include <utility>

namespace medr1 {
namespace {

using c10::ScalarType;

constexpr std::array<std::pair<std::string_view, ScalarType>, 14> kNames{{
    {"float32", ScalarType::Float},
    {"bfloat16", ScalarType::BFloat16},
    {"float16", ScalarType::Half},
    {"float64", ScalarType::Double},
    {"int64", ScalarType::Long},
    {"int32", ScalarType::Int},
    {"int16", ScalarType::Short},
    {"int8", ScalarType::Char},
    {"uint8", ScalarType::Byte},
    {"bool", ScalarType::Bool},
    {"complex64", ScalarType::ComplexFloat},
    {"complex128", ScalarType::ComplexDouble},
    {"float8_e4m3fn", ScalarType::Float8_e4m3fn},
    {"float8_e5m2", ScalarType::Float8_e5m2},
}};

}  // namespace

std::optional<ScalarType> dtypeByName(std::string_view name) {
  for (const auto& [known, dtype] : kNames)
    if (known == name) return dtype;
  return std::nullopt;
}

std::string_view dtypeName(ScalarType dtype) {
  for (const auto& [name, known] : kNames)
    if (known == dtype) return name;
  return c10::toString(dtype);
}

}  // namespace medr1
