import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { notebookIcon } from '@jupyterlab/ui-components';
import { CommandIDs, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

/** Where the example may be, seen from the folder that Jupyter serves: the set-up's workspace first, then the clone. */
const EXAMPLE_PLACES = ['first-run.ipynb', 'examples/first-run.ipynb'];

const launcher: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:launcher',
  description: 'Cards of the launcher, and the example notebook.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, cards: ILauncher | null, palette: ICommandPalette | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { commands } = app;

    commands.addCommand(CommandIDs.openExample, {
      label: trans.__('Example notebook'),
      caption: trans.__('Start a run, read its metrics and change its rewards from Python'),
      icon: ({ isPalette }) => (isPalette ? undefined : notebookIcon),
      describedBy: {
        args: { type: 'object', properties: { quiet: { type: 'boolean', description: 'Say nothing when the example is not found' } } },
      },
      execute: async ({ quiet }) => {
        for (const path of EXAMPLE_PLACES) {
          const found = await app.serviceManager.contents.get(path, { content: false }).catch(() => null);
          if (found) return commands.execute('docmanager:open', { path });
        }
        if (!quiet)
          Notification.warning(
            trans.__(
              'The example notebook is not in the folder that Jupyter serves. Start Jupyter with `npm start`, or copy %1 there.',
              'examples/first-run.ipynb',
            ),
            { autoClose: 8000 },
          );
        return undefined;
      },
    });
    palette?.addItem({ command: CommandIDs.openExample, category: PALETTE_CATEGORY });

    const order = [
      CommandIDs.openData,
      CommandIDs.showRuns,
      CommandIDs.openNewRun,
      CommandIDs.openEvaluation,
      CommandIDs.openCompare,
      CommandIDs.takeTour,
      CommandIDs.openExample,
    ];
    order.forEach((command, rank) => cards?.add({ command, category: trans.__('Med-R1'), rank }));
  },
};

export default launcher;
