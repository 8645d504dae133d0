/**
 * Operators held against Python's torch. A case names the operator, its tensors and its arguments; `$0`, `$1` stand for
 * the tensors, `{ ... }` at the end for keyword arguments. Python runs `torch.<op>`, or torch.ops.aten.<op> where there is no such
 * function.
 */
export interface TensorSpec {
  shape: number[];
  /** normal: may be negative; positive: 0.5 to 1.5; bool: coin; ints: below `high`. */
  kind?: 'normal' | 'positive' | 'bool' | 'ints';
  high?: number;
}

export type CaseArgument = string | number | boolean | null | CaseArgument[] | { [name: string]: CaseArgument };

export interface OperatorCase {
  op: string;
  tensors: TensorSpec[];
  args: CaseArgument[];
  /** Also in bfloat16; by default yes. */
  bfloat16?: boolean;
}

const n = (...shape: number[]): TensorSpec => ({ shape });
const positive = (...shape: number[]): TensorSpec => ({ shape, kind: 'positive' });
const coin = (...shape: number[]): TensorSpec => ({ shape, kind: 'bool' });
const ints = (high: number, ...shape: number[]): TensorSpec => ({ shape, kind: 'ints', high });

const pointwise = [
  'abs',
  'neg',
  'exp',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'relu',
  'silu',
  'gelu',
  'erf',
  'expm1',
  'square',
  'log_sigmoid',
  'softplus',
  'sign',
  'floor',
];
const positiveOnly = ['log', 'log1p', 'sqrt', 'rsqrt', 'reciprocal'];
const binary = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'atan2'];

const one = (op: string, ...args: CaseArgument[]): OperatorCase => ({ op, tensors: [n(3, 4)], args: ['$0', ...args] });
const f32 = (c: OperatorCase): OperatorCase => ({ ...c, bfloat16: false });

