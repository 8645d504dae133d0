// Autograd: leaves and their gradients, backward, grad, grad mode, and nodes whose backward is a JavaScript function.
#include "handles.h"
#include "jsthread.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <type_traits>

namespace medr1 {
namespace {

using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::Variable;
using torch::autograd::variable_list;

variable_list tensorsOf(const std::vector<int64_t>& ids) {
  variable_list out;
  out.reserve(ids.size());
  for (const int64_t id : ids) out.push_back(id < 0 ? Variable() : handles().get(id));
  return out;
}

std::vector<int32_t> idsOf(variable_list tensors) {
  std::vector<int32_t> out;
  out.reserve(tensors.size());
  for (auto& tensor : tensors) out.push_back(handles().addOrNone(std::move(tensor)));
  return out;
}

// ---- pointers to nodes of the graph: std::shared_ptr up to PyTorch 2.14, c10::intrusive_ptr from 2.15 ------------------

using NodePointer = std::remove_cv_t<decltype(torch::autograd::Edge::function)>;
constexpr bool kShared = std::is_same_v<NodePointer, std::shared_ptr<Node>>;

// Takes a node just made. The names that only some versions have are looked up where the template is used, by their argument.
template <typename Made>
auto owned(Made* node) {
  if constexpr (kShared)
    return std::shared_ptr<Made>(node, [](Made* done) { deleteNode(done); });
  else
    return c10::intrusive_ptr<Made>::unsafe_steal_from_new(node);
}

// Another pointer to a node that lives.
template <typename Pointer, typename Living>
Pointer pointerTo(Living& node) {
  if constexpr (kShared)
    return node.shared_from_this();
  else
    return Pointer::unsafe_reclaim_from_nonowning(&node);
}

// ---- a node in the graph that calls JavaScript ---------------------------------------------------------------------

std::atomic<int> liveNodes = 0;

// References whose node died on another thread, to be dropped on JavaScript's.
struct Orphans {
  std::mutex mutex;
  std::vector<napi_ref> references;
};
Orphans& orphans() {
  static auto* all = new Orphans;
  return *all;
}

void dropOrphans(napi_env env) {
  std::lock_guard lock(orphans().mutex);
  for (napi_ref reference : orphans().references) napi_delete_reference(env, reference);
  orphans().references.clear();
}

// backward: callback(saved ids, gradient ids) -> gradient ids of the inputs, -1 for none. Each side owns the handles that
// it is given.
class JsNode : public Node {
 public:
  JsNode(napi_env env, napi_value callback) : env_(env) {
    check(env, napi_create_reference(env, callback, 1, &callback_));
    ++liveNodes;
  }
  ~JsNode() override {
    --liveNodes;
    if (onJsThread()) {
      napi_delete_reference(env_, callback_);
    } else {
      std::lock_guard lock(orphans().mutex);
      orphans().references.push_back(callback_);
    }
  }

  std::string name() const override { return "JavaScriptBackward"; }

  void save(const variable_list& tensors, const variable_list& outputs) {
    for (const auto& tensor : tensors) {
      bool isOutput = false;
      for (const auto& output : outputs) isOutput |= output.is_same(tensor);
      saved_.emplace_back(tensor, isOutput);
    }
  }

  void release_variables() override {
    for (auto& saved : saved_) saved.reset_data();
    released_ = true;
  }

  variable_list apply(variable_list&& gradients) override {
    if (released_)
      throw Failure(kOperatorFailed, "trying to backward through the graph a second time: pass retainGraph the first time");
    variable_list out;
    callOnJsThread([&] { out = callJs(std::move(gradients)); });
    return out;
  }

 private:
  variable_list callJs(variable_list&& gradients) {
    napi_handle_scope scope;
    check(env_, napi_open_handle_scope(env_, &scope));
    struct Closing {
      napi_env env;
      napi_handle_scope scope;
      ~Closing() { napi_close_handle_scope(env, scope); }
    } closing{env_, scope};

    variable_list unpacked;
    for (const auto& saved : saved_) unpacked.push_back(saved.unpack(pointerTo<NodePointer>(static_cast<Node&>(*this))));
    napi_value function, result;
    check(env_, napi_get_reference_value(env_, callback_, &function));
    napi_value arguments[2] = {intArray(env_, idsOf(std::move(unpacked))), intArray(env_, idsOf(std::move(gradients)))};
    if (napi_call_function(env_, undefined(env_), function, 2, arguments, &result) != napi_ok) throwPending();
    return takeGradients(result);
  }

  [[noreturn]] void throwPending() {
    napi_value error;
    napi_ref held;
    check(env_, napi_get_and_clear_last_exception(env_, &error));
    check(env_, napi_create_reference(env_, error, 1, &held));
    throw JsException(held);
  }

  variable_list takeGradients(napi_value result) {
    variable_list out(num_outputs());
    uint32_t length;
    check(env_, napi_get_array_length(env_, result, &length));
    for (uint32_t i = 0; i < length; ++i) {
      napi_value item;
      int32_t id;
      check(env_, napi_get_element(env_, result, i, &item));
      check(env_, napi_get_value_int32(env_, item, &id));
      if (id < 0) continue;
      if (i < out.size()) out[i] = handles().get(id);
      handles().remove(id);
    }
    return out;
  }

