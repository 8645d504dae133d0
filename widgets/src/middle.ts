import { html, type TemplateResult } from 'lit';

/** Characters at the end of a name that are always shown. */
const TAIL = 8;

/** A name. Where room is short its middle is cut, for the ends differ: "Demo, think · format" beside "Demo, think · accuracy". */
export const middle = (text: string): TemplateResult =>
  text.length <= TAIL * 2
    ? html`<span class="ellipsis" title=${text}>${text}</span>`
    : html`<span class="middle" title=${text}
        ><span class="ellipsis">${text.slice(0, -TAIL)}</span><span>${text.slice(-TAIL)}</span></span
      >`;
