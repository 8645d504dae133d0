/** A short tour of the views, in the Runs panel. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { medr1Icon } from '../icons.ts';
import { CommandIDs, IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

const tour: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:tour',
  description: 'A short tour: from nothing to a first curve, a rollout, a reward and a question.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, palette: ICommandPalette | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    app.commands.addCommand(CommandIDs.takeTour, {
      label: trans.__('Tour'),
      icon: ({ isPalette }) => (isPalette ? undefined : medr1Icon),
      caption: trans.__('From nothing to a first curve, a rollout read, a reward moved and a question tried, in five minutes'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        workbench.tour.start();
        await app.commands.execute(CommandIDs.showRuns);
      },
    });
    palette?.addItem({ command: CommandIDs.takeTour, category: PALETTE_CATEGORY });
  },
};

export default tour;
