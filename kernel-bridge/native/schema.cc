#include "schema.h"

#include "call.h"

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <set>
#include <sstream>

namespace medr1 {
namespace {

constexpr std::string_view kAten = "aten::";
constexpr std::string_view kOurs = "medr1::";
constexpr std::string_view kCollectives = "_c10d_functional::";

// Operators of these namespaces are known by their qualified names, those of aten by their base names.
bool isQualified(std::string_view name) { return name.starts_with(kOurs) || name.starts_with(kCollectives); }

Kind kindOf(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType: return Kind::Tensor;
    case c10::TypeKind::NumberType: return Kind::Scalar;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Kind::Int;
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType: return Kind::Float;
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType: return Kind::Bool;
    case c10::TypeKind::AnyType:  // a process group in collectives, by its name or itself, from PyTorch 2.15 on
    case c10::TypeKind::StringType: return Kind::String;
    case c10::TypeKind::ScalarTypeType: return Kind::Dtype;
    case c10::TypeKind::DeviceObjType: return Kind::Device;
    case c10::TypeKind::LayoutType: return Kind::Layout;
    case c10::TypeKind::MemoryFormatType: return Kind::MemoryFormat;
    case c10::TypeKind::GeneratorType: return Kind::Generator;
    default: return Kind::Unsupported;
  }
}

Formal formalOf(const c10::Argument& argument) {
  Formal out;
  c10::TypePtr type = argument.real_type();
  if (auto optional = type->cast<c10::OptionalType>()) {
    out.optional = true;
    type = optional->getElementType();
  }
  if (auto list = type->cast<c10::ListType>()) {
    out.list = true;
    type = list->getElementType();
    if (auto element = type->cast<c10::OptionalType>()) {
      out.optionalElement = true;
      type = element->getElementType();
    }
  }
  out.kind = kindOf(type);
  out.keywordOnly = argument.kwarg_only();
  out.size = argument.N().value_or(0);
  out.name = intern(argument.name());
  if (argument.default_value()) out.fallback = *argument.default_value();
  return out;
}

int32_t aliasedFormal(const c10::FunctionSchema& schema) {
  if (schema.returns().size() != 1) return -1;
  const auto* returned = schema.returns()[0].alias_info();
  if (!returned || !returned->isWrite()) return -1;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const auto* info = schema.arguments()[i].alias_info();
    if (info && info->isWrite() && info->beforeSets() == returned->beforeSets()) return static_cast<int32_t>(i);
  }
  return -1;
}

// The type table knows Dimname only as a string, so overloads of named tensors show by their own names.
bool usesNamedTensors(const c10::FunctionSchema& schema) {
  const std::string& name = schema.overload_name();
  return name.find("Dimname") != std::string::npos || name.find("dimname") != std::string::npos ||
         name.find("names") != std::string::npos;
}

Overload overloadOf(const c10::OperatorHandle& op) {
  Overload out{op, {}};
  const auto& schema = op.schema();
  out.supported = !usesNamedTensors(schema);
  for (const auto& argument : schema.arguments()) {
    out.formals.push_back(formalOf(argument));
    const auto& formal = out.formals.back();
    if (formal.kind == Kind::Unsupported && !formal.fallback) out.supported = false;
    if (!formal.keywordOnly && !formal.fallback) out.required = out.formals.size();
  }
  out.aliased = aliasedFormal(schema);
  out.dtypeResult = schema.returns().size() == 1 && kindOf(schema.returns()[0].real_type()) == Kind::Dtype;
  return out;
}

std::vector<Packet> allPackets() {
  std::set<std::string> names;
  for (const auto& op : c10::Dispatcher::singleton().getAllOpNames()) {
    if (op.name.starts_with(kAten)) names.insert(op.name.substr(kAten.size()));
    if (isQualified(op.name)) names.insert(op.name);
  }
  std::vector<Packet> out;
  for (const auto& name : names) out.push_back({name});
  return out;
}

}  // namespace

std::vector<Packet>& packets() {
  static std::vector<Packet> all = allPackets();
  return all;
}

const std::vector<Overload>& overloadsOf(Packet& packet) {
  if (packet.compiled) return packet.overloads;
  const std::string qualified = isQualified(packet.name) ? packet.name : std::string(kAten) + packet.name;
  // The dispatcher's own table is a hash map; the JIT registry keeps the order of registration, which is what
  // native_functions.yaml gives: functional overloads with Tensor before those with Scalar, out= variants last.
  for (const auto& entry : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(qualified))) {
    auto op = c10::Dispatcher::singleton().findSchema({qualified, entry->schema().overload_name()});
    if (op) packet.overloads.push_back(overloadOf(*op));
  }
  packet.compiled = true;
  return packet.overloads;
}

std::string schemaText(const Overload& overload) {
  std::ostringstream out;
  out << overload.op.schema();
  return out.str();
}

}  // namespace medr1
