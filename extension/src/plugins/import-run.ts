/** Takes a run that another trainer made, from the log that it left on the server's machine. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { inSentence } from '@medr1/widgets/format';
import { keepingFocus } from '../dialog-focus.ts';
import { chooseLog } from '../files.ts';
import { showError } from '../notify.ts';
import { CommandIDs, IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens.ts';

type Data = IWorkbench['connector']['data'];

const BROWSE = 'browse';

const importRun: JupyterFrontEndPlugin<void> = {
  id: '@medr1/workbench:import-run',
  description: 'Imports a run of TRL or another trainer of Hugging Face.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ICommandPalette, ITranslator, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
    manager: IDocumentManager | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const { connector, runs, selection } = workbench;

    app.commands.addCommand(CommandIDs.importRun, {
      label: trans.__('Import a run of TRL …'),
      caption: trans.__('A finished run from the log that TRL or another trainer of Hugging Face left: curves, alerts, completions'),
      describedBy: {
        args: { type: 'object', properties: { path: { type: 'string', description: 'Of the training; asked for when left out' } } },
      },
      execute: async ({ path }) => {
        const given = typeof path === 'string' ? path : await keepingFocus(ask);
        if (given === null) return;
        try {
          const summary = await connector.importRun({ path: given });
          runs.apply({ summary });
          selection.move({ runs: [summary.id] });
          Notification.success(
            trans.__('"%1": %2 steps. The table of runs says what the log lacked.', inSentence(summary.name), summary.step),
            {
              autoClose: 8000,
              actions: [{ label: trans.__('Show'), callback: () => void app.commands.execute(CommandIDs.openRunsTable) }],
            },
          );
          await app.commands.execute(CommandIDs.openCurves);
        } catch (error) {
          showError(error);
        }
      },
    });
    palette?.addItem({ command: CommandIDs.importRun, category: PALETTE_CATEGORY });

    /** Asks for a path until one is taken. JupyterLab shows one dialog at a time: its files take the place of the field, and fill it. */
    const ask = async (): Promise<string | null> => {
      let path: string | null = null;
      for (;;) {
        const files = manager ? [Dialog.createButton({ label: trans.__('Choose …'), actions: [BROWSE] })] : [];
        const { button, value }: Dialog.IResult<string> = await showDialog({
          title: trans.__('Import a run of TRL'),
          body: new PathField(connector.data, trans, path),
          buttons: [Dialog.cancelButton(), ...files, Dialog.okButton({ label: trans.__('Import') })],
          focusNodeSelector: 'input',
        });
        if (!manager || !button.actions.includes(BROWSE)) return button.accept && value ? value : null;
        path = (await chooseLog(manager, trans)) ?? value;
      }
    };
  },
};

/** A path on the machine of the server. While it is typed the folders of the one that it is in are offered. */
class PathField extends Widget implements Dialog.IBodyWidget<string> {
  readonly #data: Data;
  readonly #input = document.createElement('input');
  readonly #folders = document.createElement('datalist');
  /** The folder whose folders are offered. */
  #offered: string | null = null;

  constructor(data: Data, trans: TranslationBundle, path: string | null) {
    super();
    this.#data = data;
    const label = document.createElement('label');
    label.textContent = trans.__("Its output_dir, a checkpoint in it, or a trainer_state.json, on the server's machine");
    this.#folders.id = 'medr1-import-folders';
    Object.assign(this.#input, { type: 'text', spellcheck: false, className: 'jp-mod-styled' });
    this.#input.setAttribute('list', this.#folders.id);
    this.#input.value = path ?? '';
    this.#input.dataset.testid = 'import-path';
    this.#input.addEventListener('input', () => void this.#offer());
    Object.assign(label.style, { display: 'flex', flexDirection: 'column', gap: '8px' });
    label.append(this.#input);
    this.node.append(label, this.#folders);
    void this.#offer();
  }

  getValue(): string {
    return this.#input.value.trim();
  }

  async #offer(): Promise<void> {
    const typed = this.#input.value;
    const above = typed.slice(0, typed.lastIndexOf('/') + 1);
    if (above === this.#offered) return;
    this.#offered = above;
    const found = await this.#data.browse(above === '' ? {} : { dir: above }).catch(() => null); // what is typed may be no folder yet
    if (this.#offered !== above) return;
    if (above === '' && found && this.#input.value === '') this.#input.value = `${found.dir}/`;
    const options = (found?.folders ?? []).map(({ dir }) => Object.assign(document.createElement('option'), { value: dir }));
    this.#folders.replaceChildren(...options);
  }
}

export default importRun;
