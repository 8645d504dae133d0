import { css } from 'lit';

export const style = css`
  section {
    border: 1px solid var(--medr1-border);
    padding: 2px 4px 4px;
  }
  header {
    display: flex;
    gap: 4px;
    align-items: center;
  }
  h4 {
    margin: 0;
    padding-left: 4px;
    font-size: inherit;
    font-weight: 600;
    cursor: help;
  }
  header button {
    display: inline-flex;
    align-items: center;
    min-height: 20px;
    padding: 0 4px;
    font-size: 11px;
    opacity: 0;
  }
  section:hover header button,
  section:focus-within header button,
  header button[aria-pressed='true'] {
    opacity: 1;
  }
  header button[aria-pressed='true'] {
    border-color: transparent;
    box-shadow: none;
    color: var(--medr1-accent);
  }
  .spring {
    flex: 1;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    align-content: start;
    height: calc(2 * 1.4em); /* two lines, so that neighbouring charts stand level */
    padding: 0 4px;
    overflow: auto;
  }
  :host(.large) .legend {
    height: auto;
  }
  .entry {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    min-width: 0;
    max-width: 100%;
  }
  .entry b {
    flex: none;
    min-width: 5ch;
    font-weight: 600;
  }
  i {
    display: inline-block;
    flex: none;
    width: 16px;
    height: 0;
    border-top: 2px solid;
  }
  .area {
    position: relative;
    touch-action: pan-y;
    cursor: crosshair;
    overflow: hidden;
  }
  .area:has(.tooltip) {
    overflow: visible;
  }
  .plot {
    position: absolute;
    inset: 0;
  }
  .plot .svg-container {
    position: relative;
  }
  .plot .main-svg {
    position: absolute;
    top: 0;
    left: 0;
    pointer-events: none;
  }
  .plot svg {
    overflow: hidden;
    background: none !important;
  }
  .none {
    position: absolute;
    inset: 40% 0 auto;
    margin: 0;
    text-align: center;
  }
  .line {
    position: absolute;
    top: 6px;
    bottom: 22px;
    width: 0;
    border-left: 1px solid var(--medr1-text-2);
    pointer-events: none;
  }
  .line.step {
    border-left: 2px solid var(--medr1-accent);
    opacity: 0.6;
  }
  .line.mark {
    border-left-style: dashed;
    opacity: 0.7;
  }
  .glyph {
    position: absolute;
    bottom: 16px;
    min-height: 0;
    padding: 0;
    transform: translateX(-50%);
    font-size: 10px;
    line-height: 14px;
  }
  .glyph.alert {
    color: var(--medr1-warn-text);
  }
  .glyph.rewards {
    top: 0;
    bottom: auto;
  }
  .brush {
    position: absolute;
    top: 6px;
    bottom: 22px;
    background: var(--medr1-accent);
    opacity: 0.15;
    pointer-events: none;
  }
  .tooltip {
    position: absolute;
    top: 8px;
    z-index: 10;
    border: 1px solid var(--medr1-border);
    border-collapse: collapse;
    background: var(--medr1-surface);
    pointer-events: none;
    white-space: nowrap;
  }
  .tooltip th {
    text-align: left;
    font-weight: 600;
  }
  .tooltip th.number {
    text-align: right;
    font-weight: 400;
  }
  .tooltip .label {
    max-width: 160px;
  }
  .tooltip td,
  .tooltip th {
    padding: 1px 6px;
  }
`;
