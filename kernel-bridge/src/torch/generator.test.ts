import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { defaultGenerator, generator, getRngState, manualSeed, scope, setRngState, tensor, torch } from './index.ts';

const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));

inScope('a generator goes on from its saved state, bit by bit', () => {
  const random = generator(11);
  torch.rand([100], { generator: random });
  const state = random.getState();
  const expected = torch.rand([10], { generator: random }).data();
  torch.rand([7], { generator: random });
  random.setState(state);
  expect(torch.rand([10], { generator: random }).data()).toEqual(expected);
});

inScope('generators do not disturb one another, nor the default one', () => {
  manualSeed(1);
  const expected = torch.rand([3]).data();
  manualSeed(1);
  torch.rand([3], { generator: generator(1) });
  expect(torch.rand([3]).data()).toEqual(expected);
  expect(torch.rand([3], { generator: defaultGenerator().seed(1) }).data()).toEqual(expected);
});

inScope('the default state can be saved and set', () => {
  const state = getRngState();
  const expected = torch.randn([5]).data();
  setRngState(state);
  expect(torch.randn([5]).data()).toEqual(expected);
});

inScope('a state that is none is refused', () => {
  expect(() => generator(1).setState(new Uint8Array(3))).toThrow();
  expect(torch.rand([1], { generator: generator(5) }).data()).toEqual(torch.rand([1], { generator: generator(5) }).data());
});

inScope('sampling operators take the generator', () => {
  const draw = (): number[] => torch.multinomial(tensor([1, 1, 1, 1]), 8, true, { generator: generator(3) }).tolist() as number[];
  expect(draw()).toEqual(draw());
});

it('the place of a generator that nobody holds is taken by another, and those held go on', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const held = generator(3);
  const last = (() => Math.max(...Array.from({ length: 100 }, (_, seed) => generator(seed).index)))();
  await vi.waitFor(() => {
    gc();
    expect(generator(1).index).toBeLessThan(last - 50);
  });
  const draw = () => scope(() => torch.rand([3], { generator: held.seed(3) }).data());
  expect(draw()).toEqual(draw());
});
