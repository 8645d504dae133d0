/** Revisions of a run's rewards, newest first: the steps they counted for, what they changed, and the sources' differences. */
import { scheduleText } from '@medr1/kernel-bridge/protocol/schedule-text';
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import type { RewardRevision } from '../connector.ts';
import { integer, number, timeOfDay } from '../format.ts';
import { diffOf, diffSize, diffView } from './diff.ts';
import { rewardChanges } from '../store/marks.ts';
import { stepsOf } from './model.ts';

/** Of a revision that came while a run's last step was computed. */
export const NEVER_COUNTED = 'never counted: the run was over';

/**
 * `over`: the run makes no further step. `take`: edits from these rewards. `goBack`: brings rewards and settings back at the next step; null where nothing
 * can be applied.
 */
export function historyView(
  revisions: readonly RewardRevision[],
  over: boolean,
  take: (revision: RewardRevision) => void,
  goBack: ((revision: RewardRevision) => void) | null,
): TemplateResult {
  return html`<section aria-label="Revisions">
    <h4>Revisions</h4>
    <ol reversed>
      ${revisions.toReversed().map((one, back) => {
        const at = revisions.length - 1 - back;
        return html`<li data-testid="revision-entry">
          <span class="number">${one.revision}</span>
          <span class="secondary" data-testid="revision-steps">${stepsText(revisions, at, over)}</span>
          <span class="weights"
            >${Object.entries(one.weights).map(([name, weight]) => html`<span>${name} <b>${one.weight_schedules?.[name] ? scheduleText(one.weight_schedules[name]) : number(weight)}</b></span>`)}</span
          >
          <span class="secondary small"
            >${[timeOfDay(one.created_at), one.author, ...changesOf(revisions, at), one.reason].filter(Boolean).join(' · ')}</span
          >
          <button class="quiet link" title="Edit from these rewards" @click=${() => take(one)}>use</button>
          ${
            back === 0 || goBack === null
              ? nothing
              : html`<button
                  class="quiet link"
                  data-testid="go-back"
                  title="Rewards and settings of this revision, from the next step on"
                  @click=${() => goBack(one)}
                >
                  go back
                </button>`
          }
          ${sourcesOf(one, revisions[at - 1])}
        </li>`;
      })}
    </ol>
  </section>`;
}

function stepsText(revisions: readonly RewardRevision[], at: number, over: boolean): string {
  if (revisions[at].step === null) return over ? NEVER_COUNTED : 'waits';
  const steps = stepsOf(revisions, at);
  if (!steps) return 'replaced before a step';
  const { from, to } = steps;
  if (to === null) return `since step ${integer(from)}`;
  return from === to ? `step ${integer(from)}` : `steps ${integer(from)} to ${integer(to)}`;
}

/** What changed beside the weights, which stand beside it; nothing of the first revision. */
const changesOf = (revisions: readonly RewardRevision[], at: number): string[] => {
  if (at === 0) return [];
  const [before, after] = [revisions[at - 1], revisions[at]];
  const kept = Object.entries(after.weights).map(([name, weight]) => [name, before.weights[name] ?? weight]);
  return rewardChanges(before, { ...after, weights: Object.fromEntries(kept), weight_schedules: before.weight_schedules });
};

/** The lines that changed in each user's function; a new function is shown whole. */
function sourcesOf({ sources }: RewardRevision, before: RewardRevision | undefined): TemplateResult[] {
  return Object.entries(sources).map(([name, { file, source, sha256 }]) => {
    const old = before?.sources[name];
    return html`${guard([old?.sha256, sha256], () => {
      const lines = diffOf(old?.source ?? '', source);
      const about = html`${file} <code title=${`sha256 ${sha256}`}>${sha256.slice(0, 8)}</code>`;
      if (lines.length === 0) return html`<span class="source secondary small">${about} as before</span>`;
      return html`<details class="source" data-testid="revision-source">
        <summary class="secondary small">${about} ${old ? diffSize(lines) : 'new'}</summary>
        ${diffView(lines, `Changes of ${file}`)}
      </details>`;
    })}`;
  });
}
