/**
 * Rewards that a kernel evaluates, asked for once: what it gave is written before anything is learnt from it. A step that is taken again, after a pause,
 * a kill or a roll-back, finds its values there and needs no kernel; a function that gives other values each time changes nothing of it.
 */
import type { Unanswered } from '../protocol/kernels.ts';
import type { AskKernel } from '../rewards/index.ts';
import { errors } from '../runs/errors.ts';
import type { RunStore } from '../runs/store.ts';
import type { PatientDisk, DiskOptions } from './patient-disk.ts';

/** A run that is to end does not wait for a kernel: its step is given up, and nothing is stored of it. */
export function askOnce(store: RunStore, disk: PatientDisk, ask: AskKernel, options: Omit<DiskOptions, 'log'>): AskKernel {
  /** Functions that count as not applicable at present: one alert each time that begins. */
  const skipped = new Set<string>();
  return async (call, source) => {
    const stored = store.kernelValues(call.key);
    if (stored !== null) return { values: stored };
    const whole = { ...call, constants: { ...call.constants, max_steps: store.row().total_steps } };
    const over = new AbortController();
    const scored = await Promise.race([ask(whole, source), ending(store, options, over.signal)]).finally(() => over.abort());
    if (scored === ENDS) return ENDS;
    if ('values' in scored) {
      skipped.delete(call.name);
      await disk.write(() => store.keepKernelValues(call.key, scored.values));
      return scored;
    }
    if (!('unanswered' in scored) || source.on_timeout !== 'skip') return scored;
    const values = call.completions.map(() => null);
    const alert = skipped.has(call.name) ? null : errors.kernelSkipped(call.name, call.constants.step, scored);
    await disk.write(() => {
      store.keepKernelValues(call.key, values);
      if (alert) store.alert(alert.toJSON());
    });
    skipped.add(call.name);
    options.committed();
    return { values };
  };
}

const ENDS: Unanswered = { unanswered: 'absent', waited_s: 0 };

/** Resolves when the run is asked to end; looks for it until `over`. */
async function ending(store: RunStore, { signal, nudge }: Pick<DiskOptions, 'signal' | 'nudge'>, over: AbortSignal): Promise<Unanswered> {
  for (;;) {
    await nudge();
    if (over.aborted || signal.aborted || store.pending().some(({ action }) => action === 'stop')) return ENDS;
  }
}
