import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { STATES } from '@medr1/widgets/runs/model';
import { medr1Icon } from '../icons.ts';
import { PALETTE_CATEGORY } from '../main-view.ts';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';
import { ElementView } from '../view.ts';

const RANK = 600;

const runs: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:runs',
  description: 'The Runs panel in the side bar: training runs, their state and what can be done with them.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands, shell } = app;
    const panel = new ElementView({ load: () => import('@medr1/widgets/runs/view'), tag: 'medr1-runs', workbench, commands });
    panel.id = 'medr1-runs';
    panel.title.icon = medr1Icon;
    panel.title.caption = trans.__('Med-R1 runs');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('Med-R1 runs'));
    shell.add(panel, 'left', { rank: RANK });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.showRuns, {
      label: trans.__('Runs'),
      caption: trans.__('Show the Runs panel'),
      icon: ({ isPalette }) => (isPalette ? undefined : medr1Icon),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id),
    });
    palette?.addItem({ command: CommandIDs.showRuns, category: PALETTE_CATEGORY });

    commands.addCommand(CommandIDs.deleteRun, {
      label: trans.__('Move the run to the trash …'),
      isEnabled: ({ id }) => {
        const run = workbench.runs.get(String(id));
        return run !== undefined && !STATES[run.state].active;
      },
      describedBy: {
        args: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } }, required: ['id'] },
      },
      execute: async ({ id, name }) => {
        const answer = await showDialog({
          title: trans.__('Move to the trash?'),
          body: trans.__(
            '"%1" with its rollouts and checkpoints leaves the list. Its folder is kept in the trash of the backend.',
            name ?? id,
          ),
          buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Move to the trash') })],
        });
        if (!answer.button.accept) return;
        try {
          await workbench.connector.deleteRun(String(id));
          workbench.runs.apply({ removed: String(id) });
        } catch (error) {
          showError(error);
        }
      },
    });
  },
};

export default runs;
