import { IStateDB } from '@jupyterlab/statedb';
import { RunsTableModel } from '@medr1/widgets/runs-table/model';
import { runsTableIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';
import { keptInWorkspace } from '../workspace-state.ts';

export default mainViewPlugin({
  name: 'runs-table',
  description: 'Runs as a table: sorted, searched, with columns of choice; configurations side by side, notes and tags.',
  command: CommandIDs.openRunsTable,
  text: (trans) => ({
    label: trans.__('Table of runs'),
    caption: trans.__('Runs with their configuration and metrics in columns'),
  }),
  icon: runsTableIcon,
  load: () => import('@medr1/widgets/runs-table/view'),
  tag: 'medr1-runs-table',
  optional: [IStateDB],
  setUp: ({ workbench }, state) => {
    const model = new RunsTableModel(workbench.connector);
    return { properties: { model }, ready: state && keptInWorkspace(state, 'medr1:runs-table', model, model.state) };
  },
});
