/** The sheet of every key of the views, under "?". */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { KEYS } from '@medr1/widgets/keys';
import { keepingFocus } from '../dialog-focus.ts';
import { CommandIDs, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

const keys: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:keys',
  description: 'Shows every key of the views.',
  autoStart: true,
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    app.commands.addCommand(CommandIDs.showKeys, {
      label: trans.__('Keys of the views'),
      caption: trans.__('Every key that the views answer to'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () =>
        keepingFocus(() =>
          showDialog({
            title: trans.__('Keys'),
            body: sheet(),
            buttons: [Dialog.okButton({ label: trans.__('Close') })],
            focusNodeSelector: '.medr1-Keys', // so that the arrow keys scroll it
          }),
        ),
    });
    palette?.addItem({ command: CommandIDs.showKeys, category: PALETTE_CATEGORY });
  },
};

function sheet(): Widget {
  const body = new Widget();
  const all = document.createElement('div');
  all.className = 'medr1-Keys';
  all.tabIndex = 0;
  body.node.append(all);
  for (const { view, keys } of KEYS) {
    const title = document.createElement('h3');
    title.textContent = view;
    const list = document.createElement('dl');
    for (const [key, does] of keys) list.append(element('dt', key), element('dd', does));
    all.append(title, list);
  }
  return body;
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

export default keys;
