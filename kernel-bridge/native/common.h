// Node-API helpers: every exported function runs inside `guarded`, so that no C++ exception crosses the border.
#pragma once

#include <node_api.h>

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace medr1 {

// Kinds of failure that JavaScript tells apart; `torchError` in src/torch/errors.ts turns them into errors.
inline constexpr const char* kOperatorFailed = "TORCH_OPERATOR";
inline constexpr const char* kOutOfMemory = "TORCH_OUT_OF_MEMORY";
inline constexpr const char* kBadArguments = "TORCH_ARGUMENTS";
inline constexpr const char* kBadFile = "TORCH_FILE";

// A failure with its kind and whole message.
struct Failure : std::runtime_error {
  const char* code;
  Failure(const char* code, const std::string& message) : std::runtime_error(message), code(code) {}
};

// A JavaScript exception on its way through C++ (the autograd engine) back to JavaScript.
struct JsException : std::exception {
  napi_ref error;
  explicit JsException(napi_ref error) : error(error) {}
  const char* what() const noexcept override { return "a JavaScript callback threw"; }
};

inline void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw Failure(kBadArguments, info && info->error_message ? info->error_message : "Node-API call failed");
}

// PyTorch's message without the C++ stack that c10::Error appends.
std::string messageOf(const std::exception& error);
void throwInJs(napi_env env, const char* code, const std::string& message);
void rethrowInJs(napi_env env, const JsException& error);

template <typename Body>
napi_value guarded(napi_env env, Body&& body) {
  try {
    return body();
  } catch (const JsException& error) {
    rethrowInJs(env, error);
  } catch (const Failure& error) {
    throwInJs(env, error.code, error.what());
  } catch (const c10::OutOfMemoryError& error) {
    throwInJs(env, kOutOfMemory, messageOf(error));
  } catch (const std::bad_alloc& error) {
    throwInJs(env, kOutOfMemory, error.what());
  } catch (const std::exception& error) {
    throwInJs(env, kOperatorFailed, messageOf(error));
  } catch (...) {
    throwInJs(env, kOperatorFailed, "unknown C++ exception");
  }
  return nullptr;
}

// The arguments of one call, converted on demand.
class Args {
 public:
  static constexpr size_t kMax = 8;

  Args(napi_env env, napi_callback_info info) : env_(env) {
    count_ = kMax;
    check(env, napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr));
  }
  napi_value value(size_t i) const {
    if (i >= count_) throw Failure(kBadArguments, "argument " + std::to_string(i + 1) + " is missing");
    return values_[i];
  }
  int32_t i32(size_t i) const {
    int32_t out;
    check(env_, napi_get_value_int32(env_, value(i), &out));
    return out;
  }
  int64_t i64(size_t i) const {
    int64_t out;
    check(env_, napi_get_value_int64(env_, value(i), &out));
    return out;
  }
  bool boolean(size_t i) const {
    bool out;
    check(env_, napi_get_value_bool(env_, value(i), &out));
    return out;
  }
  bool isNull(size_t i) const {
    napi_valuetype type;
    check(env_, napi_typeof(env_, value(i), &type));
    return type == napi_null || type == napi_undefined;
  }
  std::string string(size_t i) const {
    size_t length;
    check(env_, napi_get_value_string_utf8(env_, value(i), nullptr, 0, &length));
    std::string out(length, '\0');
    check(env_, napi_get_value_string_utf8(env_, value(i), out.data(), length + 1, &length));
    return out;
  }
  std::vector<int64_t> ints(size_t i) const {
    uint32_t length;
    check(env_, napi_get_array_length(env_, value(i), &length));
    std::vector<int64_t> out(length);
    for (uint32_t k = 0; k < length; ++k) {
      napi_value item;
      check(env_, napi_get_element(env_, value(i), k, &item));
      check(env_, napi_get_value_int64(env_, item, &out[k]));
    }
    return out;
  }
  napi_env env() const { return env_; }

 private:
  napi_env env_;
  size_t count_;
  napi_value values_[kMax];
};

inline napi_value number(napi_env env, double value) {
  napi_value out;
  check(env, napi_create_double(env, value, &out));
  return out;
}
inline napi_value integer(napi_env env, int32_t value) {
  napi_value out;
  check(env, napi_create_int32(env, value, &out));
  return out;
}
inline napi_value boolean(napi_env env, bool value) {
  napi_value out;
  check(env, napi_get_boolean(env, value, &out));
  return out;
}
inline napi_value text(napi_env env, std::string_view value) {
  napi_value out;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &out));
  return out;
}
inline napi_value undefined(napi_env env) {
  napi_value out;
  check(env, napi_get_undefined(env, &out));
  return out;
}
template <typename Range>
napi_value intArray(napi_env env, const Range& values) {
  napi_value out;
  check(env, napi_create_array_with_length(env, values.size(), &out));
  uint32_t k = 0;
  for (auto value : values) check(env, napi_set_element(env, out, k++, number(env, double(value))));
  return out;
}

// A native function exported under `name`; the body returns a napi_value and may throw.
using Method = napi_value (*)(const Args&);

template <Method method>
napi_value entry(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return method(Args(env, info)); });
}

struct Export {
  const char* name;
  napi_callback callback;
};

void exportAll(napi_env env, napi_value exports, const std::vector<Export>& functions);

// Each source file adds its functions to the module.
std::vector<Export> errorExports();
std::vector<Export> callExports();
std::vector<Export> tensorExports();
std::vector<Export> autogradExports();
std::vector<Export> randomExports();
std::vector<Export> fileExports();
std::vector<Export> deviceExports();
std::vector<Export> traceExports();

}  // namespace medr1
