/** What went wrong, with its remedy, where the user sees it: without a time to close, JupyterLab would only file it in its notification centre. */
import { Notification } from '@jupyterlab/apputils';
import { errorBody } from '@medr1/widgets/connector';

export function showError(error: unknown): void {
  const { message, remedy } = errorBody(error);
  Notification.error(`${message} ${remedy}`, { autoClose: false });
}