export const CASES: OperatorCase[] = [
  ...pointwise.map((op) => one(op)),
  ...positiveOnly.map((op): OperatorCase => ({ op, tensors: [positive(3, 4)], args: ['$0'] })),
  ...binary.map((op): OperatorCase => ({ op, tensors: [n(3, 4), positive(4)], args: ['$0', '$1'] })),
  one('add', 2),
  one('add', '$0', { alpha: 0.5 }),
  one('sub', 0.25),
  { op: 'sub', tensors: [n(3, 4)], args: [1, '$0'] },
  { op: 'div', tensors: [positive(3, 4)], args: [1, '$0'] },
  one('div', 3, { rounding_mode: 'floor' }),
  one('pow', 2),
  { op: 'pow', tensors: [positive(3, 4), n(4)], args: ['$0', '$1'] },
  { op: 'pow', tensors: [n(3, 4)], args: [2, '$0'] },
  one('gelu', { approximate: 'tanh' }),
  one('clamp', -0.5, 0.5),
  one('clamp', null, 0.5),
  one('lerp', '$0', 0.3),
  one('sum'),
  one('sum', 1),
  one('sum', [0, 1], true),
  one('sum', 0, { dtype: 'float64' }),
  one('mean', [1]),
  one('amax', [1]),
  one('amin', 0, true),
  one('max'),
  one('max', 1),
  one('min', 0, true),
  one('argmax', 1),
  one('std', 1),
  one('std', [1], { correction: 0 }),
  one('var', [0, 1], { correction: 1, keepdim: true }),
  one('prod', 1),
  one('cumsum', 1),
  one('logsumexp', [1]),
  one('logcumsumexp', 1),
  one('softmax', 1),
  one('softmax', -1, 'float32'),
  one('log_softmax', 1),
  one('norm', 2),
  one('linalg_vector_norm', 2, [1]),
  one('sort', 1),
  one('sort', 1, true),
  one('topk', 2),
  one('gt', 0),
  one('isfinite'),
  one('any'),
  one('triu', 1),
  one('tril'),
  one('reshape', [2, 6]),
  one('transpose', 0, 1),
  one('permute', [1, 0]),
  one('unsqueeze', 1),
  one('flatten'),
  one('expand_copy', [2, 3, 4]),
  one('repeat', [2, 1]),
  one('repeat_interleave', 2, 0),
  one('flip', [1]),
  one('roll', 1, 1),
  one('narrow', 1, 1, 2),
  one('select', 0, 1),
  one('slice', 1, 0, 4, 2),
  one('chunk', 2, 1),
  one('split', 2, 1),
  one('split', [1, 3], 1),
  one('unbind', 0),
  one('constant_pad_nd', [1, 2], 0.5),
  one('nan_to_num', 0),
  { op: 'cat', tensors: [n(2, 3), n(1, 3)], args: [['$0', '$1'], 0] },
  { op: 'stack', tensors: [n(2, 3), n(2, 3)], args: [['$0', '$1'], 1] },
  { op: 'matmul', tensors: [n(2, 3, 4), n(4, 5)], args: ['$0', '$1'] },
  { op: 'mm', tensors: [n(3, 4), n(4, 5)], args: ['$0', '$1'] },
  { op: 'bmm', tensors: [n(2, 3, 4), n(2, 4, 5)], args: ['$0', '$1'] },
  { op: 'addmm', tensors: [n(3, 5), n(3, 4), n(4, 5)], args: ['$0', '$1', '$2', { beta: 0.5, alpha: 2 }] },
  { op: 'linear', tensors: [n(2, 3, 4), n(5, 4), n(5)], args: ['$0', '$1', '$2'] },
  { op: 'linear', tensors: [n(3, 4), n(5, 4)], args: ['$0', '$1'] },
  { op: 'einsum', tensors: [n(3, 4), n(5, 4)], args: ['ij,kj->ik', ['$0', '$1']] },
  { op: 'outer', tensors: [n(3), n(4)], args: ['$0', '$1'] },
  { op: 'embedding', tensors: [n(7, 4), ints(7, 2, 3)], args: ['$0', '$1'] },
  { op: 'gather', tensors: [n(3, 5), ints(5, 3, 2)], args: ['$0', 1, '$1'] },
  { op: 'index_select', tensors: [n(5, 4), ints(5, 3)], args: ['$0', 0, '$1'] },
  { op: 'index', tensors: [n(3, 5), ints(5, 4)], args: ['$0', [null, '$1']] },
  { op: 'index_put', tensors: [n(5, 4), ints(5, 1), n(1, 4)], args: ['$0', ['$1'], '$2'] },
  { op: 'index_copy', tensors: [n(5, 4), ints(5, 1), n(1, 4)], args: ['$0', 0, '$1', '$2'] },
  { op: 'scatter', tensors: [n(3, 5), ints(5, 3, 1), n(3, 1)], args: ['$0', 1, '$1', '$2'] },
  { op: 'scatter_add', tensors: [n(3, 5), ints(5, 3, 2), n(3, 2)], args: ['$0', 1, '$1', '$2'] },
  { op: 'where', tensors: [coin(3, 4), n(3, 4), n(4)], args: ['$0', '$1', '$2'] },
  { op: 'where', tensors: [coin(3, 4), n(3, 4)], args: ['$0', '$1', 0] },
  { op: 'masked_fill', tensors: [n(3, 4), coin(3, 4)], args: ['$0', '$1', -1.5] },
  { op: 'masked_select', tensors: [n(3, 4), coin(3, 4)], args: ['$0', '$1'] },
  { op: 'masked_scatter', tensors: [n(3, 4), coin(3, 4), n(12)], args: ['$0', '$1', '$2'] },
  { op: 'layer_norm', tensors: [n(2, 3, 4), n(4), n(4)], args: ['$0', [4], '$1', '$2', 1e-6] },
  { op: 'rms_norm', tensors: [n(2, 3, 4), n(4)], args: ['$0', [4], '$1', 1e-6] },
  { op: 'scaled_dot_product_attention', tensors: [n(1, 4, 5, 8), n(1, 4, 5, 8), n(1, 4, 5, 8)], args: ['$0', '$1', '$2', null, 0, true] },
  {
    op: 'scaled_dot_product_attention',
    tensors: [n(1, 4, 3, 8), n(1, 2, 5, 8), n(1, 2, 5, 8), coin(3, 5)],
    args: ['$0', '$1', '$2', null, 0, false, { enable_gqa: true, scale: 0.3 }],
  },
  {
    op: 'scaled_dot_product_attention',
    tensors: [n(1, 4, 3, 8), n(1, 4, 5, 8), n(1, 4, 5, 8), n(3, 5)],
    args: ['$0', '$1', '$2', '$3'],
  },
  { op: 'conv2d', tensors: [n(1, 3, 6, 6), n(4, 3, 2, 2), n(4)], args: ['$0', '$1', '$2', 2] },
  f32({ op: 'conv3d', tensors: [n(1, 2, 4, 6, 6), n(3, 2, 2, 3, 3)], args: ['$0', '$1', null, [2, 3, 3]] }),
  { op: 'cross_entropy_loss', tensors: [n(3, 7), ints(7, 3)], args: ['$0', '$1', null, 1] },
  { op: 'nll_loss', tensors: [n(3, 7), ints(7, 3)], args: ['$0', '$1', null, 1] },
  { op: 'mse_loss', tensors: [n(3, 4), n(3, 4)], args: ['$0', '$1', 1] },
  { op: 'binary_cross_entropy_with_logits', tensors: [n(3, 4), positive(3, 4)], args: ['$0', '$1', null, null, 1] },
  { op: '_upsample_bicubic2d_aa', tensors: [n(1, 3, 9, 7)], args: ['$0', [5, 4], false], bfloat16: false },
  { op: 'avg_pool2d', tensors: [n(1, 2, 6, 6)], args: ['$0', [2, 2]] },
  { op: 'cdist', tensors: [n(3, 4), n(5, 4)], args: ['$0', '$1'], bfloat16: false },
  f32({ op: 'linalg_solve', tensors: [n(4, 4), n(4, 2)], args: ['$0', '$1'] }),
  f32({ op: 'linalg_cholesky', tensors: [{ shape: [3, 3], kind: 'positive' }], args: ['$0'] }),
];
