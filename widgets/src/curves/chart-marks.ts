/** What happened at a step, on a chart: a sign for each mark, and the way from one to the next by keys. */
import { html, nothing, type TemplateResult } from 'lit';
import { duration } from '../format.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import type { Mark } from '../store/marks.ts';
import { pausesOf } from './axis.ts';
import type { ChartRun } from './figure.ts';
import type { StepOf } from './readings.ts';

const GLYPHS: Record<Mark['kind'], string> = { rewards: '▼', checkpoint: '◆', alert: '⚠', pause: '‖', fork: '↳' };

export interface MarksOf {
  runs: readonly ChartRun[];
  /** Marks say whose they are. */
  overlaid: boolean;
  /** Null where the step is not on the chart. */
  pixelOfStep(series: FollowedRun, step: number): number | null;
  select(step: StepOf): void;
}

export function marks({ select, ...of }: MarksOf): TemplateResult[] {
  return placedMarks(of).map(
    ({ at, glyph, text, line, mark, run }) =>
      html`${line ? html`<div class="line mark" style=${`left:${at}px`}></div>` : nothing}
        <button
          class=${`quiet glyph ${mark.kind}`}
          style=${`left:${at}px`}
          title=${text}
          aria-label=${text}
          tabindex="-1"
          data-testid=${`mark-${mark.kind}`}
          @click=${(event: Event) => (event.stopPropagation(), select({ run, step: mark.step }))}
          @pointerdown=${(event: Event) => event.stopPropagation()}
          @pointerup=${(event: Event) => event.stopPropagation()}
        >
          ${glyph}
        </button>`,
  );
}

/** A mark where it stands on a chart. */
export interface PlacedMark {
  mark: Mark;
  run: string;
  /** Pixels from the chart's left. */
  at: number;
  glyph: string;
  /** What it is, and at which step. */
  title: string;
  /** The title with what is known besides: what changed, where a checkpoint lies. */
  text: string;
  /** What comes after it is made otherwise: a line goes through the chart. */
  line: boolean;
}

export function placedMarks({ runs, overlaid, pixelOfStep }: Omit<MarksOf, 'select'>): PlacedMark[] {
  return runs.flatMap(({ series }) =>
    series.marks.flatMap((mark) => {
      const at = pixelOfStep(series, mark.step);
      if (at === null) return [];
      const title = `${overlaid ? `${series.name}: ` : ''}${mark.title}, step ${mark.step}`;
      const text = [title, mark.detail, mark.kind === 'pause' ? stoodStill(series, mark.step) : ''].filter(Boolean).join('\n');
      const line = mark.kind === 'rewards' || mark.kind === 'fork';
      return [{ mark, run: series.id, at, glyph: GLYPHS[mark.kind], title, text, line }];
    }),
  );
}

/** "It stood still for 6 min"; nothing where no step came after it yet. */
function stoodStill(series: FollowedRun, step: number): string {
  const pause = pausesOf(series).find((one) => one.step === step);
  return pause ? `It stood still for ${duration(pause.ms / 1000)}.` : '';
}

export const isMark = (target: EventTarget | null): target is HTMLElement => (target as HTMLElement).classList.contains('glyph');

/** The keyboard goes to the first mark that is not left of a pixel. False where there is none. */
export const enterMarks = (root: ParentNode, pixel: number): boolean => focusOn(byPlace(root).find((mark) => mark.offsetLeft >= pixel));

/** From one mark to the next, or back to the chart. True where the key meant something. */
export function walkMarks(root: ParentNode, { key, target }: KeyboardEvent): boolean {
  const all = byPlace(root);
  const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1 }[key];
  if (way) return focusOn(all[all.indexOf(target as HTMLElement) + way]);
  if (key !== 'ArrowUp' && key !== 'Escape') return false;
  return focusOn(root.querySelector<HTMLElement>('.area') ?? undefined);
}

const byPlace = (root: ParentNode): HTMLElement[] =>
  [...root.querySelectorAll<HTMLElement>('.glyph')].sort((a, b) => a.offsetLeft - b.offsetLeft);

function focusOn(element: HTMLElement | undefined): boolean {
  element?.focus();
  return element !== undefined;
}
