/** The connection to the backend, the runs and the shared selection. Everything is asked for in the background: Lab starts no slower. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { refreshTheme } from '@medr1/widgets/theme';
import { Workbench } from '@medr1/widgets/store/workbench';
import { createLabConnector } from '../connector.ts';
import { keptInWorkspace } from '../workspace-state.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const SELECTION_KEY = 'medr1:selection';
const COLOURS_KEY = 'medr1:run-colours';
const EVALUATION_KEY = 'medr1:evaluation';
const DRAFTS_KEY = 'medr1:reward-drafts';
const TRIES_KEY = 'medr1:tries';
const NEW_RUN_KEY = 'medr1:new-run';
const TOUR_KEY = 'medr1:tour';

const service: JupyterFrontEndPlugin<IWorkbench> = {
  id: '@medr1/workbench:service',
  description: 'Connects to the Med-R1 backend and provides runs and selection to all views.',
  autoStart: true,
  provides: IWorkbench,
  optional: [IStateDB, IThemeManager, ITranslator],
  activate: (app: JupyterFrontEnd, state: IStateDB | null, themes: IThemeManager | null, translator: ITranslator | null): IWorkbench => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const workbench = new Workbench(createLabConnector(app.serviceManager.serverSettings));
    void begin(workbench, state);
    themes?.themeChanged.connect(() => refreshTheme());
    app.commands.addCommand(CommandIDs.select, {
      label: trans.__('Select in Med-R1'),
      describedBy: {
        args: {
          type: 'object',
          properties: { selection: { type: 'object', description: 'Parts of the shared selection: runs, step, group, completion, ...' } },
          required: ['selection'],
        },
      },
      execute: ({ selection }) => workbench.selection.move(selection as Parameters<typeof workbench.selection.move>[0]),
    });
    return workbench;
  },
};

/** The selection comes back before the runs are read, so that the newest run is chosen only when none was. */
async function begin(workbench: Workbench, state: IStateDB | null): Promise<void> {
  if (state) {
    await keptInWorkspace(state, COLOURS_KEY, workbench.colours, workbench.colours);
    await keptInWorkspace(state, DRAFTS_KEY, workbench.rewardDrafts, workbench.rewardDrafts);
    await keptInWorkspace(state, TRIES_KEY, workbench.tries, workbench.tries);
    await keptInWorkspace(state, NEW_RUN_KEY, workbench.newRunDraft, workbench.newRunDraft);
    await keptInWorkspace(state, TOUR_KEY, workbench.tour, workbench.tour.state);
    await keptInWorkspace(state, EVALUATION_KEY, workbench.evaluation, workbench.evaluation);
    await keptInWorkspace(state, SELECTION_KEY, workbench.selection, workbench.selection);
  }
  await workbench.start();
}

export default service;
