/** What each view gets: the backend, the runs, and the selection all views share. */
import type { Connector } from './connector.ts';
import { SelectionModel } from './selection.ts';
import { RunList } from './store/run-list.ts';

export class Workbench {
  readonly connector: Connector;
  readonly selection = new SelectionModel();
  readonly runs: RunList;

  constructor(connector: Connector) {
    this.connector = connector;
    this.runs = new RunList(connector);
    this.runs.state.subscribe(() => this.#tidySelection());
  }

  /** Reads the runs and follows them. Never throws: trouble shows in `runs.state`. */
  start(): Promise<void> {
    return this.runs.start();
  }

  dispose(): void {
    this.runs.dispose();
  }

  /** Runs that are gone leave the selection; when none is left, the newest run is chosen, so that no view opens empty. */
  #tidySelection(): void {
    const { status, runs } = this.runs.state.value;
    if (status !== 'ready') return;
    const chosen = this.selection.value.runs;
    const there = chosen.filter((id) => this.runs.get(id));
    const next = there.length > 0 || runs.length === 0 ? there : [runs[0].id];
    if (next.length !== chosen.length || next[0] !== chosen[0]) this.selection.move({ runs: next });
  }
}
