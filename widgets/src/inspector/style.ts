import { css } from 'lit';

export const style = css`
  :host {
    height: 100%;
    overflow: auto;
  }
  .page {
    min-height: 100%;
    padding: 8px;
    outline-offset: -2px;
  }
  .page:focus-visible {
    outline-width: 1px;
  }
  section {
    margin-bottom: 12px;
  }
  h3 {
    margin: 0 0 4px;
    font-size: var(--medr1-size-small);
    font-weight: 600;
    color: var(--medr1-text-2);
  }
  .title {
    margin-bottom: 8px;
    padding-bottom: 4px;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  h2,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  h2 {
    font: 600 var(--medr1-size) / 1.4 var(--medr1-font-text);
    overflow-wrap: anywhere;
  }
  .picture {
    display: block;
    width: 100%;
    padding: 0;
    min-height: 120px;
    background: var(--medr1-behind);
  }
  .picture img {
    display: block;
    width: 100%;
    max-height: 260px;
    object-fit: contain;
  }
  .none {
    padding: 16px;
    text-align: center;
    border: 1px dashed var(--medr1-border);
  }
  .options {
    margin-top: 4px;
  }
  .options li {
    display: flex;
    gap: 8px;
    padding: 1px 8px;
    border-left: 2px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .options .right {
    background: var(--medr1-right-surface);
    border-left-color: var(--medr1-right);
  }
  .choice {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    margin-bottom: 4px;
  }
  .choice button {
    min-height: 22px;
    border-color: var(--medr1-border);
  }
  .choice button.right,
  .choice button.wrong {
    border-color: currentColor;
  }
  .choice button[aria-pressed='true'] {
    outline: 2px solid var(--medr1-accent);
    box-shadow: none;
  }
  label {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    margin-top: 4px;
    color: var(--medr1-text-2);
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    text-align: left;
    font-weight: 400;
  }
  thead th {
    font-size: var(--medr1-size-small);
    color: var(--medr1-text-2);
  }
  th.number {
    text-align: right;
  }
  td,
  th {
    padding: 1px 0 1px 8px;
  }
  td:first-child,
  th:first-child {
    padding-left: 0;
  }
  .name {
    max-width: 0; /* takes what the figures leave */
    width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .unindexed {
    margin-top: 4px;
  }
  tfoot tr:first-child > * {
    border-top: 1px solid var(--medr1-border);
    font-weight: 600;
  }
  .up {
    color: var(--medr1-right);
  }
  .down {
    color: var(--medr1-wrong);
  }
  dl {
    display: grid;
    grid-template-columns: fit-content(50%) minmax(0, 1fr);
    gap: 1px 12px;
  }
  dt {
    overflow-wrap: anywhere;
    color: var(--medr1-text-2);
  }
  dd {
    overflow-wrap: anywhere;
  }
  li[data-testid='answered'] {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
  }
  .tokens select {
    max-width: 24ch;
    color: var(--medr1-text);
  }
  .links {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  .page .message {
    padding: 4px 0;
  }
`;
