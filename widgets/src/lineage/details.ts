/** The run that is chosen: what a fork changed of its parent, and what happened on its way, each with what it opens. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { inSentence, integer } from '../format.ts';
import { diffOf, diffSize, diffStyle, diffView } from '../rewards/diff.ts';
import { plain } from '../runs-table/columns.ts';
import { configRows } from '../runs-table/configuration.ts';
import { changesAtFork, changesNow, KINDS, type Changes, type Happening, type Relative, type Way } from './model.ts';

/** Says nothing about how a run trains. */
const NAME = 'run_name';

/** What differs between a fork and its parent. */
export function differencesView(child: Relative, way: Way, parent: Relative, before: Way): TemplateResult {
  const [old, next] = [before.detail, way.detail];
  const rows = configRows([old.config, next.config]).filter(({ key, differs }) => differs && key !== NAME);
  const atFork = changesAtFork(old.rewards, next.rewards, child);
  const now = changesNow(old.rewards, next.rewards);
  return html`<section aria-label="What differs from its parent" data-testid="differences">
    <h4>What differs from ${inSentence(parent.name)}</h4>
    ${
      rows.length === 0
        ? html`<p class="secondary">The configurations are the same.</p>`
        : html`<table data-testid="configuration">
            <thead>
              <tr>
                <th scope="col">key</th>
                <th scope="col">${parent.name}</th>
                <th scope="col">${child.name}</th>
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                ({ key, values }) =>
                  html`<tr>
                    <th scope="row">${key}</th>
                    ${values.map((value) => html`<td>${plain(value)}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${changesView(`Rewards and settings at the fork, step ${integer(child.from)}`, atFork, 'at-fork')}
    ${JSON.stringify(now) === JSON.stringify(atFork) ? nothing : changesView('Rewards and settings as they are in both now', now, 'now')}
  </section>`;
}

function changesView(title: string, { phrases, sources }: Changes, testid: string): TemplateResult {
  return html`<div data-testid=${testid}>
    <h5>${title}</h5>
    ${phrases.length === 0 ? html`<p class="secondary">The same.</p>` : html`<p>${phrases.join(', ')}</p>`}
    ${sources.map(({ name, file, before, after }) => {
      const lines = diffOf(before, after);
      return html`<details>
        <summary>${name} <span class="secondary small">${file} ${diffSize(lines)}</span></summary>
        ${diffView(lines, `Changes of ${file}`)}
      </details>`;
    })}
  </div>`;
}

/** What happened to a run, the newest first. */
export function happenedView(
  { name }: Relative,
  list: readonly Happening[],
  open: (one: Happening) => void,
  fork: (step: number) => void,
): TemplateResult {
  return html`<section aria-label="On its way" data-testid="happened">
    <h4>On its way</h4>
    ${
      list.length === 0
        ? html`<p class="secondary">No fork, no edit, no checkpoint and no evaluation yet.</p>`
        : html`<ol reversed>
            ${list.toReversed().map(
              (one) =>
                html`<li data-testid="happening" data-kind=${one.kind}>
                  <span class=${`glyph ${one.kind}`} role="img" aria-label=${KINDS[one.kind].label}>${KINDS[one.kind].glyph}</span>
                  <span class="number">${one.step === null ? 'waits' : integer(one.step)}</span>
                  <button class="quiet link" title=${OPENS[one.kind]} @click=${() => open(one)}>${one.title}</button>
                  <span class="secondary small text">${one.text}</span>
                  ${
                    one.kind === 'checkpoint'
                      ? html`<button
                          class="quiet"
                          aria-label=${`Fork here …, step ${one.step} of ${name}`}
                          data-testid="fork"
                          @click=${() => fork(one.step!)}
                        >
                          Fork here …
                        </button>`
                      : nothing
                  }
                </li>`,
            )}
          </ol>`
    }
  </section>`;
}

const OPENS: Record<Happening['kind'], string> = {
  fork: 'Shows the fork',
  rewards: 'Opens Rewards',
  checkpoint: 'Opens Curves at this step',
  evaluation: 'Opens the evaluation',
  dropped: 'Opens Curves at this step',
};

export const detailsStyle = css`
  ${diffStyle}
  h4,
  h5 {
    margin: 12px 0 4px;
    overflow-wrap: anywhere;
  }
  h5 {
    font-weight: 600;
    font-size: inherit;
  }
  section p {
    margin: 0;
    overflow-wrap: anywhere;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    padding: 2px 8px 2px 0;
    text-align: left;
    vertical-align: top;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  th[scope='row'] {
    font-weight: 400;
    color: var(--medr1-text-2);
  }
  summary {
    cursor: pointer;
  }
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    display: flex;
    flex-wrap: wrap;
    gap: 0 8px;
    align-items: baseline;
    min-height: 28px;
    border-bottom: 1px solid var(--medr1-border);
  }
  li .glyph {
    flex: none;
    width: 14px;
  }
  li .number {
    flex: none;
    width: 6ch;
  }
  li .link {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  li .text {
    flex: 1 1 12ch;
    min-width: 0;
    overflow-wrap: anywhere;
  }
`;
