import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scope, span, torch, trace } from '../torch/index.ts';
import { createTrainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

interface Event {
  ph: string;
  cat?: string;
  name: string;
  tid: number | string;
  ts: number;
  dur: number;
  args?: Record<string, unknown>;
}

async function eventsOf(file: string): Promise<Event[]> {
  return (JSON.parse(await readFile(file, 'utf8')) as { traceEvents: Event[] }).traceEvents;
}

const ofKind = (events: Event[], cat: string) => events.filter((event) => event.ph === 'X' && event.cat === cat);
const within = (inner: Event, outer: Event) => inner.ts >= outer.ts - 0.01 && inner.ts + inner.dur <= outer.ts + outer.dur + 0.01;

/** The names of the spans around each span, outermost first, itself last. Throws where two overlap without one holding the other. */
function paths(spans: Event[]): string[] {
  const open: Event[] = [];
  return spans
    .toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)
    .map((event) => {
      while (open.length > 0 && event.ts >= open.at(-1)!.ts + open.at(-1)!.dur) open.pop();
      if (open.length > 0 && !within(event, open.at(-1)!)) throw new Error(`${event.name} leaves ${open.at(-1)!.name}`);
      open.push(event);
      return open.map(({ name }) => name).join(' > ');
    });
}

describe('a trace', () => {
  it('of a GRPO step holds its phases, one within the other, the operators of each with shapes, and the memory', async () => {
    const trainer = await createTrainer({ config: tiny.config(), items: tiny.items, evalItems: [], root: tiny.directory });
    const file = join(tiny.directory, 'step.json');
    const { step } = await trace(file, () => trainer.trainStep());
    trainer.dispose();
    expect(step).toBe(1);

    const events = await eventsOf(file);
    const spans = ofKind(events, 'user_annotation');
    const seen = new Set(paths(spans));
    for (const path of [
      'encode',
      'sampling > prefill > vision tower > visual.blocks.0',
      'sampling > prefill > model.layers.1',
      'sampling > draw',
      'sampling > decode step > model.layers.0',
      'rewards',
      'reference > log-probabilities > vision tower',
      'update > log-probabilities > model.layers.0',
      'update > log-probabilities > vocabulary',
      'update > backward',
      'clip',
      'optimizer',
    ]) {
      expect(seen, path).toContain(path);
    }

    const operators = ofKind(events, 'cpu_op');
    const inSpan = (name: string) => spans.filter((s) => s.name === name).flatMap((s) => operators.filter((op) => within(op, s)));
    expect(inSpan('vision tower').find(({ name }) => name === 'aten::layer_norm')?.args?.['Input Dims']).toContainEqual([16]);
    expect(inSpan('backward').some(({ name }) => name.startsWith('autograd::engine'))).toBe(true);
    expect(inSpan('optimizer').map(({ name }) => name)).toContain('aten::_fused_adamw_');
    const memory = events.filter(({ ph, name }) => ph === 'C' && name === 'allocated');
    expect(Math.max(...memory.map(({ args }) => args!.bytes as number))).toBeGreaterThan(10_000);
    expect(await readdir(tiny.directory)).not.toContainEqual(expect.stringContaining('.part'));
  });

  it('does not change what is computed', async () => {
    const firstStep = async (run: <T>(work: () => Promise<T>) => Promise<T>) => {
      const trainer = await createTrainer({ config: tiny.config(), items: tiny.items, evalItems: [], root: tiny.directory });
      const { groups, metrics } = await run(() => trainer.trainStep());
      trainer.dispose();
      return { groups, loss: metrics.loss, norm: metrics.grad_norm };
    };
    const traced = await firstStep((work) => trace(join(tiny.directory, 'same.json'), work));
    expect(traced).toEqual(await firstStep((work) => work()));
  });

  it('ends with what it traces: nothing is recorded afterwards, and work that throws leaves no file', async () => {
    const file = join(tiny.directory, 'ends.json');
    await trace(file, () => span('in', () => scope(() => torch.ones([2]).item === undefined)));
    span('after', () => scope(() => void torch.ones([2])));
    const failing = trace(join(tiny.directory, 'none.json'), () =>
      span('throws', () => {
        throw new Error('no');
      }),
    );
    await expect(failing).rejects.toThrow('no');
    await trace(file, () => span('second', () => scope(() => void torch.ones([2]))));
    expect(ofKind(await eventsOf(file), 'user_annotation').map(({ name }) => name)).toEqual(['second']);
    expect(await readdir(tiny.directory)).not.toContain('none.json');
  });

  it('refuses a file that cannot be written before anything is computed, and a second trace meanwhile', async () => {
    let ran = false;
    await expect(trace(join(tiny.directory, 'absent', 'a.json'), () => void (ran = true))).rejects.toThrow('ENOENT');
    expect(ran).toBe(false);
    const file = join(tiny.directory, 'one.json');
    await trace(file, () => expect(trace(file, () => undefined)).rejects.toThrow('one is being written already'));
  });
});
