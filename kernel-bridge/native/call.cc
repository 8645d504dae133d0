// How a call travels: decode the tagged buffer, pick the overload by the kinds of the arguments, push IValues, call boxed,
// write the results back. Everything that depends on the operator alone is worked out once (schema.cc).
#include "call.h"

#include "dtypes.h"
#include "handles.h"
#include "schema.h"

#include <ATen/ScalarOps.h>
#include <c10/core/Device.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>

#include <array>
#include <sstream>
#include <unordered_map>

namespace medr1 {
namespace {

constexpr size_t kMaxArguments = 48;

double* slots = nullptr;  // the shared buffer
size_t slotCount = 0;

std::vector<std::string>& strings() {
  static std::vector<std::string> table;
  return table;
}

// ---- reading -------------------------------------------------------------------------------------------------------

// Trivial, so that arrays of it cost nothing to make.
struct Value {
  Tag tag;
  bool given;
  size_t at;  // of the payload; for a List of the count
};

Tag tagAt(size_t position) { return static_cast<Tag>(static_cast<int32_t>(slots[position])); }

// Reads the value at `position` and moves past it.
Value readValue(size_t& position) {
  Value out{tagAt(position), true, position + 1};
  position += 2;
  if (out.tag == Tag::List)
    for (auto n = static_cast<size_t>(slots[out.at]); n > 0; --n) readValue(position);
  return out;
}

std::vector<Value> items(const Value& list) {
  std::vector<Value> out;
  size_t position = list.at + 1;
  const auto n = static_cast<size_t>(slots[list.at]);
  out.reserve(n);
  for (size_t i = 0; i < n; ++i) out.push_back(readValue(position));
  return out;
}

int64_t integerOf(const Value& value) {
  if (value.tag != Tag::BigInt) return static_cast<int64_t>(slots[value.at]);
  int64_t out;
  std::memcpy(&out, &slots[value.at], sizeof out);
  return out;
}
double numberOf(const Value& value) {
  return value.tag == Tag::BigInt ? static_cast<double>(integerOf(value)) : slots[value.at];
}
const at::Tensor& tensorOf(const Value& value) { return handles().get(static_cast<int64_t>(slots[value.at])); }
const std::string& stringOf(const Value& value) { return interned(static_cast<int64_t>(slots[value.at])); }

bool isInteger(Tag tag) { return tag == Tag::Int || tag == Tag::BigInt; }
bool isNumber(Tag tag) { return isInteger(tag) || tag == Tag::Double; }

std::optional<c10::Layout> layoutByName(const std::string& name) {
  if (name == "strided") return c10::kStrided;
  if (name == "sparse_coo") return c10::kSparse;
  if (name == "sparse_csr") return c10::kSparseCsr;
  return std::nullopt;
}
std::optional<c10::MemoryFormat> memoryFormatByName(const std::string& name) {
  if (name == "contiguous_format") return c10::MemoryFormat::Contiguous;
  if (name == "preserve_format") return c10::MemoryFormat::Preserve;
  if (name == "channels_last") return c10::MemoryFormat::ChannelsLast;
  if (name == "channels_last_3d") return c10::MemoryFormat::ChannelsLast3d;
  return std::nullopt;
}
bool isDevice(const std::string& name) {
  try {
    c10::Device device(name);
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

// ---- overload resolution -------------------------------------------------------------------------------------------

// `lenient` lets a number stand for a tensor, as Python does in torch.mul(2, x).
bool matchesOne(const Formal& formal, const Value& value, bool lenient) {
  switch (formal.kind) {
    case Kind::Tensor: return value.tag == Tag::Tensor || (lenient && isNumber(value.tag));
    case Kind::Scalar: return isNumber(value.tag) || value.tag == Tag::Bool;
    case Kind::Int: return isInteger(value.tag);
    case Kind::Float: return isNumber(value.tag);
    case Kind::Bool: return value.tag == Tag::Bool;
    case Kind::String: return value.tag == Tag::String;
    case Kind::Dtype: return value.tag == Tag::String && dtypeByName(stringOf(value));
    case Kind::Device: return value.tag == Tag::String && isDevice(stringOf(value));
    case Kind::Layout: return value.tag == Tag::String && layoutByName(stringOf(value));
    case Kind::MemoryFormat: return value.tag == Tag::String && memoryFormatByName(stringOf(value));
    case Kind::Generator: return value.tag == Tag::Generator;
    case Kind::Unsupported: return false;
  }
  return false;
}

bool matches(const Formal& formal, const Value& value, bool lenient) {
  if (value.tag == Tag::None) return formal.optional || formal.fallback;
  if (!formal.list) return matchesOne(formal, value, lenient);
  if (value.tag != Tag::List) return formal.size > 0 && formal.kind != Kind::Tensor && matchesOne(formal, value, false);
  for (const auto& item : items(value)) {
    const bool fits = item.tag == Tag::None ? formal.optionalElement : matchesOne(formal, item, false);
    if (!fits) return false;
  }
  return true;
}

struct Call {
  std::array<Value, kMaxArguments> positional;
  size_t positionalCount = 0;
  std::vector<std::pair<int32_t, Value>> keywords;  // interned name, value
};

Call decode(int32_t positionalCount, int32_t keywordCount) {
  if (positionalCount > static_cast<int32_t>(kMaxArguments)) throw Failure(kBadArguments, "too many arguments");
  Call out;
  size_t position = 0;
  for (int32_t i = 0; i < positionalCount; ++i) out.positional[out.positionalCount++] = readValue(position);
  for (int32_t i = 0; i < keywordCount; ++i) {
    const auto name = static_cast<int32_t>(slots[position++]);
    out.keywords.emplace_back(name, readValue(position));
  }
  return out;
}

// Lays the call's values out by formal; false when they do not fit.
bool bind(const Overload& overload, const Call& call, bool lenient, std::array<Value, kMaxArguments>& bound) {
  const auto& formals = overload.formals;
  if (!overload.supported || formals.size() > kMaxArguments || call.positionalCount > formals.size()) return false;
  for (size_t i = 0; i < call.positionalCount; ++i) {
    if (formals[i].keywordOnly || !matches(formals[i], call.positional[i], lenient)) return false;
    bound[i] = call.positional[i];
  }
  for (size_t i = call.positionalCount; i < formals.size(); ++i) bound[i] = Value{};
  for (const auto& [name, value] : call.keywords) {
    size_t i = call.positionalCount;
    while (i < formals.size() && formals[i].name != name) ++i;
    if (i == formals.size() || !matches(formals[i], value, lenient)) return false;
    bound[i] = value;
  }
  for (size_t i = call.positionalCount; i < formals.size(); ++i)
    if (!bound[i].given && !formals[i].fallback) return false;
  return true;
}

std::string describe(const Value& value) {
  switch (value.tag) {
    case Tag::None: return "null";
    case Tag::Tensor: {
      const auto& tensor = tensorOf(value);
      std::ostringstream out;
      out << dtypeName(tensor.scalar_type()) << tensor.sizes();
      if (!tensor.is_cpu()) out << " on " << tensor.device();
      return out.str();
    }
    case Tag::Int:
    case Tag::BigInt: return std::to_string(integerOf(value));
    case Tag::Double: {
      std::ostringstream out;
      out << numberOf(value);
      return out.str();
    }
    case Tag::Bool: return slots[value.at] != 0 ? "true" : "false";
    case Tag::String: return "'" + stringOf(value) + "'";
    case Tag::Generator: return "Generator";
    case Tag::List: break;
  }
  constexpr size_t kShown = 6;
  std::string out = "[";
  const auto all = items(value);
  for (size_t i = 0; i < all.size() && i < kShown; ++i) out += (i ? ", " : "") + describe(all[i]);
  return out + (all.size() > kShown ? ", ... " + std::to_string(all.size()) + " items]" : "]");
}

std::string describe(const std::string& name, const Call& call) {
  std::string out = "torch." + name + "(";
  for (size_t i = 0; i < call.positionalCount; ++i) out += (i ? ", " : "") + describe(call.positional[i]);
  const char* separator = call.positionalCount ? ", " : "";
  for (const auto& [keyword, value] : call.keywords) {
    out += separator + interned(keyword) + "=" + describe(value);
    separator = ", ";
  }
  return out + ")";
}

[[noreturn]] void refuse(Packet& packet, const Call& call) {
  std::string message = describe(packet.name, call) + " fits no overload:";
  for (const auto& overload : overloadsOf(packet))
    if (overload.supported) message += "\n  " + schemaText(overload);
  throw Failure(kBadArguments, message);
}

const Overload& resolve(Packet& packet, const Call& call, std::array<Value, kMaxArguments>& bound) {
  const auto& overloads = overloadsOf(packet);
  for (const bool lenient : {false, true})
    for (const auto& overload : overloads)
      if (bind(overload, call, lenient, bound)) return overload;
  refuse(packet, call);
}

// ---- values to IValues ---------------------------------------------------------------------------------------------

c10::Scalar scalarOf(const Value& value) {
  if (value.tag == Tag::Bool) return c10::Scalar(slots[value.at] != 0);
  if (value.tag == Tag::Double) return c10::Scalar(slots[value.at]);
  return c10::Scalar(integerOf(value));
}

// A number that stands for a tensor takes no part in type promotion, as in Python.
at::Tensor tensorOrNumber(const Value& value) {
  if (value.tag == Tag::Tensor) return tensorOf(value);
  at::Tensor wrapped = c10::scalar_to_tensor(scalarOf(value));
  wrapped.unsafeGetTensorImpl()->set_wrapped_number(true);
  return wrapped;
}

c10::IValue one(const Formal& formal, const Value& value) {
  switch (formal.kind) {
    case Kind::Tensor: return tensorOrNumber(value);
    case Kind::Scalar: return scalarOf(value);
    case Kind::Int: return integerOf(value);
    case Kind::Float: return numberOf(value);
    case Kind::Bool: return slots[value.at] != 0;
    case Kind::String: return stringOf(value);
    case Kind::Dtype: return static_cast<int64_t>(*dtypeByName(stringOf(value)));
    case Kind::Device: return c10::Device(stringOf(value));
    case Kind::Layout: return static_cast<int64_t>(*layoutByName(stringOf(value)));
    case Kind::MemoryFormat: return static_cast<int64_t>(*memoryFormatByName(stringOf(value)));
    case Kind::Generator: return generatorAt(static_cast<int64_t>(slots[value.at]));
    case Kind::Unsupported: break;
  }
  throw Failure(kBadArguments, "argument '" + interned(formal.name) + "' has a type that JavaScript cannot give");
}

template <typename Element, typename Convert>
c10::IValue listOf(const Formal& formal, const Value& value, Convert&& convert) {
  c10::List<Element> out;
  if (value.tag == Tag::List) {
    for (const auto& item : items(value)) out.push_back(convert(item));
  } else {
    for (int32_t i = 0; i < formal.size; ++i) out.push_back(convert(value));
  }
  return out;
}

c10::IValue list(const Formal& formal, const Value& value) {
  switch (formal.kind) {
    case Kind::Int: return listOf<int64_t>(formal, value, integerOf);
    case Kind::Float: return listOf<double>(formal, value, numberOf);
    case Kind::Bool: return listOf<bool>(formal, value, [](const Value& v) { return slots[v.at] != 0; });
    case Kind::String: return listOf<std::string>(formal, value, stringOf);
    case Kind::Tensor:
      if (formal.optionalElement)
        return listOf<std::optional<at::Tensor>>(formal, value, [](const Value& v) {
          return v.tag == Tag::None ? std::nullopt : std::optional<at::Tensor>(tensorOf(v));
        });
      return listOf<at::Tensor>(formal, value, tensorOf);
    case Kind::Scalar: {
      c10::impl::GenericList out(c10::NumberType::get());
      for (const auto& item : items(value)) out.push_back(scalarOf(item));
      return out;
    }
    default: throw Failure(kBadArguments, "argument '" + interned(formal.name) + "' is a list that JavaScript cannot give");
  }
}

c10::IValue toIValue(const Formal& formal, const Value& value) {
  if (!value.given) return *formal.fallback;
  if (value.tag == Tag::None) return formal.optional ? c10::IValue() : *formal.fallback;
  return formal.list ? list(formal, value) : one(formal, value);
}

// ---- writing results -----------------------------------------------------------------------------------------------

void put(size_t& position, Tag tag, double payload) {
  if (position + 2 > slotCount) throw Failure(kBadArguments, "the result has too many parts for the call buffer");
  slots[position++] = static_cast<double>(tag);
  slots[position++] = payload;
}

void write(size_t& position, const c10::IValue& value) {
  if (value.isNone()) return put(position, Tag::None, 0);
  if (value.isTensor()) {
    const int32_t id = handles().addOrNone(value.toTensor());
    return put(position, id < 0 ? Tag::None : Tag::Tensor, id);
  }
  if (value.isBool()) return put(position, Tag::Bool, value.toBool());
  if (value.isInt()) return put(position, Tag::Int, static_cast<double>(value.toInt()));
  if (value.isDouble()) return put(position, Tag::Double, value.toDouble());
  if (value.isString()) return put(position, Tag::String, intern(value.toStringRef()));
  if (value.isDevice()) return put(position, Tag::String, intern(value.toDevice().str()));
  if (value.isList()) {
    const auto parts = value.toListRef();
    put(position, Tag::List, static_cast<double>(parts.size()));
    for (const auto& part : parts) write(position, part);
    return;
  }
  if (value.isTuple()) {
    const auto& parts = value.toTupleRef().elements();
    put(position, Tag::List, static_cast<double>(parts.size()));
    for (const auto& part : parts) write(position, part);
    return;
  }
  throw Failure(kBadArguments, "the operator returns a " + value.tagKind() + ", which JavaScript cannot hold");
}

// What `call` returns to JavaScript: a tensor's id, or one of these.
constexpr int32_t kInBuffer = -1;
constexpr int32_t kAliasBase = -10;  // -10 - i: the result is positional argument i itself

int32_t writeResults(const Overload& overload, const Call& call, const torch::jit::Stack& stack) {
  if (overload.aliased >= 0 && overload.aliased < static_cast<int32_t>(call.positionalCount))
    return kAliasBase - overload.aliased;
  size_t position = 0;
  if (stack.size() == 1) {
    if (stack[0].isTensor() && stack[0].toTensor().defined()) return handles().add(stack[0].toTensor());
    if (overload.dtypeResult) {
      const auto dtype = static_cast<c10::ScalarType>(stack[0].toInt());
      put(position, Tag::String, intern(std::string(dtypeName(dtype))));
    } else {
      write(position, stack[0]);
    }
    return kInBuffer;
  }
  if (stack.empty()) {
    put(position, Tag::None, 0);
  } else {
    put(position, Tag::List, static_cast<double>(stack.size()));
    for (const auto& value : stack) write(position, value);
  }
  return kInBuffer;
}

int32_t run(const Overload& overload, const Call& call, const std::array<Value, kMaxArguments>& bound) {
  torch::jit::Stack stack;
  stack.reserve(overload.formals.size());
  for (size_t i = 0; i < overload.formals.size(); ++i) stack.push_back(toIValue(overload.formals[i], bound[i]));
  overload.op.callBoxed(stack);
  return writeResults(overload, call, stack);
}

// PyTorch's message, followed by the call: arguments are described anew, for only a failing call needs them.
[[noreturn]] void failed(const std::string& name, const Call& call, const char* code, const std::exception& error) {
  throw Failure(code, messageOf(error) + "\n  in " + describe(name, call));
}

template <typename Choose>
int32_t callGuarded(const std::string& name, const Call& call, Choose&& choose) {
  std::array<Value, kMaxArguments> bound;
  try {
    return run(choose(bound), call, bound);
  } catch (const Failure&) {
    throw;
  } catch (const JsException&) {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    failed(name, call, kOutOfMemory, error);
  } catch (const std::exception& error) {
    failed(name, call, kOperatorFailed, error);
  }
}

Packet& packetAt(int32_t index) {
  if (index < 0 || index >= static_cast<int32_t>(packets().size())) throw Failure(kBadArguments, "no such operator");
  return packets()[index];
}

// call(packet, positional count, keyword count) -> id or code
napi_value call(const Args& args) {
  Packet& packet = packetAt(args.i32(0));
  const Call decoded = decode(args.i32(1), args.i32(2));
  return integer(args.env(), callGuarded(packet.name, decoded, [&](auto& bound) -> const Overload& {
                   return resolve(packet, decoded, bound);
                 }));
}

// callOverload(packet, positional count, keyword count, overload name)
napi_value callOverload(const Args& args) {
  Packet& packet = packetAt(args.i32(0));
  const Call decoded = decode(args.i32(1), args.i32(2));
  const std::string wanted = args.string(3);
  return integer(args.env(), callGuarded(packet.name, decoded, [&](auto& bound) -> const Overload& {
                   for (const auto& overload : overloadsOf(packet)) {
                     if (overload.op.schema().overload_name() != wanted) continue;
                     if (bind(overload, decoded, false, bound) || bind(overload, decoded, true, bound)) return overload;
                   }
                   refuse(packet, decoded);
                 }));
}

napi_value setBuffer(const Args& args) {
  static napi_ref held = nullptr;
  void* data;
  size_t bytes;
  check(args.env(), napi_get_arraybuffer_info(args.env(), args.value(0), &data, &bytes));
  if (held) napi_delete_reference(args.env(), held);
  check(args.env(), napi_create_reference(args.env(), args.value(0), 1, &held));
  slots = static_cast<double*>(data);
  slotCount = bytes / sizeof(double);
  return undefined(args.env());
}

napi_value internString(const Args& args) { return integer(args.env(), intern(args.string(0))); }
napi_value stringAt(const Args& args) { return text(args.env(), interned(args.i32(0))); }

napi_value packetNames(const Args& args) {
  napi_value out;
  check(args.env(), napi_create_array(args.env(), &out));
  uint32_t i = 0;
  for (const auto& packet : packets())
    check(args.env(), napi_set_element(args.env(), out, i++, text(args.env(), packet.name)));
  return out;
}

// schemas(packet) -> the schema of every overload that JavaScript can call, in the order in which they are tried
napi_value schemas(const Args& args) {
  napi_value out;
  check(args.env(), napi_create_array(args.env(), &out));
  uint32_t i = 0;
  for (const auto& overload : overloadsOf(packetAt(args.i32(0))))
    if (overload.supported)
      check(args.env(), napi_set_element(args.env(), out, i++, text(args.env(), schemaText(overload))));
  return out;
}

}  // namespace

int32_t intern(const std::string& value) {
  static std::unordered_map<std::string, int32_t> known;
  const auto [entry, isNew] = known.emplace(value, static_cast<int32_t>(strings().size()));
  if (isNew) strings().push_back(value);
  return entry->second;
}

const std::string& interned(int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(strings().size())) throw Failure(kBadArguments, "unknown string");
  return strings()[index];
}

std::vector<Export> callExports() {
  return {{"call", entry<call>},           {"callOverload", entry<callOverload>}, {"setBuffer", entry<setBuffer>},
          {"intern", entry<internString>}, {"stringAt", entry<stringAt>},         {"packetNames", entry<packetNames>},
          {"schemas", entry<schemas>}};
}

}  // namespace medr1
