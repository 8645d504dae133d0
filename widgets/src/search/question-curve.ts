/** One question through training: how often it was answered right each time a run asked it, over the completions themselves. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Mark } from '../charts/geometry.ts';
import { figureChart } from '../charts/small-chart.ts';
import type { QuestionCurve } from '../connector.ts';
import { integer } from '../format.ts';
import { readable } from '../marked.ts';
import { seriesColours } from '../theme.ts';

const SIZE = { width: 600, height: 90 };

/** `runName` of each curve's run, where several are searched. */
export function questionCurves(
  curves: readonly QuestionCurve[],
  runName: (run: string) => string,
  show: (run: string, step: number, group: number) => void,
): TemplateResult {
  const colours = seriesColours();
  const [{ item_id, question, options, answer }] = curves;
  const points = curves.flatMap(({ points: all }, at) =>
    all.filter(({ judged }) => judged > 0).map((point) => ({ ...point, colour: colours[at % colours.length] })),
  );
  const steps = points.map(({ step }) => step);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const marks: Mark[] = [
    ...points.map(({ step, low, high }): Mark => ({
      kind: 'line',
      points: [
        [step, low!],
        [step, high!],
      ],
      colour: 'var(--medr1-border)',
    })),
    ...curves.map(({ points: all }, at): Mark => ({
      kind: 'line',
      points: all.map(({ step, right, judged }) => (judged === 0 ? null : [step, right / judged])),
      colour: colours[at % colours.length],
      dots: true,
      ...(at > 0 && { dash: '4 2' }),
    })),
  ];
  const half = points.length > 1 ? Math.max(0.5, (last - first) / (2 * points.length)) : 0.5;
  const readings = [...new Set(points.map(({ reading }) => reading))].join(', ');
  const share = ({ right, judged }: { right: number; judged: number }): string => `${integer(right)} of ${integer(judged)} right`;
  return html`<section aria-label="Question through training" data-testid="question-curve">
    <p><b>${readable(question)}</b></p>
    <p class="small secondary">
      ${readable(options.join(' · '))}${answer === null ? nothing : html`; right is <b>${answer}</b>`} · ${item_id} · asked
      ${integer(points.length)} times
    </p>
    ${figureChart(
      {
        title: html`accuracy by step, 0 to 100 %
          <span class="secondary">right by the reading ${readings || '–'}, with 95 % intervals</span>`,
        marks,
        size: SIZE,
        x: [first - half, last + half],
        y: [0, 1],
        ticks: points.length === 0 ? [] : [...new Set([first, last])].map((at) => ({ at, text: integer(at) })),
        zones: points.map((point) => ({
          from: point.step - half,
          to: point.step + half,
          title: `step ${integer(point.step)}${curves.length > 1 ? `, ${runName(point.run)}` : ''}: ${share(point)}; ${lettersText(point.letters)}`,
          choose: () => show(point.run, point.step, point.group),
        })),
        table: {
          columns: ['step', 'run', 'right', 'answers', 'reward', 'tokens'],
          rows: points.map((point) => [
            ...[integer(point.step), runName(point.run), share(point), lettersText(point.letters)],
            ...[point.reward?.toFixed(2) ?? '–', point.tokens?.toFixed(0) ?? '–'],
          ]),
        },
        none: 'Nobody knows the right answer, or no answer was stored',
        notes:
          curves.length > 1
            ? curves.map(
                (curve, at) =>
                  html`<span><b style=${`color:${colours[at % colours.length]}`}>—</b> ${runName(curve.points[0]?.run ?? '')}</span>`,
              )
            : nothing,
      },
      'accuracy-by-step',
    )}
  </section>`;
}

const lettersText = (letters: Readonly<Record<string, number>>): string =>
  Object.entries(letters)
    .map(([letter, count]) => `${letter} ${count}`)
    .join(', ');
