/** The name of a data set as a field, in place of the list of data sets. */
import { html, type TemplateResult } from 'lit';

/** `rename` says whether the name was taken; `leave` puts the list back. */
export function nameField(dataset: string, rename: (to: string) => Promise<boolean>, leave: () => void): TemplateResult {
  const onKey = async (event: KeyboardEvent): Promise<void> => {
    if (event.key === 'Escape') return leave();
    if (event.key !== 'Enter') return;
    const to = (event.target as HTMLInputElement).value.trim();
    if (to === '' || to === dataset || (await rename(to))) leave();
  };
  return html`<input
    data-testid="dataset-name"
    aria-label="Name of the data set: Enter renames it, Escape leaves it"
    title="Enter renames it, Escape leaves it"
    maxlength="64"
    spellcheck="false"
    .value=${dataset}
    @keydown=${onKey}
  />`;
}
