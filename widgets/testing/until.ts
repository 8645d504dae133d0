/** How tests of views and models wait: for what they read, never for a time. */
import { vi } from 'vitest';

const { setTimeout: later } = globalThis; // the real one, also while a test turns the clock by hand

/**
 * Waits until everything has run that needs no timer. The fakes answer with promises and elements update in promises; a promise's
 * callbacks run before the next task, however many follow from each other. What comes by a timer or a frame is waited for by `until`.
 */
export const settled = (): Promise<void> => new Promise((resolve) => later(resolve));

/** Asks again and again until `check` throws no more, and gives what it returned: `await until(() => expect(step()).toBe('8'))`. */
export const until = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 20_000, interval: 5 });
