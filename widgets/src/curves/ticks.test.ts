import { expect, it } from 'vitest';
import { linearTicks, logTicks } from './ticks.ts';

const texts = (ticks: { text: string }[]) => ticks.map(({ text }) => text);

it('are round values, as many as there is room for', () => {
  expect(texts(linearTicks([0, 1], 5))).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  expect(texts(linearTicks([1, 20_000], 4))).toEqual(['5,000', '10,000', '15,000', '20,000']);
});

it('large and small numbers are short', () => {
  expect(texts(linearTicks([0, 4e7], 4))).toEqual(['0', '10M', '20M', '30M', '40M']);
  expect(texts(linearTicks([0, 4e-6], 4))).toEqual(['0', '1e−6', '2e−6', '3e−6', '4e−6']);
});

it('of steps there are no halves, and the unit stands at the last', () => {
  expect(texts(linearTicks([1, 3], 9, { whole: true }))).toEqual(['1', '2', '3']);
  expect(texts(linearTicks([0, 2], 2, { unit: ' min' }))).toEqual(['0', '1', '2 min']);
});

it('a logarithmic axis has its powers of ten, and values between them where there is room', () => {
  expect(texts(logTicks([1e-5, 10], 6))).toEqual(['1e−5', '1e−4', '0.001', '0.01', '0.1', '1', '10']);
  expect(texts(logTicks([1, 9], 6))).toEqual(expect.arrayContaining(['1', '2', '5']));
});
