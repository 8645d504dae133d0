/**
 * Text to the clipboard. `navigator.clipboard` is there on https and on localhost alone; a page from another machine's address over http has
 * the older way, which copies what is selected. Resolves to false where neither may.
 */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused by the browser or its user: the older way may still do
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed'; // so that the page does not scroll to it
  area.style.opacity = '0';
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
