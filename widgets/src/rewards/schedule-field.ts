/** How a number follows the step: its shape, its ends, and a chart of it as it will be. */
import { scheduleText } from '@medr1/kernel-bridge/protocol/schedule-text';
import { SHAPES, valueAt, type Schedule } from '@medr1/kernel-bridge/protocol/scheduled';
import { css, html, type TemplateResult } from 'lit';
import { inlineChart } from '../charts/small-chart.ts';
import { integer, number } from '../format.ts';

/** One that begins with the next step and moves over the rest of the run, a hundred steps at most; it stays what it is until an end is typed. */
export function freshSchedule(value: number, next: number, total: number): Schedule {
  return { schedule: 'linear', from: value, to: value, start: next, end: Math.max(next + 1, Math.min(next + 100, total)) };
}

/** `step`: the next one, marked in the chart. */
export function scheduleField(
  schedule: Schedule,
  label: string,
  step: number,
  change: (schedule: Schedule) => void,
  whole = false,
): TemplateResult {
  const field = (key: 'from' | 'to' | 'start' | 'end', title: string): TemplateResult =>
    html`<label
      >${title}
      <input
        type="number"
        class="number"
        step=${key === 'start' || key === 'end' || whole ? 1 : 'any'}
        min=${key === 'start' || key === 'end' ? 1 : ''}
        data-testid=${`schedule-${key}`}
        aria-label=${`${label}: ${title}`}
        .value=${String(schedule[key])}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          const next = { ...schedule, [key]: input.valueAsNumber };
          if (isSchedule(next)) change(next);
          else input.value = String(schedule[key]);
        }}
    /></label>`;
  return html`<div class="schedule" data-testid="schedule">
    <label
      >shape
      <select
        data-testid="schedule-shape"
        aria-label=${`${label}: shape`}
        .value=${schedule.schedule}
        @change=${(event: Event) => change({ ...schedule, schedule: (event.target as HTMLSelectElement).value as Schedule['schedule'] })}
      >
        ${SHAPES.map((shape) => html`<option value=${shape} .selected=${shape === schedule.schedule}>${shape}</option>`)}
      </select></label
    >
    ${field('from', 'from')} ${field('to', 'to')} ${field('start', 'start step')} ${field('end', 'end step')}
    ${chart(schedule, label, step)}
  </div>`;
}

const isSchedule = ({ from, to, start, end }: Schedule): boolean =>
  [from, to].every(Number.isFinite) && [start, end].every((step) => Number.isInteger(step) && step >= 1) && end > start;

/** A line of points, since a jump is drawn as one. */
const POINTS = 100;

function chart(schedule: Schedule, label: string, step: number): TemplateResult {
  const { from, to, start, end } = schedule;
  const margin = Math.max(1, Math.round((end - start) / 8));
  const [first, last] = [Math.max(1, Math.min(start, step) - margin), Math.max(end, step) + margin];
  const steps = Array.from({ length: POINTS + 1 }, (_, i) => Math.round(first + ((last - first) * i) / POINTS));
  const drawing = {
    size: { width: 200, height: 44 },
    x: [first, last] as const,
    marks: [
      {
        kind: 'line' as const,
        points: [Math.min(from, to), Math.max(from, to)].map((value) => [step, value] as const),
        colour: 'var(--medr1-text-2)',
        dash: '2 2',
      },
      { kind: 'line' as const, points: steps.map((at) => [at, valueAt(schedule, at)] as const), colour: 'var(--medr1-accent)' },
    ],
  };
  return html`<figure class="drawn">
    ${inlineChart(drawing, `${label}: ${scheduleText(schedule)}`, 'schedule-chart')}
    <figcaption class="small secondary">
      steps ${integer(start)} to ${integer(end)}; ${number(valueAt(schedule, step))} at step ${integer(step)}, the next
    </figcaption>
  </figure>`;
}

export const scheduleStyle = css`
  .schedule {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: end;
  }
  .schedule label {
    display: grid;
    gap: 2px;
    color: var(--medr1-text-2);
    font-size: var(--medr1-size-small);
  }
  .schedule input[type='number'] {
    width: 9ch;
  }
  .schedule :is(input, select) {
    color: var(--medr1-text);
  }
  .drawn {
    flex: 0 1 200px;
    min-width: 140px;
    margin: 0;
  }
`;
