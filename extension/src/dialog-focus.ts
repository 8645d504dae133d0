import { focused } from '@medr1/widgets/kept-keyboard';

/**
 * JupyterLab's dialogs give the keyboard back to what had it. For that they ask the page, which names the element of a view and not what has the keyboard
 * within it: whoever closed the dialog would be nowhere.
 */
export async function keepingFocus<T>(dialog: () => Promise<T>): Promise<T> {
  const before = focused();
  try {
    return await dialog();
  } finally {
    if (before?.isConnected) before.focus();
  }
}
