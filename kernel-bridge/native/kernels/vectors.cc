// The kernels themselves, in PyTorch's vectors of the instruction set that CPU_CAPABILITY names. Includes nothing of PyTorch but those: code
// that this file shares with the rest of the library could end up there with instructions that the CPU may lack.
#include "kernels.h"

#include <ATen/cpu/vec/vec.h>

#include <algorithm>
#include <cmath>

namespace medr1::kernels {
namespace {

using Vec = at::vec::Vectorized<float>;
constexpr int kSize = Vec::size();

// ---- products of few rows -------------------------------------------------------------------------------------------

constexpr int kVectors = 2;                // columns of a panel, in vectors
constexpr int kWidth = kVectors * kSize;
constexpr int kGroup = 6;                  // rows of W at a time: 12 sums and 2 vectors of x stay in registers
constexpr int kMaxPanels = (kFewRows + kWidth - 1) / kWidth;
constexpr int kLine = 16;                  // of a cache, in numbers
constexpr int64_t kDepth = 256;            // of K at a time: a panel's part stays in the first cache

// sums[r][width] += W[r] . panel, over `depth` of K. W: R rows of float32, `stride` apart.
template <int R>
void multiply(const float* W, int64_t stride, const float* panel, int64_t depth, float* sums) {
  Vec sum[R][kVectors];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Vec::loadu(sums + r * kWidth + v * kSize);
  for (int64_t k = 0; k < depth; ++k) {
    if (k % kLine == 0)
      for (int r = 0; r < R; ++r) __builtin_prefetch(W + (r + kGroup) * stride + k);
    Vec x[kVectors];
    for (int v = 0; v < kVectors; ++v) x[v] = Vec::loadu(panel + k * kWidth + v * kSize);
    for (int r = 0; r < R; ++r) {
      const Vec w(W[r * stride + k]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = at::vec::fmadd(w, x[v], sum[r][v]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < kVectors; ++v) sum[r][v].store(sums + r * kWidth + v * kSize);
}

void multiplyRows(int rows, const float* W, int64_t stride, const float* panel, int64_t depth, float* sums) {
  switch (rows) {
    case 1: return multiply<1>(W, stride, panel, depth, sums);
    case 2: return multiply<2>(W, stride, panel, depth, sums);
    case 3: return multiply<3>(W, stride, panel, depth, sums);
    case 4: return multiply<4>(W, stride, panel, depth, sums);
    case 5: return multiply<5>(W, stride, panel, depth, sums);
    default: return multiply<kGroup>(W, stride, panel, depth, sums);
  }
}

// bfloat16 to float32; `next` is what will be wanted soon.
void widen(const uint16_t* from, int64_t count, const uint16_t* next, float* to) {
  for (int64_t i = 0; i < count; i += 2 * kLine) __builtin_prefetch(next + i);
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(from[i]) << 16;
    __builtin_memcpy(to + i, &bits, sizeof bits);
  }
}

void fewRows(const FewRows& work, int64_t from, int64_t to) {
  const auto& [panels, N, K, weight, bias, out, V] = work;
  const int64_t count = (N + kWidth - 1) / kWidth;
  float wide[kGroup * kDepth];
  float sums[kMaxPanels * kGroup * kWidth];
  for (int64_t row = from; row < to; row += kGroup) {
    const int rows = static_cast<int>(std::min<int64_t>(kGroup, to - row));
    std::fill(sums, sums + count * kGroup * kWidth, 0.f);
    for (int64_t k = 0; k < K; k += kDepth) {
      const int64_t depth = std::min(kDepth, K - k);
      const float* W = static_cast<const float*>(weight.data) + row * weight.stride + k;
      int64_t stride = weight.stride;
      if (weight.bfloat16) {
        for (int r = 0; r < rows; ++r) {
          const uint16_t* narrow = static_cast<const uint16_t*>(weight.data) + (row + r) * weight.stride + k;
          widen(narrow, depth, narrow + kGroup * weight.stride, wide + r * kDepth);
        }
        W = wide;
        stride = kDepth;
      }
      for (int64_t p = 0; p < count; ++p)
        multiplyRows(rows, W, stride, panels + (p * K + k) * kWidth, depth, sums + p * kGroup * kWidth);
    }
    for (int64_t n = 0; n < N; ++n) {
      const float* sum = sums + n / kWidth * kGroup * kWidth + n % kWidth;
      for (int r = 0; r < rows; ++r) out[n * V + row + r] = sum[r * kWidth] + (bias ? bias[row + r] : 0.f);
    }
  }
}

// ---- softmax over the vocabulary, a tile at a time -------------------------------------------------------------------

float largest(const float* x, int64_t size) {
  Vec most(-INFINITY);
  int64_t i = 0;
  for (; i + kSize <= size; i += kSize) most = at::vec::maximum(most, Vec::loadu(x + i));
  float lanes[kSize];
  most.store(lanes);
  float out = -INFINITY;
  const auto add = [&](float value) { out = value > out || std::isnan(value) ? value : out; };
  // One that is no number stays: nothing compares greater.
  for (float lane : lanes) add(lane);
  for (; i < size; ++i) add(x[i]);
  return out;
}

float total(Vec sum) {
  float lanes[kSize];
  sum.store(lanes);
  float out = 0;
  for (float lane : lanes) out += lane;
  return out;
}

void see(const Tile& tile, Seen* seen, int64_t from, int64_t to) {
  const auto& [logits, size, stride, first, targets, perTemperature] = tile;
  const Vec scale(perTemperature);
  for (int64_t row = from; row < to; ++row) {
    const float* x = logits + row * stride;
    Seen& known = seen[row];
    const float most = perTemperature * largest(x, size);
    if (!(most <= known.top)) {
      const float down = known.top - most;
      const float shrink = std::exp(down);
      if (known.sum > 0) known.weighted = (known.weighted + down * known.sum) * shrink;
      known.sum *= shrink;
      known.top = most;
    }
    const Vec top(known.top);
    Vec sum(0.f), weighted(0.f);
    const auto add = [&](Vec logit) {
      const Vec below = at::vec::fmsub(logit, scale, top);
      const Vec p = below.exp_u20();
      sum = sum + p;
      weighted = at::vec::fmadd(p, below, weighted);
    };
    int64_t i = 0;
    for (; i + kSize <= size; i += kSize) add(Vec::loadu(x + i));
    known.sum += total(sum);
    known.weighted += total(weighted);
    for (; i < size; ++i) {
      const float below = x[i] * perTemperature - known.top;
      const float p = std::exp(below);
      known.sum += p;
      known.weighted += p * below;
    }
    const int64_t target = targets[row] - first;
    if (target >= 0 && target < size) known.wanted = x[target] * perTemperature;
  }
}

// d logits = g (onehot(target) - p), p = exp(logit / temperature - lse)
void gradient(const Tile& tile, const float* lse, const float* g, int64_t from, int64_t to) {
  const auto& [logits, size, stride, first, targets, perTemperature] = tile;
  const Vec scale(perTemperature);
  for (int64_t row = from; row < to; ++row) {
    float* x = logits + row * stride;
    const float minus = -g[row];
    const Vec shift(lse[row]), weight(minus);
    int64_t i = 0;
    for (; i + kSize <= size; i += kSize) (weight * at::vec::fmsub(Vec::loadu(x + i), scale, shift).exp_u20()).store(x + i);
    for (; i < size; ++i) x[i] = minus * std::exp(x[i] * perTemperature - lse[row]);
    const int64_t target = targets[row] - first;
    if (target >= 0 && target < size) x[target] += g[row];
  }
}

void weigh(float* logits, int64_t columns, int64_t size, float perTemperature, float* sums, int64_t from, int64_t to) {
  const Vec scale(perTemperature);
  for (int64_t row = from; row < to; ++row) {
    float* x = logits + row * columns;
    const float top = perTemperature * largest(x, columns);
    const Vec shift(top);
    for (int64_t block = 0; block < columns / size; ++block, x += size) {
      Vec sum(0.f);
      int64_t i = 0;
      for (; i + kSize <= size; i += kSize) {
        const Vec weight = at::vec::fmsub(Vec::loadu(x + i), scale, shift).exp_u20();
        weight.store(x + i);
        sum = sum + weight;
      }
      float all = total(sum);
      for (; i < size; ++i) all += x[i] = std::exp(x[i] * perTemperature - top);
      *sums++ = all;
    }
  }
}

#define MEDR1_JOIN(a, b) a##b
#define MEDR1_NAME(capability) MEDR1_JOIN(for, capability)

}  // namespace

const Kernels& MEDR1_NAME(MEDR1_CAPABILITY)() {
  static const Kernels kernels{kWidth, fewRows, see, gradient, weigh};
  return kernels;
}

}  // namespace medr1::kernels
