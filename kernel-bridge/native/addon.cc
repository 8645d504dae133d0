// The module: every exported function.
#include "common.h"
#include "jsthread.h"

namespace medr1 {
namespace {

napi_value start(napi_env env, napi_value exports) {
  adoptJsThread();
  std::vector<Export> all;
  for (auto part : {errorExports, callExports, tensorExports, autogradExports, randomExports, fileExports, deviceExports})
    for (const auto& item : part()) all.push_back(item);
  for (const auto& item : all) {
    napi_value function;
    napi_create_function(env, item.name, NAPI_AUTO_LENGTH, item.callback, nullptr, &function);
    napi_set_named_property(env, exports, item.name, function);
  }
  return exports;
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() { return medr1::start(env, exports); }
