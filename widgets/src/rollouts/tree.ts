/** The completions of a group as a tree of shared beginnings. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Completion, Group } from '../connector.ts';
import { integer, signed } from '../format.ts';
import { marked } from '../marked.ts';
import { beginnings, type Beginning } from '../store/rollouts/beginnings.ts';
import { verdictChip } from './completion.ts';

/** `texts`: of the tokens of each completion. `chosen`: index of a completion. `term`: what was searched for. */
export function treeOf(
  group: Group,
  texts: readonly (readonly string[])[],
  chosen: number | null,
  term: RegExp | null,
  choose: (index: number) => void,
): TemplateResult {
  const { completions } = group;
  const words = (node: Beginning): string => (texts[node.completions[0]] ?? []).slice(node.from, node.to).join('');
  const end = (one: Completion): TemplateResult =>
    html`<button
      class="quiet end"
      aria-pressed=${one.index === chosen}
      data-testid="tree-end"
      @click=${(event: Event) => {
        event.stopPropagation();
        choose(one.index);
      }}
    >
      ${integer(one.index + 1)} ${verdictChip(one, group.reading)} <span class="number" title="advantage">${signed(one.advantage)}</span>
    </button>`;
  const branch = (node: Beginning): TemplateResult =>
    html`<li>
      <span class="stretch">
        ${node.completions.length > 1 ? html`<span class="number secondary" title="completions that say this">${integer(node.completions.length)} ×</span>` : nothing}
        <span class="text">${marked(words(node), term)}</span>
        ${node.children.length === 0 ? node.completions.map((i) => end(completions[i])) : nothing}
      </span>
      ${
        node.children.length === 0
          ? nothing
          : html`<ul>
              ${node.children.map(branch)}
            </ul>`
      }
    </li>`;
  return html`<ul class="tree" data-testid="tree" aria-label="Shared beginnings of the completions">
    ${branch(beginnings(completions.map(({ token_ids }) => token_ids)))}
  </ul>`;
}

export const treeStyle = css`
  .tree,
  .tree ul {
    margin: 0;
    padding: 0 0 0 12px;
    list-style: none;
  }
  .tree li {
    padding: 2px 0 2px 8px;
    border-left: 2px solid var(--medr1-border);
  }
  .stretch .text {
    unicode-bidi: isolate;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .end {
    white-space: normal;
  }
`;
