import { describe, expect, it } from 'vitest';
import { schemas, scope, tensor, torch, TorchError, type Tensor } from './index.ts';

const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));
/** Calls that the types forbid. */
const loose = torch as unknown as Record<string, (...args: unknown[]) => unknown>;

function thrownBy(fn: () => unknown): Error {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('the overload is chosen by the kinds of the arguments', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);

  inScope('a number where a tensor is expected takes no part in type promotion', () => {
    expect(torch.add(tensor([1, 2], { dtype: 'bfloat16' }), 0.5).dtype).toBe('bfloat16');
    expect(torch.sub(1, tensor([1, 2], { dtype: 'int64' })).dtype).toBe('int64');
  });
  inScope('null is None', () =>
    expect(torch.clamp(x, null, 2).tolist()).toEqual([
      [1, 2],
      [2, 2],
    ]),
  );
  inScope('named arguments may stand for positional ones', () =>
    expect(torch.topk(x, 1, { dim: 0, largest: false })[0].tolist()).toEqual([[1, 2]]),
  );
  inScope('an undefined named argument is as if it were not there', () => expect(torch.sum(x, { dtype: undefined }).item()).toBe(10));
  inScope('one number stands for a list of fixed length', () => expect(torch.sum(x, 0).tolist()).toEqual([4, 6]));
  inScope('a bigint is an int64', () => expect(torch.full([1], 2n ** 62n).data()).toEqual(BigInt64Array.of(2n ** 62n)));
  inScope('several results come as an array', () => {
    const [values, indices] = torch.max(x, 1);
    expect([values.tolist(), indices.tolist()]).toEqual([
      [2, 4],
      [1, 1],
    ]);
  });
  inScope('a number, a boolean and a dtype come as they are', () => {
    expect(torch.allclose(x, x)).toBe(true);
    expect(torch.result_type(x, 1)).toBe('float32');
  });
  inScope('an undefined tensor among the results is null', () => {
    const [, weight] = torch.native_layer_norm_backward(x, x, [2], torch.zeros([2, 1]), torch.ones([2, 1]), null, null, [
      true,
      false,
      false,
    ]);
    expect(weight).toBeNull();
  });
  inScope('a named overload is taken as asked', () => {
    expect((torch.overload('add', 'Scalar')(x, 1) as Tensor).tolist()).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(() => torch.overload('add', 'Scalar')(x, x)).toThrow(TypeError);
  });
  inScope('a list longer than the call buffer fits', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => i);
    expect(torch.index_select(torch.arange(20_000), 0, tensor(many, { dtype: 'int64' })).shape).toEqual([20_000]);
    expect(torch.cat(many.map(() => x)).shape).toEqual([40_000, 2]);
  });
});

describe('a failing operator', () => {
  const x = tensor([[1, 2]]);

  inScope("throws PyTorch's own message, then the call with shapes and dtypes", () => {
    const error = thrownBy(() => torch.mm(x, tensor([[1], [2], [3]]))) as TorchError;
    expect(error).toBeInstanceOf(TorchError);
    expect(error.code).toBe('TORCH_OPERATOR');
    // PyTorch 2.15 puts the operator's name before it.
    expect(error.message).toMatch(
      /^(mm: )?mat1 and mat2 shapes cannot be multiplied \(1x2 and 3x1\)\n  in torch\.mm\(float32\[1, 2\], float32\[3, 1\]\)$/,
    );
  });
  inScope('lists its overloads when the arguments fit none', () => {
    const error = thrownBy(() => loose.linear(x, 'weight'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("torch.linear(float32[1, 2], 'weight') fits no overload:");
    expect(error.message).toContain('aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor');
  });
  inScope('names an argument that it does not know', () =>
    expect(thrownBy(() => loose.sum(x, { axis: 1 })).message).toContain('torch.sum(float32[1, 2], axis=1) fits no overload'),
  );
  inScope('refuses values that no operator takes', () => {
    expect(() => loose.add(x, () => 1)).toThrow(TypeError);
    expect(() => loose.add(x, new Map())).toThrow(/takes a Map/);
    expect(() => loose.zeros([2], { dtype: 'float31' })).toThrow(/fits no overload/);
  });
  inScope('says so when there is too little memory, with a code of its own', () =>
    expect((thrownBy(() => torch.empty([2 ** 50])) as TorchError).message).toMatch(/allocate|memory/i),
  );
  inScope('leaves the binding as it was: the next call works', () => {
    thrownBy(() => torch.mm(x, x));
    expect(torch.add(x, 1).tolist()).toEqual([[2, 3]]);
  });
  it('that does not exist is named', () => expect(() => schemas('no_such_operator')).toThrow(/has no such operator/));
});

it('overloads are tried in the order of registration, those with tensors before those with numbers', () => {
  expect(schemas('add').map((schema) => schema.slice(0, schema.indexOf('(')))).toEqual([
    'aten::add.Tensor',
    'aten::add.Scalar',
    'aten::add.out',
    'aten::add.Scalar_out',
  ]);
});
