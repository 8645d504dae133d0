/** Logs of other trainers that are dropped on a panel: out of JupyterLab's file browser, or out of a folder of the reader's own computer. */
import type { Contents } from '@jupyterlab/services';
import type { MimeData } from '@lumino/coreutils';
import { pathOnServer } from './files.ts';

/** What JupyterLab's file browser calls the paths that it drags. */
const CONTENTS = 'application/x-jupyter-icontents';
const HEARD = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop', 'dragenter', 'dragover', 'dragleave', 'drop'];
/** Shows where the log would go; base.css draws it. */
const MARK = 'medr1-mod-drop';
/** Where logs of the reader's own computer are kept, in the folder that JupyterLab shows. */
const FOLDER = 'imports';

/** An event of Lumino's drags, which are none of the browser's. */
interface LuminoDrag extends Event {
  mimeData: MimeData;
  dropAction: string;
  proposedAction: string;
}

export interface LogDropOptions {
  contents: Contents.IManager;
  /** Takes the log at a path of the server's machine, or says why it cannot. */
  take: (path: string) => Promise<unknown>;
  refuse: (error: unknown) => void;
  /** CSS selector of the panel's tab, and what shows the panel: the file browser is in the same side bar, so that only one of them is seen. */
  tab: string;
  show: () => void;
}

export class LogDrop {
  readonly #node: HTMLElement;
  readonly #options: LogDropOptions;

  constructor(node: HTMLElement, options: LogDropOptions) {
    this.#node = node;
    this.#options = options;
    for (const type of HEARD) node.addEventListener(type, this);
    for (const type of ['lm-dragenter', 'dragenter']) document.addEventListener(type, this.#overTab);
  }

  readonly #overTab = (event: Event): void => {
    if ((event.target as Element).closest?.(this.#options.tab) && holdsFiles(event)) this.#options.show();
  };

  handleEvent(event: Event): void {
    if (!holdsFiles(event)) return;
    const isLumino = isLuminos(event);
    event.preventDefault();
    event.stopPropagation();
    const kind = event.type.replace('lm-', '');
    // it goes from one part of the panel to the next
    if (kind === 'dragleave' && this.#node.contains((event as DragEvent).relatedTarget as Node | null)) return;
    this.#node.classList.toggle(MARK, kind === 'dragenter' || kind === 'dragover');
    if (isLumino && kind !== 'dragleave') (event as LuminoDrag).dropAction = (event as LuminoDrag).proposedAction;
    if (kind !== 'drop') return;
    if (isLumino) void this.#takeAll((event as LuminoDrag).mimeData.getData(CONTENTS) as string[]);
    else void this.#keepAll((event as DragEvent).dataTransfer!);
  }

  async #takeAll(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.#options.take(pathOnServer(this.#options.contents, path));
  }

  /** The server cannot read what lies on the reader's computer: it is put beside their notebooks first. */
  async #keepAll({ items, files }: DataTransfer): Promise<void> {
    const folders = new Set([...items].map((item) => item.webkitGetAsEntry()).flatMap((entry) => (entry?.isDirectory ? [entry.name] : [])));
    for (const file of [...files]) {
      try {
        if (folders.has(file.name)) throw noLog(`${file.name} is a folder of your computer, which the server cannot read.`);
        if (!file.name.toLowerCase().endsWith('.json')) throw noLog(`${file.name} is no log of a training.`);
        await this.#takeAll([await this.#keep(file)]);
      } catch (error) {
        this.#options.refuse(error);
      }
    }
  }

  async #keep(file: File): Promise<string> {
    const { contents } = this.#options;
    const content = await file.text();
    const stamp = new Date(file.lastModified).toISOString().slice(0, 19).replaceAll(':', '-');
    const folder = `${FOLDER}/${file.name.replace(/\.json$/i, '')} ${stamp}`;
    for (const one of [FOLDER, folder]) await contents.save(one, { type: 'directory' });
    return (await contents.save(`${folder}/${file.name}`, { type: 'file', format: 'text', content })).path;
  }
}

const isLuminos = (event: Event): boolean => event.type.startsWith('lm-');

const holdsFiles = (event: Event): boolean =>
  isLuminos(event)
    ? (event as LuminoDrag).mimeData.hasData(CONTENTS)
    : ((event as DragEvent).dataTransfer?.types.includes('Files') ?? false);

const noLog = (message: string) =>
  Object.assign(new Error(message), {
    code: 'IMPORT_UNREADABLE',
    remedy: 'Drop its trainer_state.json, which is in each checkpoint, or a folder out of the file browser of JupyterLab.',
  });
