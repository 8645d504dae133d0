/** The trash: its view, and the offer to take a removal back. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { medr1Icon } from '../icons.ts';
import { registerMainView } from '../main-view.ts';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

/** How long the offer stands; after that the trash is the way. */
const OFFER_MS = 15_000;

const trash: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:trash',
  description: 'What was removed: runs, evaluations and indexes of data sets, with a way back.',
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
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'trash',
      command: CommandIDs.openTrash,
      label: trans.__('Trash'),
      caption: trans.__('Runs, evaluations and data sets that were removed'),
      icon: medr1Icon,
      load: () => import('@medr1/widgets/trash/view'),
      tag: 'medr1-trash',
    });

    app.commands.addCommand(CommandIDs.offerUndo, {
      label: trans.__('Offer to put a removed thing back'),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string', description: 'Of the entry in the trash' }, name: { type: 'string' } },
          required: ['id', 'name'],
        },
      },
      execute: ({ id, name }) => {
        Notification.info(trans.__('"%1" was moved to the trash.', String(name)), {
          autoClose: OFFER_MS,
          actions: [
            { label: trans.__('Undo'), callback: () => void workbench.restore(String(id)).catch(showError) },
            { label: trans.__('Show the trash'), callback: () => void app.commands.execute(CommandIDs.openTrash) },
          ],
        });
      },
    });
  },
};

export default trash;
