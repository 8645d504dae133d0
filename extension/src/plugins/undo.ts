/** The offer to take a removal back: a notification after a run, an evaluation or a data set was moved to the trash. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { inSentence } from '@medr1/widgets/format';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

/** How long the offer stands; after that the trash is the way. */
const OFFER_MS = 15_000;

const undo: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:undo',
  description: 'Offers to take a removal back.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, workbench: IWorkbench, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
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
        Notification.info(trans.__('"%1" was moved to the trash.', inSentence(String(name))), {
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

export default undo;
