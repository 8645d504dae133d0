import { css } from 'lit';

/** Of the sign of a run's state, by its tone (`STATES` of model.ts). */
export const stateColours = css`
  .glyph.live {
    color: var(--medr1-accent);
  }
  .glyph.right {
    color: var(--medr1-right);
  }
  .glyph.wrong {
    color: var(--medr1-wrong);
  }
  .glyph.warning {
    color: var(--medr1-warn-text);
  }
`;

export const style = css`
  :host {
    height: 100%;
    overflow: auto;
    container-type: inline-size;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    align-items: center;
    position: relative;
    padding: 4px 64px 4px 8px;
    min-height: 32px;
    border-bottom: 1px solid var(--medr1-border);
    font-size: var(--medr1-size-small);
  }
  header button {
    position: absolute;
    top: 4px;
    right: 4px;
    padding: 2px 4px;
  }
  header button:has(+ button) {
    right: 32px;
  }
  .search {
    padding: 4px 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .search {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  .search input {
    flex: 1 1 140px;
    min-width: 0;
  }
  .group {
    margin: 0;
    padding: 8px 8px 4px;
    font-size: inherit;
    overflow-wrap: anywhere;
  }
  .pad {
    margin: 0;
    padding: 8px;
  }
  .facts .chip {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .device {
    flex: 1 0 100%;
    min-width: 0;
  }
  header .number {
    min-width: 5ch; /* of "100 %": a moving number moves no row */
  }
  header .memory {
    min-width: 19ch; /* of "10.1 GiB / 23.5 GiB" */
    text-align: left;
  }
  .spring {
    flex: 1;
  }
  .problem {
    display: flex;
    gap: 8px;
    align-items: start;
    padding: 8px;
    border-bottom: 1px solid var(--medr1-border);
  }
  .problem span:first-child {
    flex: 1;
    overflow-wrap: anywhere;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    border-bottom: 1px solid var(--medr1-border);
    border-left: 3px solid var(--colour);
    padding-left: calc(var(--depth) * 12px);
    content-visibility: auto; /* of hundreds of rows those that are seen are laid out */
    contain-intrinsic-block-size: auto 46px;
  }
  li.selected {
    background: var(--medr1-surface-2);
  }
  li.selected .secondary {
    color: var(--medr1-text); /* the second text colour is too faint on this surface */
  }
  .pick {
    display: grid;
    grid-template-columns: 16px minmax(0, 1fr) auto auto;
    gap: 2px 8px;
    align-items: center;
    width: 100%;
    padding: 4px 8px 4px 4px;
    text-align: left;
    font-weight: inherit;
  }
  .pick[aria-pressed] {
    border-color: transparent;
    box-shadow: none;
  }
  .pick:focus-visible {
    outline-offset: -2px; /* the row shows nothing beyond its edges, but below, where the actions are */
  }
  .name {
    font-weight: 600;
  }
  .reward {
    min-width: 4ch;
  }
  .facts {
    grid-column: 2 / -1;
    display: flex;
    flex-wrap: wrap;
    gap: 0 8px;
    align-items: center;
  }
  .waiting {
    min-width: 0;
    white-space: normal;
    overflow-wrap: anywhere;
  }
  .facts svg {
    color: var(--medr1-accent);
  }
  .glyph {
    text-align: center;
  }
  ${stateColours}
  .row-actions {
    display: flex;
    flex-wrap: wrap; /* a run that waits has more buttons than a narrow panel is wide */
    gap: 2px;
    padding: 0 4px 4px 24px;
  }
  .row-actions button {
    display: inline-flex;
    align-items: center;
    padding: 2px 4px;
  }
  .icon {
    display: block;
  }
  .trouble {
    margin: 0;
    padding: 0 8px 4px 28px;
    overflow-wrap: anywhere;
  }
  .rollback {
    display: flex;
    gap: 4px;
    width: 100%;
    padding: 0 8px 4px 16px; /* as deep as a fork of the run */
    text-align: left;
    font-weight: inherit;
  }
  .tour {
    padding: 8px;
    border: 1px solid var(--medr1-accent);
    margin: 4px;
  }
  .tour h3 {
    margin: 0 0 4px;
    font-size: inherit;
  }
  .tour p {
    margin: 0 0 8px;
  }
  .tour .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
  }
  .foot {
    margin: 0;
    padding: 4px 8px;
  }
`;
