// Random number generators and threads.
#include "handles.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

namespace medr1 {
namespace {

std::vector<at::Generator>& generators() {
  static std::vector<at::Generator> table;
  return table;
}

at::Generator create(const c10::Device& device) {
  if (device.is_cpu()) return at::detail::createCPUGenerator();
  return at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
}

// newGenerator(device, seed) -> index
napi_value newGenerator(const Args& args) {
  at::Generator out = create(c10::Device(args.string(0)));
  out.set_current_seed(static_cast<uint64_t>(args.i64(1)));
  return integer(args.env(), addGenerator(std::move(out)));
}

// defaultGenerator(device) -> index
napi_value defaultGenerator(const Args& args) {
  return integer(args.env(), addGenerator(at::globalContext().defaultGenerator(c10::Device(args.string(0)))));
}

// releaseGenerator(index): its place is free for another one
napi_value releaseGenerator(const Args& args) {
  generatorAt(args.i32(0));
  generators()[args.i32(0)] = at::Generator();
  return undefined(args.env());
}

napi_value manualSeed(const Args& args) {
  at::manual_seed(static_cast<uint64_t>(args.i64(0)));
  return undefined(args.env());
}

napi_value seedGenerator(const Args& args) {
  at::Generator generator = generatorAt(args.i32(0));
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(static_cast<uint64_t>(args.i64(1)));
  return undefined(args.env());
}

// generatorState(index) -> id of a uint8 tensor; setGeneratorState(index, id)
napi_value generatorState(const Args& args) {
  at::Generator generator = generatorAt(args.i32(0));
  std::lock_guard<std::mutex> lock(generator.mutex());
  return integer(args.env(), handles().add(generator.get_state()));
}
napi_value setGeneratorState(const Args& args) {
  at::Generator generator = generatorAt(args.i32(0));
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(handles().get(args.i32(1)));
  return undefined(args.env());
}

napi_value setNumThreads(const Args& args) {
  if (args.i32(0) < 1) throw Failure(kBadArguments, "setNumThreads takes a positive number of threads");
  at::set_num_threads(args.i32(0));
  return undefined(args.env());
}
napi_value getNumThreads(const Args& args) { return integer(args.env(), at::get_num_threads()); }

}  // namespace

int32_t addGenerator(at::Generator generator) {
  auto& table = generators();
  auto place = std::find(table.begin(), table.end(), generator);
  if (place == table.end()) place = std::find_if(table.begin(), table.end(), [](const auto& each) { return !each.defined(); });
  if (place == table.end()) place = table.emplace(table.end());
  *place = std::move(generator);
  return static_cast<int32_t>(place - table.begin());
}

const at::Generator& generatorAt(int64_t id) {
  if (id < 0 || id >= static_cast<int64_t>(generators().size()) || !generators()[id].defined()) throw Failure(kBadArguments, "no such generator");
  return generators()[id];
}

std::vector<Export> randomExports() {
  return {{"newGenerator", entry<newGenerator>},     {"defaultGenerator", entry<defaultGenerator>},
          {"releaseGenerator", entry<releaseGenerator>}, {"manualSeed", entry<manualSeed>},         {"seedGenerator", entry<seedGenerator>},
          {"generatorState", entry<generatorState>}, {"setGeneratorState", entry<setGeneratorState>},
          {"setNumThreads", entry<setNumThreads>},   {"getNumThreads", entry<getNumThreads>}};
}

}  // namespace medr1
