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
  }

  dispose(): void {
    this.runs.dispose();
  }
}
