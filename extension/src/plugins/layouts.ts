/** Good arrangements of the views, and the one that a first start opens. */
import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { linkIn } from '@medr1/widgets/link';
import { CommandIDs, IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

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

    for (const { command, label, caption, panels, first, others, front = [] } of arrangements(trans)) {
      commands.addCommand(command, {
        label,
        caption,
        describedBy: { args: { type: 'object', properties: {} } },
        execute: async () => {
          for (const panel of panels) await commands.execute(panel);
          await commands.execute(first.command, { activate: false });
          gather(app.shell, first.id);
          for (const { command, ...place } of others) await commands.execute(command, { ...place, activate: false });
          for (const view of [...front, first.command]) await commands.execute(view);
        },
      });
      palette?.addItem({ command, category: PALETTE_CATEGORY });
    }

    const linked = linkIn(location.href) !== null;
    if (state && shell) void app.restored.then(() => welcome(app, settings, state, linked));
  },
};

interface Arrangement {
  command: string;
  label: string;
  caption: string;
  /** Shown in the side bars. */
  panels: string[];
  first: { command: string; id: string };
  /** Where each goes, one after another. */
  others: { command: string; mode: string; ref: string }[];
  /** Those of the others that are not hidden behind a tab. */
  front?: string[];
}

const arrangements = (trans: TranslationBundle): Arrangement[] => [
  {
    command: CommandIDs.arrangeTraining,
    label: trans.__('Arrange: Training'),
    caption: trans.__('Curves over rollouts, rewards at the right, runs in the side bar'),
    panels: [CommandIDs.showRuns],
    first: { command: CommandIDs.openCurves, id: 'medr1-curves' },
    others: [
      { command: CommandIDs.openRewards, mode: 'split-right', ref: 'medr1-curves' },
      { command: CommandIDs.openRollouts, mode: 'split-bottom', ref: 'medr1-curves' },
    ],
  },
  {
    command: CommandIDs.arrangeData,
    label: trans.__('Arrange: Data'),
    caption: trans.__('The data browser, the inspector at its right; the chosen question and the audit in tabs'),
    panels: [CommandIDs.showInspector],
    first: { command: CommandIDs.openData, id: 'medr1-data' },
    others: [
      { command: CommandIDs.openSample, mode: 'tab-after', ref: 'medr1-data' },
      { command: CommandIDs.openAudit, mode: 'tab-after', ref: 'medr1-data' },
    ],
  },
  {
    command: CommandIDs.arrangeCompare,
    label: trans.__('Arrange: Compare'),
    caption: trans.__('Evaluations beside the curves of the chosen runs, the question of an answer in a tab'),
    panels: [CommandIDs.showRuns],
    first: { command: CommandIDs.openCompare, id: 'medr1-compare' },
    others: [
      { command: CommandIDs.openCurves, mode: 'split-right', ref: 'medr1-compare' },
      { command: CommandIDs.openSample, mode: 'tab-after', ref: 'medr1-curves' },
    ],
    front: [CommandIDs.openCurves],
  },
];

/** All that is open goes behind this one, so that the arrangement has the whole of the main area. */
function gather(shell: JupyterFrontEnd.IShell, first: string): void {
  for (const widget of [...shell.widgets('main')])
    if (widget.id !== first) shell.add(widget, 'main', { mode: 'tab-after', ref: first, activate: false });
}

/**
 * Once for a workspace: runs at the left, curves and rollouts side by side, the example notebook in a tab. A page that opens by a link shows what the link
 * stands for, beside the runs; the next one welcomes, unless views were opened and stand there as they were left.
 */
async function welcome(app: JupyterFrontEnd, settings: ISettingRegistry | null, state: IStateDB, linked: boolean): Promise<void> {
  const wanted = (await settings?.load(PLUGIN_ID).catch(() => null))?.get('openOnFirstStart').composite ?? true;
  if (!wanted || (await state.fetch(WELCOMED_KEY).catch(() => true))) return;
  await app.commands.execute(CommandIDs.showRuns);
  if (linked) return;
  await state.save(WELCOMED_KEY, true);
  if ([...app.shell.widgets('main')].some(({ id }) => id.startsWith('medr1-'))) return;
  await app.commands.execute(CommandIDs.openCurves, { activate: false });
  await app.commands.execute(CommandIDs.openRollouts, { mode: 'split-right', ref: 'medr1-curves', activate: false });
  await app.commands.execute(CommandIDs.openExample, { quiet: true }); // in a tab behind the rollouts
  await app.commands.execute(CommandIDs.openRollouts);
  await app.commands.execute(CommandIDs.openCurves);
}

export default layouts;
