import { Observable } from '@medr1/widgets/observable';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keptInWorkspace } from './workspace-state.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function made(stored: unknown) {
  const kept = new Map<string, unknown>(stored === undefined ? [] : [['k', stored]]);
  const state = {
    fetch: vi.fn(async (key: string) => kept.get(key)),
    save: vi.fn(async (key: string, value: unknown) => void kept.set(key, value)),
  };
  const value = new Observable({ sort: 'order', loading: 0 });
  const model = {
    toJSON: () => ({ sort: value.value.sort }),
    restore: (json: unknown) => value.update((now) => ({ ...now, ...(json as object | undefined) })),
  };
  return { kept, state, value, start: () => keptInWorkspace(state as never, 'k', model, value) };
}

it('restores, then keeps what changed, once after many changes', async () => {
  const { kept, state, value, start } = made({ sort: 'low' });
  await start();
  expect(value.value.sort).toBe('low');
  for (const sort of ['a', 'b', 'high']) value.update((now) => ({ ...now, sort }));
  expect(state.save).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.save).toHaveBeenCalledOnce();
  expect(kept.get('k')).toEqual({ sort: 'high' });
});

it('keeps nothing when only what is not kept changed', async () => {
  const { state, value, start } = made(undefined);
  await start();
  value.update((now) => ({ ...now, loading: 1 }));
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.save).not.toHaveBeenCalled();
});

it('a workspace that cannot be read leaves the defaults', async () => {
  const { state, value, start } = made(undefined);
  state.fetch.mockRejectedValueOnce(new Error('gone'));
  await start();
  expect(value.value.sort).toBe('order');
});

it('a page that is reloaded at once has what was typed last, not what the workspace held', async () => {
  const stored = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, text: string) => void stored.set(key, text),
    removeItem: (key: string) => void stored.delete(key),
  });
  const page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  const first = made({ sort: 'old' });
  await first.start();
  first.value.update((now) => ({ ...now, sort: 'typed' }));
  page.dispatchEvent(new Event('pagehide'));
  const again = made({ sort: 'old' });
  await again.start();
  expect(again.value.value.sort).toBe('typed');
  const later = made({ sort: 'moved on' });
  await later.start();
  expect(later.value.value.sort).toBe('moved on');
  vi.unstubAllGlobals();
});
