import { expect, it } from 'vitest';
import type { Device } from './devices.ts';
import { impossible, place, type Holder, type Wish } from './placement.ts';

const GIB = 2 ** 30;
const gpu = (at: number, total = 80, used = 0): Device => ({
  ...{ id: `cuda:${at}`, kind: 'cuda', name: 'GPU', uuid: `GPU-${at}`, threads: null, utilization: 0 },
  ...{ memory_total: total * GIB, memory_used: used * GIB },
});
const slot = (at: number, total = 16, used = 2): Device => ({
  ...gpu(at, total, used),
  id: `cpu:${at}`,
  kind: 'cpu',
  uuid: null,
  threads: 1,
});
const wish = (changes: Partial<Wish> = {}): Wish => ({ kind: 'train', device: 'auto', devices: 1, exclusive: false, bytes: 0, ...changes });
const on = (id: string, changes: Partial<Holder> = {}): Holder => ({
  ...{ kind: 'train', name: 'run a', on: [id], bytes: 0, exclusive: false, resting: false },
  ...changes,
});
const ids = (found: Device[] | string): string[] | string => (typeof found === 'string' ? found : found.map(({ id }) => id));

const BOTH = [gpu(0), gpu(1), slot(0), slot(1)];

it('auto takes a GPU where there is one, cpu a slot, and a number that one', () => {
  expect(ids(place(wish(), BOTH, []))).toEqual(['cuda:0']);
  expect(ids(place(wish({ device: 'cpu' }), BOTH, []))).toEqual(['cpu:0']);
  expect(ids(place(wish({ device: 'cuda:1' }), BOTH, []))).toEqual(['cuda:1']);
  expect(ids(place(wish(), [slot(0)], []))).toEqual(['cpu:0']);
});

it('takes the device with the fewest jobs, and of these the one with the most free memory', () => {
  expect(ids(place(wish(), BOTH, [on('cuda:0')]))).toEqual(['cuda:1']);
  expect(ids(place(wish(), [gpu(0, 80, 30), gpu(1, 80, 10)], []))).toEqual(['cuda:1']);
});

it('one run trains on a slot of the CPU at a time, beside it an evaluation; a paused one has lent its turn', () => {
  expect(place(wish(), [slot(0)], [on('cpu:0')])).toBe('waits: run a is on cpu:0');
  expect(ids(place(wish({ kind: 'evaluate' }), [slot(0)], [on('cpu:0')]))).toEqual(['cpu:0']);
  expect(ids(place(wish(), [slot(0)], [on('cpu:0', { kind: 'evaluate' })]))).toEqual(['cpu:0']);
  expect(ids(place(wish(), [slot(0)], [on('cpu:0', { resting: true })]))).toEqual(['cpu:0']);
});

it('several share a GPU as far as the estimates of their memory go', () => {
  const there = [on('cuda:0', { bytes: 50 * GIB })];
  expect(ids(place(wish({ bytes: 30 * GIB }), [gpu(0)], there))).toEqual(['cuda:0']);
  expect(place(wish({ bytes: 31 * GIB }), [gpu(0)], there)).toBe('waits: 31.0 GiB are needed on cuda:0, 30.0 GiB are free');
  // what is in use counts where it is more than was promised
  expect(place(wish({ bytes: 30 * GIB }), [gpu(0, 80, 60)], there)).toContain('20.0 GiB are free');
});

it('slots of the CPU share the memory of the machine, which other programs alone never make a run wait for', () => {
  const two = [slot(0), slot(1)];
  expect(place(wish({ bytes: 7 * GIB }), two, [on('cpu:0', { bytes: 10 * GIB })])).toContain(
    '7.0 GiB are needed on cpu:1, 6.0 GiB are free',
  );
  expect(ids(place(wish({ bytes: 15 * GIB }), two, []))).toEqual(['cpu:0']);
});

it('exclusive: waits until nobody is there, and keeps others away while it trains', () => {
  const alone = wish({ exclusive: true });
  expect(place(alone, [gpu(0)], [on('cuda:0', { kind: 'evaluate', name: 'evaluation e' })])).toBe('waits: evaluation e is on cuda:0');
  const there = [on('cuda:0', { exclusive: true })];
  for (const kind of ['train', 'evaluate', 'answer'] as const)
    expect(place(wish({ kind }), [gpu(0)], there)).toBe('waits: run a has cuda:0 for itself');
});

it('several devices are taken together or not at all', () => {
  expect(ids(place(wish({ devices: 2 }), BOTH, []))).toEqual(['cuda:0', 'cuda:1']);
  const full = [on('cuda:1', { bytes: 80 * GIB })];
  expect(place(wish({ devices: 2, bytes: GIB }), BOTH, full)).toMatch(/^waits for 2 devices, 1 of them free: 1.0 GiB are needed on cuda:1/);
});

it('what somebody waits for who asked earlier is not for those behind', () => {
  expect(place(wish(), [gpu(0)], [], new Set(['cuda:0']))).toBe('waits: cuda:0 is for those who asked earlier');
});

it.each<[Partial<Wish>, string, string]>([
  [{ device: 'cuda:3' }, 'DEVICE_MISSING', 'There is no device cuda:3 here; there are cuda:0, cuda:1, cpu:0, cpu:1.'],
  [{ devices: 4 }, 'DEVICES_TOO_FEW', 'The run takes 4 devices, and with device auto it can have 2 (cuda:0, cuda:1).'],
  [
    { bytes: 81 * GIB },
    'FITS_NOWHERE',
    'About 81.0 GiB are needed, and no device that it may have (cuda:0, cuda:1) has more than 80.0 GiB.',
  ],
  [{ device: 'cpu', devices: 2, bytes: 9 * GIB }, 'FITS_NOWHERE', 'About 18.0 GiB are needed'],
])('no wait would help: %j', (changes, code, message) => {
  expect(impossible(wish(changes), BOTH)).toMatchObject({ code, message: expect.stringContaining(message) });
});

it('a wait may help where the device is only taken', () => {
  expect(impossible(wish({ devices: 2, bytes: 80 * GIB }), BOTH)).toBeNull();
});
