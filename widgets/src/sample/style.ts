import { css } from 'lit';

export const style = css`
  :host {
    height: 100%;
    overflow: hidden;
    container-type: inline-size;
  }
  .page {
    height: 100%;
    overflow: auto;
    outline-offset: -2px;
  }
  .page:focus-visible {
    outline-width: 1px;
  }
  .toolbar {
    position: sticky;
    top: 0;
    z-index: 5;
    flex-wrap: nowrap;
    background: var(--medr1-surface);
  }
  .steps {
    display: inline-flex;
    flex: 0 1 auto;
    gap: 4px;
    align-items: center;
    min-width: calc(9ch + 60px); /* what its number and buttons have at least: less would put them over the name */
  }
  .steps button {
    flex: none;
    display: inline-flex;
    padding: 2px 4px;
  }
  .steps .number {
    overflow: hidden;
    min-width: 9ch;
    text-overflow: ellipsis;
    text-align: center;
  }
  .id {
    min-width: 6ch;
  }
  .back {
    margin-left: auto;
  }
  .columns {
    display: grid;
    grid-template: 'picture' auto 'words' auto 'beside' auto / minmax(0, 1fr);
    gap: 0 16px;
    padding: 8px;
  }
  .picture {
    grid-area: picture;
  }
  .words {
    grid-area: words;
  }
  .beside {
    grid-area: beside;
  }
  .stale {
    opacity: 0.6;
  }
  .column {
    min-width: 0;
  }
  medr1-image {
    height: clamp(220px, 50vh, 420px);
  }
  @container (min-width: 760px) {
    .columns {
      grid-template: 'picture words' auto 'beside words' 1fr / minmax(280px, 5fr) minmax(0, 6fr);
    }
    medr1-image {
      height: clamp(260px, 56vh, 640px);
    }
    /* the image stays in view while answers are read */
    .picture {
      position: sticky;
      top: 44px;
      align-self: start;
      background: var(--medr1-surface);
      z-index: 1;
    }
  }
  section,
  .column > details {
    margin-bottom: 12px;
  }
  h2,
  h3,
  h4,
  p {
    margin: 0;
    font-size: inherit;
  }
  h2 {
    font-family: var(--medr1-font-text);
    font-size: 15px;
    font-weight: 600;
    line-height: 1.4;
    overflow-wrap: anywhere;
  }
  .column h3,
  .column > details > summary {
    display: flex;
    gap: 6px;
    align-items: baseline;
    margin: 0 0 6px;
    padding-bottom: 2px;
    font-weight: 600;
    border-bottom: 1px solid var(--medr1-border);
  }
  .column > details > summary {
    display: list-item;
    cursor: pointer;
  }
  .count {
    color: var(--medr1-text-2);
    font-weight: 400;
  }
  .path {
    margin: 0 0 12px;
    overflow-wrap: anywhere;
  }
  ul,
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .options {
    margin: 8px 0;
  }
  .options li {
    display: flex;
    gap: 8px;
    align-items: baseline;
    padding: 2px 8px;
    border-left: 2px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .options li + li {
    margin-top: 2px;
  }
  .options .right {
    background: var(--medr1-right-surface);
    border-left-color: var(--medr1-right);
  }
  .letter {
    color: var(--medr1-text-2);
    font-weight: 600;
  }
  .gold {
    margin-left: auto;
    color: var(--medr1-right);
    white-space: nowrap;
  }
  .noting {
    display: grid;
    gap: 4px;
    max-width: 480px;
  }
  .noting textarea {
    font: inherit;
    resize: vertical;
  }
  .note {
    margin: 4px 0 0;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  .facts .chip {
    white-space: normal;
  }
  .problem {
    margin: 8px 0;
    padding: 4px 8px;
    border-left: 2px solid var(--medr1-warn);
  }
  .siblings button {
    display: grid;
    width: 100%;
    padding: 2px 8px;
    text-align: left;
    white-space: normal;
    overflow-wrap: anywhere;
    border-left: 2px solid transparent;
    border-radius: 0;
  }
  .siblings button[aria-current='true'] {
    background: var(--medr1-surface-2);
    border-left-color: var(--medr1-accent);
  }
  .near {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(96px, 1fr));
    gap: 4px;
  }
  .near button {
    display: grid;
    width: 100%;
    padding: 4px;
    text-align: left;
    white-space: normal;
  }
  .near img,
  .near .none {
    display: grid;
    place-items: center;
    width: 100%;
    height: 72px;
    object-fit: contain;
    background: var(--medr1-behind);
    color: var(--medr1-behind-text);
  }
  .near .number {
    text-align: left;
  }
  .split {
    overflow-wrap: anywhere;
    line-height: 1.2;
  }
  .run + .run {
    margin-top: 8px;
  }
  .run h4 {
    display: flex;
    gap: 6px;
    align-items: center;
    font-weight: 400;
  }
  .asked {
    position: relative;
  }
  .asked > button {
    position: absolute;
    top: 0;
    right: 0;
  }
  .run summary {
    padding: 1px 80px 1px 0; /* beside the button */
    cursor: pointer;
  }
  .run summary > * {
    margin-right: 6px;
  }
  .completions li {
    display: grid;
    grid-template-columns: 48px minmax(0, 1fr);
    gap: 8px;
    align-items: start;
    padding: 2px 0 2px 8px;
    border-left: 2px solid var(--medr1-border);
  }
  .completions .chip {
    justify-self: start;
  }
  .record-place {
    display: flex;
    gap: 8px;
    align-items: center;
    overflow-wrap: anywhere;
  }
  pre {
    max-height: 360px;
    margin: 4px 0 0;
    padding: 8px;
    overflow: auto;
    font: 12px / 1.5 var(--medr1-font-code);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    background: var(--medr1-surface-2);
  }
  .columns .message {
    padding: 4px 0;
  }
`;
