// CPU kernels that PyTorch has no operator for. vectors.cc is compiled once per instruction set (build.mjs); kernels.cc chooses at run time
// and gives them to the dispatcher as medr1::*.
#pragma once

#include <cstdint>

namespace medr1::kernels {

// Rows of contiguous numbers, `stride` of them from one row to the next.
struct Rows {
  const void* data;
  bool bfloat16;  // else float32
  int64_t stride;
};

constexpr int64_t kFewRows = 128;  // at most; with more a BLAS's own preparations pay

// x W^T for few rows of x: `panels` holds x as [N / width][K][width] in float32, the last panel filled up with zeros.
struct FewRows {
  const float* panels;
  int64_t N, K;
  Rows weight;        // [V, K]
  const float* bias;  // [V] or null
  float* out;         // [N, V]
  int64_t V;
};

// What is known of a row of logits after some of the vocabulary: its largest logit, taken off the others.
struct Seen {
  float top;
  float sum;       // of exp(logit - top)
  float weighted;  // of exp(logit - top) * (logit - top)
  float wanted;    // the target's logit, once it came
};

// Columns `first` to `first + size` of the logits of some rows; all are divided by the temperature.
struct Tile {
  float* logits;
  int64_t size, stride, first;
  const int64_t* targets;
  float perTemperature;
};

struct Kernels {
  int64_t width;                                                                            // of a panel
  void (*fewRows)(const FewRows&, int64_t from, int64_t to);                                // these columns of `out`
  void (*see)(const Tile&, Seen* seen, int64_t from, int64_t to);                           // these rows
  void (*gradient)(const Tile&, const float* lse, const float* g, int64_t from, int64_t to);  // in place of the logits
  // exp((logits - the row's largest) / temperature) in place, and the sums of blocks of `size` columns: [rows, columns / size]
  void (*weigh)(float* logits, int64_t columns, int64_t size, float perTemperature, float* sums, int64_t from, int64_t to);
};

const Kernels& forDefault();
const Kernels& forAvx2();
const Kernels& forAvx512();

}  // namespace medr1::kernels
