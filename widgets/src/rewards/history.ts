/** Revisions of a run's rewards, newest first: the steps they counted for, what they changed, and the sources' differences. */
import { html, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import type { RewardRevision } from '../connector.ts';
import { integer, number, timeOfDay } from '../format.ts';
import { diffOf, diffSize, diffView } from './diff.ts';
import { rewardChanges } from '../store/marks.ts';
import { stepsOf } from './model.ts';

/** `take`: edits from these rewards. */
export function historyView(revisions: readonly RewardRevision[], take: (revision: RewardRevision) => void): TemplateResult {
  return html`<section aria-label="Revisions">
    <h4>Revisions</h4>
    <ol reversed>
      ${revisions.toReversed().map((one, back) => {
        const at = revisions.length - 1 - back;
        return html`<li data-testid="revision-entry">
          <span class="number">${one.revision}</span>
          <span class="secondary" data-testid="revision-steps">${stepsText(revisions, at)}</span>
          <span class="weights"
            >${Object.entries(one.weights).map(([name, weight]) => html`<span>${name} <b>${number(weight)}</b></span>`)}</span
          >
          <span class="secondary small"
            >${[timeOfDay(one.created_at), one.author, ...changesOf(revisions, at), one.reason].filter(Boolean).join(' · ')}</span
          >
          <button class="quiet link" title="Edit from these rewards" @click=${() => take(one)}>use</button>
          ${sourcesOf(one, revisions[at - 1])}
        </li>`;
      })}
    </ol>
  </section>`;
}

function stepsText(revisions: readonly RewardRevision[], at: number): string {
  if (revisions[at].step === null) return 'waits';
  const steps = stepsOf(revisions, at);
  if (!steps) return 'replaced before a step';
  const { from, to } = steps;
  if (to === null) return `since step ${integer(from)}`;
  return from === to ? `step ${integer(from)}` : `steps ${integer(from)} to ${integer(to)}`;
}

/** Functions that came, went or have another source; nothing of the first revision. Weights stand beside it. */
const changesOf = (revisions: readonly RewardRevision[], at: number): string[] =>
  at > 0 ? rewardChanges(revisions[at - 1], revisions[at]).filter((change) => /added|removed|source/.test(change)) : [];

/** Each user's function: what changed in it, or all of it where it is new. */
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
