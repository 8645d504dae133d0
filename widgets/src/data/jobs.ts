/** How far the indexing of data sets is. */
import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { inSentence, told } from '../format.ts';
import { idOf, progressOf, type Datasets } from '../store/data/datasets.ts';

/** A row for each data set that is being read, or could not be. */
export function jobRows(datasets: Datasets): unknown {
  return repeat(datasets.state.value.jobs, idOf, (job) => {
    if (job.state !== 'running')
      return html`<div class="job" role="alert" data-testid="job" data-state=${job.state}>
        <span
          ><span class="warning" aria-hidden="true">⚠</span>
          ${job.state === 'stopped' ? `Indexing ${inSentence(job.name)} was stopped. To go on, read it anew, or add its folder again.` : job.error && told(job.error)}</span
        >
        <button class="quiet" aria-label="Dismiss" @click=${() => datasets.dismiss(job)}>✕</button>
      </div>`;
    return html`<div class="job" role="status" data-testid="job" data-state=${job.state}>
      <span class="ellipsis">Indexing <b>${job.name}</b>: ${job.phase === 'images' ? 'reading images' : 'reading questions'}</span>
      <progress aria-label=${`Indexing ${job.name}`} .value=${job.total ? job.done / job.total : 0} ?data-unknown=${!job.total}></progress>
      <span class="number">${progressOf(job)}</span>
      <button class="quiet" data-testid="job-stop" @click=${() => void datasets.stop(job.name)}>Stop</button>
    </div>`;
  });
}
