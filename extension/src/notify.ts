/** What went wrong, with its remedy, where the user sees it: without a time to close, JupyterLab would only file it in its notification centre. */
import { Notification } from '@jupyterlab/apputils';
import { errorBody } from '@medr1/widgets/connector';
import { told } from '@medr1/widgets/format';

export function showError(error: unknown): void {
  Notification.error(told(errorBody(error)), { autoClose: false });
}
