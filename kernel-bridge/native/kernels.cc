// The operators of kernels/, for tensors on the CPU: medr1::few_rows_linear and the steps of a softmax over the vocabulary.
#include "kernels/kernels.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

namespace medr1 {
namespace {

using at::Tensor;

const kernels::Kernels& best() {
#if defined(__x86_64__)
  static const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return kernels::forAvx512();
  if (capability == "AVX2") return kernels::forAvx2();
#endif
  return kernels::forDefault();
}

bool isFloat(const Tensor& t) { return t.scalar_type() == at::kFloat; }
bool isNarrow(const Tensor& t) { return t.scalar_type() == at::kBFloat16; }

// Work of this many multiplications is worth another thread.
constexpr int64_t kGrain = 1 << 18;
int64_t grain(int64_t perItem) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, perItem)); }

// x [N, K] -> [N / width][K][width], the last panel filled up with zeros.
Tensor panelsOf(const Tensor& x, int64_t width) {
  const int64_t N = x.size(0), K = x.size(1), count = (N + width - 1) / width;
  const Tensor padded = at::constant_pad_nd(x.to(at::kFloat), {0, 0, 0, count * width - N});
  return padded.view({count, width, K}).transpose(1, 2).contiguous();
}

Tensor fewRowsLinear(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  TORCH_CHECK(input.dim() == 2 && weight.dim() == 2 && input.size(1) == weight.size(1), "few_rows_linear: input ", input.sizes(),
              " and weight ", weight.sizes(), " are not [N, K] and [V, K]");
  TORCH_CHECK(input.size(0) <= kernels::kFewRows, "few_rows_linear: ", input.size(0), " rows are more than ", kernels::kFewRows);
  TORCH_CHECK((isFloat(weight) || isNarrow(weight)) && weight.stride(1) == 1 && input.is_floating_point(),
              "few_rows_linear: weight is to be float32 or bfloat16, its rows contiguous");
  const int64_t N = input.size(0), K = input.size(1), V = weight.size(0);
  const auto& best = medr1::best();
  const Tensor panels = panelsOf(input, best.width);
  const Tensor shift = bias ? bias->to(at::kFloat).contiguous() : Tensor();
  TORCH_CHECK(!bias || (shift.dim() == 1 && shift.size(0) == V), "few_rows_linear: bias is not [", V, "]");
  Tensor out = at::empty({N, V}, input.options().dtype(at::kFloat));
  const kernels::FewRows work{panels.const_data_ptr<float>(),
                              N,
                              K,
                              {weight.const_data_ptr(), isNarrow(weight), weight.stride(0)},
                              bias ? shift.const_data_ptr<float>() : nullptr,
                              out.data_ptr<float>(),
                              V};
  at::parallel_for(0, V, grain(N * K), [&](int64_t from, int64_t to) { best.fewRows(work, from, to); });
  return out.to(input.scalar_type());
}

kernels::Tile tileOf(const Tensor& logits, const Tensor& targets, int64_t first, double temperature) {
  TORCH_CHECK(logits.dim() == 2 && isFloat(logits) && logits.stride(1) == 1, "logits are to be [m, v] float32, their rows contiguous");
  TORCH_CHECK(targets.sizes() == logits.sizes().slice(0, 1) && targets.scalar_type() == at::kLong && targets.is_contiguous(),
              "targets are to be [m] int64");
  return {logits.data_ptr<float>(),           logits.size(1), logits.stride(0), first, targets.const_data_ptr<int64_t>(),
          static_cast<float>(1 / temperature)};
}

void requirePerRow(const Tensor& values, const Tensor& logits, const char* name) {
  TORCH_CHECK(values.dim() == 1 && values.size(0) == logits.size(0) && isFloat(values) && values.is_contiguous(), name,
              " is to be [m] float32");
}

Tensor& seeLogits(Tensor& seen, const Tensor& logits, const Tensor& targets, int64_t first, double temperature) {
  TORCH_CHECK(seen.dim() == 2 && seen.size(0) == logits.size(0) && seen.size(1) == 4 && isFloat(seen) && seen.is_contiguous(),
              "seen is to be [m, 4] float32");
  const kernels::Tile tile = tileOf(logits, targets, first, temperature);
  auto* known = reinterpret_cast<kernels::Seen*>(seen.data_ptr<float>());
  at::parallel_for(0, logits.size(0), grain(logits.size(1)), [&](int64_t from, int64_t to) { best().see(tile, known, from, to); });
  return seen;
}

Tensor& gradLogits(Tensor& logits, const Tensor& targets, const Tensor& lse, const Tensor& gradient, int64_t first,
                   double temperature) {
  const kernels::Tile tile = tileOf(logits, targets, first, temperature);
  requirePerRow(lse, logits, "lse");
  requirePerRow(gradient, logits, "gradient");
  const auto *shift = lse.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
  at::parallel_for(0, logits.size(0), grain(logits.size(1)),
                   [&](int64_t from, int64_t to) { best().gradient(tile, shift, g, from, to); });
  return logits;
}

Tensor weighLogits(Tensor& logits, int64_t size, double temperature) {
  TORCH_CHECK(logits.dim() == 2 && isFloat(logits) && logits.is_contiguous(), "logits are to be [N, V] float32, contiguous");
  TORCH_CHECK(size > 0 && logits.size(1) % size == 0, "blocks of ", size, " do not divide ", logits.size(1), " columns");
  const int64_t columns = logits.size(1);
  Tensor sums = at::empty({logits.size(0), columns / size}, logits.options());
  auto *x = logits.data_ptr<float>(), *out = sums.data_ptr<float>();
  at::parallel_for(0, logits.size(0), grain(columns), [&](int64_t from, int64_t to) {
    best().weigh(x, columns, size, static_cast<float>(1 / temperature), out + from * (columns / size), from, to);
  });
  return sums;
}

TORCH_LIBRARY(medr1, library) {
  library.def("few_rows_linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("see_logits_(Tensor(a!) seen, Tensor logits, Tensor targets, int first, float temperature) -> Tensor(a!)");
  library.def(
      "grad_logits_(Tensor(a!) logits, Tensor targets, Tensor lse, Tensor gradient, int first, float temperature) -> Tensor(a!)");
  library.def("weigh_logits_(Tensor(a!) logits, int size, float temperature) -> Tensor");
}

TORCH_LIBRARY_IMPL(medr1, CPU, library) {
  library.impl("few_rows_linear", fewRowsLinear);
  library.impl("see_logits_", seeLogits);
  library.impl("grad_logits_", gradLogits);
  library.impl("weigh_logits_", weighLogits);
}

}  // namespace
}  // namespace medr1
