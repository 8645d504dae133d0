/** The other run of a pair: an edit of one is offered for both, for they differ in their prompt alone. */
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import { css, html, nothing, type TemplateResult } from 'lit';
import { errorBody, type RewardRevision, type RunSummary } from '../connector.ts';
import type { RunList } from '../store/run-list.ts';

/** null where a run belongs to no pair, or the other one is gone or takes no edits any more. */
export function partnerOf(runs: Pick<RunList, 'get'>, id: string): RunSummary | null {
  const other = runs.get(runs.get(id)?.pair?.with ?? '');
  return other && isActive(other.state) ? other : null;
}

export const bothChoice = (partner: RunSummary | null, both: boolean, choose: (both: boolean) => void): TemplateResult | typeof nothing =>
  partner === null
    ? nothing
    : html`<label class="both" title="The runs of a pair see the same questions and differ in their prompt"
        ><input
          type="checkbox"
          data-testid="both"
          .checked=${both}
          @change=${(event: Event) => choose((event.target as HTMLInputElement).checked)}
        />
        in ${partner.name} too</label
      >`;

export const bothStyle = css`
  .both {
    display: inline-flex;
    flex: 0 1 auto;
    gap: 4px;
    align-items: center;
    justify-content: flex-start;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .both input {
    flex: none;
    width: auto;
  }
`;

/** The same functions, weights, parameters and settings: by these a revision of one run is found in the other, for their numbers may differ. */
export const isAlike = (one: RewardRevision, other: RewardRevision): boolean => substance(one) === substance(other);

const substance = ({ weights, sources, parameters = {}, weight_schedules = {}, settings }: RewardRevision): string =>
  JSON.stringify([weights, Object.entries(sources).map(([name, { sha256 }]) => [name, sha256]), parameters, weight_schedules, settings]);

/** Makes an edit in a run and then in its partner, where there is one. Rejects where the second is refused, and says that the first was made. */
export async function inBoth<T>(edit: () => Promise<T>, partner: RunSummary | null, second: (id: string) => Promise<unknown>): Promise<T> {
  const made = await edit();
  if (partner === null) return made;
  try {
    await second(partner.id);
  } catch (error) {
    const { code, message, remedy } = errorBody(error);
    throw Object.assign(new Error(`The edit was made here, and not in ${partner.name}: ${message}`), { code, remedy });
  }
  return made;
}
