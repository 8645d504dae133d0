import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { withImport } from '../python.ts';
import { CommandIDs, TRANSLATION_DOMAIN } from '../tokens.ts';

const notebook: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:notebook',
  description: 'Puts a line of Python that stands for what a view shows into the active notebook.',
  autoStart: true,
  optional: [INotebookTracker, ITranslator],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    app.commands.addCommand(CommandIDs.sendToNotebook, {
      label: trans.__('Send to notebook'),
      caption: trans.__('A new cell below the active one of the active notebook; it is not run'),
      describedBy: { args: { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] } },
      execute: async ({ code }) => {
        const panel = tracker?.currentWidget;
        await panel?.context.ready; // what is put into a notebook before its file is read is lost
        const cells = panel?.content.model?.sharedModel;
        if (!panel || !cells) {
          Notification.warning(trans.__('No notebook is open. Open one, then send again.'), { autoClose: 5000 });
          return;
        }
        const known = cells.cells.map((cell) => cell.getSource());
        const at = Math.max(0, panel.content.activeCellIndex) + (cells.cells.length > 0 ? 1 : 0);
        cells.insertCell(at, { cell_type: 'code', source: withImport(String(code), known), metadata: { trusted: true } });
        panel.content.activeCellIndex = at;
        app.shell.activateById(panel.id);
        void panel.content.scrollToItem(at);
      },
    });
  },
};

export default notebook;
