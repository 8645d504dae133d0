/** The devices of the server's machine in the Runs panel: memory, who is on each, and the evaluations that wait for one. Runs that wait are in the list of runs. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { DeviceJob, Devices, DeviceUse, QueuedJob, QueueMove, RunSummary } from '../connector.ts';
import { bytes, integer } from '../format.ts';
import { icon, type IconName } from '../icons.ts';
import { HELD } from '../store/queue.ts';

/** What the panel does with what is shown. */
export interface DeviceActions {
  /** Selects a run. */
  pick: (run: string) => void;
  move: (evaluation: string, move: QueueMove) => void;
  /** Takes an evaluation out of the queue. */
  cancel: (evaluation: string) => void;
  isBusy: (evaluation: string) => boolean;
}

/** A line that opens; open from the start where there are several devices, and where evaluations wait. */
export function devicesPart({ devices, queue }: Devices, runs: readonly RunSummary[], actions: DeviceActions): TemplateResult {
  const { pick } = actions;
  const evaluations = queue.filter(({ kind }) => kind === 'evaluate');
  const busy = devices.filter(({ jobs }) => jobs.length > 0).length;
  const waiting = queue.length > 0 ? `, ${integer(queue.length)} waiting` : '';
  const title =
    devices.length === 1 ? (busy > 0 ? 'Device in use' : 'Device free') : `${integer(devices.length)} devices, ${integer(busy)} in use`;
  return html`<details class="devices" ?open=${devices.length > 1 || evaluations.length > 0} data-testid="devices">
    <summary class="small">${title}${waiting}</summary>
    <ul aria-label="Devices">
      ${devices.map((device) => deviceRow(device, runs, pick))}
    </ul>
    ${
      evaluations.length > 0
        ? html`<ul aria-label="Evaluations that wait">
            ${evaluations.map((one, at) => waitingRow(one, at, evaluations, actions))}
          </ul>`
        : nothing
    }
  </details>`;
}

function waitingRow({ id, name, held, reason }: QueuedJob, at: number, all: readonly QueuedJob[], actions: DeviceActions): TemplateResult {
  const button = (glyph: IconName, testId: string, title: string, act: (() => void) | null): TemplateResult =>
    html`<button
      class="quiet"
      title=${title}
      aria-label=${`${title}: evaluation ${name}`}
      data-testid=${testId}
      ?disabled=${act === null || actions.isBusy(id)}
      @click=${() => act!()}
    >
      ${icon(glyph)}
    </button>`;
  const to = (move: QueueMove) => () => actions.move(id, move);
  return html`<li class="small waiting" data-testid="eval-waits" data-evaluation=${id}>
    <span class="what">Evaluation ${name} <span class="secondary">${held ? HELD : reason}</span></span>
    <span class="acts">
      ${button('up', 'eval-earlier', 'Earlier in the queue', at === 0 ? null : to({ before: all[at - 1].id }))}
      ${button('down', 'eval-later', 'Later in the queue', at === all.length - 1 ? null : to({ before: all[at + 2]?.id ?? null }))}
      ${
        held
          ? button('hourglass', 'eval-release', 'Release: it starts when its turn comes', to({ held: false }))
          : button('pause', 'eval-hold', 'Hold: others go past it', to({ held: true }))
      }
      ${button('stop', 'eval-cancel', 'Cancel: leave the queue', () => actions.cancel(id))}
    </span>
  </li>`;
}

function deviceRow(device: DeviceUse, runs: readonly RunSummary[], pick: (id: string) => void): TemplateResult {
  const { id, name, threads, memory_used: used, memory_total: total, utilization, jobs } = device;
  const slot = threads === null ? '' : `, ${integer(threads)} ${threads === 1 ? 'thread' : 'threads'}`;
  const memory = total === null ? '' : used === null ? bytes(total) : `${bytes(used)} / ${bytes(total)}`;
  return html`<li class="small" data-testid="device-use" data-device=${id}>
    <span class="id">${id}</span>
    <span class="ellipsis secondary" title=${name + slot}>${name}${slot}</span>
    <span class="number secondary" title="memory used of the device"
      >${memory}${utilization === null ? nothing : ` ${integer(utilization)} %`}</span
    >
    ${
      used === null || total === null
        ? nothing
        : html`<meter aria-label=${`Memory of ${id}`} min="0" max=${total} value=${used}>${memory}</meter>`
    }
    ${jobs.length === 0 ? html`<span class="job secondary">free</span>` : jobs.map((job) => jobLine(job, runs, pick))}
  </li>`;
}

function jobLine(
  { kind, id, name, bytes: needs, exclusive }: DeviceJob,
  runs: readonly RunSummary[],
  pick: (id: string) => void,
): TemplateResult {
  const run = kind === 'train' ? runs.find((one) => one.id === id) : undefined;
  const what = kind === 'answer' ? 'a process that answers questions' : name;
  return html`<span class="job" data-testid="device-job">
    ${run ? html`<button class="quiet link" @click=${() => pick(id)}>${run.name}</button> ${run.state === 'paused' ? 'is paused' : 'trains'}` : what}${exclusive ? ', alone' : nothing}
    ${needs > 0 ? html`<span class="secondary" title="by the estimate of its memory">about ${bytes(needs)}</span>` : nothing}
  </span>`;
}

export const devicesStyle = css`
  .devices {
    border-bottom: 1px solid var(--medr1-border);
  }
  .devices summary {
    padding: 4px 8px;
    cursor: pointer;
  }
  .devices li {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 2px 8px;
    border-left: none;
    padding: 4px 8px;
  }
  .devices li.waiting {
    display: flex;
    align-items: center;
    justify-content: space-between;
  }
  .devices .what {
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .devices .acts {
    flex: none;
    display: flex;
  }
  .devices .id {
    font-weight: 600;
  }
  .devices meter {
    grid-column: 1 / -1;
    width: 100%;
    height: 6px;
  }
  .devices .job button {
    padding: 0;
  }
  .devices .job {
    grid-column: 1 / -1;
    overflow-wrap: anywhere;
  }
`;
