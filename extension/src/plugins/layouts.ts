/** Good arrangements of the views, and the one that a first start opens. */
import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { PALETTE_CATEGORY } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const PLUGIN_ID = '@medr1/workbench:layouts';
const WELCOMED_KEY = 'medr1:welcomed';

const layouts: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Arrangements of the views, and the workspace that a first start opens.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILabShell, ICommandPalette, ISettingRegistry, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    _workbench: IWorkbench,
    shell: ILabShell | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null,
    state: IStateDB | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands } = app;

    commands.addCommand(CommandIDs.arrangeTraining, {
      label: trans.__('Arrange: Training'),
      caption: trans.__('Curves over rollouts, rewards at the right, runs in the side bar'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        await commands.execute(CommandIDs.showRuns);
        await commands.execute(CommandIDs.openCurves, { activate: false });
        await commands.execute(CommandIDs.openRollouts, { mode: 'split-bottom', ref: 'medr1-curves', activate: false });
        await commands.execute(CommandIDs.openRewards, { mode: 'split-right', ref: 'medr1-curves', activate: false });
        await commands.execute(CommandIDs.openCurves);
      },
    });
    commands.addCommand(CommandIDs.arrangeData, {
      label: trans.__('Arrange: Data'),
      caption: trans.__('The data browser, the chosen question at its right, the audit in a tab'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        await commands.execute(CommandIDs.openData, { activate: false });
        await commands.execute(CommandIDs.openSample, { mode: 'split-right', ref: 'medr1-data', activate: false });
        await commands.execute(CommandIDs.openAudit, { mode: 'tab-after', ref: 'medr1-data', activate: false });
        await commands.execute(CommandIDs.openData);
      },
    });
    for (const command of [CommandIDs.arrangeTraining, CommandIDs.arrangeData]) palette?.addItem({ command, category: PALETTE_CATEGORY });

    if (state && shell) void app.restored.then(() => welcome(app, settings, state));
  },
};

/** Once for a workspace: runs at the left, curves and rollouts side by side, the example notebook in a tab. */
async function welcome(app: JupyterFrontEnd, settings: ISettingRegistry | null, state: IStateDB): Promise<void> {
  const wanted = (await settings?.load(PLUGIN_ID).catch(() => null))?.get('openOnFirstStart').composite ?? true;
  if (!wanted || (await state.fetch(WELCOMED_KEY).catch(() => true))) return;
  await state.save(WELCOMED_KEY, true);
  await app.commands.execute(CommandIDs.showRuns);
  await app.commands.execute(CommandIDs.openCurves, { activate: false });
  await app.commands.execute(CommandIDs.openRollouts, { mode: 'split-right', ref: 'medr1-curves', activate: false });
  await app.commands.execute(CommandIDs.openExample, { quiet: true });
  await app.commands.execute(CommandIDs.openCurves);
}

export default layouts;
