import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { cancelDraw, PLOTLY_CONFIG, queueDraw } from './plotly.ts';

let frames: (() => void)[] = [];
const frame = (): void => frames.splice(0).forEach((run) => run());

beforeEach(() => vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run)));
afterEach(() => {
  vi.unstubAllGlobals();
  frames = [];
});

it('draws one chart a frame', () => {
  const drawn: string[] = [];
  queueDraw(() => drawn.push('a'));
  queueDraw(() => drawn.push('b'));
  frame();
  expect(drawn).toEqual(['a']);
  frame();
  expect(drawn).toEqual(['a', 'b']);
});

it('charts that have nothing to draw take no frame', () => {
  const asked: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) queueDraw(() => (asked.push(name), name === 'c'));
  frame();
  expect(asked).toEqual(['a', 'b', 'c']);
  frame();
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
});

it('a chart asked for often between two frames is drawn once', () => {
  const draw = vi.fn();
  for (let i = 0; i < 5; i++) queueDraw(draw);
  frame();
  frame();
  expect(draw).toHaveBeenCalledTimes(1);
});

it('a chart that left is not drawn, and one that throws holds up no other', () => {
  const gone = vi.fn();
  const next = vi.fn();
  queueDraw(gone);
  cancelDraw(gone);
  queueDraw(() => {
    throw new Error('broken');
  });
  queueDraw(next);
  expect(frame).toThrow('broken');
  frame();
  expect(gone).not.toHaveBeenCalled();
  expect(next).toHaveBeenCalledTimes(1);
});

it('a frame that comes after its only chart has left draws nothing and throws nothing', () => {
  const gone = vi.fn();
  const next = vi.fn();
  queueDraw(gone);
  cancelDraw(gone);
  expect(frame).not.toThrow();
  queueDraw(next);
  frame();
  expect(gone).not.toHaveBeenCalled();
  expect(next).toHaveBeenCalledTimes(1);
});

it('offers no button that sends data to a cloud', () =>
  expect(PLOTLY_CONFIG).toMatchObject({ showSendToCloud: false, displayModeBar: false }));
