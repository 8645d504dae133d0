import { describe, expect, it } from 'vitest';
import { scope, tensor, torch } from './index.ts';

const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));

describe('tensor takes', () => {
  inScope('nested numbers as float32', () => {
    const t = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([t.shape, t.dtype, t.device, t.numel, t.ndim]).toEqual([[2, 3], 'float32', 'cpu', 6, 2]);
  });
  inScope('a single number as a scalar', () => expect(tensor(1.5).shape).toEqual([]));
  inScope('an empty list', () => expect(tensor([]).shape).toEqual([0]));
  inScope('booleans as bool and bigints as int64', () => {
    expect(tensor([true, false]).dtype).toBe('bool');
    expect(tensor([1n, 2n]).dtype).toBe('int64');
  });
  inScope('numbers for int64', () => expect(tensor([1, 2], { dtype: 'int64' }).data()).toEqual(BigInt64Array.of(1n, 2n)));
  inScope('numbers for 16-bit floats, rounded as PyTorch rounds', () =>
    expect(tensor([1.00390625, -2], { dtype: 'bfloat16' }).tolist()).toEqual([1, -2]),
  );
  inScope('a typed array, copied', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const t = tensor(data, { shape: [2, 2] });
    data[0] = 9;
    expect(t.tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  inScope('part of a buffer, from its offset', () =>
    expect(tensor(new Float32Array(Float32Array.of(1, 2, 3).buffer, 4, 2)).tolist()).toEqual([2, 3]),
  );
  inScope('raw bits of bfloat16', () => expect(tensor(Uint16Array.of(0x3f80, 0xc000), { dtype: 'bfloat16' }).tolist()).toEqual([1, -2]));
  inScope('bytes as bool', () => expect(tensor(Uint8Array.of(1, 0), { dtype: 'bool' }).tolist()).toEqual([true, false]));
  inScope('a typed array for another dtype, converted', () =>
    expect(tensor(Int32Array.of(1, 2), { dtype: 'int64' }).data()).toEqual(BigInt64Array.of(1n, 2n)),
  );
});

describe('tensor refuses', () => {
  it('ragged lists', () => expect(() => tensor([[1, 2], [3]])).toThrow(/ragged lists, \[2\] beside \[1\]/));
  it('a shape that the data does not fill', () =>
    expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrow(/3 elements do not fill the shape \[2, 2\]/));
  it('a typed array that holds no dtype', () => expect(() => tensor(Uint16Array.of(1))).toThrow(/name one/));
});

describe('reading gives back what went in', () => {
  const cases = [
    ['float32', Float32Array.of(1.5, -2)],
    ['float64', Float64Array.of(1.5, -2)],
    ['int64', BigInt64Array.of(2n ** 60n, -1n)],
    ['int32', Int32Array.of(7, -1)],
    ['uint8', Uint8Array.of(0, 255)],
    ['bfloat16', Uint16Array.of(0x3f80, 0x4000)],
    ['float16', Uint16Array.of(0x3c00, 0x4000)],
  ] as const;
  it.each(cases)('for %s', (dtype, data) => scope(() => expect(tensor(data, { dtype }).data()).toEqual(data)));

  inScope('as float32 from any dtype', () => {
    expect(tensor([1, 2], { dtype: 'bfloat16' }).toFloat32()).toEqual(Float32Array.of(1, 2));
    expect(tensor([0.5], { dtype: 'float16' }).toFloat32()).toEqual(Float32Array.of(0.5));
    expect(tensor([3], { dtype: 'int64' }).toFloat32()).toEqual(Float32Array.of(3));
    expect(tensor([true]).toFloat32()).toEqual(Float32Array.of(1));
  });
  inScope('row by row from a transposed view', () =>
    expect(
      torch
        .t(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .data(),
    ).toEqual(Float32Array.of(1, 3, 2, 4)),
  );
  inScope('one element with item', () => {
    expect(tensor([2.5]).item()).toBe(2.5);
    expect(tensor([true]).item()).toBe(1);
    expect(() => tensor([1, 2]).item()).toThrow(/2 elements/);
  });
});

describe('a tensor prints', () => {
  inScope('its dtype, shape and values', () =>
    expect(
      String(
        tensor([
          [1, 2.25],
          [3, 4],
        ]),
      ),
    ).toBe('Tensor(float32[2, 2], [[1, 2.25], [3, 4]])'),
  );
  inScope('long dimensions cut in the middle, values to four digits', () =>
    expect(String(torch.div(torch.arange(100, { dtype: 'float32' }), 3))).toBe(
      'Tensor(float32[100], [0, 0.3333, 0.6667, ..., 32.33, 32.67, 33])',
    ),
  );
  inScope('scalars, booleans, NaN and nothing', () => {
    expect(String(tensor(1))).toBe('Tensor(float32[], 1)');
    expect(String(tensor([true]))).toBe('Tensor(bool[1], [true])');
    expect(String(tensor([NaN, -Infinity]))).toBe('Tensor(float32[2], [NaN, -Infinity])');
    expect(String(torch.zeros([0, 3]))).toBe('Tensor(float32[0, 3], [])');
  });
});
