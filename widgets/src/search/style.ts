import { css } from 'lit';

export const style = css`
  :host {
    height: 100%;
    overflow: auto;
  }
  form {
    position: sticky;
    top: 0;
    z-index: 1;
    background: var(--medr1-surface);
    border-bottom: 1px solid var(--medr1-border);
  }
  form .toolbar {
    border-bottom: none;
  }
  input[type='search'] {
    flex: 1 1 200px;
    min-width: 0;
  }
  .tabs {
    border-bottom: 0;
  }
  .saved {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    padding: 4px 8px;
  }
  .saved select {
    max-width: min(40ch, 100%);
  }
  .saved form {
    position: static;
    border: 0;
  }
  [data-testid='question-curve'] {
    padding: 4px 8px 8px;
  }
  [data-testid='question-curve'] p {
    margin: 2px 0;
  }
  summary {
    padding: 0 8px 4px;
    cursor: pointer;
  }
  .filters {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
    gap: 4px 12px;
    padding: 4px 8px 8px;
  }
  .clear {
    margin: 0 0 4px 3px; /* its text stands under the fields: padding and border are 5 px */
  }
  .filters label {
    display: flex;
    flex-direction: column;
    min-width: 0;
  }
  .filters input,
  .filters select {
    width: 100%;
    min-width: 0;
  }
  .pair {
    display: flex;
    gap: 4px;
  }
  .summary {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    padding: 4px 8px;
  }
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    padding: 6px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .facts,
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    align-items: center;
  }
  .question {
    overflow-wrap: anywhere;
  }
  .text {
    max-height: 14em;
    margin: 4px 0;
    padding: 2px 4px;
    overflow: auto;
    font-family: var(--medr1-font-text);
    line-height: 1.5;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
  }
  mark {
    padding: 0 1px;
    color: inherit;
    background: var(--medr1-hit);
    border-radius: 2px;
  }
  .note {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
    margin-top: 4px;
  }
  .note input {
    flex: 1 1 120px;
    min-width: 0;
  }
  .said {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
    unicode-bidi: isolate;
  }
  .more {
    padding: 8px;
  }
`;

/** Tables of the parts of the view. */
export const tableStyle = css`
  form.toolbar {
    flex-wrap: wrap;
  }
  section,
  p {
    padding: 0 8px;
  }
  h3 {
    margin: 8px 0 4px;
    font-size: inherit;
    font-weight: 600;
  }
  .scroll {
    overflow-x: auto;
    max-width: 100%;
  }
  table {
    border-collapse: collapse;
    font-variant-numeric: tabular-nums;
  }
  th {
    font-weight: 400;
    text-align: left;
    vertical-align: baseline;
  }
  thead th {
    color: var(--medr1-text-2);
    white-space: nowrap;
  }
  .number {
    text-align: right;
    white-space: nowrap;
  }
  td,
  th {
    padding: 3px 12px 3px 8px;
    vertical-align: baseline;
  }
  tbody tr > * {
    border-top: 1px solid var(--medr1-border);
  }
`;
