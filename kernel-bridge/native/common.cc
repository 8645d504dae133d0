// The one place where C++ failures become JavaScript errors.
#include "common.h"

namespace medr1 {
namespace {

napi_ref errorFactory = nullptr;  // (code, message) -> Error

napi_value setErrorFactory(const Args& args) {
  check(args.env(), napi_create_reference(args.env(), args.value(0), 1, &errorFactory));
  return undefined(args.env());
}

}  // namespace

std::string messageOf(const std::exception& error) {
  const auto* torchError = dynamic_cast<const c10::Error*>(&error);
  std::string message = torchError ? torchError->what_without_backtrace() : error.what();
  const auto stack = message.find("\nException raised from");
  return stack == std::string::npos ? message : message.substr(0, stack);
}

void throwInJs(napi_env env, const char* code, const std::string& message) {
  napi_value factory = nullptr, receiver, error, arguments[2];
  if (errorFactory && napi_get_reference_value(env, errorFactory, &factory) == napi_ok && factory) {
    napi_get_undefined(env, &receiver);
    napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &arguments[0]);
    napi_create_string_utf8(env, message.data(), message.size(), &arguments[1]);
    if (napi_call_function(env, receiver, factory, 2, arguments, &error) == napi_ok) napi_throw(env, error);
    return;
  }
  napi_throw_error(env, code, message.c_str());
}

void rethrowInJs(napi_env env, const JsException& error) {
  napi_value value;
  napi_get_reference_value(env, error.error, &value);
  napi_delete_reference(env, error.error);
  napi_throw(env, value);
}

void exportAll(napi_env env, napi_value exports, const std::vector<Export>& functions) {
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
}

std::vector<Export> errorExports() { return {{"setErrorFactory", entry<setErrorFactory>}}; }

}  // namespace medr1
