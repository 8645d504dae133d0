import { describe, expect, it, vi } from 'vitest';
import type { KernelCall, KernelReward } from '../protocol/kernels.ts';
import { kernelSource } from '../rewards/index.ts';
import { Kernels } from './kernels.ts';

const mine: KernelReward = { name: 'mine', source: 'def mine(): pass\n', timeout_s: 1, on_timeout: 'pause' };
const edited: KernelReward = { ...mine, source: 'def mine(): return\n' };
const { sha256 } = kernelSource(mine);
const call = (key: string, of = sha256): KernelCall => ({
  key,
  name: 'mine',
  sha256: of,
  completions: ['a', 'b'],
  columns: {},
  constants: {},
});
const never = new AbortController().signal;
const register = (kernels: Kernels, id: string, ...rewards: KernelReward[]) => kernels.poll(id, { rewards }, never);
const stateOf = (kernels: Kernels, id: string) => kernels.list().find((kernel) => kernel.id === id)?.state;
const values = [1, null];

describe('a call', () => {
  it('reaches the kernel that serves the function, and its answer the asker', async () => {
    const kernels = new Kernels();
    const calls = kernels.poll('k', { rewards: [mine], wait_s: 30 }, never);
    const asked = kernels.ask(call('one'), 30);
    expect(await calls).toEqual([call('one')]);
    await kernels.poll('k', { rewards: [mine], answers: [{ key: 'one', outcome: { values } }] }, never);
    expect(await asked).toEqual({ values });
  });

  it('waits for a kernel that is not there yet', async () => {
    const kernels = new Kernels();
    const asked = kernels.ask(call('one'), 30);
    expect(await kernels.poll('k', { rewards: [edited], wait_s: 0.01 }, never)).toEqual([]);
    expect(await kernels.poll('k', { rewards: [mine], wait_s: 30 }, never)).toHaveLength(1);
    await kernels.poll('k', { rewards: [mine], answers: [{ key: 'one', outcome: { values } }] }, never);
    expect(await asked).toEqual({ values });
  });

  it('is delivered once, however many kernels serve the function', async () => {
    const kernels = new Kernels();
    const asked = kernels.ask(call('one'), 0.05);
    expect(await kernels.poll('k', { rewards: [mine], wait_s: 30 }, never)).toHaveLength(1);
    expect(await kernels.poll('l', { rewards: [mine], wait_s: 0.01 }, never)).toEqual([]);
    expect(await kernels.poll('k', { rewards: [mine], wait_s: 0.01 }, never)).toEqual([]);
    expect(await asked).toMatchObject({ waited_s: 0.05 });
  });

  it('goes to another kernel when the one that had it dies or falls silent', async () => {
    const kernels = new Kernels({ silent_ms: 1 });
    const asked = kernels.ask(call('one'), 30);
    const client = new AbortController();
    await kernels.poll('k', { rewards: [mine], wait_s: 30 }, client.signal);
    const second = kernels.poll('k', { rewards: [mine], wait_s: 30 }, client.signal);
    client.abort();
    expect(await second).toEqual([]);
    expect(await kernels.poll('l', { rewards: [mine], wait_s: 30 }, never)).toHaveLength(1);
    await vi.waitFor(() => expect(stateOf(kernels, 'l')).toBe('busy')); // it fell silent
    expect(await kernels.poll('m', { rewards: [mine], wait_s: 30 }, never)).toHaveLength(1);
    await kernels.poll('m', { rewards: [mine], answers: [{ key: 'one', outcome: { values } }] }, never);
    expect(await asked).toEqual({ values });
  });

  it('keeps a late answer for the same call again, once', async () => {
    const kernels = new Kernels();
    const first = kernels.ask(call('one'), 0.02);
    await kernels.poll('k', { rewards: [mine], wait_s: 30 }, never);
    expect(await first).toMatchObject({ waited_s: 0.02 });
    await kernels.poll('k', { rewards: [mine], answers: [{ key: 'one', outcome: { values } }] }, never);
    expect(await kernels.ask(call('one'), 30)).toEqual({ values });
    expect(await kernels.ask(call('one'), 0.01)).toMatchObject({ waited_s: 0.01 });
  });

  it('with another number of values than completions is a failure', async () => {
    const kernels = new Kernels();
    const asked = kernels.ask(call('one'), 30);
    await kernels.poll('k', { rewards: [mine], answers: [{ key: 'one', outcome: { values: [1] } }] }, never);
    expect(await asked).toMatchObject({ failure: { kind: 'length' } });
  });
});

