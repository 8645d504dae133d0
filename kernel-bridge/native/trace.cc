// PyTorch's own profiler: operators with their shapes, memory, CUDA kernels where there is a GPU, and spans that JavaScript names. While it
// is off nothing is recorded and an operator costs no more.
#include "common.h"

#include <ATen/Context.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <memory>
#include <set>

namespace medr1 {
namespace {

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

// Open spans, the innermost last; they begin and end on the JavaScript thread, which the profiler watches.
std::vector<std::unique_ptr<at::RecordFunction>>& spans() {
  static std::vector<std::unique_ptr<at::RecordFunction>> open;
  return open;
}

napi_value traceStart(const Args& args) {
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO, /*report_input_shapes=*/true,
                                                     /*profile_memory=*/true);
  std::set<ActivityType> activities{ActivityType::CPU};
  if (at::globalContext().hasCUDA()) activities.insert(ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities, {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
  return undefined(args.env());
}

// traceStop(file): writes Chrome trace JSON
napi_value traceStop(const Args& args) {
  spans().clear();
  profiler::disableProfiler()->save(args.string(0));
  return undefined(args.env());
}

napi_value spanBegin(const Args& args) {
  auto span = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
  if (span->isActive()) span->before(args.string(0));
  spans().push_back(std::move(span));
  return undefined(args.env());
}

napi_value spanEnd(const Args& args) {
  if (!spans().empty()) spans().pop_back();
  return undefined(args.env());
}

}  // namespace

std::vector<Export> traceExports() {
  return {{"traceStart", entry<traceStart>}, {"traceStop", entry<traceStop>}, {"spanBegin", entry<spanBegin>}, {"spanEnd", entry<spanEnd>}};
}

}  // namespace medr1
