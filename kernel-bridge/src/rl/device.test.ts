import { afterEach, expect, it, vi } from 'vitest';
import { resolveDevice } from './training.ts';

afterEach(() => vi.unstubAllEnvs());

it('is the CPU where that is asked for, by its number too', () => {
  expect(['cpu', 'cpu:1'].map((device) => resolveDevice(device))).toEqual(['cpu', 'cpu']);
});

it('what a server gave the process wins over what the configuration names', () => {
  vi.stubEnv('MEDR1_DEVICES', 'cpu:3');
  expect(['auto', 'cpu:0', 'cuda:0'].map((device) => resolveDevice(device))).toEqual(['cpu', 'cpu', 'cpu']);
});

it('a GPU beyond those that torch sees is refused by name', () => {
  for (const device of ['cuda:97', 'cuda:98'])
    expect(() => resolveDevice(device)).toThrow(
      expect.objectContaining({ code: 'DEVICE_MISSING', message: expect.stringContaining(device) }),
    );
});
