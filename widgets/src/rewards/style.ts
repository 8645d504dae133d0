import { css } from 'lit';

export const style = css`
  :host {
    height: 100%;
    overflow: auto;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    padding: 6px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  ul,
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  ul > li {
    display: grid;
    grid-template-columns: minmax(80px, 1fr) minmax(60px, 2fr) 7ch;
    gap: 2px 8px;
    align-items: center;
    padding: 6px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .name {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    min-width: 0;
  }
  input[type='number'] {
    width: 100%;
  }
  input[data-edited='true'] {
    border-color: var(--medr1-accent);
  }
  .facts {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    gap: 0 16px;
    align-items: center;
    padding-left: 20px;
    color: var(--medr1-text-2);
  }
  .facts b {
    color: var(--medr1-text);
    font-weight: 600;
  }
  .share {
    display: inline-flex;
    gap: 4px;
    align-items: center;
  }
  .meter {
    width: 56px;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    padding: 8px;
  }
  .actions input {
    flex: 1 1 160px;
  }
  table {
    margin: 8px 0;
    border-collapse: collapse;
  }
  th {
    font-weight: 400;
    text-align: left;
  }
  th.number {
    text-align: right;
  }
  td,
  th {
    padding: 2px 8px 2px 0;
  }
  section {
    padding: 0 8px 8px;
  }
  h4 {
    margin: 8px 0 4px;
    font-size: inherit;
  }
  ol > li {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    align-items: center;
    padding: 2px 0;
  }
  .weights {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 0 8px;
  }
  .editor {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    grid-column: 1 / -1;
    gap: 4px;
  }
  .new {
    color: var(--medr1-link);
  }
  .changes {
    margin: 0;
    padding: 8px 8px 0;
    overflow-wrap: anywhere;
  }
  .report {
    display: flex;
    flex-wrap: wrap;
    gap: 0 16px;
    margin: 4px 0;
  }
  .problem {
    color: var(--medr1-wrong);
  }
  h4 .secondary,
  .key {
    font-weight: 400;
  }
  .key i {
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-left: 8px;
  }
  .key .now {
    background: var(--medr1-text-2);
  }
  .key .new {
    background: var(--medr1-accent);
  }
  .flips {
    display: flex;
    flex-wrap: wrap;
    gap: 0 8px;
  }
  .flips button {
    white-space: normal;
    text-align: left;
  }
  .source {
    flex-basis: 100%;
    padding-left: 3ch;
    min-width: 0;
  }
  summary {
    cursor: pointer;
  }
  .against summary {
    padding: 0 8px;
  }
  .weights b {
    font-weight: 600;
  }
`;
