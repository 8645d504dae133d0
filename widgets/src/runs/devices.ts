/** The devices of the server's machine in the Runs panel: memory, and who is on each. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { DeviceJob, Devices, DeviceUse, RunSummary } from '../connector.ts';
import { bytes, integer } from '../format.ts';

/** A line that opens; open from the start where there are several devices. `pick` selects a run. */
export function devicesPart({ devices, queue }: Devices, runs: readonly RunSummary[], pick: (id: string) => void): TemplateResult {
  const busy = devices.filter(({ jobs }) => jobs.length > 0).length;
  const waiting = queue.length > 0 ? `, ${integer(queue.length)} waiting` : '';
  const title =
    devices.length === 1 ? (busy > 0 ? 'Device in use' : 'Device free') : `${integer(devices.length)} devices, ${integer(busy)} in use`;
  return html`<details class="devices" ?open=${devices.length > 1} data-testid="devices">
    <summary class="small">${title}${waiting}</summary>
    <ul aria-label="Devices">
      ${devices.map((device) => deviceRow(device, runs, pick))}
    </ul>
  </details>`;
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
