/** Icons drawn for the workbench, 16 x 16, in the colour of the text. The label is on the button that holds one. */
import { svg, html, type TemplateResult } from 'lit';

const PATHS = {
  play: svg`<path d="M4 2.5v11l9-5.5z"/>`,
  pause: svg`<path d="M4 3h3v10H4zM9 3h3v10H9z"/>`,
  stop: svg`<path d="M3.5 3.5h9v9h-9z"/>`,
  checkpoint: svg`<path d="M8 1.5 14.5 8 8 14.5 1.5 8z"/>`,
  trash: svg`<path d="M6 2h4l.5 1H13v1.5H3V3h2.5zM4 5.5h8l-.7 8.5H4.7z"/>`,
  curves: svg`<path d="M1.5 1.5v13h13V13H3V1.5zM4 10.5l3-4 2.5 2.5 4-5.5-1-.8-3.2 4.4L6.8 4.7 3 9.5z"/>`,
  table: svg`<path d="M1.5 2.5h13v11h-13zM3 6v2h3V6zm4.5 0v2H13V6zM3 9.5V12h3V9.5zm4.5 0V12H13V9.5z" fill-rule="evenodd"/>`,
  rollouts: svg`<path d="M2 2.5h12V5H2zM2 6.75h12v2.5H2zM2 11h8v2.5H2z"/>`,
  rewards: svg`<path d="M2 4h5.2a2 2 0 0 1 3.6 0H14v1.5h-3.2a2 2 0 0 1-3.6 0H2zM2 10.5h2.2a2 2 0 0 1 3.6 0H14V12H7.8a2 2 0 0 1-3.6 0H2z"/>`,
  more: svg`<path d="M8 2.2a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8zm0 4.4a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8zM8 11a1.4 1.4 0 1 1 0 2.8A1.4 1.4 0 0 1 8 11z"/>`,
  plus: svg`<path d="M7.25 2.5h1.5v4.75h4.75v1.5H8.75v4.75h-1.5V8.75H2.5v-1.5h4.75z"/>`,
  pen: svg`<path d="M11.2 1.8 14.2 4.8 5.3 13.7 1.8 14.2 2.3 10.7zM3.7 11.3l-.3 1.3 1.3-.3 6.4-6.4-1-1z" fill-rule="evenodd"/>`,
  expand: svg`<path d="M2 2h5v1.5H4.6L7.5 6.4 6.4 7.5 3.5 4.6V7H2zM14 14H9v-1.5h2.4L8.5 9.6l1.1-1.1 2.9 2.9V9H14z"/>`,
  again: svg`<path d="M8 2.5V.5l4 3-4 3v-2a4 4 0 1 0 4 4h1.5A5.5 5.5 0 1 1 8 2.5z"/>`,
  left: svg`<path d="M10.5 2.5 12 4 8 8l4 4-1.5 1.5L5 8z"/>`,
  up: svg`<path d="M2.5 10.5 4 12l4-4 4 4 1.5-1.5L8 5z"/>`,
  down: svg`<path d="M2.5 5.5 4 4l4 4 4-4 1.5 1.5L8 11z"/>`,
  hourglass: svg`<path d="M3 1.5h10V3h-1c0 2.5-1.2 3.8-2.6 5 1.4 1.2 2.6 2.5 2.6 5h1v1.5H3V13h1c0-2.5 1.2-3.8 2.6-5C5.2 6.8 4 5.5 4 3H3z"/>`,
  right: svg`<path d="M5.5 2.5 4 4l4 4-4 4 1.5 1.5L11 8z"/>`,
} as const;

export type IconName = keyof typeof PATHS;

export const icon = (name: IconName): TemplateResult =>
  html`<svg class="icon" width="16" height="16" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">${PATHS[name]}</svg>`;
