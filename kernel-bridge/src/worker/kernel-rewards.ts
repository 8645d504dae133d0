/**
 * Rewards that a kernel evaluates, asked for once: what it gave is written before anything is learnt from it. A step that is taken again, after a pause,
 * a kill or a roll-back, finds its values there and needs no kernel; a function that gives other values each time changes nothing of it.
 */
import type { AskKernel } from '../rewards/index.ts';
import { errors } from '../runs/errors.ts';
import type { RunStore } from '../runs/store.ts';
import type { Room } from './room.ts';

export function askOnce(store: RunStore, room: Room, ask: AskKernel, committed: () => void): AskKernel {
  /** Functions that count as not applicable at present: one alert each time that begins. */
  const skipped = new Set<string>();
  return async (call, source) => {
    const stored = store.kernelValues(call.key);
    if (stored !== null) return { values: stored };
    const scored = await ask({ ...call, constants: { ...call.constants, max_steps: store.row().total_steps } }, source);
    if ('values' in scored) {
      skipped.delete(call.name);
      await room.write(() => store.keepKernelValues(call.key, scored.values));
      return scored;
    }
    if (!('unanswered' in scored) || source.on_timeout !== 'skip') return scored;
    const values = call.completions.map(() => null);
    const alert = skipped.has(call.name) ? null : errors.kernelSkipped(call.name, scored);
    await room.write(() => {
      store.keepKernelValues(call.key, values);
      if (alert) store.alert(alert.toJSON());
    });
    skipped.add(call.name);
    committed();
    return { values };
  };
}
