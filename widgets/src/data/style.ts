import { css } from 'lit';

export const style = css`
  :host {
    display: flex;
    flex-direction: column;
    position: relative;
    height: 100%;
    overflow: hidden;
  }
  .toolbar {
    gap: 4px 8px;
  }
  .toolbar select {
    max-width: 220px;
  }
  :host([narrow]) .word {
    display: none;
  }
  :host([narrow]) .toolbar .sort {
    max-width: 116px;
  }
  .search {
    flex: 1 1 200px;
    min-width: 120px;
  }
  .toolbar > medr1-menu {
    margin-left: auto;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
    max-height: 84px;
    padding: 4px 8px;
    overflow: auto;
    border-bottom: 1px solid var(--medr1-border);
  }
  .chips .chip {
    max-width: 100%;
    min-height: 22px;
    padding: 0 8px;
    border-radius: 11px;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .body {
    position: relative;
    display: flex;
    flex: 1;
    min-height: 0;
  }
  medr1-data-facets {
    flex: none;
    width: 232px;
    border-right: 1px solid var(--medr1-border);
  }
  :host([narrow]) medr1-data-facets {
    position: absolute;
    z-index: 5;
    inset: 0 auto 0 0;
    width: min(300px, 85%);
    box-shadow: var(--medr1-shadow);
  }
  .main {
    display: flex;
    flex-direction: column;
    flex: 1;
    min-width: 0;
  }
  /* A click would be on questions that are about to go. */
  .main.stale medr1-data-grid {
    opacity: 0.6;
    pointer-events: none;
  }
  medr1-data-grid {
    flex: 1;
  }
  footer {
    border-top: 1px solid var(--medr1-border);
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
    padding: 4px 8px;
  }
  .space {
    flex: 1;
  }
  .bar medr1-menu {
    margin-left: auto;
  }
  .refusal,
  .job {
    display: flex;
    gap: 8px;
    align-items: center;
    justify-content: space-between;
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
    overflow-wrap: anywhere;
  }
  .job progress {
    flex: 1;
    min-width: 60px;
    accent-color: var(--medr1-accent);
  }
  .export {
    display: flex;
    flex-direction: column;
    width: 100%;
    text-align: left;
  }
  .views p {
    margin: 4px 8px;
    white-space: normal;
  }
  .tagging {
    display: flex;
    gap: 4px;
    margin-bottom: 4px;
  }
  .saved,
  .views form {
    display: flex;
    gap: 4px;
  }
  .views form {
    padding: 4px;
  }
  .views input {
    flex: 1;
    min-width: 0;
  }
  .apply {
    flex: 1;
    text-align: left;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .add {
    display: grid;
    gap: 24px;
    max-width: 64ch;
    padding: 16px;
    overflow: auto;
  }
  .add h3 {
    margin: 0 0 4px;
    font-size: inherit;
  }
  .add p {
    margin: 0 0 8px;
  }
  .add .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  pre {
    margin: 0;
    padding: 6px 8px;
    overflow: auto;
    font: var(--medr1-size-small) var(--medr1-font-code);
    background: var(--medr1-surface-2);
  }
  .unread {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .help {
    display: grid;
    grid-template-columns: max-content minmax(0, 1fr);
    gap: 4px 12px;
    width: min(340px, 80vw);
    margin: 4px;
  }
  .help dd {
    margin: 0;
  }
  .help code {
    font-family: var(--medr1-font-code);
  }
`;
