/** What a page's main thread does, read from a trace: frames, and the CPU time of its tasks. A task that waits for a core looks long by the clock, not by this. */
import type { Page } from 'playwright-core';

/** A task of more CPU time than this in our code is a fault. */
export const LONG_MS = 50;

/** What a task of a thread is called in a trace: by the scheduler, by the developer tools. */
const TASKS = ['ThreadControllerImpl::RunTask', 'RunTask'] as const;

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  /** Microseconds: wall, and of the thread's CPU. */
  dur?: number;
  tdur?: number;
  args: { name?: string; data?: { url?: string } };
}

/**
 * Figures of the page's main thread while `act` runs for so many seconds, each with `name` before it. A task is ours where a function from an
 * address that holds `ours` was called in it.
 */
export async function measureFrames(
  name: string,
  page: Page,
  { seconds, ours: address, act }: { seconds: number; ours: string; act: (page: Page, until: number) => Promise<void> },
): Promise<Record<string, number>> {
  const browser = page.context().browser()!;
  await trace(page);
  await mark(page, BEGIN);
  const frames = page.evaluate(
    (ms) =>
      new Promise<number[]>((resolve) => {
        const times: number[] = [];
        const tick = (now: number): void => {
          times.push(now);
          if (now - times[0] < ms) requestAnimationFrame(tick);
          else resolve(times);
        };
        requestAnimationFrame(tick);
      }),
    seconds * 1000,
  );
  await act(page, Date.now() + seconds * 1000);
  const times = await frames;
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const gaps = times.slice(1).map((time, at) => time - times[at]);
  const { tasks, ours } = tasksOf(traceEvents, address);
  const cpu = ours.map(({ tdur }) => tdur! / 1000);
  return {
    [`${name}_frames_per_s`]: gaps.length / ((times.at(-1)! - times[0]) / 1000),
    [`${name}_frame_p50_ms`]: quantile(gaps, 0.5),
    [`${name}_frame_p95_ms`]: quantile(gaps, 0.95),
    /** CPU time of the main thread for a frame, everything in it. */
    [`${name}_frame_cpu_ms`]: tasks.reduce((sum, { tdur }) => sum + (tdur ?? 0), 0) / 1000 / gaps.length,
    /** The same for a second, however many frames the machine could draw in it. */
    [`${name}_cpu_ms_per_s`]: tasks.reduce((sum, { tdur }) => sum + (tdur ?? 0), 0) / (times.at(-1)! - times[0]),
    [`${name}_long_tasks_wall`]: tasks.filter(({ dur }) => dur! > 1000 * LONG_MS).length,
    [`${name}_task_cpu_max_ms`]: Math.max(0, ...tasks.map(({ tdur }) => (tdur ?? 0) / 1000)),
    [`${name}_our_long_tasks`]: cpu.filter((ms) => ms > LONG_MS).length,
    [`${name}_our_task_cpu_max_ms`]: Math.max(0, ...cpu),
  };
}

/** Marks of the page's main thread in a trace. */
const [BEGIN, END] = ['medr1-begin', 'medr1-end'];
const mark = (page: Page, name: string): Promise<unknown> => page.evaluate((of) => performance.mark(of), name);

const trace = (page: Page): Promise<void> =>
  page
    .context()
    .browser()!
    .startTracing(page, {
      categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', 'blink.user_timing', '__metadata'],
    });

/** What an action took until it was over. */
export interface Taken {
  /** Of the page's main thread, all its tasks together and the longest one. */
  cpu_ms: number;
  task_cpu_max_ms: number;
  wall_ms: number;
}

export async function cpuUntil(page: Page, act: () => Promise<void>): Promise<Taken> {
  const browser = page.context().browser()!;
  await trace(page);
  await mark(page, BEGIN);
  const start = performance.now();
  await act();
  const wall_ms = performance.now() - start;
  await mark(page, END);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const [from, to] = [BEGIN, END].map((name) => traceEvents.find((event) => event.name === name)!);
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid, ts }) => name === TASKS[0] && ph === 'X' && pid === from.pid && tid === from.tid && ts > from.ts && ts < to.ts,
  );
  const cpu = tasks.map(({ tdur }) => (tdur ?? 0) / 1000);
  return { cpu_ms: cpu.reduce((sum, one) => sum + one, 0), task_cpu_max_ms: Math.max(0, ...cpu), wall_ms };
}

/** Tasks of the page's main thread, also where no script ran in it, and those of them in which a function of ours was called. */
function tasksOf(events: TraceEvent[], address: string): { tasks: TraceEvent[]; ours: TraceEvent[] } {
  const calls = events.filter(({ name, args }) => name === 'FunctionCall' && args.data?.url?.includes(address));
  const { pid, tid } = events.find((event) => event.name === BEGIN)!;
  // of two categories, one event of each for the same task
  const name = events.some((event) => event.name === TASKS[0]) ? TASKS[0] : TASKS[1];
  const tasks = events.filter((event) => event.name === name && event.ph === 'X' && event.pid === pid && event.tid === tid);
  const starts = calls.map(({ ts }) => ts).sort((a, b) => a - b);
  const ours = tasks.filter((task) => {
    const next = starts[firstNotBefore(starts, task.ts)];
    return next !== undefined && next < task.ts + task.dur!;
  });
  return { tasks, ours };
}

function firstNotBefore(sorted: number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
