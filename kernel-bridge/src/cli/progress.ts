/** Progress of a run on a terminal: one line redrawn on a TTY, one line a step elsewhere. */
import type { RunEvent, RunSummary } from '../protocol/run.ts';
import { Status, type Terminal } from './output.ts';

export interface Progress {
  begin(id: string, where: string): void;
  /** What is to be known beside the run's own events. */
  note(text: string): void;
  event(event: RunEvent): void;
  done(summary: RunSummary): void;
}

const BAR_CELLS = 24;
const SHOWN = ['reward', 'kl', 'loss', 'rollouts_per_s'];

/** The number of steps comes from the trainer, by `of`, once it has started. `label` tells runs apart that are shown together. */
export function progress(out: Terminal, of: () => number | null = () => null, label = ''): Progress {
  const status = new Status(out);
  const before = label && `${label}  `;
  const line = (text: string): void => status.keep(`${before}${text}`);
  const times: number[] = [];
  let written = '';
  return {
    begin: (id, where) => line(`run ${id}, ${where}`),
    note: line,
    event(event) {
      if (event.kind === 'step') {
        times.push(event.time);
        const text = `${before}${stepLine(event, of(), times)}`;
        if (status.draws) status.draw(text);
        else status.keep(text);
      } else if (event.kind === 'state') {
        line(event.error ? `${event.state}: ${event.error.message}` : event.state);
      } else if (event.kind === 'rewards') {
        const { revision, previous_settings: before } = event;
        const settings = Object.entries(revision.settings ?? {}).filter(
          ([key, value]) => before && before[key as keyof typeof before] !== value,
        );
        const edited = settings.map(([key, value]) => `, ${key} ${JSON.stringify(value)}`).join('');
        line(`step ${event.step}: reward weights ${JSON.stringify(revision.weights)}${edited}`);
      } else if (event.kind === 'checkpoint') {
        if (event.checkpoint.path !== written) line(`step ${event.step}: checkpoint ${event.checkpoint.path}`);
        written = event.checkpoint.path; // the last one is told again as the final one
      } else if (event.kind === 'alert') {
        line(`step ${event.step}: ${event.message}`);
      }
    },
    done({ id, state, step, total_steps, reward }) {
      line(`${state} at step ${step} of ${total_steps}, reward ${number(reward)}`);
      if (state === 'stopped' || state === 'interrupted') line(`medr1 train --resume ${id} goes on`);
    },
  };
}

function stepLine(event: Extract<RunEvent, { kind: 'step' }>, total: number | null, times: number[]): string {
  const values = SHOWN.filter((name) => typeof event.metrics[name] === 'number').map((name) => `${name} ${number(event.metrics[name])}`);
  if (!total) return [`step ${event.step}`, ...values].join('  ');
  const filled = Math.round((BAR_CELLS * event.step) / total);
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}]`;
  const recent = times.slice(-20);
  const perStep = recent.length > 1 ? (recent.at(-1)! - recent[0]) / (recent.length - 1) / 1000 : null;
  const left = perStep === null ? [] : [`${clock(perStep * (total - event.step))} left`];
  return [`${bar} step ${event.step}/${total}`, ...values, ...left].join('  ');
}

const number = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(3))));

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}` : `${m}:${String(s).padStart(2, '0')}`;
}
