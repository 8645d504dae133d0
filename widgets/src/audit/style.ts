import { css } from 'lit';

export const style = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
    container-type: inline-size;
  }
  .page {
    flex: 1;
    min-height: 0;
    padding: 8px 12px 24px;
    overflow: auto;
  }
  .end {
    margin-left: auto;
  }
  section {
    margin-bottom: 20px;
  }
  h2,
  h3,
  p {
    margin: 0;
    font-size: inherit;
  }
  h2 {
    margin-bottom: 6px;
    padding-bottom: 2px;
    font-weight: 600;
    border-bottom: 1px solid var(--medr1-border);
  }
  h3 {
    margin: 8px 0 4px;
    font-weight: 600;
  }
  h3 .small {
    font-weight: 400;
  }
  .count {
    color: var(--medr1-text-2);
    font-weight: 400;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .group li {
    display: flex;
    gap: 12px;
    align-items: center;
    justify-content: space-between;
    padding: 3px 4px 3px 8px;
    border-left: 2px solid var(--medr1-border);
  }
  .group li > span {
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .group li + li {
    margin-top: 2px;
  }
  .group li:hover {
    background: var(--medr1-surface-2);
  }
  .group.leak li {
    border-left-color: var(--medr1-wrong);
  }
  .group.shortcut li {
    border-left-color: var(--medr1-warn-text);
  }
  .scroll {
    overflow-x: auto;
    scrollbar-width: thin;
    scrollbar-color: var(--medr1-text-2) transparent; /* seen, so that it is known that there is more */
  }
  table {
    border-collapse: collapse;
  }
  th,
  td {
    padding: 2px 8px;
    font-weight: 400;
    text-align: left;
    border-bottom: 1px solid var(--medr1-border);
  }
  thead th {
    color: var(--medr1-text-2);
    font-size: var(--medr1-size-small);
    vertical-align: bottom;
  }
  th.number,
  td.number {
    text-align: right;
  }
  th button {
    padding-left: 0;
    text-align: left;
    white-space: normal;
  }
  td .meter {
    min-width: 96px;
    height: 4px;
    margin-bottom: 2px;
  }
  .share {
    display: inline-block;
    min-width: 5ch;
    color: var(--medr1-text-2);
  }
  .heat {
    margin-top: 4px;
  }
  .heat caption {
    padding-bottom: 2px;
    text-align: left;
  }
  .heat thead th {
    max-width: 110px;
    line-height: 1.2;
    text-align: right;
    overflow-wrap: break-word;
  }
  .heat thead .corner {
    text-align: left;
  }
  .heat td {
    min-width: 64px;
    padding: 3px 8px;
    border: 1px solid var(--medr1-surface);
  }
  .heat td button {
    min-height: 0;
    padding: 0;
    text-decoration: underline dotted;
    text-underline-offset: 3px;
  }
  .heat td.own {
    font-weight: 600;
    outline: 1px solid var(--medr1-text-2);
    outline-offset: -2px;
  }
  .explained {
    text-decoration: underline dotted;
    text-underline-offset: 3px;
    cursor: help;
  }
  .foot td,
  .foot th {
    border-top: 1px solid var(--medr1-border);
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr));
    gap: 0 24px;
  }
  .bars {
    display: grid;
    grid-template-columns: minmax(min-content, max-content) minmax(60px, 1fr) auto auto;
    gap: 2px 8px;
    align-items: center;
    max-width: 720px;
  }
  .bars button {
    display: grid;
    grid-column: 1 / -1;
    grid-template-columns: subgrid;
    align-items: center;
    padding: 1px 4px;
    text-align: left;
    white-space: normal;
  }
  .bars .meter {
    height: 12px;
  }
  .pairs {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(200px, 1fr));
    gap: 8px;
    margin-top: 6px;
  }
  .images {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 2px;
  }
  .images button {
    padding: 0;
    cursor: zoom-in;
  }
  .images img {
    display: block;
    width: 100%;
    height: 100px;
    object-fit: contain;
    background: var(--medr1-behind);
  }
  fieldset {
    margin: 0 0 8px;
    padding: 0;
    border: none;
  }
  fieldset label {
    display: flex;
    gap: 6px;
    align-items: center;
    padding: 2px 0;
  }
  fieldset input[type='radio'] {
    flex: none;
    min-height: 0;
    margin: 0 2px;
    accent-color: var(--medr1-accent);
  }
  .fields {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 12px;
    align-items: center;
  }
  .fields label {
    display: inline-flex;
    gap: 4px;
    align-items: center;
  }
  .short {
    width: 9ch;
    text-align: right;
  }
  .made {
    margin-top: 8px;
    padding: 4px 8px;
    background: var(--medr1-right-surface);
    border-left: 2px solid var(--medr1-right);
    overflow-wrap: anywhere;
  }
  code {
    font: 12px var(--medr1-font-code);
  }
  .page .message {
    padding: 8px 0;
  }
`;
