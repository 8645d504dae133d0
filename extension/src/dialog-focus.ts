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

/** What has the keyboard, within shadow roots too. */
function focused(): HTMLElement | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at as HTMLElement | null;
}
