/** What is told in a corner of the page, by JupyterLab's notifications. */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { errorBody } from '@medr1/widgets/connector';
import { told } from '@medr1/widgets/format';
import { keepingFocus } from './dialog-focus.ts';
import { TRANSLATION_DOMAIN } from './tokens.ts';

/** In English, as what is told: the server words it. */
const trans = nullTranslator.load(TRANSLATION_DOMAIN);

/** JupyterLab cuts what is longer, in the corner and in its notification centre. */
const MOST_LETTERS = 140;

/** A text that is too long ends between two words, and a button shows all of it: remedies stand at the end. Gives the id. */
export function notify(
  text: string,
  type: Notification.TypeOptions,
  { actions = [], ...options }: Pick<Notification.IOptions<never>, 'autoClose' | 'actions'> = {},
): string {
  if (text.length <= MOST_LETTERS) return Notification.emit(text, type, { ...options, actions });
  const inFull: Notification.IAction = {
    label: trans.__('In full'),
    callback: (event) => {
      event.preventDefault(); // it stays: nothing was done about it yet
      void keepingFocus(() =>
        showDialog({ title: trans.__('In full'), body: text, buttons: [Dialog.okButton({ label: trans.__('Close') })] }),
      );
    },
  };
  return Notification.emit(cut(text), type, { ...options, actions: [...actions, inFull] });
}

function cut(text: string): string {
  const head = text.slice(0, MOST_LETTERS - 1);
  return `${head.slice(0, Math.max(head.lastIndexOf(' '), MOST_LETTERS / 2))}…`;
}

/** What went wrong, with its remedy, where the user sees it: without a time to close, JupyterLab would only file it in its notification centre. */
export function showError(error: unknown): void {
  notify(told(errorBody(error)), 'error', { autoClose: false });
}
