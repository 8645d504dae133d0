import { html } from 'lit';

/** A path or a name of several words, which may go on in another line after each / and _. */
export const breakable = (name: string): unknown[] =>
  name.split(/(?<=[/_])/).flatMap((part, at) => (at === 0 ? [part] : [html`<wbr />`, part]));
