// The module: every exported function.
#include "common.h"
#include "jsthread.h"

namespace medr1 {
namespace {

napi_value start(napi_env env, napi_value exports) {
  if (!adoptJsThread()) {
    napi_throw_error(env, kBadArguments, "the libtorch addon is loaded in another thread of this process");
    return exports;
  }
  std::vector<Export> all;
  for (auto part : {errorExports, callExports, tensorExports, autogradExports, randomExports, fileExports, deviceExports,
                    traceExports})
    for (const auto& item : part()) all.push_back(item);
  exportAll(env, exports, all);
  return exports;
}

}  // namespace
}  // namespace medr1

NAPI_MODULE_INIT() { return medr1::start(env, exports); }