describe('what is missing has a name', () => {
  it('absent: nobody serves it, or its kernel is gone', async () => {
    const kernels = new Kernels();
    expect(await kernels.ask(call('one'), 0.01)).toEqual({ unanswered: 'absent', waited_s: 0.01 });
    await register(kernels, 'k', mine);
    await register(kernels, 'k');
    expect(await kernels.ask(call('two'), 0.01)).toMatchObject({ unanswered: 'absent' });
    expect(kernels.list()).toEqual([]);
  });

  it('slow: its kernel polls, and has not answered', async () => {
    const kernels = new Kernels();
    const asked = kernels.ask(call('one'), 0.05);
    await kernels.poll('k', { rewards: [mine], wait_s: 30 }, never);
    const open = kernels.poll('k', { rewards: [mine], wait_s: 0.1 }, never);
    expect(await asked).toMatchObject({ unanswered: 'slow' });
    expect(await open).toEqual([]);
  });

  it('busy: its kernel does not poll', async () => {
    const kernels = new Kernels({ silent_ms: 1 });
    await register(kernels, 'k', mine);
    expect(await kernels.ask(call('one'), 0.05)).toMatchObject({ unanswered: 'busy' });
    expect(kernels.list()).toMatchObject([{ id: 'k', state: 'busy', rewards: [{ name: 'mine', sha256 }] }]);
    expect(kernels.serves('mine', sha256)).toBe(false);
  });
});

it('tells when a function is served that was not, and when a kernel is heard of again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] }); // a busy machine silences no kernel between two polls
  try {
    const kernels = new Kernels({ silent_ms: 1000 });
    let told = 0;
    kernels.onServed(() => told++);
    await register(kernels, 'k', mine);
    expect(told).toBe(1);
    await register(kernels, 'k', mine);
    expect(told).toBe(1);
    await register(kernels, 'k', mine, edited);
    expect(told).toBe(2);
    vi.advanceTimersByTime(1001);
    expect(stateOf(kernels, 'k')).toBe('busy');
    await register(kernels, 'k', mine, edited);
    expect(told).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

it('gives the newest of a name, and the one that is asked for by its source', async () => {
  const kernels = new Kernels();
  await register(kernels, 'k', mine, edited);
  expect(kernels.sources().mine).toMatchObject({ source: edited.source, file: 'mine.py', runtime: 'kernel' });
  expect(kernels.chosen({ mine: sha256 }).mine.source).toBe(mine.source);
  expect(() => kernels.chosen({ other: sha256 })).toThrow('no kernel serves the reward function other; served are: mine');
  await expect(register(kernels, 'k', { ...mine, name: 'accuracy' })).rejects.toThrow('built-in');
  await expect(register(kernels, 'k', { ...mine, name: '1st' })).rejects.toThrow('1st.py');
});

it('a wall clock that jumps silences no kernel and delays no poll', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const kernels = new Kernels();
    await register(kernels, 'k', mine);
    vi.setSystemTime(Date.now() + 86_400_000);
    expect(kernels.serves('mine', sha256)).toBe(true);
    const poll = kernels.poll('k', { rewards: [mine], wait_s: 0.05 }, never);
    vi.setSystemTime(0);
    expect(await poll).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
