import { css } from 'lit';

export const style = css`
  .toolbar input[type='search'] {
    flex: 1 1 100px;
    min-width: 80px;
    max-width: 200px;
  }
  .toolbar input[type='range'] {
    flex: 1 1 60px;
    max-width: 130px;
  }
  .toolbar label:has([type='range']) {
    min-width: 0;
    max-width: 100%;
  }
  .menus {
    display: inline-flex;
    gap: 4px;
    margin-left: auto; /* their panels open to the left */
  }
  .reading {
    width: 4ch;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    padding: 4px 8px;
  }
  .run {
    display: inline-flex;
    gap: 6px;
    align-items: center;
    min-width: 0;
    max-width: 100%;
    min-height: 22px;
    background: none;
  }
  .run[aria-pressed] {
    box-shadow: none;
    border-color: var(--medr1-border);
  }
  .run[aria-pressed='false'] {
    opacity: 0.6;
  }
  .run i {
    forced-color-adjust: none;
    flex: none;
    width: 10px;
    height: 10px;
    border: 1px solid var(--medr1-text-2);
    border-radius: 50%;
  }
  .chip-of {
    display: inline-flex;
    max-width: 100%;
  }
  .swatches,
  .saved {
    display: flex;
    gap: 4px;
  }
  .swatches {
    flex-wrap: wrap;
    width: 180px; /* of a panel that is as wide as it has to be: it stays in a narrow view */
  }
  .saved > :first-child {
    flex: 1;
    text-align: left;
  }
  .swatch {
    width: 24px;
    padding: 0;
  }
  .swatch[aria-checked='true'] {
    outline: 2px solid var(--medr1-text);
    outline-offset: 1px;
  }
  .toolbar medr1-menu > button {
    display: block;
    width: 100%;
    text-align: left;
  }
  .group {
    padding: 0 8px 4px;
  }
  .fold {
    padding: 2px 0;
    font-weight: 600;
  }
  .charts {
    display: grid;
    grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
    gap: 4px;
  }
  .large {
    grid-column: 1 / -1 !important; /* over its own span */
  }
`;
