import { css } from 'lit';
import { stateColours } from '../runs/style.ts';

/** Height of a row, which the view counts with. */
export const ROW = 28;

export const style = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
    container-type: inline-size;
  }
  .toolbar {
    flex: none;
    padding: 4px 8px;
  }
  .toolbar input[type='search'] {
    flex: 1 1 220px;
    min-width: 0;
  }
  .refusal {
    flex: none;
    margin: 0;
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .columns {
    flex: none;
    max-height: 45%;
    overflow: auto;
    padding: 8px;
    border-bottom: 1px solid var(--medr1-border);
    background: var(--medr1-surface);
  }
  .columns .chosen,
  .columns .controls {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
    margin-bottom: 8px;
  }
  .columns .chip {
    display: inline-flex;
    align-items: center;
  }
  .columns .chip button {
    min-width: 24px;
    min-height: 24px;
    padding: 0 4px;
  }
  .columns fieldset {
    margin: 0;
    padding: 0;
    border: 0;
  }
  .columns legend {
    padding: 4px 0;
    font-weight: 600;
  }
  .choices {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr));
    gap: 0 12px;
  }
  .choices label {
    display: flex;
    gap: 6px;
    align-items: center;
    min-height: 24px;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .body {
    flex: 1;
    min-height: 0;
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
  }
  .body.split {
    grid-template: minmax(0, 55fr) minmax(0, 45fr) / minmax(0, 1fr);
  }
  .body.split medr1-run-details {
    border-top: 1px solid var(--medr1-border);
  }
  @container (min-width: 900px) {
    .body.split {
      grid-template: minmax(0, 1fr) / minmax(0, 1fr) minmax(320px, 38%);
    }
    .body.split medr1-run-details {
      border-top: 0;
      border-left: 1px solid var(--medr1-border);
    }
  }
  .scroller {
    overflow: auto;
    min-height: 0;
  }
  .grid {
    position: relative;
    min-width: 100%;
  }
  .line {
    display: grid;
    grid-template-columns: var(--columns);
    height: 28px;
  }
  .head {
    position: sticky;
    top: 0;
    z-index: 2;
    background: var(--medr1-surface-2);
    border-bottom: 1px solid var(--medr1-border);
  }
  .head > div {
    display: flex;
    min-width: 0;
    background: var(--medr1-surface-2);
  }
  .head button {
    flex: 1;
    min-width: 0;
    padding: 0 8px;
    text-align: left;
    font-weight: 600;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .head .numeric button {
    text-align: right;
  }
  .data {
    position: absolute;
    left: 0;
    right: 0;
    border-bottom: 1px solid var(--medr1-border);
    cursor: default;
    background: var(--medr1-surface);
  }
  .data:hover,
  .data.selected {
    background: var(--medr1-surface-2);
  }
  .data:focus-visible {
    z-index: 1; /* the row below lies over the lower line of the ring where it begins within a pixel */
    outline-offset: -2px;
  }
  /* the first cell stays in sight and lies over the ring of its row */
  .data:focus-visible > :first-child {
    box-shadow:
      inset 0 2px var(--medr1-accent),
      inset 0 -2px var(--medr1-accent);
  }
  .data > div {
    padding: 0 8px;
    line-height: 27px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .numeric {
    text-align: right;
  }
  .line > :first-child {
    position: sticky;
    left: 0;
    z-index: 1;
    background: inherit;
    border-left: 4px solid var(--colour, transparent);
  }
  .name {
    font-weight: 600;
  }
  .name .glyph {
    display: inline-block;
    width: 18px;
    text-align: center;
    font-weight: 400;
  }
  .name input {
    width: calc(100% - 44px);
    min-height: 22px;
    padding: 0 4px;
  }
  .archived .name {
    font-weight: 400;
    font-style: italic;
  }
  ${stateColours}
  .data .chip {
    line-height: 18px;
    margin-right: 4px;
  }
  @container (max-width: 500px) {
    .line > :first-child {
      position: static;
    }
  }
`;

export const detailStyle = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    min-width: 0;
    overflow: hidden;
  }
  header {
    flex: none;
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
    padding: 4px 8px;
  }
  header strong {
    flex: 1 1 120px;
    min-width: 0;
  }
  .actions {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  [role='tablist'] {
    flex: none;
    display: flex;
    flex-wrap: wrap;
    border-bottom: 1px solid var(--medr1-border);
  }
  [role='tab'][aria-selected='true'] {
    box-shadow: inset 0 -2px var(--medr1-accent);
  }
  [role='tabpanel'] {
    flex: 1;
    min-height: 0;
    overflow: auto;
  }
  [role='tabpanel']:focus-visible {
    outline-offset: -2px;
  }
  .said {
    flex: none;
    min-height: 18px;
    margin: 0;
    padding: 0 8px;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
  }
  .filter {
    padding: 4px 8px;
  }
  .filter input[type='search'] {
    flex: 1 1 140px;
    min-width: 0;
  }
  .filter label {
    display: inline-flex;
    gap: 4px;
    align-items: center;
  }
  .pad {
    padding: 8px;
    margin: 0;
  }
  .form {
    display: flex;
    flex-direction: column;
    gap: 8px;
    padding: 8px;
  }
  .form p {
    margin: 0;
  }
  .form label {
    display: flex;
    flex-direction: column;
    gap: 2px;
  }
  .form textarea {
    resize: vertical;
  }
  .form .chip {
    display: inline-flex;
    align-items: center;
  }
  .colours {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
  }
  .colours [aria-checked='true'] {
    outline: 2px solid var(--medr1-text);
    outline-offset: 1px;
  }
  .swatch {
    width: 24px;
    padding: 0;
    background: var(--swatch);
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    padding: 2px 8px;
    text-align: left;
    vertical-align: top;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  th[scope='row'] {
    font-weight: 400;
    color: var(--medr1-text-2);
    min-width: 110px;
  }
  td {
    min-width: 90px;
  }
  thead th {
    position: sticky;
    top: 0;
    background: var(--medr1-surface);
  }
  .clamp {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
  }
  tr.differs td {
    background: var(--medr1-think-surface);
  }
  .events {
    display: grid;
    grid-template-columns: auto auto minmax(0, 1fr);
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .events li {
    display: grid;
    grid-template-columns: subgrid;
    grid-column: 1 / -1;
    gap: 0 8px;
    padding: 2px 8px;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  pre {
    margin: 0;
    padding: 8px;
    font: 12px / 1.4 var(--medr1-font-code);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
`;