  napi_env env_;
  napi_ref callback_ = nullptr;
  std::vector<SavedVariable> saved_;
  bool released_ = false;
};

// attach(input ids, output ids, saved ids, callback) -> new ids of the outputs, now with history.
// `saved` may name outputs by their old ids.
napi_value attach(const Args& args) {
  dropOrphans(args.env());
  const variable_list inputs = tensorsOf(args.ints(0));
  const std::vector<int64_t> outputIds = args.ints(1);
  const std::vector<int64_t> savedIds = args.ints(2);
  auto node = owned(new JsNode(args.env(), args.value(3)));
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));

  variable_list outputs;
  for (const int64_t id : outputIds) {
    Variable output = handles().get(id).variable_data();  // shares data, forgets views and history
    if (torch::autograd::isDifferentiableType(output.scalar_type())) torch::autograd::set_history(output, node);
    outputs.push_back(std::move(output));
  }
  variable_list saved = tensorsOf(savedIds);
  for (size_t i = 0; i < saved.size(); ++i)
    for (size_t k = 0; k < outputIds.size(); ++k)
      if (savedIds[i] == outputIds[k]) saved[i] = outputs[k];
  node->save(saved, outputs);
  return intArray(args.env(), idsOf(std::move(outputs)));
}

// ---- leaves, modes, backward ---------------------------------------------------------------------------------------

napi_value requiresGrad(const Args& args) { return boolean(args.env(), handles().get(args.i32(0)).requires_grad()); }
napi_value isLeaf(const Args& args) { return boolean(args.env(), handles().get(args.i32(0)).is_leaf()); }

napi_value setRequiresGrad(const Args& args) {
  const at::Tensor& tensor = handles().get(args.i32(0));
  if (!tensor.is_leaf())
    throw Failure(kBadArguments, "requiresGrad can be changed on leaves only; this tensor is the result of an operation");
  tensor.set_requires_grad(args.boolean(1));
  return undefined(args.env());
}

napi_value gradOf(const Args& args) { return integer(args.env(), handles().addOrNone(handles().get(args.i32(0)).grad())); }

napi_value setGrad(const Args& args) {
  const int32_t id = args.i32(1);
  const at::Tensor& tensor = handles().get(args.i32(0));
  const at::Tensor gradient = id < 0 ? at::Tensor() : handles().get(id);
  if (gradient.defined() && (gradient.sizes() != tensor.sizes() || gradient.device() != tensor.device()))
    throw Failure(kBadArguments, "grad must have the shape and device of its tensor");
  tensor.mutable_grad() = gradient;
  return undefined(args.env());
}

napi_value setGradMode(const Args& args) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(args.boolean(0));
  return boolean(args.env(), before);
}
napi_value gradMode(const Args& args) { return boolean(args.env(), c10::GradMode::is_enabled()); }

bool alwaysThreaded = false;

// For tests on machines without a GPU: runs every backward away from the JavaScript thread.
napi_value setBackwardThread(const Args& args) {
  alwaysThreaded = args.boolean(0);
  return undefined(args.env());
}

// Beside the CPU, PyTorch gives every device a thread of its own for backward.
bool threaded() { return alwaysThreaded || (liveNodes > 0 && at::getAccelerator(false).has_value()); }

// backward(output ids, gradient ids (-1: none), retainGraph | null, createGraph)
napi_value backward(const Args& args) {
  const auto retain = args.isNull(2) ? std::nullopt : std::optional<bool>(args.boolean(2));
  const auto outputs = tensorsOf(args.ints(0)), gradients = tensorsOf(args.ints(1));
  const bool createGraph = args.boolean(3);
  runEngine(threaded(), [&] { torch::autograd::backward(outputs, gradients, retain, createGraph); });
  return undefined(args.env());
}

// grad(output ids, input ids, gradient ids, retainGraph | null, createGraph, allowUnused) -> ids, -1 for unused
napi_value grad(const Args& args) {
  const auto retain = args.isNull(3) ? std::nullopt : std::optional<bool>(args.boolean(3));
  const auto outputs = tensorsOf(args.ints(0)), inputs = tensorsOf(args.ints(1)), gradients = tensorsOf(args.ints(2));
  const bool createGraph = args.boolean(4), allowUnused = args.boolean(5);
  variable_list out;
  runEngine(threaded(), [&] { out = torch::autograd::grad(outputs, inputs, gradients, retain, createGraph, allowUnused); });
  return intArray(args.env(), idsOf(std::move(out)));
}

}  // namespace

std::vector<Export> autogradExports() {
  return {{"requiresGrad", entry<requiresGrad>}, {"isLeaf", entry<isLeaf>},
          {"setRequiresGrad", entry<setRequiresGrad>}, {"grad", entry<gradOf>},
          {"setGrad", entry<setGrad>}, {"setGradMode", entry<setGradMode>},
          {"gradMode", entry<gradMode>}, {"backward", entry<backward>},
          {"gradients", entry<grad>}, {"attach", entry<attach>},
          {"setBackwardThread", entry<setBackwardThread>}};
}

}  // namespace medr1
