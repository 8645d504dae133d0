import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Turns } from './turns.ts';

let frames: (() => void)[] = [];
let turns: Turns;
const frame = (): void => frames.splice(0).forEach((run) => run());

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  turns = new Turns({ eachFrame: 4 });
});
afterEach(() => {
  vi.unstubAllGlobals();
  frames = [];
});

it('draws a few charts a frame, in the order in which they asked', () => {
  const drawn: string[] = [];
  for (const name of 'abcdefghij') turns.ask(() => drawn.push(name));
  frame();
  expect(drawn.join('')).toBe('abcd');
  frame();
  frame();
  expect(drawn.join('')).toBe('abcdefghij');
});

it('charts that have nothing to draw take no frame', () => {
  const asked: string[] = [];
  for (const name of 'abcdefghij') turns.ask(() => (asked.push(name), name > 'e'));
  frame();
  expect(asked.join('')).toBe('abcdefghi');
  frame();
  expect(asked.join('')).toBe('abcdefghij');
});

it('a chart asked for often between two frames is drawn once', () => {
  const draw = vi.fn();
  for (let i = 0; i < 5; i++) turns.ask(draw);
  frame();
  frame();
  expect(draw).toHaveBeenCalledTimes(1);
});

it('a chart that left is not drawn, and one that throws holds up no other', () => {
  const gone = vi.fn();
  const next = vi.fn();
  turns.ask(gone);
  turns.cancel(gone);
  turns.ask(() => {
    throw new Error('broken');
  });
  turns.ask(next);
  expect(frame).toThrow('broken');
  frame();
  expect(gone).not.toHaveBeenCalled();
  expect(next).toHaveBeenCalledTimes(1);
});

it('a frame that comes after its only chart has left draws nothing and throws nothing', () => {
  const gone = vi.fn();
  const next = vi.fn();
  turns.ask(gone);
  turns.cancel(gone);
  expect(frame).not.toThrow();
  turns.ask(next);
  frame();
  expect(gone).not.toHaveBeenCalled();
  expect(next).toHaveBeenCalledTimes(1);
});

it('what may wait is done once nobody has asked for a while', () => {
  vi.useFakeTimers();
  try {
    const patient = new Turns({ eachFrame: 4, rest_ms: 80 });
    const draw = vi.fn();
    for (let moves = 0; moves < 5; moves++) {
      patient.ask(draw);
      vi.advanceTimersByTime(50);
    }
    frame();
    expect(draw).not.toHaveBeenCalled();
    vi.advanceTimersByTime(80);
    frame();
    expect(draw).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});
