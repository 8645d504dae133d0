/** The probability of each option after each sentence: lines, the sentences under them, and the same numbers as a table. All text is a model's: text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { figureChart } from '../charts/small-chart.ts';
import type { LineMark } from '../charts/geometry.ts';
import type { Decision } from '../connector.ts';
import { readable } from '../marked.ts';
import { policyText, share } from '../rollouts/tokens.ts';
import { DASHES, seriesColours } from '../theme.ts';
import { lastOf } from './model.ts';

const SIZE = { width: 480, height: 120 };
/** SVG's stroke-dasharray of theme.ts' names. */
const STROKES: Record<(typeof DASHES)[number], string | undefined> = {
  solid: undefined,
  dash: '6 3',
  dot: '1 3',
  dashdot: '6 3 1 3',
  longdash: '10 4',
  longdashdot: '10 4 1 4',
};

export function decisionView(decision: Decision, testid: string): TemplateResult {
  const { options, cuts, decided, own_words, asked_by, tokens } = decision;
  const text = tokens.join('');
  const sentence = (n: number): string => (n === 0 ? 'nothing of the reasoning' : readable(text.slice(cuts[n].from, cuts[n].to)));
  const alone = cuts.length === 1;
  const marks = options.map(({ letter: _, index: __ }, i): LineMark => ({
    kind: 'line',
    points: alone ? [[0, cuts[0].probabilities[i]], [1, cuts[0].probabilities[i]]] : cuts.map((cut, n) => [n, cut.probabilities[i]]),
    ...styleOf(i),
    dots: true,
  })); // prettier-ignore
  return html`<div class="decision" data-testid=${testid}>
    ${figureChart(
      {
        title: html`<span class="keys small"
          >${options.map(({ letter, text: option }, i) => html`<span class="key"><i style=${`--colour:${styleOf(i).colour}`}></i>${letter}) ${readable(option)}</span>`)}</span
        >`,
        marks,
        size: SIZE,
        x: [0, Math.max(1, cuts.length - 1)],
        y: [0, 1],
        ticks: [
          { at: 0, text: 'no reasoning' },
          ...(alone ? [] : [{ at: cuts.length - 1, text: `all ${cuts.length - 1} ${cuts.length === 2 ? 'sentence' : 'sentences'}` }]),
        ],
        zones: cuts.map((cut, n) => ({
          from: Math.max(0, n - 0.5),
          to: Math.min(Math.max(1, cuts.length - 1), n + 0.5),
          title: `${sentence(n)}\n${options.map(({ letter }, i) => `${letter} ${share(cut.probabilities[i])}`).join(', ')}`,
        })),
        table: {
          columns: ['after', ...options.map(({ letter }) => letter), 'other'],
          rows: cuts.map((cut, n) => [sentence(n), ...cut.probabilities.map(share), share(cut.other)]),
        },
        none: '',
      },
      `${testid}-lines`,
    )}
    <ol class="sentences small" start="0" aria-label="Answer after each sentence">
      ${cuts.map(
        (_, n) =>
          html`<li class=${n === decided ? 'decided' : ''}>
            <span class="sentence">${n === 0 ? html`<i>before it reasons</i>` : sentence(n)}</span>
            <span class="number">${bestOf(decision, n)}</span>
            ${n === decided && !alone ? html`<span class="chip" title="From here on the likeliest option stays the same">decided</span>` : nothing}
          </li>`,
      )}
    </ol>
    <p class="small secondary">
      Asked for the letter with ${own_words ? 'the words of the completion' : 'our words, for it says none'}:
      <code>${asked_by.trim()}</code>. ${policyText(decision)}.
    </p>
  </div>`;
}

/** "C 82 %, B 11 %" */
const bestOf = (decision: Decision, n: number): string =>
  lastOf({ ...decision, cuts: [decision.cuts[n]] })
    .slice(0, 2)
    .map(({ letter, probability }) => `${letter} ${share(probability)}`)
    .join(', ');

const styleOf = (i: number): { colour: string; dash: string | undefined } => ({
  colour: seriesColours()[i % seriesColours().length],
  dash: STROKES[DASHES[i % DASHES.length]],
});

/** Two distributions side by side: as it was said, and with what was changed. */
export function comparison(before: Decision | null, after: Decision): TemplateResult {
  const was = new Map(before?.options.map(({ index }, i) => [index, before.cuts.at(-1)!.probabilities[i]]));
  return html`<table class="compared" data-testid="compared">
    <thead>
      <tr>
        <th>option</th>
        <th class="number">as it was said</th>
        <th class="number">changed</th>
      </tr>
    </thead>
    <tbody>
      ${after.options.map(
        ({ letter, text, index }, i) =>
          html`<tr>
            <td>${letter}) ${readable(text)}</td>
            <td class="number">${was.has(index) ? share(was.get(index)!) : '–'}</td>
            <td class="number">${share(after.cuts.at(-1)!.probabilities[i])}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

export const decisionStyles = css`
  .keys {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
  }
  .key i {
    display: inline-block;
    width: 12px;
    height: 3px;
    margin-right: 4px;
    vertical-align: middle;
    background: var(--colour);
  }
  .small-figure figcaption {
    white-space: normal;
  }
  .sentences {
    margin: 4px 0;
    padding: 0;
    list-style: none;
  }
  .sentences li {
    display: flex;
    flex-wrap: wrap;
    gap: 0 8px;
    padding: 2px 4px;
    border-left: 2px solid var(--medr1-border);
  }
  .sentences .decided {
    border-left-color: var(--medr1-accent);
  }
  .sentence {
    flex: 1 1 200px;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .compared {
    width: 100%;
    border-collapse: collapse;
  }
  .compared td,
  .compared th {
    padding: 2px 4px;
    text-align: left;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .compared .number {
    text-align: right;
  }
`;
