import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { RunsTableModel } from '@medr1/widgets/runs-table/model';
import { medr1Icon } from '../icons.ts';
import { keptInWorkspace } from '../workspace-state.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const STATE_KEY = 'medr1:runs-table';

const runsTable: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:runs-table',
  description: 'Runs as a table: sorted, searched, with columns of choice; configurations side by side, notes and tags.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const model = new RunsTableModel(workbench.connector);
    const ready = state ? keptInWorkspace(state, STATE_KEY, model, model.state) : null;
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'runs-table',
      command: CommandIDs.openRunsTable,
      label: trans.__('Table of runs'),
      caption: trans.__('Runs with their configuration and metrics in columns'),
      icon: medr1Icon,
      load: () => Promise.all([import('@medr1/widgets/runs-table/view'), ready]),
      tag: 'medr1-runs-table',
      properties: { model },
    });
  },
};

export default runsTable;
